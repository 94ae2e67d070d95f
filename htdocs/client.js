/** Where loader and page meet the circle: start() makes window.polycircle. Served as signal.js of the package,
 * and as client.js, with elements/signal.js at its end; the rest of it is elements.js. */
import { Circle } from './page/circle.js';
import { adopt } from './page/adopt.js';
import { register } from './page/register.js';
import { marked, settled, watch } from './page/watch.js';
import { plain } from './util/names.js';
/** @typedef {{base: string, tag: any, config: import('./page/circle.js').Config, load: (name: string) => Promise<any>,
 *   take: import('./page/circle.js').Take, held: import('./page/hold.js').Held, freed?: Promise<any>, registered?: Promise<any>, script: string|false, hear: import('./page/bridge.js').Hear}} Start tag:
 *   the script that names the circle; load: a module of the package; freed: when players may ask; registered, script: as register() has them */

/** @param {Start} options @returns {Circle} also window.polycircle */
export function start({ base, tag, config, load, take, held, freed, registered, script, hear }) {
  const page = /** @type {any} */ (globalThis),
    data = { p2p: config.p2p, ...tag.dataset },
    storage = data.storage ? page[data.storage] : page.polycircle?.storage;
  const players = adopt(held, hear);
  const spared = (/** @type {string} */ url) => players.left.has(plain(url)) || marked(url),
    // what few pages need lies beside the package, not in it
    beside = (/** @type {string} */ file) => `${base}package/${config.package}/${file}`;
  /** @type {import('./page/circle.js').Options} */
  const options = {
    base,
    config,
    data,
    take,
    settled: () => Promise.resolve(freed).then(settled),
    storage: storage && import(beside('injected.js')).then(m => m.injectedStore(storage)),
    coarse: matchMedia('(pointer: coarse)').matches,
    ask: () => dressed.then(asking => asking?.ask()),
    worker: register(registered, script, config.worker).catch(error => void console.warn(error)),
    spared,
    hear,
    watch: (url, size) => watch(url, size, () => circle.peers.length > 0),
  };
  /** @type {Circle} */
  const circle = (page.polycircle = new Circle(options));
  takeOver(circle, players);
  addEventListener('pagehide', () => circle.leave('away'));
  addEventListener('storage', () => circle.decide()); // in another tab
  addEventListener('pageshow', () => {
    circle.decide();
    circle.join('away');
  });
  const dress = async () => {
    const { dress } = await load('elements.js');
    return dress(circle, {
      config,
      lang: data.lang,
      beside,
      src: tag.src,
    });
  };
  const dressed = circle.ready.then(dress).catch(error => console.warn('polycircle:', error));
  const reasons = () => import(beside('why.js'));
  circle.why = async () => (await reasons()).why(circle, options);
  if ('debug' in data || /[?&]polycircle=debug\b/.test(location.search))
    circle.ready.then(reasons).then(({ tell }) => tell(circle, options));
  document.dispatchEvent(new CustomEvent('polycircle', { detail: circle }));
  return circle;
}

/** Players hear of the mirror, once it is there and the worker is in control. @param {Circle} circle @param {import('./page/adopt.js').Players} players */
async function takeOver(circle, players) {
  const { mirror } = circle;
  const find = (/** @type {string} */ url) => {
    const media = circle.out.size ? null : mirror?.find(url);
    return media?.withdrawn ? null : media;
  };
  await circle.loaded;
  if (!(await circle.mirroring())) return;
  players.know(find);
  circle.addEventListener('change', players.look);
  circle.addEventListener('withdrawn', e => {
    for (const url of /** @type {CustomEvent} */ (e).detail.urls) players.left.add(plain(url));
    players.look();
  });
}
