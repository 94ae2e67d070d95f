/** The circle mirror: the bytes of a media from memory, storage or neighbours, verified. Hides who supplied it; what none of them brings in time is
 * for whoever reads to get from an origin, and comes past here, too. Which neighbour brings what is exchange/exchange.js's. It also says which pieces a
 * neighbour may have. */
import { bring, changed, readHead, recheck } from './origin.js';
import { Exchange } from '../exchange/exchange.js';
import { must, now, sha256 } from '../util/bytes.js';
import { bare, plain } from '../util/names.js';
/** @typedef {import('./manifest.js').Media} Media
 * @typedef {import('../meet/peer.js').Peer} Peer
 * @typedef {{slack: number, playing: boolean, rate: number}} Need seconds the page can wait for its next byte; whether it goes on
 *   reading; seconds of play in a byte
 * @typedef {{media: Media, url: string, at: number, last: number, need: () => Need, run: {from: number, to: number, at: number, moved: number, bytes: number}|null}} Reader at: the
 *   piece that it waits for; last: that it will want; run: pieces that an origin brings, since when, the last byte's time, how many bytes
 * @typedef {{next(at: number, end: number): Promise<Uint8Array>, run(at: number, end: number): number, ends(at: number): boolean, close(): void}} Reading run(): how far an origin is to
 *   bring it; ends(): whether it may end there; next(): from byte `at` to where its piece ends, or to `end` (exclusive); it
 *   fails when an origin is to bring what is there, or the media was withdrawn, and may be tried again
 * @typedef {{pieces: import('./pieces.js').Pieces, peers(): Peer[], coming(): boolean, crowd(): boolean, gives(): boolean, ban(peer: Peer): void,
 *   claim(media: Media, claim: number[], by?: Peer): void,
 *   got(media: Media, index: number): void, reads(media: Media): void, withdrawn(media: Media): void}} Surroundings coming: whether one may be there soon;
 *   reads: for the first time in this page life */

const FRESH_MS = 5000,
  STALE_MS = 7000,
  PARTS = 16;

