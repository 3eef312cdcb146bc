// @ts-check
/** What breaks mends itself: a cut connection, a server that was killed, a user who is simply gone. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';
import { Wire } from './support/wire.js';
import { eventually } from './support/wait.js';

const house = new House();

/** What tells of people who come and go. */
const PRESENCE = ['onUserJoined', 'onUserOffline', 'onConnectionStateChanged'];
/** Two people are back so soon after the server is, in ms. */
const BACK_MS = 15_000;
/** After so long the others are told that a user is gone, in ms: 20 s, and room for the user's last sign of life. */
const GONE_MS = 26_000;

house.story('a cut connection is taken up again, and the others are told nothing', async ({ open, server }) => {
  const wire = await new Wire(server.port).lay();
  try {
    const [ann, bob] = [await open('ann', { origin: wire.origin }), await open('bob')];
    await bob.join('cut', 2);
    await ann.join('cut', 1);
    await Promise.all([ann.sees(2), bob.sees(1)]);
    const [annFrom, bobFrom] = await Promise.all([ann.mark(), bob.mark()]);

    const { connections } = wire;
    wire.cut();
    wire.mend();
    await eventually(() => assert.ok(wire.connections > connections));
    await Promise.all([ann.seesMovement(2), bob.seesMovement(1)]);

    wire.cut();
    await ann.expect('onConnectionStateChanged', [4, 2], { from: annFrom });
    await ann.expect('onConnectionInterrupted', [], { from: annFrom });
    wire.mend();
    await ann.expect('onConnectionStateChanged', [3, 15], { from: annFrom, within: BACK_MS });
    await ann.expect('onRejoinChannelSuccess', [], { from: annFrom });
    await Promise.all([ann.sees(2), bob.sees(1), ann.hears(1), bob.hears(1)]);
    assert.deepEqual(await bob.told({ from: bobFrom, only: PRESENCE }), []);
    assert.deepEqual(await ann.told({ from: annFrom, only: ['onUserOffline', 'onError'] }), []);
  } finally {
    wire.remove();
  }
});

house.story('a killed server comes back, and so does everyone in the call', async ({ open, server }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join('phoenix', 1), bob.join('phoenix', 2)]);
  await Promise.all([ann.sees(2), bob.sees(1)]);

  // Back at once: nobody is told of so short a break.
  let marks = await Promise.all([ann.mark(), bob.mark()]);
  await server.kill();
  await server.start();
  await backInTheCall(server, ann, bob);
  assert.deepEqual(await ann.told({ from: marks[0], only: ['onConnectionStateChanged', 'onError'] }), []);
  assert.deepEqual(await bob.told({ from: marks[1], only: ['onConnectionStateChanged', 'onError'] }), []);

  // Away for a while: both are told of the break, and of its end.
  marks = await Promise.all([ann.mark(), bob.mark()]);
  await server.kill();
  await Promise.all([
    ann.expect('onConnectionStateChanged', [4, 2], { from: marks[0] }),
    bob.expect('onConnectionStateChanged', [4, 2], { from: marks[1] }),
  ]);
  await server.start();
  await backInTheCall(server, ann, bob);
  for (const [person, from] of /** @type {const} */ ([[ann, marks[0]], [bob, marks[1]]])) {
    await person.expect('onConnectionStateChanged', [3, 15], { from });
    await person.expect('onRejoinChannelSuccess', [], { from });
    assert.deepEqual(await person.told({ from, only: ['onError'] }), []);
  }
});

house.story('who is gone without a goodbye is told to the others as dropped', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join('gone', 1), bob.join('gone', 2)]);
  await ann.sees(2);
  await crash(bob);
  await ann.expect('onUserOffline', [2, 1], { within: GONE_MS });
});

house.story('the same user twice: the newest stays, and the others see one user', async ({ open }) => {
  const [ann, old, fresh] = [await open('ann'), await open('old'), await open('fresh')];
  await Promise.all([ann.join('twice', 1), old.join('twice', 2)]);
  await ann.sees(2);
  const from = await ann.mark();
  await fresh.join('twice', 2);
  await old.expect('onConnectionStateChanged', [5, 19]);
  await Promise.all([ann.sees(2), fresh.sees(1)]);
  assert.deepEqual(await ann.told({ from, only: ['onUserJoined', 'onUserOffline'] }), []);
});

/**
 * Waits until a server that has just started has both people in their call, which they have entered by themselves.
 *
 * @param {import('./support/server.js').Server} server
 * @param {import('./support/caller.js').Caller} ann uid 1
 * @param {import('./support/caller.js').Caller} bob uid 2
 */
async function backInTheCall(server, ann, bob) {
  const end = performance.now() + BACK_MS;
  await eventually(async () => assert.equal(await server.metric('symbolon_members'), 2), { within: BACK_MS });
  const within = Math.max(end - performance.now(), 0);
  await Promise.all([ann.sees(2, { within }), bob.sees(1, { within })]);
  await Promise.all([ann.hears(1, { within }), bob.hears(1, { within })]);
}

/**
 * Ends the process behind a page, so that nothing in it can say goodbye.
 *
 * @param {import('./support/caller.js').Caller} person
 */
async function crash({ page }) {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  // The answer never comes from a process that is gone.
  session.send('Page.crash').catch(() => undefined);
  await crashed;
}
