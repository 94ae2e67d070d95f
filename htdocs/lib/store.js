/** Storage adapters behind one interface of four methods, and the choice between them. */
import { done, openDb } from './db.js';
import { fromBase64, toBase64, within } from './bytes.js';

/** @typedef {{get(store: string, key: string): Promise<any>, put(store: string, key: string, value: any): Promise<void>,
 *   delete(store: string, key: string): Promise<void>, keys(store: string): Promise<string[]>}} Store */

/** @returns {Store} */
export function memoryStore() {
  /** @type {Map<string, Map<string, any>>} */
  const all = new Map();
  const at = (/** @type {string} */ store) => all.get(store) ?? all.set(store, new Map()).get(store);
  return {
    get: async (store, key) => at(store)?.get(key),
    put: async (store, key, value) => { at(store)?.set(key, value); },
    delete: async (store, key) => { at(store)?.delete(key); },
    keys: async store => [...at(store)?.keys() ?? []],
  };
}

/** Writes wait 30 ms for company and go in one relaxed transaction: faster than a data channel can bring them.
 * @param {IDBDatabase} db @returns {Store} */
export function idbStore(db) {
  /** @type {{work: ((tx: IDBTransaction) => void)[], end: Promise<void>}|null} */
  let batch = null;
  const flush = (/** @type {((tx: IDBTransaction) => void)[]} */ work) => new Promise((ok, no) => {
    const tx = db.transaction(['kv', 'pieces'], 'readwrite', { durability: 'relaxed' });
    tx.oncomplete = () => ok(undefined);
    tx.onabort = () => no(tx.error);
    for (const step of work) step(tx);
  });
  const write = (/** @type {(tx: IDBTransaction) => void} */ step) => {
    if (!batch) {
      const work = /** @type {((tx: IDBTransaction) => void)[]} */ ([]);
      batch = { work, end: new Promise(ok => setTimeout(ok, 30)).then(() => (batch = null, flush(work))).then(() => undefined) };
    }
    batch.work.push(step);
    return batch.end;
  };
  const read = (/** @type {string} */ store) => db.transaction(store).objectStore(store);
  return {
    get: (store, key) => done(read(store).get(key)),
    put: (store, key, value) => write(tx => tx.objectStore(store).put(value, key)),
    delete: (store, key) => write(tx => tx.objectStore(store).delete(key)),
    keys: async store => /** @type {string[]} */ (await done(read(store).getAllKeys())),
  };
}

/** An object of the page's own: our interface as it is, a LargeLocalStorage (getContents, setContents, rm, ls) or an IDBWrapper
 * (get, put, remove, getAll with callbacks). Bytes that it gives back as text are ours in base64.
 * @param {any} o @returns {Store} */
export function injectedStore(o) {
  const id = (/** @type {string} */ store, /** @type {string} */ key) => `polycircle-${store}-${key}`;
  const own = (/** @type {string} */ store, /** @type {any[]} */ keys) => keys.map(String)
    .filter(key => key.startsWith(id(store, ''))).map(key => key.slice(id(store, '').length));
  const call = (/** @type {string} */ name, /** @type {any[]} */ ...args) => new Promise((ok, no) => o[name](...args, ok, no));
  if (typeof o.keys == 'function') return o;
  if (typeof o.getContents == 'function') {
    return {
      get: async (store, key) => { try { return unwrap(await o.getContents(id(store, key))); } catch { return undefined; } },
      put: async (store, key, value) => o.setContents(id(store, key), wrap(value)),
      delete: async (store, key) => o.rm(id(store, key)),
      keys: async store => own(store, await o.ls()),
    };
  }
  if (typeof o.getAll != 'function') throw new TypeError('storage: needs get, put, delete and keys');
  return {
    get: async (store, key) => /** @type {any} */ (await call('get', id(store, key)))?.value,
    put: async (store, key, value) => { await call('put', { [o.keyPath ?? 'id']: id(store, key), value }); },
    delete: async (store, key) => { await call('remove', id(store, key)); },
    keys: async store => own(store, /** @type {any[]} */ (await call('getAll')).map(r => r[o.keyPath ?? 'id'])),
  };
}

/** @param {any} value what a text store keeps of it */
const wrap = value => JSON.stringify(value instanceof Uint8Array ? { bytes: toBase64(value) } : { value });

/** @param {any} text */
function unwrap(text) {
  const { bytes, value } = JSON.parse(text);
  return bytes == undefined ? value : fromBase64(bytes);
}

/** What may open late, or not at all. @param {Promise<IDBDatabase|null>} opening @param {boolean} fresh nothing was ever stored here: what is
 * asked before it is open need not wait @returns {Store} IndexedDB, or memory when it is refused or hangs for 2 s */
function lateStore(opening, fresh) {
  /** @type {Store|null} */
  let open = null;
  const store = within(opening, 2000, null).then(db => open = db ? idbStore(db) : memoryStore());
  return {
    get: async (name, key) => fresh && !open ? undefined : (await store).get(name, key),
    put: async (name, key, value) => (await store).put(name, key, value),
    delete: async (name, key) => (await store).delete(name, key),
    keys: async name => fresh && !open ? [] : (await store).keys(name),
  };
}

/** @param {any} injected @param {Promise<IDBDatabase|null>|undefined} db @param {boolean} fresh @returns {Store} */
export const openStore = (injected, db, fresh) => injected ? injectedStore(injected) : lateStore(db ?? openDb(), fresh);
