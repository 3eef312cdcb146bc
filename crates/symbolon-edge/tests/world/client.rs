//! A client that does by hand what an SDK does: one WebRTC connection, the messages, and made-up media.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{
    Direction, KeyframeRequestKind, MediaKind, Mid as RtcMid, Pt, Rid as RtcRid, Simulcast, SimulcastLayer,
};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use symbolon_proto::id::{ConnId, Mid, PublicationId, ResumeId, Token};
use symbolon_proto::message::{
    ClientMessage, Ended, Join, Joined, Kind, Layer, MediaAnswer, MediaOffer, Profile, PublishBinding, Role,
    ServerMessage, SlotBinding, Source, Subscribe, View,
};

use crate::net::Datagram;

/// What a client brings to a join.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) uid: u32,
    pub(crate) token: String,
    pub(crate) role: Role,
    pub(crate) publish: Vec<Kind>,
    pub(crate) audio_slots: usize,
    pub(crate) video_slots: usize,
    pub(crate) codec: Codec,
    /// Changes the offer before it is sent.
    pub(crate) forge: fn(String) -> String,
    pub(crate) resume: Option<ResumeId>,
    pub(crate) view: View,
    /// The layers in which the video is sent; none for once.
    pub(crate) layers: Vec<Layer>,
}

/// One stream that the client sends.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) mid: RtcMid,
    pub(crate) kind: Kind,
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) next_at: Instant,
    pub(crate) silent: bool,
    pub(crate) level: i8,
    /// Which of the layers it is, 0 for the only one.
    layer: u8,
    rid: Option<RtcRid>,
    packets: u64,
    size: usize,
    frame: u64,
    keyframe_due: bool,
}

impl Track {
    fn new(mid: RtcMid, kind: Kind, seq: u64, now: Instant) -> Self {
        let time = seq as u32 * 1_000;
        let (packets, size) = if kind == Kind::Video { (PACKETS_OF_A_FRAME, 900) } else { (1, 90) };
        let (next_at, layer, rid) = (now, 0, None);
        let (silent, level, frame, keyframe_due) = (false, -20, 0, true);
        Self { mid, kind, seq, time, next_at, silent, level, layer, rid, packets, size, frame, keyframe_due }
    }

    /// One of the layers of a video track, with numbers of its own.
    fn layer(mid: RtcMid, number: u8, layer: &Layer, now: Instant) -> Self {
        let bytes = u64::from(layer.max_kbps) * 125 * VIDEO_EVERY.as_millis() as u64 / 1_000;
        let packets = bytes.div_ceil(1_000);
        Self {
            layer: number,
            rid: Some(layer.rid.as_str().into()),
            packets,
            size: (bytes / packets) as usize,
            ..Self::new(mid, Kind::Video, 10_000 * (u64::from(number) + 1), now)
        }
    }
}

/// A media packet as a client got it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) mid: RtcMid,
    pub(crate) ssrc: u32,
    pub(crate) at: Instant,
    pub(crate) payload: Vec<u8>,
    pub(crate) level: Option<i8>,
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) marker: bool,
}

impl Received {
    /// Which of its maker's layers it is of.
    pub(crate) fn layer(&self) -> u8 {
        self.payload[WATERMARK + 22]
    }

    /// The uid of the client that made the payload.
    pub(crate) fn from(&self) -> u32 {
        u32::from_be_bytes(self.payload[WATERMARK..][..4].try_into().unwrap())
    }

    pub(crate) fn is_video(&self) -> bool {
        self.payload[WATERMARK + 4] == 1
    }

    /// The number of the frame at its maker, and of the packet in the frame.
    pub(crate) fn number(&self) -> (u64, u64) {
        let number = |at: usize| u64::from_be_bytes(self.payload[at..][..8].try_into().unwrap());
        (number(WATERMARK + 5), number(WATERMARK + 13))
    }

