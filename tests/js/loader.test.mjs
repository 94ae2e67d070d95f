// The loader in a page of which nothing is shared: the browser's console says why.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const warned = [], define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define('location', new URL('https://www.site.example/'));
define('self', location);
define('POLYCIRCLE_CONFIG', { package: 'x', cid: 'x' });
define('navigator', { serviceWorker: { getRegistration: async () => undefined, register: async url => { throw new TypeError(`no worker at ${url}`); } } });
define('MutationObserver', class { disconnect() {} });
define('isSecureContext', false);
define('fetch', async () => { throw new TypeError('not here'); });
console.warn = (...words) => warned.push(words.join(' '));
console.error = () => {};

/** What is said in a page of www.site.example with this tag. */
async function warns(src, dataset = {}) {
  warned.length = 0;
  delete globalThis.polycircleTags;
  define('document', { currentScript: { src, dataset }, addEventListener() {} });
  await import(`../../htdocs/loader.js?${src}${Object.keys(dataset)}`);
  await new Promise(ok => setTimeout(ok, 10));
  return warned.join();
}

test('why there is no worker', async () => {
  assert.equal(await warns('https://site.example/x/signal?k'), 'no data-worker', 'the tag is of another address');
  assert.match(await warns('https://site.example/x/signal?k', { worker: '/polycircle-sw.js' }), /no worker at https:\/\/www\.site\.example\/polycircle-sw\.js/, 'the file is missing');
  navigator.serviceWorker.register = async () => ({});
  assert.equal(await warns('https://www.site.example/x/signal?k'), '', 'there is one');
});
