/** The service worker (served as circle-sw.js): hands a page's requests for media of its circle to that page's mirror, or to that of the tab
 * that leads, and gets out of the way of everything else. It does no harm: no page that speaks to it, or anything failing, means plain HTTP. */
import { done, openDb } from './lib/db.js';

const self = /** @type {any} */ (globalThis);
const ASK_MS = 300, HEAD_MS = 15000, IDLE_MS = 7 * 864e5;

/** client id: what its mirror answers; leads: it has the browser's links @type {Map<string, {urls: Set<string>, leads: boolean}>} */
const pages = new Map();
/** clients without our tag @type {Set<string>} */
const silent = new Set();

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (/** @type {any} */ e) => e.waitUntil(self.clients.claim()));

self.addEventListener('message', (/** @type {any} */ { data, source }) => {
  if (data?.polycircle != 'urls' || !source) return;
  silent.delete(source.id);
  pages.set(source.id, { urls: new Set(data.urls), leads: data.leads });
});

self.addEventListener('fetch', (/** @type {any} */ e) => {
  const { request, clientId } = e, page = pages.get(clientId);
  if (request.mode == 'navigate') return e.waitUntil(expire());
  // 'no-store' is also how the mirror itself asks an origin
  if (request.method != 'GET' || request.cache == 'no-store' || !clientId || silent.has(clientId)) return;
  if (page ? page.urls.has(request.url) : /audio|video/.test(request.destination) || request.headers.has('range')) e.respondWith(answer(request, clientId));
});

/** Days after the last valid manifest the worker goes away by itself; the page has 10 s to bring one first. */
async function expire() {
  for (const id of [...pages.keys(), ...silent]) if (!await self.clients.get(id)) { pages.delete(id); silent.delete(id); }
  await new Promise(ok => setTimeout(ok, 10000));
  try {
    const kv = (await openDb()).transaction('kv', 'readwrite').objectStore('kv'), valid = await done(kv.get('valid'));
    if (!valid) kv.put(Date.now(), 'valid');
    else if (Date.now() - valid > IDLE_MS) await self.registration.unregister();
  } catch { /* no storage: nothing to tell by */ }
}

/** @param {MessagePort} port @param {number} ms @returns {Promise<any>} the next message; pass and late: none in time, or the page is gone */
const next = (port, ms) => new Promise(ok => {
  const timer = setTimeout(ok, ms, { pass: true, late: true });
  port.onmessage = ({ data }) => { clearTimeout(timer); ok(data); };
  /** @type {any} */ (port).onclose = () => ok({ pass: true, late: true });
});

/** @param {Request} request @param {string} own id of the client that asks @returns {Promise<Response>} */
async function answer(request, own) {
  const leader = [...pages].find(([, { urls, leads }]) => leads && urls.has(request.url))?.[0] ?? own;
  let fresh = false;
  for (const id of new Set(pages.get(own)?.leads ? [own] : [leader, own])) {
    const client = await self.clients.get(id), { port1, port2 } = new MessageChannel();
    client?.postMessage({ polycircle: 'get', url: request.url, range: request.headers.get('range') }, [port2]);
    let head = await next(port1, client ? ASK_MS : 0);
    if (head.late) pages.has(id) ? Object.assign(pages.get(id) ?? {}, { leads: false }) : silent.add(id);
    while (head.mine) head = await next(port1, HEAD_MS);
    if (!head.pass) return new Response(head.chunk ? body(port1, head, request.url) : null, head);
    fresh ||= !!head.fresh;
  }
  return fresh && new URL(request.url).origin == location.origin  // the browser's cache may hold the file that was replaced
    ? fetch(request.url, { headers: request.headers, cache: 'no-cache', credentials: request.credentials, signal: request.signal }) : fetch(request);
}

/** What the consumer takes, chunk by chunk; the rest by plain HTTP when the page that sent it is gone.
 * @param {MessagePort} port @param {{chunk?: ArrayBuffer, at: number, end: number}} head @param {string} url */
function body(port, { chunk, at, end }, url) {
  /** @type {ReadableStreamDefaultReader<Uint8Array>|undefined} */
  let rest;
  return new ReadableStream({
    async pull(controller) {
      if (!chunk && !rest) port.postMessage('pull');
      const said = chunk ? { chunk } : rest ? {} : await next(port, HEAD_MS);
      chunk = undefined;
      at += said.chunk?.byteLength ?? 0;
      if (said.chunk) return controller.enqueue(new Uint8Array(said.chunk));
      if (said.end) return controller.close();
      if (said.fresh) return controller.error(new TypeError('the file was replaced'));
      rest ??= (await fetch(url, { headers: { range: `bytes=${at}-${end - 1}` } })).body?.getReader();
      const { value, done } = /** @type {any} */ (await rest?.read());
      done ? controller.close() : controller.enqueue(value);
    },
    cancel() {
      port.postMessage('cancel');
      rest?.cancel();
    },
  }, { highWaterMark: 0 });
}
