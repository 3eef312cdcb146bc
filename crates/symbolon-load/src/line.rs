//! A member's connection: WebRTC, or the bare line to the null reflector.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::crypto::CryptoProvider;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig, RtcError};
use symbolon_proto::message::Kind;

use crate::access::Offer;
use crate::bare::BareLine;

/// What came of the last call.
#[derive(Debug)]
pub(crate) enum LineEvent {
    Connected,
    /// A decrypted payload.
    Packet(Arc<[u8]>),
    KeyframeWanted,
    Lost(String),
}

/// A packet to send: of which track, and what.
pub(crate) struct Packet {
    pub(crate) kind: Kind,
    pub(crate) time: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
}

/// One member's connection.
pub(crate) enum Line {
    Rtc(Box<RtcLine>),
    Bare(Box<BareLine>),
}

impl Line {
    pub(crate) fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &mut [u8], net: &mut Net<'_>) {
        match self {
            Self::Rtc(line) => line.receive(now, from, bytes, net),
            Self::Bare(line) => line.receive(bytes, net),
        }
    }

    pub(crate) fn tick(&mut self, now: Instant, net: &mut Net<'_>) {
        match self {
            Self::Rtc(line) => line.change(now, net, |rtc| rtc.handle_input(Input::Timeout(now))),
            Self::Bare(line) => line.tick(now, net),
        }
    }

    pub(crate) fn send(&mut self, now: Instant, packet: Packet, net: &mut Net<'_>) {
        match self {
            Self::Rtc(line) => line.send(now, packet, net),
            Self::Bare(line) => line.send(packet, net),
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        match self {
            Self::Rtc(line) => line.deadline,
            Self::Bare(line) => line.deadline(),
        }
    }
}

/// Where a line sends, and says what came of it.
pub(crate) struct Net<'a> {
    pub(crate) socket: &'a UdpSocket,
    pub(crate) events: &'a mut Vec<LineEvent>,
}

impl Net<'_> {
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr) {
        // A full buffer loses it as the network might.
        let _ = self.socket.send_to(bytes, to);
    }
}

/// One `Rtc` of str0m, kept to its contract: one change, then drain.
pub(crate) struct RtcLine {
    rtc: Rtc,
    local: SocketAddr,
    pending: Option<SdpPendingOffer>,
    tracks: Vec<Track>,
    deadline: Instant,
    lost: bool,
}

struct Track {
    kind: Kind,
    mid: Mid,
    pt: Option<Pt>,
    seq: u64,
}

impl RtcLine {
    pub(crate) fn new(now: Instant, local: SocketAddr, provider: Arc<CryptoProvider>) -> Self {
        let config = RtcConfig::new().set_crypto_provider(provider).set_rtp_mode(true);
        // Nobody asks a publisher for more than what was lost just now.
        let config = config.clear_codecs().enable_opus(true, false).enable_vp8(true).set_send_buffer_video(SEND_BUFFER);
        let mut rtc = config.build(now);
        if let Ok(candidate) = Candidate::host(local, Protocol::Udp) {
            rtc.add_local_candidate(candidate);
        }
        Self { rtc, local, pending: None, tracks: Vec::new(), deadline: now + FAR, lost: false }
    }

    /// Offers to send these kinds and to receive so many of each.
    pub(crate) fn offer(&mut self, publish: &[Kind], slots: &[Kind]) -> Offer {
        let mut api = self.rtc.sdp_api();
        let mut add = |kind: Kind, direction| api.add_media(media_kind(kind), direction, None, None, None);
        let published: Vec<_> = publish.iter().map(|kind| (*kind, add(*kind, Direction::SendOnly))).collect();
        let slots = slots.iter().map(|kind| (*kind, add(*kind, Direction::RecvOnly).to_string())).collect();
        let (sdp, pending) = api.apply().expect("a member either sends or receives");
        self.pending = Some(pending);
        self.tracks = published.iter().map(|(kind, mid)| Track { kind: *kind, mid: *mid, pt: None, seq: 0 }).collect();
        let publish = published.into_iter().map(|(kind, mid)| (kind, mid.to_string())).collect();
        Offer { sdp: sdp.to_sdp_string(), publish, slots }
    }

