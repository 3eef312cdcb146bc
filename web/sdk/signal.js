// @ts-check
/**
 * The WebSocket to the server: JSON messages in text frames.
 *
 * @import { ClientMessage, ServerMessage } from './protocol.d.ts'
 */

/** Neither side takes a longer message, in bytes. UTF-16 length never exceeds it for a legal one. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** More than this unsent means that the connection is stuck: it is closed, and the session opens a fresh one. */
const MAX_UNSENT_BYTES = 1024 * 1024;

export class Signal {
  #socket;
  #closed = false;
  #hooks;

  /**
   * @param {string} url
   * @param {{ opened: () => void, message: (message: ServerMessage) => void, closed: () => void }} hooks `closed` is
   *   called once, unless `close` was called before
   */
  constructor(url, hooks) {
    this.#hooks = hooks;
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => this.#hooks.opened();
    this.#socket.onmessage = ({ data }) => this.#received(data);
    // An error is always followed by a close.
    this.#socket.onclose = () => this.#lost();
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (this.#closed || this.#socket.readyState !== WebSocket.OPEN) return;
    const text = JSON.stringify(message);
    const fits = text.length <= MAX_MESSAGE_BYTES && this.#socket.bufferedAmount <= MAX_UNSENT_BYTES;
    if (!fits) console.warn(`signalling: a ${message.type} message does not fit, so the connection is given up`);
    if (fits) this.#socket.send(text);
    else this.#giveUp();
  }

  /** Closes it after what has been sent; no hook is called any more. */
  close() {
    this.#closed = true;
    this.#socket.close(1000);
  }

  /** @param {unknown} data */
  #received(data) {
    if (this.#closed) return;
    const message = parse(data);
    if (message) this.#hooks.message(message);
    else this.#giveUp();
  }

  #giveUp() {
    this.#socket.close(4000, 'protocol');
    this.#lost();
  }

  #lost() {
    if (this.#closed) return;
    this.#closed = true;
    this.#hooks.closed();
  }
}

/**
 * @param {unknown} data
 * @returns {ServerMessage | null} null when it is no message
 */
function parse(data) {
  if (typeof data !== 'string' || data.length > MAX_MESSAGE_BYTES) return null;
  try {
    const message = JSON.parse(data);
    return typeof message?.type === 'string' ? message : null;
  } catch {
    return null;
  }
}
