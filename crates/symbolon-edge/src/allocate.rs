//! Who gets which layer: what a viewer's line is thought to carry, shared out among the videos that it wants.
//!
//! Pure: an estimate, wishes, what each layer takes and the time go in; one layer for each video, or none, comes out. It goes down
//! within a second, and up only when there has been room for a while, longer each time that going up was a mistake.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use symbolon_proto::code::Fallback;
use symbolon_proto::message::Priority;

/// One video that a viewer may get.
#[derive(Clone, Debug)]
pub(crate) struct Video<K> {
    pub(crate) id: K,
    pub(crate) rank: Rank,
    /// The best layer that the viewer has a use for; absent when it is not to be seen.
    pub(crate) want: Option<u8>,
    /// What each layer takes, in bits a second, the least first.
    pub(crate) costs: Vec<u64>,
    pub(crate) fallback: Fallback,
}

/// How much a video matters; of equals the larger one matters more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) priority: Priority,
    pub(crate) area: u32,
}

/// What is to come of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) rank: Rank,
    pub(crate) want: Option<u8>,
    /// The layer; absent when nothing comes.
    pub(crate) layer: Option<u8>,
}

/// The choices for one viewer, and how long there has been reason to change them.
#[derive(Debug)]
pub(crate) struct Allocator<K> {
    choices: BTreeMap<K, Choice>,
    over_since: Option<Instant>,
    better_since: Option<Instant>,
    raised_at: Option<Instant>,
    lowered_at: Option<Instant>,
    /// When something else was asked for last.
    asked_at: Option<Instant>,
    patience: Duration,
}

impl<K> Default for Allocator<K> {
    fn default() -> Self {
        Self {
            choices: BTreeMap::new(),
            over_since: None,
            better_since: None,
            raised_at: None,
            lowered_at: None,
            asked_at: None,
            patience: PATIENCE,
        }
    }
}

/// More than the estimate for so long: something has to go.
const OVER_FOR: Duration = Duration::from_millis(400);
/// Room for more for so long: something may come.
const PATIENCE: Duration = Duration::from_millis(2_500);
const PATIENCE_AT_FIRST: Duration = Duration::from_millis(500);
const MAX_PATIENCE: Duration = Duration::from_secs(10);
/// When something else has just been asked for, little is known of what the line carries, and it is found out quickly.
const AT_FIRST: Duration = Duration::from_secs(5);
/// Going down so soon after going up shows that going up was a mistake.
const MISTAKE_WITHIN: Duration = Duration::from_secs(8);
/// Going up leaves a part of the estimate unused, in percent of it, so that a small change of it changes nothing.
pub(crate) const RAISE_TO: u64 = 85;
/// Going down goes a little below the estimate.
const LOWER_TO: u64 = 95;

impl<K: Copy + Ord> Allocator<K> {
    /// What is to come of each video.
    pub(crate) fn choices(&self) -> &BTreeMap<K, Choice> {
        &self.choices
    }

    /// Chooses anew. Without an estimate everything comes that is wanted.
    pub(crate) fn update(&mut self, now: Instant, estimate: Option<u64>, videos: &mut [Video<K>]) {
        videos.sort_by_key(|video| (Reverse(video.rank), video.id));
        let Some(estimate) = estimate else {
            return self.take(videos, |video| video.want);
        };
        let asked_anew = videos.len() != self.choices.len()
            || videos.iter().any(|video| {
                let known = self.choices.get(&video.id);
                known.is_none_or(|known| (known.rank, known.want) != (video.rank, video.want))
            });
        if asked_anew {
            self.asked_at = Some(now);
            return self.adopt(videos, fit(estimate * LOWER_TO / 100, videos));
        }
        if self.total(videos) > estimate {
            self.better_since = None;
            if now.saturating_duration_since(*self.over_since.get_or_insert(now)) >= OVER_FOR {
                self.lower(now, estimate, videos);
            }
            return;
        }
        self.over_since = None;
        let bold = fit(estimate * RAISE_TO / 100, videos);
        let current = videos.iter().map(|video| self.choices.get(&video.id).and_then(|choice| choice.layer));
        if !current.lt(bold.iter().copied()) {
            self.better_since = None;
            return;
        }
        let patience = if self.is_new(now) { PATIENCE_AT_FIRST } else { self.patience };
        if now.saturating_duration_since(*self.better_since.get_or_insert(now)) >= patience {
            self.raised_at = Some(now);
            self.adopt(videos, bold);
        }
    }

