// @ts-check
/** A token that does not fit opens nothing, says what is wrong with it, and disturbs nobody. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';
import {
  expiredToken, forgedToken, otherAppToken, publisherToken, tamperedToken,
} from './support/token.js';

const house = new House();

const CHANNEL = 'AppTest';
const UID = 5;

/** What tells of people who come and go. */
const PRESENCE = ['onConnectionStateChanged', 'onUserJoined', 'onUserOffline'];
/** The state and reason that a refusal leaves behind. */
const INVALID = [1, 8];
const EXPIRED = [5, 9];

/** @type {{ what: string, token: () => string | null, code: number, says: RegExp, state: number[] }[]} */
const REFUSALS = [
  {
    what: 'a token for another channel',
    token: () => publisherToken('AgoraChannel', UID),
    code: 110,
    says: /channel.*"AppTest"/,
    state: INVALID,
  },
  {
    what: 'a token for another user',
    token: () => publisherToken(CHANNEL, 6),
    code: 110,
    says: /(uid|user).*5/,
    state: INVALID,
  },
  {
    what: 'an expired token',
    token: () => expiredToken(CHANNEL, UID, 77),
    code: 109,
    says: /expired (7[789]|8\d) s ago/,
    state: EXPIRED,
  },
  {
    what: 'a token of another app',
    token: () => otherAppToken(CHANNEL, UID),
    code: 110,
    says: /app id/i,
    state: INVALID,
  },
  {
    what: 'a token in which the channel was changed',
    token: () => tamperedToken(publisherToken('AppTesu', UID), 'AppTesu', CHANNEL),
    code: 110,
    says: /signature/,
    state: INVALID,
  },
  {
    what: 'a token signed without knowing the certificate',
    token: () => forgedToken(CHANNEL, UID),
    code: 110,
    says: /signature/,
    state: INVALID,
  },
  { what: 'no token', token: () => null, code: 110, says: /token/, state: INVALID },
  { what: 'something that is no token', token: () => '007nonsense', code: 110, says: /token/, state: INVALID },
  {
    what: 'a token that was not copied whole',
    token: () => publisherToken(CHANNEL, UID).slice(0, -20),
    code: 110,
    says: /copied whole/,
    state: INVALID,
  },
];

house.story('every token that does not fit is refused in its own words, unnoticed', async ({ open, server }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join(CHANNEL, 1), bob.join(CHANNEL, 2)]);
  await Promise.all([ann.sees(2), bob.sees(1)]);
  const quiet = await Promise.all([ann.mark(), bob.mark()]);
  await bob.watchFrames(1);

  const eve = await open('eve');
  for (const { what, token: make, code, says, state } of REFUSALS) {
    const token = make();
    const from = await eve.mark();
    await eve.enter(CHANNEL, UID, { token });
    const { args: [, words] } = await eve.expect('onError', [code], { from });
    assert.match(words, says, what);
    if (token) assert.ok(!words.includes(token.slice(0, 24)) && !server.output.includes(token.slice(0, 24)), what);
    await eve.expect('onConnectionStateChanged', state, { from });
    const told = await eve.told({ from, only: [...PRESENCE, 'onError', 'onJoinChannelSuccess'] });
    assert.deepEqual(told.map(({ name, args }) => (name === 'onError' ? [name, code] : [name, ...args])), [
      ['onConnectionStateChanged', 2, 0],
      ['onError', code],
      ['onConnectionStateChanged', ...state],
    ], what);
    if (state === EXPIRED) assert.equal(await eve.call('leaveChannel'), 0);
  }

  assert.deepEqual(await ann.told({ from: quiet[0], only: PRESENCE }), []);
  assert.deepEqual(await bob.told({ from: quiet[1], only: PRESENCE }), []);
  await bob.sees(1);
  assert.ok((await bob.frameTimes(1)).length > 20);

  // After a refusal the next join needs nothing but a token that fits.
  let from = await eve.mark();
  await eve.enter(CHANNEL, UID, { token: publisherToken('AgoraChannel', UID) });
  await eve.expect('onConnectionStateChanged', INVALID, { from });
  from = await eve.mark();
  await eve.enter(CHANNEL, UID);
  await eve.expect('onJoinChannelSuccess', [], { from });
  await ann.sees(UID);
});

house.story('an App ID that the server does not know is refused', async ({ open }) => {
  const eve = await open('eve', { appId: '0123456789abcdef0123456789abcdef' });
  await eve.enter(CHANNEL, UID, { token: otherAppToken(CHANNEL, UID) });
  const { args: [, words] } = await eve.expect('onError', [101]);
  assert.match(words, /App ID/);
  await eve.expect('onConnectionStateChanged', [5, 6]);
});

house.story('a join refused for its age goes on with a new token', async ({ open }) => {
  const eve = await open('eve');
  await eve.enter('late', UID, { token: expiredToken('late', UID, 5) });
  await eve.expect('onConnectionStateChanged', EXPIRED);
  const from = await eve.mark();
  assert.equal(await eve.call('renewToken', publisherToken('late', UID)), 0);
  await eve.expect('onConnectionStateChanged', [2, 0], { from });
  await eve.expect('onConnectionStateChanged', [3, 1], { from });
  await eve.expect('onJoinChannelSuccess', [], { from });
});
