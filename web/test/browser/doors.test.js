// @ts-check
/** Bad input at every door: a clear answer or none at all, and a call beside it that notices nothing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { House } from './support/house.js';
import { settle } from './support/people.js';
import { APP_ID, publisherToken } from './support/token.js';
import { SOON_MS, eventually } from './support/wait.js';

const house = new House();

/** A text, or a binary frame of so many bytes. @typedef {string | { bytes: number }} Frame */

/** How much the server's memory may grow under bad input, in KiB. */
const GROWTH_KIB = 16 * 1024;
const DATAGRAMS = 20_000;
const HALF_OPEN = 200;

house.story('garbage on the media port is answered by nothing and harms no call', async (cast) => {
  const { server } = cast;
  const call = await aCall(cast, 'garbage');
  const socket = createSocket('udp4');
  let answers = 0;
  socket.on('message', () => (answers += 1));
  try {
    const before = await server.residentKib();
    const dropped = await server.metric('symbolon_dropped_total');
    for (let sent = 0; sent < DATAGRAMS; sent++) {
      await new Promise((resolve) => socket.send(garbage(sent), server.port, '127.0.0.1', resolve));
    }
    await call.goesOn();
    await eventually(async () => assert.ok((await server.metric('symbolon_dropped_total')) > dropped));
    assert.equal(answers, 0);
    assert.ok((await server.residentKib()) - before < GROWTH_KIB);
  } finally {
    socket.close();
  }
});

house.story('nonsense on the signalling socket is told so, and harms no call', async (cast) => {
  const { server, page } = cast;
  const call = await aCall(cast, 'nonsense');
  const outside = await page();
  await settle(outside, server.origin, 'knock.js');
  const knock = (/** @type {Frame[]} */ frames, messages = Infinity) =>
    outside.evaluate(async ([sent, until]) => {
      const helper = await import(/** @type {string} */ ('/people/knock.js'));
      return /** @type {Promise<import('./page/knock.js').Answer>} */ (helper.knock(sent, until));
    }, /** @type {const} */ ([frames, { messages, within: SOON_MS }]));

  const before = await server.residentKib();
  for (const { what, frames, says, closes } of NONSENSE) {
    const { heard, closed } = await knock(frames, closes ? Infinity : frames.length);
    const words = [...heard.map((one) => one.message), closed?.reason];
    assert.ok(words.some((one) => says.test(one ?? '')), `${what}: ${words.join(' / ')}`);
    assert.ok(heard.every(({ type }) => ['error', 'ended'].includes(type)), JSON.stringify(heard));
    if (closes) assert.equal(closed?.code, closes, what);
  }

  // In a channel nonsense is answered and the session goes on.
  const join = { type: 'join', appId: APP_ID, channel: 'nonsense', uid: 8, role: 'audience' };
  const entered = JSON.stringify({ ...join, token: publisherToken('nonsense', 8) });
  const { heard } = await knock([entered, entered, '{"type":"setMuted","mid":"9","muted":true}', '{"type":"ping"}'], 5);
  assert.deepEqual(heard.map((one) => one.type), ['joined', 'needSlots', 'error', 'error', 'pong']);
  assert.deepEqual(heard.slice(2, 4).map((one) => one.slug), ['already_joined', 'unknown_mid']);

  await call.goesOn();
  assert.ok((await server.residentKib()) - before < GROWTH_KIB);
});

