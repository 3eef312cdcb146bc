// @ts-check
/** A token's end: the warning before it, the renewal that nobody notices, and what happens without one. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';
import { Rogue } from './support/rogue.js';
import { expiredToken, forgedToken, otherAppToken, publisherToken } from './support/token.js';
import { eventually } from './support/wait.js';

const house = new House();

/** How far from its moment anything may happen that a token rules, in ms. */
const PUNCTUAL_MS = 1_000;
/** The longest time between two frames that nobody calls frozen, in ms. */
const FROZEN_MS = 500;

house.story('the warning comes 30 s before the end, and a renewal is seen by nobody', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await bob.join('renew', 2);
  await ann.renewOn('onTokenPrivilegeWillExpire', publisherToken('renew', 1));
  const token = publisherToken('renew', 1, 40);
  const endsAt = Math.floor(Date.now() / 1000 + 40) * 1000;
  await ann.join('renew', 1, { token });
  await Promise.all([bob.sees(1), ann.sees(2)]);
  const quiet = await Promise.all([ann.mark(), bob.mark()]);
  await Promise.all([bob.watchFrames(1), ann.watchFrames(2)]);
  const { freezeCount } = await bob.video(1);

  const warning = await ann.expect('onTokenPrivilegeWillExpire', [token], { within: 15_000 });
  assert.ok(Math.abs(warning.at - (endsAt - 30_000)) < PUNCTUAL_MS, `${endsAt - warning.at} ms before the end`);
  const renewal = await ann.expect('onRenewTokenResult', [null, 0]);
  const until = Date.now() + 2_000;
  await eventually(async () => assert.ok(Math.max(...(await bob.frameTimes(1))) > until));
  for (const times of [await bob.frameTimes(1), await ann.frameTimes(2)]) {
    assertSteady(times, warning.at - 1_000, renewal.at + 1_500);
  }
  assert.equal((await bob.video(1)).freezeCount, freezeCount);
  assert.deepEqual(await ann.told({ from: quiet[0], only: ['onConnectionStateChanged', 'onError'] }), []);
  assert.deepEqual(await bob.told({ from: quiet[1], only: ['onUserOffline', 'onUserJoined', 'onUserMuteVideo'] }), []);
});

house.story('a short token warns at once; a renewed one outlives the old end', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await bob.join('short', 2);
  const token = publisherToken('short', 1, 9);
  const endsAt = Date.now() + 9_000;
  await ann.join('short', 1, { token });
  const joined = await ann.expect('onJoinChannelSuccess', []);
  const warning = await ann.expect('onTokenPrivilegeWillExpire', [token]);
  assert.ok(warning.at >= joined.at && warning.at - joined.at < PUNCTUAL_MS);
  await bob.sees(1);
  await bob.watchFrames(1);
  await refusesToRenew(ann, 'short', 1);
  assert.equal(await ann.call('renewToken', publisherToken('short', 1)), 0);
  await ann.expect('onRenewTokenResult', [null, 0]);

  const quiet = await Promise.all([ann.mark(), bob.mark()]);
  const until = endsAt + 2_000;
  await eventually(async () => assert.ok(Math.max(...(await bob.frameTimes(1))) > until), { within: 15_000 });
  assertSteady(await bob.frameTimes(1), Date.now() - 5_000, until);
  const trouble = ['onConnectionStateChanged', 'onRequestToken', 'onError'];
  assert.deepEqual(await ann.told({ from: quiet[0], only: trouble }), []);
  assert.deepEqual(await bob.told({ from: quiet[1], only: ['onUserOffline', 'onUserJoined'] }), []);
});

