// The worker, in a scope of its own making: what it answers, and above all what it leaves alone.
import './setup.mjs';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import vm from 'node:vm';

const source = await readFile(new URL('../../htdocs/worker.js', import.meta.url), 'utf8');
/** open ports keep Node from ending @type {MessageChannel[]} */
const channels = [];
class Channel extends MessageChannel { constructor() { super(); channels.push(this); } }
after(() => { for (const { port1 } of channels) port1.close(); });

const FILM = 'https://site.example/media/film.mp4', DAY = 864e5;

/** @param {(message: any, port: MessagePort) => void} [page] how the page with the tag reacts */
function worker(page = () => {}, { headerValue = 'true' } = {}) {
  const on = {}, plain = [], said = [], kept = { headerValue };
  const client = { id: 'page', postMessage: (message, [port]) => { said.push(message); page(message, port); } };
  const scope = { setTimeout: (f, ms, ...args) => setTimeout(f, ms == 10000 ? 1 : ms, ...args), clearTimeout, URL, Response, Request, ReadableStream, MessageChannel: Channel, Promise, Map, Set, Object, Date,
    TypeError, location: new URL('https://site.example/sw.js'), addEventListener: (type, f) => { on[type] = f; }, skipWaiting() { scope.skipped = true; },
    fetch: async (request, init) => { plain.push([request.url, init, request]); return kept.opaque ?? new Response('plain', { headers: { etag: '"1"' } }); },
    clients: { claim: async () => {}, get: async id => ['page', 'other'].includes(id) ? { ...client, id } : undefined },
    registration: { unregister: async () => { scope.gone = true; }, navigationPreload: { getState: async () => kept, setHeaderValue: async value => { kept.headerValue = value; } } } };
  vm.runInNewContext(source, vm.createContext(scope));
  const ask = (url = FILM, { clientId = 'page', method = 'GET', destination = 'video', cache = 'default', mode = 'cors', credentials = 'include', range } = {}) => {
    let answer = null;
    const waits = [];
    on.fetch({ clientId, request: { url, method, destination, cache, mode, credentials, headers: new Headers(range ? { range } : {}) }, respondWith: p => { answer = p; }, waitUntil: p => waits.push(p) });
    return { answer, waits };
  };
  const announce = (urls = [FILM], leads = true, id = 'page') => on.message({ data: { polycircle: 'urls', urls, leads }, source: { id } });
  return { scope, plain, said, kept, ask, announce };
}

/** A page that answers as page/bridge.js does. */
const answers = chunks => (message, port) => {
  let at = 0;
  const send = head => port.postMessage(at < chunks.length ? { ...head, chunk: new TextEncoder().encode(chunks[at++]).buffer } : { end: true });
  port.onmessage = ({ data }) => data == 'pull' ? send() : port.close();
  port.postMessage({ mine: true });
  send({ status: 206, headers: { 'content-range': 'bytes 0-5/6' } });
};

test('what the page announced is answered by the page, chunk by chunk', async () => {
  const { ask, announce, plain, said } = worker(answers(['abc', 'def']));
  announce();
  const answer = await ask(FILM, { range: 'bytes=0-' }).answer;
  assert.deepEqual([answer.status, answer.headers.get('content-range'), await answer.text()], [206, 'bytes 0-5/6', 'abcdef']);
  assert.deepEqual([plain, JSON.parse(JSON.stringify(said))], [[], [{ polycircle: 'get', url: FILM, range: 'bytes=0-', spare: false }]]);
});

test('left alone: other addresses, other methods, navigations, the mirror’s own requests, players that were not adopted', () => {
  const { ask, announce } = worker(answers(['abc']));
  announce();
  const script = { destination: '', credentials: 'same-origin' };
  for (const [url, how] of [['https://site.example/other.mp4', script], ['https://cdn.example/other.mp4', { mode: 'no-cors' }], [FILM, { method: 'HEAD' }], [FILM, { method: 'POST' }], [FILM, { mode: 'navigate' }],
    [FILM, { cache: 'no-store' }], [FILM, { clientId: '' }], [FILM, { mode: 'no-cors' }], [FILM, { credentials: 'same-origin' }], [FILM, { mode: 'no-cors', clientId: 'other' }]]) {
    assert.equal(ask(url, how).answer, null, JSON.stringify([url, how]));
  }
});

test('a script of the page, and a player of an origin that the circle has too', async () => {
  const { ask, announce } = worker(answers(['abc']));
  announce([FILM, 'https://cdn.example/film.mp4']);
  assert.equal(await (await ask(FILM, { destination: '', credentials: 'same-origin' }).answer).text(), 'abc');
  assert.equal(await (await ask('https://cdn.example/film.mp4', { mode: 'no-cors' }).answer).text(), 'abc');
});

