//! The edge's half of the rules: one channel, its members, what they publish and who receives it.
//!
//! A [`Channel`] is a value. It takes one [`Input`] at a time, and [`poll`](Channel::poll) gives what came of it, in
//! order. It never sees a socket or a session description: the edge keeps those, under the [`ConnId`] of the
//! connection that they belong to, and does what the outputs say.

mod join;
mod member;
mod settle;
mod slots;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use self::join::Storms;
use self::member::Member;
use self::settle::Whisper;
use self::timers::{Timer, Timers};
use crate::Now;
use crate::code::{ErrorCode, OfflineReason, Reason, RenewCode, RoleChangeFailure};
use crate::grant::{Grant, Revoked, ended};
use crate::id::{ConnId, Mid, PublicationId, ResumeId, Uid};
use crate::message::{
    Ended, Joined, Kind, Layer, OwnPublication, Profile, PublishBinding, Role, ServerMessage, Slot, SlotBinding,
    Source, Subscribe, Switches,
};
use crate::standing::Rule;

/// What can happen to a channel.
#[derive(Clone, Debug)]
pub enum Input {
    /// Someone whose token has been checked wants in. Answered by [`Output::Joined`] or [`Output::Ended`].
    Join(Box<Entry>),
    /// A member negotiated its media anew. Answered by [`Output::Negotiated`].
    Negotiate {
        /// Whose connection.
        conn: ConnId,
        /// The `id` of the request.
        id: u32,
        /// All tracks that the member now offers.
        publish: Vec<PublishBinding>,
        /// All slots that the member now has.
        slots: Vec<SlotBinding>,
    },
    /// A member wants to receive something else.
    Subscribe {
        /// Whose connection.
        conn: ConnId,
        /// All that it wants.
        subscribe: Subscribe,
    },
    /// A member silenced a track, or no longer does.
    SetMuted {
        /// Whose connection.
        conn: ConnId,
        /// The section that carries the track.
        mid: Mid,
        /// Whether it is silenced.
        muted: bool,
    },
    /// A member turned something on or off at home.
    SetSwitches {
        /// Whose connection.
        conn: ConnId,
        /// What is on now.
        switches: Switches,
    },
    /// A member asks for another role.
    SetRole {
        /// Whose connection.
        conn: ConnId,
        /// The `id` of the request.
        id: u32,
        /// The role wanted.
        role: Role,
    },
    /// A member brought a new token, which has been checked.
    Renew {
        /// Whose connection.
        conn: ConnId,
        /// The `id` of the request.
        id: u32,
        /// What the new token gives.
        grant: Grant,
    },
    /// A member leaves for good.
    Leave {
        /// Whose connection.
        conn: ConnId,
    },
    /// A connection is gone without a goodbye. Its member may come back within [`OFFLINE_AFTER`].
    Lost {
        /// Which connection.
        conn: ConnId,
    },
    /// What admitted a member has been taken back: its session is over, also while it is away.
    Revoke {
        /// Whose connection.
        conn: ConnId,
        /// What was taken back.
        revoked: Revoked,
    },
    /// The operator's rules for this channel are these now.
    Rules(Vec<Rule>),
    /// The two clocks have moved apart: make every deadline anew.
    ClockMoved,
    /// Time has passed.
    Tick,
}

/// Someone at the door whose token has been checked.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The connection.
    pub conn: ConnId,
    /// The uid asked for, or named by the token; absent when one is to be given.
    pub uid: Option<Uid>,
    /// What the token gives.
    pub grant: Grant,
    /// A name for the others' screens.
    pub name: Option<String>,
    /// What the member has turned on.
    pub switches: Switches,
    /// The role wanted.
    pub role: Role,
    /// The profile wanted.
    pub profile: Profile,
    /// What to receive.
    pub subscribe: Subscribe,
    /// The tracks offered.
    pub publish: Vec<PublishBinding>,
    /// The slots offered.
    pub slots: Vec<SlotBinding>,
    /// The session to take up again.
    pub resume: Option<ResumeId>,
    /// Random bytes from the operating system, for a resume id and a uid.
    pub entropy: [u8; 24],
}

