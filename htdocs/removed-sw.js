/** In the worker's place when the instance was uninstalled: a browser that looks for a newer worker gets this one, which takes itself and what we
 * kept off the browser. It answers nothing, so all goes by plain HTTP at once. */
const here = /** @type {any} */ (globalThis);
const dropped = () =>
  new Promise(ok => {
    const request = indexedDB.deleteDatabase('polycircle');
    request.onsuccess = request.onerror = request.onblocked = ok; // blocked: it goes once the pages that hold it are closed
  });

here.addEventListener('install', () => here.skipWaiting());
here.addEventListener('activate', (/** @type {any} */ e) =>
  e.waitUntil(Promise.all([dropped(), here.registration.unregister()])),
);
