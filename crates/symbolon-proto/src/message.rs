//! Every message on the wire. `spec/protocol.md` tells their story; this file is their definition.
//!
//! Messages are JSON objects in WebSocket text frames, at most [`MAX_MESSAGE_BYTES`] each, with a `type` and fields in
//! camel case. Unknown fields are ignored; an unknown `type` is answered with [`ServerMessage::Error`]. Durations are
//! milliseconds and say so in their names.

use serde::{Deserialize, Serialize};

use crate::code::{ErrorCode, Fallback, OfflineReason, Reason, RenewCode, RoleChangeFailure, StreamType};
use crate::id::{Mid, PublicationId, ResumeId, Rid, Token, Uid};

/// The largest message either side accepts, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// The most tracks a member publishes.
pub const MAX_PUBLICATIONS: usize = 16;
/// The most receive slots a client declares.
pub const MAX_SLOTS: usize = 256;
/// The most exceptions in a [`Subscribe`].
pub const MAX_EXCEPTIONS: usize = 1024;
/// The most layers of one video track.
pub const MAX_LAYERS: usize = 3;
/// The widest and the highest picture that a layer can be said to have, in pixels.
pub const MAX_PIXELS: u16 = 16_384;
/// The highest bitrate that a layer can be said to have, in kilobits a second.
pub const MAX_LAYER_KBPS: u32 = 100_000;
/// The most views in a [`View`].
pub const MAX_VIEWS: usize = 1024;
/// The longest display name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum ClientMessage {
    /// Enters a channel. The first message on every connection, answered by [`ServerMessage::Joined`] or
    /// [`ServerMessage::Ended`].
    Join(Box<Join>),
    /// Changes the media session: other tracks, more slots. Answered by [`ServerMessage::Negotiated`] or an error with the
    /// same `id`.
    Negotiate {
        /// Chosen by the client, echoed in the answer.
        id: u32,
        /// The client's side of the media session.
        media: MediaOffer,
    },
    /// Replaces what this member wants to receive.
    Subscribe(Subscribe),
    /// Replaces how this member looks at what it receives.
    View(View),
    /// Says that a track is (or is no longer) silenced by its owner. Media simply stops; this is for the others' screens.
    SetMuted {
        /// The section that carries the track.
        mid: Mid,
        /// Whether it is silenced.
        muted: bool,
    },
    /// Says what this member has turned on now. Media does not depend on it; this is for the others' screens.
    SetSwitches(Switches),
    /// Asks for another role. Answered by [`ServerMessage::RoleChanged`] or [`ServerMessage::RoleRefused`].
    SetRole {
        /// Chosen by the client, echoed in the answer.
        id: u32,
        /// The role wanted.
        role: Role,
    },
    /// Replaces the token. Answered by [`ServerMessage::Renewed`].
    RenewToken {
        /// Chosen by the client, echoed in the answer.
        id: u32,
        /// The new token: same App ID, channel and user.
        token: Token,
    },
    /// Asks for a [`ServerMessage::Pong`]; sent every few seconds as a sign of life.
    Ping {},
    /// Leaves the channel for good.
    Leave {},
}

/// Everything that entering a channel takes, in one round trip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Join {
    /// The App ID, 32 hexadecimal characters.
    pub app_id: String,
    /// The channel.
    pub channel: String,
    /// The token, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub token: Option<Token>,
    /// The uid, or 0 to be given one.
    #[serde(default)]
    pub uid: u32,
    /// A name for the others' screens, at most [`MAX_NAME_BYTES`] bytes and without control characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub name: Option<String>,
    /// The role wanted. Without the right to publish a broadcaster is admitted as audience.
    pub role: Role,
    /// The profile wanted; that of the first member rules the channel.
    #[serde(default)]
    pub profile: Profile,
    /// What to receive.
    #[serde(default)]
    pub subscribe: Subscribe,
    /// How the member looks at it; absent: the best of everything.
    #[serde(default, skip_serializing_if = "View::is_usual")]
    #[cfg_attr(test, ts(optional, as = "Option<View>"))]
    pub view: View,
    /// What the member has turned on; absent: everything.
    #[serde(default, skip_serializing_if = "Switches::are_usual")]
    #[cfg_attr(test, ts(optional, as = "Option<Switches>"))]
    pub switches: Switches,
    /// The client's side of the media session; absent for a member without media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub media: Option<MediaOffer>,
    /// The session to take up again after a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub resume: Option<ResumeId>,
}

