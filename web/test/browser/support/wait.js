// @ts-check
/** Waiting for things that happen soon: always with a bound, and never longer than needed. */
import { setTimeout as delay } from 'node:timers/promises';

/** How long most things may take, in ms. Two cores carry the server, the browser and every codec at once. */
export const SOON_MS = 10_000;

/**
 * Tries until the check passes. When time is up, the last failure is what the test fails with.
 *
 * @template T
 * @param {() => T | Promise<T>} check throws while it does not hold
 * @param {{ within?: number, every?: number }} [bounds] in ms
 * @returns {Promise<T>} what the check returned
 */
export async function eventually(check, { within = SOON_MS, every = 50 } = {}) {
  const end = performance.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (failure) {
      if (performance.now() >= end) throw failure;
    }
    await delay(every);
  }
}

/**
 * A promise with a bound.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {string} what
 * @param {number} [within] in ms
 * @returns {Promise<T>}
 */
export async function bounded(promise, what, within = SOON_MS) {
  const over = new AbortController();
  const end = delay(within, undefined, { signal: over.signal, ref: false }).then(() => {
    throw new Error(`${what}: not within ${within} ms`);
  });
  // When the promise wins, the timer is aborted; nobody waits for that.
  end.catch(() => undefined);
  try {
    return await Promise.race([promise, end]);
  } finally {
    over.abort();
  }
}
