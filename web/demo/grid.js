// @ts-check
/**
 * Where tiles go. Pure: sizes in, sizes out; nothing here knows of the page.
 */

/** The shape of a tile, width to height. */
export const RATIO = 16 / 9;
/** The narrowest tile that still shows who it is. Below it the grid scrolls. */
export const MIN_TILE_WIDTH = 56;

/**
 * @typedef {object} Grid
 * @property {number} columns
 * @property {number} rows
 * @property {number} tileWidth whole pixels
 * @property {number} tileHeight whole pixels
 * @property {boolean} scrolls whether the rows are higher than the room
 */

/**
 * The grid whose tiles are largest: `count` tiles of one size and of shape 16:9 in a room, `gap` pixels apart.
 *
 * @param {{width: number, height: number, count: number, gap?: number}} room
 * @returns {Grid}
 */
export function bestGrid({ width, height, count, gap = 8 }) {
  const room = { width: Math.max(0, width), height: Math.max(0, height), gap };
  let best = gridWith(1, Math.max(1, count), room);
  for (let columns = 2; columns <= count; columns += 1) {
    const grid = gridWith(columns, count, room);
    if (grid.tileWidth > best.tileWidth) best = grid;
  }
  return best.tileWidth >= MIN_TILE_WIDTH ? best : scrollingGrid(Math.max(1, count), room);
}

/**
 * @typedef {object} Spotlight
 * @property {number} mainWidth room for what is shown large
 * @property {number} mainHeight
 * @property {'right' | 'bottom'} side where the others are
 * @property {number} stripWidth room for the others
 * @property {number} stripHeight
 * @property {Grid} strip
 */

/**
 * One thing large and `count` tiles beside it: on the right where the room is wide, below where it is high.
 *
 * @param {{width: number, height: number, count: number, gap?: number}} room
 * @returns {Spotlight}
 */
export function spotlight({ width, height, count, gap = 8 }) {
  const side = width > height * 1.2 ? 'right' : 'bottom';
  if (count === 0) {
    const strip = bestGrid({ width: 0, height: 0, count: 0, gap });
    return { mainWidth: width, mainHeight: height, side, stripWidth: 0, stripHeight: 0, strip };
  }
  if (side === 'right') {
    const strip = bestGrid({ width: stripShare(width, 120, 300), height, count, gap });
    const stripWidth = rowLength(strip.columns, strip.tileWidth, gap);
    return { mainWidth: width - stripWidth - gap, mainHeight: height, side, stripWidth, stripHeight: height, strip };
  }
  const strip = bestGrid({ width, height: stripShare(height, 72, 220), count, gap });
  const stripHeight = rowLength(strip.rows, strip.tileHeight, gap);
  return { mainWidth: width, mainHeight: height - stripHeight - gap, side, stripWidth: width, stripHeight, strip };
}

/**
 * Where one thing is, from the upper left corner of the room, in pixels.
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */

/**
 * A box for each of `count` tiles, row by row; a last row that is not full stands in the middle.
 *
 * @param {{width: number, height: number, count: number, gap?: number}} room
 * @param {Grid} [grid] the best one by default
 * @returns {Box[]}
 */
export function gridBoxes(room, grid = bestGrid(room)) {
  const { width, height, count, gap = 8 } = room;
  const { columns, rows, tileWidth, tileHeight } = grid;
  const top = Math.max(0, (height - rowLength(rows, tileHeight, gap)) / 2);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = Math.max(0, (width - rowLength(inRow, tileWidth, gap)) / 2);
    const x = Math.floor(left + (index % columns) * (tileWidth + gap));
    return { x, y: Math.floor(top + row * (tileHeight + gap)), width: tileWidth, height: tileHeight };
  });
}

/**
 * The box of the large one, and one for each of the others.
 *
 * @param {{width: number, height: number, count: number, gap?: number}} room
 * @returns {{main: Box, others: Box[]}}
 */
export function spotlightBoxes({ width, height, count, gap = 8 }) {
  const { mainWidth, mainHeight, side, stripWidth, stripHeight, strip } = spotlight({ width, height, count, gap });
  const [dx, dy] = side === 'right' ? [mainWidth + gap, 0] : [0, mainHeight + gap];
  const inStrip = gridBoxes({ width: stripWidth, height: stripHeight, count, gap }, strip);
  return {
    main: { x: 0, y: 0, width: mainWidth, height: mainHeight },
    others: inStrip.map((box) => ({ ...box, x: box.x + dx, y: box.y + dy })),
  };
}

/**
 * @param {number} count
 * @param {number} size
 * @param {number} gap
 */
const rowLength = (count, size, gap) => count * size + Math.max(0, count - 1) * gap;

/**
 * A fifth of a length, within bounds, and never more than a third of it.
 *
 * @param {number} length
 * @param {number} least
 * @param {number} most
 */
function stripShare(length, least, most) {
  return Math.floor(Math.min(Math.max(length / 5, least), most, length / 3));
}

/**
 * @param {number} columns
 * @param {number} count
 * @param {{width: number, height: number, gap: number}} room
 * @returns {Grid}
 */
function gridWith(columns, count, { width, height, gap }) {
  const rows = Math.ceil(count / columns);
  const wide = (width - gap * (columns - 1)) / columns;
  const high = ((height - gap * (rows - 1)) / rows) * RATIO;
  return sized(columns, rows, Math.min(wide, high), false);
}

/**
 * As many columns of readable tiles as fit; the rows may run out of the room.
 *
 * @param {number} count
 * @param {{width: number, height: number, gap: number}} room
 * @returns {Grid}
 */
function scrollingGrid(count, { width, gap }) {
  const fitting = Math.floor((width + gap) / (MIN_TILE_WIDTH + gap));
  const columns = Math.max(1, Math.min(count, fitting));
  const rows = Math.ceil(count / columns);
  return sized(columns, rows, Math.max(MIN_TILE_WIDTH, (width - gap * (columns - 1)) / columns), true);
}

/**
 * @param {number} columns
 * @param {number} rows
 * @param {number} width
 * @param {boolean} scrolls
 * @returns {Grid}
 */
function sized(columns, rows, width, scrolls) {
  // Whole pixels, rounded down: a fraction too much and the last tile of a row would wrap.
  const tileWidth = Math.max(0, Math.floor(width));
  return { columns, rows, tileWidth, tileHeight: Math.floor(tileWidth / RATIO), scrolls };
}
