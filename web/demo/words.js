// @ts-check
/**
 * What the page says when something does not work: what happened, why, and what to do next. Pure.
 *
 * The network's own text names the field that did not match, so it is always shown; the words here are the heading
 * above it and the way on below it.
 */

/**
 * What the visitor can do next. `token`: fetch a new token and go on; `retry`: the same again; `back`: change something
 * in the form.
 *
 * @typedef {'token' | 'retry' | 'back'} Way
 */

/**
 * @typedef {object} Refusal
 * @property {string} title
 * @property {string} detail what did not match
 * @property {string} advice what to do next
 * @property {string} code small print for whoever asks for help
 * @property {Way} way
 */

/**
 * @param {{code: number, reason: number, text: string, channel: string, uid?: number, pasted?: boolean,
 *   fetches?: boolean}} end
 *   `code` of the last error (0: none), `reason` of the last state, `pasted` when the visitor brought the token,
 *   `fetches` when the page can get one
 * @returns {Refusal}
 */
export function refusal({ code, reason, text, channel, uid = 0, pasted = false, fetches = true }) {
  const known = ENDS.find((end) => end.is(code, reason)) ?? UNKNOWN;
  const token = known === BAD_TOKEN ? tokenFault(text, channel, uid) : null;
  return {
    title: token?.title ?? known.title(channel),
    detail: sentence(text) || known.detail,
    advice: token ? adviceForToken(token, pasted) : known.advice,
    code: smallPrint(code, reason),
    way: reason === NO_TOKEN && !fetches ? 'back' : possible(token?.way ?? known.way, fetches && !pasted),
  };
}

/**
 * A new token is only on the way where the page can get one; who brings tokens brings the next one to the form.
 *
 * @param {Way} way
 * @param {boolean} gets
 * @returns {Way}
 */
const possible = (way, gets) => (way === 'token' && !gets ? 'back' : way);

/**
 * The words for a renewal that failed.
 *
 * @param {number} code the result of `onRenewTokenResult`
 * @returns {string} empty when it did not fail
 */
export function renewalFault(code) {
  return RENEWALS.get(code) ?? (code === 0 || code === OVERTAKEN ? '' : `The new token was refused (${code}).`);
}

/**
 * The words for a call that the engine refuses at once with a negative number.
 *
 * @param {number} code
 */
export function callFault(code) {
  return CALLS.get(Math.abs(code)) ?? `The engine refused this (${code}).`;
}

/**
 * The line on the banner while the connection is being brought back.
 *
 * @param {number} reason
 */
export function reconnecting(reason) {
  return BREAKS.get(reason) ?? 'Connection interrupted. Coming back by itself…';
}

/**
 * Why there is no picture or sound from a local device, and what helps.
 *
 * @param {'camera' | 'microphone'} device
 * @param {import('./state.js').DeviceFault} fault
 */
export function deviceFault(device, fault) {
  switch (fault) {
    case 'refused':
      return `The ${device} is blocked. Allow it beside the address bar.`;
    case 'absent':
      return `No ${device} was found.`;
    case 'busy':
      return `Another program uses the ${device}. Close it there.`;
    case 'insecure':
      return `The browser gives no ${device} to this page: open it over https, or on the server’s own machine.`;
    default:
      return `The ${device} could not be started.`;
  }
}

/**
 * Up to two letters that stand for someone.
 *
 * @param {string} name
 */
export function initials(name) {
  const letters = name.split(/\s+/).flatMap((word) => word.match(/[\p{L}\p{N}]/u) ?? []);
  const first = letters[0] ?? '?';
  const last = letters.length > 1 ? letters.at(-1) : '';
  return `${first}${last}`.toLocaleUpperCase();
}

/**
 * How many people are here, in words.
 *
 * @param {number} speakers
 * @param {number} listeners
 */
export function headcount(speakers, listeners) {
  const here = `${speakers} on stage`;
  return listeners === 0 ? here : `${here}, ${listeners} listening`;
}

