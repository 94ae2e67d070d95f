/** The client of this tree (or of --client DIR) in one page: the only file that knows it. Decides how its real modules are put together, as client.js
 * and the loader do it: Circle with all that it brings along (signal, links, peers, mirror, pieces, manners, bridge), and the service worker, each
 * page with one of its own. A new exchange that still is a Circle with a worker needs nothing here but its manifest. */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { getOther } from './browser.mjs';
import { GIVES } from './lines.mjs';
import { digest, film } from './matter.mjs';

const CID = '00112233aabbccdd',
  KEY = 'AAAA',
  BASE = 'https://site.example/polycircle/',
  SCRIPT = 'https://site.example/circle-sw.js';
const WORKER_BYTES = 7000,
  CONTROL_MS = 50; // the worker's script, packed; from its arrival until it is in control [G]

/** as media_piece() of src/content/media.c */
function pieceOf(/** @type {number} */ size) {
  let piece = 131072;
  while (piece < 4194304 && size / piece > 2048) piece *= 2;
  return piece;
}

/** @param {{size: number, mtime: number}} of @returns {object} the signed manifest, with a signature that counts here */
function envelope({ size, mtime }) {
  const piece = pieceOf(size),
    hashes = [];
  for (let at = 0; at < size; at += piece)
    hashes.push(digest(film(at, Math.min(piece, size - at))));
  const media = [
    {
      path: 'film.mp4',
      type: 'video/mp4',
      size,
      mtime,
      piece,
      sha256: Buffer.concat(hashes).toString('base64url'),
    },
  ];
  return {
    polycircle: 1,
    key: KEY,
    sig: 'AAAA',
    signed: JSON.stringify({
      v: 1,
      cid: CID,
      can: 'film',
      version: 1,
      issued: 1,
      origins: ['/media/'],
      media,
    }),
  };
}

/** The worker's script as a function of what is global there. @param {URL} root */
async function workerOf(root) {
  const names = /** @type {Record<string, any>} */ ({});
  const text = readFileSync(new URL('worker.js', root), 'utf8'),
    imports = /^import \{([^}]*)\} from '([^']+)';$/gm;
  for (const [, list, from] of text.matchAll(imports)) {
    const module = await import(new URL(from, root).href);
    for (const name of list.split(',').map((/** @type {string} */ x) => x.trim()))
      names[name] = module[name];
  }
  const run = new Function(
    'globalThis',
    'location',
    ...Object.keys(names),
    text.replace(imports, ''),
  );
  return (/** @type {any} */ scope) => run(scope, new URL(SCRIPT), ...Object.values(names));
}

/** A page's worker and what the page knows of it. @param {import('./simulate.mjs').World} world @param {any} page @param {(scope: any) => void} run */
function register(world, page, run) {
  const on = /** @type {Record<string, any>} */ ({}),
    client = { id: 'page', postMessage: page.hear };
  run({
    addEventListener: (/** @type {string} */ type, /** @type {any} */ act) => (on[type] = act),
    registration: {},
    clients: { get: async () => (page.gone ? undefined : client), claim() {} },
    skipWaiting() {},
  });
  const active = {
    scriptURL: SCRIPT,
    postMessage: (/** @type {any} */ data) =>
      void world.clock.after(0.2, page, () => on.message({ data, source: client, waitUntil() {} })),
  };
  page.navigator.serviceWorker.controller = active;
  /** @param {number} at @returns {Promise<any>} what the worker answers a player */
  const get = at =>
    new Promise((ok, no) => {
      const request = new Request(world.film.url, {
        headers: { range: `bytes=${at}-` },
        destination: 'video',
        mode: 'cors',
        credentials: 'include',
      });
      const respondWith = (/** @type {Promise<any>} */ answer) => answer.then(ok, no);
      on.fetch({
        request,
        clientId: 'page',
        respondWith,
        stopImmediatePropagation() {},
        waitUntil() {},
      });
    });
  return {
    registration: {
      installing: null,
      waiting: null,
      active,
      navigationPreload: { setHeaderValue: async () => {} },
    },
    get,
  };
}

/** In memory, of one browser. @param {object} manifest */
export function storage(manifest) {
  const all = /** @type {Record<string, Map<string, any>>} */ ({
    kv: new Map([['manifest-' + CID, manifest]]),
    pieces: new Map(),
  });
  return {
    get: async (/** @type {string} */ store, /** @type {string} */ key) => all[store].get(key),
    put: async (/** @type {string} */ store, /** @type {string} */ key, /** @type {any} */ value) =>
      void all[store].set(key, value),
    delete: async (/** @type {string} */ store, /** @type {string} */ key) =>
      void all[store].delete(key),
    keys: async (/** @type {string} */ store) => [...all[store].keys()],
  };
}

/** kbit/s that are given at most: what is known of the line stands for what a client would measure; 'default': the client's own limit.
 * @param {import('./people.mjs').Person} person @param {number | 'default'} share */
const limit = (person, share) =>
  share == 'default'
    ? undefined
    : String(Math.round(Math.min(GIVES * 1000, share * person.up * 8)));

/** @param {string} dir htdocs of a tree @returns {Promise<(world: import('./simulate.mjs').World) => {open(page: any):
 * Promise<import('./visitor.mjs').Client>}>} */
export async function client(dir) {
  const root = pathToFileURL(dir.replace(/\/*$/, '/')),
    load = (/** @type {string} */ name) => import(new URL(name, root).href);
  const [{ Circle }, { watch }, run] = await Promise.all([
    load('page/circle.js'),
    load('page/watch.js'),
    workerOf(root),
  ]);
  return world => {
    const manifest = envelope(world.film);
    const config = {
      can: 'film',
      cid: CID,
      key: 'key',
      sign: KEY,
      package: '',
      version: 1,
      up_kbps: 2000,
      p2p: 'on',
      worker: 'none',
    };
    return {
      async open(page) {
        const { visitor, person } = page;
        visitor.store ??= storage(manifest);
        await getOther(world, page, WORKER_BYTES);
        await new Promise(ok => setTimeout(ok, CONTROL_MS));
        const { registration, get } = register(world, page, run);
        const circle = new Circle({
          base: BASE,
          config: { ...config, ice: [{ urls: 'stun:stun.example:3478' }] },
          data: { p2p: 'on', up: limit(person, world.scene.share) },
          storage: Promise.resolve(visitor.store),
          coarse: false,
          take: () => Promise.reject(new Error('none')),
          mark: () => undefined,
          ask: async () => {},
          spared: () => false,
          hear: page.listen,
          worker: Promise.resolve(registration),
          watch: (/** @type {string} */ url, /** @type {number} */ size) =>
            watch(url, size, () => circle.peers.length > 0),
        });
        circle.loaded.then(() => circle.mirroring());
        return { get, leave: () => circle.leave('away') };
      },
    };
  };
}
