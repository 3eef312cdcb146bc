// @ts-check
/**
 * A small internet for tests: the real program in a network of its own, each browser in another, and between them lines
 * that can be made worse while a call goes on.
 *
 * @import { Browser } from 'playwright-core'
 * @import { Line } from './lines.js'
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Caller } from '../../browser/support/caller.js';
import { launchChromium } from '../../browser/support/chromium.js';
import { servePeople } from '../../browser/support/people.js';
import { Server } from '../../browser/support/server.js';
import { makeFilm } from './film.js';
import { Lines } from './lines.js';
import { Namespace, plug } from './namespace.js';

/** Where the program is. */
const SERVER = '10.77.0.1';
/** Pages and tokens go over the lines as they are: the TLS of a host is no part of what is tested. */
const SETTINGS = { SYMBOLON_LISTEN: SERVER, SYMBOLON_BEHIND_PROXY: '1', SYMBOLON_TRUSTED_PROXIES: SERVER };
/** Longer than any story takes. */
const STORY_MS = 120_000;
const PROGRAM = new URL('./chromium-within', import.meta.url).pathname;

/**
 * @typedef {object} Seat one place for a person: a network with a browser, and its line
 * @property {Namespace} namespace
 * @property {Line} line
 * @property {Browser} browser
 * @property {() => Promise<string>} move gives it another address, which it says, and takes the one before away
 */

/**
 * @typedef {object} Cast what a story gets
 * @property {Server} server
 * @property {Seat[]} seats
 * @property {(name: string, seat: number) => Promise<Caller>} open opens a page with a person in it
 */

export class Lab {
  #seats;
  /** @type {(() => Promise<unknown>)[]} what takes everything away again, the last first */
  #undo = [];
  /** @type {Promise<{ server: Server, seats: Seat[] }> | null} */
  #built = null;

  /** @param {{ seats?: number, env?: Record<string, string> }} [options] */
  constructor({ seats = 2, env = {} } = {}) {
    this.#seats = seats;
    before(() => (this.#built = this.#build(env)));
    after(() => this.#remove());
  }

  /**
   * One test. It begins with perfect lines; everything it opened is closed after it. When it fails, it says what everyone
   * was told.
   *
   * @param {string} name
   * @param {(cast: Cast) => Promise<void>} tell
   */
  story(name, tell) {
    test(name, { timeout: STORY_MS }, async () => {
      if (!this.#built) throw new Error('there is no lab');
      const { server, seats } = await this.#built;
      /** @type {Caller[]} */
      const callers = [];
      const open = async (/** @type {string} */ who, /** @type {number} */ number) => {
        const { browser } = /** @type {Seat} */ (seats[number]);
        const context = await browser.newContext({ viewport: { width: 1000, height: 600 } });
        await servePeople(context);
        const caller = await Caller.open(who, await context.newPage(), { origin: server.origin });
        callers.push(caller);
        return caller;
      };
      try {
        await tell({ server, seats, open });
      } catch (failure) {
        for (const caller of callers) console.error(await caller.story());
        console.error(`what the server printed last:\n${server.tail}`);
        throw failure;
      } finally {
        for (const { line } of seats) await line.mend();
        for (const { page } of callers) await page.context().close();
      }
    });
  }

  /** @param {Record<string, string>} env */
  async #build(env) {
    const folder = await mkdtemp(join(tmpdir(), 'netlab-'));
    this.#undo.push(() => rm(folder, { recursive: true }));
    const film = await makeFilm(folder);
    const [home, middle] = [await this.#namespace('server'), await this.#namespace('lines')];
    await home.ip('address', 'add', `${SERVER}/32`, 'dev', 'lo');
    const places = [];
    for (let number = 0; number < this.#seats; number++) places.push(await this.#connect(number, home, middle));
    const lines = await new Lines(middle, places.flatMap(({ ends }) => ends)).open();
    this.#undo.push(() => lines.close());
    const server = await new Server({ ...SETTINGS, ...env }, (...words) => home.within(...words)).start();
    this.#undo.push(() => server.stop());
    const seats = await Promise.all(places.map(async ({ namespace, move }, number) => {
      const browser = await launchWithin(namespace, server.origin, film);
      this.#undo.push(() => browser.close());
      return { namespace, browser, move, line: lines.line(number) };
    }));
    return { server, seats };
  }

  /** @param {string} purpose */
  async #namespace(purpose) {
    const namespace = await Namespace.make(purpose);
    this.#undo.push(() => namespace.remove());
    return namespace;
  }

  /**
   * A client's network, whose way to everything is its line to the server.
   *
   * @param {number} number
   * @param {Namespace} home
   * @param {Namespace} middle
   */
  async #connect(number, home, middle) {
    const namespace = await this.#namespace(`client${number}`);
    const [ours, theirs] = [`10.77.${number + 1}.2`, `10.77.${number + 1}.1`];
    const ends = [`client${number}`, `server${number}`];
    await plug([namespace, 'eth0'], [middle, String(ends[0])]);
    await plug([home, `eth${number}`], [middle, String(ends[1])]);
    await namespace.ip('address', 'add', `${ours}/24`, 'dev', 'eth0');
    await home.ip('address', 'add', `${theirs}/24`, 'dev', `eth${number}`);
    await namespace.ip('route', 'add', 'default', 'via', theirs);
    // The second address stays when the first is taken away.
    await namespace.set('net/ipv4/conf/eth0/promote_secondaries', '1');
    let last = 2;
    const move = async () => {
      const [old, next] = [`10.77.${number + 1}.${last}`, `10.77.${number + 1}.${++last}`];
      await namespace.ip('address', 'add', `${next}/24`, 'dev', 'eth0');
      await namespace.ip('address', 'delete', `${old}/24`, 'dev', 'eth0');
      await namespace.ip('route', 'replace', 'default', 'via', theirs);
      return next;
    };
    return { namespace, ends, move };
  }

  async #remove() {
    await this.#built?.catch(() => undefined);
    for (const undo of this.#undo.reverse()) await undo().catch((failure) => console.error(failure));
  }
}

/**
 * Pages from this origin may use camera and microphone, as pages from a server with a certificate may.
 *
 * @param {Namespace} namespace
 * @param {string} origin
 * @param {string} film what its camera sees
 */
function launchWithin(namespace, origin, film) {
  return launchChromium({
    program: PROGRAM,
    env: { NETLAB_NAMESPACE: namespace.name },
    flags: [`--use-file-for-fake-video-capture=${film}`, `--unsafely-treat-insecure-origin-as-secure=${origin}`, '--no-proxy-server'],
  });
}
