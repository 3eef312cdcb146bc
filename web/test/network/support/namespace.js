// @ts-check
/** A network of its own within this machine, made for a test and taken away after it. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Names of one run of a test: others may run at the same time. */
const PREFIX = `netlab-${process.pid}`;

/** All that are there. */
const made = /** @type {Set<string>} */ (new Set());

process.once('exit', () => {
  for (const name of made) execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
});

// Whoever ends a test early gets its networks taken away as well.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.once(signal, () => process.exit(1));

export class Namespace {
  /** @param {string} purpose */
  constructor(purpose) {
    this.name = `${PREFIX}-${purpose}`;
  }

  /** @param {string} purpose */
  static async make(purpose) {
    const namespace = new Namespace(purpose);
    await command('netns', 'add', namespace.name).catch((failure) => {
      throw new Error(`network namespaces cannot be made here (they need root and CAP_SYS_ADMIN): ${failure.stderr ?? failure}`);
    });
    made.add(namespace.name);
    await namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  /** @param {...string} words for the command `ip`, which acts in here */
  ip(...words) {
    return command('-netns', this.name, ...words);
  }

  /**
   * @param {string} setting a path below `/proc/sys`
   * @param {string} value
   */
  async set(setting, value) {
    const [program, ...words] = /** @type {[string, ...string[]]} */ (this.within('tee', `/proc/sys/${setting}`));
    const writing = run(program, words);
    writing.child.stdin?.end(value);
    await writing;
  }

  /**
   * The words of a command that runs a program in here.
   *
   * @param {...string} words
   */
  within(...words) {
    return ['ip', 'netns', 'exec', this.name, ...words];
  }

  async remove() {
    await command('netns', 'delete', this.name);
    made.delete(this.name);
  }
}

/**
 * Joins two namespaces with a pair of interfaces, both up. Packets cross it one by one, as on a cable, and are never
 * handed over as one large packet that is to be cut later.
 *
 * @param {[Namespace, string]} one with the name of its interface
 * @param {[Namespace, string]} other
 */
export async function plug([one, oneName], [other, otherName]) {
  await one.ip('link', 'add', oneName, 'type', 'veth', 'peer', 'name', otherName, 'netns', other.name);
  for (const [namespace, name] of /** @type {const} */ ([[one, oneName], [other, otherName]])) {
    await namespace.ip('link', 'set', name, 'addrgenmode', 'none', 'gso_max_segs', '1', 'up');
  }
}

/** @param {...string} words */
async function command(...words) {
  return (await run('ip', words)).stdout;
}
