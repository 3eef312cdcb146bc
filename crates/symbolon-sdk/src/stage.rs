//! The media half of a client: the connections to the edge, what goes out and what comes in on them.
//!
//! After a break there are two connections for a moment: the old one goes on until the answer for the new one is there,
//! so that a short break of the signalling is neither heard nor seen.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use symbolon_proto::id::{Mid, Uid};
use symbolon_proto::message::{
    Kind, MAX_SLOTS, MediaAnswer, MediaOffer, PublishBinding, PublishState, ServerMessage, Slot, SlotBinding,
};

use crate::error::EngineError;
use crate::incoming::{Arrival, Incoming};
use crate::media::{Codec, EncodedFrame, RemoteFrame, Track};
use crate::outgoing::{Change, Outgoing, Place};
use crate::peer::{Entropy, Offer, Peer, PeerEvent, SlotCount};

/// What came of the last call.
#[derive(Debug)]
pub(crate) enum StageEvent {
    Datagram {
        source: SocketAddr,
        destination: SocketAddr,
        bytes: Vec<u8>,
    },
    Frame(RemoteFrame),
    Decoded {
        uid: Uid,
        kind: Kind,
        size: (u16, u16),
        again: bool,
    },
    Frozen {
        uid: Uid,
        kind: Kind,
    },
    KeyframeWanted(Track),
    FirstFrameSent(Kind),
    /// Nothing comes through on the connection.
    Lost,
    /// The connection from here is over; its socket is of no more use.
    Closed(SocketAddr),
}

#[derive(Default)]
pub(crate) struct Stage {
    peer: Option<Peer>,
    /// Waits for its answer.
    next: Option<Peer>,
    outgoing: Outgoing,
    incoming: Incoming,
    slots: SlotCount,
    events: VecDeque<StageEvent>,
    bytes: Bytes,
}

/// Bytes on the media path since the join.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Connections and negotiation.
impl Stage {
    /// A fresh connection from `local`, and its offer.
    pub(crate) fn open(&mut self, now: Instant, local: SocketAddr, entropy: Entropy) -> Option<MediaOffer> {
        let mut peer = Peer::new(now, local, entropy);
        let offer = peer.offer(now, self.outgoing.tracks(), self.slots);
        let before = self.next.replace(peer);
        self.closed(before);
        let offer = self.media_offer(offer?);
        self.outgoing.offered(&offer, true);
        Some(offer)
    }

    /// An offer, where the sections are not what they should be and no answer is awaited.
    pub(crate) fn renegotiate(&mut self, now: Instant) -> Option<MediaOffer> {
        if self.next.is_some() {
            return None;
        }
        let offer = self.peer.as_mut()?.offer(now, self.outgoing.tracks(), self.slots);
        self.settle(now);
        let offer = self.media_offer(offer?);
        self.outgoing.offered(&offer, false);
        Some(offer)
    }

    /// Takes the edge's side.
    pub(crate) fn answered(&mut self, now: Instant, answer: &MediaAnswer) {
        if let Some(next) = self.next.take() {
            let before = self.peer.replace(next);
            self.closed(before);
            self.outgoing.forget_sections();
            self.incoming.empty_slots();
        }
        if let Some(peer) = &mut self.peer {
            peer.accept(now, &answer.sdp);
        }
        for own in &answer.publish {
            self.own_publication(own.mid.clone(), own.state);
        }
        self.incoming.carry(&answer.slots);
        self.settle(now);
    }

    /// The edge refused the last offer: everything stays as it was.
    pub(crate) fn refused(&mut self) {
        let Some(peer) = &mut self.peer else { return };
        peer.abandon_offer();
        let agreed = self.outgoing.tracks().iter().filter(|track| peer.section(**track).is_some());
        let agreed = agreed.copied().collect();
        self.slots = peer.slot_count();
        self.outgoing.set_tracks(agreed);
    }

    /// So many more slots would have something to carry.
    pub(crate) fn need_slots(&mut self, audio: u32, video: u32) {
        let have = self.peer.as_ref().map_or(SlotCount::FIRST, Peer::slot_count);
        let more = |have: usize, missing: u32| {
            let missing = usize::try_from(missing).unwrap_or(MAX_SLOTS_OF_A_KIND);
            have.saturating_add(missing).min(MAX_SLOTS_OF_A_KIND)
        };
        self.slots.audio = self.slots.audio.max(more(have.audio, audio));
        self.slots.video = self.slots.video.max(more(have.video, video));
    }

