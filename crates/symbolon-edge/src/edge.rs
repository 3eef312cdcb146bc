//! [`Edge`]: all channels and all peers of one owner, and the one loop that everything goes through.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use symbolon_proto::Now;
use symbolon_proto::channel::{self, Channel, Limits};
use symbolon_proto::grant::{Door, Grant};
use symbolon_proto::id::{AppId, ChannelName, ConnId, Uid};
use symbolon_proto::message::{ClientMessage, ServerMessage, View};
use symbolon_proto::standing::Rule;

use crate::agenda::Agenda;
use crate::demux::{Demux, Rate};
use crate::downlink::Downlink;
use crate::entropy::Entropy;
use crate::forward::{PublicationKey, Switchboard};
use crate::happening::{Happening, MemberId, What};
use crate::peer::{Drained, Peer, PeerConfig, PeerEvent};
use crate::room::{Room, RoomId, RoomName};
use crate::speakers::Speakers;
use crate::stats::Stats;

/// What an edge needs to know from the start.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The apps, and the checks at the door.
    pub door: Door,
    /// What each channel holds at most.
    pub limits: Limits,
    /// The addresses that clients send media to, as they see them. An edge behind a wildcard socket must name them
    /// all: a datagram to another address is not answered.
    pub candidates: Vec<SocketAddr>,
}

impl Config {
    /// An edge for these apps, reached at these addresses, with the default limits.
    pub fn new(door: Door, candidates: Vec<SocketAddr>) -> Self {
        Self { door, limits: Limits::default(), candidates }
    }
}

/// What can happen to an edge.
#[derive(Debug)]
pub enum Input<'a> {
    /// A signalling connection was opened. The driver numbers them and never uses a number twice.
    Opened {
        /// Its number.
        conn: ConnId,
        /// Where it comes from.
        remote: IpAddr,
    },
    /// A message came in on it.
    Message {
        /// On which.
        conn: ConnId,
        /// What it says.
        message: ClientMessage,
        /// Fresh random bytes.
        entropy: Entropy,
    },
    /// It is gone, however it came to that. Its member may come back for a while.
    Closed {
        /// Which.
        conn: ConnId,
    },
    /// These datagrams came in, in this order. Those that came together are best given together: what comes of them is
    /// then put together for each receiver.
    Datagrams(&'a [Incoming<'a>]),
    /// The apps are these now. Joins and renewals are checked by the new ones. Members stay, but for those whose app or
    /// certificate has been [revoked](symbolon_proto::grant::Revoked).
    ReplaceDoor(Door),
    /// The operator's rules for one channel are these now, whether there is such a channel or not.
    Rules {
        /// The tenant.
        app: AppId,
        /// The channel.
        channel: ChannelName,
        /// All rules that hold; those that were and are not among them are over.
        rules: Vec<Rule>,
    },
    /// Time has passed.
    Tick,
}

/// A datagram that came in.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// From where.
    pub source: SocketAddr,
    /// To which of the [candidates](Config::candidates).
    pub destination: SocketAddr,
    /// What.
    pub bytes: &'a [u8],
}

/// A datagram that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// From which of the [candidates](Config::candidates).
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
    /// What.
    pub bytes: Vec<u8>,
}

/// What the driver is to do, in this order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Send this message.
    Message {
        /// On which connection.
        conn: ConnId,
        /// What.
        message: ServerMessage,
    },
    /// Close this connection, once the messages before have been written. Nothing more comes for it.
    Close {
        /// Which.
        conn: ConnId,
        /// The WebSocket close code; see [`close`].
        code: u16,
        /// The same in words.
        reason: &'static str,
    },
    /// Something that a user feels, for the log and the metrics.
    Happened(Happening),
}

/// WebSocket close codes.
pub mod close {
    /// The session is over; the last message said why.
    pub const ENDED: u16 = 1000;
    /// The first message was no join.
    pub const NOT_JOINED: u16 = 4401;
    /// The join was refused; the last message said why.
    pub const REFUSED: u16 = 4403;
    /// The same session came back on another connection.
    pub const SUPERSEDED: u16 = 4409;
    /// The media path is lost. Come back with the resume id and a new offer.
    pub const MEDIA_LOST: u16 = 4410;
}

/// The media server as a value. See the [crate](crate).
pub struct Edge {
    pub(crate) door: Door,
    limits: Limits,
    rules: BTreeMap<RoomName, Vec<Rule>>,
    pub(crate) peer_config: PeerConfig,
    pub(crate) conns: BTreeMap<ConnId, Conn>,
    pub(crate) peers: BTreeMap<ConnId, Peer>,
    pub(crate) rooms: BTreeMap<RoomId, Room>,
    room_ids: BTreeMap<RoomName, RoomId>,
    next_room: u64,
    pub(crate) demux: Demux,
    pub(crate) switchboard: Switchboard,
    pub(crate) agenda: Agenda<Wake>,
    /// The clocks as they were when all deadlines were last made.
    anchor: Option<Now>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) datagrams: VecDeque<Datagram>,
    /// What peers have reported and nobody has dealt with yet.
    pub(crate) reports: VecDeque<(ConnId, PeerEvent)>,
    /// Peers that packets have been written to and not sent from.
    pub(crate) unsent: Vec<ConnId>,
    /// Scratch space of one peer's drain.
    pub(crate) drained: Drained,
    pub(crate) stats: Stats,
}

