//! What comes in: which slot carries whose publication, and how each member's media is doing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use symbolon_proto::id::{Mid, PublicationId, Uid};
use symbolon_proto::message::{Kind, Member, Publication, Slot};

use crate::media::{RemoteFrame, Track};
use crate::peer::SlotFrame;
use crate::picture;

#[derive(Default)]
pub(crate) struct Incoming {
    publications: BTreeMap<PublicationId, (Uid, Track)>,
    slots: BTreeMap<Mid, InSlot>,
    flows: BTreeMap<(Uid, Kind), Flow>,
}

/// A frame of a member, and what follows from it.
pub(crate) struct Arrival {
    pub(crate) mid: Mid,
    pub(crate) frame: RemoteFrame,
    /// Whether to ask its sender for a keyframe.
    pub(crate) ask_keyframe: bool,
    /// Size of the picture, as far as it is known; 0 for sound.
    pub(crate) size: (u16, u16),
    /// Whether it ends a gap so long that it counts as a first time.
    pub(crate) again: bool,
}

/// A slot that carries something.
struct InSlot {
    publication: PublicationId,
    /// A decoder cannot go on before the next keyframe.
    broken: bool,
    asked_at: Option<Instant>,
    size: (u16, u16),
}

/// One member's media of one kind.
struct Flow {
    last: Instant,
    frozen: bool,
}

impl Incoming {
    /// Takes the whole list of members, as a join gives it.
    pub(crate) fn replace(&mut self, members: &[Member]) {
        self.publications.clear();
        members.iter().for_each(|member| self.member(member));
    }

    /// Notes what a member offers.
    pub(crate) fn member(&mut self, member: &Member) {
        for publication in &member.publications {
            self.published(member.uid, publication);
        }
    }

    /// Notes a publication.
    pub(crate) fn published(&mut self, uid: Uid, publication: &Publication) {
        let track = Track { kind: publication.kind, source: publication.source };
        self.publications.insert(publication.id, (uid, track));
    }

    /// Forgets a publication.
    pub(crate) fn unpublished(&mut self, id: PublicationId) {
        self.publications.remove(&id);
    }

    /// Forgets a member.
    pub(crate) fn member_left(&mut self, uid: Uid) {
        self.publications.retain(|_, (owner, _)| *owner != uid);
        self.flows.retain(|(owner, _), _| *owner != uid);
    }

    /// Forgets what slots carried: their connection is over.
    pub(crate) fn empty_slots(&mut self) {
        self.slots.clear();
    }

    /// Forgets all about the channel.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Notes what slots carry now.
    pub(crate) fn carry(&mut self, slots: &[Slot]) {
        for slot in slots {
            match slot.publication {
                Some(publication) => self.slots.insert(slot.mid.clone(), InSlot::new(publication)),
                None => self.slots.remove(&slot.mid),
            };
        }
    }

    /// Says whose frame this is. One in a slot that carries nothing, or of a publication that nobody has announced, is the
    /// tail of something that has ended, and left out.
    pub(crate) fn frame(&mut self, now: Instant, frame: SlotFrame) -> Option<Arrival> {
        let slot = self.slots.get_mut(&frame.mid)?;
        let publication = slot.publication;
        let (uid, track) = self.publications.get(&publication).copied()?;
        let size = frame.keyframe.then(|| picture::size_of(frame.codec, &frame.data)).flatten();
        slot.size = size.unwrap_or(slot.size);
        let flow = Flow { last: now, frozen: false };
        let before = self.flows.insert((uid, track.kind), flow);
        let again = before.is_some_and(|flow| now.saturating_duration_since(flow.last) >= LONG_GAP);
        Some(Arrival {
            ask_keyframe: track.kind == Kind::Video && slot.needs_keyframe(now, &frame),
            size: slot.size,
            again,
            mid: frame.mid,
            frame: RemoteFrame {
                uid,
                publication,
                track,
                codec: frame.codec,
                data: frame.data,
                timestamp: frame.timestamp,
                keyframe: frame.keyframe,
                contiguous: frame.contiguous,
                size,
            },
        })
    }

