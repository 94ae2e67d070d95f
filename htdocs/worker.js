/** The service worker (served as circle-sw.js): hands a page's requests for media of its circle to that page's mirror, or to that of the tab
 * that leads, and gets out of the way of everything else. It does no harm: what the browser's cache has is used, what nobody here has comes
 * from the very address that was named, as it comes, and no page that speaks to it, or anything failing, means plain HTTP.
 *
 * A request that is ours has a port to the page. The page says {pass}: nothing of it here, or no more of it; {mine}: the first part is on its way; {origin}:
 * take it from the origin from here on, up to {to} if that is said; {late}: do so, I cannot tell yet; {status, headers, at, chunk}, then {at, chunk} for each
 * {pull}, {pass, end}, or {pass, broken}: it must not go on; and while the origin brings it {from}: I have what comes there. The worker says {head, at, end}, {at, chunk} of what the origin brings;
 * {pull}: what is there; 'end'. Each byte is named by its place in the file, for what was said before the other was heard may come late.
 * @typedef {{urls: Set<string>, leads: boolean, rests: number}} Page urls: what its mirror answers, nothing without our tag; leads: it has the browser's links;
 *   rests: until when it is not asked by others
 * @typedef {{at: number, end: number, total?: string|null, date?: string|null}} Place of an answer in its file: first byte, end; total and date: of the file, where that is said
 * @typedef {ReadableStreamDefaultReader<Uint8Array>} Reader */

import { alone, own, pure } from './util/alone.js';
import { bare, plain } from './util/names.js';

const scope = /** @type {any} */ (globalThis),
  SAY_MS = 50,
  MINE_MS = 1000,
  PULL_MS = 15000,
  LOOK_MS = 3000,
  REST_MS = 5000,
  BACK_MS = 30000,
  UNHEARD = 4 << 20, // bytes that wait for a page that has not answered
  RUN = 2 << 20, // bytes that an origin is asked for while the page has not said how far
  IDLE_MS = 7 * 864e5;
const GONE = { pass: true }; // in the place of what is said

/** by client id; undefined: it was asked who it is, for it may be a page of ours of before this worker was started */
const pages = /** @type {Map<string, Page|undefined>} */ (new Map());

// a script of the site that imports this one waits, and claims, as it will
const unless = (/** @type {() => void} */ act) => (/** @type {any} */ e) =>
  e.waitUntil(pure(location.href).then(ours => ours && act()));
scope.addEventListener(
  'install',
  unless(() => scope.skipWaiting()),
);
scope.addEventListener(
  'activate',
  unless(() => scope.clients.claim()),
);

/** For good, where nothing of the site is in it. */
const leave = async () =>
  (await alone(scope.registration)) && (await scope.registration.unregister());

scope.addEventListener('message', (/** @type {any} */ e) => {
  const { data, source } = e;
  if (data?.polycircle == 'removed') e.waitUntil(leave());
  if (data?.polycircle == 'urls')
    pages.set(source.id, { urls: new Set(data.urls), leads: data.leads, rests: 0 });
});

/** @typedef {{request: Request, clientId: string, page: Page|undefined, named: boolean, film: boolean, home: boolean, adopted: boolean}} Asked page: of the
 *   client, if we have heard of it; named: it answers for that address; home: of this origin; adopted: by the page (page/hold.js, page/adopt.js) */
/** Whether a request is ours to answer. @param {Asked} a */
const ours = ({ request, clientId, named, film, home, adopted }) =>
  request.method == 'GET' &&
  clientId &&
  request.cache != 'no-store' && // so the mirror itself asks an origin
  !/\bif-/.test([...request.headers.keys()].join()) && // conditions are the origin's to judge
  // Chromium plays no film half from us: adopted ones also when the page has left, others never; of what no script may read nothing is stored
  (adopted || (named && !(film && (home || request.mode == 'no-cors'))));

const names = (/** @type {Page|undefined} */ page, /** @type {string} */ url) =>
  !!page?.urls.has(url) || !!page?.urls.has(bare(url));

scope.addEventListener('fetch', (/** @type {any} */ e) => {
  const { request, clientId } = e,
    url = plain(request.url),
    page = pages.get(clientId);
  if (request.mode == 'navigate') return e.waitUntil(expire());
  const film = /audio|video/.test(request.destination),
    home = url.startsWith(location.origin + '/'),
    adopted = film && home && request.mode == 'cors' && request.credentials == 'include';
  const a = { request, clientId, page, named: names(page, url), film, home, adopted };
  if (clientId && !pages.has(clientId)) e.waitUntil(who(clientId));
  if (!ours(a)) return;
  e.stopImmediatePropagation(); // the site's script may have such a listener, too
  e.respondWith(answer(a, url));
});

