/** What a page takes for the browser. Decides nothing of the exchange: gives the client's modules, by the names that they know, a document, storage,
 * fetch(), a worker's ports, WebRTC, time and chance, each those of the page whose event it is (clock.owner). All pages live in one process and
 * share the modules' code, never their state. */
import { hexDigits } from './chance.mjs';
import { HOST } from './lines.mjs';
import { digest, names } from './matter.mjs';
import { Answer, Asked, Body, Custom, ports, PullStream, Stop, StopSignal } from './web.mjs';
import { Connection } from './webrtc.mjs';

const PORT_MS = 0.2; // between worker and page [G]
const SITE = 'https://site.example/';

/** What the host's server says of the film. */
const headOf = (/** @type {any} */ film, /** @type {number} */ at, /** @type {number} */ end) => ({
  'content-type': 'video/mp4',
  'accept-ranges': 'bytes',
  'last-modified': new Date(film.mtime * 1000).toUTCString(),
  'content-length': `${end - at}`,
  ...(at || end < film.size ? { 'content-range': `bytes ${at}-${end - 1}/${film.size}` } : {}),
});

/** @param {import('./simulate.mjs').World} world @param {any} page @param {Asked & any} asked @returns {Promise<Answer>} */
function getFilm(world, page, { method, headers, signal }) {
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.get('range') ?? '') ?? [],
    { size } = world.film;
  const at = method == 'HEAD' ? 0 : +from,
    end = method == 'HEAD' ? 0 : to ? Math.min(size, +to + 1) : size;
  const status = headers.has('range') ? 206 : 200,
    head = headOf(world.film, at, method == 'HEAD' ? size : end);
  return new Promise((ok, no) => {
    const body = new Body(
      n => request.read(n),
      () => stop(),
    );
    const request = world.host.get({
      node: page.node,
      owner: page,
      at,
      end,
      film: method != 'HEAD',
      onHead: () => ok(new Answer(body, { status, headers: head })),
      onBytes: (at, n) => {
        world.measure.brings(page, at, n);
        body.came(at, n);
      },
      onEnd: () => (page.requests.delete(stop), body.end()),
    });
    const stop = () => {
      page.requests.delete(stop);
      request.abort();
    };
    page.requests.add(stop);
    signal?.addEventListener('abort', () => {
      stop();
      const error = new Error('AbortError');
      body.fail(error);
      no(error);
    });
  });
}

/** @param {import('./simulate.mjs').World} world @param {any} page @param {any} body of a form @param {StopSignal} [signal] */
function postSync(world, page, body, signal) {
  const said = JSON.parse(Buffer.from(body.get('d') ?? '', 'base64url').toString());
  let answer = /** @type {any} */ (null);
  return new Promise((ok, no) => {
    const request = world.host.get({
      node: page.node,
      owner: page,
      at: 0,
      end: 300,
      film: false,
      think: HOST.think,
      make: () => {
        answer = world.instance.sync(said, page.person.address);
        return 300 + JSON.stringify(answer).length;
      },
      onHead: () => {},
      onBytes: () => {},
      onEnd: () => ok(new Answer(answer)),
    });
    signal?.addEventListener('abort', () => {
      request.abort();
      no(new Error('TimeoutError'));
    });
  });
}

/** Everything of the page's that costs the host bytes and is not the film. @param {import('./simulate.mjs').World} world @param {any} page
 * @param {number} size */
export const getOther = (world, page, size) =>
  new Promise(ok =>
    world.host.get({
      node: page.node,
      owner: page,
      at: 0,
      end: size,
      film: false,
      onHead: () => {},
      onBytes: () => {},
      onEnd: () => ok(0),
    }),
  );

/** @param {import('./simulate.mjs').World} world @returns {any} */
function fetches(world) {
  return async (/** @type {any} */ of, /** @type {any} */ init = {}) => {
    const page = world.clock.owner,
      asked = /** @type {any} */ (new Asked(of, init));
    if (asked.method == 'POST') return postSync(world, page, init.body, init.signal);
    if (asked.url != world.film.url) throw new TypeError('nothing is there: ' + asked.url);
    return getFilm(world, page, asked);
  };
}