house.story('without a renewal the user is out within a second, and a new token brings the user back', async (cast) => {
  const { open } = cast;
  const [ann, bob] = [await open('ann'), await open('bob')];
  await bob.join('over', 2);
  // The library writes whole seconds, so the token ends up to a second before this.
  const latest = Date.now() + 9_000;
  await ann.join('over', 1, { token: publisherToken('over', 1, 9) });
  await Promise.all([bob.sees(1), ann.sees(2)]);
  const [annFrom, bobFrom] = await Promise.all([ann.mark(), bob.mark()]);
  await Promise.all([ann.watchFlow(), bob.watchFlow()]);

  const failed = await ann.expect('onConnectionStateChanged', [5, 9], { within: 15_000 });
  assert.ok(failed.at > latest - 1_000 - PUNCTUAL_MS && failed.at < latest + PUNCTUAL_MS);
  const names = ['onRequestToken', 'onError', 'onConnectionStateChanged', 'onRejoinChannelSuccess'];
  const end = (await ann.told({ from: annFrom, only: names })).map(({ name, args }) => [name, ...args.slice(0, 2)]);
  assert.deepEqual(end.map((one) => (one[0] === 'onError' ? one.slice(0, 2) : one)), [
    ['onRequestToken'], ['onError', 109], ['onConnectionStateChanged', 5, 9],
  ]);
  const offline = await bob.expect('onUserOffline', [1, 0], { from: bobFrom });
  assert.ok(offline.at < latest + PUNCTUAL_MS);
  await assertStopped(() => bob.flow(), 'received', latest + PUNCTUAL_MS);
  const atTheEnd = (await ann.flow()).at(-1);
  assert.ok(atTheEnd && atTheEnd.at < latest + PUNCTUAL_MS, 'the SDK closed its connection');

  const [annAgain, bobAgain] = await Promise.all([ann.mark(), bob.mark()]);
  assert.equal(await ann.call('renewToken', publisherToken('over', 1)), 0);
  await ann.expect('onConnectionStateChanged', [4, 12], { from: annAgain });
  await ann.expect('onConnectionStateChanged', [3, 15], { from: annAgain });
  await ann.expect('onRejoinChannelSuccess', [], { from: annAgain });
  await bob.expect('onUserJoined', [1], { from: bobAgain });
  await Promise.all([bob.sees(1), ann.sees(2), bob.hears(1), ann.hears(1)]);
});

house.story('a client that keeps its connection open past the end neither receives nor is received', async (cast) => {
  const { open, page, server } = cast;
  const [bob, rogue] = [await open('bob'), await Rogue.open(await page(), server.origin)];
  await bob.join('stay', 2);
  const latest = Date.now() + 8_000;
  await rogue.push({ channel: 'stay', uid: 7, token: publisherToken('stay', 7, 8) });
  await Promise.all([bob.sees(7), bob.hears(1)]);
  await eventually(async () => assert.ok((await rogue.packets()).received > 50));
  await rogue.ask('watchFlow');
  await bob.watchFlow();
  const ended = await rogue.hear('ended');
  assert.deepEqual([ended.code, ended.reason], [109, 9]);
  await bob.expect('onUserOffline', [7, 0]);
  await assertStopped(() => rogue.ask('flow'), 'received', latest + PUNCTUAL_MS);
  await assertStopped(() => bob.flow(), 'received', latest + PUNCTUAL_MS);
});

/**
 * Tokens that a renewal must not take; the session goes on with its old one.
 *
 * @param {import('./support/caller.js').Caller} person
 * @param {string} channel
 * @param {number} uid
 */
async function refusesToRenew(person, channel, uid) {
  assert.equal(await person.call('renewToken', 'no token at all'), -110);
  for (const [token, code] of /** @type {const} */ ([
    [expiredToken(channel, uid, 5), 2],
    [publisherToken(channel, uid + 1), 3],
    [forgedToken(channel, uid), 3],
    [publisherToken(`${channel}er`, uid), 4],
    [otherAppToken(channel, uid), 5],
  ])) {
    assert.equal(await person.call('renewToken', token), 0);
    await person.expect('onRenewTokenResult', [token, code]);
  }
}

/**
 * No gap between two frames that somebody would see.
 *
 * @param {number[]} times
 * @param {number} from
 * @param {number} to
 */
function assertSteady(times, from, to) {
  const seen = times.filter((time) => time > from && time < to);
  assert.ok(seen.length > 10, `${seen.length} frames`);
  const gaps = seen.slice(1).map((time, index) => time - Number(seen[index]));
  assert.ok(Math.max(...gaps) < FROZEN_MS, `a gap of ${Math.round(Math.max(...gaps))} ms`);
}

/**
 * Waits until packets have been counted long after a moment, and none has come since that moment.
 *
 * @param {() => Promise<import('./page/flow.js').Count[]>} counts
 * @param {'sent' | 'received'} direction
 * @param {number} moment
 */
async function assertStopped(counts, direction, moment) {
  const all = await eventually(async () => {
    const known = await counts();
    assert.ok(Number(known.at(-1)?.at) > moment + 1_500);
    return known;
  });
  const before = all.findLast(({ at }) => at <= moment);
  assert.ok(before && before[direction] > 0, 'something came before');
  assert.equal(all.at(-1)?.[direction], before[direction], `packets ${direction} after the end`);
}
