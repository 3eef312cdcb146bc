// @ts-check
/** Files of media with known pictures and a known tone, made and read by ffmpeg. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pitchOf } from '../page/sound.js';

const run = promisify(execFile);

/** Pictures are read in this size. */
const WIDTH = 160;
const HEIGHT = 90;
const RATE = 48_000;
/** So many samples are looked at together. */
const WINDOW = 4096;

/** The four colours of the picture, from the upper left to the lower right. */
export const QUADRANTS = Object.freeze([
  { place: /** @type {[number, number]} */ ([0.25, 0.25]), colour: [200, 40, 40] },
  { place: /** @type {[number, number]} */ ([0.75, 0.25]), colour: [40, 160, 60] },
  { place: /** @type {[number, number]} */ ([0.25, 0.75]), colour: [40, 60, 200] },
  { place: /** @type {[number, number]} */ ([0.75, 0.75]), colour: [220, 200, 40] },
]);

/**
 * Writes a film of four colours as VP8 in IVF.
 *
 * @param {string} path
 * @param {number} seconds
 */
export async function filmQuadrants(path, seconds) {
  const inputs = QUADRANTS.flatMap(({ colour }) => {
    const hex = colour.map((part) => part.toString(16).padStart(2, '0')).join('');
    return ['-f', 'lavfi', '-i', `color=c=0x${hex}:s=160x90:r=20:d=${seconds}`];
  });
  const stack = '[0][1][2][3]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0,format=yuv420p';
  const encoder = ['-c:v', 'libvpx', '-deadline', 'realtime', '-g', '20', '-b:v', '400k'];
  await ffmpeg([...inputs, '-filter_complex', stack, ...encoder, path]);
}

/**
 * Writes a tone as Opus in Ogg.
 *
 * @param {string} path
 * @param {number} hertz
 * @param {number} seconds
 */
export async function recordTone(path, hertz, seconds) {
  const tone = `sine=frequency=${hertz}:sample_rate=${RATE}:duration=${seconds}`;
  await ffmpeg(['-f', 'lavfi', '-i', tone, '-c:a', 'libopus', '-b:a', '48k', path]);
}

/**
 * The frames of a film, each as red, green and blue bytes, line by line.
 *
 * @param {string} path
 * @returns {Promise<Buffer[]>}
 */
export async function frames(path) {
  const size = WIDTH * HEIGHT * 3;
  const raw = await ffmpeg(['-i', path, '-vf', `scale=${WIDTH}:${HEIGHT}`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-']);
  const count = Math.floor(raw.length / size);
  return Array.from({ length: count }, (_, index) => raw.subarray(index * size, (index + 1) * size));
}

/**
 * The part of a frame, 0 to 1, whose colours fit.
 *
 * @param {Buffer} frame
 * @param {(colour: [number, number, number]) => boolean} fits
 */
export function share(frame, fits) {
  let count = 0;
  for (let at = 0; at < frame.length; at += 3) {
    if (fits([frame.readUInt8(at), frame.readUInt8(at + 1), frame.readUInt8(at + 2)])) count += 1;
  }
  return count / (frame.length / 3);
}

/**
 * The pitch of the loudest moment of a recording, in hertz, and how long it is.
 *
 * @param {string} path
 */
export async function listenToFile(path) {
  const raw = await ffmpeg(['-i', path, '-f', 'f32le', '-ac', '1', '-ar', String(RATE), '-']);
  const samples = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length - (raw.length % 4)));
  /** @type {Float32Array} */
  let best = new Float32Array(WINDOW);
  for (let at = 0; at + WINDOW <= samples.length; at += WINDOW / 4) {
    const window = samples.subarray(at, at + WINDOW);
    if (energy(window) > energy(best)) best = window;
  }
  return { pitch: pitchOf(best, RATE), seconds: samples.length / RATE, energy: energy(best) };
}

/** @param {Float32Array} samples */
function energy(samples) {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

/**
 * @param {string[]} args
 * @returns {Promise<Buffer>} what it wrote to its output
 */
async function ffmpeg(args) {
  const options = /** @type {const} */ ({ encoding: 'buffer', maxBuffer: 512 * 1024 * 1024, timeout: 60_000 });
  const { stdout } = await run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-nostdin', ...args], options);
  return stdout;
}
