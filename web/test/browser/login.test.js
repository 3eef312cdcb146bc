// @ts-check
/** The call page on a server that gives tokens only to callers it knows: a login opens its own channel, as oneself. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { House } from './support/house.js';
import { Issuer } from './support/issuer.js';
import { Visitor } from './support/visitor.js';
import { eventually } from './support/wait.js';

const issuer = await new Issuer().start();
after(() => issuer.stop());
const policy = { channels: ['room-{claim:org}'], uid: 'claim:sub', roles: ['publisher', 'subscriber'], max_life: 600 };
const record = { issuer: issuer.url, audience: 'token-server', jwks_insecure: true, policy };
const house = new House({ env: { SYMBOLON_OPEN: '0', SYMBOLON_ISSUERS: JSON.stringify([record]) } });

house.story('two people who are logged in meet, and their tokens are renewed', async ({ page, server }) => {
  const visit = async (/** @type {string} */ name, /** @type {string} */ uid, life = '') => {
    const visitor = await Visitor.arrive(name, await page(), server.origin, { channel: 'room-acme', uid, life });
    await visitor.part('credential').fill(issuer.jwt({ sub: uid, org: 'acme' }));
    await visitor.enter();
    return visitor;
  };
  const ann = await visit('Ann', '1001', '12');
  const bob = await visit('Bob', '1002', '600');
  assert.deepEqual([await ann.uid(), await bob.uid()], [1001, 1002]);
  await Promise.all([ann.sees('tile-1002'), bob.sees('tile-1001')]);
  const left = async () => Number(/:(\d\d)$/.exec(String(await ann.part('token-left').textContent()))?.[1]);
  const low = await eventually(async () => {
    const seconds = await left();
    assert.ok(seconds <= 9, `${seconds} s are left`);
    return seconds;
  });
  await eventually(async () => assert.ok((await left()) > low), { every: 100 });
});

house.story('a login is refused for what is wrong with it, and is kept nowhere', async ({ page, server }) => {
  const ann = await Visitor.arrive('Ann', await page(), server.origin, { channel: 'room-acme', uid: '1001' });
  assert.equal(await ann.part('credential').getAttribute('type'), 'password');
  const refused = async (/** @type {string} */ jwt, /** @type {RegExp} */ words) => {
    await ann.part('credential').fill(jwt);
    await ann.part('join').click();
    await ann.part('refused').waitFor();
    assert.match(String(await ann.part('refused-detail').textContent()), words);
    // Without a login there is nothing to try again: the one way leads back.
    await ann.part(jwt === '' ? 'refused-way' : 'refused-back').click();
    await ann.part('prejoin').waitFor();
  };
  await refused('', /only to callers it knows/);
  await refused(issuer.jwt({ sub: '1001', org: 'acme', aud: 'elsewhere' }), /login was not accepted.*audience/);
  await refused(issuer.jwt({ sub: '1001', org: 'acme', exp: 1_000_000 }), /login was not accepted.*expired/);
  await refused(issuer.jwt({ sub: '1001', org: 'other' }), /does not allow this.*channel/);
  await refused(issuer.jwt({ sub: '1002', org: 'acme' }), /does not allow this.*user/);
  const jwt = issuer.jwt({ sub: '1001', org: 'acme' });
  await ann.part('credential').fill(jwt);
  await ann.enter();
  const kept = await ann.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]));
  assert.ok(!kept.includes(jwt.slice(0, 40)) && !server.output.includes(jwt.slice(0, 40)));
});
