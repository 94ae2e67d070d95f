/** <poly-circles>: the circles that the instance lists. */
import { html, PolyElement } from './base.js';

export class PolyCircles extends PolyElement {
  /** @param {import('./base.js').Circle} circle @param {AbortSignal} signal */
  async show(circle, signal) {
    const list = await circle.circles().catch(() => []);
    if (signal.aborted) return;
    this.replaceChildren(html('ul', {}, ...list.map(({ can, cid }) => html('li', cid == circle.cid ? { 'aria-current': 'true' } : {}, can, ' ', html('code', {}, cid)))));
  }
}
