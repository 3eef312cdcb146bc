//! What came of a run.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use serde::Serialize;

/// The figures of a run. The names are those that thresholds use.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Members that were to be there.
    pub members: u64,
    /// Members that never had what they came for, or lost it.
    pub failed: u64,
    /// Members that left and came back.
    pub churned: u64,
    /// The length of the window, in seconds.
    pub window_s: f64,
    /// Packets sent by publishers in the window.
    pub sent: u64,
    /// Packets sent in the window that came to viewers, decrypted and read.
    pub received: u64,
    /// Packets that could be decrypted but were none of ours.
    pub unreadable: u64,
    /// Received packets a second.
    pub packets_per_s: f64,
    /// The part of the packets sent in the window that did not come, of viewers that stayed.
    pub loss: f64,
    /// The median of the forward delay in milliseconds: from just before sending to the kernel of the viewer.
    pub p50_ms: f64,
    /// Its 99th percentile.
    pub p99_ms: f64,
    /// Its 99.9th percentile.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// From the first word of a join to the answer: the median in milliseconds.
    pub answer_p50_ms: f64,
    /// Its 99th percentile.
    pub answer_p99_ms: f64,
    /// From the first word of a join to the first packet of a viewer, or to the connection where nobody publishes: the
    /// median in milliseconds.
    pub join_p50_ms: f64,
    /// Its 99th percentile.
    pub join_p99_ms: f64,
    /// SRTP profiles of the connections, with how many have each.
    pub profiles: BTreeMap<String, u64>,
    /// The part of a core that the generator was busy in the window: near 1 it measures itself.
    pub generator_busy: f64,
    /// What the watched process used in the window, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_s: Option<f64>,
    /// That, for a million received packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_s_per_million: Option<f64>,
    /// Its memory before the first join, in kB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_rss_before_kb: Option<u64>,
    /// Its memory at the end of the window, in kB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_rss_kb: Option<u64>,
    /// Why members failed, with how many for each reason, at most [`Report::MAX_REASONS`].
    pub failures: BTreeMap<String, u64>,
}

impl Report {
    /// Reasons that are kept.
    pub const MAX_REASONS: usize = 16;

    /// Notes why a member failed.
    pub(crate) fn fail(&mut self, why: &str) {
        self.failed += 1;
        if self.failures.contains_key(why) || self.failures.len() < Self::MAX_REASONS {
            *self.failures.entry(why.to_owned()).or_default() += 1;
        }
    }

    /// The figures for people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header(["figure", "value"]);
        for (name, value) in self.rows() {
            table.add_row([name.to_owned(), value]);
        }
        table.to_string()
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let ms = |values: &[f64]| values.iter().map(|value| format!("{value:.2}")).collect::<Vec<_>>().join(" · ");
        let counts = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{count} × {name}")).collect::<Vec<_>>().join(", ")
        };
        let mut rows = vec![
            ("members (failed)", format!("{} ({})", self.members, self.failed)),
            ("left and came back", self.churned.to_string()),
            ("packets sent in the window", self.sent.to_string()),
            ("packets received", format!("{} ({:.0} a second)", self.received, self.packets_per_s)),
            ("loss", format!("{:.4} %", self.loss * 100.0)),
            ("forward delay p50 · p99 · p99.9 · max, ms", ms(&[self.p50_ms, self.p99_ms, self.p999_ms, self.max_ms])),
            ("answer to a join p50 · p99, ms", ms(&[self.answer_p50_ms, self.answer_p99_ms])),
            ("join to first packet p50 · p99, ms", ms(&[self.join_p50_ms, self.join_p99_ms])),
            ("SRTP", counts(&self.profiles)),
            ("generator busy", format!("{:.0} % of a core", self.generator_busy * 100.0)),
        ];
        if let (Some(cpu), Some(per_million)) = (self.server_cpu_s, self.cpu_s_per_million) {
            rows.push(("server CPU in the window", format!("{cpu:.2} s, {per_million:.2} s for a million packets")));
        }
        if let (Some(before), Some(rss)) = (self.server_rss_before_kb, self.server_rss_kb) {
            rows.push(("server memory before · at the end, kB", format!("{before} · {rss}")));
        }
        if !self.failures.is_empty() {
            rows.push(("failures", counts(&self.failures)));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_and_bounded() {
        let mut report = Report::default();
        for number in 0..100 {
            report.fail("it broke");
            report.fail(&format!("reason {number}"));
        }
        assert_eq!((report.failed, report.failures["it broke"]), (200, 100));
        assert_eq!(report.failures.len(), Report::MAX_REASONS);
        assert!(report.table().contains("100 × it broke"));
    }
}
