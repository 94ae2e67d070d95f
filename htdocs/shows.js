/** What a page may show of its circle. Few do, so it lies beside the package, and is loaded by pages that have one of these elements. */
import { look } from './elements/base.js';
import { list, PolyCircles } from './elements/circles.js';
import { PolyMedia } from './elements/media.js';
import { PolyRing } from './elements/ring.js';
import { PolyStats } from './elements/stats.js';

/** @param {(file: string) => string} beside where a file of the package is, or lies beside it */
export async function show(beside) {
  const [{ default: known }] = await Promise.all([
    import(beside('circles.js')),
    look(beside('shows.css')),
  ]);
  list(known.circles);
  PolyCircles.define('poly-circles');
  PolyMedia.define('poly-media');
  PolyRing.define('poly-ring');
  PolyStats.define('poly-stats');
}