test('a player that was adopted is answered by the worker to its end: plain HTTP passed on, when the page has left', async () => {
  const { ask, announce, plain, said } = worker(answers(['abc']));
  announce();
  assert.equal(await (await ask().answer).text(), 'abc');
  announce([]);
  const passed = await ask(FILM, { range: 'bytes=5-' }).answer;
  assert.deepEqual([await passed.text(), passed.headers.get('etag'), passed.url, plain.length, said.length], ['plain', '"1"', '', 1, 1]);
});

test('what cannot be read is passed on as it is', async () => {
  const { ask, kept } = worker(), opaque = kept.opaque = { status: 0, type: 'opaque' };
  assert.equal(await ask('https://cdn.example/film.mp4', { mode: 'no-cors' }).answer, opaque);
});

test('a page without the tag: pictures and films at once, a part of a file after 300 ms, and never again', async () => {
  const { ask, plain } = worker(), part = () => ask(FILM, { destination: '', range: 'bytes=0-' }).answer;
  assert.equal(ask('https://site.example/a.png', { destination: 'image' }).answer, null);
  assert.equal(ask(FILM, { mode: 'no-cors' }).answer, null);
  const began = performance.now();
  assert.equal(await (await part()).text(), 'plain');
  assert.ok(performance.now() - began < 1000);
  assert.equal(plain.length, 1);
  assert.equal(part(), null);
});

test('a page that named the file is waited for while its script is busy; another tab is not', async () => {
  const busy = worker((message, port) => setTimeout(() => answers(['abc'])(message, port), 700));
  busy.announce();
  assert.equal(await (await busy.ask().answer).text(), 'abc');
  const frozen = worker();
  frozen.announce([FILM], true, 'other');
  frozen.announce([], false);
  const began = performance.now();
  assert.equal(await (await frozen.ask(FILM, { range: 'bytes=0-' }).answer).text(), 'plain');
  assert.ok(performance.now() - began < 1000);
});

test('a worker that was restarted asks the page, which still answers', async () => {
  assert.equal(await (await worker(answers(['abc'])).ask().answer).text(), 'abc');
  const busy = worker((message, port) => setTimeout(() => answers(['abc'])(message, port), 700));
  assert.equal(await (await busy.ask().answer).text(), 'abc', 'one that is busy: a player that was adopted says that the page is there');
});

test('the page passes, or fails before its first byte: plain HTTP; a replaced file not from the cache', async () => {
  const passing = worker((message, port) => { port.postMessage({ mine: true }); port.postMessage({ pass: true }); });
  passing.announce();
  assert.equal(await (await passing.ask().answer).text(), 'plain');
  const fresh = worker((message, port) => { port.postMessage({ mine: true }); port.postMessage({ pass: true, fresh: true }); });
  fresh.announce();
  assert.equal(await (await fresh.ask(FILM, { range: 'bytes=5-' }).answer).text(), 'plain');
  assert.equal(fresh.plain[0][1].cache, 'no-cache');
  assert.equal(fresh.plain[0][2].headers.get('range'), 'bytes=5-');
});

test('the tab that leads is asked first, the own one when it is silent', async () => {
  const asked = [], { ask, announce, scope } = worker();
  scope.clients.get = async id => ({ id, postMessage: (message, [port]) => { asked.push(id); if (id == 'page') answers(['own'])(message, port); } });
  announce([FILM], true, 'other');
  announce([FILM], false, 'page');
  assert.equal(await (await ask().answer).text(), 'own');
  assert.deepEqual(asked, ['other', 'page']);
  assert.equal(await (await ask().answer).text(), 'own');
  assert.deepEqual(asked.slice(2), ['page'], 'it is not waited for twice');
});

test('a stream that breaks off is an error, not an end', async () => {
  const { ask, announce } = worker((message, port) => {
    port.postMessage({ mine: true });
    port.onmessage = () => port.postMessage({ pass: true });
    port.postMessage({ status: 200, headers: {}, chunk: new ArrayBuffer(3) });
  });
  announce();
  await assert.rejects((await ask().answer).text());
});

test('seven days without a valid manifest: it goes away; a day is noted at the first visit', async () => {
  const first = worker();
  await Promise.all(first.ask('https://site.example/', { mode: 'navigate' }).waits);
  assert.ok(Date.now() - first.kept.headerValue < 5000 && !first.scope.gone);
  for (const [days, gone] of [[6, undefined], [8, true]]) {
    const w = worker(undefined, { headerValue: String(Date.now() - days * DAY) });
    await Promise.all(w.ask('https://site.example/', { mode: 'navigate' }).waits);
    assert.equal(w.scope.gone, gone, `${days} days`);
  }
});
