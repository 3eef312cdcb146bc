// @ts-check
/** Packets get lost, of every kind and both ways: the picture goes on, and so does the sound. */
import assert from 'node:assert/strict';
import { callIn } from './support/call.js';
import { Lab } from './support/lab.js';
import { assertLoss, isNightly, measure } from './support/measure.js';

/**
 * Least part of the frames that go on, and the longest that a picture stands.
 *
 * @type {{ loss: number, of: 'viewer' | 'publisher', always?: boolean, frames: number, gapMs: number }[]}
 */
const CASES = [
  { loss: 0.01, of: 'viewer', frames: 0.8, gapMs: 1_000 },
  { loss: 0.05, of: 'viewer', frames: 0.8, gapMs: 1_000, always: true },
  { loss: 0.1, of: 'viewer', frames: 0.7, gapMs: 2_000 },
  { loss: 0.2, of: 'viewer', frames: 0.3, gapMs: 4_000, always: true },
  { loss: 0.01, of: 'publisher', frames: 0.8, gapMs: 1_000 },
  { loss: 0.05, of: 'publisher', frames: 0.8, gapMs: 1_000 },
  { loss: 0.1, of: 'publisher', frames: 0.7, gapMs: 2_000 },
  { loss: 0.2, of: 'publisher', frames: 0.3, gapMs: 4_000, always: true },
];

/** Sound that is made up on perfect lines too, where the processor has too much to do. */
const NOISE = 0.02;

const lab = new Lab();

for (const { loss, of, always, frames, gapMs } of CASES) {
  if (!always && !isNightly) continue;
  const name = `${100 * loss} % of the packets are lost on the line of the ${of}`;
  lab.story(name, async (cast) => {
    const call = await callIn(cast, `loss-${of}-${100 * loss}`);
    const way = of === 'viewer' ? 'down' : 'up';
    const { before, during, after, count } = await measure(name, call.arrival, call[of].line, { loss }, way);
    assertLoss(count, loss);
    assert.ok(during.fps >= frames * before.fps, `${during.fps} frames a second, after ${before.fps}`);
    assert.ok(during.gapMs <= gapMs, `the picture stood for ${during.gapMs} ms`);
    assert.equal(during.soundless, 0, 'for two seconds nothing was heard');
    // Each packet brings the sound of the one before along: only where two in a row are lost, something is missing.
    assert.ok(during.concealed <= loss / 2 + NOISE, `${during.concealed} of the sound was made up`);
    assert.ok(after.fps >= 0.8 * before.fps, `afterwards ${after.fps} frames a second`);
  });
}
