//! What feeds a publication: one stream, or one for each of its layers, and which of those anyone wants.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use str0m::media::Rid;
use str0m::rtp::Ssrc;
use symbolon_proto::message::{Layer, Size};

use crate::hole::Holes;
use crate::keyframe::Keyframes;
use crate::route::Run;

/// One stream of a publication.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// What its publisher said of it; absent for a publication that is sent once.
    pub(crate) layer: Option<Layer>,
    pub(crate) keyframes: Keyframes,
    /// What is missing of it.
    pub(crate) holes: Holes,
    /// The SSRC that it comes with, and the number of that run.
    pub(crate) source: Option<(Ssrc, Run)>,
    meter: Meter,
    rid: Option<Rid>,
}

impl Feed {
    /// The feeds of a publication with these layers.
    pub(crate) fn all(layers: Vec<Layer>) -> Vec<Self> {
        if layers.is_empty() {
            return vec![Self::default()];
        }
        let feed = |layer: Layer| Self { rid: Some(layer.rid.as_str().into()), layer: Some(layer), ..Self::default() };
        layers.into_iter().map(feed).collect()
    }

    /// The name by which its packets are known.
    pub(crate) fn rid(&self) -> Option<Rid> {
        self.rid
    }

    /// The run that packets with this SSRC belong to.
    pub(crate) fn run(&mut self, ssrc: Ssrc, next: impl FnOnce() -> Run) -> Run {
        match self.source {
            Some((known, run)) if known == ssrc => run,
            _ => {
                let run = next();
                self.source = Some((ssrc, run));
                run
            }
        }
    }

    /// Notes a packet.
    pub(crate) fn note(&mut self, now: Instant, bytes: usize) {
        self.meter.note(now, bytes);
    }

    /// Whether it comes now.
    pub(crate) fn comes(&self, now: Instant) -> bool {
        self.meter.last.is_some_and(|last| now.saturating_duration_since(last) < SILENT_AFTER)
    }

    /// What it takes, in bits a second: as measured, or where nothing comes as its publisher said.
    pub(crate) fn cost(&self, now: Instant) -> u64 {
        let said = self.layer.as_ref().map(|layer| u64::from(layer.max_kbps) * 1_000);
        match self.meter.rate() {
            Some(rate) if self.comes(now) || said.is_none() => rate,
            _ => said.unwrap_or(0),
        }
    }

    /// The size of its pictures, if its publisher said so.
    pub(crate) fn size(&self) -> Option<Size> {
        self.layer.as_ref().map(|layer| Size { width: layer.width, height: layer.height })
    }
}

/// A stream without a packet for so long does not come.
const SILENT_AFTER: Duration = Duration::from_millis(1_500);

/// The bitrate of the last second or two: the higher of two halves, so that a keyframe counts and a pause of a moment does not.
#[derive(Debug, Default)]
struct Meter {
    since: Option<Instant>,
    last: Option<Instant>,
    bytes: u64,
    rates: [Option<u64>; 2],
}

impl Meter {
    const SPAN: Duration = Duration::from_secs(1);
    /// With the headers and tags of a packet's way to a viewer.
    const OVERHEAD: u64 = 40;

    fn note(&mut self, now: Instant, bytes: usize) {
        let since = *self.since.get_or_insert(now);
        let span = now.saturating_duration_since(since);
        if span >= Self::SPAN {
            self.rates = [Some(self.bytes * 8 * 1_000 / span.as_millis().max(1) as u64), self.rates[0]];
            (self.since, self.bytes) = (Some(now), 0);
        }
        self.last = Some(now);
        self.bytes += bytes as u64 + Self::OVERHEAD;
    }

    fn rate(&self) -> Option<u64> {
        self.rates.into_iter().flatten().max()
    }
}

/// Which layers anyone wants, and what their publisher was told of it: more at once, less after a while.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    wanted: BTreeSet<u8>,
    told: Option<BTreeSet<u8>>,
    less_at: Option<Instant>,
    since: [Option<Instant>; symbolon_proto::message::MAX_LAYERS],
}