    fn lower(&mut self, now: Instant, estimate: u64, videos: &[Video<K>]) {
        let next = fit(estimate * LOWER_TO / 100, videos);
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        if since(self.raised_at.take()).is_some_and(|since| since < MISTAKE_WITHIN) {
            self.patience = (self.patience * 2).min(MAX_PATIENCE);
        } else if since(self.lowered_at).is_none_or(|since| since > 2 * MAX_PATIENCE) {
            self.patience = PATIENCE;
        }
        if !self.is_new(now) {
            self.lowered_at = Some(now);
        }
        self.adopt(videos, next);
    }

    fn is_new(&self, now: Instant) -> bool {
        self.asked_at.is_some_and(|at| now.saturating_duration_since(at) < AT_FIRST)
    }

    /// What the choices take together.
    fn total(&self, videos: &[Video<K>]) -> u64 {
        let layer = |video: &Video<K>| self.choices.get(&video.id).and_then(|choice| choice.layer);
        videos.iter().map(|video| cost(video, layer(video))).sum()
    }

    fn adopt(&mut self, videos: &[Video<K>], layers: Vec<Option<u8>>) {
        let mut layers = layers.into_iter();
        self.take(videos, |_| layers.next().flatten());
    }

    fn take(&mut self, videos: &[Video<K>], mut layer: impl FnMut(&Video<K>) -> Option<u8>) {
        (self.over_since, self.better_since) = (None, None);
        let choice = |video: &Video<K>| Choice { rank: video.rank, want: video.want, layer: layer(video) };
        self.choices = videos.iter().map(choice_with_id(choice)).collect();
    }
}

fn choice_with_id<K: Copy>(mut choice: impl FnMut(&Video<K>) -> Choice) -> impl FnMut(&Video<K>) -> (K, Choice) {
    move |video| (video.id, choice(video))
}

/// What would have to fit, in bits a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// What is chosen.
    pub(crate) chosen: u64,
    /// The next better choice; 0 when there is none.
    pub(crate) next: u64,
    /// Everything that is wanted; more than 0 if anything is.
    pub(crate) all: u64,
}

/// What choices and wishes come to.
pub(crate) fn wishes<K: Copy + Ord>(choices: &BTreeMap<K, Choice>, videos: &[Video<K>]) -> Wishes {
    let layer = |video: &Video<K>| choices.get(&video.id).and_then(|choice| choice.layer);
    let chosen: u64 = videos.iter().map(|video| cost(video, layer(video))).sum();
    let steps = videos.iter().filter(|video| layer(video) < video.want).map(|video| {
        let next = layer(video).map_or(0, |layer| layer + 1);
        cost(video, Some(next)).saturating_sub(cost(video, layer(video)))
    });
    let next = steps.min().map_or(0, |step| chosen + step);
    let all = videos.iter().filter(|video| video.want.is_some()).map(|video| cost(video, video.want).max(1)).sum();
    Wishes { chosen, next, all }
}

fn cost<K>(video: &Video<K>, layer: Option<u8>) -> u64 {
    layer.and_then(|layer| video.costs.get(usize::from(layer)).copied()).unwrap_or(0)
}

/// The best choice within a budget for videos that come in the order of their rank: the least layer of as many as fit, those that matter
/// most first; then better layers, step by step, of one priority after the other.
///
/// What must not be degraded comes first and whole, whether it fits or not. And if not even one video fits, the first comes
/// all the same, unless it is to give way to the sound.
pub(crate) fn fit<K>(budget: u64, videos: &[Video<K>]) -> Vec<Option<u8>> {
    let mut left = budget;
    let mut layers: Vec<Option<u8>> = vec![None; videos.len()];
    for (layer, video) in layers.iter_mut().zip(videos).filter(|(_, video)| video.fallback == Fallback::None) {
        *layer = video.want;
        left = left.saturating_sub(cost(video, video.want));
    }
    let may_give_way = |video: &Video<K>| video.fallback != Fallback::None && video.want.is_some();
    for (layer, video) in layers.iter_mut().zip(videos).filter(|(_, video)| may_give_way(video)) {
        let least = cost(video, Some(0));
        if least <= left {
            *layer = Some(0);
            left -= least;
        }
    }
    if layers.iter().all(Option::is_none) {
        let first = videos.iter().position(|video| video.want.is_some());
        if let Some(first) = first.filter(|first| videos[*first].fallback == Fallback::Low) {
            layers[first] = Some(0);
            left = 0;
        }
    }
    for priority in [Priority::Pinned, Priority::High, Priority::Normal] {
        raise(&mut left, videos, &mut layers, priority);
    }
    layers
}

