/** The public types of the SDK. This file is for people and type checkers; nothing loads it. */

/** What `initialize` takes. */
export interface RtcEngineContext {
  /** 32 hexadecimal characters. */
  appId: string;
  /** Gets the events; more can be registered later. */
  eventHandler?: RtcEngineEventHandler;
  /** `ChannelProfileType`; default live broadcasting. */
  channelProfile?: number;
  /**
   * Where the network is, as a URL such as `https://rtc.example.com:8443` (extension). Default: the origin that served
   * this SDK.
   */
  accessPoint?: string;
}

/** Names one connection in every event. */
export interface RtcConnection {
  channelId: string;
  /** The uid that the network assigned; before that the uid asked for. */
  localUid: number;
}

/** Every field may be left out: at a join it then has its default, in an update it stays as it is. */
export interface ChannelMediaOptions {
  /** Default: true for a broadcaster, unless another video source is set. Needs `enableVideo()`. */
  publishCameraTrack?: boolean;
  /** Default true. */
  publishMicrophoneTrack?: boolean;
  /** Default false. Needs `startScreenCapture()`. Excludes the camera. */
  publishScreenTrack?: boolean;
  /** The same as `publishScreenTrack`. */
  publishScreenCaptureVideo?: boolean;
  /** The sound of the screen, where the browser gives it. Default: with the screen. */
  publishScreenCaptureAudio?: boolean;
  /** Default true. */
  autoSubscribeAudio?: boolean;
  /** Default true. Needs `enableVideo()`. */
  autoSubscribeVideo?: boolean;
  /** Whether this connection uses the audio devices. Default true. */
  enableAudioRecordingOrPlayout?: boolean;
  /** `ClientRoleType`; default as set by `setClientRole`, else audience. */
  clientRoleType?: number;
  /** 1 low latency, 2 ultra-low latency (default). */
  audienceLatencyLevel?: number;
  /** `ChannelProfileType`; only at a join. */
  channelProfile?: number;
  /** Only in an update: renews the token. */
  token?: string;
  /** A name for the others' screens, at most 128 bytes (extension); only at a join. */
  displayName?: string;
  /** Further fields of the reference are accepted and have no effect here. */
  [other: string]: unknown;
}

/** What `setVideoEncoderConfiguration` takes. */
export interface VideoEncoderConfiguration {
  /** `VideoCodecType`; default: what browser and network like best. */
  codecType?: number;
  /** Default 640 × 360. */
  dimensions?: { width: number; height: number };
  /** Frames per second, 1 to 60. Default 30. */
  frameRate?: number;
  /** The most to send, in kbit/s; 0 lets the browser decide (default). */
  bitrate?: number;
  /** `maintain-framerate`, `maintain-resolution` or `balanced` (default). */
  degradationPreference?: RTCDegradationPreference;
}

/** The browser's name for it; not in every version of the library's types. */
export type RTCDegradationPreference = 'balanced' | 'maintain-framerate' | 'maintain-resolution';

/** What `setupLocalVideo` and `setupRemoteVideo` take. */
export interface VideoCanvas {
  /** A `<video>`, or an element that gets one; null detaches. */
  view: HTMLElement | null;
  /** The remote user; 0 is the local one. */
  uid?: number;
  /** `VideoSourceType`. For a remote user: camera or screen, to show only that one; default whichever there is. */
  sourceType?: number;
  /** Mirror the local picture. Default: camera yes, screen no. */
  mirror?: boolean;
}

/** What `startScreenCapture` takes. */
export interface ScreenCaptureParameters {
  /** Ask for the sound too, where the browser can. Default true. */
  captureAudio?: boolean;
  /** Frames per second, 1 to 60. Default 15. */
  frameRate?: number;
  /** The most pixels; default: the screen's own. */
  dimensions?: { width: number; height: number };
}

/** What `setLocalAccessPoint` takes. */
export interface LocalAccessPointConfiguration {
  /** Addresses, each `address` or `address:port`. */
  ipList?: string[];
  /** Names, each `name` or `name:port`. */
  domainList?: string[];
  verifyDomainName?: string;
  /** `LocalProxyMode`. */
  mode?: number;
  advancedConfig?: { port?: number; secure?: boolean };
  disableAut?: boolean;
}

