// @ts-check
/**
 * Sees from the browser's statistics what is decoded in each slot: first frames, sizes, freezes.
 *
 * @import { Kind } from './protocol.d.ts'
 */

/**
 * @typedef {object} Watched what one slot carries
 * @property {string} mid
 * @property {string} trackId of the track that comes out of it; not every browser tells the mid in its statistics
 * @property {number} publication
 * @property {number} uid
 * @property {Kind} kind
 * @property {boolean} still whether pictures may rightly stay the same for long, as a screen's do
 */

/**
 * @typedef {object} Sight
 * @property {number} publication
 * @property {number} count frames or packets so far
 * @property {number} changedAt when the count last rose; -1 when it has not risen since the slot was taken
 * @property {boolean} frozen
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {{ type: 'decoded', watched: Watched, width: number, height: number, again: boolean }
 *   | { type: 'frozen', watched: Watched }
 *   | { type: 'resized', watched: Watched, width: number, height: number }} Sighting
 */

/** Nothing decoded for so long counts as frozen, in ms. */
const FROZEN_MS = 3_000;
/** After a gap of so long the next frame counts as a first one, in ms. */
const GAP_MS = 15_000;

export class Watch {
  /** @type {Map<string, Sight>} by mid */
  #sights = new Map();
  /** @type {Watched[]} */
  #watched = [];
  /** @type {Set<string>} slots that have carried something before, so that their counters do not start at zero */
  #used = new Set();

  /** Whether something is awaited, so that looking often is worth it. */
  get waiting() {
    return this.#watched.some(({ mid }) => (this.#sights.get(mid)?.changedAt ?? -1) < 0);
  }

  /** @param {Watched[]} watched what the slots carry and is wanted and not muted */
  setSlots(watched) {
    this.#watched = watched;
    const carried = new Map(watched.map(({ mid, publication }) => [mid, publication]));
    for (const [mid, { publication }] of this.#sights) if (carried.get(mid) !== publication) this.#sights.delete(mid);
  }

  /** Another connection follows. */
  clear() {
    this.#sights.clear();
    this.#used.clear();
  }

  /**
   * @param {number} now ms
   * @param {Iterable<any>} entries a statistics report of the browser
   * @returns {Sighting[]}
   */
  look(now, entries) {
    const inbound = [...entries].filter(({ type }) => type === 'inbound-rtp');
    return this.#watched.flatMap((watched) => {
      const { mid, trackId } = watched;
      const entry = inbound.find((one) => (one.mid === undefined ? one.trackIdentifier === trackId : one.mid === mid));
      return entry ? this.#compare(now, watched, entry) : [];
    });
  }

  /**
   * @param {number} now
   * @param {Watched} watched
   * @param {{ framesDecoded?: number, packetsReceived?: number, frameWidth?: number, frameHeight?: number }} entry
   * @returns {Sighting[]}
   */
  #compare(now, watched, { framesDecoded = 0, packetsReceived = 0, frameWidth = 0, frameHeight = 0 }) {
    const count = watched.kind === 'video' ? framesDecoded : packetsReceived;
    const before = this.#sights.get(watched.mid) ?? this.#begin(watched, count);
    if (count <= before.count) return this.#stuck(now, watched, before);
    const { changedAt, frozen, width, height } = before;
    const gap = changedAt >= 0 && now - changedAt >= GAP_MS;
    const resized = watched.kind === 'video' && (frameWidth !== width || frameHeight !== height);
    Object.assign(before, { count, changedAt: now, frozen: false, width: frameWidth, height: frameHeight });
    /** @type {Sighting[]} */
    const seen = [];
    const size = { width: frameWidth, height: frameHeight };
    if (changedAt < 0 || frozen || gap) seen.push({ type: 'decoded', watched, ...size, again: gap });
    if (resized) seen.push({ type: 'resized', watched, ...size });
    return seen;
  }

  /**
   * @param {Watched} watched
   * @param {number} count where the slot's counter stands
   */
  #begin({ mid, publication }, count) {
    const baseline = this.#used.has(mid) ? count : 0;
    const sight = { publication, count: baseline, changedAt: -1, frozen: false, width: 0, height: 0 };
    this.#used.add(mid);
    this.#sights.set(mid, sight);
    return sight;
  }

  /**
   * @param {number} now
   * @param {Watched} watched
   * @param {Sight} sight
   * @returns {Sighting[]}
   */
  #stuck(now, watched, sight) {
    const frozen = !watched.still && !sight.frozen && sight.changedAt >= 0 && now - sight.changedAt >= FROZEN_MS;
    if (!frozen) return [];
    sight.frozen = true;
    return [{ type: 'frozen', watched }];
  }
}
