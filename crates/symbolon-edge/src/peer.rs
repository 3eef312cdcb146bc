//! One WebRTC connection: the media library's contract, and the net under it.
//!
//! The library wants one change at a time, each followed by draining everything that came of it. Every method here does
//! one change and drains; none does half of it. A panic inside the library costs this peer and nobody else: this is
//! the only place that catches one, and a peer that panicked is never entered again.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::bwe::{Bitrate, BweKind};
use str0m::change::SdpOffer;
use str0m::config::DtlsCert;
use str0m::format::{CodecConfig, PayloadParams};
use str0m::media::{KeyframeRequestKind, Mid, Rid};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{Extension, ExtensionMap, RtpPacket, Ssrc};
use str0m::stats::PeerStats;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, PacerReason, Reason, Rtc, RtcConfig, RtcError};

use crate::answer::in_offered_order;
use crate::entropy::IceSecrets;
use crate::forward::PublicationKey;
use crate::happening::MediaLoss;
use crate::offer::{Refusal, invalid};
use crate::reach::Reach;
use crate::route::{Label, Outgoing, Packet};
use crate::stats::DropCause;

/// One WebRTC connection and its outgoing streams.
pub(crate) struct Peer {
    rtc: Rtc,
    state: State,
    secrets: IceSecrets,
    fingerprint: String,
    slots: BTreeMap<Mid, Outgoing>,
    nacks: BTreeMap<(Side, Mid), u64>,
    reach: Reach,
    line: Line,
    /// Whether video goes out as it comes in, and not evenly within what the line carries.
    rushes: bool,
    /// The worst that a slot reported of loss since the last figures, 0 to 1.
    loss: Option<f32>,
    /// How many bytes had been sent at the last figures, and when that was.
    sent: Option<(u64, Instant)>,
    /// When the last datagram came.
    heard_at: Instant,
    /// Where the datagram being dealt with came from.
    heard_from: Option<SocketAddr>,
    deadline: Instant,
    /// Packets have been written that are not sent yet.
    unsent: bool,
    /// What went wrong with one of them.
    failed: Option<MediaLoss>,
}

/// Who asked for a retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Client,
    Edge,
}

/// Whether the line towards the client is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Never: there is no slot for video.
    Unmeasured,
    /// Not now, since then: nothing that could be too much is sent.
    Resting(Instant),
    /// It is.
    Measured,
}

/// How far the media path has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// ICE and DTLS are under way, until then.
    Connecting { until: Instant },
    /// The client has closed its side in good order. A client that leaves does this as well, and its word of leaving takes
    /// another way: it has until then to come.
    Closed { until: Instant },
    /// Media flows.
    Connected,
    /// The client's checks have stopped. Nothing is sent; it may come back until then.
    Silent { until: Instant },
    /// Over; the peer waits to be forgotten.
    Gone,
}

/// What came of one change.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    /// Datagrams to send.
    pub(crate) datagrams: VecDeque<Transmit>,
    /// What happened, in order.
    pub(crate) events: VecDeque<PeerEvent>,
}

/// What a peer reports.
#[derive(Debug)]
pub(crate) enum PeerEvent {
    /// A media packet came in on this section.
    Media { mid: Mid, rid: Option<Rid>, params: PayloadParams, packet: Box<RtpPacket> },
    /// What the line towards the client is thought to carry, in bits a second, averaged over some seconds.
    Estimate(u64),
    /// How the line does, once a second.
    Line(Figures),
    /// The client cannot decode what a slot carries without a new keyframe.
    KeyframeWanted { slot: Mid },
    /// ICE and DTLS are done.
    Connected,
    /// It is heard again after a silence.
    Back,
    /// A datagram was not sent, because its address has yet to show that it receives.
    Withheld,
    /// Retransmissions that were asked for since the last report.
    Nacks { from_client: u64, to_client: u64 },
    /// The media path is lost for good.
    Lost(MediaLoss),
}

/// How to look into what a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// As before.
    Go,
    /// With a burst right away.
    Probe,
    /// From the beginning: nothing is sent from which anything could be learned.
    Anew,
}

