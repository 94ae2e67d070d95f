// The end of an instance: no worker and no storage of ours stays in a browser, and the site works as before.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { makeSite, makeVisitor, mirrored, page, play, until } from './site.mjs';

const FILM = '<video controls muted preload="metadata" src="/media/film.mp4"></video>';
const rest = tab => tab.evaluate(async () => ({ workers: (await navigator.serviceWorker.getRegistrations()).length,
  databases: (await indexedDB.databases()).map(({ name }) => name), local: Object.keys(localStorage).filter(key => key.startsWith('polycircle')).sort() }));
const nothing = { workers: 0, databases: [], local: [] };

async function gone(tab) {
  await until(tab, 'nothing is left', async () => !(await navigator.serviceWorker.getRegistrations()).length && !(await indexedDB.databases()).length);
}

async function plays(tab) {
  await until(tab, 'first frame', () => film.first);
  await play(tab);
  await until(tab, 'end of the film', () => film.ended, 15000);
}

async function withSite(body) {
  const site = await makeSite({ film: { seconds: 4 }, pages: { 'index.html': page(FILM, '%TAG%'), 'bare.html': page(FILM), 'own.html': page(FILM, '%OWN%') } });
  await writeFile(site.at('own.js'), `importScripts('${site.base}circle-sw.js');`);
  await writeFile(site.at('own.html'), page(FILM, site.tag('data-worker="/own.js"')));
  const viewer = await makeVisitor();
  try { await body(site, viewer); } finally {
    await viewer.close();
    await site.close();
  }
}

describe('the end of an instance', { concurrency: 2 }, () => {  // they wait more than they work
  for (const [name, path] of [['our own worker', '/'], ["the owner's one-line file", '/own.html']]) {
    test(`uninstalled, ${name}: who comes again loses worker and storage, and the film plays by plain HTTP`, () => withSite(async (site, viewer) => {
      await mirrored(await viewer.open(site.url + path));
      assert.deepEqual(await rest(viewer.page), { workers: 1, databases: ['polycircle'], local: ['polycircle-begun', 'polycircle-worker'] });
      await viewer.open('about:blank');
      await site.program(['uninstall', '--yes']);
      const session = await viewer.context.newCDPSession(viewer.page);
      await session.send('Network.enable');
      await session.send('Network.setCacheDisabled', { cacheDisabled: true }); // the loader is kept for 5 minutes
      const tab = await viewer.open(site.url + path), before = (await site.log()).length;
      await plays(tab);
      await gone(tab);
      assert.deepEqual(await rest(tab), nothing);
      await viewer.open(`${site.url}/bare.html`);
      await plays(tab);
      assert.equal(await tab.evaluate(() => navigator.serviceWorker.controller), null);
      assert.ok(viewer.mine(await site.log()).slice(before).some(line => line.path === '/media/film.mp4'), 'by plain HTTP');
      await site.program(['uninstall', '--undo']);
      await mirrored(await viewer.open(site.url + path));
    }));

    test(`uninstalled, ${name}: a browser that only looks for a newer worker is rid of it`, () => withSite(async (site, viewer) => {
      await mirrored(await viewer.open(site.url + path));
      await viewer.page.close();
      viewer.page = null;
      await viewer.open(`${site.url}/bare.html`); // a page without our tag, of the same worker
      assert.equal((await rest(viewer.page)).workers, 1);
      await site.program(['uninstall', '--yes']);
      await viewer.page.evaluate(async () => { await (await navigator.serviceWorker.getRegistration('/')).update(); });
      await gone(viewer.page);
      await plays(viewer.page);
    }));
  }

  test('uninstalled, and the browser still has the loader: the film plays, the worker goes', () => withSite(async (site, viewer) => {
    await mirrored(await viewer.open(site.url));
    await viewer.open('about:blank');
    await site.program(['uninstall', '--yes']);
    const before = (await site.log()).length, tab = await viewer.open(`${site.url}/?again`);
    await plays(tab);
    await until(tab, 'the worker is gone', async () => !(await navigator.serviceWorker.getRegistrations()).length);
    const mine = viewer.mine((await site.log()).slice(before));
    assert.ok(!mine.some(({ path }) => /\/signal(\?|$)/.test(path)), 'it did');
    assert.ok(mine.some(({ path, status }) => path.endsWith('/sync') && status === 410), 'it was told');
  }));

  test('uninstalled while a page is open: at its next word it stops, and unregisters', () => withSite(async (site, viewer) => {
    const tab = await viewer.open(site.url);
    await mirrored(tab);
    await site.program(['uninstall', '--yes']);
    await tab.evaluate(() => { globalThis.dispatchEvent(new Event('offline')); globalThis.dispatchEvent(new Event('online')); });
    await until(tab, 'it has stopped', async () => !(await navigator.serviceWorker.getRegistrations()).length, 20000);
    assert.equal(await tab.evaluate(() => polycircle.peers.length), 0);
    await plays(tab);
  }));
});
