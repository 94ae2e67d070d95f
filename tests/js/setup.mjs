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

/** A store as content/store.js has them, in memory. */
export function memoryStore() {
  const all = new Map();
  return {
    get: async (store, key) => all.get(store + key),
    put: async (store, key, value) => { all.set(store + key, value); },
    delete: async (store, key) => { all.delete(store + key); },
    keys: async store => [...all.keys()].filter(key => key.startsWith(store)).map(key => key.slice(store.length)),
  };
}
