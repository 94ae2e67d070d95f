/** The owner's brake, the box, when this page greets, and what loads the question for who is to be asked, and the elements of pages that have some:
 * run by client.js once the circle is ready. */
import { Box } from './meet/box.js';
import { brake } from './elements/brake.js';

const HIDDEN_MS = 60000,
  SHOWS = 'poly-circles,poly-media,poly-ring,poly-stats';

/** A page that hides is no greeter; one that is online again asks at once. @param {import('./meet/signal.js').Signal} signal */
function follow(signal) {
  let timer = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = +setTimeout(() => signal.setGreet(false), HIDDEN_MS);
    else signal.setGreet(true);
  });
  addEventListener('online', () => signal.rejoin(0));
}

/** What few pages have lies beside the package, and is loaded once they have it. @param {string} selector @param {() => any} load */
function there(selector, load) {
  const look = () => {
    if (!document.querySelector(selector)) return;
    seen.disconnect();
    load();
  };
  const seen = new MutationObserver(look);
  seen.observe(document, { childList: true, subtree: true });
  look();
}

/** @param {import('./page/circle.js').Circle} circle @param {import('./elements/ask.js').Setup & {tag: any}} setup tag: the loader's @returns {() => Promise<void>} asks the visitor */
export function dress(circle, setup) {
  const { beside, config, tag } = setup;
  let asking = /** @type {Promise<import('./elements/ask.js').Asking|void>|null} */ (null);
  const load = async () => (await import(beside('ask.js'))).asking(circle, setup),
    show = () =>
      (asking ??= load().catch(error => {
        asking = null; // the next time
        console.warn('polycircle:', error);
      })),
    look = () => {
      if (circle.asks && !circle.said && circle.p2p == 'ask') show();
    };
  if (!isSecureContext) console.warn('polycircle: no mirror over plain http: use https');
  if (circle.signal) {
    circle.signal.box = new Box(circle.signal);
    follow(circle.signal);
  }
  brake(circle, tag.src, config);
  circle.addEventListener('change', look);
  look();
  there(SHOWS, async () => (await import(beside('shows.js'))).show(beside));
  there('poly-ask', show);
  return async () => (await show())?.ask();
}
