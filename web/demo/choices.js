// @ts-check
/**
 * What the visitor chose before joining: from the address, from last time, and back into a link. Pure.
 */

/**
 * @typedef {object} Choices
 * @property {string} channel
 * @property {string} name
 * @property {string} uid empty: the network gives one
 * @property {'speak' | 'listen'} role
 * @property {string} life seconds, empty: the server's default
 * @property {string} appId empty: the server's
 * @property {boolean} mic
 * @property {boolean} camera
 * @property {boolean} autoRenew
 * @property {boolean} shortcuts
 * @property {string} cameraId
 * @property {string} micId
 */

/** @type {Readonly<Choices>} */
export const DEFAULTS = Object.freeze({
  channel: '',
  name: '',
  uid: '',
  role: 'speak',
  life: '',
  appId: '',
  mic: true,
  camera: true,
  autoRenew: true,
  shortcuts: true,
  cameraId: '',
  micId: '',
});

/**
 * Last time's choices. Whatever is not of the right kind is left at its default: the store may hold anything.
 *
 * @param {string | null} text
 * @returns {Choices}
 */
export function fromStore(text) {
  /** @type {Record<string, unknown>} */
  let kept = {};
  try {
    const parsed = JSON.parse(text ?? '{}');
    if (typeof parsed === 'object' && parsed !== null) kept = parsed;
  } catch {
    // Not ours, or damaged: as if there were none.
  }
  const known = Object.entries(kept).filter(([key, value]) => isKnown(key, value));
  return { ...DEFAULTS, ...Object.fromEntries(known) };
}

/**
 * What the address asks for: `?channel=…&role=listen&name=…&uid=…&life=…&mic=off&camera=off&autorenew=off`.
 *
 * @param {string} search
 * @returns {Partial<Choices>}
 */
export function fromAddress(search) {
  const params = new URLSearchParams(search);
  /** @type {Partial<Choices>} */
  const asked = {};
  for (const key of /** @type {const} */ (['channel', 'name', 'uid', 'life', 'appId'])) {
    const value = params.get(key);
    if (value !== null) asked[key] = value;
  }
  const role = params.get('role');
  if (role !== null) asked.role = LISTENING.has(role.toLowerCase()) ? 'listen' : 'speak';
  const off = (/** @type {string} */ key) => params.get(key) === 'off';
  if (off('mic')) asked.mic = false;
  if (off('camera')) asked.camera = false;
  if (off('autorenew')) asked.autoRenew = false;
  return asked;
}

/**
 * The link that brings someone else here.
 *
 * @param {string} origin
 * @param {string} channel
 */
export function shareLink(origin, channel) {
  return `${origin}/?${new URLSearchParams({ channel })}`;
}

/**
 * What is wrong with the fields, by field; an empty object when nothing is.
 *
 * @param {{channel: string, uid: string, life: string, appId: string}} fields
 * @returns {Partial<Record<'channel' | 'uid' | 'life' | 'appId', string>>}
 */
export function faults({ channel, uid, life, appId }) {
  /** @type {Partial<Record<'channel' | 'uid' | 'life' | 'appId', string>>} */
  const found = {};
  const channelFault = faultOfChannel(channel);
  if (channelFault) found.channel = channelFault;
  if (uid !== '' && !isWhole(uid, 0, 0xffffffff)) found.uid = 'A whole number from 1 to 4294967295, or nothing.';
  if (life !== '' && !isWhole(life, 1, 86_400)) found.life = 'Seconds, from 1 to 86400 (one day), or nothing.';
  if (appId !== '' && !/^[0-9a-f]{32}$/i.test(appId)) found.appId = 'An App ID is 32 hexadecimal characters.';
  return found;
}

/** @param {string} channel */
function faultOfChannel(channel) {
  if (channel === '') return 'Give the channel a name.';
  const odd = [...channel].find((sign) => !CHANNEL_SIGN.test(sign));
  if (odd !== undefined) return `A channel name cannot hold “${odd}”.`;
  return channel.length > 64 ? 'A channel name has at most 64 characters.' : '';
}

/**
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
function isWhole(text, least, most) {
  return /^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most;
}

/**
 * @param {string} key
 * @param {unknown} value
 */
function isKnown(key, value) {
  if (!Object.hasOwn(DEFAULTS, key)) return false;
  if (key === 'role') return value === 'speak' || value === 'listen';
  return typeof value === typeof DEFAULTS[/** @type {keyof Choices} */ (key)];
}

const LISTENING = new Set(['listen', 'listener', 'audience', 'subscriber', '2']);
const CHANNEL_SIGN = /^[A-Za-z0-9 !#$%&()+\-:;<=.>?@[\]^_{}|~,]$/;
