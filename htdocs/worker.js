/** The service worker (served as circle-sw.js): hands a page's requests for media of its circle to that page's mirror, or to that of the tab
 * that leads, and gets out of the way of everything else. It does no harm: no page that speaks to it, or anything failing, means plain HTTP.
 * @typedef {{urls: Set<string>, leads: boolean}} Page */

const scope = /** @type {any} */ (globalThis),
  ASK_MS = 2000,
  OTHER_MS = 300,
  HEAD_MS = 15000,
  IDLE_MS = 7 * 864e5;
const GONE = { pass: true }; // in the place of an answer

const pages = /** @type {Map<string, Page>} */ (new Map()); // client id: what its mirror answers, nothing without our tag; leads: it has the browser's links

scope.addEventListener('install', () => scope.skipWaiting());
scope.addEventListener('activate', (/** @type {any} */ e) => e.waitUntil(scope.clients.claim()));

scope.addEventListener('message', (/** @type {any} */ { data, source }) => {
  if (data?.polycircle == 'urls')
    pages.set(source.id, { urls: new Set(data.urls), leads: data.leads });
});

scope.addEventListener('fetch', (/** @type {any} */ e) => {
  const { request, clientId } = e,
    { mode } = request,
    url = unescape(request.url.split('#')[0]),
    page = pages.get(clientId),
    film = /audio|video/.test(request.destination);
  const home = film && url.startsWith(location.origin + '/'),
    adopted = home && mode == 'cors' && request.credentials == 'include';
  if (mode == 'navigate') return e.waitUntil(expire());
  // 'no-store' is also how the mirror itself asks an origin
  if (request.method != 'GET' || request.cache == 'no-store' || !clientId) return;
  // a player that was adopted is ours for good; another one's files of this origin never are (page/watch.js says why)
  if (home ? adopted : page ? page.urls.has(url) : film || request.headers.has('range'))
    e.respondWith(answer(request, url, clientId, page, adopted));
});

/** Seven days after the last valid manifest the worker goes away by itself; the page has 10 s to bring one first. When that was stands where it
 * lives as long as the registration does, and needs no storage: in the header value for preloading, which we have no other use for. */
async function expire() {
  for (const id of pages.keys()) if (!(await scope.clients.get(id))) pages.delete(id);
  await new Promise(ok => setTimeout(ok, 10000));
  const { navigationPreload: kept } = scope.registration,
    { headerValue } = await kept.getState();
  if (headerValue == 'true')
    await kept.setHeaderValue(String(Date.now())); // never set
  else if (Date.now() - headerValue > IDLE_MS) await scope.registration.unregister();
}

/** @param {MessagePort} port @param {number} ms @returns {Promise<any>} the next message; GONE: none in time, or the page is gone */
const next = (port, ms) =>
  new Promise(ok => {
    const timer = setTimeout(ok, ms, GONE);
    port.onmessage = ({ data }) => {
      clearTimeout(timer);
      ok(data);
    };
    /** @type {any} */ (port).onclose = () => ok(GONE);
  });

/** @param {Request} request @param {string} url as pages say it @param {string} own id of the client that asks @param {Page|undefined} page its
 * @param {boolean} adopted by that page: it is there, also when this worker has not heard of it yet, or no longer
 * @returns {Promise<Response>} plain HTTP, too, is passed on as made here */
async function answer(request, url, own, page, adopted) {
  const leader = page?.leads
      ? own
      : ([...pages].find(([, { urls, leads }]) => leads && urls.has(url))?.[0] ?? own),
    other = leader != own;
  // what is in a page's document, its own alone can say: it is heard before another tab answers
  const hops = [
    ...(other && !adopted ? [{ id: own, look: true }] : []),
    ...(other ? [{ id: leader }] : []),
    { id: own },
  ];
  let fresh;
  for (const { id, look } of !page || page.urls.has(url) ? hops : []) {
    const client = await scope.clients.get(id),
      { port1, port2 } = new MessageChannel();
    client?.postMessage(
      {
        polycircle: 'get',
        url: request.url,
        range: request.headers.get('range'),
        look,
        spare: id == own && !adopted,
      },
      [port2],
    );
    // a page that named the file and asks for it is there, and may be busy; another tab may be frozen
    let head = await next(port1, !client ? 0 : (page || adopted) && id == own ? ASK_MS : OTHER_MS);
    if (head == GONE) pages.set(id, { urls: pages.get(id)?.urls ?? new Set(), leads: false });
    while (head.mine) head = await next(port1, HEAD_MS);
    if (!head.pass) return new Response(head.chunk && body(port1, head.chunk), head);
    fresh ||= head.fresh;
    if (head.spared) break;
  }
  // the browser's cache may hold the file that was replaced; a request without CORS would lose its range
  const r = await fetch(request, fresh && request.mode == 'cors' ? { cache: 'no-cache' } : {});
  return r.status ? new Response(r.body, r) : r;
}

/** What the consumer takes, chunk by chunk. @param {MessagePort} port @param {ArrayBuffer|undefined} chunk the first */
const body = (port, chunk) =>
  new ReadableStream(
    {
      async pull(controller) {
        if (!chunk) port.postMessage('pull');
        const said = chunk ? { chunk } : await next(port, HEAD_MS);
        chunk = undefined;
        if (said.chunk) controller.enqueue(new Uint8Array(said.chunk));
        else said.end ? controller.close() : controller.error(new TypeError('interrupted'));
      },
      cancel() {
        port.postMessage('cancel');
      },
    },
    { highWaterMark: 0 },
  );
