// @ts-check
/** Counts the packets of a connection, again and again, to tell afterwards when they stopped. */

const EVERY_MS = 100;

/** @typedef {{ at: number, sent: number, received: number }} Count `at` in ms of the clock that all pages share */

export class Flow {
  /** @type {Count[]} */
  counts = [];

  /** @param {RTCPeerConnection} connection */
  constructor(connection) {
    const timer = setInterval(async () => {
      const count = await countPackets(connection);
      if (connection.connectionState === 'closed') clearInterval(timer);
      else this.counts.push({ at: performance.timeOrigin + performance.now(), ...count });
    }, EVERY_MS);
  }
}

/**
 * Packets of each direction, all streams together.
 *
 * @param {RTCPeerConnection} connection
 */
export async function countPackets(connection) {
  let [sent, received] = [0, 0];
  (await connection.getStats()).forEach((one) => {
    if (one.type === 'outbound-rtp') sent += one.packetsSent;
    if (one.type === 'inbound-rtp') received += one.packetsReceived;
  });
  return { sent, received };
}
