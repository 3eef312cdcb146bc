// @ts-check
/**
 * Short notices, seen and heard: who came and went, what was copied, what is about to happen.
 *
 * @import { State } from './state.js'
 * @import { Store } from './store.js'
 */
import { byId, make } from './dom.js';
import { called } from './state.js';

/** How long a notice stays, in ms. */
const STAY_MS = 4_000;
/** Names come right after their owners, and several people at once make one notice: wait this long. */
const GATHER_MS = 400;
/** More notices than this hide what is behind them: the oldest goes. */
const AT_ONCE = 2;
/** More than this many at once are only counted. */
const NAMED = 3;

/**
 * @param {string} words
 * @param {number} [stayMs]
 */
export function notify(words, stayMs = STAY_MS) {
  const toast = make('p', { class: words.length > 60 ? 'toast long' : 'toast' }, [words]);
  const toasts = byId('toasts');
  toasts.append(toast);
  while (toasts.childElementCount > AT_ONCE) toasts.firstElementChild?.remove();
  setTimeout(() => toast.remove(), stayMs);
}

/**
 * Tells of those who come and go while the visitor is there.
 *
 * @param {Store} store
 */
export function announcePeople(store) {
  /** @type {Set<number>} */
  const came = new Set();
  /** @type {string[]} */
  const left = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  // Whoever is there when the visitor comes has not just joined.
  let entering = false;
  const tell = () => {
    timer = undefined;
    const names = [...came].flatMap((uid) => store.state.people.get(uid) ?? []).map(called);
    if (store.state.phase === 'call') {
      if (names.length > 0) notify(entering ? `Here with you: ${together(names)}` : `${together(names)} joined`);
      if (left.length > 0) notify(`${together(left)} left`);
    }
    entering = false;
    came.clear();
    left.length = 0;
  };
  store.listen((action, _state, before) => {
    const changed = noted(action, before);
    if (changed) timer ??= setTimeout(tell, GATHER_MS);
  });

  /**
   * @param {import('./state.js').Action} action
   * @param {State} before
   */
  function noted({ type, uid }, before) {
    if (type === 'joined') entering = true;
    if (type === 'userJoined') return arrive(uid, before);
    return type === 'userLeft' ? depart(uid, before) : type === 'joined';
  }

  /**
   * @param {number} uid
   * @param {State} before
   */
  function arrive(uid, before) {
    if (before.people.has(uid)) return false;
    came.add(uid);
    return true;
  }

  /**
   * @param {number} uid
   * @param {State} before
   */
  function depart(uid, before) {
    const person = before.people.get(uid);
    // Who came and went within the same moment was never told of.
    if (!person || came.delete(uid)) return false;
    left.push(called(person));
    return true;
  }
}

/** Louder than this is speech, 0 to 255. */
const LOUD = 100;
/** How long nobody is told again, in ms. */
const TOLD_MS = 20_000;

/**
 * Tells a visitor who speaks while muted.
 *
 * @param {Store} store
 */
export function warnMuted(store) {
  let told = -Infinity;
  store.listen(({ type }, { me, phase }) => {
    if (type !== 'volumes' || phase !== 'call' || !me.speaker || me.mic || me.volume < LOUD) return;
    if (performance.now() - told < TOLD_MS) return;
    told = performance.now();
    notify('You are muted.');
  });
}

/** @param {string[]} names */
function together(names) {
  if (names.length > NAMED) return `${names.length} people`;
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
