// The main job: films that play, from neighbours, through the worker.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeSite, makeViewer, page, play, stats, until } from './site.mjs';

const viewers = [];
let site;

before(async () => {
  site = await makeSite({ film: { seconds: 60, kbps: 4000 }, pages: {
    'index.html': page('<video controls muted preload="metadata" src="/media/film.mp4"></video><poly-ring></poly-ring><poly-stats></poly-stats>', '%TAG%'),
  } });
});
after(async () => {
  for (const viewer of viewers) await viewer.close();
  await site?.close();
});

/** To its end, faster than it was made for: what plays is still far slower than what brings it. */
async function ends(tab, speed) {
  await tab.evaluate(speed => { document.querySelector('video').playbackRate = speed; }, speed);
  await until(tab, 'end of the film', () => film.ended, 60000);
}

async function watches(viewer) {
  const tab = await viewer.open(site.url);
  await until(tab, 'first frame', () => film.first);
  await play(tab);
  return tab;
}

test('the first viewer plays from the origin, through the worker', async () => {
  const viewer = await makeViewer();
  viewers.push(viewer);
  const tab = await watches(viewer);
  await ends(tab, 4);
  const { bytes, media } = await stats(tab);
  assert.equal(bytes.peers, 0);
  assert.equal(bytes.origin, media[0].size, 'every byte once');
  assert.equal(media[0].have, media[0].pieces);
  const log = viewer.mine(await site.log()).filter(l => l.path.startsWith('/media/') && l.method == 'GET');
  assert.equal(log.reduce((sum, l) => sum + l.bytes, 0), media[0].size, 'the server says the same');
  assert.ok(log.length <= media[0].pieces / 2, `${log.length} requests for ${media[0].pieces} pieces`);
});

test('the second gets nine tenths from the first, with two writes, and seeks', async () => {
  const viewer = await makeViewer();
  viewers.push(viewer);
  const tab = await watches(viewer);
  await until(tab, 'three seconds', () => document.querySelector('video').currentTime > 3);
  await tab.evaluate(() => { document.querySelector('video').currentTime = 42; });
  await until(tab, 'playing on after the seek', () => document.querySelector('video').currentTime > 43);
  await tab.evaluate(() => { document.querySelector('video').currentTime = 2; });
  await ends(tab, 2);
  const { bytes, media, first_peer_ms } = await stats(tab), log = viewer.mine(await site.log());
  assert.ok(bytes.peers >= 0.9 * media[0].size, JSON.stringify(bytes));
  assert.ok(first_peer_ms > 0 && first_peer_ms < 10000);
  const served = log.filter(l => l.path.startsWith('/media/') && l.method == 'GET').reduce((sum, l) => sum + l.bytes, 0);
  assert.ok(served <= 0.1 * media[0].size, `the server sent ${served} of ${media[0].size}`);
  assert.equal(log.filter(l => l.writes && l.path.endsWith('/sync')).length, 2, 'join, then the answers with the offers');
});

test('the ring and the figures say so, for eyes and for ears', async () => {
  const { page: tab } = viewers[1];
  await until(tab, 'a ring of two', () => document.querySelectorAll('poly-ring circle.peer').length == 1);
  await until(tab, 'rest', () => document.querySelector('poly-ring svg').getAttribute('aria-label') == 'Circle of 2: linked to 1');
  assert.equal(await tab.evaluate(() => document.querySelectorAll('poly-ring circle.me, poly-ring line.link').length), 2);
  assert.match(await tab.locator('poly-stats .bar').getAttribute('aria-label'), /^(9\d|100) % from visitors/);
  assert.equal(await tab.evaluate(() => getComputedStyle(document.querySelector('poly-stats .bar')).display), 'flex');
});

test('a second visit asks for no package, and finds the film in storage', async () => {
  const [, viewer] = viewers;
  await new Promise(ok => setTimeout(ok, 1500));  // the index of pieces is saved after a second
  const seen = viewer.mine(await site.log()).length;
  await viewer.restart();
  const tab = await watches(viewer);
  await until(tab, 'two seconds', () => document.querySelector('video').currentTime > 2);
  const log = viewer.mine(await site.log()).slice(seen), { bytes } = await stats(tab);
  assert.ok(log.some(l => l.path.endsWith('/sync')), 'it did join');
  assert.deepEqual(log.filter(l => l.path.includes('/package/')), []);
  assert.deepEqual(log.filter(l => l.path.startsWith('/media/') && l.method == 'GET'), []);
  assert.ok(bytes.storage > 0 && bytes.origin == 0, JSON.stringify(bytes));
});
