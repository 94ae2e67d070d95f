/** In the loader's place when the circle was removed (of a 410 nothing is run): takes our worker and what it kept off this browser. */
const tag = /** @type {HTMLScriptElement} */ (document.currentScript);
const file = tag.dataset.worker && new URL(tag.dataset.worker, location.href).href;
navigator.serviceWorker?.getRegistration('/').then(found => {
  const script = (found?.active ?? found?.waiting ?? found?.installing)?.scriptURL ?? '';
  if (script == file || /\/circle-sw\.js$/.test(script)) found?.unregister();
});
indexedDB.deleteDatabase('polycircle');
try {
  for (const name of ['polycircle', 'polycircle-ask', 'polycircle-plain'])
    localStorage.removeItem(name);
} catch {
  /* it is forbidden, so there is nothing */
}