/// One signalling connection.
#[derive(Debug, Default)]
pub(crate) struct Conn {
    /// Whether it can still be written to.
    pub(crate) open: bool,
    /// Its place in a channel, from the join on.
    pub(crate) seat: Option<Seat>,
    /// The answer to the offer being dealt with.
    pub(crate) answer: Option<String>,
    pub(crate) negotiations: Rate,
    pub(crate) downlink: Downlink,
}

/// A connection's place in a channel.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) room: RoomId,
    pub(crate) name: RoomName,
    pub(crate) grant: Grant,
    /// Known once the channel has let the member in.
    pub(crate) uid: Option<Uid>,
    /// How the member looks at what it receives.
    pub(crate) view: View,
}

/// Who wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    Room(RoomId),
    Peer(ConnId),
    Keyframe(PublicationKey, u8),
    /// What a viewer gets is to be shared out anew.
    Downlink(ConnId),
    /// Which layers of a publication anyone wants is to be looked at.
    Demand(PublicationKey),
}

/// The two clocks may differ by this much before every deadline is made anew.
const DRIFT: Duration = Duration::from_secs(1);

impl Edge {
    /// An edge without anybody in it.
    ///
    /// The certificate of its DTLS side is made here, once, and shared by all its peers.
    pub fn new(config: Config) -> Self {
        let provider = str0m::crypto::from_feature_flags();
        let certificate =
            provider.dtls_provider.generate_certificate().expect("the provider in use can make certificates");
        Self {
            door: config.door,
            limits: config.limits,
            rules: BTreeMap::new(),
            peer_config: PeerConfig { certificate, candidates: config.candidates },
            conns: BTreeMap::new(),
            peers: BTreeMap::new(),
            rooms: BTreeMap::new(),
            room_ids: BTreeMap::new(),
            next_room: 0,
            demux: Demux::new(provider.sha1_hmac_provider),
            switchboard: Switchboard::default(),
            agenda: Agenda::new(),
            anchor: None,
            outputs: VecDeque::new(),
            datagrams: VecDeque::new(),
            unsent: Vec::new(),
            reports: VecDeque::new(),
            drained: Drained::default(),
            stats: Stats::default(),
        }
    }

