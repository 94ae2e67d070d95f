// What a circle costs the host's processor: 200 visitors in one circle over plain
// CGI, one static program a request. User and system time of all our processes,
// starting them included, is what the web server has waited for (cutime and
// cstime of proc(5)); nothing of the server's own.
//
// How much that is depends on the machine and on what else it does: so the least
// that a static program can do for a request, read its body and answer 100 bytes,
// is asked of a second web server meanwhile, as often. At most RATIO times that a
// request, and at most REQUESTS requests for a visitor who stays for an hour: half
// a second of processor time, where the least takes 0.55 ms.
//
// The clients' clocks are real, so an hour is not run: the mix of an hour
// (visits of 10 minutes on average, so every visitor is replaced six times an
// hour; tabs that are hidden and shown; the rest idle) is measured while it is
// steady, and divided by the client-hours that it lasted. The arrivals that fill
// the circle come before, and are reported beside it. POLYCIRCLE_LONG=1: ten
// minutes instead of one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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
const REQUESTS = 180;
const RATIO = 5;
const LIMIT = process.env.POLYCIRCLE_LONG ? 0.5 : Infinity; // seconds a client-hour, of a quiet machine
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

/** A web server whose program does the least. */
async function startLeast(dir) {
  const source = join(dir, 'run/least.c');
  await writeFile(source, `#include <unistd.h>
    int main(void) {
        static const char answer[] = "Status: 200 OK\\r\\nContent-Type: application/json\\r\\n\\r\\n{\\"polycircle\\":1,\\"cursor\\":\\"1.0\\",\\"due_ms\\":60000,\\"role\\":\\"peer\\"}";
        char waste[4096];
        while (read(0, waste, sizeof waste) > 0) continue;
        return write(1, answer, sizeof answer - 1) < 0;
    }`);
  execFileSync('cc', ['-O2', '-static', '-o', join(dir, 'cgi/polycircle.fcgi'), source]);
  return startServer('lighttpd-cgi', dir);
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

test(`${CROWD} visitors, plain CGI, ${SECONDS} s: at most ${RATIO} times the least a request`, { timeout: 900_000 }, async (t) => {
  const [dir, other] = [await makeDirectory(), await makeDirectory()];
  const servers = [];
  let crowd;
  try {
    await withStatic((program) => copyFile(program, join(dir, 'cgi/polycircle.fcgi')));
    const server = await startServer('lighttpd-cgi', dir);
    servers.push(server);
    const least = await startLeast(other);
    servers.push(least);
    const base = `http://127.0.0.1:${server.port}${tier0}`;
    await must(dir, ['init', '--url', base]);
    const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
    await writeFile(join(dir, 'site/film.mp4'), Buffer.alloc(100_000, 'film'));
    await must(dir, ['publish', 'demo', join(dir, 'site'), '--at', '/']);
    crowd = new Crowd({ base, key });
    await fill(crowd);
    const [filling, nothing, before, began] = [await spent(server.pid), await spent(least.pid), crowd.requests.length, Date.now()];
    let beside = 0;
    await Promise.all([live(crowd, SECONDS * 1000), crowd.often(8, SECONDS * 1000, async () => {
      assert.equal((await least.sync({ v: 1 })).json?.polycircle, 1, 'the least answers');
      beside++;
    })]);
    const cpu = await spent(server.pid) - filling, requests = crowd.requests.length - before, hours = CROWD * (Date.now() - began) / 3_600_000;
    const ratio = cpu / requests / ((await spent(least.pid) - nothing) / beside);
    t.diagnostic(`${(requests / hours).toFixed(0)} requests a client-hour, each ${ratio.toFixed(2)} times the least; ${(cpu / hours).toFixed(3)} s a client-hour: ${cpu.toFixed(2)} s for ${requests} requests `
      + `(${(1000 * cpu / requests).toFixed(1)} ms each); ${CROWD} arrivals before that took ${filling.toFixed(2)} s; load ${loadavg()[0].toFixed(1)}`);
    assert.ok(requests > SECONDS && beside > SECONDS, 'the circle lives');
    assert.ok(cpu / requests > 0.0005, 'and what it costs was seen at all');
    assert.ok(requests / hours <= REQUESTS, `${(requests / hours).toFixed(0)} requests a client-hour`);
    assert.ok(ratio <= RATIO, `${ratio.toFixed(2)} times the least`);
    assert.ok(cpu / hours <= LIMIT, `${(cpu / hours).toFixed(3)} s a client-hour`);
  } finally {
    crowd?.end();
    for (const server of servers) await server.stop();
    for (const folder of [dir, other]) await removeDirectory(folder);
  }
});
