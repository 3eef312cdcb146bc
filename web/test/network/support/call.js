// @ts-check
/** A call of two in a lab: one who sends picture and sound, and one who watches. */
import { Arrival } from './arrival.js';

/** What is sent: large enough to need a line. */
const VIDEO = { dimensions: { width: 640, height: 360 }, frameRate: 20 };
export const PUBLISHER = 1;
export const VIEWER = 2;
const AUDIENCE = 2;

/**
 * @param {import('./lab.js').Cast} cast
 * @param {string} channel
 */
export async function callIn({ open, seats }, channel) {
  const [publisher, viewer] = await Promise.all([open('publisher', 0), open('viewer', 1)]);
  await viewer.join(channel, VIEWER, { options: { clientRoleType: AUDIENCE } });
  await publisher.join(channel, PUBLISHER, { video: VIDEO });
  await viewer.expect('onUserJoined', [PUBLISHER]);
  const seat = (/** @type {number} */ number) => /** @type {import('./lab.js').Seat} */ (seats[number]);
  return {
    arrival: await Arrival.of(viewer, PUBLISHER),
    publisher: { person: publisher, ...seat(0) },
    viewer: { person: viewer, ...seat(1) },
  };
}
