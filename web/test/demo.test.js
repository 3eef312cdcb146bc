// @ts-check
/** The pure parts of the call page: where tiles go, what the clock shows, what is said, and how the state changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { faults, fromAddress, fromStore, shareLink, DEFAULTS } from '../demo/choices.js';
import { formatLeft, renewDelay, shareLeft, speakLeft, tokenPhase, untilNextTick } from '../demo/clock.js';
import { bestGrid, gridBoxes, spotlightBoxes } from '../demo/grid.js';
import { START, cameraOf, count, micOf, reduce } from '../demo/state.js';
import { refusalWords, tokenPath } from '../demo/tokens.js';
import { NO_TOKEN, callFault, deviceFault, initials, reconnecting, refusal, renewalFault } from '../demo/words.js';

/** @typedef {import('../demo/grid.js').Box} Box */

const ROOMS = [
  { width: 308, height: 420 },
  { width: 1416, height: 740 },
  { width: 640, height: 290 },
  { width: 750, height: 900 },
  { width: 3800, height: 2000 },
];

test('every number of tiles fits into every room, in its shape, without touching', () => {
  for (const room of ROOMS) {
    for (let count = 1; count <= 50; count += 1) {
      const grid = bestGrid({ ...room, count });
      const boxes = gridBoxes({ ...room, count }, grid);
      assert.equal(boxes.length, count);
      assertApart(boxes, `${count} in ${room.width}×${room.height}`);
      for (const box of boxes) {
        assert.ok(
          box.x >= 0 && box.x + box.width <= room.width,
          `${count}: ${JSON.stringify(box)} leaves ${room.width}`,
        );
        if (!grid.scrolls) assert.ok(box.y >= 0 && box.y + box.height <= room.height, `${count}: leaves the height`);
        assert.ok(Math.abs(box.width / box.height - 16 / 9) < 0.1, `${count}: ${box.width}×${box.height}`);
      }
    }
  }
});

test('no other number of columns gives larger tiles', () => {
  const { width, height } = { width: 1416, height: 740 };
  for (const count of [2, 3, 5, 9, 20]) {
    const best = bestGrid({ width, height, count });
    for (let columns = 1; columns <= count; columns += 1) {
      const rows = Math.ceil(count / columns);
      const wide = (width - 8 * (columns - 1)) / columns;
      const high = ((height - 8 * (rows - 1)) / rows) * (16 / 9);
      assert.ok(Math.floor(Math.min(wide, high)) <= best.tileWidth, `${count} in ${columns} columns`);
    }
  }
});

test('a last row that is not full stands in the middle', () => {
  const boxes = gridBoxes({ width: 1000, height: 600, count: 3 });
  const last = /** @type {Box} */ (boxes[2]);
  assert.ok(Math.abs(last.x + last.width / 2 - 500) <= 1, `${last.x}`);
});

test('fifty on the smallest phone scroll rather than vanish', () => {
  const grid = bestGrid({ width: 308, height: 100, count: 50 });
  assert.equal(grid.scrolls, true);
  assert.ok(grid.tileWidth >= 56);
  assert.ok(bestGrid({ width: 1416, height: 740, count: 50 }).scrolls === false);
});

test('no room and nobody are no trouble', () => {
  assert.deepEqual(gridBoxes({ width: 0, height: 0, count: 0 }), []);
  assert.equal(bestGrid({ width: 0, height: 0, count: 3 }).scrolls, true);
});

test('what is shown large takes most of the room, and the others stand beside it', () => {
  for (const room of ROOMS) {
    for (const count of [0, 1, 5, 12]) {
      const { main, others } = spotlightBoxes({ ...room, count });
      assertApart([main, ...others], `${count} beside, in ${room.width}×${room.height}`);
      assert.ok(main.width * main.height >= 0.6 * room.width * room.height, `${count}: ${JSON.stringify(main)}`);
      for (const box of others) {
        assert.ok(box.x + box.width <= room.width && box.y + box.height <= room.height, JSON.stringify(box));
      }
    }
  }
});

test('the clock says 0:00 only when it is over', () => {
  assert.equal(formatLeft(252_000), '4:12');
  assert.equal(formatLeft(8_001), '0:09');
  assert.equal(formatLeft(1), '0:01');
  assert.equal(formatLeft(0), '0:00');
  assert.equal(formatLeft(-5), '0:00');
  assert.equal(formatLeft(3_600_000), '1:00:00');
  assert.equal(formatLeft(86_399_500), '24:00:00');
});

test('the clock can be heard', () => {
  assert.equal(speakLeft(252_000), '4 minutes 12 seconds');
  assert.equal(speakLeft(3_661_000), '1 hour 1 minute 1 second');
  assert.equal(speakLeft(0), '0 seconds');
});

