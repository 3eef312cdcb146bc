//! Shedding: when there is more to do than can be done soon, some requests are refused at once, so that those that are
//! answered are answered soon.
//!
//! What is measured is how long a task waits for its turn. The part of the requests that is refused follows that delay as
//! in PIE (RFC 8033, section 4.2), with gains for a queue of requests, which are far fewer and far longer than packets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::random;

/// How loaded the server is. Clones speak of the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// The part of the requests to be refused, of 2^32.
    refused: Arc<AtomicU32>,
}

impl Load {
    /// Whether this request is to be refused, and if so, in how many seconds it may be tried again. Not the same for all,
    /// or they would all come back at once.
    pub(crate) fn sheds(&self) -> Option<u64> {
        let refused = self.refused.load(Ordering::Relaxed);
        if refused == 0 || u32::from_ne_bytes(random::bytes()) >= refused {
            return None;
        }
        let [byte] = random::bytes();
        Some(SOONEST_RETRY + u64::from(byte) % (LATEST_RETRY - SOONEST_RETRY + 1))
    }

    /// Measures for as long as it is polled.
    pub(crate) async fn watch(self) {
        let mut controller = Controller::default();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let part = controller.update(turn().await);
            self.refused.store((part * f64::from(u32::MAX)) as u32, Ordering::Relaxed);
        }
    }
}

/// How long a task that becomes ready now waits for its turn.
async fn turn() -> Duration {
    let ready = Instant::now();
    let probe = tokio::spawn(async move { ready.elapsed() });
    // A worker runs the task that became ready last at once, out of turn. That is this one, so that the probe is in turn.
    tokio::spawn(async {});
    probe.await.unwrap_or_default()
}

/// Decides which part of the requests is refused.
#[derive(Debug, Default)]
struct Controller {
    part: f64,
    /// What it went by the last time.
    delay: f64,
    /// The latest measurements.
    measured: [f64; MEASUREMENTS],
}

impl Controller {
    /// The part, from 0 to [`MOST`], after another measurement.
    fn update(&mut self, delay: Duration) -> f64 {
        self.measured.rotate_left(1);
        self.measured[MEASUREMENTS - 1] = delay.as_secs_f64();
        // A queue that stands is overload; one that comes and goes is not, nor is a turn that somebody else had.
        let delay = self.measured.iter().copied().fold(f64::INFINITY, f64::min);
        let change = OF_THE_EXCESS * (delay - TARGET.as_secs_f64()) + OF_THE_GROWTH * (delay - self.delay);
        self.part = (self.part + change).clamp(0.0, MOST);
        self.delay = delay;
        self.part
    }
}

/// How often the delay is measured.
const INTERVAL: Duration = Duration::from_millis(5);

/// How many measurements make a queue that stands.
const MEASUREMENTS: usize = 4;

/// The delay that is aimed at under overload. It is a part of what an answer takes; twice as much is met in the tail.
const TARGET: Duration = Duration::from_millis(10);

/// Gains, in parts for each second of delay: of what is over the target, and of its growth since the last time.
const OF_THE_EXCESS: f64 = 1.0;
const OF_THE_GROWTH: f64 = 5.0;

/// Somebody is always answered, or nobody would notice that it is over.
const MOST: f64 = 0.99;

/// When a refused request may be tried again, in seconds.
const SOONEST_RETRY: u64 = 1;
const LATEST_RETRY: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// A server as a queue: what its requests cost, and how much work waits.
    struct Queue {
        controller: Controller,
        part: f64,
        waiting: f64,
    }

    impl Queue {
        fn new() -> Self {
            Self { controller: Controller::default(), part: 0.0, waiting: 0.0 }
        }

        /// Lets requests come for a while, `offered` times as many as can be answered; a refusal costs a third of an answer.
        /// Gives the delay after each step.
        fn run(&mut self, offered: f64, time: Duration) -> Vec<f64> {
            let steps = (time.as_secs_f64() / INTERVAL.as_secs_f64()) as usize;
            let step = || {
                let interval = INTERVAL.as_secs_f64();
                let work = offered * interval * ((1.0 - self.part) + self.part / 3.0);
                self.waiting = (self.waiting + work - interval).max(0.0);
                // The probe waits as long as a request, so the next measurement comes later.
                self.part = self.controller.update(Duration::from_secs_f64(self.waiting));
                self.waiting
            };
            std::iter::repeat_with(step).take(steps).collect()
        }
    }

    #[test]
    fn what_can_be_done_is_not_refused() {
        let mut queue = Queue::new();
        queue.run(0.95, Duration::from_secs(10));
        assert_eq!(queue.part, 0.0);
    }

    #[test]
    fn a_turn_that_somebody_else_had_is_no_overload() {
        let mut controller = Controller::default();
        for step in 0..1_000 {
            let delay = Duration::from_millis(if step % 10 < 3 { 100 } else { 1 });
            assert_eq!(controller.update(delay), 0.0);
        }
    }

    #[test]
    fn under_overload_the_delay_comes_to_its_target_and_stays() {
        for offered in [1.2, 2.0, 2.8] {
            let mut queue = Queue::new();
            queue.run(offered, Duration::from_secs(2));
            let delays = queue.run(offered, Duration::from_secs(20));
            let worst = delays.iter().copied().fold(0.0, f64::max);
            assert!(worst < 2.0 * TARGET.as_secs_f64(), "{offered}: {worst}");
            // As many are refused as need to be: what is left of the work is what can be done.
            let wanted = (1.0 - 1.0 / offered) * 1.5;
            assert!((queue.part - wanted).abs() < 0.05, "{offered}: {} of {wanted}", queue.part);
        }
    }

    #[test]
    fn a_moment_after_it_is_over_nothing_is_refused() {
        let mut queue = Queue::new();
        queue.run(2.8, Duration::from_secs(10));
        assert!(queue.part > 0.8);
        queue.run(0.5, Duration::from_secs(2));
        assert_eq!(queue.part, 0.0);
    }

    #[test]
    fn the_wait_differs_from_request_to_request() {
        let load = Load::default();
        assert_eq!(load.sheds(), None);
        load.refused.store(u32::MAX, Ordering::Relaxed);
        let waits: std::collections::BTreeSet<u64> = (0..1_000).filter_map(|_| load.sheds()).collect();
        assert_eq!(waits, (1..=5).collect());
        load.refused.store(u32::MAX / 2, Ordering::Relaxed);
        let refused = (0..10_000).filter(|_| load.sheds().is_some()).count();
        assert!((4_500..5_500).contains(&refused), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_woken_in_time_sees_no_load() {
        let load = Load::default();
        let watch = load.clone().watch();
        assert!(tokio::time::timeout(Duration::from_secs(10), watch).await.is_err());
        assert_eq!(load.sheds(), None);
    }
}
