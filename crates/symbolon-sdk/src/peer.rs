//! The WebRTC connection to the edge: one `Rtc` of str0m, kept to its contract.
//!
//! str0m asks for one change and then to be drained until it names its next deadline. No method here does half of
//! that. A fault inside str0m, even a panic, ends this connection and nothing else: [`PeerEvent::Lost`], and the client
//! makes a fresh one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::{Codec as RtcCodec, PayloadParams};
use str0m::media::{Direction, Frequency, KeyframeRequestKind, MediaData, MediaKind, MediaTime};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event as RtcEvent, IceConnectionState, IceCreds, Input, Output, Rtc, RtcConfig, RtcError};
use symbolon_proto::id::Mid;
use symbolon_proto::message::Kind;

use crate::media::{Codec, EncodedFrame, Track};

/// Randomness for one connection, drawn by the driver.
pub type Entropy = [u8; 32];

/// What came of the last call.
#[derive(Debug)]
pub(crate) enum PeerEvent {
    /// Bytes for the network.
    Datagram {
        /// Where to.
        destination: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Media can flow.
    Connected,
    /// The other side wants a picture to start from.
    KeyframeWanted(Track),
    /// A whole frame has come in.
    Frame(SlotFrame),
    /// Nothing comes through, or the connection broke; a fresh one is needed.
    Lost,
}

/// A frame and the section that it came in.
#[derive(Clone, Debug)]
pub(crate) struct SlotFrame {
    pub(crate) mid: Mid,
    pub(crate) codec: Codec,
    pub(crate) data: Arc<[u8]>,
    pub(crate) timestamp: u64,
    pub(crate) keyframe: bool,
    pub(crate) contiguous: bool,
}

/// This side of a negotiation.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) sdp: String,
    pub(crate) publish: Vec<(Track, Mid)>,
    pub(crate) slots: Vec<(Kind, Mid)>,
}

/// One connection. Lives from the opening of a WebSocket to its end.
pub(crate) struct Peer {
    rtc: Rtc,
    local: SocketAddr,
    connected: bool,
    lost: bool,
    pending: Option<Pending>,
    /// The tracks of the last offer that was answered.
    negotiated: Option<BTreeSet<Track>>,
    sends: BTreeMap<Track, Mid>,
    slots: BTreeMap<Mid, Kind>,
    agreed: BTreeMap<Mid, BTreeSet<Codec>>,
    deadline: Option<Instant>,
    events: VecDeque<PeerEvent>,
}

/// Sections that exist once the answer to the offer is in.
struct Pending {
    offer: SdpPendingOffer,
    tracks: BTreeSet<Track>,
    sends: Vec<(Track, Mid)>,
    slots: Vec<(Mid, Kind)>,
}

impl Peer {
    /// A connection that will send from and receive at `local`.
    pub(crate) fn new(now: Instant, local: SocketAddr, entropy: Entropy) -> Self {
        let mut rtc = RtcConfig::new()
            .set_local_ice_credentials(ice_credentials(entropy))
            .enable_h265(false)
            .set_reordering_size_video(VIDEO_REORDERING_PACKETS)
            .build(now);
        if let Ok(candidate) = Candidate::host(local, Protocol::Udp) {
            rtc.add_local_candidate(candidate);
        }
        Self {
            rtc,
            local,
            connected: false,
            lost: false,
            pending: None,
            negotiated: None,
            sends: BTreeMap::new(),
            slots: BTreeMap::new(),
            agreed: BTreeMap::new(),
            deadline: None,
            events: VecDeque::new(),
        }
    }

    /// Offers sections for exactly these tracks, and at least so many receive slots. None while an answer is awaited and
    /// when nothing would change.
    pub(crate) fn offer(&mut self, now: Instant, tracks: &BTreeSet<Track>, slots: SlotCount) -> Option<Offer> {
        let as_it_should_be = self.negotiated.as_ref() == Some(tracks) && slots.fit_in(self.slot_count());
        if self.pending.is_some() || self.lost || as_it_should_be {
            return None;
        }
        let mut offer = None;
        self.guarded(now, |peer| {
            offer = peer.change(tracks, slots);
            Ok(())
        });
        offer
    }

