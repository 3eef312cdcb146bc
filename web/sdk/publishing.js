// @ts-check
/**
 * What becomes of one's own tracks, told as publish states.
 */
import { PublishState, VideoSourceType } from './constants.js';

/** @typedef {'microphone' | 'camera' | 'screen'} ToldSource the sound of a screen goes with the microphone's state */

/**
 * @typedef {(change: { source: ToldSource, before: number, after: number, elapsed: number }) => void} Tell
 */

export const TOLD_SOURCES = /** @type {ToldSource[]} */ (['microphone', 'camera', 'screen']);

/** The source as a `VideoSourceType`. */
export const VIDEO_SOURCE_TYPES = { camera: VideoSourceType.Camera, screen: VideoSourceType.Screen };

/** Follows the publish state of each source and tells every step of it. */
export class PublishStates {
  /** @type {Record<ToldSource, { state: number, since: number }>} */
  #sources;
  #tell;

  /**
   * @param {number} now ms
   * @param {Tell} tell
   */
  constructor(now, tell) {
    this.#tell = tell;
    const idle = () => ({ state: PublishState.Idle, since: now });
    this.#sources = { microphone: idle(), camera: idle(), screen: idle() };
  }

  /**
   * @param {number} now ms
   * @param {Partial<Record<ToldSource, boolean>>} wanted what is to be sent, each with whether the server forwards it
   */
  inChannel(now, wanted) {
    for (const source of TOLD_SOURCES) {
      const confirmed = wanted[source];
      // Without any wish a source that never was published stays idle.
      if (confirmed === undefined && this.#sources[source].state === PublishState.Idle) continue;
      if (confirmed === undefined) this.#step(now, source, PublishState.NotPublished);
      else this.#publish(now, source, confirmed);
    }
  }

  /** @param {number} now ms */
  left(now) {
    for (const source of TOLD_SOURCES) this.#step(now, source, PublishState.Idle);
  }

  /**
   * @param {number} now
   * @param {ToldSource} source
   * @param {boolean} confirmed
   */
  #publish(now, source, confirmed) {
    if (this.#sources[source].state !== PublishState.Published) this.#step(now, source, PublishState.Publishing);
    if (confirmed) this.#step(now, source, PublishState.Published);
    // No longer confirmed, but still wanted: it is on its way again.
    else this.#step(now, source, PublishState.Publishing);
  }

  /**
   * @param {number} now
   * @param {ToldSource} source
   * @param {number} after
   */
  #step(now, source, after) {
    const { state: before, since } = this.#sources[source];
    if (before === after) return;
    this.#sources[source] = { state: after, since: now };
    this.#tell({ source, before, after, elapsed: Math.round(now - since) });
  }
}
