// @ts-check
/**
 * All that the page shows, as one value, and how each event changes it. Pure: `reduce(state, action)` gives the next
 * state and touches nothing.
 */

/**
 * What is known of a stream: nobody sends it, it is silenced by its owner, or it runs.
 *
 * @typedef {'none' | 'muted' | 'on'} Stream
 */

/**
 * Somebody else in the channel.
 *
 * @typedef {object} Person
 * @property {number} uid
 * @property {string} name empty when none was given
 * @property {boolean} sendsMic
 * @property {boolean} sendsCamera
 * @property {boolean} sendsScreen
 * @property {boolean} mutedAudio what the last mute event said
 * @property {boolean} mutedVideo
 * @property {number} volume 0 to 255
 * @property {number} quality `NetworkQuality`
 */

/**
 * The visitor.
 *
 * @typedef {object} Me
 * @property {number} uid 0 until the network gave one
 * @property {string} name
 * @property {boolean} mic wanted on
 * @property {boolean} camera wanted on
 * @property {boolean} screen shared now
 * @property {boolean} speaker on stage, not listening only
 * @property {boolean} mayAudio the token allows it
 * @property {boolean} mayVideo
 * @property {DeviceFault | ''} micFault empty when it works
 * @property {DeviceFault | ''} cameraFault
 * @property {boolean} cameraRuns
 * @property {number} volume
 * @property {number} quality
 */

/**
 * @typedef {object} TokenState
 * @property {number | null} endsAt ms on the page's clock; null: no end, or not known
 * @property {number | null} lifeMs what the whole circle stands for
 * @property {boolean} busy a renewal is under way
 * @property {string} fault why the last renewal failed
 * @property {boolean} pasted the visitor brought it
 */

/**
 * @typedef {object} State
 * @property {'prejoin' | 'joining' | 'call' | 'expired' | 'refused'} phase
 * @property {string} step what joining waits for
 * @property {string} channel
 * @property {Me} me
 * @property {ReadonlyMap<number, Person>} people in the order of coming
 * @property {TokenState} token
 * @property {number | null} breakReason why the connection is being brought back; null: it stands
 * @property {{code: number, text: string}} error the last one, for the state that follows it
 * @property {{code: number, reason: number, text: string} | null} end why the call is over or never began
 * @property {boolean} fetches whether the page can get tokens itself; otherwise the visitor brings them
 * @property {boolean} soundBlocked the browser waits for a click before it plays
 */

/** @typedef {'refused' | 'absent' | 'busy' | 'insecure' | 'failed'} DeviceFault */

/** @typedef {{type: string, [field: string]: any}} Action */

/** @type {Readonly<Me>} */
const NOBODY = Object.freeze({
  uid: 0,
  name: '',
  mic: true,
  camera: true,
  screen: false,
  speaker: true,
  mayAudio: true,
  mayVideo: true,
  micFault: '',
  cameraFault: '',
  cameraRuns: false,
  volume: 0,
  quality: 0,
});

/** @type {Readonly<TokenState>} */
const NO_TOKEN = Object.freeze({ endsAt: null, lifeMs: null, busy: false, fault: '', pasted: false });

/** @type {Readonly<State>} */
export const START = Object.freeze({
  phase: 'prejoin',
  step: '',
  channel: '',
  me: NOBODY,
  people: new Map(),
  token: NO_TOKEN,
  breakReason: null,
  error: { code: 0, text: '' },
  end: null,
  fetches: true,
  soundBlocked: false,
});

/**
 * @param {State} state
 * @param {Action} action
 * @returns {State}
 */
export function reduce(state, action) {
  const change = CHANGES[action.type];
  if (!change) throw new Error(`no such action: ${action.type}`);
  return change(state, action);
}

/**
 * Whether someone is loud enough to be called speaking.
 *
 * @param {number} volume 0 to 255
 */
export const isSpeaking = (volume) => volume >= SPEAKING;

/**
 * How someone is called.
 *
 * @param {{uid: number, name: string}} person
 */
