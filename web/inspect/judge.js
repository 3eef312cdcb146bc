// @ts-check
/**
 * Whether a token is genuine, and whom it lets in where: the server's checks, in the server's order.
 *
 * @import { Privilege, Problem, Service, Token, Token006, Token007 } from './token.js'
 */
import { crc32, hmacSha256, join } from './hash.js';

/** @typedef {Problem | null} Verdict null: nothing is wrong */

/**
 * @typedef {object} Wish
 * @property {string} channel
 * @property {string} uid empty: whoever the token names
 * @property {number} now Unix seconds
 * @property {number} [service] a type; RTC unless given
 * @property {number} [privilege] joining or logging in unless given
 * @property {boolean} [star] whether a token for the channel `*` counts
 * @property {boolean} [anyName] whether the channel may hold other characters than servers take
 */

/** The longest life that a server honours, in seconds. */
export const LIFE_MAX = 86_400;
/** How far an issuer's clock may be ahead, in seconds. */
export const SKEW_S = 60;

/**
 * Whether this certificate made the signature. A 006 token holds neither channel nor uid, so both have to be asked for.
 *
 * @param {Token} token
 * @param {string} certificate
 * @param {{ channel: string, uid: string }} wish
 * @returns {Verdict}
 */
export function checkSignature(token, certificate, wish) {
  if (!/^[0-9a-fA-F]{32}$/.test(certificate)) return say('certificate_invalid', 'A certificate is 32 hexadecimal characters.');
  if (token.version === '007') return same(token.signature, sign007(token, certificate)) ? null : say('bad_signature', FOREIGN);
  const misfit = fits006(token, wish);
  if (misfit) return misfit;
  const uid = token.crcUid === 0 ? '' : wish.uid;
  const signed = join(bytes(token.appId), bytes(wish.channel), bytes(uid), token.message);
  return same(token.signature, hmacSha256(bytes(certificate), signed)) ? null : say('bad_signature', FOREIGN);
}

/**
 * Whether a genuine token is good now.
 *
 * @param {Token} token
 * @param {number} now
 * @returns {Verdict}
 */
export function checkTime(token, now) {
  const { start, end } = spanOf(token);
  const life = end - (start ?? now);
  if (start !== null && start > now + SKEW_S)
    return say('not_yet_valid', `It was issued ${start - now} s in the future. Is the issuer’s clock right?`);
  if (now >= end) return say('expired', `It ended ${now - end} s ago.`);
  if (life > LIFE_MAX)
    return say('lifetime_too_long', `It claims a life of ${life} s; a server takes at most ${LIFE_MAX}. Is the expiry a date?`);
  return null;
}

/**
 * Whether a genuine token opens what is wished.
 *
 * @param {Token} token
 * @param {Wish} wish
 * @returns {Verdict}
 */
export function checkAccess(token, wish) {
  const { service = RTC, privilege = JOIN } = wish;
  if (service === RTC && !isChannel(wish.channel, wish.anyName ?? false))
    return say('invalid_channel', 'That is no channel name: 1 to 64 of the characters that servers take, and not *.');
  const time = checkTime(token, wish.now);
  if (time) return time;
  if (token.version === '006') return fits006(token, wish) ?? granted(token.privileges, 0, privilege, wish.now).verdict;
  const steps = token.services.filter(({ type }) => type === service).map((one) => fits(token, one, privilege, wish));
  const furthest = steps.sort((one, other) => other.step - one.step)[0];
  if (furthest) return furthest.verdict;
  const stopped = token.unknownService === null ? '' : ` Reading stopped at the unknown service ${token.unknownService}.`;
  return say('service_missing', `It holds no service of the type ${service}.${stopped}`);
}

/**
 * Every check of a server, the first that fails.
 *
 * @param {Token} token
 * @param {{ appId: string, certificates: string[], allow006: boolean } & Wish} context
 * @returns {Verdict}
 */
export function judge(token, context) {
  if (token.version === '006' && !context.allow006) return say('version_unsupported', 'Tokens of the format 006 are not taken.');
  if (token.appId !== context.appId) return say('app_id_mismatch', 'It was made for another App ID.');
  const verdicts = context.certificates.map((certificate) => checkSignature(token, certificate, context));
  if (!verdicts.includes(null)) return verdicts[0] ?? say('bad_signature', FOREIGN);
  if (token.version === '007' && token.serviceProblem) return token.serviceProblem;
  return checkAccess(token, context);
}

