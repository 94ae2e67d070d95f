/** What all elements share: they show window.polycircle whenever it comes, and stop listening when they leave the page. */

/** @typedef {import('../lib/circle.js').Circle} Circle */

/** @param {string} tag @param {Record<string, string>} [attributes] @param {(Node|string)[]} children @returns {HTMLElement} */
export function html(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

/** @param {string} tag @param {Record<string, string|number>} attributes @returns {SVGElement} */
export function svg(tag, attributes) {
  const el = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, String(value));
  return el;
}

/** @param {number} n bytes, for people */
export function size(n) {
  const unit = n < 1e6 ? 'kilobyte' : n < 1e9 ? 'megabyte' : 'gigabyte', by = { kilobyte: 1e3, megabyte: 1e6, gigabyte: 1e9 }[unit];
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, maximumFractionDigits: n < 1e6 ? 0 : 1 }).format(n / by);
}

export class PolyElement extends HTMLElement {
  #stop = new AbortController();

  /** @param {string} tag */
  static define(tag) { if (!customElements.get(tag)) customElements.define(tag, /** @type {any} */ (this)); }

  connectedCallback() {
    const { signal } = this.#stop = new AbortController(), circle = /** @type {any} */ (globalThis).polycircle;
    if (circle?.ready) return this.show(circle, signal);
    document.addEventListener('polycircle', e => this.show(/** @type {CustomEvent} */ (e).detail, signal), { signal, once: true });
  }

  disconnectedCallback() { this.#stop.abort(); }

  /** @param {Circle} circle @param {AbortSignal} signal aborted when the element leaves */
  show(circle, signal) { throw new TypeError(`${circle} ${signal}: not shown`); }

  /** Draws now and whenever the circle changes. @param {Circle} circle @param {AbortSignal} signal @param {() => void} draw */
  follow(circle, signal, draw) {
    for (const type of ['join', 'peer', 'leave', 'stats']) circle.addEventListener(type, draw, { signal });
    draw();
  }
}
