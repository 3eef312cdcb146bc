// @ts-check
/**
 * What runs in the page of a test: the real SDK, every event that it tells, and eyes and ears for what arrives.
 *
 * @typedef {{ name: string, args: any[], at: number }} Told an event; the connection is left out of `args`, `at` is in
 *   milliseconds of the clock that all pages of a machine share
 */
import { Flow, countPackets } from './flow.js';
import { Frames } from './frames.js';
import { Gauge } from './gauge.js';
import { lookAt } from './picture.js';
import { listenTo } from './sound.js';

const TILE_WIDTH = 320;
/** Told every few moments and of no interest to any story. */
const CHATTER = new Set(['onRtcStats', 'onNetworkQuality', 'onAudioVolumeIndication']);

/** @type {typeof import('../../../sdk/index.js')} */
const sdk = await import(/** @type {string} */ ('/sdk/index.js'));

const now = () => performance.timeOrigin + performance.now();

class Caller {
  engine = sdk.createAgoraRtcEngine();
  /** @type {Told[]} */
  told = [];
  /** @type {Set<() => void>} called after every event */
  #waiting = new Set();
  /** @type {Map<number, HTMLVideoElement>} */
  #tiles = new Map();
  /** @type {Map<number, Frames>} */
  #frames = new Map();
  /** @type {Flow | null} */
  #flow = null;
  /** @type {Gauge | null} */
  #gauge = null;
  /** Run when an event of this name is told, before anything else. @type {Map<string, () => void>} */
  #reactions = new Map();

  /** @param {import('../../../sdk/types.d.ts').RtcEngineContext} context */
  start(context) {
    const eventHandler = new Proxy({}, {
      get: (_, name) => (/** @type {any[]} */ ...args) => this.#tell(String(name), args),
    });
    const code = this.engine.initialize({ ...context, eventHandler });
    this.engine.enableVideo();
    return code;
  }

