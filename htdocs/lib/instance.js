/** The instance over HTTP (doc/PROTOCOL.md 1.1, 1.2): hides the form of requests and tells its answers from those of a firewall. */
import { toBase64, utf8 } from './bytes.js';

/** What the instance, or something before it, refused. code '' : not our instance speaking, or nobody. */
export class Refused extends Error {
  /** @param {string} code @param {string} text @param {number} after */
  constructor(code, text, after = 0) { super(text || code || 'no answer from the instance'); this.code = code; this.after = after; }
}

export class Instance {
  /** @param {string} base URL ending in '/' */
  constructor(base) { this.base = base; }

  /** the test seam @param {string} url @param {RequestInit} [init] */
  fetch(url, init) { return fetch(url, init); }

  /** @param {object} body */
  form(body) { return new URLSearchParams({ d: toBase64(utf8(JSON.stringify(body))) }); }

  /** @param {string} path @param {object} body @returns {Promise<any>} the answer @throws {Refused} */
  post(path, body) {
    return this.#json(path, { method: 'POST', body: this.form(body), credentials: 'omit', signal: AbortSignal.timeout(25000) });
  }

  /** @param {string} path @returns {Promise<any>} */
  get(path) { return this.#json(path, { cache: 'no-cache', credentials: 'omit', signal: AbortSignal.timeout(25000) }); }

  /** Fire and forget, also while the page goes away. @param {string} path @param {object} body */
  beacon(path, body) { navigator.sendBeacon(this.base + path, this.form(body)); }

  /** @param {string} path @param {RequestInit} init */
  async #json(path, init) {
    const answer = await this.fetch(this.base + path, init).then(r => r.json()).catch(() => null);
    if (answer?.polycircle !== 1) throw new Refused('', '');
    if (answer.error) throw new Refused(String(answer.error), String(answer.text), Number(answer.after_ms) || 0);
    return answer;
  }
}
