// @ts-check
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Driver, JOINED, REQUEST, TOKEN } from './support/driver.js';

const LOST = 'error 112 no answer from the server for 10 s; the engine goes on trying';
const STANDING = 'standingChanged {"role":"broadcaster","audio":true,"video":true,"data":true,"expiresInMs":600000}';

/** @param {number} reason @param {number} code */
const ended = (reason, code, more = {}) =>
  /** @type {const} */ ({ type: 'ended', code, reason, slug: 'x', message: 'why', ...more });

/** @type {import('../sdk/protocol.d.ts').Member} */
const ANN = { uid: 9, name: 'Ann', role: 'broadcaster', publications: [] };

describe('joining', () => {
  test('one round trip, and the events in their order', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: REQUEST });
    assert.deepEqual(driver.take(), [
      { type: 'event', event: { type: 'connectionStateChanged', state: 2, reason: 0 } },
      { type: 'open' },
    ]);
    const media = { sdp: 'offer', publish: [], slots: [] };
    driver.feed({ type: 'opened', media });
    assert.deepEqual(driver.sent(), [{ type: 'join', ...REQUEST, media }]);
    const answer = { sdp: 'answer', publish: [], slots: [] };
    driver.receive({ type: 'joined', ...JOINED, members: [ANN], media: answer });
    assert.deepEqual(driver.outputs[0], { type: 'answer', media: answer });
    assert.deepEqual(driver.events(), [
      'connectionStateChanged 3 1',
      'joinChannelSuccess',
      STANDING,
      'userJoined 9',
      'userInfoUpdated 9 Ann',
    ]);
  });

  test('the uid is the one that the server gives', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: { ...REQUEST, uid: 0, token: null } }).open();
    assert.ok(!('token' in /** @type {object} */ (driver.sent()[0])));
    driver.receive({ type: 'joined', ...JOINED, uid: 4_000_000_000 }).pass(500);
    assert.equal(driver.session.uid, 4_000_000_000);
    driver.feed({ type: 'closed' }).open();
    const rejoin = driver.sent().at(-1);
    assert.ok(rejoin?.type === 'join' && rejoin.uid === 4_000_000_000 && rejoin.resume === 'secret');
  });

  /** @type {[string, number, number, number][]} name, reason, code, state */
  const refusals = [
    ['unknown App ID', 6, 101, 5],
    ['channel name', 7, 102, 5],
    ['token', 8, 110, 1],
    ['expired token', 9, 109, 5],
    ['ban', 3, 123, 5],
    ['too many hosts', 20, 103, 5],
    ['policy', 10, 17, 5],
  ];
  for (const [name, reason, code, state] of refusals) {
    test(`refused for its ${name}: the error, then the state, then nothing`, () => {
      const driver = new Driver();
      driver.feed({ type: 'join', request: REQUEST }).open();
      driver.take();
      driver.receive(ended(reason, code));
      const banned = reason === 3 ? ['connectionBanned'] : [];
      assert.deepEqual(driver.events(), [`error ${code} why`, ...banned, `connectionStateChanged ${state} ${reason}`]);
      driver.pass(3_600_000);
      assert.deepEqual(driver.take(), []);
      assert.equal(driver.session.deadline(), null);
    });
  }

  test('a server that is not there: lost after 10 s, given up after 20 min', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: REQUEST });
    driver.take();
    const until = (/** @type {number} */ at) => {
      while (driver.now < at) driver.pass(Math.min(100, at - driver.now)).feed({ type: 'closed' });
    };
    until(9_900);
    assert.ok(driver.opens() >= 5);
    until(10_000);
    assert.deepEqual(driver.events(), [LOST, 'connectionLost']);
    until(20 * 60_000);
    assert.deepEqual(driver.events(), ['connectionStateChanged 5 4']);
    driver.pass(3_600_000);
    assert.equal(driver.opens(), 0);
  });

  test('an attempt that gets no answer is dropped and repeated', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: REQUEST }).open();
    driver.take();
    driver.pass(8_000);
    assert.deepEqual(driver.take().map(({ type }) => type), ['close']);
    driver.pass(500);
    assert.deepEqual(driver.take().map(({ type }) => type), ['open']);
  });
});

