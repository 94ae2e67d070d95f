#!/usr/bin/env node
/** The command: decides what is run in which order, and prints it. */
import { fork } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './job.mjs';
import { picture } from './picture.mjs';
import { CRITERION, scene, SCENES } from './scenes.mjs';
import { LEGEND, row, table } from './table.mjs';

const HELP = `usage: bench/swarm/run.mjs [SCENE...] [OPTION...]

The client's modules among viewers who are modelled, in virtual time: how many see a film without a stall, and
what it costs the host. The same seed gives the same figures. See bench/README.md.

  SCENE           ${Object.keys(SCENES).join(' ')};
                  criterion: ${CRITERION.join(' ')}
                  (none: s10)
  --seeds N, A-B  how many, from 1 on, or which (default 1)
  --lines WHICH   mixed or lean, in the place of the scene's
  --share PART    of each uplink that is given (default 0.5), or 'default': the client's own limit
  --viewers N     in the place of the scene's;  --film SECONDS, --spread SECONDS, --host KB_A_SECOND likewise
  --client DIR    htdocs of another tree
  --plain         plain HTTP, too
  --bound         what an oracle could do, too: a flow (loose, strict) and a schedule
  --only          not the client: for --plain and --bound alone
  --picture FILE  an SVG of the first run of the client: who got what from whom, when
  --json          all of it, by viewer and over time, and no table
  --jobs N        so many processes (default 1)`;

const OPTIONS = /** @type {const} */ ({
  seeds: { type: 'string', default: '1' },
  lines: { type: 'string' },
  share: { type: 'string' },
  viewers: { type: 'string' },
  film: { type: 'string' },
  spread: { type: 'string' },
  host: { type: 'string' },
  client: { type: 'string' },
  plain: { type: 'boolean' },
  bound: { type: 'boolean' },
  only: { type: 'boolean' },
  picture: { type: 'string' },
  json: { type: 'boolean' },
  jobs: { type: 'string', default: '1' },
  help: { type: 'boolean' },
});

/** @param {string} text @returns {number[]} */
export function seedsOf(text) {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [null, '1', text],
    all = [];
  for (let seed = Number(from); seed <= Number(to); seed++) all.push(seed);
  if (!all.length) throw new Error(`no seeds: ${text}`);
  return all;
}

/** What makes no run. @param {any} o */
function check(o) {
  for (const name of ['viewers', 'film', 'spread', 'host', 'jobs'])
    if (o[name] != null && !(Number(o[name]) > 0)) throw new Error(`--${name} ${o[name]}: give a number`);
  if (o.lines != null && !['mixed', 'lean'].includes(o.lines)) throw new Error(`--lines ${o.lines}: mixed or lean`);
  if (o.share != null && o.share != 'default' && !(Number(o.share) > 0 && Number(o.share) <= 1))
    throw new Error(`--share ${o.share}: a part of 1, or 'default'`);
  if (o.client != null && !existsSync(`${o.client}/worker.js`)) throw new Error(`--client ${o.client}: no htdocs is there`);
  if (o.only && !o.plain && !o.bound) throw new Error('--only is for --plain or --bound');
}

/** What differs from the scene's. @param {any} o */
function changes({ lines, share, viewers, film, spread, host }) {
  return {
    ...(lines && { lines }),
    ...(share && { share: share == 'default' ? share : Number(share) }),
    ...(viewers && { n: Number(viewers) }),
    ...(film && { film: Number(film) }),
    ...(spread && { spread: Number(spread) }),
    ...(host && { host: Number(host) }),
  };
}

/** @param {string[]} names @param {any} o @returns {import('./job.mjs').Job[]} */
function jobs(names, o) {
  const who = /** @type {import('./job.mjs').Who[]} */ ([
    ...(o.only ? [] : ['client']),
    ...(o.plain ? ['plain'] : []),
    ...(o.bound ? ['loose', 'strict', 'schedule'] : []),
  ]);
  const dir = o.client ?? fileURLToPath(new URL('../../htdocs', import.meta.url)),
    all = names.flatMap(name => (name == 'criterion' ? CRITERION : [name]));
  const made = all.flatMap(name =>
    who.flatMap(who =>
      seedsOf(o.seeds).map(seed => ({
        who,
        scene: scene(name, { ...changes(o), seed }),
        dir,
        flows: false,
      })),
    ),
  );
  const [first] = made.filter(job => job.who == 'client');
  if (first) first.flows = !!o.picture;
  return made;
}

const say = (/** @type {string} */ text) =>
  void (process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`));

/** One after the other, here. @param {import('./job.mjs').Job[]} list */
async function here(list) {
  const results = [];
  for (const job of list) {
    let last = 0n;
    results.push(
      await run(job, now => {
        if (process.hrtime.bigint() - last < 300000000n) return;
        last = process.hrtime.bigint();
        say(
          `${job.scene.name} ${job.who} seed ${job.scene.seed}: second ${(now / 1000).toFixed(0)}; ${results.length} of ${list.length} runs`,
        );
      }),
    );
  }
  return results;
}

/** In some processes, each of which has one at a time. @param {import('./job.mjs').Job[]} list @param {number} width */
async function apart(list, width) {
  const results = /** @type {import('./job.mjs').Result[]} */ ([]),
    script = fileURLToPath(new URL('job.mjs', import.meta.url)),
    queue = [...list.entries()];
  const work = () =>
    new Promise((ok, no) => {
      const child = fork(script);
      let index = 0;
      const more = () => {
        const next = queue.shift();
        if (!next) return child.disconnect();
        index = next[0];
        child.send(next[1]);
      };
      child.on('message', (/** @type {any} */ result) => {
        if (result.failed) queue.length = 0; // the others end, too
        if (result.failed) no(new Error(result.failed));
        results[index] = result;
        say(`${list.length - queue.length} of ${list.length} runs`);
        more();
      });
      child.on('exit', ok).on('error', no);
      more();
    });
  await Promise.all(Array.from({ length: Math.min(width, list.length) }, work));
  return results;
}

/** @param {import('./job.mjs').Result[]} results @returns {import('./table.mjs').Row[]} */
function rows(results) {
  const groups = /** @type {Map<string, import('./job.mjs').Result[]>} */ (new Map());
  for (const r of results)
    groups.set(r.scene.name + r.who, [...(groups.get(r.scene.name + r.who) ?? []), r]);
  return [...groups.values()].map(row);
}

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.help) return console.log(HELP);
  check(values);
  const list = jobs(positionals.length ? positionals : ['s10'], values),
    width = values.picture ? 1 : Number(values.jobs);
  const results = width > 1 ? await apart(list, width) : await here(list);
  say('');
  const drawn = results.find(r => r.flows);
  if (values.picture && drawn) writeFileSync(values.picture, picture(drawn));
  if (values.json) {
    const bare = (/** @type {any} */ { took, flows, ...rest }) => (void took, void flows, rest); // but for what is never the same twice
    return console.log(JSON.stringify({ rows: rows(results).map(bare), runs: results.map(bare) }));
  }
  console.log(table(rows(results)) + '\n\n' + LEGEND);
  for (const error of new Set(results.flatMap(r => r.errors)))
    console.log('the client threw: ' + error);
}

if (process.argv[1] == fileURLToPath(import.meta.url))
  main().catch(error => {
    console.error(`bench/swarm: ${error.message}`);
    process.exitCode = 1;
  });
