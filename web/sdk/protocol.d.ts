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
  muted: boolean };

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
  muted: boolean };

/** Whether a track of one's own is forwarded. */
export type PublishState = "published" | "notAllowed" | "audience" | "banned";

/** Why the state of a connection changed. */
export type Reason = number;

/** The outcome of a token renewal. */
export type RenewCode = number;

/** The secret by which a client takes up its own session again after a break. 128 random bits as hexadecimal text.
 * Prints as redacted. */
export type ResumeId = string;

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
