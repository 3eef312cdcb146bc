//! A random walk of a session through 10,000 calls, messages and faults: only legal changes of state, exactly one answer
//! to each renewal, one socket at a time, nothing after a leave. A failure prints the seed; `SYMBOLON_SEED=n` replays it.

#![expect(clippy::disallowed_methods, reason = "a walk has to begin at some instant")]
#![expect(clippy::wildcard_enum_match_arm, reason = "the observer looks at what has a rule")]

#[path = "model/rng.rs"]
#[expect(dead_code, reason = "the model of a channel draws more than a walk does")]
mod rng;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use symbolon_proto::Now;
use symbolon_proto::code::{ConnectionState, ErrorCode, OfflineReason, Reason, RenewCode, RoleChangeFailure};
use symbolon_proto::id::{PublicationId, ResumeId, Token, Uid};
use symbolon_proto::message::{
    ClientMessage, Ended, Joined, Kind, Member, Privilege, Profile, Publication, Role, ServerMessage, Source, Standing,
    Subscribe,
};
use symbolon_proto::session::{Event, Input, JoinRequest, Output, Pauses, Session};

use crate::rng::Rng;

const STEPS: u32 = 10_000;

#[test]
fn a_random_walk_takes_only_legal_steps() {
    let given = std::env::var("SYMBOLON_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut seen = BTreeSet::new();
    for seed in given.map_or(1..=8, |seed: u64| seed..=seed) {
        match std::panic::catch_unwind(|| Walk::new(seed).go()) {
            Ok(changes) => seen.extend(changes),
            Err(panic) => {
                eprintln!("replay with SYMBOLON_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(given.is_some() || seen == BTreeSet::from(TRANSITIONS), "not every legal change was seen: {seen:?}");
}

struct Walk {
    rng: Rng,
    now: Now,
    session: Session,
    observer: Observer,
    tokens: u32,
}

impl Walk {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            now: Now::new(Instant::now(), Duration::from_secs(1_800_000_000)),
            session: Session::new(Pauses::seeded(seed)),
            observer: Observer::default(),
            tokens: 0,
        }
    }

    fn go(mut self) -> BTreeSet<(u16, u16)> {
        for _ in 0..STEPS {
            self.sleep();
            let input = self.next_input();
            let allowed = self.session.allows(&input).is_ok();
            if let (Input::RenewToken { token }, true) = (&input, allowed) {
                self.observer.renewals.insert(token.expose().to_owned());
            }
            let before = self.observer.events;
            let refused = !allowed;
            self.give(input);
            assert!(!refused || self.observer.events == before, "a refused call told something");
        }
        self.observer.seen
    }

    /// Lets time pass, mostly little, now and then half an hour, stopping at each deadline.
    fn sleep(&mut self) {
        let most = [50, 500, 5_000, 15_000, 1_800_000][usize::try_from(self.rng.below(50)).unwrap().saturating_sub(45)];
        let until = self.now.after(Duration::from_millis(self.rng.below(most)));
        while let Some(deadline) = self.session.deadline().filter(|deadline| *deadline <= until.instant) {
            self.now = self.now.after(deadline.saturating_duration_since(self.now.instant));
            self.give(Input::Tick);
            assert!(self.session.deadline().is_none_or(|next| next > self.now.instant), "a deadline that stays due");
        }
        self.now = until;
    }

    fn give(&mut self, input: Input) {
        self.session.handle(self.now, input);
        while let Some(output) = self.session.poll() {
            self.observer.take(output);
        }
        assert_eq!(self.session.state(), self.observer.state);
    }

    /// Mostly what a good server would do next, else anything.
    fn next_input(&mut self) -> Input {
        if self.observer.state == ConnectionState::Disconnected && self.rng.one_in(2) {
            return self.join();
        }
        match (self.observer.socket, self.rng.below(3)) {
            (Socket::Opening, 0 | 1) => Input::Opened { media: None },
            (Socket::Open, 0) => Input::Message { message: self.good_message() },
            _ => self.anything(),
        }
    }

    fn good_message(&mut self) -> ServerMessage {
        match self.observer.answers.pop_front() {
            Some(answer) => answer,
            None => ServerMessage::Pong {},
        }
    }

    fn anything(&mut self) -> Input {
        match self.rng.below(14) {
            0 => self.join(),
            1 if self.rng.one_in(4) => Input::Leave,
            2 | 3 => self.renew(),
            4 => Input::SetRole { role: self.role() },
            5 => Input::Subscribe { subscribe: Subscribe { audio: self.rng.one_in(2), ..Subscribe::default() } },
            6 if self.observer.socket != Socket::None => {
                self.observer.socket = Socket::None;
                Input::Closed
            }
            7 if self.rng.one_in(3) => Input::NetworkChanged,
            8 if self.rng.one_in(3) => Input::MediaLost,
            9 => Input::Decoded { uid: self.uid(), kind: Kind::Audio, width: 0, height: 0, again: false },
            10 => Input::Frozen { uid: self.uid(), kind: Kind::Audio },
            _ if self.observer.socket == Socket::Open => Input::Message { message: self.bad_message() },
            _ => Input::Tick,
        }
    }

    fn bad_message(&mut self) -> ServerMessage {
        let uid = self.uid();
        let id = u32::try_from(self.rng.below(50)).unwrap();
        match self.rng.below(12) {
            0 => ServerMessage::Ended(self.ended()),
            1 => ServerMessage::MemberJoined { member: member(uid) },
            2 => ServerMessage::MemberLeft { uid, reason: OfflineReason::Dropped },
            3 => ServerMessage::Unpublished { uid, id: PublicationId(uid.get()) },
            4 => ServerMessage::PublicationMuted { uid, id: PublicationId(uid.get()), muted: self.rng.one_in(2) },
            5 => ServerMessage::RoleChanged { id: None, role: self.role() },
            6 => ServerMessage::RoleRefused {
                id: Some(id),
                reason: RoleChangeFailure::NotAuthorized,
                role: self.role(),
                message: String::new(),
            },
            7 => ServerMessage::Renewed { id, code: RenewCode::Ok, message: String::new(), standing: Some(standing()) },
            8 => ServerMessage::TokenWillExpire { privileges: vec![Privilege::Join], expires_in_ms: 30_000 },
            9 => ServerMessage::Error {
                id: Some(id),
                code: ErrorCode::Failed,
                slug: String::new(),
                message: String::new(),
            },
            10 => joined(vec![member(uid)]),
            _ => ServerMessage::Standing(standing()),
        }
    }

    fn ended(&mut self) -> Ended {
        let reasons = [Reason::TokenExpired, Reason::TokenExpired, Reason::InvalidToken, Reason::BannedByServer];
        let more = [Reason::SameUidLogin, Reason::KeepAliveTimeout, Reason::Lost, Reason::RejectedByServer];
        let reason = [reasons, more].concat()[usize::try_from(self.rng.below(8)).unwrap()];
        Ended { code: ErrorCode::Failed, reason, slug: String::new(), message: String::new(), retry_after_ms: None }
    }

    fn join(&mut self) -> Input {
        let request = JoinRequest {
            app_id: "0123456789abcdef0123456789abcdef".to_owned(),
            channel: "tea".to_owned(),
            token: (!self.rng.one_in(4)).then(|| Token::new("007first")),
            uid: 7,
            name: None,
            switches: Default::default(),
            role: self.role(),
            profile: Profile::LiveBroadcasting,
            subscribe: Subscribe::default(),
            view: Default::default(),
        };
        Input::Join { request }
    }

    fn renew(&mut self) -> Input {
        self.tokens += 1;
        Input::RenewToken { token: Token::new(format!("007{}", self.tokens)) }
    }

    fn role(&mut self) -> Role {
        if self.rng.one_in(2) { Role::Audience } else { Role::Broadcaster }
    }

    fn uid(&mut self) -> Uid {
        Uid::new(10 + u32::try_from(self.rng.below(4)).unwrap()).unwrap()
    }
}

fn member(uid: Uid) -> Member {
    let publication = Publication {
        id: PublicationId(uid.get()),
        kind: Kind::Audio,
        source: Source::Microphone,
        muted: false,
        layers: vec![],
    };
    Member { uid, name: None, role: Role::Broadcaster, switches: Default::default(), publications: vec![publication] }
}

fn standing() -> Standing {
    Standing { role: Role::Broadcaster, audio: true, video: true, data: true, expires_in_ms: Some(60_000) }
}

fn joined(members: Vec<Member>) -> ServerMessage {
    ServerMessage::Joined(Box::new(Joined {
        uid: Uid::new(7).unwrap(),
        resume: ResumeId::from_entropy([7; 16]),
        resumed: false,
        profile: Profile::LiveBroadcasting,
        standing: standing(),
        members,
        media: None,
        ping_every_ms: 3_000,
    }))
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Socket {
    #[default]
    None,
    Opening,
    Open,
}

/// Follows a session from outside and knows what it may never do.
struct Observer {
    state: ConnectionState,
    reason: Reason,
    socket: Socket,
    /// What a good server would answer.
    answers: VecDeque<ServerMessage>,
    /// Tokens of renewals without a result.
    renewals: BTreeSet<String>,
    present: BTreeSet<Uid>,
    seen: BTreeSet<(u16, u16)>,
    events: u32,
}

impl Default for Observer {
    fn default() -> Self {
        Self {
            state: ConnectionState::Disconnected,
            reason: Reason::LeaveChannel,
            socket: Socket::None,
            answers: VecDeque::new(),
            renewals: BTreeSet::new(),
            present: BTreeSet::new(),
            seen: BTreeSet::new(),
            events: 0,
        }
    }
}

/// Every change of state that there may be.
const TRANSITIONS: [(u16, u16); 14] =
    [(1, 2), (2, 3), (2, 5), (2, 1), (3, 4), (3, 5), (3, 1), (4, 3), (4, 4), (4, 5), (4, 1), (5, 1), (5, 4), (5, 2)];

impl Observer {
    fn take(&mut self, output: Output) {
        match output {
            Output::Open => {
                assert_eq!(self.socket, Socket::None, "two sockets");
                self.socket = Socket::Opening;
                self.answers.clear();
            }
            Output::Close => {
                assert_ne!(self.socket, Socket::None, "a socket that is not there is closed");
                self.socket = Socket::None;
            }
            Output::Send { message } => self.sent(message),
            Output::Event { event } => self.told(event),
            _ => {}
        }
    }

    fn sent(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Join(_) => {
                assert_eq!(self.socket, Socket::Opening, "a join without a fresh socket");
                self.socket = Socket::Open;
                self.answers.push_back(joined(vec![member(Uid::new(10).unwrap())]));
            }
            ClientMessage::RenewToken { id, .. } => {
                let (code, standing) = (RenewCode::Ok, Some(standing()));
                self.answers.push_back(ServerMessage::Renewed { id, code, message: String::new(), standing });
            }
            ClientMessage::SetRole { id, role } => {
                self.answers.push_back(ServerMessage::RoleChanged { id: Some(id), role });
            }
            _ => {}
        }
        assert_eq!(self.socket, Socket::Open, "sent without a connection");
    }

    fn told(&mut self, event: Event) {
        self.events += 1;
        let out = self.state == ConnectionState::Disconnected;
        match event {
            Event::ConnectionStateChanged { state, reason } => return self.changed(state, reason),
            Event::JoinChannelSuccess => assert_eq!(self.reason, Reason::JoinSuccess),
            Event::RejoinChannelSuccess => assert_eq!(self.reason, Reason::RejoinSuccess),
            Event::LeaveChannel => return assert_eq!(self.reason, Reason::LeaveChannel),
            Event::RenewTokenResult { token, .. } => {
                assert!(self.renewals.remove(token.expose()), "a result for no renewal, or a second one");
            }
            Event::UserJoined { uid } => assert!(self.present.insert(uid), "joined twice"),
            Event::UserOffline { uid, .. } => assert!(self.present.remove(&uid), "left without having joined"),
            Event::RemoteMediaState { uid, .. } | Event::UserMuted { uid, .. } => {
                assert!(self.present.contains(&uid), "media of someone who is not there");
            }
            _ => {}
        }
        assert!(!out, "an event outside of a stay");
    }

    fn changed(&mut self, state: ConnectionState, reason: Reason) {
        assert_ne!((self.state, self.reason), (state, reason), "the same twice");
        let change = (self.state.number(), state.number());
        assert!(TRANSITIONS.contains(&change), "{change:?} for {reason:?}");
        if change == (4, 4) {
            assert_eq!(reason, Reason::Lost);
        }
        if matches!(change, (5, 4) | (5, 2)) {
            assert_eq!(self.reason, Reason::TokenExpired);
        }
        let waits = state == ConnectionState::Failed && reason == Reason::TokenExpired;
        if waits || matches!(state, ConnectionState::Failed | ConnectionState::Disconnected) {
            // A renewal that came too late to be judged goes on after the end of the token.
            assert!(waits || self.renewals.is_empty(), "a renewal without a result");
        }
        if matches!(state, ConnectionState::Failed | ConnectionState::Disconnected) && !waits {
            self.present.clear();
        }
        self.seen.insert(change);
        (self.state, self.reason) = (state, reason);
    }
}