    /// The first packet of a keyframe of the test client.
    pub(crate) fn starts_keyframe(&self) -> bool {
        self.payload[WATERMARK + 21] == 1
    }

    /// The VP8 picture id.
    pub(crate) fn picture(&self) -> u16 {
        u16::from_be_bytes([self.payload[2] & 0x7F, self.payload[3]])
    }
}

pub(crate) struct Client {
    pub(crate) conn: ConnId,
    pub(crate) setup: Setup,
    pub(crate) address: SocketAddr,
    pub(crate) rtc: Rtc,
    pub(crate) tracks: Vec<Track>,
    pub(crate) open: bool,
    pub(crate) closed_with: Option<u16>,
    pub(crate) joined: Option<Joined>,
    pub(crate) ended: Option<Ended>,
    pub(crate) answer: String,
    pub(crate) messages: Vec<(Instant, ServerMessage)>,
    pub(crate) received: Vec<Received>,
    pub(crate) sent: BTreeSet<Vec<u8>>,
    pub(crate) keyframes_asked: Vec<Instant>,
    pub(crate) connected: bool,
    pub(crate) slots: BTreeMap<Mid, Option<PublicationId>>,
    bindings: (Vec<PublishBinding>, Vec<SlotBinding>),
    pending: Option<SdpPendingOffer>,
    deadline: Instant,
}

const VIDEO_EVERY: Duration = Duration::from_millis(40);
const AUDIO_EVERY: Duration = Duration::from_millis(20);
const PACKETS_OF_A_FRAME: u64 = 3;
/// Where the watermark is in a payload: behind the VP8 descriptor and the frame's first byte.
const WATERMARK: usize = 5;

impl Client {
    pub(crate) fn new(conn: ConnId, setup: Setup, address: SocketAddr, now: Instant) -> Self {
        let config = RtcConfig::new().set_rtp_mode(true).clear_codecs().enable_opus(true, false);
        let config = match setup.codec {
            Codec::H264 => config.enable_h264(true),
            Codec::Vp9 => config.enable_vp9(true),
            Codec::Av1 => config.enable_av1(true),
            _ => config.enable_vp8(true),
        };
        let mut rtc = config.build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self {
            conn,
            setup,
            address,
            rtc,
            tracks: Vec::new(),
            open: true,
            closed_with: None,
            joined: None,
            ended: None,
            answer: String::new(),
            messages: Vec::new(),
            received: Vec::new(),
            sent: BTreeSet::new(),
            keyframes_asked: Vec::new(),
            connected: false,
            slots: BTreeMap::new(),
            bindings: (Vec::new(), Vec::new()),
            pending: None,
            deadline: now,
        }
    }

    /// The join message, with an offer.
    pub(crate) fn join(&mut self, now: Instant, app: &str, channel: &str) -> ClientMessage {
        let (publish, audio, video) = (self.setup.publish.clone(), self.setup.audio_slots, self.setup.video_slots);
        let media = self.offer(now, &publish, audio, video);
        ClientMessage::Join(Box::new(Join {
            app_id: app.to_owned(),
            channel: channel.to_owned(),
            token: Some(Token::new(self.setup.token.clone())),
            uid: self.setup.uid,
            name: None,
            switches: Default::default(),
            role: self.setup.role,
            profile: Profile::LiveBroadcasting,
            subscribe: Subscribe::default(),
            view: self.setup.view.clone(),
            media: Some(media),
            resume: self.setup.resume.clone(),
        }))
    }