/** A camera or microphone. */
export interface DeviceInfo {
  deviceId: string;
  /** Empty until the user has allowed a device of this kind. */
  deviceName: string;
}

/** How loud one user is. */
export interface AudioVolumeInfo {
  /** 0 is the local user. */
  uid: number;
  /** 0 to 255. */
  volume: number;
  /** 1 when it is a voice; always 1 for a remote user. */
  vad: number;
  /** Always 0: the browser does not tell. */
  voicePitch: number;
}

/** What a token lets the local user do; extension. */
export interface ChannelStanding {
  /** `ClientRoleType`. */
  role: number;
  /** May publish audio, were the role broadcaster. */
  audio: boolean;
  /** May publish video, were the role broadcaster. */
  video: boolean;
  /** May send data, were the role broadcaster. */
  data: boolean;
  /** Milliseconds until the session ends unless the token is renewed; absent for a session without a token. */
  expiresInMs?: number;
}

/** Figures of a session; every count since the join. */
export interface RtcStats {
  /** Seconds since the join succeeded. */
  duration: number;
  txBytes: number;
  rxBytes: number;
  txAudioBytes: number;
  txVideoBytes: number;
  rxAudioBytes: number;
  rxVideoBytes: number;
  /** kbit/s over the last interval, like all rates here. */
  txKBitRate: number;
  rxKBitRate: number;
  txAudioKBitRate: number;
  txVideoKBitRate: number;
  rxAudioKBitRate: number;
  rxVideoKBitRate: number;
  /** Round trip to the server, in ms. */
  gatewayRtt: number;
  lastmileDelay: number;
  /** Whole percent, before recovery. */
  txPacketLossRate: number;
  rxPacketLossRate: number;
  userCount: number;
  /** From the join call to success, in ms. */
  connectTimeMs: number;
  /** Always 0: the browser does not tell. */
  cpuAppUsage: number;
  cpuTotalUsage: number;
}

/** What is known of a user. */
export interface UserInfo {
  uid: number;
  userAccount: string;
  /** The display name (extension). */
  name?: string;
}

/** A connection's event handler: implement what you need. Methods are called one at a time, in order. */
export interface RtcEngineEventHandler {
  onJoinChannelSuccess?(connection: RtcConnection, elapsed: number): void;
  onRejoinChannelSuccess?(connection: RtcConnection, elapsed: number): void;
  onLeaveChannel?(connection: RtcConnection, stats: RtcStats): void;
  /** `ConnectionState` and `ConnectionChangedReason`. */
  onConnectionStateChanged?(connection: RtcConnection, state: number, reason: number): void;
  onConnectionInterrupted?(connection: RtcConnection): void;
  onConnectionLost?(connection: RtcConnection): void;
  onConnectionBanned?(connection: RtcConnection): void;
  /** Something that the engine cannot mend alone; `ErrorCode` and a sentence. */
  onError?(code: number, message: string): void;
  /** `PermissionType`. */
  onPermissionError?(type: number): void;

  /** A privilege of `token` ends within 30 s: fetch a new one and call `renewToken`. */
  onTokenPrivilegeWillExpire?(connection: RtcConnection, token: string): void;
  /** Which privileges, out of `join`, `audio`, `video` and `data`, and how soon (extension). */
  onTokenPrivilegeExpiring?(connection: RtcConnection, privileges: string[], secondsLeft: number): void;
  /** The token has ended: `renewToken` brings the session back. */
  onRequestToken?(connection: RtcConnection): void;
  /** `RenewTokenCode`. */
  onRenewTokenResult?(connection: RtcConnection, token: string, code: number): void;
  /** What the token allows has changed, or is known for the first time (extension). */
  onStandingChanged?(connection: RtcConnection, standing: ChannelStanding): void;

  onClientRoleChanged?(
    connection: RtcConnection,
    oldRole: number,
    newRole: number,
    options: { audienceLatencyLevel: number },
  ): void;
  /** `ClientRoleChangeFailedReason`. */
  onClientRoleChangeFailed?(connection: RtcConnection, reason: number, currentRole: number): void;

