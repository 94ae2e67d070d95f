/** Verified pieces by SHA-256 (hex), within a byte budget: hides memory, storage and who is evicted. */
import { within } from '../util/bytes.js';

const HOT = 16 << 20; // bytes kept in memory as well: what viewers read and neighbours ask for now

export class Pieces {
  #store;
  #budget;
  #total = 0;
  #saving = 0;
  #hotBytes = 0;
  #index = /** @type {Map<string, {size: number, used: number}>} */ (new Map());
  #hot = /** @type {Map<string, Uint8Array>} */ (new Map());
  #persist = false;
  held = 0; // bytes that storage held when the page opened
  /** @param {import('./store.js').Store} store @param {number} budget in bytes */
  constructor(store, budget = 256 << 20) {
    this.#store = store;
    this.#budget = budget;
  }
  /** Learns what storage holds; a piece the index does not know (the page died before it was saved) counts as 256 KiB. */
  async open() {
    const [index, hashes] = await Promise.all([
      within(this.#store.get('kv', 'index'), 1000, null),
      within(this.#store.keys('pieces'), 2000, []),
    ]);
    const saved = new Map(index ?? []);
    for (const hash of hashes ?? saved.keys()) {
      const entry = saved.get(hash) ?? { size: 256 << 10, used: 0 };
      this.#index.set(hash, entry);
      this.held = this.#total += entry.size;
    }
    return this;
  }
  /** Whether to write to storage: only one tab does, also what it had before. */
  set persist(/** @type {boolean} */ on) {
    this.#persist = on;
    for (const [hash, bytes] of [...this.#hot]) this.put(hash, bytes);
  }

  has(/** @type {string} */ hash) {
    return this.#hot.has(hash) || this.#index.has(hash);
  }
  /** @param {string} hash @returns {Promise<Uint8Array|null>} */
  async get(hash) {
    const entry = this.#index.get(hash),
      hot = this.#hot.get(hash);
    if (entry) entry.used = Date.now();
    if (hot || !entry) return hot ?? null;
    const bytes = await within(this.#store.get('pieces', hash), 1500, null);
    if (bytes instanceof Uint8Array) return this.#heat(hash, bytes);
    this.delete(hash);
    return null;
  }
  /** @param {string} hash @param {Uint8Array} bytes whose SHA-256 is hash: the caller has checked */
  put(hash, bytes) {
    this.#heat(hash, bytes);
    if (!this.#persist || this.#index.has(hash) || bytes.length > this.#budget) return;
    this.#index.set(hash, { size: bytes.length, used: Date.now() });
    this.#total += bytes.length;
    this.#evict();
    this.#store.put('pieces', hash, bytes).catch(() => {
      // most likely QuotaExceededError: live within what fits
      this.delete(hash);
      this.#budget = Math.max(this.#total * 0.9, 1 << 20);
      this.#evict();
    });
    this.#save();
  }

  delete(/** @type {string} */ hash) {
    this.#total -= this.#index.get(hash)?.size ?? 0;
    this.#index.delete(hash);
    this.#hotBytes -= this.#hot.get(hash)?.length ?? 0;
    this.#hot.delete(hash);
    this.#store.delete('pieces', hash).catch(() => {});
    this.#save();
  }

  #evict() {
    if (this.#total <= this.#budget) return;
    for (const [hash] of [...this.#index].sort((a, b) => a[1].used - b[1].used)) {
      if (this.#total <= this.#budget * 0.95) break;
      this.delete(hash);
    }
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
      this.#store.put('kv', 'index', [...this.#index]).catch(() => {});
    }, 1000);
  }
}
