// @ts-check
/** Camera off, muted, module off: three things, and the others are told which. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';

const house = new House();

const VIDEO = ['onUserMuteVideo', 'onUserEnableVideo', 'onUserEnableLocalVideo', 'onRemoteVideoStateChanged'];

house.story('a camera that is off, one that is muted and a video module that is off are told apart', async ({ open }) => {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await ann.join('switches', 1);
  await bob.join('switches', 2);
  await bob.sees(1);

  /** What bob is told of ann while she does this, until her video has this state and reason. */
  const during = async (
    /** @type {[string, ...any[]]} */ [method, ...args], /** @type {number} */ state, /** @type {number} */ reason,
  ) => {
    const from = await bob.mark();
    assert.equal(await ann.call(method, ...args), 0);
    await bob.expect('onRemoteVideoStateChanged', [1, state, reason], { from });
    const told = await bob.told({ from, only: VIDEO });
    return told.map(({ name, args: [uid, ...rest] }) => {
      assert.equal(uid, 1);
      return `${name} ${rest.slice(0, name.startsWith('onRemote') ? 2 : 1).join()}`;
    });
  };
  const [stopped, starts, goes] = ['0,5', '1,6', '2,6'].map((state) => `onRemoteVideoStateChanged ${state}`);

  assert.deepEqual(await during(['enableLocalVideo', false], 0, 5), ['onUserEnableLocalVideo false', stopped]);
  assert.deepEqual(await during(['enableLocalVideo', true], 2, 6), ['onUserEnableLocalVideo true', starts, goes]);
  assert.deepEqual(await during(['muteLocalVideoStream', true], 0, 5), ['onUserMuteVideo true', stopped]);
  assert.deepEqual(await during(['muteLocalVideoStream', false], 2, 6), ['onUserMuteVideo false', starts, goes]);
  assert.deepEqual(await during(['disableVideo'], 0, 5), ['onUserEnableVideo false', stopped]);

  // Whoever comes now finds it so.
  const cat = await open('cat');
  await cat.join('switches', 3);
  await cat.expect('onUserEnableVideo', [1, false]);
  assert.deepEqual(await during(['enableVideo'], 2, 6), ['onUserEnableVideo true', starts, goes]);
});

house.story('a network that goes and comes is told once each', async ({ open, context }) => {
  const ann = await open('ann');
  await ann.join('network', 1);
  const from = await ann.mark();
  await context.setOffline(true);
  await ann.expect('onNetworkTypeChanged', [0], { from });
  await context.setOffline(false);
  await ann.expect('onNetworkTypeChanged', [-1], { from });
  assert.equal((await ann.told({ from, only: ['onNetworkTypeChanged'] })).length, 2);
});
