// @ts-check
/**
 * As much of a browser as the engine needs to be called in Node: elements, a WebSocket that the test answers, and a
 * connection that agrees to everything. What a real browser does with media is tested in one.
 */

/** @type {FakeSocket[]} every socket so far, the newest last */
export const sockets = [];

export class FakeSocket {
  static OPEN = 1;
  readyState = 0;
  bufferedAmount = 0;
  /** @type {any[]} messages sent */
  sent = [];
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: { data: string }) => void) | null} */
  onmessage = null;
  /** @type {(() => void) | null} */
  onclose = null;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    sockets.push(this);
  }

  open() {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  /** @param {object} message */
  receive(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  close() {
    this.readyState = 3;
  }
}

class FakeTransceiver {
  /** @type {string | null} */
  mid = null;
  /** @type {string | null} */
  currentDirection = null;
  receiver = { track: new EventTarget(), getSynchronizationSources: () => [] };
  sender = {
    track: null,
    getParameters: () => ({ encodings: [{}] }),
    setParameters: async () => {},
    /** @param {any} track */
    replaceTrack: async (track) => { this.sender.track = track; },
  };

  /** @param {string} kind @param {string} direction */
  constructor(kind, direction) {
    this.kind = kind;
    this.direction = direction;
  }

  setCodecPreferences() {}
}

export class FakeConnection {
  /** What every connection reports: a test may set it. @type {Map<string, any>} */
  static stats = new Map();

  /** @type {FakeTransceiver[]} */
  transceivers = [];
  connectionState = 'new';
  signalingState = 'stable';
  localDescription = { sdp: 'offer' };
  onconnectionstatechange = null;

  /** @param {string} kind @param {{ direction: string }} init */
  addTransceiver(kind, { direction }) {
    const transceiver = new FakeTransceiver(kind, direction);
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers() {
    return this.transceivers;
  }

  /** @param {{ type: string }} [description] */
  async setLocalDescription(description) {
    if (description?.type === 'rollback') {
      this.signalingState = 'stable';
      return;
    }
    this.transceivers.forEach((transceiver, index) => { transceiver.mid ??= String(index); });
    this.signalingState = 'have-local-offer';
  }

  async setRemoteDescription() {
    for (const transceiver of this.transceivers) transceiver.currentDirection = transceiver.direction;
    this.signalingState = 'stable';
  }

  /** A real browser takes its time, and gives no figures of a connection that was closed before. */
  async getStats() {
    if (this.connectionState === 'closed') throw new Error('closed');
    await settled();
    return FakeConnection.stats;
  }

  close() {
    this.connectionState = 'closed';
  }
}

/** Puts it all where a browser has it. */
export function installBrowser() {
  class Element {}
  Object.assign(globalThis, {
    HTMLElement: Element,
    WebSocket: FakeSocket,
    RTCPeerConnection: FakeConnection,
    RTCRtpSender: {},
    RTCRtpReceiver: {},
  });
}

/** Everything that is due in microtasks has been done. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
