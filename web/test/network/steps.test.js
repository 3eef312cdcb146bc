// @ts-check
/** The line of a publisher becomes narrow in the middle of a call: within five seconds the picture runs again, in what fits. */
import assert from 'node:assert/strict';
import { clock } from './support/arrival.js';
import { callIn } from './support/call.js';
import { Lab } from './support/lab.js';
import { isNightly } from './support/measure.js';
import { note } from './support/table.js';

/** A picture fills the line before: it needs more than what is left. */
const FULL_KBIT = 1_100;
/** What a router keeps for a line that is full, in ms. */
const QUEUE_MS = 300;
/** The picture runs again so soon after the step, in ms. */
const SETTLED_MS = 5_000;
/** Frames a second of a picture that runs. */
const RUNS_FPS = 10;
const WATCHED_MS = 4_000;

/** @type {{ rateKbit: number, of: 'viewer' | 'publisher', always: boolean }[]} */
const CASES = [
  { rateKbit: 1_000, of: 'publisher', always: false },
  { rateKbit: 300, of: 'publisher', always: true },
];

const lab = new Lab();

for (const { rateKbit, of, always } of CASES) {
  if (!always && !isNightly) continue;
  const name = `the line of the ${of} steps to ${rateKbit} kbit/s`;
  lab.story(name, async (cast) => {
    const { arrival, ...people } = await callIn(cast, `step-${of}-${rateKbit}`);
    const before = await arrival.steady(3_000, { kbit: FULL_KBIT });
    const { line } = people[of];
    const way = of === 'viewer' ? 'down' : 'up';
    const stepped = clock();
    let during = before;
    let settled = before;
    const count = await line.udpDuring(way, async () => {
      await line.become({ rateKbit, queueMs: QUEUE_MS }, [way]);
      during = await arrival.after(stepped, SETTLED_MS);
      settled = await arrival.after(stepped + SETTLED_MS, WATCHED_MS);
    });
    await line.mend();
    const after = await arrival.after(clock(), WATCHED_MS);
    note(name, { before, during, settled, after }, { line: count });
    assert.ok(count.overflowed > 0, 'the line was too narrow for what came');
    assert.ok(settled.fps >= RUNS_FPS, `${settled.fps} frames a second, ${SETTLED_MS} ms after the step`);
    assert.ok(settled.gapMs <= 1_000, `the picture stood for ${settled.gapMs} ms`);
    assert.equal(settled.soundless, 0, 'for two seconds nothing was heard');
    assert.ok(after.fps >= 0.8 * before.fps, `afterwards ${after.fps} frames a second`);
  });
}
