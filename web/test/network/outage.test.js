// @ts-check
/** A line is dead for three seconds: the call goes on by itself, and the others are told nothing. */
import assert from 'node:assert/strict';
import { clock } from './support/arrival.js';
import { callIn } from './support/call.js';
import { Lab } from './support/lab.js';
import { CUT } from './support/lines.js';
import { BREAKS, CHANGES, joinedAnew } from './support/presence.js';
import { note } from './support/table.js';

const OUTAGE_MS = 3_000;
/** The picture is back so soon after the line is, in ms. */
const BACK_MS = 1_500;
/** Frames a second of a picture that is back. */
const BACK_FPS = 10;

const lab = new Lab();

for (const of of /** @type {const} */ (['viewer', 'publisher'])) {
  const name = `the line of the ${of} is dead for 3 s`;
  lab.story(name, async (cast) => {
    const { arrival, ...people } = await callIn(cast, `outage-${of}`);
    const before = await arrival.steady(3_000);
    const [viewerFrom, publisherFrom] = await Promise.all([people.viewer.person.mark(), people.publisher.person.mark()]);
    const joins = joinedAnew(cast.server);
    const { line } = people[of];
    const from = clock();
    await line.become(CUT);
    const count = await line.udpDuring(of === 'viewer' ? 'down' : 'up', () => arrival.after(from, OUTAGE_MS));
    await line.mend();
    const mended = clock();
    const backMs = await arrival.backAfter(mended, BACK_FPS, BACK_MS);
    const during = await arrival.between(from, mended);
    const after = await arrival.after(mended + BACK_MS, 3_000);
    note(name, { before, during, after }, { line: count, backMs });
    assert.ok(count.seen > 0 && count.lost === count.seen, 'the line was dead');
    assert.ok(during.gapMs > 2_000, 'the outage reached the picture');
    assert.ok(backMs <= BACK_MS, `the picture is not back ${BACK_MS} ms after the line`);
    assert.ok(after.fps >= 0.8 * before.fps && after.soundless === 0, JSON.stringify(after));
    const only = { viewer: BREAKS, publisher: BREAKS, [of]: CHANGES };
    assert.deepEqual(await people.viewer.person.told({ from: viewerFrom, only: only.viewer }), []);
    assert.deepEqual(await people.publisher.person.told({ from: publisherFrom, only: only.publisher }), []);
    assert.equal(joinedAnew(cast.server), joins, 'a session was taken up again, not begun anew');
  });
}
