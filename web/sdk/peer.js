// @ts-check
/**
 * One RTCPeerConnection: what is sent and received in it, and its negotiation. The client always offers; the server
 * only answers, with all its candidates in the answer, so offers are sent without waiting for candidates.
 *
 * @import { Kind, MediaAnswer, MediaOffer, PublishState, Slot, Source } from './protocol.d.ts'
 * @import { VideoEncoderConfiguration } from './types.d.ts'
 */
import { preferCodecs } from './codecs.js';

/** @typedef {{ source: Source, kind: Kind, muted: boolean, track: MediaStreamTrack | null }} Outgoing */

/**
 * @typedef {object} Publication a track that is sent, or would be
 * @property {Outgoing} wanted
 * @property {RTCRtpTransceiver} transceiver
 * @property {boolean} toldMuted what the server believes
 * @property {PublishState | null} state what the server says; null until it has
 */

/** @typedef {{ kind: Kind, transceiver: RTCRtpTransceiver, publication: number | null }} ReceiveSlot */

/** Receive slots of the first offer: newcomers' media needs no further round trip. */
const SPARE_SLOTS = /** @type {Kind[]} */ (['audio', 'audio', 'video', 'video', 'video', 'video']);
/** The server takes no more slots. */
const MAX_SLOTS = 256;
/** An offer that was refused, for example because there were too many in a second, is repeated after so many ms. */
const OFFER_AGAIN_MS = 1_500;
/** So many refusals in a row, and the next change is awaited instead. */
const MAX_REFUSALS = 3;
/** A connection that stays broken for so long is given up, in ms. */
const BROKEN_MS = 4_000;

export class Peer {
  #connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
  /** @type {Map<Source, Publication>} */
  #publications = new Map();
  /** @type {Map<Source, RTCRtpTransceiver>} the section of each source, kept for when it is published again */
  #sections = new Map();
  /** @type {ReceiveSlot[]} */
  #slots = [];
  #encoder;
  #hooks;
  /** Whether an offer is out. */
  #negotiating = false;
  /** Whether sections have changed since the last offer. */
  #stale = false;
  #answered = false;
  #closed = false;
  #refusals = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #againTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #brokenTimer;

  /**
   * @param {VideoEncoderConfiguration} encoder
   * @param {{ negotiate: (media: MediaOffer) => void, setMuted: (mid: string, muted: boolean) => void,
   *   changed: () => void, lost: () => void }} hooks `negotiate` sends a new offer, `changed` says that publications or
   *   slots are not as they were, `lost` that the connection has failed
   */
  constructor(encoder, hooks) {
    this.#encoder = encoder;
    this.#hooks = hooks;
    for (const kind of SPARE_SLOTS) this.#addSlot(kind);
    this.#connection.onconnectionstatechange = () => this.#watch();
  }

  /** The connection itself, for figures. */
  get connection() {
    return this.#connection;
  }

  /** Whether media has been agreed upon once. */
  get answered() {
    return this.#answered;
  }

  /** @returns {readonly ReceiveSlot[]} */
  get slots() {
    return this.#slots;
  }

  /**
   * What the server says of a track; null when it has said nothing yet, or there is none.
   *
   * @param {Source} source
   */
  publishState(source) {
    return this.#publications.get(source)?.state ?? null;
  }

  /**
   * Makes the first offer.
   *
   * @returns {Promise<MediaOffer>}
   */
  async start() {
    this.#negotiating = true;
    return this.#offer();
  }

