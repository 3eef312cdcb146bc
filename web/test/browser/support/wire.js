// @ts-check
/** A cable between a page and the server's TCP port, which can be cut. Media goes past it, over UDP. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Wire {
  #server = createServer((near) => this.#join(near));
  #port;
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  #whole = true;
  /** How many connections have come so far. */
  connections = 0;

  /** @param {number} port of the server */
  constructor(port) {
    this.#port = port;
  }

  /** @returns {Promise<this>} */
  async lay() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** What a page takes for the server. */
  get origin() {
    const address = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    return `http://127.0.0.1:${address.port}`;
  }

  /** Ends every connection; new ones are ended at once until the cable is mended. */
  cut() {
    this.#whole = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#whole = true;
  }

  /** Takes it away. */
  remove() {
    this.cut();
    this.#server.close();
  }

  /** @param {import('node:net').Socket} near */
  #join(near) {
    if (!this.#whole) return near.destroy();
    this.connections += 1;
    const far = connect(this.#port, '127.0.0.1');
    this.#carry(near, far);
    this.#carry(far, near);
    return undefined;
  }

  /**
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket} to
   */
  #carry(from, to) {
    this.#sockets.add(from);
    // A reset is an end like any other here.
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.pipe(to);
  }
}
