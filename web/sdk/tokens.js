// @ts-check
/**
 * The token of a stay, its renewals, and the warning that one is needed. What is in a token is the server's business.
 *
 * @import { ClientMessage, Ended, Privilege } from './protocol.d.ts'
 * @import { SessionEvent } from './session-io.d.ts'
 * @import { Timers } from './timers.js'
 */
import { ConnectionChangedReason as Reason, RenewTokenCode } from './constants.js';

/**
 * How a request gets to the server: it has been sent, it goes with the next join (or went with the one that has been
 * sent), or it follows the join that has been sent without it.
 *
 * @typedef {'message' | 'join' | 'afterJoin'} Way
 */

/** @typedef {{ id: number, token: string, way: Way }} Renewal */

/**
 * @typedef {object} Hooks
 * @property {(event: SessionEvent) => void} emit
 * @property {(message: ClientMessage) => void} send
 * @property {() => number} nextId
 * @property {Timers} timers
 */

/** A renewal, or a change of role, without an answer for so long has failed. */
export const REQUEST_MS = 10_000;
/** The server warns so long before a privilege ends. */
const WARNING_MS = 30_000;
/** The session itself warns when the server's warning is so late: it cannot warn during a break. */
const LATE_MS = 500;
/**
 * Renewals that a newer one overtook, or that got no answer in time, are remembered up to this many: one of them may
 * still be accepted.
 */
const MAX_OVERTAKEN = 16;

export class Tokens {
  #hooks;
  /** @type {string | null} */
  #inUse;
  /** @type {string | null} the token that the server last accepted, as long as it may be used again */
  #accepted = null;
  /** @type {Renewal | null} */
  #pending = null;
  /** @type {Map<number, string>} */
  #overtaken = new Map();
  /** @type {number | null} when the session ends, as the server last said */
  #expiresAt = null;
  /** Whether the application has been warned that the accepted token ends. */
  #warned = false;

  /**
   * @param {Hooks} hooks
   * @param {string | null} token that the application joins with
   */
  constructor(hooks, token) {
    this.#hooks = hooks;
    this.#inUse = token;
  }

  /** @returns {string | null} the token for the next join; null for none */
  get inUse() {
    return this.#inUse;
  }

  /** Whether a renewal is under way. */
  get pending() {
    return this.#pending !== null;
  }

  /** Whether a renewal is under way whose token the server has not judged. */
  get unjudged() {
    return this.#pending !== null && this.#pending.way !== 'join';
  }

  /**
   * The application has a new token.
   *
   * @param {number} now
   * @param {string} token
   * @param {Way} way
   */
  renew(now, token, way) {
    this.#overtake();
    this.settle(RenewTokenCode.Overtaken);
    this.#pending = { id: this.#hooks.nextId(), token, way };
    this.#hooks.timers.set('renewal', now + REQUEST_MS);
    if (way === 'message') this.#send(now, this.#pending);
    if (way === 'join') this.takeToJoin();
  }