    /// An offer with these tracks and slots besides those that there are.
    pub(crate) fn offer(
        &mut self,
        now: Instant,
        publish: &[Kind],
        audio_slots: usize,
        video_slots: usize,
    ) -> MediaOffer {
        let mut api = self.rtc.sdp_api();
        let simulcast = simulcast(&self.setup.layers);
        let mut add = |kind: Kind, direction: Direction| {
            let simulcast = simulcast.clone().filter(|_| kind == Kind::Video && direction == Direction::SendOnly);
            api.add_media(media_kind(kind), direction, None, None, simulcast)
        };
        for (at, kind) in publish.iter().enumerate() {
            let mid = add(*kind, Direction::SendOnly);
            let layers = if *kind == Kind::Video { self.setup.layers.clone() } else { Vec::new() };
            if layers.is_empty() {
                self.tracks.push(Track::new(mid, *kind, 30_000 + at as u64, now));
            }
            let tracks = (0..).zip(&layers).map(|(number, layer)| Track::layer(mid, number, layer, now));
            self.tracks.extend(tracks);
            let source = if *kind == Kind::Audio { Source::Microphone } else { Source::Camera };
            self.bindings.0.push(PublishBinding { mid: proto_mid(mid), kind: *kind, source, muted: false, layers });
        }
        for kind in [Kind::Audio].repeat(audio_slots).into_iter().chain([Kind::Video].repeat(video_slots)) {
            let mid = proto_mid(add(kind, Direction::RecvOnly));
            self.bindings.1.push(SlotBinding { mid, kind });
        }
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        self.media_offer((self.setup.forge)(offer.to_sdp_string()))
    }

    /// An offer that restarts ICE.
    pub(crate) fn restart_offer(&mut self) -> MediaOffer {
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().expect("a restart to offer");
        self.pending = Some(pending);
        self.media_offer(offer.to_sdp_string())
    }

    fn media_offer(&self, sdp: String) -> MediaOffer {
        MediaOffer { sdp, publish: self.bindings.0.clone(), slots: self.bindings.1.clone() }
    }

    pub(crate) fn hear(&mut self, now: Instant, message: ServerMessage) {
        match &message {
            ServerMessage::Joined(joined) => {
                if let Some(media) = &joined.media {
                    self.take_answer(now, media);
                }
                self.joined = Some((**joined).clone());
            }
            ServerMessage::Negotiated { media, .. } => self.take_answer(now, media),
            ServerMessage::Slots { slots } => {
                self.slots.extend(slots.iter().map(|slot| (slot.mid.clone(), slot.publication)));
            }
            ServerMessage::LayersWanted { mid, rids } => {
                for track in self.tracks.iter_mut().filter(|track| proto_mid(track.mid) == *mid) {
                    let rid = track.rid.expect("only layers are asked for").to_string();
                    let wanted = rids.iter().any(|wanted| wanted.as_str() == rid);
                    // An encoder that begins again begins with a keyframe.
                    track.keyframe_due |= wanted && track.silent;
                    track.silent = !wanted;
                }
            }
            ServerMessage::Ended(ended) => self.ended = Some(ended.clone()),
            _ => {}
        }
        self.messages.push((now, message));
    }

    fn take_answer(&mut self, now: Instant, media: &MediaAnswer) {
        let answer = SdpAnswer::from_sdp_string(&media.sdp).expect("the answer parses");
        let Some(pending) = self.pending.take() else { return };
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits the offer");
        self.slots.extend(media.slots.iter().map(|slot| (slot.mid.clone(), slot.publication)));
        self.answer = media.sdp.clone();
        self.deadline = now;
    }

    /// When the client wants to be looked at again.
    pub(crate) fn deadline(&self) -> Instant {
        let media = self.tracks.iter().map(|track| track.next_at);
        media.filter(|_| self.connected).fold(self.deadline, Instant::min)
    }

    /// Takes one datagram, and gives what there is to send.
    pub(crate) fn receive(&mut self, now: Instant, datagram: &Datagram) -> Vec<Datagram> {
        let Datagram { source, destination, bytes } = datagram;
        if let Ok(received) = Receive::new(Protocol::Udp, *source, *destination, bytes) {
            let _ = self.rtc.handle_input(Input::Receive(now, received));
        }
        self.drain(now)
    }