/// How a line does, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// What it is thought to carry right now, in bits a second.
    pub(crate) estimate: Option<u64>,
    /// How much of what was sent was lost, 0 to 1.
    pub(crate) loss: Option<f32>,
    /// How long there and back takes.
    pub(crate) rtt: Option<Duration>,
    /// What was sent, in bits a second.
    pub(crate) sent: Option<u64>,
}

/// What all peers of an edge share.
pub(crate) struct PeerConfig {
    pub(crate) certificate: DtlsCert,
    pub(crate) candidates: Vec<SocketAddr>,
}

/// A peer without media this long after its offer is given up.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// ICE without a check from the client for 15 s counts as disconnected; after this it is given up.
const SILENT_FOR: Duration = Duration::from_secs(5);
/// A client whose media is closed in good order has this long to say that it leaves.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// What a line is taken to carry until more is known, in bits a second.
pub(crate) const FIRST_ESTIMATE: u64 = 1_000_000;
/// A line that is looked into again is taken to carry at least this.
const LEAST_ESTIMATE: u64 = 50_000;
/// What is under way when a line comes to rest is done with by then.
const SETTLE: Duration = Duration::from_secs(2);
/// A line that rests is looked after no more often than this.
const REST: Duration = Duration::from_millis(500);
/// Packets kept for retransmission to a subscriber, for each video slot: 2 s of 2.5 Mbit/s.
const RESEND_VIDEO: usize = 600;
/// How long they are kept.
const RESEND_WITHIN: Duration = Duration::from_secs(3);
/// A client that receives media tells of it several times a second. Where nothing at all came for so long, the line was dead, and
/// more is lost than retransmission mends.
const DEAD_AFTER: Duration = Duration::from_secs(2);
/// Most of what a slot sends that may be retransmission. At the library's own 0.15 a line that loses every fifth packet
/// stops the picture; half leaves room for packets that are lost twice, and a client cannot ask for more than is sent.
const RESEND_SHARE: f32 = 0.5;
/// How often the library reports its counters, and what the client's reports acknowledge.
const STATS_EVERY: Duration = Duration::from_secs(1);
/// Rounds of draining that may want to go on at once. The library needs two or three for each packet of a batch.
const MAX_ROUNDS: usize = 1_024;

impl Peer {
    /// A peer that takes this offer, and its answer. Whether its line can ever be measured is settled here.
    pub(crate) fn accept(
        config: &PeerConfig,
        now: Instant,
        secrets: IceSecrets,
        fingerprint: String,
        sdp: &str,
        measured: bool,
        drained: &mut Drained,
    ) -> Result<(Self, String), Refusal> {
        let rtc =
            catch_unwind(AssertUnwindSafe(|| new_rtc(config, now, &secrets, measured))).map_err(|_| unusable())?;
        let state = State::Connecting { until: now + CONNECT_WITHIN };
        let mut peer = Self {
            rtc,
            state,
            secrets,
            fingerprint,
            slots: BTreeMap::new(),
            nacks: BTreeMap::new(),
            reach: Reach::default(),
            line: if measured { Line::Resting(now) } else { Line::Unmeasured },
            rushes: false,
            loss: None,
            sent: None,
            heard_at: now,
            heard_from: None,
            deadline: now,
            unsent: false,
            failed: None,
        };
        match peer.negotiate(now, sdp, || unreachable!("the first offer restarts nothing"), drained) {
            Ok(answer) => Ok((peer, answer)),
            Err(refusal) => {
                // There never was such a peer, so nothing is to be heard of it.
                *drained = Drained::default();
                Err(refusal)
            }
        }
    }

    /// Takes another offer. When it restarts ICE, the new secrets come from `fresh` and from nowhere else.
    pub(crate) fn renegotiate(
        &mut self,
        now: Instant,
        fingerprint: &str,
        sdp: &str,
        fresh: impl FnOnce() -> IceSecrets,
        drained: &mut Drained,
    ) -> Result<String, Refusal> {
        if fingerprint != self.fingerprint {
            return Err(invalid("the certificate of a connection cannot change; join again with a new one"));
        }
        self.negotiate(now, sdp, fresh, drained)
    }

