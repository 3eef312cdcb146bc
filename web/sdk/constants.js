// @ts-check
/**
 * The numbers of the engine API. Their values are those of the public native API and never change.
 */

/** What a member of a channel is. */
export const ClientRoleType = Object.freeze({
  /** Publishes and receives. */
  Broadcaster: 1,
  /** Receives. */
  Audience: 2,
});

/** How a channel is used. */
export const ChannelProfileType = Object.freeze({
  /** Everyone may speak, everyone sees everyone. */
  Communication: 0,
  /** Hosts and audience; only hosts are seen. */
  LiveBroadcasting: 1,
  /** Old name of communication. */
  Game: 2,
  /** Old name of live broadcasting. */
  CloudGaming: 3,
  /** Old name of communication between two. */
  Communication1v1: 4,
});

/** Where a connection stands. */
export const ConnectionState = Object.freeze({
  Disconnected: 1,
  Connecting: 2,
  Connected: 3,
  Reconnecting: 4,
  /** Given up: leave before joining again. */
  Failed: 5,
});

/** Why a connection's state changed. */
export const ConnectionChangedReason = Object.freeze({
  Connecting: 0,
  JoinSuccess: 1,
  Interrupted: 2,
  BannedByServer: 3,
  JoinFailed: 4,
  LeaveChannel: 5,
  InvalidAppId: 6,
  InvalidChannelName: 7,
  InvalidToken: 8,
  TokenExpired: 9,
  RejectedByServer: 10,
  SettingProxyServer: 11,
  RenewToken: 12,
  ClientIpAddressChanged: 13,
  KeepAliveTimeout: 14,
  RejoinSuccess: 15,
  Lost: 16,
  EchoTest: 17,
  ClientIpAddressChangedByUser: 18,
  SameUidLogin: 19,
  TooManyBroadcasters: 20,
  LicenseValidationFailure: 21,
  CertificationVerifyFailure: 22,
  StreamChannelNotAvailable: 23,
  InconsistentAppId: 24,
});

/** What `onError` reports. A method that refuses returns the negative. */
export const ErrorCode = Object.freeze({
  Ok: 0,
  Failed: 1,
  InvalidArgument: 2,
  NotReady: 3,
  NotSupported: 4,
  Refused: 5,
  BufferTooSmall: 6,
  NotInitialized: 7,
  InvalidState: 8,
  NoPermission: 9,
  TimedOut: 10,
  Canceled: 11,
  TooOften: 12,
  BindSocket: 13,
  NetDown: 14,
  JoinChannelRejected: 17,
  LeaveChannelRejected: 18,
  AlreadyInUse: 19,
  Aborted: 20,
  InitNetEngine: 21,
  ResourceLimited: 22,
  FuncIsProhibited: 23,
  InvalidAppId: 101,
  InvalidChannelName: 102,
  NoServerResources: 103,
  TokenExpired: 109,
  InvalidToken: 110,
  ConnectionInterrupted: 111,
  ConnectionLost: 112,
  NotInChannel: 113,
  SizeTooLarge: 114,
  BitrateLimit: 115,
  TooManyDataStreams: 116,
  StreamMessageTimeout: 117,
  SetClientRoleNotAuthorized: 119,
  DecryptionFailed: 120,
  InvalidUserId: 121,
  DatastreamDecryptionFailed: 122,
  ClientIsBannedByServer: 123,
  EncryptedStreamNotAllowedPublish: 130,
  LicenseCredentialInvalid: 131,
  InvalidUserAccount: 134,
  ModuleNotFound: 157,
  LoadMediaEngine: 1001,
  AudioGeneralError: 1005,
  InitPlayout: 1008,
  StartPlayout: 1009,
  StopPlayout: 1010,
  InitRecording: 1011,
  StartRecording: 1012,
  StopRecording: 1013,
  CameraNotPermitted: 1501,
});

/** Where local video comes from. */
export const VideoSourceType = Object.freeze({
  Camera: 0,
  Screen: 2,
  /** What another user sends. */
  Remote: 10,
});

/** Why another user went offline. */
export const UserOfflineReason = Object.freeze({ Quit: 0, Dropped: 1, BecomeAudience: 2 });

/** The outcome of `renewToken`. */
export const RenewTokenCode = Object.freeze({
  Success: 0,
  Failure: 1,
  TokenExpired: 2,
  InvalidToken: 3,
  InvalidChannelName: 4,
  InconsistentAppId: 5,
  Overtaken: 6,
});

/** Why `setClientRole` failed. */
export const ClientRoleChangeFailedReason = Object.freeze({
  TooManyBroadcasters: 1,
  NotAuthorized: 2,
  RequestTimeOut: 3,
  ConnectionFailed: 4,
});

/** The state of another user's audio or video. */
export const RemoteMediaState = Object.freeze({ Stopped: 0, Starting: 1, Decoding: 2, Frozen: 3, Failed: 4 });

/** Why the state of another user's audio or video changed. */
export const RemoteMediaReason = Object.freeze({
  Internal: 0,
  Congestion: 1,
  Recovery: 2,
  LocalMuted: 3,
  LocalUnmuted: 4,
  RemoteMuted: 5,
  RemoteUnmuted: 6,
  RemoteOffline: 7,
  AudioFallback: 8,
  AudioFallbackRecovery: 9,
  StreamTypeChangeToLow: 10,
  StreamTypeChangeToHigh: 11,
});

/** Which of a publisher's video streams is asked for; layers count down from the best. */
export const VideoStreamType = Object.freeze({
  High: 0,
  Low: 1,
  Layer1: 4,
  Layer2: 5,
  Layer3: 6,
  Layer4: 7,
  Layer5: 8,
  Layer6: 9,
});

/** What becomes of a video that the line is too narrow for. */
export const StreamFallbackOption = Object.freeze({ Disabled: 0, VideoStreamLow: 1, AudioOnly: 2 });

/** The state of a track of one's own. */
export const PublishState = Object.freeze({ Idle: 0, NotPublished: 1, Publishing: 2, Published: 3 });

/** What the browser refused. */
export const PermissionType = Object.freeze({ Microphone: 0, Camera: 1, Screen: 2 });

/** What the device is connected by. */
export const NetworkType = Object.freeze({
  Unknown: -1,
  Disconnected: 0,
  Lan: 1,
  Wifi: 2,
  Mobile2G: 3,
  Mobile3G: 4,
  Mobile4G: 5,
  Mobile5G: 6,
});

/** How good the network is. */
export const NetworkQuality = Object.freeze({
  Unknown: 0,
  Excellent: 1,
  Good: 2,
  Poor: 3,
  Bad: 4,
  VeryBad: 5,
  Down: 6,
  Detecting: 8,
});

/** Codecs for `setVideoEncoderConfiguration({codecType})`. */
export const VideoCodecType = Object.freeze({ None: 0, VP8: 1, H264: 2, AV1: 12, VP9: 13 });

/** Which of several access points to use. */
export const LocalProxyMode = Object.freeze({ ConnectivityFirst: 0, LocalOnly: 1 });
