// @ts-check
/**
 * What a token's text says, read as strictly as the server reads it. Nothing here proves anything: see `judge.js`.
 * Everything that came before a fault is kept, so that a damaged token can be looked at too.
 */
import { InflateError, inflate } from './inflate.js';
import { SERVICES } from './services.js';
import { ReadError, Reader } from './reader.js';

/** @typedef {{ reason: string, words: string }} Problem `reason` is the stable name, `words` are for people */

/**
 * @typedef {object} Privilege
 * @property {number} id
 * @property {number} value 007: seconds from the issue; 006: Unix time; 0: no end of its own
 */

/**
 * @typedef {object} Service
 * @property {number} type
 * @property {Privilege[]} privileges
 * @property {Record<string, string>} fields
 * @property {number} [role] of APaaS
 * @property {Permission[]} [permissions] of RTM2
 */

/** @typedef {{ resource: number, action: number, names: string[] }} Permission */

/**
 * @typedef {object} Token007
 * @property {'007'} version
 * @property {Uint8Array} signature
 * @property {Uint8Array} body what is signed
 * @property {string} appId
 * @property {number} issueTs
 * @property {number} expire
 * @property {number} salt
 * @property {number} serviceCount
 * @property {Service[]} services
 * @property {number | null} unknownService the type at which reading stopped
 * @property {Problem | null} serviceProblem found behind the signed header, so it counts after the signature
 */

/**
 * @typedef {object} Token006
 * @property {'006'} version
 * @property {Uint8Array} signature
 * @property {Uint8Array} message
 * @property {string} appId
 * @property {number} crcChannel
 * @property {number} crcUid
 * @property {number} salt
 * @property {number} ts when it ends
 * @property {Privilege[]} privileges
 */

/** @typedef {Token007 | Token006} Token */

/** The longest text that servers read, in characters. */
export const TEXT_MAX = 4096;
/** The most bytes that a token may inflate to. */
export const INFLATED_MAX = 65_536;

/**
 * @param {string} text without white space around it
 * @param {{ textMax?: number }} [limits]
 * @returns {{ token: Token, problem: null } | { token: null, problem: Problem }}
 */
export function decode(text, { textMax = TEXT_MAX } = {}) {
  try {
    return { token: read(text, textMax), problem: null };
  } catch (error) {
    return { token: null, problem: problemOf(error) };
  }
}

/** @param {string} reason @returns {Problem} */
export function problem(reason) {
  return { reason, words: WORDS[reason] ?? reason };
}

/** @param {string} text @param {number} textMax @returns {Token} */
function read(text, textMax) {
  if (text.length > textMax) throw new ReadError('too_long');
  const version = text.slice(0, 3);
  if (text.length < 3) throw new ReadError('too_short');
  if (version === '007') return read007(text.slice(3));
  if (version === '006') return read006(text.slice(3));
  throw new ReadError('version_unsupported');
}

/** @param {string} text @returns {Token007} */
function read007(text) {
  const reader = new Reader(inflate(base64(text), INFLATED_MAX));
  const signature = reader.signature();
  const body = reader.rest;
  const appId = appIdOf(reader.str());
  const header = { issueTs: reader.u32(), expire: reader.u32(), salt: reader.u32(), serviceCount: reader.u16() };
  return { version: '007', signature, body, appId, ...header, ...readServices(reader, header.serviceCount) };
}

/** @param {Reader} reader @param {number} count */
function readServices(reader, count) {
  /** @type {Service[]} */
  const services = [];
  /** @type {number | null} */
  let unknownService = null;
  /** @type {Problem | null} */
  let serviceProblem = null;
  try {
    while (services.length < count && unknownService === null) {
      const type = reader.u16();
      if (SERVICES[type]) services.push(readService(reader, type));
      else unknownService = type;
    }
    // A service does not say how long it is, so what follows an unknown one cannot be told from it.
    if (unknownService === null) reader.end();
  } catch (error) {
    serviceProblem = problemOf(error);
  }
  return { services, unknownService, serviceProblem };
}

/** @param {Reader} reader @param {number} type @returns {Service} */
function readService(reader, type) {
  /** @type {Service} */
  const service = { type, privileges: reader.map(), fields: {} };
  for (const [key] of SERVICES[type]?.fields ?? []) service.fields[key] = reader.str();
  if (type === APAAS) service.role = reader.i16();
  if (type === RTM2) service.permissions = readPermissions(reader);
  return service;
}

/** @param {Reader} reader */
function readPermissions(reader) {
  /** @type {Permission[]} */
  const permissions = [];
  for (let resources = reader.u16(); resources > 0; resources -= 1) {
    const resource = reader.u16();
    for (let actions = reader.u16(); actions > 0; actions -= 1) {
      const action = reader.u16();
      /** @type {string[]} */
      const names = [];
      for (let left = reader.u16(); left > 0; left -= 1) names.push(reader.str());
      permissions.push({ resource, action, names });
    }
  }
  return permissions;
}

/** @param {string} text @returns {Token006} */
function read006(text) {
  if (text.length < APP_ID_LENGTH) throw new ReadError('too_short');
  const appId = appIdOf(text.slice(0, APP_ID_LENGTH));
  const reader = new Reader(base64(text.slice(APP_ID_LENGTH)));
  const signature = reader.signature();
  const [crcChannel, crcUid] = [reader.u32(), reader.u32()];
  const message = reader.bytes(reader.u16());
  reader.end();
  const inner = new Reader(message);
  const [salt, ts, privileges] = [inner.u32(), inner.u32(), inner.map()];
  inner.end();
  return { version: '006', signature, message, appId, crcChannel, crcUid, salt, ts, privileges };
}

/** @param {string} text */
function appIdOf(text) {
  if (!/^[0-9a-fA-F]{32}$/.test(text)) throw new ReadError('app_id_invalid');
  return text;
}

/** Strict base64: what is read has to give the same text again. @param {string} text */
function base64(text) {
  let latin = '';
  try {
    latin = atob(text);
  } catch {
    throw new ReadError('base64_invalid');
  }
  if (btoa(latin) !== text) throw new ReadError('base64_invalid');
  return Uint8Array.from(latin, (sign) => sign.charCodeAt(0));
}

/** @param {unknown} error */
function problemOf(error) {
  if (error instanceof ReadError || error instanceof InflateError) return problem(error.reason);
  throw error;
}

const APP_ID_LENGTH = 32;
const APAAS = 7;
const RTM2 = 8;

/** @type {Readonly<Record<string, string>>} */
const WORDS = Object.freeze({
  too_long: `The text is longer than the ${TEXT_MAX} characters that a server reads. Is it a token?`,
  too_short: 'The text is too short to be a token. Was it copied whole?',
  version_unsupported: 'The text begins with neither 007 nor 006, the versions that are read here.',
  base64_invalid: 'The text is not clean base64. Was it copied whole, without line breaks or URL encoding inside?',
  inflate_limit: `The token inflates to more than ${INFLATED_MAX} bytes. A server stops reading there.`,
  zlib_invalid: 'The compressed part is damaged or cut off. Was the token copied whole?',
  trailing_bytes: 'There are bytes behind the end of the token. Was something appended to it?',
  truncated: 'The token ends inside a field.',
  bad_signature: 'The place of the signature does not hold the 32 bytes of one.',
  app_id_invalid: 'The App ID in the token is not 32 hexadecimal characters.',
  not_utf8: 'A name in the token is not UTF-8.',
  duplicate_privilege: 'One privilege stands twice in one service.',
});
