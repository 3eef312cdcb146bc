// @ts-check
/**
 * Replays the scripted conversations of `spec/transcripts` against the session machine; their format is in the README
 * there. The Rust twin replays the same files.
 *
 * @import { Input, Output } from '../sdk/session-io.d.ts'
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Session } from '../sdk/session.js';

/**
 * @typedef {object} Step
 * @property {number} at
 * @property {'up' | 'silent' | 'refusing'} [network]
 * @property {Input} [input]
 * @property {any} [receive]
 * @property {number} [returns]
 * @property {Output[]} [expect]
 */

const FOLDER = new URL('../../spec/transcripts/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
/** The types of message that this version knows: those that the protocol has a sample of. */
const SAMPLES = JSON.parse(readFileSync(new URL('../../spec/messages.json', import.meta.url), 'utf8'));
const KNOWN = new Set(SAMPLES.server.map((/** @type {{ type: string }} */ { type }) => type));

class Replay {
  /** Without jitter. */
  #session = new Session({ random: () => 0.5 });
  #network = 'up';

  /** @param {Step} step */
  play({ at, network, input, receive }) {
    /** @type {Output[]} */
    const outputs = [];
    for (let due = this.#session.deadline(); due !== null && due <= at; due = this.#session.deadline()) {
      const came = this.#feed(due, { type: 'tick' });
      if (due === at) outputs.push(...came);
      else assert.deepEqual(came, [], `at ${due}, which the transcript does not name`);
    }
    this.#network = network ?? this.#network;
    const returned = input && this.#session.allows(input);
    if (input) outputs.push(...this.#feed(at, input));
    if (receive && KNOWN.has(receive.type)) outputs.push(...this.#feed(at, { type: 'message', message: receive }));
    else if (receive) outputs.push(...this.#feed(at, { type: 'unknown' }));
    return { returned, outputs };
  }

  /**
   * Hands one input in and does what the network does by itself.
   *
   * @param {number} now
   * @param {Input} input
   */
  #feed(now, input) {
    this.#session.handle(now, input);
    /** @type {Output[]} */
    const outputs = [];
    for (let output = this.#session.poll(); output; output = this.#session.poll()) {
      const ping = output.type === 'send' && output.message.type === 'ping';
      if (ping && this.#network === 'up') this.#session.handle(now, { type: 'message', message: { type: 'pong' } });
      else if (output.type === 'open' && this.#network === 'refusing') this.#session.handle(now, { type: 'closed' });
      else if (this.#network === 'silent' && ['open', 'close'].includes(output.type)) continue;
      else if (!ping) outputs.push(output);
    }
    return outputs;
  }
}

test('there are transcripts', () => assert.ok(FILES.length >= 25));

for (const file of FILES) {
  test(`transcript ${file}`, () => {
    /** @type {{ steps: Step[] }} */
    const { steps } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
    const replay = new Replay();
    for (const [index, step] of steps.entries()) {
      const { returned, outputs } = replay.play(step);
      const place = `step ${index} at ${step.at}`;
      assert.equal(returned ?? 0, step.returns ?? 0, `what ${place} returns`);
      // What would not be written down is not there: undefined fields do not count.
      assert.deepEqual(JSON.parse(JSON.stringify(outputs)), step.expect ?? [], place);
    }
  });
}
