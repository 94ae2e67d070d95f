/** The instance over HTTP (doc/PROTOCOL.md 1.1, 1.2): hides the form of requests and tells its answers from those of a firewall. */
import { toBase64, utf8 } from './bytes.js';

/** What the instance refused; code '': somebody else answered, or nobody. */
export class Refused extends Error {
  /** @param {any} answer */
  constructor({ error = '', text = 'no answer', after_ms = 0 } = {}) {
    super(text);
    this.code = String(error);
    this.after = Number(after_ms) || 0;
  }
}

export class Instance {
  /** @param {string} base URL ending in '/' */
  constructor(base) { this.base = base; }

  /** the test seam @param {string} url @param {RequestInit} init */
  fetch(url, init) { return fetch(url, init); }

  /** @param {string} path @param {object} [body] by POST @returns {Promise<any>} the answer @throws {Refused} */
  async ask(path, body) {
    const init = { ...body && { method: 'POST', body: form(body) }, credentials: /** @type {const} */ ('omit'), signal: AbortSignal.timeout(25000) };
    const answer = await this.fetch(this.base + path, init).then(r => r.json()).catch(() => null);
    if (answer?.polycircle !== 1) throw new Refused();
    if (answer.error) throw new Refused(answer);
    return answer;
  }

  /** Fire and forget, also while the page goes away. @param {string} path @param {object} body */
  beacon(path, body) { navigator.sendBeacon(this.base + path, form(body)); }
}

const form = (/** @type {object} */ body) => new URLSearchParams({ d: toBase64(utf8(JSON.stringify(body))) });
