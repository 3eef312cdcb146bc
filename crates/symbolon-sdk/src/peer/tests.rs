//! The connection against a bare ICE-lite answerer, in memory, with time moved by hand.

use std::time::Duration;

use str0m::change::SdpOffer;

use super::*;

#[test]
fn a_frame_arrives_whole_in_both_directions() {
    let mut pair = Pair::new();
    let camera = Track::video(symbolon_proto::message::Source::Camera);
    let offer = pair.peer.offer(pair.now, &BTreeSet::from([camera]), SLOTS).expect("a first offer has sections");
    assert_eq!(offer.publish.len(), 1);
    assert_eq!(offer.slots.len(), 6);
    assert!(offer.sdp.contains("a=setup:actpass"));
    pair.answer(&offer.sdp);
    pair.run_until(|pair| pair.peer.connected && pair.edge_connected);

    let sent = EncodedFrame { codec: Codec::Vp8, data: vp8_keyframe(5_000), timestamp: 90_000, keyframe: true };
    let mid = pair.peer.section(camera).expect("negotiated").clone();
    assert!(pair.peer.agreed(&mid, Codec::Vp8) && !pair.peer.agreed(&mid, Codec::Opus));
    pair.peer.write(pair.now, &mid, &sent);
    pair.run_until(|pair| !pair.edge_frames.is_empty());
    assert_eq!(pair.edge_frames[0].data, sent.data);
    assert_eq!(pair.edge_frames[0].time.numer(), 90_000);

    let slot = &offer.slots.iter().find(|(kind, _)| *kind == Kind::Video).expect("a slot").1;
    pair.edge_write(slot, &sent);
    pair.run_until(|pair| !pair.frames.is_empty());
    let got = &pair.frames[0];
    assert_eq!((&got.mid, got.codec, got.keyframe), (slot, Codec::Vp8, true));
    assert_eq!(got.data, sent.data);
}

#[test]
fn more_slots_are_offered_only_when_they_are_missing() {
    let mut pair = Pair::new();
    let offer = pair.peer.offer(pair.now, &BTreeSet::new(), SLOTS).expect("an offer");
    assert!(pair.peer.offer(pair.now, &BTreeSet::new(), SLOTS).is_none(), "one at a time");
    pair.answer(&offer.sdp);
    assert!(pair.peer.offer(pair.now, &BTreeSet::new(), SLOTS).is_none(), "nothing to change");
    let more = SlotCount { audio: 2, video: 9 };
    let offer = pair.peer.offer(pair.now, &BTreeSet::new(), more).expect("more slots");
    assert_eq!(offer.slots.len(), 11);
}

#[test]
fn a_track_that_is_not_wanted_goes_quiet_and_comes_back_in_its_section() {
    let mut pair = Pair::new();
    let track = Track::audio(symbolon_proto::message::Source::Microphone);
    let wanted = BTreeSet::from([track]);
    let first = pair.peer.offer(pair.now, &wanted, SLOTS).expect("an offer");
    pair.answer(&first.sdp);
    let without = pair.peer.offer(pair.now, &BTreeSet::new(), SLOTS).expect("a change");
    assert!(without.publish.is_empty() && without.sdp.contains("a=inactive"));
    pair.answer(&without.sdp);
    let again = pair.peer.offer(pair.now, &wanted, SLOTS).expect("a change");
    assert_eq!(again.publish, first.publish);
}

#[test]
fn a_bad_answer_ends_the_connection_without_a_panic() {
    let mut pair = Pair::new();
    pair.peer.offer(pair.now, &BTreeSet::new(), SLOTS).expect("an offer");
    pair.peer.accept(pair.now, "not a session description");
    assert!(matches!(pair.peer.poll(), Some(PeerEvent::Lost)));
    assert!(pair.peer.poll().is_none() && pair.peer.deadline().is_none());
}