test('the warning begins at thirty seconds', () => {
  assert.equal(tokenPhase(null), 'none');
  assert.equal(tokenPhase(30_001), 'calm');
  assert.equal(tokenPhase(30_000), 'warning');
  assert.equal(tokenPhase(0), 'ended');
  assert.equal(shareLeft(15_000, 60_000), 0.25);
  assert.equal(shareLeft(null, null), 1);
  assert.equal(untilNextTick(1_250), 250);
  assert.equal(untilNextTick(2_000), 1_000);
});

test('a token shorter than the warning is not renewed without a pause', () => {
  assert.equal(renewDelay(30_000), 0);
  assert.equal(renewDelay(20_000), 10_000);
  assert.equal(renewDelay(0), 0);
});

test('a refusal names what did not match, with its code and the way on', () => {
  const say = (/** @type {string} */ text) => refusal({ code: 110, reason: 8, text, channel: 'AppTest', uid: 7 });
  const channel = say('the token was made for another channel than "AppTest"; names are compared exactly');
  assert.equal(channel.title, 'This token was made for another channel than “AppTest”');
  assert.equal(channel.detail, 'The token was made for another channel than "AppTest"; names are compared exactly.');
  assert.equal(channel.code, 'Error 110, reason 8');

  assert.match(
    say('the token was made for another user than "8"; ids are compared exactly, as text').title,
    /uid than 7/,
  );
  assert.match(say('the token was made for another app id; check the app id').title, /another App ID/);
  assert.match(
    say("the token's signature does not fit; check that it was made with this app's certificate").title,
    /signature/,
  );
  assert.match(
    say("the token's issue time is 600 s ahead of the server's clock; check clock skew").title,
    /not valid yet/,
  );
  assert.match(
    say('this app admits nobody without a token; ask the token server for one').title,
    /entered with a token/,
  );
  assert.match(say('the token does not grant privilege 1 of rtc').title, /right to join/);
  assert.match(say('the token is too short; check that it was copied whole').title, /whole token/);
  assert.match(say('').title, /does not open “AppTest”/);
});

test('a channel with a misleading name does not mislead', () => {
  const text = 'the token was made for another user than "the signature \\" channel"';
  assert.match(refusal({ code: 110, reason: 8, text, channel: 'x' }).title, /another uid/);
});

test('every other end has words of its own', () => {
  const title = (/** @type {number} */ code, /** @type {number} */ reason) =>
    refusal({ code, reason, text: '', channel: 'tea' }).title;
  assert.match(title(109, 9), /has ended/);
  assert.match(title(101, 6), /App ID/);
  assert.match(title(102, 7), /name/);
  assert.match(title(103, 20), /full/);
  assert.match(title(123, 3), /cannot be in/);
  assert.match(title(0, 19), /somewhere else/);
  assert.match(title(17, 10), /refused the join/);
  assert.match(title(112, 4), /could not be reached/);
  assert.match(title(0, NO_TOKEN), /No token/);
  assert.match(title(999, 999), /ended/);
  assert.equal(refusal({ code: 109, reason: 9, text: '', channel: 'tea' }).way, 'token');
  assert.equal(refusal({ code: 0, reason: NO_TOKEN, text: '', channel: 'tea' }).code, '');
});

test('who pasted a token is told to mend that, not offered the same again', () => {
  const end = { code: 110, reason: 8, text: 'the app admits nobody without a token', channel: 'tea' };
  assert.equal(refusal(end).way, 'token');
  const pasted = refusal({ ...end, pasted: true });
  assert.equal(pasted.way, 'back');
  assert.match(pasted.advice, /clear that field/);
});

test('a page that cannot get tokens does not offer to', () => {
  const way = (/** @type {number} */ code, /** @type {number} */ reason) =>
    refusal({ code, reason, text: '', channel: 'tea', fetches: false }).way;
  assert.deepEqual([way(109, 9), way(0, NO_TOKEN), way(17, 10)], ['back', 'back', 'retry']);
  const kept = story({ type: 'configured', fetches: false }, JOIN, { type: 'left' });
  assert.equal(kept.fetches, false);
});

test('failed renewals, refused calls, breaks and devices have words', () => {
  assert.equal(renewalFault(0), '');
  assert.equal(renewalFault(6), '');
  for (const code of [1, 2, 3, 4, 5, 99]) assert.notEqual(renewalFault(code), '');
  assert.match(callFault(-102), /channel name/);
  assert.match(callFault(-999), /-999/);
  assert.match(reconnecting(16), /lost/);
  assert.match(reconnecting(99), /interrupted/);
  assert.match(deviceFault('camera', 'refused'), /blocked/);
  assert.match(deviceFault('microphone', 'absent'), /No microphone/);
  assert.match(deviceFault('camera', 'busy'), /Another program/);
  assert.match(deviceFault('camera', 'insecure'), /https/);
});

