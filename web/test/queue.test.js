// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventQueue, callHandlers } from '../sdk/queue.js';

function deferred() {
  let resolve = () => {};
  /** @type {Promise<void>} */
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve: () => resolve() };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('no event runs on the stack of its cause, and all keep their order', async () => {
  const queue = new EventQueue();
  /** @type {number[]} */
  const seen = [];
  queue.push(() => {
    seen.push(1);
    queue.push(() => seen.push(3));
  });
  queue.push(() => seen.push(2));
  assert.deepEqual(seen, []);
  await settled();
  assert.deepEqual(seen, [1, 2, 3]);
});

test('one event at a time: it is known while a handler runs', async () => {
  const queue = new EventQueue();
  let inside = false;
  queue.push(() => (inside = queue.delivering));
  assert.equal(queue.delivering, false);
  await settled();
  assert.equal(inside, true);
  assert.equal(queue.delivering, false);
});

test('what is held back comes after, also when the holder fails', async () => {
  const queue = new EventQueue();
  /** @type {string[]} */
  const seen = [];
  const holder = deferred();
  queue.hold(() => holder.promise);
  queue.push(() => seen.push('later'));
  await settled();
  assert.equal(seen.join(), '');
  holder.resolve();
  await settled();
  assert.equal(seen.join(), 'later');
  queue.hold(() => Promise.reject(new Error('gone')));
  queue.push(() => seen.push('last'));
  await settled();
  assert.equal(seen.join(), 'later,last');
});

test('a closed queue delivers nothing more, whatever waits', async () => {
  const queue = new EventQueue();
  let count = 0;
  queue.push(() => {
    count += 1;
    queue.close();
  });
  queue.push(() => (count += 1));
  await settled();
  queue.push(() => (count += 1));
  await settled();
  assert.equal(count, 1);
});

test('every handler is called in order of registration, whatever the others do', async (t) => {
  const report = t.mock.method(console, 'error', () => {});
  /** @type {string[]} */
  const seen = [];
  const handlers = [
    { onError: () => seen.push('a') },
    { onError: () => { throw new Error('broken'); } },
    { onError: () => Promise.reject(new Error('broken later')) },
    { other: () => seen.push('never') },
    { onError: (/** @type {number} */ code) => seen.push(`b${code}`) },
  ];
  callHandlers(handlers, 'onError', [110, 'a secret text']);
  await settled();
  assert.deepEqual(seen, ['a', 'b110']);
  assert.equal(report.mock.callCount(), 2);
  assert.ok(!JSON.stringify(report.mock.calls.map((call) => call.arguments)).includes('secret'));
});
