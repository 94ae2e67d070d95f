/** In the worker's place when the instance was uninstalled: a browser that looks for a newer worker gets this one, which takes itself and what we
 * kept off the browser. It answers nothing, so all goes by plain HTTP at once. A script of the site that imports it stays as it is. */
import { alone, pure } from './util/alone.js';

const here = /** @type {any} */ (globalThis);
const dropped = () =>
  new Promise(ok => {
    const request = indexedDB.deleteDatabase('polycircle');
    request.onsuccess = request.onerror = request.onblocked = ok; // blocked: it goes once the pages that hold it are closed
  });

here.addEventListener('install', (/** @type {any} */ e) =>
  e.waitUntil(pure(location.href).then(ours => ours && here.skipWaiting())),
);
here.addEventListener('activate', (/** @type {any} */ e) =>
  e.waitUntil(
    Promise.all([
      dropped(),
      alone(here.registration).then(ours => ours && here.registration.unregister()),
    ]),
  ),
);
