// @ts-check
/**
 * The measurements of a run as a page: reads lines of JSON, as `NETWORK_TABLE` collects them, and prints Markdown.
 *
 *     NETWORK_TABLE=/tmp/network.jsonl ./scripts/test nightly
 *     node web/test/network/tabulate.js < /tmp/network.jsonl > docs/bench/network.md
 *
 * @import { Span } from './support/arrival.js'
 */
import { readFileSync } from 'node:fs';

const HEAD = `# Calls over bad lines

What one real Chromium decodes of another through the real program, each in a network namespace of its own, over lines
that \`web/test/network\` makes worse while the call goes on: 640×360 at 20 frames a second and 1 to 2 Mbit/s, VP8, Opus
with redundancy. A row is a few seconds before, while and after the line is bad. A gap is the longest time between two
frames that were shown; sound is the part that the browser had to make up. Loss and delay are of all packets, both ways.

| line | when | frames/s | lines | kbit/s | freezes | longest gap ms | sound made up % | packets of the line | lost there | back after ms |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |`;

const rows = readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));

console.log(HEAD);
for (const { story, spans, line, backMs } of rows) {
  for (const [when, span] of Object.entries(spans)) {
    const bad = when === 'during';
    const { fps, height, kbit, freezes, gapMs, concealed } = /** @type {Span} */ (span);
    const cells = [
      when === Object.keys(spans)[0] ? story : '', when, fps, height, kbit, freezes, gapMs, (100 * concealed).toFixed(1),
      bad ? line?.seen ?? '' : '', bad && line ? line.lost + line.overflowed : '',
      bad && backMs !== undefined ? backMs === null ? 'never' : Math.round(backMs) : '',
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
