// @ts-check
/**
 * The page's only way to the engine: what the visitor does becomes calls, what the engine tells becomes actions.
 *
 * @import { Store } from './store.js'
 * @import { RtcEngineEventHandler } from '../sdk/types.d.ts'
 */
// From the page's own address this is `/sdk/index.js`.
import {
  ClientRoleType,
  ConnectionState,
  PermissionType,
  RenewTokenCode,
  VideoSourceType,
  createAgoraRtcEngine,
} from '../sdk/index.js';

/** @typedef {ReturnType<typeof createAgoraRtcEngine>} Engine */

/** How often the engine says who is loud, in ms. */
const VOLUME_EVERY_MS = 200;
/** Errors after which the engine tells of an end: the page shows them with it. The others only matter by themselves. */
const ENDING = new Set([17, 101, 102, 103, 109, 110, 112, 123]);
const CAPTURE = { stopped: 0, running: 1, failed: 3 };

/** One page's call. */
export class Call {
  #store;
  /** @type {Engine | null} */
  #engine = null;
  #appId = '';
  /** @type {((code: number) => void)[]} who waits for the result of a renewal */
  #renewals = [];
  /** Whether the visitor wants out; an attempt that only makes room for the next one ends without a word. */
  #leaving = false;

  /** What the other parts of the page want to be told. */
  hooks = {
    willExpire: () => {},
    roleRefused: () => {},
    /** @type {(stats: import('../sdk/types.d.ts').RtcStats) => void} */
    figures: () => {},
    devicesChanged: () => {},
    screenRefused: () => {},
  };

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** The engine itself, for tests and for tinkerers; null before the page knows its App ID. */
  get engine() {
    return this.#engine;
  }

