// @ts-check
/** Names of what stands in a token. */

/**
 * @typedef {object} ServiceKind
 * @property {string} key as in the vectors
 * @property {string} name
 * @property {[key: string, label: string][]} fields texts behind the privileges
 * @property {Record<number, string>} privileges
 */

/** @type {Readonly<Record<number, ServiceKind>>} */
export const SERVICES = Object.freeze({
  1: {
    key: 'rtc',
    name: 'RTC',
    fields: [['channel', 'Channel'], ['uid', 'uid']],
    privileges: { 1: 'join the channel', 2: 'publish audio', 3: 'publish video', 4: 'publish data' },
  },
  2: { key: 'rtm', name: 'RTM', fields: [['user_id', 'User']], privileges: { 1: 'log in' } },
  3: {
    key: 'streaming',
    name: 'Streaming',
    fields: [['channel', 'Channel'], ['account', 'Account']],
    privileges: { 1: 'publish a mixed stream', 2: 'publish a raw stream' },
  },
  4: { key: 'fpa', name: 'FPA', fields: [], privileges: { 1: 'log in' } },
  5: { key: 'chat', name: 'Chat', fields: [['user_id', 'User']], privileges: { 1: 'be a user', 2: 'be the app' } },
  6: {
    key: 'fcdn',
    name: 'FCDN',
    fields: [['channel', 'Channel'], ['account', 'Account']],
    privileges: { 1: 'publish', 2: 'play' },
  },
  7: {
    key: 'apaas',
    name: 'APaaS (Education)',
    fields: [['room_uuid', 'Room'], ['user_uuid', 'User']],
    privileges: { 1: 'be in a room', 2: 'be a user', 3: 'be the app' },
  },
  8: { key: 'rtm2', name: 'RTM2', fields: [['user_id', 'User']], privileges: { 1: 'log in' } },
  9: { key: 'convoai', name: 'ConvoAI', fields: [], privileges: {} },
  10: { key: 'stt', name: 'STT', fields: [], privileges: {} },
});

/** Privileges of the older format, which has no services. @type {Readonly<Record<number, string>>} */
export const PRIVILEGES_006 = Object.freeze({
  ...SERVICES[1]?.privileges,
  101: 'administrate the channel',
  1000: 'log in to RTM',
});

/** @type {Readonly<Record<number, string>>} */
export const RESOURCES = Object.freeze({
  0: 'message channels',
  1: 'stream channels',
  2: 'group channels',
  3: 'server groups',
  4: 'users',
});

/** @type {Readonly<Record<number, string>>} */
export const ACTIONS = Object.freeze({ 0: 'read', 1: 'write' });
