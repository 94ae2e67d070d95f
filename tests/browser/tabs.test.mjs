// Tabs of one browser and what they tell: which of them has the links, what neighbours hear, what a page remembers, and that an idle one rests.
// tests/js/tabs.test.mjs has who leads in simulated time.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { makeSite, makeVisitor, mirrored, page, until, visits } from './site.mjs';

const PARTS = 100, part = i => `/media/film/part-${String(i).padStart(3, '0')}.ts`;
let site;

before(async () => {
  site = await makeSite({ pages: { 'index.html': page('', '%TAG%'), 'figures.html': page('<poly-stats></poly-stats>', '%TAG%') } });
  await mkdir(site.at('media/film'));
  // a film in many files, as HLS has it, and one of another folder
  for (let i = 0; i < PARTS; i++) await writeFile(site.at(part(i).slice(1)), randomBytes(20000));
  await writeFile(site.at('media/other.bin'), randomBytes(300000));
  await site.publish();
});
after(() => site?.close());

const read = (tab, paths) => tab.evaluate(async paths => {
  for (const path of paths) await (await fetch(path)).arrayBuffer();
}, paths);
const from = tab => tab.evaluate(() => polycircle.stats().bytes);
/** What the tab's only neighbour said that it has. */
const known = (tab, paths) => tab.evaluate(paths => paths.filter(path => polycircle.signal.peers[0].has(polycircle.mirror.find(location.origin + path).root, 0)), paths);
const linked = tab => until(tab, 'a neighbour', () => globalThis.polycircle?.peers.length == 1 && polycircle.peers[0].sig);
const stored = (tab, n) => until(tab, `${n} pieces in storage`, async n => {
  const done = request => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error); });
  const db = await done(indexedDB.open('polycircle'));
  try { return (await done(db.transaction('pieces').objectStore('pieces').getAllKeys())).length >= n; } finally { db.close(); }
}, 15000, n);

/** The page's state as a browser's window manager would make it; the browser without a window has all tabs looked at. */
const look = (tab, looked) => tab.evaluate(looked => {
  for (const [name, value] of [['hidden', !looked], ['visibilityState', looked ? 'visible' : 'hidden']]) Object.defineProperty(document, name, { value, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}, looked);

const frozen = {
  'is frozen': async tab => {
    const devtools = await tab.context().newCDPSession(tab);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    return () => devtools.send('Page.setWebLifecycleState', { state: 'active' });
  },
  // as a browser does it that says nothing before
  'stands still': async tab => {
    const over = tab.evaluate(() => new Promise(ok => setTimeout(() => { for (const end = performance.now() + 6000; performance.now() < end;); ok(); }, 100)));
    await new Promise(ok => setTimeout(ok, 500));
    return () => over;
  },
};
for (const [what, freeze] of Object.entries(frozen)) {
  test(`a tab that leads ${what}: the one that is looked at has the links now`, t => visits(async viewer => {
    const [first, second] = [await viewer.tab(), await viewer.tab()];
    await first.goto(site.url);
    await mirrored(first);
    await second.goto(site.url);
    await until(second, 'it follows', () => globalThis.polycircle?.role == 'tab' && navigator.serviceWorker.controller);
    await look(second, false);
    await look(first, false);
    const thaw = await freeze(first), began = Date.now();
    await look(second, true);
    await until(second, 'it leads', () => polycircle.role != 'tab' && polycircle.sig, 5000);
    t.diagnostic(`it leads after ${Date.now() - began} ms`);
    await thaw();
    await until(first, 'the first one follows', () => polycircle.role == 'tab', 5000);
    assert.notEqual(await second.evaluate(() => polycircle.role), 'tab');
  }));
}

test('hello names what the page reads; what was stored before is given to who asks for it by name, all of it', async () => {
  const seeder = await makeVisitor();
  try {
    const tab = await seeder.open(site.url), all = Array.from({ length: PARTS }, (_, i) => part(i));
    await mirrored(tab);
    await read(tab, [...all, '/media/other.bin']);
    await stored(tab, PARTS + 2);
    await tab.reload();
    await mirrored(tab);
    await read(tab, [all[0]]);
    await visits(async viewer => {
      const other = await viewer.open(site.url);
      await mirrored(other);
      await linked(other);
      await until(other, 'what the page reads', async path => polycircle.signal.peers[0]?.has(polycircle.mirror.find(location.origin + path).root, 0), 15000, all[0]);
      assert.deepEqual(await known(other, [...all, '/media/other.bin']), [all[0]], 'nothing of earlier visits');
      await read(other, all);
      const bytes = await from(other);
      assert.ok(bytes.peers >= 0.9 * 20000 * PARTS, JSON.stringify(bytes));
      assert.ok(!(await known(other, ['/media/other.bin'])).length, 'and nothing that nobody asked for');
    });
  } finally { await seeder.close(); }
});

test('what was withdrawn stays so in the next page, until there is a newer manifest', () => visits(async viewer => {
  const tab = await viewer.open(site.url), path = '/media/other.bin', withdrawn = () => tab.evaluate(async path => { await polycircle.loaded; return polycircle.mirror.find(location.origin + path).withdrawn; }, path);
  await mirrored(tab);
  await read(tab, [path]);
  assert.equal(await withdrawn(), false);
  await utimes(site.at(path.slice(1)), 1e9, 1e9);
  await until(tab, 'withdrawn', async path => { await fetch(path, { cache: 'reload' }).then(r => r.arrayBuffer()).catch(() => {}); return polycircle.mirror.find(location.origin + path).withdrawn; }, 30000, path);
  await until(tab, 'written down', async () => {
    const done = request => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error); });
    const db = await done(indexedDB.open('polycircle'));
    try { return (await done(db.transaction('kv').objectStore('kv').get('withdrawn-' + polycircle.cid)))?.paths.length; } finally { db.close(); }
  });
  const version = () => tab.evaluate(() => polycircle.mirror.version), was = await version();
  await tab.reload();
  await mirrored(tab);
  assert.deepEqual([await version(), await withdrawn()], [was, true]);
  await site.publish();
  await tab.reload();
  await until(tab, 'the newer manifest', async path => { await globalThis.polycircle?.loaded; return globalThis.polycircle && !polycircle.mirror.find(location.origin + path).withdrawn; }, 15000, path);
}));