export class Mirror {
  #around;
  #exchange;
  /** what neighbours were told of, and may ask for */
  shown = /** @type {Set<Media>} */ (new Set());
  /** what the page in hand reads */
  reading = /** @type {Set<Media>} */ (new Set());
  #byRoot = /** @type {Map<string, Media>} */ (new Map());
  #byUrl = /** @type {Map<string, Media>} */ (new Map());
  #others = /** @type {Set<string>} */ (new Set()); // addresses that bring one of these files, too
  /** pieces of which an origin has brought the beginning, by hash */
  #parts = /** @type {Map<string, {bytes: Uint8Array, filled: number}>} */ (new Map());
  /** counted in this page life */
  #counted = /** @type {Set<string>} */ (new Set());
  media = /** @type {Media[]} */ ([]);
  version = 0;
  bytes = { storage: 0, peers: 0, origin: 0 };
  /** @param {Surroundings} around */
  constructor(around) {
    this.#around = around;
    this.#exchange = new Exchange({
      ...around,
      has: (media, i) => this.has(media, i),
      keep: (media, i, bytes) => this.#keep(media, i, bytes),
      came: n => (this.bytes.peers += n),
      bring: ({ media, url }, i) => bring(this, media, url, i * media.piece, media.piece),
    });
  }
  /** @param {import('./manifest.js').Manifest} manifest verified */
  use({ version, media }) {
    this.version = version;
    this.media = media;
    const read = [...this.reading];
    this.shown.clear();
    this.reading.clear();
    this.#byRoot = new Map(media.map(m => [m.root, m]));
    for (const m of this.named(read.map(m => m.root))) this.reads(m);
    this.#byUrl = new Map(media.flatMap(m => m.names.map(name => [name, m])));
    this.#others.clear();
  }

  /** Those that have one of these roots. */
  named(/** @type {string[]} */ roots) {
    return [...new Set(roots)].flatMap(root => this.#byRoot.get(root) ?? []);
  }
  /** as the worker compares them */
  get urls() {
    return [...this.#byUrl.keys()];
  }
  /** The page asks for it. */
  reads(/** @type {Media} */ media) {
    if (this.reading.has(media)) return;
    this.reading.add(media);
    this.shown.add(media);
    this.#around.reads(media);
  }
  find(/** @type {string} */ url) {
    return this.#byUrl.get(plain(url)) ?? this.#byUrl.get(bare(plain(url)));
  }
  /** Whether what find() found is what this address brings. */
  sure(/** @type {string} */ url) {
    return this.#byUrl.has(plain(url)) || this.#others.has(url);
  }
  has(/** @type {Media} */ media, /** @type {number} */ index) {
    return !media.withdrawn && this.#around.pieces.has(media.hashes[index]);
  }
  count(/** @type {Media} */ media) {
    return media.hashes.filter((_, i) => this.has(media, i)).length;
  }
  /** Whether the byte is here, or at a neighbour's. @param {Media} media @param {number} at */
  ready(media, at) {
    const index = Math.floor(at / media.piece);
    return (
      this.has(media, index) ||
      this.#around.peers().some(p => now() > p.rests && p.has(media.root, index))
    );
  }
  /** The bytes of the file, piece by piece, as fast as the consumer takes them. What is closed stops at once.
   * @param {Media} media @param {string} url @param {() => Need} need @returns {Reading} */
  read(media, url, need) {
    this.reads(media);
    const exchange = this.#exchange,
      reader = /** @type {Reader} */ ({ media, url, at: 0, last: 0, need, run: null }),
      piece = (/** @type {number} */ at) => Math.floor(at / media.piece),
      valid = () => this.#valid(media, url);
    return {
      run: (at, end) => {
        reader.last = piece(end - 1);
        return exchange.run(reader, (reader.at = piece(at))) * media.piece;
      },
      ends: at => exchange.ends(reader, piece(at)),
      next: async (at, end) => {
        const index = (reader.at = piece(at)),
          from = index * media.piece;
        exchange.goes(reader, index);
        reader.last = piece(end - 1);
        if (this.has(media, index) || this.#around.peers().length) valid().catch(() => {});
        const bytes = await this.#want(reader, index);
        await valid();
        if (reader.at == index) reader.at = index + 1;
        return bytes.subarray(at - from, end - from);
      },
      close: () => ((reader.last = -1), exchange.release(reader)),
    };
  }
  /** What an origin said of a file that it brought the page.
   * @param {Media} media @param {string} url @param {number} status @param {Headers} headers @returns {boolean} whether it is the one of the manifest */
  seen(media, url, status, headers) {
    const head = readHead(status, headers);
    if (!this.sure(url)) {
      if (head.total != media.size || head.modified != media.mtime) return false;
      this.#others.add(url);
    }
    const other = changed(head, media, url);
    if (other) this.#other(media);
    return !other;
  }
  /** What an origin has brought: pieces that are whole and right are kept, and given to whoever waits for them.
   * @param {Media} media @param {number} at where in the file @param {Uint8Array} bytes @returns {Promise<any>} when they were looked at */
  came(media, at, bytes) {
    const looks = [],
      from = at,
      { length } = bytes;
    this.bytes.origin += length;
    while (bytes.length && !media.withdrawn && at < media.size) {
      const index = Math.floor(at / media.piece),
        hash = media.hashes[index],
        from = index * media.piece,
        size = Math.min(media.piece, media.size - from),
        now = bytes.subarray(0, from + size - at);
      if (at == from && !this.has(media, index))
        this.#parts.set(hash, { bytes: new Uint8Array(size), filled: 0 });
      // a player that asks again may begin before where it has left
      const part = this.#parts.get(hash);
      if (part && part.filled >= at - from) {
        part.bytes.set(now, at - from);
        part.filled = Math.max(part.filled, at - from + now.length);
        if (part.filled == size) looks.push(this.#whole(media, index, part.bytes));
      }
      at += now.length;
      bytes = bytes.subarray(now.length);
    }
    for (const hash of this.#parts.keys()) {
      if (this.#parts.size <= PARTS) break;
      this.#parts.delete(hash);
    }
    return Promise.all(looks).then(() => this.#exchange.flowed(media, from, length));
  }
  /** @param {Media} media @param {number} index @param {Uint8Array} bytes */
  async #whole(media, index, bytes) {
    const hash = media.hashes[index];
    this.#parts.delete(hash);
    if ((await sha256(bytes)) != hash) {
      media.wrong ??= true;
      return this.withdraw(media);
    }
    this.#exchange.arrived(media, index, bytes);
  }
  /** A neighbour says who fetches what. @param {string} root @param {number[]} claim @param {Peer} peer */
  claimed(root, claim, peer) {
    for (const media of this.named([root]))
      if (this.reading.has(media)) this.#exchange.claimed(media, claim, peer);
  }
  /** For a neighbour. @param {string} hash @returns {Promise<Uint8Array|null>} */
  async supply(hash) {
    const { pieces } = this.#around,
      told = (/** @type {Media} */ m) => !m.withdrawn && m.hashes.includes(hash);
    return pieces.has(hash) && [...this.shown].some(told) ? pieces.get(hash) : null;
  }
  /** Something changed: look again. */
  kick() {
    this.#exchange.kick();
  }

  /** Its origin has another file now. @param {Media} media */
  #other(media) {
    media.wrong = false;
    this.withdraw(media);
  }
  withdraw(/** @type {Media} */ media) {
    if (media.withdrawn) return;
    media.withdrawn = true;
    this.kick();
    this.#around.withdrawn(media);
  }
  /** Fails when the origin has another file; waits only when nobody has looked for 7 s. @param {Media} media @param {string} url */
  async #valid(media, url) {
    const age = now() - media.checked;
    if (age > FRESH_MS)
      media.check ??= recheck(media, url).then(other => {
        media.check = null;
        if (other) this.#other(media);
      });
    if (age > STALE_MS) await media.check;
    must(!media.withdrawn, media.path);
  }
  /** @param {Reader} reader @param {number} index @returns {Promise<Uint8Array>} */
  async #want(reader, index) {
    const { media } = reader,
      hash = media.hashes[index],
      bytes = this.has(media, index) && (await this.#around.pieces.get(hash));
    if (bytes && !this.#counted.has(hash)) this.bytes.storage += bytes.length;
    if (bytes) return (this.#counted.add(hash), bytes);
    must(index <= reader.last, 'closed'); // meanwhile
    return this.#exchange.want(reader, index);
  }
  /** @param {Media} media @param {number} index @param {Uint8Array} bytes verified */
  #keep(media, index, bytes) {
    if (this.has(media, index)) return;
    this.#counted.add(media.hashes[index]);
    this.#around.pieces.put(media.hashes[index], bytes);
    this.#around.got(media, index);
  }
}
