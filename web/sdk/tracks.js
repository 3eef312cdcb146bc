// @ts-check
/**
 * Microphone, camera and screen: opened when they are wanted, closed when not.
 *
 * @import { Source } from './protocol.d.ts'
 * @import { DeviceInfo, RtcEngineEventHandler, ScreenCaptureParameters, VideoEncoderConfiguration } from './types.d.ts'
 */
import { ErrorCode, PermissionType, VideoSourceType } from './constants.js';

/** @typedef {'camera' | 'microphone'} Device */
/** @typedef {(name: keyof RtcEngineEventHandler, ...args: unknown[]) => void} Emit */

/** States of a local capture, as events tell them. */
const STOPPED = 0;
const RUNNING = 1;
const FAILED = 3;

export class Capture {
  #changed;
  #emit;
  /** @type {Record<Device, DeviceCapture>} */
  #devices;
  #screen;
  /** @type {VideoEncoderConfiguration} */
  #encoder = {};
  #onDeviceChange = () => this.#devicesChanged();

  /** @param {{ changed: () => void, emit: Emit }} hooks `changed` is called after a track came or went */
  constructor({ changed, emit }) {
    this.#changed = changed;
    this.#emit = emit;
    this.#devices = {
      camera: new DeviceCapture('camera', this.#reporter('camera'), () => this.#cameraConstraints()),
      microphone: new DeviceCapture('microphone', this.#reporter('microphone'), () => MICROPHONE),
    };
    this.#screen = new ScreenCapture(this.#reporter('screen'));
    globalThis.navigator?.mediaDevices?.addEventListener?.('devicechange', this.#onDeviceChange);
  }

  /** @returns {VideoEncoderConfiguration} */
  get encoder() {
    return this.#encoder;
  }

  /** What the screen capture gives now. */
  get screenKinds() {
    return { video: this.#screen.video !== null, audio: this.#screen.audio !== null };
  }

  /** @param {Record<Device, boolean>} wanted */
  want(wanted) {
    this.#devices.camera.want(wanted.camera);
    this.#devices.microphone.want(wanted.microphone);
  }

  /**
   * @param {Source} source
   * @returns {MediaStreamTrack | null}
   */
  track(source) {
    if (source === 'camera' || source === 'microphone') return this.#devices[source].track;
    if (source === 'screen') return this.#screen.video;
    return source === 'screenAudio' ? this.#screen.audio : null;
  }

  /**
   * The track of a source, and whether there will be none until something changes.
   *
   * @param {Source} source
   */
  state(source) {
    const failed = (source === 'camera' || source === 'microphone') && this.#devices[source].failed;
    return { track: this.track(source), failed };
  }

  /** @param {VideoEncoderConfiguration} config */
  setEncoder(config) {
    this.#encoder = { ...this.#encoder, ...config };
    // A camera that cannot do it stays as it is: the constraints are wishes.
    this.#devices.camera.track?.applyConstraints(this.#cameraConstraints()).catch(() => undefined);
  }

  /**
   * @param {Device} device
   * @param {string} deviceId
   */
  setDevice(device, deviceId) {
    this.#devices[device].setDeviceId(deviceId);
  }

  /**
   * @param {MediaDeviceKind} kind
   * @returns {Promise<DeviceInfo[]>}
   */
  async devices(kind) {
    const all = (await globalThis.navigator?.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    const known = all.filter((device) => device.kind === kind && device.deviceId !== '');
    return known.map(({ deviceId, label }) => ({ deviceId, deviceName: label }));
  }

  /** @param {ScreenCaptureParameters} parameters */
  startScreen(parameters) {
    void this.#screen.start(parameters);
  }

  stopScreen() {
    this.#screen.stop();
  }

  close() {
    globalThis.navigator?.mediaDevices?.removeEventListener?.('devicechange', this.#onDeviceChange);
    this.want({ camera: false, microphone: false });
    this.stopScreen();
  }

  #devicesChanged() {
    this.#emit('onDevicesChanged');
    this.#devices.camera.retry();
    this.#devices.microphone.retry();
  }

  #cameraConstraints() {
    const { width, height } = this.#encoder.dimensions ?? { width: 640, height: 360 };
    return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: this.#encoder.frameRate ?? 30 } };
  }

  /**
   * @param {Device | 'screen'} what
   * @returns {Report}
   */
  #reporter(what) {
    return (state, error) => {
      if (error) this.#reportFailure(what, error);
      const reason = error ? REASONS[what].get(error.name) ?? 1 : 0;
      if (what === 'microphone') this.#emit('onLocalAudioStateChanged', { channelId: '', localUid: 0 }, state, reason);
      else this.#emit('onLocalVideoStateChanged', SOURCES[what], state, reason);
      this.#changed();
    };
  }

  /**
   * @param {Device | 'screen'} what
   * @param {Failure} error
   */
  #reportFailure(what, error) {
    if (error.name === 'NotAllowedError') this.#emit('onPermissionError', PERMISSIONS[what]);
    // To close the screen chooser is no error.
    if (what === 'screen' && error.name === 'NotAllowedError') return;
    this.#emit('onError', errorCode(what, error), `${NAMES[what]}: ${SENTENCES.get(error.name) ?? error.message}`);
  }
}

/** @typedef {{ name: string, message: string }} Failure */
/** @typedef {(state: number, error?: Failure) => void} Report */

/** One camera or microphone. */
class DeviceCapture {
  #kind;
  #report;
  #constraints;
  #deviceId = '';
  #wanted = false;
  #failed = false;
  /** Counts attempts, so that a late one is recognised. */
  #attempt = 0;
  /** @type {MediaStreamTrack | null} */
  #track = null;

