// @ts-check
/**
 * What was measured, for people and programs: one row is printed at once and, where `NETWORK_TABLE` names a file,
 * added to it as a line of JSON.
 *
 * @import { Span } from './arrival.js'
 */
import { appendFileSync } from 'node:fs';

/**
 * @param {string} story
 * @param {Record<string, Span>} spans by what the line was like: before, during, after
 * @param {Record<string, unknown>} [more] what else was found
 */
export function note(story, spans, more = {}) {
  const file = process.env['NETWORK_TABLE'];
  if (file) appendFileSync(file, `${JSON.stringify({ story, ...more, spans })}\n`);
  console.log(`${story} ${Object.keys(more).length ? JSON.stringify(more) : ''}`);
  for (const [when, span] of Object.entries(spans)) console.log(`  ${when.padEnd(7)} ${words(span)}`);
}

/** @param {Span} span */
function words({ fps, freezes, frozenMs, gapMs, height, kbit, concealed, soundless, videoLost, audioLost, nacks, plis, keyframes }) {
  const percent = (/** @type {number} */ part) => `${(100 * part).toFixed(1)} %`;
  return `${fps} frames/s of ${height} lines, ${kbit} kbit/s, ${freezes} freezes of ${frozenMs} ms, longest gap ${gapMs} ms, ` +
    `sound: ${percent(concealed)} made up, ${soundless} silent windows; lost: video ${percent(videoLost)}, ` +
    `audio ${percent(audioLost)}; ${nacks} NACK, ${plis} PLI, ${keyframes} keyframes`;
}
