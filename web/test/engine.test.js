// @ts-check
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { createAgoraRtcEngine } from '../sdk/index.js';
import { FakeConnection, installBrowser, settled, sockets } from './support/browser.js';
import { JOINED } from './support/driver.js';

installBrowser();

const APP_ID = '0123456789abcdef0123456789abcdef';
const ACCESS_POINT = 'http://127.0.0.1:9';
const HOST = { clientRoleType: 1 };

/** @typedef {ReturnType<typeof createAgoraRtcEngine>} Engine */

/** @type {Engine | null} */
let current = null;

afterEach(() => {
  current?.release(true);
  current = null;
});

/**
 * An engine that is ready, and a list that gets a line for each event.
 *
 * @param {Record<string, Function>} [more] what the handler does besides
 */
function ready(more = {}) {
  const engine = createAgoraRtcEngine();
  current = engine;
  /** @type {string[]} */
  const log = [];
  const eventHandler = new Proxy({}, {
    get: (_, name) => (/** @type {unknown[]} */ ...args) => {
      log.push([name, ...args.filter((arg) => typeof arg !== 'object')].join(' '));
      more[String(name)]?.(...args);
    },
  });
  assert.equal(engine.initialize({ appId: APP_ID, accessPoint: ACCESS_POINT, eventHandler }), 0);
  return { engine, log, take: () => log.splice(0) };
}

/** The server answers the join. @param {object} [joined] */
async function admit(joined = {}) {
  await settled();
  const socket = /** @type {import('./support/browser.js').FakeSocket} */ (sockets.at(-1));
  socket.open();
  await settled();
  const { media } = socket.sent.find((message) => message.type === 'join');
  const publish = media.publish.map((/** @type {any} */ { mid }, /** @type {number} */ id) => {
    return { mid, id, state: 'published' };
  });
  socket.receive({ type: 'joined', ...JOINED, media: { sdp: 'answer', publish, slots: [] }, ...joined });
  await settled();
  return socket;
}

describe('life', () => {
  test('one engine until it is released', () => {
    const engine = createAgoraRtcEngine();
    assert.equal(createAgoraRtcEngine(), engine);
    engine.release();
    assert.notEqual(createAgoraRtcEngine(), engine);
    assert.equal(engine.initialize({ appId: APP_ID }), -7);
  });

  test('before initialize everything but a few calls gives -7', () => {
    const engine = createAgoraRtcEngine();
    const results = {
      join: engine.joinChannel(null, 'tea', 0),
      joinWithOptions: engine.joinChannelWithOptions(null, 'tea', 0),
      update: engine.updateChannelMediaOptions({}),
      leave: engine.leaveChannel(),
      renew: engine.renewToken('007abcd'),
      role: engine.setClientRole(1),
      profile: engine.setChannelProfile(0),
      enableVideo: engine.enableVideo(),
      disableVideo: engine.disableVideo(),
      enableAudio: engine.enableAudio(),
      disableAudio: engine.disableAudio(),
      localAudio: engine.enableLocalAudio(true),
      localVideo: engine.enableLocalVideo(true),
      muteAudio: engine.muteLocalAudioStream(true),
      muteVideo: engine.muteLocalVideoStream(true),
      startPreview: engine.startPreview(),
      stopPreview: engine.stopPreview(),
      local: engine.setupLocalVideo({ view: null }),
      remote: engine.setupRemoteVideo({ uid: 1, view: null }),
      encoder: engine.setVideoEncoderConfiguration({}),
      screen: engine.startScreenCapture(),
      stopScreen: engine.stopScreenCapture(),
      camera: engine.setVideoDevice(''),
      microphone: engine.setRecordingDevice(''),
      muteRemoteAudio: engine.muteRemoteAudioStream(1, true),
      muteRemoteVideo: engine.muteRemoteVideoStream(1, true),
      muteAllAudio: engine.muteAllRemoteAudioStreams(true),
      muteAllVideo: engine.muteAllRemoteVideoStreams(true),
      volume: engine.enableAudioVolumeIndication(200),
      state: engine.getConnectionState(),
      register: engine.registerEventHandler({}),
      unregister: engine.unregisterEventHandler({}),
      accessPoint: engine.setLocalAccessPoint({ ipList: ['127.0.0.1'] }),
      parameters: engine.setParameters('{}'),
    };
    for (const [name, result] of Object.entries(results)) assert.equal(result, -7, name);
    assert.match(engine.getVersion().version, /^\d+\.\d+\.\d+/);
    assert.ok(engine.getErrorDescription(110).length > 0);
    assert.equal(engine.getCallId(), '');
    engine.release();
  });

  test('a bad context is refused, and a second one too unless it is the same', () => {
    const engine = createAgoraRtcEngine();
    current = engine;
    for (const appId of ['', 'x', 'g'.repeat(32)]) assert.equal(engine.initialize({ appId }), -101);
    assert.equal(engine.initialize(/** @type {any} */ (null)), -2);
    assert.equal(engine.initialize({ appId: APP_ID, channelProfile: 9 }), -2);
    assert.equal(engine.initialize({ appId: APP_ID, accessPoint: 'nowhere' }), -2);
    assert.equal(engine.initialize({ appId: APP_ID }), 0);
    assert.equal(engine.initialize({ appId: APP_ID }), 0);
    assert.equal(engine.initialize({ appId: 'f'.repeat(32) }), -8);
    // Loaded from a file, this module knows no access point.
    assert.equal(engine.joinChannel(null, 'tea', 0), -3);
  });

  test('a synchronous release inside a handler is refused, outside it is final', async () => {
    /** @type {number[]} */
    const inside = [];
    const { engine, take } = ready({ onConnectionStateChanged: () => inside.push(engine.release(true)) });
    engine.joinChannel(null, 'tea', 7, HOST);
    await admit();
    assert.deepEqual([...new Set(inside)], [-5]);
    take();
    engine.leaveChannel();
    engine.release(true);
    await settled();
    assert.deepEqual(take(), []);
  });

  test('two handlers get every event in order of registration, until one is taken away', async () => {
    const { engine } = ready();
    /** @type {string[]} */
    const seen = [];
    const handlers = ['a', 'b'].map((name) => ({ onConnectionStateChanged: () => seen.push(name) }));
    for (const handler of handlers) assert.equal(engine.registerEventHandler(/** @type {any} */ (handler)), 0);
    engine.joinChannel(null, 'tea', 7);
    await settled();
    assert.equal(seen.join(''), 'ab');
    engine.unregisterEventHandler(/** @type {any} */ (handlers[0]));
    engine.leaveChannel();
    await settled();
    assert.equal(seen.join(''), 'abb');
  });
});

