// @ts-check
/**
 * The token of a session and its renewals. What is in a token is the server's business.
 *
 * @import { ClientMessage, Privilege } from './protocol.d.ts'
 * @import { SessionEvent } from './session-io.d.ts'
 * @import { Timers } from './timers.js'
 */
import { ErrorCode, RenewTokenCode } from './constants.js';

/** @typedef {{ id: number, token: string, sent: 'wire' | 'join' | 'later' }} Renewal */

/**
 * @typedef {object} Hooks
 * @property {(event: SessionEvent) => void} emit
 * @property {(message: ClientMessage) => void} send
 * @property {() => number} nextId
 * @property {Timers} timers
 */

/** A renewal without an answer has failed. */
const ANSWER_MS = 10_000;

export class Tokens {
  #hooks;
  /** @type {string | null} */
  #inUse = null;
  /** @type {string | null} the token that the server last accepted, as long as it may be used again */
  #accepted = null;
  /** @type {Renewal | null} */
  #renewal = null;
  /** @type {Map<number, string>} tokens of renewals that a newer one overtook; one of them may still be accepted */
  #overtaken = new Map();

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** @returns {string | null} the token for the next join; null for none */
  get inUse() {
    return this.#inUse;
  }

  /** @param {string | null} token that the application joins with */
  start(token) {
    this.#inUse = token;
  }

  /**
   * The application has a new token.
   *
   * @param {number} now
   * @param {string} token
   * @param {Renewal['sent']} way on a live connection, with the next join, or after the join that is under way
   */
  renew(now, token, way) {
    if (this.#renewal?.sent === 'wire') this.#overtaken.set(this.#renewal.id, this.#renewal.token);
    this.settle(RenewTokenCode.Overtaken);
    this.#renewal = { id: this.#hooks.nextId(), token, sent: way };
    this.#hooks.timers.set('renewal', now + ANSWER_MS);
    if (way === 'wire') this.#send(this.#renewal);
    if (way === 'join') this.useForJoin();
  }

  /** A renewal that is under way goes with the next join, since its answer will not come any more. */
  useForJoin() {
    this.#overtaken.clear();
    if (!this.#renewal) return;
    this.#renewal.sent = 'join';
    this.#inUse = this.#renewal.token;
  }

  /**
   * The join has succeeded with the token in use.
   *
   * @param {number} now
   */
  joined(now) {
    this.#accepted = this.#inUse;
    if (this.#renewal?.sent === 'join') return this.settle(RenewTokenCode.Success);
    if (this.#renewal?.sent !== 'later') return;
    this.#send(this.#renewal);
    this.#hooks.timers.set('renewal', now + ANSWER_MS);
  }

  /**
   * The server has answered a renewal.
   *
   * @param {number} id
   * @param {number} code
   */
  answered(id, code) {
    const current = id === this.#renewal?.id;
    const token = current ? this.#renewal?.token : this.#overtaken.get(id);
    this.#overtaken.delete(id);
    if (code === RenewTokenCode.Success && token !== undefined) {
      this.#accepted = token;
      this.#inUse = token;
    }
    if (current) this.settle(code);
  }

  /**
   * @param {number} id of a request that failed
   * @returns {boolean} whether it was a renewal
   */
  failed(id) {
    if (id !== this.#renewal?.id) return this.#overtaken.delete(id);
    this.settle(RenewTokenCode.Failure);
    return true;
  }

  /**
   * A rejoin tried out a new token and was refused: the old one may still be good.
   *
   * @param {number} code of the refusal
   * @returns {boolean} whether to try again with the old one, which is in use now
   */
  revert(code) {
    const aboutToken = code === ErrorCode.InvalidToken || code === ErrorCode.TokenExpired;
    if (!aboutToken || this.#renewal?.sent !== 'join' || this.#accepted === null) return false;
    this.settle(outcome(code));
    this.#inUse = this.#accepted;
    return true;
  }

  /**
   * The server has ended the session: no token so far is of use any more.
   *
   * @param {number} code
   */
  ended(code) {
    this.settle(outcome(code));
    this.#accepted = null;
    this.#overtaken.clear();
  }

  /**
   * Tells the outcome of the renewal that is under way, if there is one.
   *
   * @param {number} code
   */
  settle(code) {
    if (!this.#renewal) return;
    const { token } = this.#renewal;
    this.#renewal = null;
    this.#hooks.timers.clear('renewal');
    this.#hooks.emit({ type: 'renewTokenResult', token, code });
  }

  /**
   * @param {Privilege[]} privileges
   * @param {number} expiresInMs
   */
  warn(privileges, expiresInMs) {
    this.#hooks.emit({ type: 'tokenWillExpire', token: this.#inUse ?? '' });
    this.#hooks.emit({ type: 'tokenExpiring', privileges, secondsLeft: Math.round(expiresInMs / 1000) });
  }

  /** @param {Renewal} renewal */
  #send(renewal) {
    renewal.sent = 'wire';
    this.#hooks.send({ type: 'renewToken', id: renewal.id, token: renewal.token });
  }
}

/**
 * What the refusal of a join means for the token that it tried out.
 *
 * @param {number} code
 */
function outcome(code) {
  if (code === ErrorCode.TokenExpired) return RenewTokenCode.TokenExpired;
  return code === ErrorCode.InvalidToken ? RenewTokenCode.InvalidToken : RenewTokenCode.Failure;
}
