//! One channel as the edge holds it.

use std::time::Instant;

use symbolon_proto::channel::Channel;
use symbolon_proto::id::{AppId, ChannelName};

use crate::speakers::Speakers;

/// A channel's number in this edge. Never used twice, so that nothing of a channel that ended is taken for one of the
/// same name that began later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RoomId(pub(crate) u64);

/// A channel within its app.
pub(crate) type RoomName = (AppId, ChannelName);

/// One channel, its name, and who is loud in it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: RoomName,
    pub(crate) channel: Channel,
    pub(crate) speakers: Speakers,
}

impl Room {
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.channel.deadline(), self.speakers.deadline()].into_iter().flatten().min()
    }
}
