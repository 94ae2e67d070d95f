/** <poly-stats>: where this visit's bytes came from, as a bar and in figures, which say the same to who does not see it. */
import { follow, html, PolyElement, size } from './base.js';

/** @type {['peers'|'storage'|'origin', string][]} */
const SOURCES = [
  ['peers', 'from visitors'],
  ['storage', 'from storage'],
  ['origin', 'from the server'],
];

export class PolyStats extends PolyElement {
  /** @param {import('./base.js').Circle} circle @param {AbortSignal} signal */
  show(circle, signal) {
    const bar = html('div', { class: 'bar', 'aria-hidden': 'true' }),
      list = html('dl');
    const rows = SOURCES.map(([source, label]) => {
      const part = html('i', { class: source }),
        value = html('dd');
      bar.append(part);
      list.append(html('div', { class: source }, html('dt', {}, label), value));
      return { source, part, value };
    });
    const given = html('dd');
    list.append(html('div', { class: 'given' }, html('dt', {}, 'given to visitors'), given));
    this.replaceChildren(bar, list);
    follow(this, circle, signal, () => {
      const { bytes, uploaded } = circle.stats(),
        all = bytes.peers + bytes.storage + bytes.origin;
      for (const { source, part, value } of rows) {
        part.style.flexGrow = String(bytes[source]);
        value.textContent = all
          ? `${size(bytes[source])} (${Math.round((100 * bytes[source]) / all)} %)`
          : size(0);
      }
      given.textContent = size(uploaded);
    });
  }
}
