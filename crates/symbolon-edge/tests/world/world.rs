//! One edge and many clients in memory, and the time between them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::format::Codec;
use symbolon_edge::{Config, Edge, Entropy, Happening, Incoming, Input, Output, Stats, What};
use symbolon_proto::Now;
use symbolon_proto::grant::{App, Door};
use symbolon_proto::id::{AppId, ConnId, Token};
use symbolon_proto::message::{ClientMessage, Kind, Role, ServerMessage, View};
use symbolon_token::builder::{build_token_with_uid, build_token_with_uid_and_privilege};
use symbolon_token::{AppCertificate, Issue, Role as TokenRole};

use crate::client::{Client, Setup};
use crate::net::{Datagram, Line, Net, Weather};
use crate::wire::Wire;

pub(crate) const APP: &str = "970ca35de60c44645bbae8a215061b33";
const CERTIFICATE: &str = "5cfd2fd1755d40ecb72977518be15d3b";
pub(crate) const CHANNEL: &str = "room-1";
pub(crate) const START: u64 = 1_800_000_000;

pub(crate) struct World {
    pub(crate) edge: Edge,
    pub(crate) net: Net,
    pub(crate) clients: BTreeMap<String, Client>,
    /// Everything that the edge sent, as anybody on the way sees it.
    pub(crate) wire: Wire,
    pub(crate) happened: Vec<(Instant, Happening)>,
    now: Now,
    rng: fastrand::Rng,
    conns: u64,
    salt: u32,
    seed: u64,
}

