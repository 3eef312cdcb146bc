// @ts-check
/** The engine in Rust and the engine in the browser in one channel: what one sends is what the other gets. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { isDisc, isGround } from './page/picture.js';
import { House } from './support/house.js';
import { QUADRANTS, filmQuadrants, frames, listenToFile, recordTone, share } from './support/media.js';
import { builtFile } from './support/server.js';
import { APP_ID, publisherToken, subscriberToken } from './support/token.js';
import { bounded, eventually } from './support/wait.js';

const house = new House();
const folder = mkdtempSync(join(tmpdir(), 'symbolon-media-'));
const [film, tone] = [join(folder, 'film.ivf'), join(folder, 'tone.ogg')];

const TONE_HZ = 440;
/** The microphone that Chromium makes up beeps at this pitch, twice a second. */
const BEEP_HZ = 400;
/** How far a pitch may be off, in hertz. */
const PITCH_HZ = 6;
/** How far a part of a colour may be off after encoding and decoding. */
const COLOUR = 24;

before(async () => {
  await Promise.all([filmQuadrants(film, 5), recordTone(tone, TONE_HZ, 5)]);
});
after(() => rmSync(folder, { recursive: true, force: true }));

house.story('a browser shows and plays what a Rust program publishes from files', async ({ open, server }) => {
  const bob = await open('bob');
  await bob.join('files', 2, { options: { clientRoleType: 2 } });
  const token = publisherToken('files', 7);
  const wishes = { channel: 'files', uid: '7', token, video: film, audio: tone };
  const publisher = program('publish', server, wishes, ['--repeat']);
  try {
    await bob.expect('onUserJoined', [7]);
    await eventually(async () => {
      const places = QUADRANTS.map(({ place }) => place);
      const seen = await bob.colours(7, places);
      QUADRANTS.forEach(({ colour }, index) => assertNear(seen[index] ?? [], colour));
    });
    await bob.hears(1);
    const pitch = await bob.pitch(2_000);
    assert.ok(Math.abs(pitch - TONE_HZ) < PITCH_HZ, `${pitch} Hz`);
    const { framesDecoded } = await bob.video(7);
    await eventually(async () => assert.ok((await bob.video(7)).framesDecoded > framesDecoded + 20));
  } finally {
    await publisher.stop();
  }
  await bob.expect('onUserOffline', [7]);
});

for (const { codec, codecType, ending } of [
  { codec: 'VP8', codecType: 1, ending: '.ivf' },
  { codec: 'H264', codecType: 2, ending: '.h264' },
]) {
  house.story(`a Rust program records what a browser sends (${codec})`, async ({ open, server }) => {
    const channel = `recorded ${codec}`;
    const recording = join(folder, codec);
    const video = { codecType, dimensions: { width: 320, height: 180 }, frameRate: 20 };
    const ann = await open('ann');
    await ann.join(channel, 1, { video });
    const wishes = { channel, uid: '8', token: subscriberToken(channel, 8), folder: recording, seconds: '6' };
    await program('record', server, wishes).end();

    const files = readdirSync(recording);
    const [picture] = files.filter((name) => name.startsWith('1-camera') && name.endsWith(ending));
    const [sound] = files.filter((name) => name.startsWith('1-microphone') && name.endsWith('.ogg'));
    assert.ok(picture && sound, files.join());
    const seen = await frames(join(recording, picture));
    assert.ok(seen.length > 60, `${seen.length} frames`);
    for (const frame of seen) {
      const [ground, disc] = [share(frame, isGround), share(frame, isDisc)];
      assert.ok(ground > 0.5 && disc > 0.02 && ground + disc > 0.85, `${ground} ground, ${disc} disc`);
    }
    assert.ok(new Set(seen.map((frame) => share(frame, isDisc))).size > 10, 'the picture moves');
    const heard = await listenToFile(join(recording, sound));
    assert.ok(heard.seconds > 3, `${heard.seconds} s`);
    assert.ok(Math.abs(heard.pitch - BEEP_HZ) < PITCH_HZ, `${heard.pitch} Hz`);
  });
}

/**
 * Runs one of the examples of the Rust engine.
 *
 * @param {'publish' | 'record'} name
 * @param {import('./support/server.js').Server} server
 * @param {Record<string, string>} options
 * @param {string[]} [flags]
 */
function program(name, server, options, flags = []) {
  const all = { url: server.origin.replace('http', 'ws'), 'app-id': APP_ID, ...options };
  const args = Object.entries(all).flatMap(([option, value]) => [`--${option}`, value]);
  const child = spawn(builtFile(`examples/${name}`), [...args, ...flags], { stdio: ['ignore', 'inherit', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (words += text));
  const exited = once(child, 'exit');
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  return {
    /** Waits until it has done its work. */
    async end() {
      const [code] = await bounded(exited, `the end of ${name}`, 30_000).finally(killNow);
      assert.equal(code, 0, words);
    },
    /** Ends it. */
    async stop() {
      child.kill('SIGTERM');
      await bounded(exited, `the end of ${name} after SIGTERM`).finally(killNow);
    },
  };
}

/**
 * @param {readonly number[]} seen
 * @param {readonly number[]} wanted
 */
function assertNear(seen, wanted) {
  const off = wanted.map((part, index) => Math.abs(part - (seen[index] ?? Infinity)));
  assert.ok(Math.max(...off) <= COLOUR, `${seen.join()} is not ${wanted.join()}`);
}
