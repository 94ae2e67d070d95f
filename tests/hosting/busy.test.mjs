// A shared host's process limit: nginx lets 20 requests at a time through to
// plain CGI and answers 508 with its own page, and 'Retry-After: 14400', to
// everybody else. A circle of real clients (crowd.mjs) must live below that, and
// come back by itself: after the host was down and every link was cut in the
// same moment, and after a busload that arrives in one.
// POLYCIRCLE_LONG=1: 500 visitors for ten minutes, and a minute without a host.
import assert from 'node:assert/strict';
import { loadavg } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Crowd, live } from './crowd.mjs';
import { curve, Host, LIMIT, longestFull } from './host.mjs';

const LONG = Boolean(process.env.POLYCIRCLE_LONG);
const N = LONG ? 500 : 200;
const FILL_S = LONG ? 60 : 25;
const STEADY_S = LONG ? 600 : 20;
const OUTAGE_S = LONG ? 60 : 10;
const BACK_S = LONG ? 150 : 100; // the client's longest pause is 60 s, half as much again by chance
const BUS = 60;
const VISIT_S = 600;
const seconds = () => Date.now() / 1000;

/** The SIGs that the instance takes for present. */
async function known(dir) {
  return new Set(await live(dir, `SELECT lower(hex(sig)) FROM signal WHERE expires > ${Date.now()}`));
}

/** Waits until everybody has a link; gives the seconds that it took. */
async function together(crowd, most) {
  const began = seconds();
  while (seconds() - began < most && [...crowd.visitors].some((visitor) => !visitor.linked)) await sleep(250);
  return seconds() - began;
}

async function nobodyLost(host, crowd) {
  const here = await known(host.dir);
  const lost = [...crowd.visitors].filter(({ signal, linked }) => !linked || !here.has(signal.sig));
  assert.deepEqual(lost.map(({ signal }) => `${signal.role} ${signal.links.size} links`), [], 'no client is lost: each has a link, and is in the roster');
}

/** A herd that spreads fills the host for 5 s, or, where that is slow (not in the long form), for two requests of each visitor at most. */
function spreads({ seconds: full, answered }, crowd) {
  assert.ok(full <= 5 || !LONG && answered <= 2 * crowd.visitors.size, `full for ${full} s, with ${answered} answers for ${crowd.visitors.size} visitors`);
}

/** What the web server saw since a moment, in words. */
async function describe(host, since) {
  const all = curve(await host.log(), since, seconds());
  const sum = (what) => all.reduce((n, second) => n + second[what], 0);
  const full = longestFull(all);
  const most = Math.max(...all.map((second) => second.most));
  return { all, refused: sum('refused'), requests: sum('answered') + sum('refused'), full,
    text: `${sum('answered')} answered, ${sum('refused')} refused, at most ${most} at once, full for ${full.seconds} s at a time, with ${full.answered} answers` };
}

// Whoever is refused asks again; of a program that takes four times as long on a busy machine more are. What we promise is that of a quiet one.
const REFUSED = process.env.POLYCIRCLE_LONG ? 0.001 : 0.05;
test(`${N} visitors and ${LIMIT} processes`, { timeout: 1_500_000 }, async (t) => {
  const host = await Host.make();
  const crowd = new Crowd(host);
  const say = (text) => t.diagnostic(`${text}; load ${loadavg()[0].toFixed(1)}`);
  try {
    await t.test(`they come within ${FILL_S} s, then come and go for ${STEADY_S} s: ${100 * REFUSED} % refused, none lost, no mail lost`, async () => {
      const since = seconds();
      for (const ms = FILL_S * 1000 / N; crowd.visitors.size < N;) await crowd.often(1000 / ms, ms * 10, () => crowd.visitors.size < N && crowd.arrive());
      await crowd.often(N / VISIT_S, STEADY_S * 1000, () => {
        crowd.depart(crowd.any(), Math.random() < 0.8);
        crowd.arrive();
      });
      const waited = await together(crowd, 30);
      const { requests, refused, text } = await describe(host, since);
      say(`${text}; first link ${crowd.firsts()}; ${waited.toFixed(1)} s for the last ones; ${crowd.islands()} islands; mail: ${crowd.mail.length}`);
      assert.ok(refused <= requests * REFUSED, `${refused} of ${requests} refused`);
      await nobodyLost(host, crowd);
      assert.deepEqual(crowd.lost(0), [], 'mail that was acknowledged is read in time');
    });

    await t.test(`${OUTAGE_S} s without a host, every link cut: the herd spreads, none lost`, async () => {
      await host.down();
      crowd.cut();
      await sleep(OUTAGE_S * 1000);
      const asked = crowd.requests.filter(({ at, status }) => at > Date.now() - OUTAGE_S * 1000 && !status).length;
      assert.ok(asked > crowd.visitors.size, `everybody asked, in vain: ${asked} requests`);
      await host.up();
      const since = seconds();
      const waited = await together(crowd, BACK_S);
      const { all, full, text } = await describe(host, since);
      say(`${asked} requests in vain; ${text}; all linked after ${waited.toFixed(1)} s; ${crowd.islands()} islands`);
      say(`at once, second by second: ${all.map(({ most, refused }) => (refused ? `${most}!` : most)).join(' ')}`);
      spreads(full, crowd);
      await nobodyLost(host, crowd);
      await sleep(5000);
      assert.deepEqual(crowd.lost(since * 1000), [], 'mail that was acknowledged is read in time');
    });

    await t.test(`${BUS} more at once: 508, whose Retry-After nobody believes`, async () => {
      const since = seconds();
      for (let n = 0; n < BUS; n++) crowd.arrive();
      const waited = await together(crowd, 60);
      const { refused, full, text } = await describe(host, since);
      say(`${text}; all linked after ${waited.toFixed(1)} s; first link ${crowd.firsts(BUS)}`);
      assert.ok(refused > 0, 'some were refused');
      spreads(full, crowd);
      await nobodyLost(host, crowd);
    });
  } finally {
    crowd.end();
    await host.remove();
  }
});
