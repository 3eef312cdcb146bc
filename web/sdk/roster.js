// @ts-check
/**
 * The other users of the channel, and what is to be told of them.
 *
 * @import { Kind, Member, Publication, Received, Receiving, Subscribe, Switches } from './protocol.d.ts'
 * @import { SessionEvent } from './session-io.d.ts'
 */
import { RemoteMediaReason as Reason, RemoteMediaState as State, UserOfflineReason } from './constants.js';

/**
 * @typedef {object} Flow how one user's media of one kind is doing
 * @property {number} state
 * @property {number} reason
 * @property {boolean} muted what the last mute event said
 * @property {boolean} started whether it ever started
 * @property {boolean} decoded whether it was ever decoded
 */

/**
 * @typedef {object} User
 * @property {number} uid
 * @property {Map<number, Publication>} publications
 * @property {Switches} switches
 * @property {Record<Kind, Flow>} flows
 * @property {Map<number, Receiving>} received what the server said last of each video that does not simply come
 * @property {Set<number>} low the videos of which the low stream came last
 * @property {boolean} fallen whether no video of this user comes, so that the sound goes on
 */

/** @type {Kind[]} */
const KINDS = ['audio', 'video'];

export class Roster {
  /** @type {Map<number, User>} */
  #users = new Map();
  /** @type {Subscribe} */
  #subscribe;
  #emit;

  /**
   * @param {(event: SessionEvent) => void} emit
   * @param {Subscribe} [subscribe] what this connection wants to receive
   */
  constructor(emit, subscribe = { audio: true, video: true, except: [] }) {
    this.#emit = emit;
    this.#subscribe = subscribe;
  }

  /** How many others are known. */
  get size() {
    return this.#users.size;
  }

  /**
   * Whose publication this is.
   *
   * @param {number} id
   * @returns {{ uid: number, publication: Publication, live: boolean } | null} `live`: neither muted nor its camera off
   */
  find(id) {
    for (const user of this.#users.values()) {
      const publication = user.publications.get(id);
      if (publication) return { uid: user.uid, publication, live: isLive(user, publication) };
    }
    return null;
  }