  /**
   * The first event of this name since `from` whose arguments begin with these; waits for it.
   *
   * @param {string} name
   * @param {any[]} args null: anything
   * @param {number} from counts events
   * @param {number} within in ms
   * @returns {Promise<Told>}
   */
  async expect(name, args, from, within) {
    const fits = (/** @type {Told} */ told) =>
      told.name === name && args.every((arg, index) => arg === null || arg === told.args[index]);
    const find = () => this.told.slice(from).find(fits);
    return find() ?? new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(null), within);
      const look = () => done(find() ?? null, true);
      this.#waiting.add(look);
      const done = (/** @type {Told | null} */ told, goOn = false) => {
        if (!told && goOn) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (told) resolve(told);
        else reject(new Error(`${name}(${args.map((arg) => arg ?? '…').join(', ')}): not within ${within} ms`));
      };
    });
  }

  /**
   * Renews with this token as soon as the event is told.
   *
   * @param {string} name
   * @param {string} token
   */
  renewOn(name, token) {
    this.#reactions.set(name, () => {
      this.#reactions.delete(name);
      this.engine.renewToken(token);
    });
  }

  /** @param {number} uid */
  look(uid) {
    return lookAt(this.#tile(uid));
  }

  /**
   * The colours at these places of a remote picture, each 0 to 1 from the left and from the top.
   *
   * @param {number} uid
   * @param {[number, number][]} places
   */
  colours(uid, places) {
    return lookAt(this.#tile(uid), places).places;
  }

  /**
   * Notes when each frame of a remote picture is shown, from now on.
   *
   * @param {number} uid
   */
  watchFrames(uid) {
    this.#frames.set(uid, new Frames(this.#tile(uid)));
  }

  /** @param {number} uid */
  frameTimes(uid) {
    return this.#frames.get(uid)?.times ?? [];
  }

  /**
   * The pitch of what is heard, in hertz; 0 for silence.
   *
   * @param {number} forMs
   */
  async pitch(forMs) {
    const receivers = this.#connection.getReceivers().filter(({ track }) => track.kind === 'audio');
    for (const { track } of receivers) {
      const { packetsReceived = 0 } = (await this.#inboundOf(track)) ?? {};
      if (packetsReceived > 0) return listenTo(track, forMs);
    }
    throw new Error('no sound arrives');
  }

  /**
   * Figures of the picture that is shown for a user.
   *
   * @param {number} uid
   */
  async video(uid) {
    const stream = /** @type {MediaStream | null} */ (this.#tile(uid).srcObject);
    const track = stream?.getVideoTracks()[0];
    const figures = track ? await this.#inboundOf(track) : undefined;
    return figures ? { ...figures, codec: await this.#codec(figures.codecId) } : null;
  }

  /** Figures of every sound that arrives. */
  async sounds() {
    const inbound = await this.#stats('inbound-rtp');
    return inbound.filter(({ kind, packetsReceived }) => kind === 'audio' && packetsReceived > 0);
  }

  /** Figures of everything that is sent. */
  async sent() {
    const outbound = await this.#stats('outbound-rtp');
    return Promise.all(outbound.map(async (figures) => ({ ...figures, codec: await this.#codec(figures.codecId) })));
  }

  packets() {
    return countPackets(this.#connection);
  }

  /** Counts packets again and again, from now on. */
  watchFlow() {
    this.#flow = new Flow(this.#connection);
  }

  flow() {
    return this.#flow?.counts ?? [];
  }

  /**
   * Reads how a user's picture and all sound arrive, again and again from now on.
   *
   * @param {number} uid
   */
  watchArrival(uid) {
    this.#gauge = new Gauge(async () => ({ picture: await this.video(uid), sound: await this.sounds() }));
  }

  /** @param {number} from so many readings are known already */
  arrival(from) {
    return this.#gauge?.readings.slice(from) ?? [];
  }

  /** How the packets travel, and how they are encrypted. */
  async transport() {
    const [transport] = await this.#stats('transport');
    const find = async (/** @type {string} */ type, /** @type {string} */ id) =>
      (await this.#stats(type)).find((one) => one.id === id);
    const pair = transport && (await find('candidate-pair', transport.selectedCandidatePairId));
    const local = pair && (await find('local-candidate', pair.localCandidateId));
    const remote = pair && (await find('remote-candidate', pair.remoteCandidateId));
    return { ...transport, local, remote };
  }

  /** @param {string} type */
  async #stats(type) {
    /** @type {any[]} */
    const found = [];
    const report = await this.engine.getRtcPeerConnection()?.getStats();
    report?.forEach((one) => {
      if (one.type === type) found.push(one);
    });
    return found;
  }

  /** @param {MediaStreamTrack} track */
  async #inboundOf(track) {
    return (await this.#stats('inbound-rtp')).find((one) => one.trackIdentifier === track.id);
  }

  /** @param {string | undefined} id */
  async #codec(id) {
    return (await this.#stats('codec')).find((one) => one.id === id)?.mimeType ?? '';
  }

  get #connection() {
    const connection = this.engine.getRtcPeerConnection();
    if (!connection) throw new Error('there is no connection now');
    return connection;
  }

  /** @param {number} uid */
  #tile(uid) {
    const known = this.#tiles.get(uid);
    if (known) return known;
    const tile = document.createElement('video');
    tile.title = String(uid);
    tile.width = TILE_WIDTH;
    document.body.append(tile);
    this.#tiles.set(uid, tile);
    this.engine.setupRemoteVideo({ uid, view: tile });
    return tile;
  }

  /**
   * @param {string} name
   * @param {any[]} args
   */
  #tell(name, args) {
    if (CHATTER.has(name)) return;
    const [first, ...rest] = args;
    const aboutConnection = typeof first === 'object' && first !== null && 'channelId' in first;
    this.told.push({ name, args: aboutConnection ? rest : args, at: now() });
    this.#reactions.get(name)?.();
    if (name === 'onUserJoined') this.#tile(rest[0]);
    for (const look of [...this.#waiting]) look();
  }
}

Object.assign(globalThis, { caller: new Caller() });
