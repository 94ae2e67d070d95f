/** The loader: a classic script of under 2 kB that fetches the package once, checks it, and starts it. Where the site is known to have no
 * worker of its own it registers ours meanwhile (page/register.js sees to the rest), and keeps players from asking the server for what the mirror will bring: for 450 ms of its own time, or a second when the package came by
 * then; three times that on later visits. */
import { done, openDb } from './util/db.js';
import { idle, off } from './page/watch.js';
/** @typedef {Record<string, string>} Files */

// @ts-ignore: the instance puts it before this script
const config = /** @type {any} */ (POLYCIRCLE_CONFIG),
  sha = config.package;
/** a module does not know its tag: that is the one that names it @type {any} */
const [tag, another] = document.currentScript
  ? [document.currentScript]
  : document.querySelectorAll(`script[src*="?${config.key}"]`);
/** not so in a sandbox or a srcdoc, where nothing can be shared */
const own = self.origin == location.origin;
const sw = own ? navigator.serviceWorker : /** @type {any} */ (null);
const { href: base, origin } = new URL(config.base ?? '.', tag?.src ?? location.href); // told where the tag's address is short, beside a site
/** a worker with ours in it: the site's own that imports it, the one-line file, the instance's */
const file =
    config.worker?.[0] == '/'
      ? config.worker
      : (tag?.dataset.worker ?? (origin == location.origin && base + 'circle-sw.js')),
  script = file && new URL(file, /** @type {any} */ (location)).href;
const held = /** @type {Map<HTMLMediaElement, [string|null, boolean]>} */ (new Map()); // players with what their preload and autoplay were
const players = /** @type {Set<HTMLMediaElement>} */ (new Set());
const refused = /** @type {Set<string>} */ (new Set()); // directives of the page's policy that we met
let begun = /** @type {Promise<Response|null>|undefined} */ (undefined); // the first player's file
let clock = 0;
let alive = false; // the package is here: the rest takes a moment
let packed = /** @type {Promise<Blob|null>|null} */ (null); // the manifest

function hold() {
  for (const el of /** @type {NodeListOf<HTMLMediaElement>} */ (
    document.querySelectorAll('video,audio')
  )) {
    if (
      off(el) ||
      players.has(el) ||
      !idle(el) ||
      !el.paused ||
      (el.preload == 'none' && !el.autoplay)
    )
      continue;
    players.add(el);
    held.set(el, [el.getAttribute('preload'), el.autoplay]);
    el.preload = 'none';
    el.autoplay = false;
    // on a first visit there is time for its beginning; what is redirected may be no script's
    if (players.size == 1 && !sw.controller)
      setTimeout(() => {
        if (el.currentSrc.startsWith(location.origin + '/'))
          begun = fetch(el.currentSrc, {
            headers: { range: 'bytes=0-262143' },
            redirect: 'manual',
          }).catch(() => null);
      });
  }
}

const observer = new MutationObserver(hold);

/** Players may ask now; what came for the first of them is in the browser's cache. */
function release() {
  clearInterval(clock);
  observer.disconnect();
  for (const [el, [preload, autoplay]] of held) {
    if (autoplay) el.autoplay = true;
    preload == null ? el.removeAttribute('preload') : el.setAttribute('preload', preload);
  }
  held.clear();
}

/** ustar (POSIX.1-1988) in gzip. @param {ArrayBuffer} gz @returns {Promise<Files>} */
async function unpack(gz) {
  const tar = await new Response(
    new Blob([gz]).stream().pipeThrough(new DecompressionStream('gzip')),
  ).arrayBuffer();
  const text = (/** @type {number} */ at, /** @type {number} */ n) =>
    new TextDecoder().decode(new Uint8Array(tar, at, n));
  const files = /** @type {Files} */ ({});
  for (
    let at = 0, size;
    at < tar.byteLength && text(at, 1) > '\0';
    at += 512 + Math.ceil(size / 512) * 512
  ) {
    size = parseInt(text(at + 124, 11), 8);
    files[text(at, 100).replace(/\0.*/s, '')] = text(at + 512, size);
  }
  return files;
}

/** What storage holds is marked in localStorage, so that a first visit need not wait for IndexedDB to open; and that blob modules are forbidden. */
function mark(name = '', value = '') {
  try {
    return value ? (localStorage['polycircle' + name] = value) : localStorage['polycircle' + name];
  } catch {
    return undefined;
  }
}

