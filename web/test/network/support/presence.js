// @ts-check
/** What people are told when a line breaks, and what they must not be told. */

/** What nobody is told; whose own line is dead may be told that, and that it is back. */
export const CHANGES = ['onUserOffline', 'onUserJoined', 'onJoinChannelSuccess', 'onError'];
/** What is not told where the line was whole. */
export const BREAKS = [...CHANGES, 'onConnectionStateChanged', 'onConnectionInterrupted', 'onRejoinChannelSuccess'];

/**
 * How often somebody came who did not take up a session again.
 *
 * @param {import('../../browser/support/server.js').Server} server
 */
export function joinedAnew({ output }) {
  const isJoin = (/** @type {string} */ line) => line.includes('"message":"joined"') && line.includes('"resumed":false');
  return output.split('\n').filter(isJoin).length;
}
