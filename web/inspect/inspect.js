// @ts-check
/**
 * The token inspector: reads what is pasted and shows it. The page sends nothing, keeps nothing, and takes nothing from
 * its address; its headers allow it no connection at all.
 *
 * @import { Token } from './token.js'
 */
import { byId, setWords } from '../dom.js';
import { setTheme, switchTheme } from '../theme.js';
import { renderDamage, renderNow, renderOpens, renderProof } from './banners.js';
import { renderFields, renderServices } from './tables.js';
import { renderTimeline } from './timeline.js';
import { decode } from './token.js';

/** @type {Token | null} */
let token = null;
/** A token is pasted whole; reading it again with every second would read it aloud again, too. */
let shown = '';

function read() {
  const text = valueOf('token').replace(/\s+/g, '');
  if (text === shown) return;
  shown = text;
  const read = text === '' ? { token: null, problem: null } : decode(text);
  token = read.token;
  const words = read.problem ? `${read.problem.words} (${read.problem.reason})` : '';
  setWords(byId('problem'), words);
  byId('token').toggleAttribute('aria-invalid', false);
  if (words) byId('token').setAttribute('aria-invalid', 'true');
  byId('findings').hidden = token === null;
  if (!token) return;
  renderDamage(token);
  renderFields(token);
  renderServices(token);
  judge();
}

function judge() {
  if (!token) return;
  const wish = { channel: valueOf('channel'), uid: uidOf(valueOf('uid')), now: now() };
  const isProven = renderProof(token, valueOf('certificate').trim(), wish);
  renderNow(token, wish.now);
  renderOpens(token, wish, isProven);
  renderTimeline(token, wish.now);
}

/** uid 0 asks to be nobody in particular. @param {string} text */
const uidOf = (text) => (text === '0' ? '' : text);

/** @param {string} id */
const valueOf = (id) => /** @type {HTMLInputElement} */ (byId(id)).value;

const now = () => Math.floor(Date.now() / 1000);

setTheme();
byId('theme').addEventListener('click', switchTheme);
byId('token').addEventListener('input', read);
for (const id of ['certificate', 'channel', 'uid']) byId(id).addEventListener('input', judge);
setInterval(judge, 1000);
// The browser may put back what was there before a reload.
read();
