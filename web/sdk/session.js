// @ts-check
/**
 * The client's half of the rules: one stay in a channel, from the join to the leave.
 *
 * A `Session` is a value. `handle` takes one thing that happened, `poll` gives what came of it until there is nothing
 * left, and `deadline` says when to come back with a tick. It sees no socket, no clock and no session description;
 * whoever drives it does what the outputs say. Times are milliseconds of one clock that only goes on.
 *
 * @import { ClientMessage, Ended, Joined, Kind, MediaAnswer, MediaOffer, Privilege, Profile, Role } from './protocol.d.ts'
 * @import { ServerMessage, Slot, Source, Standing, Subscribe } from './protocol.d.ts'
 */
import { ClientRoleChangeFailedReason, ErrorCode, RenewTokenCode } from './constants.js';
import { ConnectionChangedReason as Reason, ConnectionState as State } from './constants.js';
import { Roster } from './roster.js';

/**
 * @typedef {object} JoinRequest
 * @property {string} appId
 * @property {string} channel
 * @property {string | null} token
 * @property {number} uid 0 to be given one
 * @property {string} [name]
 * @property {Role} role
 * @property {Profile} profile
 * @property {Subscribe} subscribe
 */

/**
 * @typedef {{ type: 'join', request: JoinRequest }
 *   | { type: 'leave' }
 *   | { type: 'renewToken', token: string }
 *   | { type: 'setRole', role: Role }
 *   | { type: 'subscribe', subscribe: Subscribe }
 *   | { type: 'setMuted', mid: string, muted: boolean }
 *   | { type: 'negotiate', media: MediaOffer }
 *   | { type: 'opened', media?: MediaOffer }
 *   | { type: 'closed' }
 *   | { type: 'message', message: ServerMessage }
 *   | { type: 'networkChanged' }
 *   | { type: 'mediaLost' }
 *   | { type: 'decoded', uid: number, kind: Kind, width: number, height: number, again?: boolean }
 *   | { type: 'frozen', uid: number, kind: Kind }
 *   | { type: 'tick' }} Input
 */

/**
 * @typedef {{ type: 'open' }
 *   | { type: 'close' }
 *   | { type: 'send', message: ClientMessage }
 *   | { type: 'answer', media: MediaAnswer }
 *   | { type: 'negotiateFailed' }
 *   | { type: 'slots', slots: Slot[] }
 *   | { type: 'needSlots', audio: number, video: number }
 *   | { type: 'ownPublication', mid: string, state: import('./protocol.d.ts').PublishState }
 *   | { type: 'event', event: SessionEvent }} Output
 */

/**
 * @typedef {{ type: 'connectionStateChanged', state: number, reason: number }
 *   | { type: 'joinChannelSuccess' }
 *   | { type: 'rejoinChannelSuccess' }
 *   | { type: 'leaveChannel' }
 *   | { type: 'connectionInterrupted' }
 *   | { type: 'connectionLost' }
 *   | { type: 'connectionBanned' }
 *   | { type: 'error', code: number, message: string }
 *   | { type: 'tokenWillExpire', token: string }
 *   | { type: 'tokenExpiring', privileges: Privilege[], secondsLeft: number }
 *   | { type: 'requestToken' }
 *   | { type: 'renewTokenResult', token: string, code: number }
 *   | { type: 'standingChanged', standing: Standing }
 *   | { type: 'clientRoleChanged', oldRole: Role, newRole: Role }
 *   | { type: 'clientRoleChangeFailed', reason: number, currentRole: Role }
 *   | { type: 'userJoined', uid: number }
 *   | { type: 'userOffline', uid: number, reason: number }
 *   | { type: 'userInfoUpdated', uid: number, name: string }
 *   | { type: 'userPublished' | 'userUnpublished', uid: number, kind: Kind, source: Source }
 *   | { type: 'userMuted', uid: number, kind: Kind, muted: boolean }
 *   | { type: 'remoteMediaState', uid: number, kind: Kind, state: number, reason: number }
 *   | { type: 'firstDecoded', uid: number, kind: Kind, width: number, height: number }
 *   | { type: 'speakers', speakers: import('./protocol.d.ts').Speaker[] }} SessionEvent
 */