/**
 * When a token begins, if it says so, and when it ends.
 *
 * @param {Token} token
 * @returns {{ start: number | null, end: number }}
 */
export function spanOf(token) {
  if (token.version === '006') return { start: null, end: token.ts };
  return { start: token.issueTs, end: token.issueTs + token.expire };
}

/** @param {Token007} token @param {string} certificate */
function sign007(token, certificate) {
  const first = hmacSha256(number(token.issueTs), bytes(certificate));
  return hmacSha256(hmacSha256(number(token.salt), first), token.body);
}

/** @param {Token006} token @param {{ channel: string, uid: string }} wish @returns {Verdict} */
function fits006(token, { channel, uid }) {
  if (crc32(bytes(channel)) !== token.crcChannel) return say('channel_mismatch', 'It was made for another channel.');
  if (token.crcUid !== 0 && crc32(bytes(uid)) !== token.crcUid) return say('uid_mismatch', 'It was made for another user.');
  return null;
}

/**
 * How far one service comes.
 *
 * @param {Token007} token
 * @param {Service} service
 * @param {number} privilege
 * @param {Wish} wish
 * @returns {{ step: number, verdict: Verdict }}
 */
function fits(token, service, privilege, { channel, uid, now, star = false }) {
  const named = service.fields['channel'] ?? service.fields['room_uuid'];
  const user = Object.entries(service.fields).find(([key]) => USERS.has(key))?.[1] ?? '';
  if (named !== undefined && named !== channel && named !== ANY)
    return { step: 0, verdict: say('channel_mismatch', `It was made for the channel “${named}”. Names are compared exactly.`) };
  if (named === ANY && (!star || user === ''))
    return { step: 1, verdict: say('wildcard_not_allowed', user === '' ? STAR_FOR_ALL : STAR_OFF) };
  if (user !== '' && uid !== '' && user !== uid)
    return { step: 2, verdict: say('uid_mismatch', `It was made for the user “${user}”. Ids are compared exactly.`) };
  // Who may not be in a channel may not publish there either.
  const needed = service.type === RTC && privilege !== JOIN ? [JOIN, privilege] : [privilege];
  const grants = needed.map((id) => granted(service.privileges, token.issueTs, id, now));
  return grants.find(({ verdict }) => verdict !== null) ?? { step: 5, verdict: null };
}

/**
 * @param {Privilege[]} privileges
 * @param {number} start what their values count from
 * @param {number} wanted
 * @param {number} now
 * @returns {{ step: number, verdict: Verdict }}
 */
function granted(privileges, start, wanted, now) {
  const found = privileges.find(({ id }) => id === wanted);
  if (!found) return { step: 3, verdict: say('privilege_missing', `It does not grant the privilege ${wanted}.`) };
  const end = start + found.value;
  if (found.value === 0 || now < end) return { step: 5, verdict: null };
  return { step: 4, verdict: say('privilege_expired', `Its privilege ${wanted} ended ${now - end} s ago.`) };
}

/** @param {string} name @param {boolean} anyName */
function isChannel(name, anyName) {
  const length = bytes(name).length;
  return length >= 1 && length <= 64 && name !== ANY && (anyName || CHANNEL.test(name));
}

/** @param {string} reason @param {string} words @returns {Problem} */
const say = (reason, words) => ({ reason, words });

/** @param {string} text */
const bytes = (text) => new TextEncoder().encode(text);

/** @param {number} value */
const number = (value) => new Uint8Array(Uint32Array.of(value).buffer);

/** @param {Uint8Array} one @param {Uint8Array} other */
const same = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

const RTC = 1;
const JOIN = 1;
const ANY = '*';
const USERS = new Set(['uid', 'account', 'user_id', 'user_uuid']);
const CHANNEL = /^[A-Za-z0-9 !#$%&()+\-:;<=.>?@[\]^_{}|~,]+$/;
const FOREIGN = 'This certificate did not make the signature: it belongs to another app, it has been replaced, or the token was changed.';
const STAR_OFF = 'It is for every channel (*), which a server takes only where the setting “wildcards” is “star”.';
const STAR_FOR_ALL = 'It is for every channel (*) and every user at once, which no server takes.';
