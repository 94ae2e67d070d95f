// Real viewers of a film, each behind a line and a NAT of its own, at a host with a line like a cheap one's: see README.md. By bench/host.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { people, scenes } from './people.mjs';

const USAGE = `usage: bench/host [OPTION...]   as root
  --viewers N    3              --within S    s in which they come, evenly; 10
  --scene NAME   ${scenes.join(' or ').padEnd(14)} --seed N      1
  --host KBIT    8450: 1 MB/s   --seconds S   of the film, 30      --kbps N   of the film, 2400
  --without      without the tag: plain HTTP
  --json FILE    all of it as JSON, too
`;
const number = text => ({ type: 'string', default: text });
const { values } = parseArgs({ options: {
  viewers: number('3'), within: number('10'), scene: { type: 'string', default: 'mixed' }, seed: number('1'), host: number('8450'),
  seconds: number('30'), kbps: number('2400'), without: { type: 'boolean' }, json: { type: 'string' }, help: { type: 'boolean' },
} });
const wrong = scenes.includes(values.scene) ? ['viewers', 'within', 'seed', 'host', 'seconds', 'kbps'].find(name => !/^[1-9]\d*$/.test(values[name])) : 'scene';
if (values.help || wrong) {
  process.stderr.write(`${values.help ? '' : `bench/host: --${wrong} ${values[wrong]}?\n`}${USAGE}`);
  process.exit(values.help ? 0 : 2);
}
const [count, within, seed, host, seconds, kbps] = ['viewers', 'within', 'seed', 'host', 'seconds', 'kbps'].map(name => Number(values[name]));
/** ms at once of standing still that nobody notices. */
const CLEAN = 250;

// with POLYCIRCLE_PROGRAM, which they want at once
const { how } = await import('../tests/browser/chromium.mjs'), { makeSite, makeViewer, page } = await import('../tests/browser/site.mjs');
const { startTurn } = await import('../tests/nat/turn.mjs'), { everywhere, makeWorld } = await import('../tests/nat/world.mjs');

const viewers = people(values.scene, count, seed), HOST = '198.18.0.2', stun = { public: '198.18.0.3', six: '2001:db8::3', delay: 10 };
const nodes = { host: { public: HOST, up: host, down: 100_000, delay: 5 }, stun, ...Object.fromEntries(viewers.map(({ node }, i) => [`v${i + 1}`, node])) };

/** What the server's log says when requests began and ended, in ms, behind its own lines. */
const timed = conf => everywhere(conf).replace('%{Server-Timing}o', '%{Server-Timing}o %{begin:msec}t %{end:msec}t');
function atOnce(log) {
  const edges = [...log.matchAll(/ (\d{13}) (\d{13})" "/g)].flatMap(([, begin, end]) => [[Number(begin), 1], [Number(end), -1]]);
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let now = 0;
  return edges.reduce((most, [, step]) => Math.max(most, now += step), 0);
}

/** One viewer's visit, until its film has ended or could have three times. */
async function watch(world, url, { takes }, i) {
  await sleep((i * within * 1000) / count);
  const viewer = await makeViewer({
    executablePath: await world.inside(`v${i + 1}`, how.executablePath), permissions: [], args: [`--unsafely-treat-insecure-origin-as-secure=${url}`],
    ...takes && { hasTouch: true, isMobile: true },
  });
  return { viewer, tab: await viewer.open(`${url}/`) };
}

async function seen({ tab }) {
  const over = () => tab.evaluate(() => film.ended || !!film.error);
  for (const end = Date.now() + (3 * seconds + 30) * 1000; Date.now() < end && !await over();) await sleep(250);
  return tab.evaluate(() => {
    const { polycircle } = globalThis, { bytes, uploaded } = polycircle?.stats() ?? {}, ms = time => time && Math.round(time);
    return {
      first: ms(film.first), stall: ms(film.stall), longest: ms(film.longest), ended: film.error ?? film.ended,
      origin: bytes?.origin, peers: bytes?.peers, gave: uploaded, links: polycircle?.peers.length, touch: matchMedia('(pointer: coarse)').matches,
    };
  });
}

async function measure(world) {
  // not by autoplay: such a film is left alone on a first visit
  const play = '<script>document.querySelector("video").addEventListener("canplay", e => e.target.play(), { once: true });</script>';
  const ice = await startTurn(world, 'stun', stun), body = `<video muted preload="auto" src="/media/film.mp4"></video>${play}`;
  const pages = { 'index.html': page(body, values.without ? '' : '%TAG%') }, film = { seconds, kbps, size: '64x48' }, all = [];
  const site = await makeSite({ hosts: [HOST], film, pages, change: timed });
  try {
    await site.program(['circle', 'set', 'test', '--ice', ice.stun[0]]);
    // nobody leaves before the last one has seen it: who gives is still there
    const results = await Promise.all(viewers.map(async (who, i) => {
      const one = await watch(world, `http://${HOST}:${site.port}`, who, i);
      all.push(one.viewer);
      return seen(one);
    }));
    if (!values.without && results.every(({ origin, peers }) => !(origin + peers))) console.error('no byte came by the mirror: this is plain HTTP');
    const log = await site.log(), media = log.filter(({ path }) => path?.startsWith('/media/')), { size } = await stat(site.at('media/film.mp4'));
    return {
      results, films: media.reduce((sum, { bytes }) => sum + bytes, 0) / size, requests: media.length,
      syncs: log.filter(({ path }) => /sync/.test(path)).length, most: atOnce(await readFile(join(site.dir, 'run/access.log'), 'utf8')),
    };
  } finally {
    for (const viewer of all) await viewer.close();
    await site.close();
  }
}

console.error(`${count} viewers within ${within} s, a film of ${seconds} s: over in ${within + seconds} s or so, in ${within + 3 * seconds + 30} at the latest`);
const world = await makeWorld(nodes);
let run, stats;
try { run = await measure(world); } finally { stats = await world.close(); }

const rows = run.results.map((result, i) => {
  const { line, node: { kind, down, up } } = viewers[i];
  return { line, kind, down, up, ...result };
});
const clean = rows.filter(({ ended, longest }) => ended === true && longest < CLEAN).length, sum = of => rows.reduce((all, row) => all + (row[of] ?? 0), 0);
const firsts = rows.map(({ first }) => first ?? Infinity).sort((a, b) => a - b);
const summary = {
  viewers: count, clean, 'stalled, s': Number((sum('stall') / 1000).toFixed(1)), 'first frame, ms: median': firsts[count >> 1], 'and last': firsts.at(-1),
  'films from the host': Number(run.films.toFixed(2)), 'bytes from peers': sum('peers'), 'requests for it': run.requests, 'requests at once': run.most,
  'writes and polls': run.syncs, 'host queue, ms': stats.host.up.queue_ms, 'packets dropped there': stats.host.up.drops,
};
console.table(rows);
for (const [name, value] of Object.entries(summary)) console.log(`${name.padEnd(24)} ${value}`);
if (values.json) await writeFile(values.json, JSON.stringify({ options: values, summary, viewers: rows, lines: stats, nodes }));
process.exit();
