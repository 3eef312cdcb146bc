// @ts-check
/**
 * Looks at a picture. The camera that Chromium makes up shows a light green disc with an opening mouth on dark green, a
 * running clock in the corner.
 *
 * @typedef {[red: number, green: number, blue: number]} Colour
 */

/** A colour of that picture, from the least to the most of each part: codecs differ in what they make of it. */
const GROUND = /** @type {const} */ ([[0, 40], [60, 175], [0, 50]]);
const DISC = /** @type {const} */ ([[20, 115], [215, 255], [0, 75]]);
const BLACK = /** @type {const} */ ([[0, 30], [0, 30], [0, 30]]);
/** The picture is looked at in this size. */
const WIDTH = 160;
const HEIGHT = 90;

/**
 * @param {HTMLVideoElement} video
 * @param {[x: number, y: number][]} [places] each 0 to 1 from the left and from the top
 */
export function lookAt(video, places = []) {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no canvas');
  context.drawImage(video, 0, 0, WIDTH, HEIGHT);
  const pixels = context.getImageData(0, 0, WIDTH, HEIGHT).data;
  const at = (/** @type {number} */ index) => /** @type {Colour} */ ([...pixels.slice(index * 4, index * 4 + 3)]);
  const all = Array.from({ length: WIDTH * HEIGHT }, (_, index) => at(index));
  const share = (/** @type {(colour: Colour) => boolean} */ fits) => all.filter(fits).length / all.length;
  return {
    width: video.videoWidth,
    height: video.videoHeight,
    /** Parts of the whole, 0 to 1. */
    ground: share(isGround),
    disc: share(isDisc),
    black: share((colour) => within(colour, BLACK)),
    places: places.map(([x, y]) => at(Math.floor(y * HEIGHT) * WIDTH + Math.floor(x * WIDTH))),
  };
}

/** @param {Colour} colour */
export const isGround = (colour) => within(colour, GROUND);

/** @param {Colour} colour */
export const isDisc = (colour) => within(colour, DISC);

/**
 * @param {Colour} colour
 * @param {readonly (readonly [number, number])[]} bounds
 */
function within(colour, bounds) {
  return bounds.every(([least, most], index) => {
    const part = /** @type {number} */ (colour[index]);
    return least <= part && part <= most;
  });
}
