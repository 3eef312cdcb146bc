// @ts-check
/**
 * The call page: puts its parts together.
 *
 * For tests and for tinkerers `window.symbolonCall` holds `engine` (the SDK's engine, once it is initialised), `state`
 * (all that the page shows), `join(choices)`, `renew(token)` and `leave()`. Controls and tiles carry `data-testid`.
 *
 * @import { Choices } from './choices.js'
 * @import { ClientConfig } from './tokens.js'
 */
import { Call } from './call.js';
import { fromAddress, fromStore, shareLink } from './choices.js';
import { renderControls } from './controls.js';
import { byId, setText, setWords } from './dom.js';
import { announcePeople, notify, warnMuted } from './notices.js';
import { closeSheets, fillSettings, offeredWay, openSheet, renderPeople, renderVeils, wirePanels } from './panels.js';
import { Prejoin } from './prejoin.js';
import { Renewal } from './renewal.js';
import { actionOfKey } from './shortcuts.js';
import { Stage } from './stage.js';
import { Store } from './store.js';
import { setTheme, switchTheme } from './theme.js';
import { NEEDS_LOGIN, TokenProblem, fetchConfig, fetchToken } from './tokens.js';
import { TokenView } from './tokenview.js';
import { NO_TOKEN, ENGINE_REFUSED, callFault } from './words.js';

const KEPT = 'symbolon.choices';
/** How long joining may take before the page says that it takes long, in ms. */
const SLOW_MS = 6_000;

const store = new Store();
const call = new Call(store);
const stage = new Stage(call);
const tokenView = new TokenView(store);
/** @type {Choices} */
const choices = { ...fromStore(remembered()), ...fromAddress(location.search) };
const prejoin = new Prejoin(store, call, choices, keep, (entry) => void enter(entry));
const renewal = new Renewal(store, call, () => newToken(store.state.me.speaker ? 'speak' : 'listen'));
/** @type {ClientConfig | null} */
let config = null;
/** What the visitor came with, for trying again. @type {import('./prejoin.js').Entry | null} */
let lastEntry = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let slowness;
/** Ends the fetching of a token when the visitor no longer waits for it. */
let fetching = new AbortController();

async function start() {
  setTheme();
  wirePanels();
  announcePeople(store);
  warnMuted(store);
  store.dispatch({ type: 'me', change: { mic: choices.mic, camera: choices.camera } });
  setAutoRenew(choices.autoRenew);
  wire();
  store.view((state, before) => {
    document.body.dataset.phase = state.phase;
    const isIn = state.phase !== 'prejoin';
    byId('prejoin').hidden = isIn;
    byId('call').hidden = !isIn;
    // The stage first: it lets go of the camera's picture, which the form then takes.
    stage.render(state);
    prejoin.render(state);
    renderControls(state);
    tokenView.render(state);
    renderPeople(state);
    renderVeils(state);
    renderTitle(state);
    moveFocus(state.phase, before.phase);
  });
  store.listen((_action, state, before) => {
    if (state.step === 'network' && before.step !== 'network') watchSlowness();
    if (state.breakReason === null && before.breakReason !== null && state.phase === 'call')
      notify('You are back in the call.');
  });
  call.hooks.roleRefused = () => notify('Your token lets you listen only. Get one that lets you speak.');
  call.hooks.screenRefused = () => notify('Nothing is shared.');
  call.hooks.devicesChanged = () => void refreshDevices();
  call.hooks.figures = showFigures;
  await configure();
}

async function configure() {
  try {
    config = await learnConfig();
    prejoin.configured(config);
    setAutoRenew(choices.autoRenew);
    call.open(choices.appId || config.appId);
    call.useDevice('camera', choices.cameraId);
    call.useDevice('microphone', choices.micId);
  } catch (error) {
    prejoin.unreachable(wordsOf(error));
  }
  prejoin.render(store.state);
}

async function learnConfig() {
  const learned = await fetchConfig();
  applyFetching(learned);
  return learned;
}

/**
 * The page gets tokens itself where anyone does, or once the visitor has entered a login.
 *
 * @param {ClientConfig} learned
 */
function applyFetching(learned) {
  const fetches = learned.tokenRouteOpen || credential() !== '';
  store.dispatch({ type: 'configured', fetches });
  for (const part of document.querySelectorAll('[data-fetches]')) part.toggleAttribute('hidden', !fetches);
}

/** What the visitor is known by. It is in its field and nowhere else. */
function credential() {
  return /** @type {HTMLInputElement} */ (byId('credential')).value.replace(/\s+/g, '');
}

/**
 * Where the keyboard goes on when a view has gone.
 *
 * @param {string} phase
 * @param {string} before
 */
