// Debian's Firefox as it is, driven by WebDriver BiDi: it mirrors, and it and Chromium hand each other pieces.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { firefox } from 'playwright-core';
import { adopted, ended, makeSite, makeViewer, page, play, stats, until } from './site.mjs';

const FILM = '<video controls muted preload="metadata" src="/media/film.mp4"></video>';
let site, browser;

before(async () => {
  site = await makeSite({ film: { seconds: 24, kbps: 8000 }, pages: { 'index.html': page(FILM, '%TAG%'), 'none.html': page(FILM.replace('metadata', 'none'), '%TAG%'), 'bare.html': page(FILM),
    'own.html': page(FILM, "%TAG%<script>navigator.serviceWorker.register('/own.js')</script>"),
    'own.js': "addEventListener('fetch', e => { if (new URL(e.request.url).pathname == '/offline') e.respondWith(new Response('offline page')); });" } });
  // addresses of this machine alone, and none of them as a .local name that nobody here would resolve
  browser = await firefox.launch({ channel: 'moz-firefox', executablePath: process.env.FIREFOX || '/usr/bin/firefox-esr', headless: true,
    firefoxUserPrefs: { 'media.peerconnection.ice.loopback': true, 'media.peerconnection.ice.obfuscate_host_addresses': false } });
});
// or it would be a neighbour of the next test's, also after a failure
afterEach(() => Promise.all((browser?.contexts() ?? []).map(context => context.close())));
after(async () => {
  await ended(browser?.close());
  await site?.close();
});

/** A visitor with a profile of its own. */
async function visitor() {
  const context = await browser.newContext(), tab = await context.newPage();
  return { context, tab, open: path => tab.goto(site.url + path) };
}

async function seeks(tab, places) {
  await play(tab);
  for (const part of places) {
    await tab.evaluate(part => { const video = document.querySelector('video'); video.currentTime = video.duration * part; }, part);
    await until(tab, `${part} of it`, () => { const { error, seeking, readyState } = document.querySelector('video'); return error?.message ?? (!seeking && readyState > 2); });
    assert.equal(await tab.evaluate(() => document.querySelector('video').error?.message ?? null), null, `at ${part}`);
  }
}

/** All of the film, as a page's script gets it. */
const whole = tab => tab.evaluate(async () => {
  await (await fetch('/media/film.mp4', { signal: AbortSignal.timeout(60_000) })).arrayBuffer();
  // the last piece is hashed when its bytes are here
  for (let left = 100; ; await new Promise(ok => setTimeout(ok, 50))) {
    const [film] = polycircle.stats().media;
    if (film.have == film.pieces || !left--) return film.have == film.pieces;
  }
});

test('plain HTTP first, then mirrored, again from storage, left in the middle', async () => {
  const { tab, open } = await visitor();
  await open('/bare.html');
  await seeks(tab, [0.5]);
  await open('/');
  await adopted(tab);
  await seeks(tab, [0.9, 0.1, 0.6]);
  assert.ok((await stats(tab)).bytes.origin > 1e6, 'by the mirror');
  assert.ok(await whole(tab));
  await tab.reload();
  await adopted(tab);
  await seeks(tab, [0.3, 0.8]);
  await until(tab, 'a part of it from storage', () => polycircle.stats().bytes.storage > 1e6);
  assert.equal((await stats(tab)).bytes.origin, 0);
  await tab.evaluate(() => polycircle.leave());
  await seeks(tab, [0.2, 0.7]);
});

test('Firefox and Chromium hand each other pieces', async () => {
  const first = await visitor(), chromium = await makeViewer();
  try {
    await first.open('/none.html');
    await adopted(first.tab);
    assert.ok(await whole(first.tab));
    const tab = await chromium.open(`${site.url}/none.html`);
    await adopted(tab);
    await until(tab, 'a link to Firefox', () => polycircle.peers.length);
    assert.ok(await whole(tab));
    const one = await stats(tab);
    assert.ok(one.bytes.peers > 0.9 * one.media[0].size, `Chromium: ${JSON.stringify(one.bytes)}`);
    await first.context.close();
    const second = await visitor();
    await second.open('/none.html');
    await adopted(second.tab);
    await until(second.tab, 'a link to Chromium', () => polycircle.peers.length);
    assert.ok(await whole(second.tab));
    const two = await stats(second.tab);
    assert.ok(two.bytes.peers > 0.9 * two.media[0].size, `Firefox: ${JSON.stringify(two.bytes)}`);
  } finally { await chromium.close(); }
});

for (const returning of [false, true]) test(`the site's own worker, without skipWaiting, stays: a ${returning ? 'returning' : 'new'} visitor`, async () => {
  const { context, tab, open } = await visitor();
  if (returning) {
    await open('/');
    await adopted(tab);
  }
  for (let visit = 0; visit < 3; visit++) { // at the first one ours may come between the site's register() and its script
    await open('/own.html');
    await until(tab, 'the circle', () => globalThis.polycircle?.sig);
    await until(tab, 'whoever comes is there', async () => { const found = await navigator.serviceWorker.getRegistration('/'); return found && !found.installing; });
  }
  await until(tab, 'it is there', async () => { const { waiting, active } = await navigator.serviceWorker.getRegistration('/'); return (waiting ?? active).scriptURL.endsWith('/own.js'); });
  const blank = await context.newPage();
  await tab.close();
  await sleep(2000);
  await blank.goto(`${site.url}/own.html`);
  await seeks(blank, [0.5]);
  assert.deepEqual(await blank.evaluate(async () => { const { waiting, active } = await navigator.serviceWorker.getRegistration('/'); return [waiting, active?.scriptURL.split('/').pop()]; }), [null, 'own.js']);
  await blank.goto(`${site.url}/offline`);
  assert.equal(await blank.evaluate(() => document.body.textContent), 'offline page');
});
