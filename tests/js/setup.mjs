// What a browser has and Debian 12's Node 18 has not, and what several tests need.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;

/** A generator of numbers below n, the same in every run. */
export function numbers(seed) {
  let state = seed >>> 0;
  return n => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
    return (state ^ state >>> 12) % n;
  };
}

/** Resolves once `test` gives something true. */
export async function until(test, ms = 3000) {
  for (const end = Date.now() + ms; !test(); await new Promise(ok => setTimeout(ok, 5))) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${test}`);
  }
}
