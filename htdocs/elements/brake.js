/** The owner's brake: learns from the loader's configuration, while the page is open, whether visitors may mirror (doc/PROTOCOL.md 1.3). It is looked
 * at every four minutes, and not by pages that nobody sees and that have no links: a file of the spool, which costs no process, or else mostly a 304. */
import { now } from '../util/bytes.js';

const LOOK_MS = 240000,
  SOON_MS = 60000;

/** @param {import('../page/circle.js').Circle} circle @param {string} src of the loader @param {import('../page/circle.js').Config} config */
export function brake(circle, src, { spool, key }) {
  // one that came from the browser's cache may be as old as caches keep it
  const cached = /** @type {any} */ (performance.getEntriesByName(src)[0])?.transferSize === 0;
  let due = now() + (cached ? SOON_MS : LOOK_MS),
    timer = 0;
  const look = async () => {
    if (
      now() < due ||
      (document.hidden && !circle.peers.length) ||
      circle.out.has('left') ||
      circle.out.has('no')
    )
      return;
    due = now() + LOOK_MS;
    wait();
    const read = async (/** @type {string} */ url) => {
      const r = await fetch(url, { cache: 'no-cache', credentials: 'omit' });
      return /POLYCIRCLE_CONFIG=(.*);\n/.exec(await r.text())?.[1];
    };
    const config =
      (spool && (await read(`${spool}signal-${key}.js`).catch(() => ''))) || (await read(src));
    if (config) JSON.parse(config).mirror === false ? circle.leave('brake') : circle.join('brake');
  };
  // a page that is not to look has no timer, until something changes
  const wait = () => {
    clearTimeout(timer);
    timer = +setTimeout(() => look().catch(() => {}), Math.max(0, due - now()));
  };
  document.addEventListener('visibilitychange', wait);
  for (const type of ['peer', 'change']) circle.addEventListener(type, wait);
  wait();
}