    /// Lets time pass, and gives what there is to send.
    pub(crate) fn run(&mut self, now: Instant) -> Vec<Datagram> {
        if self.deadline() > now {
            return Vec::new();
        }
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.make_media(now);
        self.drain(now)
    }

    fn drain(&mut self, now: Instant) -> Vec<Datagram> {
        let mut datagrams = Vec::new();
        while self.rtc.is_alive() {
            let Ok(output) = self.rtc.poll_output() else { break };
            match output {
                Output::Timeout(at) if at <= now => {
                    let _ = self.rtc.handle_input(Input::Timeout(now));
                }
                Output::Timeout(at) => {
                    self.deadline = at;
                    return datagrams;
                }
                Output::Transmit(transmit) => datagrams.push(Datagram {
                    source: transmit.source,
                    destination: transmit.destination,
                    bytes: transmit.contents.to_vec(),
                }),
                Output::Event(event) => self.note(now, event),
            }
        }
        // A connection that is over wants nothing any more.
        self.rtc.disconnect();
        self.deadline = now + Duration::from_secs(3_600);
        datagrams
    }

    fn note(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => {
                self.connected = true;
                self.tracks.iter_mut().for_each(|track| track.next_at = now);
            }
            Event::KeyframeRequest(request) => {
                self.keyframes_asked.push(now);
                let track = self.tracks.iter_mut().find(|track| (track.mid, track.rid) == (request.mid, request.rid));
                assert!(track.is_some() || request.rid.is_some(), "a keyframe of a track of ours");
                if let Some(track) = track {
                    track.keyframe_due = true;
                }
            }
            Event::RtpPacket(packet) => {
                let ssrc = packet.header.ssrc;
                let mid = self.rtc.direct_api().stream_rx(&ssrc).unwrap().mid();
                self.received.push(Received {
                    mid,
                    ssrc: *ssrc,
                    at: now,
                    payload: packet.payload.to_vec(),
                    level: packet.header.ext_vals.audio_level,
                    seq: *packet.seq_no,
                    time: packet.header.timestamp,
                    marker: packet.header.marker,
                });
            }
            _ => {}
        }
    }

    fn make_media(&mut self, now: Instant) {
        for at in 0..self.tracks.len() {
            while self.connected && self.tracks[at].next_at <= now {
                self.make_frame(now, at);
            }
        }
    }

    fn make_frame(&mut self, now: Instant, at: usize) {
        let track = &mut self.tracks[at];
        let video = track.kind == Kind::Video;
        let every = if video { VIDEO_EVERY } else { AUDIO_EVERY };
        track.next_at += every;
        track.time += every.as_millis() as u32 * if video { 90 } else { 48 };
        if track.silent {
            return;
        }
        track.frame += 1;
        let packets = track.packets;
        for index in 0..packets {
            self.make_packet(now, at, index, index + 1 == packets);
        }
        self.tracks[at].keyframe_due = false;
        let _ = self.rtc.handle_input(Input::Timeout(now));
    }

    fn make_packet(&mut self, now: Instant, at: usize, index: u64, marker: bool) {
        let track = &mut self.tracks[at];
        track.seq += 1;
        let video = track.kind == Kind::Video;
        let payload = payload(self.setup.uid, self.setup.codec, track, index);
        let (mid, rid, time, seq) = (track.mid, track.rid, track.time, track.seq);
        let (audio_level, voice_activity) = ((!video).then_some(track.level), (!video).then_some(true));
        let ext = ExtensionValues { audio_level, voice_activity, ..ExtensionValues::default() };
        let Some(pt) = self.payload_type(video) else { return };
        // The stream exists even where the edge refused it: a client that does not care sends all the same.
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, rid) else { return };
        let write = RtpWrite::new(pt, seq.into(), time, now, payload.as_slice());
        stream.write_rtp(write.marker(marker).ext_vals(ext).nackable(true));
        self.sent.insert(payload);
    }

    /// Sends a stream of its own on a section that is there to receive.
    pub(crate) fn send_from_slot(&mut self, slot: RtcMid) {
        let mut api = self.rtc.direct_api();
        let ssrc = api.new_ssrc();
        api.declare_stream_tx(ssrc, None, slot, None);
        let kind = match self.rtc.media(slot).expect("a slot of ours").kind() {
            MediaKind::Audio => Kind::Audio,
            MediaKind::Video => Kind::Video,
        };
        self.tracks.push(Track::new(slot, kind, 100, self.deadline));
    }

    fn payload_type(&self, video: bool) -> Option<Pt> {
        let params = self.rtc.codec_config().find(|params| params.spec().codec.is_video() == video)?;
        Some(params.pt())
    }

    pub(crate) fn ask_for_keyframe(&mut self, now: Instant, slot: RtcMid) {
        let mut api = self.rtc.direct_api();
        api.stream_rx_by_mid(slot, None).expect("a slot that received").request_keyframe(KeyframeRequestKind::Pli);
        self.deadline = now;
    }

    /// The track of this kind.
    pub(crate) fn track(&mut self, kind: Kind) -> &mut Track {
        self.tracks.iter_mut().find(|track| track.kind == kind).expect("a track of that kind")
    }

    /// What came from a uid, of one kind.
    pub(crate) fn heard_from(&self, uid: u32, kind: Kind) -> Vec<&Received> {
        let video = kind == Kind::Video;
        self.received.iter().filter(|packet| packet.from() == uid && packet.is_video() == video).collect()
    }

    pub(crate) fn resume_id(&self) -> ResumeId {
        self.joined.as_ref().expect("a client that joined").resume.clone()
    }
}