  /** The next join presents the newest token. */
  takeToJoin() {
    if (!this.#pending) return;
    this.#pending.way = 'join';
    this.#overtaken.clear();
    this.#inUse = this.#pending.token;
  }

  /**
   * The join has been accepted, with whatever token it carried.
   *
   * @param {number} now
   */
  joined(now) {
    this.#accept(this.#inUse);
    if (this.#pending?.way === 'join') this.settle(RenewTokenCode.Success);
    else if (this.#pending?.way === 'afterJoin') this.#send(now, this.#pending);
  }

  /**
   * The server has answered a renewal.
   *
   * @param {number} id
   * @param {number} code
   */
  answered(id, code) {
    const current = id === this.#pending?.id;
    const token = current ? this.#pending?.token : this.#overtaken.get(id);
    this.#overtaken.delete(id);
    if (code === RenewTokenCode.Success && token !== undefined) {
      this.#accept(token);
      this.#inUse = token;
    }
    if (current) this.settle(code);
  }

  /**
   * @param {number} id of a request that failed for a reason of the server's
   * @returns {boolean} whether it was the renewal
   */
  failed(id) {
    if (id !== this.#pending?.id) return false;
    this.settle(RenewTokenCode.Failure);
    return true;
  }

  /**
   * A join was refused: what that says of the renewal that it tried.
   *
   * @param {Ended} ended
   */
  refused(ended) {
    this.settle(this.#pending?.way === 'join' ? outcome(ended) : RenewTokenCode.Failure);
  }

  /**
   * A new token that a rejoin tried was refused, and the old one may still be good: goes on with that one.
   *
   * @param {Ended} ended
   * @returns {boolean} whether there is an old one
   */
  revert(ended) {
    const aboutToken = ended.reason === Reason.InvalidToken || ended.reason === Reason.TokenExpired;
    if (!aboutToken || this.#accepted === null || this.#accepted === this.#inUse) return false;
    this.#inUse = this.#accepted;
    this.#hooks.emit({ type: 'error', code: ended.code, message: ended.message });
    this.refused(ended);
    return true;
  }

  /** The token is over: it must not be tried again. */
  expire() {
    this.#accepted = null;
  }

  /** A renewal got no answer in time. A late one is still believed. */
  timedOut() {
    this.#overtake();
    this.settle(RenewTokenCode.Failure);
  }

  /**
   * Tells the outcome of the renewal that is under way, if there is one.
   *
   * @param {number} code
   */
  settle(code) {
    if (!this.#pending) return;
    const { token } = this.#pending;
    this.#pending = null;
    this.#hooks.timers.clear('renewal');
    this.#hooks.emit({ type: 'renewTokenResult', token, code });
  }

  /**
   * The server has said how long the session may last.
   *
   * @param {number} now
   * @param {number | undefined} expiresInMs absent for ever
   */
  setExpiry(now, expiresInMs) {
    this.#expiresAt = expiresInMs === undefined ? null : now + expiresInMs;
    if (this.#expiresAt === null || this.#warned) this.#hooks.timers.clear('warning');
    else this.#hooks.timers.set('warning', Math.max(now, this.#expiresAt - WARNING_MS) + LATE_MS);
  }

  /**
   * The server's warning has not come.
   *
   * @param {number} now
   */
  warnLate(now) {
    this.warn(['join'], Math.max(0, (this.#expiresAt ?? now) - now));
  }

  /**
   * Warns, once for the end of the token itself.
   *
   * @param {Privilege[]} privileges
   * @param {number} expiresInMs
   */
  warn(privileges, expiresInMs) {
    if (privileges.includes('join')) {
      this.#hooks.timers.clear('warning');
      if (this.#warned) return;
      this.#warned = true;
    }
    this.#hooks.emit({ type: 'tokenWillExpire', token: this.#accepted ?? '' });
    this.#hooks.emit({ type: 'tokenExpiring', privileges, secondsLeft: Math.floor((expiresInMs + 500) / 1000) });
  }

  /** @param {string | null} token */
  #accept(token) {
    this.#warned &&= this.#accepted === token;
    this.#accepted = token;
  }

  #overtake() {
    if (this.#pending?.way !== 'message') return;
    this.#overtaken.set(this.#pending.id, this.#pending.token);
    const [oldest] = this.#overtaken.keys();
    if (this.#overtaken.size > MAX_OVERTAKEN && oldest !== undefined) this.#overtaken.delete(oldest);
  }

  /**
   * @param {number} now
   * @param {Renewal} renewal
   */
  #send(now, renewal) {
    renewal.way = 'message';
    this.#hooks.timers.set('renewal', now + REQUEST_MS);
    this.#hooks.send({ type: 'renewToken', id: renewal.id, token: renewal.token });
  }
}

/**
 * What the refusal of a join says about the token that it tried.
 *
 * @param {Ended} ended
 */
function outcome({ reason, slug }) {
  if (reason === Reason.TokenExpired) return RenewTokenCode.TokenExpired;
  if (reason !== Reason.InvalidToken) return RenewTokenCode.Failure;
  return SLUGS.get(slug) ?? RenewTokenCode.InvalidToken;
}

/** @type {Map<string, number>} */
const SLUGS = new Map([
  ['channel_mismatch', RenewTokenCode.InvalidChannelName],
  ['wildcard_not_allowed', RenewTokenCode.InvalidChannelName],
  ['app_id_mismatch', RenewTokenCode.InconsistentAppId],
]);
