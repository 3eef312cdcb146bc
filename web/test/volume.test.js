// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VolumeMeter } from '../sdk/volume.js';

const CONNECTION = { channelId: 'tea', localUid: 7 };

/** @param {import('node:test').TestContext} t */
function meter(t) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  /** @type {any[][]} */
  const events = [];
  const volume = new VolumeMeter((name, ...args) => events.push([name, ...args.slice(1)]));
  let packet = 0;
  /** @type {Map<number, number | undefined>} */
  const levels = new Map();
  const voice = (/** @type {number} */ uid) => ({
    uid,
    receiver: /** @type {RTCRtpReceiver} */ (/** @type {unknown} */ ({
      getSynchronizationSources: () => {
        return levels.has(uid) ? [{ audioLevel: levels.get(uid), rtpTimestamp: packet++ }] : [];
      },
    })),
  });
  const tick = () => {
    events.length = 0;
    t.mock.timers.tick(200);
    return events.map(([name, ...args]) =>
      name === 'onActiveSpeaker' ? `active ${args[0]}` : args[0].map((/** @type {any} */ { uid }) => uid).join(' '));
  };
  return { volume, levels, voice, tick, events };
}

test('two reports a tick, the loudest three first, the active speaker on change only', (t) => {
  const { volume, levels, voice, tick } = meter(t);
  volume.configure(200, 0, false);
  volume.setConnection(CONNECTION);
  volume.setVoices([1, 2, 3, 4, 5].map(voice));
  assert.deepEqual(tick(), ['', '']);
  for (const [uid, level] of [[1, 0.1], [2, 0.5], [3, 0.2], [4, 0.3]]) levels.set(Number(uid), level);
  assert.deepEqual(tick(), ['', '2 4 3', 'active 2']);
  assert.deepEqual(tick(), ['', '2 4 3']);
  levels.set(4, 0.9);
  assert.deepEqual(tick(), ['', '4 2 3', 'active 4']);
});

test('off is off: without an interval, and outside a channel', (t) => {
  const { volume, tick } = meter(t);
  volume.setConnection(CONNECTION);
  assert.deepEqual(tick(), []);
  volume.configure(200, 3, false);
  assert.equal(tick().length, 2);
  volume.configure(0, 3, false);
  assert.deepEqual(tick(), []);
  volume.configure(200, 3, false);
  volume.setConnection(null);
  assert.deepEqual(tick(), []);
});

test('the open microphone is in the list, silent or not', (t) => {
  const { volume, tick } = meter(t);
  volume.configure(200, 3, false);
  volume.setConnection(CONNECTION);
  volume.setLocalTrack(/** @type {any} */ ({}));
  assert.deepEqual(tick(), ['0', '']);
});

test('volumes lie between 0 and 255, and grow with the level', (t) => {
  const { volume, levels, voice, tick, events } = meter(t);
  volume.configure(200, 0, false);
  volume.setConnection(CONNECTION);
  volume.setVoices([voice(1)]);
  const heard = [0, 0.001, 0.01, 0.1, 1].map((level) => {
    levels.set(1, level);
    tick();
    return events[1]?.[1][0]?.volume ?? 0;
  });
  assert.deepEqual(heard, [0, 0, 85, 170, 255]);
});

test('where the browser cannot tell, the server is believed', (t) => {
  const { volume, levels, voice, tick, events } = meter(t);
  volume.configure(200, 0, false);
  volume.setConnection(CONNECTION);
  volume.setVoices([voice(1)]);
  levels.set(1, undefined);
  volume.setSpeakers([{ uid: 1, volume: 99 }]);
  tick();
  assert.equal(events[1]?.[1][0]?.volume, 99);
});
