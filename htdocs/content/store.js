/** Storage adapters behind one interface of four methods, and the choice between them. */
import { done, openDb } from '../util/db.js';
import { within } from '../util/bytes.js';
/** @typedef {{get(store: string, key: string): Promise<any>, put(store: string, key: string, value: any): Promise<void>,
 *   delete(store: string, key: string): Promise<void>, keys(store: string): Promise<string[]|null>}} Store keys: null when it cannot tell */

/** @returns {Store} */
export function memoryStore() {
  const all = new Map();
  return {
    get: async (store, key) => all.get(store + key),
    put: async (store, key, value) => {
      all.set(store + key, value);
    },
    delete: async (store, key) => {
      all.delete(store + key);
    },
    keys: async store =>
      [...all.keys()].filter(key => key.startsWith(store)).map(key => key.slice(store.length)),
  };
}

/** Each write is a relaxed transaction: hundreds in a second, far more than a data channel can bring.
 * @param {IDBDatabase} db @returns {Store} */
export function idbStore(db) {
  const read = (/** @type {string} */ store) => db.transaction(store).objectStore(store);
  const write = (/** @type {string} */ store, /** @type {(of: IDBObjectStore) => void} */ step) =>
    /** @type {Promise<void>} */ (
      new Promise((ok, no) => {
        const tx = db.transaction(store, 'readwrite', { durability: 'relaxed' });
        tx.oncomplete = () => ok();
        tx.onabort = () => no(tx.error);
        step(tx.objectStore(store));
      })
    );
  return {
    get: (store, key) => done(read(store).get(key)),
    put: (store, key, value) => write(store, of => of.put(value, key)),
    delete: (store, key) => write(store, of => of.delete(key)),
    keys: store => /** @type {Promise<string[]>} */ (done(read(store).getAllKeys())),
  };
}

/** The store the page brought, IndexedDB, or memory when that is refused or hangs for 2 s.
 * @param {Promise<Store>|null} injected @param {Promise<IDBDatabase>} [opening] @returns {Store} */
export function openStore(injected, opening = openDb()) {
  const store =
    injected ?? within(opening, 2000, null).then(db => (db ? idbStore(db) : memoryStore()));
  const late =
    (/** @type {keyof Store} */ name) =>
    async (/** @type {any[]} */ ...args) =>
      /** @type {any} */ (await store)[name](...args);
  return { get: late('get'), put: late('put'), delete: late('delete'), keys: late('keys') };
}
