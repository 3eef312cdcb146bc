// @ts-check

/**
 * Delivers events: one at a time, in order, never on the stack of the code that caused them.
 *
 * A task may be asynchronous; those behind it wait until it is done.
 */
export class EventQueue {
  /** @type {(() => void | Promise<void>)[]} */
  #tasks = [];
  #running = false;
  #closed = false;
  #delivering = false;

  /** Whether a handler runs right now, so that the caller is inside it. */
  get delivering() {
    return this.#delivering;
  }

  /** How many events wait. */
  get length() {
    return this.#tasks.length;
  }

  /**
   * Adds an event at the end.
   *
   * @param {() => void} task calls the handlers
   */
  push(task) {
    this.#add(() => this.#deliver(task));
  }

  /**
   * Holds back all later events until this is done. Its failure counts as done.
   *
   * @param {() => Promise<void>} task
   */
  hold(task) {
    this.#add(() => task().catch(() => undefined));
  }

  /** Drops what waits and takes nothing more. */
  close() {
    this.#closed = true;
    this.#tasks.length = 0;
  }

  /** @param {() => void | Promise<void>} task */
  #add(task) {
    if (this.#closed) return;
    this.#tasks.push(task);
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => void this.#drain());
  }

  async #drain() {
    for (let task = this.#tasks.shift(); task; task = this.#tasks.shift()) {
      const pending = task();
      if (pending) await pending;
    }
    this.#running = false;
  }

  /** @param {() => void} task */
  #deliver(task) {
    this.#delivering = true;
    try {
      task();
    } finally {
      this.#delivering = false;
    }
  }
}

/**
 * Calls the method `name` of every handler that has it, in order. A handler that throws is reported and stops nothing.
 *
 * @param {Iterable<Record<string, any>>} handlers
 * @param {string} name
 * @param {unknown[]} args
 */
export function callHandlers(handlers, name, args) {
  for (const handler of [...handlers]) {
    try {
      const result = handler[name]?.(...args);
      if (result instanceof Promise) result.catch((error) => reportFailure(name, error));
    } catch (error) {
      reportFailure(name, error);
    }
  }
}

/**
 * The arguments of the event may hold a token: only its name and the error are printed.
 *
 * @param {string} name
 * @param {unknown} error
 */
function reportFailure(name, error) {
  console.error(`event handler ${name} failed:`, error);
}
