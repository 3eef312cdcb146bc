// @ts-check
/**
 * The token's life and each privilege's, one under the other, with now across them.
 *
 * @import { Token } from './token.js'
 * @import { Span, Timeline } from './times.js'
 */
import { byId, make } from '../dom.js';
import { distance, moment, timelineOf } from './times.js';

/** @param {Token} token @param {number} now */
export function renderTimeline(token, now) {
  const timeline = timelineOf(token, now);
  byId('timeline').replaceChildren(scale(timeline), ...timeline.spans.map((span) => row(timeline, span)));
}

/** @param {Timeline} timeline */
function scale({ issued, now }) {
  const from = issued === null ? [] : [make('span', {}, [make('b', {}, ['Issued ']), moment(issued)])];
  const present = make('span', {}, [make('b', { class: 'present-word' }, ['Now ']), moment(now)]);
  return make('div', { class: 'scale' }, [...from, present]);
}

/** @param {Timeline} timeline @param {Span} span */
function row(timeline, span) {
  const place = (/** @type {number} */ at) => `${((at - timeline.start) / (timeline.end - timeline.start)) * 100}%`;
  const life = make('div', { class: 'life' });
  life.style.setProperty('--from', place(span.start));
  life.style.setProperty('--to', place(Math.max(span.end, span.start)));
  const track = make('div', { class: 'track' }, [life]);
  if (timeline.now >= timeline.start && timeline.now <= timeline.end) {
    const present = make('div', { class: 'present' });
    present.style.setProperty('--at', place(timeline.now));
    track.append(present);
  }
  const words = make('div', { class: 'span-words' }, [make('b', {}, [span.name]), make('span', {}, [wordsOf(span, timeline.now)])]);
  const kinds = [timeline.now >= span.end ? 'over' : '', span.cut === '' ? '' : 'cut'].join(' ').trim();
  return make('div', { class: `row ${kinds}`.trim(), 'data-span': span.name }, [words, track]);
}

/** @param {Span} span @param {number} now */
function wordsOf({ end, cut }, now) {
  const verb = now >= end ? 'ended' : 'ends';
  return `${verb} ${distance(end, now)}${CUTS[cut]}`;
}

const CUTS = { '': '', token: ', cut off by the token’s end', day: ', cut off at 24 hours' };
