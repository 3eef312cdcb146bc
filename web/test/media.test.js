// @ts-check
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseCodecs } from '../sdk/codecs.js';
import { plan } from '../sdk/plan.js';
import { PublishStates } from '../sdk/publishing.js';
import { Totals, quality, read } from '../sdk/stats.js';
import { Subscriptions } from '../sdk/subscriptions.js';
import { Watch } from '../sdk/watch.js';

describe('the plan', () => {
  const SETTINGS = {
    local: {
      audioModule: true,
      videoModule: true,
      audioCapture: true,
      videoCapture: true,
      audioMuted: false,
      videoMuted: false,
      preview: false,
    },
    options: {
      camera: true,
      microphone: true,
      screen: false,
      screenAudio: false,
      subscribeAudio: true,
      subscribeVideo: true,
      audioDevices: true,
    },
    broadcaster: true,
    active: true,
    screen: { video: false, audio: false },
  };

  /** @param {{ local?: object, options?: object, broadcaster?: boolean, active?: boolean, screen?: any }} change */
  const planned = ({ local, options, ...rest }) =>
    plan({
      ...SETTINGS,
      ...rest,
      local: { ...SETTINGS.local, ...local },
      options: { ...SETTINGS.options, ...options },
    });
  const sources = (/** @type {ReturnType<typeof plan>} */ { publish }) =>
    publish.map(({ source, muted }) => (muted ? `(${source})` : source)).join(' ');

  test('a host sends microphone and camera', () => {
    const wanted = planned({});
    assert.equal(sources(wanted), 'microphone camera');
    assert.deepEqual(wanted.capture, { camera: true, microphone: true });
  });

  test('audience opens and sends nothing, but may look at itself', () => {
    assert.equal(sources(planned({ broadcaster: false })), '');
    assert.deepEqual(planned({ broadcaster: false }).capture, { camera: false, microphone: false });
    const preview = planned({ broadcaster: false, active: false, local: { preview: true } });
    assert.deepEqual(preview.capture, { camera: true, microphone: false });
  });

  test('a muted device stays open, a disabled one is closed; a camera is off by its switch', () => {
    const muted = planned({ local: { audioMuted: true, videoMuted: true } });
    assert.equal(sources(muted), '(microphone) (camera)');
    assert.deepEqual(muted.capture, { camera: true, microphone: true });
    const disabled = planned({ local: { audioCapture: false, videoCapture: false } });
    assert.equal(sources(disabled), '(microphone) camera');
    assert.deepEqual(disabled.switches, { video: true, localVideo: false });
    assert.deepEqual(disabled.capture, { camera: false, microphone: false });
  });

  test('a screen is sent once it is there, with its sound', () => {
    const options = { camera: false, screen: true, screenAudio: true };
    assert.equal(sources(planned({ options })), 'microphone');
    assert.equal(sources(planned({ options, screen: { video: true, audio: false } })), 'microphone screen');
    assert.equal(sources(planned({ options, screen: { video: true, audio: true } })), 'microphone screen screenAudio');
  });

  test('without a module nothing of its kind is sent', () => {
    assert.equal(sources(planned({ local: { videoModule: false } })), 'microphone');
    assert.equal(sources(planned({ local: { audioModule: false } })), 'camera');
    assert.equal(sources(planned({ options: { audioDevices: false } })), 'camera');
  });
});

describe('subscriptions', () => {
  const RULES = { audio: true, video: true, audioModule: true, videoModule: true };

  test('a call for all overrides the options and earlier calls for single users', () => {
    const subscriptions = new Subscriptions();
    assert.deepEqual(subscriptions.toMessage({ ...RULES, audio: false }), { audio: false, video: true, except: [] });
    subscriptions.setOne('audio', 9, true);
    subscriptions.setOne('video', 9, false);
    subscriptions.setAll('audio', false);
    subscriptions.setOne('audio', 10, true);
    assert.deepEqual(subscriptions.toMessage(RULES), {
      audio: false,
      video: true,
      except: [{ uid: 9, kind: 'video', wanted: false }, { uid: 10, kind: 'audio', wanted: true }],
    });
    assert.deepEqual(subscriptions.toMessage({ ...RULES, audioModule: false }).except.length, 1);
    subscriptions.clear();
    assert.deepEqual(subscriptions.toMessage(RULES), { audio: true, video: true, except: [] });
  });

  test('exceptions are bounded; known ones can still change', () => {
    const subscriptions = new Subscriptions();
    for (let uid = 1; uid <= 1024; uid++) assert.ok(subscriptions.setOne('audio', uid, false));
    assert.equal(subscriptions.setOne('audio', 1025, false), false);
    assert.equal(subscriptions.setOne('audio', 1024, true), true);
  });
});

describe('publish states', () => {
  /** @param {(states: PublishStates) => void} act */
  function told(act) {
    /** @type {string[]} */
    const log = [];
    act(new PublishStates(0, ({ source, before, after, elapsed }) => {
      log.push(`${source} ${before}>${after} ${elapsed}`);
    }));
    return log;
  }

  test('join, confirm, mute, unmute, leave', () => {
    const log = told((states) => {
      states.inChannel(100, { microphone: false });
      states.inChannel(150, { microphone: true });
      states.inChannel(200, {});
      states.inChannel(300, { microphone: true });
      states.left(400);
    });
    assert.deepEqual(log, [
      'microphone 0>2 100',
      'microphone 2>3 50',
      'microphone 3>1 50',
      'microphone 1>2 100',
      'microphone 2>3 0',
      'microphone 3>0 100',
    ]);
  });

  test('what was never published stays idle', () => {
    assert.deepEqual(told((states) => states.inChannel(1, { camera: false })), ['camera 0>2 1']);
    assert.deepEqual(told((states) => { states.inChannel(1, {}); states.left(2); }), []);
  });
});

