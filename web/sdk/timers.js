// @ts-check

/**
 * What a session waits for. Of two at the same moment the earlier in this list goes first.
 *
 * @typedef {'attempt' | 'ping' | 'moving' | 'silence' | 'lost' | 'giveUp' | 'renewal' | 'role' | 'warning'} Timer
 */

/** @type {Timer[]} */
const ORDER = ['attempt', 'ping', 'moving', 'silence', 'lost', 'giveUp', 'renewal', 'role', 'warning'];

/** Everything that a session waits for, in one table. Times are milliseconds. */
export class Timers {
  /** @type {Map<Timer, number>} */
  #due = new Map();

  /**
   * @param {Timer} timer
   * @param {number} at
   */
  set(timer, at) {
    this.#due.set(timer, at);
  }

  /** @param {...Timer} timers */
  clear(...timers) {
    for (const timer of timers) this.#due.delete(timer);
  }

  clearAll() {
    this.#due.clear();
  }

  /** @returns {number | null} when the next one is due */
  next() {
    return this.#due.size === 0 ? null : Math.min(...this.#due.values());
  }

  /**
   * Takes the earliest that is due.
   *
   * @param {number} now
   * @returns {Timer | null}
   */
  popDue(now) {
    const at = this.next();
    if (at === null || at > now) return null;
    const timer = ORDER.find((candidate) => this.#due.get(candidate) === at) ?? null;
    if (timer) this.#due.delete(timer);
    return timer;
  }
}
