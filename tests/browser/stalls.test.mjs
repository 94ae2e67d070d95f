// A neighbour, or the program itself, is gone in the middle of a film: what who watches feels of it, by the clock.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { mirrored, page, play, stats, until, withSite } from './site.mjs';

const FILM = '<video controls muted preload="metadata" src="/media/film.mp4"></video>';

test('a neighbour killed in the middle: a stall of two seconds at most', () => withSite({ film: { seconds: 25, kbps: 6000 }, pages: { 'index.html': page(FILM, '%TAG%') } }, async (site, viewer) => {
  const [one, two] = [await viewer(), await viewer()];
  const first = await one.open(site.url);
  await until(first, 'first frame', () => film.first);
  await play(first);
  await until(first, 'all of it', () => (([film]) => film?.have == film?.pieces && film)(polycircle.stats().media), 40000);
  const tab = await two.open(site.url);
  await until(tab, 'first frame', () => film.first);
  await until(tab, 'what the neighbour has', () => polycircle.signal?.peers.some(p => p.has(polycircle.mirror.media[0].root, 9)), 20000);
  await play(tab);
  await until(tab, 'some of it', () => polycircle.stats().bytes.peers > 1e6, 20000);
  await one.kill();
  const { media: [{ have, pieces }], bytes: before } = await stats(tab);
  assert.ok(have < 0.75 * pieces, `${have} of ${pieces}`);
  assert.ok(before.peers > 0);
  await tab.evaluate(() => { film.longest = 0; });
  await until(tab, 'end of the film', () => film.ended, 40000);
  const { longest } = await tab.evaluate(() => film);
  assert.ok(longest <= 2000, `${longest} ms`);
}));

test('program and data deleted without a word: the site works as before', () => withSite({ film: { seconds: 4 }, pages: { 'index.html': page(FILM, '%TAG%'), 'bare.html': page(FILM) } }, async (site, viewer) => {
  const known = await viewer(), fresh = await viewer();
  await mirrored(await known.open(site.url));
  for (const name of ['cgi/polycircle.fcgi', 'data']) await rm(join(site.dir, name), { recursive: true });
  for (const pid of await site.server.programs()) process.kill(pid, 'SIGKILL');
  assert.notEqual((await fetch(`${site.url}${site.base}health`)).status, 200);
  for (const [one, path] of [[known, '/?again'], [known, '/bare.html'], [fresh, '/?again']]) {
    const tab = await one.open(site.url + path);
    await until(tab, 'first frame', () => film.first, 10000);
    await play(tab);
    await until(tab, 'end of the film', () => film.ended, 15000);
    const { first, longest } = await tab.evaluate(() => film);
    assert.ok(first < 3000 && longest < 1000, `first frame ${first} ms, longest stall ${longest} ms`);
  }
}));
