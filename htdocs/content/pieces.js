/** Verified pieces by SHA-256 (hex), within a byte budget: hides memory, storage and who is evicted. Of a browser's tabs one writes; the others
 * hear what it stored. What is stored says itself how long it is: its key is the hash and the size. The index of kv says only when it was used. */
import { sha256, within } from '../util/bytes.js';
/** @typedef {{kept?: [string, number], gone?: string}} News of the tab that writes: hash and size; hash */

const HOT = 16 << 20, // bytes kept in memory as well: what viewers read and neighbours ask for now
  LEAST = 1 << 20;

export class Pieces {
  #store;
  #budget;
  #tell;
  #total = 0;
  #saving = 0;
  #hotBytes = 0;
  #index = /** @type {Map<string, {size: number, used: number}>} */ (new Map());
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
    const saved = /** @type {Map<string, {size: number, used: number}>} */ (new Map(index ?? []));
    for (const key of keys ?? [...saved].map(([hash, { size }]) => hash + size)) {
      const hash = key.slice(0, 64),
        size = +key.slice(64);
      if (size) this.#note(hash, size, saved.get(hash)?.used ?? 0);
      else if (this.#persist) this.#store.delete('pieces', key).catch(() => {}); // an earlier version's: of no stated size
    }
  }
  /** Whether to write to storage: only one tab does, also what it had before. */
  set persist(/** @type {boolean} */ on) {
    this.#persist = on;
    if (!on) return;
    for (const [hash, bytes] of [...this.#hot]) this.put(hash, bytes);
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
    if (kept) this.#note(...kept, Date.now());
    if (gone) this.#forget(gone);
    this.#evict();
  }

  has(/** @type {string} */ hash) {
    return this.#hot.has(hash) || this.#index.has(hash);
  }
  /** @param {string} hash @returns {Promise<Uint8Array|null>} */
  async get(hash) {
    const entry = this.#index.get(hash),
      hot = this.#hot.get(hash);
    if (entry) entry.used = Date.now();
    this.#save();
    if (hot || !entry) return hot ?? null;
    const bytes = await within(this.#store.get('pieces', hash + entry.size), 1500, null);
    // whoever shares the origin writes there, too
    if (bytes && (await sha256(bytes).catch(() => '')) == hash) return this.#heat(hash, bytes);
    if (bytes !== null) this.#forget(hash); // null: a slow one may come the next time
    return null;
  }
  /** @param {string} hash @param {Uint8Array} bytes whose SHA-256 is hash: the caller has checked */
  put(hash, bytes) {
    const { length } = bytes;
    this.#heat(hash, bytes);
    if (!this.#persist || this.#index.has(hash) || length > this.#budget) return;
    this.#note(hash, length, Date.now());
    this.#evict();
    const had = this.#total;
    this.#store.put('pieces', hash + length, bytes).then(
      () => this.#tell({ kept: [hash, length] }),
      () => this.#yield(hash, had),
    );
    this.#save();
  }
  /** Most likely QuotaExceededError. The site's own storage goes before ours, and would be refused next: half of what we had goes. */
  #yield(/** @type {string} */ hash, /** @type {number} */ had) {
    this.#forget(hash);
    this.#budget = Math.min(this.#budget, Math.max(had / 2, LEAST));
    this.#evict();
  }

  #note(/** @type {string} */ hash, /** @type {number} */ size, /** @type {number} */ used) {
    if (this.#index.has(hash)) return;
    this.#index.set(hash, { size, used });
    this.#total += size;
  }

  #forget(/** @type {string} */ hash) {
    this.#total -= this.#index.get(hash)?.size ?? 0;
    this.#index.delete(hash);
  }

  #evict() {
    if (!this.#persist || this.#total <= this.#budget) return;
    for (const [hash, { size }] of [...this.#index].sort((a, b) => a[1].used - b[1].used)) {
      if (this.#total <= this.#budget * 0.95) break;
      this.#forget(hash);
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
