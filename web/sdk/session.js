// @ts-check
/**
 * The client's half of the rules: one stay in a channel, from the join to the leave.
 *
 * A `Session` is a value. `handle` takes one thing that happened, `poll` gives what came of it until there is nothing
 * left, and `deadline` says when to come back with a tick. It sees no socket, no clock and no session description;
 * whoever drives it does what the outputs say. Times are milliseconds of one clock that only goes on.
 *
 * @import { ClientMessage, Ended, Joined, MediaOffer, Profile, ServerMessage, Standing } from './protocol.d.ts'
 * @import { Receiving, Subscribe, Switches, View } from './protocol.d.ts'
 * @import { Input, JoinRequest, Output, SessionEvent } from './session-io.d.ts'
 * @import { Timer } from './timers.js'
 */
import { ClientRoleChangeFailedReason, ErrorCode, RenewTokenCode } from './constants.js';
import { ConnectionChangedReason as Reason, ConnectionState as State } from './constants.js';
import { canBeToken, isChannelName, isDisplayName } from './options.js';
import { pauseAfter } from './pauses.js';
import { Roles } from './roles.js';
import { Roster } from './roster.js';
import { MAX_EXCEPTIONS, MAX_VIEWS } from './subscriptions.js';
import { Timers } from './timers.js';
import { REQUEST_MS, Tokens } from './tokens.js';

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
/**
 * A connection that was joined for a shorter time counts as one more failed attempt: a server that lets clients in and
 * drops them at once is not asked again and again without a pause.
 */
const STABLE_MS = 500;
/** Signs of life are sent no more often than this, whatever the server says. */
const PING_MIN_MS = 500;

/** @typedef {'out' | 'waiting' | 'opening' | 'joining' | 'joined' | 'awaitingToken'} Phase */