describe('leaving', () => {
  test('says goodbye, then state, then the leave; nothing comes after', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'leave' });
    assert.deepEqual(driver.take(), [
      { type: 'send', message: { type: 'leave' } },
      { type: 'close' },
      { type: 'event', event: { type: 'connectionStateChanged', state: 1, reason: 5 } },
      { type: 'event', event: { type: 'leaveChannel' } },
    ]);
    driver.receive({ type: 'memberJoined', member: ANN }).feed({ type: 'closed' }).pass(60_000);
    assert.deepEqual(driver.take(), []);
  });

  test('cancels a join', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: REQUEST }).feed({ type: 'leave' });
    assert.deepEqual(driver.events(), ['connectionStateChanged 2 0', 'connectionStateChanged 1 5', 'leaveChannel']);
    driver.open().receive({ type: 'joined', ...JOINED });
    assert.deepEqual(driver.take(), []);
  });

  test('ends a failed session', () => {
    const driver = new Driver().joined();
    driver.receive(ended(19, 0));
    assert.deepEqual(driver.events(), ['connectionStateChanged 5 19']);
    driver.feed({ type: 'leave' });
    assert.deepEqual(driver.events(), ['connectionStateChanged 1 5', 'leaveChannel']);
  });
});

describe('breaks', () => {
  test('a short one is silent', () => {
    const driver = new Driver().joined();
    driver.pass(400).feed({ type: 'closed' });
    assert.deepEqual(driver.take(), [{ type: 'open' }]);
    driver.pass(1_500).back();
    assert.deepEqual(driver.events(), [STANDING]);
    assert.equal(driver.session.state, 3);
  });

  test('4 s, 14 s, and back', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'closed' }).feed({ type: 'closed' });
    driver.pass(3_999);
    assert.deepEqual(driver.events(), []);
    driver.pass(1);
    assert.deepEqual(driver.events(), ['connectionStateChanged 4 2', 'connectionInterrupted']);
    driver.pass(9_999);
    assert.deepEqual(driver.events(), []);
    driver.pass(1);
    assert.deepEqual(driver.events(), [LOST, 'connectionStateChanged 4 16', 'connectionLost']);
    driver.feed({ type: 'closed' }).pass(2_000);
    assert.equal(driver.opens(), 1);
    driver.back();
    assert.deepEqual(driver.events(), ['connectionStateChanged 3 15', 'rejoinChannelSuccess', STANDING]);
  });

  test('a silent server is noticed, and left for a fresh connection', () => {
    const driver = new Driver().joined();
    driver.pass(4_000);
    const seen = driver.take().filter(({ type }) => type !== 'send').map(({ type }) => type);
    assert.deepEqual(seen, ['event', 'event', 'close', 'open']);
  });

  test('pings at the pace that the server asked for, and hears pongs as life', () => {
    const driver = new Driver().joined();
    driver.passHearing(10_000);
    assert.equal(driver.take().filter((output) => output.type === 'send' && output.message.type === 'ping').length, 10);
    assert.equal(driver.session.state, 3);
  });

  test('a server that drops clients at once is not asked without a pause', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: REQUEST }).open().receive({ type: 'joined', ...JOINED });
    driver.pass(499).feed({ type: 'closed' });
    driver.take();
    driver.pass(499);
    assert.equal(driver.opens(), 0);
    driver.pass(1);
    assert.equal(driver.opens(), 1);
  });

  test('a server that thinks the connection lost is believed', () => {
    const driver = new Driver().joined();
    driver.receive(ended(16, 0));
    assert.deepEqual(driver.take(), [{ type: 'close' }, { type: 'open' }]);
  });

  test('pauses grow from 0.5 s to 10 s', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'closed' });
    const pauses = [];
    for (let i = 0; i < 10; i++) {
      const at = driver.now;
      driver.feed({ type: 'closed' });
      driver.take();
      while (driver.opens() === 0) driver.pass(1);
      pauses.push(driver.now - at);
    }
    assert.deepEqual(pauses, [500, 750, 1125, 1688, 2531, 3797, 5695, 8543, 10000, 10000]);
  });

  test('given up 20 min after the last sign of life', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'closed' });
    while (driver.now < 20 * 60_000) driver.pass(1_000).feed({ type: 'closed' });
    assert.equal(driver.events().at(-1), 'connectionStateChanged 5 4');
    assert.equal(driver.session.deadline(), null);
  });

  test('another network is another way in, at once', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'networkChanged' });
    assert.deepEqual(driver.take().map(({ type }) => type), ['event', 'close', 'open']);
    driver.back();
    assert.deepEqual(driver.events(), ['connectionStateChanged 3 15', 'rejoinChannelSuccess', STANDING]);
  });

  test('media that failed is an interruption', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'mediaLost' });
    assert.deepEqual(driver.events(), ['connectionStateChanged 4 2', 'connectionInterrupted']);
  });

  test('a server that goes down in good order is left without a word, unless the gap exceeds 1 s', () => {
    const driver = new Driver().joined();
    driver.receive(ended(14, 0));
    assert.deepEqual(driver.take(), [{ type: 'close' }]);
    driver.pass(500).back();
    assert.deepEqual(driver.events(), [STANDING]);
    driver.receive(ended(14, 0, { retryAfterMs: 2_000 }));
    driver.take();
    driver.pass(999);
    assert.deepEqual(driver.take(), []);
    driver.pass(1);
    assert.deepEqual(driver.events(), ['connectionStateChanged 4 14']);
    driver.pass(1_000);
    assert.equal(driver.opens(), 1);
    driver.back();
    assert.deepEqual(driver.events(), ['connectionStateChanged 3 15', 'rejoinChannelSuccess', STANDING]);
  });

  test('who came, went and changed meanwhile is told after the return', () => {
    const bob = { ...ANN, uid: 10, name: undefined };
    const driver = new Driver().joined({ members: [ANN, bob] });
    driver.feed({ type: 'closed' }).pass(5_000);
    driver.take();
    const camera = /** @type {const} */ ({ id: 3, kind: 'video', source: 'camera', muted: false });
    driver.back({ members: [{ ...bob, publications: [camera] }, { ...ANN, uid: 11, name: undefined }] });
    assert.deepEqual(driver.events().slice(3), [
      'userOffline 9 0',
      'userPublished 10 video camera',
      'remoteMediaState 10 video 1 0',
      'userJoined 11',
    ]);
  });

  test('the rejoin keeps role, subscription and token', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'subscribe', subscribe: { audio: false, video: true, except: [] } });
    driver.feed({ type: 'setRole', role: 'audience' });
    driver.receive({ type: 'roleChanged', id: 1, role: 'audience' });
    driver.take();
    driver.feed({ type: 'closed' }).open();
    const join = driver.sent()[0];
    assert.ok(join?.type === 'join');
    assert.deepEqual([join.role, join.subscribe.audio, join.token, join.resume], ['audience', false, TOKEN, 'secret']);
  });
});

