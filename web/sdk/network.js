// @ts-check
/** What the device is connected by, as far as the browser tells. */
import { NetworkType } from './constants.js';

/**
 * @typedef {object} Connection the part of the Network Information API that is used here
 * @property {string} [type]
 * @property {string} [effectiveType]
 */

/**
 * @param {{ onLine?: boolean, connection?: Connection }} navigator
 * @returns {number} a `NetworkType`; desktop browsers mostly know only whether there is a network
 */
export function networkType({ onLine, connection }) {
  if (onLine === false) return NetworkType.Disconnected;
  switch (connection?.type) {
    case 'none': return NetworkType.Disconnected;
    case 'ethernet': return NetworkType.Lan;
    case 'wifi': return NetworkType.Wifi;
    case 'cellular': return GENERATIONS.get(connection.effectiveType ?? '') ?? NetworkType.Unknown;
    default: return NetworkType.Unknown;
  }
}

/** What a cellular network is worth, by the word that browsers have for it. @type {Map<string, number>} */
const GENERATIONS = new Map([
  ['slow-2g', NetworkType.Mobile2G],
  ['2g', NetworkType.Mobile2G],
  ['3g', NetworkType.Mobile3G],
  ['4g', NetworkType.Mobile4G],
]);

/** Tells each change once. What is unknown at first is not told. */
export class NetworkWatch {
  /** @type {number} */
  #told = NetworkType.Unknown;
  #tell;
  #check = () => this.#look();

  /** @param {(type: number) => void} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  listen() {
    this.#sources((target, event) => target.addEventListener(event, this.#check));
    this.#look();
  }

  close() {
    this.#sources((target, event) => target.removeEventListener(event, this.#check));
  }

  #look() {
    const type = networkType(globalThis.navigator ?? {});
    if (type === this.#told) return;
    this.#told = type;
    this.#tell(type);
  }

  /** @param {(target: EventTarget, event: string) => void} act */
  #sources(act) {
    const { navigator } = /** @type {{ navigator?: { connection?: unknown } }} */ (globalThis);
    if (navigator?.connection instanceof EventTarget) act(navigator.connection, 'change');
    if (!('addEventListener' in globalThis)) return;
    for (const event of ['online', 'offline']) act(/** @type {any} */ (globalThis), event);
  }
}
