/** Chance that can be repeated: each matter has a stream of its own, named by seed and words, so that what one draws changes nothing for another, and
 * two clients meet the same people on the same lines.
 * @typedef {() => number} Chance from 0 to below 1 */

/** mulberry32, begun by FNV-1a of the words. @param {...any} words @returns {Chance} */
export function chance(...words) {
  let state = 0x811c9dc5;
  for (const c of words.join('/')) state = Math.imul(state ^ c.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const between = (
  /** @type {Chance} */ roll,
  /** @type {number} */ low,
  /** @type {number} */ high,
) => low + roll() * (high - low);

/** of mean 0 and deviation 1 */
export const normal = (/** @type {Chance} */ roll) =>
  Math.sqrt(-2 * Math.log(1 - roll())) * Math.cos(2 * Math.PI * roll());

/** @param {Chance} roll @param {number} median @param {number} sigma of the logarithm */
export const lognormal = (roll, median, sigma) => median * Math.exp(sigma * normal(roll));

/** @template T @param {Chance} roll @param {T[]} all @returns {T[]} in another order */
export function shuffled(roll, all) {
  const out = [...all];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(roll() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

/** n of them by these shares, each as exact as may be and right in the mean, in any order: so seeds differ by what matters.
 * @template T @param {Chance} roll @param {[T, number][]} shares @param {number} n @returns {T[]} */
export function dealt(roll, shares, n) {
  const total = shares.reduce((sum, [, share]) => sum + share, 0),
    first = roll(),
    out = [];
  let k = 0,
    sum = shares[0]?.[1] ?? 0;
  for (let i = 0; i < n; i++) {
    while (((i + first) / n) * total >= sum && k < shares.length - 1) sum += shares[++k][1];
    out.push(shares[k][0]);
  }
  return shuffled(roll, out);
}

/** @param {Chance} roll @param {number} digits @returns {string} */
export const hexDigits = (roll, digits) =>
  Array.from({ length: digits }, () => Math.floor(roll() * 16).toString(16)).join('');