    fn negotiate(
        &mut self,
        now: Instant,
        sdp: &str,
        fresh: impl FnOnce() -> IceSecrets,
        drained: &mut Drained,
    ) -> Result<String, Refusal> {
        if self.state == State::Gone {
            return Err(unusable());
        }
        let answer = self.enter(|rtc| {
            let offer = SdpOffer::from_sdp_string(sdp).map_err(|_| RtcError::RemoteSdp(String::new()))?;
            rtc.handle_input(Input::Timeout(now))?;
            let answer = rtc.sdp_api().accept_offer(offer)?.to_sdp_string();
            Ok((answer, rtc.direct_api().local_ice_credentials()))
        });
        let (mut answer, used) = answer.map_err(|failure| {
            // The library may have taken over half of the offer, even secrets of its own: do not go on with it.
            self.lose(failure.into(), drained);
            match failure {
                Failure::Refused => invalid("the offer is no session description that this server can answer"),
                Failure::Defect => unusable(),
            }
        })?;
        let ours = self.secrets.to_creds();
        if used != ours {
            // An ICE restart: the library made up secrets of its own, which must not be used.
            let secrets = fresh();
            let creds = secrets.to_creds();
            answer = answer.replace(&used.ufrag, &creds.ufrag).replace(&used.pass, &creds.pass);
            let set = self.enter(|rtc| {
                rtc.direct_api().set_local_ice_credentials(creds);
                Ok(())
            });
            set.map_err(|_| unusable())?;
            self.secrets = secrets;
        }
        self.slots.values_mut().for_each(Outgoing::forget_payload_types);
        self.drain(now, drained);
        Ok(in_offered_order(sdp, &answer))
    }

    /// The secrets in use.
    pub(crate) fn secrets(&self) -> &IceSecrets {
        &self.secrets
    }

