// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Peer } from '../sdk/peer.js';
import { installBrowser, settled } from './support/browser.js';

installBrowser();

/** @param {string} source @param {object} [more] */
const outgoing = (source, more) =>
  /** @type {import('../sdk/peer.js').Outgoing} */ ({
    source,
    kind: source === 'microphone' ? 'audio' : 'video',
    muted: false,
    track: /** @type {any} */ ({ kind: source === 'microphone' ? 'audio' : 'video' }),
    ...more,
  });

/** A peer, and everything that it asked for. */
function made() {
  /** @type {import('../sdk/protocol.d.ts').MediaOffer[]} */
  const offers = [];
  /** @type {string[]} */
  const mutes = [];
  const peer = new Peer({}, {
    negotiate: (media) => offers.push(media),
    setMuted: (mid, muted) => mutes.push(`${mid} ${muted}`),
    changed: () => {},
    lost: () => {},
  });
  const sent = () =>
    peer.connection.getTransceivers().flatMap(({ mid, sender }) => (sender.track ? [mid] : []));
  return { peer, offers, mutes, sent };
}

/**
 * The server's answer to an offer.
 *
 * @param {import('../sdk/protocol.d.ts').MediaOffer} offer
 * @param {import('../sdk/protocol.d.ts').PublishState} [state]
 */
const answer = (offer, state = 'published') => ({
  sdp: 'answer',
  publish: offer.publish.map(({ mid }, id) => ({ mid, id, state })),
  slots: [],
});

const sources = (/** @type {import('../sdk/protocol.d.ts').MediaOffer | undefined} */ offer) =>
  offer?.publish.map(({ source, muted }) => (muted ? `(${source})` : source)).join(' ');

test('the first offer has the tracks and the spare slots, and nothing is sent before the answer', async () => {
  const { peer, sent } = made();
  peer.publish([outgoing('microphone'), outgoing('camera', { muted: true })]);
  const offer = await peer.start();
  assert.equal(sources(offer), 'microphone (camera)');
  assert.deepEqual(offer.slots.map(({ kind }) => kind).sort(), ['audio', 'audio', 'video', 'video', 'video', 'video']);
  assert.deepEqual(sent(), []);
  await peer.answer(answer(offer));
  await settled();
  assert.deepEqual(sent(), [offer.publish[0]?.mid]);
});

test('one offer at a time: what changes meanwhile is offered after the answer, in one', async () => {
  const { peer, offers } = made();
  const first = await peer.start();
  peer.publish([outgoing('microphone')]);
  peer.publish([outgoing('microphone'), outgoing('camera')]);
  peer.addSlots(1, 2);
  await settled();
  assert.equal(offers.length, 0);
  await peer.answer(answer(first));
  await settled();
  assert.equal(offers.length, 1);
  assert.equal(sources(offers[0]), 'microphone camera');
  assert.equal(offers[0]?.slots.length, 9);
});

test('a mute is told once, also one that came while the offer was out', async () => {
  const { peer, mutes } = made();
  peer.publish([outgoing('microphone')]);
  const offer = await peer.start();
  const mid = offer.publish[0]?.mid;
  peer.publish([outgoing('microphone', { muted: true })]);
  assert.deepEqual(mutes, []);
  await peer.answer(answer(offer));
  peer.publish([outgoing('microphone', { muted: true })]);
  peer.publish([outgoing('microphone')]);
  assert.deepEqual(mutes, [`${mid} true`, `${mid} false`]);
});

test('what the server does not forward is not sent, until it does', async () => {
  const { peer, sent, offers } = made();
  peer.publish([outgoing('camera')]);
  const offer = await peer.start();
  const mid = /** @type {string} */ (offer.publish[0]?.mid);
  await peer.answer(answer(offer));
  peer.setPublishState(mid, 'notAllowed');
  await settled();
  assert.deepEqual(sent(), []);
  assert.equal(peer.publishState('camera'), 'notAllowed');
  peer.setPublishState(mid, 'published');
  await settled();
  assert.deepEqual(sent(), [mid]);
  assert.equal(offers.length, 0);
});

test('a section that was refused is offered again once it is allowed', async () => {
  const { peer, offers, sent } = made();
  peer.publish([outgoing('camera')]);
  const offer = await peer.start();
  await peer.answer(answer(offer, 'notAllowed'));
  const transceiver = peer.connection.getTransceivers().find(({ mid }) => mid === offer.publish[0]?.mid);
  // The server's answer says so in its description, too.
  Object.assign(/** @type {object} */ (transceiver), { currentDirection: 'inactive' });
  peer.setPublishState(/** @type {string} */ (offer.publish[0]?.mid), 'published');
  await settled();
  assert.equal(sources(offers[0]), 'camera');
  await peer.answer(answer(/** @type {any} */ (offers[0])));
  await settled();
  assert.deepEqual(sent(), [offers[0]?.publish[0]?.mid]);
});

test('what the server says right after its answer is not undone by the answer', async () => {
  const { peer, sent } = made();
  peer.publish([outgoing('microphone'), outgoing('camera')]);
  const offer = await peer.start();
  const [microphone, camera] = offer.publish.map(({ mid }) => mid);
  const slot = String(offer.slots[0]?.mid);
  const answering = peer.answer({ ...answer(offer), slots: [{ mid: slot }] });
  peer.setSlots([{ mid: slot, publication: 7 }]);
  peer.setPublishState(String(camera), 'notAllowed');
  await answering;
  await settled();
  assert.equal(peer.slots[0]?.publication, 7);
  assert.deepEqual(sent(), [microphone]);
});

test('a source that is taken away and comes back has the section that it had', async () => {
  const { peer, offers } = made();
  peer.publish([outgoing('camera')]);
  const first = await peer.start();
  await peer.answer(answer(first));
  peer.publish([outgoing('screen')]);
  await settled();
  assert.equal(sources(offers[0]), 'screen');
  await peer.answer(answer(/** @type {any} */ (offers[0])));
  peer.publish([outgoing('camera')]);
  await settled();
  assert.equal(sources(offers[1]), 'camera');
  assert.equal(offers[1]?.publish[0]?.mid, first.publish[0]?.mid);
});

test('an offer that is refused is repeated, but not for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { peer, offers } = made();
  await peer.answer(answer(await peer.start()));
  peer.publish([outgoing('camera')]);
  for (let refusal = 0; refusal < 10; refusal++) {
    await settled();
    await peer.rollBack();
    t.mock.timers.tick(60_000);
  }
  assert.equal(offers.length, 4);
  assert.equal(sources(offers[3]), 'camera');
  peer.close();
});

test('a closed peer offers nothing', async () => {
  const { peer, offers } = made();
  await peer.answer(answer(await peer.start()));
  peer.close();
  peer.publish([outgoing('camera')]);
  peer.addSlots(1, 1);
  await settled();
  assert.deepEqual(offers, []);
});