/** One page's own things. @param {import('./simulate.mjs').World} world @param {any} page */
export function furnish(world, page) {
  const heard = /** @type {any[]} */ ([]);
  page.requests = new Set();
  page.players = [];
  page.localStorage = {};
  page.sessionStorage = page.visitor.session;
  page.document = { hidden: false, addEventListener() {}, querySelectorAll: () => page.players };
  page.listen = (/** @type {any} */ act) => heard.push(act);
  /** a message of the worker */
  page.hear = (/** @type {any} */ data, /** @type {any[]} */ ports = []) =>
    world.clock.after(PORT_MS, page, () => heard.forEach(act => act({ data, ports })));
  page.navigator = {
    connection: {
      saveData: page.person.saves,
      type: page.person.cellular ? 'cellular' : 'wifi',
      addEventListener() {},
    },
    storage: { estimate: async () => ({ quota: 10e9, usage: 0 }) },
    serviceWorker: {
      controller: null,
    },
    sendBeacon: (/** @type {string} */ _, /** @type {any} */ body) => (
      postSync(world, page, body).catch(() => {}),
      true
    ),
  };
}

/** @param {import('./clock.mjs').Clock} clock */
function timersOf(clock) {
  const timers = /** @type {Map<number, import('./clock.mjs').Event>} */ (new Map());
  let ids = 0;
  const setTimeout = (/** @type {any} */ act, ms = 0, /** @type {any[]} */ ...more) => {
    const id = ++ids;
    const fire = () => {
      timers.delete(id);
      act(...more);
    };
    timers.set(id, clock.after(ms, clock.owner, fire));
    return id;
  };
  const clearTimeout = (/** @type {number} */ id) => {
    const event = timers.get(id);
    if (event) event.act = null;
    timers.delete(id);
  };
  return { setTimeout, clearTimeout };
}

/** Puts all of it in the places of Node's, and says how to put these back. @param {import('./simulate.mjs').World} world @returns {() => void} */
export function install(world) {
  const { clock } = world,
    here = () => clock.owner,
    { setTimeout, clearTimeout } = timersOf(clock);
  const subtle = {
    digest: async (/** @type {any} */ _, /** @type {any} */ data) => digest(data).buffer,
    importKey: async () => 0,
    verify: async () => true,
  };
  const getRandomValues = (/** @type {any} */ out) => {
    const digits = hexDigits(here().roll, 2 * out.length);
    return (out.set(Buffer.from(digits, 'hex')), out);
  };
  const RTCPeerConnection = function () {
    return new Connection(world, here());
  };
  const put = {
    ...names(),
    setTimeout,
    clearTimeout,
    crypto: { subtle, getRandomValues },
    RTCPeerConnection,
    AbortController: Stop,
    AbortSignal: StopSignal,
    fetch: fetches(world),
    Response: Answer,
    Request: Asked,
    ReadableStream: PullStream,
    CustomEvent: Custom,
    MessageChannel: function () {
      return ports(world);
    },
    isSecureContext: true,
    location: new URL(SITE + 'page.html'),
  };
  const ofPage = ['document', 'navigator', 'localStorage', 'sessionStorage'];
  const undo = [
    ...Object.entries(put).map(([name, value]) => replace(globalThis, name, { value })),
    ...ofPage.map(name => replace(globalThis, name, { get: () => here()?.[name] })),
    replace(Math, 'random', { value: () => (here()?.roll ?? world.roll)() }),
    replace(performance, 'now', { value: () => clock.now }),
    replace(Date, 'now', { value: () => 1.8e12 + clock.now }),
    replace(console, 'warn', {
      value: (/** @type {any[]} */ ...words) => world.measure.warns(words.join(' ')),
    }),
  ];
  return () => undo.forEach(back => back());
}

/** @param {any} of @param {string} name @param {PropertyDescriptor} by */
function replace(of, name, by) {
  const was = Object.getOwnPropertyDescriptor(of, name);
  Object.defineProperty(of, name, {
    configurable: true,
    ...('value' in by && { writable: true }),
    ...by,
  });
  return () => {
    if (was) Object.defineProperty(of, name, was);
    else delete of[name];
  };
}
