//! Keyframe requests on their way back to the publisher: merged, throttled, never lost.

use std::time::{Duration, Instant};

/// Publishers are asked no more often than this: twice a second for each publication, however many subscribers ask.
pub(crate) const KEYFRAME_EVERY: Duration = Duration::from_millis(500);

/// The requests for one publication.
#[derive(Debug, Default)]
pub(crate) struct Keyframes {
    asked_at: Option<Instant>,
    wanted: bool,
}

impl Keyframes {
    /// Notes that somebody needs a keyframe.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// Whether the publisher is to be asked now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.wanted && self.asked_at.is_none_or(|at| at + KEYFRAME_EVERY <= now)
    }

    /// The publisher has been asked.
    pub(crate) fn asked(&mut self, now: Instant) {
        self.wanted = false;
        self.asked_at = Some(now);
    }

    /// A keyframe came: whoever wanted one has it. Who loses it on the way will ask again.
    pub(crate) fn came(&mut self) {
        self.wanted = false;
    }

    /// When a request that has to wait may go.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.asked_at.filter(|_| self.wanted).map(|at| at + KEYFRAME_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_two_a_second_and_none_lost() {
        let start = Instant::now();
        let mut keyframes = Keyframes::default();
        let take_due = |keyframes: &mut Keyframes, now| {
            let due = keyframes.is_due(now);
            if due {
                keyframes.asked(now);
            }
            due
        };
        assert!(!take_due(&mut keyframes, start));
        let mut asked = 0;
        for ms in 0..2_000 {
            keyframes.want();
            asked += u32::from(take_due(&mut keyframes, start + Duration::from_millis(ms)));
        }
        assert_eq!(asked, 4);
        let due = keyframes.deadline().unwrap();
        assert!(!take_due(&mut keyframes, due - Duration::from_millis(1)));
        assert!(take_due(&mut keyframes, due));
        assert_eq!(keyframes.deadline(), None);
        keyframes.want();
        keyframes.came();
        assert_eq!(keyframes.deadline(), None);
    }
}