    /// Whose media has stopped coming since the last call. A member who is silent on purpose is among them; the rules know
    /// the difference.
    pub(crate) fn frozen(&mut self, now: Instant) -> Vec<(Uid, Kind)> {
        let late = self.flows.iter_mut().filter(|(_, flow)| !flow.frozen && flow.last + FROZEN_AFTER <= now);
        late.map(|(key, flow)| {
            flow.frozen = true;
            *key
        })
        .collect()
    }

    /// When to look for frozen media.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let flowing = self.flows.values().filter(|flow| !flow.frozen);
        flowing.map(|flow| flow.last + FROZEN_AFTER).min()
    }
}

impl InSlot {
    fn new(publication: PublicationId) -> Self {
        Self { publication, broken: true, asked_at: None, size: (0, 0) }
    }

    /// Whether to ask for a keyframe now: a decoder cannot go on, and nobody has asked for a while.
    fn needs_keyframe(&mut self, now: Instant, frame: &SlotFrame) -> bool {
        self.broken = !frame.keyframe && (self.broken || !frame.contiguous);
        let waited = self.asked_at.is_none_or(|at| now >= at + KEYFRAME_PATIENCE);
        let ask = self.broken && waited;
        if ask {
            self.asked_at = Some(now);
        }
        ask
    }
}

/// Media that has not come for so long counts as frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(2);
/// A picture after so long a gap counts as a first one.
const LONG_GAP: Duration = Duration::from_secs(15);
/// A keyframe that was asked for gets so long to arrive.
const KEYFRAME_PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use symbolon_proto::message::Source;

    use super::*;
    use crate::media::Codec;

    #[test]
    fn a_frame_belongs_to_what_its_slot_carries() {
        let (mut incoming, now) = watching();
        let arrival = incoming.frame(now, frame(true, true)).expect("announced");
        assert_eq!(arrival.frame.uid.get(), 7);
        assert_eq!(arrival.size, (320, 240));
        incoming.carry(&[Slot { mid: mid(), publication: None }]);
        assert!(incoming.frame(now, frame(true, true)).is_none(), "the slot is free");
        incoming.carry(&[Slot { mid: mid(), publication: Some(PublicationId(9)) }]);
        assert!(incoming.frame(now, frame(true, true)).is_none(), "nobody announced it");
    }

    #[test]
    fn a_keyframe_is_asked_for_once_a_second_until_it_comes() {
        let (mut incoming, now) = watching();
        let mut asks = |after_ms, keyframe, contiguous| {
            let at = now + Duration::from_millis(after_ms);
            incoming.frame(at, frame(keyframe, contiguous)).expect("announced").ask_keyframe
        };
        assert!(asks(0, false, true), "the first picture must be a keyframe");
        assert!(!asks(500, false, true) && asks(1_000, false, true));
        assert!(!asks(1_100, true, true) && !asks(2_100, false, true));
        assert!(asks(2_200, false, false), "after a loss");
        assert!(!asks(2_300, false, true), "asked a moment ago");
    }

    #[test]
    fn media_that_stops_is_frozen_once_and_counts_anew_after_a_long_gap() {
        let (mut incoming, now) = watching();
        assert!(!incoming.frame(now, frame(true, true)).expect("announced").again);
        assert_eq!(incoming.deadline(), Some(now + FROZEN_AFTER));
        assert!(incoming.frozen(now + Duration::from_millis(1_999)).is_empty());
        assert_eq!(incoming.frozen(now + FROZEN_AFTER).len(), 1);
        assert!(incoming.frozen(now + FROZEN_AFTER).is_empty() && incoming.deadline().is_none());
        let later = now + LONG_GAP;
        assert!(incoming.frame(later, frame(true, true)).expect("announced").again);
    }

    fn watching() -> (Incoming, Instant) {
        let mut incoming = Incoming::default();
        let uid = Uid::new(7).expect("a uid");
        let (id, kind, source) = (PublicationId(3), Kind::Video, Source::Camera);
        incoming.published(uid, &Publication { id, kind, source, muted: false, layers: vec![] });
        incoming.carry(&[Slot { mid: mid(), publication: Some(id) }]);
        (incoming, crate::test_now().instant)
    }

    fn mid() -> Mid {
        Mid::parse("v0").expect("a mid")
    }

    fn frame(keyframe: bool, contiguous: bool) -> SlotFrame {
        let data = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0].as_slice().into();
        SlotFrame { mid: mid(), codec: Codec::Vp8, data, timestamp: 0, keyframe, contiguous }
    }
}
