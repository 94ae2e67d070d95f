// A site with a service worker of its own, whoever registers first: its worker stays, and so does its offline page. Sites that take every worker
// away, and log-out scripts that clear all.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pairs } from '../sites/pairs.mjs';
import { adopted, makeSite, makeVisitor, mirrored, page, play, until, visits } from './site.mjs';

const FILM = '<video controls muted preload="metadata" src="/media/film.mp4"></video>';
const WHEN = {
  'right after the tag': 'register()',
  'at DOMContentLoaded': 'addEventListener("DOMContentLoaded", register)',
  'at load': 'addEventListener("load", register)',
};
/** What sites have: an offline page, kept when the worker is installed. */
const OWN = `addEventListener('install', e => e.waitUntil(caches.open('site').then(cache => cache.put('/offline.html', new Response('offline page', { headers: { 'content-type': 'text/html' } })))));
addEventListener('fetch', e => { if (e.request.mode == 'navigate') e.respondWith(fetch(e.request).then(r => r.ok ? r : Promise.reject(r)).catch(() => caches.match('/offline.html'))); });
`;
const EAGER = "addEventListener('install', () => skipWaiting()); addEventListener('activate', e => e.waitUntil(clients.claim()));\n";
const counts = '<script>globalThis.registered = []; { const real = ServiceWorkerContainer.prototype.register; ServiceWorkerContainer.prototype.register = function (url, ...more) { registered.push(String(url)); return real.call(this, url, ...more); }; }</script>';
const FORGETFUL = '<script>navigator.serviceWorker.ready.then(registration => registration.unregister())</script>';

let site;
/** The tag of one more circle, of which this is said. */
async function circle(name, worker) {
  const { api_key: key } = JSON.parse(await site.program(['circle', 'add', name, '--p2p', 'on', '--ice', 'none', '--worker', worker, '--json']));
  await site.program(['publish', name, site.at('media')]);
  return site.tag().replace(site.circle.api_key, key);
}
before(async () => {
  site = await makeSite({ film: { seconds: 4 } });
  const tags = { none: site.tag(), unknown: await circle('late', 'unknown') };
  await writeFile(site.at('bare.html'), page(FILM));
  await writeFile(site.at('hears.html'), page(FILM, `${site.tag()}<script>globalThis.told = []; navigator.serviceWorker.addEventListener('message', e => told.push(e.data));</script>`));
  for (const [name, script] of [['own.js', OWN], ['eager.js', OWN + EAGER], ['guest.js', `importScripts('${site.base}circle-sw.js');\n${OWN}`]]) await writeFile(site.at(name), script);
  for (const [known, tag] of Object.entries(tags)) {
    await writeFile(site.at(`${known}.html`), page(FILM, counts + tag));
    await writeFile(site.at(`${known}-forgetful.html`), page(FILM, counts + tag + FORGETFUL));
    for (const [i, how] of Object.values(WHEN).entries()) for (const own of ['own', 'eager']) {
      await writeFile(site.at(`${known}-${own}-${i}.html`), page(FILM, `${counts}${tag}<script>const register = () => navigator.serviceWorker.register('/${own}.js'); ${how}</script>`));
    }
  }
});
after(() => site?.close());

/** The scripts of the scope /, the newest first. */
const scripts = tab => tab.evaluate(async () => {
  const found = await navigator.serviceWorker.getRegistration('/');
  return ['installing', 'waiting', 'active'].flatMap(state => found?.[state] ? [found[state].scriptURL.split('/').pop()] : []);
});
/** The page is there, its scripts have run, and ours has had the time that it takes. */
const settled = async tab => {
  await until(tab, 'the circle', () => globalThis.polycircle && document.readyState == 'complete');
  await sleep(4000);
};
async function plays(tab) {
  await until(tab, 'first frame', () => film.first);
  await play(tab);
  await until(tab, 'end of the film', () => film.ended, 15000);
}
async function offline(viewer) {
  const tab = await viewer.open(`${site.url}/nowhere`);
  assert.equal(await tab.evaluate(() => document.body.textContent), 'offline page');
}
/** All windows of the site are closed, and it is opened again. */
async function comesBack(viewer, url) {
  await viewer.page.close();
  viewer.page = null;
  await sleep(2000);
  return viewer.open(url);
}

