//! Sessions on one side, a channel on the other, a network with a delay between them, and a clock that is moved by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use symbolon_proto::Now;
use symbolon_proto::channel::{self, Channel, Entry, Limits};
use symbolon_proto::code::ErrorCode;
use symbolon_proto::grant::{App, Door};
use symbolon_proto::id::{AppId, ChannelName, ConnId, Mid, Token, Uid};
use symbolon_proto::message::{
    ClientMessage, Ended, Join, Kind, MediaAnswer, MediaOffer, Privilege, PublishBinding, Role, ServerMessage,
    SlotBinding, Source, Subscribe,
};
use symbolon_proto::session::{Event, Input, JoinRequest, Output, Pauses, Session};
use symbolon_proto::standing::Rule;
use symbolon_token::AppCertificate;

use crate::ticket::Ticket;

const APP: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const CERTIFICATE: &str = "fedcba9876543210fedcba9876543210";
pub(crate) const CHANNEL: &str = "AgoraChannel";
/// One way through the network.
const DELAY: Duration = Duration::from_millis(20);

pub(crate) const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

pub(crate) struct World {
    now: Now,
    door: Door,
    app: AppId,
    channel: Channel,
    people: BTreeMap<&'static str, Person>,
    /// The open connections and whose they are.
    conns: BTreeMap<ConnId, Conn>,
    next_conn: u64,
    /// What is on its way, in the order of its arrival.
    underway: BTreeMap<(Instant, u64), (ConnId, Parcel)>,
    sent: u64,
}

