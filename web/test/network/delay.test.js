// @ts-check
/** Packets come late, each by another time: the picture goes on. */
import assert from 'node:assert/strict';
import { callIn } from './support/call.js';
import { Lab } from './support/lab.js';
import { isNightly, measure } from './support/measure.js';

const lab = new Lab();

for (const { name, reorder, always } of [
  { name: 'packets come 20 to 220 ms late, in their order', reorder: false, always: true },
  { name: 'packets come 20 to 220 ms late and overtake each other', reorder: true, always: false },
]) {
  if (!always && !isNightly) continue;
  lab.story(name, async (cast) => {
    const { arrival, viewer } = await callIn(cast, `jitter-${reorder}`);
    const quality = { delayMs: 20, jitterMs: 200, reorder };
    const { before, during, after } = await measure(name, arrival, viewer.line, quality, 'down');
    assert.ok(during.fps >= 0.6 * before.fps, `${during.fps} frames a second, after ${before.fps}`);
    assert.equal(during.soundless, 0, 'for two seconds nothing was heard');
    assert.ok(after.fps >= 0.8 * before.fps, `afterwards ${after.fps} frames a second`);
  });
}