/// What a member has turned on at home, as far as the others may want to know. It tells a camera that is off from a track
/// that is muted and from one that may not be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Switches {
    /// Whether the video module is on.
    #[serde(default = "yes")]
    pub video: bool,
    /// Whether the camera may be captured.
    #[serde(default = "yes")]
    pub local_video: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { video: true, local_video: true }
    }
}

impl Switches {
    /// Whether everything is on, so that nothing needs to be said.
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A client's side of the media session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MediaOffer {
    /// The offer (SDP, RFC 8829).
    pub sdp: String,
    /// The sections that carry this member's tracks.
    #[serde(default)]
    pub publish: Vec<PublishBinding>,
    /// The sections that may carry others' tracks to this member.
    #[serde(default)]
    pub slots: Vec<SlotBinding>,
}

/// One track that the client wants to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PublishBinding {
    /// The section of the offer.
    pub mid: Mid,
    /// Audio or video.
    pub kind: Kind,
    /// What it shows.
    #[serde(default)]
    pub source: Source,
    /// Whether it starts silenced.
    #[serde(default)]
    pub muted: bool,
    /// The layers in which it is sent at once (RFC 8853), at most [`MAX_LAYERS`], the least first; absent for a track that is
    /// sent once, and for sound. The section of the offer declares the same ones with `a=rid` and `a=simulcast:send`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<Layer>>"))]
    pub layers: Vec<Layer>,
}

/// One layer of a video track: the same pictures, smaller or larger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// Its name in the offer (`a=rid`).
    pub rid: Rid,
    /// The width of its pictures in pixels, 1 to [`MAX_PIXELS`].
    pub width: u16,
    /// The height of its pictures in pixels, 1 to [`MAX_PIXELS`].
    pub height: u16,
    /// What it takes at most, in kilobits a second, 1 to [`MAX_LAYER_KBPS`].
    pub max_kbps: u32,
    /// Its pictures a second at most, where that differs from the track's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub fps: Option<u8>,
}

/// One section that can carry a publication to the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SlotBinding {
    /// The section of the offer, `recvonly` at the client.
    pub mid: Mid,
    /// Audio or video.
    pub kind: Kind,
}

/// What a member wants to receive: a rule for everyone, and exceptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Subscribe {
    /// Whether to receive audio of members that no exception names, also of those who come later.
    #[serde(default = "yes")]
    pub audio: bool,
    /// The same for video.
    #[serde(default = "yes")]
    pub video: bool,
    /// Exceptions, at most [`MAX_EXCEPTIONS`].
    #[serde(default)]
    pub except: Vec<SubscribeException>,
}

impl Default for Subscribe {
    fn default() -> Self {
        Self { audio: true, video: true, except: Vec::new() }
    }
}

impl Subscribe {
    /// Whether media of this kind from this member is wanted.
    pub fn wants(&self, uid: Uid, kind: Kind) -> bool {
        let exception = self.except.iter().rev().find(|exception| exception.uid == uid && exception.kind == kind);
        match (exception, kind) {
            (Some(exception), _) => exception.wanted,
            (None, Kind::Audio) => self.audio,
            (None, Kind::Video) => self.video,
        }
    }
}

fn yes() -> bool {
    true
}

