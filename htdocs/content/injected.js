/** Storage that the page brings along, as the four methods of content/store.js. */
import { fromBase64, toBase64 } from '../util/bytes.js';

/** An object of the page's own: LargeLocalStorage (getContents, setContents, rm), IDBWrapper with keyPath null (get, put, remove, with
 * callbacks), or anything with get, put and delete that gives promises. Values are JSON texts to it, bytes in base64.
 * @param {any} o @returns {import('./store.js').Store} */
export function injectedStore(o) {
  const call = (/** @type {string[]} */ names, /** @type {any[]} */ ...args) =>
    new Promise((ok, no) => {
      const answer = o[names.find(name => o[name]) ?? names[0]](...args, ok, no);
      if (answer?.then) answer.then(ok, no);
    });
  const id = (/** @type {string} */ store, /** @type {string} */ key) =>
    `polycircle-${store}-${key}`;
  return {
    async get(store, key) {
      const { bytes, value } = JSON.parse(
        (await call(['getContents', 'get'], id(store, key))) ?? '{}',
      );
      return bytes == null ? value : fromBase64(bytes);
    },
    async put(store, key, value) {
      const text = JSON.stringify(
        value instanceof Uint8Array ? { bytes: toBase64(value) } : { value },
      );
      await call(['setContents', 'put'], id(store, key), text);
    },
    async delete(store, key) {
      await call(['rm', 'remove', 'delete'], id(store, key));
    },
    keys: async () => null,
  };
}
