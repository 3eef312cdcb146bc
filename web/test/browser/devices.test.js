// @ts-check
/** Browsers as people have them: devices are asked for, addresses are hidden, or there are no devices at all. */
import assert from 'node:assert/strict';
import { House } from './support/house.js';

const house = new House({ browser: { asksForDevices: true } });

house.story('a call through a browser that hides its addresses', async ({ open, context, server }) => {
  await context.grantPermissions(['camera', 'microphone'], { origin: server.origin });
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join('hidden', 1), bob.join('hidden', 2)]);
  await Promise.all([ann.sees(2), bob.sees(1), ann.hears(1), bob.hears(1)]);
});

house.story('a listener without any device, and without a name for its address', async ({ open, context, server }) => {
  const eve = await open('eve');
  await eve.join('bare', 9, { options: { clientRoleType: 2 } });
  await context.grantPermissions(['camera', 'microphone'], { origin: server.origin });
  const ann = await open('ann');
  await ann.join('bare', 1);
  await Promise.all([eve.sees(1), eve.hears(1)]);
  assert.deepEqual(await eve.told({ only: ['onPermissionError', 'onError'] }), []);
});

house.story('a speaker who refuses camera and microphone is in the call', async ({ open, context, server }) => {
  const bob = await open('bob');
  await bob.join('shy', 2);
  await bob.expect('onPermissionError', [0]);
  await bob.expect('onPermissionError', [1]);
  await context.grantPermissions(['camera', 'microphone'], { origin: server.origin });
  const ann = await open('ann');
  await ann.join('shy', 1);
  await Promise.all([bob.sees(1), bob.hears(1)]);
  await ann.expect('onUserJoined', [2]);
});