test('initials are letters', () => {
  assert.equal(initials('Ann Becker'), 'AB');
  assert.equal(initials('jonas'), 'J');
  assert.equal(initials('Ann Maria Becker (guest)'), 'AG');
  assert.equal(initials('🦊 Fox'), 'F');
  assert.equal(initials('  '), '?');
});

test('the address wins, the store is not trusted', () => {
  assert.deepEqual(fromStore(null), DEFAULTS);
  assert.deepEqual(fromStore('not json'), DEFAULTS);
  assert.deepEqual(fromStore('[1]'), DEFAULTS);
  const kept = fromStore(JSON.stringify({ name: 'Ann', mic: 'yes', role: 'king', camera: false, evil: 1 }));
  assert.deepEqual(kept, { ...DEFAULTS, name: 'Ann', camera: false });
  assert.deepEqual(fromAddress('?channel=a+b&role=audience&mic=off'), { channel: 'a b', role: 'listen', mic: false });
  assert.deepEqual(fromAddress(''), {});
});

test('a share link brings the same channel back, whatever its signs', () => {
  const channel = 'a b&c=d#e?f+g%';
  const link = new URL(shareLink('https://call.example', channel));
  assert.deepEqual(fromAddress(link.search), { channel });
});

test('faults name the field', () => {
  assert.deepEqual(faults({ channel: 'AppTest', uid: '', life: '', appId: '' }), {});
  assert.match(faults({ channel: '', uid: '', life: '', appId: '' }).channel ?? '', /name/);
  assert.match(faults({ channel: 'a*', uid: '', life: '', appId: '' }).channel ?? '', /“\*”/);
  assert.match(faults({ channel: 'a'.repeat(65), uid: '', life: '', appId: '' }).channel ?? '', /64/);
  const rest = faults({ channel: 'a', uid: '4294967296', life: '0', appId: 'xyz' });
  assert.deepEqual(Object.keys(rest).sort(), ['appId', 'life', 'uid']);
  assert.deepEqual(faults({ channel: 'a', uid: '4294967295', life: '86400', appId: 'A'.repeat(32) }), {});
});

test('the token route is filled in and encoded', () => {
  const route = '/rtc/{channel}/{role}/uid/{uid}/';
  const wish = { channel: 'a b?{uid}', role: /** @type {const} */ ('speak'), uid: 7, life: 30 };
  assert.equal(tokenPath(route, wish), '/rtc/a%20b%3F%7Buid%7D/publisher/uid/7/?expiry=30');
  assert.equal(tokenPath(route, { ...wish, role: 'listen', life: null }), '/rtc/a%20b%3F%7Buid%7D/subscriber/uid/7/');
});

test('a call from the door to the end', () => {
  let state = story(JOIN);
  assert.deepEqual([state.phase, state.step, state.channel], ['joining', 'token', 'tea']);
  state = story(JOIN, CONNECTING, CONNECTED, { type: 'joined', uid: 7 });
  assert.deepEqual([state.phase, state.me.uid, state.breakReason], ['call', 7, null]);
  state = story(...IN, { type: 'connection', state: 4, reason: 2 });
  assert.deepEqual([state.phase, state.breakReason], ['call', 2]);
  state = story(...IN, { type: 'connection', state: 4, reason: 2 }, { type: 'connection', state: 3, reason: 15 });
  assert.equal(state.breakReason, null);
  state = story(...IN, { type: 'connection', state: 1, reason: 5 }, { type: 'left' });
  assert.deepEqual([state.phase, state.people.size, state.channel], ['prejoin', 0, '']);
});

test('an end inside the call differs from a refusal at the door', () => {
  const over = [
    { type: 'error', code: 109, text: 'expired 0 s ago' },
    { type: 'connection', state: 5, reason: 9 },
  ];
  assert.equal(story(...IN, ...over).phase, 'expired');
  const atDoor = story({ ...JOIN, uid: 7 }, CONNECTING, ...over);
  assert.equal(atDoor.phase, 'refused');
  assert.deepEqual(atDoor.end, { code: 109, reason: 9, text: 'expired 0 s ago' });
  const back = story(
    ...IN,
    ...over,
    { type: 'connection', state: 4, reason: 12 },
    { type: 'connection', state: 3, reason: 15 },
  );
  assert.deepEqual([back.phase, back.end], ['call', null]);
});

test('an old error is not blamed for a later end', () => {
  const state = story(
    ...IN,
    { type: 'error', code: 112, text: 'lost' },
    { type: 'connection', state: 4, reason: 16 },
    { type: 'connection', state: 3, reason: 15 },
    { type: 'connection', state: 5, reason: 19 },
  );
  assert.deepEqual(state.end, { code: 0, reason: 19, text: '' });
});