    /// A stay in a channel begins.
    pub(crate) fn begin(&mut self) {
        self.slots = SlotCount::FIRST;
        self.bytes = Bytes::default();
    }

    /// Ends all connections and forgets who is in the channel.
    pub(crate) fn end(&mut self) {
        let (peer, next) = (self.peer.take(), self.next.take());
        self.closed(peer);
        self.closed(next);
        self.outgoing.leave();
        self.incoming.clear();
    }

    /// Whether there is a connection.
    pub(crate) fn is_open(&self) -> bool {
        self.peer.is_some() || self.next.is_some()
    }

    fn closed(&mut self, peer: Option<Peer>) {
        self.events.extend(peer.map(|peer| StageEvent::Closed(peer.local())));
    }

    /// Notes who offers what.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other messages are the session's business")]
    pub(crate) fn observe(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Joined(joined) => self.incoming.replace(&joined.members),
            ServerMessage::MemberJoined { member } => self.incoming.member(member),
            ServerMessage::MemberLeft { uid, .. } => self.incoming.member_left(*uid),
            ServerMessage::Published { uid, publication } => self.incoming.published(*uid, publication),
            ServerMessage::Unpublished { id, .. } => self.incoming.unpublished(*id),
            _ => {}
        }
    }

    /// Notes what slots carry now.
    pub(crate) fn carry(&mut self, slots: &[Slot]) {
        self.incoming.carry(slots);
    }

    /// Notes whether the edge forwards one of our sections. A video that begins to be forwarded needs a keyframe.
    pub(crate) fn own_publication(&mut self, mid: Mid, state: PublishState) {
        let track = self.peer.as_ref().and_then(|peer| peer.track(&mid));
        let began = self.outgoing.own_publication(mid, state);
        if let Some(track) = track.filter(|track| began && track.kind == Kind::Video) {
            self.events.push_back(StageEvent::KeyframeWanted(track));
        }
    }

    fn media_offer(&self, offer: Offer) -> MediaOffer {
        let publish = offer.publish.into_iter().map(|(track, mid)| PublishBinding {
            mid,
            kind: track.kind,
            source: track.source,
            muted: self.outgoing.is_muted(track.kind),
            layers: Vec::new(),
        });
        let slots = offer.slots.into_iter().map(|(kind, mid)| SlotBinding { mid, kind });
        MediaOffer { sdp: offer.sdp, publish: publish.collect(), slots: slots.collect() }
    }
}

/// What goes out.
impl Stage {
    /// Sets what to send.
    pub(crate) fn publish(&mut self, tracks: BTreeSet<Track>) {
        self.outgoing.set_tracks(tracks);
    }

    /// Silences a kind, or no longer.
    pub(crate) fn mute(&mut self, kind: Kind, muted: bool) {
        self.outgoing.set_muted(kind, muted);
    }

    /// Turns the camera off, or on.
    pub(crate) fn set_camera_off(&mut self, off: bool) {
        self.outgoing.set_camera_off(off);
    }

    /// The sections whose mute the edge does not know yet.
    pub(crate) fn mutes_to_tell(&mut self) -> Vec<(Mid, bool)> {
        if self.next.is_some() {
            return Vec::new();
        }
        let peer = self.peer.as_ref();
        self.outgoing.mutes_to_tell(|mid| peer.and_then(|peer| peer.track(mid)))
    }

    /// What to tell of the own media since the last call.
    pub(crate) fn publish_changes(&mut self, now: Instant, in_channel: bool) -> Vec<Change> {
        let peer = self.peer.as_ref();
        let place = match (in_channel, peer.is_some_and(Peer::is_connected)) {
            (false, _) => Place::Outside,
            (true, false) => Place::Connecting,
            (true, true) => Place::Connected,
        };
        self.outgoing.changes(now, place, |track| peer.and_then(|peer| peer.section(track).cloned()))
    }