/// How a member looks at the videos that it receives: which stream of each, how large, and what matters most. The edge
/// chooses among what publishers send; it never sends more than is wanted here, and less where the line is too narrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// The best stream to send of members that no view names a stream for.
    #[serde(default = "high", skip_serializing_if = "is_high")]
    #[cfg_attr(test, ts(optional, as = "Option<StreamType>"))]
    pub stream: StreamType,
    /// What becomes of a video that does not fit.
    #[serde(default = "low")]
    #[cfg_attr(test, ts(optional, as = "Option<Fallback>"))]
    pub fallback: Fallback,
    /// What differs for single members or publications, at most [`MAX_VIEWS`].
    #[serde(default)]
    pub views: Vec<MemberView>,
}

impl Default for View {
    fn default() -> Self {
        Self { stream: StreamType::High, fallback: Fallback::Low, views: Vec::new() }
    }
}

impl View {
    /// Whether nothing needs to be said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

fn high() -> StreamType {
    StreamType::High
}

fn is_high(stream: &StreamType) -> bool {
    *stream == StreamType::High
}

fn low() -> Fallback {
    Fallback::Low
}

/// How a member looks at one other. Of several that fit, one that names the publication counts more than one that does
/// not, and the last of equals counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// The member.
    pub uid: Uid,
    /// Which of its videos; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub publication: Option<PublicationId>,
    /// The best stream to send; absent: as [`View::stream`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub stream: Option<StreamType>,
    /// How large it is shown, in device pixels (CSS pixels times the device pixel ratio). 0 by 0: it is not to be seen
    /// now, and not sent. Absent: not known, as large as it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub size: Option<Size>,
    /// How much it matters.
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    #[cfg_attr(test, ts(optional, as = "Option<Priority>"))]
    pub priority: Priority,
    /// What becomes of it when it does not fit; absent: as [`View::fallback`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub fallback: Option<Fallback>,
}

/// The size of a picture or of the place where it is shown, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// The width.
    pub width: u16,
    /// The height.
    pub height: u16,
}

/// How much a video matters to a viewer whose line does not carry everything. Screens matter as much as what is pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Priority {
    /// Like most.
    #[default]
    Normal,
    /// The others give way first.
    High,
    /// Everything else gives way first.
    Pinned,
}

impl Priority {
    /// Whether nothing needs to be said.
    pub fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

/// One member's media of one kind, wanted or not whatever the rule for everyone says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SubscribeException {
    /// The member.
    pub uid: Uid,
    /// Audio or video.
    pub kind: Kind,
    /// Whether to receive it.
    pub wanted: bool,
}