house.story('connections that stop half way harm nobody', async (cast) => {
  const { server } = cast;
  const call = await aCall(cast, 'half');
  const before = await server.residentKib();
  const sockets = await Promise.all(Array.from({ length: HALF_OPEN }, async (_, index) => {
    const socket = connect(server.port, '127.0.0.1');
    // The server may end it whenever it likes.
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(HALVES[index % HALVES.length] ?? '');
    return socket;
  }));
  try {
    await call.goesOn();
    assert.equal((await fetch(`${server.origin}/readyz`)).status, 200);
    assert.ok((await server.residentKib()) - before < GROWTH_KIB);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await call.goesOn();
});

/**
 * What is sent, what is said about it, and with which code the connection is closed; without one it stays open.
 *
 * @type {{ what: string, frames: Frame[], says: RegExp, closes?: number }[]}
 */
const NONSENSE = [
  { what: 'no JSON', frames: ['tea?'], says: /no JSON/ },
  { what: 'JSON that is no object', frames: ['[]'], says: /does not fit/ },
  { what: 'an unknown message', frames: ['{"type":"dance"}'], says: /unknown.*expected one of `join`/ },
  { what: 'a join without its fields', frames: ['{"type":"join"}'], says: /missing field/ },
  {
    what: 'a join with a uid of 34 bits',
    frames: ['{"type":"join","appId":"x","channel":"c","uid":8589934592,"role":"audience"}'],
    says: /u32/,
  },
  { what: 'a binary frame', frames: [{ bytes: 64 }], says: /text, not binary/ },
  { what: 'brackets without end', frames: ['['.repeat(200 * 1024)], says: /nests deeper/ },
  { what: 'nonsense without end', frames: ['?', '?', '?', '?'], says: /too many invalid messages/, closes: 4400 },
  { what: 'nothing', frames: [], says: /no join in time/, closes: 4401 },
  {
    what: 'a message before the join',
    frames: ['{"type":"renewToken","id":1,"token":"007"}'],
    says: /first message of a connection must be a join/,
    closes: 4401,
  },
  { what: 'a giant text', frames: [`{"type":"${'a'.repeat(300 * 1024)}"}`], says: /256 KiB/, closes: 1009 },
  { what: 'a giant binary frame', frames: [{ bytes: 4 * 1024 * 1024 }], says: /256 KiB/, closes: 1009 },
  {
    what: 'an offer that is none',
    frames: [JSON.stringify({
      type: 'join',
      appId: APP_ID,
      channel: 'nonsense',
      token: publisherToken('nonsense', 9),
      uid: 9,
      role: 'broadcaster',
      media: { sdp: 'v=0\r\nm=audio\r\n', publish: [], slots: [] },
    })],
    says: /offer/,
    closes: 4403,
  },
];

const HALVES = [
  '',
  'GET',
  'GET /v1/signal HTTP/1.1\r\nHost: 127.0.0.1\r\n',
  'GET /v1/signal HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'POST /getToken HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{',
  '\x16\x03\x01\x02\x00\x01\x00',
  '\x00'.repeat(64),
];

/**
 * Something that begins like STUN, DTLS, RTP or RTCP, or like nothing.
 *
 * @param {number} index
 */
function garbage(index) {
  const bytes = randomBytes(index % 1500);
  const begin = BEGINNINGS[index % BEGINNINGS.length] ?? '';
  bytes.write(begin, 0, 'latin1');
  return bytes;
}

const BEGINNINGS = [
  '',
  // A STUN binding request with a user name that is nobody's.
  '\x00\x01\x00\x10\x21\x12\xa4\x42abcdefghijkl\x00\x06\x00\x09abcd:efgh\x00\x00\x00',
  // A DTLS 1.2 handshake record.
  '\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40\x01',
  // RTP, and an RTCP receiver report.
  '\x80\x60\x00\x01',
  '\x81\xc9\x00\x07',
];

/**
 * Two people in a call.
 *
 * @param {import('./support/house.js').Cast} cast
 * @param {string} channel
 */
async function aCall({ open, server }, channel) {
  const [ann, bob] = [await open('ann'), await open('bob')];
  await Promise.all([ann.join(channel, 1), bob.join(channel, 2)]);
  await Promise.all([ann.sees(2), bob.sees(1)]);
  const marks = await Promise.all([ann.mark(), bob.mark()]);
  const { pid } = server;
  const goesOn = async () => {
    await Promise.all([ann.seesMovement(2), bob.seesMovement(1), ann.hears(1), bob.hears(1)]);
    const trouble = ['onConnectionStateChanged', 'onError', 'onUserOffline'];
    assert.deepEqual(await ann.told({ from: marks[0], only: trouble }), []);
    assert.deepEqual(await bob.told({ from: marks[1], only: trouble }), []);
    assert.ok(server.alive && server.pid === pid);
  };
  return { goesOn };
}
