//! The other users of the channel, and what is to be told of them.

use std::collections::{BTreeMap, BTreeSet};

use super::Event;
use crate::code::{OfflineReason, RemoteReason, RemoteState};
use crate::id::{PublicationId, Uid};
use crate::message::{Kind, Member, Publication, Received, Receiving, ReceivingReason, Source, Subscribe, Switches};

/// Who else is there, as far as the application knows.
#[derive(Debug, Default)]
pub struct Roster {
    users: BTreeMap<Uid, User>,
    subscribe: Subscribe,
    events: Vec<Event>,
}

#[derive(Debug, Default)]
struct User {
    publications: BTreeMap<PublicationId, Publication>,
    switches: Switches,
    audio: Flow,
    video: Flow,
    /// What the edge said last of each video that does not simply come.
    received: BTreeMap<PublicationId, (Received, ReceivingReason)>,
    /// The videos of which the low stream came last.
    low: BTreeSet<PublicationId>,
    /// Whether no video of this user comes, so that the sound goes on.
    fallen: bool,
}

/// How one user's media of one kind is doing.
#[derive(Debug)]
struct Flow {
    state: RemoteState,
    reason: RemoteReason,
    /// What the last mute event said.
    muted: bool,
    /// Whether it ever started.
    started: bool,
    /// Whether it was ever decoded.
    decoded: bool,
}

impl Default for Flow {
    fn default() -> Self {
        let (state, reason) = (RemoteState::Stopped, RemoteReason::Internal);
        Self { state, reason, muted: false, started: false, decoded: false }
    }
}

impl User {
    fn flow(&mut self, kind: Kind) -> &mut Flow {
        match kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        }
    }

    /// What it offers of this kind.
    fn offers(&self, kind: Kind) -> impl Iterator<Item = &Publication> {
        self.publications.values().filter(move |publication| publication.kind == kind)
    }

    /// Whether there is video to be expected, and this is what the edge said last of all of it.
    fn every_video_is(&self, said: impl Fn(&(Received, ReceivingReason)) -> bool) -> bool {
        let mut live = self.offers(Kind::Video).filter(|publication| self.is_live(publication)).peekable();
        live.peek().is_some() && live.all(|publication| self.received.get(&publication.id).is_some_and(&said))
    }

    /// Whether media of this publication is to be expected: it is not muted, and not of a camera that is off.
    fn is_live(&self, publication: &Publication) -> bool {
        !publication.muted && (publication.source != Source::Camera || self.switches.local_video)
    }
}

const KINDS: [Kind; 2] = [Kind::Audio, Kind::Video];

impl Roster {
    pub(super) fn new(subscribe: Subscribe) -> Self {
        Self { subscribe, ..Self::default() }
    }

