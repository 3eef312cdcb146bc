// @ts-check
/** The call page as a person uses it. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';
import { publisherToken } from './support/token.js';
import { Visitor } from './support/visitor.js';
import { eventually } from './support/wait.js';

const house = new House();

house.story('two people meet with the keyboard alone, mute, and leave', async ({ page, server }) => {
  const ann = await Visitor.arrive('', await page(), server.origin);
  await ann.tabTo('channel');
  await ann.type('keys');
  await ann.tabTo('name');
  await ann.type('Ann');
  await ann.press('Enter');
  await ann.isIn();
  await ann.part('alone').waitFor();

  const bob = await Visitor.arrive('Bob', await page(), server.origin, { channel: 'keys' });
  await bob.tabTo('join');
  await bob.press('Enter');
  await bob.isIn();
  const [annTile, bobTile] = [`tile-${await ann.uid()}`, `tile-${await bob.uid()}`];
  await Promise.all([ann.sees(bobTile), bob.sees(annTile), ann.sees(annTile)]);
  await bob.part(annTile).getByText('Ann').waitFor();
  assert.equal(await bob.part('people-count').textContent(), '2');

  const muteMark = bob.part(annTile).getByRole('img', { name: 'muted' });
  await muteMark.waitFor({ state: 'hidden' });
  await ann.press('m');
  await muteMark.waitFor();
  assert.equal(await ann.part('mic').getAttribute('aria-pressed'), 'false');
  await ann.press('m');
  await muteMark.waitFor({ state: 'hidden' });
  await ann.press('v');
  await bob.page.locator(`[data-testid="${annTile}"]:not([data-video])`).waitFor();
  await ann.press('v');
  await bob.sees(annTile);

  await ann.press('Shift+L');
  await ann.part('prejoin').waitFor();
  await bob.part(annTile).waitFor({ state: 'detached' });
  await bob.part('alone').waitFor();
});

house.story('a screen is shared beside the camera, and taken back', async ({ page, server }) => {
  const ann = await Visitor.arrive('Ann', await page(), server.origin, { channel: 'screen' });
  const bob = await Visitor.arrive('Bob', await page(), server.origin, { channel: 'screen', role: 'listen' });
  await ann.enter();
  await bob.enter();
  const uid = await ann.uid();
  await bob.sees(`tile-${uid}`);
  await ann.part('share').click();
  await ann.part('sharing').waitFor();
  await bob.sees(`screen-${uid}`);
  await ann.part('share').click();
  await bob.part(`screen-${uid}`).waitFor({ state: 'detached' });
  await bob.sees(`tile-${uid}`);
});

house.story('the countdown runs, and the token is renewed by itself', async ({ page, server }) => {
  const ann = await Visitor.arrive('Ann', await page(), server.origin, { channel: 'count', life: '12' });
  await ann.enter();
  const seconds = async () => {
    const shown = await ann.part('token-left').textContent();
    const [minutes, rest] = /^(\d+):(\d\d)$/.exec(shown ?? '')?.slice(1).map(Number) ?? [];
    return Number(minutes) * 60 + Number(rest);
  };
  const first = await eventually(async () => {
    const left = await seconds();
    assert.ok(left > 0 && left <= 12, `${left} s`);
    return left;
  });
  assert.equal(await ann.part('token-pill').getAttribute('data-phase'), 'warning');
  const low = await eventually(async () => {
    const left = await seconds();
    assert.ok(left < first);
    return left;
  });
  await eventually(async () => assert.ok((await seconds()) > low), { every: 100 });
  assert.ok(await ann.part('expired').isHidden());
});

house.story('without renewal the token ends, and one button brings the visitor back', async ({ page, server }) => {
  const bob = await Visitor.arrive('Bob', await page(), server.origin, { channel: 'ends' });
  await bob.enter();
  const short = { channel: 'ends', life: '10', autorenew: 'off' };
  const ann = await Visitor.arrive('Ann', await page(), server.origin, short);
  await ann.enter();
  await ann.part('token-pill').click();
  await ann.part('next-life').fill('600');
  await ann.press('Escape');
  const tile = `tile-${await ann.uid()}`;
  await bob.part(tile).waitFor();
  await ann.part('expired').waitFor();
  await bob.part(tile).waitFor({ state: 'detached' });
  await ann.part('come-back').click();
  await ann.part('expired').waitFor({ state: 'hidden' });
  await Promise.all([bob.sees(tile), ann.sees(`tile-${await bob.uid()}`)]);
  assert.match(String(await ann.part('token-left').textContent()), /^(10:00|9:\d\d)$/);
});

house.story('a pasted token that does not fit is refused in plain words', async ({ page, server }) => {
  const ann = await Visitor.arrive('Ann', await page(), server.origin, { channel: 'AppTest', uid: '5' });
  await ann.part('token-input').fill(publisherToken('AgoraChannel', 5));
  await ann.part('join').click();
  await ann.part('refused').waitFor();
  assert.match(String(await ann.part('refused-title').textContent()), /another channel than “AppTest”/);
  assert.match(String(await ann.part('refused-detail').textContent()), /channel/);
  assert.match(String(await ann.part('refused-code').textContent()), /110/);
  await ann.part('refused-way').click();
  await ann.part('prejoin').waitFor();

  await ann.part('token-input').fill(publisherToken('AppTest', 5));
  await ann.enter();
  assert.equal(await ann.uid(), 5);
});

house.story('the link that is copied leads into the channel', async ({ page, server, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.origin });
  const ann = await Visitor.arrive('Ann', await page(), server.origin, { channel: 'link & more' });
  await ann.enter();
  await ann.part('copy-link').click();
  await ann.part('toasts').getByText('Link copied').waitFor();
  const link = await ann.page.evaluate(() => navigator.clipboard.readText());
  const bob = new Visitor('Bob', await page());
  await bob.page.goto(link);
  await bob.part('prejoin').waitFor();
  assert.equal(await bob.part('channel').inputValue(), 'link & more');
  await bob.enter();
  await ann.sees(`tile-${await bob.uid()}`);
});

house.story('a narrow window holds everything, in light and in dark', async ({ page, server }) => {
  const grounds = [];
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    const ann = await Visitor.arrive('Ann', await page(), server.origin, { channel: `narrow ${colorScheme}` });
    await ann.page.emulateMedia({ colorScheme });
    await ann.page.setViewportSize({ width: 320, height: 640 });
    assert.equal(await ann.overflow(), 0, 'before the call');
    await ann.enter();
    await ann.sees(`tile-${await ann.uid()}`);
    assert.equal(await ann.overflow(), 0, 'in the call');
    for (const sheet of ['token-pill', 'people', 'settings']) {
      await ann.part(sheet).click();
      assert.equal(await ann.overflow(), 0, `${sheet} open`);
      await ann.press('Escape');
    }
    await ann.part('leave').click();
    await ann.part('prejoin').waitFor();
    grounds.push(await ann.page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await ann.page.close();
  }
  assert.notEqual(grounds[0], grounds[1]);
});

house.story('what the form cannot take is said beside the field', async ({ page, server }) => {
  const ann = await Visitor.arrive('Ann', await page(), server.origin, { uid: '4294967296', channel: 'a/b' });
  await ann.part('join').click();
  await ann.page.getByText('A channel name cannot hold “/”').waitFor();
  await ann.page.getByText('A whole number from 1 to 4294967295').waitFor();
  assert.ok(await ann.part('call').isHidden());
});