describe('joining', () => {
  test('arguments are checked in order, and a refusal fires nothing', async () => {
    const { engine, take } = ready();
    const two = { publishCameraTrack: true, publishScreenTrack: true };
    assert.equal(engine.joinChannel(null, '', -1, two), -102);
    assert.equal(engine.joinChannel(null, 'tea', -1, two), -121);
    assert.equal(engine.joinChannel(null, 'tea', 0, two), -2);
    assert.equal(engine.joinChannel(null, 'tea', 4294967296), -121);
    assert.equal(engine.joinChannel(/** @type {any} */ (7), 'tea', 0), -2);
    await settled();
    assert.deepEqual(take(), []);
    assert.equal(engine.getConnectionState(), 1);
  });

  test('success tells state, then join, then the others; inside a handler the state is the reported one', async () => {
    /** @type {boolean[]} */
    const agrees = [];
    const { engine, take } = ready({
      onConnectionStateChanged: (/** @type {unknown} */ _, /** @type {number} */ state) => {
        agrees.push(engine.getConnectionState() === state);
      },
    });
    assert.equal(engine.joinChannel('007abcd', 'tea', 7, HOST), 0);
    assert.deepEqual(take(), []);
    assert.equal(engine.joinChannel('007abcd', 'tea', 7, HOST), -17);
    await admit({ members: [{ uid: 9, role: 'broadcaster', publications: [] }] });
    const names = take().map((line) => line.split(' ')[0] ?? '');
    assert.deepEqual(names.filter((name) => /^on(Connection|JoinChannel|User)/.test(name)), [
      'onConnectionStateChanged',
      'onConnectionStateChanged',
      'onJoinChannelSuccess',
      'onUserJoined',
    ]);
    assert.deepEqual(agrees, [true, true]);
    assert.equal(engine.getConnectionState(), 3);
    assert.notEqual(engine.getCallId(), '');
  });

  test('the three forms send the same', async () => {
    const { engine } = ready();
    const joins = [
      () => engine.joinChannel('007abcd', 'tea', 7, {}),
      () => engine.joinChannelWithOptions('007abcd', 'tea', 7),
      () => engine.joinChannel('007abcd', 'tea', 'ignored', 7),
    ];
    const sent = [];
    for (const join of joins) {
      assert.equal(join(), 0);
      const socket = await admit();
      sent.push(socket.sent[0]);
      engine.leaveChannel();
      await settled();
    }
    assert.deepEqual(sent[1], sent[0]);
    assert.deepEqual(sent[2], sent[0]);
    assert.equal(sent[0].uid, 7);
    assert.equal(sent[0].role, 'audience');
    assert.deepEqual(sent[0].media.publish, []);
    assert.equal(sent[0].media.slots.length, 6);
  });

  test('the token travels in the message and never in the address', async () => {
    const { engine } = ready();
    engine.joinChannel('007secret', 'tea', 7);
    const socket = await admit();
    assert.equal(socket.url, 'ws://127.0.0.1:9/v1/signal');
    assert.equal(socket.sent[0].token, '007secret');
  });

  test('a host publishes what the switches say, from the first offer on', async () => {
    const { engine } = ready();
    engine.enableVideo();
    engine.muteLocalAudioStream(true);
    engine.joinChannel(null, 'tea', 7, HOST);
    const socket = await admit();
    const bindings = socket.sent[0].media.publish.map((/** @type {any} */ { mid, ...rest }) => rest);
    assert.deepEqual(bindings, [
      { kind: 'audio', source: 'microphone', muted: true },
      // No camera in Node: opening it has failed before the offer was made, or the mute follows.
      { kind: 'video', source: 'camera', muted: bindings[1].muted },
    ]);
    assert.deepEqual(socket.sent[0].subscribe, { audio: true, video: true, except: [] });
    engine.muteLocalAudioStream(false);
    engine.muteRemoteVideoStream(9, true);
    await settled();
    const subscribe = socket.sent.findLast((message) => message.type === 'subscribe');
    assert.deepEqual(subscribe.except, [{ uid: 9, kind: 'video', wanted: false }]);
  });

  test('without the video module no picture is asked for', async () => {
    const { engine } = ready();
    engine.joinChannel(null, 'tea', 7, HOST);
    const socket = await admit();
    assert.equal(socket.sent[0].subscribe.video, false);
    engine.enableVideo();
    const subscribe = socket.sent.findLast((message) => message.type === 'subscribe');
    assert.equal(subscribe.video, true);
  });

  test('an update outside a channel gives -8, a bad one -2, two video sources in sum -2', async () => {
    const { engine } = ready();
    assert.equal(engine.updateChannelMediaOptions({}), -8);
    engine.joinChannel(null, 'tea', 7, { ...HOST, publishCameraTrack: true });
    await admit();
    assert.equal(engine.updateChannelMediaOptions({ publishScreenTrack: true }), -2);
    assert.equal(engine.updateChannelMediaOptions({ clientRoleType: 5 }), -2);
    assert.equal(engine.updateChannelMediaOptions({ publishScreenTrack: true, publishCameraTrack: false }), 0);
  });

  test('a token in an update renews it', async () => {
    const { engine } = ready();
    engine.joinChannel('007abcd', 'tea', 7);
    const socket = await admit();
    assert.equal(engine.updateChannelMediaOptions({ token: 'junk' }), -110);
    assert.equal(engine.updateChannelMediaOptions({ token: '007new' }), 0);
    assert.deepEqual(socket.sent.at(-1), { type: 'renewToken', id: 1, token: '007new' });
  });
});