/** From the spool, which costs the host no process, else from the program. @param {string} kept @param {string} path */
async function take(kept, path) {
  const r = config.spool && (await fetch(config.spool + kept).catch(() => 0));
  return r?.ok ? r : fetch(base + path);
}

/** @param {Promise<IDBDatabase|null>} db @param {string|undefined} marked @returns {Promise<Files>} from storage, else from the instance, checked */
async function files(db, marked) {
  const kv = async (/** @type {IDBTransactionMode} */ mode) =>
    (await db)?.transaction('kv', mode).objectStore('kv');
  const store = marked == sha && (await kv('readonly')),
    kept = store && (await done(store.get('package')));
  if (kept?.sha == sha) return kept.files;
  if (config.version)
    packed = take(
      `manifest-${config.cid}-${config.version}.json.gz`,
      `manifest/${config.cid}.json.gz`,
    )
      .then(r => r.blob())
      .catch(() => null);
  const gz = await (
    await take(`package-${config.cid}-${sha}.tar.gz`, `package/${sha}.tar.gz`)
  ).arrayBuffer();
  const hex =
    isSecureContext &&
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', gz))]
      .map(b => (b + 256).toString(16).slice(1))
      .join('');
  if (hex && hex != sha) throw new Error('the package is not the one that was promised');
  const fresh = await unpack(gz);
  kv('readwrite')
    .then(store => store && done(store.put({ sha, files: fresh }, 'package')))
    .then(
      () => mark('', sha),
      () => {},
    );
  return fresh;
}

async function run() {
  const marked = mark(),
    worker =
      sure &&
      sw
        .getRegistration('/')
        .then(
          (/** @type {any} */ found) =>
            found ??
            (mark('-worker', String(Date.now() + 6e8)), sw.register(script, { scope: '/' })),
        )
        .catch(() => null);
  const db = /** @type {Promise<IDBDatabase|null>} */ (
    Promise.race([openDb().catch(() => null), new Promise(ok => setTimeout(ok, 1000, null))])
  );
  try {
    const all = await files(db, marked);
    // a blob module, or where a policy forbids those a plain one; to ask is to break the policy, and is done once
    let plain = mark('-plain');
    const load = async (/** @type {string} */ name) => {
      const url = URL.createObjectURL(new Blob([all[name]], { type: 'text/javascript' }));
      if (!plain) await import(url).catch(() => (plain = mark('-plain', '1') ?? '1'));
      return import(plain ? `${base}package/${sha}/${name}` : url);
    };
    alive = true;
    const { start } = await load('signal.js'),
      circles = await load('circles.js');
    start({
      base,
      src: tag.src,
      config,
      data: { p2p: config.p2p, ...tag.dataset },
      files: all,
      circles: circles.default.circles,
      extras: () => load('elements.js'),
      players: [...players],
      begun,
      release,
      worker,
      script,
      packed,
      db,
      fresh: !marked,
    });
  } catch (error) {
    release();
    await new Promise(ok => setTimeout(ok, 50));
    const lines = [...refused].map(name => `${name} ${origin}`).join('; ');
    console.error(
      'polycircle:',
      lines ? `add to this page's Content-Security-Policy: ${lines}` : error,
    );
  }
}

const page = /** @type {any} */ (globalThis),
  controller = sw?.controller?.scriptURL.split('?')[0],
  // a worker with ours in it is there, or comes at once
  sure =
    sw &&
    script &&
    (controller
      ? controller == script
      : config.worker == 'none' && !(mark('-worker') > Date.now())),
  tags =
    !own || !tag || another || 'off' in tag.dataset
      ? 0
      : (page.polycircleTags = (page.polycircleTags ?? 0) + 1);
if (!tag || another) console.warn('polycircle: which script is the tag?');
if (tags == 2) console.warn('polycircle: the tag is in this page twice; the first counts');
if (tags == 1) {
  document.addEventListener('securitypolicyviolation', e => {
    if (e.blockedURI.startsWith(origin)) refused.add(e.effectiveDirective.replace(/-elem$/, ''));
  });
  if (sure && config.mirror !== false) {
    observer.observe(document, { childList: true, subtree: true });
    hold();
    const patience = sw.controller ? 3 : 1; // on a later visit all that it waits for is here
    let ticks = 0; // of the page's own time, which a busy device has less of
    clock = +setInterval(() => {
      if (++ticks > 20 * patience || (!alive && ticks > 9 * patience)) release();
    }, 50);
  }
  run();
}