describe('tokens', () => {
  /** @type {import('../sdk/protocol.d.ts').ServerMessage} */
  const will = { type: 'tokenWillExpire', privileges: ['join', 'audio'], expiresInMs: 29_600 };

  test('a warning names the token in use and which privileges', () => {
    const driver = new Driver().joined();
    driver.receive(will);
    assert.deepEqual(driver.events(), [`tokenWillExpire ${TOKEN}`, 'tokenExpiring ["join","audio"] 30']);
  });

  test('a renewal that is accepted changes nothing visible, and its token is the one in use', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'renewToken', token: '007second' });
    assert.deepEqual(driver.sent(), [{ type: 'renewToken', id: 1, token: '007second' }]);
    driver.receive({ type: 'renewed', id: 1, code: 0, message: '', standing: JOINED.standing });
    assert.deepEqual(driver.events(), ['renewTokenResult 007second 0', STANDING]);
    driver.receive(will);
    assert.equal(driver.events()[0], 'tokenWillExpire 007second');
  });

  test('a renewal that is refused leaves the old token in use', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'renewToken', token: '007other' });
    driver.receive({ type: 'renewed', id: 1, code: 4, message: 'other channel' });
    assert.deepEqual(driver.events(), ['renewTokenResult 007other 4']);
    driver.receive(will);
    assert.equal(driver.events()[0], `tokenWillExpire ${TOKEN}`);
  });

  test('of two renewals in a burst the first is overtaken', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'renewToken', token: '007b' }).feed({ type: 'renewToken', token: '007c' });
    driver.receive({ type: 'renewed', id: 1, code: 0, message: '' });
    driver.receive({ type: 'renewed', id: 2, code: 3, message: '' });
    assert.deepEqual(driver.events(), ['renewTokenResult 007b 6', 'renewTokenResult 007c 3']);
    // The server took the first one before it saw the second.
    driver.receive(will);
    assert.equal(driver.events()[0], 'tokenWillExpire 007b');
  });

  test('a renewal without an answer fails after 10 s', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'renewToken', token: '007b' });
    driver.passHearing(9_999);
    assert.deepEqual(driver.events(), []);
    driver.passHearing(1);
    assert.deepEqual(driver.events(), ['renewTokenResult 007b 1']);
  });

  test('the end of the token, and the way back with a new one', () => {
    const driver = new Driver().joined({ members: [ANN] });
    driver.receive(ended(9, 109));
    assert.deepEqual(driver.events(), ['requestToken', 'error 109 why', 'connectionStateChanged 5 9']);
    assert.ok(driver.session.staying);
    driver.feed({ type: 'renewToken', token: '007new' });
    assert.deepEqual(driver.events(), ['connectionStateChanged 4 12']);
    driver.open();
    const join = driver.sent()[0];
    assert.ok(join?.type === 'join' && join.token === '007new');
    driver.receive({ type: 'joined', ...JOINED, members: [ANN] });
    assert.deepEqual(driver.events(), [
      'connectionStateChanged 3 15',
      'rejoinChannelSuccess',
      'renewTokenResult 007new 0',
      STANDING,
    ]);
  });

  test('a first join that was refused as expired can be taken up', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: REQUEST }).open();
    driver.receive(ended(9, 109)).take();
    driver.feed({ type: 'renewToken', token: '007new' });
    assert.deepEqual(driver.events(), ['connectionStateChanged 2 0']);
    driver.open().receive({ type: 'joined', ...JOINED });
    assert.deepEqual(driver.events().slice(0, 3), [
      'connectionStateChanged 3 1',
      'joinChannelSuccess',
      'renewTokenResult 007new 0',
    ]);
  });

  test('a rejoin with an expired token asks for another', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'closed' }).pass(5_000).open().take();
    driver.receive(ended(9, 109));
    assert.deepEqual(driver.events(), ['requestToken', 'error 109 why', 'connectionStateChanged 5 9']);
  });

  test('a renewal during a break is used for the rejoin', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'closed' }).feed({ type: 'closed' }).feed({ type: 'renewToken', token: '007new' });
    driver.take();
    driver.pass(500).open();
    const join = driver.sent()[0];
    assert.ok(join?.type === 'join' && join.token === '007new');
    driver.receive({ type: 'joined', ...JOINED, resumed: true });
    assert.deepEqual(driver.events(), ['renewTokenResult 007new 0', STANDING]);
  });

  test('a renewal that got no answer during a break is still the newest token', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'closed' }).feed({ type: 'closed' }).feed({ type: 'renewToken', token: '007new' });
    driver.pass(10_000);
    assert.ok(driver.events().includes('renewTokenResult 007new 1'));
    driver.open();
    const join = driver.sent()[0];
    assert.ok(join?.type === 'join' && join.token === '007new');
  });

  test('a bad renewal during a break does not cost the session', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'closed' }).feed({ type: 'renewToken', token: '007bad' }).open();
    driver.take();
    driver.receive(ended(8, 110));
    assert.deepEqual(driver.events(), ['error 110 why', 'renewTokenResult 007bad 3']);
    driver.open();
    const join = driver.sent()[0];
    assert.ok(join?.type === 'join' && join.token === TOKEN);
  });

  test('a renewal while the join is on its way is sent right after it', () => {
    const driver = new Driver();
    driver.feed({ type: 'join', request: REQUEST }).open().feed({ type: 'renewToken', token: '007b' });
    driver.take();
    driver.receive({ type: 'joined', ...JOINED });
    assert.deepEqual(driver.sent(), [{ type: 'renewToken', id: 1, token: '007b' }]);
  });

  test('the warning comes during a break, too', () => {
    const driver = new Driver().joined({ standing: { ...JOINED.standing, expiresInMs: 40_000 } });
    driver.feed({ type: 'closed' }).feed({ type: 'closed' }).pass(9_999);
    assert.ok(!driver.events().some((event) => event.startsWith('tokenWillExpire')));
    driver.pass(1);
    assert.deepEqual(driver.events(), [`tokenWillExpire ${TOKEN}`, 'tokenExpiring ["join"] 30']);
    // The server gives it again after the return: once is enough.
    driver.back({ standing: { ...JOINED.standing, expiresInMs: 29_000 } }).receive(will);
    assert.ok(!driver.events().some((event) => event.startsWith('tokenWillExpire')));
  });

  test('a new token that is on its way when the old one ends is used at once', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'renewToken', token: '007new' }).take();
    driver.receive(ended(9, 109));
    assert.deepEqual(driver.events(), [
      'requestToken',
      'error 109 why',
      'connectionStateChanged 5 9',
      'connectionStateChanged 4 12',
    ]);
    driver.open();
    const join = driver.sent()[0];
    assert.ok(join?.type === 'join' && join.token === '007new');
  });

  test('what a refused join says of the renewal that it tried', () => {
    const slugs = /** @type {const} */ ([['channel_mismatch', 4], ['app_id_mismatch', 5], ['signature', 3]]);
    for (const [slug, code] of slugs) {
      const driver = new Driver().joined();
      driver.receive(ended(9, 109)).feed({ type: 'renewToken', token: '007new' }).open().take();
      driver.receive(ended(8, 110, { slug }));
      const result = `renewTokenResult 007new ${code}`;
      assert.deepEqual(driver.events(), [result, 'error 110 why', 'connectionStateChanged 1 8']);
    }
  });

  test('a leave settles a renewal that is under way', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'renewToken', token: '007b' }).feed({ type: 'leave' });
    assert.deepEqual(driver.events(), ['renewTokenResult 007b 1', 'connectionStateChanged 1 5', 'leaveChannel']);
  });
});

