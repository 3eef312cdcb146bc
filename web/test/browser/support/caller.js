// @ts-check
/**
 * A person in a page, as a test sees it.
 *
 * @import { Page } from 'playwright-core'
 * @import { Told } from '../page/caller.js'
 */
import assert from 'node:assert/strict';
import { settle } from './people.js';
import { APP_ID, publisherToken } from './token.js';
import { SOON_MS, eventually } from './wait.js';

const BROADCASTER = 1;
/** Small pictures: what is tested is the way that they take, and every codec runs on the processor. */
const SMALL = { dimensions: { width: 320, height: 180 }, frameRate: 20 };

/** @typedef {import('../../../sdk/types.d.ts').ChannelMediaOptions} ChannelMediaOptions */

export class Caller {
  /** @type {string[]} what the page complained about */
  #complaints = [];

  /**
   * @param {string} name
   * @param {Page} page
   */
  constructor(name, page) {
    this.name = name;
    this.page = page;
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#complaints.push(message.text());
    });
  }

  /**
   * @param {string} name
   * @param {Page} page
   * @param {{ origin: string, appId?: string }} where `origin`: where the page and the SDK come from
   */
  static async open(name, page, { origin, appId = APP_ID }) {
    const caller = new Caller(name, page);
    await settle(page, origin, 'caller.js');
    assert.equal(await caller.#ask('start', { appId }), 0);
    return caller;
  }

  /**
   * Calls a method of the engine.
   *
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  call(method, ...args) {
    const run = (/** @type {[string, unknown[]]} */ [name, given]) =>
      /** @type {any} */ (globalThis).caller.engine[name](...given);
    return this.page.evaluate(run, /** @type {[string, unknown[]]} */ ([method, args]));
  }

  /**
   * Asks to join, as broadcaster and with small pictures unless the options say more, and waits for nothing.
   *
   * @param {string} channel
   * @param {number} uid
   * @param {{ token?: string | null, video?: object, options?: ChannelMediaOptions }} [wishes]
   */
  async enter(channel, uid, { token = publisherToken(channel, uid), video = SMALL, options = {} } = {}) {
    assert.equal(await this.call('setVideoEncoderConfiguration', video), 0);
    const all = { clientRoleType: BROADCASTER, ...options };
    assert.equal(await this.call('joinChannelWithOptions', token, channel, uid, all), 0);
  }

  /**
   * The same, and waits until it has succeeded.
   *
   * @param {string} channel
   * @param {number} uid
   * @param {Parameters<Caller['enter']>[2]} [wishes]
   */
  async join(channel, uid, wishes) {
    await this.enter(channel, uid, wishes);
    await this.expect('onJoinChannelSuccess', []);
  }

  /**
   * Waits for an event whose arguments begin with these; the connection is no argument here, and null fits anything.
   *
   * @param {string} name
   * @param {unknown[]} args
   * @param {{ from?: number, within?: number }} [bounds] `from`: what `mark` said; `within` in ms
   * @returns {Promise<Told>}
   */
  expect(name, args, { from = 0, within = SOON_MS } = {}) {
    return this.#ask('expect', name, args, from, within).catch((failure) => {
      throw new Error(`${this.name} was not told ${failure.message.split('\n')[0].replace(/^.*Error: /, '')}`);
    });
  }

  /** A mark in the events: what has been told so far lies before it. */
  async mark() {
    return (await this.told()).length;
  }

  /**
   * What has been told since a mark, only events with these names where names are given.
   *
   * @param {{ from?: number, only?: string[] }} [which]
   * @returns {Promise<Told[]>}
   */
  async told({ from = 0, only } = {}) {
    const all = await this.page.evaluate(() => /** @type {any} */ (globalThis).caller.told);
    return all.slice(from).filter((/** @type {Told} */ told) => !only || only.includes(told.name));
  }

  /**
   * Waits until the picture of a user moves, and shows what Chromium's own camera shows.
   *
   * @param {number} uid
   * @param {{ within?: number }} [bounds]
   */
  async sees(uid, { within = SOON_MS } = {}) {
    await eventually(async () => {
      const picture = await this.#ask('look', uid);
      const words = `${this.name} sees of ${uid}: ${JSON.stringify(picture)}`;
      assert.ok(picture.ground > 0.5 && picture.disc > 0.08 && picture.ground + picture.disc > 0.85, words);
    }, { within });
    await this.seesMovement(uid, { within });
  }

  /**
   * Waits until ten more frames of a user have been decoded, and the disc has changed meanwhile.
   *
   * @param {number} uid
   * @param {{ within?: number }} [bounds]
   */
  async seesMovement(uid, { within = SOON_MS } = {}) {
    const look = async () => ({ ...(await this.#ask('look', uid)), ...(await this.video(uid)) });
    const first = await eventually(async () => {
      const seen = await look();
      assert.ok(seen.framesDecoded > 0, `${this.name} decodes no frame of ${uid}`);
      return seen;
    }, { within });
    await eventually(async () => {
      const later = await look();
      const frames = later.framesDecoded - first.framesDecoded;
      assert.ok(frames >= 10, `${this.name} has decoded ${frames} more frames of ${uid}`);
      assert.notEqual(later.disc, first.disc, `${this.name} sees a picture of ${uid} that stands still`);
    }, { within });
  }

  /**
   * Waits until this many sounds arrive, each of them louder than silence.
   *
   * @param {number} count
   * @param {{ within?: number }} [bounds]
   */
  async hears(count, { within = SOON_MS } = {}) {
    const energies = async () => new Map((await this.sounds()).map((one) => [one.ssrc, one.totalAudioEnergy]));
    const before = await energies();
    await eventually(async () => {
      const rising = [...(await energies())].filter(([ssrc, energy]) => energy > (before.get(ssrc) ?? 0));
      assert.equal(rising.length, count, `${this.name} hears ${rising.length} others`);
    }, { within });
  }

  /** @param {number} uid */
  video(uid) {
    return this.#ask('video', uid);
  }

  /** @returns {Promise<any[]>} figures of every sound that arrives */
  sounds() {
    return this.#ask('sounds');
  }

  /** @returns {Promise<any[]>} figures of everything that is sent */
  sent() {
    return this.#ask('sent');
  }

  /** @returns {Promise<{ received: number, sent: number }>} packets of all streams */
  packets() {
    return this.#ask('packets');
  }

  watchFlow() {
    return this.#ask('watchFlow');
  }

  /** @returns {Promise<import('../page/flow.js').Count[]>} */
  flow() {
    return this.#ask('flow');
  }

  /** @param {number} uid */
  watchArrival(uid) {
    return this.#ask('watchArrival', uid);
  }

  /**
   * @param {number} from
   * @returns {Promise<import('../page/gauge.js').Reading[]>}
   */
  arrival(from) {
    return this.#ask('arrival', from);
  }

  transport() {
    return this.#ask('transport');
  }

  /** @param {number} forMs */
  pitch(forMs) {
    return this.#ask('pitch', forMs);
  }

  /**
   * @param {number} uid
   * @param {[number, number][]} places
   * @returns {Promise<[number, number, number][]>}
   */
  colours(uid, places) {
    return this.#ask('colours', uid, places);
  }

  /** @param {number} uid */
  watchFrames(uid) {
    return this.#ask('watchFrames', uid);
  }

  /**
   * @param {number} uid
   * @returns {Promise<number[]>}
   */
  frameTimes(uid) {
    return this.#ask('frameTimes', uid);
  }

  /**
   * @param {string} event
   * @param {string} token
   */
  renewOn(event, token) {
    return this.#ask('renewOn', event, token);
  }

  /** Everything that this person was told, for whoever reads a failure. */
  async story() {
    const told = await this.told().catch(() => []);
    const say = (/** @type {Told} */ { name, args, at }) =>
      `  ${Math.round(at) % 1e6} ${name}(${JSON.stringify(args).slice(1, -1)})`;
    const lines = told.map(say);
    return [`what ${this.name} was told:`, ...lines, ...this.#complaints.map((words) => `  page: ${words}`)].join('\n');
  }

  /**
   * @param {string} method of the page's own helper
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  #ask(method, ...args) {
    const run = (/** @type {[string, unknown[]]} */ [name, given]) =>
      /** @type {any} */ (globalThis).caller[name](...given);
    return this.page.evaluate(run, /** @type {[string, unknown[]]} */ ([method, args]));
  }
}