    /// When to [`tick`](Self::tick).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Connecting { until } | State::Silent { until } => Some(until.min(self.deadline)),
            State::Connected => Some(self.deadline),
            State::Closed { until } => Some(until),
            State::Gone => None,
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant, drained: &mut Drained) {
        match self.state {
            State::Connecting { until } if until <= now => self.lose(MediaLoss::NeverConnected, drained),
            State::Silent { until } if until <= now => self.lose(MediaLoss::ConsentLost, drained),
            State::Closed { until } if until <= now => self.lose(MediaLoss::SessionFailed, drained),
            State::Gone | State::Closed { .. } => {}
            State::Connecting { .. } | State::Silent { .. } | State::Connected => {
                self.change(now, drained, |rtc| rtc.handle_input(Input::Timeout(now)));
            }
        }
    }

    /// A datagram that the demultiplexer found to be this peer's.
    ///
    /// # Errors
    /// Why it was dropped.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
        drained: &mut Drained,
    ) -> Result<(), DropCause> {
        let received = Receive::new(Protocol::Udp, source, destination, bytes);
        let received = received.map_err(|_| DropCause::UnknownProtocol)?;
        let connected = self.state != State::Gone && self.rtc.is_connected();
        let silence = now.saturating_duration_since(std::mem::replace(&mut self.heard_at, now));
        self.heard_from = Some(source);
        if is_report(bytes) {
            self.reach.reported(source);
        }
        match self.enter(|rtc| rtc.handle_input(Input::Receive(now, received))) {
            Ok(()) => {}
            // Once a session stands, a datagram that it refuses is noise from the network and changes nothing.
            Err(Failure::Refused) if connected && self.rtc.is_alive() => return Err(DropCause::RefusedByPeer),
            Err(failure) => {
                self.lose(failure.into(), drained);
                return Err(DropCause::RefusedByPeer);
            }
        }
        if silence >= DEAD_AFTER && self.state == State::Connected {
            drained.events.push_back(PeerEvent::Back);
        }
        self.drain(now, drained);
        Ok(())
    }

    /// Carries a publication in a slot from now on, or nothing.
    pub(crate) fn carry(&mut self, slot: Mid, publication: Option<PublicationKey>) {
        self.slots.entry(slot).or_default().carry(publication);
    }

    /// What a slot carries.
    pub(crate) fn carries(&self, slot: Mid) -> Option<PublicationKey> {
        self.slots.get(&slot).and_then(Outgoing::carries)
    }

    /// Sends this layer of what a slot carries from its next keyframe on, or nothing from now on. Says whether that is new.
    pub(crate) fn aim(&mut self, slot: Mid, layer: Option<u8>) -> bool {
        self.slots.get_mut(&slot).is_some_and(|outgoing| outgoing.aim(layer))
    }

    /// Whether a layer has a use in a slot.
    pub(crate) fn takes(&self, slot: Mid, layer: u8) -> bool {
        self.slots.get(&slot).is_some_and(|outgoing| outgoing.takes(layer))
    }

    /// Which layer is to be sent in a slot.
    pub(crate) fn target(&self, slot: Mid) -> Option<u8> {
        self.slots.get(&slot).and_then(Outgoing::target)
    }

    /// Whether more video is sent than the line is thought to carry. It then goes out as it comes in: what has to wait until it fits
    /// would only come late.
    pub(crate) fn rush(&mut self, rushes: bool, is_video: impl Fn(Mid) -> bool) {
        if std::mem::replace(&mut self.rushes, rushes) == rushes {
            return;
        }
        let streams: Vec<_> =
            self.slots.iter().filter(|(slot, _)| is_video(**slot)).filter_map(|(_, outgoing)| outgoing.ssrc).collect();
        let set = self.enter(|rtc| {
            let mut api = rtc.direct_api();
            for ssrc in streams {
                if let Some(stream) = api.stream_tx(&ssrc) {
                    stream.set_unpaced(rushes);
                }
            }
            Ok(())
        });
        debug_assert!(set.is_ok() || self.state == State::Gone, "nothing in there can fail");
    }

    /// Whether the line has come to rest only now, and is to be told again that it has.
    pub(crate) fn settles(&self, now: Instant) -> bool {
        matches!(self.line, Line::Resting(since) if now.saturating_duration_since(since) < SETTLE)
    }

    /// Whether what the line carries can be known.
    pub(crate) fn may_be_measured(&self) -> bool {
        self.line != Line::Unmeasured
    }

    /// Looks into what the line carries, up to this many bits a second, or no longer where nothing is wanted. `known` is what it was last thought to carry.
    pub(crate) fn measure(
        &mut self,
        now: Instant,
        wanted: u64,
        search: Search,
        known: Option<u64>,
        drained: &mut Drained,
    ) {
        let line = match (self.line, wanted) {
            (Line::Unmeasured, _) => return,
            (Line::Measured, 0) => Line::Resting(now),
            (resting @ Line::Resting(_), 0) => resting,
            _ => Line::Measured,
        };
        let before = std::mem::replace(&mut self.line, line);
        let settles = self.settles(now);
        self.change(now, drained, |rtc| {
            // Nothing is sent to find out about a line that is taken to carry nothing.
            if settles {
                rtc.bwe().reset(Bitrate::ZERO);
            } else if line == Line::Measured && (before != line || search == Search::Anew) {
                let least = if search == Search::Anew { LEAST_ESTIMATE } else { FIRST_ESTIMATE };
                rtc.bwe().reset(Bitrate::bps(known.unwrap_or(0).max(least)));
            }
            if search == Search::Probe {
                // The library probes when more is wanted than before.
                rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(1));
                rtc.handle_input(Input::Timeout(now))?;
            }
            rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(wanted));
            rtc.handle_input(Input::Timeout(now))
        });
    }

    /// The slots that carry something, and what.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (Mid, PublicationKey)> + '_ {
        self.slots.iter().filter_map(|(slot, outgoing)| Some((*slot, outgoing.carries()?)))
    }

    /// Whether media can flow.
    pub(crate) fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Writes a packet into a slot. It goes out with the next [`send`](Self::send); says whether it is the first since
    /// the last one.
    ///
    /// # Errors
    /// Why it was not written.
    pub(crate) fn write(&mut self, slot: Mid, packet: &Packet) -> Result<bool, DropCause> {
        // Nothing is queued for a path that does not stand: it would only come late.
        if self.state != State::Connected {
            return Err(DropCause::AwaitingKeyframe);
        }
        let outgoing = self.slots.get_mut(&slot).ok_or(DropCause::NotPublished)?;
        let rtc = &self.rtc;
        let label = outgoing.label(packet.params, || label(rtc, slot, packet.params));
        let write = outgoing.rewrite(packet, label.ok_or(DropCause::NoCodec)?)?;
        let ssrc = outgoing.ssrc;
        let rushes = self.rushes && packet.params.spec().codec.is_video();
        let written = self.enter(|rtc| {
            let mut api = rtc.direct_api();
            let stream = match ssrc {
                Some(ssrc) => api.stream_tx(&ssrc),
                None => api.stream_tx_by_mid(slot, None),
            };
            let Some(stream) = stream else { return Ok(None) };
            if ssrc.is_none() && packet.params.spec().codec.is_video() {
                stream.set_rtx_cache(RESEND_VIDEO, RESEND_WITHIN, Some(RESEND_SHARE));
            }
            let found = stream.ssrc();
            if ssrc.is_none() && rushes {
                stream.set_unpaced(true);
            }
            stream.write_rtp(write);
            Ok(Some(found))
        });
        match written {
            Ok(Some(ssrc)) => self.note_ssrc(slot, ssrc),
            Ok(None) => return Err(DropCause::NoCodec),
            Err(failure) => self.failed = Some(failure.into()),
        }
        Ok(!std::mem::replace(&mut self.unsent, true))
    }

    /// Sends what has been written.
    pub(crate) fn send(&mut self, now: Instant, drained: &mut Drained) {
        self.unsent = false;
        if let Some(cause) = self.failed.take() {
            return self.lose(cause, drained);
        }
        self.change(now, drained, |rtc| rtc.handle_input(Input::Timeout(now)));
    }

    /// Asks the client for a keyframe of the stream that it sends with this SSRC. Says whether there is one.
    pub(crate) fn request_keyframe(&mut self, now: Instant, ssrc: Ssrc, drained: &mut Drained) -> bool {
        if self.state != State::Connected {
            return false;
        }
        let mut found = false;
        self.change(now, drained, |rtc| {
            if let Some(stream) = rtc.direct_api().stream_rx(&ssrc) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
                found = true;
            }
            rtc.handle_input(Input::Timeout(now))
        });
        found
    }

    fn note_ssrc(&mut self, slot: Mid, ssrc: Ssrc) {
        if let Some(outgoing) = self.slots.get_mut(&slot) {
            outgoing.ssrc = Some(ssrc);
        }
    }

    /// One change, then everything that came of it.
    fn change(&mut self, now: Instant, drained: &mut Drained, change: impl FnOnce(&mut Rtc) -> Result<(), RtcError>) {
        match self.enter(change) {
            Ok(()) => self.drain(now, drained),
            Err(failure) => self.lose(failure.into(), drained),
        }
    }

    fn drain(&mut self, now: Instant, drained: &mut Drained) {
        for _ in 0..MAX_ROUNDS {
            match self.enter(Rtc::poll_output) {
                Ok(Output::Timeout(at)) if at <= now => {
                    if let Err(failure) = self.enter(|rtc| rtc.handle_input(Input::Timeout(now))) {
                        return self.lose(failure.into(), drained);
                    }
                }
                Ok(Output::Timeout(at)) => {
                    self.deadline = if self.may_rest() { at.max(now + REST) } else { at };
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.transmit(now, transmit, drained),
                Ok(Output::Event(event)) => self.note(now, event, drained),
                Err(failure) => return self.lose(failure.into(), drained),
            }
        }
        self.deadline = now + Duration::from_millis(1);
    }

    /// Whether all that the library wants to be woken for is its look at a line that nothing is sent on.
    fn may_rest(&self) -> bool {
        use Reason::{BweDelayControl, BweProbeControl, BweProbeEstimator, Pacer};
        let reason = self.rtc.last_timeout_reason();
        let idle = matches!(reason, Pacer(PacerReason::Handle) | BweDelayControl | BweProbeControl | BweProbeEstimator);
        idle && self.line != Line::Measured && self.state == State::Connected
    }

    /// An answer to a check is never larger than the check was; everything else has to be wanted where it goes.
    fn transmit(&mut self, now: Instant, transmit: Transmit, drained: &mut Drained) {
        let is_answer = transmit.contents.first().is_some_and(|first| *first < 4);
        let slots = &self.slots;
        let marks = || slots.iter().map(|(slot, outgoing)| (*slot, outgoing.highest_seq())).collect();
        if is_answer || self.reach.admits(now, transmit.destination, transmit.contents.len(), marks) {
            drained.datagrams.push_back(transmit);
        } else {
            drained.events.push_back(PeerEvent::Withheld);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library reports much that does not matter here")]
    fn note(&mut self, now: Instant, event: Event, drained: &mut Drained) {
        let event = match event {
            Event::RtpPacket(packet) => match self.media(packet) {
                Some(event) => event,
                None => return,
            },
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) if self.line == Line::Measured => {
                PeerEvent::Estimate(estimate.as_u64())
            }
            Event::KeyframeRequest(request) => PeerEvent::KeyframeWanted { slot: request.mid },
            Event::Connected => {
                self.state = State::Connected;
                if let Some(address) = self.heard_from {
                    self.reach.prove(address);
                }
                PeerEvent::Connected
            }
            Event::IceConnectionStateChange(state) => return self.note_ice(now, state),
            Event::Closed => {
                self.state = State::Closed { until: now + GOODBYE_WITHIN };
                return;
            }
            Event::MediaEgressStats(stats) => {
                if self.slots.get(&stats.mid).is_some_and(|slot| slot.target().is_some()) {
                    self.loss = [self.loss, stats.loss].into_iter().flatten().reduce(f32::max);
                }
                if let Some(remote) = &stats.remote {
                    self.reach.acknowledged(stats.mid, *remote.maximum_sequence_number);
                }
                self.nacks(Side::Client, stats.mid, stats.nacks)
            }
            Event::PeerStats(stats) if self.line == Line::Measured => PeerEvent::Line(self.figures(now, &stats)),
            Event::MediaIngressStats(stats) => self.nacks(Side::Edge, stats.mid, stats.nacks),
            // Media sections and data channels say nothing that is needed here.
            _ => return,
        };
        drained.events.push_back(event);
    }

    fn note_ice(&mut self, now: Instant, ice: IceConnectionState) {
        match (ice.is_disconnected(), self.state) {
            (true, State::Connected) => self.state = State::Silent { until: now + SILENT_FOR },
            (false, State::Silent { .. }) if ice.is_connected() => self.state = State::Connected,
            _ => {}
        }
    }

    fn figures(&mut self, now: Instant, stats: &PeerStats) -> Figures {
        let before = self.sent.replace((stats.peer_bytes_tx, now));
        let sent = before.map(|(bytes, at)| {
            let micros = now.saturating_duration_since(at).as_micros().max(1);
            (u128::from(stats.peer_bytes_tx.saturating_sub(bytes)) * 8 * 1_000_000 / micros) as u64
        });
        Figures { estimate: stats.bwe_tx.map(|rate| rate.as_u64()), loss: self.loss.take(), rtt: stats.rtt, sent }
    }

    fn media(&mut self, packet: RtpPacket) -> Option<PeerEvent> {
        let ssrc = packet.header.ssrc;
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&ssrc)?;
        let (mid, rid) = (stream.mid(), stream.rid());
        let pt = packet.header.payload_type;
        let params = *self.rtc.codec_config().find(|params| params.pt() == pt || params.red() == Some(pt))?;
        Some(PeerEvent::Media { mid, rid, params, packet: Box::new(packet) })
    }

    /// The library counts from the beginning of a stream; what is new since its last report is passed on.
    fn nacks(&mut self, side: Side, mid: Mid, total: u64) -> PeerEvent {
        let before = self.nacks.insert((side, mid), total).unwrap_or_default();
        let new = total.saturating_sub(before);
        let (from_client, to_client) = if side == Side::Client { (new, 0) } else { (0, new) };
        PeerEvent::Nacks { from_client, to_client }
    }

    fn lose(&mut self, cause: MediaLoss, drained: &mut Drained) {
        if self.state != State::Gone {
            self.state = State::Gone;
            drained.events.push_back(PeerEvent::Lost(cause));
        }
    }

    /// The one way into the library.
    fn enter<T>(&mut self, call: impl FnOnce(&mut Rtc) -> Result<T, RtcError>) -> Result<T, Failure> {
        if self.state == State::Gone {
            return Err(Failure::Refused);
        }
        // After a panic the value is not looked at again: the caller makes the peer `Gone`.
        match catch_unwind(AssertUnwindSafe(|| call(&mut self.rtc))) {
            Ok(result) => result.map_err(|_| Failure::Refused),
            Err(_) => Err(Failure::Defect),
        }
    }
}

