/** What all elements share: they show window.polycircle, which is there before they are defined (elements.js), and stop listening when they leave the page. */

/** @typedef {import('../page/circle.js').Circle} Circle */

const LOOK_MS = 500;

/** @template {Element} T @param {T} el @param {Record<string, string|number>} attributes @param {(Node|string)[]} children */
function fill(el, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, String(value));
  el.append(...children);
  return el;
}

/** @param {string} tag @param {Record<string, string|number>} [attributes] @param {(Node|string)[]} children */
export const html = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);
/** @param {string} tag @param {Record<string, string|number>} attributes */
export const svg = (tag, attributes) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, []);

/** @param {string} url @returns {Promise<Response>} of a file that lies beside the package */
export const get = url => fetch(url, { credentials: 'omit' });

/** @param {string} url of the style sheet of what is about to be shown */
export async function look(url) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(await (await get(url)).text());
  document.adoptedStyleSheets.push(sheet);
}

/** @param {number} n bytes, for people */
export function size(n) {
  const [unit, by] = n < 1e6 ? ['kilobyte', 1e3] : n < 1e9 ? ['megabyte', 1e6] : ['gigabyte', 1e9];
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit,
    maximumFractionDigits: n < 1e6 ? 0 : 1,
  }).format(n / by);
}

/** Draws now, when the circle has changed, and once more when it has come to rest; looks twice a second, while somebody sees it.
 * @param {Element} element @param {Circle} circle @param {AbortSignal} signal @param {() => void} draw */
export function follow(element, circle, signal, draw) {
  let last = '',
    moves = true,
    shown = false,
    timer = 0;
  const look = () => {
    const { bytes, uploaded } = circle.stats(),
      now = JSON.stringify([circle.sig, circle.peers, bytes, uploaded]),
      moved = now != last;
    if (moved || moves) draw();
    [last, moves] = [now, moved];
  };
  // a hidden page has no frames
  const again = () => {
    clearTimeout(timer);
    if (!shown || signal.aborted) return;
    look();
    timer = +setTimeout(() => requestAnimationFrame(again), LOOK_MS);
  };
  const seen = new IntersectionObserver(all => {
    shown = all.some(entry => entry.isIntersecting);
    again();
  });
  seen.observe(element);
  signal.addEventListener('abort', () => seen.disconnect());
  look();
}

export class PolyElement extends HTMLElement {
  #stop = new AbortController();
  /** @param {string} tag */
  static define(tag) {
    if (!customElements.get(tag)) customElements.define(tag, /** @type {any} */ (this));
  }

  connectedCallback() {
    this.#stop = new AbortController();
    this.show(/** @type {any} */ (globalThis).polycircle, this.#stop.signal);
  }

  disconnectedCallback() {
    this.#stop.abort();
  }
  /** @abstract @param {Circle} _circle @param {AbortSignal} _signal aborted when the element leaves */
  show(_circle, _signal) {}
}
