// @ts-check
/** What the cameras of a lab see: a picture with so much in it that it fills a line, unlike Chromium's own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Moving bars, a clock and some noise: at 20 frames a second between 1 and 2 Mbit/s. */
const PICTURE = 'testsrc2=s=640x360:r=20,noise=alls=8:allf=t';
/** The camera begins anew after so long, in seconds. */
const LENGTH = 3;

/**
 * Makes the film and says where it is.
 *
 * @param {string} folder
 */
export async function makeFilm(folder) {
  const path = join(folder, 'film.y4m');
  const words = ['-v', 'error', '-f', 'lavfi', '-i', PICTURE, '-t', String(LENGTH), '-pix_fmt', 'yuv420p', path];
  await promisify(execFile)('ffmpeg', words);
  return path;
}