/// What the edge sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum ServerMessage {
    /// The join succeeded.
    Joined(Box<Joined>),
    /// The session is over, or never began: the last message on a connection.
    Ended(Ended),
    /// The answer to [`ClientMessage::Negotiate`].
    Negotiated {
        /// The `id` of the request.
        id: u32,
        /// The edge's side.
        media: MediaAnswer,
    },
    /// Receive slots carry other publications now. Lists only what changed.
    Slots {
        /// The slots that changed.
        slots: Vec<Slot>,
    },
    /// There is more to receive than slots to carry it: offer again with this many more.
    NeedSlots {
        /// Missing audio slots.
        audio: u32,
        /// Missing video slots.
        video: u32,
    },
    /// A member came, or became visible.
    MemberJoined {
        /// Who.
        member: Member,
    },
    /// A member went, or became invisible. The member's publications are gone with it.
    MemberLeft {
        /// Who.
        uid: Uid,
        /// Why.
        reason: OfflineReason,
    },
    /// A member turned something on or off. Comes before what follows from it for its publications.
    MemberSwitches {
        /// Who.
        uid: Uid,
        /// What is on now.
        switches: Switches,
    },
    /// A member offers another publication, or one that is known in other layers: what was told of it before is replaced.
    Published {
        /// Who.
        uid: Uid,
        /// What.
        publication: Publication,
    },
    /// A publication has ended; its member is still there.
    Unpublished {
        /// Who.
        uid: Uid,
        /// Which.
        id: PublicationId,
    },
    /// The owner of a publication silenced it, or no longer does.
    PublicationMuted {
        /// Who.
        uid: Uid,
        /// Which.
        id: PublicationId,
        /// Whether it is silenced.
        muted: bool,
    },
    /// One of this member's own tracks is forwarded, or no longer is.
    OwnPublication(OwnPublication),
    /// What this member may do has changed.
    Standing(Standing),
    /// The answer to [`ClientMessage::SetRole`], or a role that the edge took away.
    RoleChanged {
        /// The `id` of the request; absent when nobody asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        id: Option<u32>,
        /// The role held now.
        role: Role,
    },
    /// The role asked for was refused.
    RoleRefused {
        /// The `id` of the request; absent when it came with the join.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        id: Option<u32>,
        /// Why.
        reason: RoleChangeFailure,
        /// The role held now.
        role: Role,
        /// The same in words.
        message: String,
    },
    /// A privilege of the token runs out soon.
    TokenWillExpire {
        /// The privileges that end first, together.
        privileges: Vec<Privilege>,
        /// How long they last.
        expires_in_ms: u32,
    },
    /// The answer to [`ClientMessage::RenewToken`].
    Renewed {
        /// The `id` of the request.
        id: u32,
        /// The outcome; anything but 0 leaves the session and its old token as they were.
        code: RenewCode,
        /// The outcome in words.
        message: String,
        /// What the member may do with the new token; absent when it was refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        standing: Option<Standing>,
    },
    /// Which layers of one of this member's tracks anyone wants now. The others need not be sent. Until it is told nothing,
    /// a publisher sends what it likes. Never names no layer at all for longer than nobody wants any.
    LayersWanted {
        /// The section that carries the track.
        mid: Mid,
        /// The layers, the least first.
        rids: Vec<Rid>,
    },
    /// What this member gets of a video has changed. Nothing is told of a track that is sent once and simply comes.
    Receiving(Receiving),
    /// What this member's line carries towards it, as estimated by the edge. Told on notable change, at most once a
    /// second, and only while there is video on it.
    Bandwidth {
        /// In kilobits a second.
        down_kbps: u32,
    },
    /// Who is loud now. Sent a few times a second at most, and only on change.
    Speakers {
        /// The loudest members first, without this one.
        speakers: Vec<Speaker>,
    },
    /// A request failed; the session goes on.
    Error {
        /// The `id` of the request, where it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        id: Option<u32>,
        /// The code for `onError`.
        code: ErrorCode,
        /// A stable word for programs, such as `invalid_message`.
        slug: String,
        /// A sentence for people.
        message: String,
    },
    /// The answer to [`ClientMessage::Ping`].
    Pong {},
}

/// The answer to a join that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Joined {
    /// The uid held in this channel.
    pub uid: Uid,
    /// The secret to come back with after a break.
    pub resume: ResumeId,
    /// Whether this took up an earlier session.
    pub resumed: bool,
    /// The profile that rules the channel.
    pub profile: Profile,
    /// What this member may do.
    pub standing: Standing,
    /// The visible members, without this one.
    pub members: Vec<Member>,
    /// The edge's side of the media session; absent when none was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub media: Option<MediaAnswer>,
    /// How often to send [`ClientMessage::Ping`].
    pub ping_every_ms: u32,
}

/// The edge's side of the media session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MediaAnswer {
    /// The answer (SDP, RFC 8829).
    pub sdp: String,
    /// What became of each track that was offered.
    pub publish: Vec<OwnPublication>,
    /// What each slot carries.
    pub slots: Vec<Slot>,
}

/// One of the member's own tracks, as the edge sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct OwnPublication {
    /// The section that carries it.
    pub mid: Mid,
    /// Its number in the channel.
    pub id: PublicationId,
    /// Whether it is forwarded, and if not why.
    pub state: PublishState,
}

