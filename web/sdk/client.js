// @ts-check
/**
 * One stay in a channel: drives the session machine with a WebSocket, a peer connection and a clock.
 *
 * @import { Source, Subscribe, Switches } from './protocol.d.ts'
 * @import { Input, JoinRequest, Output, SessionEvent } from './session-io.d.ts'
 * @import { RtcConnection, RtcEngineEventHandler, RtcStats, VideoEncoderConfiguration } from './types.d.ts'
 */
import { ConnectionState, VideoSourceType } from './constants.js';
import { eventCall } from './events.js';
import { Monitor } from './monitor.js';
import { NetworkWatch } from './network.js';
import { roleNumber } from './options.js';
import { Peer } from './peer.js';
import { PublishStates, VIDEO_SOURCE_TYPES } from './publishing.js';
import { Session } from './session.js';
import { Signal } from './signal.js';

/** @typedef {import('./peer.js').Outgoing & { failed: boolean, off: boolean }} Publish `failed`: its device did not open;
 *   `off`: it is closed on purpose */

/**
 * @typedef {object} Deps
 * @property {string[]} urls where to look for the network, in this order
 * @property {import('./queue.js').EventQueue} queue
 * @property {VideoEncoderConfiguration} encoder
 * @property {import('./views.js').Views} views
 * @property {import('./volume.js').VolumeMeter} volume
 * @property {(name: keyof RtcEngineEventHandler, ...args: unknown[]) => void} emit
 * @property {(name: keyof RtcEngineEventHandler, args: () => unknown[]) => void} emitLazily the arguments are made when
 *   the event's turn has come
 * @property {(role: number) => void} roleSettled the server agreed to a role, or refused another one
 * @property {() => void} changed the state of the connection is another
 * @property {() => void} pageLeft the visitor has left the page
 */

/** A timer that fires so late means that the page was frozen or busy, in ms. */
const LATE_MS = 500;
/** How long the messages that wait then are given, in ms. */
const MESSAGES_FIRST_MS = 100;
/** The last figures before a leave are awaited no longer than this, in ms. */
const LAST_FIGURES_MS = 300;

