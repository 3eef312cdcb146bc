// @ts-check
/**
 * Puts pictures into the page and plays sound.
 *
 * @import { RtcEngineEventHandler, VideoCanvas } from './types.d.ts'
 * @import { Source } from './protocol.d.ts'
 */
import { VideoSourceType } from './constants.js';

/** @typedef {'camera' | 'screen'} LocalSource */
/** @typedef {(name: keyof RtcEngineEventHandler, ...args: unknown[]) => void} Emit */
/** @typedef {{ uid: number, source: Source, track: MediaStreamTrack }} RemoteVideo */

/** Events after which a browser lets a page play sound. */
const GESTURES = ['pointerdown', 'keydown', 'touchend'];

export class Views {
  #emit;
  /** @type {Map<LocalSource, View>} */
  #local = new Map();
  /** @type {Map<string, { uid: number, sourceType?: number, view: View }>} by user and source */
  #remote = new Map();
  /** @type {Record<LocalSource, MediaStreamTrack | null>} */
  #localTracks = { camera: null, screen: null };
  /** @type {RemoteVideo[]} */
  #remoteVideos = [];
  /** @type {Map<MediaStreamTrack, HTMLAudioElement>} */
  #players = new Map();
  #blocked = false;
  #onGesture = () => this.#retryPlaying();

  /** @param {Emit} emit */
  constructor(emit) {
    this.#emit = emit;
  }

  /**
   * @param {LocalSource} source
   * @param {VideoCanvas} canvas
   */
  setLocal(source, canvas) {
    this.#local.get(source)?.detach();
    this.#local.delete(source);
    if (!canvas.view) return;
    this.#claim(canvas.view);
    const view = new View(canvas.view, canvas.mirror ?? source === 'camera');
    view.onFirstFrame = (width, height, elapsed) =>
      this.#emit('onFirstLocalVideoFrame', SOURCE_TYPES[source], width, height, elapsed);
    view.onResize = (width, height) =>
      this.#emit('onVideoSizeChanged', { channelId: '', localUid: 0 }, SOURCE_TYPES[source], 0, width, height, 0);
    this.#local.set(source, view);
    view.show(this.#localTracks[source]);
  }

  /**
   * @param {number} uid
   * @param {VideoCanvas} canvas
   */
  setRemote(uid, { view: element, sourceType, mirror = false }) {
    const key = `${uid} ${sourceType ?? 'any'}`;
    this.#remote.get(key)?.view.detach();
    this.#remote.delete(key);
    if (!element) return;
    this.#claim(element);
    this.#remote.set(key, { uid, sourceType, view: new View(element, mirror) });
    this.#showRemote();
  }

  /**
   * An element shows one picture: whoever had it loses it.
   *
   * @param {HTMLElement} element
   */
  #claim(element) {
    for (const [source, view] of this.#local) {
      if (view.element !== element) continue;
      view.detach();
      this.#local.delete(source);
    }
    for (const [key, { view }] of this.#remote) {
      if (view.element !== element) continue;
      view.detach();
      this.#remote.delete(key);
    }
  }