/// Why a call into the library did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// It refused its input.
    Refused,
    /// It panicked.
    Defect,
}

impl From<Failure> for MediaLoss {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused => Self::SessionFailed,
            Failure::Defect => Self::Defect,
        }
    }
}

/// Whether a datagram is RTCP (RFC 5761, section 4).
fn is_report(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, kind, ..] if (64..96).contains(&(kind & 0x7F)))
}

fn unusable() -> Refusal {
    Refusal::new("media_unavailable", "the media session cannot be used any more; join again")
}

fn new_rtc(config: &PeerConfig, now: Instant, secrets: &IceSecrets, measured: bool) -> Rtc {
    let mut rtc = RtcConfig::new()
        .set_local_ice_credentials(secrets.to_creds())
        .set_dtls_cert(config.certificate.clone())
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .set_send_buffer_video(RESEND_VIDEO)
        .set_stats_interval(Some(STATS_EVERY))
        .enable_bwe(measured.then_some(Bitrate::ZERO))
        .clear_codecs()
        .enable_opus(true, true)
        .enable_vp8(true)
        .enable_h264(true)
        .enable_vp9(true)
        .enable_av1(true)
        .set_extension_map(extensions())
        .build(now);
    for address in &config.candidates {
        match Candidate::host(*address, "udp") {
            Ok(candidate) => {
                rtc.add_local_candidate(candidate);
            }
            Err(error) => tracing::warn!(%address, %error, "not a usable media address; it is not offered to clients"),
        }
    }
    rtc
}

