// @ts-check
/**
 * A call before, during and after its line is worse than perfect.
 *
 * @import { Count, Direction, Line, Quality } from './lines.js'
 */
import assert from 'node:assert/strict';
import { clock } from './arrival.js';
import { note } from './table.js';

/** How long is measured, in ms. */
const BEFORE_MS = 3_000;
const DURING_MS = 6_000;
const AFTER_MS = 4_000;

/**
 * @param {string} story its name in the table
 * @param {import('./arrival.js').Arrival} arrival
 * @param {Line} line the one that becomes worse
 * @param {Quality} quality
 * @param {Direction} way the way of the media, whose packets are counted
 */
export async function measure(story, arrival, line, quality, way) {
  const before = await arrival.steady(BEFORE_MS);
  const from = clock();
  /** @type {import('./arrival.js').Span | undefined} */
  let during;
  const count = await line.udpDuring(way, async () => {
    await line.become(quality);
    during = await arrival.after(from, DURING_MS);
    await line.mend();
  });
  assert.ok(during);
  const mended = clock();
  const after = await arrival.after(mended, AFTER_MS);
  note(story, { before, during, after }, { line: count });
  return { before, during, after, count, from, mended };
}

/**
 * Whether the line did what it was told to.
 *
 * @param {Count} count
 * @param {number} loss 0 to 1
 */
export function assertLoss({ seen, lost }, loss) {
  // Four standard deviations of so many throws.
  const slack = 4 * Math.sqrt((loss * (1 - loss)) / seen);
  const share = lost / seen;
  assert.ok(seen > 200 && Math.abs(share - loss) <= slack, `of ${seen} packets the line lost ${lost}`);
}

/** In the long run of every night every case is measured; else those that say most. */
export const isNightly = process.env['NETWORK_NIGHTLY'] === '1';
