//! The edge's half of the rules: one channel, its members, what they publish and who receives it.
//!
//! A [`Channel`] is a value. It takes one [`Input`] at a time, and [`poll`](Channel::poll) gives what came of it, in
//! order. It never sees a socket or a session description: the edge keeps those, under the [`ConnId`] of the
//! connection that they belong to, and does what the outputs say.

mod member;
mod settle;
mod slots;
mod takeover;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::Now;
use crate::grant::Grant;
use crate::id::{ConnId, Mid, PublicationId, ResumeId, Uid};
use crate::message::{
    Ended, Joined, Kind, OwnPublication, Profile, PublishBinding, Role, ServerMessage, Slot, SlotBinding, Subscribe,
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
