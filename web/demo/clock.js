// @ts-check
/**
 * The token's remaining time, in numbers and in words. Pure: the caller brings the time.
 */

/** From here on the page warns, as the network does. */
export const WARNING_MS = 30_000;

/** @typedef {'none' | 'calm' | 'warning' | 'ended'} TokenPhase */

/**
 * How near the end is. `null` is a session without an end.
 *
 * @param {number | null} leftMs
 * @returns {TokenPhase}
 */
export function tokenPhase(leftMs) {
  if (leftMs === null) return 'none';
  if (leftMs <= 0) return 'ended';
  return leftMs <= WARNING_MS ? 'warning' : 'calm';
}

/**
 * The remaining time as a clock shows it: `0:09`, `4:12`, `1:00:00`. Rounded up, so that it says 0:00 only when it is
 * over.
 *
 * @param {number} leftMs
 */
export function formatLeft(leftMs) {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * The remaining time for people who hear it: `4 minutes 12 seconds`.
 *
 * @param {number} leftMs
 */
export function speakLeft(leftMs) {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const parts = [
    [Math.floor(seconds / 3600), 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ];
  const said = parts
    .filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`);
  return said.join(' ') || '0 seconds';
}

/**
 * How much of the token's life is left, 0 to 1.
 *
 * @param {number | null} leftMs
 * @param {number | null} lifeMs
 */
export function shareLeft(leftMs, lifeMs) {
  if (leftMs === null || !lifeMs) return 1;
  return Math.min(1, Math.max(0, leftMs / lifeMs));
}

/**
 * How long to wait with a renewal once the network has warned. A token whose whole life is shorter than the warning
 * is warned about at once: renewing at once as well would ask for tokens without a pause, so half of the rest passes
 * first.
 *
 * @param {number} leftMs
 */
export function renewDelay(leftMs) {
  return leftMs >= WARNING_MS - 5_000 ? 0 : Math.max(0, Math.floor(leftMs / 2));
}

/**
 * How long until the shown clock changes.
 *
 * @param {number} leftMs
 */
export function untilNextTick(leftMs) {
  const rest = leftMs % 1000;
  return rest > 0 ? rest : 1000;
}
