// @ts-check
/**
 * The short answers above everything: proven or not, good now or not, and whether it opens what was asked for.
 *
 * @import { Token } from './token.js'
 * @import { Wish, Verdict } from './judge.js'
 */
import { byId, setWords } from '../dom.js';
import { checkAccess, checkSignature, checkTime, spanOf } from './judge.js';
import { distance } from './times.js';

/**
 * @param {Token} token
 * @param {string} certificate
 * @param {Wish} wish
 * @returns {boolean} whether it is proven
 */
export function renderProof(token, certificate, wish) {
  if (certificate === '') {
    say('proof', 'doubt', 'Nothing is proven. Anyone can write such fields; only the App Certificate tells whether they are true.');
    return false;
  }
  if (token.version === '006' && wish.channel === '') {
    say('proof', 'doubt', 'Nothing is proven yet: a 006 token does not hold its channel and uid. Give both to check it.');
    return false;
  }
  const verdict = checkSignature(token, certificate, wish);
  if (verdict) say('proof', 'bad', `Not verified. ${verdict.words} (${verdict.reason})`);
  else say('proof', 'good', 'Verified: this certificate made the signature over these fields.');
  return verdict === null;
}

/** @param {Token} token @param {number} now */
export function renderNow(token, now) {
  const verdict = checkTime(token, now);
  if (verdict) return say('now', 'bad', `Not good now. ${withoutSeconds(verdict, token, now)} (${verdict.reason})`);
  return say('now', 'good', `Its time has not run out: it ends ${distance(spanOf(token).end, now)}.`);
}

/** @param {Token} token @param {Wish} wish @param {boolean} isProven */
export function renderOpens(token, wish, isProven) {
  if (wish.channel === '') return setWords(byId('opens'), '');
  const who = wish.uid === '' ? 'for whomever it names' : `for the user “${wish.uid}”`;
  const damage = token.version === '007' ? token.serviceProblem : null;
  const verdict = damage ?? checkAccess(token, wish);
  if (verdict) return say('opens', 'bad', `It does not open “${wish.channel}” ${who}. ${verdict.words} (${verdict.reason})`);
  const proviso = isProven ? '' : ' That is, if it is genuine.';
  return say('opens', isProven ? 'good' : 'doubt', `It opens “${wish.channel}” ${who}.${proviso}`);
}

/** What is broken behind the header, where the rest can still be shown. @param {Token} token */
export function renderDamage(token) {
  if (token.version === '006') {
    return setWords(byId('damage'), 'This is the older format 006, whose weaknesses no server can mend. It is refused unless it was switched on.');
  }
  const { serviceProblem, unknownService } = token;
  const unknown = unknownService === null ? '' : `Reading stopped at a service of the unknown type ${unknownService}; nothing after it counts.`;
  return setWords(byId('damage'), serviceProblem ? `${serviceProblem.words} (${serviceProblem.reason})` : unknown);
}

/** @param {Verdict & {}} verdict @param {Token} token @param {number} now */
function withoutSeconds(verdict, token, now) {
  // The seconds since the end would be read aloud again every second.
  return verdict.reason === 'expired' ? `It ended ${distance(spanOf(token).end, now)}.` : verdict.words;
}

/** @param {string} id @param {'good' | 'bad' | 'doubt'} kind @param {string} words */
function say(id, kind, words) {
  byId(id).dataset['kind'] = kind;
  setWords(byId(id), words);
}