/** Nothing heard for so long: the connection counts as interrupted. */
const SILENCE_MS = 4_000;
/** An interruption, or a join that reached no server, counts as lost after so long. */
const LOST_MS = 10_000;
/** Attempts end after so long. */
const GIVE_UP_MS = 20 * 60_000;
/** An attempt that has brought no answer is dropped. */
const ATTEMPT_MS = 8_000;
/** A renewal or a change of role without an answer has failed. */
const REQUEST_MS = 10_000;
/** A privilege's holder is warned so long before its end. */
const WARNING_MS = 30_000;
/** The pause between attempts: the first is made at once. */
const PAUSE = { first: 500, growth: 1.5, most: 10_000, jitter: 0.2 };

/** @typedef {'attempt' | 'ping' | 'silence' | 'lost' | 'giveUp' | 'renewal' | 'role' | 'warning'} Timer */
/** @typedef {'idle' | 'waiting' | 'opening' | 'joining' | 'joined' | 'awaitingToken' | 'over'} Phase */
/** @typedef {{ id: number, token: string, sent: 'wire' | 'join' | 'later' }} Renewal */

export class Session {
  /** @type {Phase} */
  #phase = 'idle';
  /** @type {number} */
  #state = State.Disconnected;
  /** @type {number} */
  #reason = Reason.LeaveChannel;
  /** @type {JoinRequest | null} */
  #request = null;
  #random;
  /** @type {Output[]} */
  #outputs = [];
  /** @type {Map<Timer, number>} */
  #timers = new Map();
  #attempts = 0;
  #uid = 0;
  /** @type {string | undefined} the secret to come back with */
  #resume;
  #everJoined = false;
  #pingEvery = 3_000;
  #heardAt = 0;
  #nextId = 1;
  /** @type {string | null} the token that the server last accepted, as long as it may be used again */
  #accepted = null;
  /** @type {Renewal | null} */
  #renewal = null;
  /** @type {Map<number, string>} tokens of renewals that a newer one overtook; one of them may still be accepted */
  #overtaken = new Map();
  /** @type {{ id: number, role: Role } | null} */
  #roleRequest = null;
  /** @type {Role} */
  #role = 'audience';
  #roster = new Roster((event) => this.#event(event));

  /** @param {{ random?: () => number }} [options] `random` gives numbers from 0 to 1, for the jitter of attempts */
  constructor({ random = Math.random } = {}) {
    this.#random = random;
  }

  /** @returns {number} a `ConnectionState` */
  get state() {
    return this.#state;
  }

  /** The uid that the server gave; before, the one asked for. */
  get uid() {
    return this.#uid;
  }

  /** @returns {Role} the role that the application wants: the one it asked for, unless that was refused */
  get askedRole() {
    return this.#request?.role ?? 'audience';
  }

  /** The role held. */
  get role() {
    return this.#role;
  }

  get roster() {
    return this.#roster;
  }

  /** Whether a new token would be of use. */
  get canRenew() {
    return this.#phase !== 'idle' && this.#phase !== 'over';
  }

  /**
   * Takes one thing that happened.
   *
   * @param {number} now
   * @param {Input} input
   */
  handle(now, input) {
    switch (input.type) {
      case 'join': return this.#join(now, input.request);
      case 'leave': return this.#leave();
      case 'renewToken': return this.#renew(now, input.token);
      case 'setRole': return this.#askRole(now, input.role);
      case 'subscribe': return this.#setSubscribe(input.subscribe);
      case 'setMuted': return this.#whenJoined({ type: 'setMuted', mid: input.mid, muted: input.muted });
      case 'negotiate': return this.#whenJoined({ type: 'negotiate', id: this.#nextId++, media: input.media });
      case 'opened': return this.#opened(input.media);
      case 'closed': return this.#closed(now);
      case 'message': return this.#received(now, input.message);
      case 'networkChanged': return this.#networkChanged(now);
      case 'mediaLost': return this.#mediaLost(now);
      case 'decoded': return this.#roster.decoded(input.uid, input.kind, input);
      case 'frozen': return this.#roster.frozen(input.uid, input.kind);
      case 'tick': return this.#tick(now);
    }
  }

