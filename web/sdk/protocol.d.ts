// Generated from crates/symbolon-proto/src/message.rs; do not edit. See spec/protocol.md.
// What the numbers mean is in spec/codes.json.

/** What a client sends. */
export type ClientMessage =
  { "type": "join" } & Join |
  { "type": "negotiate",
    /** Chosen by the client, echoed in the answer. */
    id: number,
    /** The client's side of the media session. */
    media: MediaOffer } |
  { "type": "subscribe" } & Subscribe |
  { "type": "view" } & View |
  { "type": "setMuted",
    /** The section that carries the track. */
    mid: Mid,
    /** Whether it is silenced. */
    muted: boolean } |
  { "type": "setSwitches" } & Switches |
  { "type": "setRole",
    /** Chosen by the client, echoed in the answer. */
    id: number,
    /** The role wanted. */
    role: Role } |
  { "type": "renewToken",
    /** Chosen by the client, echoed in the answer. */
    id: number,
    /** The new token: same App ID, channel and user. */
    token: Token } |
  { "type": "ping" } |
  { "type": "leave" };

/** Where a connection stands. */
export type ConnectionState = number;

/** Why a session is over, or never began. */
export type Ended = {
  /** The code for `onError`; 0 where the application caused it. */
  code: ErrorCode,
  /** The reason for the connection's last state. */
  reason: Reason,
  /** A stable word for programs, such as `channel_mismatch`. */
  slug: string,
  /** A sentence for people that names what did not match. */
  message: string,
  /** Come back no sooner than this; absent where waiting does not help. */
  retryAfterMs?: number };

/** What went wrong, as `onError` reports it. A method returns the negative. */
export type ErrorCode = number;

/** What becomes of a video that a viewer's line is too narrow for. Layers between are not in question: a viewer always
 * gets the best that its line carries. */
export type Fallback = number;

/** Everything that entering a channel takes, in one round trip. */
export type Join = {
  /** The App ID, 32 hexadecimal characters. */
  appId: string,
  /** The channel. */
  channel: string,
  /** The token, if there is one. */
  token?: Token,
  /** The uid, or 0 to be given one. */
  uid: number,
  /** A name for the others' screens, at most `MAX_NAME_BYTES` bytes and without control characters. */
  name?: string,
  /** The role wanted. Without the right to publish a broadcaster is admitted as audience. */
  role: Role,
  /** The profile wanted; that of the first member rules the channel. */
  profile: Profile,
  /** What to receive. */
  subscribe: Subscribe,
  /** How the member looks at it; absent: the best of everything. */
  view?: View,
  /** What the member has turned on; absent: everything. */
  switches?: Switches,
  /** The client's side of the media session; absent for a member without media. */
  media?: MediaOffer,
  /** The session to take up again after a break. */
  resume?: ResumeId };

/** The answer to a join that succeeded. */
export type Joined = {
  /** The uid held in this channel. */
  uid: Uid,
  /** The secret to come back with after a break. */
  resume: ResumeId,
  /** Whether this took up an earlier session. */
  resumed: boolean,
  /** The profile that rules the channel. */
  profile: Profile,
  /** What this member may do. */
  standing: Standing,
  /** The visible members, without this one. */
  members: Array<Member>,
  /** The edge's side of the media session; absent when none was offered. */
  media?: MediaAnswer,
  /** How often to send `ClientMessage::Ping`. */
  pingEveryMs: number };

/** The kind of a stream. */
export type Kind = "audio" | "video";

/** One layer of a video track: the same pictures, smaller or larger. */
export type Layer = {
  /** Its name in the offer (`a=rid`). */
  rid: Rid,
  /** The width of its pictures in pixels, 1 to `MAX_PIXELS`. */
  width: number,
  /** The height of its pictures in pixels, 1 to `MAX_PIXELS`. */
  height: number,
  /** What it takes at most, in kilobits a second, 1 to `MAX_LAYER_KBPS`. */
  maxKbps: number,
  /** Its pictures a second at most, where that differs from the track's. */
  fps?: number };

/** The edge's side of the media session. */
export type MediaAnswer = {
  /** The answer (SDP, RFC 8829). */
  sdp: string,
  /** What became of each track that was offered. */
  publish: Array<OwnPublication>,
  /** What each slot carries. */
  slots: Array<Slot> };

/** A client's side of the media session. */
export type MediaOffer = {
  /** The offer (SDP, RFC 8829). */
  sdp: string,
  /** The sections that carry this member's tracks. */
  publish: Array<PublishBinding>,
  /** The sections that may carry others' tracks to this member. */
  slots: Array<SlotBinding> };

/** A member as the others see it. */
export type Member = {
  /** Who. */
  uid: Uid,
  /** The display name, if one was given. */
  name?: string,
  /** The role held. */
  role: Role,
  /** What the member has turned on; absent: everything. */
  switches?: Switches,
  /** What is offered. */
  publications: Array<Publication> };

