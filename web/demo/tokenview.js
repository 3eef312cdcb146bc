// @ts-check
/**
 * The token as a coin whose rim runs out, and the panel behind it.
 *
 * @import { State } from './state.js'
 * @import { Store } from './store.js'
 */
import { formatLeft, shareLeft, speakLeft, tokenPhase, untilNextTick } from './clock.js';
import { byId, setText, setWords } from './dom.js';
import { notify } from './notices.js';

/** Shows how long the token lasts. */
export class TokenView {
  #store;
  #pill = byId('token-pill');
  #ring = byId('token-ring');
  #renew = /** @type {HTMLButtonElement} */ (document.querySelector('dialog [data-action="renew"]'));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #phase = 'none';
  /** Whether somebody has to act before the token ends; only then the warning is spoken. */
  auto = true;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {State} state */
  render(state) {
    clearTimeout(this.#timer);
    const { token, phase } = state;
    this.#pill.hidden = token.endsAt === null;
    byId('paste-next').hidden = state.fetches;
    this.#renew.disabled = token.busy;
    setText(this.#renew, token.busy ? 'Renewing…' : 'Renew now');
    setWords(byId('token-fault'), token.fault);
    if (token.endsAt === null) return setText(byId('token-words'), 'This call has no token that could end.');
    if (phase !== 'call' && phase !== 'expired') return undefined;
    // The wall clock, for it goes on while the machine sleeps.
    const leftMs = phase === 'expired' ? 0 : Math.max(0, token.endsAt - Date.now());
    this.#show(leftMs, token.lifeMs);
    if (leftMs > 0) this.#timer = setTimeout(() => this.render(this.#store.state), untilNextTick(leftMs));
    return undefined;
  }

  /**
   * @param {number} leftMs
   * @param {number | null} lifeMs
   */
  #show(leftMs, lifeMs) {
    const phase = tokenPhase(leftMs);
    setText(byId('token-left'), phase === 'ended' ? 'ended' : formatLeft(leftMs));
    byId('token-after').hidden = phase === 'ended';
    this.#pill.dataset.phase = phase;
    this.#pill.setAttribute('aria-label', `Token: ${phase === 'ended' ? 'ended' : `${speakLeft(leftMs)} left`}`);
    this.#pill.title = this.auto ? 'Your token renews by itself (t)' : 'Your token does not renew by itself (t)';
    this.#ring.style.strokeDashoffset = String(1 - shareLeft(leftMs, lifeMs));
    setText(byId('token-words'), phase === 'ended' ? 'It has ended.' : `It lasts another ${formatLeft(leftMs)}.`);
    if (phase === 'warning' && this.#phase === 'calm' && !this.auto) {
      notify(`Your token ends in ${speakLeft(leftMs)}.`);
    }
    this.#phase = phase;
  }
}
