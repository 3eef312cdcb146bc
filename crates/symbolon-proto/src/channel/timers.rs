//! One table of every member's timers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::id::Uid;

/// What a member waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// What it may do changes. First, so that nothing else acts on a right that ends at the same instant.
    Change,
    /// A privilege ends soon.
    Warn,
    /// Its connection has been lost for too long.
    Away,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, Timer, Uid)>,
    set: BTreeMap<(Uid, Timer), Instant>,
}

impl Timers {
    /// Sets a timer anew, or stops it.
    pub(super) fn set(&mut self, uid: Uid, timer: Timer, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.set.insert((uid, timer), at),
            None => self.set.remove(&(uid, timer)),
        };
        if let Some(before) = before {
            self.queue.remove(&(before, timer, uid));
        }
        if let Some(at) = at {
            self.queue.insert((at, timer, uid));
        }
    }

    /// Stops all timers of a member.
    pub(super) fn clear(&mut self, uid: Uid) {
        for timer in [Timer::Change, Timer::Warn, Timer::Away] {
            self.set(uid, timer, None);
        }
    }

    /// The first timer that is due; it is stopped.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(Uid, Timer)> {
        let (at, timer, uid) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.set(uid, timer, None);
        Some((uid, timer))
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, ..)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Now;

    #[test]
    fn a_timer_that_is_set_again_rings_once() {
        let start = Now::in_tests().instant;
        let at = |seconds| start + Duration::from_secs(seconds);
        let uid = Uid::new(1).unwrap();
        let mut timers = Timers::default();
        timers.set(uid, Timer::Warn, Some(at(5)));
        timers.set(uid, Timer::Warn, Some(at(9)));
        timers.set(uid, Timer::Change, Some(at(9)));
        assert_eq!(timers.next(), Some(at(9)));
        assert_eq!(timers.pop_due(at(8)), None);
        assert_eq!(timers.pop_due(at(9)), Some((uid, Timer::Change)));
        assert_eq!(timers.pop_due(at(9)), Some((uid, Timer::Warn)));
        timers.set(uid, Timer::Away, Some(at(20)));
        timers.clear(uid);
        assert_eq!(timers.next(), None);
    }
}