describe('what is decoded', () => {
  const SLOT = /** @type {const} */ ({ mid: '3', trackId: 't', publication: 5, uid: 9, kind: 'video', still: false });
  const frames = (/** @type {number} */ framesDecoded, frameWidth = 640) =>
    [{ type: 'inbound-rtp', mid: '3', kind: 'video', framesDecoded, frameWidth, frameHeight: 360 }];
  const types = (/** @type {import('../sdk/watch.js').Sighting[]} */ sightings) =>
    sightings.map(({ type }) => type).join(' ');

  test('first frame, size, freeze, recovery, long gap', () => {
    const watch = new Watch();
    watch.setSlots([SLOT]);
    assert.ok(watch.waiting);
    assert.equal(types(watch.look(0, [])), '');
    assert.equal(types(watch.look(100, frames(0, 0))), '');
    assert.equal(types(watch.look(200, frames(1))), 'decoded resized');
    assert.ok(!watch.waiting);
    assert.equal(types(watch.look(300, frames(5))), '');
    assert.equal(types(watch.look(400, frames(9, 320))), 'resized');
    assert.equal(types(watch.look(3_399, frames(9, 320))), '');
    assert.equal(types(watch.look(3_400, frames(9, 320))), 'frozen');
    assert.equal(types(watch.look(4_000, frames(9, 320))), '');
    const [again] = watch.look(5_000, frames(10, 320));
    assert.ok(again?.type === 'decoded' && !again.again);
    watch.look(8_000, frames(10, 320));
    const [late] = watch.look(20_000, frames(11, 320));
    assert.ok(late?.type === 'decoded' && late.again);
  });

  test('a picture that was there before the first look counts; what a slot carried before does not', () => {
    const watch = new Watch();
    watch.setSlots([SLOT]);
    assert.equal(types(watch.look(0, frames(1))), 'decoded resized');
    watch.setSlots([{ ...SLOT, publication: 6 }]);
    assert.equal(types(watch.look(100, frames(40))), '');
    assert.equal(types(watch.look(200, frames(41))), 'decoded resized');
  });

  test('a screen may stand still', () => {
    const watch = new Watch();
    watch.setSlots([{ ...SLOT, still: true }]);
    watch.look(0, frames(1));
    assert.equal(types(watch.look(60_000, frames(1))), '');
  });
});

describe('figures', () => {
  const entries = (/** @type {number} */ bytes) => [
    { type: 'inbound-rtp', kind: 'audio', bytesReceived: bytes, packetsReceived: 90, packetsLost: 10 },
    { type: 'inbound-rtp', kind: 'video', bytesReceived: bytes * 2 },
    { type: 'outbound-rtp', kind: 'video', bytesSent: bytes * 3 },
    { type: 'remote-inbound-rtp', fractionLost: 0.25 },
    { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.042 },
    { type: 'candidate-pair', nominated: false, state: 'succeeded', currentRoundTripTime: 9 },
    { type: 'codec' },
  ];

  test('sums, rates and losses', () => {
    const totals = new Totals();
    totals.joined(1_000, 210);
    totals.add(read(entries(1_000)));
    const stats = totals.report(3_000, 2);
    assert.deepEqual(
      [stats.rxBytes, stats.txBytes, stats.rxAudioKBitRate, stats.rxPacketLossRate, stats.txPacketLossRate],
      [3_000, 3_000, 4, 10, 25],
    );
    assert.deepEqual([stats.duration, stats.gatewayRtt, stats.connectTimeMs, stats.userCount], [2, 42, 210, 2]);
    assert.equal(totals.report(5_000, 2).rxKBitRate, 0);
  });

  test('bytes never go down over connections', () => {
    const totals = new Totals();
    totals.joined(0, 0);
    totals.add(read(entries(1_000)));
    totals.add(read(entries(1_500)));
    assert.equal(totals.report(1, 1).rxBytes, 4_500);
    totals.newConnection();
    totals.add(read(entries(10)));
    assert.equal(totals.report(2, 1).rxBytes, 4_530);
    // A connection on its way out may report nothing.
    totals.add(read([]));
    assert.equal(totals.report(3, 1).rxBytes, 4_530);
  });

  test('quality falls with loss and delay, and is unknown without traffic', () => {
    const of = (/** @type {number} */ lossRate, /** @type {number} */ rtt) => quality({ kbitRate: 100, lossRate, rtt });
    assert.deepEqual([of(0, 20), of(2, 20), of(5, 20), of(0, 700), of(50, 20)], [1, 2, 3, 4, 5]);
    assert.equal(quality({ kbitRate: 0, lossRate: 0, rtt: 0 }), 0);
  });
});

test('the preferred codec comes first, strangers are left out', () => {
  const all = ['video/VP8', 'video/rtx', 'video/H264', 'video/red', 'video/ulpfec'];
  const codecs = all.map((mimeType) => ({ mimeType }));
  const names = (/** @type {number | undefined} */ type) =>
    chooseCodecs(codecs, 'video', type).map(({ mimeType }) => mimeType);
  assert.deepEqual(names(undefined), ['video/VP8', 'video/rtx', 'video/H264']);
  assert.deepEqual(names(2), ['video/H264', 'video/VP8', 'video/rtx']);
  assert.deepEqual(names(12), ['video/VP8', 'video/rtx', 'video/H264']);
  const sounds = ['audio/opus', 'audio/red', 'audio/G722'].map((mimeType) => ({ mimeType }));
  assert.deepEqual(chooseCodecs(sounds, 'audio', undefined).map(({ mimeType }) => mimeType), ['audio/red', 'audio/opus']);
});