  /**
   * Sends these tracks, and nothing else.
   *
   * @param {Outgoing[]} outgoing
   */
  publish(outgoing) {
    if (this.#closed) return;
    const sources = new Set(outgoing.map((wanted) => wanted.source));
    for (const source of [...this.#publications.keys()]) if (!sources.has(source)) this.#unpublish(source);
    for (const wanted of outgoing) this.#publishOne(wanted);
    this.#tellMuted();
    this.#negotiateIfStale();
  }

  /** @param {VideoEncoderConfiguration} encoder bitrate now; codecs from the next negotiation on */
  setEncoder(encoder) {
    const codecChanged = encoder.codecType !== this.#encoder.codecType;
    this.#encoder = encoder;
    for (const { wanted, transceiver } of this.#publications.values()) {
      if (wanted.kind !== 'video') continue;
      preferCodecs(transceiver, 'video', encoder.codecType);
      void this.#limit(transceiver.sender);
    }
    if (!codecChanged) return;
    this.#stale = true;
    this.#negotiateIfStale();
  }

  /**
   * Adds receive slots and offers them.
   *
   * @param {number} audio
   * @param {number} video
   */
  addSlots(audio, video) {
    const kinds = /** @type {Kind[]} */ ([...Array(audio).fill('audio'), ...Array(video).fill('video')]);
    const room = Math.max(0, MAX_SLOTS - this.#slots.length);
    for (const kind of kinds.slice(0, room)) this.#addSlot(kind);
    this.#negotiateIfStale();
  }

  /** @param {Slot[]} slots those that carry something else now */
  setSlots(slots) {
    for (const { mid, publication } of slots) {
      const slot = this.#slots.find(({ transceiver }) => transceiver.mid === mid);
      if (slot) slot.publication = publication ?? null;
    }
    this.#hooks.changed();
  }

  /**
   * The server forwards a track, or no longer does.
   *
   * @param {string} mid
   * @param {PublishState} state
   */
  setPublishState(mid, state) {
    const publication = [...this.#publications.values()].find(({ transceiver }) => transceiver.mid === mid);
    if (!publication) return;
    publication.state = state;
    // Before the browser has taken in the answer that is under way, nothing can be said of a section.
    if (!this.#negotiating || isAgreed(publication.transceiver)) this.#settle(publication);
    this.#hooks.changed();
  }

  /**
   * Takes the server's answer.
   *
   * @param {MediaAnswer} media
   */
  async answer({ sdp, publish, slots }) {
    if (this.#closed) return;
    // Noted at once: while the browser takes in the description, later messages may already say otherwise.
    const states = new Map(publish.map(({ mid, state }) => [mid, state]));
    for (const publication of this.#publications.values()) {
      publication.state = states.get(publication.transceiver.mid ?? '') ?? publication.state;
    }
    this.setSlots(slots);
    await this.#connection.setRemoteDescription({ type: 'answer', sdp });
    if (this.#closed) return;
    this.#answered = true;
    this.#negotiating = false;
    this.#refusals = 0;
    for (const publication of this.#publications.values()) {
      const isAsAnswered = publication.state === states.get(publication.transceiver.mid ?? '');
      if (isAsAnswered) void this.#send(publication);
      else this.#settle(publication);
    }
    this.#hooks.changed();
    this.#tellMuted();
    this.#negotiateIfStale();
  }

  /** The server did not take an offer: the connection goes on as it was, and everything is offered again. */
  async rollBack() {
    if (this.#connection.signalingState !== 'have-local-offer') return;
    await this.#connection.setLocalDescription({ type: 'rollback' });
    this.#negotiating = false;
    this.#stale = true;
    this.#refusals += 1;
    clearTimeout(this.#againTimer);
    if (this.#refusals > MAX_REFUSALS) return;
    this.#againTimer = setTimeout(() => this.#negotiateIfStale(), OFFER_AGAIN_MS * this.#refusals);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#againTimer);
    clearTimeout(this.#brokenTimer);
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  // ---- Publications -----------------------------------------------------------------------------------------------

  /** @param {Outgoing} wanted */
  #publishOne(wanted) {
    const known = this.#publications.get(wanted.source);
    if (known) {
      known.wanted = wanted;
      return void this.#send(known);
    }
    const transceiver = this.#section(wanted);
    this.#publications.set(wanted.source, { wanted, transceiver, toldMuted: wanted.muted, state: null });
    this.#stale = true;
  }

  /**
   * A section that sends: the one that this source had before, unless it has been stopped.
   *
   * @param {Outgoing} wanted
   */
  #section({ source, kind }) {
    const before = this.#sections.get(source);
    const reusable = before && !isStopped(before);
    const section = reusable ? before : this.#connection.addTransceiver(kind, { direction: 'sendonly' });
    section.direction = 'sendonly';
    preferCodecs(section, kind, kind === 'video' ? this.#encoder.codecType : undefined);
    this.#sections.set(source, section);
    return section;
  }

  /** @param {Source} source */
  #unpublish(source) {
    const { transceiver } = /** @type {Publication} */ (this.#publications.get(source));
    this.#publications.delete(source);
    this.#stale = true;
    if (isStopped(transceiver)) return;
    transceiver.direction = 'inactive';
    transceiver.sender.replaceTrack(null).catch(() => undefined);
  }

  /**
   * The right to publish has come back, but the server had refused the section: it is offered again.
   *
   * @param {Publication} publication
   */
  #offerAgain(publication) {
    if (isStopped(publication.transceiver)) publication.transceiver = this.#section(publication.wanted);
    this.#stale = true;
    this.#negotiateIfStale();
  }

  /**
   * Does what the server says of a track.
   *
   * @param {Publication} publication
   */
  #settle(publication) {
    if (publication.state === 'published' && !isAgreed(publication.transceiver)) this.#offerAgain(publication);
    void this.#send(publication);
  }

  /**
   * Sends the track if the server forwards it and its owner has not silenced it.
   *
   * @param {Publication} publication
   */
  async #send({ wanted, transceiver, state }) {
    const track = state === 'published' && !wanted.muted ? wanted.track : null;
    if (transceiver.sender.track === track || isStopped(transceiver)) return;
    if (track?.kind === 'video') track.contentHint = wanted.source === 'screen' ? 'detail' : '';
    // It fails only on a section that has been stopped meanwhile.
    await transceiver.sender.replaceTrack(track).catch(() => undefined);
    if (wanted.kind === 'video') await this.#limit(transceiver.sender);
  }

  /** @param {RTCRtpSender} sender */
  async #limit(sender) {
    const parameters = sender.getParameters();
    const encoding = parameters.encodings?.[0];
    if (!encoding) return;
    const { bitrate = 0, degradationPreference } = this.#encoder;
    if (bitrate > 0) encoding.maxBitrate = bitrate * 1000;
    else delete encoding.maxBitrate;
    Object.assign(parameters, degradationPreference && { degradationPreference });
    // Parameters grow stale when a negotiation comes between; the next call sets them.
    await sender.setParameters(parameters).catch(() => undefined);
  }

  /** Tells the server of mutes that it does not know of; what an offer says, it knows. */
  #tellMuted() {
    if (!this.#answered || this.#negotiating) return;
    for (const publication of this.#publications.values()) {
      const { wanted, transceiver, toldMuted } = publication;
      if (wanted.muted === toldMuted || transceiver.mid === null) continue;
      publication.toldMuted = wanted.muted;
      this.#hooks.setMuted(transceiver.mid, wanted.muted);
    }
  }

  // ---- Negotiation ------------------------------------------------------------------------------------------------

  /** @param {Kind} kind */
  #addSlot(kind) {
    const transceiver = this.#connection.addTransceiver(kind, { direction: 'recvonly' });
    preferCodecs(transceiver, kind, undefined);
    this.#slots.push({ kind, transceiver, publication: null });
    this.#stale = true;
  }

  #negotiateIfStale() {
    if (!this.#stale || this.#negotiating || !this.#answered || this.#closed) return;
    this.#negotiating = true;
    this.#offer().then(
      (media) => this.#closed || this.#hooks.negotiate(media),
      () => this.#closed || this.#hooks.lost(),
    );
  }

  /** @returns {Promise<MediaOffer>} */
  async #offer() {
    this.#stale = false;
    await this.#connection.setLocalDescription();
    return {
      sdp: this.#connection.localDescription?.sdp ?? '',
      publish: this.#bindings(),
      slots: this.#slots.flatMap(({ kind, transceiver: { mid } }) => (mid === null ? [] : [{ mid, kind }])),
    };
  }

  #bindings() {
    const live = [...this.#publications.values()].filter(({ transceiver }) => transceiver.mid !== null);
    return live.map((publication) => {
      const { source, kind, muted } = publication.wanted;
      publication.toldMuted = muted;
      return { mid: /** @type {string} */ (publication.transceiver.mid), kind, source, muted };
    });
  }

  #watch() {
    clearTimeout(this.#brokenTimer);
    const state = this.#connection.connectionState;
    if (state === 'failed') this.#hooks.lost();
    if (state === 'disconnected') this.#brokenTimer = setTimeout(() => this.#hooks.lost(), BROKEN_MS);
  }
}

/**
 * Whether the server took the section.
 *
 * @param {RTCRtpTransceiver} transceiver
 */
function isAgreed({ currentDirection }) {
  return currentDirection === 'sendonly' || currentDirection === 'sendrecv';
}

/** @param {RTCRtpTransceiver} transceiver */
const isStopped = ({ direction, currentDirection }) => direction === 'stopped' || currentDirection === 'stopped';