/** How a member looks at one other. Of several that fit, one that names the publication counts more than one that does
 * not, and the last of equals counts. */
export type MemberView = {
  /** The member. */
  uid: Uid,
  /** Which of its videos; absent: all of them. */
  publication?: PublicationId,
  /** The best stream to send; absent: as `View::stream` says. */
  stream?: StreamType,
  /** How large it is shown, in device pixels (CSS pixels times the device pixel ratio). 0 by 0: it is not to be seen
   * now, and not sent. Absent: not known, as large as it comes. */
  size?: Size,
  /** How much it matters. */
  priority?: Priority,
  /** What becomes of it when it does not fit; absent: as `View::fallback` says. */
  fallback?: Fallback };

/** The name of one media section in a client's session description (`a=mid`, RFC 5888), at most 16 bytes. */
export type Mid = string;

/** Why a member went offline, as the others see it. */
export type OfflineReason = number;

/** One of the member's own tracks, as the edge sees it. */
export type OwnPublication = {
  /** The section that carries it. */
  mid: Mid,
  /** Its number in the channel. */
  id: PublicationId,
  /** Whether it is forwarded, and if not why. */
  state: PublishState };

/** How much a video matters to a viewer whose line does not carry everything. Screens matter as much as what is pinned. */
export type Priority = "normal" | "high" | "pinned";

/** A right that a token grants, with an end of its own. */
export type Privilege = "join" | "audio" | "video" | "data";

/** How a channel is used. */
export type Profile = "communication" | "liveBroadcasting";

/** One stream that a member offers. */
export type Publication = {
  /** Its number in the channel. */
  id: PublicationId,
  /** Audio or video. */
  kind: Kind,
  /** What it shows. */
  source: Source,
  /** Whether its owner silenced it. */
  muted: boolean,
  /** The sizes of its layers, the least first; absent for one that is sent once. */
  layers?: Array<Size> };

/** One publication, unique within its channel for the channel's life. */
export type PublicationId = number;

/** One track that the client wants to send. */
export type PublishBinding = {
  /** The section of the offer. */
  mid: Mid,
  /** Audio or video. */
  kind: Kind,
  /** What it shows. */
  source: Source,
  /** Whether it starts silenced. */
  muted: boolean,
  /** The layers in which it is sent at once (RFC 8853), at most `MAX_LAYERS`, the least first; absent for a track that is
   * sent once, and for sound. The section of the offer declares the same ones with `a=rid` and `a=simulcast:send`. */
  layers?: Array<Layer> };

/** Whether a track of one's own is forwarded. */
export type PublishState = "published" | "notAllowed" | "audience" | "banned";

/** Why the state of a connection changed. */
export type Reason = number;

/** What comes of a video. */
export type Received = "high" | "low" | "audioOnly" | "paused";

/** What a viewer gets of a video. */
export type Receiving = {
  /** Whose. */
  uid: Uid,
  /** Which. */
  id: PublicationId,
  /** What comes. */
  stream: Received,
  /** The layer, 0 for the least; absent when none comes, and for a track that is sent once. */
  layer?: number,
  /** The size of the layer's pictures as its publisher declared it; absent when none comes or it is not known. */
  size?: Size,
  /** Why. */
  reason: ReceivingReason };

/** Why something else comes of a video. */
export type ReceivingReason = "view" | "bandwidth";

/** The outcome of a token renewal. */
export type RenewCode = number;

/** The secret by which a client takes up its own session again after a break. 128 random bits as hexadecimal text.
 * Prints as redacted. */
export type ResumeId = string;

/** The name of one layer of a simulcast (`a=rid`, RFC 8851), 1 to 8 letters and digits. */
export type Rid = string;

/** What a client asks to be. */
export type Role = "broadcaster" | "audience";

/** Why a role change failed. */
export type RoleChangeFailure = number;

