/** <poly-circles>: the circles that the package lists. */
import { html, PolyElement } from './base.js';

let all = /** @type {{can: string, cid: string}[]} */ ([]);
/** Those that are shown. */
export const list = (/** @type {{can: string, cid: string}[]} */ circles) => (all = circles);

export class PolyCircles extends PolyElement {
  /** @param {import('./base.js').Circle} circle */
  show({ cid }) {
    const items = all.map(c =>
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
