// @ts-check
/**
 * The client's half of the rules: one stay in a channel, from the join to the leave.
 *
 * A `Session` is a value. `handle` takes one thing that happened, `poll` gives what came of it until there is nothing
 * left, and `deadline` says when to come back with a tick. It sees no socket, no clock and no session description;
 * whoever drives it does what the outputs say. Times are milliseconds of one clock that only goes on.
 *
 * @import { ClientMessage, Ended, Joined, MediaOffer, ServerMessage, Standing, Subscribe } from './protocol.d.ts'
 * @import { Input, JoinRequest, Output, SessionEvent } from './session-io.d.ts'
 * @import { Timer } from './timers.js'
 */
import { ClientRoleChangeFailedReason, ErrorCode, RenewTokenCode } from './constants.js';
import { ConnectionChangedReason as Reason, ConnectionState as State } from './constants.js';
import { Roles } from './roles.js';
import { Roster } from './roster.js';
import { Timers } from './timers.js';
import { Tokens } from './tokens.js';

/** Nothing heard for so long: the connection counts as interrupted. */
const SILENCE_MS = 4_000;
/** An interruption, or a join that reached no server, counts as lost after so long. */
const LOST_MS = 10_000;
/** A server that goes down in good order is replaced silently within this time. */
const MOVING_MS = 1_000;
/** Attempts end after so long. */
const GIVE_UP_MS = 20 * 60_000;
/** An attempt that has brought no answer is dropped. */
const ATTEMPT_MS = 8_000;
/** A privilege's holder is warned so long before its end. */
const WARNING_MS = 30_000;
/** The pause between attempts: the first is made at once. */
const PAUSE = { first: 500, growth: 1.5, most: 10_000, jitter: 0.2 };

