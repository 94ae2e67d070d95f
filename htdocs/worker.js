/** The service worker (served as circle-sw.js): hands a page's own requests for media of its circle to that page's mirror, and gets out
 * of the way of everything else. It does no harm: no page that speaks to it, or anything failing, means plain HTTP. */
import { done, openDb } from './lib/db.js';

const self = /** @type {any} */ (globalThis);
const ASK_MS = 300, HEAD_MS = 15000, IDLE_DAYS = 7;

/** @type {Map<string, Set<string>>} client id: URLs its mirror can answer */
const pages = new Map();
/** @type {Set<string>} clients without our tag */
const silent = new Set();

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (/** @type {any} */ e) => e.waitUntil(self.clients.claim()));

self.addEventListener('message', (/** @type {any} */ e) => {
  const { polycircle, urls } = e.data ?? {};
  if (polycircle == 'urls' && e.source) {
    silent.delete(e.source.id);
    pages.set(e.source.id, new Set(urls));
    e.source.postMessage({ polycircle: 'ready' });
  }
  if (polycircle == 'removed') e.waitUntil(self.registration.unregister());
});

self.addEventListener('fetch', (/** @type {any} */ e) => {
  const { request, clientId } = e;
  if (request.mode == 'navigate') return e.waitUntil(expire());
  if (request.method != 'GET' || request.cache == 'no-store' || !clientId || silent.has(clientId)) return;
  const urls = pages.get(clientId);
  if (urls ? urls.has(request.url) : /audio|video/.test(request.destination) || request.headers.has('range')) e.respondWith(answer(request, clientId));
});

/** Days after the last valid manifest the worker goes away by itself; the page has 10 s to bring one first. */
async function expire() {
  for (const id of [...pages.keys(), ...silent]) if (!await self.clients.get(id)) { pages.delete(id); silent.delete(id); }
  await new Promise(ok => setTimeout(ok, 10000));
  try {
    const kv = (await openDb()).transaction('kv', 'readwrite').objectStore('kv'), valid = await done(kv.get('valid'));
    if (!valid) kv.put(Date.now(), 'valid');
    else if (Date.now() - valid > IDLE_DAYS * 864e5) await self.registration.unregister();
  } catch { /* no storage: nothing to tell by */ }
}

/** @param {MessagePort} port @param {number} ms @returns {Promise<any>} the next message, or {pass: true} when there is none in time */
const next = (port, ms) => new Promise(ok => {
  const timer = setTimeout(ok, ms, { pass: true, late: true });
  port.onmessage = e => { clearTimeout(timer); ok(e.data); };
});

/** @param {Request} request @param {string} clientId @returns {Promise<Response>} */
async function answer(request, clientId) {
  let fresh = false;
  try {
    const client = await self.clients.get(clientId), { port1, port2 } = new MessageChannel();
    client.postMessage({ polycircle: 'get', url: request.url, range: request.headers.get('range') }, [port2]);
    let head = await next(port1, ASK_MS);
    if (head.late && !pages.has(clientId)) silent.add(clientId);
    while (head.mine) head = await next(port1, HEAD_MS);
    if (head.late) port1.postMessage('cancel');
    if (!head.pass) return new Response(body(port1, head.chunk), head);
    fresh = !!head.fresh;
  } catch { /* then by plain HTTP */ }
  return fresh ? refetch(request) : fetch(request);
}

/** The browser's cache may hold the file that was replaced. @param {Request} request */
const refetch = request => new URL(request.url).origin != location.origin ? fetch(request)
  : fetch(request.url, { headers: request.headers, cache: 'no-cache', credentials: request.credentials, signal: request.signal });

/** @param {MessagePort} port @param {ArrayBuffer|undefined} first */
function body(port, first) {
  if (!first) return null;
  return new ReadableStream({
    async pull(controller) {
      let message = /** @type {any} */ ({ chunk: first });
      if (first) first = undefined;
      else {
        port.postMessage('pull');
        message = await new Promise(ok => { port.onmessage = e => ok(e.data); });
      }
      if (message.chunk) controller.enqueue(new Uint8Array(message.chunk));
      else message.error ? controller.error(new TypeError(message.error)) : controller.close();
    },
    cancel() { port.postMessage('cancel'); },
  }, { highWaterMark: 0 });
}
