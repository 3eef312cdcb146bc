// @ts-check
/**
 * The scripts of the folder `page`, brought into pages of the real server.
 *
 * @import { BrowserContext, Page } from 'playwright-core'
 */
import { readFile } from 'node:fs/promises';

const FOLDER = new URL('../page/', import.meta.url);

/**
 * Lets the pages of this context load the scripts under `/people/`, as if they lay on the server.
 *
 * @param {BrowserContext} context
 */
export async function servePeople(context) {
  await context.route('**/people/*.js', async (route) => {
    const file = new URL(route.request().url()).pathname.replace('/people/', '');
    await route.fulfill({ contentType: 'text/javascript', body: await readFile(new URL(file, FOLDER)) });
  });
}

/**
 * Opens a plain page and runs one of the scripts in it. The page is the server's own answer: a browser keeps pages that
 * come from elsewhere away from addresses of this machine.
 *
 * @param {Page} page
 * @param {string} origin of the server
 * @param {string} script
 */
export async function settle(page, origin, script) {
  await page.goto(`${origin}/healthz`);
  await page.evaluate((path) => import(path), `/people/${script}`);
}
