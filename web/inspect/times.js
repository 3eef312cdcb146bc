// @ts-check
/**
 * A token's times as lines beside each other, and as words.
 *
 * @import { Privilege, Token } from './token.js'
 */
import { LIFE_MAX, spanOf } from './judge.js';
import { PRIVILEGES_006, SERVICES } from './services.js';

/**
 * @typedef {object} Span
 * @property {string} name
 * @property {number} start
 * @property {number} end
 * @property {'' | 'token' | 'day'} cut what ends it earlier than its own value does
 */

/**
 * @typedef {object} Timeline
 * @property {number} start of what is drawn
 * @property {number} end
 * @property {number | null} issued null: the token does not say
 * @property {number} now
 * @property {Span[]} spans the token itself first
 */

/**
 * @param {Token} token
 * @param {number} now Unix seconds
 * @returns {Timeline}
 */
export function timelineOf(token, now) {
  const { start: issued, end } = spanOf(token);
  const start = issued ?? Math.min(now, end);
  const last = Math.min(end, start + LIFE_MAX);
  const span = (/** @type {string} */ name, /** @type {number} */ own) =>
    ({ name, start, end: Math.min(own, last), cut: cutOf(own, end, last) });
  const parts = privilegesOf(token).map(({ name, privilege }) => span(name, ownEnd(token, privilege) ?? end));
  const spans = [span('Token', end), ...parts];
  const ends = [...spans.map((one) => one.end), start + 1];
  // A token of long ago would shrink to a dot beside today: then today is left out of the picture.
  const life = Math.max(...ends) - start;
  const isNear = now >= start - life * 2 && now <= start + life * 3;
  const shown = isNear ? now : start;
  return { start: Math.min(start, shown), end: Math.max(...ends, shown), issued, now, spans };
}

/**
 * When a privilege ends by its own value; null when it has no end of its own.
 *
 * @param {Token} token
 * @param {Privilege} privilege
 */
export function ownEnd(token, { value }) {
  if (value === 0) return null;
  return token.version === '006' ? value : token.issueTs + value;
}

/** @param {number} seconds */
export function moment(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A length of time in words. @param {number} seconds */
export function lengthOf(seconds) {
  const whole = Math.abs(Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} days`;
}

/** How a moment lies to now. @param {number} seconds @param {number} now */
export function distance(seconds, now) {
  if (seconds === now) return 'now';
  return seconds > now ? `in ${lengthOf(seconds - now)}` : `${lengthOf(now - seconds)} ago`;
}

/** @param {Token} token */
function privilegesOf(token) {
  if (token.version === '006')
    return token.privileges.map((privilege) => ({ privilege, name: PRIVILEGES_006[privilege.id] ?? `privilege ${privilege.id}` }));
  return token.services.flatMap(({ type, privileges }) => privileges.map((privilege) => {
    const kind = SERVICES[type];
    return { privilege, name: `${kind?.name}: ${kind?.privileges[privilege.id] ?? `privilege ${privilege.id}`}` };
  }));
}

/** @param {number} own @param {number} end of the token @param {number} last @returns {Span['cut']} */
function cutOf(own, end, last) {
  if (own <= last) return '';
  return last < end ? 'day' : 'token';
}