describe('roles', () => {
  test('a change is told when the server has agreed', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'setRole', role: 'audience' });
    assert.deepEqual(driver.sent(), [{ type: 'setRole', id: 1, role: 'audience' }]);
    driver.receive({ type: 'roleChanged', id: 1, role: 'audience' });
    assert.deepEqual(driver.events(), ['clientRoleChanged broadcaster audience']);
    assert.equal(driver.session.roles.asked, 'audience');
  });

  test('a refusal says why, and the role stays', () => {
    const driver = new Driver().joined({ standing: { ...JOINED.standing, role: 'audience' } });
    driver.feed({ type: 'setRole', role: 'broadcaster' });
    driver.receive({ type: 'roleRefused', id: 1, reason: 2, role: 'audience', message: 'no such right' });
    assert.deepEqual(driver.events(), ['clientRoleChangeFailed 2 audience', 'error 119 no such right']);
  });

  test('no answer within 10 s is a failure', () => {
    const driver = new Driver().joined();
    driver.feed({ type: 'setRole', role: 'audience' });
    driver.passHearing(10_000);
    assert.deepEqual(driver.events(), ['clientRoleChangeFailed 3 broadcaster']);
  });

  test('a role that the server takes away comes back when it gives it back', () => {
    const driver = new Driver().joined();
    driver.receive({ type: 'roleChanged', role: 'audience' });
    assert.equal(driver.session.roles.asked, 'broadcaster');
    driver.receive({ type: 'roleChanged', role: 'broadcaster' });
    assert.deepEqual(driver.events(), [
      'clientRoleChanged broadcaster audience',
      'clientRoleChanged audience broadcaster',
    ]);
  });
});