/// The first bytes of a packet of this codec: the beginning of a keyframe or of another frame, or what follows.
fn head(codec: Codec, track: &Track, index: u64, keyframe: bool) -> [u8; WATERMARK] {
    let [.., high, low] = track.frame.to_be_bytes();
    let by_kind = |key, first, rest| match (index, keyframe) {
        (0, true) => [key, 0, 0, 0, 0],
        (0, false) => [first, 0, 0, 0, 0],
        _ => [rest, 0, 0, 0, 0],
    };
    match codec {
        // Single units: an IDR slice, another slice.
        Codec::H264 => by_kind(0x65, 0x61, 0x61),
        // No picture id; predicted or not, the beginning of a frame or not.
        Codec::Vp9 => by_kind(0x08, 0x48, if keyframe { 0x00 } else { 0x40 }),
        // One element; the N bit.
        Codec::Av1 => by_kind(0x18, 0x10, 0x10),
        // A picture id of 15 bits; then the frame's first byte, whose lowest bit says that it is predicted.
        _ => [if index == 0 { 0x90 } else { 0x80 }, 0x80, 0x80 | high, low, u8::from(!(keyframe && index == 0))],
    }
}

/// A video packet, or something in place of an Opus packet, that says whose it is and is unlike any other.
fn payload(uid: u32, codec: Codec, track: &Track, index: u64) -> Vec<u8> {
    let video = track.kind == Kind::Video;
    let mut payload = head(codec, track, index, track.keyframe_due).to_vec();
    payload.extend(uid.to_be_bytes());
    payload.push(u8::from(video));
    payload.extend(track.frame.to_be_bytes());
    payload.extend(index.to_be_bytes());
    payload.push(u8::from(video && track.keyframe_due && index == 0));
    payload.push(track.layer);
    payload.resize(track.size, 0xA5);
    payload
}

fn simulcast(layers: &[Layer]) -> Option<Simulcast> {
    let mut simulcast = Simulcast::new();
    for layer in layers {
        simulcast.add_send_layer(SimulcastLayer::new(layer.rid.as_str()));
    }
    (!layers.is_empty()).then_some(simulcast)
}

fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

pub(crate) fn proto_mid(mid: RtcMid) -> Mid {
    Mid::parse(&mid.to_string()).unwrap()
}
