/** Bytes and the texts they travel as, and waiting: hides hex, base64url, base32, hashes and timers' promises from everything else. */

/** @param {any} ok @param {string} what is wrong otherwise: with what somebody else says, if nothing is named @returns {asserts ok} */
export function must(ok, what = 'bad message') {
  if (!ok) throw new TypeError(what);
}

const digits = (/** @type {ArrayLike<number>} */ bytes, /** @type {number} */ radix) =>
  Array.from(bytes, b => (b + 256).toString(radix).slice(1)).join('');
/** @param {ArrayLike<number>} bytes */
export const hex = bytes => digits(bytes, 16);
/** @param {Uint8Array} bytes base32 of RFC 4648 section 6, lower case, no padding */
export const toBase32 = bytes =>
  digits(bytes, 2).replace(/.{1,5}/g, five => {
    const value = parseInt(five.padEnd(5, '0'), 2);
    return String.fromCharCode(value + (value < 26 ? 97 : 24)); // a to z, 2 to 7
  });
/** @param {Uint8Array} bytes base64url of RFC 4648 section 5, no padding */
export const toBase64 = bytes =>
  btoa(Array.from(bytes, b => String.fromCharCode(b)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
/** @param {string} text base64url @returns {Uint8Array} @throws when it is not */
export function fromBase64(text) {
  must(/^[\w-]*$/.test(text));
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c =>
    c.charCodeAt(0),
  );
}

/** @param {string} text */
export const utf8 = text => /** @type {Uint8Array<ArrayBuffer>} */ (new TextEncoder().encode(text));
/** @param {number} n how many random bytes, as hex */
export const randomHex = n => hex(crypto.getRandomValues(new Uint8Array(n)));
/** @param {any} bytes @returns {Promise<string>} hex */
export const sha256 = async bytes =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
export const now = () => performance.now();
/** Whether one more, or n, are within the pace: one each ms, and at most so many at once. @param {number} ms @param {number} many */
export const pace = (ms, many) => {
  let next = 0;
  return (n = 1) => {
    const after = Math.max(next, now()) + ms * n,
      fits = after <= now() + ms * many;
    if (fits) next = after;
    return fits;
  };
};
/** @param {number} ms */
export const sleep = ms => new Promise(done => setTimeout(done, ms));

/** Lets the page go on: not by a timer where there is another way, those are slow in a hidden tab. */
export const pause = () => /** @type {any} */ (globalThis).scheduler?.yield?.() ?? sleep(0);

/** A piece of work for each of many, without holding the page: a pause after each 8 ms of it.
 * @template T,U @param {T[]} all @param {(one: T, index: number) => U} work @returns {Promise<U[]>} */
export async function slowly(all, work) {
  const done = [];
  let began = now();
  for (const [i, one] of all.entries()) {
    done.push(work(one, i));
    if (now() - began < 8) continue;
    await pause();
    began = now();
  }
  return done;
}

/** The promise, or `other` when it takes longer than ms or fails.
 * @template T,U @param {Promise<T>} promise @param {number} ms @param {U} other @returns {Promise<T|U>} */
export const within = (promise, ms, other) =>
  Promise.race([promise.catch(() => other), sleep(ms).then(() => other)]);
