//! Which publication goes into which of a subscriber's slots.

use std::collections::BTreeSet;

use crate::id::{Mid, PublicationId};
use crate::message::{Kind, Slot, SlotBinding};

/// The receive slots of one connection.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<State>,
    /// Slots that the client gave up while something was routed there.
    gone: Vec<Mid>,
    /// How many slots of each kind it would take to carry more than they do.
    missing: (u32, u32),
    /// The same when the client was last told.
    told_missing: (u32, u32),
}

#[derive(Debug)]
struct State {
    mid: Mid,
    kind: Kind,
    carries: Option<PublicationId>,
    /// What the edge routes there.
    routed: Option<PublicationId>,
    /// What the client believes.
    told: Option<PublicationId>,
}

/// A change of what a slot carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Move {
    In(Mid, PublicationId),
    Out(Mid),
}

impl Slots {
    pub(super) fn new(bindings: Vec<SlotBinding>) -> Self {
        let mut slots = Self::default();
        slots.rebind(bindings);
        slots
    }

    /// Takes the slots that the client has now; those that it already had keep what they carry.
    pub(super) fn rebind(&mut self, bindings: Vec<SlotBinding>) {
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.slots)
            .into_iter()
            .partition(|slot| bindings.iter().any(|binding| binding.mid == slot.mid));
        self.slots = kept;
        self.gone.extend(gone.into_iter().filter(|slot| slot.routed.is_some()).map(|slot| slot.mid));
        for SlotBinding { mid, kind } in bindings {
            if !self.slots.iter().any(|slot| slot.mid == mid) {
                self.slots.push(State { mid, kind, carries: None, routed: None, told: None });
            }
        }
        self.told_missing = (0, 0);
    }

    /// Puts every wanted publication into a slot of its kind, as far as they last. What is carried already stays where
    /// it is.
    pub(super) fn fill(&mut self, wanted: &[(PublicationId, Kind)]) {
        for slot in &mut self.slots {
            slot.carries = slot.carries.filter(|id| wanted.iter().any(|(wanted, _)| wanted == id));
        }
        let carried: BTreeSet<_> = self.slots.iter().filter_map(|slot| slot.carries).collect();
        for (id, kind) in wanted.iter().filter(|(id, _)| !carried.contains(id)) {
            let free = self.slots.iter_mut().find(|slot| slot.kind == *kind && slot.carries.is_none());
            if let Some(slot) = free {
                slot.carries = Some(*id);
            }
        }
        self.missing = (self.lack(Kind::Audio, wanted), self.lack(Kind::Video, wanted));
    }

    fn lack(&self, kind: Kind, wanted: &[(PublicationId, Kind)]) -> u32 {
        let wanted = wanted.iter().filter(|(_, wanted)| *wanted == kind).count();
        let slots = self.slots.iter().filter(|slot| slot.kind == kind).count();
        u32::try_from(wanted.saturating_sub(slots)).unwrap_or(u32::MAX)
    }

    /// What the edge must do: first everything that leaves a slot, then everything that enters one.
    pub(super) fn moves(&mut self) -> Vec<Move> {
        let changed = |slot: &&mut State| slot.carries != slot.routed;
        let mut moves: Vec<_> = self.gone.drain(..).map(Move::Out).collect();
        for slot in self.slots.iter_mut().filter(changed) {
            if slot.routed.take().is_some() {
                moves.push(Move::Out(slot.mid.clone()));
            }
        }
        for slot in self.slots.iter_mut().filter(changed) {
            if let Some(id) = slot.carries {
                moves.push(Move::In(slot.mid.clone(), id));
            }
            slot.routed = slot.carries;
        }
        moves
    }

    /// Empties the slots that carry this publication; says whether there were any.
    pub(super) fn release(&mut self, id: PublicationId) -> bool {
        let mut released = false;
        for slot in self.slots.iter_mut().filter(|slot| slot.carries == Some(id)) {
            slot.carries = None;
            released = true;
        }
        released
    }

    /// Empties every slot.
    pub(super) fn release_all(&mut self) {
        for slot in &mut self.slots {
            slot.carries = None;
        }
    }

    /// What the client does not know yet.
    pub(super) fn tell_changes(&mut self) -> Vec<Slot> {
        let changed = self.slots.iter_mut().filter(|slot| slot.told != slot.carries);
        changed.map(State::tell).collect()
    }

    /// Everything.
    pub(super) fn tell_all(&mut self) -> Vec<Slot> {
        self.slots.iter_mut().map(State::tell).collect()
    }

    /// How many more audio and video slots it would take, if that is more than the client was last told.
    pub(super) fn tell_missing(&mut self) -> Option<(u32, u32)> {
        let before = std::mem::replace(&mut self.told_missing, self.missing);
        (self.missing.0 > before.0 || self.missing.1 > before.1).then_some(self.missing)
    }
}

impl State {
    fn tell(&mut self) -> Slot {
        self.told = self.carries;
        Slot { mid: self.mid.clone(), publication: self.carries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid(name: &str) -> Mid {
        Mid::parse(name).unwrap()
    }

    fn slots(names: &[(&str, Kind)]) -> Vec<SlotBinding> {
        names.iter().map(|(name, kind)| SlotBinding { mid: mid(name), kind: *kind }).collect()
    }

    const A: PublicationId = PublicationId(1);
    const B: PublicationId = PublicationId(2);
    const C: PublicationId = PublicationId(3);

    #[test]
    fn publications_keep_their_slots_while_others_come_and_go() {
        let mut held = Slots::new(slots(&[("0", Kind::Video), ("1", Kind::Video), ("2", Kind::Audio)]));
        held.fill(&[(A, Kind::Video), (B, Kind::Video)]);
        assert_eq!(held.moves(), [Move::In(mid("0"), A), Move::In(mid("1"), B)]);

        held.fill(&[(B, Kind::Video), (C, Kind::Video)]);
        assert_eq!(held.moves(), [Move::Out(mid("0")), Move::In(mid("0"), C)]);
        assert_eq!(held.moves(), []);
    }

    #[test]
    fn a_shortage_is_told_once_and_again_when_it_grows() {
        let mut held = Slots::new(slots(&[("0", Kind::Video)]));
        let two = [(A, Kind::Video), (B, Kind::Video)];
        let three = [(A, Kind::Video), (B, Kind::Video), (C, Kind::Video)];
        held.fill(&two);
        assert_eq!(held.tell_missing(), Some((0, 1)));
        assert_eq!(held.tell_missing(), None);
        held.fill(&three);
        assert_eq!(held.tell_missing(), Some((0, 2)));
        held.rebind(slots(&[("0", Kind::Video), ("1", Kind::Video)]));
        held.fill(&three);
        assert_eq!(held.tell_missing(), Some((0, 1)));
    }

    #[test]
    fn a_slot_that_the_client_gives_up_is_emptied() {
        let mut held = Slots::new(slots(&[("0", Kind::Video), ("1", Kind::Video)]));
        held.fill(&[(A, Kind::Video), (B, Kind::Video)]);
        held.moves();
        held.rebind(slots(&[("1", Kind::Video)]));
        held.fill(&[(B, Kind::Video)]);
        assert_eq!(held.moves(), [Move::Out(mid("0"))]);
        assert_eq!(held.tell_all(), [Slot { mid: mid("1"), publication: Some(B) }]);
    }
}
