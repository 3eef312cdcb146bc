// @ts-check
/** The token inspector as a person uses it: everything happens in the page, and nothing leaves it. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';
import { APP_CERTIFICATE, apartToken, publisherToken } from './support/token.js';

const house = new House();

house.story('a token is read, proven and tried, and no request leaves the page', async ({ page, server, context }) => {
  const tab = await page();
  const { part, says } = await arrive(tab, server.origin);
  const wire = await context.newCDPSession(tab);
  /** @type {string[]} */
  const requests = [];
  await wire.send('Network.enable');
  wire.on('Network.requestWillBeSent', ({ request }) => requests.push(request.url));
  await context.setOffline(true);

  await part('token').fill(apartToken('AgoraChannel', 1001, { token: 3600, audio: 600, data: 90_000 }));
  await says('proof', /^Nothing is proven/);
  await says('fields', /007 \(AccessToken2\).*3600 s/);
  await says('services', /AgoraChannel.*1001.*1 · join the channel.*4 · publish data/);
  await says('now', /has not run out/);
  const widths = await part('timeline').locator('.life').evaluateAll((all) => all.map((one) => one.clientWidth));
  assert.equal(widths.length, 5, 'the token and four privileges');
  assert.ok(Number(widths[2]) < Number(widths[1]) / 3, `audio ends early: ${widths}`);
  await says('timeline', /publish data.*cut off by the token’s end/);

  await part('certificate').fill('0'.repeat(32));
  await says('proof', /^Not verified.*bad_signature/);
  await part('certificate').fill('too short');
  await says('proof', /32 hexadecimal/);
  await part('certificate').fill(APP_CERTIFICATE);
  await says('proof', /^Verified/);
  await part('channel').fill('AppTest');
  await says('opens', /does not open “AppTest”.*AgoraChannel.*channel_mismatch/);
  await part('channel').fill('AgoraChannel');
  await part('uid').fill('1002');
  await says('opens', /uid_mismatch/);
  await part('uid').fill('1001');
  await says('opens', /^It opens “AgoraChannel”/);

  assert.deepEqual(requests, []);
  const blocked = await tab.evaluate(() => fetch('/ping').then(() => false, () => true));
  assert.ok(blocked, 'the page’s own policy lets nothing out');
  const kept = await tab.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]));
  assert.ok(!kept.includes(APP_CERTIFICATE) && !kept.includes('007'));
});

house.story('what is not a whole token is said by name', async ({ page, server }) => {
  const { part, says, tab } = await arrive(await page(), server.origin);
  const token = publisherToken('AgoraChannel', 1001);
  await part('token').fill(token.slice(0, -8));
  await says('problem', /zlib_invalid/);
  await part('token').fill(`${token}=`);
  await says('problem', /base64_invalid/);
  await part('token').fill(`003${token}`);
  await says('problem', /version_unsupported/);
  assert.ok(await part('proof').isHidden());
  // A copy out of a mail brings line breaks along.
  await part('token').fill(token.replace(/.{40}/g, '$&\n'));
  await says('services', /AgoraChannel/);
  assert.ok(await part('problem').isHidden());
  await tab.goto(`${server.origin}/inspect#${token}`);
  await tab.reload();
  assert.equal(await part('token').inputValue(), '', 'nothing is taken from the address');
});

house.story('a narrow window holds the inspector, in light and in dark', async ({ page, server }) => {
  const { part, tab } = await arrive(await page(), server.origin);
  await tab.setViewportSize({ width: 320, height: 640 });
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Tab');
  assert.equal(await tab.evaluate(() => document.activeElement?.id), 'token');
  await part('token').fill(apartToken('a'.repeat(64), 4_294_967_295, { data: 90_000 }));
  await part('channel').fill('b'.repeat(64));
  const grounds = [];
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await tab.emulateMedia({ colorScheme });
    const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
    assert.equal(await tab.evaluate(overflow), 0, colorScheme);
    grounds.push(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor));
  }
  assert.notEqual(grounds[0], grounds[1]);
});

/** @param {import('playwright-core').Page} tab @param {string} origin */
async function arrive(tab, origin) {
  await tab.goto(`${origin}/inspect`);
  const part = (/** @type {string} */ id) => tab.getByTestId(id);
  const says = async (/** @type {string} */ id, /** @type {RegExp} */ words) => {
    assert.match((await part(id).innerText()).replace(/\s+/g, ' '), words);
  };
  await part('token').waitFor();
  // The page reads what is typed once its modules have run.
  await tab.waitForLoadState('networkidle');
  return { tab, part, says };
}