    /// Takes the answer to the last offer.
    pub(crate) fn accept(&mut self, now: Instant, sdp: &str) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        self.guarded(now, |peer| {
            let answer =
                SdpAnswer::from_sdp_string(sdp).map_err(|_| RtcError::RemoteSdp("the answer is not SDP".into()))?;
            peer.rtc.sdp_api().accept_answer(pending.offer, answer)?;
            peer.negotiated = Some(pending.tracks);
            peer.sends.extend(pending.sends);
            peer.slots.extend(pending.slots);
            peer.note_codecs();
            Ok(())
        });
    }

    /// Forgets the last offer; the edge refused it.
    pub(crate) fn abandon_offer(&mut self) {
        self.pending = None;
    }

    /// Takes bytes from the network.
    pub(crate) fn receive(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, bytes) else {
            return;
        };
        let input = Input::Receive(now, receive);
        if !self.rtc.accepts(&input) {
            return;
        }
        self.guarded(now, |peer| peer.rtc.handle_input(input));
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.guarded(now, |peer| peer.rtc.handle_input(Input::Timeout(now)));
    }

    /// Sends a frame in a section of this side. Before media flows, and in a codec that was not agreed, it goes nowhere.
    pub(crate) fn write(&mut self, now: Instant, mid: &Mid, frame: &EncodedFrame) {
        if !self.connected {
            return;
        }
        self.guarded(now, |peer| {
            let Some(writer) = peer.rtc.writer(rtc_mid(mid)) else {
                return Ok(());
            };
            let Some(params) = best_params(writer.payload_params(), frame.codec) else {
                return Ok(());
            };
            let (pt, time) = (params.pt(), MediaTime::new(frame.timestamp, frequency(frame.codec)));
            writer.write(pt, now, time, Arc::clone(&frame.data))
        });
    }

    /// Whether the edge takes this codec in a section of this side.
    pub(crate) fn agreed(&self, mid: &Mid, codec: Codec) -> bool {
        self.agreed.get(mid).is_some_and(|codecs| codecs.contains(&codec))
    }

    /// Asks the sender in a slot for a picture to start from.
    pub(crate) fn request_keyframe(&mut self, now: Instant, mid: &Mid) {
        self.guarded(now, |peer| {
            if let Some(mut writer) = peer.rtc.writer(rtc_mid(mid)) {
                // Fails only where nothing has been received yet; the edge asks for new viewers by itself.
                let _ = writer.request_keyframe(None, KeyframeRequestKind::Pli);
            }
            Ok(())
        });
    }

    /// Where it sends from and receives at.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether media flows.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// The section of a track that is negotiated.
    pub(crate) fn section(&self, track: Track) -> Option<&Mid> {
        self.sends.get(&track)
    }

    /// The track of a section.
    pub(crate) fn track(&self, mid: &Mid) -> Option<Track> {
        self.sends.iter().find(|(_, own)| *own == mid).map(|(track, _)| *track)
    }

    /// The receive slots that are negotiated.
    pub(crate) fn slot_count(&self) -> SlotCount {
        let of = |kind| self.slots.values().filter(|have| **have == kind).count();
        SlotCount { audio: of(Kind::Audio), video: of(Kind::Video) }
    }

    /// What came of the calls so far.
    pub(crate) fn poll(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// When to call [`Peer::tick`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.lost)
    }

    fn change(&mut self, tracks: &BTreeSet<Track>, slots: SlotCount) -> Option<Offer> {
        let missing = slots.missing_from(self.slot_count());
        let mut api = self.rtc.sdp_api();
        for (track, mid) in &self.sends {
            let direction = if tracks.contains(track) { Direction::SendOnly } else { Direction::Inactive };
            api.set_direction(rtc_mid(mid), direction);
        }
        let mut new_sends = Vec::new();
        for track in tracks.iter().filter(|t| !self.sends.contains_key(t)) {
            let mid = api.add_media(media_kind(track.kind), Direction::SendOnly, None, None, None);
            new_sends.push((*track, proto_mid(mid)));
        }
        let mut new_slots = Vec::new();
        for (kind, count) in missing {
            for _ in 0..count {
                let mid = api.add_media(media_kind(kind), Direction::RecvOnly, None, None, None);
                new_slots.push((proto_mid(mid), kind));
            }
        }
        let (sdp, offer) = api.apply()?;
        let publish = self
            .sends
            .iter()
            .filter(|(track, _)| tracks.contains(track))
            .map(|(track, mid)| (*track, mid.clone()))
            .chain(new_sends.iter().cloned())
            .collect();
        let slots = self
            .slots
            .iter()
            .chain(new_slots.iter().map(|(mid, kind)| (mid, kind)))
            .map(|(mid, kind)| (*kind, mid.clone()))
            .collect();
        self.pending = Some(Pending { offer, tracks: tracks.clone(), sends: new_sends, slots: new_slots });
        Some(Offer { sdp: sdp.to_sdp_string(), publish, slots })
    }

    fn note_codecs(&mut self) {
        for mid in self.sends.values() {
            let Some(writer) = self.rtc.writer(rtc_mid(mid)) else {
                continue;
            };
            let codecs = writer.payload_params().filter_map(|params| own_codec(params.spec().codec));
            self.agreed.insert(mid.clone(), codecs.collect());
        }
    }

    /// One change, then drain. Whatever goes wrong inside is the end of this connection only.
    fn guarded(&mut self, now: Instant, change: impl FnOnce(&mut Self) -> Result<(), RtcError>) {
        if self.lost {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            change(self)?;
            self.drain(now)
        }));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.lose(&error.to_string()),
            Err(_) => self.lose("a fault in the media stack"),
        }
    }

    fn lose(&mut self, why: &str) {
        if !self.lost {
            tracing::warn!(why, "the media connection broke");
            self.lost = true;
            self.connected = false;
            self.events.push_back(PeerEvent::Lost);
        }
    }

    fn drain(&mut self, now: Instant) -> Result<(), RtcError> {
        let mut idle_rounds = 0;
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) if at <= now && idle_rounds < MAX_IDLE_ROUNDS => {
                    idle_rounds += 1;
                    self.rtc.handle_input(Input::Timeout(now))?;
                }
                Output::Timeout(at) => {
                    self.deadline = Some(at.max(now + SHORTEST_WAIT));
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    idle_rounds = 0;
                    self.events.push_back(PeerEvent::Datagram {
                        destination: transmit.destination,
                        bytes: transmit.contents.to_vec(),
                    });
                }
                Output::Event(event) => {
                    idle_rounds = 0;
                    self.take(event);
                }
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "str0m's events are open-ended")]
    fn take(&mut self, event: RtcEvent) {
        match event {
            RtcEvent::Connected => {
                self.connected = true;
                self.events.push_back(PeerEvent::Connected);
            }
            RtcEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.lose("no answer on the media path");
            }
            RtcEvent::Closed => self.lose("the edge closed the media connection"),
            RtcEvent::KeyframeRequest(request) => {
                if let Some(track) = self.track(&proto_mid(request.mid)) {
                    self.events.push_back(PeerEvent::KeyframeWanted(track));
                }
            }
            RtcEvent::MediaData(data) => {
                if let Some(frame) = slot_frame(data) {
                    self.events.push_back(PeerEvent::Frame(frame));
                }
            }
            _ => {}
        }
    }
}

