/** The visitor's choice, the owner's brake, the box, when this page greets, and what loads the elements of pages that have some: the package's second
 * module, run by client.js once players have their first frame. */
import { Box } from './meet/box.js';
import { asking, PolyAsk } from './elements/ask.js';
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

/** Elements that show a circle are loaded once the page has one. @param {(file: string) => string} beside */
function shows(beside) {
  const look = async () => {
    if (!document.querySelector(SHOWS)) return;
    seen.disconnect();
    (await import(beside('shows.js'))).show(beside);
  };
  const seen = new MutationObserver(look);
  seen.observe(document, { childList: true, subtree: true });
  look();
}

/** @param {import('./page/circle.js').Circle} circle @param {import('./elements/ask.js').Setup & {src: string}} setup src: the loader's @returns {import('./elements/ask.js').Asking} */
export function dress(circle, { src, ...setup }) {
  if (!isSecureContext) console.warn('polycircle: no mirror over plain http: use https');
  shows(setup.beside);
  if (circle.signal) {
    circle.signal.box = new Box(circle.signal);
    follow(circle.signal);
  }
  if (src) brake(circle, src, setup.config);
  const asks = asking(circle, setup);
  PolyAsk.define('poly-ask');
  return asks;
}