/** A page that this worker does not know tells what it has. */
async function who(/** @type {string} */ id) {
  pages.set(id, undefined);
  (await scope.clients.get(id))?.postMessage({ polycircle: 'who' });
}

/** Seven days after the last valid manifest the worker goes away by itself; the page has 10 s to bring one first. When that was stands where it
 * lives as long as the registration does, and needs no storage: in the header value for preloading, which we have no other use for. One that
 * imports this stays. */
async function expire() {
  for (const id of pages.keys()) if (!(await scope.clients.get(id))) pages.delete(id);
  if (!own(location.href)) return;
  const { navigationPreload: kept } = scope.registration;
  const over = async () => {
    const { headerValue } = await kept.getState();
    if (headerValue == 'true') await kept.setHeaderValue(String(Date.now())); // never set
    return Date.now() - headerValue > IDLE_MS;
  };
  if (!(await over())) return; // and holds up no other that waits for this one's end
  await new Promise(ok => setTimeout(ok, 10000));
  if (await over()) await leave();
}

/** What a page says on the port of a request, in its order. */
class Line {
  #said = /** @type {any[]} */ ([]);
  #heard = () => {};
  #port;
  #client;
  /** @param {any} client @param {object} message */
  constructor(client, message) {
    this.#client = client;
    const { port1, port2 } = new MessageChannel();
    const hear = (/** @type {any} */ said) => {
      this.#said.push(said);
      this.#heard();
    };
    this.#port = port1;
    port1.onmessage = ({ data }) => hear(data);
    /** @type {any} */ (port1).onclose = () => hear(GONE);
    client.postMessage({ polycircle: 'bring', ...message }, [port2]);
  }
  say(/** @type {any} */ word, /** @type {Transferable[]} */ give = []) {
    this.#port.postMessage(word, give);
  }
  /** @param {any} [error] why @returns {any} */
  end = error => {
    this.say('end');
    if (error) throw error;
  };
  /** What the origin answers; what comes begins at `at`, and the page's answer is to end at `end`. @param {{status: number, headers: Headers}} r @param {number} [at] @param {number} [end] */
  head({ status, headers }, at, end) {
    this.say({ head: { status, headers: [...headers] }, at, end });
  }
  /** What was said already. */
  take() {
    return this.#said.shift();
  }
  /** @param {number} ms @returns {Promise<any>} GONE: nothing in time, or the page has gone */
  async next(ms) {
    for (; !this.#said.length && ms > 0; ms -= LOOK_MS) {
      await /** @type {Promise<void>} */ (
        new Promise(ok => {
          const timer = setTimeout(ok, Math.min(ms, LOOK_MS));
          this.#heard = () => {
            clearTimeout(timer);
            ok();
          };
        })
      );
      if (!this.#said.length && !(await scope.clients.get(this.#client.id))) break;
    }
    return this.take() ?? GONE;
  }
}

/** @param {Asked} a @param {string} url as pages say it @returns {Promise<Response>} */
async function answer(a, url) {
  const { request, clientId: own, page, named, adopted, home } = a,
    range = request.headers.get('range'),
    found = home && !range && request.cache == 'default' && (await cached(request));
  if (found) return found;
  const hops = /** @type {{id: string, look?: boolean}[]} */ ([{ id: own }]),
    leads = (/** @type {Page|undefined} */ other) =>
      other?.leads && other.rests < Date.now() && names(other, url),
    [leader] = (!page?.leads && [...pages].find(([, other]) => leads(other))) || [];
  if (leader) hops.unshift({ id: leader });
  // what is in a page's document, its own alone can say: it is heard before another tab answers
  if (leader && !adopted) hops.unshift({ id: own, look: true });
  let fresh;
  for (const { id, look } of !page || named ? hops : []) {
    const known = pages.get(id),
      client = await scope.clients.get(id);
    if (!client) {
      pages.delete(id);
      continue;
    }
    const line = new Line(client, { url: request.url, range, look, spare: id == own && !adopted });
    let said = await line.next(SAY_MS);
    while (said.mine) said = await line.next(MINE_MS);
    if (said.status)
      return new Response(
        flow(line, request, { ...where(said), date: null }, { first: said }),
        said,
      );
    // what it has told meanwhile counts
    if (said == GONE && known) known.rests = Date.now() + REST_MS;
    // a page that is busy hears of what came once it has the time
    if (said.origin || said.late || (said == GONE && id == own))
      return through(a, line, said).catch(line.end);
    line.end();
    fresh ||= said.fresh;
    if (said.spared) break;
  }
  // the browser's cache may hold the file that was replaced; a request without CORS would lose its range
  const how = /** @type {RequestInit} */ (
    fresh && request.mode == 'cors' ? { cache: 'no-cache' } : {}
  );
  return passed(await ask(a, how), a);
}

