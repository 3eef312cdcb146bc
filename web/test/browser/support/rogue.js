// @ts-check
/**
 * A client that does not keep to the rules, as a test sees it.
 *
 * @import { Page } from 'playwright-core'
 */
import { settle } from './people.js';
import { APP_ID } from './token.js';
import { SOON_MS } from './wait.js';

export class Rogue {
  #page;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  /**
   * @param {Page} page
   * @param {string} origin
   */
  static async open(page, origin) {
    await settle(page, origin, 'rogue.js');
    const rogue = new Rogue(page);
    await rogue.ask('open');
    return rogue;
  }

  /**
   * Joins with camera and microphone in its offer, and sends them whatever the answer says.
   *
   * @param {{ channel: string, uid: number, token: string, claim?: 'publish' | 'slots' | 'nothing' }} wishes
   */
  async push({ claim = 'publish', ...wishes }) {
    await this.ask('arm');
    return this.#join('broadcaster', claim, wishes);
  }

  /**
   * Joins like an honest listener, with room to receive.
   *
   * @param {{ channel: string, uid: number, token: string }} wishes
   */
  listen(wishes) {
    return this.#join('audience', 'publish', wishes);
  }

  /**
   * @param {string} role
   * @param {string} claim
   * @param {object} wishes
   */
  async #join(role, claim, wishes) {
    await this.ask('makeRoom');
    const media = await this.ask('offer', claim);
    await this.ask('send', { type: 'join', appId: APP_ID, ...wishes, role, profile: 'liveBroadcasting', media });
    const joined = await this.hear('joined');
    await this.ask('believe', joined.media);
    return joined;
  }

  /** @param {string} type of the server's message */
  hear(type) {
    return this.ask('hear', type, SOON_MS);
  }

  /** @returns {Promise<{ sent: number, received: number }>} */
  packets() {
    return this.ask('packets');
  }

  /** @returns {Promise<any[]>} all messages of the server so far */
  heard() {
    return this.#page.evaluate(() => /** @type {any} */ (globalThis).rogue.heard);
  }

  /**
   * @param {string} method of the page's helper
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  ask(method, ...args) {
    const run = (/** @type {[string, unknown[]]} */ [name, given]) =>
      /** @type {any} */ (globalThis).rogue[name](...given);
    return this.#page.evaluate(run, /** @type {[string, unknown[]]} */ ([method, args]));
  }
}
