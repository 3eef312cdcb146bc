//! A simulated day in one channel: joins, renewals, expiries, role changes, lost connections and takeovers of many
//! members, against a naive model that recomputes everything from what was asked.
//!
//! After every step: no route without standing and no standing without its route, deadlines neither early nor late,
//! every member told the same story. A failure prints the seed; `SYMBOLON_SEED=n` replays it.

#![expect(clippy::disallowed_methods, reason = "a day has to begin at some instant")]
#![expect(clippy::wildcard_enum_match_arm, reason = "the observer ignores what does not change a client's view")]

mod observer;
mod reference;
mod rng;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use symbolon_proto::Now;
use symbolon_proto::channel::{Channel, Entry, Input, Limits};
use symbolon_proto::code::{ErrorCode, RenewCode};
use symbolon_proto::grant::{App, Door, Grant};
use symbolon_proto::id::{ChannelName, ConnId, Mid, Token, Uid};
use symbolon_proto::message::{
    Kind, Profile, PublishBinding, Role, SlotBinding, Source, Subscribe, SubscribeException,
};
use symbolon_token::{AccessToken, AppCertificate, AppId, Issue, Service};

use crate::observer::Observer;
use crate::reference::{Person, Reference};
use crate::rng::Rng;

const DAY: Duration = Duration::from_secs(24 * 3600);
const START: u64 = 1_800_000_000;
const MEMBERS: u64 = 12;
const APP: &str = "0123456789abcdef0123456789abcdef";
const CERTIFICATE: &str = "fedcba9876543210fedcba9876543210";

#[test]
fn a_day_of_live_broadcasting() {
    run(Profile::LiveBroadcasting, 1);
}

#[test]
fn another_day_of_live_broadcasting() {
    run(Profile::LiveBroadcasting, 2);
}

#[test]
fn a_day_of_communication() {
    run(Profile::Communication, 3);
}

