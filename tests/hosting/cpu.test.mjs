// What a circle costs the host's processor: 200 visitors in one circle over plain
// CGI, one static program a request. User and system time of all our processes,
// starting them included, is what the web server has waited for (cutime and
// cstime of proc(5)); nothing of the server's own. At most 0.5 s for a visitor
// who stays for an hour.
//
// The clients' clocks are real, so an hour is not run: the mix of an hour
// (visits of 10 minutes on average, so every visitor is replaced six times an
// hour; tabs that are hidden and shown; the rest idle) is measured while it is
// steady, and divided by the client-hours that it lasted. The arrivals that fill
// the circle come before, and are reported beside it. POLYCIRCLE_LONG=1: ten
// minutes instead of one.
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory, must, removeDirectory, startServer, tier0 } from '../servers/server.mjs';
import { Crowd } from './crowd.mjs';
import { withStatic } from './host.mjs';

const SECONDS = process.env.POLYCIRCLE_LONG ? 600 : 60;
const CROWD = 200;
const FILL_S = 20;
const VISIT_S = 600;
const LIMIT = 0.5;
const TICK_S = 1 / 100; // USER_HZ

/** Seconds of processor time of the children that this process has waited for. */
async function spent(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_S;
}

async function fill(crowd) {
  await crowd.often(CROWD / FILL_S, FILL_S * 1000, () => crowd.visitors.size < CROWD && crowd.arrive());
  while (crowd.visitors.size < CROWD) crowd.arrive();
}

/** An hour's mix, for a part of the hour: who goes is replaced. */
async function live(crowd, ms) {
  const change = () => {
    crowd.depart(crowd.any(), Math.random() < 0.8);
    crowd.arrive();
  };
  const hide = () => {
    const { signal } = crowd.any();
    signal.setGreet(!signal.greet);
  };
  await Promise.all([crowd.often(CROWD / VISIT_S, ms, change), crowd.often(CROWD / 300, ms, hide)]);
}

test(`${CROWD} visitors, plain CGI, ${SECONDS} s: at most ${LIMIT} s of processor time a client-hour`, { timeout: 900_000 }, async (t) => {
  const dir = await makeDirectory();
  let server;
  let crowd;
  try {
    await withStatic((program) => copyFile(program, join(dir, 'cgi/polycircle.fcgi')));
    server = await startServer('lighttpd-cgi', dir);
    const base = `http://127.0.0.1:${server.port}${tier0}`;
    await must(dir, ['init', '--url', base]);
    const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
    await writeFile(join(dir, 'site/film.mp4'), Buffer.alloc(100_000, 'film'));
    await must(dir, ['publish', 'demo', join(dir, 'site'), '--at', '/']);
    crowd = new Crowd({ base, key });
    await fill(crowd);
    const filling = await spent(server.pid);
    const before = crowd.requests.length;
    const began = Date.now();
    await live(crowd, SECONDS * 1000);
    const cpu = await spent(server.pid) - filling;
    const hours = CROWD * (Date.now() - began) / 3_600_000;
    const requests = crowd.requests.length - before;
    t.diagnostic(`${(cpu / hours).toFixed(3)} s a client-hour: ${cpu.toFixed(2)} s for ${requests} requests (${(1000 * cpu / requests).toFixed(1)} ms each) in ${hours.toFixed(1)} client-hours; `
      + `${CROWD} arrivals before that took ${filling.toFixed(2)} s; load ${loadavg()[0].toFixed(1)}`);
    assert.ok(requests > SECONDS, 'the circle lives');
    assert.ok(cpu / requests > 0.0005, 'and what it costs was seen at all');
    assert.ok(cpu / hours <= LIMIT, `${(cpu / hours).toFixed(3)} s a client-hour`);
  } finally {
    crowd?.end();
    await server?.stop();
    await removeDirectory(dir);
  }
});
