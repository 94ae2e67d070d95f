/** A circle on a page without links: its manifest, and what is withdrawn of it. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { bytes, dice, envelope, key, payload, tick, until } from './world.mjs';
import { memoryStore } from './setup.mjs';

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define('isSecureContext', true);
define('location', new URL('https://site.example/'));
define('document', { hidden: false, addEventListener() {} });
define('navigator', {});
const { Circle } = await import('../../htdocs/page/circle.js');

const FILES = Object.fromEntries(['a.mp4', 'b.mp4', 'c.mp4'].map((name, i) => [name, bytes(dice(i), 1000)]));
const site = name => `https://site.example/media/${name}`;

/** A page's; fetch(): what the instance answers. */
async function circle(store) {
  const { cid, version } = payload(FILES);
  const it = new Circle({ base: 'https://site.example/p/', config: { cid, version, sign: key.name, mirror: true }, data: { p2p: 'off' }, storage: Promise.resolve(store), coarse: false,
    watch: () => () => ({ slack: 0, playing: false, rate: 0 }), spared: () => false, hear() {}, worker: Promise.resolve(null), take: assert.fail, mark: () => undefined, ask: async () => {} });
  await it.loaded;
  return it;
}

test('what is withdrawn stays so when the same manifest comes again, however slow storage is', async () => {
  const store = memoryStore(), { put } = store, manifest = envelope(payload(FILES));
  await put('kv', 'manifest-00112233aabbccdd', manifest);
  store.put = async (...args) => { await tick(200); await put(...args); };
  let answer = () => {}, asked = 0;
  define('fetch', () => { asked++; return new Promise(ok => { answer = () => ok(new Response(JSON.stringify(manifest))); }); });
  const { mirror } = await circle(store), find = name => mirror.find(site(name));
  mirror.withdraw(find('a.mp4'));
  await until(() => asked, 'the manifest is asked for anew');
  mirror.withdraw(find('b.mp4'));
  answer();
  await tick(100);
  assert.deepEqual(['a.mp4', 'b.mp4', 'c.mp4'].map(name => find(name).withdrawn), [true, true, false]);
});

test('and is there again with a newer one', async () => {
  const store = memoryStore();
  await store.put('kv', 'manifest-00112233aabbccdd', envelope(payload(FILES)));
  define('fetch', async () => new Response(JSON.stringify(envelope(payload(FILES, 262144, { version: 8 })))));
  const { mirror } = await circle(store);
  mirror.withdraw(mirror.find(site('a.mp4')));
  await until(() => mirror.version == 8, 'the newer one');
  assert.equal(mirror.find(site('a.mp4')).withdrawn, false);
});
