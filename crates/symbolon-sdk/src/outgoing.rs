//! What goes out: the tracks that the application wants to send, and what the edge makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use symbolon_proto::id::Mid;
use symbolon_proto::message::{Kind, MediaOffer, PublishState as EdgeState};

use crate::event::PublishState;
use crate::media::Track;

#[derive(Default)]
pub(crate) struct Outgoing {
    tracks: BTreeSet<Track>,
    muted: BTreeSet<Kind>,
    /// Whether the camera is off, which the others know by the switches.
    camera_off: bool,
    /// By section of the current connection.
    own: BTreeMap<Mid, EdgeState>,
    /// What the edge was last told of each section.
    told_muted: BTreeMap<Mid, bool>,
    /// Kinds of which a frame has gone out since they were last silent.
    started: BTreeSet<Kind>,
    reported: BTreeMap<Kind, Reported>,
}

/// Where the own media is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In no channel.
    Outside,
    /// In a channel, and nothing flows yet.
    Connecting,
    /// In a channel, and media flows.
    Connected,
}

/// What the application was last told.
struct Reported {
    state: PublishState,
    since: Instant,
}

/// The state of one's own media of one kind has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    pub(crate) old: PublishState,
    pub(crate) new: PublishState,
    pub(crate) elapsed_ms: u32,
}

impl Outgoing {
    pub(crate) fn tracks(&self) -> &BTreeSet<Track> {
        &self.tracks
    }

    pub(crate) fn set_tracks(&mut self, tracks: BTreeSet<Track>) {
        self.tracks = tracks;
    }

    pub(crate) fn set_muted(&mut self, kind: Kind, muted: bool) {
        if muted {
            self.muted.insert(kind);
            self.started.remove(&kind);
        } else {
            self.muted.remove(&kind);
        }
    }

    pub(crate) fn set_camera_off(&mut self, off: bool) {
        self.camera_off = off;
        if off {
            self.started.remove(&Kind::Video);
        }
    }

    /// Whether nothing is sent of this kind: it is muted, or its camera is off.
    fn is_silent(&self, kind: Kind) -> bool {
        self.is_muted(kind) || (kind == Kind::Video && self.camera_off)
    }

    pub(crate) fn is_muted(&self, kind: Kind) -> bool {
        self.muted.contains(&kind)
    }

    /// Notes what an offer says of mutes. Of a fresh connection it is all that the edge knows.
    pub(crate) fn offered(&mut self, offer: &MediaOffer, fresh: bool) {
        if fresh {
            self.told_muted.clear();
        }
        for binding in &offer.publish {
            self.told_muted.insert(binding.mid.clone(), binding.muted);
        }
    }

    /// The sections whose mute the edge does not know yet.
    pub(crate) fn mutes_to_tell(&mut self, track_of: impl Fn(&Mid) -> Option<Track>) -> Vec<(Mid, bool)> {
        let mut changed = Vec::new();
        for (mid, told) in &mut self.told_muted {
            let Some(track) = track_of(mid) else { continue };
            let muted = self.muted.contains(&track.kind);
            if *told != muted {
                *told = muted;
                changed.push((mid.clone(), muted));
            }
        }
        changed
    }

    /// Forgets what the edge said of the sections of a connection that is over.
    pub(crate) fn forget_sections(&mut self) {
        self.own.clear();
    }

    /// Notes whether the edge forwards a section. Tells whether it begins to.
    pub(crate) fn own_publication(&mut self, mid: Mid, state: EdgeState) -> bool {
        let before = self.own.insert(mid, state);
        state == EdgeState::Published && before != Some(state)
    }

    /// Whether frames of this kind in this section go out.
    pub(crate) fn flows(&self, kind: Kind, mid: &Mid) -> bool {
        self.own.get(mid) == Some(&EdgeState::Published) && !self.is_silent(kind)
    }

    /// Notes that a frame has gone out. Tells whether it was the first.
    pub(crate) fn sent(&mut self, kind: Kind) -> bool {
        self.started.insert(kind)
    }

    /// Forgets what belongs to a stay in a channel.
    pub(crate) fn leave(&mut self) {
        self.own.clear();
        self.told_muted.clear();
        self.started.clear();
    }

    /// What to tell of the own media since the last call. `section` names the section of a track; outside a channel there
    /// is no place for one.
    pub(crate) fn changes(
        &mut self,
        now: Instant,
        place: Place,
        section: impl Fn(Track) -> Option<Mid>,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for kind in [Kind::Audio, Kind::Video] {
            let state = self.state(kind, &section);
            let reported = self.reported.entry(kind).or_insert(Reported { state: PublishState::Idle, since: now });
            let was = reported.state;
            let new = match place {
                Place::Outside => PublishState::Idle,
                // A fresh connection after a break is no news: what was published is so again in a moment.
                Place::Connecting if state == PublishState::Published && was != state => PublishState::Publishing,
                Place::Connecting | Place::Connected => state,
            };
            // What was off is being published before it is published, however fast that goes.
            let skips = new == PublishState::Published && was < PublishState::Publishing;
            for new in skips.then_some(PublishState::Publishing).into_iter().chain([new]) {
                changes.extend(reported.go(kind, new, now));
            }
        }
        changes
    }