  onUserJoined?(connection: RtcConnection, uid: number, elapsed: number): void;
  /** `UserOfflineReason`. */
  onUserOffline?(connection: RtcConnection, uid: number, reason: number): void;
  onUserInfoUpdated?(uid: number, info: UserInfo): void;
  onUserMuteAudio?(connection: RtcConnection, uid: number, muted: boolean): void;
  onUserMuteVideo?(connection: RtcConnection, uid: number, muted: boolean): void;
  /** A user turned the video module on or off, or is found with it off. */
  onUserEnableVideo?(connection: RtcConnection, uid: number, enabled: boolean): void;
  /** A user turned the camera on or off, or is found with it off. */
  onUserEnableLocalVideo?(connection: RtcConnection, uid: number, enabled: boolean): void;
  /** The line is too narrow for any picture of a user, and sound alone goes on; or pictures come again. */
  onRemoteSubscribeFallbackToAudioOnly?(uid: number, isFallbackOrRecover: boolean): void;
  /** `RemoteMediaState` and `RemoteMediaReason`. */
  onRemoteAudioStateChanged?(
    connection: RtcConnection,
    uid: number,
    state: number,
    reason: number,
    elapsed: number,
  ): void;
  onRemoteVideoStateChanged?(
    connection: RtcConnection,
    uid: number,
    state: number,
    reason: number,
    elapsed: number,
  ): void;
  onFirstRemoteAudioDecoded?(connection: RtcConnection, uid: number, elapsed: number): void;
  /** The same moment under its older name. */
  onFirstRemoteAudioFrame?(connection: RtcConnection, uid: number, elapsed: number): void;
  onFirstRemoteVideoDecoded?(
    connection: RtcConnection,
    uid: number,
    width: number,
    height: number,
    elapsed: number,
  ): void;
  /** The first picture is shown, which a browser does as it decodes it. */
  onFirstRemoteVideoFrame?(
    connection: RtcConnection,
    uid: number,
    width: number,
    height: number,
    elapsed: number,
  ): void;
  /** `VideoSourceType`; uid 0 is the local user, whose pictures are told as they are shown. */
  onVideoSizeChanged?(
    connection: RtcConnection,
    source: number,
    uid: number,
    width: number,
    height: number,
    rotation: number,
  ): void;
  /** A remote user publishes one more stream (extension): `kind` is `audio` or `video`, `source` what it shows. */
  onUserPublished?(connection: RtcConnection, uid: number, kind: string, source: string): void;
  onUserUnpublished?(connection: RtcConnection, uid: number, kind: string, source: string): void;

  onFirstLocalVideoFrame?(source: number, width: number, height: number, elapsed: number): void;
  /** `PublishState` before and after; `elapsed` in ms since the last change. */
  onAudioPublishStateChanged?(channel: string, oldState: number, newState: number, elapsed: number): void;
  onVideoPublishStateChanged?(
    source: number,
    channel: string,
    oldState: number,
    newState: number,
    elapsed: number,
  ): void;
  /** A local capture ended or failed: state 0 stopped, 1 running, 3 failed. */
  onLocalVideoStateChanged?(source: number, state: number, reason: number): void;
  onLocalAudioStateChanged?(connection: RtcConnection, state: number, reason: number): void;
  /** A device was plugged in or taken away (extension in its shape: ask for the lists again). */
  onDevicesChanged?(): void;

  /** Two calls a tick: first the local user (uid 0), then up to three remote ones. */
  onAudioVolumeIndication?(
    connection: RtcConnection,
    speakers: AudioVolumeInfo[],
    speakerNumber: number,
    totalVolume: number,
  ): void;
  onActiveSpeaker?(connection: RtcConnection, uid: number): void;
  /** `NetworkType`, as far as the browser tells; each change once, the first at the join if it is known. */
  onNetworkTypeChanged?(type: number): void;
  /** `NetworkQuality` of sending and receiving; uid 0 is the local user. */
  onNetworkQuality?(connection: RtcConnection, uid: number, txQuality: number, rxQuality: number): void;
  onRtcStats?(connection: RtcConnection, stats: RtcStats): void;
  /** The browser refused to play sound before the user has done something (extension); it is retried at a gesture. */
  onAutoplayFailed?(): void;
}
