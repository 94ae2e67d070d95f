/** Bytes and the texts they travel as: hides hex, base64url, joins and random from everything else. */

/** @param {Uint8Array} bytes */
export const toHex = bytes => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');

/** @param {Uint8Array} bytes base64url of RFC 4648 section 5, no padding */
export function toBase64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** @param {string} text base64url @returns {Uint8Array} @throws when it is not */
export function fromBase64(text) {
  if (!/^[\w-]*$/.test(text)) throw new TypeError('not base64url');
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0));
}

/** @param {string} text */
export const utf8 = text => new TextEncoder().encode(text);

/** @param {number} n how many random bytes, as hex */
export const randomHex = n => toHex(crypto.getRandomValues(new Uint8Array(n)));

/** @param {Uint8Array} bytes @returns {Promise<Uint8Array>} */
export const sha256 = async bytes => new Uint8Array(await crypto.subtle.digest('SHA-256', /** @type {any} */ (bytes)));

/** @param {any} value @param {RegExp} shape @returns {value is string} */
export const isText = (value, shape) => typeof value == 'string' && shape.test(value);

/** @param {number} ms */
export const sleep = ms => new Promise(done => setTimeout(done, ms));

/** The promise, or `other` when it takes longer than ms or fails.
 * @template T,U @param {Promise<T>} promise @param {number} ms @param {U} other @returns {Promise<T|U>} */
export const within = (promise, ms, other) => Promise.race([promise.catch(() => other), sleep(ms).then(() => other)]);