  /**
   * Makes the engine ready for an App ID. Another App ID takes another engine.
   *
   * @param {string} appId
   * @returns {number} 0, or the engine's negative code
   */
  open(appId) {
    if (this.#engine && this.#appId === appId) return 0;
    this.#engine?.release(true);
    const engine = createAgoraRtcEngine();
    const result = engine.initialize({ appId, eventHandler: this.#handler() });
    this.#engine = result === 0 ? engine : null;
    this.#appId = appId;
    if (result !== 0) return result;
    engine.enableVideo();
    engine.enableAudioVolumeIndication(VOLUME_EVERY_MS, 3, true);
    return 0;
  }

  // ---- Coming and going -------------------------------------------------------------------------------------------

  /**
   * @param {{token: string, channel: string, uid: number, name: string, speaker: boolean}} entry
   * @returns {number}
   */
  join({ token, channel, uid, name, speaker }) {
    const engine = this.#ready();
    const { me } = this.#store.state;
    this.#forgetRenewals();
    // After a failure the engine wants to be told that the old attempt is over.
    if (engine.getConnectionState() !== ConnectionState.Disconnected) engine.leaveChannel();
    engine.muteLocalAudioStream(!me.mic);
    engine.enableLocalVideo(me.camera);
    return engine.joinChannelWithOptions(token, channel, uid, {
      clientRoleType: speaker ? ClientRoleType.Broadcaster : ClientRoleType.Audience,
      publishMicrophoneTrack: true,
      publishCameraTrack: true,
      autoSubscribeAudio: true,
      autoSubscribeVideo: true,
      displayName: name || undefined,
    });
  }

  /** Leaves; the form comes back when the engine has said that it is over. */
  leave() {
    this.#forgetRenewals();
    this.#leaving = this.#engine?.leaveChannel() === 0;
    if (!this.#leaving) this.#store.dispatch({ type: 'left' });
  }

  /**
   * @param {string} token
   * @returns {Promise<number>} the code of the result; negative when the engine refused at once
   */
  renew(token) {
    const refused = this.#ready().renewToken(token);
    if (refused !== 0) return Promise.resolve(refused);
    return new Promise((resolve) => this.#renewals.push(resolve));
  }

  /** No result comes after a leave: whoever waits for one is told that it no longer matters. */
  #forgetRenewals() {
    for (const resolve of this.#renewals.splice(0)) resolve(RenewTokenCode.Overtaken);
  }

  /** @param {boolean} speaker */
  setRole(speaker) {
    return this.#ready().setClientRole(speaker ? ClientRoleType.Broadcaster : ClientRoleType.Audience);
  }

  // ---- Own media --------------------------------------------------------------------------------------------------

  /** @param {boolean} on */
  setMic(on) {
    this.#store.dispatch({ type: 'me', change: { mic: on } });
    this.#engine?.muteLocalAudioStream(!on);
  }

  /** @param {boolean} on */
  setCamera(on) {
    this.#store.dispatch({ type: 'me', change: { camera: on, cameraFault: '', cameraRuns: false } });
    // Closed, not only silenced, so that the camera's light goes out.
    this.#engine?.enableLocalVideo(on);
  }

  /** @param {boolean} on */
  preview(on) {
    if (on) {
      this.#engine?.enableLocalVideo(true);
      this.#engine?.startPreview();
    } else {
      this.#engine?.stopPreview();
    }
  }

  /** Asks which screen to share, or stops. To be called from a click or a key: the browser insists. */
  toggleScreen() {
    const engine = this.#ready();
    return this.#store.state.me.screen ? engine.stopScreenCapture() : engine.startScreenCapture({ captureAudio: true });
  }

  /** @param {HTMLVideoElement | null} view */
  showMe(view) {
    this.#engine?.setupLocalVideo({ view, sourceType: VideoSourceType.Camera });
  }

  /** @param {HTMLVideoElement | null} view */
  showMyScreen(view) {
    this.#engine?.setupLocalVideo({ view, sourceType: VideoSourceType.Screen });
  }

  /**
   * @param {number} uid
   * @param {HTMLVideoElement | null} view
   * @param {boolean} screen
   */
  show(uid, view, screen) {
    const sourceType = screen ? VideoSourceType.Screen : VideoSourceType.Camera;
    this.#engine?.setupRemoteVideo({ uid, view, sourceType });
  }

  // ---- Devices ----------------------------------------------------------------------------------------------------

  /**
   * @param {'camera' | 'microphone'} kind
   * @returns {Promise<import('../sdk/types.d.ts').DeviceInfo[]>}
   */
  async devices(kind) {
    if (!this.#engine) return [];
    return kind === 'camera' ? this.#engine.enumerateVideoDevices() : this.#engine.enumerateRecordingDevices();
  }

  /**
   * @param {'camera' | 'microphone'} kind
   * @param {string} deviceId
   */
  useDevice(kind, deviceId) {
    if (kind === 'camera') this.#engine?.setVideoDevice(deviceId);
    else this.#engine?.setRecordingDevice(deviceId);
  }

  #ready() {
    if (!this.#engine) throw new Error('the engine is not initialised');
    return this.#engine;
  }

  // ---- What the engine tells ----------------------------------------------------------------------------------------

  /** @returns {RtcEngineEventHandler} */
  #handler() {
    const tell = (/** @type {import('./state.js').Action} */ action) => this.#store.dispatch(action);
    return {
      onConnectionStateChanged: (_connection, state, reason) => tell({ type: 'connection', state, reason }),
      onJoinChannelSuccess: ({ localUid }) => tell({ type: 'joined', uid: localUid }),
      onLeaveChannel: () => {
        if (this.#leaving) tell({ type: 'left' });
        this.#leaving = false;
      },
      onError: (code, text) => {
        if (ENDING.has(code)) tell({ type: 'error', code, text });
      },

      onUserJoined: (_connection, uid) => tell({ type: 'userJoined', uid }),
      onUserOffline: (_connection, uid, reason) => tell({ type: 'userLeft', uid, reason }),
      onUserInfoUpdated: (uid, { name = '' }) => tell({ type: 'userInfo', uid, name }),
      onUserPublished: (_connection, uid, kind, source) => tell({ type: 'published', uid, kind, source }),
      onUserUnpublished: (_connection, uid, kind, source) => tell({ type: 'unpublished', uid, kind, source }),
      onUserMuteAudio: (_connection, uid, muted) => tell({ type: 'muted', uid, kind: 'audio', muted }),
      onUserEnableLocalVideo: (_connection, uid, enabled) => tell({ type: 'muted', uid, kind: 'video', muted: !enabled }),
      onUserMuteVideo: (_connection, uid, muted) => tell({ type: 'muted', uid, kind: 'video', muted }),

      onStandingChanged: (_connection, standing) => tell({ type: 'standing', standing, now: Date.now() }),
      onTokenPrivilegeWillExpire: () => this.hooks.willExpire(),
      onRenewTokenResult: (_connection, _token, code) => this.#renewals.shift()?.(code),
      onClientRoleChanged: (_connection, _before, role) =>
        tell({ type: 'me', change: { speaker: role === ClientRoleType.Broadcaster } }),
      onClientRoleChangeFailed: () => this.hooks.roleRefused(),

      onLocalVideoStateChanged: (source, state, reason) => this.#captured(source, state, reason),
      onFirstLocalVideoFrame: (source) => {
        if (source === VideoSourceType.Camera) tell({ type: 'me', change: { cameraRuns: true, cameraFault: '' } });
      },
      onLocalAudioStateChanged: (_connection, state, reason) =>
        tell({ type: 'me', change: { micFault: state === CAPTURE.failed ? faultOf(reason) : '' } }),
      onPermissionError: (type) => {
        if (type === PermissionType.Screen) this.hooks.screenRefused();
      },
      onDevicesChanged: () => this.hooks.devicesChanged(),

      onAudioVolumeIndication: (_connection, speakers) => {
        // The engine tells of the visitor and of the others in turn; an empty list says nothing of either.
        if (speakers.length === 0) return;
        const local = speakers.some(({ uid }) => uid === 0);
        tell({ type: 'volumes', local, levels: new Map(speakers.map(({ uid, volume }) => [uid, volume])) });
      },
      onNetworkQuality: (_connection, uid, tx, rx) => tell({ type: 'quality', uid, tx, rx }),
      onRtcStats: (_connection, stats) => this.hooks.figures(stats),
      onAutoplayFailed: () => tell({ type: 'soundBlocked', blocked: true }),
    };
  }

  /**
   * @param {number} source
   * @param {number} state
   * @param {number} reason
   */
  #captured(source, state, reason) {
    if (source === VideoSourceType.Screen) return this.#shared(state === CAPTURE.running);
    const cameraFault = state === CAPTURE.failed ? faultOf(reason) : '';
    this.#store.dispatch({ type: 'me', change: { cameraRuns: state === CAPTURE.running, cameraFault } });
  }

  /** @param {boolean} on a connection carries one picture: the screen takes the camera's place */
  #shared(on) {
    if (this.#store.state.me.screen === on) return;
    this.#store.dispatch({ type: 'me', change: { screen: on } });
    this.#engine?.updateChannelMediaOptions({ publishScreenTrack: on, publishCameraTrack: !on });
  }
}

/**
 * @param {number} reason of a failed capture
 * @returns {import('./state.js').DeviceFault}
 */
function faultOf(reason) {
  if (!globalThis.isSecureContext) return 'insecure';
  return FAULTS.get(reason) ?? 'failed';
}

/** 2 and 3 for every device; "not found" is 6 for sound and 8 for pictures. */
/** @type {ReadonlyMap<number, import('./state.js').DeviceFault>} */
const FAULTS = new Map([
  [2, 'refused'],
  [3, 'busy'],
  [6, 'absent'],
  [8, 'absent'],
]);
