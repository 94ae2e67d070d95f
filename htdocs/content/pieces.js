/** Verified pieces by SHA-256 (hex), within a byte budget: hides memory, storage and who is evicted. Of a browser's tabs one writes; the others
 * hear what it stored. What is stored says itself how long it is: its key is the hash and the size. The index of kv says only in which order it was used. */
import { sha256, within } from '../util/bytes.js';
/** @typedef {{kept?: [string, number], gone?: string}} News of the tab that writes: hash and size; hash */

const HOT = 16 << 20, // bytes kept in memory as well: what viewers read and neighbours ask for now
  LEAST = 1 << 20;

export class Pieces {
  #store;
  #budget;
  #tell;
  #saving = 0;
  #hotBytes = 0;
  #index = /** @type {Map<string, number>} */ (new Map()); // sizes, who was used least recently first
  #hot = /** @type {Map<string, Uint8Array>} */ (new Map());
  #persist = false;
  held = 0; // bytes that storage held when the page opened
  /** @param {import('./store.js').Store} store @param {number} budget in bytes @param {(news: News) => void} tell the other tabs */
  constructor(store, budget = 256 << 20, tell = () => {}) {
    this.#store = store;
    this.#budget = budget;
    this.#tell = tell;
  }

  async open() {
    await this.#list();
    this.held = this.#total;
    return this;
  }
  /** Learns what storage holds. */
  async #list() {
    const [index, keys] = await Promise.all([
      within(this.#store.get('kv', 'index'), 1000, null),
      within(this.#store.keys('pieces'), 2000, []),
    ]);
    const known = this.#index,
      saved = /** @type {[string, number][]} */ (index ?? []),
      found = (this.#index = new Map());
    for (const key of keys ?? saved.map(([hash, size]) => hash + size)) {
      const size = +key.slice(64);
      if (size) found.set(key.slice(0, 64), size);
      else if (this.#persist) this.#store.delete('pieces', key).catch(() => {}); // an earlier version's: of no stated size
    }
    for (const [hash] of saved) this.#note(hash, found.get(hash));
    for (const [hash, size] of known) this.#note(hash, size);
  }

  get #total() {
    return [...this.#index.values()].reduce((sum, size) => sum + size, 0);
  }
  /** Whether to write to storage: only one tab does, also what it had before. */
  set persist(/** @type {boolean} */ on) {
    this.#persist = on;
    if (!on) return;
    for (const [hash, bytes] of this.#hot) this.put(hash, bytes);
    this.#list()
      .then(async () => {
        // a tenth of what the browser gives the site, at most, and half of what the site leaves of it
        const { quota = 0, usage = 0 } = await navigator.storage.estimate();
        this.#budget = Math.min(this.#budget, quota / 10, (quota - usage + this.#total) / 2);
      })
      .catch(() => {}) // a browser that does not say
      .then(() => this.#evict());
  }
  /** By the tab that writes. */
  told(/** @type {News} */ { kept, gone }) {
    if (kept) this.#note(...kept);
    if (gone) this.#index.delete(gone);
  }

  has(/** @type {string} */ hash) {
    return this.#hot.has(hash) || this.#index.has(hash);
  }
  /** @param {string} hash @returns {Promise<Uint8Array|null>} */
  async get(hash) {
    const size = this.#index.get(hash),
      hot = this.#hot.get(hash);
    this.#note(hash, size);
    this.#save();
    if (hot || !size) return hot ?? null;
    const bytes = await within(this.#store.get('pieces', hash + size), 1500, null);
    // whoever shares the origin writes there, too
    if (bytes && (await sha256(bytes).catch(() => '')) == hash) return this.#heat(hash, bytes);
    if (bytes !== null) this.#index.delete(hash); // null: a slow one may come the next time
    return null;
  }
  /** @param {string} hash @param {Uint8Array} bytes whose SHA-256 is hash: the caller has checked */
  put(hash, bytes) {
    const { length } = bytes;
    this.#heat(hash, bytes);
    if (!this.#persist || this.#index.has(hash) || length > this.#budget) return;
    this.#note(hash, length);
    this.#evict();
    const had = this.#total;
    this.#store.put('pieces', hash + length, bytes).then(
      () => this.#tell({ kept: [hash, length] }),
      () => {
        // most likely QuotaExceededError. The site's own storage goes before ours, and would be refused next: half of what we had goes
        this.#index.delete(hash);
        this.#budget = Math.min(this.#budget, Math.max(had / 2, LEAST));
        this.#evict();
      },
    );
    this.#save();
  }

  /** It is used now. @param {string} hash @param {number} [size] none: it is not stored */
  #note(hash, size) {
    this.#index.delete(hash);
    if (size) this.#index.set(hash, size);
  }

  #evict() {
    let left = this.#total;
    if (!this.#persist || left <= this.#budget) return;
    for (const [hash, size] of this.#index) {
      if (left <= this.#budget * 0.95) break;
      left -= size;
      this.#index.delete(hash);
      this.#store.delete('pieces', hash + size).catch(() => {});
      this.#tell({ gone: hash });
    }
    this.#save();
  }

  #heat(/** @type {string} */ hash, /** @type {Uint8Array} */ bytes) {
    if (!this.#hot.has(hash)) this.#hotBytes += bytes.length;
    this.#hot.set(hash, bytes);
    for (const [old, { length }] of this.#hot) {
      if (this.#hotBytes <= HOT) break;
      this.#hot.delete(old);
      this.#hotBytes -= length;
    }
    return bytes;
  }

  #save() {
    this.#saving ||= +setTimeout(() => {
      this.#saving = 0;
      if (this.#persist) this.#store.put('kv', 'index', [...this.#index]).catch(() => {});
    }, 1000);
  }
}