/// Whether a track of one's own is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PublishState {
    /// It is forwarded to whoever wants it.
    Published,
    /// The token has no such privilege, or it is over.
    NotAllowed,
    /// The member is audience.
    Audience,
    /// A rule of the operator.
    Banned,
}

/// What a slot carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// The section of the client's offer.
    pub mid: Mid,
    /// The publication in it; absent when it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub publication: Option<PublicationId>,
}

/// A member as the others see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who.
    pub uid: Uid,
    /// The display name, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub name: Option<String>,
    /// The role held.
    pub role: Role,
    /// What the member has turned on; absent: everything.
    #[serde(default, skip_serializing_if = "Switches::are_usual")]
    #[cfg_attr(test, ts(optional, as = "Option<Switches>"))]
    pub switches: Switches,
    /// What is offered.
    pub publications: Vec<Publication>,
}

/// One stream that a member offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    /// Its number in the channel.
    pub id: PublicationId,
    /// Audio or video.
    pub kind: Kind,
    /// What it shows.
    pub source: Source,
    /// Whether its owner silenced it.
    pub muted: bool,
    /// The sizes of its layers, the least first; absent for one that is sent once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<Size>>"))]
    pub layers: Vec<Size>,
}

/// What a viewer gets of a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Receiving {
    /// Whose.
    pub uid: Uid,
    /// Which.
    pub id: PublicationId,
    /// What comes.
    pub stream: Received,
    /// The layer, 0 for the least; absent when none comes, and for a track that is sent once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub layer: Option<u8>,
    /// The size of the layer's pictures as its publisher declared it; absent when none comes or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub size: Option<Size>,
    /// Why.
    pub reason: ReceivingReason,
}

/// What comes of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Received {
    /// A track that is sent once, or any layer but the least.
    High,
    /// The least of several layers.
    Low,
    /// Nothing, so that the sound goes on, as [`Fallback::AudioOnly`] says. It comes back when it fits.
    AudioOnly,
    /// Nothing for now: it is not to be seen, or others matter more and the line carries no more. It comes back.
    Paused,
}

/// Why something else comes of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ReceivingReason {
    /// It is all that the viewer's view asks for, or all that there is.
    View,
    /// The viewer's line carries no more.
    Bandwidth,
}

/// What a member may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The role held.
    pub role: Role,
    /// May publish audio, were the role broadcaster.
    pub audio: bool,
    /// May publish video, were the role broadcaster.
    pub video: bool,
    /// May send data, were the role broadcaster.
    pub data: bool,
    /// When the session ends unless the token is renewed; absent for a session without a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub expires_in_ms: Option<u32>,
}

/// Why a session is over, or never began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// The code for `onError`; 0 where the application caused it.
    pub code: ErrorCode,
    /// The reason for the connection's last state.
    pub reason: Reason,
    /// A stable word for programs, such as `channel_mismatch`.
    pub slug: String,
    /// A sentence for people that names what did not match.
    pub message: String,
    /// Come back no sooner than this; absent where waiting does not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub retry_after_ms: Option<u32>,
}

/// How loud a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Speaker {
    /// Who.
    pub uid: Uid,
    /// 0 (silence) to 255.
    pub volume: u8,
}

/// What a client asks to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Publishes and receives.
    Broadcaster,
    /// Receives.
    #[default]
    Audience,
}

/// How a channel is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Profile {
    /// Everyone may speak and everyone sees everyone.
    Communication,
    /// Hosts and audience; only hosts are seen.
    #[default]
    LiveBroadcasting,
}

/// The kind of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// What a stream shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A microphone.
    Microphone,
    /// A camera.
    Camera,
    /// A screen.
    Screen,
    /// The sound of a screen.
    ScreenAudio,
    /// Whatever the application pushes.
    #[default]
    Custom,
}

/// A right that a token grants, with an end of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Privilege {
    /// Be in the channel.
    Join,
    /// Publish audio.
    Audio,
    /// Publish video.
    Video,
    /// Send data.
    Data,
}