/// What came of an input, in the order in which it must be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The join succeeded. `joined.media` is there if the connection offered tracks or slots, with an empty `sdp`: the
    /// edge puts its answer in and sends it.
    Joined {
        /// The joiner.
        conn: ConnId,
        /// The answer.
        joined: Box<Joined>,
    },
    /// A negotiation is done. The edge adds its session description and sends [`ServerMessage::Negotiated`].
    Negotiated {
        /// Whose.
        conn: ConnId,
        /// The `id` of the request.
        id: u32,
        /// What became of each track.
        publish: Vec<OwnPublication>,
        /// What every slot carries.
        slots: Vec<Slot>,
    },
    /// Send this.
    Send {
        /// To whom.
        conn: ConnId,
        /// What.
        message: ServerMessage,
    },
    /// Packets that come in on this section are this publication from now on, and those of a section that carried it
    /// before no longer are. No packet of a section without a publication goes anywhere.
    Publish {
        /// The publication.
        publication: PublicationId,
        /// The publisher.
        conn: ConnId,
        /// The section of the publisher's offer.
        mid: Mid,
        /// Audio or video.
        kind: Kind,
        /// What it shows.
        source: Source,
        /// The layers in which it comes, the least first; none for one that is sent once.
        layers: Vec<Layer>,
    },
    /// The publication has ended. Its routes have ended before.
    Unpublish {
        /// Which.
        publication: PublicationId,
    },
    /// Forward this publication into this slot from now on, starting with a keyframe.
    Route {
        /// The publication.
        publication: PublicationId,
        /// The subscriber.
        conn: ConnId,
        /// The slot, a section of the subscriber's offer.
        mid: Mid,
    },
    /// Forward nothing into this slot any more.
    Unroute {
        /// The subscriber.
        conn: ConnId,
        /// The slot.
        mid: Mid,
    },
    /// The connection's session is over: send this, close the connection, forget its peer.
    Ended {
        /// Whose.
        conn: ConnId,
        /// The last message.
        ended: Ended,
    },
    /// Another connection has taken this one's place, or its member has gone: forget its peer, close it if it is open.
    Drop {
        /// Which.
        conn: ConnId,
    },
}

/// How long a member whose connection is lost stays in the channel.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(20);

/// What a channel holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Members. More joins are refused with code 17. Default 10,000.
    pub members: usize,
    /// Broadcasters. More joins as broadcaster are refused with code 103. Default 128.
    pub broadcasters: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { members: 10_000, broadcasters: 128 }
    }
}

/// One channel and everyone in it. See the [module](self).
#[derive(Debug)]
pub struct Channel {
    limits: Limits,
    profile: Profile,
    members: BTreeMap<Uid, Member>,
    /// Who is behind the connection whose peer carries a member's media, also while the member is away.
    conns: BTreeMap<ConnId, Uid>,
    next_publication: u32,
    rules: Vec<Rule>,
    timers: Timers,
    storms: Storms,
    /// Whose slots may carry something that they have not been told of.
    untold: BTreeSet<Uid>,
    outputs: VecDeque<Output>,
}

/// Why a member leaves the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Departure {
    Left,
    Dropped,
    Expired,
    Banned,
    Revoked(Revoked),
}

impl Departure {
    fn seen_by_others(self) -> OfflineReason {
        match self {
            Self::Dropped => OfflineReason::Dropped,
            Self::Left | Self::Expired | Self::Banned | Self::Revoked(_) => OfflineReason::Quit,
        }
    }

    fn last_message(self) -> Ended {
        match self {
            Self::Left => ended(ErrorCode::Ok, Reason::LeaveChannel, "left", "you left the channel"),
            Self::Dropped => ended(ErrorCode::Ok, Reason::Lost, "dropped", "nothing was heard from you for too long"),
            Self::Expired => ended(
                ErrorCode::TokenExpired,
                Reason::TokenExpired,
                "expired",
                "the token's join privilege has ended; renew the token to come back",
            ),
            Self::Banned => banned(),
            Self::Revoked(revoked) => revoked.last_message(),
        }
    }
}

fn banned() -> Ended {
    let message = "the operator of this server has barred this user or channel";
    ended(ErrorCode::ClientIsBannedByServer, Reason::BannedByServer, "banned", message)
}