fn run(profile: Profile, seed: u64) {
    let seed = std::env::var("SYMBOLON_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(seed);
    let outcome = std::panic::catch_unwind(|| World::new(profile, seed).live_a_day());
    match outcome {
        Ok(steps) => assert!(steps > 10_000, "only {steps} steps"),
        Err(panic) => {
            eprintln!("replay with SYMBOLON_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

struct World {
    rng: Rng,
    start: Now,
    now: Now,
    door: Door,
    app: AppId,
    name: ChannelName,
    profile: Profile,
    channel: Channel,
    model: Reference,
    observer: Observer,
    conns: u64,
    requests: u32,
    /// The newest token of each uid, to come back with.
    tokens: BTreeMap<Uid, Token>,
}

impl World {
    fn new(profile: Profile, seed: u64) -> Self {
        let app = AppId::parse(APP).unwrap();
        let certificate = AppCertificate::parse(CERTIFICATE).unwrap();
        let start = Now::new(Instant::now(), Duration::from_secs(START));
        Self {
            rng: Rng::new(seed),
            start,
            now: start,
            door: Door::new(BTreeMap::from([(app, App::new(vec![certificate]))])),
            app,
            name: ChannelName::parse("AgoraChannel").unwrap(),
            profile,
            channel: Channel::new(Limits::default()),
            model: Reference::new(),
            observer: Observer::default(),
            conns: 0,
            requests: 0,
            tokens: BTreeMap::new(),
        }
    }

    fn live_a_day(&mut self) -> u64 {
        let end = self.start.after(DAY);
        let mut steps = 0;
        while self.now.instant < end.instant {
            let pause = Duration::from_millis(200 + self.rng.below(14_000));
            steps += self.sleep_until(self.now.after(pause));
            self.act();
            self.check();
            steps += 1;
        }
        steps
    }

    /// Lets time pass, stopping at every deadline of the channel; nothing may happen in between.
    fn sleep_until(&mut self, until: Now) -> u64 {
        let mut ticks = 0;
        while let Some(deadline) = self.channel.deadline().filter(|deadline| *deadline <= until.instant) {
            assert!(deadline > self.now.instant || ticks == 0, "a deadline that has been settled comes again");
            let just_before = (deadline - self.now.instant).saturating_sub(Duration::from_nanos(1));
            self.now = self.now.after(just_before);
            self.check();
            self.now = self.now.after(deadline - self.now.instant);
            self.give(Input::Tick);
            self.check();
            ticks += 1;
            assert!(ticks < 10_000, "no end of deadlines");
        }
        self.now = until;
        ticks
    }

    fn give(&mut self, input: Input) {
        self.channel.handle(self.now, input);
        while let Some(output) = self.channel.poll() {
            self.observer.take(output);
        }
    }

    fn check(&mut self) {
        let now = self.now.instant;
        self.model.advance(now);
        assert_eq!(self.observer.routes(), self.model.routes(now), "the routes");
        assert_eq!(self.channel.member_count(), self.model.people.len(), "how many are there");
        let online = self.model.people.iter().filter(|(_, person)| person.lost_at.is_none());
        for (uid, person) in online.clone() {
            let client = &self.observer.clients[&person.conn];
            assert_eq!(client.uid, *uid);
            assert_eq!(client.role, self.model.role(person, now), "the role of {uid}");
            assert_eq!(client.seen(), self.model.seen_by(*uid, now), "what {uid} sees");
        }
        self.observer.check_slots(online.map(|(_, person)| person.conn));
        let due = self.model.take_warnings(now);
        assert_eq!(std::mem::take(&mut self.observer.warnings), due, "the warnings");
    }

    fn act(&mut self) {
        self.model.advance(self.now.instant);
        let uid = Uid::new(1 + u32::try_from(self.rng.below(MEMBERS)).unwrap()).unwrap();
        let Some(person) = self.model.people.get(&uid).cloned() else {
            return self.join(uid, None);
        };
        if person.lost_at.is_some() {
            return if self.rng.one_in(3) { self.join(uid, None) } else { self.join(uid, Some(person)) };
        }
        match self.rng.below(12) {
            0 => self.join(uid, None),
            1 => self.leave(uid, person.conn),
            2 => self.lose(uid, person.conn),
            3 | 4 => self.set_role(uid, person.conn),
            5 => self.mute(uid, person),
            6 => self.subscribe(uid, person.conn),
            7 => self.negotiate(uid, person.conn),
            8 => self.renew_badly(uid, person.conn),
            _ => self.renew(uid, person.conn),
        }
    }

    fn join(&mut self, uid: Uid, back: Option<Person>) {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let known = self.tokens.get(&uid).cloned().filter(|_| back.is_some());
        let token = known.unwrap_or_else(|| self.token(uid, "AgoraChannel"));
        let admitted = self.door.admit(APP, "AgoraChannel", uid.get(), Some(&token), self.now);
        let pass = match admitted {
            Ok(pass) => pass,
            Err(ended) => return assert_eq!(ended.code, ErrorCode::TokenExpired, "{ended:?}"),
        };
        let role = if self.rng.one_in(3) { Role::Audience } else { Role::Broadcaster };
        let (publish, subscribe) = (self.tracks(), self.wishes());
        let resume = back.as_ref().map(|person| person.resume.clone());
        let entry = Entry {
            conn,
            uid: Some(uid),
            grant: pass.grant.clone(),
            name: None,
            switches: Default::default(),
            role,
            profile: self.profile,
            subscribe: subscribe.clone(),
            publish: publish.clone(),
            slots: slots("s"),
            resume,
            entropy: self.rng.bytes(),
        };
        if self.model.people.is_empty() {
            self.model.profile = self.profile;
        }
        let held = self.model.people.get(&uid).cloned();
        self.give(Input::Join(Box::new(entry)));
        let protected = held.as_ref().is_some_and(|held| held.exact) && back.is_none() && !pass.grant.is_exact();
        if protected {
            return assert_eq!(self.observer.ended[&conn].slug, "uid_in_use");
        }
        let joined = self.observer.clients[&conn].joined.clone();
        assert_eq!(joined.resumed, back.is_some());
        if let Some(held) = held.filter(|held| back.is_none() && held.lost_at.is_none()) {
            assert_eq!(self.observer.ended[&held.conn].slug, "same_uid");
        }
        let asked = if self.model.profile == Profile::Communication { Role::Broadcaster } else { role };
        let mut person = Person::new(conn, pass.grant, asked, joined.resume);
        (person.publish, person.subscribe) = (publish, subscribe);
        if self.model.profile == Profile::LiveBroadcasting {
            // Refused as broadcaster is audience until it asks again.
            person.asked = self.model.role(&person, self.now.instant);
        }
        self.model.arrive(uid, person, back.is_some());
        self.tokens.insert(uid, token);
    }

    fn leave(&mut self, uid: Uid, conn: ConnId) {
        self.give(Input::Leave { conn });
        self.model.people.remove(&uid);
        assert_eq!(self.observer.ended[&conn].slug, "left");
    }

    fn lose(&mut self, uid: Uid, conn: ConnId) {
        self.give(Input::Lost { conn });
        self.model.people.get_mut(&uid).unwrap().lost_at = Some(self.now.instant);
    }

    fn set_role(&mut self, uid: Uid, conn: ConnId) {
        if self.model.profile == Profile::Communication {
            return;
        }
        let role = if self.rng.one_in(2) { Role::Audience } else { Role::Broadcaster };
        self.requests += 1;
        self.give(Input::SetRole { conn, id: self.requests, role });
        let before = self.model.people[&uid].clone();
        let mut wish = before.clone();
        wish.asked = role;
        let granted = self.model.role(&wish, self.now.instant) == role;
        self.model.people.insert(uid, if granted { wish } else { before });
    }

    fn mute(&mut self, uid: Uid, person: Person) {
        let Some(track) = person.publish.first() else {
            return;
        };
        let (mid, muted) = (track.mid.clone(), !track.muted);
        self.give(Input::SetMuted { conn: person.conn, mid: mid.clone(), muted });
        let publish = &mut self.model.people.get_mut(&uid).unwrap().publish;
        publish.iter_mut().find(|track| track.mid == mid).unwrap().muted = muted;
    }

    fn subscribe(&mut self, uid: Uid, conn: ConnId) {
        let subscribe = self.wishes();
        self.give(Input::Subscribe { conn, subscribe: subscribe.clone() });
        self.model.people.get_mut(&uid).unwrap().subscribe = subscribe;
    }

    fn negotiate(&mut self, uid: Uid, conn: ConnId) {
        let publish = self.tracks();
        self.requests += 1;
        let slots = slots(if self.rng.one_in(2) { "s" } else { "t" });
        self.give(Input::Negotiate { conn, id: self.requests, publish: publish.clone(), slots });
        self.model.people.get_mut(&uid).unwrap().publish = publish;
    }

    fn renew(&mut self, uid: Uid, conn: ConnId) {
        let token = self.token(uid, "AgoraChannel");
        let grant = match self.door.renew(self.app, &self.name, uid, &token, self.now) {
            Ok(grant) => grant,
            Err((code, message)) => return assert_eq!(code, RenewCode::Expired, "{message}"),
        };
        self.requests += 1;
        self.give(Input::Renew { conn, id: self.requests, grant: grant.clone() });
        self.model.renew(uid, grant);
        self.tokens.insert(uid, token);
    }

    fn renew_badly(&mut self, uid: Uid, _conn: ConnId) {
        let token = self.token(uid, "AppTest");
        let refused: Result<Grant, _> = self.door.renew(self.app, &self.name, uid, &token, self.now);
        let (code, _) = refused.unwrap_err();
        assert!([RenewCode::OtherChannel, RenewCode::Expired].contains(&code), "{code:?}");
    }

    /// A token of random life and rights, now and then one that is already over.
    fn token(&mut self, uid: Uid, channel: &str) -> Token {
        let life = 1 + u32::try_from(self.rng.life()).unwrap();
        let age = if self.rng.one_in(10) { self.rng.below(120) } else { 0 };
        let ts = u32::try_from(self.now.unix_seconds() - age).unwrap();
        let mut privileges = BTreeMap::from([(1, self.life(life))]);
        for id in 2..=4 {
            if !self.rng.one_in(4) {
                privileges.insert(id, self.life(life));
            }
        }
        let user = if self.rng.one_in(3) { String::new() } else { uid.to_string() };
        let salt = u32::try_from(self.rng.below(1 << 32)).unwrap();
        let token = AccessToken::new(self.app, Issue { ts, salt }, life).with(Service::rtc(channel, user, privileges));
        Token::new(token.build(&AppCertificate::parse(CERTIFICATE).unwrap()).unwrap())
    }

    fn life(&mut self, token: u32) -> u32 {
        if self.rng.one_in(3) { 0 } else { u32::try_from(self.rng.below(u64::from(token) * 2)).unwrap() }
    }

    fn tracks(&mut self) -> Vec<PublishBinding> {
        let mut tracks = Vec::new();
        let choices = [
            ("0", Kind::Audio, Source::Microphone),
            ("1", Kind::Video, Source::Camera),
            ("2", Kind::Video, Source::Screen),
        ];
        for (mid, kind, source) in choices {
            if self.rng.one_in(2) {
                tracks.push(PublishBinding {
                    mid: Mid::parse(mid).unwrap(),
                    kind,
                    source,
                    muted: self.rng.one_in(4),
                    layers: vec![],
                });
            }
        }
        tracks
    }

    fn wishes(&mut self) -> Subscribe {
        let mut subscribe = Subscribe { audio: !self.rng.one_in(5), video: !self.rng.one_in(3), except: Vec::new() };
        for _ in 0..self.rng.below(4) {
            let uid = Uid::new(1 + u32::try_from(self.rng.below(MEMBERS)).unwrap()).unwrap();
            let kind = if self.rng.one_in(2) { Kind::Audio } else { Kind::Video };
            subscribe.except.push(SubscribeException { uid, kind, wanted: self.rng.one_in(2) });
        }
        subscribe
    }
}

/// Slots enough for everything, under other names with another prefix.
fn slots(prefix: &str) -> Vec<SlotBinding> {
    let slot = |number: u64, kind| SlotBinding { mid: Mid::parse(&format!("{prefix}{number}")).unwrap(), kind };
    let audio = (0..MEMBERS).map(|number| slot(number, Kind::Audio));
    audio.chain((MEMBERS..3 * MEMBERS).map(|number| slot(number, Kind::Video))).collect()
}
