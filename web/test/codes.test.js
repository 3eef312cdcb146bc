// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as constants from '../sdk/constants.js';
import { errorDescription } from '../sdk/errors.js';

/** @type {Record<string, Record<string, string>>} */
const CODES = JSON.parse(readFileSync(new URL('../../spec/codes.json', import.meta.url), 'utf8'));

/** Our name of each list there. */
const LISTS = {
  ConnectionState: constants.ConnectionState,
  ErrorCode: constants.ErrorCode,
  Fallback: constants.StreamFallbackOption,
  Reason: constants.ConnectionChangedReason,
  RemoteReason: constants.RemoteMediaReason,
  RemoteState: constants.RemoteMediaState,
  RenewCode: constants.RenewTokenCode,
  OfflineReason: constants.UserOfflineReason,
  RoleChangeFailure: constants.ClientRoleChangeFailedReason,
  StreamType: constants.VideoStreamType,
};

test('the numbers are those of the protocol', () => {
  for (const [list, values] of Object.entries(CODES)) {
    const ours = /** @type {Record<string, Record<string, number>>} */ (LISTS)[list];
    assert.ok(ours, `no list for ${list}`);
    const known = new Set(Object.values(ours).map(String));
    for (const number of Object.keys(values)) assert.ok(known.has(number), `${list} ${number}`);
  }
});

test('every code has a sentence of its own, whatever its sign', () => {
  const sentences = Object.values(constants.ErrorCode).map(errorDescription);
  assert.equal(new Set(sentences).size, sentences.length);
  for (const code of Object.values(constants.ErrorCode)) {
    assert.ok(errorDescription(code).length > 5);
    assert.equal(errorDescription(code), errorDescription(-code));
    assert.ok(!errorDescription(code).includes('unknown to this version'), String(code));
  }
  assert.match(errorDescription(-4711), /4711/);
});