describe("the site's own worker", { concurrency: 4 }, () => {
  // each pair of two values; all of them with POLYCIRCLE_LONG=1
  const columns = { known: ['none', 'unknown'], own: ['own', 'eager'], when: Object.keys(WHEN), visitor: ['new', 'returning'] };
  const all = Object.entries(columns).reduce((rows, [name, values]) => rows.flatMap(row => values.map(value => ({ ...row, [name]: value }))), [{}]);
  for (const { known, own, when, visitor } of process.env.POLYCIRCLE_LONG ? all : pairs(columns)) {
    test(`${visitor} visitor, registered ${when}, ${own == 'own' ? 'without' : 'with'} skipWaiting, the circle says ${known}: it stays, with its offline page`, () => visits(async viewer => {
      const url = `${site.url}/${known}-${own}-${Object.keys(WHEN).indexOf(when)}.html`;
      if (visitor == 'returning') await mirrored(await viewer.open(`${site.url}/none.html`));
      await settled(await viewer.open(url));
      await settled(await viewer.open(url));
      assert.deepEqual(await viewer.page.evaluate(() => registered.filter(script => script.includes('circle-sw'))), [], 'it was seen: ours is not registered again');
      const tab = await comesBack(viewer, url);
      await plays(tab);
      assert.deepEqual(await scripts(tab), [`${own}.js`]);
      await offline(viewer);
    }));
  }

  test('it was there before: no other is registered', () => visits(async viewer => {
    const tab = await viewer.open(`${site.url}/unknown-own-0.html`);
    await settled(tab);
    for (const known of ['none', 'unknown']) {
      await settled(await viewer.open(`${site.url}/${known}.html`));
      await plays(tab);
      assert.deepEqual([await scripts(tab), await tab.evaluate(() => registered)], [['own.js'], []]);
      assert.deepEqual(await tab.evaluate(() => polycircle.why().then(all => all.map(({ mirrored, why }) => [mirrored, why.includes('the site has one of its own')]))), [[false, true]]);
    }
    await tab.evaluate(async () => (await navigator.serviceWorker.getRegistration('/')).unregister());
    await settled(await viewer.open(`${site.url}/none.html`));
    assert.deepEqual([await scripts(tab), await tab.evaluate(() => registered)], [[], []], 'nor where it was');
  }));
});

describe('ours', { concurrency: 4 }, () => {
  test('a site that is known to have none: at once', () => visits(async viewer => {
    const tab = await viewer.open(`${site.url}/none.html`);
    await adopted(tab);
    assert.deepEqual(await scripts(tab), ['circle-sw.js']);
  }));

  test('what worker and page say to each other is not heard by a listener of the site', () => visits(async viewer => {
    for (const visit of [1, 2]) {
      const tab = await viewer.open(`${site.url}/hears.html`);
      await mirrored(tab);
      const asked = await tab.evaluate(() => fetch('/media/film.mp4', { headers: { range: 'bytes=0-99' } }).then(r => r.arrayBuffer()).then(() => Object.values(polycircle.stats().bytes).some(n => n)));
      assert.ok(asked, 'they have spoken');
      assert.deepEqual(await tab.evaluate(() => told), [], `visit ${visit}`);
    }
  }));

  test('a site that is not known: when the page is loaded and quiet, and what begins then is mirrored', () => visits(async viewer => {
    const tab = await viewer.open(`${site.url}/unknown.html`);
    await until(tab, 'load', () => document.readyState == 'complete' && performance.now() > performance.timing.loadEventEnd - performance.timing.navigationStart + 500);
    const { at, found } = await tab.evaluate(async () => ({ at: performance.now() - performance.timing.loadEventEnd + performance.timing.navigationStart, found: !!await navigator.serviceWorker.getRegistration('/') }));
    assert.ok(at > 2500 || !found, 'not before');
    await until(tab, 'the worker', () => navigator.serviceWorker.controller);
    await viewer.open(`${site.url}/unknown.html`);
    await until(tab, 'adopted', () => document.querySelector('video').crossOrigin == 'use-credentials');
  }));

  test('a page that unregisters every worker: it plays, no error, one try a page, and then none', () => visits(async viewer => {
    for (const known of ['none', 'unknown']) {
      const url = `${site.url}/${known}-forgetful.html`, tries = [];
      for (let visit = 0; visit < 3; visit++) {
        const tab = await viewer.open(url);
        await plays(tab);
        await settled(tab);
        tries.push(await tab.evaluate(() => registered.length));
      }
      assert.deepEqual(tries, known == 'none' ? [1, 0, 0] : [0, 0, 0]);
    }
    assert.deepEqual(viewer.lines.filter(line => /error/i.test(line) && !/favicon|404/.test(line)), []);
  }));

  test('a log-out that clears all: no error, the film plays on, nothing is registered again in this page', () => visits(async viewer => {
    const tab = await viewer.open(`${site.url}/none.html`);
    await adopted(tab);
    await play(tab);
    const left = await tab.evaluate(async () => {
      localStorage.clear();
      sessionStorage.clear();
      for (const key of await caches.keys()) await caches.delete(key);
      for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister();
      for (const { name } of await indexedDB.databases()) {
        const said = await new Promise(ok => { const request = indexedDB.deleteDatabase(name); request.onsuccess = () => ok(''); request.onerror = request.onblocked = () => ok('blocked'); });
        if (said) return said;
      }
      return (await indexedDB.databases()).length;
    });
    assert.equal(left, 0);
    await until(tab, 'end of the film', () => film.ended, 15000);
    await settled(tab);
    assert.equal(await tab.evaluate(() => registered.length), 1);
    assert.deepEqual(viewer.lines.filter(line => /error/i.test(line) && !/favicon|404/.test(line)), []);
    await adopted(await viewer.open(`${site.url}/none.html`));
  }));
});