/// How many receive slots there should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotCount {
    pub(crate) audio: usize,
    pub(crate) video: usize,
}

impl SlotCount {
    /// The spare slots of a first offer, so that a newcomer's media needs no further round trip.
    pub(crate) const FIRST: Self = Self { audio: 2, video: 4 };

    fn fit_in(self, have: Self) -> bool {
        self.audio <= have.audio && self.video <= have.video
    }

    fn missing_from(self, have: Self) -> [(Kind, usize); 2] {
        [(Kind::Audio, self.audio.saturating_sub(have.audio)), (Kind::Video, self.video.saturating_sub(have.video))]
    }
}

impl Default for SlotCount {
    fn default() -> Self {
        Self::FIRST
    }
}

/// 8 random bytes of user name and 24 of password: more than the 24 and 128 bits that RFC 8445 asks for.
fn ice_credentials(entropy: Entropy) -> IceCreds {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    IceCreds { ufrag: hex(&entropy[..UFRAG_BYTES]), pass: hex(&entropy[UFRAG_BYTES..]) }
}

fn slot_frame(data: MediaData) -> Option<SlotFrame> {
    let codec = own_codec(data.params.spec().codec)?;
    let keyframe = codec.kind() == Kind::Audio || data.is_keyframe();
    Some(SlotFrame {
        mid: proto_mid(data.mid),
        codec,
        timestamp: data.time.rebase(frequency(codec)).numer(),
        keyframe,
        contiguous: data.contiguous,
        data: data.data,
    })
}

/// The negotiated parameters for a codec. Of H.264's several, the first whose packets may be fragmented: every
/// encoder's frames fit it.
fn best_params<'a>(params: impl Iterator<Item = &'a PayloadParams>, codec: Codec) -> Option<&'a PayloadParams> {
    let fitting: Vec<_> = params.filter(|params| own_codec(params.spec().codec) == Some(codec)).collect();
    let fragmenting = fitting.iter().find(|params| params.spec().format.packetization_mode == Some(1));
    fragmenting.or_else(|| fitting.first()).copied()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "str0m knows codecs that we do not carry")]
fn own_codec(codec: RtcCodec) -> Option<Codec> {
    match codec {
        RtcCodec::Opus => Some(Codec::Opus),
        RtcCodec::Vp8 => Some(Codec::Vp8),
        RtcCodec::Vp9 => Some(Codec::Vp9),
        RtcCodec::H264 => Some(Codec::H264),
        RtcCodec::Av1 => Some(Codec::Av1),
        _ => None,
    }
}

fn frequency(codec: Codec) -> Frequency {
    match codec.kind() {
        Kind::Audio => Frequency::FORTY_EIGHT_KHZ,
        Kind::Video => Frequency::NINETY_KHZ,
    }
}

fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

fn rtc_mid(mid: &Mid) -> str0m::media::Mid {
    str0m::media::Mid::from(mid.as_str())
}

fn proto_mid(mid: str0m::media::Mid) -> Mid {
    Mid::parse(&mid).expect("str0m names sections with a few letters and digits")
}

const UFRAG_BYTES: usize = 8;
/// A keyframe may span this many packets (about 300 KB) before the buffer that puts them in order gives up.
const VIDEO_REORDERING_PACKETS: usize = 256;
/// str0m may ask to be called again at once, a few times in a row; more would be a loop.
const MAX_IDLE_ROUNDS: u32 = 16;
const SHORTEST_WAIT: Duration = Duration::from_micros(500);

#[cfg(test)]
mod tests;
