//! What an application is told.

use serde::Serialize;

use crate::code::{
    ConnectionState, ErrorCode, OfflineReason, Reason, RemoteReason, RemoteState, RenewCode, RoleChangeFailure,
};
use crate::id::{Token, Uid};
use crate::message::{Kind, Privilege, Role, Source, Speaker, Standing};

/// One event of the engine's core. The bindings add the connection and the time since the join
/// ([`Session::elapsed_ms`](super::Session::elapsed_ms)) where their events carry them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// The connection is in another state, or in the same one for another reason.
    ConnectionStateChanged {
        /// The state.
        state: ConnectionState,
        /// The reason.
        reason: Reason,
    },
    /// The join succeeded.
    JoinChannelSuccess,
    /// Back in the channel, after a break that the application was told of.
    RejoinChannelSuccess,
    /// Out of the channel, as the application wished. The last event of a stay.
    LeaveChannel,
    /// Nothing has been heard from the server for 4 s.
    ConnectionInterrupted,
    /// No connection for 10 s; the session goes on trying.
    ConnectionLost,
    /// A rule of the operator keeps this user out.
    ConnectionBanned,
    /// Something that the engine cannot mend alone.
    Error {
        /// The code.
        code: ErrorCode,
        /// The same in words.
        message: String,
    },
    /// A privilege of the token ends in 30 s, or sooner: fetch a new one and renew.
    TokenWillExpire {
        /// The token in use.
        token: Token,
    },
    /// Follows [`Event::TokenWillExpire`] and says more.
    TokenExpiring {
        /// What ends.
        privileges: Vec<Privilege>,
        /// How soon, in whole seconds.
        seconds_left: u32,
    },
    /// The token is over and so is the session; a renewal brings it back.
    RequestToken,
    /// What became of a renewal; one for each that was accepted.
    RenewTokenResult {
        /// The token that it was about.
        token: Token,
        /// The outcome.
        code: RenewCode,
    },
    /// What this user may do, and how long, after a join, a renewal or a change.
    StandingChanged {
        /// What it is now.
        standing: Standing,
    },
    /// The role is another one.
    ClientRoleChanged {
        /// The one before.
        old_role: Role,
        /// The one now.
        new_role: Role,
    },
    /// The role asked for was refused, or the answer did not come.
    ClientRoleChangeFailed {
        /// Why.
        reason: RoleChangeFailure,
        /// The role held.
        current_role: Role,
    },
    /// A user came, was there at the join, or became visible.
    UserJoined {
        /// Who.
        uid: Uid,
    },
    /// The name of a user, right after [`Event::UserJoined`].
    UserInfoUpdated {
        /// Who.
        uid: Uid,
        /// The name.
        name: String,
    },
    /// A user went, or became invisible.
    UserOffline {
        /// Who.
        uid: Uid,
        /// Why.
        reason: OfflineReason,
    },
    /// A user offers one more stream.
    UserPublished {
        /// Who.
        uid: Uid,
        /// Audio or video.
        kind: Kind,
        /// What it shows.
        source: Source,
    },
    /// A user no longer offers a stream.
    UserUnpublished {
        /// Who.
        uid: Uid,
        /// Audio or video.
        kind: Kind,
        /// What it showed.
        source: Source,
    },
    /// A user silenced all streams of a kind, or no longer does. Comes before the state.
    UserMuted {
        /// Who.
        uid: Uid,
        /// Audio or video.
        kind: Kind,
        /// Whether they are silenced.
        muted: bool,
    },
    /// A user turned the video module on or off, or was found with it off. Comes before the state.
    UserEnableVideo {
        /// Who.
        uid: Uid,
        /// Whether it is on.
        enabled: bool,
    },
    /// A user turned the camera on or off, or was found with it off. Comes before the state.
    UserEnableLocalVideo {
        /// Who.
        uid: Uid,
        /// Whether it is on.
        enabled: bool,
    },
    /// How a user's media of one kind is doing.
    RemoteMediaState {
        /// Who.
        uid: Uid,
        /// Audio or video.
        kind: Kind,
        /// The state.
        state: RemoteState,
        /// Why.
        reason: RemoteReason,
    },
    /// The line is too narrow for any picture of a user, and sound alone goes on; or pictures come again. Comes before the
    /// state.
    FallbackToAudioOnly {
        /// Who.
        uid: Uid,
        /// Whether sound alone goes on.
        fallen: bool,
    },
    /// The first sound of a user, or the first picture, also after the user was silent.
    FirstDecoded {
        /// Who.
        uid: Uid,
        /// Audio or video.
        kind: Kind,
        /// Width of the picture; 0 for sound.
        width: u32,
        /// Height of the picture; 0 for sound.
        height: u32,
    },
    /// Who is loud now, the loudest first.
    Speakers {
        /// They.
        speakers: Vec<Speaker>,
    },
}
