// @ts-check
/**
 * Every field of a token, and every privilege with its end.
 *
 * @import { Privilege, Service, Token } from './token.js'
 */
import { byId, make } from '../dom.js';
import { ACTIONS, PRIVILEGES_006, RESOURCES, SERVICES } from './services.js';
import { lengthOf, moment, ownEnd } from './times.js';
import { LIFE_MAX, spanOf } from './judge.js';

/** @param {Token} token */
export function renderFields(token) {
  const { start, end } = spanOf(token);
  /** @type {[string, string | Node][]} */
  const rows = [['Version', token.version === '007' ? '007 (AccessToken2)' : '006 (AccessToken)'], ['App ID', code(token.appId)]];
  if (start !== null) rows.push(['Issued', moment(start)]);
  if (token.version === '007') rows.push(['Life', lifeOf(token.expire)]);
  rows.push(['Ends', moment(end)]);
  rows.push(['Salt', String(token.salt)]);
  if (token.version === '007') rows.push(['Services', String(token.serviceCount)]);
  else rows.push(['Channel', `only its checksum: ${hex32(token.crcChannel)}`], ['uid', crcUid(token.crcUid)]);
  rows.push(['Signature', code(Array.from(token.signature, (byte) => byte.toString(16).padStart(2, '0')).join(''))]);
  byId('fields').replaceChildren(...rows.flatMap(([name, value]) => [make('dt', {}, [name]), make('dd', {}, [value])]));
}

/** @param {Token} token */
export function renderServices(token) {
  const cards = token.version === '006' ? [card006(token)] : token.services.map((service) => card(token, service));
  byId('services').replaceChildren(...(cards.length > 0 ? cards : [make('p', { class: 'note' }, ['It holds no service.'])]));
}

/** @param {Token} token @param {Service} service */
function card(token, service) {
  const kind = SERVICES[service.type];
  const facts = (kind?.fields ?? []).map(([key, label]) => fact(label, textOf(key, service.fields[key] ?? '')));
  if (service.role !== undefined) facts.push(fact('Role', service.role === -1 ? '-1 (none)' : String(service.role)));
  for (const { resource, action, names } of service.permissions ?? [])
    facts.push(fact(`May ${ACTIONS[action] ?? action} ${RESOURCES[resource] ?? resource}`, names.join(', ') || '(none)'));
  const title = make('h3', {}, [`${kind?.name} (service ${service.type})`]);
  const list = make('dl', { class: 'fields' }, facts.flat());
  return make('section', { class: 'service' }, [title, list, table(token, service.privileges, kind?.privileges ?? {})]);
}

/** @param {Extract<Token, { version: '006' }>} token */
function card006(token) {
  return make('section', { class: 'service' }, [make('h3', {}, ['Privileges']), table(token, token.privileges, PRIVILEGES_006)]);
}

/** @param {Token} token @param {Privilege[]} privileges @param {Record<number, string>} names */
function table(token, privileges, names) {
  if (privileges.length === 0) return make('p', { class: 'note' }, ['No privileges.']);
  const head = make('tr', {}, ['Privilege', 'Ends'].map((word) => make('th', { scope: 'col' }, [word])));
  const rows = privileges.map((privilege) => make('tr', {}, [
    make('th', { scope: 'row' }, [`${privilege.id} · ${names[privilege.id] ?? 'unknown'}`]),
    make('td', {}, endOf(token, privilege)),
  ]));
  return make('table', {}, [make('thead', {}, [head]), make('tbody', {}, rows)]);
}

/** @param {Token} token @param {Privilege} privilege */
function endOf(token, privilege) {
  const { end } = spanOf(token);
  const own = ownEnd(token, privilege);
  if (own === null) return ['with the token ', make('small', {}, ['0: no end of its own'])];
  const effective = Math.min(own, end);
  const note = own > end ? `it says ${moment(own)}, but the token ends before` : raw(token, privilege);
  return [moment(effective), make('small', {}, [note])];
}

/** @param {Token} token @param {Privilege} privilege */
const raw = (token, { value }) => (token.version === '007' ? `${value} s from the issue` : `at ${value}`);

/** @param {string} key @param {string} text */
function textOf(key, text) {
  if (text === '') return USERS.has(key) ? '(empty: any user)' : '(empty)';
  return code(text);
}

/** @param {number} crc */
const crcUid = (crc) => (crc === 0 ? 'any user (checksum 0)' : `only its checksum: ${hex32(crc)}`);

/** @param {number} seconds */
const lifeOf = (seconds) =>
  `${seconds} s (${lengthOf(seconds)})${seconds > LIFE_MAX ? `, more than the ${LIFE_MAX} s that a server takes` : ''}`;

/** @param {string} name @param {string | Node} value */
const fact = (name, value) => [make('dt', {}, [name]), make('dd', {}, [value])];

/** @param {string} text */
const code = (text) => make('code', {}, [text]);

/** @param {number} value */
const hex32 = (value) => value.toString(16).padStart(8, '0');

const USERS = new Set(['uid', 'account']);
