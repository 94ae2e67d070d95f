// The loader registers a worker at once only where the site is known to have none of its own; the rest is page/register.js's.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
const SITE = 'https://www.site.example/', SRC = `${SITE}x/signal?k`, OURS = `${SITE}x/circle-sw.js`;
define('location', new URL(SITE));
define('self', location);
define('MutationObserver', class { observe() {} disconnect() {} });
define('isSecureContext', true);
define('addEventListener', () => {});
define('fetch', async () => { throw new TypeError('not here'); });
console.error = () => {};

let n = 0;
/** What is registered in a page of www.site.example with this tag. */
async function registers({ src = SRC, worker, dataset = {}, controller, found, until = '', ask, player, begun, heard = [] }) {
  const registered = [];
  delete self.polycircleTags;
  define('localStorage', { 'polycircle-worker': until, ...ask && { 'polycircle-ask': ask }, ...begun && { 'polycircle-begun': begun } });
  define('POLYCIRCLE_CONFIG', { package: 'x', cid: 'x', ...worker && { worker } });
  define('navigator', { serviceWorker: { addEventListener: (_, f) => heard.push(f), startMessages() {}, controller: controller && { scriptURL: controller }, getRegistration: async () => found, register: async url => { registered.push(url); throw new TypeError(`no worker at ${url}`); } } });
  define('document', { currentScript: { src, dataset }, addEventListener() {}, querySelectorAll: all => (player && /video/.test(all) ? [player] : []) });
  await import(`../../htdocs/loader.js?${n++}`);
  await new Promise(ok => setTimeout(ok, 10));
  return registered;
}

test('what is registered at once', async () => {
  const rows = [
    ['the site has none', { worker: 'none' }, [OURS]],
    ['the site has none, and its tag is of another address', { worker: 'none', src: 'https://other.example/signal?k', dataset: { worker: '/polycircle-sw.js' } }, [`${SITE}polycircle-sw.js`]],
    ['there is no file for it', { worker: 'none', src: 'https://other.example/signal?k' }, []],
    ['its script is inlined, and has no address', { worker: 'none', src: '' }, []],
    ['nobody has looked', {}, []],
    ['the site has one', { worker: 'own' }, []],
    ['the site has one, with ours in it', { worker: '/own.js' }, []],
    ['one of the site answers the page', { worker: 'none', controller: `${SITE}own.js` }, []],
    ['there is one', { worker: 'none', found: { scriptURL: OURS } }, []],
    ['it was taken off', { worker: 'none', until: String(Date.now() + 1e6) }, []],
    ['it was taken off long ago', { worker: 'none', until: String(Date.now() - 1e6) }, [OURS]],
  ];
  for (const [name, how, registered] of rows) assert.deepEqual(await registers(how), registered, name);
});

test('players wait for the worker, and not for one that the visitor wants nothing of', async () => {
  for (const [ask, preload] of [[undefined, 'none'], ['yes', 'none'], ['no', 'metadata']]) {
    const seen = [], player = { src: `${SITE}a.mp4`, children: [], readyState: 0, networkState: 0, preload: 'metadata', autoplay: false, paused: true, closest: () => null,
      getAttribute: () => 'metadata', setAttribute() {}, load() {} };
    Object.defineProperty(player, 'preload', { get: () => 'metadata', set: value => seen.push(value) });
    await registers({ worker: 'none', ask, player });
    assert.equal(seen[0] ?? 'metadata', preload, ask);
  }
});

test('what the worker hears before the package is here: that a file may be stored, or only that the page hears of what comes', async () => {
  const film = `${SITE}a.mp4`, heard = [], said = [];
  const was = fetch;
  define('fetch', () => new Promise(() => {}));
  await registers({ worker: 'none', begun: `${SITE}b.mp4\n${film}`, heard });
  for (const [data, mine] of [[{ url: film }, true], [{ url: `${SITE}c.mp4` }, false], [{ url: `${SITE}c.mp4`, spare: true }, true]]) {
    heard[0]({ data: { polycircle: 'bring', ...data }, ports: [{ postMessage: word => said.push(word) }], stopImmediatePropagation() {} });
    assert.deepEqual(said.pop(), { late: true, mine }, JSON.stringify(data));
  }
  await registers({ worker: 'none', heard });
  heard[1]({ data: { polycircle: 'bring', url: film, spare: true }, ports: [{ postMessage: word => said.push(word) }], stopImmediatePropagation() {} });
  assert.ok(!said.pop().mine, 'a first visit');
  define('fetch', was);
});