#[test]
fn garbage_from_the_network_is_dropped() {
    let mut pair = Pair::new();
    let offer = pair.peer.offer(pair.now, &BTreeSet::new(), SLOTS).expect("an offer");
    pair.answer(&offer.sdp);
    for length in [0, 1, 20, 1_500] {
        pair.peer.receive(pair.now, EDGE.parse().expect("an address"), &vec![0x17; length]);
    }
    pair.run_until(|pair| pair.peer.connected);
}

#[test]
fn ice_credentials_come_from_the_entropy_alone() {
    let one = ice_credentials([7; 32]);
    assert_eq!((one.ufrag.len(), one.pass.len()), (16, 48));
    assert_eq!(one, ice_credentials([7; 32]));
    assert_ne!(one, ice_credentials([8; 32]));
}

const CLIENT: &str = "127.0.0.1:5000";
const EDGE: &str = "127.0.0.1:7000";
const SLOTS: SlotCount = SlotCount::FIRST;

/// A VP8 keyframe as far as a depacketizer looks: frame tag, start code, 320 by 240.
fn vp8_keyframe(length: usize) -> Arc<[u8]> {
    let mut data = vec![0xA5; length];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0]);
    data.into()
}

struct Pair {
    now: Instant,
    peer: Peer,
    edge: Rtc,
    edge_connected: bool,
    edge_frames: Vec<MediaData>,
    frames: Vec<SlotFrame>,
}

impl Pair {
    fn new() -> Self {
        let now = crate::test_now().instant;
        let mut edge = RtcConfig::new().set_ice_lite(true).build(now);
        let address = EDGE.parse().expect("an address");
        edge.add_local_candidate(Candidate::host(address, Protocol::Udp).expect("a candidate"));
        Self {
            now,
            peer: Peer::new(now, CLIENT.parse().expect("an address"), [7; 32]),
            edge,
            edge_connected: false,
            edge_frames: Vec::new(),
            frames: Vec::new(),
        }
    }

    fn answer(&mut self, sdp: &str) {
        let offer = SdpOffer::from_sdp_string(sdp).expect("an offer");
        let answer = self.edge.sdp_api().accept_offer(offer).expect("acceptable");
        self.peer.accept(self.now, &answer.to_sdp_string());
    }

    fn edge_write(&mut self, mid: &Mid, frame: &EncodedFrame) {
        let writer = self.edge.writer(rtc_mid(mid)).expect("a section");
        let pt = best_params(writer.payload_params(), frame.codec).expect("negotiated").pt();
        writer.write(pt, self.now, MediaTime::from_90khz(frame.timestamp), Arc::clone(&frame.data)).expect("written");
    }

    /// Carries datagrams to and fro, 5 ms at a time, for at most ten seconds.
    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..2_000 {
            if done(self) {
                return;
            }
            self.carry();
            self.now += Duration::from_millis(5);
            self.peer.tick(self.now);
            self.edge.handle_input(Input::Timeout(self.now)).expect("no fault");
        }
        panic!("it did not happen within ten seconds");
    }

    fn carry(&mut self) {
        while let Some(event) = self.peer.poll() {
            match event {
                PeerEvent::Datagram { destination, bytes } => {
                    let (from, contents) = (CLIENT.parse().expect("an address"), &bytes);
                    let receive = Receive::new(Protocol::Udp, from, destination, contents);
                    let input = Input::Receive(self.now, receive.expect("well formed"));
                    self.edge.handle_input(input).expect("no fault");
                }
                PeerEvent::Frame(frame) => self.frames.push(frame),
                PeerEvent::Lost => panic!("the connection broke"),
                PeerEvent::Connected | PeerEvent::KeyframeWanted(_) => {}
            }
        }
        self.drain_edge();
    }

    fn drain_edge(&mut self) {
        loop {
            match self.edge.poll_output().expect("no fault") {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => {
                    self.peer.receive(self.now, transmit.source, &transmit.contents);
                }
                Output::Event(RtcEvent::Connected) => self.edge_connected = true,
                Output::Event(RtcEvent::MediaData(data)) => self.edge_frames.push(data),
                Output::Event(_) => {}
            }
        }
    }
}