/** What the edge sends. */
export type ServerMessage =
  { "type": "joined" } & Joined |
  { "type": "ended" } & Ended |
  { "type": "negotiated",
    /** The `id` of the request. */
    id: number,
    /** The edge's side. */
    media: MediaAnswer } |
  { "type": "slots",
    /** The slots that changed. */
    slots: Array<Slot> } |
  { "type": "needSlots",
    /** Missing audio slots. */
    audio: number,
    /** Missing video slots. */
    video: number } |
  { "type": "memberJoined",
    /** Who. */
    member: Member } |
  { "type": "memberLeft",
    /** Who. */
    uid: Uid,
    /** Why. */
    reason: OfflineReason } |
  { "type": "memberSwitches",
    /** Who. */
    uid: Uid,
    /** What is on now. */
    switches: Switches } |
  { "type": "published",
    /** Who. */
    uid: Uid,
    /** What. */
    publication: Publication } |
  { "type": "unpublished",
    /** Who. */
    uid: Uid,
    /** Which. */
    id: PublicationId } |
  { "type": "publicationMuted",
    /** Who. */
    uid: Uid,
    /** Which. */
    id: PublicationId,
    /** Whether it is silenced. */
    muted: boolean } |
  { "type": "ownPublication" } & OwnPublication |
  { "type": "standing" } & Standing |
  { "type": "roleChanged",
    /** The `id` of the request; absent when nobody asked. */
    id?: number,
    /** The role held now. */
    role: Role } |
  { "type": "roleRefused",
    /** The `id` of the request; absent when it came with the join. */
    id?: number,
    /** Why. */
    reason: RoleChangeFailure,
    /** The role held now. */
    role: Role,
    /** The same in words. */
    message: string } |
  { "type": "tokenWillExpire",
    /** The privileges that end first, together. */
    privileges: Array<Privilege>,
    /** How long they last. */
    expiresInMs: number } |
  { "type": "renewed",
    /** The `id` of the request. */
    id: number,
    /** The outcome; anything but 0 leaves the session and its old token as they were. */
    code: RenewCode,
    /** The outcome in words. */
    message: string,
    /** What the member may do with the new token; absent when it was refused. */
    standing?: Standing } |
  { "type": "layersWanted",
    /** The section that carries the track. */
    mid: Mid,
    /** The layers, the least first. */
    rids: Array<Rid> } |
  { "type": "receiving" } & Receiving |
  { "type": "bandwidth",
    /** In kilobits a second. */
    downKbps: number } |
  { "type": "speakers",
    /** The loudest members first, without this one. */
    speakers: Array<Speaker> } |
  { "type": "error",
    /** The `id` of the request, where it had one. */
    id?: number,
    /** The code for `onError`. */
    code: ErrorCode,
    /** A stable word for programs, such as `invalid_message`. */
    slug: string,
    /** A sentence for people. */
    message: string } |
  { "type": "pong" };

/** The size of a picture or of the place where it is shown, in pixels. */
export type Size = {
  /** The width. */
  width: number,
  /** The height. */
  height: number };

/** What a slot carries. */
export type Slot = {
  /** The section of the client's offer. */
  mid: Mid,
  /** The publication in it; absent when it is free. */
  publication?: PublicationId };

/** One section that can carry a publication to the client. */
export type SlotBinding = {
  /** The section of the offer, `recvonly` at the client. */
  mid: Mid,
  /** Audio or video. */
  kind: Kind };

/** What a stream shows. */
export type Source = "microphone" | "camera" | "screen" | "screenAudio" | "custom";

/** How loud a member is. */
export type Speaker = {
  /** Who. */
  uid: Uid,
  /** 0 (silence) to 255. */
  volume: number };

/** What a member may do now. */
export type Standing = {
  /** The role held. */
  role: Role,
  /** May publish audio, were the role broadcaster. */
  audio: boolean,
  /** May publish video, were the role broadcaster. */
  video: boolean,
  /** May send data, were the role broadcaster. */
  data: boolean,
  /** When the session ends unless the token is renewed; absent for a session without a token. */
  expiresInMs?: number };

/** Which of a publisher's video streams a viewer asks for. */
export type StreamType = number;

/** What a member wants to receive: a rule for everyone, and exceptions. */
export type Subscribe = {
  /** Whether to receive audio of members that no exception names, also of those who come later. */
  audio: boolean,
  /** The same for video. */
  video: boolean,
  /** Exceptions, at most `MAX_EXCEPTIONS`. */
  except: Array<SubscribeException> };

/** One member's media of one kind, wanted or not whatever the rule for everyone says. */
export type SubscribeException = {
  /** The member. */
  uid: Uid,
  /** Audio or video. */
  kind: Kind,
  /** Whether to receive it. */
  wanted: boolean };

/** What a member has turned on at home, as far as the others may want to know. It tells a camera that is off from a track
 * that is muted and from one that may not be published. */
export type Switches = {
  /** Whether the video module is on. */
  video: boolean,
  /** Whether the camera may be captured. */
  localVideo: boolean };

/** A token as a client brings it. Prints as redacted. */
export type Token = string;

/** One user in one channel, 1 to 4294967295. On the wire a plain number, where 0 stands for "no uid yet". */
export type Uid = number;

/** How a member looks at the videos that it receives: which stream of each, how large, and what matters most. The edge
 * chooses among what publishers send; it never sends more than is wanted here, and less where the line is too narrow. */
export type View = {
  /** The best stream to send of members that no view names a stream for. */
  stream?: StreamType,
  /** What becomes of a video that does not fit. */
  fallback?: Fallback,
  /** What differs for single members or publications, at most `MAX_VIEWS`. */
  views: Array<MemberView> };
