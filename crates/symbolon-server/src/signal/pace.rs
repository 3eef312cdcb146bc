//! How fast a client may send.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of tokens: one for each message, refilled steadily. Whoever empties it waits; whoever goes on regardless is
/// put out.
#[derive(Debug)]
pub(super) struct MessagePace {
    /// When the bucket will be full, or would be, were it not bounded.
    full_at: Instant,
    /// How many messages had to wait since the sender was last calm.
    waited: u32,
}

/// Too many, for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl MessagePace {
    pub(super) fn new(now: Instant) -> Self {
        Self { full_at: now, waited: 0 }
    }

    /// Takes a token for one message: how long its sender has to wait for it.
    pub(super) fn take(&mut self, now: Instant) -> Result<Duration, TooMany> {
        self.full_at = self.full_at.max(now) + REFILL;
        let missing = self.full_at.saturating_duration_since(now);
        // A sender that lets the bucket fill up again has calmed down. One token left over by a late timer is no calm.
        if missing <= REFILL * BURST / 2 {
            self.waited = 0;
        }
        let wait = missing.saturating_sub(REFILL * BURST);
        self.waited += u32::from(!wait.is_zero());
        if self.waited > MAX_WAITED { Err(TooMany) } else { Ok(wait) }
    }
}

/// The time in which one token comes back: 50 a second.
const REFILL: Duration = Duration::from_millis(20);

/// How many tokens the bucket holds.
const BURST: u32 = 100;

/// How many messages may be made to wait: five seconds of sending faster than allowed.
const MAX_WAITED: u32 = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_passes_a_flood_waits_and_is_then_put_out() {
        let start = Instant::now();
        let (mut pace, mut now) = (MessagePace::new(start), start);
        for _ in 0..BURST {
            assert_eq!(pace.take(now), Ok(Duration::ZERO));
        }
        for _ in 0..MAX_WAITED {
            now += pace.take(now).unwrap();
        }
        assert_eq!(now - start, REFILL * MAX_WAITED);
        assert_eq!(pace.take(now), Err(TooMany));
    }

    #[tokio::test]
    async fn timers_that_come_late_do_not_hide_a_flood() {
        let mut now = Instant::now();
        let mut pace = MessagePace::new(now);
        let mut messages = 0;
        while let Ok(wait) = pace.take(now) {
            messages += 1;
            assert!(messages < 2_000, "the flood is never ended");
            now += if wait.is_zero() { wait } else { wait + REFILL };
        }
    }

    #[tokio::test]
    async fn bursts_with_rests_between_them_pass_for_ever() {
        let mut now = Instant::now();
        let mut pace = MessagePace::new(now);
        for _ in 0..100 {
            for _ in 0..BURST + 10 {
                now += pace.take(now).unwrap();
            }
            now += REFILL * BURST;
        }
    }

    #[tokio::test]
    async fn the_allowed_rate_passes_for_ever() {
        let (mut now, mut waits) = (Instant::now(), 0);
        let mut pace = MessagePace::new(now);
        for _ in 0..10_000 {
            waits += u32::from(!pace.take(now).unwrap().is_zero());
            now += REFILL;
        }
        assert_eq!(waits, 0);
    }
}