/** Of the address that was named. A player that was adopted may not follow where the site sends it: others are not asked with credentials.
 * @param {Asked} a @param {RequestInit} [how] */
const ask = ({ request, adopted }, how) =>
  fetch(request, adopted ? { ...how, redirect: 'manual', referrer: request.referrer } : how);

/** Plain HTTP as made here, so that a player that was answered by us goes on. Where that brings it no part of a file its page gives it back, before it has
 * an answer. What is for no player is passed on as it is. @param {Response} r @param {Asked} a */
async function passed(r, { request, clientId, film, adopted }) {
  if (!film) return r;
  if (!adopted || r.ok) return new Response(r.body, r);
  (await scope.clients.get(clientId))?.postMessage({ polycircle: 'back', url: request.url });
  await new Promise(ok => setTimeout(ok, BACK_MS));
  return new Response(null, { status: 204 });
}

/** What the browser's cache has and would use without asking, RFC 9111 4.2. */
async function cached(/** @type {Request} */ { url, credentials }) {
  const r = await fetch(url, { cache: 'only-if-cached', mode: 'same-origin', credentials }).catch(
      () => null,
    ),
    get = (/** @type {string} */ name) => r?.headers.get(name) ?? '',
    date = (/** @type {string} */ name) => Date.parse(get(name)) / 1000,
    control = get('cache-control') + get('pragma'),
    max = /max-age=(\d+)/.exec(control);
  if (!r?.ok || /no-cache/.test(control)) return null;
  const life = max
    ? +max[1]
    : get('expires')
      ? date('expires') - date('date')
      : (date('date') - date('last-modified')) / 10;
  // a visitor's clock may be slow; of one that a cache on the way has kept the date may be the first one's, or its own
  const age = Math.max(0, Date.now() / 1000 - date('date')) + +get('age');
  return age < life ? r : null;
}

