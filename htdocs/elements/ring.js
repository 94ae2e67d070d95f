/** <poly-ring>: the circle, live. A dot for each peer that is known, in the order of their SIGs; lines for links; they glow while bytes flow. */
import { follow, html, PolyElement, svg } from './base.js';

const R = 80;

export class PolyRing extends PolyElement {
  #moved = /** @type {Map<string, number>} */ (new Map());
  /** @param {import('./base.js').Circle} circle @param {AbortSignal} signal */
  show(circle, signal) {
    const picture = svg('svg', { viewBox: '-100 -100 200 200', role: 'img' }),
      text = html('p', { role: 'status' });
    this.replaceChildren(picture, text);
    follow(this, circle, signal, () => this.#draw(circle, picture, text));
  }
  /** @param {import('./base.js').Circle} circle @param {SVGElement} picture @param {HTMLElement} text */
  #draw(circle, picture, text) {
    const me = circle.sig || 'this tab',
      { peers } = circle;
    const sigs = [...new Set([me, ...peers.flatMap(p => [p.sig, ...p.neighbours])])].sort();
    /** @type {Map<string, [number, number]>} */
    const place = new Map(
      sigs.map((sig, i) => {
        const angle = (2 * Math.PI * i) / sigs.length - Math.PI / 2;
        return [sig, [R * Math.cos(angle), R * Math.sin(angle)]];
      }),
    );
    const line = (/** @type {string} */ a, /** @type {string} */ b, /** @type {string} */ kind) => {
      const [[x1, y1], [x2, y2]] = [a, b].map(
        sig => /** @type {[number, number]} */ (place.get(sig)),
      );
      picture.append(svg('line', { x1, y1, x2, y2, class: kind }));
    };
    picture.replaceChildren(svg('circle', { r: R }));
    let flowing = 0;
    for (const peer of peers) for (const far of peer.neighbours) line(peer.sig, far, 'far');
    for (const { sig, bytesIn, bytesOut } of peers) {
      const flows = bytesIn + bytesOut > (this.#moved.get(sig) ?? 0);
      this.#moved.set(sig, bytesIn + bytesOut);
      flowing += Number(flows);
      line(me, sig, flows ? 'link flow' : 'link');
    }
    for (const [sig, [cx, cy]] of place) {
      const kind = sig == me ? 'me' : peers.some(p => p.sig == sig) ? 'peer' : 'far';
      picture.append(svg('circle', { cx, cy, r: 6, class: kind }));
    }
    const words = `Circle of ${sigs.length}: linked to ${peers.length}`;
    picture.setAttribute('aria-label', words + (flowing ? `, bytes flowing with ${flowing}` : ''));
    if (text.textContent != words) text.textContent = words;
  }
}
