//! Both clocks in one value.

use std::time::{Duration, Instant};

/// The monotonic clock and the wall clock, read together by a driver.
///
/// Deadlines run on the monotonic clock. Token times are Unix seconds; they become instants once, when a grant is
/// made (see [`Now::instant_at`]), and only instants are compared after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock, as time since the Unix epoch.
    pub unix: Duration,
}

impl Now {
    /// Joins the two readings.
    pub fn new(instant: Instant, unix: Duration) -> Self {
        Self { instant, unix }
    }

    /// Whole Unix seconds, rounded down.
    pub fn unix_seconds(&self) -> u64 {
        self.unix.as_secs()
    }

    /// The instant at which the wall clock shows `unix_seconds`; a time that is over gives this very instant.
    pub fn instant_at(&self, unix_seconds: u64) -> Instant {
        let left = Duration::from_secs(unix_seconds).saturating_sub(self.unix);
        self.instant + left.min(FAR)
    }

    /// The same wall clock and monotonic clock, `by` later.
    pub fn after(&self, by: Duration) -> Self {
        Self::new(self.instant + by, self.unix + by)
    }

    /// How far the two clocks have moved apart since `earlier`: the machine slept, or someone set the clock.
    pub fn drift_since(&self, earlier: &Self) -> Duration {
        let monotonic = self.instant.saturating_duration_since(earlier.instant);
        let wall = self.unix.saturating_sub(earlier.unix);
        let back = earlier.unix.saturating_sub(self.unix);
        if back > Duration::ZERO { monotonic + back } else { wall.abs_diff(monotonic) }
    }
}

/// No deadline is set further ahead than this; adding more to an `Instant` could overflow.
const FAR: Duration = Duration::from_secs(400 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    impl Now {
        /// Some moment, for tests to count from.
        #[expect(clippy::disallowed_methods, reason = "there is no other way to make an `Instant`")]
        pub(crate) fn in_tests() -> Self {
            Self::new(Instant::now(), Duration::from_secs(1_800_000_000))
        }
    }

    #[test]
    fn token_times_become_instants_without_overflow() {
        let now = Now::new(Now::in_tests().instant, Duration::from_millis(1_000_500));
        assert_eq!(now.instant_at(1_010), now.instant + Duration::from_millis(9_500));
        assert_eq!(now.instant_at(5), now.instant);
        assert!(now.instant_at(u64::MAX) > now.instant);
    }

    #[test]
    fn drift_is_seen_in_both_directions() {
        let then = Now::new(Now::in_tests().instant, Duration::from_secs(100));
        let slept = Now::new(then.instant + Duration::from_secs(1), Duration::from_secs(161));
        let set_back = Now::new(then.instant + Duration::from_secs(1), Duration::from_secs(40));
        assert_eq!(slept.drift_since(&then), Duration::from_secs(60));
        assert_eq!(set_back.drift_since(&then), Duration::from_secs(61));
        assert_eq!(then.after(Duration::from_secs(9)).drift_since(&then), Duration::ZERO);
    }
}
