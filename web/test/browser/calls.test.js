// @ts-check
/** People in one channel see and hear each other. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';
import { eventually } from './support/wait.js';

const house = new House();

house.story('two people, then three, see and hear each other', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await ann.join('tea', 1);
  await bob.join('tea', 2);
  await ann.expect('onUserJoined', [2]);
  await bob.expect('onUserJoined', [1]);
  await Promise.all([ann.sees(2), bob.sees(1), ann.hears(1), bob.hears(1)]);

  const cid = await open('cid');
  await cid.join('tea', 3);
  await Promise.all([ann.sees(3), bob.sees(3), cid.sees(1), cid.sees(2)]);
  await Promise.all([ann.hears(2), bob.hears(2), cid.hears(2)]);
  await Promise.all([ann.seesMovement(2), bob.seesMovement(1)]);
});

house.story('media is encrypted with AES-GCM, over UDP, on the port of everything else', async ({ open, server }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join('cipher', 1), bob.join('cipher', 2)]);
  await Promise.all([ann.sees(2), bob.sees(1)]);
  for (const person of [ann, bob]) {
    const { srtpCipher, dtlsState, tlsVersion, remote } = await person.transport();
    assert.match(srtpCipher, /^SRTP_AEAD_AES_(128|256)_GCM$/);
    assert.equal(dtlsState, 'connected');
    assert.equal(tlsVersion, 'FEFD', 'DTLS 1.2');
    assert.deepEqual([remote.protocol, remote.port], ['udp', server.port]);
  }
});

for (const [codec, codecType] of [['VP8', 1], ['H264', 2], ['VP9', 13], ['AV1', 12]]) {
  house.story(`${codec} when it is preferred`, async ({ open }) => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    const video = { codecType, dimensions: { width: 320, height: 180 }, frameRate: 20 };
    await Promise.all([ann.join('codec', 1, { video }), bob.join('codec', 2, { video })]);
    await Promise.all([ann.sees(2), bob.sees(1)]);
    for (const [person, other] of /** @type {const} */ ([[ann, 2], [bob, 1]])) {
      assert.equal((await person.video(other)).codec, `video/${codec}`);
      const sent = (await person.sent()).filter(({ kind, packetsSent }) => kind === 'video' && packetsSent > 0);
      assert.deepEqual(sent.map((one) => one.codec), [`video/${codec}`]);
    }
  });
}

house.story('people who prefer different codecs still see each other', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  const small = { dimensions: { width: 320, height: 180 }, frameRate: 20 };
  await ann.join('mixed', 1, { video: { ...small, codecType: 2 } });
  await bob.join('mixed', 2, { video: { ...small, codecType: 1 } });
  await Promise.all([ann.sees(2), bob.sees(1)]);
  assert.equal((await bob.video(1)).codec, 'video/H264');
  assert.equal((await ann.video(2)).codec, 'video/VP8');
});

house.story('five people, all to all', async ({ open }) => {
  const uids = [1, 2, 3, 4, 5];
  const people = await Promise.all(uids.map((uid) => open(`number ${uid}`)));
  const video = { dimensions: { width: 160, height: 90 }, frameRate: 10 };
  await Promise.all(people.map((person, index) => person.join('five', uids[index] ?? 0, { video })));
  await Promise.all(people.flatMap((person, index) =>
    uids.filter((uid) => uid !== uids[index]).map((uid) => person.sees(uid, { within: 20_000 })),
  ));
  await Promise.all(people.map((person) => person.hears(4)));
});

house.story('who comes in to listen sees and hears, and is not seen', async ({ open }) => {
  const [ann, eve] = [await open('ann'), await open('eve')];
  await ann.join('stage', 1);
  await eve.join('stage', 9, { options: { clientRoleType: 2 } });
  await Promise.all([eve.sees(1), eve.hears(1)]);
  assert.deepEqual(await ann.told({ only: ['onUserJoined'] }), []);
  assert.deepEqual((await eve.sent()).filter(({ packetsSent }) => packetsSent > 0), []);

  assert.equal(await eve.call('setClientRole', 1), 0);
  await eve.expect('onClientRoleChanged', [2, 1]);
  await ann.expect('onUserJoined', [9]);
  await Promise.all([ann.sees(9), ann.hears(1)]);

  assert.equal(await eve.call('setClientRole', 2), 0);
  await ann.expect('onUserOffline', [9, 2]);
  await eve.seesMovement(1);
});

house.story('what is muted stops, and the others are told', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join('mute', 1), bob.join('mute', 2)]);
  await Promise.all([bob.sees(1), bob.hears(1)]);
  await ann.call('muteLocalVideoStream', true);
  await bob.expect('onUserMuteVideo', [1, true]);
  const frozen = await stands(() => bob.video(1).then((figures) => figures?.framesDecoded ?? 0));
  await ann.call('muteLocalAudioStream', true);
  await bob.expect('onUserMuteAudio', [1, true]);

  await ann.call('muteLocalVideoStream', false);
  await ann.call('muteLocalAudioStream', false);
  await bob.expect('onUserMuteVideo', [1, false]);
  await bob.expect('onUserMuteAudio', [1, false]);
  await Promise.all([bob.sees(1), bob.hears(1)]);
  assert.ok((await bob.video(1)).framesDecoded > frozen);
});

house.story('to leave is told to the others, and to come back is a join like any other', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join('door', 1), bob.join('door', 2)]);
  await ann.sees(2);
  assert.equal(await bob.call('leaveChannel'), 0);
  await bob.expect('onConnectionStateChanged', [1, 5]);
  await bob.expect('onLeaveChannel', []);
  await ann.expect('onUserOffline', [2, 0]);
  const from = await ann.mark();
  await bob.enter('door', 2);
  await ann.expect('onUserJoined', [2], { from });
  await Promise.all([ann.sees(2), bob.sees(1)]);
});

/**
 * Waits until a figure no longer rises.
 *
 * @param {() => Promise<number>} read
 */
async function stands(read) {
  let last = await read();
  return eventually(async () => {
    const before = last;
    last = await read();
    assert.equal(last, before);
    return last;
  }, { every: 400 });
}
