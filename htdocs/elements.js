/** What a page may show of its circle, and what few pages need: the package's second module, run once players have their first frame.
 * client.js imports it; it knows window.polycircle only. */
import { Box } from './lib/box.js';
import { ask } from './elements/ask.js';
import { PolyCircles } from './elements/circles.js';
import { PolyMedia } from './elements/media.js';
import { PolyRing } from './elements/ring.js';
import { PolyStats } from './elements/stats.js';

const HIDDEN_MS = 60000;

/** A page that hides is no greeter; one that is online again asks at once. @param {import('./lib/signal.js').Signal} signal */
function follow(signal) {
  let timer = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = +setTimeout(() => signal.setGreet(false), HIDDEN_MS);
    else signal.setGreet(true);
  });
  addEventListener('online', () => signal.rejoin(0));
}

/** @param {import('./lib/circle.js').Circle} circle @param {Record<string, string>} files of the package @param {any[]} circles it lists
 * @param {boolean} asks whether the visitor is asked first */
export function dress(circle, files, circles, asks) {
  if (!isSecureContext) console.warn('polycircle: over plain http there is no mirror: use https');
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(files['signal.css'] ?? '');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  PolyCircles.circles = circles;
  PolyCircles.define('poly-circles');
  PolyMedia.define('poly-media');
  PolyRing.define('poly-ring');
  PolyStats.define('poly-stats');
  if (circle.signal) {
    circle.signal.box = new Box(circle.signal);
    follow(circle.signal);
  }
  if (asks) ask(circle, files['signal.html'] ?? '');
}

export { injectedStore } from './lib/injected.js';