impl Channel {
    /// An empty channel.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            profile: Profile::default(),
            members: BTreeMap::new(),
            conns: BTreeMap::new(),
            next_publication: 1,
            rules: Vec::new(),
            timers: Timers::default(),
            storms: Storms::default(),
            untold: BTreeSet::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input. What came of it is behind [`poll`](Self::poll).
    ///
    /// Deadlines that `now` has reached are settled first, so that no input acts on a right that is over.
    pub fn handle(&mut self, now: Now, input: Input) {
        let instant = now.instant;
        self.settle_due(instant);
        match input {
            Input::Join(entry) => self.join(*entry, instant),
            Input::Negotiate { conn, id, publish, slots } => self.negotiate(conn, id, publish, slots, instant),
            Input::Subscribe { conn, subscribe } => self.subscribe(conn, subscribe),
            Input::SetMuted { conn, mid, muted } => self.set_muted(conn, &mid, muted, instant),
            Input::SetSwitches { conn, switches } => self.set_switches(conn, switches, instant),
            Input::SetRole { conn, id, role } => self.set_role(conn, id, role, instant),
            Input::Renew { conn, id, grant } => self.renew(conn, id, grant, instant),
            Input::Leave { conn } => self.leave(conn, instant),
            Input::Lost { conn } => self.lost(conn, instant),
            Input::Revoke { conn, revoked } => self.revoke(conn, revoked, instant),
            Input::Rules(rules) => self.set_rules(rules, instant),
            Input::ClockMoved => self.clock_moved(now),
            Input::Tick => {}
        }
    }