  /**
   * The whole list, as a join gives it: those who are not in it have gone meanwhile.
   *
   * @param {Member[]} members
   */
  replace(members) {
    const present = new Set(members.map((member) => member.uid));
    for (const uid of this.#uids()) if (!present.has(uid)) this.leave(uid, UserOfflineReason.Quit);
    for (const member of members) this.#users.has(member.uid) ? this.#renew(member) : this.join(member);
  }

  /** @param {Member} member */
  join({ uid, name, publications, switches }) {
    if (this.#users.has(uid)) return;
    /** @type {User} */
    const user = {
      uid,
      publications: new Map(),
      switches: USUAL,
      flows: { audio: newFlow(), video: newFlow() },
      received: new Map(),
      low: new Set(),
      fallen: false,
    };
    this.#users.set(uid, user);
    this.#emit({ type: 'userJoined', uid });
    if (name !== undefined) this.#emit({ type: 'userInfoUpdated', uid, name });
    this.#tellSwitches(user, switches);
    for (const publication of publications) this.#add(user, publication);
    this.#settle(user, Reason.Internal);
  }

  /**
   * @param {number} uid
   * @param {number} reason
   */
  leave(uid, reason) {
    const user = this.#users.get(uid);
    if (!user) return;
    for (const kind of KINDS) this.#move(user, kind, State.Stopped, Reason.RemoteOffline);
    this.#users.delete(uid);
    this.#emit({ type: 'userOffline', uid, reason });
  }

  /**
   * @param {number} uid
   * @param {Publication} publication
   */
  publish(uid, publication) {
    const user = this.#users.get(uid);
    if (!user) return;
    this.#add(user, publication);
    this.#settle(user, Reason.RemoteUnmuted);
  }

  /**
   * @param {number} uid
   * @param {number} id
   */
  unpublish(uid, id) {
    const user = this.#users.get(uid);
    if (!user) return;
    this.#drop(user, id);
    this.#settle(user, Reason.RemoteMuted);
  }

  /**
   * @param {number} uid
   * @param {number} id
   * @param {boolean} muted
   */
  mute(uid, id, muted) {
    const user = this.#users.get(uid);
    const publication = user?.publications.get(id);
    if (!user || !publication) return;
    user.publications.set(id, { ...publication, muted });
    this.#settle(user, Reason.RemoteUnmuted);
  }

  /**
   * @param {number} uid
   * @param {Switches} switches
   */
  switch(uid, switches) {
    const user = this.#users.get(uid);
    if (!user) return;
    this.#tellSwitches(user, switches);
    this.#settle(user, Reason.RemoteUnmuted);
  }

  /** @param {Subscribe} subscribe what this connection wants to receive from now on */
  subscribe(subscribe) {
    this.#subscribe = subscribe;
    for (const uid of this.#uids()) this.#settle(/** @type {User} */ (this.#users.get(uid)), Reason.LocalUnmuted);
  }

  /**
   * Media of a user has been decoded.
   *
   * @param {number} uid
   * @param {Kind} kind
   * @param {{ width?: number, height?: number, again?: boolean }} size of the picture; 0 for sound; `again` after a gap
   *   so long that it counts as a first time
   */
  decoded(uid, kind, { width = 0, height = 0, again = false }) {
    const user = this.#users.get(uid);
    const flow = user?.flows[kind];
    if (!user || !flow || flow.state === State.Stopped) return;
    // What was under way when sound alone was left does not bring the picture back.
    if (kind === 'video' && user.fallen) return;
    const broken = flow.state === State.Frozen || flow.state === State.Failed;
    const recovery = flow.reason === Reason.AudioFallback ? Reason.AudioFallbackRecovery : Reason.Recovery;
    // Sound is told of once in a user's stay, pictures each time that they begin anew.
    const begins = flow.state === State.Starting && (kind === 'video' || !flow.decoded);
    flow.decoded = true;
    if (begins || again) this.#emit({ type: 'firstDecoded', uid, kind, width, height });
    this.#move(user, kind, State.Decoding, broken ? recovery : flow.reason);
  }

  /**
   * Nothing of a user's media has been decoded for a while.
   *
   * @param {number} uid
   * @param {Kind} kind
   */
  frozen(uid, kind) {
    const user = this.#users.get(uid);
    if (user?.flows[kind].state !== State.Decoding || (kind === 'video' && everyVideoIs(user, isUnseen))) return;
    this.#move(user, kind, State.Frozen, Reason.Congestion);
  }

  /** @param {Receiving} receiving what the server sends of a video now */
  receiving(receiving) {
    const { uid, id, stream } = receiving;
    const user = this.#users.get(uid);
    if (!user?.publications.has(id)) return;
    user.received.set(id, receiving);
    const changed = noteStream(user, id, stream);
    const { state } = user.flows.video;
    this.#settleFallback(user);
    if (!changed || state !== State.Decoding) return;
    const reason = stream === 'low' ? Reason.StreamTypeChangeToLow : Reason.StreamTypeChangeToHigh;
    this.#emit({ type: 'remoteMediaState', uid, kind: 'video', state, reason });
  }

  /** @param {User} user of whom sound alone may be left, or no longer */
  #settleFallback(user) {
    const fallen = everyVideoIs(user, ({ stream }) => stream === 'audioOnly');
    if (user.fallen === fallen) return;
    user.fallen = fallen;
    this.#emit({ type: 'fallbackToAudioOnly', uid: user.uid, fallen });
    if (fallen && user.flows.video.state !== State.Stopped) {
      this.#move(user, 'video', State.Frozen, Reason.AudioFallback);
    }
  }

  /** @param {Member} member someone known who was heard of again after a break */
  #renew({ uid, publications, switches }) {
    const user = /** @type {User} */ (this.#users.get(uid));
    this.#tellSwitches(user, switches);
    // Another connection receives in its own way.
    user.received.clear();
    user.low.clear();
    const kept = new Set(publications.map((publication) => publication.id));
    for (const id of [...user.publications.keys()].sort((a, b) => a - b)) if (!kept.has(id)) this.#drop(user, id);
    for (const publication of publications) this.#add(user, publication);
    this.#settle(user, Reason.RemoteUnmuted);
  }

  /**
   * @param {User} user
   * @param {Publication} publication
   */
  #add(user, publication) {
    const known = user.publications.has(publication.id);
    user.publications.set(publication.id, publication);
    if (!known) this.#tellPublication('userPublished', user, publication);
  }

  /**
   * @param {User} user
   * @param {number} id
   */
  #drop(user, id) {
    const publication = user.publications.get(id);
    if (!publication) return;
    user.publications.delete(id);
    user.received.delete(id);
    user.low.delete(id);
    this.#tellPublication('userUnpublished', user, publication);
  }

