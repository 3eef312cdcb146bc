//! The world: an edge, clients by name, and what is under way between them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use symbolon_edge::{Config, Edge};
use symbolon_proto::Now;
use symbolon_proto::grant::{App, Door};
use symbolon_proto::id::{ConnId, Token};
use symbolon_proto::message::ClientMessage;
use symbolon_sdk::client::{Client, Input, Join, Output};
use symbolon_sdk::{
    AppId, ChannelName, Codec, EncodedFrame, Event, Kind, Notice, Profile, RemoteFrame, Role, SessionEvent, Source,
    Track, Uid,
};
use symbolon_token::builder::build_token_with_uid;
use symbolon_token::{AppCertificate, Issue, Role as TokenRole};

pub(crate) struct World {
    now: Now,
    start: Instant,
    edge: Edge,
    people: BTreeMap<&'static str, Person>,
    under_way: BTreeMap<(Instant, u64), Parcel>,
    sent: u64,
    conns: u64,
    /// Of a thousand datagrams so many are lost.
    pub(crate) loss: u64,
    pub(crate) delay: Duration,
    /// Whether the server can be reached at all.
    pub(crate) reachable: bool,
    /// Sockets that are asked for do not open.
    pub(crate) hold_sockets: bool,
    random: u64,
}

struct Person {
    client: Client,
    ip: [u8; 4],
    ports: u16,
    conn: Option<ConnId>,
    speaks: bool,
    next_frame: Instant,
    frames_sent: u64,
    log: Vec<(Duration, String)>,
    heard: Vec<(Instant, RemoteFrame)>,
    opened: u64,
}