/** What comes from the instance is asked for anew: browsers keep the loader for minutes. */
async function uncached(viewer) {
  const session = await viewer.context.newCDPSession(viewer.page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
}
const cleared = tab => until(tab, 'what was kept is gone', async () => !(await indexedDB.databases()).length && !Object.keys(localStorage).length);

describe('what ends ours', { concurrency: 4 }, () => {
  for (const open of [false, true]) {
    test(`the site's worker with ours in it mirrors, and stays when the circle is removed${open ? ' while a page is open' : ''}`, () => visits(async viewer => {
      const name = `guest-${open}`, url = `${site.url}/${name}.html`;
      await writeFile(site.at(`${name}.html`), page(FILM, `${await circle(name, '/guest.js')}<script>addEventListener('load', () => navigator.serviceWorker.register('/guest.js?ver=6'));</script>`));
      await settled(await viewer.open(url));
      const tab = await viewer.open(url);
      await adopted(tab);
      await plays(tab);
      const { origin, storage } = await tab.evaluate(() => polycircle.stats().bytes);
      assert.ok(origin + storage > 0, 'by the mirror');
      if (open) {
        await site.program(['circle', 'remove', name]);
        await tab.evaluate(() => { globalThis.dispatchEvent(new Event('offline')); globalThis.dispatchEvent(new Event('online')); });
        await until(tab, 'it has stopped', () => polycircle.out.size, 20000);
        await sleep(1000);
      } else {
        await viewer.open('about:blank');
        await site.program(['circle', 'remove', name]);
        await uncached(viewer);
        await viewer.open(url);
        await cleared(tab);
      }
      await plays(await comesBack(viewer, `${site.url}/bare.html`));
      assert.deepEqual(await scripts(viewer.page), ['guest.js?ver=6']);
      await offline(viewer);
    }));
  }

  test("the circle is removed while the site's worker waits behind ours: it is not taken along", () => visits(async viewer => {
    const url = `${site.url}/ends.html`;
    await writeFile(site.at('ends.html'), page(FILM, await circle('ends', 'none')));
    const tab = await viewer.open(url);
    await mirrored(tab);
    await tab.evaluate(async () => { await navigator.serviceWorker.register('/own.js'); });
    await until(tab, 'it waits', async () => (await navigator.serviceWorker.getRegistration('/')).waiting);
    await viewer.open('about:blank');
    await site.program(['circle', 'remove', 'ends']);
    await uncached(viewer);
    await viewer.open(url);
    await cleared(tab);
    await plays(await comesBack(viewer, `${site.url}/bare.html`));
    assert.deepEqual(await scripts(viewer.page), ['own.js']);
    await offline(viewer);
  }));

  for (const waits of [false, true]) {
    test(`seven days without a manifest: ours goes${waits ? ", but not while the site's waits behind it" : ''}`, () => visits(async viewer => {
      const tab = await viewer.open(`${site.url}/none.html`);
      await mirrored(tab);
      if (waits) {
        await tab.evaluate(async () => { await navigator.serviceWorker.register('/own.js'); });
        await until(tab, 'it waits', async () => (await navigator.serviceWorker.getRegistration('/')).waiting);
      }
      await settled(tab); // what says that the manifest is valid has said so
      await tab.evaluate(async () => (await navigator.serviceWorker.getRegistration('/')).navigationPreload.setHeaderValue(String(Date.now() - 8 * 864e5)));
      await viewer.open(`${site.url}/bare.html`);
      await (waits ? sleep(14_000) : until(tab, 'it is gone', async () => !await navigator.serviceWorker.getRegistration('/'), 20_000));
      if (!waits) return;
      await comesBack(viewer, `${site.url}/bare.html`);
      assert.deepEqual(await scripts(viewer.page), ['own.js']);
      await offline(viewer);
    }));
  }
});
