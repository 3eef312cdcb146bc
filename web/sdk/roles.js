// @ts-check
/**
 * The role of a session: the one held, the one wanted, and the request between them.
 *
 * @import { Role } from './protocol.d.ts'
 * @import { Hooks } from './tokens.js'
 */
import { ClientRoleChangeFailedReason, ErrorCode } from './constants.js';

/** A change without an answer has failed. */
const ANSWER_MS = 10_000;

export class Roles {
  #hooks;
  /** @type {Role} */
  #held = 'audience';
  /** @type {Role} */
  #asked = 'audience';
  /** @type {{ id: number, role: Role } | null} */
  #request = null;

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  get held() {
    return this.#held;
  }

  /** @returns {Role} the role that the application wants: the one it asked for, unless that was refused */
  get asked() {
    return this.#asked;
  }

  /** @param {Role} role that the application joins with */
  start(role) {
    this.#held = role;
    this.#asked = role;
  }

  /**
   * @param {number} now
   * @param {Role} role
   * @param {'wire' | 'join' | 'later'} way on a live connection, with the next join, or after the one under way
   */
  ask(now, role, way) {
    this.#request = { id: this.#hooks.nextId(), role };
    this.#hooks.timers.set('role', now + ANSWER_MS);
    if (way === 'wire') this.#hooks.send({ type: 'setRole', id: this.#request.id, role });
    if (way === 'join') this.#asked = role;
  }

  /**
   * @param {Role} held what the join gave
   * @param {boolean} first whether it was the first join; its role is no change
   */
  joined(held, first) {
    const request = this.#request;
    if (first) this.#held = held;
    else this.#hold(held);
    if (!request) return;
    if (held === request.role) this.#forget();
    else this.#hooks.send({ type: 'setRole', id: request.id, role: request.role });
  }

  /**
   * @param {Role} role
   * @param {number | undefined} id absent when nobody asked
   */
  changed(role, id) {
    if (id !== undefined && id === this.#request?.id) this.#forget();
    if (id !== undefined) this.#asked = role;
    this.#hold(role);
  }

  /** @param {{ id?: number, reason: number, role: Role, message: string }} refusal */
  refused({ id, reason, role, message }) {
    if (id === undefined || id === this.#request?.id) this.#forget();
    this.#asked = role;
    this.#held = role;
    this.#hooks.emit({ type: 'clientRoleChangeFailed', reason, currentRole: role });
    if (reason !== ClientRoleChangeFailedReason.NotAuthorized) return;
    this.#hooks.emit({ type: 'error', code: ErrorCode.SetClientRoleNotAuthorized, message });
  }

  /**
   * @param {number} id of a request that failed
   * @returns {boolean} whether it was a change of role
   */
  failed(id) {
    if (id !== this.#request?.id) return false;
    this.fail(ClientRoleChangeFailedReason.ConnectionFailed);
    return true;
  }

  /** @param {number} reason why the request under way will not be answered */
  fail(reason) {
    if (!this.#request) return;
    this.#forget();
    this.#asked = this.#held;
    this.#hooks.emit({ type: 'clientRoleChangeFailed', reason, currentRole: this.#held });
  }

  /** @param {Role} role */
  #hold(role) {
    const oldRole = this.#held;
    this.#held = role;
    if (oldRole !== role) this.#hooks.emit({ type: 'clientRoleChanged', oldRole, newRole: role });
  }

  #forget() {
    this.#request = null;
    this.#hooks.timers.clear('role');
  }
}