function moveFocus(phase, before) {
  if (phase === before) return;
  if (phase === 'prejoin') byId('join-form').querySelector('button')?.focus();
  if (phase === 'call') byId('channel-title').focus();
}

// ---- Entering -------------------------------------------------------------------------------------------------------

/** @param {import('./prejoin.js').Entry} entry */
async function enter(entry) {
  lastEntry = entry;
  setAutoRenew(entry.autoRenew);
  /** @type {HTMLInputElement} */ (byId('next-life')).value = entry.life;
  fetching.abort();
  fetching = new AbortController();
  const { signal } = fetching;
  const speaker = entry.role === 'speak';
  const uid = Number(entry.uid || 0);
  store.dispatch({ type: 'join', channel: entry.channel, uid, name: entry.name, speaker, pasted: entry.token !== '' });
  try {
    config ??= await learnConfig();
    const opened = call.open(entry.appId || config.appId);
    if (opened !== 0) return refuseByEngine(opened);
    const token = entry.token || (await newToken(entry.role));
    if (signal.aborted) return undefined;
    const joined = call.join({ token, channel: entry.channel, uid, name: entry.name, speaker });
    return joined === 0 ? undefined : refuseByEngine(joined);
  } catch (error) {
    if (signal.aborted) return undefined;
    const reason = error instanceof TokenProblem ? NO_TOKEN : ENGINE_REFUSED;
    return store.dispatch({ type: 'refused', code: 0, reason, text: wordsOf(error) });
  }
}

/** @param {number} code negative */
function refuseByEngine(code) {
  store.dispatch({ type: 'refused', code: -code, reason: ENGINE_REFUSED, text: callFault(code) });
}

/**
 * A token for the channel that the visitor is in or on the way to.
 *
 * @param {'speak' | 'listen'} role
 */
async function newToken(role) {
  config ??= await learnConfig();
  if (!store.state.fetches) throw new TokenProblem(NEEDS_LOGIN);
  const { channel, me } = store.state;
  const life = /** @type {HTMLInputElement} */ (byId('next-life')).value.trim();
  const wish = { channel, role, uid: me.uid, life: /^\d{1,5}$/.test(life) ? Number(life) : null };
  return fetchToken(config.tokenRoute, wish, { credential: credential(), signal: fetching.signal });
}

function leave() {
  fetching.abort();
  closeSheets();
  call.leave();
}

/** The way on from a refusal. */
function goOn() {
  const way = offeredWay();
  if (way === 'back') return leave();
  // An engine whose token ended at the door waits there for another one.
  const { end, me } = store.state;
  if (way === 'token' && end?.reason === 9 && !store.state.token.pasted) return void renewal.now();
  if (lastEntry) void enter({ ...lastEntry, token: way === 'token' ? '' : lastEntry.token, uid: String(me.uid || '') });
  return undefined;
}

/** Back into the call after the token's end. */
function comeBack() {
  const pasted = /** @type {HTMLTextAreaElement} */ (byId('expired-token')).value.replace(/\s+/g, '');
  void renewal.now(pasted || undefined);
}

// ---- In the call ----------------------------------------------------------------------------------------------------

/** On stage, or back among the listeners. Who has a listener's token asks for a speaker's first. */
async function switchRole() {
  const { speaker, mayAudio, mayVideo } = store.state.me;
  if (speaker) return call.setRole(false);
  if (!mayAudio && !mayVideo && store.state.fetches) {
    const token = await newToken('speak').catch((error) => void notify(wordsOf(error)));
    if (!token || !(await renewal.now(token))) return undefined;
  }
  return call.setRole(true);
}

/** @param {boolean} wish where the page cannot get tokens, it cannot renew them either */
function setAutoRenew(wish) {
  const auto = wish && store.state.fetches;
  renewal.auto = auto;
  tokenView.auto = auto;
  for (const id of ['auto-renew', 'pre-auto-renew']) /** @type {HTMLInputElement} */ (byId(id)).checked = auto;
}

async function copyLink() {
  const link = shareLink(location.origin, store.state.channel);
  const local = config?.mode === 'development' ? ' In development mode it opens on this machine only.' : '';
  try {
    await navigator.clipboard.writeText(link);
    notify(`Link copied.${local}`, local ? 7_000 : undefined);
  } catch {
    notify(`The browser does not let this page copy. The link is ${link}`, 12_000);
  }
}

function renewNow() {
  const pasted = /** @type {HTMLTextAreaElement} */ (byId('next-token'));
  const token = pasted.value.replace(/\s+/g, '');
  pasted.value = '';
  void renewal.now(token || undefined).then((worked) => worked && notify('Token renewed.'));
}

