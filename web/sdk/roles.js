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
  /** Whether the server took away the role that is wanted still: it is asked for again once the token allows it. */
  #taken = false;

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
    this.#taken = false;
    if (way === 'message') this.#hooks.send({ type: 'setRole', id, role });
    if (way === 'join' || way === 'none') this.#asked = role;
    if (way === 'none') return;
    this.#request = { id, role };
    this.#hooks.timers.set('role', now + REQUEST_MS);
  }

  /** @param {Role} held what the join gave */
  joined(held) {
    const before = this.#held;
    this.#hold(held);
    if (before !== null && before !== held) this.#noteTaken(held);
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
    this.#noteTaken(role);
    if (id !== undefined && id === this.#request?.id) this.#forget();
    this.#hold(role);
  }

  /** @param {{ id?: number, reason: number, role: Role, message: string }} refusal */
  refused({ id, reason, role, message }) {
    this.#held = role;
    // The rejoin asked for the role that was taken away, which the application knows: it stays wanted.
    if (id === undefined && this.#taken) return;
    this.#asked = role;
    this.#taken = false;
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
    this.#taken = false;
    this.#hooks.emit({ type: 'clientRoleChangeFailed', reason, currentRole: this.#asked });
  }

  /**
   * The role to ask for again: it was taken away, the token allows it, and the server has not given it back by itself.
   *
   * @param {{ role: Role, audio: boolean, video: boolean }} standing
   * @returns {Role | null}
   */
  reclaimable({ role, audio, video }) {
    return this.#taken && role !== this.#asked && (audio || video) ? this.#asked : null;
  }

  /** @param {Role} held which may be less than what the application still wants */
  #noteTaken(held) {
    if (!this.#request) this.#taken = held === 'audience' && this.#asked === 'broadcaster';
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