    /// Takes one input. What came of it is behind [`poll`](Self::poll) and [`poll_datagram`](Self::poll_datagram).
    ///
    /// Deadlines that `now` has reached are settled first, so that no packet and no message goes by a right that is
    /// over, however late the driver comes.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        self.watch_clocks(now);
        self.settle_due(now);
        match input {
            Input::Opened { conn, remote: _ } => {
                self.conns.entry(conn).or_insert_with(|| Conn { open: true, ..Conn::default() });
            }
            Input::Message { conn, message, entropy } => self.message(now, conn, message, &entropy),
            Input::Closed { conn } => self.closed(now, conn),
            Input::Datagrams(all) => all.iter().for_each(|incoming| self.datagram(now, incoming)),
            Input::ReplaceDoor(door) => self.replace_door(now, door),
            Input::Rules { app, channel, rules } => self.set_rules(now, (app, channel), rules),
            Input::Tick => {}
        }
        self.settle_reports(now);
    }

    /// The next thing to do, until there is nothing left.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The next datagram to send, until there is none left. Those to one destination follow each other.
    pub fn poll_datagram(&mut self) -> Option<Datagram> {
        self.datagrams.pop_front()
    }

    /// When to come back with [`Input::Tick`].
    pub fn deadline(&self) -> Option<Instant> {
        self.agenda.next()
    }

    /// What has been counted, and what there is now.
    pub fn stats(&self) -> Stats {
        Stats {
            members: self.rooms.values().map(|room| room.channel.member_count() as u64).sum(),
            channels: self.rooms.len() as u64,
            peers: self.peers.len() as u64,
            publications: self.switchboard.len() as u64,
            routes: self.switchboard.routes,
            ..self.stats
        }
    }

    /// A machine that slept, or whose clock was set, has deadlines that are not where its tokens say.
    fn watch_clocks(&mut self, now: Now) {
        let anchor = *self.anchor.get_or_insert(now);
        if now.drift_since(&anchor) <= DRIFT {
            return;
        }
        tracing::info!("the wall clock and the monotonic clock have moved apart; deadlines are made anew");
        self.anchor = Some(now);
        for seat in self.conns.values_mut().filter_map(|conn| conn.seat.as_mut()) {
            seat.grant.remake(now);
        }
        for room in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.tell(now, room, channel::Input::ClockMoved);
        }
    }

    fn settle_due(&mut self, now: Now) {
        while let Some(wake) = self.agenda.pop_due(now.instant) {
            match wake {
                Wake::Room(room) => self.tick_room(now, room),
                Wake::Peer(conn) => self.tick_peer(now, conn),
                Wake::Keyframe(publication, layer) => self.ask_for_keyframe_at(now.instant, publication, layer),
                Wake::Downlink(conn) => self.share_out(now.instant, conn),
                Wake::Demand(publication) => self.look_at_demand(now.instant, publication),
            }
            self.settle_reports(now);
        }
    }

    fn tick_room(&mut self, now: Now, room: RoomId) {
        self.tell(now, room, channel::Input::Tick);
        self.tell_speakers(now.instant, room);
        self.set_room_alarm(now.instant, room);
    }

    /// Tells everyone in a channel who is loud, if that has changed. Who hears only of oneself hears nothing new.
    fn tell_speakers(&mut self, now: Instant, room: RoomId) {
        let Some(room) = self.rooms.get_mut(&room) else { return };
        let Some(speakers) = room.speakers.take(now, room.channel.member_count()) else { return };
        for (uid, conn) in room.channel.connections() {
            let speakers = speakers.iter().filter(|speaker| speaker.uid != uid).copied().collect();
            self.outputs.push_back(Output::Message { conn, message: ServerMessage::Speakers { speakers } });
        }
    }

    /// Tells a channel something, does what it says, and sets its alarm.
    pub(crate) fn tell(&mut self, now: Now, id: RoomId, input: channel::Input) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.channel.handle(now, input);
        while let Some(output) = self.rooms.get_mut(&id).and_then(|room| room.channel.poll()) {
            self.perform(now, id, output);
        }
        self.settle_room(now, id);
    }

    /// Sets a channel's alarm, or forgets it when nobody is left.
    fn settle_room(&mut self, now: Now, id: RoomId) {
        let Some(room) = self.rooms.get(&id) else { return };
        if room.channel.is_empty() {
            let room = self.rooms.remove(&id).expect("it has just been there");
            self.room_ids.remove(&room.name);
            for key in self.switchboard.of_room(id) {
                self.switchboard.unpublish(key);
                self.forget_alarms(key);
            }
            return self.agenda.set(Wake::Room(id), None);
        }
        self.set_room_alarm(now.instant, id);
    }

    pub(crate) fn set_room_alarm(&mut self, now: Instant, id: RoomId) {
        // An alarm for the past would be settled again and again.
        let soonest = now + Duration::from_micros(1);
        let deadline = self.rooms.get(&id).and_then(Room::deadline).map(|at| at.max(soonest));
        self.agenda.set(Wake::Room(id), deadline);
    }

    /// The channel of this name, made if there is none.
    pub(crate) fn room(&mut self, now: Now, name: &RoomName) -> RoomId {
        if let Some(id) = self.room_ids.get(name) {
            return *id;
        }
        self.next_room += 1;
        let id = RoomId(self.next_room);
        let mut channel = Channel::new(self.limits);
        if let Some(rules) = self.rules.get(name) {
            channel.handle(now, channel::Input::Rules(rules.clone()));
        }
        self.room_ids.insert(name.clone(), id);
        self.rooms.insert(id, Room { name: name.clone(), channel, speakers: Speakers::default() });
        id
    }

    fn replace_door(&mut self, now: Now, door: Door) {
        self.door = door;
        let seats = self.conns.iter().filter_map(|(conn, state)| Some((*conn, state.seat.as_ref()?)));
        let revoked = |(conn, seat): (ConnId, &Seat)| {
            Some((seat.room, channel::Input::Revoke { conn, revoked: self.door.revoked(&seat.name.0, &seat.grant)? }))
        };
        for (room, input) in seats.filter_map(revoked).collect::<Vec<_>>() {
            self.tell(now, room, input);
        }
    }

    fn set_rules(&mut self, now: Now, name: RoomName, rules: Vec<Rule>) {
        self.rules.retain(|_, rules| rules.iter().any(|rule| now.instant < rule.until));
        let room = self.room_ids.get(&name).copied();
        if rules.is_empty() {
            self.rules.remove(&name);
        } else {
            self.rules.insert(name, rules.clone());
        }
        if let Some(room) = room {
            self.tell(now, room, channel::Input::Rules(rules));
        }
    }

    pub(crate) fn happened(&mut self, conn: ConnId, what: What) {
        let seat = self.conns.get(&conn).and_then(|conn| conn.seat.as_ref());
        let member = seat.and_then(|seat| {
            let (app, channel) = seat.name.clone();
            Some(MemberId { app, channel, uid: seat.uid? })
        });
        self.outputs.push_back(Output::Happened(Happening { conn, member, what }));
    }
}
