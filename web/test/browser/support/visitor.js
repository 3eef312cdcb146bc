// @ts-check
/**
 * Somebody who uses the call page, as a test sees it.
 *
 * @import { Page } from 'playwright-core'
 */
import assert from 'node:assert/strict';
import { SOON_MS, eventually } from './wait.js';

/** More stops than any view of the page has. */
const MANY_STOPS = 60;

export class Visitor {
  /**
   * @param {string} name
   * @param {Page} page
   */
  constructor(name, page) {
    this.name = name;
    this.page = page;
  }

  /**
   * Opens the call page; the query is what a link would hold.
   *
   * @param {string} name
   * @param {Page} page
   * @param {string} origin
   * @param {Record<string, string>} [query]
   */
  static async arrive(name, page, origin, query = {}) {
    const visitor = new Visitor(name, page);
    await page.goto(`${origin}/?${new URLSearchParams({ name, ...query })}`);
    await visitor.part('prejoin').waitFor();
    return visitor;
  }

  /** @param {string} id `data-testid` */
  part(id) {
    return this.page.getByTestId(id);
  }

  /** Enters with what the form holds. */
  async enter() {
    await this.part('join').click();
    await this.isIn();
  }

  async isIn() {
    await this.part('call').waitFor({ timeout: SOON_MS });
    await this.part('joining').waitFor({ state: 'hidden', timeout: SOON_MS });
  }

  /**
   * Moves on with the Tab key until a part has the focus.
   *
   * @param {string} id `data-testid`
   */
  async tabTo(id) {
    const focused = () => this.page.evaluate(() =>
      /** @type {HTMLElement | null} */ (document.activeElement)?.dataset['testid']);
    for (let stop = 0; stop < MANY_STOPS && (await focused()) !== id; stop++) await this.page.keyboard.press('Tab');
    assert.equal(await focused(), id, `${id} is reached with the Tab key`);
  }

  /** @param {string} keys */
  press(keys) {
    return this.page.keyboard.press(keys);
  }

  /** @param {string} words */
  type(words) {
    return this.page.keyboard.type(words);
  }

  /** The uid that this visitor has in the call. @returns {Promise<number>} */
  uid() {
    return this.page.evaluate(() => /** @type {any} */ (globalThis).symbolonCall.state.me.uid);
  }

  /**
   * Waits until a tile shows the picture of Chromium's own camera, and it moves.
   *
   * @param {string} id `data-testid` of the tile
   */
  async sees(id) {
    const look = () => this.page.evaluate(async (tile) => {
      const { lookAt } = await import(/** @type {string} */ ('/people/picture.js'));
      const video = document.querySelector(`[data-testid="${tile}"] video`);
      return video && { ...lookAt(video), shown: getComputedStyle(video).visibility };
    }, id);
    const first = await eventually(async () => {
      const seen = await look();
      const words = `${this.name} sees in ${id}: ${JSON.stringify(seen)}`;
      assert.ok(seen?.shown === 'visible' && seen.ground > 0.5 && seen.disc > 0.03, words);
      return seen;
    });
    await eventually(async () => assert.notEqual((await look()).disc, first.disc, `${id} stands still`));
  }

  /** How much wider than the window the page is, in pixels. */
  overflow() {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth - clientWidth;
    });
  }
}