/** @param {{status: number, headers: any}} head @returns {Place|null} null: an answer that has no place in a file */
function where({ status, headers }) {
  const get = (/** @type {string} */ name) => new Headers(headers).get(name),
    [, from, to, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(get('content-range') ?? '') ?? [],
    size = get('content-length');
  if (get('content-encoding') || (status == 206 ? !total : status != 200)) return null;
  return {
    at: +(from ?? 0),
    end: to ? +to + 1 : +(size ?? Infinity),
    total: total ?? size,
    date: get('last-modified'),
  };
}

/** @param {Request} request @param {number} at @param {number} end exclusive, or Infinity */
function part(request, at, end) {
  const headers = new Headers(request.headers);
  headers.set('range', `bytes=${at}-${end < Infinity ? end - 1 : ''}`);
  return headers;
}

/** The answer to a run, as it would be to what was asked. @param {Response} r @param {Place} place */
function whole(r, place) {
  const { status, statusText } = r,
    headers = new Headers(r.headers);
  place.end = +(place.total ?? 0);
  headers.set('content-range', `bytes ${place.at}-${place.end - 1}/${place.end}`);
  headers.set('content-length', `${place.end - place.at}`);
  return { status, statusText, headers };
}

/** From the origin as it comes; the page gets a copy, but of what has another address now, which counts for a script. Where a player asks without an end
 * it is asked to where the page wants to look who else can bring it, since what is under way or lies in buffers when neighbours have come, or the
 * player asks for another place, was sent in vain. A page that has not spoken may know nothing of the file; what has a query is perhaps for one
 * request alone. @param {Asked} a @param {Line} line @param {any} said by the page; nothing: see flow() of what it may hear unanswered */
async function through(a, line, said) {
  const { request, film, adopted } = a,
    [, at] = /^bytes=(\d+)-$/.exec(request.headers.get('range') ?? '') ?? [];
  const most = said.origin ? Infinity : UNHEARD,
    far = said.origin ? said.to : !request.url.includes('?') && +at + RUN,
    to = at && adopted && far,
    r = await ask(a, to ? { headers: part(request, +at, to) } : undefined),
    place = r.body && where(r),
    run = r.status == 206 && to; // not where it sends all
  if (run && !place) {
    r.body?.cancel(); // which does not say what the head of all would be
    return through(a, line, { origin: true });
  }
  const head = run && place ? whole(r, place) : r;
  if (r.status) line.head(head, place?.at, place?.end);
  if (place && r.body && (film || !r.redirected)) {
    const reader = r.body.getReader();
    return new Response(flow(line, request, place, { reader, most, to: run }), head);
  }
  line.end();
  return passed(r, a);
}

/** The bytes of an answer from whoever has them, as fast as they are taken. @param {Line} line @param {Request} request @param {any} place
 * date: none where a page has begun, for copies of a file differ in that; it hears the head, too
 * @param {{first?: any, reader?: Reader|null, most?: number, to?: any}} from first: word of the page, where that brings them; reader: of the origin, where
 *   that does, up to `to` if there is one; most: bytes of what comes that a page sees which says nothing */
function flow(
  line,
  request,
  { at, end, total, date },
  { first = null, reader = null, most = Infinity, to },
) {
  let tries = 0, // at the origin, since something came
    skip = 0, // bytes that come from there before those that are wanted
    from = reader ? to || Infinity : at, // from there on the page brings it
    over = false;
  const differ = (/** @type {any} */ a, /** @type {any} */ b) => a && b && a != b;
  /** At the origin, from here on: the same file, or nothing. @returns {Promise<Reader|null>} null: not now */
  const open = async () => {
    if (tries > 3) throw new TypeError('interrupted');
    if (tries++) await new Promise(ok => setTimeout(ok, 125 << tries));
    if (over) throw GONE;
    const headers = part(request, at, Math.min(end, from)),
      { referrer } = request;
    const r = await fetch(
      new Request(request, { headers, referrer, mode: 'cors', integrity: '' }),
    ).catch(() => null);
    if (!r || r.status == 429 || r.status >= 500) return null;
    const place = where(r);
    line.head(r, at, end);
    if (
      over ||
      !r.body ||
      !place ||
      place.at > at ||
      differ(place.total, total) ||
      differ(place.date, date)
    ) {
      r.body?.cancel();
      throw new TypeError('interrupted');
    }
    skip = at - place.at;
    return r.body.getReader();
  };
  /** @returns {Promise<Uint8Array|null>} null: the end */
  const next = async () => {
    for (;;) {
      let said = from > at && line.take();
      if (from == at) {
        reader?.cancel().catch(() => {});
        reader = null;
        if (at >= end) return null;
        if (most < Infinity) {
          from = at + RUN; // a page that has not spoken is not asked
          continue;
        }
        if (!first) line.say({ pull: at });
        said = first ?? (await line.next(MINE_MS));
        while (said.at != at && !said.pass) said = await line.next(PULL_MS);
        first = null;
        if (said.chunk) {
          const bytes = new Uint8Array(said.chunk).subarray(0, end - at);
          from += bytes.length;
          return bytes;
        }
        from = said.to ?? Infinity;
      }
      if (said) {
        if (said.end) return null;
        if (said.broken) throw new TypeError('interrupted');
        if (said.late || said.mine) continue; // nothing yet
        most = said.pass ? 0 : Infinity;
        from = said.pass ? Infinity : said.from >= at ? said.from : from;
        continue;
      }
      reader ??= await open();
      const came = await reader?.read().catch(error => {
        if (end == Infinity) throw error; // nobody knows for what to ask again
      });
      if (at >= end || (came?.done && end == Infinity)) return null;
      if (!came?.value) {
        reader = null;
        if (tries && most == Infinity) from = at; // perhaps the page has it by now
        continue;
      }
      const bytes = came.value.subarray(skip, skip + Math.min(from, end) - at);
      skip = Math.max(0, skip - came.value.length);
      if (!bytes.length) continue;
      tries = 0;
      most -= bytes.length;
      const copy = most >= 0 && bytes.slice().buffer;
      if (copy) line.say({ at, chunk: copy }, [copy]);
      return bytes;
    }
  };
  const stop = (/** @type {any} */ error = null) => {
    over = true;
    reader?.cancel().catch(() => {});
    return line.end(error);
  };
  return new ReadableStream(
    {
      async pull(controller) {
        const bytes = await next().catch(stop);
        if (bytes) {
          controller.enqueue(bytes);
          at += bytes.length;
        } else {
          controller.close();
          stop();
        }
      },
      cancel: () => stop(),
    },
    { highWaterMark: 0 },
  );
}
