// @ts-check
/**
 * A client of its own making, without the SDK: it says what it likes to the server and to its own browser.
 *
 * @import { ClientMessage, MediaAnswer, MediaOffer, ServerMessage, Source } from '../../../sdk/protocol.d.ts'
 */
import { Flow, countPackets } from './flow.js';

/** What it says about the sections that it sends in. @typedef {'publish' | 'slots' | 'nothing'} Claim */

/** Directions of the server that make a browser stop sending. */
const REFUSALS = /^a=(inactive|sendonly)\r?$/m;

class Rogue {
  /** @type {ServerMessage[]} */
  heard = [];
  /** @type {{ code: number, reason: string } | null} */
  closed = null;
  #socket;
  #connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  /** @type {RTCRtpTransceiver[]} the sections with camera and microphone */
  #sending = [];
  /** @type {RTCRtpTransceiver[]} */
  #receiving = [];
  /** @type {Flow | null} */
  #flow = null;

  constructor() {
    this.#socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/signal`);
    this.#socket.onmessage = ({ data }) => this.heard.push(JSON.parse(data));
    this.#socket.onclose = ({ code, reason }) => (this.closed = { code, reason });
  }

  /** Waits until the server takes messages. */
  async open() {
    if (this.#socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve) => this.#socket.addEventListener('open', resolve, { once: true }));
    }
  }

  /** @param {ClientMessage} message */
  send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  /** Opens camera and microphone, and means to send them. */
  async arm() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180 } });
    for (const track of stream.getTracks()) {
      this.#sending.push(this.#connection.addTransceiver(track, { direction: 'sendrecv', streams: [stream] }));
    }
  }

  /** Makes room to receive one sound and one picture. */
  makeRoom() {
    for (const kind of ['audio', 'video']) {
      this.#receiving.push(this.#connection.addTransceiver(kind, { direction: 'recvonly' }));
    }
  }

  /**
   * Offers all its sections.
   *
   * @param {Claim} claim
   * @returns {Promise<MediaOffer>}
   */
  async offer(claim) {
    await this.#connection.setLocalDescription();
    const binding = (/** @type {RTCRtpTransceiver} */ { mid, receiver }) =>
      ({ mid: String(mid), kind: /** @type {'audio' | 'video'} */ (receiver.track.kind) });
    const publish = this.#sending.map((section) => ({
      ...binding(section),
      source: /** @type {Source} */ (section.receiver.track.kind === 'audio' ? 'microphone' : 'camera'),
      muted: false,
    }));
    const sections = claim === 'slots' ? [...this.#sending, ...this.#receiving] : this.#receiving;
    return {
      sdp: this.#connection.localDescription?.sdp ?? '',
      publish: claim === 'publish' ? publish : [],
      slots: sections.map(binding),
    };
  }

  /**
   * Takes the server's answer, and lets its own browser believe that all its sections are welcome.
   *
   * @param {MediaAnswer} answer
   */
  async believe(answer) {
    const mids = this.#sending.map(({ mid }) => mid);
    const believed = (/** @type {string} */ section) => (mids.includes(midOf(section)) ? welcomed(section) : section);
    const sdp = sections(answer.sdp).map(believed).join('');
    await this.#connection.setRemoteDescription({ type: 'answer', sdp });
  }

  /**
   * The first message of this type, once it is there.
   *
   * @param {string} type
   * @param {number} within in ms
   */
  async hear(type, within) {
    const end = performance.now() + within;
    for (;;) {
      const message = this.heard.find((one) => one.type === type);
      if (message) return message;
      if (performance.now() > end) throw new Error(`no ${type} within ${within} ms, but ${JSON.stringify(this.heard)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  packets() {
    return countPackets(this.#connection);
  }

  /** Counts packets again and again, from now on. */
  watchFlow() {
    this.#flow = new Flow(this.#connection);
  }

  flow() {
    return this.#flow?.counts ?? [];
  }
}

/** @param {string} sdp */
function sections(sdp) {
  return sdp.split(/(?=^m=)/m);
}

/** @param {string} section */
function midOf(section) {
  return /^a=mid:(.*?)\r?$/m.exec(section)?.[1] ?? null;
}

/**
 * The section as a server would write it that wants to receive.
 *
 * @param {string} section
 */
function welcomed(section) {
  return section.replace(REFUSALS, 'a=sendrecv').replace(/^m=(\w+) 0 /, 'm=$1 9 ');
}

Object.assign(globalThis, { rogue: new Rogue() });
