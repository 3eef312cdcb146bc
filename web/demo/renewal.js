// @ts-check
/**
 * Keeps the token fresh: asks for a new one when the network warns, or when the visitor wishes.
 *
 * @import { Store } from './store.js'
 * @import { Call } from './call.js'
 */
import { renewDelay } from './clock.js';
import { callFault, renewalFault } from './words.js';

/** How long after a failed renewal the next attempt comes, in ms. */
const RETRY_MS = 3_000;

/** The renewal of one call's token. */
export class Renewal {
  #store;
  #call;
  #newToken;
  #auto = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Store} store
   * @param {Call} call
   * @param {() => Promise<string>} newToken
   */
  constructor(store, call, newToken) {
    this.#store = store;
    this.#call = call;
    this.#newToken = newToken;
    call.hooks.willExpire = () => this.#warned();
    store.listen((_action, state, before) => {
      if (state.phase !== before.phase && state.phase !== 'call') clearTimeout(this.#timer);
    });
  }

  get auto() {
    return this.#auto;
  }

  /** @param {boolean} auto whether to renew without being asked */
  set auto(auto) {
    this.#auto = auto;
    clearTimeout(this.#timer);
    if (auto && this.#isWarned) this.#warned();
  }

  /**
   * @param {string} [token] brought by the visitor; fetched when there is none
   * @returns {Promise<boolean>} whether it worked
   */
  async now(token) {
    clearTimeout(this.#timer);
    if (this.#store.state.token.busy) return false;
    this.#change({ busy: true, fault: '' });
    const fault = await this.#attempt(token);
    this.#change({ busy: false, fault });
    if (fault && this.#auto && !token && this.#isWarned) this.#later(RETRY_MS);
    return fault === '';
  }

  /**
   * @param {string | undefined} token
   * @returns {Promise<string>} why it failed
   */
  async #attempt(token) {
    try {
      const code = await this.#call.renew(token ?? (await this.#newToken()));
      return code < 0 ? callFault(code) : renewalFault(code);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #warned() {
    if (!this.#auto) return;
    this.#later(renewDelay(this.#leftMs));
  }

  /** @param {number} delayMs */
  #later(delayMs) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.now(), delayMs);
  }

  get #leftMs() {
    const { endsAt } = this.#store.state.token;
    return endsAt === null ? Infinity : endsAt - Date.now();
  }

  get #isWarned() {
    return this.#store.state.phase === 'call' && this.#leftMs > 0 && this.#leftMs <= 30_000;
  }

  /** @param {Partial<import('./state.js').TokenState>} change */
  #change(change) {
    this.#store.dispatch({ type: 'token', change });
  }
}
