/** What the instance sends in the loader's place when the circle was removed: takes our worker and what it kept off this browser.
 * (An answer of 410 would not be run.) */
const tag = /** @type {HTMLScriptElement} */ (document.currentScript);
const ours = new URL(tag.dataset.worker ?? tag.src.replace(/signal(\.js)?(\?.*)?$/, 'circle-sw.js'), location.href).href;
navigator.serviceWorker?.getRegistration('/').then(found => {
  if (found && (found.active ?? found.waiting ?? found.installing)?.scriptURL == ours) found.unregister();
});
indexedDB.deleteDatabase('polycircle');