/// Says the seed when a test fails.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the world had seed {}", self.seed);
        }
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        // The media library draws SSRCs and the like from this thread's generator.
        fastrand::seed(seed);
        let door = Door::new(BTreeMap::from([(AppId::parse(APP).unwrap(), Self::app())]));
        Self {
            edge: Edge::new(Config::new(door, vec![Self::edge_address()])),
            net: Net::new(seed),
            clients: BTreeMap::new(),
            wire: Wire::default(),
            happened: Vec::new(),
            now: Now::new(Instant::now(), Duration::from_secs(START)),
            rng: fastrand::Rng::with_seed(seed ^ 0xE17),
            conns: 0,
            salt: 0,
            seed,
        }
    }

    /// The one app, as it is at the start.
    pub(crate) fn app() -> App {
        App::new(vec![AppCertificate::parse(CERTIFICATE).unwrap()])
    }

    /// From now on there is this app, or none.
    pub(crate) fn replace_app(&mut self, app: Option<App>) {
        let apps = app.into_iter().map(|app| (AppId::parse(APP).unwrap(), app)).collect();
        self.handle(Input::ReplaceDoor(Door::new(apps)));
    }

    pub(crate) fn edge_address() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 7_000))
    }

    pub(crate) fn now(&self) -> Instant {
        self.now.instant
    }

    /// The line towards a client carries so much from now on, or all that there is.
    pub(crate) fn narrow(&mut self, name: &str, kbps: Option<u64>) {
        let address = self.clients[name].address;
        match kbps {
            Some(kbps) => drop(self.net.lines.insert(address, Line::new(kbps))),
            None => drop(self.net.lines.remove(&address)),
        }
    }

    pub(crate) fn storm(&mut self, loss_in_1000: u64, delay_ms: u64, jitter_ms: u64) {
        self.net.weather = Weather {
            loss: loss_in_1000,
            delay: Duration::from_millis(delay_ms),
            jitter: Duration::from_millis(jitter_ms),
        };
    }

    pub(crate) fn token(&mut self, uid: u32, role: TokenRole, seconds: u32) -> String {
        let (issue, app, certificate) = self.issue();
        build_token_with_uid(issue, app, &certificate, CHANNEL, uid, role, seconds, seconds).unwrap()
    }

    /// A token whose audio and video privileges end after so many seconds.
    pub(crate) fn token_with(&mut self, uid: u32, seconds: u32, audio: u32, video: u32) -> String {
        let (issue, app, certificate) = self.issue();
        let join = seconds;
        let data = seconds;
        build_token_with_uid_and_privilege(issue, app, &certificate, CHANNEL, uid, seconds, join, audio, video, data)
            .unwrap()
    }

    fn issue(&mut self) -> (Issue, AppId, AppCertificate) {
        self.salt += 1;
        let issue = Issue { ts: self.now.unix_seconds() as u32, salt: self.salt };
        (issue, AppId::parse(APP).unwrap(), AppCertificate::parse(CERTIFICATE).unwrap())
    }

    /// Someone who sends a microphone and a camera and has room for others.
    pub(crate) fn publisher(&mut self, uid: u32) -> Setup {
        let token = self.token(uid, TokenRole::Publisher, 3_600);
        Setup {
            uid,
            token,
            role: Role::Broadcaster,
            publish: vec![Kind::Audio, Kind::Video],
            audio_slots: 2,
            video_slots: 2,
            codec: Codec::Vp8,
            forge: |sdp| sdp,
            resume: None,
            view: View::default(),
            layers: vec![],
        }
    }

    /// Someone who only receives.
    pub(crate) fn viewer(&mut self, uid: u32) -> Setup {
        let token = self.token(uid, TokenRole::Subscriber, 3_600);
        Setup { token, role: Role::Audience, publish: Vec::new(), ..self.publisher(uid) }
    }

    /// Joins; the edge's answer is there when this returns.
    pub(crate) fn join(&mut self, name: &str, setup: Setup) {
        let conn = self.open();
        let [high, low] = (self.conns as u16).to_be_bytes();
        let address = SocketAddr::from(([10, 0, high, low], 5_000));
        let mut client = Client::new(conn, setup, address, self.now.instant);
        let join = client.join(self.now.instant, APP, CHANNEL);
        self.clients.insert(name.to_owned(), client);
        self.message(conn, join);
    }

    /// Opens a connection without a client behind it.
    pub(crate) fn open(&mut self) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.handle(Input::Opened { conn, remote: [10, 0, 0, 1].into() });
        conn
    }

    pub(crate) fn message(&mut self, conn: ConnId, message: ClientMessage) {
        let entropy = Entropy::new(std::array::from_fn(|_| self.rng.u8(..)));
        self.handle(Input::Message { conn, message, entropy });
    }

    pub(crate) fn say(&mut self, name: &str, message: ClientMessage) {
        let conn = self.clients[name].conn;
        self.message(conn, message);
    }

    pub(crate) fn renew(&mut self, name: &str, token: String) {
        self.say(name, ClientMessage::RenewToken { id: 7, token: Token::new(token) });
    }

    /// The signalling connection breaks.
    pub(crate) fn cut(&mut self, name: &str) {
        let client = self.client(name);
        client.open = false;
        let conn = client.conn;
        self.handle(Input::Closed { conn });
    }

    /// The client is gone altogether.
    pub(crate) fn kill(&mut self, name: &str) -> Client {
        self.cut(name);
        self.clients.remove(name).unwrap()
    }

    /// Hands a datagram to the edge at once, from wherever it says.
    pub(crate) fn inject(&mut self, source: SocketAddr, bytes: &[u8]) {
        self.handle(Input::Datagrams(&[Incoming { source, destination: Self::edge_address(), bytes }]));
    }

    /// The machine sleeps: the wall clock goes on, the monotonic clock does not.
    pub(crate) fn sleep_machine(&mut self, seconds: u64) {
        self.now.unix += Duration::from_secs(seconds);
        self.handle(Input::Tick);
    }

    /// One input, and what comes of it.
    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.edge.handle(self.now, input);
        self.drain();
    }

    pub(crate) fn run_for(&mut self, seconds: u64) {
        self.run_for_ms(seconds * 1_000);
    }

    pub(crate) fn run_for_ms(&mut self, ms: u64) {
        self.run_until(self.now.instant + Duration::from_millis(ms));
    }

    pub(crate) fn run_until(&mut self, until: Instant) {
        loop {
            self.step();
            let next = self.next_event().filter(|at| *at <= until);
            let at = next.unwrap_or(until).max(self.now.instant);
            self.now = self.now.after(at - self.now.instant);
            if next.is_none() {
                return self.step();
            }
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.edge.stats()
    }

    pub(crate) fn client(&mut self, name: &str) -> &mut Client {
        self.clients.get_mut(name).expect("a client of that name")
    }

    /// How many packets of a kind one client has from another.
    pub(crate) fn count(&self, name: &str, uid: u32, kind: Kind) -> usize {
        self.clients[name].heard_from(uid, kind).len()
    }

    pub(crate) fn messages(&self, name: &str) -> impl Iterator<Item = &ServerMessage> {
        self.clients[name].messages.iter().map(|(_, message)| message)
    }

    pub(crate) fn happenings(&self) -> impl Iterator<Item = &What> {
        self.happened.iter().map(|(_, happening)| &happening.what)
    }

    fn next_event(&self) -> Option<Instant> {
        let clients = self.clients.values().map(Client::deadline);
        clients.chain(self.edge.deadline()).chain(self.net.next_arrival()).min()
    }

    /// Everything that is due now.
    fn step(&mut self) {
        let now = self.now.instant;
        if self.edge.deadline().is_some_and(|at| at <= now) {
            self.handle(Input::Tick);
        }
        while let Some(datagram) = self.net.arrive(now) {
            self.deliver(&datagram);
        }
        for client in self.clients.values_mut() {
            for datagram in client.run(now) {
                self.net.send(now, datagram);
            }
        }
    }

    fn deliver(&mut self, datagram: &Datagram) {
        let Datagram { source, destination, bytes } = datagram;
        if *destination == Self::edge_address() {
            self.handle(Input::Datagrams(&[Incoming { source: *source, destination: *destination, bytes }]));
        } else if let Some(client) = self.clients.values_mut().find(|client| client.address == *destination) {
            for answer in client.receive(self.now.instant, datagram) {
                self.net.send(self.now.instant, answer);
            }
        }
    }

    fn drain(&mut self) {
        let now = self.now.instant;
        while let Some(symbolon_edge::Datagram { source, destination, bytes }) = self.edge.poll_datagram() {
            self.wire.note(destination, &bytes);
            self.net.send(now, Datagram { source, destination, bytes });
        }
        while let Some(output) = self.edge.poll() {
            match output {
                Output::Message { conn, message } => {
                    // What the edge says must survive the way through JSON.
                    let json = serde_json::to_string(&message).unwrap();
                    let message = serde_json::from_str(&json).unwrap();
                    if let Some(client) = self.clients.values_mut().find(|client| client.conn == conn) {
                        client.hear(now, message);
                    }
                }
                Output::Close { conn, code, .. } => {
                    if let Some(client) = self.clients.values_mut().find(|client| client.conn == conn) {
                        client.open = false;
                        client.closed_with = Some(code);
                    }
                }
                Output::Happened(happening) => self.happened.push((now, happening)),
                other => panic!("the world does not know {other:?}"),
            }
        }
    }
}