describe('leaving', () => {
  test('when not joined it gives -18 and fires nothing', async () => {
    const { engine, take } = ready();
    assert.equal(engine.leaveChannel(), -18);
    await settled();
    assert.deepEqual(take(), []);
  });

  test('tells the figures of the whole stay, up to its end', async () => {
    /** @type {any[]} */
    const told = [];
    const { engine } = ready({ onLeaveChannel: (/** @type {any[]} */ ...args) => told.push(args[1]) });
    engine.joinChannel(null, 'tea', 7);
    await admit();
    FakeConnection.stats = new Map([['a', { type: 'outbound-rtp', kind: 'audio', bytesSent: 1234 }]]);
    engine.leaveChannel();
    while (told.length === 0) await settled();
    FakeConnection.stats = new Map();
    assert.deepEqual([told[0].txBytes, told[0].cpuAppUsage, told[0].duration], [1234, 0, 0]);
  });

  test('leave and, at once, join: the events of the leave come first', async () => {
    const { engine, take } = ready();
    engine.joinChannel(null, 'tea', 7);
    await admit();
    take();
    for (let round = 0; round < 50; round++) {
      assert.equal(engine.leaveChannel(), 0);
      assert.equal(engine.joinChannel(null, 'tea', 7), 0);
    }
    await settled();
    const events = take().map((line) => line.split(' ')[0] === 'onLeaveChannel' ? 'onLeaveChannel' : line);
    const round = ['onConnectionStateChanged 1 5', 'onLeaveChannel', 'onConnectionStateChanged 2 0'];
    assert.deepEqual(events.slice(0, 3), round);
    assert.equal(events.length, 150);
  });

  test('a leave during the join lets no success follow', async () => {
    const { engine, take } = ready();
    engine.joinChannel(null, 'tea', 7);
    engine.leaveChannel();
    const socket = sockets.at(-1);
    socket?.open();
    await settled();
    socket?.receive({ type: 'joined', ...JOINED });
    await settled();
    assert.deepEqual(take(), ['onConnectionStateChanged 2 0', 'onConnectionStateChanged 1 5', 'onLeaveChannel']);
  });

  test('after a failure a join gives -17 until the channel has been left', async () => {
    const { engine } = ready();
    engine.joinChannel(null, 'tea', 7);
    const socket = await admit();
    socket.receive({ type: 'ended', code: 0, reason: 19, slug: 'same_uid', message: '' });
    assert.equal(engine.joinChannel(null, 'tea', 7), -17);
    assert.equal(engine.leaveChannel(), 0);
    assert.equal(engine.joinChannel(null, 'tea', 7), 0);
  });

  test('after an invalid token a join is possible directly', async () => {
    const { engine, take } = ready();
    engine.joinChannel('007abcd', 'tea', 7);
    await settled();
    const socket = sockets.at(-1);
    socket?.open();
    await settled();
    socket?.receive({ type: 'ended', code: 110, reason: 8, slug: 'channel_mismatch', message: 'the channel' });
    await settled();
    assert.deepEqual(take().slice(1), ['onError 110 the channel', 'onConnectionStateChanged 1 8']);
    assert.equal(engine.leaveChannel(), -18);
    assert.equal(engine.joinChannel('007abcd', 'tea', 7), 0);
  });
});

