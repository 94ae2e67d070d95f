#!/usr/bin/env node
// What the tag costs a page: visits without (A) and with it (B) in turns, A B B A, to a host of 1 MB/s, 40 ms away; beside every second of
// them the same without and without, which shows the machine. See README.md.
//   node bench/pages.mjs [--blocks N] [--only REGEX] [--width N] [--json]
import { parseArgs } from 'node:util';
import { select } from '../tests/sites/cases.mjs';
import { openLab } from '../tests/sites/lab.mjs';
import { origins } from '../tests/sites/origins.mjs';
import { look } from '../tests/sites/run.mjs';
import { visitors } from '../tests/sites/visitors.mjs';
import { tier0 } from '../tests/servers/server.mjs';

/** The host: bytes a second, ms, both for all that it sends; and the film's rate, which that host can send. */
const HOST = { line: 1e6, away: 40 }, KBPS = 3000;
/** What works may not be slower. */
const WORKING = ['as it should be', 'a redirect on the same host', 'a redirect far, CORS with credentials', 'gzip', 'octet-stream', 'no-store', 'no Last-Modified'];
/** Of p95: so many times what it is without, and so many ms more; and bytes. The first visit's client and manifest are counted apart. */
const LIMITS = { later: { times: 1.02, ms: 30, bytes: 2000 }, first: { times: 1.1, ms: 100, bytes: 30_000 } }, BYTES = 1.02;

const { values } = parseArgs({ options: { blocks: { type: 'string', default: '150' }, only: { type: 'string' }, width: { type: 'string', default: '2' }, json: { type: 'boolean' } } });
for (const origin of WORKING) Object.assign(origins[origin], HOST);
const cases = select({ long: true, only: values.only }).filter(({ origin, visitor }) => WORKING.includes(origin) && !/slow neighbour|own worker/.test(visitor));

const sum = (log, of) => log.filter(of).reduce((n, { bytes }) => n + bytes, 0), media = ({ url }) => /^\/+media\//.test(url), client = ({ url }) => url.startsWith(tier0);
const quantile = (all, p) => all.toSorted((a, b) => a - b)[Math.min(all.length - 1, Math.floor(p * all.length))];

/** What counts of a visit. Seeks are those of the pages that seek. */
const figures = ({ frame, times, all, before, ours, same }) => ({
  frame, seek: Math.max(...Object.entries(times).filter(([name]) => /^(seek|place)/.test(name)).map(([, ms]) => ms)), media: sum(all, media), client: sum(all, client),
  before: before.filter(media).length, asked: before.filter(client).length, ours, broken: same.broken,
});

const lab = await openLab('chromium', KBPS), pairs = [];
const queue = Array.from({ length: Number(values.blocks) }, (_, i) => cases[i % cases.length]).flatMap((c, i) => [{ c, tag: true }, ...(i % 2 ? [] : [{ c, tag: false }])]), whole = queue.length;
async function work() {
  for (let block; (block = queue.shift());) {
    const { c, tag } = block, visits = [];
    for (const second of [false, true, true, false]) visits.push(figures(await look(lab, c, second && tag)));
    const kind = visitors[c.visitor].before ? 'later' : 'first';
    pairs.push(...[[0, 1], [3, 2]].map(([a, b]) => ({ name: c.name, kind, tag, a: visits[a], b: visits[b] })));
    if (process.stderr.isTTY) process.stderr.write(`\r${whole - queue.length} of ${whole} blocks `);
  }
}
try { await Promise.all(Array.from({ length: Number(values.width) }, work)); } finally { await lab.close(); }

/** What all pairs of a kind say of one figure; null: none has it. */
function compare(mine, name, times, more) {
  const all = mine.filter(({ a, b }) => Number.isFinite(a[name]) && Number.isFinite(b[name]));
  const p95 = side => quantile(all.map(p => p[side][name]), 0.95);
  if (!all.length) return null;
  return { pairs: all.length, without: p95('a'), with: p95('b'), limit: Math.round(times * p95('a') + more), over: quantile(all.map(({ a, b }) => Math.round(b[name] - times * a[name])), 0.5) };
}

/** One row of the table. */
function row(kind, tag) {
  const { times, ms, bytes } = LIMITS[kind], all = pairs.filter(p => p.kind == kind && p.tag == tag), mine = all.filter(p => !p.a.broken && !p.b.broken);
  const more = name => mine.filter(({ a, b }) => b[name] > a[name]).length;
  return {
    visit: kind, tag, pairs: mine.length, broken: all.length - mine.length, plain: mine.filter(p => !p.b.ours).length,
    frame: compare(mine, 'frame', times, ms), seek: compare(mine, 'seek', times, ms), media: compare(mine, 'media', BYTES, bytes), client: quantile(mine.map(p => p.b.client), 0.95),
    'requests more before the frame': { media: more('before'), client: more('asked') },
  };
}
const rows = ['later', 'first'].flatMap(kind => [row(kind, true), row(kind, false)]);
if (values.json) console.log(JSON.stringify({ rows, pairs }));
else for (const { visit, tag, ...more } of rows) console.log(`${visit} visits, without and ${tag ? 'with' : 'without'}:\n${Object.entries(more).map(([name, what]) => `  ${name}: ${JSON.stringify(what)}`).join('\n')}`);
