// @ts-check
/**
 * Tokens across the official libraries for Node and Python: what they build we accept, and what we build they read and
 * find rightly signed. Needs the program (SYMBOLON) and a Python with `requirements.txt` (PYTHON).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import agora006 from 'agora-access-token';
import agora from 'agora-token';

const { AccessToken2 } = createRequire(import.meta.url)('agora-token/src/AccessToken2.js');
const PROGRAM = process.env.SYMBOLON ?? fileURLToPath(new URL('../target/debug/symbolon', import.meta.url));
const PYTHON = process.env.PYTHON ?? 'python3';

const SEED = Number(process.env.SYMBOLON_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = 20;

/** @typedef {{ builder: string, inputs: Record<string, any> }} Case */

/** Node's builders, by the names that the vectors use. @type {Record<string, (i: any) => string>} */
const node = {
  rtc_uid: (i) => agora.RtcTokenBuilder.buildTokenWithUid(
    i.app_id, i.app_cert, i.channel, i.uid, i.role, i.token_expire, i.privilege_expire),
  rtc_account: (i) => agora.RtcTokenBuilder.buildTokenWithUserAccount(
    i.app_id, i.app_cert, i.channel, i.account, i.role, i.token_expire, i.privilege_expire),
  rtc_uid_priv: (i) => agora.RtcTokenBuilder.buildTokenWithUidAndPrivilege(
    i.app_id, i.app_cert, i.channel, i.uid, i.token_expire,
    i.join_expire, i.audio_expire, i.video_expire, i.data_expire),
  rtc_rtm: (i) => agora.RtcTokenBuilder.buildTokenWithRtm(
    i.app_id, i.app_cert, i.channel, i.account, i.role, i.token_expire, i.privilege_expire),
  rtm: (i) => agora.RtmTokenBuilder.buildToken(i.app_id, i.app_cert, i.user_id, i.token_expire),
  chat_user: (i) => agora.ChatTokenBuilder.buildUserToken(i.app_id, i.app_cert, i.user_id, i.token_expire),
  chat_app: (i) => agora.ChatTokenBuilder.buildAppToken(i.app_id, i.app_cert, i.token_expire),
  edu_user: (i) => agora.EducationTokenBuilder.buildUserToken(i.app_id, i.app_cert, i.user_uuid, i.token_expire),
  apaas_user: (i) => agora.ApaasTokenBuilder.buildUserToken(i.app_id, i.app_cert, i.user_uuid, i.token_expire),
  fpa: (i) => agora.FpaTokenBuilder.buildToken(i.app_id, i.app_cert),
  rtc006_uid: (i) => agora006.RtcTokenBuilder.buildTokenWithUid(
    i.app_id, i.app_cert, i.channel, i.uid, i.role, now() + i.token_expire),
  rtm006: (i) => agora006.RtmTokenBuilder.buildToken(i.app_id, i.app_cert, i.user_id, 1, now() + i.token_expire),
};

/** What the Python libraries can build. */
const python = new Set(Object.keys(node).filter((name) => name !== 'rtc_rtm'));

test('what the official Node library builds, we accept', () => {
  const cases = randomCases();
  accepted(cases, cases.map(({ builder, inputs }) => node[builder](inputs)));
});

test('what the official Python library builds, we accept', () => {
  const cases = randomCases().filter(({ builder }) => python.has(builder));
  const answers = askPython(cases.map((one) => ({ do: 'build', ...one })));
  for (const [index, answer] of answers.entries()) assert.equal(answer.error, undefined, cases[index].builder);
  accepted(cases, answers.map((answer) => answer.token));
});

test('what we build, the official Node library reads and finds rightly signed', () => {
  for (const [index, token] of ours().entries()) {
    const { inputs, builder } = ours.cases[index];
    const read = new AccessToken2();
    assert.equal(read.from_string(token), true, told(builder, inputs));
    assert.equal(read.verifySignature(inputs.app_cert), true, told(builder, inputs));
    assert.equal(read.verifySignature('f'.repeat(32)), false, told(builder, inputs));
    assert.equal(text(read.appId), inputs.app_id);
    assert.equal(read.expire, builder === 'fpa' ? DAY : inputs.token_expire);
    const [service] = Object.values(read.services);
    if (inputs.channel !== undefined) assert.equal(text(service.__channel_name), inputs.channel);
    if (inputs.uid !== undefined) assert.equal(text(service.__uid), inputs.uid === 0 ? '' : String(inputs.uid));
  }
});

test('what we build, the official Python library reads and would sign the same', () => {
  const tokens = ours();
  const answers = askPython(
    tokens.map((token, index) => ({ do: 'read', token, certificate: ours.cases[index].inputs.app_cert })));
  for (const [index, answer] of answers.entries()) {
    const { inputs, builder } = ours.cases[index];
    assert.equal(answer.error, undefined, told(builder, inputs));
    assert.equal(answer.signed_as_the_library_would, true, told(builder, inputs));
    assert.equal(answer.app_id, inputs.app_id);
    assert.equal(answer.expire, builder === 'fpa' ? DAY : inputs.token_expire);
  }
  const [other] = askPython([{ do: 'read', token: tokens[0], certificate: 'f'.repeat(32) }]);
  assert.equal(other.signed_as_the_library_would, false, 'another certificate signs otherwise');
});