export class Session {
  /** @type {Phase} */
  #phase = 'out';
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
  /** @type {Profile} */
  #profile = 'liveBroadcasting';
  /** @type {string | undefined} the secret to come back with; absent before the first join */
  #resume;
  #pingEvery = PING_MIN_MS;
  #joinedAt = 0;
  #heardAt = 0;
  #nextId = 1;
  #hooks = {
    emit: (/** @type {SessionEvent} */ event) => this.#event(event),
    send: (/** @type {ClientMessage} */ message) => this.#send(message),
    nextId: () => this.#nextId++,
    timers: this.#timers,
  };
  #tokens = new Tokens(this.#hooks, null);
  #roles = new Roles(this.#hooks, 'audience');
  #roster = new Roster(this.#hooks.emit);

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

  /** The profile of the channel; before the first join the one asked for. */
  get profile() {
    return this.#profile;
  }

  /** The role held and the role wanted. */
  get roles() {
    return this.#roles;
  }

  get roster() {
    return this.#roster;
  }

  /** Whether a stay is under way: in the channel, on the way there, or waiting for a token. */
  get staying() {
    return this.#phase !== 'out';
  }

  /**
   * Whether a call of the application is possible now. News from the world always is.
   *
   * @param {Input} input
   * @returns {number} what the application's method returns: 0, or a negative code
   */
  allows(input) {
    switch (input.type) {
      case 'join': return this.#allowsJoin(input.request);
      case 'leave': return this.#state === State.Disconnected ? -ErrorCode.LeaveChannelRejected : 0;
      case 'renewToken': return this.#allowsToken(input.token);
      case 'setRole': return this.#allowsRole();
      case 'subscribe': return this.#allowsSubscribe(input.subscribe);
      case 'view': return this.#allowsView(input.view);
      case 'setMuted':
      case 'setSwitches':
      case 'negotiate': return this.staying ? 0 : -ErrorCode.InvalidState;
      default: return 0;
    }
  }

  /** @param {JoinRequest} request */
  #allowsJoin(request) {
    return this.#state === State.Disconnected ? checkRequest(request) : -ErrorCode.JoinChannelRejected;
  }

  #allowsRole() {
    if (!this.staying) return -ErrorCode.InvalidState;
    return this.#profile === 'communication' ? -ErrorCode.Refused : 0;
  }

  /** @param {Subscribe} subscribe */
  #allowsSubscribe({ except }) {
    if (!this.staying) return -ErrorCode.InvalidState;
    return except.length > MAX_EXCEPTIONS ? -ErrorCode.InvalidArgument : 0;
  }

  /** @param {View} view */
  #allowsView({ views }) {
    if (!this.staying) return -ErrorCode.InvalidState;
    return views.length > MAX_VIEWS ? -ErrorCode.InvalidArgument : 0;
  }

  /** @param {string} token */
  #allowsToken(token) {
    if (token === '') return -ErrorCode.InvalidArgument;
    if (!this.staying) return -ErrorCode.InvalidState;
    return canBeToken(token) ? 0 : -ErrorCode.InvalidToken;
  }

  /**
   * Takes one thing that happened. A call that `allows` refuses changes nothing.
   *
   * @param {number} now
   * @param {Input} input
   */
  handle(now, input) {
    if (this.allows(input) !== 0) return;
    switch (input.type) {
      case 'join': return this.#join(now, input.request);
      case 'leave': return this.#leave();
      case 'renewToken': return this.#renewToken(now, input.token);
      case 'setRole': return this.#askRole(now, input.role);
      case 'subscribe': return this.#setSubscribe(input.subscribe);
      case 'view': return this.#setView(input.view);
      case 'setMuted': return this.#whenJoined({ type: 'setMuted', mid: input.mid, muted: input.muted });
      case 'setSwitches': return this.#setSwitches(input.switches);
      case 'negotiate': return this.#whenJoined({ type: 'negotiate', id: this.#nextId++, media: input.media });
      case 'opened': return this.#opened(input.media);
      case 'closed': return this.#closed(now);
      case 'message': return this.#received(now, input.message);
      case 'unknown': return this.#heard(now);
      case 'networkChanged': return this.#networkChanged(now);
      case 'mediaLost': return this.#phase === 'joined' ? this.#silence(now) : undefined;
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
    this.#profile = request.profile;
    this.#resume = undefined;
    this.#tokens = new Tokens(this.#hooks, request.token || null);
    this.#roles = new Roles(this.#hooks, request.role);
    this.#roster = new Roster(this.#hooks.emit, request.subscribe);
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
    if (this.#phase === 'joined' || this.#phase === 'joining') this.#send({ type: 'leave' });
    this.#tokens.settle(RenewTokenCode.Failure);
    this.#finish(State.Disconnected, Reason.LeaveChannel);
    this.#event({ type: 'leaveChannel' });
  }

  /**
   * The end of the stay: no attempt and no timer is left.
   *
   * @param {number} state
   * @param {number} reason
   */
  #finish(state, reason) {
    this.#close();
    this.#phase = 'out';
    this.#timers.clearAll();
    this.#move(state, reason);
  }

  /** Closes the socket, if there is one. */
  #close() {
    if (['opening', 'joining', 'joined'].includes(this.#phase)) this.#push({ type: 'close' });
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
    this.#phase = 'waiting';
    this.#timers.set('attempt', now + Math.max(pauseAfter(this.#attempts, this.#random()), atLeast));
  }

  /** @param {MediaOffer | undefined} media */
  #opened(media) {
    if (this.#phase !== 'opening' || !this.#request) return;
    this.#tokens.takeToJoin();
    this.#phase = 'joining';
    const { token: _, name, switches, view, ...rest } = this.#request;
    const token = this.#tokens.inUse;
    this.#send({
      type: 'join',
      ...rest,
      uid: this.#uid,
      role: this.#roles.asked,
      ...(token !== null && { token }),
      ...(name !== undefined && { name }),
      ...(view && !isUsualView(view) && { view }),
      ...(switches && !areUsual(switches) && { switches }),
      ...(media && { media }),
      ...(this.#resume !== undefined && { resume: this.#resume }),
    });
  }

  /** @param {number} now */
  #closed(now) {
    if (this.#phase === 'opening' || this.#phase === 'joining') return this.#attemptLater(now);
    if (this.#phase !== 'joined') return;
    // The first attempt to come back is made at once, and silently: it may succeed before anyone notices.
    if (now - this.#joinedAt >= STABLE_MS) return this.#comeBack(now);
    this.#leaveConnection();
    this.#attemptLater(now);
  }

  /**
   * The socket of a connection that was joined is of no use any more: finds another one.
   *
   * @param {number} now
   */
  #comeBack(now) {
    this.#leaveConnection();
    this.#attemptAnew(now);
  }

  #leaveConnection() {
    this.#timers.clear('ping');
    this.#timers.set('giveUp', this.#heardAt + GIVE_UP_MS);
    this.#tokens.takeToJoin();
  }

  /**
   * Closes the socket, whatever it is doing, and finds another one.
   *
   * @param {number} now
   */
  #reopen(now) {
    this.#close();
    if (this.#phase === 'joined') this.#comeBack(now);
    else this.#attemptAnew(now);
  }

  /** @param {number} now */
  #silence(now) {
    this.#interrupt(now, Reason.Interrupted);
    if (this.#phase === 'joined') this.#reopen(now);
  }

  /**
   * Tells of the break.
   *
   * @param {number} now
   * @param {number} reason
   */
  #interrupt(now, reason) {
    this.#timers.clear('silence', 'moving');
    if (this.#state === State.Reconnecting) return;
    this.#timers.set('lost', now + LOST_MS);
    this.#move(State.Reconnecting, reason);
    if (reason === Reason.Interrupted) this.#event({ type: 'connectionInterrupted' });
  }

  /** @param {number} now */
  #networkChanged(now) {
    if (this.#phase === 'waiting') return this.#attemptAnew(now);
    if (this.#phase === 'joined') this.#interrupt(now, Reason.ClientIpAddressChanged);
    if (this.#phase !== 'awaitingToken' && this.#phase !== 'out') this.#reopen(now);
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
      case 'moving': return this.#interrupt(now, Reason.KeepAliveTimeout);
      case 'silence': return this.#silence(now);
      case 'lost': return this.#lost();
      case 'giveUp': return this.#giveUp();
      case 'renewal': return this.#tokens.timedOut();
      case 'role': return this.#roles.fail(ClientRoleChangeFailedReason.RequestTimeOut);
      case 'warning': return this.#tokens.warnLate(now);
    }
  }

  /** @param {number} now */
  #attemptDue(now) {
    if (this.#phase === 'waiting') return this.#attempt(now);
    this.#close();
    this.#attemptLater(now);
  }

  /** @param {number} now */
  #ping(now) {
    this.#send({ type: 'ping' });
    this.#timers.set('ping', now + this.#pingEvery);
  }

  #lost() {
    const message = 'no answer from the server for 10 s; the engine goes on trying';
    this.#event({ type: 'error', code: ErrorCode.ConnectionLost, message });
    if (this.#state === State.Reconnecting) this.#move(State.Reconnecting, Reason.Lost);
    this.#event({ type: 'connectionLost' });
  }

  #giveUp() {
    this.#tokens.settle(RenewTokenCode.Failure);
    this.#roles.fail(ClientRoleChangeFailedReason.ConnectionFailed);
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
      case 'memberSwitches': return this.#roster.switch(message.uid, message.switches);
      case 'published': return this.#roster.publish(message.uid, message.publication);
      case 'unpublished': return this.#roster.unpublish(message.uid, message.id);
      case 'publicationMuted': return this.#roster.mute(message.uid, message.id, message.muted);
      case 'ownPublication': return this.#push({ type: 'ownPublication', mid: message.mid, state: message.state });
      case 'standing': return this.#standingChanged(now, message);
      case 'roleChanged': return this.#roles.changed(message.role, message.id);
      case 'roleRefused': return this.#roles.refused(message);
      case 'tokenWillExpire': return this.#tokens.warn(message.privileges, message.expiresInMs);
      case 'renewed': return this.#renewed(now, message);
      case 'layersWanted': return this.#push({ type: 'layersWanted', mid: message.mid, rids: message.rids });
      case 'receiving': return this.#receiving(message);
      case 'bandwidth': return this.#push({ type: 'bandwidth', downKbps: message.downKbps });
      case 'speakers': return this.#event({ type: 'speakers', speakers: message.speakers });
      case 'error': return this.#failed(message);
      case 'pong': return;
    }
  }

  /** @param {number} now */
  #heard(now) {
    if (this.#phase !== 'joined') return;
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
    this.#joinedAt = now;
    this.#timers.clear('attempt', 'moving', 'lost', 'giveUp');
    this.#heard(now);
    this.#pingEvery = Math.max(joined.pingEveryMs, PING_MIN_MS);
    this.#timers.set('ping', now + this.#pingEvery);
    this.#uid = joined.uid;
    this.#profile = joined.profile;
    this.#resume = joined.resume;
    if (joined.media) this.#push({ type: 'answer', media: joined.media });
    this.#tellJoined();
    this.#tokens.joined(now);
    this.#setStanding(now, joined.standing);
    this.#roles.joined(joined.standing.role);
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
  #ended(now, ended) {
    if (ended.reason === Reason.KeepAliveTimeout) return this.#moveHouse(now, ended.retryAfterMs ?? 0);
    if (ended.reason === Reason.Lost) {
      // The server thinks that the connection was lost; so it is.
      this.#close();
      return this.#closed(now);
    }
    if (this.#phase === 'joining' && this.#tokens.revert(ended)) this.#reopen(now);
    else this.#end(now, ended);
  }

  /**
   * @param {number} now
   * @param {Ended} ended
   */
  #end(now, ended) {
    const { code, reason, message } = ended;
    const expired = reason === Reason.TokenExpired;
    // A token that came too late to be judged is not refused: it is tried right after.
    if (!expired || !this.#tokens.unjudged) this.#tokens.refused(ended);
    this.#roles.fail(ClientRoleChangeFailedReason.ConnectionFailed);
    if (expired && this.#resume !== undefined) this.#event({ type: 'requestToken' });
    if (code !== ErrorCode.Ok) this.#event({ type: 'error', code, message });
    if (reason === Reason.BannedByServer) this.#event({ type: 'connectionBanned' });
    if (expired) this.#awaitToken(now);
    else this.#finish(reason === Reason.InvalidToken ? State.Disconnected : State.Failed, reason);
  }

  /**
   * The token is over. A new one that is already on its way is used at once.
   *
   * @param {number} now
   */
  #awaitToken(now) {
    this.#close();
    this.#phase = 'awaitingToken';
    this.#timers.clearAll();
    this.#tokens.expire();
    this.#move(State.Failed, Reason.TokenExpired);
    if (!this.#tokens.pending) return;
    this.#timers.set('renewal', now + REQUEST_MS);
    this.#startAgain(now);
  }

  /**
   * The server goes down in good order: nobody is told unless it takes long.
   *
   * @param {number} now
   * @param {number} pause
   */
  #moveHouse(now, pause) {
    this.#close();
    if (this.#phase === 'joined') {
      this.#leaveConnection();
      this.#timers.set('moving', now + MOVING_MS);
      // What it took to get in says nothing about the server that comes next.
      if (now - this.#joinedAt >= STABLE_MS) this.#attempts = 1;
    }
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
    this.#tokens.renew(now, token, this.#way());
    if (this.#phase === 'awaitingToken') this.#startAgain(now);
  }

  /**
   * A session that ended with its token goes on with a new one.
   *
   * @param {number} now
   */
  #startAgain(now) {
    this.#tokens.takeToJoin();
    if (this.#resume !== undefined) this.#start(now, State.Reconnecting, Reason.RenewToken);
    else this.#start(now, State.Connecting, Reason.Connecting);
  }

  /**
   * @param {number} now
   * @param {import('./protocol.d.ts').Role} role
   */
  #askRole(now, role) {
    this.#roles.ask(now, role, this.#phase === 'awaitingToken' ? 'none' : this.#way());
  }

  /** How a request reaches the server now. */
  #way() {
    if (this.#phase === 'joined') return 'message';
    return this.#phase === 'joining' ? 'afterJoin' : 'join';
  }

  /**
   * @param {number} now
   * @param {{ id: number, code: number, standing?: Standing }} renewed
   */
  #renewed(now, { id, code, standing }) {
    this.#tokens.answered(id, code);
    if (standing) this.#standingChanged(now, standing);
  }

  /**
   * @param {number} now
   * @param {Standing} standing
   */
  #standingChanged(now, standing) {
    this.#setStanding(now, standing);
    const role = this.#roles.reclaimable(standing);
    if (role) this.#askRole(now, role);
  }

  /**
   * @param {number} now
   * @param {Standing} standing
   */
  #setStanding(now, { role, audio, video, data, expiresInMs }) {
    this.#tokens.setExpiry(now, expiresInMs);
    const standing = { role, audio, video, data, ...(expiresInMs !== undefined && { expiresInMs }) };
    this.#event({ type: 'standingChanged', standing });
  }

  /** @param {Subscribe} subscribe */
  #setSubscribe(subscribe) {
    if (this.#request) this.#request.subscribe = subscribe;
    this.#whenJoined({ type: 'subscribe', ...subscribe });
    this.#roster.subscribe(subscribe);
  }

  /** @param {View} view */
  #setView(view) {
    const before = this.#request?.view ?? USUAL_VIEW;
    if (!this.#request || JSON.stringify(before) === JSON.stringify(view)) return;
    this.#request.view = view;
    this.#whenJoined({ type: 'view', ...view });
  }

  /** @param {Receiving} receiving */
  #receiving({ uid, id, stream, layer, size, reason }) {
    const receiving = { uid, id, stream, ...(layer !== undefined && { layer }), ...(size && { size }), reason };
    this.#roster.receiving(receiving);
    this.#push({ type: 'receiving', receiving });
  }

  /** @param {Switches} switches */
  #setSwitches({ video, localVideo }) {
    const before = this.#request?.switches ?? USUAL;
    if (!this.#request || (before.video === video && before.localVideo === localVideo)) return;
    this.#request.switches = { video, localVideo };
    this.#whenJoined({ type: 'setSwitches', video, localVideo });
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
 * @param {JoinRequest} request
 * @returns {number} 0, or a negative code
 */
function checkRequest({ channel, name, subscribe, view = USUAL_VIEW }) {
  if (!isChannelName(channel)) return -ErrorCode.InvalidChannelName;
  const named = name === undefined || isDisplayName(name);
  const bounded = subscribe.except.length <= MAX_EXCEPTIONS && view.views.length <= MAX_VIEWS;
  return named && bounded ? 0 : -ErrorCode.InvalidArgument;
}

/** @param {Switches} switches whether there is nothing to say */
const areUsual = ({ video, localVideo }) => video && localVideo;

/** @param {View} view whether there is nothing to say */
const isUsualView = ({ stream = 0, fallback = 1, views }) => stream === 0 && fallback === 1 && views.length === 0;

/** How everything is looked at where nothing else is said. @type {View} */
const USUAL_VIEW = { fallback: 1, views: [] };

/** What is on where nothing else is said. @type {Switches} */
const USUAL = { video: true, localVideo: true };
