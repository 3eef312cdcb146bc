// @ts-check
/**
 * Drives a session by hand: time moves when a test says so, and what comes out is collected.
 *
 * @import { Input, Output, SessionEvent } from '../../sdk/session-io.d.ts'
 * @import { ClientMessage, Joined, ServerMessage } from '../../sdk/protocol.d.ts'
 */
import { Session } from '../../sdk/session.js';

export const TOKEN = '007first';

/** @type {import('../../sdk/session-io.d.ts').JoinRequest} */
export const REQUEST = {
  appId: '0'.repeat(32),
  channel: 'tea',
  token: TOKEN,
  uid: 7,
  role: 'broadcaster',
  profile: 'liveBroadcasting',
  subscribe: { audio: true, video: true, except: [] },
};

/** @type {Joined} */
export const JOINED = {
  uid: 7,
  resume: 'secret',
  resumed: false,
  profile: 'liveBroadcasting',
  standing: { role: 'broadcaster', audio: true, video: true, data: true, expiresInMs: 600_000 },
  members: [],
  pingEveryMs: 1_000,
};

export class Driver {
  now = 0;
  /** Jitter in the middle: pauses are what they are named. */
  session = new Session({ random: () => 0.5 });
  /** @type {Output[]} */
  outputs = [];

  /** @param {Input} input */
  feed(input) {
    this.session.handle(this.now, input);
    this.#drain();
    return this;
  }

  /** @param {ServerMessage} message */
  receive(message) {
    return this.feed({ type: 'message', message });
  }

  /** Moves the clock, ticking at each deadline on the way as a driver would. @param {number} ms */
  pass(ms) {
    const end = this.now + ms;
    for (let at = this.session.deadline(); at !== null && at <= end; at = this.session.deadline()) {
      this.now = Math.max(this.now, at);
      this.feed({ type: 'tick' });
    }
    this.now = end;
    return this;
  }

  /** Hears a pong each second, so that nothing is silent. @param {number} ms */
  passHearing(ms) {
    for (let left = ms; left > 0; left -= 1_000) this.pass(Math.min(1_000, left)).receive({ type: 'pong' });
    return this;
  }

  /**
   * Joins, stays long enough for the connection to count as stable, and forgets what came of it.
   *
   * @param {Partial<Joined>} [joined]
   */
  joined(joined = {}) {
    this.feed({ type: 'join', request: { ...REQUEST } }).open();
    this.receive({ type: 'joined', ...JOINED, ...joined });
    this.pass(500).receive({ type: 'pong' }).take();
    return this;
  }

  /** The socket that the session asked for is open. */
  open() {
    return this.feed({ type: 'opened' });
  }

  /** A rejoin that succeeds. @param {Partial<Joined>} [joined] */
  back(joined = {}) {
    return this.open().receive({ type: 'joined', ...JOINED, resumed: true, ...joined });
  }

  /** What came out since the last time. */
  take() {
    return this.outputs.splice(0);
  }

  /** The events since the last time, each in one line; other outputs are forgotten. */
  events() {
    return this.take().flatMap((output) => (output.type === 'event' ? [line(output.event)] : []));
  }

  /** The messages sent since the last time; other outputs are forgotten. @returns {ClientMessage[]} */
  sent() {
    return this.take().flatMap((output) => (output.type === 'send' ? [output.message] : []));
  }

  /** Whether a connection was asked for since the last time; other outputs are forgotten. */
  opens() {
    return this.take().filter((output) => output.type === 'open').length;
  }

  #drain() {
    for (let output = this.session.poll(); output; output = this.session.poll()) this.outputs.push(output);
  }
}

/** @param {SessionEvent} event */
function line({ type, ...rest }) {
  const values = Object.values(rest).map((value) => (typeof value === 'object' ? JSON.stringify(value) : value));
  return [type, ...values].join(' ');
}
