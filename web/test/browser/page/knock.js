// @ts-check
/**
 * Knocks at the signalling door: opens a WebSocket, sends what it is given, and notes what comes back.
 *
 * @typedef {{ heard: any[], closed: { code: number, reason: string } | null }} Answer
 */

/**
 * @param {(string | { bytes: number })[]} frames texts, and binary frames of so many bytes
 * @param {{ messages?: number, within: number }} until so many messages, or the end of the connection
 * @returns {Promise<Answer>}
 */
export function knock(frames, { messages = Infinity, within }) {
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/signal`);
  /** @type {Answer} */
  const answer = { heard: [], closed: null };
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => reject(new Error(`only ${JSON.stringify(answer)} within ${within} ms`)), within);
    socket.onopen = () => {
      for (const frame of frames) socket.send(typeof frame === 'string' ? frame : new Uint8Array(frame.bytes));
    };
    socket.onmessage = ({ data }) => {
      answer.heard.push(JSON.parse(data));
      if (answer.heard.length >= messages) done();
    };
    socket.onclose = ({ code, reason }) => {
      answer.closed = { code, reason };
      done();
    };
  });
}
