// @ts-check
/**
 * Looks at a picture. The camera that Chromium makes up shows a light green disc with an opening mouth on dark green, a
 * running clock in the corner.
 *
 * @typedef {[red: number, green: number, blue: number]} Colour
 */

/** @type {Colour} */
const GROUND = [0, 136, 0];
/** @type {Colour} */
const DISC = [74, 255, 25];
/** How far a colour may be off after encoding, in each part. */
const TOLERANCE = 36;
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
    ground: share((colour) => near(colour, GROUND)),
    disc: share((colour) => near(colour, DISC)),
    black: share((colour) => near(colour, [0, 0, 0])),
    places: places.map(([x, y]) => at(Math.floor(y * HEIGHT) * WIDTH + Math.floor(x * WIDTH))),
  };
}

/**
 * @param {Colour} colour
 * @param {Colour} wanted
 */
function near(colour, wanted) {
  return colour.every((part, index) => Math.abs(part - /** @type {number} */ (wanted[index])) <= TOLERANCE);
}