test('a tab that has nothing to do has no timer and asks nobody, looked at or hidden; one with figures only while they are seen', () => visits(async viewer => {
  const lead = await viewer.open(site.url);
  await mirrored(lead);
  for (const name of ['', 'figures.html']) {
    const tab = await viewer.tab();
    await tab.addInitScript(() => {
      globalThis.fired = [];
      for (const name of ['setTimeout', 'setInterval']) {
        const real = globalThis[name].bind(globalThis);
        globalThis[name] = (task, ms, ...args) => real(() => { fired.push(`${name} ${ms} ${String(task).slice(0, 80)}`); task(...args); }, ms);
      }
    });
    await tab.goto(`${site.url}/${name}`);
    await until(tab, 'it follows', () => globalThis.polycircle?.role == 'tab' && navigator.serviceWorker.controller && Boolean(document.querySelector('poly-stats') ? customElements.get('poly-stats') : polycircle.signal?.box));
    const quiet = async () => {
      const before = viewer.mine(await site.log()).filter(line => !line.path.endsWith('/sync')).length;
      await tab.evaluate(() => new Promise(ok => { globalThis.fired.length = 0; const { port1, port2 } = new MessageChannel(), end = performance.now() + 3000; port1.onmessage = () => (performance.now() > end ? ok() : port2.postMessage(0)); port2.postMessage(0); }));
      assert.equal(viewer.mine(await site.log()).filter(line => !line.path.endsWith('/sync')).length, before);
      return tab.evaluate(() => fired);
    };
    await new Promise(ok => setTimeout(ok, 4000));  // it has begun
    const shown = await quiet();
    name ? assert.ok(shown.length > 1 && shown.every(line => line.startsWith('setTimeout 500 ')), shown.join('\n')) : assert.deepEqual(shown, []);
    await look(tab, false);
    if (!name) assert.deepEqual(await quiet(), []);
    else {
      await tab.evaluate(() => { document.querySelector('poly-stats').style.marginTop = '5000px'; });
      await new Promise(ok => setTimeout(ok, 1000));
      assert.deepEqual(await quiet(), [], 'out of sight');
    }
    await tab.close();
  }
}));

test('neighbours cannot know a visitor again: no two connections have one certificate', () => visits(async viewer => {
  const tab = await viewer.tab(), seen = [];
  await tab.addInitScript(() => {
    globalThis.links = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection { constructor(...args) { super(...args); links.push(this); } };
  });
  for (const visit of [1, 2]) {
    await tab.goto(site.url);
    seen.push(...await until(tab, `the offers of visit ${visit}`, () => {
      const all = links.map(link => /a=fingerprint:(.*)/.exec(link.localDescription?.sdp ?? '')?.[1]);
      return all.length > 1 && all.every(Boolean) && all;
    }));
  }
  assert.deepEqual([...new Set(seen)], seen);
}));
