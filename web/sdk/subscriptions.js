// @ts-check
/**
 * Which users' media is wanted: a rule for everyone, and exceptions.
 *
 * @import { Kind, Subscribe } from './protocol.d.ts'
 */

/** The server takes no more. */
export const MAX_EXCEPTIONS = 1024;
/** The most views that the server takes. */
export const MAX_VIEWS = 1024;

export class Subscriptions {
  /** @type {Partial<Record<Kind, boolean>>} a call for all users, which overrides the join options */
  #all = {};
  /** @type {Map<string, { uid: number, kind: Kind, wanted: boolean }>} */
  #exceptions = new Map();

  /**
   * One user's media.
   *
   * @param {Kind} kind
   * @param {number} uid
   * @param {boolean} wanted
   * @returns {boolean} false when there are too many exceptions already
   */
  setOne(kind, uid, wanted) {
    const key = `${kind} ${uid}`;
    if (!this.#exceptions.has(key) && this.#exceptions.size >= MAX_EXCEPTIONS) return false;
    this.#exceptions.set(key, { uid, kind, wanted });
    return true;
  }

  /**
   * Everyone's media, also of those who come later. Earlier calls for single users no longer count.
   *
   * @param {Kind} kind
   * @param {boolean} wanted
   */
  setAll(kind, wanted) {
    this.#all[kind] = wanted;
    for (const [key, exception] of this.#exceptions) if (exception.kind === kind) this.#exceptions.delete(key);
  }

  /** Forgets everything, as a leave does. */
  clear() {
    this.#all = {};
    this.#exceptions.clear();
  }

  /**
   * @param {{ audio: boolean, video: boolean, audioModule: boolean, videoModule: boolean }} rules the options of the
   *   connection, and which modules are on: without its module nothing of a kind is wanted
   * @returns {Subscribe}
   */
  toMessage(rules) {
    const on = { audio: rules.audioModule, video: rules.videoModule };
    return {
      audio: on.audio && (this.#all.audio ?? rules.audio),
      video: on.video && (this.#all.video ?? rules.video),
      except: [...this.#exceptions.values()].filter(({ kind }) => on[kind]),
    };
  }
}
