/** Where loader and page meet the circle: start() makes window.polycircle. Served as signal.js of the package,
 * and as client.js, with elements/signal.js at its end; the rest of it is elements.js. */
import { Circle } from './page/circle.js';
import { register } from './page/register.js';
import { adopt, idle, leave, spared, watch } from './page/watch.js';
/** @typedef {{base: string, src?: string, config: import('./page/circle.js').Config, data: Record<string, string|undefined>, files?: Record<string, string>,
 *   circles?: any[], players?: HTMLMediaElement[], begun?: Promise<Response|null>, release?: () => void, worker?: Promise<any>, script?: string|false, extras?: () => Promise<any>,
 *   packed?: Promise<Blob|null>|null, db?: Promise<IDBDatabase|null>, fresh?: boolean}} Start src: of the loader, if there is one; data: the tag's data-* attributes; players: those that the
 *   loader held; script: the worker's; begun: what the first of them will ask, asked already; release: lets them ask; extras: loads elements.js; the rest as in page/circle.js */

/** @param {Start} options @returns {Circle} also window.polycircle */
export function start({
  base,
  src = '',
  config,
  data,
  files = {},
  players = [],
  begun,
  release = () => {},
  circles = [],
  worker,
  script,
  extras,
  ...rest
}) {
  const page = /** @type {any} */ (globalThis),
    storage = data.storage ? page[data.storage] : page.polycircle?.storage;
  if (page.polycircle instanceof Circle) return page.polycircle;
  const more = extras ?? (() => import(`${base}package/${config.package}/elements.js`));
  let settle = () => {},
    dressed = /** @type {Promise<any>} */ (Promise.resolve());
  /** @type {Circle} */
  const circle = (page.polycircle = new Circle({
    base,
    config,
    data,
    ...rest,
    settled: new Promise(ok => {
      settle = () => ok(0);
    }),
    storage: storage && more().then(({ injectedStore }) => injectedStore(storage)),
    coarse: matchMedia('(pointer: coarse)').matches,
    ask: () => dressed.then(asking => asking?.ask()),
    worker: register(worker, script, config.worker).catch(error => void console.warn(error)),
    spared,
    watch: (url, size) => watch(url, size, () => circle.peers.length > 0),
  }));
  takeOver(circle, players, begun, release).then(settle);
  addEventListener('pagehide', () => circle.leave('away'));
  addEventListener('storage', () => circle.decide()); // in another tab
  addEventListener('pageshow', () => {
    circle.decide();
    circle.join('away');
  });
  dressed = circle.ready
    .then(more)
    .then(({ dress }) =>
      dress(circle, {
        files,
        circles,
        config,
        lang: data.lang,
        base,
        src,
      }),
    )
    .catch(error => console.warn('polycircle:', error));
  // of use to owners: beside the package, not in it
  const reasons = () => import(`${base}package/${config.package}/why.js`);
  circle.why = async () => (await reasons()).why(circle, spared);
  if ('debug' in data || /[?&]polycircle=debug\b/.test(location.search))
    circle.ready.then(reasons).then(({ tell }) => tell(circle, spared));
  document.dispatchEvent(new CustomEvent('polycircle', { detail: circle }));
  return circle;
}

/** Players are the mirror's once the worker is there, and the origin of what they play answers a script. Resolves when they have their first bytes.
 * @param {Circle} circle @param {HTMLMediaElement[]} players @param {Promise<Response|null>|undefined} begun @param {() => void} release */
async function takeOver(circle, players, begun, release) {
  const { mirror } = circle,
    controlled = circle.mirroring();
  const find = (/** @type {string} */ url) => {
    const media = circle.out.size ? null : mirror?.find(url);
    return media?.withdrawn ? null : media;
  };
  const stored = (/** @type {string} */ url) => {
    const media = find(url);
    return !!media && !!mirror?.has(media, 0);
  };
  /** What is redirected is not followed: a player may be sent where a script may not. What comes is in the browser's cache. */
  const asks = async (/** @type {HTMLMediaElement} */ el) => {
    const url = el.currentSrc,
      media = find(url);
    if (!media || !idle(el) || mirror?.count(media)) return;
    const r = await (
      (el == players[0] && begun) ||
      fetch(url, { headers: { range: 'bytes=0-262143' }, redirect: 'manual' })
    ).catch(() => null);
    if (!r?.ok) leave(url);
  };
  await circle.loaded;
  if (mirror?.media.length && (await controlled)) {
    await Promise.all(players.map(asks));
    const look = adopt(url => !!find(url), stored);
    circle.addEventListener('change', look);
    circle.addEventListener('withdrawn', e => {
      /** @type {CustomEvent} */ (e).detail.urls.forEach(leave);
      look();
    });
  }
  release();
  await Promise.all(
    players.map(
      el => el.readyState > 1 || new Promise(ok => el.addEventListener('loadeddata', ok)),
    ),
  );
}
