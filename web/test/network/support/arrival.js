// @ts-check
/**
 * What arrives at a viewer over time: the readings of its page, and what can be said of a span of them.
 *
 * @import { Caller } from '../../browser/support/caller.js'
 * @import { Reading } from '../../browser/page/gauge.js'
 *
 * @typedef {object} Span what a viewer saw and heard for a while
 * @property {number} seconds
 * @property {number} fps frames decoded a second
 * @property {number} freezes as the browser counts them
 * @property {number} frozenMs
 * @property {number} gapMs the longest time between two frames that were shown
 * @property {number} keyframes
 * @property {number} height lines of the picture at the end
 * @property {number} kbit of video a second
 * @property {number} videoLost part of its packets, those that came again left out
 * @property {number} audioLost part of its packets
 * @property {number} concealed part of the sound that was made up
 * @property {number} soundless windows of two seconds in which nothing was heard
 * @property {number} nacks
 * @property {number} plis
 */
import assert from 'node:assert/strict';
import { eventually } from '../../browser/support/wait.js';

/** In so long the fake microphone beeps more than once, in ms. */
const HEARD_WITHIN_MS = 2_000;
/** Energy of less than a hundredth of a beep. */
const AUDIBLE = 1e-5;
/** Frames a second of a call that runs well; the fake camera makes 20. */
const STEADY_FPS = 15;

/** The clock of all pages and of this process, in ms. */
export const clock = () => performance.timeOrigin + performance.now();

export class Arrival {
  /** @type {Reading[]} */
  #readings = [];

  /**
   * @param {Caller} viewer
   * @param {number} uid
   */
  constructor(viewer, uid) {
    this.viewer = viewer;
    this.uid = uid;
  }

  /**
   * Watches a user's picture and sound from now on.
   *
   * @param {Caller} viewer
   * @param {number} uid
   */
  static async of(viewer, uid) {
    await viewer.watchArrival(uid);
    await viewer.watchFrames(uid);
    return new Arrival(viewer, uid);
  }

  /**
   * Waits until the call has run well for so long, and tells of that time.
   *
   * @param {number} forMs
   * @param {{ kbit?: number, within?: number }} [wishes] `kbit`: with at least so much video a second
   */
  async steady(forMs, { kbit = 0, within = 30_000 } = {}) {
    return eventually(async () => {
      await this.#read();
      const now = this.#last.at;
      assert.ok(now - (this.#readings[0]?.at ?? now) >= forMs, 'the call has only begun');
      const span = await this.between(now - forMs, now);
      assert.ok(span.fps >= STEADY_FPS && span.gapMs < 500 && span.kbit >= kbit, `the call does not run well: ${JSON.stringify(span)}`);
      assert.ok(this.#audible(now - forMs, now), 'nothing is heard');
      return span;
    }, { within });
  }

  /**
   * Waits until so much time has been read after a moment, and tells of it.
   *
   * @param {number} from
   * @param {number} forMs
   */
  async after(from, forMs) {
    await this.#until(from + forMs);
    return this.between(from, from + forMs);
  }

  /**
   * How long after a moment the picture came at this rate for a second, in ms.
   *
   * @param {number} from
   * @param {number} fps
   * @param {number} within ms
   */
  async backAfter(from, fps, within) {
    await this.#until(from + within + 1_000);
    const back = this.#readings.find(({ at }) =>
      at >= from && this.#rate(at, at + 1_000, (reading) => reading.picture.framesDecoded) >= fps);
    return back && back.at <= from + within ? back.at - from : Infinity;
  }

  /**
   * @param {number} from
   * @param {number} to
   * @returns {Promise<Span>}
   */
  async between(from, to) {
    const frames = await this.viewer.frameTimes(this.uid);
    const seconds = (to - from) / 1000;
    const sum = (/** @type {(reading: Reading) => number} */ count) => this.#risen(from, to, count);
    const share = (/** @type {number} */ part, /** @type {number} */ whole) => (whole > 0 ? round(part / whole, 3) : 0);
    const heard = sum(({ sound }) => sound.packetsReceived);
    const missed = sum(({ sound }) => sound.packetsLost);
    const shown = sum(({ picture }) => picture.packetsReceived);
    const unseen = sum(({ picture }) => picture.packetsLost);
    return {
      seconds: round(seconds, 1),
      fps: round(sum(({ picture }) => picture.framesDecoded) / seconds, 1),
      freezes: sum(({ picture }) => picture.freezeCount),
      frozenMs: Math.round(1000 * sum(({ picture }) => picture.totalFreezesDuration)),
      gapMs: longestGap(frames, from, to),
      keyframes: sum(({ picture }) => picture.keyFramesDecoded),
      height: this.#readings.findLast(({ at }) => at <= to)?.picture.frameHeight ?? 0,
      kbit: Math.round((sum(({ picture }) => picture.bytesReceived) * 8) / 1000 / seconds),
      videoLost: share(unseen, shown + unseen),
      audioLost: share(missed, heard + missed),
      concealed: share(sum(({ sound }) => sound.concealedSamples - sound.silentConcealedSamples),
        sum(({ sound }) => sound.totalSamplesReceived)),
      soundless: this.#soundless(from, to),
      nacks: sum(({ picture }) => picture.nackCount),
      plis: sum(({ picture }) => picture.pliCount),
    };
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #soundless(from, to) {
    const windows = Math.max(1, Math.floor((to - from) / HEARD_WITHIN_MS));
    const starts = Array.from({ length: windows }, (_, index) => from + index * HEARD_WITHIN_MS);
    return starts.filter((start) => !this.#audible(start, start + HEARD_WITHIN_MS)).length;
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #audible(from, to) {
    return this.#risen(from, to, ({ sound }) => sound.totalAudioEnergy) > AUDIBLE;
  }

  /**
   * By how much a count rose. One that falls belongs to a new connection, which counts from zero.
   *
   * @param {number} from
   * @param {number} to
   * @param {(reading: Reading) => number} count
   */
  #risen(from, to, count) {
    let before = this.#readings.findLastIndex(({ at }) => at <= from);
    if (before < 0) before = 0;
    const counts = this.#readings.slice(before).filter(({ at }) => at <= to).map(count);
    return counts.slice(1).reduce((sum, value, index) => {
      const last = Number(counts[index]);
      return sum + (value >= last ? value - last : value);
    }, 0);
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {(reading: Reading) => number} count
   */
  #rate(from, to, count) {
    return this.#risen(from, to, count) / ((to - from) / 1000);
  }

  /** @param {number} moment waits until this has been read */
  async #until(moment) {
    await eventually(async () => {
      await this.#read();
      assert.ok(this.#last.at >= moment, 'the viewer has stopped reading');
    }, { within: Math.max(moment - clock(), 0) + 10_000, every: 100 });
  }

  async #read() {
    this.#readings.push(...(await this.viewer.arrival(this.#readings.length)));
  }

  get #last() {
    const last = this.#readings.at(-1);
    if (!last) throw new Error('nothing has been read yet');
    return last;
  }
}

/**
 * @param {number[]} frames
 * @param {number} from
 * @param {number} to
 */
function longestGap(frames, from, to) {
  const times = [from, ...frames.filter((time) => from < time && time < to), to];
  return Math.round(Math.max(...times.slice(1).map((time, index) => time - Number(times[index]))));
}

/**
 * @param {number} value
 * @param {number} digits
 */
function round(value, digits) {
  return Number(value.toFixed(digits));
}
