/** The owner's brake: learns from the loader's configuration, while the page is open, whether visitors may mirror (doc/PROTOCOL.md 1.3). It is looked
 * at every four minutes, and not by pages that nobody sees and that have no links; the answer is mostly 304, or a file of the spool. */
const LOOK_MS = 240000, SOON_MS = 60000;

/** @param {import('../lib/circle.js').Circle} circle @param {string} src of the loader */
export function brake(circle, src) {
  // one that came from the browser's cache may be as old as caches keep it
  const cached = /** @type {any} */ (performance.getEntriesByName(src)[0])?.transferSize === 0;
  let due = performance.now() + (cached ? SOON_MS : LOOK_MS);
  const look = async () => {
    if (performance.now() < due || document.hidden && !circle.peers.length || circle.out.has('left') || circle.out.has('no')) return;
    due = performance.now() + LOOK_MS;
    const [, config] = /POLYCIRCLE_CONFIG=(.*);\n/.exec(await (await fetch(src, { cache: 'no-cache', credentials: 'omit' })).text()) ?? [];
    if (config) JSON.parse(config).mirror === false ? circle.leave('brake') : circle.join('brake');
  };
  setInterval(() => look().catch(() => {}), 5000);
}