fn raise<K>(left: &mut u64, videos: &[Video<K>], layers: &mut [Option<u8>], priority: Priority) {
    let steps = videos.iter().map(|video| video.costs.len()).max().unwrap_or(0) as u8;
    for next in 1..steps {
        let of_priority = layers.iter_mut().zip(videos).filter(|(_, video)| video.rank.priority == priority);
        for (layer, video) in of_priority.filter(|(_, video)| video.fallback != Fallback::None) {
            if *layer != Some(next - 1) || video.want < Some(next) {
                continue;
            }
            let more = cost(video, Some(next)).saturating_sub(cost(video, *layer));
            if more <= *left {
                *layer = Some(next);
                *left -= more;
            }
        }
    }
}

/// The layer to send in place of the one chosen, given which ones come: it, or the next lower one, or the next higher one.
pub(crate) fn instead(chosen: u8, comes: impl Fn(u8) -> bool, count: u8) -> u8 {
    let lower = (0..=chosen).rev().find(|layer| comes(*layer));
    lower.or_else(|| (chosen..count).find(|layer| comes(*layer))).unwrap_or(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: [u64; 3] = [150_000, 500_000, 1_500_000];

    fn video(id: u32, priority: Priority, area: u32, costs: &[u64], fallback: Fallback) -> Video<u32> {
        let want = Some(costs.len() as u8 - 1);
        Video { id, rank: Rank { priority, area }, want, costs: costs.to_vec(), fallback }
    }

    fn camera(id: u32) -> Video<u32> {
        video(id, Priority::Normal, 100, &LAYERS, Fallback::Low)
    }

    struct Viewer {
        now: Instant,
        allocator: Allocator<u32>,
        videos: Vec<Video<u32>>,
        changes: usize,
    }

    impl Viewer {
        fn new(videos: Vec<Video<u32>>) -> Self {
            Self { now: Instant::now(), allocator: Allocator::default(), videos, changes: 0 }
        }

        /// Lets time pass with an estimate, in steps of 100 ms.
        fn pass(&mut self, ms: u64, mut estimate: impl FnMut() -> u64) {
            for _ in 0..ms / 100 {
                let before = self.layers();
                self.allocator.update(self.now, Some(estimate()), &mut self.videos);
                self.changes += usize::from(before != self.layers());
                self.now += Duration::from_millis(100);
            }
        }

        fn layers(&self) -> Vec<Option<u8>> {
            self.allocator.choices().values().map(|choice| choice.layer).collect()
        }

        fn total(&self) -> u64 {
            self.allocator.total(&self.videos)
        }
    }

    #[test]
    fn the_least_of_all_comes_before_the_best_of_one() {
        let videos = [video(1, Priority::Pinned, 1, &LAYERS, Fallback::Low), camera(2), camera(3)];
        assert_eq!(fit(449_999, &videos), [Some(0), Some(0), None]);
        assert_eq!(fit(450_000, &videos), [Some(0), Some(0), Some(0)]);
        assert_eq!(fit(800_000, &videos), [Some(1), Some(0), Some(0)]);
        assert_eq!(fit(1_800_000, &videos), [Some(2), Some(0), Some(0)]);
        assert_eq!(fit(2_150_000, &videos), [Some(2), Some(1), Some(0)]);
        assert_eq!(fit(2_500_000, &videos), [Some(2), Some(1), Some(1)]);
        assert_eq!(fit(u64::MAX, &videos), [Some(2); 3]);
    }

    #[test]
    fn one_video_always_comes_unless_the_sound_is_to_go_on_alone() {
        assert_eq!(fit(1, &[camera(1), camera(2)]), [Some(0), None]);
        let audio_only = video(1, Priority::Normal, 1, &LAYERS, Fallback::AudioOnly);
        assert_eq!(fit(149_999, std::slice::from_ref(&audio_only)), [None]);
        assert_eq!(fit(150_000, &[audio_only]), [Some(0)]);
    }

    #[test]
    fn what_must_not_be_degraded_is_not() {
        let whole = video(1, Priority::Normal, 1, &LAYERS, Fallback::None);
        assert_eq!(fit(200_000, &[camera(2), whole.clone()]), [None, Some(2)]);
        assert_eq!(fit(1_650_000, &[camera(2), whole]), [Some(0), Some(2)]);
    }

    #[test]
    fn what_is_not_seen_takes_nothing() {
        let unseen = Video { want: None, ..camera(1) };
        let small = Video { want: Some(0), ..camera(2) };
        assert_eq!(fit(u64::MAX, &[unseen.clone(), small]), [None, Some(0)]);
        assert_eq!(fit(0, &[unseen, camera(2)]), [None, Some(0)]);
    }

    #[test]
    fn a_drop_is_followed_within_a_second_and_a_rise_after_a_while() {
        let mut viewer = Viewer::new(vec![camera(1)]);
        viewer.pass(10_000, || 3_000_000);
        assert_eq!(viewer.layers(), [Some(2)]);
        viewer.pass(900, || 400_000);
        assert_eq!(viewer.layers(), [Some(0)]);
        viewer.pass(2_000, || 3_000_000);
        assert_eq!(viewer.layers(), [Some(0)], "not yet");
        viewer.pass(1_000, || 3_000_000);
        assert_eq!(viewer.layers(), [Some(2)]);
    }

    #[test]
    fn what_is_asked_anew_comes_at_once() {
        let mut viewer = Viewer::new(vec![camera(1), Video { want: None, ..camera(2) }]);
        viewer.pass(5_000, || 2_000_000);
        assert_eq!(viewer.layers(), [Some(2), None]);
        viewer.videos[1].want = Some(2);
        viewer.pass(100, || 2_000_000);
        assert_eq!(viewer.layers(), [Some(1), Some(1)]);
        viewer.videos.remove(0);
        viewer.pass(100, || 2_000_000);
        assert_eq!(viewer.layers(), [Some(2)]);
    }

    #[test]
    fn a_mistake_is_not_repeated_soon() {
        let mut viewer = Viewer::new(vec![camera(1)]);
        viewer.pass(6_000, || 500_000);
        // Whenever the middle layer is sent, it turns out that the line does not carry it.
        for _ in 0..600 {
            let fits = viewer.layers() == [Some(0)];
            viewer.pass(100, || if fits { 700_000 } else { 300_000 });
        }
        assert!(viewer.changes <= 14, "{} changes in a minute", viewer.changes);
    }

    #[test]
    fn noise_changes_nothing_for_long() {
        let mut rng = fastrand::Rng::with_seed(7);
        for around in (100..3_000).step_by(50) {
            let mut viewer = Viewer::new(vec![camera(1), camera(2)]);
            viewer.pass(10_000, || around * 1_000);
            viewer.changes = 0;
            viewer.pass(60_000, || around * 1_000 * rng.u64(94..=106) / 100);
            assert!(viewer.changes <= 3, "{} changes around {around} kbit/s", viewer.changes);
        }
    }

    #[test]
    fn never_more_than_the_estimate_where_less_is_possible() {
        let mut rng = fastrand::Rng::with_seed(8);
        for _ in 0..500 {
            let fallbacks = [Fallback::Low, Fallback::AudioOnly];
            let videos = (0..rng.u32(1..9)).map(|id| {
                let costs: Vec<_> =
                    LAYERS[..rng.usize(1..=3)].iter().map(|cost| cost * rng.u64(50..150) / 100).collect();
                let priority = [Priority::Normal, Priority::High, Priority::Pinned][rng.usize(0..3)];
                video(id, priority, rng.u32(1..1_000), &costs, fallbacks[rng.usize(0..2)])
            });
            let mut viewer = Viewer::new(videos.collect());
            for _ in 0..20 {
                let estimate = rng.u64(20_000..6_000_000);
                viewer.pass(1_000, || estimate);
                let sent: Vec<_> = viewer.layers().into_iter().flatten().collect();
                let least = sent.iter().all(|layer| *layer == 0) && sent.len() <= 1;
                assert!(viewer.total() <= estimate || least, "{:?} for {estimate}", viewer.layers());
                viewer.pass(30_000, || estimate);
                // And what is left over would not carry the least of what does not come.
                let left = (estimate * RAISE_TO / 100).saturating_sub(viewer.total());
                let missing = viewer.videos.iter().filter(|video| viewer.allocator.choices[&video.id].layer.is_none());
                let cheapest = missing.map(|video| video.costs[0]).min().unwrap_or(u64::MAX);
                assert!(cheapest > left, "{cheapest} of {left} left");
            }
        }
    }

    #[test]
    fn who_matters_less_never_gets_what_who_matters_more_lacks() {
        let mut rng = fastrand::Rng::with_seed(9);
        for _ in 0..2_000 {
            let mut videos: Vec<_> = (0..rng.u32(2..7))
                .map(|id| {
                    let priority = [Priority::Normal, Priority::High, Priority::Pinned][rng.usize(0..3)];
                    video(id, priority, rng.u32(1..1_000), &LAYERS, Fallback::AudioOnly)
                })
                .collect();
            videos.sort_by_key(|video| (Reverse(video.rank), video.id));
            let layers = fit(rng.u64(0..8_000_000), &videos);
            assert!(layers.is_sorted_by(|a, b| a >= b), "{layers:?}");
        }
    }

    #[test]
    fn what_does_not_come_is_replaced_by_the_nearest_lower() {
        assert_eq!(instead(2, |layer| layer != 2, 3), 1);
        assert_eq!(instead(2, |layer| layer == 0, 3), 0);
        assert_eq!(instead(0, |layer| layer == 2, 3), 2);
        assert_eq!(instead(1, |_| false, 3), 1);
    }
}