describe('tokens and roles', () => {
  test('what renewToken returns', async () => {
    const { engine } = ready();
    assert.equal(engine.renewToken(''), -2);
    assert.equal(engine.renewToken('007abcd'), -8);
    engine.joinChannel('007abcd', 'tea', 7);
    assert.equal(engine.renewToken('nonsense'), -110);
    const socket = await admit();
    assert.equal(engine.renewToken('007abcd'), 0);
    socket.receive({ type: 'ended', code: 123, reason: 3, slug: 'banned', message: '' });
    assert.equal(engine.renewToken('007abcd'), -8);
  });

  test('a role before the join: audience is told, broadcaster is not', async () => {
    const { engine, take } = ready();
    engine.setClientRole(1);
    await settled();
    assert.deepEqual(take(), []);
    engine.setClientRole(2);
    engine.setClientRole(2);
    await settled();
    assert.deepEqual(take(), ['onClientRoleChanged 1 2']);
    assert.equal(engine.setClientRole(3), -2);
    assert.equal(engine.setClientRole(1, { audienceLatencyLevel: 4 }), -2);
    engine.setChannelProfile(0);
    assert.equal(engine.setClientRole(1), -5);
  });

  test('a role in the channel is asked of the server, and publishing follows its answer', async () => {
    const { engine, take } = ready();
    engine.joinChannel(null, 'tea', 7);
    const socket = await admit({ standing: { ...JOINED.standing, role: 'audience' } });
    take();
    engine.setClientRole(1);
    assert.deepEqual(socket.sent.at(-1), { type: 'setRole', id: 1, role: 'broadcaster' });
    socket.receive({ type: 'roleChanged', id: 1, role: 'broadcaster' });
    await settled();
    assert.equal(take()[0], 'onClientRoleChanged 2 1');
    const negotiate = socket.sent.at(-1);
    assert.equal(negotiate.type, 'negotiate');
    assert.equal(negotiate.media.publish[0].source, 'microphone');
  });

  test('the profile is set before a join only', async () => {
    const { engine } = ready();
    assert.equal(engine.setChannelProfile(7), -2);
    engine.joinChannel(null, 'tea', 7);
    assert.equal(engine.setChannelProfile(0), -8);
    assert.equal(engine.setLocalAccessPoint({ ipList: ['127.0.0.1'] }), -8);
  });
});

describe('publishing', () => {
  test('a device that does not open is told, and the others see the track as silenced', async () => {
    const { engine, take } = ready();
    engine.joinChannel(null, 'tea', 7, HOST);
    const socket = await admit();
    const events = take();
    assert.ok(events.some((line) => line.startsWith('onError 1011 microphone:')), events.join('\n'));
    const told = socket.sent.findLast((message) => message.type === 'setMuted');
    assert.ok(told?.muted ?? socket.sent[0].media.publish[0].muted);
  });

  test('volume intervals of 1 to 10 ms are refused', () => {
    const { engine } = ready();
    const results = [1, 10, 11, 0, -1].map((interval) => engine.enableAudioVolumeIndication(interval));
    assert.deepEqual(results, [-2, -2, 0, 0, 0]);
  });
});