/** @type {Record<string, () => unknown>} What every control does, by its `data-action`. */
const ACTIONS = {
  theme: switchTheme,
  mic: () => call.setMic(!store.state.me.mic),
  camera: () => call.setCamera(!store.state.me.camera),
  share: () => call.toggleScreen(),
  stage: () => void switchRole(),
  copy: () => void copyLink(),
  leave,
  people: () => openSheet('people-panel'),
  token: () => openSheet('token-panel'),
  settings: () => {
    void fillSettings(call, choices);
    openSheet('settings-panel');
  },
  renew: renewNow,
  comeback: comeBack,
  way: goOn,
  sound: () => store.dispatch({ type: 'soundBlocked', blocked: false }),
};

function wire() {
  document.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    const action = target.closest('[data-action]')?.getAttribute('data-action');
    if (action) ACTIONS[action]?.();
  });
  document.addEventListener('keydown', (event) => {
    if (store.state.phase !== 'call' || !choices.shortcuts) return;
    const action = actionOfKey(event);
    const button = action && document.querySelector(`#call [data-action="${action}"]`);
    if (!(button instanceof HTMLButtonElement) || button.disabled || button.hidden) return;
    event.preventDefault();
    ACTIONS[action ?? '']?.();
  });
  onToggle('auto-renew', (autoRenew) => {
    keep({ autoRenew });
    setAutoRenew(autoRenew);
  });
  onToggle('shortcuts-on', (shortcuts) => keep({ shortcuts }));
  /** @type {HTMLInputElement} */ (byId('shortcuts-on')).checked = choices.shortcuts;
  onPick('call-camera-picker', (cameraId) => {
    keep({ cameraId });
    call.useDevice('camera', cameraId);
  });
  onPick('call-mic-picker', (micId) => {
    keep({ micId });
    call.useDevice('microphone', micId);
  });
  byId('credential').addEventListener('input', () => {
    if (!config) return;
    applyFetching(config);
    setAutoRenew(choices.autoRenew);
  });
  byId('next-life').addEventListener('input', (event) => {
    const value = /** @type {HTMLInputElement} */ (event.target).value.trim();
    const fine = value === '' || (/^[1-9]\d{0,4}$/.test(value) && Number(value) <= 86_400);
    setWords(byId('next-life-fault'), fine ? '' : 'Seconds, from 1 to 86400 (one day), or nothing.');
  });
}

/** @param {string} id @param {(on: boolean) => void} change */
function onToggle(id, change) {
  byId(id).addEventListener('change', (event) => change(/** @type {HTMLInputElement} */ (event.target).checked));
}

/** @param {string} id @param {(value: string) => void} change */
function onPick(id, change) {
  byId(id).addEventListener('change', (event) => change(/** @type {HTMLSelectElement} */ (event.target).value));
}

async function refreshDevices() {
  await Promise.all([prejoin.fillPickers(), fillSettings(call, choices)]);
}

function watchSlowness() {
  clearTimeout(slowness);
  slowness = setTimeout(() => {
    const { phase, step } = store.state;
    if (phase === 'joining' && step === 'network') store.dispatch({ type: 'step', step: 'slow' });
  }, SLOW_MS);
}

/** @param {import('./state.js').State} state */
function renderTitle({ phase, channel }) {
  const title = phase === 'prejoin' ? 'Symbolon' : `${channel} · Symbolon`;
  if (document.title !== title) document.title = title;
}

/** @param {import('../sdk/types.d.ts').RtcStats} stats */
function showFigures({ gatewayRtt, txKBitRate, rxKBitRate, txPacketLossRate, rxPacketLossRate }) {
  const loss = `${Math.max(txPacketLossRate, rxPacketLossRate)} % lost`;
  setText(byId('figures'), `${txKBitRate} kbit/s up, ${rxKBitRate} kbit/s down, ${gatewayRtt} ms round trip, ${loss}`);
}

// ---- Remembering ----------------------------------------------------------------------------------------------------

/** @param {Partial<Choices>} change */
function keep(change) {
  Object.assign(choices, change);
  try {
    localStorage.setItem(KEPT, JSON.stringify(choices));
  } catch {
    // Private windows may keep nothing: the page works without.
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {unknown} error */
function wordsOf(error) {
  return error instanceof Error ? error.message : String(error);
}

Object.assign(window, {
  symbolonCall: {
    get engine() {
      return call.engine;
    },
    get state() {
      return store.state;
    },
    join: (/** @type {Partial<import('./prejoin.js').Entry>} */ entry) => enter({ ...choices, token: '', ...entry }),
    renew: (/** @type {string | undefined} */ token) => renewal.now(token),
    leave,
  },
});

void start();
