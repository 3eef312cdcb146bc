// @ts-check
/**
 * Who is loud: the local user from the microphone itself, the others from what arrives.
 *
 * @import { AudioVolumeInfo, RtcConnection, RtcEngineEventHandler } from './types.d.ts'
 */

/** @typedef {{ uid: number, receiver: RTCRtpReceiver }} Voice */

/** The quietest level that counts, in decibels below full scale. */
const FLOOR_DB = -60;
/** Louder than this is taken for a voice. */
const VOICE_DB = -45;
/** The most remote users in one report. */
const MAX_REMOTE = 3;
/** A remote user who was silent for so long leaves the list, in ms. */
const SILENT_MS = 20_000;

export class VolumeMeter {
  #emit;
  #interval = 0;
  #smooth = 3;
  #reportVad = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {RtcConnection | null} */
  #connection = null;
  #microphone = new Microphone();
  /** @type {Voice[]} */
  #voices = [];
  /** @type {Map<RTCRtpReceiver, { uid: number, volume: number, packet: number, heardAt: number }>} */
  #heard = new Map();
  /** @type {Map<number, number>} what the server says, for browsers that cannot tell */
  #told = new Map();
  #local = 0;
  #activeSpeaker = 0;

  /** @param {(name: keyof RtcEngineEventHandler, ...args: unknown[]) => void} emit */
  constructor(emit) {
    this.#emit = emit;
  }

  /**
   * @param {number} interval ms; 0 or less: off
   * @param {number} smooth 0 to 10
   * @param {boolean} reportVad
   */
  configure(interval, smooth, reportVad) {
    this.#interval = Math.max(0, interval);
    this.#smooth = smooth;
    this.#reportVad = reportVad;
    this.#restart();
  }

  /** @param {MediaStreamTrack | null} track */
  setLocalTrack(track) {
    this.#microphone.setTrack(track);
  }

  /** @param {Voice[]} voices */
  setVoices(voices) {
    this.#voices = voices;
    for (const [receiver, { uid }] of this.#heard) {
      if (!voices.some((voice) => voice.receiver === receiver && voice.uid === uid)) this.#heard.delete(receiver);
    }
  }

  /** @param {{ uid: number, volume: number }[]} speakers who is loud, as the server hears it */
  setSpeakers(speakers) {
    this.#told = new Map(speakers.map(({ uid, volume }) => [uid, volume]));
  }

  /** @param {RtcConnection | null} connection null outside a channel */
  setConnection(connection) {
    if (!connection) this.#activeSpeaker = 0;
    this.#connection = connection;
    this.#restart();
  }

  close() {
    this.#interval = 0;
    this.setConnection(null);
    this.#microphone.close();
  }

  #restart() {
    clearInterval(this.#timer);
    const on = this.#interval > 0 && this.#connection !== null;
    this.#microphone.listen(on);
    if (on) this.#timer = setInterval(() => this.#report(), this.#interval);
  }

