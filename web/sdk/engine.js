// @ts-check
/**
 * The engine: what an application calls. It checks arguments, keeps the settings, and hands the work on.
 *
 * @import { ChannelMediaOptions, DeviceInfo, LocalAccessPointConfiguration, RtcEngineContext } from './types.d.ts'
 * @import { RtcEngineEventHandler, ScreenCaptureParameters, VideoCanvas } from './types.d.ts'
 * @import { VideoEncoderConfiguration } from './types.d.ts'
 */
import { Capture } from './tracks.js';
import { Client } from './client.js';
import { ChannelProfileType, ClientRoleType, ConnectionState, ErrorCode, VideoSourceType } from './constants.js';
import { errorDescription } from './errors.js';
import * as check from './options.js';
import { plan } from './plan.js';
import { EventQueue, callHandlers } from './queue.js';
import { Subscriptions } from './subscriptions.js';
import { BUILD, VERSION } from './version.js';
import { Views } from './views.js';
import { VolumeMeter } from './volume.js';

const OK = ErrorCode.Ok;
const { InvalidArgument, NotInitialized, InvalidState, Refused } = ErrorCode;

/** One engine. Made by `createAgoraRtcEngine`. */
export class RtcEngine {
  #queue = new EventQueue();
  /** @type {RtcEngineEventHandler[]} */
  #handlers = [];
  /** @type {{ appId: string } | null} */
  #context = null;
  #released = false;
  /** @type {Client | null} */
  #client = null;
  /** @type {number} the state that the last delivered event told */
  #reportedState = ConnectionState.Disconnected;
  /** @type {string[]} */
  #urls = [];
  /** @type {number} */
  #profile = ChannelProfileType.LiveBroadcasting;
  /** @type {number | null} the role asked for; null before anyone said */
  #role = null;
  #latencyLevel = 2;
  /** @type {ChannelMediaOptions} */
  #options = {};
  #local = {
    audioModule: true,
    videoModule: false,
    audioCapture: true,
    videoCapture: true,
    audioMuted: false,
    videoMuted: false,
    preview: false,
  };
  #subscriptions = new Subscriptions();
  /** @type {(name: keyof RtcEngineEventHandler, ...args: unknown[]) => void} */
  #emitBound = (name, ...args) => this.#emit(name, ...args);
  #capture = new Capture({ changed: () => this.#replan(), emit: this.#emitBound });
  #views = new Views(this.#emitBound);
  #volume = new VolumeMeter(this.#emitBound);

  /** Whether `release` has been called, so that the object is of no more use. */
  get released() {
    return this.#released;
  }

  // ---- Life -------------------------------------------------------------------------------------------------------

  /**
   * Makes the engine ready. To be called before everything but `getVersion`, `getErrorDescription` and `release`.
   *
   * @param {RtcEngineContext} context
   * @returns {number} 0, -2 bad argument, -8 initialised with another App ID before, -101 bad App ID
   */
  initialize(context) {
    if (this.#released) return -NotInitialized;
    if (typeof context !== 'object' || context === null) return -InvalidArgument;
    if (!check.isAppId(context.appId)) return -ErrorCode.InvalidAppId;
    if (this.#context) return this.#context.appId === context.appId ? OK : -InvalidState;
    const profile = context.channelProfile ?? this.#profile;
    const url = check.signalUrl(context.accessPoint ?? import.meta.url);
    if (!check.isProfile(profile) || (context.accessPoint !== undefined && !url)) return -InvalidArgument;
    this.#context = { appId: context.appId };
    this.#profile = profile;
    this.#urls = url ? [url] : [];
    if (context.eventHandler) this.#handlers.push(context.eventHandler);
    return OK;
  }

  /**
   * Leaves the channel, closes every device and frees the engine. No event comes after a synchronous release.
   *
   * @param {boolean} [sync] default false; not allowed inside an event handler
   * @returns {number} 0, or -5 for a synchronous release inside an event handler
   */
  release(sync = false) {
    if (this.#released) return -NotInitialized;
    if (sync && this.#queue.delivering) return -Refused;
    this.#released = true;
    this.#context = null;
    this.#queue.close();
    this.#handlers.length = 0;
    this.#client?.leave();
    this.#client = null;
    this.#volume.close();
    this.#views.close();
    this.#capture.close();
    return OK;
  }

  /** @returns {{ version: string, build: number }} */
  getVersion() {
    return { version: VERSION, build: BUILD };
  }

  /**
   * @param {number} code of either sign
   * @returns {string}
   */
  getErrorDescription(code) {
    return errorDescription(code);
  }

  /**
   * Adds a handler. Handlers are called in the order in which they were added.
   *
   * @param {RtcEngineEventHandler} handler
   */
  registerEventHandler(handler) {
    if (!this.#context) return -NotInitialized;
    if (typeof handler !== 'object' || handler === null) return -InvalidArgument;
    if (!this.#handlers.includes(handler)) this.#handlers.push(handler);
    return OK;
  }

  /** @param {RtcEngineEventHandler} handler */
  unregisterEventHandler(handler) {
    if (!this.#context) return -NotInitialized;
    this.#handlers = this.#handlers.filter((known) => known !== handler);
    return OK;
  }

  /**
   * Where the connection stands; inside an event handler, what that event reports.
   *
   * @returns {number} a `ConnectionState`, or -7
   */
  getConnectionState() {
    return this.#context ? this.#reportedState : -NotInitialized;
  }

  /** @returns {string} an opaque id of this stay in a channel; empty outside */
  getCallId() {
    return this.#client?.callId ?? '';
  }

  /**
   * For diagnosis (extension): the connection under the call, to look at its figures. It is replaced after a break. Do
   * not change it.
   *
   * @returns {RTCPeerConnection | null}
   */
  getRtcPeerConnection() {
    return this.#client?.peerConnection ?? null;
  }

  /**
   * Points the engine at a network's own access points, before a join.
   *
   * @param {LocalAccessPointConfiguration} config
   */
  setLocalAccessPoint(config) {
    if (!this.#context) return -NotInitialized;
    if (this.#inUse) return -InvalidState;
    const urls = check.localAccessPointUrls(config, globalThis.location?.protocol === 'https:');
    if (!urls) return -InvalidArgument;
    this.#urls = urls;
    return OK;
  }

  /**
   * Accepts the reference's private parameters; none is known here.
   *
   * @param {string} json
   */
  setParameters(json) {
    if (!this.#context) return -NotInitialized;
    try {
      JSON.parse(json);
      return OK;
    } catch {
      return -InvalidArgument;
    }
  }

  // ---- Joining and leaving ----------------------------------------------------------------------------------------

  /**
   * Joins a channel: `(token, channelId, uid, options)`, or the old form `(token, channelId, info, uid)`.
   *
   * @param {string | null} token null or empty for none
   * @param {string} channelId
   * @param {number | string | null} uidOrInfo
   * @param {ChannelMediaOptions | number} [optionsOrUid]
   * @returns {number} 0; -7, -17 in a channel already, -102 bad channel name, -121 bad uid, -2 bad option, -3 no WebRTC
   */
  joinChannel(token, channelId, uidOrInfo, optionsOrUid) {
    const old = typeof optionsOrUid === 'number' || typeof uidOrInfo === 'string';
    const uid = old ? (optionsOrUid ?? 0) : (uidOrInfo ?? 0);
    const options = old ? {} : (optionsOrUid ?? {});
    return this.#join(token, channelId, /** @type {number} */ (uid), /** @type {ChannelMediaOptions} */ (options));
  }

  /**
   * The same as the main form of `joinChannel`, under its older name.
   *
   * @param {string | null} token
   * @param {string} channelId
   * @param {number} uid
   * @param {ChannelMediaOptions} [options]
   */
  joinChannelWithOptions(token, channelId, uid, options = {}) {
    return this.#join(token, channelId, uid, options);
  }

  /**
   * @param {string | null} token
   * @param {string} channelId
   * @param {number} uid
   * @param {ChannelMediaOptions} options
   */
  #join(token, channelId, uid, options) {
    if (!this.#context) return -NotInitialized;
    if (this.#inUse) return -ErrorCode.JoinChannelRejected;
    if (!check.isChannelName(channelId)) return -ErrorCode.InvalidChannelName;
    if (!check.isUid(uid)) return -ErrorCode.InvalidUserId;
    if (!check.optionsAreValid(options)) return -InvalidArgument;
    if ((token ?? '') !== '' && typeof token !== 'string') return -InvalidArgument;
    if (!('RTCPeerConnection' in globalThis) || this.#urls.length === 0) return -ErrorCode.NotReady;
    this.#options = check.mergeOptions({}, options);
    this.#role = options.clientRoleType ?? this.#role;
    this.#profile = options.channelProfile ?? this.#profile;
    this.#latencyLevel = options.audienceLatencyLevel ?? this.#latencyLevel;
    this.#client?.dispose();
    this.#client = this.#newClient();
    this.#replan();
    this.#client.join({
      appId: this.#context.appId,
      channel: channelId,
      token: token || null,
      uid,
      name: options.displayName,
      role: check.wireRole(this.#wantedRole),
      profile: check.wireProfile(this.#profile),
    });
    return OK;
  }

  /**
   * Changes the fields that are set, in a channel.
   *
   * @param {ChannelMediaOptions} options
   * @returns {number} 0; -2 bad value, -7, -8 not in a channel
   */
  updateChannelMediaOptions(options) {
    if (!this.#context) return -NotInitialized;
    if (!this.#joined) return -InvalidState;
    if (!check.optionsAreValid(options)) return -InvalidArgument;
    const merged = check.mergeOptions(this.#options, options);
    if (!check.optionsAreValid(merged)) return -InvalidArgument;
    const renewed = options.token ? this.renewToken(options.token) : OK;
    if (renewed !== OK) return renewed;
    delete merged.token;
    this.#options = merged;
    const level = options.audienceLatencyLevel;
    if (options.clientRoleType) this.setClientRole(options.clientRoleType, { audienceLatencyLevel: level });
    this.#replan();
    return OK;
  }

  /**
   * Leaves the channel; the end is told by `onLeaveChannel`. Closes microphone and screen, and the camera unless it is
   * previewed.
   *
   * @returns {number} 0; -7, -18 not in a channel
   */
  leaveChannel() {
    if (!this.#context) return -NotInitialized;
    if (!this.#client || !this.#inUse) return -ErrorCode.LeaveChannelRejected;
    this.#client.leave();
    this.#client = null;
    this.#options = {};
    this.#subscriptions.clear();
    this.#capture.stopScreen();
    this.#replan();
    return OK;
  }

  /**
   * Replaces the token; the outcome is told by `onRenewTokenResult`.
   *
   * @param {string} token
   * @returns {number} 0; -2 empty, -7, -8 not in a channel, -110 no token at all
   */
  renewToken(token) {
    if (!this.#context) return -NotInitialized;
    if (typeof token !== 'string' || token === '') return -InvalidArgument;
    return this.#client?.renewToken(token) ?? -InvalidState;
  }

  // ---- Role and profile -------------------------------------------------------------------------------------------

  /**
   * Sets the role for the next join, or asks for another one in the channel.
   *
   * @param {number} role `ClientRoleType`
   * @param {{ audienceLatencyLevel?: number }} [options]
   * @returns {number} 0; -2, -5 in the communication profile, -7
   */
  setClientRole(role, options = {}) {
    if (!this.#context) return -NotInitialized;
    const level = options.audienceLatencyLevel ?? this.#latencyLevel;
    if (!check.isRole(role) || ![1, 2].includes(level)) return -InvalidArgument;
    if (check.wireProfile(this.#profile) === 'communication') return -Refused;
    this.#latencyLevel = level;
    if (role === this.#role) return OK;
    if (this.#client && this.#inUse) return this.#client.setRole(check.wireRole(role));
    const before = this.#wantedRole;
    this.#role = role;
    // The reference tells of audience before a join, and of broadcaster not.
    if (role !== ClientRoleType.Audience) return OK;
    this.#emit('onClientRoleChanged', { channelId: '', localUid: 0 }, before, role);
    return OK;
  }

  /**
   * @param {number} profile `ChannelProfileType`; before a join only
   * @returns {number} 0; -2, -7, -8 in a channel
   */
  setChannelProfile(profile) {
    if (!this.#context) return -NotInitialized;
    if (!check.isProfile(profile)) return -InvalidArgument;
    if (this.#inUse) return -InvalidState;
    this.#profile = profile;
    return OK;
  }

  // ---- Local media ------------------------------------------------------------------------------------------------

  /** Turns the video module on: camera, screen and others' pictures. It is off at first. */
  enableVideo() {
    return this.#set({ videoModule: true });
  }

  /** Turns the video module off. */
  disableVideo() {
    return this.#set({ videoModule: false });
  }

  /** Turns the audio module on: microphone and others' sound. It is on at first. */
  enableAudio() {
    return this.#set({ audioModule: true });
  }

  /** Turns the audio module off. */
  disableAudio() {
    return this.#set({ audioModule: false });
  }

  /** @param {boolean} enabled false closes the microphone; receiving goes on */
  enableLocalAudio(enabled) {
    return this.#set({ audioCapture: enabled });
  }

  /** @param {boolean} enabled false closes the camera; receiving goes on */
  enableLocalVideo(enabled) {
    return this.#set({ videoCapture: enabled });
  }

  /** @param {boolean} mute true: the microphone stays open and nothing is sent */
  muteLocalAudioStream(mute) {
    return this.#set({ audioMuted: mute });
  }

  /** @param {boolean} mute true: the camera stays open and nothing is sent */
  muteLocalVideoStream(mute) {
    return this.#set({ videoMuted: mute });
  }

  /**
   * Opens the camera for `setupLocalVideo`, also outside a channel. Needs `enableVideo`.
   *
   * @param {number} [source] `VideoSourceType.Camera`; a screen is seen as soon as it is captured
   */
  startPreview(source = VideoSourceType.Camera) {
    return source === VideoSourceType.Camera ? this.#set({ preview: true }) : this.#knownSource(source);
  }

  /** @param {number} [source] */
  stopPreview(source = VideoSourceType.Camera) {
    return source === VideoSourceType.Camera ? this.#set({ preview: false }) : this.#knownSource(source);
  }

  /** @param {number} source */
  #knownSource(source) {
    if (!this.#context) return -NotInitialized;
    return source === VideoSourceType.Screen ? OK : -InvalidArgument;
  }

  /**
   * Shows a local picture; null as view detaches.
   *
   * @param {VideoCanvas} canvas
   */
  setupLocalVideo(canvas) {
    if (!this.#context) return -NotInitialized;
    const source = canvas?.sourceType ?? VideoSourceType.Camera;
    if (!isCanvas(canvas) || ![VideoSourceType.Camera, VideoSourceType.Screen].includes(/** @type {any} */ (source))) {
      return -InvalidArgument;
    }
    this.#views.setLocal(source === VideoSourceType.Screen ? 'screen' : 'camera', canvas);
    this.#replan();
    return OK;
  }

  /**
   * Shows a remote user's picture; null as view detaches. Legal before the user is there.
   *
   * @param {VideoCanvas} canvas
   */
  setupRemoteVideo(canvas) {
    if (!this.#context) return -NotInitialized;
    if (!isCanvas(canvas) || !canvas.uid || !check.isUid(canvas.uid)) return -InvalidArgument;
    this.#views.setRemote(canvas.uid, canvas);
    return OK;
  }

  /** @param {VideoEncoderConfiguration} config legal at any time; the codec counts from the next negotiation on */
  setVideoEncoderConfiguration(config) {
    if (!this.#context) return -NotInitialized;
    if (!check.encoderIsValid(config)) return -InvalidArgument;
    this.#capture.setEncoder(config);
    this.#client?.setEncoder(this.#capture.encoder);
    return OK;
  }

  /**
   * Lets the user choose a screen or window. To be called from a click. Publish it with `publishScreenTrack`.
   *
   * @param {ScreenCaptureParameters} [parameters]
   */
  startScreenCapture(parameters = {}) {
    if (!this.#context) return -NotInitialized;
    const { captureAudio, frameRate, dimensions } = parameters;
    const audio = captureAudio === undefined || typeof captureAudio === 'boolean';
    if (!audio || !check.encoderIsValid({ frameRate, dimensions })) return -InvalidArgument;
    if (!globalThis.navigator?.mediaDevices?.getDisplayMedia) return -ErrorCode.NotSupported;
    this.#capture.startScreen(parameters);
    return OK;
  }

  /** Ends the screen capture, and with it its publication. */
  stopScreenCapture() {
    if (!this.#context) return -NotInitialized;
    this.#capture.stopScreen();
    return OK;
  }

  // ---- Devices ----------------------------------------------------------------------------------------------------

  /** @returns {Promise<DeviceInfo[]>} cameras; without names until the user has allowed one */
  enumerateVideoDevices() {
    return this.#capture.devices('videoinput');
  }

  /** @returns {Promise<DeviceInfo[]>} microphones; without names until the user has allowed one */
  enumerateRecordingDevices() {
    return this.#capture.devices('audioinput');
  }

  /** @param {string} deviceId one of `enumerateVideoDevices`; empty for the browser's choice */
  setVideoDevice(deviceId) {
    return this.#setDevice('camera', deviceId);
  }

  /** @param {string} deviceId one of `enumerateRecordingDevices`; empty for the browser's choice */
  setRecordingDevice(deviceId) {
    return this.#setDevice('microphone', deviceId);
  }

  /**
   * @param {'camera' | 'microphone'} kind
   * @param {string} deviceId
   */
  #setDevice(kind, deviceId) {
    if (!this.#context) return -NotInitialized;
    if (typeof deviceId !== 'string') return -InvalidArgument;
    this.#capture.setDevice(kind, deviceId);
    return OK;
  }

  // ---- What is received -------------------------------------------------------------------------------------------

  /**
   * @param {number} uid
   * @param {boolean} mute true: the network stops sending this user's sound
   */
  muteRemoteAudioStream(uid, mute) {
    return this.#muteRemote('audio', uid, mute);
  }

  /**
   * @param {number} uid
   * @param {boolean} mute true: the network stops sending this user's picture
   */
  muteRemoteVideoStream(uid, mute) {
    return this.#muteRemote('video', uid, mute);
  }

  /** @param {boolean} mute counts for users who come later, too; a later call for one user is an exception */
  muteAllRemoteAudioStreams(mute) {
    return this.#muteAll('audio', mute);
  }

  /** @param {boolean} mute counts for users who come later, too; a later call for one user is an exception */
  muteAllRemoteVideoStreams(mute) {
    return this.#muteAll('video', mute);
  }

  /**
   * @param {'audio' | 'video'} kind
   * @param {number} uid
   * @param {boolean} mute
   */
  #muteRemote(kind, uid, mute) {
    if (!this.#context) return -NotInitialized;
    if (!uid || !check.isUid(uid) || typeof mute !== 'boolean') return -InvalidArgument;
    if (!this.#subscriptions.setOne(kind, uid, !mute)) return -ErrorCode.ResourceLimited;
    this.#replan();
    return OK;
  }

  /**
   * @param {'audio' | 'video'} kind
   * @param {boolean} mute
   */
  #muteAll(kind, mute) {
    if (!this.#context) return -NotInitialized;
    if (typeof mute !== 'boolean') return -InvalidArgument;
    this.#subscriptions.setAll(kind, !mute);
    this.#replan();
    return OK;
  }

  /**
   * @param {number} interval ms between two reports; 0 or less: off. Advice: 200
   * @param {number} [smooth] 0 to 10; higher is calmer. Advice: 3
   * @param {boolean} [reportVad] whether to say if the local user speaks
   */
  enableAudioVolumeIndication(interval, smooth = 3, reportVad = false) {
    if (!this.#context) return -NotInitialized;
    if (!Number.isFinite(interval) || (interval > 0 && interval <= 10)) return -InvalidArgument;
    if (!(smooth >= 0 && smooth <= 10)) return -InvalidArgument;
    this.#volume.configure(interval, smooth, reportVad);
    return OK;
  }

  // ---- Inside -----------------------------------------------------------------------------------------------------

  /** A connection that must be left before another can be joined. */
  get #inUse() {
    return this.#client !== null && this.#client.state !== ConnectionState.Disconnected;
  }

  get #joined() {
    const state = this.#client?.state;
    return state === ConnectionState.Connected || state === ConnectionState.Reconnecting;
  }

  get #wantedRole() {
    if (check.wireProfile(this.#profile) === 'communication') return ClientRoleType.Broadcaster;
    return this.#role ?? ClientRoleType.Audience;
  }

  #newClient() {
    return new Client({
      urls: this.#urls,
      queue: this.#queue,
      encoder: this.#capture.encoder,
      views: this.#views,
      volume: this.#volume,
      emit: this.#emitBound,
      emitLazily: (name, args) => this.#emitLazily(name, args),
      roleSettled: (role) => this.#settleRole(role),
      changed: () => this.#replan(),
      pageLeft: () => void this.leaveChannel(),
    });
  }

  /**
   * The network agreed to a role, or refused another one.
   *
   * @param {number} role
   */
  #settleRole(role) {
    this.#role = role;
    this.#replan();
  }

  /** Settles what is captured, shown, sent and received with the settings as they are now. */
  #replan() {
    if (this.#released) return;
    const wanted = plan({
      local: this.#local,
      options: check.effectiveOptions(this.#options),
      broadcaster: this.#wantedRole === ClientRoleType.Broadcaster,
      active: this.#client?.active ?? false,
      screen: this.#capture.screenKinds,
    });
    this.#capture.want(wanted.capture);
    this.#views.setLocalTracks({ camera: this.#capture.track('camera'), screen: this.#capture.track('screen') });
    this.#volume.setLocalTrack(this.#capture.track('microphone'));
    this.#client?.update({
      publish: wanted.publish.map((item) => ({ ...item, ...this.#capture.state(item.source) })),
      switches: wanted.switches,
      subscribe: this.#subscriptions.toMessage(wanted.subscribe),
    });
  }

  /**
   * Puts an event into the queue.
   *
   * @param {keyof RtcEngineEventHandler} name
   * @param {...unknown} args
   */
  #emit(name, ...args) {
    if (DROPPED_WHEN_LATE.has(name) && this.#queue.length > LATE) return;
    const options = name === 'onClientRoleChanged' ? [{ audienceLatencyLevel: this.#latencyLevel }] : [];
    this.#emitLazily(name, () => [...args, ...options]);
  }

  /**
   * @param {keyof RtcEngineEventHandler} name
   * @param {() => unknown[]} makeArgs called when the event's turn has come
   */
  #emitLazily(name, makeArgs) {
    this.#queue.push(() => {
      const args = makeArgs();
      if (name === 'onConnectionStateChanged') this.#reportedState = Number(args[1]);
      callHandlers(this.#handlers, name, args);
    });
  }

  /** @param {Partial<import('./plan.js').LocalSwitches>} change */
  #set(change) {
    if (!this.#context) return -NotInitialized;
    if (Object.values(change).some((value) => typeof value !== 'boolean')) return -InvalidArgument;
    Object.assign(this.#local, change);
    this.#replan();
    return OK;
  }
}

/** Events that may be left out while this many wait; others never. */
const LATE = 1000;
const DROPPED_WHEN_LATE = new Set(['onRtcStats', 'onNetworkQuality', 'onAudioVolumeIndication']);

/** @param {unknown} canvas */
function isCanvas(canvas) {
  if (typeof canvas !== 'object' || canvas === null || !('view' in canvas)) return false;
  return canvas.view === null || canvas.view instanceof HTMLElement;
}
