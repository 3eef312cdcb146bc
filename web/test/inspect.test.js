// @ts-check
/** The inspector's reading and judging of tokens, held to the shared vectors and to Node's own zlib and hashes. */
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { constants, crc32 as crcOfNode, deflateSync } from 'node:zlib';

import { crc32, hmacSha256, sha256 } from '../inspect/hash.js';
import { InflateError, inflate } from '../inspect/inflate.js';
import { checkAccess, checkSignature, judge } from '../inspect/judge.js';
import { SERVICES } from '../inspect/services.js';
import { INFLATED_MAX, decode } from '../inspect/token.js';
import { timelineOf } from '../inspect/times.js';

/** @type {{ good: any[], bad: any[] }} */
const VECTORS = JSON.parse(readFileSync(new URL('../../spec/tokens.json', import.meta.url), 'utf8'));

test('every good token is read as it was meant', () => {
  for (const { id, token: text, decoded } of VECTORS.good) {
    const token = whole(text, id);
    const { signature } = token;
    assert.equal(Buffer.from(signature).toString('hex'), decoded.signature_hex, id);
    if (token.version === '006') {
      const { version, appId: app_id, salt, ts, crcChannel: crc_channel, crcUid: crc_uid, privileges } = token;
      const { signature_hex: _signature, privilege_order: order, ...fields } = decoded;
      assert.deepEqual({ version, app_id, salt, ts, privileges: plain(privileges), crc_channel, crc_uid }, fields, id);
      assert.deepEqual(privileges.map((one) => one.id), order, id);
      continue;
    }
    assert.equal(token.serviceProblem, null, id);
    const { version, appId: app_id, issueTs: issue_ts, expire, salt, serviceCount: service_count } = token;
    const services = token.services.map(written);
    const { signature_hex: _signature, unknown_service_at_stop: stop, ...fields } = decoded;
    assert.deepEqual({ version, app_id, issue_ts, expire, salt, service_count, services }, fields, id);
    assert.equal(token.unknownService, stop, id);
  }
});

test('every good token is proven by its certificate, and by no other', () => {
  for (const { id, token: text, inputs } of VECTORS.good) {
    if (!inputs.app_cert) continue;
    const token = whole(text, id);
    const wish = wishOf(inputs);
    if (token.version === '006' && checkSignature(token, inputs.app_cert, wish)?.reason.endsWith('_mismatch')) continue;
    assert.equal(checkSignature(token, inputs.app_cert, wish), null, id);
    assert.equal(checkSignature(token, '0'.repeat(32), wish)?.reason, 'bad_signature', id);
  }
});

test('every bad token gets its verdict for the reason that the vector names', () => {
  for (const { id, name, token, context, expected, class: kind } of VECTORS.bad) {
    if (expected.verdict === 'either') continue;
    const seen = verdict(token, context, kind === 'format_006');
    if (expected.verdict === 'accept') {
      assert.equal(seen, undefined, `${id} ${name}`);
      continue;
    }
    const admissible = [expected.reason, ...(expected.also_acceptable_reasons ?? [])];
    assert.ok(seen && admissible.includes(seen), `${id} ${name}: ${seen} is not one of ${admissible}`);
  }
});

test('a 006 token is not taken where it was not asked for', () => {
  const vector = VECTORS.bad.find(({ class: kind, expected }) => kind === 'format_006' && expected.verdict === 'accept');
  assert.equal(verdict(vector.token, vector.context, false), 'version_unsupported');
});

test('a token that inflates without end is left at the limit', () => {
  for (const { token, id } of VECTORS.bad.filter(({ class: kind }) => kind === 'resource_limit')) {
    assert.equal(decode(token).problem?.reason, 'too_long', id);
    assert.equal(decode(token, { textMax: Infinity }).problem?.reason, 'inflate_limit', id);
  }
});

test('streams of every kind are inflated, and no damaged one', () => {
  const text = Buffer.from('a token, a token, another token. '.repeat(60));
  for (const bytes of [Buffer.alloc(0), Buffer.of(7), text, Buffer.alloc(60_000), randomBytes(20_000)]) {
    for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE]) {
      for (const level of [0, 1, 6, 9]) {
        assert.deepEqual(Buffer.from(inflate(deflateSync(bytes, { level, strategy }), INFLATED_MAX)), bytes);
      }
    }
  }
  const stream = deflateSync(text);
  for (let at = 0; at < stream.length; at += 1) {
    assert.throws(() => inflate(stream.subarray(0, at), INFLATED_MAX), InflateError, `cut at ${at}`);
    const flipped = Uint8Array.from(stream);
    flipped[at] = (flipped[at] ?? 0) ^ 4;
    // Only the checksum of the header's second byte may be flipped into another right one.
    assert.throws(() => inflate(flipped, INFLATED_MAX), InflateError, `flipped at ${at}`);
  }
  assert.throws(() => inflate(Buffer.concat([stream, stream]), INFLATED_MAX), { reason: 'trailing_bytes' });
  assert.equal(inflate(deflateSync(Buffer.alloc(INFLATED_MAX)), INFLATED_MAX).length, INFLATED_MAX);
  assert.throws(() => inflate(deflateSync(Buffer.alloc(INFLATED_MAX + 1)), INFLATED_MAX), { reason: 'inflate_limit' });
});

