// Twenty newcomers, one after the other, and one greeter: how long until the first link, and what that costs the instance.
// FastCGI, no spool. Every newcomer has a fresh storage, and leaves again.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PATIENCE, ended, launch, makeSite, makeViewer, page } from './site.mjs';

const JOINS = 20, WRITES = 2;

function forLinks(request) {
  const body = JSON.parse(Buffer.from(new URLSearchParams(request.postData()).get('d'), 'base64url'));
  return !!body.key || body.mail?.length > 0;
}

const percentile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

test('first peer within 1.5 s (p50) and 2.5 s (p90), two writing requests, over 20 joins', async t => {
  const site = await makeSite({ pages: { 'index.html': page('<p>a page</p>', '%TAG%') } });
  after(() => site.close());
  const greeter = await makeViewer();
  after(() => greeter.close());
  await (await greeter.open(`${site.url}/`)).waitForFunction('globalThis.polycircle?.role == "greeter"');
  const browser = await launch();
  after(() => ended(browser.close()));
  const first = [], writes = [];
  // join and answers; a fresh offer in the place of one that somebody took is the greeter's work it has become meanwhile
  const isWrite = answer => answer.url().endsWith('/sync') && answer.headers()['server-timing'] == 'write' && forLinks(answer.request());
  for (let i = 0; i < JOINS; i++) {
    const context = await browser.newContext({ permissions: ['microphone'] }), tab = await context.newPage();
    /** @type {number[]} when the requests that wrote were sent */
    const sent = [];
    tab.on('response', answer => { if (isWrite(answer)) sent.push(answer.request().timing().startTime); });
    await tab.goto(`${site.url}/`, { waitUntil: 'commit' });
    await tab.waitForFunction('globalThis.polycircle?.stats().first_peer_ms != null', null, { timeout: 20000 * PATIENCE });
    first.push(await tab.evaluate('polycircle.stats().first_peer_ms'));
    await tab.waitForFunction('polycircle.peers.length > 0');
    const opened = await tab.evaluate('performance.timeOrigin + polycircle.stats().first_peer_ms');
    writes.push(sent.filter(at => at <= opened).length);
    await tab.goto('about:blank');
    await context.close();
  }
  const p50 = percentile(first, 0.5), p90 = percentile(first, 0.9);
  t.diagnostic(`first peer: p50 ${Math.round(p50)} ms, p90 ${Math.round(p90)} ms, all ${first.map(Math.round).join(' ')}`);
  t.diagnostic(`writing requests until all first links were open: ${writes.join(' ')}`);
  assert.equal(first.length, JOINS);
  assert.ok(p50 < 1500, `p50 ${p50} ms`);
  assert.ok(p90 < 2500, `p90 ${p90} ms`);
  assert.deepEqual(writes, first.map(() => WRITES));
});