impl Demand {
    /// A layer that nobody wants is done without after so long.
    const LINGER: Duration = Duration::from_secs(2);
    /// A layer that is wanted is waited for so long.
    const COMING: Duration = Duration::from_secs(2);

    /// Takes what is wanted now. Gives what is to be told, if that is something new.
    pub(crate) fn update(&mut self, now: Instant, wanted: BTreeSet<u8>) -> Option<&BTreeSet<u8>> {
        for layer in wanted.difference(&self.wanted) {
            self.since[usize::from(*layer)] = Some(now);
        }
        self.wanted = wanted;
        let told = self.told.clone();
        let more = told.as_ref().is_some_and(|told| !self.wanted.is_subset(told));
        let same = told.as_ref() == Some(&self.wanted);
        let less = told.as_ref().is_none_or(|told| self.wanted != *told);
        if same {
            self.less_at = None;
            return None;
        }
        if more {
            // What is no longer wanted lingers a while longer.
            let both = self.wanted.union(&told.unwrap_or_default()).copied().collect();
            self.less_at = (both != self.wanted).then_some(now + Self::LINGER);
            self.told = Some(both);
            return self.told.as_ref();
        }
        let due = less && *self.less_at.get_or_insert(now + Self::LINGER) <= now;
        if due {
            self.less_at = None;
            self.told = Some(self.wanted.clone());
        }
        self.told.as_ref().filter(|_| due)
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.less_at
    }

    /// Whether this layer may be under way.
    pub(crate) fn may_come(&self, layer: u8) -> bool {
        self.told.as_ref().is_none_or(|told| told.contains(&layer))
    }

    /// Whether this layer was asked for so lately that it may not be there yet.
    pub(crate) fn is_coming(&self, now: Instant, layer: u8) -> bool {
        let since = self.since.get(usize::from(layer)).copied().flatten();
        self.wanted.contains(&layer) && since.is_some_and(|since| now.saturating_duration_since(since) < Self::COMING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_told_at_once_and_less_after_a_while() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut demand = Demand::default();
        let set = |layers: &[u8]| layers.iter().copied().collect::<BTreeSet<_>>();
        let mut update = |ms, layers: &[u8]| demand.update(at(ms), set(layers)).cloned();
        // Nobody is there yet, and nothing has been told.
        assert_eq!(update(0, &[]), None);
        assert_eq!(update(1_999, &[]), None);
        assert_eq!(update(2_000, &[]), Some(set(&[])));
        assert_eq!(update(2_100, &[2]), Some(set(&[2])));
        assert_eq!(update(2_200, &[2]), None);
        assert_eq!(update(3_000, &[0]), Some(set(&[0, 2])));
        assert_eq!(update(4_999, &[0]), None);
        assert_eq!(update(5_000, &[0]), Some(set(&[0])));
        // What comes back before it was told takes nothing.
        assert_eq!(update(6_000, &[]), None);
        assert_eq!(update(7_000, &[0]), None);
        assert_eq!(update(9_000, &[0]), None);
        assert_eq!(update(9_100, &[]), None);
        assert_eq!(update(11_099, &[]), None);
        assert_eq!(update(11_100, &[]), Some(set(&[])));
    }

    #[test]
    fn a_rate_is_the_higher_of_the_last_two_seconds() {
        let start = Instant::now();
        let mut feed = Feed::default();
        for ms in 0..3_000 {
            let bytes = if ms < 1_000 { 210 } else { 85 };
            feed.note(start + Duration::from_millis(ms), bytes);
        }
        let now = start + Duration::from_millis(3_000);
        assert_eq!(feed.cost(now), 2_000_000);
        for ms in 3_000..4_001 {
            feed.note(start + Duration::from_millis(ms), 85);
        }
        assert_eq!(feed.cost(now), 1_000_000);
        assert!(feed.comes(now) && !feed.comes(now + Duration::from_secs(3)));
    }
}
