/** The instance over HTTP (doc/PROTOCOL.md 1.1, 1.2): hides the form of requests and tells its answers from those of a firewall. */
import { toBase64, utf8 } from './bytes.js';
/** @typedef {Error & {code: string, after: number}} Refusal code '': somebody else answered, or nobody; after: ms to wait, 0: as you like
 * @typedef {ReturnType<typeof instance>} Instance */

const form = (/** @type {object} */ body) => new URLSearchParams({ d: toBase64(utf8(JSON.stringify(body))) });

/** @param {string} base URL ending in '/' @param {typeof fetch} ask the test seam */
export const instance = (base, ask = (...args) => fetch(...args)) => ({
  /** @param {string} path @param {object} [body] by POST @returns {Promise<any>} the answer @throws {Refusal} */
  async ask(path, body) {
    const init = { ...body && { method: 'POST', body: form(body) }, credentials: /** @type {const} */ ('omit'), signal: AbortSignal.timeout(25000) };
    const answer = await ask(base + path, init).then(r => r.json()).catch(() => null), ours = answer?.polycircle === 1;
    if (ours && !answer.error) return answer;
    throw Object.assign(new Error(ours ? answer.text : 'no answer'), { code: ours ? String(answer.error) : '', after: Number(answer?.after_ms) || 0 });
  },
  /** Fire and forget, also while the page goes away. @param {string} path @param {object} body */
  beacon(path, body) { navigator.sendBeacon(base + path, form(body)); },
});
