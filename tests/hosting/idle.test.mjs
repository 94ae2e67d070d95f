// What an idle circle of 1,000 costs the host when greeters read boxes: dynamic requests a second, and files.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Crowd, live, waits } from './crowd.mjs';
import { Box } from '../../htdocs/meet/box.js';
import { addSpool } from '../browser/site.mjs';
import { makeDirectory, must, removeDirectory, startServer, tier0 } from '../servers/server.mjs';

const long = process.env.POLYCIRCLE_LONG === '1';
// the long form sees each peer renew its lease once: they do so every 20 minutes
const N = long ? 1000 : 200, WATCHED_MS = long ? 21 * 60_000 : 121_000;
const NEWCOMER_MS = 90_000, PEER_DUE_S = 20 * 60;

test(`an idle circle of ${N}: under one dynamic request a second for 1,000`, async t => {
  const dir = await makeDirectory();
  after(() => removeDirectory(dir));
  const server = await startServer('lighttpd-fastcgi', dir), url = `http://127.0.0.1:${server.port}`;
  after(() => server.stop());
  await must(dir, ['init', '--url', `${url}${tier0}`]);
  const circle = JSON.parse(await must(dir, ['circle', 'add', 'idle', '--json']));
  await addSpool({ url, at: name => join(dir, 'site', name), program: args => must(dir, args) });
  const crowd = new Crowd({ base: `${url}${tier0}`, key: circle.api_key }), files = { good: 0, missed: 0, bad: 0 }, gone = new Set();
  after(() => crowd.end());
  const read = async (at, init) => {
    const answer = await fetch(at, { signal: init?.signal }), [name] = at.split('?');
    // each lease has a new box: who reads while its renewal is under way may find the old one gone, but never comes for it again
    files[gone.has(name) ? 'bad' : answer.status === 200 ? 'good' : 'missed']++;
    if (answer.status !== 200) gone.add(name);
    return answer;
  };
  for (let i = 0; i < N; i++) {
    const { signal } = crowd.arrive();
    signal.box = new Box(signal, read);
    await sleep(50);
  }
  await sleep(NEWCOMER_MS); // they are no newcomers any more
  const began = { requests: crowd.requests.length, ...files }, at = performance.now();
  assert.ok([...crowd.visitors].every(v => v.linked), 'everybody has a link');
  // an offer that nobody waits by any more costs the newcomer who claims it many seconds
  const offers = { waits: 0, dead: 0 };
  while (performance.now() - at < WATCHED_MS) {
    for (const sdp of await live(dir, `SELECT sdp FROM offer WHERE taker IS NULL AND expires > ${Date.now() + 5000}`)) offers[waits(sdp) ? 'waits' : 'dead']++;
    await sleep(5000);
  }
  const seconds = (performance.now() - at) / 1000, asked = crowd.requests.slice(began.requests), roles = [...crowd.visitors].map(v => v.signal.role);
  const greeters = roles.filter(role => role === 'greeter').length, rate = asked.length / seconds;
  // in the short form no peer's time has come: each asks every 20 minutes, which the long form sees
  const all = long ? rate : rate + (1000 - greeters) / PEER_DUE_S;
  t.diagnostic(`${N} signals, ${greeters} greeters, ${seconds.toFixed(0)} s: ${rate.toFixed(3)} dynamic requests a second, ${((files.good - began.good) / seconds).toFixed(1)} polls of files, ${files.missed - began.missed} of them too late` +
    `${long ? '' : `; for 1,000: ${all.toFixed(3)}`}; offers ${JSON.stringify(offers)}; ${JSON.stringify(crowd.counts)}`);
  assert.ok(offers.dead === 0 && offers.waits > 0, `offers that the instance would give away: ${JSON.stringify(offers)}`);
  assert.equal(files.bad - began.bad, 0, 'the boxes are always there');
  assert.ok(files.missed - began.missed <= asked.length, 'at most one poll is too late for each renewal');
  assert.ok(files.good - began.good > seconds / 2, 'boxes are read');
  assert.ok(asked.every(r => r.status === 200), 'nothing is refused');
  assert.ok(all < 1, `${all.toFixed(3)} a second`);
});