    /// Takes the answer to the offer.
    pub(crate) fn accept(&mut self, now: Instant, sdp: &str) -> Result<(), RtcError> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|_| RtcError::RemoteSdp("the answer is no SDP".into()))?;
        let Some(pending) = self.pending.take() else { return Ok(()) };
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        for track in &mut self.tracks {
            let is_video = track.kind == Kind::Video;
            let params = self.rtc.codec_config().find(|params| params.spec().codec.is_video() == is_video);
            track.pt = params.map(|params| params.pt());
        }
        self.deadline = now;
        Ok(())
    }

    /// Answers the server's offer.
    pub(crate) fn answer(&mut self, now: Instant, sdp: &str) -> Result<String, RtcError> {
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|_| RtcError::RemoteSdp("the offer is no SDP".into()))?;
        let answer = self.rtc.sdp_api().accept_offer(offer)?;
        self.deadline = now;
        Ok(answer.to_sdp_string())
    }

    fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], net: &mut Net<'_>) {
        if let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, bytes) {
            self.change(now, net, |rtc| rtc.handle_input(Input::Receive(now, receive)));
        }
    }

    fn send(&mut self, now: Instant, packet: Packet, net: &mut Net<'_>) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind == packet.kind) else { return };
        let Some(pt) = track.pt else { return };
        track.seq += 1;
        let (mid, seq, is_video) = (track.mid, track.seq, track.kind == Kind::Video);
        let ext = ExtensionValues {
            audio_level: (!is_video).then_some(LEVEL_DB),
            voice_activity: (!is_video).then_some(true),
            ..ExtensionValues::default()
        };
        let write = RtpWrite::new(pt, seq.into(), packet.time, now, packet.payload);
        let write = write.marker(packet.marker).ext_vals(ext).nackable(is_video);
        self.change(now, net, |rtc| {
            let mut api = rtc.direct_api();
            if let Some(stream) = api.stream_tx_by_mid(mid, None) {
                stream.write_rtp(write);
            }
            rtc.handle_input(Input::Timeout(now))
        });
    }

    fn change(&mut self, now: Instant, net: &mut Net<'_>, change: impl FnOnce(&mut Rtc) -> Result<(), RtcError>) {
        if self.lost {
            return;
        }
        let outcome = change(&mut self.rtc).and_then(|()| self.drain(now, net));
        if let Err(error) = outcome {
            self.lose(error.to_string(), net);
        }
    }

    fn drain(&mut self, now: Instant, net: &mut Net<'_>) -> Result<(), RtcError> {
        for _ in 0..MOST_OUTPUTS {
            match self.rtc.poll_output()? {
                Output::Timeout(at) if at <= now => self.rtc.handle_input(Input::Timeout(now))?,
                Output::Timeout(at) => {
                    self.deadline = at;
                    return Ok(());
                }
                Output::Transmit(transmit) => net.send(&transmit.contents, transmit.destination),
                Output::Event(event) => self.take(event, net),
            }
        }
        self.deadline = now + SOON;
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "str0m's events are open-ended")]
    fn take(&mut self, event: Event, net: &mut Net<'_>) {
        match event {
            Event::RtpPacket(packet) => net.events.push(LineEvent::Packet(packet.payload)),
            Event::Connected => net.events.push(LineEvent::Connected),
            Event::KeyframeRequest(_) => net.events.push(LineEvent::KeyframeWanted),
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.lose("no answer on the media path".to_owned(), net);
            }
            Event::Closed => self.lose("the server closed the media connection".to_owned(), net),
            _ => {}
        }
    }

    fn lose(&mut self, why: String, net: &mut Net<'_>) {
        self.lost = true;
        self.deadline += FAR;
        net.events.push(LineEvent::Lost(why));
    }
}

fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

/// Loud enough to be heard.
const LEVEL_DB: i8 = -20;
const SEND_BUFFER: usize = 2_048;
const FAR: Duration = Duration::from_secs(86_400);
const SOON: Duration = Duration::from_millis(1);
/// More than any input leads to.
const MOST_OUTPUTS: usize = 10_000;
