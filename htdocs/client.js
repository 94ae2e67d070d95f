/** Where loader and page meet the circle: start() makes window.polycircle. Served as signal.js of the package,
 * and as client.js, with elements/signal.js at its end; the rest of it is elements.js. */
import { Circle } from './page/circle.js';
import { adopt, spared, watch } from './page/watch.js';
/** @typedef {{base: string, src?: string, config: import('./page/circle.js').Config, data: Record<string, string|undefined>, files?: Record<string, string>,
 *   circles?: any[], players?: HTMLMediaElement[], release?: () => void, worker?: Promise<any>, extras?: () => Promise<any>,
 *   packed?: Promise<Blob|null>|null, db?: Promise<IDBDatabase|null>, fresh?: boolean}} Start src: of the loader, if there is one; data: the tag's data-* attributes; players: those that the
 *   loader held; release: lets them ask; extras: loads elements.js; the rest as in page/circle.js */

/** @param {Start} options @returns {Circle} also window.polycircle */
export function start({
  base,
  src = '',
  config,
  data,
  files = {},
  players = [],
  release = () => {},
  circles = [],
  worker,
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
    worker: worker ?? navigator.serviceWorker?.getRegistration('/').catch(() => null),
    spared,
    watch: (url, size) => watch(url, size, () => circle.peers.length > 0),
  }));
  takeOver(circle, players, release, settle);
  addEventListener('pagehide', () => circle.leave('away'));
  addEventListener('storage', () => circle.decide()); // in another tab
  addEventListener('pageshow', () => {
    circle.decide();
    circle.join('away');
  });
  dressed = circle.ready
    .then(more)
    .then(({ dress }) => dress(circle, { files, circles, config, lang: data.lang, base, src }))
    .catch(error => console.warn('polycircle:', error));
  document.dispatchEvent(new CustomEvent('polycircle', { detail: circle }));
  return circle;
}

/** What players want first is fetched while they and the worker find each other.
 * @param {Circle} circle @param {HTMLMediaElement[]} players @param {() => void} release @param {() => void} settle */
async function takeOver(circle, players, release, settle) {
  const { mirror } = circle,
    controlled = circle.mirroring();
  await circle.loaded;
  if (circle.out.size) players = [];
  Promise.all(
    players.map(async el => {
      const url = el.currentSrc,
        media = mirror?.find(url);
      const first =
        media &&
        mirror?.read(media, url, 0, Math.min(media.size, 2 * media.piece), () => ({
          slack: 0,
          playing: true,
          rate: 0,
        }));
      while (first && (await first.next()));
    }),
  ).catch(() => {});
  Promise.all(
    players.map(
      el => el.readyState > 1 || new Promise(ok => el.addEventListener('loadeddata', ok)),
    ),
  ).then(settle);
  if (!mirror?.media.length || !(await controlled)) return release();
  const look = adopt(url => !circle.out.size && !!mirror.find(url));
  circle.addEventListener('change', look);
  release();
}
