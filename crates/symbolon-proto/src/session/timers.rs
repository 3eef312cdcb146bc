//! Everything that a session waits for, in one table.

use std::collections::BTreeMap;
use std::time::Instant;

/// What becomes due. Of two at the same moment the earlier variant goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The next attempt begins, or the one under way has taken too long.
    Attempt,
    /// A sign of life is due.
    Ping,
    /// The server said that it goes down, and no other one has answered.
    Moving,
    /// Nothing has been heard for too long.
    Silence,
    /// No connection for so long that the application is told.
    Lost,
    /// No connection for so long that the session ends.
    GiveUp,
    /// A renewal has no answer.
    Renewal,
    /// A change of role has no answer.
    Role,
    /// The warning of the token's end has not come from the server.
    Warning,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<Timer, Instant>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.due.insert(timer, at);
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        self.due.remove(&timer);
    }

    pub(super) fn clear_all(&mut self) {
        self.due.clear();
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    /// Takes the earliest that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let (timer, at) = self.due.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|(timer, at)| (*at, *timer))?;
        (at <= now).then(|| {
            self.due.remove(&timer);
            timer
        })
    }
}