  /** @returns {Output | undefined} */
  poll() {
    return this.#outputs.shift();
  }

  /** @returns {number | null} when to tick; null for never */
  deadline() {
    return this.#timers.size === 0 ? null : Math.min(...this.#timers.values());
  }

  // ---- Coming and going -------------------------------------------------------------------------------------------

  /**
   * @param {number} now
   * @param {JoinRequest} request
   */
  #join(now, request) {
    this.#request = { ...request };
    this.#uid = request.uid;
    this.#role = request.role;
    this.#roster.subscribe(request.subscribe);
    this.#start(now, State.Connecting, Reason.Connecting);
  }

  /**
   * Begins to look for a server, from whatever state that is left for it.
   *
   * @param {number} now
   * @param {number} state
   * @param {number} reason
   */
  #start(now, state, reason) {
    this.#move(state, reason);
    this.#timers.set('lost', now + LOST_MS);
    this.#timers.set('giveUp', now + GIVE_UP_MS);
    this.#attemptAnew(now);
  }

  #leave() {
    if (this.#state === State.Disconnected) return;
    if (this.#phase === 'joined' || this.#phase === 'joining') this.#send({ type: 'leave' });
    this.#settleRenewal(RenewTokenCode.Failure);
    this.#finish(State.Disconnected, Reason.LeaveChannel);
    this.#event({ type: 'leaveChannel' });
  }

  /**
   * The end: no attempt and no timer is left.
   *
   * @param {number} state
   * @param {number} reason
   */
  #finish(state, reason) {
    if (this.#phase === 'opening' || this.#phase === 'joining' || this.#phase === 'joined') this.#push({ type: 'close' });
    this.#phase = 'over';
    this.#timers.clear();
    this.#move(state, reason);
  }

  // ---- Attempts ---------------------------------------------------------------------------------------------------

  /** @param {number} now */
  #attemptAnew(now) {
    this.#attempts = 0;
    this.#attempt(now);
  }

  /** @param {number} now */
  #attempt(now) {
    this.#attempts += 1;
    this.#phase = 'opening';
    this.#timers.set('attempt', now + ATTEMPT_MS);
    this.#push({ type: 'open' });
  }

  /** @param {number} now */
  #attemptLater(now) {
    const pause = Math.min(PAUSE.first * PAUSE.growth ** (this.#attempts - 1), PAUSE.most);
    const jitter = 1 + PAUSE.jitter * (2 * this.#random() - 1);
    this.#phase = 'waiting';
    this.#timers.set('attempt', now + Math.round(pause * jitter));
  }

  /** @param {MediaOffer | undefined} media */
  #opened(media) {
    if (this.#phase !== 'opening' || !this.#request) return;
    if (this.#renewal) this.#renewal.sent = 'join';
    this.#phase = 'joining';
    const { token, name, ...rest } = this.#request;
    this.#send({
      type: 'join',
      ...rest,
      uid: this.#uid,
      ...(token !== null && { token }),
      ...(name !== undefined && { name }),
      ...(media && { media }),
      ...(this.#resume !== undefined && { resume: this.#resume }),
    });
  }

  /** @param {number} now */
  #closed(now) {
    if (this.#phase === 'opening' || this.#phase === 'joining') this.#attemptLater(now);
    // The first attempt to come back is made at once, and silently: it may succeed before anyone notices.
    else if (this.#phase === 'joined') this.#lose(now);
  }

  /**
   * Leaves a connection that was joined and starts to come back.
   *
   * @param {number} now
   */
  #lose(now) {
    this.#timers.delete('ping');
    this.#timers.set('giveUp', this.#heardAt + GIVE_UP_MS);
    if (this.#renewal) this.#useForJoin(this.#renewal);
    this.#attemptAnew(now);
  }

  /** @param {number} now */
  #interrupt(now) {
    this.#timers.delete('silence');
    this.#move(State.Reconnecting, Reason.Interrupted);
    this.#event({ type: 'connectionInterrupted' });
    this.#timers.set('lost', now + LOST_MS);
    if (this.#phase === 'joined') this.#drop(now);
  }

  /**
   * Closes the connection, whatever it is doing, and comes back with a fresh one.
   *
   * @param {number} now
   */
  #drop(now) {
    this.#push({ type: 'close' });
    if (this.#phase === 'joined') this.#lose(now);
    else this.#attemptAnew(now);
  }

  /** @param {number} now */
  #networkChanged(now) {
    if (this.#phase === 'waiting') return this.#attemptAnew(now);
    if (this.#phase === 'opening' || this.#phase === 'joining') return this.#drop(now);
    if (this.#phase !== 'joined') return;
    this.#timers.delete('silence');
    this.#move(State.Reconnecting, Reason.ClientIpAddressChanged);
    this.#timers.set('lost', now + LOST_MS);
    this.#drop(now);
  }

  /** @param {number} now */
  #mediaLost(now) {
    if (this.#phase === 'joined') this.#interrupt(now);
  }

  // ---- Time -------------------------------------------------------------------------------------------------------

  /** @param {number} now */
  #tick(now) {
    const due = [...this.#timers].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
    for (const [timer] of due) {
      // An earlier one may have moved it.
      if ((this.#timers.get(timer) ?? Infinity) > now) continue;
      this.#timers.delete(timer);
      this.#expire(now, timer);
    }
  }

  /**
   * @param {number} now
   * @param {Timer} timer
   */
  #expire(now, timer) {
    switch (timer) {
      case 'attempt': return this.#attemptDue(now);
      case 'ping': return this.#ping(now);
      case 'silence': return this.#interrupt(now);
      case 'lost': return this.#lost();
      case 'giveUp': return this.#giveUp();
      case 'renewal': return this.#settleRenewal(RenewTokenCode.Failure);
      case 'role': return this.#failRole(ClientRoleChangeFailedReason.RequestTimeOut);
      case 'warning': return this.#warnOffline();
    }
  }

  /** @param {number} now */
  #attemptDue(now) {
    if (this.#phase === 'waiting') return this.#attempt(now);
    this.#push({ type: 'close' });
    this.#attemptLater(now);
  }

  /** @param {number} now */
  #ping(now) {
    this.#send({ type: 'ping' });
    this.#timers.set('ping', now + this.#pingEvery);
  }

  #lost() {
    if (this.#state === State.Reconnecting) this.#move(State.Reconnecting, Reason.Lost);
    this.#event({ type: 'connectionLost' });
  }

  #giveUp() {
    this.#settleRenewal(RenewTokenCode.Failure);
    this.#finish(State.Failed, Reason.JoinFailed);
  }

  // ---- Messages ---------------------------------------------------------------------------------------------------

  /**
   * @param {number} now
   * @param {ServerMessage} message
   */
  #received(now, message) {
    if (this.#phase === 'joining') return this.#receivedJoining(now, message);
    if (this.#phase !== 'joined') return;
    this.#heard(now);
    switch (message.type) {
      case 'joined': return;
      case 'ended': return this.#ended(now, message);
      case 'negotiated': return this.#push({ type: 'answer', media: message.media });
      case 'slots': return this.#push({ type: 'slots', slots: message.slots });
      case 'needSlots': return this.#push({ type: 'needSlots', audio: message.audio, video: message.video });
      case 'memberJoined': return this.#roster.join(message.member);
      case 'memberLeft': return this.#roster.leave(message.uid, message.reason);
      case 'published': return this.#roster.publish(message.uid, message.publication);
      case 'unpublished': return this.#roster.unpublish(message.uid, message.id);
      case 'publicationMuted': return this.#roster.mute(message.uid, message.id, message.muted);
      case 'ownPublication': return this.#push({ type: 'ownPublication', mid: message.mid, state: message.state });
      case 'standing': return this.#setStanding(now, message);
      case 'roleChanged': return this.#roleChanged(message.role, message.id);
      case 'roleRefused': return this.#roleRefused(message);
      case 'tokenWillExpire': return this.#warn(message.privileges, message.expiresInMs);
      case 'renewed': return this.#renewed(now, message);
      case 'speakers': return this.#event({ type: 'speakers', speakers: message.speakers });
      case 'error': return this.#failed(message);
      case 'pong': return;
    }
  }

  /** @param {number} now */
  #heard(now) {
    this.#heardAt = now;
    this.#timers.set('silence', now + SILENCE_MS);
  }

  /**
   * @param {number} now
   * @param {ServerMessage} message
   */
  #receivedJoining(now, message) {
    if (message.type === 'joined') this.#joined(now, message);
    else if (message.type === 'ended') this.#ended(now, message);
    else if (message.type === 'error') this.#event({ type: 'error', code: message.code, message: message.message });
  }

  /**
   * @param {number} now
   * @param {Joined} joined
   */
  #joined(now, joined) {
    this.#phase = 'joined';
    this.#attempts = 0;
    for (const timer of /** @type {Timer[]} */ (['attempt', 'lost', 'giveUp', 'warning'])) this.#timers.delete(timer);
    this.#heard(now);
    this.#pingEvery = joined.pingEveryMs;
    this.#timers.set('ping', now + this.#pingEvery);
    this.#uid = joined.uid;
    this.#resume = joined.resume;
    this.#accepted = this.#request?.token ?? null;
    if (joined.media) this.#push({ type: 'answer', media: joined.media });
    this.#tellJoined();
    this.#renewalAfterJoin(now);
    this.#setStanding(now, joined.standing);
    this.#roleAfterJoin(joined.standing.role);
    this.#everJoined = true;
    this.#roster.replace(joined.members);
  }

  #tellJoined() {
    if (this.#state === State.Connecting) {
      this.#move(State.Connected, Reason.JoinSuccess);
      this.#event({ type: 'joinChannelSuccess' });
    } else if (this.#state === State.Reconnecting) {
      this.#move(State.Connected, Reason.RejoinSuccess);
      this.#event({ type: 'rejoinChannelSuccess' });
    }
  }

  /**
   * @param {number} now
   * @param {Ended} ended
   */
  #ended(now, { code, reason, message, retryAfterMs }) {
    // A server that goes down in good order: nobody is told unless it takes long.
    if (reason === Reason.KeepAliveTimeout) return this.#moveHouse(now, retryAfterMs ?? 0);
    if (this.#revertToken(now, code, message)) return;
    this.#settleRenewal(renewCode(code));
    const expired = reason === Reason.TokenExpired;
    if (expired && this.#everJoined) this.#event({ type: 'requestToken' });
    if (code !== ErrorCode.Ok) this.#event({ type: 'error', code, message });
    if (reason === Reason.BannedByServer) this.#event({ type: 'connectionBanned' });
    this.#finish(reason === Reason.InvalidToken ? State.Disconnected : State.Failed, reason);
    this.#accepted = null;
    if (expired) this.#phase = 'awaitingToken';
  }

  /**
   * @param {number} now
   * @param {number} pause
   */
  #moveHouse(now, pause) {
    this.#push({ type: 'close' });
    if (this.#phase === 'joined') {
      this.#timers.delete('ping');
      this.#timers.set('giveUp', now + GIVE_UP_MS);
      if (this.#renewal) this.#useForJoin(this.#renewal);
    }
    this.#attempts = 1;
    this.#attemptLater(now);
    this.#timers.set('attempt', Math.max(now + pause, this.#timers.get('attempt') ?? 0));
  }

  /** @param {{ id?: number, code: number, message: string }} error */
  #failed({ id, code, message }) {
    if (id !== undefined && id === this.#renewal?.id) this.#settleRenewal(RenewTokenCode.Failure);
    else if (id !== undefined && id === this.#roleRequest?.id) {
      this.#failRole(ClientRoleChangeFailedReason.ConnectionFailed);
    } else if (id !== undefined) this.#push({ type: 'negotiateFailed' });
    this.#event({ type: 'error', code, message });
  }

  // ---- Tokens -----------------------------------------------------------------------------------------------------

  /**
   * @param {number} now
   * @param {string} token
   */
  #renew(now, token) {
    if (!this.canRenew || !this.#request) return;
    if (this.#renewal?.sent === 'wire') this.#overtaken.set(this.#renewal.id, this.#renewal.token);
    this.#settleRenewal(RenewTokenCode.Overtaken);
    this.#renewal = { id: this.#nextId++, token, sent: 'later' };
    if (this.#phase === 'awaitingToken') this.#resumeWith(now, this.#renewal);
    else if (this.#phase === 'joined') this.#sendRenewal(this.#renewal);
    else if (this.#phase !== 'joining') this.#useForJoin(this.#renewal);
    this.#timers.set('renewal', now + REQUEST_MS);
  }

  /** @param {Renewal} renewal */
  #sendRenewal(renewal) {
    renewal.sent = 'wire';
    this.#send({ type: 'renewToken', id: renewal.id, token: renewal.token });
  }

  /** @param {Renewal} renewal */
  #useForJoin(renewal) {
    renewal.sent = 'join';
    this.#overtaken.clear();
    if (this.#request) this.#request.token = renewal.token;
  }

  /**
   * A session that ended with its token goes on with the new one.
   *
   * @param {number} now
   * @param {Renewal} renewal
   */
  #resumeWith(now, renewal) {
    this.#useForJoin(renewal);
    if (this.#everJoined) this.#start(now, State.Reconnecting, Reason.RenewToken);
    else this.#start(now, State.Connecting, Reason.Connecting);
  }

  /** @param {number} now */
  #renewalAfterJoin(now) {
    if (this.#renewal?.sent === 'join') return this.#settleRenewal(RenewTokenCode.Success);
    if (this.#renewal?.sent !== 'later') return;
    this.#sendRenewal(this.#renewal);
    this.#timers.set('renewal', now + REQUEST_MS);
  }

  /**
   * @param {number} now
   * @param {{ id: number, code: number, standing?: Standing }} renewed
   */
  #renewed(now, { id, code, standing }) {
    const current = id === this.#renewal?.id;
    const token = current ? this.#renewal?.token : this.#overtaken.get(id);
    this.#overtaken.delete(id);
    if (code === RenewTokenCode.Success && token !== undefined) this.#adoptToken(token);
    if (current) this.#settleRenewal(code);
    if (standing) this.#setStanding(now, standing);
  }

  /** @param {string} token */
  #adoptToken(token) {
    this.#accepted = token;
    if (this.#request) this.#request.token = token;
  }

  /**
   * Tells the outcome of the renewal that is under way, if there is one.
   *
   * @param {number} code
   */
  #settleRenewal(code) {
    if (!this.#renewal) return;
    const { token } = this.#renewal;
    this.#renewal = null;
    this.#timers.delete('renewal');
    this.#event({ type: 'renewTokenResult', token, code });
  }

  /**
   * A new token that a rejoin tried out was refused: the old one may still be good.
   *
   * @param {number} now
   * @param {number} code
   * @param {string} message
   */
  #revertToken(now, code, message) {
    const refused = code === ErrorCode.InvalidToken || code === ErrorCode.TokenExpired;
    if (!refused || this.#renewal?.sent !== 'join' || this.#accepted === null || !this.#request) return false;
    this.#event({ type: 'error', code, message });
    this.#settleRenewal(renewCode(code));
    this.#request.token = this.#accepted;
    this.#drop(now);
    return true;
  }

  /**
   * @param {Privilege[]} privileges
   * @param {number} expiresInMs
   */
  #warn(privileges, expiresInMs) {
    this.#event({ type: 'tokenWillExpire', token: this.#request?.token ?? '' });
    this.#event({ type: 'tokenExpiring', privileges, secondsLeft: Math.round(expiresInMs / 1000) });
    if (privileges.includes('join')) this.#timers.delete('warning');
  }

  /** The server cannot warn while there is no connection. */
  #warnOffline() {
    if (this.#phase !== 'joined') this.#warn(['join'], WARNING_MS);
  }

  // ---- Rights and roles -------------------------------------------------------------------------------------------

  /**
   * @param {number} now
   * @param {Standing} standing
   */
  #setStanding(now, { role, audio, video, data, expiresInMs }) {
    const standing = { role, audio, video, data, ...(expiresInMs !== undefined && { expiresInMs }) };
    if (expiresInMs === undefined) this.#timers.delete('warning');
    else if (expiresInMs > WARNING_MS) this.#timers.set('warning', now + expiresInMs - WARNING_MS);
    this.#event({ type: 'standingChanged', standing });
  }

  /**
   * @param {number} now
   * @param {Role} role
   */
  #askRole(now, role) {
    if (!this.#request || !this.canRenew) return;
    this.#roleRequest = { id: this.#nextId++, role };
    this.#timers.set('role', now + REQUEST_MS);
    if (this.#phase === 'joined') this.#send({ type: 'setRole', id: this.#roleRequest.id, role });
    else if (this.#phase !== 'joining') this.#request.role = role;
  }

  /** @param {Role} held what the join gave */
  #roleAfterJoin(held) {
    const request = this.#roleRequest;
    const before = this.#role;
    this.#role = held;
    if (held !== before && this.#everJoined) this.#event({ type: 'clientRoleChanged', oldRole: before, newRole: held });
    if (!request) return;
    if (held === request.role) this.#forgetRoleRequest();
    else this.#send({ type: 'setRole', id: request.id, role: request.role });
  }

  /**
   * @param {Role} role
   * @param {number} [id] absent when nobody asked
   */
  #roleChanged(role, id) {
    const oldRole = this.#role;
    if (id !== undefined && id === this.#roleRequest?.id) this.#forgetRoleRequest();
    if (id !== undefined && this.#request) this.#request.role = role;
    this.#role = role;
    if (oldRole !== role) this.#event({ type: 'clientRoleChanged', oldRole, newRole: role });
  }

  /** @param {{ id?: number, reason: number, role: Role, message: string }} refused */
  #roleRefused({ id, reason, role, message }) {
    if (id === undefined || id === this.#roleRequest?.id) this.#forgetRoleRequest();
    if (this.#request) this.#request.role = role;
    this.#role = role;
    this.#event({ type: 'clientRoleChangeFailed', reason, currentRole: role });
    if (reason !== ClientRoleChangeFailedReason.NotAuthorized) return;
    this.#event({ type: 'error', code: ErrorCode.SetClientRoleNotAuthorized, message });
  }

  /** @param {number} reason */
  #failRole(reason) {
    if (!this.#roleRequest) return;
    this.#forgetRoleRequest();
    if (this.#request) this.#request.role = this.#role;
    this.#event({ type: 'clientRoleChangeFailed', reason, currentRole: this.#role });
  }

  #forgetRoleRequest() {
    this.#roleRequest = null;
    this.#timers.delete('role');
  }

  /** @param {Subscribe} subscribe */
  #setSubscribe(subscribe) {
    if (this.#request) this.#request.subscribe = subscribe;
    this.#whenJoined({ type: 'subscribe', ...subscribe });
    this.#roster.subscribe(subscribe);
  }

  // ---- Output -----------------------------------------------------------------------------------------------------

  /**
   * @param {number} state
   * @param {number} reason
   */
  #move(state, reason) {
    if (state === this.#state && reason === this.#reason) return;
    this.#state = state;
    this.#reason = reason;
    this.#event({ type: 'connectionStateChanged', state, reason });
  }

  /** @param {ClientMessage} message what a rejoin would say anyway, so it is sent only on a live connection */
  #whenJoined(message) {
    if (this.#phase === 'joined') this.#send(message);
  }

  /** @param {ClientMessage} message */
  #send(message) {
    this.#push({ type: 'send', message });
  }

  /** @param {SessionEvent} event */
  #event(event) {
    this.#push({ type: 'event', event });
  }

  /** @param {Output} output */
  #push(output) {
    this.#outputs.push(output);
  }
}

/**
 * What the refusal of a join means for the token that it tried out.
 *
 * @param {number} code
 */
function renewCode(code) {
  if (code === ErrorCode.TokenExpired) return RenewTokenCode.TokenExpired;
  return code === ErrorCode.InvalidToken ? RenewTokenCode.InvalidToken : RenewTokenCode.Failure;
}