export const called = ({ uid, name }) => name || (uid ? `Guest ${uid}` : 'You');

/**
 * How many are on stage and how many only listen, as far as this page can know: in a channel with a stage the network
 * shows listeners to nobody, so only the visitor counts as one.
 *
 * @param {State} state
 */
export function count({ me, people }) {
  return { speakers: people.size + (me.speaker ? 1 : 0), listeners: me.speaker ? 0 : 1 };
}

/**
 * @param {Person} person
 * @returns {Stream}
 */
export const micOf = ({ sendsMic, mutedAudio }) => stream(sendsMic, mutedAudio);

/**
 * @param {Person} person
 * @returns {Stream}
 */
export const cameraOf = ({ sendsCamera, mutedVideo }) => stream(sendsCamera, mutedVideo);

/**
 * @param {boolean} sends
 * @param {boolean} muted
 * @returns {Stream}
 */
const stream = (sends, muted) => (!sends ? 'none' : muted ? 'muted' : 'on');

/** Quieter than this is breath and noise: 45 dB below full scale, on the engine's scale. */
const SPEAKING = 64;
/** Ends of one and the same token, as the network tells them, differ by less than this. */
const SAME_END_MS = 1_500;

/** @type {Record<string, (state: State, action: Action) => State>} */
const CHANGES = {
  /** The server has told its settings. */
  configured: (state, { fetches }) => ({ ...state, fetches }),
  /** The visitor asks to come in. */
  join: (state, { channel, uid, name, speaker, pasted }) => ({
    ...START,
    fetches: state.fetches,
    phase: 'joining',
    step: 'token',
    channel,
    me: { ...state.me, uid, name, speaker, screen: false, volume: 0, quality: 0, mayAudio: true, mayVideo: true },
    token: { ...NO_TOKEN, pasted },
  }),
  step: (state, { step }) => ({ ...state, step }),
  /** The visitor is back at the form. */
  left: (state) => ({ ...START, fetches: state.fetches, me: { ...state.me, screen: false, volume: 0 } }),
  /** Coming in failed before the network was asked, or the network's own last word. */
  refused: (state, { code, reason, text }) => ({ ...state, phase: 'refused', end: { code, reason, text } }),
  error: (state, { code, text }) => ({ ...state, error: { code, text } }),
  connection,
  joined: (state, { uid }) => ({ ...state, me: { ...state.me, uid } }),

  userJoined: (state, { uid }) => withPerson(state, uid, {}),
  userLeft: (state, { uid }) => ({ ...state, people: new Map([...state.people].filter(([key]) => key !== uid)) }),
  userInfo: (state, { uid, name }) => (state.people.has(uid) ? withPerson(state, uid, { name }) : state),
  published: (state, { uid, kind, source }) => withPerson(state, uid, sending(kind, source, true)),
  unpublished: (state, { uid, kind, source }) => withPerson(state, uid, sending(kind, source, false)),
  muted: (state, { uid, kind, muted }) =>
    withPerson(state, uid, kind === 'audio' ? { mutedAudio: muted } : { mutedVideo: muted }),

  me: (state, { change }) => ({ ...state, me: { ...state.me, ...change } }),
  standing: (state, { standing, now }) => ({
    ...state,
    me: { ...state.me, speaker: standing.role === BROADCASTER, mayAudio: standing.audio, mayVideo: standing.video },
    token: withEnd(state.token, standing.expiresInMs, now),
  }),
  token: (state, { change }) => ({ ...state, token: { ...state.token, ...change } }),
  soundBlocked: (state, { blocked }) => ({ ...state, soundBlocked: blocked }),

  volumes: (state, { levels, local }) => (local ? withMyVolume(state, levels) : withVolumes(state, levels)),
  quality,
};

