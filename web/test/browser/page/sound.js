// @ts-check
/** Listens to a sound. */

/** What is softer than this (1 is full scale) is silence. */
const SILENCE = 0.01;
const LOWEST_HZ = 80;
const HIGHEST_HZ = 1500;

/**
 * The pitch of the loudest moment, in hertz; 0 for silence.
 *
 * @param {MediaStreamTrack} track
 * @param {number} forMs how long to listen
 */
export async function listenTo(track, forMs) {
  const context = new AudioContext();
  try {
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 4096 });
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = await loudest(analyser, forMs);
    return level(samples) < SILENCE ? 0 : pitchOf(samples, context.sampleRate);
  } finally {
    await context.close();
  }
}

/**
 * @param {AnalyserNode} analyser
 * @param {number} forMs
 */
async function loudest(analyser, forMs) {
  const end = performance.now() + forMs;
  let best = new Float32Array(analyser.fftSize);
  while (performance.now() < end) {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    if (level(samples) > level(best)) best = samples;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return best;
}

/** @param {Float32Array} samples */
function level(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/**
 * The first strong peak of the autocorrelation, sharpened between the samples by a parabola.
 *
 * @param {Float32Array} samples
 * @param {number} rate samples a second
 */
export function pitchOf(samples, rate) {
  const likeness = (/** @type {number} */ lag) => {
    let sum = 0;
    for (let index = lag; index < samples.length; index++) sum += Number(samples[index]) * Number(samples[index - lag]);
    return sum;
  };
  const whole = likeness(0);
  const longest = Math.min(Math.floor(rate / LOWEST_HZ), samples.length);
  for (let lag = Math.ceil(rate / HIGHEST_HZ); lag < longest; lag++) {
    const [before, here, after] = [likeness(lag - 1), likeness(lag), likeness(lag + 1)];
    if (here > 0.5 * whole && here >= before && here > after) {
      const shift = (after - before) / (2 * (2 * here - before - after));
      return rate / (lag + shift);
    }
  }
  return 0;
}
