/** In the loader's place when the circle was removed (of a 410 nothing is run): takes our worker and what it kept off this browser. */
const tag = /** @type {HTMLScriptElement} */ (document.currentScript);
const ours = new URL(tag.dataset.worker ?? tag.src.replace(/signal(\.js)?(\?.*)?$/, 'circle-sw.js'), location.href).href;
navigator.serviceWorker?.getRegistration('/').then(found => {
  if (found && (found.active ?? found.waiting ?? found.installing)?.scriptURL == ours) found.unregister();
});
indexedDB.deleteDatabase('polycircle');
try {
  for (const name of ['polycircle', 'polycircle-ask']) localStorage.removeItem(name);
} catch { /* it is forbidden, so there is nothing */ }