describe('the others', () => {
  const microphone = /** @type {const} */ ({ id: 1, kind: 'audio', source: 'microphone', muted: false });

  test('a host comes, mutes, unmutes and goes', () => {
    const driver = new Driver().joined();
    driver.receive({ type: 'memberJoined', member: { ...ANN, name: undefined, publications: [microphone] } });
    driver.feed({ type: 'decoded', uid: 9, kind: 'audio', width: 0, height: 0 });
    driver.receive({ type: 'publicationMuted', uid: 9, id: 1, muted: true });
    driver.receive({ type: 'publicationMuted', uid: 9, id: 1, muted: false });
    driver.feed({ type: 'decoded', uid: 9, kind: 'audio', width: 0, height: 0 });
    driver.receive({ type: 'memberLeft', uid: 9, reason: 0 });
    assert.deepEqual(driver.events(), [
      'userJoined 9',
      'userPublished 9 audio microphone',
      'remoteMediaState 9 audio 1 0',
      'firstDecoded 9 audio 0 0',
      'remoteMediaState 9 audio 2 0',
      'userMuted 9 audio true',
      'remoteMediaState 9 audio 0 5',
      'userMuted 9 audio false',
      'remoteMediaState 9 audio 1 6',
      'remoteMediaState 9 audio 2 6',
      'remoteMediaState 9 audio 0 7',
      'userOffline 9 0',
    ]);
  });

  test('what is not wanted here is stopped, and started when it is', () => {
    const driver = new Driver().joined({ members: [{ ...ANN, publications: [microphone] }] });
    driver.feed({ type: 'subscribe', subscribe: { audio: false, video: true, except: [] } });
    const exception = /** @type {const} */ ({ uid: 9, kind: 'audio', wanted: true });
    driver.feed({ type: 'subscribe', subscribe: { audio: false, video: true, except: [exception] } });
    assert.deepEqual(driver.events(), ['remoteMediaState 9 audio 0 3', 'remoteMediaState 9 audio 1 4']);
  });

  test('a freeze and its end', () => {
    const driver = new Driver().joined({ members: [{ ...ANN, publications: [microphone] }] });
    driver.feed({ type: 'frozen', uid: 9, kind: 'audio' });
    assert.deepEqual(driver.events(), []);
    driver.feed({ type: 'decoded', uid: 9, kind: 'audio', width: 0, height: 0 }).take();
    driver.feed({ type: 'frozen', uid: 9, kind: 'audio' });
    driver.feed({ type: 'decoded', uid: 9, kind: 'audio', width: 0, height: 0 });
    assert.deepEqual(driver.events(), ['remoteMediaState 9 audio 3 1', 'remoteMediaState 9 audio 2 2']);
  });

  test('messages about strangers are ignored', () => {
    const driver = new Driver().joined();
    driver.receive({ type: 'published', uid: 66, publication: microphone });
    driver.receive({ type: 'publicationMuted', uid: 66, id: 1, muted: true });
    driver.receive({ type: 'memberLeft', uid: 66, reason: 0 });
    driver.receive(/** @type {any} */ ({ type: 'somethingNew' }));
    assert.deepEqual(driver.events(), []);
  });
});

