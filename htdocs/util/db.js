/** The browser's IndexedDB: hides its events and its schema from stores.
 * Stores: kv (token, manifest, what of it was withdrawn, index of pieces), pieces (hash and size: bytes). */

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
export const done = request =>
  new Promise((ok, no) => {
    request.onsuccess = () => ok(request.result);
    request.onerror = () => no(request.error);
  });

/** @returns {Promise<IDBDatabase>} fails where there is none (private mode); may hang where it is blocked */
export async function openDb() {
  const request = indexedDB.open('polycircle', 1);
  request.onupgradeneeded = () =>
    ['kv', 'pieces'].map(name => request.result.createObjectStore(name));
  const db = await done(request);
  db.onversionchange = () => db.close();
  return db;
}
