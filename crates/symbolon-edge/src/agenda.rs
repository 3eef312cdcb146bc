//! Who wants to be woken when: deadlines in the order in which they come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Deadlines by owner, at most one for each, and the same in the order of their times.
#[derive(Debug)]
pub(crate) struct Agenda<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_owner: BTreeMap<K, Instant>,
}

impl<K: Copy + Ord> Agenda<K> {
    pub(crate) fn new() -> Self {
        Self { by_time: BTreeSet::new(), by_owner: BTreeMap::new() }
    }

    /// Sets the owner's deadline, or clears it.
    pub(crate) fn set(&mut self, owner: K, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.by_owner.insert(owner, at),
            None => self.by_owner.remove(&owner),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, owner));
        }
        if let Some(at) = at {
            self.by_time.insert((at, owner));
        }
    }

    /// Sets the owner's deadline unless an earlier one is set already. An owner whose deadline moves away with every
    /// packet is woken once for nothing instead of being sorted anew each time.
    pub(crate) fn set_no_later_than(&mut self, owner: K, at: Instant) {
        if self.by_owner.get(&owner).is_none_or(|set| *set > at) {
            self.set(owner, Some(at));
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes one deadline that `now` has reached, the earliest first.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (_, owner) = self.by_time.first().copied().filter(|(at, _)| *at <= now)?;
        self.set(owner, None);
        Some(owner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn deadlines_come_in_order_and_each_owner_has_one() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut agenda = Agenda::new();
        agenda.set('a', Some(at(30)));
        agenda.set('b', Some(at(20)));
        agenda.set('a', Some(at(10)));
        agenda.set_no_later_than('b', at(25));
        assert_eq!(agenda.next(), Some(at(10)));
        assert_eq!(agenda.pop_due(at(9)), None);
        assert_eq!(agenda.pop_due(at(20)), Some('a'));
        assert_eq!(agenda.pop_due(at(20)), Some('b'));
        assert_eq!(agenda.next(), None);
        agenda.set('c', Some(at(5)));
        agenda.set('c', None);
        assert_eq!(agenda.next(), None);
    }
}
