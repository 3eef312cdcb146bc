// @ts-check
/**
 * Lines that can be made worse while a call goes on: `line.py`, as a test uses it.
 *
 * @typedef {object} Quality what is not named is as on a perfect line; see `line.py`
 * @property {number} [loss] 0 to 1
 * @property {number} [rateKbit]
 * @property {number} [queueMs]
 * @property {number} [delayMs]
 * @property {number} [jitterMs]
 * @property {boolean} [reorder]
 * @property {'udp' | 'tcp'} [only]
 *
 * @typedef {{ seen: number, bytes: number, lost: number, overflowed: number }} Count packets, and their bytes
 * @typedef {Record<'udp' | 'tcp' | 'ip' | 'none', Count>} Counts since the line was laid
 * @typedef {'up' | 'down'} Direction `up`: from the client
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { bounded } from '../../browser/support/wait.js';

const PROGRAM = new URL('./line.py', import.meta.url).pathname;
/** A dead line. */
export const CUT = Object.freeze({ loss: 1 });

/** The program that all lines of a lab run in. */
export class Lines {
  #child;
  #answers;
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();

  /**
   * @param {import('./namespace.js').Namespace} namespace in which the ends lie
   * @param {string[]} ends client's and server's end of each line
   */
  constructor(namespace, ends) {
    const [program, ...args] = /** @type {[string, ...string[]]} */ (namespace.within('/usr/bin/python3', PROGRAM, ...ends));
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async open() {
    assert.deepEqual(await this.#read(), { ready: true });
    return this;
  }

  /** @param {number} number */
  line(number) {
    return new Line((way, set) => this.#ask({ line: number, way, set }));
  }

  async close() {
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await bounded(exited, 'the end of the lines');
  }

  /**
   * @param {object} question
   * @returns {Promise<any>}
   */
  #ask(question) {
    const answer = this.#turn.then(() => {
      this.#child.stdin.write(`${JSON.stringify(question)}\n`);
      return this.#read();
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #read() {
    const { value, done } = await bounded(this.#answers.next(), 'an answer of the lines');
    assert.ok(!done, 'the lines have ended');
    const answer = JSON.parse(value);
    assert.ok(!answer.error, answer.error);
    return answer;
  }
}

/** One client's line to the server. */
export class Line {
  #ask;

  /** @param {(way: Direction, set?: Quality) => Promise<Counts>} ask */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * @param {Quality} quality
   * @param {Direction[]} [ways]
   */
  async become(quality, ways = ['up', 'down']) {
    for (const way of ways) await this.#ask(way, quality);
  }

  mend() {
    return this.become({});
  }

  /** @param {Direction} way */
  counts(way) {
    return this.#ask(way);
  }

  /**
   * What the line does to UDP while something happens.
   *
   * @param {Direction} way
   * @param {() => Promise<unknown>} during
   * @returns {Promise<Count>}
   */
  async udpDuring(way, during) {
    const { udp: before } = await this.counts(way);
    await during();
    const { udp: after } = await this.counts(way);
    const since = (/** @type {keyof Count} */ name) => after[name] - before[name];
    return { seen: since('seen'), bytes: since('bytes'), lost: since('lost'), overflowed: since('overflowed') };
  }
}
