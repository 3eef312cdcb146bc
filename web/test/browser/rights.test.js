// @ts-check
/** Whoever may not publish is heard and seen by nobody, whatever the client says and sends. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';
import { Rogue } from './support/rogue.js';
import { apartToken, publisherToken, subscriberToken } from './support/token.js';
import { eventually } from './support/wait.js';

const house = new House();

/** So many packets prove that a client really sends. */
const PLENTY = 100;

for (const claim of /** @type {const} */ (['publish', 'slots', 'nothing'])) {
  house.story(`a subscriber's camera and microphone, offered all the same (${claim}), reach nobody`, async (cast) => {
    const { open, page, server } = cast;
    const bob = await open('bob');
    const channel = `rogue ${claim}`;
    await bob.join(channel, 2, { options: { clientRoleType: 2 } });
    const rogue = await Rogue.open(await page(), server.origin);
    const joined = await rogue.push({ channel, uid: 7, token: subscriberToken(channel, 7), claim });
    assert.equal(joined.standing.role, 'audience');
    const states = joined.media.publish.map((/** @type {any} */ one) => one.state);
    assert.ok(!states.includes('published'), states.join());
    await sendsPlenty(rogue);
    assert.equal((await bob.packets()).received, 0);
    assert.deepEqual(await bob.told({ only: ['onUserJoined', 'onUserPublished'] }), []);

    // The same channel still works for who may publish.
    const ann = await open('ann');
    await ann.join(channel, 1);
    await Promise.all([bob.sees(1), bob.hears(1)]);
    assert.deepEqual((await bob.told({ only: ['onUserJoined'] })).map(({ args }) => args[0]), [1]);
  });
}

house.story('a listener that negotiates camera and microphone later reaches nobody either', async (cast) => {
  const { open, page, server } = cast;
  const bob = await open('bob');
  await bob.join('later', 2, { options: { clientRoleType: 2 } });
  const rogue = await Rogue.open(await page(), server.origin);
  await rogue.listen({ channel: 'later', uid: 7, token: publisherToken('later', 7) });
  await rogue.ask('arm');
  await rogue.ask('send', { type: 'negotiate', id: 5, media: await rogue.ask('offer', 'publish') });
  const { media } = await rogue.hear('negotiated');
  assert.deepEqual(media.publish.map((/** @type {any} */ one) => one.state), ['audience', 'audience']);
  await rogue.ask('believe', media);
  await sendsPlenty(rogue);
  assert.equal((await bob.packets()).received, 0);
});

house.story('a subscriber who asks for the stage is told that the token does not allow it', async ({ open }) => {
  const [ann, eve] = [await open('ann'), await open('eve')];
  await ann.join('asks', 1);
  await eve.join('asks', 9, { token: subscriberToken('asks', 9), options: { clientRoleType: 2 } });
  assert.equal(await eve.call('setClientRole', 1), 0);
  await eve.expect('onClientRoleChangeFailed', [2, 2]);
  await eve.expect('onError', [119]);
  const from = await eve.mark();
  assert.equal(await eve.call('renewToken', publisherToken('asks', 9)), 0);
  await eve.expect('onRenewTokenResult', [null, 0], { from });
  assert.equal(await eve.call('setClientRole', 1), 0);
  await eve.expect('onClientRoleChanged', [2, 1], { from });
  await Promise.all([ann.sees(9), ann.hears(1)]);
});

house.story('a token for sound alone carries no picture', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await bob.join('sound', 2);
  await ann.join('sound', 1, { token: apartToken('sound', 1, { video: 1 }) });
  await bob.hears(1);
  await eventually(async () => assert.equal(await bob.video(1), null));
  await ann.sees(2);
});

house.story('when the right to send pictures ends, pictures end and sound goes on', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await bob.join('apart', 2);
  await ann.join('apart', 1, { token: apartToken('apart', 1, { video: 9 }) });
  const { args: [privileges] } = await ann.expect('onTokenPrivilegeExpiring', []);
  assert.deepEqual(privileges, ['video']);
  await Promise.all([bob.sees(1), bob.hears(1)]);
  await bob.expect('onRemoteVideoStateChanged', [1, 0, 5]);
  await ann.expect('onVideoPublishStateChanged', [0, 'apart', 3, 1]);
  await bob.hears(1);
  assert.deepEqual(await bob.told({ only: ['onUserOffline'] }), []);

  const from = await bob.mark();
  assert.equal(await ann.call('renewToken', publisherToken('apart', 1)), 0);
  await bob.expect('onRemoteVideoStateChanged', [1, 2], { from });
  await bob.sees(1);
});

/** @param {Rogue} rogue */
async function sendsPlenty(rogue) {
  await eventually(async () => {
    const { sent } = await rogue.packets();
    assert.ok(sent > PLENTY, `the rogue has sent ${sent} packets`);
  });
}