test('hashes are those of Node, at every length around a block', () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = randomBytes(length);
    assert.deepEqual(Buffer.from(sha256(bytes)), createHash('sha256').update(bytes).digest());
    assert.equal(crc32(bytes), crcOfNode(bytes));
    const key = randomBytes(length);
    assert.deepEqual(Buffer.from(hmacSha256(key, bytes)), createHmac('sha256', key).update(bytes).digest());
  }
});

test('a wish is refused for what it does not fit', () => {
  const token = whole(VECTORS.bad.find(({ name }) => name === 'control_good').token, 'control_good');
  const wish = { channel: 'room-42', uid: '123456', now: 1_760_000_060 };
  const reason = (/** @type {object} */ change) => checkAccess(token, { ...wish, ...change })?.reason;
  assert.equal(reason({}), undefined);
  assert.equal(reason({ uid: '' }), undefined);
  assert.equal(reason({ channel: 'room-4' }), 'channel_mismatch');
  assert.equal(reason({ channel: '*' }), 'invalid_channel');
  assert.equal(reason({ uid: '12345' }), 'uid_mismatch');
  assert.equal(reason({ now: 2_000_000_000 }), 'expired');
  assert.equal(reason({ now: 1_759_999_940 }), undefined, 'within the skew');
  assert.equal(reason({ now: 1_759_999_939 }), 'not_yet_valid');
  const star = whole(VECTORS.bad.find(({ name }) => name === 'wildcard_channel_any_channel').token, 'star');
  assert.equal(checkAccess(star, { ...wish, star: true }), null);
  assert.equal(checkAccess(star, wish)?.reason, 'wildcard_not_allowed');
});

test('the timeline holds every end, cut at the token’s and at a day', () => {
  const token = whole(VECTORS.bad.find(({ name }) => name === 'control_good').token, 'control_good');
  const { start, end, spans } = timelineOf(token, 1_760_000_060);
  assert.ok(start <= 1_760_000_000 && end >= 1_760_003_600);
  assert.ok(spans.length >= 2);
  const long = whole(VECTORS.bad.find(({ name }) => name === 'lifetime_over_24h_used_after_24h').token, 'long');
  for (const span of timelineOf(long, 1_760_000_060).spans) {
    assert.ok(span.end <= 1_760_000_000 + 86_400, span.name);
    assert.equal(span.cut, 'day', span.name);
  }
});

/** @param {string} text @param {string} id */
function whole(text, id) {
  const { token, problem } = decode(text);
  assert.ok(token, `${id}: ${problem?.reason}`);
  return token;
}

/** The reason of the refusal. @param {string} text @param {any} context @param {boolean} allow006 */
function verdict(text, context, allow006) {
  const { token, problem } = decode(text);
  if (!token) return problem.reason;
  const service = Number(Object.entries(SERVICES).find(([, { key }]) => key === context.service)?.[0]);
  const privilege = ['', 'join', 'audio', 'video', 'data'].indexOf(context.privilege === 'login' ? 'join' : context.privilege);
  const { app_id: appId, app_cert, channel, uid, now } = context;
  const wish = { channel, uid, now, service, privilege, star: true, anyName: true };
  return judge(token, { appId, certificates: [app_cert], allow006, ...wish })?.reason;
}

/** @param {{ id: number, value: number }[]} privileges */
const plain = (privileges) => Object.fromEntries(privileges.map(({ id, value }) => [id, value]));

/** A service as the vectors write it. @param {import('../inspect/token.js').Service} service */
function written({ type, privileges, fields, role, permissions }) {
  /** @type {Record<string, Record<string, string[]>>} */
  const lists = {};
  for (const { resource, action, names } of permissions ?? []) (lists[resource] ??= {})[action] = names;
  const name = SERVICES[type]?.key;
  const more = { ...(role === undefined ? {} : { role }), ...(permissions ? { permissions: lists } : {}) };
  return { type, name, privileges: plain(privileges), ...fields, ...more };
}

/** @param {any} inputs */
function wishOf({ channel = '', account, uid, user_id: user }) {
  return { channel: channel || user || '', uid: account ?? (uid ? String(uid) : '') };
}