  /**
   * @param {'userPublished' | 'userUnpublished'} type
   * @param {User} user
   * @param {Publication} publication
   */
  #tellPublication(type, { uid }, { kind, source }) {
    this.#emit({ type, uid, kind, source });
  }

  /**
   * @param {User} user
   * @param {Switches} [switches]
   */
  #tellSwitches(user, switches = USUAL) {
    const { uid, switches: before } = user;
    user.switches = switches;
    const { video, localVideo } = switches;
    if (before.video !== video) this.#emit({ type: 'userEnableVideo', uid, enabled: video });
    if (before.localVideo !== localVideo) this.#emit({ type: 'userEnableLocalVideo', uid, enabled: localVideo });
  }

  /**
   * Tells mutes, then starts and stops, as they follow from what is offered and wanted now.
   *
   * @param {User} user
   * @param {number} cause the reason of a start that is not the first
   */
  #settle(user, cause) {
    for (const kind of KINDS) {
      const offered = [...user.publications.values()].filter((publication) => publication.kind === kind);
      const unmuted = offered.some((publication) => !publication.muted);
      const live = offered.some((publication) => isLive(user, publication));
      const flow = user.flows[kind];
      if (offered.length > 0 && flow.muted === unmuted) this.#tellMuted(user, kind, !unmuted);
      const flows = live && wants(this.#subscribe, user.uid, kind);
      if (!flows) this.#move(user, kind, State.Stopped, live ? Reason.LocalMuted : Reason.RemoteMuted);
      else if (flow.state === State.Stopped) {
        this.#move(user, kind, State.Starting, flow.started ? cause : Reason.Internal);
      }
    }
    this.#settleFallback(user);
  }

  /**
   * @param {User} user
   * @param {Kind} kind
   * @param {boolean} muted
   */
  #tellMuted({ uid, flows }, kind, muted) {
    flows[kind].muted = muted;
    this.#emit({ type: 'userMuted', uid, kind, muted });
  }

  /**
   * @param {User} user
   * @param {Kind} kind
   * @param {number} state
   * @param {number} reason
   */
  #move({ uid, flows }, kind, state, reason) {
    const flow = flows[kind];
    if (flow.state === state) return;
    flow.started ||= state === State.Starting;
    flow.state = state;
    flow.reason = reason;
    this.#emit({ type: 'remoteMediaState', uid, kind, state, reason });
  }

  /** Everyone, in an order that does not depend on who came first. */
  #uids() {
    return [...this.#users.keys()].sort((a, b) => a - b);
  }
}

/**
 * @param {User} user
 * @param {Publication} publication
 */
const isLive = ({ switches }, { source, muted }) => !muted && (source !== 'camera' || switches.localVideo);

/**
 * Whether there is video to be expected, and this is what the server said last of all of it.
 *
 * @param {User} user
 * @param {(receiving: Receiving) => boolean} said
 */
function everyVideoIs(user, said) {
  const live = [...user.publications.values()].filter(({ kind }) => kind === 'video').filter((one) => isLive(user, one));
  const all = live.map(({ id }) => user.received.get(id));
  return all.length > 0 && all.every((receiving) => receiving !== undefined && said(receiving));
}

/** @param {Receiving} receiving */
const isUnseen = ({ stream, reason }) => stream === 'paused' && reason === 'view';

/**
 * Notes whether the low stream comes.
 *
 * @param {User} user
 * @param {number} id
 * @param {Received} stream
 * @returns {boolean} whether that has changed
 */
function noteStream({ low }, id, stream) {
  if (stream === 'low' && !low.has(id)) {
    low.add(id);
    return true;
  }
  return stream === 'high' && low.delete(id);
}

/** What is on where nothing else is said. @type {Switches} */
const USUAL = { video: true, localVideo: true };

/** @returns {Flow} */
const newFlow = () => ({ state: State.Stopped, reason: Reason.Internal, muted: false, started: false, decoded: false });

/**
 * Whether media of this kind from this user is wanted; the last exception counts.
 *
 * @param {Subscribe} subscribe
 * @param {number} uid
 * @param {Kind} kind
 */
function wants(subscribe, uid, kind) {
  const exception = subscribe.except.findLast((except) => except.uid === uid && except.kind === kind);
  return exception ? exception.wanted : subscribe[kind];
}
