/** <poly-signal base key>: starts the circle without the loader, for pages that import client.js themselves. */

/** @param {string} text the loader as the instance sends it @returns {any} the object it begins with */
export function configOf(text) {
  const from = text.indexOf('{', text.indexOf('POLYCIRCLE_CONFIG'));
  for (let to = text.indexOf('};', from); to > 0; to = text.indexOf('};', to + 1)) {
    try { return JSON.parse(text.slice(from, to + 1)); } catch { /* that brace stood in a string */ }
  }
  throw new Error('the instance knows no such key');
}

/** @param {(options: any) => any} start @returns {typeof HTMLElement} */
export const polySignal = start => class extends HTMLElement {
  async connectedCallback() {
    const base = new URL(this.getAttribute('base') ?? '/', document.baseURI).href;
    try {
      const answer = await fetch(`${base}signal?${encodeURIComponent(this.getAttribute('key') ?? '')}`, { credentials: 'omit' });
      if (this.isConnected) start({ base, config: configOf(await answer.text()), data: { ...this.dataset } });
    } catch (error) { this.dispatchEvent(new CustomEvent('error', { detail: error })); }
  }

  disconnectedCallback() { /** @type {any} */ (globalThis).polycircle?.leave?.(); }
};