    /// Refuses a frame that could not be sent even if media flowed.
    pub(crate) fn check_frame(&self, track: Track, codec: Codec) -> Result<(), EngineError> {
        let Some(peer) = &self.peer else {
            return Ok(());
        };
        if self.events.len() > MAX_WAITING_EVENTS {
            return Err(EngineError::SendQueueFull);
        }
        match peer.section(track) {
            Some(mid) if !peer.agreed(mid, codec) => Err(EngineError::CodecNotAgreed(codec)),
            _ => Ok(()),
        }
    }

    /// Sends a frame, if the track is forwarded and not silenced.
    pub(crate) fn send(&mut self, now: Instant, track: Track, frame: &EncodedFrame) {
        let Some(peer) = self.peer.as_mut().filter(|peer| peer.is_connected()) else {
            return;
        };
        let Some(mid) = peer.section(track).cloned() else {
            return;
        };
        if self.outgoing.flows(track.kind, &mid) {
            peer.write(now, &mid, frame);
            if self.outgoing.sent(track.kind) {
                self.events.push_back(StageEvent::FirstFrameSent(track.kind));
            }
            self.settle(now);
        }
    }
}

/// The network and time.
impl Stage {
    /// Takes bytes that came to `local`.
    pub(crate) fn receive(&mut self, now: Instant, local: SocketAddr, source: SocketAddr, bytes: &[u8]) {
        let mut peers = self.next.iter_mut().chain(&mut self.peer);
        if let Some(peer) = peers.find(|peer| peer.local() == local) {
            self.bytes.received += bytes.len() as u64;
            peer.receive(now, source, bytes);
            self.settle(now);
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        for peer in self.next.iter_mut().chain(&mut self.peer) {
            if peer.deadline().is_some_and(|deadline| deadline <= now) {
                peer.tick(now);
            }
        }
        let frozen = self.incoming.frozen(now).into_iter();
        self.events.extend(frozen.map(|(uid, kind)| StageEvent::Frozen { uid, kind }));
        self.settle(now);
    }

    pub(crate) fn poll(&mut self) -> Option<StageEvent> {
        self.events.pop_front()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let peers = self.next.iter().chain(&self.peer).filter_map(Peer::deadline);
        peers.chain(self.incoming.deadline()).min()
    }

    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes
    }

    /// Turns what the connections say into what it means.
    fn settle(&mut self, now: Instant) {
        while let Some(peer) = &mut self.peer {
            let local = peer.local();
            let Some(event) = peer.poll() else { return };
            match event {
                PeerEvent::Datagram { destination, bytes } => {
                    self.bytes.sent += bytes.len() as u64;
                    self.events.push_back(StageEvent::Datagram { source: local, destination, bytes });
                }
                PeerEvent::Connected => self.connected(),
                PeerEvent::KeyframeWanted(track) => self.events.push_back(StageEvent::KeyframeWanted(track)),
                PeerEvent::Frame(frame) => {
                    let arrival = self.incoming.frame(now, frame);
                    arrival.into_iter().for_each(|arrival| self.arrived(now, arrival));
                }
                // While the new connection comes up the old one may die in peace.
                PeerEvent::Lost if self.next.is_some() => {}
                PeerEvent::Lost => self.events.push_back(StageEvent::Lost),
            }
        }
    }

    /// Nothing was sent before this moment, so a decoder on the other side still waits for its first picture.
    fn connected(&mut self) {
        let videos = self.outgoing.tracks().iter().filter(|track| track.kind == Kind::Video);
        self.events.extend(videos.map(|track| StageEvent::KeyframeWanted(*track)));
    }

    fn arrived(&mut self, now: Instant, arrival: Arrival) {
        if let Some(peer) = self.peer.as_mut().filter(|_| arrival.ask_keyframe) {
            peer.request_keyframe(now, &arrival.mid);
        }
        let (uid, kind) = (arrival.frame.uid, arrival.frame.track.kind);
        self.events.push_back(StageEvent::Decoded { uid, kind, size: arrival.size, again: arrival.again });
        self.events.push_back(StageEvent::Frame(arrival.frame));
    }
}

/// Half of what an offer may declare in all.
const MAX_SLOTS_OF_A_KIND: usize = MAX_SLOTS / 2;
/// When so much waits for the driver, more frames are refused instead of queued.
const MAX_WAITING_EVENTS: usize = 4_096;
