// @ts-check
/** The address of a client changes in the middle of a call, as from one network to another: the call goes on. */
import assert from 'node:assert/strict';
import { clock } from './support/arrival.js';
import { callIn } from './support/call.js';
import { Lab } from './support/lab.js';
import { isNightly } from './support/measure.js';
import { BREAKS, CHANGES, joinedAnew } from './support/presence.js';
import { note } from './support/table.js';

/** The picture is back so soon after the change, in ms. */
const BACK_MS = 6_000;
const BACK_FPS = 10;

const lab = new Lab();

for (const of of /** @type {const} */ (['viewer', 'publisher'])) {
  if (of === 'viewer' && !isNightly) continue;
  const name = `the address of the ${of} changes`;
  lab.story(name, async (cast) => {
    const { arrival, ...people } = await callIn(cast, `move-${of}`);
    const before = await arrival.steady(3_000);
    const { viewer, publisher } = people;
    const [viewerFrom, publisherFrom] = await Promise.all([viewer.person.mark(), publisher.person.mark()]);
    const joins = joinedAnew(cast.server);
    const from = clock();
    const address = await people[of].move();
    const backMs = await arrival.backAfter(from + 500, BACK_FPS, BACK_MS);
    const during = await arrival.between(from, from + BACK_MS);
    const after = await arrival.after(from + BACK_MS + 500, 3_000);
    note(name, { before, during, after }, { backMs });
    const { local } = await people[of].person.transport();
    assert.equal(local.address, address, 'media takes the new way');
    assert.ok(backMs <= BACK_MS, `the picture is not back ${BACK_MS} ms after the change`);
    assert.ok(after.fps >= 0.8 * before.fps && after.soundless === 0, JSON.stringify(after));
    const only = { viewer: BREAKS, publisher: BREAKS, [of]: CHANGES };
    assert.deepEqual(await viewer.person.told({ from: viewerFrom, only: only.viewer }), []);
    assert.deepEqual(await publisher.person.told({ from: publisherFrom, only: only.publisher }), []);
    assert.equal(joinedAnew(cast.server), joins, 'a session was taken up again, not begun anew');
  });
}
