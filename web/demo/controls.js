// @ts-check
/**
 * The bar, the controls and the banners of the call.
 *
 * @import { State } from './state.js'
 */
import { byId, flag, setIcon, setText, setWords } from './dom.js';
import { count } from './state.js';
import { deviceFault, headcount, reconnecting } from './words.js';

/** @param {State} state */
export function renderControls(state) {
  const { me, people, phase, channel } = state;
  setText(byId('channel-title'), channel);
  const here = count(state);
  setText(byId('people-count'), String(here.speakers + here.listeners));
  byId('people-count').parentElement?.setAttribute('aria-label', `People: ${headcount(here.speakers, here.listeners)}`);
  renderMic(me);
  renderCamera(me);
  renderShare(me);
  renderRole(me);
  setWords(byId('break-banner'), state.breakReason === null ? '' : reconnecting(state.breakReason));
  setWords(byId('device-banner'), phase === 'call' ? deviceBanner(me) : '');
  byId('renewal-banner').hidden = phase !== 'call' || state.token.fault === '';
  setText(byId('renewal-words'), `Your token was not renewed. ${state.token.fault}`);
  byId('sound-banner').hidden = !state.soundBlocked;
  byId('share-banner').hidden = !me.screen;
  byId('alone').hidden = phase !== 'call' || people.size > 0;
  const waiting = me.speaker
    ? 'Send the link to whoever should come.'
    : 'You will see and hear whoever comes to speak.';
  setText(byId('alone-words'), waiting);
}

/** @param {State['me']} me */
function renderMic({ mic, micFault, mayAudio, speaker }) {
  const button = control('mic');
  button.hidden = !speaker;
  button.disabled = !mayAudio;
  const broken = mic && micFault !== '';
  show(
    button,
    mic ? 'mic' : 'mic-off',
    mic ? 'Mute' : 'Unmute',
    broken ? deviceFault('microphone', micFault) : `${mic ? 'Mute' : 'Unmute'} the microphone (m)`,
  );
  button.setAttribute('aria-label', 'Microphone');
  button.setAttribute('aria-pressed', String(mic));
  flag(button, 'data-off', !mic);
  flag(button, 'data-fault', broken);
}

/** @param {State['me']} me */
function renderCamera({ camera, cameraFault, mayVideo, speaker, screen }) {
  const button = control('camera');
  button.hidden = !speaker;
  button.disabled = !mayVideo || screen;
  const broken = camera && cameraFault !== '';
  const hint = screen
    ? 'The screen takes the camera’s place while you share it'
    : `${camera ? 'Stop' : 'Start'} the camera (v)`;
  show(button, camera ? 'camera' : 'camera-off', 'Camera', broken ? deviceFault('camera', cameraFault) : hint);
  button.setAttribute('aria-label', 'Camera');
  button.setAttribute('aria-pressed', String(camera));
  flag(button, 'data-off', !camera);
  flag(button, 'data-fault', broken);
}

/** @param {State['me']} me */
function renderShare({ screen, mayVideo, speaker }) {
  const button = control('share');
  const able = Boolean(navigator.mediaDevices?.getDisplayMedia);
  button.hidden = !speaker || !able;
  button.disabled = !mayVideo;
  show(
    button,
    screen ? 'screen-stop' : 'screen',
    screen ? 'Stop' : 'Share',
    `${screen ? 'Stop sharing' : 'Share'} your screen (s)`,
  );
  button.setAttribute('aria-label', 'Share your screen');
  button.setAttribute('aria-pressed', String(screen));
  flag(button, 'data-live', screen);
}

/** @param {State['me']} me */
function renderRole({ speaker }) {
  const button = control('stage');
  show(
    button,
    'stage',
    speaker ? 'Listen' : 'Speak',
    speaker ? 'Go on as a listener, unseen (r)' : 'Come on stage: be seen and heard (r)',
  );
  flag(button, 'data-live', !speaker);
}

/**
 * What keeps the visitor, who is on stage, from being seen or heard.
 *
 * @param {State['me']} me
 */
function deviceBanner({ speaker, mayAudio, mayVideo, mic, micFault, camera, cameraFault }) {
  if (!speaker) return '';
  if (mayAudio && mayVideo) {
    const faults = [
      mic && micFault ? deviceFault('microphone', micFault) : '',
      camera && cameraFault ? deviceFault('camera', cameraFault) : '',
    ];
    return faults.filter(Boolean).join(' ');
  }
  const what = !mayAudio && !mayVideo ? 'sound or picture' : mayAudio ? 'a picture' : 'sound';
  return `Your token does not let you send ${what} now.`;
}

/** @param {string} action @returns {HTMLButtonElement} */
function control(action) {
  const found = document.querySelector(`.controls [data-action="${action}"]`);
  return /** @type {HTMLButtonElement} */ (found);
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} shape
 * @param {string} word
 * @param {string} hint
 */
function show(button, shape, word, hint) {
  setIcon(button, shape);
  const label = button.querySelector('.word');
  if (label) setText(label, word);
  button.title = hint;
}
