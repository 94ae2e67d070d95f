/** Where loader and page meet the circle: start() makes window.polycircle. Served as signal.js of the package,
 * and as client.js, with elements/signal.js at its end. */
import { Circle } from './page/circle.js';
import { adopt } from './page/adopt.js';
import { register } from './page/register.js';
import { marked, watch } from './page/watch.js';
import { dress } from './elements.js';
import { plain } from './util/names.js';
/** @typedef {{base: string, tag: any, config: import('./page/circle.js').Config,
 *   take: import('./page/circle.js').Take, mark: import('./page/register.js').Mark, held: import('./page/hold.js').Held, registered?: Promise<any>, script: string|false, hear: import('./page/bridge.js').Hear}} Start tag:
 *   the script that names the circle; registered, script: as register() has them */

/** @param {Start} options @returns {Circle} also window.polycircle */
export function start({ base, tag, config, take, mark, held, registered, script, hear }) {
  const page = /** @type {any} */ (globalThis),
    data = { p2p: config.p2p, ...tag.dataset },
    storage = data.storage && page[data.storage];
  const players = adopt(held, hear);
  // what few pages need lies beside the package, not in it
  const beside = (/** @type {string} */ file) => `${base}package/${config.package}/${file}`;
  /** @type {import('./page/circle.js').Options} */
  const options = {
    base,
    config,
    data,
    take,
    mark,
    storage: storage && import(beside('injected.js')).then(m => m.injectedStore(storage)),
    coarse: matchMedia('(pointer: coarse)').matches,
    ask: () => dressed.then(ask => ask?.()),
    worker: register(registered, script, config.worker, mark).catch(
      error => void console.warn(error),
    ),
    spared: url => players.left.has(plain(url)) || marked(url),
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
  const dressed = circle.ready
    .then(() => dress(circle, { config, data, beside, tag }))
    .catch(error => console.warn('polycircle:', error));
  const reasons = () => import(beside('why.js'));
  circle.why = () => reasons().then(({ why }) => why(circle, options));
  if ('debug' in data || /[?&]polycircle=debug\b/.test(location.search))
    circle.ready.then(reasons).then(({ tell }) => tell(circle, options));
  document.dispatchEvent(new CustomEvent('polycircle', { detail: circle }));
  return circle;
}

/** Players hear of the mirror, once it is there and the worker is in control. @param {Circle} circle @param {import('./page/adopt.js').Players} players */
async function takeOver(circle, players) {
  const { mirror } = circle;
  await circle.loaded;
  if (!mirror || !(await circle.mirroring())) return;
  players.know(url => !circle.out.size && mirror.find(url)?.withdrawn === false);
  circle.addEventListener('change', players.look);
  circle.addEventListener('withdrawn', e => {
    for (const url of /** @type {CustomEvent} */ (e).detail.urls) players.left.add(plain(url));
    players.look();
  });
}
