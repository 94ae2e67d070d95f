/** What a page may show of its circle, and what few pages need: the package's second module, run once players have their first frame.
 * client.js imports it; it knows window.polycircle only. */
import { ask } from './elements/ask.js';
import { PolyCircles } from './elements/circles.js';
import { PolyMedia } from './elements/media.js';
import { PolyRing } from './elements/ring.js';
import { PolyStats } from './elements/stats.js';

/** @param {import('./lib/circle.js').Circle} circle @param {Record<string, string>} files of the package @param {any[]} circles it lists
 * @param {boolean} asks whether the visitor is asked first */
export function dress(circle, files, circles, asks) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(files['signal.css'] ?? '');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  PolyCircles.circles = circles;
  PolyCircles.define('poly-circles');
  PolyMedia.define('poly-media');
  PolyRing.define('poly-ring');
  PolyStats.define('poly-stats');
  if (asks) ask(circle, files['signal.html'] ?? '');
}

export { injectedStore } from './lib/injected.js';
