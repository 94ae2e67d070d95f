/** data-p2p="ask": nobody is connected before the visitor says yes. The words are signal.html's. */

/** @param {import('../lib/circle.js').Circle} circle @param {string} html */
export function ask(circle, html) {
  const said = localStorage['polycircle-ask'], { content } = new DOMParser().parseFromString(html, 'text/html').querySelector('template') ?? {};
  const box = /** @type {HTMLElement|undefined} */ (content?.firstElementChild);
  if (said == 'yes') circle.join();
  if (said || !box) return;
  box.addEventListener('click', ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    localStorage['polycircle-ask'] = target.value;
    box.remove();
    if (target.value == 'yes') circle.join();
  });
  document.body.append(box);
}