test('a random walk keeps to the legal changes of state', () => {
  const legal = new Set('12 23 25 21 34 35 31 43 45 41 51 54 52 44'.split(' '));
  let seed = 20_260;
  const random = (/** @type {number} */ below) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  /** @type {((driver: Driver) => unknown)[]} */
  const steps = [
    (driver) => driver.feed({ type: 'closed' }),
    (driver) => driver.open(),
    (driver) => driver.open().receive({ type: 'joined', ...JOINED }),
    (driver) => driver.receive(ended([3, 8, 9, 10, 14, 19][random(6)] ?? 3, [123, 110, 109, 17, 0, 0][random(6)] ?? 0)),
    (driver) => driver.feed({ type: 'renewToken', token: `007${random(9)}` }),
    (driver) => driver.receive({ type: 'renewed', id: 1 + random(20), code: random(4), message: '' }),
    (driver) => driver.feed({ type: 'networkChanged' }),
    (driver) => driver.feed({ type: 'mediaLost' }),
    (driver) => driver.feed({ type: 'setRole', role: random(2) ? 'audience' : 'broadcaster' }),
    (driver) => driver.pass(random(20_000)),
    (driver) => driver.pass(random(300)),
  ];
  for (let stay = 0; stay < 500; stay++) {
    const driver = new Driver();
    driver.feed({ type: 'join', request: { ...REQUEST } });
    for (let i = 0; i < 40; i++) steps[random(steps.length)]?.(driver);
    driver.feed({ type: 'leave' });
    const states = driver.events().flatMap((event) => {
      return event.match(/^connectionStateChanged (\d) (\d+)/)?.slice(1) ?? [];
    });
    let before = '1 5';
    for (let i = 0; i < states.length; i += 2) {
      const [state, reason] = [states[i], states[i + 1]];
      assert.ok(legal.has(`${before[0]}${state}`), `stay ${stay}: ${before} then ${state} ${reason}`);
      assert.notEqual(before, `${state} ${reason}`, `stay ${stay}`);
      before = `${state} ${reason}`;
    }
    assert.equal(driver.session.deadline(), null);
  }
});
