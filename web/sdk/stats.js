// @ts-check
/**
 * Figures of a stay in a channel: sums over all its connections, rates, and how good the network is.
 *
 * @import { RtcStats } from './types.d.ts'
 */
import { NetworkQuality } from './constants.js';

/** @typedef {'txAudioBytes' | 'txVideoBytes' | 'rxAudioBytes' | 'rxVideoBytes'} ByteCount */
/** @typedef {Record<ByteCount, number> & Record<'rxPackets' | 'rxLost', number>} Counts */

/**
 * One reading of a connection.
 *
 * @typedef {object} Reading
 * @property {Counts} counts since the connection was made
 * @property {number} rtt ms
 * @property {number} txLoss 0 to 1
 */

const ZERO = Object.freeze({
  txAudioBytes: 0,
  txVideoBytes: 0,
  rxAudioBytes: 0,
  rxVideoBytes: 0,
  rxPackets: 0,
  rxLost: 0,
});

const NAMES = /** @type {(keyof Counts)[]} */ (Object.keys(ZERO));

/** Sums of a stay. Connections come and go; the sums only rise. */
export class Totals {
  /** @type {Counts} */
  #sums = { ...ZERO };
  /** @type {Counts} the last reading of the connection that is open now */
  #last = { ...ZERO };
  /** @type {Counts} the sums at the last report */
  #reported = { ...ZERO };
  #reportedAt = 0;
  #rtt = 0;
  #txLoss = 0;
  #joinedAt = 0;
  #connectTime = 0;

  /**
   * @param {number} now ms
   * @param {number} connectTime ms from the join call
   */
  joined(now, connectTime) {
    this.#joinedAt = now;
    this.#reportedAt = now;
    this.#connectTime = connectTime;
  }

  /** Another connection follows, which counts from zero. */
  newConnection() {
    this.#last = { ...ZERO };
  }

  /** @param {Reading} reading */
  add({ counts, rtt, txLoss }) {
    for (const name of NAMES) this.#sums[name] += Math.max(0, counts[name] - this.#last[name]);
    this.#last = counts;
    this.#rtt = rtt;
    this.#txLoss = txLoss;
  }

  /**
   * The figures for an event. Rates count from the last report.
   *
   * @param {number} now ms
   * @param {number} userCount
   * @returns {RtcStats}
   */
  report(now, userCount) {
    const sums = { ...this.#sums };
    const before = this.#reported;
    const seconds = Math.max((now - this.#reportedAt) / 1000, 0.001);
    const rate = (/** @type {ByteCount} */ name) => Math.round(((sums[name] - before[name]) * 8) / 1000 / seconds);
    const lost = sums.rxLost - before.rxLost;
    const expected = sums.rxPackets - before.rxPackets + lost;
    this.#reported = sums;
    this.#reportedAt = now;
    const rates = {
      txAudioKBitRate: rate('txAudioBytes'),
      txVideoKBitRate: rate('txVideoBytes'),
      rxAudioKBitRate: rate('rxAudioBytes'),
      rxVideoKBitRate: rate('rxVideoBytes'),
    };
    return {
      duration: this.#joinedAt === 0 ? 0 : Math.round((now - this.#joinedAt) / 1000),
      txBytes: sums.txAudioBytes + sums.txVideoBytes,
      rxBytes: sums.rxAudioBytes + sums.rxVideoBytes,
      txAudioBytes: sums.txAudioBytes,
      txVideoBytes: sums.txVideoBytes,
      rxAudioBytes: sums.rxAudioBytes,
      rxVideoBytes: sums.rxVideoBytes,
      txKBitRate: rates.txAudioKBitRate + rates.txVideoKBitRate,
      rxKBitRate: rates.rxAudioKBitRate + rates.rxVideoKBitRate,
      ...rates,
      gatewayRtt: Math.round(this.#rtt),
      lastmileDelay: Math.round(this.#rtt),
      txPacketLossRate: Math.round(this.#txLoss * 100),
      rxPacketLossRate: expected > 0 ? Math.round((100 * Math.max(0, lost)) / expected) : 0,
      userCount,
      connectTimeMs: Math.round(this.#connectTime),
      cpuAppUsage: 0,
      cpuTotalUsage: 0,
    };
  }
}

/**
 * Reads a statistics report of the browser.
 *
 * @param {Iterable<any>} entries
 * @returns {Reading}
 */
export function read(entries) {
  /** @type {Reading} */
  const reading = { counts: { ...ZERO }, rtt: 0, txLoss: 0 };
  for (const entry of entries) READERS.get(entry.type)?.(reading, entry);
  return reading;
}

/** @type {Map<string, (reading: Reading, entry: any) => void>} */
const READERS = new Map([
  ['inbound-rtp', ({ counts }, { kind, bytesReceived = 0, packetsReceived = 0, packetsLost = 0 }) => {
    counts[kind === 'audio' ? 'rxAudioBytes' : 'rxVideoBytes'] += bytesReceived;
    counts.rxPackets += packetsReceived;
    counts.rxLost += packetsLost;
  }],
  ['outbound-rtp', ({ counts }, { kind, bytesSent = 0 }) => {
    counts[kind === 'audio' ? 'txAudioBytes' : 'txVideoBytes'] += bytesSent;
  }],
  ['remote-inbound-rtp', (reading, { fractionLost = 0 }) => {
    reading.txLoss = Math.max(reading.txLoss, fractionLost);
  }],
  ['candidate-pair', (reading, { nominated, state, currentRoundTripTime = 0 }) => {
    if (nominated && state === 'succeeded') reading.rtt = currentRoundTripTime * 1000;
  }],
]);

/**
 * How good one direction is.
 *
 * @param {{ kbitRate: number, lossRate: number, rtt: number }} figures whole percents and ms
 */
export function quality({ kbitRate, lossRate, rtt }) {
  if (kbitRate === 0) return NetworkQuality.Unknown;
  const step = STEPS.find(({ loss, delay }) => lossRate <= loss && rtt <= delay);
  return step?.quality ?? NetworkQuality.VeryBad;
}

const STEPS = [
  { loss: 1, delay: 120, quality: NetworkQuality.Excellent },
  { loss: 3, delay: 250, quality: NetworkQuality.Good },
  { loss: 8, delay: 400, quality: NetworkQuality.Poor },
  { loss: 20, delay: 800, quality: NetworkQuality.Bad },
];