/** Every case's token is accepted for what it is for, and refused under another certificate. */
function accepted(/** @type {Case[]} */ cases, /** @type {string[]} */ tokens) {
  const questions = cases.flatMap((one, id) => {
    const question = { id, token: tokens[id], now: now(), allow_006: true, ...asked(one) };
    return [question, { ...question, app_cert: 'f'.repeat(32) }];
  });
  const answers = run(['token', 'verify', '--json-lines'], questions);
  assert.equal(answers.length, 2 * cases.length);
  for (const [index, answer] of answers.entries()) {
    const { builder, inputs } = cases[answer.id];
    const right = index % 2 === 0;
    assert.equal(answer.verdict, right ? 'accept' : 'reject', `${told(builder, inputs)} ${JSON.stringify(answer)}`);
    if (!right) assert.equal(answer.reason, 'bad_signature', told(builder, inputs));
  }
}

/** What a token should open. */
function asked(/** @type {Case} */ { builder, inputs }) {
  const { app_id, app_cert } = inputs;
  const app = { app_id, app_cert };
  if (builder.startsWith('rtc')) {
    return { ...app, service: 'rtc', channel: inputs.channel, uid: inputs.uid ?? inputs.account, privilege: 'join' };
  }
  const service = builder.startsWith('rtm') ? 'rtm' : 'chat';
  return { ...app, service, channel: '', uid: inputs.user_id ?? '', privilege: service === 'rtm' ? 'login' : 'join' };
}

/** Our tokens for cases that both libraries read. */
function ours() {
  ours.cases = randomCases({ only: (name) => python.has(name) && !name.includes('006') && !name.startsWith('edu') });
  const questions = ours.cases.map((one, id) => (
    { id, kind: '007', ...one, issue_ts: now(), salt: 1 + random(99_999_999), ts: null }));
  return run(['token', 'build', '--json-lines'], questions).map((answer) => {
    assert.equal(answer.error, undefined, JSON.stringify(answer));
    return answer.token;
  });
}
ours.cases = /** @type {Case[]} */ ([]);

/** Cases of every builder, drawn from the seed. Those that `verify` has no question for are built and read only. */
function randomCases({ only = (/** @type {string} */ name) => VERIFIABLE.test(name) } = {}) {
  const cases = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const builder of Object.keys(node).filter(only)) cases.push({ builder, inputs: randomInputs(builder) });
  }
  return cases;
}

function randomInputs(/** @type {string} */ builder) {
  const inputs = /** @type {Record<string, any>} */ ({ app_id: hex(), app_cert: hex() });
  if (builder === 'fpa') return inputs;
  inputs.token_expire = 1 + random(DAY);
  if (builder.startsWith('rtc')) {
    inputs.channel = name(64);
    if (builder.includes('uid')) inputs.uid = random(4) === 0 ? 0 : random(2 ** 32);
    else inputs.account = name(255);
    if (builder.endsWith('_priv')) {
      for (const privilege of ['join', 'audio', 'video', 'data']) inputs[`${privilege}_expire`] = 1 + random(DAY);
    } else {
      inputs.role = 1 + random(2);
      if (!builder.includes('006')) inputs.privilege_expire = 1 + random(DAY);
    }
  } else if (/^(rtm|chat_user)/.test(builder)) inputs.user_id = name(64);
  else if (/_user$/.test(builder)) inputs.user_uuid = name(64);
  return inputs;
}

function askPython(/** @type {object[]} */ questions) {
  return lines(spawnSync(PYTHON, ['official.py'], {
    cwd: import.meta.dirname, input: toLines(questions), encoding: 'utf8', timeout: 60_000, maxBuffer: 2 ** 26,
  }));
}

function run(/** @type {string[]} */ args, /** @type {object[]} */ questions) {
  return lines(spawnSync(PROGRAM, args, {
    input: toLines(questions), encoding: 'utf8', timeout: 60_000, maxBuffer: 2 ** 26,
  }));
}

function lines(/** @type {import('node:child_process').SpawnSyncReturns<string>} */ { status, stdout, stderr, error }) {
  assert.equal(error, undefined, String(error));
  assert.equal(status, 0, stderr);
  return stdout.trim().split('\n').map((line) => JSON.parse(line));
}

/** Texts of the libraries may be buffers. */
const text = (/** @type {unknown} */ value) => String(value);
const toLines = (/** @type {object[]} */ objects) => objects.map((object) => `${JSON.stringify(object)}\n`).join('');
const told = (/** @type {string} */ builder, /** @type {object} */ inputs) =>
  `${builder} ${JSON.stringify(inputs)} (SYMBOLON_SEED=${SEED})`;
const now = () => Math.floor(Date.now() / 1000);

/** A small generator (mulberry32), so that a seed tells everything. */
let state = SEED;
function random(/** @type {number} */ below) {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
}
const hex = () => Array.from({ length: 32 }, () => random(16).toString(16)).join('');
const name = (/** @type {number} */ longest) =>
  Array.from({ length: 1 + random(longest) }, () => LETTERS[random(LETTERS.length)]).join('');

const DAY = 86_400;
const VERIFIABLE = /^(rtc|rtm)/;
/** The characters that channel names may have. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&()+-:;<=.>?@[]^_{}|~,';