/**
 * @typedef {object} End
 * @property {(code: number, reason: number) => boolean} is
 * @property {(channel: string) => string} title
 * @property {string} detail where the network gave no text
 * @property {string} advice
 * @property {Way} way
 */

/** @type {End} */
const BAD_TOKEN = {
  is: (code, reason) => code === 110 || reason === 8,
  title: (channel) => `The token does not open “${channel}”`,
  detail: 'The token does not fit.',
  advice: 'Get a new token for exactly this App ID, channel and uid.',
  way: 'back',
};

/** Reasons of the page's own, beside those of the network: no token could be had. */
export const NO_TOKEN = -1;
/** The engine did not even try. */
export const ENGINE_REFUSED = -2;

/** @type {End[]} The first that fits counts. */
const ENDS = [
  {
    is: (_code, reason) => reason === NO_TOKEN,
    title: (channel) => `No token for “${channel}”`,
    detail: 'The token server gave none.',
    advice: 'A channel is entered with a token. Try again, or paste one of your own under “Advanced”.',
    way: 'retry',
  },
  {
    is: (code, reason) => reason === ENGINE_REFUSED && code === 3,
    title: () => 'This browser cannot make calls',
    detail: 'It has no WebRTC, or it is switched off.',
    advice: 'Open this page in another browser.',
    way: 'back',
  },
  {
    is: (code, reason) => code === 109 || reason === 9,
    title: () => 'This token has ended',
    detail: 'Every token has an end, and this one’s has passed.',
    advice: 'Get a new token and come in with it.',
    way: 'token',
  },
  BAD_TOKEN,
  {
    is: (code, reason) => code === 101 || reason === 6,
    title: () => 'This server does not know the App ID',
    detail: 'No app with this App ID is set up on this server.',
    advice: 'Check the App ID under “Advanced”, or leave it empty to use the server’s own.',
    way: 'back',
  },
  {
    is: (code, reason) => code === 102 || reason === 7,
    title: () => 'This channel name is not possible',
    detail: 'The channel name holds a sign that is not allowed, or is too long.',
    advice: 'Use 1 to 64 letters, digits, spaces and common signs.',
    way: 'back',
  },
  {
    is: (code, reason) => code === 103 || reason === 20,
    title: (channel) => `“${channel}” is full`,
    detail: 'There are as many speakers in the channel as it takes.',
    advice: 'Come in as a listener, or try again when somebody has left.',
    way: 'back',
  },
  {
    is: (code, reason) => code === 123 || reason === 3,
    title: (channel) => `You cannot be in “${channel}” now`,
    detail: 'A rule of the operator keeps you out.',
    advice: 'Ask whoever runs this server.',
    way: 'back',
  },
  {
    is: (_code, reason) => reason === 19,
    title: () => 'You are in this channel somewhere else',
    detail: 'Somebody joined with the same uid, and the newest one stays.',
    advice: 'If that was you, go on there. Otherwise come in with another uid.',
    way: 'back',
  },
  {
    is: (code, reason) => code === 17 || reason === 10,
    title: () => 'The server refused the join',
    detail: 'The server gave no more words than that.',
    advice: 'Wait a minute and try again, or use another uid.',
    way: 'retry',
  },
  {
    is: (_code, reason) => reason === 4,
    title: () => 'The server could not be reached',
    detail: 'Nobody answered for a long time.',
    advice: 'Check your network and that the server runs, then try again.',
    way: 'retry',
  },
];

/** @type {End} */
const UNKNOWN = {
  is: () => true,
  title: () => 'The call has ended',
  detail: 'Something went wrong that this page has no words for.',
  advice: 'Try again.',
  way: 'retry',
};

/**
 * @typedef {object} TokenFault
 * @property {RegExp} says found in the network's text
 * @property {(channel: string, uid: number) => string} heading
 * @property {string} advice
 * @property {Way} [way]
 */