export class Client {
  #deps;
  #session = new Session();
  #channel = '';
  #calledAt = 0;
  #callId = '';
  #encoder;
  /** @type {Publish[]} */
  #publish = [];
  /** @type {Subscribe} */
  #subscribe = { audio: true, video: true, except: [] };
  /** @type {Switches} */
  #switches = { video: true, localVideo: true };
  /** @type {Signal | null} */
  #signal = null;
  /** @type {Peer | null} */
  #peer = null;
  /** @type {Peer | null} the one before, whose media goes on until its successor is ready */
  #previous = null;
  /** Counts connections; what belongs to an older one is ignored. */
  #generation = 0;
  #monitor;
  #states;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #draining = false;
  #begun = false;
  /** Whether the join has succeeded once. */
  #entered = false;
  #ended = false;
  #network = new NetworkWatch((type) => this.#deps.emit('onNetworkTypeChanged', type));
  #page = new PageEvents({
    woke: () => this.#feed({ type: 'tick' }),
    online: () => this.#feed({ type: 'networkChanged' }),
    hidden: () => this.#deps.pageLeft(),
  });

  /** @param {Deps} deps */
  constructor(deps) {
    this.#deps = deps;
    this.#encoder = deps.encoder;
    this.#states = new PublishStates(performance.now(), (change) => this.#tellPublishState(change));
    this.#monitor = new Monitor({
      sighted: (sighting) => this.#sighted(sighting),
      figures: (stats, networks) => this.#tellFigures(stats, networks),
      userCount: () => this.#session.roster.size + 1,
    });
  }

  get state() {
    return this.#session.state;
  }

  get callId() {
    return this.#callId;
  }

  /** Whether local media is kept for this connection: it is open, on its way, or waits for a token. */
  get active() {
    return !this.#ended && (!this.#begun || this.#session.staying);
  }

  get peerConnection() {
    return this.#peer?.connection ?? null;
  }

  /** @param {Omit<JoinRequest, 'subscribe' | 'switches'>} request */
  join(request) {
    this.#channel = request.channel;
    this.#calledAt = performance.now();
    this.#callId = crypto.getRandomValues(new Uint32Array(4)).join('-');
    this.#begun = true;
    this.#page.listen();
    this.#network.listen();
    this.#feed({ type: 'join', request: { ...request, subscribe: this.#subscribe, switches: this.#switches } });
  }

  leave() {
    if (this.#ended) return;
    const figures = this.#monitor.finish(LAST_FIGURES_MS);
    this.#states.left(performance.now());
    this.#deps.queue.hold(() => figures);
    this.#ended = true;
    this.#feed({ type: 'leave' });
    this.#close();
  }

  /** Lets go of everything, for a connection that has ended by itself. */
  dispose() {
    this.#ended = true;
    this.#close();
  }

  /**
   * @param {string} token
   * @returns {number} 0, or the negative code of a refusal
   */
  renewToken(token) {
    return this.#call({ type: 'renewToken', token });
  }

  /**
   * @param {import('./protocol.d.ts').Role} role
   * @returns {number} 0, or the negative code of a refusal
   */
  setRole(role) {
    return this.#call({ type: 'setRole', role });
  }

  /** @param {VideoEncoderConfiguration} encoder */
  setEncoder(encoder) {
    this.#encoder = encoder;
    this.#peer?.setEncoder(encoder);
  }

  /**
   * What to send and receive from now on.
   *
   * @param {{ publish: Publish[], subscribe: Subscribe, switches: Switches }} wanted
   */
  update({ publish, subscribe, switches }) {
    // The others hear of a switch before they hear of what follows from it.
    this.#switches = switches;
    this.#feed({ type: 'setSwitches', switches });
    this.#publish = publish;
    this.#peer?.publish(this.#outgoing());
    if (JSON.stringify(subscribe) !== JSON.stringify(this.#subscribe)) {
      this.#subscribe = subscribe;
      this.#feed({ type: 'subscribe', subscribe });
    }
    this.#refresh();
  }

  // ---- The session machine ----------------------------------------------------------------------------------------

  /** @param {Input} input a call of the application */
  #call(input) {
    const refusal = this.#session.allows(input);
    if (refusal === 0) this.#feed(input);
    return refusal;
  }

  /** @param {Input} input */
  #feed(input) {
    this.#session.handle(performance.now(), input);
    this.#drain();
  }

  /** Does what the session says; what that causes in turn is done after it. */
  #drain() {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let output = this.#session.poll(); output; output = this.#session.poll()) this.#do(output);
    } finally {
      this.#draining = false;
    }
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    const deadline = this.#session.deadline();
    if (deadline === null) return;
    this.#timer = setTimeout(() => this.#due(deadline), Math.max(0, deadline - performance.now()));
  }

  /**
   * A page that was frozen or busy has messages waiting, which show that the server is alive: they go first.
   *
   * @param {number} deadline
   */
  #due(deadline) {
    const tick = () => this.#feed({ type: 'tick' });
    if (performance.now() - deadline < LATE_MS) return tick();
    this.#timer = setTimeout(tick, MESSAGES_FIRST_MS);
  }

  /** @param {Output} output */
  #do(output) {
    switch (output.type) {
      case 'open': return this.#open();
      case 'close': return this.#disconnect();
      case 'send': return this.#signal?.send(output.message);
      case 'answer': return void this.#answer(output.media);
      case 'negotiateFailed': return void this.#peer?.rollBack();
      case 'slots': return this.#peer?.setSlots(output.slots);
      case 'needSlots': return this.#peer?.addSlots(output.audio, output.video);
      case 'ownPublication': return this.#peer?.setPublishState(output.mid, output.state);
      case 'event': return this.#tell(output.event);
      case 'layersWanted':
      case 'receiving':
      case 'bandwidth': return;
    }
  }

  // ---- Connections ------------------------------------------------------------------------------------------------

  /** Opens a WebSocket and makes an offer, both at once. */
  #open() {
    const generation = ++this.#generation;
    const mine = (/** @type {() => void} */ act) => () => void (generation === this.#generation && act());
    this.#retirePeer();
    const peer = this.#newPeer(generation);
    const url = this.#deps.urls[(generation - 1) % this.#deps.urls.length] ?? '';
    const opened = new Promise((resolve) => {
      this.#signal = new Signal(url, {
        opened: () => resolve(undefined),
        message: (message) => generation === this.#generation && this.#feed({ type: 'message', message }),
        closed: mine(() => this.#feed({ type: 'closed' })),
      });
    });
    Promise.all([peer.start(), opened]).then(
      ([media]) => mine(() => this.#feed({ type: 'opened', media }))(),
      mine(() => this.#feed({ type: 'closed' })),
    );
  }

  /** @param {number} generation */
  #newPeer(generation) {
    const ifCurrent = (/** @type {() => void} */ act) => void (generation === this.#generation && act());
    const peer = new Peer(this.#encoder, {
      negotiate: (media) => ifCurrent(() => this.#feed({ type: 'negotiate', media })),
      setMuted: (mid, muted) => ifCurrent(() => this.#feed({ type: 'setMuted', mid, muted })),
      changed: () => ifCurrent(() => this.#refresh()),
      lost: () => ifCurrent(() => this.#feed({ type: 'mediaLost' })),
    });
    this.#peer = peer;
    peer.publish(this.#outgoing());
    return peer;
  }

  /** Keeps the media of a connection that is being replaced; one that never had any is closed. */
  #retirePeer() {
    const peer = this.#peer;
    this.#peer = null;
    if (!peer) return;
    if (!peer.answered) return peer.close();
    this.#previous?.close();
    this.#previous = peer;
  }

  #disconnect() {
    this.#generation++;
    this.#signal?.close();
    this.#signal = null;
    this.#retirePeer();
  }

  /** @param {import('./protocol.d.ts').MediaAnswer} media */
  async #answer(media) {
    const peer = this.#peer;
    try {
      await peer?.answer(media);
    } catch (error) {
      // Its text may quote the description, which holds an ICE password.
      console.error('the answer of the server could not be used:', error instanceof Error ? error.name : '');
      if (peer === this.#peer) this.#feed({ type: 'mediaLost' });
    }
    if (peer !== this.#peer) return;
    this.#previous?.close();
    this.#previous = null;
  }

  #outgoing() {
    return this.#publish.map(({ source, kind, muted, track, failed }) => ({
      source,
      kind,
      muted: muted || failed,
      track,
    }));
  }

  /** Media stops both ways: the session is over, or waits for a token. */
  #stopMedia() {
    this.#signal?.close();
    this.#signal = null;
    this.#peer?.close();
    this.#peer = null;
    this.#previous?.close();
    this.#previous = null;
    this.#refresh();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#page.close();
    this.#network.close();
    this.#stopMedia();
    this.#monitor.close();
    this.#deps.volume.setConnection(null);
    this.#deps.views.setRemoteTracks([], []);
    this.#deps.volume.setVoices([]);
  }

  // ---- Media ------------------------------------------------------------------------------------------------------

  /** Brings views, volume, figures and publish states in line with slots, roster and publications. */
  #refresh() {
    if (this.#ended) return;
    const carried = this.#carried();
    const videos = carried.filter(({ kind }) => kind === 'video');
    const sounds = carried.filter(({ kind }) => kind === 'audio');
    // While a fresh connection has nothing yet, the old pictures stay.
    if (this.#peer?.answered || !this.#previous) {
      this.#deps.views.setRemoteTracks(videos, sounds.map(({ track }) => track));
      this.#deps.volume.setVoices(sounds.map(({ uid, receiver }) => ({ uid, receiver })));
      this.#monitor.follow(this.#peer?.connection ?? null, carried);
    }
    this.#tellPublishStates();
  }

  /** What the slots carry, as far as it is known whose it is. */
  #carried() {
    return (this.#peer?.slots ?? []).flatMap(({ transceiver, publication, kind }) => {
      const found = publication === null ? null : this.#session.roster.find(publication);
      if (!found || publication === null || transceiver.mid === null) return [];
      const { uid, publication: { source }, live } = found;
      const { receiver, mid } = transceiver;
      const { track } = receiver;
      return [{ uid, source, kind, muted: !live, mid, publication, receiver, track, trackId: track.id }];
    });
  }

  #tellPublishStates() {
    const state = this.#session.state;
    const joined = state === ConnectionState.Connected || state === ConnectionState.Reconnecting;
    if (!joined || !this.#entered) return;
    const live = this.#publish.filter(({ source, muted, failed, off }) => this.#isSent(source) && !muted && !failed && !off);
    const confirmed = live.map(({ source, track }) => [source, track !== null && this.#isConfirmed(source)]);
    this.#states.inChannel(performance.now(), Object.fromEntries(confirmed));
  }

  /**
   * Whether the server has not said that it does not forward this.
   *
   * @param {Source} source
   */
  #isSent(source) {
    return (this.#livePeer?.publishState(source) ?? 'published') === 'published';
  }

  /** @param {Source} source */
  #isConfirmed(source) {
    return this.#livePeer?.publishState(source) === 'published';
  }

  /** The connection that carries media now: the one before, until its successor has its answer. */
  get #livePeer() {
    return this.#peer?.answered ? this.#peer : (this.#previous ?? this.#peer);
  }

  /** @param {import('./watch.js').Sighting} sighting */
  #sighted(sighting) {
    const { uid, kind, publication } = sighting.watched;
    if (sighting.type === 'frozen') return this.#feed({ type: 'frozen', uid, kind });
    const { width, height } = sighting;
    if (sighting.type === 'decoded') {
      return this.#feed({ type: 'decoded', uid, kind, width, height, again: sighting.again });
    }
    const screen = this.#session.roster.find(publication)?.publication.source === 'screen';
    const source = screen ? VideoSourceType.Screen : VideoSourceType.Remote;
    this.#deps.emit('onVideoSizeChanged', this.#connection, source, uid, width, height, 0);
  }

  // ---- Events -----------------------------------------------------------------------------------------------------

  /** @returns {RtcConnection} */
  get #connection() {
    return { channelId: this.#channel, localUid: this.#session.uid };
  }

  /** @param {SessionEvent} event */
  #tell(event) {
    if (event.type === 'leaveChannel') return this.#tellLeave();
    const call = eventCall(event, this.#connection, Math.round(performance.now() - this.#calledAt));
    for (const [name, ...args] of call) this.#deps.emit(name, ...args);
    this.#afterEvent(event);
  }

  /** @param {SessionEvent} event */
  #afterEvent(event) {
    switch (event.type) {
      case 'joinChannelSuccess': return this.#joined();
      case 'rejoinChannelSuccess': return this.#deps.volume.setConnection(this.#connection);
      case 'speakers': return this.#deps.volume.setSpeakers(event.speakers);
      case 'clientRoleChanged':
      case 'clientRoleChangeFailed': return this.#deps.roleSettled(roleNumber(this.#session.roles.asked));
      case 'connectionStateChanged': return this.#stateChanged(event.state);
      case 'userPublished':
      case 'userUnpublished':
      case 'userMuted':
      case 'userEnableLocalVideo':
      case 'userOffline': return this.#refresh();
    }
  }

  #joined() {
    this.#entered = true;
    this.#monitor.joined(performance.now() - this.#calledAt);
    this.#deps.volume.setConnection(this.#connection);
    this.#refresh();
  }

  /** @param {number} state */
  #stateChanged(state) {
    if (state === ConnectionState.Failed || state === ConnectionState.Disconnected) {
      this.#generation++;
      this.#stopMedia();
      if (!this.#ended) this.#states.left(performance.now());
      if (!this.#session.staying) this.#over();
    }
    this.#monitor.setOnline(state === ConnectionState.Connected);
    if (!this.#ended) this.#deps.changed();
  }

  /** The stay has ended by itself: nothing is measured any more. */
  #over() {
    if (this.#ended) return;
    this.#monitor.close();
    this.#deps.volume.setConnection(null);
  }

  #tellLeave() {
    const connection = this.#connection;
    // When the event's turn has come, the last figures have arrived.
    this.#deps.emitLazily('onLeaveChannel', () => [connection, this.#monitor.report()]);
  }

  /** @param {Parameters<import('./publishing.js').Tell>[0]} change */
  #tellPublishState({ source, before, after, elapsed }) {
    if (source === 'microphone') {
      this.#deps.emit('onAudioPublishStateChanged', this.#channel, before, after, elapsed);
    } else {
      this.#deps.emit('onVideoPublishStateChanged', VIDEO_SOURCE_TYPES[source], this.#channel, before, after, elapsed);
    }
  }

  /**
   * @param {RtcStats} stats
   * @param {{ uid: number, tx: number, rx: number }[]} networks
   */
  #tellFigures(stats, networks) {
    this.#deps.emit('onRtcStats', this.#connection, stats);
    for (const { uid, tx, rx } of networks) this.#deps.emit('onNetworkQuality', this.#connection, uid, tx, rx);
  }
}

/** What happens to the page as a whole. */
class PageEvents {
  #hooks;
  #onVisible = () => void (document.visibilityState === 'visible' && this.#hooks.woke());
  #onWake = () => this.#hooks.woke();
  #onOnline = () => this.#hooks.online();
  #onHide = () => this.#hooks.hidden();

  /** @param {{ woke: () => void, online: () => void, hidden: () => void }} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  listen() {
    globalThis.document?.addEventListener('visibilitychange', this.#onVisible);
    globalThis.document?.addEventListener('resume', this.#onWake);
    globalThis.addEventListener?.('online', this.#onOnline);
    globalThis.addEventListener?.('pagehide', this.#onHide);
  }

  close() {
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisible);
    globalThis.document?.removeEventListener('resume', this.#onWake);
    globalThis.removeEventListener?.('online', this.#onOnline);
    globalThis.removeEventListener?.('pagehide', this.#onHide);
  }
}