  /** @param {Record<LocalSource, MediaStreamTrack | null>} tracks */
  setLocalTracks(tracks) {
    this.#localTracks = tracks;
    for (const [source, view] of this.#local) view.show(tracks[source]);
  }

  /**
   * Everything that can be seen and heard of others now.
   *
   * @param {RemoteVideo[]} videos
   * @param {MediaStreamTrack[]} sounds
   */
  setRemoteTracks(videos, sounds) {
    this.#remoteVideos = videos;
    this.#showRemote();
    for (const [track, player] of this.#players) if (!sounds.includes(track)) this.#stopPlaying(track, player);
    for (const track of sounds) if (!this.#players.has(track)) this.#play(track);
  }

  /** Takes every picture out of the page and stops every sound. */
  close() {
    this.setRemoteTracks([], []);
    for (const view of this.#local.values()) view.detach();
    for (const { view } of this.#remote.values()) view.detach();
    this.#local.clear();
    this.#remote.clear();
    this.#listen(false);
  }

  #showRemote() {
    for (const { uid, sourceType, view } of this.#remote.values()) {
      const own = this.#remoteVideos.filter((video) => video.uid === uid && fits(video.source, sourceType));
      // A screen is what people mean to look at when a user shows both.
      const best = own.find((video) => video.source === 'screen') ?? own[0];
      view.show(best?.track ?? null);
    }
  }

  /** @param {MediaStreamTrack} track */
  #play(track) {
    const player = new Audio();
    player.srcObject = new MediaStream([track]);
    this.#players.set(track, player);
    this.#start(player);
  }

  /** @param {HTMLAudioElement} player */
  #start(player) {
    player.play().catch((error) => {
      // Any other failure means that the player was stopped meanwhile.
      if (error.name !== 'NotAllowedError' || this.#blocked) return;
      this.#blocked = true;
      this.#listen(true);
      this.#emit('onAutoplayFailed');
    });
  }

  #retryPlaying() {
    this.#blocked = false;
    this.#listen(false);
    for (const player of this.#players.values()) if (player.paused) this.#start(player);
  }

  /** @param {boolean} on */
  #listen(on) {
    for (const gesture of GESTURES) {
      if (on) document.addEventListener(gesture, this.#onGesture, { capture: true });
      else globalThis.document?.removeEventListener(gesture, this.#onGesture, { capture: true });
    }
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {HTMLAudioElement} player
   */
  #stopPlaying(track, player) {
    player.pause();
    player.srcObject = null;
    this.#players.delete(track);
  }
}

/** One picture in the page: the application's `<video>`, or one of ours inside its element. */
class View {
  #video;
  #own;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {MediaStreamTrack | null} what is to be shown next, or is shown */
  #next = null;
  /** @type {((width: number, height: number, elapsed: number) => void) | null} */
  onFirstFrame = null;
  /** @type {((width: number, height: number) => void) | null} */
  onResize = null;
  #size = '';
  #onResize = () => this.#resized(this.#video.videoWidth, this.#video.videoHeight);

  /**
   * @param {HTMLElement} element
   * @param {boolean} mirror
   */
  constructor(element, mirror) {
    this.element = element;
    this.#own = !(element instanceof HTMLVideoElement);
    this.#video = element instanceof HTMLVideoElement ? element : element.appendChild(fillingVideo());
    this.#video.autoplay = true;
    this.#video.playsInline = true;
    // Sound is played apart from the picture, so pictures never wait for a gesture.
    this.#video.muted = true;
    this.#video.style.transform = mirror ? 'scaleX(-1)' : '';
    this.#video.addEventListener('resize', this.#onResize);
  }

  /**
   * Shows a track. One whose pictures have not come yet replaces another as soon as they do: the last picture of the
   * other stays meanwhile.
   *
   * @param {MediaStreamTrack | null} track
   */
  show(track) {
    this.#next = track;
    if (track === this.#track) return;
    if (!track?.muted || !this.#track) return this.#attach(track);
    track.addEventListener('unmute', () => this.#next === track && this.#attach(track), { once: true });
  }

  /** @param {MediaStreamTrack | null} track */
  #attach(track) {
    if (track === this.#track) return;
    this.#track = track;
    this.#video.srcObject = track && new MediaStream([track]);
    if (!track) return;
    this.#video.play().catch(() => undefined);
    this.#watchFirstFrame(track, performance.now());
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #resized(width, height) {
    const size = `${width} ${height}`;
    if (!this.#track || size === this.#size) return;
    this.#size = size;
    this.onResize?.(width, height);
  }

  detach() {
    this.show(null);
    this.#video.removeEventListener('resize', this.#onResize);
    this.#video.style.transform = '';
    if (this.#own) this.#video.remove();
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {number} since
   */
  #watchFirstFrame(track, since) {
    if (!this.onFirstFrame || !('requestVideoFrameCallback' in this.#video)) return;
    this.#video.requestVideoFrameCallback((now, { width, height }) => {
      if (track === this.#track) this.onFirstFrame?.(width, height, Math.max(0, Math.round(now - since)));
    });
  }
}

function fillingVideo() {
  const video = document.createElement('video');
  Object.assign(video.style, { width: '100%', height: '100%', objectFit: 'cover', display: 'block' });
  return video;
}

/**
 * @param {Source} source
 * @param {number | undefined} sourceType
 */
function fits(source, sourceType) {
  if (sourceType === VideoSourceType.Screen) return source === 'screen';
  return sourceType === VideoSourceType.Camera ? source !== 'screen' : true;
}

const SOURCE_TYPES = { camera: VideoSourceType.Camera, screen: VideoSourceType.Screen };
