// @ts-check
/**
 * The tiles of everyone on stage, sized so that they all fit.
 *
 * @import { Call } from './call.js'
 * @import { Box } from './grid.js'
 * @import { Person, State } from './state.js'
 */
import { byId, flag, icon, make, setText } from './dom.js';
import { bestGrid, gridBoxes, spotlightBoxes } from './grid.js';
import { called, cameraOf, isSpeaking, micOf } from './state.js';
import { initials } from './words.js';

/** How long the ring stays after somebody's last loud moment, in ms: between two words it must not flicker. */
const SPEAKING_HOLD_MS = 600;
/** Pixels between tiles. */
const GAP = 8;

/** What a tile shows. @typedef {object} Look
 * @property {string} name
 * @property {string} [initials] where they are not those of the name
 * @property {number} uid
 * @property {boolean} video
 * @property {boolean} muted
 * @property {boolean} speaking
 * @property {number} quality
 */

/** The stage of the call. */
export class Stage {
  #call;
  /** @type {Map<string, Tile>} by `local`, uid, or `screen-` and uid; in the order in which they stand */
  #tiles = new Map();
  #element = byId('tiles');
  #sharing = false;

  /** @param {Call} call */
  constructor(call) {
    this.#call = call;
    new ResizeObserver(() => this.#arrange()).observe(this.#element);
  }

  /** @param {State} state */
  render(state) {
    const looks = state.phase === 'prejoin' ? new Map() : wanted(state);
    for (const [key, tile] of this.#tiles) if (!looks.has(key)) this.#remove(key, tile);
    for (const key of looks.keys()) if (!this.#tiles.has(key)) this.#add(key, looks.get(key));
    this.#tiles = new Map([...looks.keys()].map((key) => [key, /** @type {Tile} */ (this.#tiles.get(key))]));
    for (const [key, tile] of this.#tiles) tile.show(looks.get(key));
    this.#showOwnScreen(state.me.screen);
    this.#arrange();
  }

  /**
   * @param {string} key
   * @param {Look} look
   */
  #add(key, look) {
    const tile = new Tile(key, look.uid);
    this.#tiles.set(key, tile);
    // Once in the page a tile is never moved in it: a video that is taken out stops.
    if (key === LOCAL) this.#element.prepend(tile.element);
    else this.#element.append(tile.element);
    if (key === LOCAL) this.#call.showMe(tile.video);
    else this.#call.show(look.uid, tile.video, tile.screen);
  }

  /**
   * @param {string} key
   * @param {Tile} tile
   */
  #remove(key, tile) {
    if (key === LOCAL) this.#call.showMe(null);
    else this.#call.show(tile.uid, null, tile.screen);
    tile.element.remove();
    this.#tiles.delete(key);
  }

  /** @param {boolean} sharing the visitor's tile shows the screen in place of the camera */
  #showOwnScreen(sharing) {
    const tile = this.#tiles.get(LOCAL);
    const before = this.#sharing;
    this.#sharing = sharing && tile !== undefined;
    if (!tile || before === this.#sharing) return;
    tile.element.classList.toggle('screen', sharing);
    this.#call.showMe(sharing ? null : tile.video);
    this.#call.showMyScreen(sharing ? tile.video : null);
    if (!sharing) this.#call.showMe(tile.video);
  }

  #arrange() {
    const tiles = [...this.#tiles.values()];
    const room = { width: this.#element.clientWidth, height: this.#element.clientHeight, gap: GAP };
    const large = tiles.find((tile) => tile.screen);
    if (large) {
      const rest = tiles.filter((tile) => tile !== large);
      const { main, others } = spotlightBoxes({ ...room, count: rest.length });
      large.place(main);
      rest.forEach((tile, index) => tile.place(/** @type {Box} */ (others[index])));
      this.#setScrolls(false);
      return;
    }
    const grid = bestGrid({ ...room, count: tiles.length });
    const boxes = gridBoxes({ ...room, count: tiles.length }, grid);
    tiles.forEach((tile, index) => tile.place(/** @type {Box} */ (boxes[index])));
    this.#setScrolls(grid.scrolls && tiles.length > 0);
  }

  /** @param {boolean} scrolls whatever scrolls must be reachable with keys */
  #setScrolls(scrolls) {
    flag(this.#element, 'data-scrolls', scrolls);
    if (scrolls) this.#element.tabIndex = 0;
    else this.#element.removeAttribute('tabindex');
  }
}

/** One person or screen. */
class Tile {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hush;
  #avatar = make('span', { class: 'avatar', 'aria-hidden': 'true' });
  #name = make('span', { class: 'name' });
  #muteMark = make('span', { class: 'mute-mark', role: 'img', 'aria-label': 'muted', title: 'Muted' }, [
    icon('mic-off'),
  ]);
  #bars = make('span', { class: 'bars', role: 'img' }, [make('i'), make('i'), make('i')]);

  /**
   * @param {string} key
   * @param {number} uid
   */
  constructor(key, uid) {
    this.uid = uid;
    this.screen = key.startsWith(SCREEN);
    this.video = make('video', { class: 'tile-view', playsinline: '', 'aria-hidden': 'true' });
    this.video.muted = true;
    const plate = make('div', { class: 'plate' }, [this.#muteMark, this.#name, this.#bars]);
    this.element = make('article', { class: `tile glaze-${uid % 8}${this.screen ? ' screen' : ''}` }, [
      ...(this.screen ? [] : [this.#avatar]),
      this.video,
      plate,
    ]);
    if (key === LOCAL) this.element.dataset.local = '';
  }

  /** @param {Look} look */
  show({ name, uid, video, muted, speaking, quality, initials: letters = initials(name) }) {
    const { element, screen } = this;
    element.dataset.testid = screen ? `${SCREEN}${uid}` : `tile-${uid}`;
    element.setAttribute('aria-label', screen ? `Screen of ${name}` : name);
    flag(element, 'data-video', video);
    setText(this.#name, screen ? `${name} · screen` : name);
    setText(this.#avatar, letters);
    this.#muteMark.hidden = !muted;
    this.#showQuality(quality);
    this.#showSpeaking(speaking && !muted);
  }

  /** @param {Box} box */
  place({ x, y, width, height }) {
    const { style } = this.element;
    style.translate = `${x}px ${y}px`;
    style.width = `${width}px`;
    style.height = `${height}px`;
  }

  /** @param {number} quality 1 (excellent) to 6 (down); 0: unknown */
  #showQuality(quality) {
    this.#bars.hidden = quality === 0;
    const bars = quality <= 2 ? 3 : quality === 3 ? 2 : quality === 4 ? 1 : 0;
    if (this.#bars.dataset.bars === String(bars)) return;
    this.#bars.dataset.bars = String(bars);
    const words = `Connection ${['bad', 'weak', 'fair', 'good'][bars]}`;
    this.#bars.setAttribute('aria-label', words);
    this.#bars.title = words;
  }

  /** @param {boolean} speaking */
  #showSpeaking(speaking) {
    if (speaking) {
      clearTimeout(this.#hush);
      this.#hush = undefined;
      flag(this.element, 'data-speaking', true);
    } else if (this.element.hasAttribute('data-speaking')) {
      this.#hush ??= setTimeout(() => {
        this.#hush = undefined;
        flag(this.element, 'data-speaking', false);
      }, SPEAKING_HOLD_MS);
    }
  }
}

const LOCAL = 'local';
const SCREEN = 'screen-';

/**
 * Every tile that there is to be, the visitor's first.
 *
 * @param {State} state
 * @returns {Map<string, Look>}
 */
function wanted({ me, people }) {
  /** @type {Map<string, Look>} */
  const looks = new Map();
  if (me.speaker) looks.set(LOCAL, myLook(me));
  for (const person of people.values()) {
    looks.set(String(person.uid), lookOf(person));
    if (person.sendsScreen) looks.set(`${SCREEN}${person.uid}`, screenLook(person));
  }
  return looks;
}

/**
 * @param {Person} person
 * @returns {Look}
 */
function screenLook(person) {
  return { name: called(person), uid: person.uid, video: true, muted: false, speaking: false, quality: 0 };
}

/**
 * @param {State['me']} me
 * @returns {Look}
 */
function myLook(me) {
  return {
    name: me.screen ? 'Your screen' : me.name ? `${me.name} (you)` : 'You',
    initials: initials(me.name || 'You'),
    uid: me.uid,
    video: me.screen || (me.camera && me.cameraRuns),
    muted: !me.mic || me.micFault !== '',
    speaking: isSpeaking(me.volume),
    quality: me.quality,
  };
}

/**
 * @param {Person} person
 * @returns {Look}
 */
function lookOf(person) {
  return {
    name: called(person),
    uid: person.uid,
    video: cameraOf(person) === 'on',
    muted: micOf(person) !== 'on',
    speaking: isSpeaking(person.volume),
    quality: person.quality,
  };
}