/// The header extensions understood here: what the library has by default, and when a packet was captured and how
/// long it may be held.
fn extensions() -> ExtensionMap {
    let mut extensions = ExtensionMap::standard();
    extensions.set(6, Extension::PlayoutDelay);
    extensions.set(7, Extension::VideoContentType);
    extensions.set(9, Extension::AbsoluteCaptureTime);
    extensions
}

/// The payload types under which a slot's client knows this format.
fn label(rtc: &Rtc, slot: Mid, source: PayloadParams) -> Option<Label> {
    let media = rtc.media(slot)?;
    let known = rtc.codec_config().params().iter().filter(|params| media.remote_pts().contains(&params.pt()));
    let matching = CodecConfig::new_from_payload_params(known.copied().collect());
    let found = matching.match_params(source)?;
    Some(Label { pt: found.pt(), red: found.red() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;

    fn peer(now: Instant) -> Peer {
        let provider = str0m::crypto::from_feature_flags();
        let certificate = provider.dtls_provider.generate_certificate().unwrap();
        let config = PeerConfig { certificate, candidates: vec![SocketAddr::from(([10, 0, 0, 1], 7))] };
        let mut offerer = Rtc::new(now);
        let mut api = offerer.sdp_api();
        api.add_media(str0m::media::MediaKind::Audio, str0m::media::Direction::SendOnly, None, None, None);
        let offer = api.apply().unwrap().0.to_sdp_string();
        let secrets = IceSecrets::new(1, &Entropy::new([1; 64]));
        Peer::accept(&config, now, secrets, String::new(), &offer, false, &mut Drained::default()).ok().unwrap().0
    }

    #[test]
    fn a_defect_of_the_library_costs_one_peer() {
        let now = Instant::now();
        let mut peer = peer(now);
        let mut drained = Drained::default();
        assert!(peer.deadline().is_some());
        peer.change(now, &mut drained, |_| panic!("this panic is part of the test"));
        assert!(matches!(drained.events.pop_front(), Some(PeerEvent::Lost(MediaLoss::Defect))));
        let mut entered = false;
        peer.change(now, &mut drained, |_| {
            entered = true;
            Ok(())
        });
        assert!(!entered && drained.events.is_empty() && peer.deadline().is_none());
    }

    #[test]
    fn reports_are_told_from_media() {
        assert!(is_report(&[0x80, 200, 0]) && is_report(&[0x81, 206, 0]));
        assert!(!is_report(&[0x80, 96]) && !is_report(&[0x80, 0xE0]) && !is_report(&[22, 200]) && !is_report(&[]));
    }
}
