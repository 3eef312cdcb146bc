// @ts-check
/** The real program, started for a test and ended by its process id. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bounded, eventually } from './wait.js';
import { APP_CERTIFICATE, APP_ID } from './token.js';

const ROOT = new URL('../../../../', import.meta.url).pathname;
/** How many lines of output a failing test shows. */
const TAIL_LINES = 60;

/** The settings of a test server: one known app, tokens for whoever asks, this machine only. */
const SETTINGS = {
  APP_ID,
  APP_CERTIFICATE,
  SYMBOLON_OPEN: '1',
  SYMBOLON_LISTEN: '127.0.0.1',
  SYMBOLON_PRIVATE_LISTEN: '127.0.0.1:0',
  NO_COLOR: '1',
};

/**
 * Something that cargo built; what `scripts/test` builds comes first. A release build can be older.
 *
 * @param {string} name
 */
export function builtFile(name) {
  const paths = ['debug', 'release'].map((profile) => join(ROOT, 'target', profile, name));
  const found = paths.find((path) => existsSync(path));
  if (!found) throw new Error(`target/debug/${name} is missing; build it as scripts/test does`);
  return found;
}

export class Server {
  #env;
  #within;
  #stateDir = mkdtempSync(join(tmpdir(), 'symbolon-test-'));
  #readyFile = join(this.#stateDir, 'ready.json');
  /** @type {import('node:child_process').ChildProcess | null} */
  #child = null;
  #output = '';
  #port = 0;
  #privatePort = 0;

  /**
   * @param {Record<string, string>} [env] over the usual settings
   * @param {((...words: string[]) => string[]) | null} [within] the words of a command that runs this one elsewhere, where
   *   the server is to be
   */
  constructor(env = {}, within = null) {
    this.#env = { ...SETTINGS, ...env };
    this.#within = within;
  }

  /**
   * Starts it and waits until it is ready; a second start takes the same port and the same state folder.
   *
   * @returns {Promise<this>}
   */
  async start() {
    const program = process.env['SYMBOLON_BIN'] ?? builtFile('symbolon');
    const env = {
      PATH: process.env['PATH'],
      HOME: this.#stateDir,
      ...this.#env,
      SYMBOLON_STATE_DIR: this.#stateDir,
      SYMBOLON_READY_FILE: this.#readyFile,
      PORT: String(this.#port),
    };
    rmSync(this.#readyFile, { force: true });
    const [command, ...args] = /** @type {[string, ...string[]]} */ (this.#within?.(program) ?? [program]);
    const child = spawn(command, args, { cwd: this.#stateDir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (this.#output += text));
    }
    process.once('exit', this.#killNow);
    await Promise.race([
      eventually(() => this.#readPorts()),
      once(child, 'exit').then(() => Promise.reject(new Error(`the server has ended:\n${this.tail}`))),
    ]);
    return this;
  }

  /** Where clients reach it. */
  get origin() {
    return `http://${this.#env.SYMBOLON_LISTEN}:${this.#port}`;
  }

  get port() {
    return this.#port;
  }

  get pid() {
    return this.#child?.pid ?? 0;
  }

  get alive() {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All that it has printed. */
  get output() {
    return this.#output;
  }

  /** The last lines that it has printed. */
  get tail() {
    return this.#output.split('\n').slice(-TAIL_LINES).join('\n');
  }

  /** Its memory, in KiB. */
  async residentKib() {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  }

  /**
   * The figures that it gives to Prometheus: name with labels, and value.
   *
   * @returns {Promise<Map<string, number>>}
   */
  async metrics() {
    const url = `http://127.0.0.1:${this.#privatePort}/metrics`;
    const text = this.#within ? await readFrom(this.#within, url) : await read(url);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }));
  }

  /**
   * The sum of a metric over the label sets that fit.
   *
   * @param {string} name
   * @param {Record<string, string>} [labels]
   */
  async metric(name, labels = {}) {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    let sum = 0;
    for (const [key, value] of await this.metrics()) {
      if (key.split('{')[0] === name && wanted.every((label) => key.includes(label))) sum += value;
    }
    return sum;
  }

  /** Ends it as an operator does, and insists when it takes too long. */
  async stop() {
    await this.#end('SIGTERM');
    rmSync(this.#stateDir, { recursive: true, force: true });
  }

  /** Ends it as a crash does. */
  async kill() {
    await this.#end('SIGKILL');
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#child;
    if (!child || !this.alive) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await bounded(exited, `the server's end after ${signal}`).catch((failure) => {
      child.kill('SIGKILL');
      throw failure;
    });
    process.off('exit', this.#killNow);
  }

  #killNow = () => {
    this.#child?.kill('SIGKILL');
  };

  #readPorts() {
    if (!existsSync(this.#readyFile)) throw new Error(`the server is not ready:\n${this.tail}`);
    const addresses = JSON.parse(readFileSync(this.#readyFile, 'utf8'));
    this.#port = Number(addresses.public.split(':').at(-1));
    this.#privatePort = Number(addresses.private.split(':').at(-1));
  }
}

/** @param {string} url */
async function read(url) {
  return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
}

/**
 * Reads a page from elsewhere.
 *
 * @param {(...words: string[]) => string[]} within
 * @param {string} url
 */
async function readFrom(within, url) {
  const words = within(process.execPath, '-e', `(${read})(process.argv[1]).then(console.log)`, url);
  const [command, ...args] = /** @type {[string, ...string[]]} */ (words);
  return (await promisify(execFile)(command, args)).stdout;
}