/// Something on its way.
enum Parcel {
    Datagram { source: SocketAddr, destination: SocketAddr, bytes: Vec<u8> },
    ToEdge { conn: ConnId, message: ClientMessage },
    ToPerson { conn: ConnId, message: symbolon_proto::message::ServerMessage },
    SocketOpens { name: &'static str },
    SocketCloses { name: &'static str, conn: ConnId },
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        // The media library draws SSRCs and the like from this thread's generator.
        fastrand::seed(seed);
        let app = App::new(vec![AppCertificate::parse(CERTIFICATE).expect("a certificate")]);
        let door = Door::new(BTreeMap::from([(app_id(), app)]));
        let start = Instant::now();
        Self {
            now: Now::new(start, Duration::from_secs(1_800_000_000)),
            start,
            edge: Edge::new(Config::new(door, vec![edge_address()])),
            people: BTreeMap::new(),
            under_way: BTreeMap::new(),
            sent: 0,
            conns: 0,
            loss: 0,
            delay: Duration::from_millis(10),
            reachable: true,
            hold_sockets: false,
            random: seed,
        }
    }

    /// A publisher that sends sound and pictures, joining with a token of so many seconds.
    pub(crate) fn publisher(&mut self, name: &'static str, uid: u32, seconds: u32) {
        let token = self.token(uid, TokenRole::Publisher, seconds);
        self.join(name, uid, token, Role::Broadcaster);
        self.person(name).speaks = true;
    }

    /// Somebody who listens and watches.
    pub(crate) fn viewer(&mut self, name: &'static str, uid: u32) {
        let token = self.token(uid, TokenRole::Subscriber, 86_400);
        self.join(name, uid, token, Role::Audience);
    }

    pub(crate) fn token(&self, uid: u32, role: TokenRole, seconds: u32) -> Token {
        let ts = u32::try_from(self.now.unix_seconds()).expect("before 2106");
        let (issue, certificate) =
            (Issue { ts, salt: uid }, AppCertificate::parse(CERTIFICATE).expect("a certificate"));
        let token = build_token_with_uid(issue, app_id(), &certificate, CHANNEL, uid, role, seconds, seconds);
        Token::new(token.expect("a token"))
    }

    fn join(&mut self, name: &'static str, uid: u32, token: Token, role: Role) {
        let entropy = self.entropy();
        let octet = u8::try_from(self.people.len() + 1).expect("a few people");
        self.people.insert(
            name,
            Person {
                client: Client::new(app_id(), entropy),
                ip: [10, 0, 0, octet],
                ports: 5_000,
                conn: None,
                speaks: false,
                next_frame: self.now.instant,
                frames_sent: 0,
                log: Vec::new(),
                heard: Vec::new(),
                opened: 0,
            },
        );
        if role == Role::Broadcaster {
            self.call(name, Input::Publish(BTreeSet::from([microphone(), camera()])));
        }
        let join = Join {
            channel: ChannelName::parse(CHANNEL).expect("a name"),
            token: Some(token),
            uid: Uid::new(uid),
            name: None,
            role,
            profile: Profile::LiveBroadcasting,
        };
        self.call(name, Input::Join(Box::new(join)));
    }

    /// A call of the application.
    pub(crate) fn call(&mut self, name: &'static str, input: Input<'_>) {
        let now = self.now;
        self.person(name).client.handle(now, input);
        self.drain_person(name);
    }

    /// Cuts the signalling of somebody, without a word to the edge or to the client but what a broken socket says.
    pub(crate) fn cut(&mut self, name: &'static str) {
        if let Some(conn) = self.person(name).conn {
            let at = self.now.instant;
            self.send_at(at, Parcel::SocketCloses { name, conn });
        }
    }

    /// Lets time pass.
    pub(crate) fn sleep(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while self.step(end) {}
    }

    /// What somebody was told since the last call: the time since the beginning, and a name for each event.
    pub(crate) fn told(&mut self, name: &'static str) -> Vec<(Duration, String)> {
        std::mem::take(&mut self.person(name).log)
    }

    /// The same without the times.
    pub(crate) fn names_told(&mut self, name: &'static str) -> Vec<String> {
        self.told(name).into_iter().map(|(_, event)| event).collect()
    }

    /// Frames of this kind that somebody got since the last call, each with its arrival.
    pub(crate) fn heard(&mut self, name: &'static str, kind: Kind) -> Vec<(Instant, RemoteFrame)> {
        let all = std::mem::take(&mut self.person(name).heard);
        let (wanted, rest) = all.into_iter().partition(|(_, frame)| frame.track.kind == kind);
        self.person(name).heard = rest;
        wanted
    }

    /// How often somebody tried to reach the server.
    pub(crate) fn attempts(&mut self, name: &'static str) -> u64 {
        self.person(name).opened
    }

    pub(crate) fn since_start(&self) -> Duration {
        self.now.instant - self.start
    }

    fn person(&mut self, name: &'static str) -> &mut Person {
        self.people.get_mut(name).expect("somebody of this world")
    }

    /// Goes to the next moment at which something happens, up to `end`, and lets it happen. False once that is reached.
    fn step(&mut self, end: Instant) -> bool {
        let people = self.people.values();
        let wakes = people.flat_map(|person| [person.client.deadline(), person.speaks.then_some(person.next_frame)]);
        let arrivals = self.under_way.keys().next().map(|(at, _)| *at);
        let next = wakes.flatten().chain(arrivals).chain(self.edge.deadline()).min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = self.now.after(end.saturating_duration_since(self.now.instant));
            return false;
        };
        self.now = self.now.after(next.saturating_duration_since(self.now.instant));
        while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= next) {
            let parcel = entry.remove();
            self.deliver(parcel);
        }
        if self.edge.deadline().is_some_and(|deadline| deadline <= next) {
            self.edge.handle(self.now, symbolon_edge::Input::Tick);
            self.drain_edge();
        }
        for name in self.people.keys().copied().collect::<Vec<_>>() {
            self.wake(name);
        }
        true
    }

    fn wake(&mut self, name: &'static str) {
        let now = self.now;
        let person = self.person(name);
        if person.client.deadline().is_some_and(|deadline| deadline <= now.instant) {
            person.client.handle(now, Input::Tick);
        }
        if person.speaks && person.next_frame <= now.instant {
            person.speak(now);
        }
        self.drain_person(name);
    }

    fn deliver(&mut self, parcel: Parcel) {
        let now = self.now;
        match parcel {
            Parcel::Datagram { source, destination, bytes } if destination == edge_address() => {
                let incoming = symbolon_edge::Incoming { source, destination, bytes: &bytes };
                self.edge.handle(now, symbolon_edge::Input::Datagrams(&[incoming]));
                self.drain_edge();
            }
            Parcel::Datagram { source, destination: local, bytes } => {
                let person = self.people.iter_mut().find(|(_, person)| local.ip() == IpAddr::from(person.ip));
                let Some((&name, person)) = person else { return };
                person.client.handle(now, Input::Datagram { local, source, bytes: &bytes });
                self.drain_person(name);
            }
            Parcel::ToEdge { conn, message } => {
                let mut entropy = [0; 64];
                entropy[..32].copy_from_slice(&self.entropy());
                entropy[32..].copy_from_slice(&self.entropy());
                let entropy = symbolon_edge::Entropy::new(entropy);
                self.edge.handle(now, symbolon_edge::Input::Message { conn, message, entropy });
                self.drain_edge();
            }
            Parcel::ToPerson { conn, message } => {
                let person = self.people.iter_mut().find(|(_, person)| person.conn == Some(conn));
                let Some((&name, person)) = person else { return };
                person.client.handle(now, Input::Received(Box::new(message)));
                self.drain_person(name);
            }
            Parcel::SocketOpens { .. } if self.hold_sockets => {}
            Parcel::SocketOpens { name } => self.open(name),
            Parcel::SocketCloses { name, conn } => {
                self.edge.handle(now, symbolon_edge::Input::Closed { conn });
                self.drain_edge();
                if self.person(name).conn == Some(conn) {
                    self.person(name).conn = None;
                    self.call(name, Input::SocketClosed);
                }
            }
        }
    }

    fn open(&mut self, name: &'static str) {
        if !self.reachable {
            return self.call(name, Input::SocketClosed);
        }
        self.conns += 1;
        let (now, conn, entropy) = (self.now, ConnId(self.conns), self.entropy());
        let person = self.person(name);
        person.conn = Some(conn);
        person.ports += 1;
        let local = SocketAddr::from((person.ip, person.ports));
        self.edge.handle(now, symbolon_edge::Input::Opened { conn, remote: local.ip() });
        self.drain_edge();
        self.call(name, Input::SocketOpened { local, entropy });
    }

    fn drain_person(&mut self, name: &'static str) {
        while let Some(output) = self.person(name).client.poll() {
            let (at, now) = (self.now.instant + self.delay, self.now.instant);
            let since_start = self.since_start();
            match output {
                Output::OpenSocket => {
                    self.person(name).opened += 1;
                    self.send_at(at, Parcel::SocketOpens { name });
                }
                Output::CloseSocket => {
                    if let Some(conn) = self.person(name).conn.take() {
                        self.send_at(at, Parcel::SocketCloses { name, conn });
                    }
                }
                Output::SendMessage(message) => {
                    if let (Some(conn), true) = (self.person(name).conn, self.reachable) {
                        self.send_at(at, Parcel::ToEdge { conn, message: *message });
                    }
                }
                Output::Datagram { source, destination, bytes } => self.datagram(source, destination, bytes),
                Output::Event(notice) => self.person(name).log.push((since_start, name_of(&notice))),
                Output::RemoteFrame(frame) => self.person(name).heard.push((now, *frame)),
                Output::CloseMedia { .. } | Output::KeyframeWanted { .. } => {}
                other => panic!("{other:?} is not known here"),
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is for logs")]
    fn drain_edge(&mut self) {
        while let Some(symbolon_edge::Datagram { source, destination, bytes }) = self.edge.poll_datagram() {
            self.datagram(source, destination, bytes);
        }
        while let Some(output) = self.edge.poll() {
            let at = self.now.instant + self.delay;
            match output {
                symbolon_edge::Output::Message { conn, message } if self.reachable => {
                    self.send_at(at, Parcel::ToPerson { conn, message });
                }
                symbolon_edge::Output::Close { conn, .. } => {
                    let owner = self.people.iter().find(|(_, person)| person.conn == Some(conn));
                    if let Some(name) = owner.map(|(name, _)| *name) {
                        self.send_at(at, Parcel::SocketCloses { name, conn });
                    }
                }
                _ => {}
            }
        }
    }

    fn datagram(&mut self, source: SocketAddr, destination: SocketAddr, bytes: Vec<u8>) {
        if self.reachable && self.draw() % 1_000 >= self.loss {
            let at = self.now.instant + self.delay;
            self.send_at(at, Parcel::Datagram { source, destination, bytes });
        }
    }

    /// Things that arrive at the same moment arrive in the order in which they were sent.
    fn send_at(&mut self, at: Instant, parcel: Parcel) {
        self.sent += 1;
        self.under_way.insert((at, self.sent), parcel);
    }

    fn entropy(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_be_bytes());
        }
        bytes
    }

    /// splitmix64
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Person {
    /// One packet of sound and one picture.
    fn speak(&mut self, now: Now) {
        let number = self.frames_sent;
        self.frames_sent += 1;
        self.next_frame = now.instant + FRAME;
        let sound = EncodedFrame {
            codec: Codec::Opus,
            data: Arc::from([0xF8, 1, 2, 3]),
            timestamp: number * 960,
            keyframe: true,
        };
        let keyframe = number.is_multiple_of(25);
        let mut data = vec![if keyframe { 0x10 } else { 0x11 }; 2_500];
        data[3..10].copy_from_slice(&[0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0]);
        let picture = EncodedFrame { codec: Codec::Vp8, data: data.into(), timestamp: number * 1_800, keyframe };
        self.client.handle(now, Input::Frame { track: microphone(), frame: sound });
        self.client.handle(now, Input::Frame { track: camera(), frame: picture });
    }
}

fn name_of(notice: &Notice) -> String {
    use SessionEvent as E;
    match &notice.event {
        Event::Session(E::ConnectionStateChanged { state, reason }) => {
            format!("state {}/{}", state.number(), reason.number())
        }
        Event::Session(E::Error { code, .. }) => format!("error {}", code.number()),
        Event::Session(E::RenewTokenResult { code, .. }) => format!("renewal {}", code.number()),
        Event::Session(E::UserJoined { uid }) => format!("{uid} came"),
        Event::Session(E::UserOffline { uid, reason }) => format!("{uid} went {}", reason.number()),
        Event::Session(E::TokenWillExpire { .. }) => "will expire".into(),
        Event::Session(E::RequestToken) => "request token".into(),
        Event::Session(E::RemoteMediaState { uid, kind, state, reason }) => {
            format!("{uid} {kind:?} {}/{}", state.number(), reason.number())
        }
        Event::Session(other) => {
            let debug = format!("{other:?}");
            debug.split([' ', '{']).next().unwrap_or_default().to_owned()
        }
        Event::PublishStateChanged { kind, old_state, new_state, .. } => {
            format!("own {kind:?} {}>{}", *old_state as u8, *new_state as u8)
        }
        Event::LeaveChannel { stats } => format!("left after {} s", stats.duration),
        Event::FirstLocalFramePublished { kind } => format!("first own {kind:?}"),
        other => format!("{other:?}"),
    }
}

fn edge_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 7_000))
}

fn app_id() -> AppId {
    AppId::parse("970ca35de60c44645bbae8a215061b33").expect("an App ID")
}

fn microphone() -> Track {
    Track::audio(Source::Microphone)
}

fn camera() -> Track {
    Track::video(Source::Camera)
}

const CERTIFICATE: &str = "5cfd2fd1755d40ecb72977518be15d3b";
const CHANNEL: &str = "room-1";
const FRAME: Duration = Duration::from_millis(20);
