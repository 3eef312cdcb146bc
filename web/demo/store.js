// @ts-check
/**
 * Holds the state, and tells the views of changes.
 *
 * @import { Action, State } from './state.js'
 */
import { START, reduce } from './state.js';

/** @typedef {(state: State, before: State) => void} View */
/** @typedef {(action: Action, state: State, before: State) => void} Listener */

/** One state and everyone who looks at it. */
export class Store {
  /** @type {State} */
  #state = START;
  /** @type {State} what the views have seen */
  #shown = START;
  #waiting = false;
  /** @type {View[]} */
  #views = [];
  /** @type {Listener[]} */
  #listeners = [];

  get state() {
    return this.#state;
  }

  /** @param {Action} action */
  dispatch(action) {
    const before = this.#state;
    this.#state = reduce(before, action);
    for (const listener of this.#listeners) listener(action, this.#state, before);
    if (this.#state !== before) this.#showSoon();
  }

  /**
   * Called with the newest state after a burst of changes, and once at the start.
   *
   * @param {View} view
   */
  view(view) {
    this.#views.push(view);
    view(this.#state, this.#state);
  }

  /**
   * Called for every single action.
   *
   * @param {Listener} listener
   */
  listen(listener) {
    this.#listeners.push(listener);
  }

  #showSoon() {
    if (this.#waiting) return;
    this.#waiting = true;
    // Not an animation frame: those do not come while the page is in the background, and the title has to go on.
    queueMicrotask(() => {
      this.#waiting = false;
      const before = this.#shown;
      this.#shown = this.#state;
      for (const view of this.#views) view(this.#shown, before);
    });
  }
}
