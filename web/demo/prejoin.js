// @ts-check
/**
 * The view before the call: the form, the mirror and the microphone's level.
 *
 * @import { Call } from './call.js'
 * @import { Choices } from './choices.js'
 * @import { ClientConfig } from './tokens.js'
 * @import { State } from './state.js'
 * @import { Store } from './store.js'
 */
import { faults } from './choices.js';
import { byId, setIcon, setText, setWords } from './dom.js';
import { MicMeter } from './meter.js';
import { fillPicker } from './pickers.js';
import { deviceFault } from './words.js';

const ANYWAY = 'You can join without it.';

/** @typedef {Choices & {token: string}} Entry what the form holds; a token is never remembered */

/** The form and the mirror. */
export class Prejoin {
  #call;
  #store;
  #choices;
  #keep;
  #meter;
  #preview = /** @type {HTMLElement} */ (byId('preview-view').parentElement);
  #shown = false;
  #listen = /** @type {HTMLInputElement} */ (document.querySelector('[data-testid="role-listen"]'));

  /**
   * @param {Store} store
   * @param {Call} call
   * @param {Choices} choices
   * @param {(change: Partial<Choices>) => void} keep remembers choices
   * @param {(entry: Entry) => void} enter
   */
  constructor(store, call, choices, keep, enter) {
    this.#store = store;
    this.#call = call;
    this.#choices = choices;
    this.#keep = keep;
    this.#meter = new MicMeter(showLevel, (fault) => store.dispatch({ type: 'me', change: { micFault: fault } }));
    this.#fill();
    byId('join-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const entry = this.#read();
      if (entry) enter(entry);
    });
    this.#wire();
  }

  /** @param {ClientConfig} config */
  configured({ appId, mode, tokenRouteOpen }) {
    byId('app-id').setAttribute('placeholder', appId);
    const note = byId('mode-note');
    if (mode === 'development') setWords(note, 'Development mode: this page and its links open on this machine only.');
    if (!tokenRouteOpen) {
      byId('credential-field').hidden = false;
      setWords(byId('token-note'), 'Instead of a login: a token that your app got for you.');
    }
  }

  /** Cannot go on: says why where people look. @param {string} words */
  unreachable(words) {
    setWords(byId('mode-note'), words);
  }

  /** @param {State} state */
  render({ phase, me }) {
    this.#show(phase === 'prejoin');
    // On the way in the mirror's camera stays open, for it is needed next; a listener needs none.
    if (phase === 'call' || (phase === 'joining' && !me.speaker)) this.#call.preview(false);
    if (phase !== 'prejoin') return;
    showToggle('pre-mic', me.mic, me.micFault !== '', ['mic', 'mic-off'], 'Microphone');
    showToggle('pre-camera', me.camera, me.cameraFault !== '', ['camera', 'camera-off'], 'Camera');
    const listens = this.#listen.checked;
    this.#preview.dataset.state = me.cameraFault ? 'fault' : me.camera && me.cameraRuns ? 'on' : 'off';
    const still = me.camera ? 'Starting the camera…' : 'Your camera is off.';
    setText(byId('preview-words'), me.cameraFault ? `${deviceFault('camera', me.cameraFault)} ${ANYWAY}` : still);
    setWords(
      byId('mic-words'),
      me.micFault && me.mic && !listens ? `${deviceFault('microphone', me.micFault)} ${ANYWAY}` : '',
    );
  }

  /** Fills the lists of devices; their names are known once one of them has been allowed. */
  async fillPickers() {
    const [cameras, microphones] = await Promise.all([this.#call.devices('camera'), this.#call.devices('microphone')]);
    fillPicker(byId('camera-picker'), cameras, this.#choices.cameraId, 'Camera');
    fillPicker(byId('mic-picker'), microphones, this.#choices.micId, 'Microphone');
  }

  /** @param {boolean} show */
  #show(show) {
    if (show === this.#shown || !this.#call.engine) return;
    this.#shown = show;
    const { me } = this.#store.state;
    if (!show) return this.#meter.stop();
    this.#call.showMe(/** @type {HTMLVideoElement} */ (byId('preview-view')));
    this.#call.preview(me.camera);
    if (me.mic) void this.#meter.start(this.#choices.micId);
    void this.fillPickers();
  }

  #fill() {
    const { channel, name, uid, life, appId, role, autoRenew } = this.#choices;
    Object.entries({ channel, name, uid, life, 'app-id': appId }).forEach(([id, text]) => (field(id).value = text));
    const radio = document.querySelector(`[name="role"][value="${role}"]`);
    /** @type {HTMLInputElement} */ (radio).checked = true;
    field('pre-auto-renew').checked = autoRenew;
    if (uid || life || appId) /** @type {HTMLDetailsElement} */ (byId('advanced')).open = true;
  }

  #wire() {
    byId('pre-mic').addEventListener('click', () => {
      const mic = !this.#store.state.me.mic;
      this.#call.setMic(mic);
      this.#keep({ mic });
      if (mic) void this.#meter.start(this.#choices.micId).then(() => this.fillPickers());
      else this.#meter.stop();
    });
    byId('pre-camera').addEventListener('click', () => {
      const camera = !this.#store.state.me.camera;
      this.#call.setCamera(camera);
      this.#call.preview(camera);
      this.#keep({ camera });
    });
    byId('camera-picker').addEventListener('change', (event) => {
      const cameraId = valueOf(event);
      this.#keep({ cameraId });
      this.#call.useDevice('camera', cameraId);
    });
    byId('mic-picker').addEventListener('change', (event) => {
      const micId = valueOf(event);
      this.#keep({ micId });
      this.#call.useDevice('microphone', micId);
      if (this.#store.state.me.mic) void this.#meter.start(micId);
    });
    // A fault that has been mended is no longer shown; a new one only when the visitor wants to go on.
    byId('join-form').addEventListener('input', () => clearFaults());
    byId('join-form').addEventListener('change', () => this.render(this.#store.state));
  }

  /** @returns {Entry | null} null when something has to be mended first */
  #read() {
    const text = (/** @type {string} */ id) => field(id).value.trim();
    const role = this.#listen.checked ? 'listen' : 'speak';
    const fields = { channel: text('channel'), uid: text('uid'), life: text('life'), appId: text('app-id') };
    const found = faults(fields);
    clearFaults();
    for (const [name, words] of Object.entries(found)) showFault(name, words);
    const first = Object.keys(found)[0];
    if (first) {
      focusFault(first);
      return null;
    }
    const autoRenew = field('pre-auto-renew').checked;
    // Line breaks come with copying from a mail or a terminal; no token has any.
    const token = field('token').value.replace(/\s+/g, '');
    this.#keep({ ...fields, name: text('name'), role, autoRenew });
    return { ...this.#choices, token };
  }
}

/** @param {string} id @returns {HTMLInputElement} */
const field = (id) => byId(id);

/** @param {Event} event */
const valueOf = (event) => /** @type {HTMLSelectElement} */ (event.target).value;

/**
 * @param {string} id
 * @param {boolean} on
 * @param {boolean} fault
 * @param {[string, string]} shapes on, off
 * @param {string} noun
 */
function showToggle(id, on, fault, shapes, noun) {
  const button = byId(id);
  button.setAttribute('aria-pressed', String(on));
  button.toggleAttribute('data-fault', fault && on);
  button.title = `${noun} is ${on ? 'on' : 'off'}`;
  setIcon(button, shapes[on ? 0 : 1]);
}

/** @param {number} level 0 to 1 */
function showLevel(level) {
  /** @type {HTMLMeterElement} */ (byId('mic-level')).value = Math.round(level * 100);
  const lights = document.querySelectorAll('.level i');
  lights.forEach((light, index) => light.classList.toggle('lit', level > (index + 0.5) / lights.length));
}

/** Names of faults, and the fields they stand at. */
const FIELDS = new Map([
  ['channel', 'channel'],
  ['uid', 'uid'],
  ['life', 'life'],
  ['appId', 'app-id'],
]);

/** @param {string} name @param {string} words */
function showFault(name, words) {
  setWords(byId(`${name}-fault`), words);
  byId(FIELDS.get(name) ?? name).setAttribute('aria-invalid', 'true');
}

/** @param {string} name */
function focusFault(name) {
  const input = byId(FIELDS.get(name) ?? name);
  const folded = input.closest('details');
  if (folded) folded.open = true;
  input.focus();
}

function clearFaults() {
  for (const [name, id] of FIELDS) {
    setWords(byId(`${name}-fault`), '');
    byId(id).removeAttribute('aria-invalid');
  }
}
