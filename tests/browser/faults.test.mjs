// What neighbours and owners do at the worst moment. What then must not be felt by the clock is in stalls.test.mjs.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { rename, utimes, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { mirrored, page, stats, until, withSite } from './site.mjs';

const sha = bytes => createHash('sha256').update(bytes).digest('hex');

/** Runs in a page: the SHA-256 of what fetch() gives for a path. */
async function digest(path) {
  const bytes = await (await fetch(path)).arrayBuffer();
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map(b => b.toString(16).padStart(2, '0')).join('');
}

test('a neighbour that lies is dropped, and no wrong byte reaches the page', () => withSite({ pages: { 'index.html': page('', '%TAG%') } }, async (site, viewer) => {
  const bytes = randomBytes(3 << 20);
  await writeFile(site.at('media/data.bin'), bytes);
  await site.publish();
  const liar = await viewer(), honest = await viewer();
  const lying = await (liar.page = await liar.tab());
  await lying.addInitScript(() => {  // one bit of every frame it sends
    const { send } = RTCDataChannel.prototype;
    RTCDataChannel.prototype.send = function (data) {
      if (data instanceof ArrayBuffer) new Uint8Array(data)[data.byteLength - 1] ^= 1, globalThis.lies = (globalThis.lies ?? 0) + 1;
      return send.call(this, data);
    };
  });
  await liar.open(site.url);
  await mirrored(lying);
  assert.equal(await lying.evaluate(digest, '/media/data.bin'), sha(bytes));
  const tab = await honest.tab();
  await tab.addInitScript(() => {
    globalThis.left = [];
    document.addEventListener('polycircle', e => e.detail.addEventListener('leave', x => left.push(x.detail.why)));
  });
  await tab.goto(site.url, { waitUntil: 'commit' });
  await mirrored(tab);
  await until(tab, 'the link', () => polycircle.peers.length == 1);
  await until(tab, 'what it has', () => polycircle.signal.peers.some(p => p.has(polycircle.mirror.media[0].root, 11)));
  assert.equal(await tab.evaluate(digest, '/media/data.bin'), sha(bytes));
  assert.ok(await lying.evaluate(() => globalThis.lies) > 0, 'it was asked and it lied');
  const { bytes: from } = await stats(tab);
  assert.equal(from.peers, 0);
  assert.equal(from.origin, bytes.length);
  await until(tab, 'it is dropped', () => left.includes('lied') && !polycircle.peers.length);
}));

// lighttpd remembers for two seconds what it has seen of a file; the ten are what passes once the server says that it is another. And of a host that
// says nothing of caches the browser itself uses an old file for a tenth of its age (RFC 9111 4.2.2), with the tag as without.
const noMemory = conf => `${conf.replace(/server\.modules\s*(\+?=)\s*\(/, '$& "mod_setenv", ')}server.stat-cache-engine = "disable"
setenv.add-response-header = ( "Cache-Control" => "no-cache" )\n`;
test('a file replaced on the server: no old bytes once 10 s have passed', () => withSite({ pages: { 'index.html': page('', '%TAG%') }, change: noMemory }, async (site, viewer) => {
  const old = randomBytes(900000), now = randomBytes(900000), path = site.at('media/data.bin');
  await writeFile(path, old);
  await utimes(path, 1700000000, 1700000000);
  await site.publish();
  const tabs = [];
  for (let i = 0; i < 2; i++) {
    const tab = await (await viewer()).open(site.url);
    await mirrored(tab);
    assert.equal(await tab.evaluate(digest, '/media/data.bin'), sha(old));
    tabs.push(tab);
  }
  await writeFile(path + '.new', now);
  await rename(path + '.new', path);
  const replaced = Date.now();
  tabs.push(await (await viewer()).open(site.url));  // who comes now finds neighbours with the old bytes
  let checked = 0;
  while (Date.now() - replaced < 16000) {
    for (const tab of tabs) {
      const late = Date.now() - replaced > 10000, got = await tab.evaluate(digest, '/media/data.bin').catch(error => String(error));
      // who is in the middle of it when it is replaced gets an error, as by plain HTTP, but no mixture
      assert.ok(got == sha(now) || !late && (got == sha(old) || got.includes('fetch')), `${got == sha(old) ? 'old bytes' : got} after ${Date.now() - replaced} ms, viewer ${tabs.indexOf(tab)}`);
      if (late) checked++;
    }
    await new Promise(ok => setTimeout(ok, 400));
  }
  assert.ok(checked >= 6, `${checked} looks after 10 s`);
}));