test('people come, send, mute and go', () => {
  const ann = [
    { type: 'userJoined', uid: 9 },
    { type: 'userInfo', uid: 9, name: 'Ann' },
  ];
  const sends = (/** @type {string} */ kind, /** @type {string} */ source) => ({
    type: 'published',
    uid: 9,
    kind,
    source,
  });
  let person = story(...IN, ...ann).people.get(9);
  assert.ok(person);
  assert.deepEqual([person.name, micOf(person), cameraOf(person)], ['Ann', 'none', 'none']);
  person = story(...IN, ...ann, sends('audio', 'microphone'), sends('video', 'camera')).people.get(9);
  assert.ok(person);
  assert.deepEqual([micOf(person), cameraOf(person)], ['on', 'on']);
  const muted = { type: 'muted', uid: 9, kind: 'audio', muted: true };
  person = story(...IN, ...ann, sends('audio', 'microphone'), muted, sends('video', 'screen')).people.get(9);
  assert.ok(person);
  assert.deepEqual([micOf(person), cameraOf(person), person.sendsScreen], ['muted', 'none', true]);
  assert.equal(story(...IN, ...ann, { type: 'userLeft', uid: 9 }).people.size, 0);
});

test('listeners are counted and have no place on the stage', () => {
  const standing = { role: 2, audio: false, video: false, data: false, expiresInMs: 60_000 };
  const state = story(...IN, { type: 'standing', standing, now: 1_000 }, { type: 'userJoined', uid: 9 });
  assert.deepEqual(count(state), { speakers: 1, listeners: 1 });
  assert.equal(state.me.speaker, false);
});

test('the circle stands for the whole life of the newest token', () => {
  const standing = (/** @type {number} */ expiresInMs, /** @type {number} */ now) => ({
    type: 'standing',
    standing: { role: 1, audio: true, video: true, data: true, expiresInMs },
    now,
  });
  let { token } = story(...IN, standing(60_000, 0));
  assert.deepEqual([token.endsAt, token.lifeMs], [60_000, 60_000]);
  ({ token } = story(...IN, standing(60_000, 0), standing(39_800, 20_000)));
  assert.deepEqual([token.endsAt, token.lifeMs], [60_000, 60_000], 'the same token, told again');
  ({ token } = story(...IN, standing(60_000, 0), standing(90_000, 20_000)));
  assert.deepEqual([token.endsAt, token.lifeMs], [110_000, 90_000], 'a new one');
});

test('volumes fade for whoever is no longer heard of', () => {
  const loud = { type: 'volumes', local: false, levels: new Map([[9, 90]]) };
  const quiet = { type: 'volumes', local: false, levels: new Map() };
  assert.equal(story(...IN, { type: 'userJoined', uid: 9 }, loud).people.get(9)?.volume, 90);
  assert.equal(story(...IN, { type: 'userJoined', uid: 9 }, loud, quiet).people.get(9)?.volume, 0);
  const mine = { type: 'volumes', local: true, levels: new Map([[0, 40]]) };
  assert.equal(story(...IN, mine, loud).me.volume, 40);
});

test('quality is the worse of both ways, and nothing where nothing is known', () => {
  const told = (/** @type {number} */ tx, /** @type {number} */ rx) =>
    story(...IN, { type: 'quality', uid: 0, tx, rx }).me.quality;
  assert.deepEqual([told(1, 4), told(0, 2), told(8, 0)], [4, 2, 0]);
});

test('an action that nobody knows is a bug', () => {
  assert.throws(() => reduce(START, { type: 'nonsense' }), /nonsense/);
});

const JOIN = { type: 'join', channel: 'tea', uid: 0, name: 'Me', speaker: true, pasted: false };
const CONNECTING = { type: 'connection', state: 2, reason: 0 };
const CONNECTED = { type: 'connection', state: 3, reason: 1 };
const IN = [JOIN, CONNECTING, CONNECTED, { type: 'joined', uid: 7 }];

/** @param {import('../demo/state.js').Action[]} actions */
function story(...actions) {
  return actions.reduce(reduce, /** @type {import('../demo/state.js').State} */ (START));
}

/**
 * @param {Box[]} boxes
 * @param {string} words
 */
function assertApart(boxes, words) {
  boxes.forEach((a, index) => {
    for (const b of boxes.slice(index + 1)) {
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      assert.ok(apart, `${words}: ${JSON.stringify(a)} touches ${JSON.stringify(b)}`);
    }
  });
}

test('a refused token says whether the login or its rights are at fault', () => {
  const body = { error: 'the JWT has expired', status: 401 };
  assert.equal(refusalWords(401, body, true), 'Your login was not accepted: the JWT has expired.');
  assert.match(refusalWords(403, { error: 'not that channel' }, true), /does not allow this: not that channel/);
  assert.match(refusalWords(401, body, false), /Enter your login/);
  assert.match(refusalWords(502, null, true), /HTTP 502/);
});