    fn state(&self, kind: Kind, section: impl Fn(Track) -> Option<Mid>) -> PublishState {
        let Some(track) = self.tracks.iter().find(|track| track.kind == kind) else {
            return PublishState::NoPublished;
        };
        let edge = section(*track).and_then(|mid| self.own.get(&mid).copied());
        match edge {
            _ if self.is_silent(kind) => PublishState::NoPublished,
            None => PublishState::Publishing,
            Some(EdgeState::Published) => PublishState::Published,
            Some(_) => PublishState::NoPublished,
        }
    }
}

impl Reported {
    fn go(&mut self, kind: Kind, new: PublishState, now: Instant) -> Option<Change> {
        if self.state == new {
            return None;
        }
        let old = std::mem::replace(&mut self.state, new);
        let since = std::mem::replace(&mut self.since, now);
        let elapsed = now.saturating_duration_since(since).as_millis();
        let elapsed_ms = u32::try_from(elapsed).unwrap_or(u32::MAX);
        Some(Change { kind, old, new, elapsed_ms })
    }
}

#[cfg(test)]
mod tests {
    use symbolon_proto::message::{PublishBinding, Source};

    use super::*;

    #[test]
    fn the_log_of_a_host_is_that_of_the_reference() {
        use PublishState::{Idle, NoPublished, Published, Publishing};
        let mut host = Host::new();
        host.say(Place::Connecting, false);
        host.outgoing.own_publication(mid(), EdgeState::Published);
        host.say(Place::Connecting, true);
        host.say(Place::Connected, true);
        host.say(Place::Connecting, true);
        host.outgoing.set_muted(Kind::Audio, true);
        host.say(Place::Connected, true);
        host.outgoing.set_muted(Kind::Audio, false);
        host.say(Place::Connected, true);
        host.say(Place::Outside, true);
        let log: Vec<_> = host.log.iter().filter(|c| c.kind == Kind::Audio).map(|c| (c.old, c.new)).collect();
        assert_eq!(
            log,
            [
                (Idle, Publishing),
                (Publishing, Published),
                (Published, NoPublished),
                (NoPublished, Publishing),
                (Publishing, Published),
                (Published, Idle),
            ]
        );
    }

    #[test]
    fn audience_and_refused_tracks_are_not_published() {
        let mut host = Host::new();
        host.outgoing.own_publication(mid(), EdgeState::Audience);
        host.say(Place::Connected, true);
        assert_eq!(host.log[0].new, PublishState::NoPublished);
        assert!(!host.outgoing.flows(Kind::Audio, &mid()));
        assert!(host.outgoing.own_publication(mid(), EdgeState::Published), "it begins");
        assert!(!host.outgoing.own_publication(mid(), EdgeState::Published), "it goes on");
        assert!(host.outgoing.flows(Kind::Audio, &mid()));
    }

    #[test]
    fn the_edge_is_told_of_a_mute_that_its_offer_did_not_say() {
        let mut outgoing = Host::new().outgoing;
        let binding =
            PublishBinding { mid: mid(), kind: Kind::Audio, source: Source::Microphone, muted: false, layers: vec![] };
        let offer = MediaOffer { sdp: String::new(), publish: vec![binding], slots: vec![] };
        outgoing.offered(&offer, true);
        let track_of = |_: &Mid| Some(Track::audio(Source::Microphone));
        assert!(outgoing.mutes_to_tell(track_of).is_empty());
        outgoing.set_muted(Kind::Audio, true);
        assert_eq!(outgoing.mutes_to_tell(track_of), [(mid(), true)]);
        assert!(outgoing.mutes_to_tell(track_of).is_empty(), "once");
    }

    struct Host {
        outgoing: Outgoing,
        now: Instant,
        log: Vec<Change>,
    }

    impl Host {
        fn new() -> Self {
            let mut outgoing = Outgoing::default();
            outgoing.set_tracks(BTreeSet::from([Track::audio(Source::Microphone)]));
            Self { outgoing, now: crate::test_now().instant, log: Vec::new() }
        }

        fn say(&mut self, place: Place, negotiated: bool) {
            self.log.extend(self.outgoing.changes(self.now, place, |_| negotiated.then(mid)));
        }
    }

    fn mid() -> Mid {
        Mid::parse("a0").expect("a mid")
    }
}