    /// The others' uids.
    pub fn uids(&self) -> impl Iterator<Item = Uid> + '_ {
        self.users.keys().copied()
    }

    /// Whose publication this is.
    pub fn find(&self, id: PublicationId) -> Option<(Uid, &Publication)> {
        self.users.iter().find_map(|(uid, user)| user.publications.get(&id).map(|publication| (*uid, publication)))
    }

    /// What is to be told of the last change.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The whole list, as a join gives it: who is not in it has gone meanwhile.
    pub(super) fn replace(&mut self, members: Vec<Member>) {
        let gone: Vec<_> = self.uids().filter(|uid| members.iter().all(|member| member.uid != *uid)).collect();
        for uid in gone {
            self.leave(uid, OfflineReason::Quit);
        }
        for member in members {
            if self.users.contains_key(&member.uid) { self.renew(member) } else { self.join(member) }
        }
    }

    pub(super) fn join(&mut self, member: Member) {
        let Member { uid, name, publications, switches, .. } = member;
        if self.users.contains_key(&uid) {
            return;
        }
        self.users.insert(uid, User::default());
        self.events.push(Event::UserJoined { uid });
        self.events.extend(name.map(|name| Event::UserInfoUpdated { uid, name }));
        self.tell_switches(uid, switches);
        for publication in publications {
            self.add(uid, publication);
        }
        self.settle(uid, RemoteReason::Internal);
    }

    pub(super) fn leave(&mut self, uid: Uid, reason: OfflineReason) {
        for kind in KINDS {
            self.go(uid, kind, RemoteState::Stopped, RemoteReason::RemoteOffline);
        }
        if self.users.remove(&uid).is_some() {
            self.events.push(Event::UserOffline { uid, reason });
        }
    }

    pub(super) fn publish(&mut self, uid: Uid, publication: Publication) {
        self.add(uid, publication);
        self.settle(uid, RemoteReason::RemoteUnmuted);
    }

    pub(super) fn unpublish(&mut self, uid: Uid, id: PublicationId) {
        self.drop(uid, id);
        self.settle(uid, RemoteReason::RemoteMuted);
    }

    pub(super) fn mute(&mut self, uid: Uid, id: PublicationId, muted: bool) {
        let user = self.users.get_mut(&uid);
        if let Some(publication) = user.and_then(|user| user.publications.get_mut(&id)) {
            publication.muted = muted;
            self.settle(uid, RemoteReason::RemoteUnmuted);
        }
    }

    pub(super) fn switch(&mut self, uid: Uid, switches: Switches) {
        self.tell_switches(uid, switches);
        self.settle(uid, RemoteReason::RemoteUnmuted);
    }

    pub(super) fn subscribe(&mut self, subscribe: Subscribe) {
        self.subscribe = subscribe;
        for uid in self.uids().collect::<Vec<_>>() {
            self.settle(uid, RemoteReason::LocalUnmuted);
        }
    }

    /// What the edge sends of a video now.
    pub(super) fn receiving(&mut self, receiving: &Receiving) {
        let Receiving { uid, id, stream, reason, .. } = *receiving;
        let Some(user) = self.users.get_mut(&uid).filter(|user| user.publications.contains_key(&id)) else {
            return;
        };
        user.received.insert(id, (stream, reason));
        let changed = match stream {
            Received::Low if user.low.insert(id) => Some(RemoteReason::StreamTypeChangeToLow),
            Received::High if user.low.remove(&id) => Some(RemoteReason::StreamTypeChangeToHigh),
            Received::Low | Received::High | Received::AudioOnly | Received::Paused => None,
        };
        let state = user.video.state;
        self.settle_fallback(uid);
        if let Some(reason) = changed.filter(|_| state == RemoteState::Decoding) {
            self.events.push(Event::RemoteMediaState { uid, kind: Kind::Video, state, reason });
        }
    }

    /// Tells when sound alone is left of a user, and when it no longer is.
    fn settle_fallback(&mut self, uid: Uid) {
        let Some(user) = self.users.get_mut(&uid) else {
            return;
        };
        let fallen = user.every_video_is(|(stream, _)| *stream == Received::AudioOnly);
        if std::mem::replace(&mut user.fallen, fallen) == fallen {
            return;
        }
        let stopped = user.video.state == RemoteState::Stopped;
        self.events.push(Event::FallbackToAudioOnly { uid, fallen });
        if fallen && !stopped {
            self.go(uid, Kind::Video, RemoteState::Frozen, RemoteReason::AudioFallback);
        }
    }

    /// Sound is told of once in a user's stay; pictures each time that they begin anew.
    pub(super) fn decoded(&mut self, uid: Uid, kind: Kind, (width, height): (u32, u32), again: bool) {
        // What was under way when sound alone was left does not bring the picture back.
        let user = self.users.get_mut(&uid).filter(|user| kind == Kind::Audio || !user.fallen);
        let Some(flow) = user.map(|user| user.flow(kind)) else {
            return;
        };
        let reason = match flow.state {
            RemoteState::Starting => flow.reason,
            RemoteState::Frozen if flow.reason == RemoteReason::AudioFallback => RemoteReason::AudioFallbackRecovery,
            RemoteState::Frozen | RemoteState::Failed => RemoteReason::Recovery,
            RemoteState::Decoding => flow.reason,
            RemoteState::Stopped => return,
        };
        let begins = flow.state == RemoteState::Starting && (kind == Kind::Video || !flow.decoded);
        flow.decoded = true;
        if begins || again {
            self.events.push(Event::FirstDecoded { uid, kind, width, height });
        }
        self.go(uid, kind, RemoteState::Decoding, reason);
    }

    pub(super) fn frozen(&mut self, uid: Uid, kind: Kind) {
        let Some(user) = self.users.get_mut(&uid) else {
            return;
        };
        let unseen = user.every_video_is(|said| *said == (Received::Paused, ReceivingReason::View));
        if user.flow(kind).state == RemoteState::Decoding && !(kind == Kind::Video && unseen) {
            self.go(uid, kind, RemoteState::Frozen, RemoteReason::Congestion);
        }
    }

    /// A user who is known, as heard of again after a break.
    fn renew(&mut self, member: Member) {
        let Member { uid, publications, switches, .. } = member;
        self.tell_switches(uid, switches);
        if let Some(user) = self.users.get_mut(&uid) {
            // Another connection receives in its own way.
            user.received.clear();
            user.low.clear();
        }
        let kept = |id| publications.iter().any(|publication| publication.id == id);
        let known = self.users.get(&uid).map(|user| user.publications.keys().copied().collect::<Vec<_>>());
        for id in known.into_iter().flatten().filter(|id| !kept(*id)) {
            self.drop(uid, id);
        }
        for publication in publications {
            self.add(uid, publication);
        }
        self.settle(uid, RemoteReason::RemoteUnmuted);
    }

    fn tell_switches(&mut self, uid: Uid, switches: Switches) {
        let Some(user) = self.users.get_mut(&uid) else {
            return;
        };
        let Switches { video, local_video } = std::mem::replace(&mut user.switches, switches);
        if video != switches.video {
            self.events.push(Event::UserEnableVideo { uid, enabled: switches.video });
        }
        if local_video != switches.local_video {
            self.events.push(Event::UserEnableLocalVideo { uid, enabled: switches.local_video });
        }
    }

    fn add(&mut self, uid: Uid, publication: Publication) {
        let Some(user) = self.users.get_mut(&uid) else {
            return;
        };
        let Publication { kind, source, .. } = publication;
        if user.publications.insert(publication.id, publication).is_none() {
            self.events.push(Event::UserPublished { uid, kind, source });
        }
    }

    fn drop(&mut self, uid: Uid, id: PublicationId) {
        let Some(user) = self.users.get_mut(&uid) else {
            return;
        };
        user.received.remove(&id);
        user.low.remove(&id);
        if let Some(Publication { kind, source, .. }) = user.publications.remove(&id) {
            self.events.push(Event::UserUnpublished { uid, kind, source });
        }
    }

    /// Tells mutes, then starts and stops, as they follow from what is offered and wanted now. `cause` is the reason of a
    /// start that is not the first.
    fn settle(&mut self, uid: Uid, cause: RemoteReason) {
        for kind in KINDS {
            let wanted = self.subscribe.wants(uid, kind);
            let Some(user) = self.users.get_mut(&uid) else {
                return;
            };
            let offered = user.offers(kind).next().is_some();
            let muted = !user.offers(kind).any(|publication| !publication.muted);
            let live = user.offers(kind).any(|publication| user.is_live(publication));
            let flow = user.flow(kind);
            if offered && flow.muted != muted {
                flow.muted = muted;
                self.events.push(Event::UserMuted { uid, kind, muted });
            }
            let cause = if flow.started { cause } else { RemoteReason::Internal };
            match (live && wanted, flow.state) {
                (true, RemoteState::Stopped) => self.go(uid, kind, RemoteState::Starting, cause),
                (true, _) => {}
                (false, _) if live => self.go(uid, kind, RemoteState::Stopped, RemoteReason::LocalMuted),
                (false, _) => self.go(uid, kind, RemoteState::Stopped, RemoteReason::RemoteMuted),
            }
        }
        self.settle_fallback(uid);
    }

    fn go(&mut self, uid: Uid, kind: Kind, state: RemoteState, reason: RemoteReason) {
        let Some(flow) = self.users.get_mut(&uid).map(|user| user.flow(kind)).filter(|flow| flow.state != state) else {
            return;
        };
        flow.started |= state == RemoteState::Starting;
        (flow.state, flow.reason) = (state, reason);
        self.events.push(Event::RemoteMediaState { uid, kind, state, reason });
    }
}
