// @ts-check
/**
 * Checks of what an application passes in. Everything here is a pure function; a refusal is the code to return.
 *
 * @import { ChannelMediaOptions, LocalAccessPointConfiguration, VideoEncoderConfiguration } from './types.d.ts'
 */
import { ChannelProfileType, ClientRoleType, VideoCodecType } from './constants.js';

const APP_ID = /^[0-9a-fA-F]{32}$/;
const CHANNEL_NAME = /^[A-Za-z0-9 !#$%&()+\-:;<=.>?@[\]^_{}|~,]{1,64}$/;
const MAX_UID = 0xffffffff;
const MAX_NAME_BYTES = 128;
/** The server refuses longer ones as well. */
const MAX_TOKEN_LENGTH = 4096;
/** A version and base64: whatever else cannot be a token. What is inside is the server's business. */
const TOKEN = /^00[67][A-Za-z0-9+/]+={0,2}$/;

/** @param {unknown} appId */
export const isAppId = (appId) => typeof appId === 'string' && APP_ID.test(appId);

/** @param {unknown} channelId */
export const isChannelName = (channelId) => typeof channelId === 'string' && CHANNEL_NAME.test(channelId);

/** @param {unknown} uid */
export const isUid = (uid) => Number.isInteger(uid) && Number(uid) >= 0 && Number(uid) <= MAX_UID;

/** @param {string} token */
export const canBeToken = (token) => token.length <= MAX_TOKEN_LENGTH && TOKEN.test(token);

/** @param {unknown} role */
export const isRole = (role) => role === ClientRoleType.Broadcaster || role === ClientRoleType.Audience;

/** @param {unknown} profile */
export const isProfile = (profile) => Object.values(ChannelProfileType).some((known) => known === profile);

/**
 * The profile on the wire: the old names mean one of the two.
 *
 * @param {number} profile
 * @returns {import('./protocol.d.ts').Profile}
 */
export function wireProfile(profile) {
  const live = profile === ChannelProfileType.LiveBroadcasting || profile === ChannelProfileType.CloudGaming;
  return live ? 'liveBroadcasting' : 'communication';
}

/**
 * @param {number} role
 * @returns {import('./protocol.d.ts').Role}
 */
export const wireRole = (role) => (role === ClientRoleType.Broadcaster ? 'broadcaster' : 'audience');

/** @param {import('./protocol.d.ts').Role} role */
export const roleNumber = (role) => (role === 'broadcaster' ? ClientRoleType.Broadcaster : ClientRoleType.Audience);

const VIDEO_SOURCES = /** @type {const} */ ([
  'publishCameraTrack',
  'publishSecondaryCameraTrack',
  'publishThirdCameraTrack',
  'publishFourthCameraTrack',
  'publishScreenTrack',
  'publishSecondaryScreenTrack',
  'publishThirdScreenTrack',
  'publishFourthScreenTrack',
  'publishScreenCaptureVideo',
  'publishCustomVideoTrack',
  'publishEncodedVideoTrack',
  'publishMediaPlayerVideoTrack',
  'publishTranscodedVideoTrack',
]);

const SCREEN_NAMES = ['publishScreenTrack', 'publishScreenCaptureVideo'];

const FLAGS = [
  ...VIDEO_SOURCES,
  'publishMicrophoneTrack',
  'publishScreenCaptureAudio',
  'publishCustomAudioTrack',
  'autoSubscribeAudio',
  'autoSubscribeVideo',
  'enableAudioRecordingOrPlayout',
];

/**
 * Whether every field that is set has a legal value. Unknown fields are no fault.
 *
 * @param {ChannelMediaOptions} options
 */
export function optionsAreValid(options) {
  if (typeof options !== 'object' || options === null) return false;
  const unset = (/** @type {unknown} */ value) => value === undefined || value === null;
  const flags = FLAGS.every((name) => unset(options[name]) || typeof options[name] === 'boolean');
  const role = unset(options.clientRoleType) || isRole(options.clientRoleType);
  const profile = unset(options.channelProfile) || isProfile(options.channelProfile);
  const level = unset(options.audienceLatencyLevel) || [1, 2].includes(Number(options.audienceLatencyLevel));
  const name = unset(options.displayName) || isDisplayName(options.displayName);
  const token = unset(options.token) || typeof options.token === 'string';
  return flags && role && profile && level && name && token && videoSources(options).length <= 1;
}

/** @param {unknown} name */
export function isDisplayName(name) {
  if (typeof name !== 'string') return false;
  // What the server refuses as well: control characters, and those that turn the direction of text around.
  const harmful = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(name);
  return !harmful && new TextEncoder().encode(name).length <= MAX_NAME_BYTES;
}

/**
 * The video sources that are set to true; the two names of the screen count once.
 *
 * @param {ChannelMediaOptions} options
 */
function videoSources(options) {
  const wanted = VIDEO_SOURCES.filter((name) => options[name] === true);
  return [...new Set(wanted.map((name) => (SCREEN_NAMES.includes(name) ? 'publishScreenTrack' : name)))];
}

/**
 * `base` with the fields of `change` that are set.
 *
 * @param {ChannelMediaOptions} base
 * @param {ChannelMediaOptions} change
 * @returns {ChannelMediaOptions}
 */
export function mergeOptions(base, change) {
  const set = Object.entries(change).filter(([, value]) => value !== undefined && value !== null);
  return { ...base, ...Object.fromEntries(set) };
}

/**
 * What a connection publishes and receives: the options with their defaults filled in.
 *
 * @param {ChannelMediaOptions} options
 */
export function effectiveOptions(options) {
  const screen = Boolean(options.publishScreenTrack || options.publishScreenCaptureVideo);
  return {
    camera: options.publishCameraTrack ?? videoSources(options).length === 0,
    microphone: options.publishMicrophoneTrack ?? true,
    screen,
    screenAudio: options.publishScreenCaptureAudio ?? screen,
    subscribeAudio: options.autoSubscribeAudio ?? true,
    subscribeVideo: options.autoSubscribeVideo ?? true,
    audioDevices: options.enableAudioRecordingOrPlayout ?? true,
  };
}

/**
 * Whether an encoder configuration is one.
 *
 * @param {VideoEncoderConfiguration} config
 */
export function encoderIsValid(config) {
  if (typeof config !== 'object' || config === null) return false;
  const { codecType, dimensions, frameRate, bitrate, degradationPreference } = config;
  const within = (/** @type {unknown} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
    value === undefined || (typeof value === 'number' && value >= low && value <= high);
  const sized = dimensions === undefined || (isSize(dimensions.width) && isSize(dimensions.height));
  const codec = codecType === undefined || Object.values(VideoCodecType).some((known) => known === codecType);
  const preferences = [undefined, 'balanced', 'maintain-framerate', 'maintain-resolution'];
  // Negative bitrates are the reference's names for "standard" and "compatible".
  return codec && sized && within(frameRate, 1, 60) && within(bitrate, -1, 100_000) &&
    preferences.includes(degradationPreference);
}

/** @param {unknown} pixels */
const isSize = (pixels) => Number.isInteger(pixels) && Number(pixels) >= 16 && Number(pixels) <= 8192;

/**
 * The signalling address of an access point.
 *
 * @param {string} accessPoint an `http`, `https`, `ws` or `wss` URL
 * @returns {string | null} null when it is none
 */
export function signalUrl(accessPoint) {
  const schemes = new Map([['http:', 'ws:'], ['https:', 'wss:'], ['ws:', 'ws:'], ['wss:', 'wss:']]);
  const url = URL.canParse(accessPoint) ? new URL(accessPoint) : null;
  const scheme = url && schemes.get(url.protocol);
  return scheme ? `${scheme}//${url.host}/v1/signal` : null;
}

/**
 * The signalling addresses of a local access point, in the order in which they are tried.
 *
 * @param {LocalAccessPointConfiguration} config
 * @param {boolean} securePage whether the page itself came over TLS, which rules the default
 * @returns {string[] | null} null when the configuration is none
 */
export function localAccessPointUrls(config, securePage) {
  if (typeof config !== 'object' || config === null) return null;
  const hosts = [...(config.ipList ?? []), ...(config.domainList ?? [])];
  if (hosts.length === 0 || !hosts.every((host) => typeof host === 'string' && host !== '')) return null;
  const scheme = (config.advancedConfig?.secure ?? securePage) ? 'https' : 'http';
  const urls = hosts.map((host) => signalUrl(`${scheme}://${withPort(host, config.advancedConfig?.port)}`));
  const known = urls.filter((url) => url !== null);
  return known.length === urls.length ? known : null;
}

/**
 * @param {string} host
 * @param {number | undefined} port
 */
function withPort(host, port) {
  const bare = host.includes(':') && !host.startsWith('[') && host.split(':').length > 2 ? `[${host}]` : host;
  const hasPort = /:\d+$/.test(bare) && !bare.endsWith(']');
  return port && !hasPort ? `${bare}:${port}` : bare;
}
