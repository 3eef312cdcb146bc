// @ts-check

const FIRST_MS = 500;
const GROWTH = 1.5;
const MOST_MS = 10_000;
const JITTER = 0.2;

/**
 * The pause after this many attempts in a row: it grows from 0.5 s by half up to 10 s, up to a fifth shorter or longer
 * at random, so that clients that lost one server do not all come back at the same moment.
 *
 * @param {number} attempts
 * @param {number} random from 0 to 1; a half gives the bare numbers
 * @returns {number} ms
 */
export function pauseAfter(attempts, random) {
  const pause = Math.min(FIRST_MS * GROWTH ** Math.max(0, attempts - 1), MOST_MS);
  return Math.round(pause * (1 + JITTER * (2 * random - 1)));
}
