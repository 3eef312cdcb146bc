// @ts-check
/**
 * What lies on top of the page: the veils that a state demands, and the sheets that the visitor opens.
 *
 * @import { Call } from './call.js'
 * @import { Person, State } from './state.js'
 */
import { byId, icon, make, setText, setWords } from './dom.js';
import { fillPicker } from './pickers.js';
import { called, cameraOf, count, micOf } from './state.js';
import { headcount, initials, refusal } from './words.js';

/** Veils by the phase that shows them. */
const VEILS = /** @type {const} */ ({ joining: 'joining', expired: 'expired', refused: 'refused' });
const WAYS = { token: 'Get a new token', retry: 'Try again', back: 'Back to the form' };

/** The way on that the refusal offers now. @type {import('./words.js').Way} */
let way = 'back';

export const offeredWay = () => way;

/** @param {State} state */
export function renderVeils(state) {
  for (const [phase, id] of Object.entries(VEILS)) setOpen(dialog(id), phase === state.phase);
  if (state.phase !== 'call') closeSheets();
  if (state.phase === 'joining') {
    setText(byId('joining-title'), `Entering “${state.channel}”`);
    setText(byId('joining-step'), STEPS[state.step] ?? '');
  }
  if (state.phase === 'refused') renderRefusal(state);
  if (state.phase === 'expired') renderExpired(state);
}

/** @type {Record<string, string>} */
const STEPS = {
  token: 'Getting a token…',
  network: 'Showing it at the door…',
  slow: 'The server does not answer. Still trying…',
};

/** @param {State} state */
function renderRefusal({ end, channel, me, token, fetches }) {
  const words = refusal({ code: 0, reason: 0, text: '', ...end, channel, uid: me.uid, pasted: token.pasted, fetches });
  way = words.way;
  setText(byId('refused-title'), words.title);
  setWords(byId('refused-detail'), words.detail);
  byId('refused-detail').toggleAttribute('data-own', !end?.text || end.reason < 0);
  setText(byId('refused-advice'), words.advice);
  setWords(byId('refused-code'), words.code);
  setText(actionButton('way'), token.busy ? 'Getting a new token…' : WAYS[way]);
  actionButton('way').disabled = token.busy;
  // Two ways back would be one too many.
  const back = /** @type {HTMLElement} */ (dialog('refused').querySelector('[data-action="leave"]'));
  back.hidden = way === 'back';
}

/** @param {State} state */
function renderExpired({ token, fetches }) {
  byId('expired-paste').hidden = fetches;
  const button = actionButton('comeback');
  const ready = fetches ? 'Get a new token and come back' : 'Come back with this token';
  setText(button, token.busy ? 'Coming back…' : ready);
  button.disabled = token.busy;
  setWords(byId('expired-fault'), token.fault);
}

/** @param {string} action @returns {HTMLButtonElement} */
const actionButton = (action) => /** @type {any} */ (document.querySelector(`dialog [data-action="${action}"]`));

/** @param {string} id @returns {HTMLDialogElement} */
const dialog = (id) => byId(id);

/**
 * @param {HTMLDialogElement} element
 * @param {boolean} open
 */
function setOpen(element, open) {
  if (open === element.open) return;
  if (open) element.showModal();
  else element.close();
}

// ---- Sheets ---------------------------------------------------------------------------------------------------------

const SHEETS = ['token-panel', 'people-panel', 'settings-panel'];

/** Where this much room is, a sheet stands beside the call, which goes on behind it; elsewhere it lies on top. */
const BESIDE = '(min-width: 64rem)';

/** Prepares the dialogs: veils stay until their state is over, sheets close by key, button or a click beside them. */
export function wirePanels() {
  for (const id of Object.values(VEILS)) dialog(id).addEventListener('cancel', (event) => event.preventDefault());
  for (const id of SHEETS) {
    const sheet = dialog(id);
    sheet.addEventListener('click', (event) => {
      const target = /** @type {Element} */ (event.target);
      if ((target === sheet && sheet.matches(':modal')) || target.closest('[data-close]')) sheet.close();
    });
    // Comes late, when another sheet may have been opened in its place.
    sheet.addEventListener('close', () => {
      if (document.body.dataset.sheet === id) delete document.body.dataset.sheet;
    });
  }
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') closeSheets();
  });
}

/** @param {string} id */
export function openSheet(id) {
  const sheet = dialog(id);
  if (sheet.open) return sheet.close();
  closeSheets();
  if (!matchMedia(BESIDE).matches) return sheet.showModal();
  sheet.show();
  document.body.dataset.sheet = id;
}

export function closeSheets() {
  for (const id of SHEETS) if (dialog(id).open) dialog(id).close();
}

/** @param {State} all */
export function renderPeople(all) {
  const { me, people } = all;
  const here = count(all);
  const unseen = 'Listeners are not shown to others.';
  setText(byId('people-words'), `${headcount(here.speakers, here.listeners)}. ${unseen}`);
  const note = me.speaker ? `uid ${me.uid}` : `uid ${me.uid}, listening`;
  const state = marks(me.speaker && me.mic && !me.micFault, me.speaker && me.camera && !me.cameraFault);
  const mine = row(me, me.name ? `${me.name} (you)` : 'You', note, state);
  byId('people-list').replaceChildren(mine, ...[...people.values()].map(rowOf));
}

/** @param {Person} person */
function rowOf(person) {
  const note = person.sendsScreen ? `uid ${person.uid}, sharing a screen` : `uid ${person.uid}`;
  return row(person, called(person), note, marks(micOf(person) === 'on', cameraOf(person) === 'on'));
}

/**
 * @param {{uid: number, name: string}} person
 * @param {string} title
 * @param {string} note
 * @param {HTMLElement[]} state
 */
function row({ uid, name }, title, note, state) {
  const face = make('span', { class: `face glaze-${uid % 8}`, 'aria-hidden': 'true' }, [initials(name || title)]);
  const who = make('span', { class: 'who' }, [title, make('small', {}, [note])]);
  return make('li', { 'data-testid': `person-${uid}` }, [face, who, ...state]);
}

/**
 * @param {boolean} mic
 * @param {boolean} camera
 */
function marks(mic, camera) {
  const mark = (/** @type {string} */ shape, /** @type {string} */ label) =>
    make('span', { role: 'img', 'aria-label': label, title: label }, [icon(shape)]);
  return [
    mark(mic ? 'mic' : 'mic-off', `microphone ${mic ? 'on' : 'off'}`),
    mark(camera ? 'camera' : 'camera-off', `camera ${camera ? 'on' : 'off'}`),
  ];
}

/**
 * @param {Call} call
 * @param {{cameraId: string, micId: string}} chosen
 */
export async function fillSettings(call, { cameraId, micId }) {
  const [cameras, microphones] = await Promise.all([call.devices('camera'), call.devices('microphone')]);
  fillPicker(byId('call-camera-picker'), cameras, cameraId, 'Camera');
  fillPicker(byId('call-mic-picker'), microphones, micId, 'Microphone');
}
