/** The loader: a classic script of under 2 kB that fetches the package, checks it, and starts it. Where the site is known to have no worker of its own
 * it registers ours meanwhile (page/register.js sees to the rest). Once that is in control players are its (page/hold.js), and wait for nothing else:
 * it brings them what comes from the origin, and the page hears of that when it is there. */
import { hold } from './page/hold.js';

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
const { href: base, origin } = new URL(config.base ?? '.', tag?.src || location.href); // told where the tag's address is short, beside a site
/** a worker with ours in it: the site's own that imports it, the one-line file, the instance's */
const file =
    config.worker?.[0] == '/'
      ? config.worker
      : (tag?.dataset.worker ?? (origin == location.origin && base + 'circle-sw.js')),
  script = file && new URL(file, /** @type {any} */ (location)).href;
const refused = /** @type {Set<string>} */ (new Set()); // what the page's policy should say, of what we met
const asked = /** @type {MessageEvent[]} */ ([]); // by the worker, while nobody is there to hear it
const ears = /** @type {((e: MessageEvent) => any)[]} */ ([]); // the package's
/** what is said to it meanwhile: that the page hears of what comes @type {object} */
let word = { late: true };

/** Out of ustar (POSIX.1-1988) in gzip. @param {Response} gz @returns {Promise<any>} */
async function unpack({ body }) {
  const stream = /** @type {any} */ (body).pipeThrough(new DecompressionStream('gzip')),
    tar = await new Response(stream).blob();
  for (let at = 0; at < tar.size;) {
    const head = await tar.slice(at, (at += 512)).text(),
      size = parseInt(head.slice(124, 135), 8); // NaN of what ends it
    if (head.startsWith('signal.js\0')) return tar.slice(at, at + size, 'text/javascript');
    at += Math.ceil(size / 512) * 512;
  }
}

/** What is known of this browser: that blob modules are forbidden; when a worker may be registered; of which files it has the beginning. */
function mark(/** @type {string} */ name, /** @type {any} */ value = 0) {
  try {
    return value
      ? (localStorage['polycircle-' + name] = value)
      : localStorage['polycircle-' + name];
  } catch {
    return undefined;
  }
}

/** From the spool, which costs the host no process, else from the program. @param {string} kept @param {string} path @param {RequestInit} [how] */
async function take(kept, path, how) {
  const r = config.spool && (await fetch(config.spool + kept, how).catch(() => 0));
  return r?.ok ? r : fetch(base + path, how);
}

/** The client, of the package, which the browser checks. @param {RequestCache} cache @returns {Promise<Blob>} */
async function fetched(cache) {
  const sum = sha.replace(/../g, (/** @type {any} */ hex) => String.fromCharCode(+('0x' + hex))),
    how = { cache, integrity: 'sha256-' + btoa(sum) };
  return unpack(await take(`package-${config.cid}-${sha}.tar.gz`, `package/${sha}.tar.gz`, how));
}

/** Players may ask once the worker is in control, or none comes, or after a second of the page's own time, which a busy device has less of.
 * @param {Promise<any>} registered */
async function free(registered) {
  let ticks = 40;
  registered.then(found => found || (ticks = 0));
  while (!sw.controller && ticks-- > 0) await new Promise(ok => setTimeout(ok, 25));
}

async function run() {
  const registered =
      sure &&
      sw
        .getRegistration('/')
        .then(
          (/** @type {any} */ found) =>
            found ??
            sw
              .register(script, { scope: '/' })
              .then((/** @type {any} */ r) => (mark('worker', Date.now() + 6e8), r)),
        )
        .catch(() => null),
    mirrors = sure && config.mirror !== false && mark('ask') != 'no',
    held = hold(mirrors);
  if (mirrors) free(registered).then(() => held.release(controls()));
  let on = (/** @type {MessageEvent} */ e) => {
    const { data, ports } = e;
    asked.push(e);
    // or, of what is no player's, or was stored on an earlier visit, that it may be here
    ports[0]?.postMessage({ mine: mark('begun')?.includes(data.spare ? '' : data.url), ...word });
  };
  sw?.addEventListener('message', (/** @type {MessageEvent} */ e) => {
    if (!e.data?.polycircle) return;
    e.stopImmediatePropagation(); // what is ours is nothing to the site's listeners
    on(e);
  });
  // of another's script the page's own listeners may still come
  if (sure) sw.startMessages();
  try {
    // its name is its hash: what the browser's cache has of that name is good for ever, unless it is wrong
    const client = await fetched('force-cache').catch(() => fetched('reload'));
    // a blob module, or where a policy forbids those a plain one; to ask is to break the policy, and is done once
    const blob =
        !mark('plain') &&
        (await import(URL.createObjectURL(client)).catch(() => void mark('plain', 1))),
      { start } = blob || (await import(`${base}package/${sha}/signal.js`));
    const hear = (/** @type {(e: MessageEvent) => any} */ f) => ears.push(f);
    start({ base, tag, config, take, mark, held, registered, script, hear });
    on = e => ears.forEach(f => f(e));
    asked.forEach(on);
  } catch (error) {
    word = { pass: true, mine: 0 };
    held.end();
    for (const { ports } of asked) ports[0]?.postMessage(word);
    await new Promise(ok => setTimeout(ok, 50));
    const lines = `add to this page's Content-Security-Policy: ${[...refused].join('; ')}`;
    console.error('polycircle:', refused.size ? lines : error);
  }
}

const controls = () => sw.controller?.scriptURL.split('?')[0] == script,
  // a worker with ours in it is there, or comes at once
  sure =
    sw &&
    script &&
    (sw.controller ? controls() : config.worker == 'none' && !(mark('worker') > Date.now())),
  // inlined, it has no address
  lost = !tag?.src || another,
  tags =
    !own || lost || 'off' in tag.dataset
      ? 0
      : // @ts-ignore: how many have come
        (self.polycircleTags = (self.polycircleTags ?? 0) + 1);
if (lost || tags == 2) console.warn('polycircle: one tag');
if (tags == 1) {
  document.addEventListener('securitypolicyviolation', e => {
    if (e.blockedURI.startsWith(origin))
      refused.add(`${e.effectiveDirective.replace(/-elem$/, '')} ${origin}`);
  });
  run();
}
