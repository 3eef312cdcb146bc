//! Packets of a publication that never came, though the edge asked for them again.
//!
//! A viewer that misses one of them asks the edge, which cannot help, and sees a picture that stands until it gives up
//! after seconds. The edge knows sooner: what has not come by then will not come, and only a keyframe helps.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::route::Run;

/// The numbers that are missing from the run that feeds a publication.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    run: Option<Run>,
    highest: u64,
    /// What is missing, and since when; in order.
    missing: VecDeque<(u64, Instant)>,
}

/// A packet that is missing for so long is not waited for: the media library has asked five times by then, unless the way
/// to the publisher and back takes longer than 100 ms, and the viewers' jitter buffers have run dry.
const LOST_AFTER: Duration = Duration::from_millis(600);
/// The media library asks for no more packets at once. Where so many are missing, the line was dead.
const MAX_MISSING: u64 = 100;

impl Holes {
    /// Notes a packet. Says whether the picture cannot be mended but by a new keyframe.
    pub(crate) fn note(&mut self, now: Instant, run: Run, seq: u64, starts_keyframe: bool) -> bool {
        if self.run != Some(run) {
            *self = Self { run: Some(run), highest: seq, missing: VecDeque::new() };
            return false;
        }
        let was_dead = self.take(now, seq);
        if starts_keyframe {
            // Nothing that follows needs what came before.
            self.missing.retain(|(other, _)| *other > seq);
            return false;
        }
        let is_lost = self.missing.front().is_some_and(|(_, since)| *since + LOST_AFTER <= now);
        if was_dead || is_lost {
            self.missing.clear();
        }
        was_dead || is_lost
    }

    /// Fills a hole, or opens one. Says whether more is missing than can be asked for.
    fn take(&mut self, now: Instant, seq: u64) -> bool {
        if seq <= self.highest {
            if let Ok(at) = self.missing.binary_search_by_key(&seq, |(missing, _)| *missing) {
                self.missing.remove(at);
            }
            return false;
        }
        let gap = self.highest + 1..seq;
        self.highest = seq;
        if gap.end - gap.start + self.missing.len() as u64 > MAX_MISSING {
            self.missing.clear();
            return true;
        }
        self.missing.extend(gap.map(|missing| (missing, now)));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes packets, each with the milliseconds since the start, and gives the numbers of those that found the picture broken.
    fn broken_at(packets: &[(u64, u64)], keyframes: &[u64]) -> Vec<u64> {
        let start = Instant::now();
        let mut holes = Holes::default();
        let mut note = |&(ms, seq): &(u64, u64)| {
            holes.note(start + Duration::from_millis(ms), Run(1), seq, keyframes.contains(&seq))
        };
        packets.iter().filter(|packet| note(packet)).map(|(_, seq)| *seq).collect()
    }

    #[test]
    fn a_hole_that_is_filled_in_time_is_none() {
        assert!(broken_at(&[(0, 1), (10, 4), (20, 3), (30, 2), (700, 5), (1_400, 6)], &[]).is_empty());
    }

    #[test]
    fn a_hole_that_stays_is_told_once() {
        assert_eq!(broken_at(&[(0, 1), (10, 3), (609, 4), (610, 5), (620, 6), (2_000, 7)], &[]), [5]);
        // It comes after all, and another one opens.
        assert_eq!(broken_at(&[(0, 1), (10, 3), (610, 4), (620, 2), (630, 6), (1_230, 7)], &[]), [4, 7]);
    }

    #[test]
    fn a_keyframe_makes_good_what_came_before_it_and_nothing_else() {
        assert!(broken_at(&[(0, 1), (10, 3), (600, 4), (700, 5)], &[4]).is_empty());
        // The hole lies within the keyframe, or after it.
        assert_eq!(broken_at(&[(0, 1), (10, 3), (20, 5), (700, 6)], &[3]), [6]);
    }

    #[test]
    fn after_a_dead_line_a_keyframe_is_wanted_at_once() {
        assert_eq!(broken_at(&[(0, 1), (3_000, 103), (3_010, 104), (3_020, 2)], &[]), [103]);
        assert!(broken_at(&[(0, 1), (3_000, 102)], &[]).is_empty());
        assert!(broken_at(&[(0, 1), (3_000, 400), (4_000, 401)], &[400]).is_empty());
        // Many holes of one packet are as bad.
        let every_other: Vec<_> = (0..=101).map(|n| (n, 1 + 2 * n)).collect();
        assert_eq!(broken_at(&every_other, &[]), [203]);
    }

    #[test]
    fn another_run_begins_anew() {
        let start = Instant::now();
        let mut holes = Holes::default();
        let later = start + 2 * LOST_AFTER;
        assert!(!holes.note(start, Run(1), 1, false) && !holes.note(start, Run(1), 3, false));
        assert!(!holes.note(later, Run(2), 70_000, false) && !holes.note(later, Run(2), 70_001, false));
    }
}
