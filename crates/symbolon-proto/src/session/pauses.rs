//! The pauses between attempts to connect.

use std::time::Duration;

const FIRST_MS: f64 = 500.0;
const GROWTH: f64 = 1.5;
const MOST_MS: f64 = 10_000.0;
const JITTER: f64 = 0.2;

/// Pauses that grow from 0.5 s by half up to 10 s, each up to a fifth shorter or longer at random: clients that lost
/// one server do not all come back at the same moment.
#[derive(Clone, Debug)]
pub struct Pauses {
    /// State of a small generator (splitmix64); absent without jitter.
    seed: Option<u64>,
}

impl Pauses {
    /// Pauses that differ from client to client: the seed comes from the operating system.
    pub fn seeded(seed: u64) -> Self {
        Self { seed: Some(seed) }
    }

    /// The bare numbers, for tests and scripted conversations.
    pub fn exact() -> Self {
        Self { seed: None }
    }

    /// The pause after this many attempts in a row.
    pub(super) fn after(&mut self, attempts: u32) -> Duration {
        // The pause has reached its most long before this many.
        let steps = i32::try_from(attempts.saturating_sub(1).min(64)).unwrap_or(64);
        let pause = (FIRST_MS * GROWTH.powi(steps)).min(MOST_MS);
        let jitter = 1.0 + JITTER * (2.0 * self.draw() - 1.0);
        Duration::from_millis((pause * jitter).round() as u64)
    }

    /// A number from 0 to 1.
    fn draw(&mut self) -> f64 {
        let Some(seed) = &mut self.seed else {
            return 0.5;
        };
        *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let top = (mixed ^ (mixed >> 31)) >> 32;
        f64::from(u32::try_from(top).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_half_up_to_ten_seconds() {
        let pauses: Vec<_> = (1..=10).map(|attempts| Pauses::exact().after(attempts).as_millis()).collect();
        assert_eq!(pauses, [500, 750, 1125, 1688, 2531, 3797, 5695, 8543, 10_000, 10_000]);
        assert_eq!(Pauses::exact().after(u32::MAX).as_millis(), 10_000);
    }

    #[test]
    fn jitter_stays_within_a_fifth_and_differs() {
        let mut pauses = Pauses::seeded(7);
        let drawn: Vec<_> = (0..1000).map(|_| pauses.after(1).as_millis()).collect();
        assert!(drawn.iter().all(|pause| (400..=600).contains(pause)));
        assert!(drawn.iter().any(|pause| *pause < 420) && drawn.iter().any(|pause| *pause > 580));
        assert_ne!(Pauses::seeded(8).after(1), Pauses::seeded(9).after(1));
    }
}
