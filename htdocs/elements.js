/** What a page may show of its circle, and what few pages need: the package's second module, run once players have their first frame.
 * client.js imports it; it knows window.polycircle only. */
import { Box } from './meet/box.js';
import { asking, PolyAsk } from './elements/ask.js';
import { brake } from './elements/brake.js';
import { list, PolyCircles } from './elements/circles.js';
import { PolyMedia } from './elements/media.js';
import { PolyRing } from './elements/ring.js';
import { PolyStats } from './elements/stats.js';

const HIDDEN_MS = 60000;

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

/** @param {import('./page/circle.js').Circle} circle @param {import('./elements/ask.js').Setup & {css: Blob, circles: any[], src: string}} setup css, circles:
 * those that the package lists; src: the loader's @returns {import('./elements/ask.js').Asking} */
export function dress(circle, { css, circles, src, ...setup }) {
  if (!isSecureContext) console.warn('polycircle: no mirror over plain http: use https');
  const sheet = new CSSStyleSheet();
  css.text().then(text => sheet.replaceSync(text));
  document.adoptedStyleSheets.push(sheet);
  list(circles);
  PolyCircles.define('poly-circles');
  PolyMedia.define('poly-media');
  PolyRing.define('poly-ring');
  PolyStats.define('poly-stats');
  if (circle.signal) {
    circle.signal.box = new Box(circle.signal);
    follow(circle.signal);
  }
  if (src) brake(circle, src, setup.config);
  const asks = asking(circle, setup);
  PolyAsk.define('poly-ask');
  return asks;
}

export { injectedStore } from './content/injected.js';