struct Person {
    session: Session,
    conn: Option<ConnId>,
    network: Network,
    log: Vec<String>,
    publishes: bool,
    /// The publications that its slots carry.
    slots: BTreeMap<Mid, u32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Network {
    Up,
    /// Everything vanishes.
    Cut,
}

struct Conn {
    person: &'static str,
    /// The member's place, from an accepted join on.
    uid: Option<Uid>,
}

enum Parcel {
    Opened,
    ToServer(Box<ClientMessage>),
    ToClient(Box<ServerMessage>),
    /// The client has closed its socket.
    ClosedByClient,
    /// The server has closed its socket.
    ClosedByServer,
}

impl World {
    pub(crate) fn new() -> Self {
        let app = AppId::parse(APP).unwrap();
        let certificate = AppCertificate::parse(CERTIFICATE).unwrap();
        Self {
            now: Now::new(Instant::now(), Duration::from_secs(1_800_000_000)),
            door: Door::new(BTreeMap::from([(app, App::new(vec![certificate]))])),
            app,
            channel: Channel::new(Limits::default()),
            people: BTreeMap::new(),
            conns: BTreeMap::new(),
            next_conn: 1,
            underway: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Somebody joins as this uid and is waited for.
    pub(crate) fn join(&mut self, name: &'static str, uid: u32, ticket: Ticket) {
        assert_eq!(self.call_join(name, uid, ticket), Ok(()));
        self.sleep(seconds(1));
    }

    pub(crate) fn call_join(&mut self, name: &'static str, uid: u32, ticket: Ticket) -> Result<(), ErrorCode> {
        let token = ticket.token(self.app, uid, self.now);
        let request = JoinRequest {
            app_id: APP.to_owned(),
            channel: CHANNEL.to_owned(),
            token: Some(token),
            uid,
            name: None,
            switches: Default::default(),
            role: ticket.role,
            profile: ticket.profile,
            subscribe: Subscribe::default(),
            view: Default::default(),
        };
        self.people.entry(name).or_insert_with(Person::new).publishes = ticket.role == Role::Broadcaster;
        self.call(name, Input::Join { request })
    }

    pub(crate) fn leave(&mut self, name: &'static str) {
        assert_eq!(self.call(name, Input::Leave), Ok(()));
    }

    pub(crate) fn renew(&mut self, name: &'static str, uid: u32, ticket: Ticket) {
        let token = ticket.token(self.app, uid, self.now);
        assert_eq!(self.call(name, Input::RenewToken { token }), Ok(()));
        self.sleep(seconds(1));
    }

    pub(crate) fn set_role(&mut self, name: &'static str, role: Role) {
        assert_eq!(self.call(name, Input::SetRole { role }), Ok(()));
        self.sleep(seconds(1));
    }

    fn call(&mut self, name: &'static str, input: Input) -> Result<(), ErrorCode> {
        let allowed = self.people[name].session.allows(&input);
        self.tell(name, input);
        allowed
    }

    /// The operator bars a user, or forbids it something.
    pub(crate) fn forbid(&mut self, uid: u32, denies: Privilege, time: Duration) {
        let rule = Rule { uid: Uid::new(uid), denies, until: self.now.instant + time };
        self.give(channel::Input::Rules(vec![rule]));
    }

    /// Nothing gets through to or from somebody any more.
    pub(crate) fn cut(&mut self, name: &'static str) {
        self.person(name).network = Network::Cut;
    }

    /// The network is there again. What was on its way meanwhile is lost.
    pub(crate) fn mend(&mut self, name: &'static str) {
        self.person(name).network = Network::Up;
    }

    /// The socket of somebody breaks; both ends notice.
    pub(crate) fn break_socket(&mut self, name: &'static str) {
        let conn = self.person(name).conn.take().expect("a socket");
        self.conns.remove(&conn);
        self.give(channel::Input::Lost { conn });
        self.tell(name, Input::Closed);
    }

    /// The process of somebody dies; its socket breaks.
    pub(crate) fn kill(&mut self, name: &'static str) {
        let person = self.people.remove(name).expect("someone of that name");
        let conn = person.conn.expect("a socket");
        self.conns.remove(&conn);
        self.give(channel::Input::Lost { conn });
    }

    /// What somebody was told since the last time is exactly this.
    pub(crate) fn expect(&mut self, name: &'static str, log: &[&str]) {
        let told = std::mem::take(&mut self.person(name).log);
        assert_eq!(told, log, "what {name} was told");
    }

    /// What somebody was told so far does not matter.
    pub(crate) fn forget(&mut self, name: &'static str) {
        self.person(name).log.clear();
    }

    /// How many publications somebody receives.
    pub(crate) fn hears(&mut self, name: &'static str) -> usize {
        let carried: BTreeSet<_> = self.person(name).slots.values().copied().collect();
        carried.len()
    }

    pub(crate) fn members(&self) -> usize {
        self.channel.member_count()
    }

    /// Lets time pass; everything that is due on the way happens at its time.
    pub(crate) fn sleep(&mut self, time: Duration) {
        let until = self.now.after(time);
        while let Some(next) = self.next_moment().filter(|next| *next <= until.instant) {
            self.now = self.now.after(next.saturating_duration_since(self.now.instant));
            self.happen();
        }
        self.now = until;
    }

    fn next_moment(&self) -> Option<Instant> {
        let arrival = self.underway.keys().next().map(|(at, _)| *at);
        let deadlines = self.people.values().filter_map(|person| person.session.deadline());
        deadlines.chain(arrival).chain(self.channel.deadline()).min()
    }

    fn happen(&mut self) {
        while let Some(entry) = self.underway.first_entry().filter(|entry| entry.key().0 <= self.now.instant) {
            let (conn, parcel) = entry.remove();
            self.arrive(conn, parcel);
        }
        if self.channel.deadline().is_some_and(|deadline| deadline <= self.now.instant) {
            self.give(channel::Input::Tick);
        }
        for name in self.people.keys().copied().collect::<Vec<_>>() {
            if self.people[name].session.deadline().is_some_and(|deadline| deadline <= self.now.instant) {
                self.tell(name, Input::Tick);
            }
        }
    }

    fn arrive(&mut self, conn: ConnId, parcel: Parcel) {
        let Some(name) = self.conns.get(&conn).map(|conn| conn.person) else {
            return;
        };
        let current = self.people.get(name).is_some_and(|person| person.conn == Some(conn));
        let cut = self.people.get(name).is_some_and(|person| person.network == Network::Cut);
        match parcel {
            _ if cut => {}
            Parcel::ToServer(message) => self.serve(conn, *message),
            Parcel::ClosedByClient => {
                self.conns.remove(&conn);
                self.give(channel::Input::Lost { conn });
            }
            _ if !current => {}
            Parcel::Opened => {
                let media = Some(self.people[name].offer());
                self.tell(name, Input::Opened { media });
            }
            Parcel::ToClient(message) => self.tell(name, Input::Message { message: *message }),
            Parcel::ClosedByServer => {
                self.conns.remove(&conn);
                self.person(name).conn = None;
                self.tell(name, Input::Closed);
            }
        }
    }

    // The client's driver.

    fn tell(&mut self, name: &'static str, input: Input) {
        let now = self.now;
        self.person(name).session.handle(now, input);
        while let Some(output) = self.person(name).session.poll() {
            self.drive(name, output);
        }
    }

    fn drive(&mut self, name: &'static str, output: Output) {
        match output {
            Output::Open => {
                let conn = ConnId(self.next_conn);
                self.next_conn += 1;
                self.conns.insert(conn, Conn { person: name, uid: None });
                self.person(name).conn = Some(conn);
                // A handshake there and back again, and an offer.
                self.post(conn, Parcel::Opened, 3 * DELAY);
            }
            Output::Close => {
                if let Some(conn) = self.person(name).conn.take() {
                    self.post(conn, Parcel::ClosedByClient, DELAY);
                }
            }
            Output::Send { message } => {
                let conn = self.person(name).conn.expect("a socket to send on");
                self.post(conn, Parcel::ToServer(Box::new(message)), DELAY);
            }
            Output::Answer { media } => {
                self.person(name).slots.clear();
                self.carry(name, media.slots);
            }
            Output::Slots { slots } => self.carry(name, slots),
            Output::Event { event } => self.person(name).log.extend(line(&event)),
            Output::NegotiateFailed
            | Output::NeedSlots { .. }
            | Output::OwnPublication { .. }
            | Output::LayersWanted { .. }
            | Output::Receiving { .. }
            | Output::Bandwidth { .. } => {}
        }
    }

    fn carry(&mut self, name: &'static str, slots: Vec<symbolon_proto::message::Slot>) {
        for slot in slots {
            match slot.publication {
                Some(id) => self.person(name).slots.insert(slot.mid, id.0),
                None => self.person(name).slots.remove(&slot.mid),
            };
        }
    }

    fn post(&mut self, conn: ConnId, parcel: Parcel, delay: Duration) {
        let Some(person) = self.conns.get(&conn).and_then(|conn| self.people.get(conn.person)) else {
            return;
        };
        if person.network == Network::Up {
            self.sent += 1;
            self.underway.insert((self.now.instant + delay, self.sent), (conn, parcel));
        }
    }

    fn person(&mut self, name: &'static str) -> &mut Person {
        self.people.get_mut(name).expect("someone of that name")
    }

    // The edge, without its media.

    fn serve(&mut self, conn: ConnId, message: ClientMessage) {
        let input = match message {
            ClientMessage::Join(join) => return self.admit(conn, *join),
            ClientMessage::Ping {} => return self.answer(conn, ServerMessage::Pong {}),
            ClientMessage::RenewToken { id, token } => return self.renewal(conn, id, &token),
            ClientMessage::Leave {} => channel::Input::Leave { conn },
            ClientMessage::SetRole { id, role } => channel::Input::SetRole { conn, id, role },
            ClientMessage::Subscribe(subscribe) => channel::Input::Subscribe { conn, subscribe },
            ClientMessage::SetSwitches(switches) => channel::Input::SetSwitches { conn, switches },
            ClientMessage::SetMuted { mid, muted } => channel::Input::SetMuted { conn, mid, muted },
            other => panic!("no story sends {other:?}"),
        };
        self.give(input);
    }

    fn admit(&mut self, conn: ConnId, join: Join) {
        let pass = match self.door.admit(&join.app_id, &join.channel, join.uid, join.token.as_ref(), self.now) {
            Ok(pass) => pass,
            Err(ended) => return self.end(conn, ended),
        };
        let media = join.media.expect("every story has media");
        let mut entropy = [0; 24];
        entropy[..8].copy_from_slice(&conn.0.to_be_bytes());
        entropy[16..].copy_from_slice(&conn.0.to_be_bytes());
        self.give(channel::Input::Join(Box::new(Entry {
            conn,
            uid: pass.uid,
            grant: pass.grant,
            name: join.name,
            switches: join.switches,
            role: join.role,
            profile: join.profile,
            subscribe: join.subscribe,
            publish: media.publish,
            slots: media.slots,
            resume: join.resume,
            entropy,
        })));
    }

    fn renewal(&mut self, conn: ConnId, id: u32, token: &Token) {
        let Some(uid) = self.conns.get(&conn).and_then(|conn| conn.uid) else {
            return;
        };
        let name = ChannelName::parse(CHANNEL).unwrap();
        match self.door.renew(self.app, &name, uid, token, self.now) {
            Ok(grant) => self.give(channel::Input::Renew { conn, id, grant }),
            Err((code, message)) => self.answer(conn, ServerMessage::Renewed { id, code, message, standing: None }),
        }
    }

    fn give(&mut self, input: channel::Input) {
        self.channel.handle(self.now, input);
        while let Some(output) = self.channel.poll() {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: channel::Output) {
        match output {
            channel::Output::Joined { conn, joined } => {
                if let Some(conn) = self.conns.get_mut(&conn) {
                    conn.uid = Some(joined.uid);
                }
                self.answer(conn, ServerMessage::Joined(joined));
            }
            channel::Output::Negotiated { conn, id, publish, slots } => {
                let media = MediaAnswer { sdp: String::new(), publish, slots };
                self.answer(conn, ServerMessage::Negotiated { id, media });
            }
            channel::Output::Send { conn, message } => self.answer(conn, message),
            channel::Output::Ended { conn, ended } => self.end(conn, ended),
            channel::Output::Drop { conn } => self.post(conn, Parcel::ClosedByServer, DELAY),
            channel::Output::Publish { .. }
            | channel::Output::Unpublish { .. }
            | channel::Output::Route { .. }
            | channel::Output::Unroute { .. } => {}
        }
    }

    fn answer(&mut self, conn: ConnId, message: ServerMessage) {
        self.post(conn, Parcel::ToClient(Box::new(message)), DELAY);
    }

    fn end(&mut self, conn: ConnId, ended: Ended) {
        self.answer(conn, ServerMessage::Ended(ended));
        self.post(conn, Parcel::ClosedByServer, DELAY);
    }
}

impl Person {
    fn new() -> Self {
        Self {
            session: Session::new(Pauses::exact()),
            conn: None,
            network: Network::Up,
            log: Vec::new(),
            publishes: false,
            slots: BTreeMap::new(),
        }
    }

    /// A microphone and a camera, and slots for four of each.
    fn offer(&self) -> MediaOffer {
        let mid = |text: String| Mid::parse(&text).unwrap();
        let track = |name: &str, kind, source| PublishBinding {
            mid: mid(name.into()),
            kind,
            source,
            muted: false,
            layers: vec![],
        };
        let tracks =
            [track("mic", Kind::Audio, Source::Microphone), track("camera", Kind::Video, Source::Camera)].into_iter();
        let slot = |kind, n| SlotBinding { mid: mid(format!("{kind:?}{n}")), kind };
        MediaOffer {
            sdp: "offer".to_owned(),
            publish: tracks.filter(|_| self.publishes).collect(),
            slots: (0..4).flat_map(|n| [slot(Kind::Audio, n), slot(Kind::Video, n)]).collect(),
        }
    }
}

/// What a story looks at, in short; the states of others' media follow from their presence and are left out, unless a
/// stream stops for a reason of its own.
fn line(event: &Event) -> Option<String> {
    let line = match event {
        Event::ConnectionStateChanged { state, reason } => format!("state {}/{}", state.number(), reason.number()),
        Event::JoinChannelSuccess => "joined".to_owned(),
        Event::RejoinChannelSuccess => "rejoined".to_owned(),
        Event::LeaveChannel => "left".to_owned(),
        Event::ConnectionInterrupted => "interrupted".to_owned(),
        Event::ConnectionLost => "lost".to_owned(),
        Event::ConnectionBanned => "banned".to_owned(),
        Event::Error { code, .. } => format!("error {}", code.number()),
        Event::TokenWillExpire { .. } => "will expire".to_owned(),
        Event::RequestToken => "request token".to_owned(),
        Event::RenewTokenResult { code, .. } => format!("renewal {}", code.number()),
        Event::ClientRoleChanged { new_role, .. } => format!("role {new_role:?}"),
        Event::ClientRoleChangeFailed { reason, .. } => format!("role failed {}", reason.number()),
        Event::UserJoined { uid } => format!("+{uid}"),
        Event::UserOffline { uid, reason } => format!("-{uid} {}", reason.number()),
        Event::UserPublished { uid, kind, .. } => format!("{uid} {kind:?} on"),
        Event::UserUnpublished { uid, kind, .. } => format!("{uid} {kind:?} off"),
        _ => return None,
    };
    Some(line)
}