    /// The next thing to do, until there is nothing left.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Tick`].
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next().into_iter().chain(self.storms.next_end()).min()
    }

    /// Whether nothing would be lost by forgetting the channel.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.storms.is_empty()
    }

    /// How many members there are, those included whose connection is lost for the moment.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// The member behind a connection.
    pub fn uid_of(&self, conn: ConnId) -> Option<Uid> {
        self.conns.get(&conn).copied()
    }

    /// Every member that can be told something now, and its connection.
    pub fn connections(&self) -> impl Iterator<Item = (Uid, ConnId)> + '_ {
        self.members.values().filter(|member| member.is_online()).map(|member| (member.uid, member.conn))
    }

    /// The member behind a connection that is open.
    fn online(&mut self, conn: ConnId) -> Option<&mut Member> {
        let uid = self.uid_of(conn)?;
        self.members.get_mut(&uid).filter(|member| member.is_online())
    }

    fn negotiate(
        &mut self,
        conn: ConnId,
        id: u32,
        publish: Vec<PublishBinding>,
        slots: Vec<SlotBinding>,
        now: Instant,
    ) {
        let Some(uid) = self.online(conn).map(|member| member.uid) else {
            return;
        };
        let place = self.outputs.len();
        self.change(uid, now, Whisper::Nothing, |member, next| {
            member.rebind(publish, next);
            member.slots.rebind(slots);
        });
        self.fill_slots_of(uid);
        let Some(member) = self.members.get_mut(&uid) else {
            return;
        };
        let output =
            Output::Negotiated { conn, id, publish: member.own_publications(), slots: member.slots.tell_all() };
        self.outputs.insert(place, output);
        self.tell_slots();
    }

    fn subscribe(&mut self, conn: ConnId, subscribe: Subscribe) {
        let Some(member) = self.online(conn) else {
            return;
        };
        member.subscribe = subscribe;
        let uid = member.uid;
        self.fill_slots_of(uid);
        self.tell_slots();
    }

    fn set_muted(&mut self, conn: ConnId, mid: &Mid, muted: bool, now: Instant) {
        let Some(member) = self.online(conn) else {
            return;
        };
        let uid = member.uid;
        if !member.publications.iter().any(|publication| publication.mid == *mid) {
            let message = ServerMessage::Error {
                id: None,
                code: ErrorCode::InvalidArgument,
                slug: "unknown_mid".to_owned(),
                message: "no track of yours is on that section; negotiate it first".to_owned(),
            };
            return self.outputs.push_back(Output::Send { conn, message });
        }
        self.change(uid, now, Whisper::Changes(None), |member, _| {
            for publication in member.publications.iter_mut().filter(|publication| publication.mid == *mid) {
                publication.muted = muted;
            }
        });
    }

    fn set_switches(&mut self, conn: ConnId, switches: Switches, now: Instant) {
        if let Some(uid) = self.online(conn).map(|member| member.uid) {
            self.change(uid, now, Whisper::Changes(None), |member, _| member.switches = switches);
        }
    }

    fn set_role(&mut self, conn: ConnId, id: u32, role: Role, now: Instant) {
        let Some(member) = self.online(conn) else {
            return;
        };
        let (uid, held) = (member.uid, member.standing.role);
        if role == held {
            member.asked = role;
            let message = ServerMessage::RoleChanged { id: Some(id), role };
            return self.outputs.push_back(Output::Send { conn, message });
        }
        let may = member.standing.may_broadcast();
        let failure = match role {
            Role::Audience => None,
            Role::Broadcaster if !may => Some(RoleChangeFailure::NotAuthorized),
            Role::Broadcaster if self.is_full_of_broadcasters() => Some(RoleChangeFailure::TooManyBroadcasters),
            Role::Broadcaster => None,
        };
        if let Some(reason) = failure {
            let message = role_refused(Some(id), reason, held);
            return self.outputs.push_back(Output::Send { conn, message });
        }
        self.change(uid, now, Whisper::Changes(Some(id)), |member, _| member.asked = role);
    }

    fn renew(&mut self, conn: ConnId, id: u32, grant: Grant, now: Instant) {
        let Some(uid) = self.online(conn).map(|member| member.uid) else {
            return;
        };
        let place = self.outputs.len();
        self.change(uid, now, Whisper::Renewed, |member, _| {
            member.grant = grant;
            member.warned.clear();
        });
        let Some(member) = self.members.get(&uid) else {
            return;
        };
        let message = ServerMessage::Renewed {
            id,
            code: RenewCode::Ok,
            message: "the token has been renewed".to_owned(),
            standing: Some(member.standing.to_message(now)),
        };
        self.outputs.insert(place, Output::Send { conn, message });
        self.warn(uid, now);
    }

    fn leave(&mut self, conn: ConnId, now: Instant) {
        if let Some(uid) = self.online(conn).map(|member| member.uid) {
            self.remove(uid, Departure::Left, now);
        }
    }

    fn revoke(&mut self, conn: ConnId, revoked: Revoked, now: Instant) {
        if let Some(uid) = self.uid_of(conn) {
            self.remove(uid, Departure::Revoked(revoked), now);
        }
    }

    fn lost(&mut self, conn: ConnId, now: Instant) {
        let Some(member) = self.online(conn) else {
            return;
        };
        let uid = member.uid;
        let until = now + OFFLINE_AFTER;
        member.away_until = Some(until);
        self.timers.set(uid, Timer::Away, Some(until));
    }

    fn set_rules(&mut self, rules: Vec<Rule>, now: Instant) {
        self.rules = rules;
        self.settle_all(now);
    }

    fn clock_moved(&mut self, now: Now) {
        for member in self.members.values_mut() {
            member.grant.remake(now);
            member.warned.clear();
        }
        self.settle_all(now.instant);
    }

    fn settle_all(&mut self, now: Instant) {
        for uid in self.members.keys().copied().collect::<Vec<_>>() {
            self.change(uid, now, Whisper::Changes(None), |_, _| {});
            self.warn(uid, now);
        }
    }

    fn settle_due(&mut self, now: Instant) {
        self.storms.settle(now);
        while let Some((uid, timer)) = self.timers.pop_due(now) {
            match timer {
                Timer::Away => self.remove(uid, Departure::Dropped, now),
                Timer::Change => self.change(uid, now, Whisper::Changes(None), |_, _| {}),
                Timer::Warn => self.warn(uid, now),
            }
        }
    }

    /// Tells a member of privileges that end soon, once for each end, and sets the timer for the next one.
    fn warn(&mut self, uid: Uid, now: Instant) {
        let Some(member) = self.members.get_mut(&uid) else {
            return;
        };
        let next = member.is_online().then(|| member.take_warnings(now));
        for message in next.iter().flat_map(|(messages, _)| messages.iter().cloned()) {
            self.outputs.push_back(Output::Send { conn: member.conn, message });
        }
        self.timers.set(uid, Timer::Warn, next.and_then(|(_, next)| next));
    }

    fn is_full_of_broadcasters(&self) -> bool {
        let broadcasters = self.members.values().filter(|member| member.standing.role == Role::Broadcaster);
        self.profile == Profile::LiveBroadcasting && broadcasters.count() >= self.limits.broadcasters
    }
}

fn role_refused(id: Option<u32>, reason: RoleChangeFailure, role: Role) -> ServerMessage {
    let message = match reason {
        RoleChangeFailure::TooManyBroadcasters => "the channel has all the broadcasters it may have",
        RoleChangeFailure::NotAuthorized | RoleChangeFailure::TimedOut | RoleChangeFailure::ConnectionFailed => {
            "the token does not allow publishing; renew it with a publisher token first"
        }
    };
    ServerMessage::RoleRefused { id, reason, role, message: message.to_owned() }
}
