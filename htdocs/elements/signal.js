/** <poly-signal base key>: puts the loader of an instance on the page, for markup that cannot hold the tag itself, but can import client.js. */
class PolySignal extends HTMLElement {
  connectedCallback() {
    const tag = document.createElement('script'),
      base = new URL(this.getAttribute('base') ?? '/', document.baseURI).href;
    tag.src = `${base}signal?${this.getAttribute('key')}`;
    Object.assign(tag.dataset, this.dataset);
    this.append(tag);
  }

  disconnectedCallback() {
    const page = /** @type {any} */ (globalThis);
    page.polycircle?.leave();
    page.polycircleTags = 0; // the next one counts
  }
}

customElements.get('poly-signal') ?? customElements.define('poly-signal', PolySignal);