/** @type {TokenFault[]} What an invalid token can have wrong; the first that fits the text counts. */
const TOKEN_FAULTS = [
  {
    says: /another channel|channel/i,
    heading: (channel) => `This token was made for another channel than “${channel}”`,
    advice: 'Channel names are compared letter by letter. Get a token for this very channel.',
  },
  {
    says: /another user|\buid\b|\buser\b/i,
    heading: (_channel, uid) => `This token was made for another uid${uid ? ` than ${uid}` : ''}`,
    advice: 'Join with the uid the token was made for, or get a token for this one.',
  },
  {
    says: /app id/i,
    heading: () => 'This token was made for another App ID',
    advice: 'Check which app the token comes from.',
  },
  {
    says: /signature/i,
    heading: () => 'This token’s signature does not fit',
    advice: 'It was changed on the way, or made with another certificate. Copy it again or get a new one.',
  },
  {
    says: /clock|ahead/i,
    heading: () => 'This token is not valid yet',
    advice: 'The clocks of the token’s maker and of this server differ. Set them right and get a new token.',
  },
  {
    says: /without a token|no token|needs a token/i,
    heading: (channel) => `“${channel}” is entered with a token`,
    advice: 'Get a token and try again.',
    way: 'token',
  },
  {
    says: /privilege|service/i,
    heading: () => 'This token does not hold the right to join',
    advice: 'Get a token that grants joining a channel.',
  },
  {
    says: /007|base64|short|longer|inflate|copied|damaged|bytes/i,
    heading: () => 'This is not a whole token',
    advice: 'A token is one long line that begins with 007. Copy all of it, without spaces.',
  },
];

/**
 * @param {string} text
 * @param {string} channel
 * @param {number} uid
 */
function tokenFault(text, channel, uid) {
  const fault = TOKEN_FAULTS.find(({ says }) => says.test(withoutQuotes(text)));
  return fault ? { title: fault.heading(channel, uid), advice: fault.advice, way: fault.way } : null;
}

/**
 * @param {{advice: string}} fault
 * @param {boolean} pasted
 */
function adviceForToken(fault, pasted) {
  return pasted ? `${fault.advice} You pasted this token: clear that field to let the page get one.` : fault.advice;
}

/**
 * A channel may be called "another user": what is quoted says nothing about the kind of fault.
 *
 * @param {string} text
 */
function withoutQuotes(text) {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '');
}

/** @param {string} text */
function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const start = trimmed.charAt(0).toLocaleUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}

/**
 * @param {number} code
 * @param {number} reason
 */
function smallPrint(code, reason) {
  if (reason < 0) return code > 0 ? `Error ${code}` : '';
  return code > 0 ? `Error ${code}, reason ${reason}` : `Reason ${reason}`;
}

const OVERTAKEN = 6;

const RENEWALS = new Map([
  [1, 'The server did not answer the renewal.'],
  [2, 'The new token has already ended.'],
  [3, 'The new token was refused: it is for another uid, or its signature does not fit.'],
  [4, 'The new token is for another channel.'],
  [5, 'The new token is for another App ID.'],
]);

const CALLS = new Map([
  [2, 'One of the choices is not possible.'],
  [3, 'This browser cannot make calls: WebRTC is missing or switched off.'],
  [17, 'This page is in a channel already.'],
  [101, 'An App ID is 32 hexadecimal characters.'],
  [102, 'This channel name is not possible: 1 to 64 letters, digits, spaces and common signs.'],
  [110, 'This is not a token: one long line that begins with 007.'],
  [121, 'The uid is a whole number from 1 to 4294967295.'],
]);

const BREAKS = new Map([
  [2, 'Connection interrupted. Coming back by itself…'],
  [12, 'Coming back with the new token…'],
  [13, 'Your network changed. Moving the call over…'],
  [14, 'The server is moving the call. One moment…'],
  [16, 'Connection lost. Still trying to come back…'],
]);
