//! What can happen to a session.

use serde::{Deserialize, Serialize};

use crate::id::{Mid, Token, Uid};
use crate::message::{Kind, MediaOffer, Profile, Role, ServerMessage, Subscribe, Switches, View};

/// One thing that happened: a call of the application, or news from the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Input {
    /// The application joins a channel.
    Join {
        /// Where, and as what.
        request: JoinRequest,
    },
    /// The application leaves.
    Leave,
    /// The application has a new token.
    RenewToken {
        /// The token.
        token: Token,
    },
    /// The application asks for another role.
    SetRole {
        /// The role wanted.
        role: Role,
    },
    /// The application wants to receive something else.
    Subscribe {
        /// All that it wants.
        subscribe: Subscribe,
    },
    /// The application looks at it in another way. Remembered for later connections of the same stay.
    View {
        /// All of it.
        view: View,
    },
    /// A track has been silenced, or no longer is. Offers of later connections must say the same.
    SetMuted {
        /// The section that carries the track.
        mid: Mid,
        /// Whether it is silenced.
        muted: bool,
    },
    /// The application turned something on or off. Remembered for later connections of the same stay.
    SetSwitches {
        /// What is on now.
        switches: Switches,
    },
    /// The media connection has a new offer. One at a time: the next one after [`Output::Answer`](super::Output::Answer)
    /// or [`Output::NegotiateFailed`](super::Output::NegotiateFailed).
    Negotiate {
        /// The offer.
        media: MediaOffer,
    },
    /// The socket that [`Output::Open`](super::Output::Open) asked for is open, and the fresh media connection has made
    /// its offer.
    Opened {
        /// The offer; absent for a member without media.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media: Option<MediaOffer>,
    },
    /// The socket could not be opened, or has closed by itself. What an older socket does is not to be told.
    Closed,
    /// A message came in.
    Message {
        /// The message.
        message: ServerMessage,
    },
    /// Something came in that this version does not know. It shows that the server is alive.
    Unknown,
    /// The device has another address now.
    NetworkChanged,
    /// Media has stopped in both directions, although the socket is open.
    MediaLost,
    /// Media of a member is being decoded. May be told as often as one likes.
    Decoded {
        /// Who.
        uid: Uid,
        /// Audio or video.
        kind: Kind,
        /// Width of the picture; 0 for sound.
        #[serde(default)]
        width: u32,
        /// Height of the picture; 0 for sound.
        #[serde(default)]
        height: u32,
        /// Whether this ends a gap so long that it counts as a first time.
        #[serde(default)]
        again: bool,
    },
    /// Nothing of a member's media has been decoded for a while, though it should be.
    Frozen {
        /// Who.
        uid: Uid,
        /// Audio or video.
        kind: Kind,
    },
    /// Time has passed.
    Tick,
}

/// Where to join, and as what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinRequest {
    /// The App ID.
    pub app_id: String,
    /// The channel.
    pub channel: String,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// The uid, or 0 to be given one.
    pub uid: u32,
    /// A name for the others' screens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The role wanted.
    pub role: Role,
    /// What is turned on.
    #[serde(default, skip_serializing_if = "Switches::are_usual")]
    pub switches: Switches,
    /// The profile wanted.
    pub profile: Profile,
    /// What to receive.
    pub subscribe: Subscribe,
    /// How to look at it.
    #[serde(default, skip_serializing_if = "View::is_usual")]
    pub view: View,
}
