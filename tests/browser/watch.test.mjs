// The main job: films that play, from neighbours, through the worker.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { adopted, makeSite, makeViewer, page, play, saved, stats, until } from './site.mjs';

const viewers = [];
let site;

before(async () => {
  site = await makeSite({ film: { seconds: 60, kbps: 4000 }, pages: {
    'none.html': page('<video controls muted preload="none" src="/media/film.mp4"></video>', '%TAG%'),
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
  await adopted(tab);
  await until(tab, 'first frame', () => film.first);
  await play(tab);
  return tab;
}

/** Sees the film to its end: one that has not begun, for a player that waits lets go of what it asks for, and asks again. What the server sent of it, by the log. */
async function first(viewer) {
  const tab = await viewer.open(`${site.url}/none.html`);
  await adopted(tab);
  await play(tab);
  await ends(tab, 4);
  const { bytes, media } = await stats(tab);
  assert.equal(bytes.peers, 0);
  assert.equal(bytes.origin, media[0].size, 'every byte once');
  assert.equal(media[0].have, media[0].pieces);
  const log = viewer.mine(await site.log()).filter(l => l.path.startsWith('/media/') && l.method == 'GET');
  assert.ok(log.length <= media[0].pieces / 2, `${log.length} requests for ${media[0].pieces} pieces`);
  return log.reduce((sum, l) => sum + l.bytes, 0) - media[0].size;
}

/** Plays, seeks twice and sees the film to its end. What came from the first, what from the server: by the page and by the log. */
async function seeks(viewer) {
  const tab = await watches(viewer);
  await until(tab, 'three seconds', () => document.querySelector('video').currentTime > 3);
  await tab.evaluate(() => { document.querySelector('video').currentTime = 42; });
  await until(tab, 'playing on after the seek', () => document.querySelector('video').currentTime > 43);
  await tab.evaluate(() => { document.querySelector('video').currentTime = 2; });
  await ends(tab, 2);
  const { bytes, media, first_peer_ms } = await stats(tab), log = viewer.mine(await site.log());
  assert.ok(first_peer_ms > 0 && first_peer_ms < 10000);
  const writes = log.filter(l => l.writes && l.path.endsWith('/sync')).length;  // join, then the answers with the offers
  const served = log.filter(l => l.path.startsWith('/media/') && l.method == 'GET').reduce((sum, l) => sum + l.bytes, 0);
  return { writes, peers: bytes.peers / media[0].size, served: served / media[0].size };
}

// Playing goes first: a player whose page gets no processor for a second begins by plain HTTP, and a neighbour without one for 600 ms is too
// slow after a seek, and a link that is made for too long is made anew. So a machine that may be busy has three visits and other limits; those
// of a quiet one (POLYCIRCLE_LONG=1) are what we promise.
const { VISITS, SHARE, WRITES, STORED } = process.env.POLYCIRCLE_LONG ? { VISITS: 1, SHARE: 0.9, WRITES: 2, STORED: 1 } : { VISITS: 3, SHARE: 0.75, WRITES: 6, STORED: 0.75 };
/** @param {(viewer: any) => Promise<[boolean, string]>} visit whether it was as it should be, and its figures */
async function visits(t, visit) {
  for (let n = 1; ; n++) {
    const viewer = await makeViewer(), [good, figures] = await visit(viewer), said = `visit ${n}: ${figures}`;
    t.diagnostic(said);
    if (good) return viewers.push(viewer);
    await viewer.close();
    assert.ok(n < VISITS, said);
  }
}

test('the first viewer plays from the origin, through the worker', t => visits(t, async viewer => {
  const more = await first(viewer);
  return [more == 0, `${more} bytes beside the mirror's`];
}));

test(`the second gets ${SHARE} of it from the first, with ${WRITES} writes at the most, and seeks`, t => visits(t, async viewer => {
  const { writes, peers, served } = await seeks(viewer);
  return [writes <= WRITES && peers >= SHARE && served <= 1 - SHARE, `${writes} writes, ${peers.toFixed(3)} from the first, ${served.toFixed(3)} from the server`];
}));

test('the ring and the figures say so, for eyes and for ears', async () => {
  const { page: tab } = viewers[1];
  await until(tab, 'a ring of two', () => document.querySelectorAll('poly-ring circle.peer').length == 1);
  await until(tab, 'rest', () => document.querySelector('poly-ring svg').getAttribute('aria-label') == 'Circle of 2: linked to 1');
  assert.equal(await tab.evaluate(() => document.querySelectorAll('poly-ring circle.me, poly-ring line.link').length), 2);
  await tab.locator('poly-stats').scrollIntoViewIfNeeded();  // what nobody sees is not drawn
  await until(tab, `${100 * SHARE} % by neighbours`, share => /\((\d+) %\)/.exec(document.querySelector('poly-stats .peers dd').textContent)?.[1] >= share, 10000, 100 * SHARE - 1);
  assert.equal(await tab.evaluate(() => getComputedStyle(document.querySelector('poly-stats .bar')).display), 'flex');
});

// a page that is busy for 50 ms when its player asks lets the origin begin, and goes on from there: so again the machine may be busy
test(`a second visit asks for no package, and has ${STORED} of the film from storage`, async t => {
  const [, viewer] = viewers;
  await saved(viewer.page);
  for (let n = 1; ; n++) {
    const seen = viewer.mine(await site.log()).length;
    await viewer.restart();
    const tab = await watches(viewer);
    await ends(tab, 4);
    const log = viewer.mine(await site.log()).slice(seen), { bytes, media } = await stats(tab);
    assert.ok(log.some(l => l.path.endsWith('/sync')), 'it did join');
    assert.deepEqual(log.filter(l => l.path.includes('/package/')), []);
    const asked = log.filter(l => l.path.startsWith('/media/') && l.method == 'GET'), stored = bytes.storage / media[0].size,
      said = `visit ${n}: ${stored.toFixed(3)} from storage, ${asked.length} requests`;
    t.diagnostic(said);
    if (stored >= STORED) return;
    assert.ok(n < VISITS, said);
  }
});