  /**
   * @param {Device} kind
   * @param {Report} report
   * @param {() => MediaTrackConstraints} constraints
   */
  constructor(kind, report, constraints) {
    this.#kind = kind;
    this.#report = report;
    this.#constraints = constraints;
  }

  get track() {
    return this.#track;
  }

  /** Whether it could not be opened; tried again when wanted anew or when devices change. */
  get failed() {
    return this.#failed;
  }

  /** @param {boolean} wanted */
  want(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) void this.#open();
    else this.#close();
  }

  /** @param {string} deviceId */
  setDeviceId(deviceId) {
    if (deviceId === this.#deviceId) return;
    this.#deviceId = deviceId;
    if (this.#wanted) void this.#open();
  }

  retry() {
    if (this.#wanted && this.#failed) void this.#open();
  }

  async #open() {
    const attempt = ++this.#attempt;
    this.#failed = false;
    try {
      const track = await this.#request();
      if (attempt !== this.#attempt) return track.stop();
      this.#adopt(track);
    } catch (error) {
      if (attempt === this.#attempt) this.#refuse(/** @type {Failure} */ (error));
    }
  }

  /** @param {Failure} error A device that runs already goes on when its replacement does not open. */
  #refuse(error) {
    this.#failed = this.#track === null;
    this.#report(FAILED, error);
    if (this.#track) this.#report(RUNNING);
  }

  async #request() {
    const mediaDevices = globalThis.navigator?.mediaDevices;
    if (!mediaDevices) throw INSECURE;
    const wishes = { ...this.#constraints(), ...(this.#deviceId && { deviceId: { exact: this.#deviceId } }) };
    const stream = await mediaDevices.getUserMedia(this.#kind === 'camera' ? { video: wishes } : { audio: wishes });
    const track = stream.getTracks()[0];
    if (!track) throw { name: 'NotFoundError', message: 'no track' };
    return track;
  }

  /** @param {MediaStreamTrack} track */
  #adopt(track) {
    this.#release();
    this.#track = track;
    track.onended = () => this.#lost();
    this.#report(RUNNING);
  }

  /** The device was unplugged or its permission withdrawn: another one may do. */
  #lost() {
    this.#release();
    this.#deviceId = '';
    this.#report(STOPPED);
    if (this.#wanted) void this.#open();
  }

  #close() {
    this.#attempt++;
    this.#failed = false;
    if (!this.#track) return;
    this.#release();
    this.#report(STOPPED);
  }

  #release() {
    if (this.#track) {
      this.#track.onended = null;
      this.#track.stop();
    }
    this.#track = null;
  }
}

/** One screen, window or tab, with its sound where the browser gives it. */
class ScreenCapture {
  #report;
  #attempt = 0;
  /** @type {MediaStreamTrack | null} */
  video = null;
  /** @type {MediaStreamTrack | null} */
  audio = null;

  /** @param {Report} report */
  constructor(report) {
    this.#report = report;
  }

  /** @param {ScreenCaptureParameters} parameters */
  async start({ captureAudio = true, frameRate = 15, dimensions }) {
    const attempt = ++this.#attempt;
    const size = dimensions && { width: { max: dimensions.width }, height: { max: dimensions.height } };
    try {
      const video = { frameRate: { ideal: frameRate }, ...size };
      const stream = await navigator.mediaDevices.getDisplayMedia({ video, audio: captureAudio });
      if (attempt !== this.#attempt) return stream.getTracks().forEach((track) => track.stop());
      this.#adopt(stream);
    } catch (error) {
      if (attempt === this.#attempt) this.#report(FAILED, /** @type {Failure} */ (error));
    }
  }

  stop() {
    this.#attempt++;
    if (!this.video) return;
    this.#release();
    this.#report(STOPPED);
  }

  /** @param {MediaStream} stream */
  #adopt(stream) {
    this.#release();
    this.video = stream.getVideoTracks()[0] ?? null;
    this.audio = stream.getAudioTracks()[0] ?? null;
    // The browser's own "stop sharing" button.
    if (this.video) this.video.onended = () => this.stop();
    this.#report(RUNNING);
  }

  #release() {
    if (this.video) this.video.onended = null;
    this.video?.stop();
    this.audio?.stop();
    this.video = null;
    this.audio = null;
  }
}

/**
 * @param {Device | 'screen'} what
 * @param {Failure} error
 */
function errorCode(what, error) {
  if (what !== 'microphone') return what === 'camera' ? ErrorCode.CameraNotPermitted : ErrorCode.Failed;
  return error.name === 'NotReadableError' ? ErrorCode.StartRecording : ErrorCode.InitRecording;
}

const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const INSECURE = {
  name: 'SecurityError',
  message: 'the browser gives no devices to this page: open it over https, or on localhost',
};
const NAMES = { camera: 'camera', microphone: 'microphone', screen: 'screen' };
const PERMISSIONS = {
  camera: PermissionType.Camera,
  microphone: PermissionType.Microphone,
  screen: PermissionType.Screen,
};
const SOURCES = { camera: VideoSourceType.Camera, screen: VideoSourceType.Screen };
const SENTENCES = new Map([
  ['NotAllowedError', 'not permitted: allow it in the browser and try again'],
  ['NotFoundError', 'none was found'],
  ['NotReadableError', 'in use by another program, or broken'],
  ['OverconstrainedError', 'the chosen device is gone'],
]);
/** Reasons of the state events: 2 no permission, 3 busy, then each its own "not found". */
const AUDIO_REASONS = new Map([['NotAllowedError', 2], ['NotReadableError', 3], ['NotFoundError', 6]]);
const VIDEO_REASONS = new Map([['NotAllowedError', 2], ['NotReadableError', 3], ['NotFoundError', 8]]);
const REASONS = { camera: VIDEO_REASONS, screen: VIDEO_REASONS, microphone: AUDIO_REASONS };
