// @ts-check
/**
 * Looks at the statistics of the open connection again and again, for figures and for first frames.
 *
 * @import { Source } from './protocol.d.ts'
 * @import { RtcStats } from './types.d.ts'
 */
import { NetworkQuality } from './constants.js';
import { Totals, quality, read } from './stats.js';
import { Watch } from './watch.js';

/** @typedef {import('./watch.js').Watched} Watched */
/** @typedef {Omit<Watched, 'still'> & { source: Source, muted: boolean }} Carried */
/** @typedef {{ uid: number, tx: number, rx: number }} Network */

/** Figures are told this often, in ms. */
const REPORT_MS = 2_000;
/** How often to look while a first frame is awaited, and else, in ms. */
const SOON_MS = 250;
const CALM_MS = 1_000;
/** Remote users whose network is told. */
const MAX_REMOTE = 4;

export class Monitor {
  #hooks;
  #totals = new Totals();
  #watch = new Watch();
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {Carried[]} */
  #carried = [];
  /** @type {Map<number, string>} the size last told of each publication */
  #sizes = new Map();
  #online = false;
  #closed = false;
  #reportDue = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{ sighted: (sighting: import('./watch.js').Sighting) => void,
   *   figures: (stats: RtcStats, networks: Network[]) => void, userCount: () => number }} hooks
   */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** @param {number} connectTime ms from the join call */
  joined(connectTime) {
    const now = performance.now();
    this.#totals.joined(now, connectTime);
    this.#reportDue = now + REPORT_MS;
    this.#online = true;
    this.#again();
  }

  /** @param {boolean} online */
  setOnline(online) {
    this.#online = online;
  }

  /**
   * @param {RTCPeerConnection | null} connection
   * @param {Carried[]} carried what its slots carry
   */
  follow(connection, carried) {
    if (connection !== this.#connection) {
      this.#totals.newConnection();
      this.#watch.clear();
    }
    this.#connection = connection;
    this.#carried = carried;
    for (const id of this.#sizes.keys()) if (!carried.some((item) => item.publication === id)) this.#sizes.delete(id);
    const live = carried.filter(({ muted }) => !muted);
    this.#watch.setSlots(live.map((item) => ({ ...item, still: item.source === 'screen' })));
    if (this.#reportDue > 0) this.#again();
  }

  /**
   * Takes the last figures of the connection that is about to be closed.
   *
   * @param {number} patience ms
   */
  async finish(patience) {
    const late = new Promise((resolve) => setTimeout(resolve, patience));
    await Promise.race([this.#look(), late]);
  }

  /** The figures of the whole stay. */
  report() {
    return this.#totals.report(performance.now(), this.#hooks.userCount());
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #again() {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const pause = this.#watch.waiting ? SOON_MS : CALM_MS;
    const untilReport = Math.max(0, this.#reportDue - performance.now());
    this.#timer = setTimeout(() => void this.#turn(), Math.min(pause, untilReport));
  }

  async #turn() {
    await this.#look();
    const now = performance.now();
    if (!this.#closed && now >= this.#reportDue) this.#tell(now);
    this.#again();
  }

  async #look() {
    const connection = this.#connection;
    // A connection that is being closed has no statistics any more.
    const report = await connection?.getStats().catch(() => null);
    if (!report || connection !== this.#connection) return;
    const entries = [...report.values()];
    this.#totals.add(read(entries));
    if (this.#closed) return;
    for (const sighting of this.#watch.look(performance.now(), entries)) {
      if (sighting.type !== 'resized' || this.#isNews(sighting)) this.#hooks.sighted(sighting);
    }
  }

  /**
   * A picture that comes back after a mute has seldom another size.
   *
   * @param {{ watched: Watched, width: number, height: number }} resized
   */
  #isNews({ watched: { publication }, width, height }) {
    const size = `${width} ${height}`;
    if (this.#sizes.get(publication) === size) return false;
    this.#sizes.set(publication, size);
    return true;
  }

  /** @param {number} now */
  #tell(now) {
    this.#reportDue = Math.max(this.#reportDue + REPORT_MS, now);
    const stats = this.#totals.report(now, this.#hooks.userCount());
    this.#hooks.figures(stats, this.#networks(stats));
  }

  /**
   * @param {RtcStats} stats
   * @returns {Network[]}
   */
  #networks(stats) {
    const { gatewayRtt: rtt, txKBitRate, rxKBitRate, txPacketLossRate, rxPacketLossRate } = stats;
    const rx = quality({ kbitRate: rxKBitRate, lossRate: rxPacketLossRate, rtt });
    const tx = quality({ kbitRate: txKBitRate, lossRate: txPacketLossRate, rtt });
    const local = this.#online ? { uid: 0, tx, rx } : { uid: 0, tx: NetworkQuality.Down, rx: NetworkQuality.Down };
    const uids = [...new Set(this.#carried.map(({ uid }) => uid))].slice(0, MAX_REMOTE);
    // How others send is theirs to tell; what arrives from them shares the way to here.
    return [local, ...uids.map((uid) => ({ uid, tx: NetworkQuality.Unknown, rx: local.rx }))];
  }
}
