/** <poly-circles>: the circles of the package. */
import { html, PolyElement } from './base.js';

export class PolyCircles extends PolyElement {
  /** @param {import('./base.js').Circle} circle */
  show({ cid, circles }) {
    this.replaceChildren(html('ul', {}, ...circles.map(c => html('li', c.cid == cid ? { 'aria-current': 'true' } : {}, c.can, ' ', html('code', {}, c.cid)))));
  }
}
