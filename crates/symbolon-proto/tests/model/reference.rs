//! The naive model: it remembers what was asked for and recomputes everything from that, whatever the cost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use symbolon_proto::channel::OFFLINE_AFTER;
use symbolon_proto::grant::Grant;
use symbolon_proto::id::{ConnId, Mid, ResumeId, Uid};
use symbolon_proto::message::{Kind, Privilege, Profile, PublishBinding, Role, Source, Subscribe};

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) conn: ConnId,
    pub(crate) lost_at: Option<Instant>,
    pub(crate) grant: Grant,
    pub(crate) exact: bool,
    pub(crate) asked: Role,
    pub(crate) publish: Vec<PublishBinding>,
    pub(crate) subscribe: Subscribe,
    pub(crate) resume: ResumeId,
    warned: BTreeSet<Instant>,
}

pub(crate) struct Reference {
    pub(crate) profile: Profile,
    pub(crate) people: BTreeMap<Uid, Person>,
}

/// What one member sees of another: its tracks with their sources and whether they are silenced.
pub(crate) type Seen = BTreeMap<Uid, BTreeSet<(Kind, Source, bool)>>;

/// Publisher's connection and section, subscriber's connection.
pub(crate) type Routes = BTreeSet<(ConnId, Mid, ConnId)>;

impl Reference {
    pub(crate) fn new() -> Self {
        Self { profile: Profile::LiveBroadcasting, people: BTreeMap::new() }
    }

    /// Puts out everyone whose time is over.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.people.retain(|_, person| {
            let expired = person.grant.until(Privilege::Join).is_none_or(|end| end <= now);
            let gone = person.lost_at.is_some_and(|lost| lost + OFFLINE_AFTER <= now);
            !expired && !gone
        });
    }

    pub(crate) fn arrive(&mut self, uid: Uid, mut person: Person, resumed: bool) {
        if let Some(held) = self.people.get(&uid) {
            person.exact |= resumed && held.exact;
            if held.grant.token_id == person.grant.token_id {
                person.warned.clone_from(&held.warned);
            }
        }
        self.people.insert(uid, person);
    }

    pub(crate) fn renew(&mut self, uid: Uid, grant: Grant) {
        if let Some(person) = self.people.get_mut(&uid) {
            person.grant = grant;
            person.warned.clear();
        }
    }

    /// The warnings that must have come by now and have not been taken yet.
    pub(crate) fn take_warnings(&mut self, now: Instant) -> BTreeSet<(ConnId, Duration)> {
        let mut due = BTreeSet::new();
        for person in self.people.values_mut().filter(|person| person.lost_at.is_none()) {
            for end in Privilege::ALL.into_iter().filter_map(|privilege| person.grant.until(privilege)) {
                if end > now && end <= now + Duration::from_secs(30) && person.warned.insert(end) {
                    due.insert((person.conn, end - now));
                }
            }
        }
        due
    }

    pub(crate) fn role(&self, person: &Person, now: Instant) -> Role {
        let publish = [Privilege::Audio, Privilege::Video, Privilege::Data];
        let may = publish.into_iter().any(|privilege| person.grant.until(privilege).is_some_and(|end| end > now));
        if may { person.asked } else { Role::Audience }
    }

    fn published<'a>(&self, person: &'a Person, now: Instant) -> Vec<&'a PublishBinding> {
        let privilege = |kind| match kind {
            Kind::Audio => Privilege::Audio,
            Kind::Video => Privilege::Video,
        };
        let allowed = |binding: &&PublishBinding| {
            self.role(person, now) == Role::Broadcaster
                && person.grant.until(privilege(binding.kind)).is_some_and(|end| end > now)
        };
        person.publish.iter().filter(allowed).collect()
    }

    fn visible(&self, now: Instant) -> impl Iterator<Item = (&Uid, &Person)> {
        self.people.iter().filter(move |(_, person)| {
            self.profile == Profile::Communication || self.role(person, now) == Role::Broadcaster
        })
    }

    /// What this member must believe.
    pub(crate) fn seen_by(&self, viewer: Uid, now: Instant) -> Seen {
        let others = self.visible(now).filter(|(uid, _)| **uid != viewer);
        let tracks =
            |person| self.published(person, now).into_iter().map(|track| (track.kind, track.source, track.muted));
        others.map(|(uid, person)| (*uid, tracks(person).collect())).collect()
    }

    /// The routes that must exist, given that everyone has slots enough.
    pub(crate) fn routes(&self, now: Instant) -> Routes {
        let mut routes = Routes::new();
        for (publisher, person) in self.visible(now) {
            for track in self.published(person, now) {
                let wants =
                    |(uid, other): &(&Uid, &Person)| *uid != publisher && other.subscribe.wants(*publisher, track.kind);
                let subscribers = self.people.iter().filter(wants);
                routes.extend(subscribers.map(|(_, other)| (person.conn, track.mid.clone(), other.conn)));
            }
        }
        routes
    }
}

impl Person {
    pub(crate) fn new(conn: ConnId, grant: Grant, asked: Role, resume: ResumeId) -> Self {
        Self {
            conn,
            lost_at: None,
            exact: grant.is_exact(),
            grant,
            asked,
            publish: Vec::new(),
            subscribe: Subscribe::default(),
            resume,
            warned: BTreeSet::new(),
        }
    }
}
