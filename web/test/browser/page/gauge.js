// @ts-check
/**
 * Reads, again and again, how the picture and the sound of a user arrive.
 *
 * @typedef {Record<'framesDecoded' | 'keyFramesDecoded' | 'freezeCount' | 'totalFreezesDuration' | 'framesDropped'
 *   | 'packetsReceived' | 'packetsLost' | 'retransmittedPacketsReceived' | 'nackCount' | 'pliCount'
 *   | 'bytesReceived' | 'frameHeight', number>} Picture
 * @typedef {Record<'packetsReceived' | 'packetsLost' | 'concealedSamples' | 'silentConcealedSamples'
 *   | 'totalSamplesReceived' | 'totalAudioEnergy' | 'nackCount' | 'jitterBufferDelay'
 *   | 'jitterBufferEmittedCount', number>} Sound
 * @typedef {{ at: number, picture: Picture, sound: Sound }} Reading `at` in ms of the clock that all pages share
 */

const EVERY_MS = 100;

const PICTURE = /** @type {const} */ ([
  'framesDecoded', 'keyFramesDecoded', 'freezeCount', 'totalFreezesDuration', 'framesDropped', 'packetsReceived',
  'packetsLost', 'retransmittedPacketsReceived', 'nackCount', 'pliCount', 'bytesReceived', 'frameHeight',
]);
const SOUND = /** @type {const} */ ([
  'packetsReceived', 'packetsLost', 'concealedSamples', 'silentConcealedSamples', 'totalSamplesReceived',
  'totalAudioEnergy', 'nackCount', 'jitterBufferDelay', 'jitterBufferEmittedCount',
]);

export class Gauge {
  /** @type {Reading[]} */
  readings = [];

  /** @param {() => Promise<{ picture: any, sound: any[] }>} read what the browser knows now */
  constructor(read) {
    const note = async () => {
      const { picture, sound } = await read().catch(() => ({ picture: null, sound: [] }));
      const at = performance.timeOrigin + performance.now();
      this.readings.push({ at, picture: sum(PICTURE, picture ? [picture] : []), sound: sum(SOUND, sound) });
      setTimeout(note, EVERY_MS);
    };
    void note();
  }
}

/**
 * @template {string} Name
 * @param {readonly Name[]} names
 * @param {any[]} reports
 * @returns {Record<Name, number>}
 */
function sum(names, reports) {
  const total = (/** @type {Name} */ name) => reports.reduce((all, report) => all + (report[name] ?? 0), 0);
  return /** @type {Record<Name, number>} */ (Object.fromEntries(names.map((name) => [name, total(name)])));
}
