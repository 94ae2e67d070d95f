/** Storage adapters behind one interface of four methods, and the choice between them. */
import { done, openDb } from '../util/db.js';
import { must, within } from '../util/bytes.js';
/** @typedef {{get(store: string, key: string): Promise<any>, put(store: string, key: string, value: any): Promise<void>,
 *   delete(store: string, key: string): Promise<void>, keys(store: string): Promise<string[]|null>}} Store keys: null when it cannot tell */

/** Where there is none: what is small, for this page life. Pieces are in memory anyway, as many as should be. @returns {Store} */
function noStore() {
  const all = new Map();
  return {
    get: async (_, key) => all.get(key),
    put: async (store, key, value) => {
      must(store == 'kv', 'no storage');
      all.set(key, value);
    },
    delete: async () => {},
    keys: async () => [],
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

/** The store the page brought, IndexedDB, or none when that is refused or hangs for 2 s.
 * @param {Promise<Store>|null} [injected] @param {() => Promise<IDBDatabase>} [open] @returns {Store} */
export function openStore(injected, open = openDb) {
  const store = injected ?? within(open(), 2000, null).then(db => (db ? idbStore(db) : noStore()));
  const late =
    (/** @type {keyof Store} */ name) =>
    async (/** @type {any[]} */ ...args) =>
      /** @type {any} */ (await store)[name](...args);
  return { get: late('get'), put: late('put'), delete: late('delete'), keys: late('keys') };
}
