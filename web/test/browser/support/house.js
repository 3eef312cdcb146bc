// @ts-check
/**
 * What most tests need: the program, the browser, and pages with people in them.
 *
 * @import { Browser, BrowserContext, Page } from 'playwright-core'
 */
import { after, before, test } from 'node:test';
import { Caller } from './caller.js';
import { launchChromium } from './chromium.js';
import { servePeople } from './people.js';
import { Server } from './server.js';

/** Longer than any story takes. */
const STORY_MS = 90_000;

/**
 * @typedef {object} Cast what a story gets
 * @property {Server} server
 * @property {(name: string, options?: CallerOptions) => Promise<Caller>} open opens a page with a person in it
 * @property {() => Promise<Page>} page opens an empty page
 * @property {BrowserContext} context
 */

/** @typedef {{ origin?: string, appId?: string }} CallerOptions `origin`: reaches the server there */

export class House {
  server;
  #browserOptions;
  /** @type {Browser | null} */
  #browser = null;

  /**
   * @param {{ env?: Record<string, string>, browser?: Parameters<typeof launchChromium>[0] }} [options]
   */
  constructor({ env, browser } = {}) {
    this.server = new Server(env);
    this.#browserOptions = browser;
    before(async () => {
      await this.server.start();
      this.#browser = await launchChromium(this.#browserOptions);
    });
    after(async () => {
      await this.#browser?.close();
      await this.server.stop();
    });
  }

  /**
   * One test. Everything it opened is closed after it; when it fails, it says what everyone was told.
   *
   * @param {string} name
   * @param {(cast: Cast) => Promise<void>} tell
   */
  story(name, tell) {
    test(name, { timeout: STORY_MS }, async () => {
      if (!this.#browser) throw new Error('there is no browser');
      const context = await this.#browser.newContext({ viewport: { width: 1000, height: 600 } });
      await servePeople(context);
      /** @type {Caller[]} */
      const callers = [];
      const page = () => context.newPage();
      const open = async (/** @type {string} */ who, /** @type {CallerOptions} */ options = {}) => {
        const caller = await Caller.open(who, await page(), { origin: this.server.origin, ...options });
        callers.push(caller);
        return caller;
      };
      try {
        await tell({ server: this.server, open, page, context });
      } catch (failure) {
        for (const caller of callers) console.error(await caller.story());
        console.error(`what the server printed last:\n${this.server.tail}`);
        throw failure;
      } finally {
        await context.close();
      }
    });
  }
}