/** @typedef {'idle' | 'waiting' | 'opening' | 'joining' | 'joined' | 'awaitingToken' | 'over'} Phase */

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
  #timers = new Timers();
  #attempts = 0;
  #uid = 0;
  /** @type {string | undefined} the secret to come back with */
  #resume;
  #everJoined = false;
  #pingEvery = 3_000;
  #heardAt = 0;
  #nextId = 1;
  #hooks = {
    emit: (/** @type {SessionEvent} */ event) => this.#event(event),
    send: (/** @type {ClientMessage} */ message) => this.#send(message),
    nextId: () => this.#nextId++,
    timers: this.#timers,
  };
  #tokens = new Tokens(this.#hooks);
  #roles = new Roles(this.#hooks);
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

  /** The role held and the role wanted. */
  get roles() {
    return this.#roles;
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
      case 'renewToken': return this.#renewToken(now, input.token);
      case 'setRole': return this.canRenew ? this.#roles.ask(now, input.role, this.#way()) : undefined;
      case 'subscribe': return this.#setSubscribe(input.subscribe);
      case 'setMuted': return this.#whenJoined({ type: 'setMuted', mid: input.mid, muted: input.muted });
      case 'negotiate': return this.#whenJoined({ type: 'negotiate', id: this.#nextId++, media: input.media });
      case 'opened': return this.#opened(input.media);
      case 'closed': return this.#closed(now);
      case 'message': return this.#received(now, input.message);
      case 'unknown': return this.#phase === 'joined' ? this.#heard(now) : undefined;
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
    return this.#timers.next();
  }

  // ---- Coming and going -------------------------------------------------------------------------------------------

  /**
   * @param {number} now
   * @param {JoinRequest} request
   */
  #join(now, request) {
    this.#request = { ...request };
    this.#uid = request.uid;
    this.#tokens.start(request.token);
    this.#roles.start(request.role);
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
    this.#tokens.settle(RenewTokenCode.Failure);
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
    this.#timers.clearAll();
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

  /**
   * @param {number} now
   * @param {number} [atLeast] ms that the server asked for
   */
  #attemptLater(now, atLeast = 0) {
    const pause = Math.min(PAUSE.first * PAUSE.growth ** (this.#attempts - 1), PAUSE.most);
    const jitter = 1 + PAUSE.jitter * (2 * this.#random() - 1);
    this.#phase = 'waiting';
    this.#timers.set('attempt', now + Math.max(Math.round(pause * jitter), atLeast));
  }

  /** @param {MediaOffer | undefined} media */
  #opened(media) {
    if (this.#phase !== 'opening' || !this.#request) return;
    this.#tokens.useForJoin();
    this.#phase = 'joining';
    const { token: _, name, ...rest } = this.#request;
    const token = this.#tokens.inUse;
    this.#send({
      type: 'join',
      ...rest,
      uid: this.#uid,
      role: this.#roles.asked,
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
    this.#timers.clear('ping');
    this.#timers.set('giveUp', this.#heardAt + GIVE_UP_MS);
    this.#tokens.useForJoin();
    this.#attemptAnew(now);
  }

  /** @param {number} now */
  #interrupt(now) {
    this.#reconnecting(now, Reason.Interrupted);
    this.#event({ type: 'connectionInterrupted' });
    if (this.#phase === 'joined') this.#drop(now);
  }

  /**
   * The break is told.
   *
   * @param {number} now
   * @param {number} reason
   */
  #reconnecting(now, reason) {
    this.#timers.clear('silence', 'moving');
    this.#timers.set('lost', now + LOST_MS);
    this.#move(State.Reconnecting, reason);
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
    this.#reconnecting(now, Reason.ClientIpAddressChanged);
    this.#drop(now);
  }

  /** @param {number} now */
  #mediaLost(now) {
    if (this.#phase === 'joined') this.#interrupt(now);
  }

  // ---- Time -------------------------------------------------------------------------------------------------------

  /** @param {number} now */
  #tick(now) {
    for (let timer = this.#timers.popDue(now); timer; timer = this.#timers.popDue(now)) this.#expire(now, timer);
  }

  /**
   * @param {number} now
   * @param {Timer} timer
   */
  #expire(now, timer) {
    switch (timer) {
      case 'attempt': return this.#attemptDue(now);
      case 'ping': return this.#ping(now);
      case 'moving': return this.#reconnecting(now, Reason.KeepAliveTimeout);
      case 'silence': return this.#interrupt(now);
      case 'lost': return this.#lost();
      case 'giveUp': return this.#giveUp();
      case 'renewal': return this.#tokens.settle(RenewTokenCode.Failure);
      case 'role': return this.#roles.fail(ClientRoleChangeFailedReason.RequestTimeOut);
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
    this.#tokens.settle(RenewTokenCode.Failure);
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
      case 'roleChanged': return this.#roles.changed(message.role, message.id);
      case 'roleRefused': return this.#roles.refused(message);
      case 'tokenWillExpire': return this.#warned(message.privileges, message.expiresInMs);
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
    this.#timers.clear('attempt', 'lost', 'giveUp', 'warning', 'moving');
    this.#heard(now);
    this.#pingEvery = joined.pingEveryMs;
    this.#timers.set('ping', now + this.#pingEvery);
    this.#uid = joined.uid;
    this.#resume = joined.resume;
    if (joined.media) this.#push({ type: 'answer', media: joined.media });
    this.#tellJoined();
    this.#tokens.joined(now);
    this.#setStanding(now, joined.standing);
    this.#roles.joined(joined.standing.role, !this.#everJoined);
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
    if (this.#tokens.revert(code)) {
      this.#event({ type: 'error', code, message });
      return this.#drop(now);
    }
    this.#tokens.ended(code);
    const expired = reason === Reason.TokenExpired;
    if (expired && this.#everJoined) this.#event({ type: 'requestToken' });
    if (code !== ErrorCode.Ok) this.#event({ type: 'error', code, message });
    if (reason === Reason.BannedByServer) this.#event({ type: 'connectionBanned' });
    this.#finish(reason === Reason.InvalidToken ? State.Disconnected : State.Failed, reason);
    if (expired) this.#phase = 'awaitingToken';
  }

  /**
   * @param {number} now
   * @param {number} pause
   */
  #moveHouse(now, pause) {
    this.#push({ type: 'close' });
    if (this.#phase === 'joined') {
      this.#timers.clear('ping', 'silence');
      this.#timers.set('moving', now + MOVING_MS);
      this.#timers.set('giveUp', now + GIVE_UP_MS);
      this.#tokens.useForJoin();
    }
    this.#attempts = 1;
    this.#attemptLater(now, pause);
  }

  /** @param {{ id?: number, code: number, message: string }} error */
  #failed({ id, code, message }) {
    const known = id === undefined || this.#tokens.failed(id) || this.#roles.failed(id);
    if (!known) this.#push({ type: 'negotiateFailed' });
    this.#event({ type: 'error', code, message });
  }

  // ---- Token, rights, wishes --------------------------------------------------------------------------------------

  /**
   * @param {number} now
   * @param {string} token
   */
  #renewToken(now, token) {
    if (!this.canRenew) return;
    const resumes = this.#phase === 'awaitingToken';
    this.#tokens.renew(now, token, this.#way());
    // A session that ended with its token goes on with the new one.
    if (resumes && this.#everJoined) this.#start(now, State.Reconnecting, Reason.RenewToken);
    else if (resumes) this.#start(now, State.Connecting, Reason.Connecting);
  }

  /** How a request reaches the server now: at once, with the next join, or after the join that is under way. */
  #way() {
    if (this.#phase === 'joined') return 'wire';
    return this.#phase === 'joining' ? 'later' : 'join';
  }

  /**
   * @param {number} now
   * @param {{ id: number, code: number, standing?: Standing }} renewed
   */
  #renewed(now, { id, code, standing }) {
    this.#tokens.answered(id, code);
    if (standing) this.#setStanding(now, standing);
  }

  /**
   * @param {import('./protocol.d.ts').Privilege[]} privileges
   * @param {number} expiresInMs
   */
  #warned(privileges, expiresInMs) {
    this.#tokens.warn(privileges, expiresInMs);
    if (privileges.includes('join')) this.#timers.clear('warning');
  }

  /** The server cannot warn while there is no connection. */
  #warnOffline() {
    if (this.#phase !== 'joined') this.#tokens.warn(['join'], WARNING_MS);
  }

  /**
   * @param {number} now
   * @param {Standing} standing
   */
  #setStanding(now, { role, audio, video, data, expiresInMs }) {
    const standing = { role, audio, video, data, ...(expiresInMs !== undefined && { expiresInMs }) };
    if (expiresInMs === undefined) this.#timers.clear('warning');
    else if (expiresInMs > WARNING_MS) this.#timers.set('warning', now + expiresInMs - WARNING_MS);
    this.#event({ type: 'standingChanged', standing });
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
