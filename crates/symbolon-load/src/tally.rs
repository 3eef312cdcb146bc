//! The counts of the window.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::Report;
use crate::stamp::Stamp;

/// A span of the wall clock, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
}

impl Window {
    fn has(&self, at_ns: u64) -> bool {
        (self.from_ns..self.to_ns).contains(&at_ns)
    }
}

/// What is counted while it runs.
pub(crate) struct Tally {
    window: Option<Window>,
    /// In microseconds.
    delays: Histogram<u64>,
    answers: Histogram<u64>,
    joins: Histogram<u64>,
    /// Packets sent in the window by channel and publisher.
    sent: BTreeMap<(u32, u32), u64>,
    /// All packets received so far, for progress.
    pub(crate) total: u64,
    received: u64,
    unreadable: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3).expect("bounds that are in order");
        Self {
            window: None,
            delays: histogram(),
            answers: histogram(),
            joins: histogram(),
            sent: BTreeMap::new(),
            total: 0,
            received: 0,
            unreadable: 0,
        }
    }

    pub(crate) fn open(&mut self, window: Window) {
        self.window = Some(window);
    }

    pub(crate) fn sent(&mut self, channel: u32, stamp: &Stamp) {
        if self.window.is_some_and(|window| window.has(stamp.sent_ns)) {
            *self.sent.entry((channel, stamp.uid)).or_default() += 1;
        }
    }

    /// Notes a packet; tells whether it counts for the window.
    pub(crate) fn received(&mut self, payload: &[u8], at_ns: u64) -> bool {
        let Some(stamp) = Stamp::read(payload) else {
            self.unreadable += 1;
            return false;
        };
        self.total += 1;
        if !self.window.is_some_and(|window| window.has(stamp.sent_ns)) {
            return false;
        }
        self.received += 1;
        self.delays.saturating_record(at_ns.saturating_sub(stamp.sent_ns) / 1_000);
        true
    }

    pub(crate) fn answered(&mut self, after: Duration) {
        self.answers.saturating_record(micros(after));
    }

    pub(crate) fn joined(&mut self, after: Duration) {
        self.joins.saturating_record(micros(after));
    }

    /// What a viewer of these should have got.
    pub(crate) fn expected(&self, channel: u32, sources: &[u32]) -> u64 {
        sources.iter().filter_map(|uid| self.sent.get(&(channel, *uid))).sum()
    }

    /// Writes the figures. `pairs` are, for each viewer that stayed, what it should have got and what it got.
    pub(crate) fn write(&self, report: &mut Report, pairs: &[(u64, u64)]) {
        let ms = |histogram: &Histogram<u64>, part| histogram.value_at_quantile(part) as f64 / 1e3;
        let (expected, got) = pairs.iter().fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1.min(pair.0)));
        let seconds = self.window.map_or(0.0, |window| (window.to_ns - window.from_ns) as f64 / 1e9);
        report.window_s = seconds;
        report.sent = self.sent.values().sum();
        report.received = self.received;
        report.unreadable = self.unreadable;
        report.packets_per_s = if seconds > 0.0 { self.received as f64 / seconds } else { 0.0 };
        report.loss = if expected > 0 { 1.0 - got as f64 / expected as f64 } else { 0.0 };
        report.p50_ms = ms(&self.delays, 0.5);
        report.p99_ms = ms(&self.delays, 0.99);
        report.p999_ms = ms(&self.delays, 0.999);
        report.max_ms = self.delays.max() as f64 / 1e3;
        report.answer_p50_ms = ms(&self.answers, 0.5);
        report.answer_p99_ms = ms(&self.answers, 0.99);
        report.join_p50_ms = ms(&self.joins, 0.5);
        report.join_p99_ms = ms(&self.joins, 0.99);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Whatever takes longer counts as a minute.
const LONGEST_US: u64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_in_the_window_counts() {
        let mut tally = Tally::new();
        tally.open(Window { from_ns: 1_000_000_000, to_ns: 2_000_000_000 });
        let stamp = |sent_ns| Stamp { uid: 1, video: true, number: 1, sent_ns };
        for sent_ns in [999_999_999, 1_000_000_000, 1_500_000_000, 2_000_000_000] {
            tally.sent(1, &stamp(sent_ns));
            tally.received(&stamp(sent_ns).payload(100, 1, true, false), sent_ns + 2_000_000);
        }
        tally.received(b"of somebody else", 1_500_000_000);
        let mut report = Report::default();
        assert_eq!((tally.expected(1, &[1, 2]), tally.expected(2, &[1])), (2, 0));
        tally.write(&mut report, &[(2, 2), (2, 1)]);
        assert_eq!((report.sent, report.received, report.unreadable, tally.total), (2, 2, 1, 4));
        assert_eq!((report.p50_ms, report.loss, report.packets_per_s), (2.0, 0.25, 2.0));
    }
}