  #report() {
    const connection = this.#connection;
    if (!connection) return;
    this.#reportLocal(connection);
    this.#reportRemote(connection, performance.now());
  }

  /** @param {RtcConnection} connection */
  #reportLocal(connection) {
    const level = this.#microphone.level();
    this.#local = this.#smoothed(this.#local, toVolume(level));
    const vad = this.#reportVad && toDecibel(level) > VOICE_DB ? 1 : 0;
    const speakers = this.#microphone.open ? [speaker(0, this.#local, vad)] : [];
    this.#emit('onAudioVolumeIndication', connection, speakers, speakers.length, Math.round(this.#local));
  }

  /**
   * @param {RtcConnection} connection
   * @param {number} now
   */
  #reportRemote(connection, now) {
    for (const voice of this.#voices) this.#measure(voice, now);
    /** @type {Map<number, number>} */
    const volumes = new Map();
    for (const { uid, volume, heardAt } of this.#heard.values()) {
      if (now - heardAt < SILENT_MS) volumes.set(uid, Math.max(volume, volumes.get(uid) ?? 0));
    }
    const loudest = [...volumes].sort(([, a], [, b]) => b - a).slice(0, MAX_REMOTE);
    const speakers = loudest.map(([uid, volume]) => speaker(uid, volume, 1));
    const total = Math.min(255, speakers.reduce((sum, { volume }) => sum + volume, 0));
    this.#emit('onAudioVolumeIndication', connection, speakers, speakers.length, total);
    this.#tellActiveSpeaker(connection, speakers[0]);
  }

  /**
   * @param {Voice} voice
   * @param {number} now
   */
  #measure({ uid, receiver }, now) {
    const source = receiver.getSynchronizationSources()[0];
    const before = this.#heard.get(receiver) ?? { volume: 0, packet: -1, heardAt: -Infinity };
    // The same packet as last time: nothing has come since.
    const fresh = source !== undefined && source.rtpTimestamp !== before.packet;
    const level = source?.audioLevel;
    const loud = !fresh ? 0 : level === undefined ? (this.#told.get(uid) ?? 0) : toVolume(level);
    this.#heard.set(receiver, {
      uid,
      volume: this.#smoothed(before.volume, loud),
      packet: source?.rtpTimestamp ?? before.packet,
      heardAt: loud > 0 ? now : before.heardAt,
    });
  }

  /**
   * @param {RtcConnection} connection
   * @param {AudioVolumeInfo | undefined} loudest
   */
  #tellActiveSpeaker(connection, loudest) {
    if (!loudest || loudest.volume < toVolume(10 ** (VOICE_DB / 20)) || loudest.uid === this.#activeSpeaker) return;
    this.#activeSpeaker = loudest.uid;
    this.#emit('onActiveSpeaker', connection, loudest.uid);
  }

  /**
   * @param {number} before
   * @param {number} now
   */
  #smoothed(before, now) {
    return before + (now - before) / (1 + this.#smooth / 2);
  }
}

/** Measures the microphone, whether or not it is sent. */
class Microphone {
  /** @type {MediaStreamTrack | null} */
  #track = null;
  #on = false;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {{ source: MediaStreamAudioSourceNode, analyser: AnalyserNode } | null} */
  #nodes = null;

  get open() {
    return this.#track !== null;
  }

  /** @param {MediaStreamTrack | null} track */
  setTrack(track) {
    if (track === this.#track) return;
    this.#track = track;
    this.#reconnect();
  }

  /** @param {boolean} on */
  listen(on) {
    if (on === this.#on) return;
    this.#on = on;
    this.#reconnect();
  }

  /** The level now, 0 to 1. */
  level() {
    if (!this.#nodes || !this.#context) return 0;
    // Suspended until the page has had a gesture.
    if (this.#context.state === 'suspended') this.#context.resume().catch(() => undefined);
    const samples = new Float32Array(this.#nodes.analyser.fftSize);
    this.#nodes.analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }

  close() {
    this.setTrack(null);
    this.#context?.close().catch(() => undefined);
    this.#context = null;
  }

  #reconnect() {
    this.#nodes?.source.disconnect();
    this.#nodes = null;
    if (!this.#on || !this.#track || !('AudioContext' in globalThis)) return;
    this.#context ??= new AudioContext();
    const source = this.#context.createMediaStreamSource(new MediaStream([this.#track]));
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    source.connect(analyser);
    this.#nodes = { source, analyser };
  }
}

/** @param {number} level 0 to 1 */
const toDecibel = (level) => 20 * Math.log10(Math.max(level, 1e-6));

/**
 * The level as 0 to 255: even steps of loudness, not of amplitude.
 *
 * @param {number} level 0 to 1
 */
function toVolume(level) {
  return 255 * Math.min(1, Math.max(0, 1 - toDecibel(level) / FLOOR_DB));
}

/**
 * @param {number} uid
 * @param {number} volume
 * @param {number} vad
 * @returns {AudioVolumeInfo}
 */
const speaker = (uid, volume, vad) => ({ uid, volume: Math.round(volume), vad, voicePitch: 0 });