/** @type {typeof CHANGES[string]} */
function connection(state, { state: connected, reason }) {
  const { code, text } = state.error;
  const end = { code, reason, text };
  const quiet = { ...state, error: START.error, breakReason: null };
  switch (connected) {
    case CONNECTING:
      return { ...quiet, phase: 'joining', step: 'network', end: null };
    case CONNECTED:
      return { ...quiet, phase: 'call', step: '', end: null, token: { ...state.token, fault: '' } };
    case RECONNECTING:
      return { ...quiet, phase: 'call', breakReason: reason, end: null };
    case FAILED:
      return { ...quiet, phase: reason === TOKEN_EXPIRED && wasIn(state) ? 'expired' : 'refused', end };
    default:
      return reason === LEAVE ? quiet : { ...quiet, phase: 'refused', end };
  }
}

/** @param {State} state */
const wasIn = ({ phase }) => phase === 'call' || phase === 'expired';

/** @type {typeof CHANGES[string]} */
function quality(state, { uid, tx, rx }) {
  // The worse of both directions; 0 (unknown) and 8 (being measured) say nothing.
  const known = [tx, rx].filter((value) => value >= 1 && value <= 6);
  const worst = known.length > 0 ? Math.max(...known) : 0;
  if (uid === 0) return worst === state.me.quality ? state : { ...state, me: { ...state.me, quality: worst } };
  const person = state.people.get(uid);
  return person && person.quality !== worst ? withPerson(state, uid, { quality: worst }) : state;
}

/**
 * @param {State} state
 * @param {number} uid
 * @param {Partial<Person>} change
 * @returns {State}
 */
function withPerson(state, uid, change) {
  const person = state.people.get(uid) ?? STRANGER;
  return { ...state, people: new Map(state.people).set(uid, { ...person, ...change, uid }) };
}

/** @type {Readonly<Person>} */
const STRANGER = Object.freeze({
  uid: 0,
  name: '',
  sendsMic: false,
  sendsCamera: false,
  sendsScreen: false,
  mutedAudio: false,
  mutedVideo: false,
  volume: 0,
  quality: 0,
});

/**
 * @param {'audio' | 'video'} kind
 * @param {string} source of a publication
 * @param {boolean} sends
 * @returns {Partial<Person>}
 */
function sending(kind, source, sends) {
  if (source === 'screen') return { sendsScreen: sends };
  // The sound of a screen is nobody's microphone.
  if (source === 'screenAudio') return {};
  // Whatever another program pushes counts as a microphone or a camera.
  return kind === 'audio' ? { sendsMic: sends } : { sendsCamera: sends };
}

/**
 * @param {TokenState} token
 * @param {number | undefined} leftMs
 * @param {number} now
 * @returns {TokenState}
 */
function withEnd(token, leftMs, now) {
  if (leftMs === undefined) return { ...token, endsAt: null, lifeMs: null };
  const endsAt = now + leftMs;
  const isSame = token.endsAt !== null && Math.abs(endsAt - token.endsAt) < SAME_END_MS;
  return isSame ? token : { ...token, endsAt, lifeMs: leftMs };
}

/**
 * @param {State} state
 * @param {ReadonlyMap<number, number>} levels
 */
function withMyVolume(state, levels) {
  const volume = levels.get(0) ?? 0;
  return volume === state.me.volume ? state : { ...state, me: { ...state.me, volume } };
}

/**
 * @param {State} state
 * @param {ReadonlyMap<number, number>} levels who is not in it is silent
 */
function withVolumes(state, levels) {
  const changed = [...state.people.values()].filter(({ uid, volume }) => volume !== (levels.get(uid) ?? 0));
  if (changed.length === 0) return state;
  const people = new Map(state.people);
  for (const person of changed) people.set(person.uid, { ...person, volume: levels.get(person.uid) ?? 0 });
  return { ...state, people };
}

/* The engine's numbers that matter here; the engine itself stays outside of this file. */
const [CONNECTING, CONNECTED, RECONNECTING, FAILED] = [2, 3, 4, 5];
const [LEAVE, TOKEN_EXPIRED] = [5, 9];
const BROADCASTER = 1;
