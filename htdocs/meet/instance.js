/** The instance over HTTP (doc/PROTOCOL.md 1.1, 1.2): hides the form of requests, tells its answers from those of a firewall, and gets past one:
 * of posts that nobody of ours answers every third is in the other form: base64url as d=, or base32, in which no firewall finds anything, as h=. */
import { toBase32, toBase64, utf8 } from '../util/bytes.js';
/** @typedef {Error & {code: string, after: number}} Refusal code '': somebody else answered, or nobody; after: ms to wait, 0: as you like
 * @typedef {ReturnType<typeof instance>} Instance */

const form = (/** @type {boolean} */ h, /** @type {object} */ body) => {
  const bytes = utf8(JSON.stringify(body));
  return new URLSearchParams(h ? { h: toBase32(bytes) } : { d: toBase64(bytes) });
};

/** @param {string} base URL ending in '/' @param {(h: boolean) => void} keep told when the other form works @param {typeof fetch} ask the test seam */
export const instance = (base, keep, ask = fetch) => {
  let lost = 0;
  const self = {
    h: false, // the form that works
    /** @param {string} path @param {object} body @returns {Promise<any>} the answer @throws {Refusal} */
    async ask(path, body) {
      const h = lost % 3 > 1 != self.h;
      const answer = await ask(base + path, {
          method: 'POST',
          body: form(h, body),
          credentials: /** @type {const} */ ('omit'),
          signal: AbortSignal.timeout(25000),
        })
          .then(r => r.json())
          .catch(() => null),
        ours = answer?.polycircle === 1;
      lost = ours ? 0 : lost + 1;
      if (ours && h != self.h) keep((self.h = h));
      if (ours && !answer.error) return answer;
      throw Object.assign(new Error(ours ? answer.text : 'no answer'), {
        code: ours ? String(answer.error) : '',
        after: Number(answer?.after_ms) || 0,
      });
    },
    /** Fire and forget, also while the page goes away. @param {string} path @param {object} body */
    beacon(path, body) {
      navigator.sendBeacon(base + path, form(self.h, body));
    },
  };
  return self;
};
