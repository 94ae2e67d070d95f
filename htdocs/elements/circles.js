/** <poly-circles>: the circles that the package lists. */
import { html, PolyElement } from './base.js';

export class PolyCircles extends PolyElement {
  static circles = /** @type {{can: string, cid: string}[]} */ ([]);
  /** @param {import('./base.js').Circle} circle */
  show({ cid }) {
    const items = PolyCircles.circles.map(c =>
      html(
        'li',
        c.cid == cid ? { 'aria-current': 'true' } : {},
        c.can,
        ' ',
        html('code', {}, c.cid),
      ),
    );
    this.replaceChildren(html('ul', {}, ...items));
  }
}
