// @ts-check
/**
 * The role in a stay: the one held, the one wanted, and the request between them.
 *
 * @import { Role } from './protocol.d.ts'
 * @import { Hooks, Way } from './tokens.js'
 */
import { ClientRoleChangeFailedReason, ErrorCode } from './constants.js';
import { REQUEST_MS } from './tokens.js';

export class Roles {
  #hooks;
  /** @type {Role | null} */
  #held = null;
  /** @type {Role} */
  #asked;
  /** @type {{ id: number, role: Role } | null} */
  #request = null;

  /**
   * @param {Hooks} hooks
   * @param {Role} role that the application joins with
   */
  constructor(hooks, role) {
    this.#hooks = hooks;
    this.#asked = role;
  }

  /** @returns {Role | null} null before the first join */
  get held() {
    return this.#held;
  }

  /** @returns {Role} the role that the application wants: the one it asked for, unless that was refused */
  get asked() {
    return this.#asked;
  }

  /**
   * @param {number} now
   * @param {Role} role
   * @param {Way | 'none'} way `none` while the session waits for a token: nobody answers then
   */
  ask(now, role, way) {
    const id = this.#hooks.nextId();
    if (role === this.#held && role === this.#asked && !this.#request) return;
    if (way === 'message') this.#hooks.send({ type: 'setRole', id, role });
    if (way === 'join' || way === 'none') this.#asked = role;
    if (way === 'none') return;
    this.#request = { id, role };
    this.#hooks.timers.set('role', now + REQUEST_MS);
  }

  /** @param {Role} held what the join gave */
  joined(held) {
    this.#hold(held);
    const request = this.#request;
    if (!request) return;
    // The join has carried it; if it was refused, the server says so.
    if (request.role === held || request.role === this.#asked) this.#forget();
    else this.#hooks.send({ type: 'setRole', id: request.id, role: request.role });
  }

  /**
   * @param {Role} role
   * @param {number | undefined} id absent when nobody asked
   */
  changed(role, id) {
    // A role that the server took away is still wanted: a renewal gives it back.
    if (id !== undefined) this.#asked = role;
    if (id !== undefined && id === this.#request?.id) this.#forget();
    this.#hold(role);
  }

  /** @param {{ id?: number, reason: number, role: Role, message: string }} refusal */
  refused({ id, reason, role, message }) {
    this.#asked = role;
    this.#held = role;
    if (id === undefined || id === this.#request?.id) this.#forget();
    this.#hooks.emit({ type: 'clientRoleChangeFailed', reason, currentRole: role });
    if (reason !== ClientRoleChangeFailedReason.NotAuthorized) return;
    this.#hooks.emit({ type: 'error', code: ErrorCode.SetClientRoleNotAuthorized, message });
  }

  /**
   * @param {number} id of a request that failed for a reason of the server's
   * @returns {boolean} whether it was the role's
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
    this.#asked = this.#held ?? this.#asked;
    this.#hooks.emit({ type: 'clientRoleChangeFailed', reason, currentRole: this.#asked });
  }

  /** @param {Role} role */
  #hold(role) {
    const oldRole = this.#held;
    this.#held = role;
    if (oldRole !== null && oldRole !== role) this.#hooks.emit({ type: 'clientRoleChanged', oldRole, newRole: role });
  }

  #forget() {
    this.#request = null;
    this.#hooks.timers.clear('role');
  }
}
