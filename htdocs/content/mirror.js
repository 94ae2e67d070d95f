/** The circle mirror: the bytes of a media from memory, storage or neighbours, verified. Hides who supplied it; what none of them brings in time is
 * for whoever reads to get from an origin, and comes past here, too. Each missing piece is a Job; every 50 ms, and whenever something happens,
 * decide() looks at each: who is asked, who has stopped moving, who is waited for. The measure is slack: for how many seconds the page can do
 * without the piece. It also says which pieces a neighbour may have, and which neighbour has lied or was too slow. */
import { changed, readHead, recheck } from './origin.js';
import { must, now, sha256 } from '../util/bytes.js';
import { bare, plain } from '../util/names.js';
/** @typedef {import('./manifest.js').Media} Media
 * @typedef {import('../meet/peer.js').Peer} Peer
 * @typedef {{slack: number, playing: boolean, rate: number}} Need seconds the page can wait for its next byte; whether it goes on
 *   reading; seconds of play in a byte
 * @typedef {{media: Media, at: number, last: number, need: () => Need}} Reader at: the piece that it waits for; last: that it will want
 * @typedef {{next(at: number, end: number): Promise<Uint8Array>, close(): void}} Reading next(): from byte `at` to where its piece ends, or to `end` (exclusive); it
 *   fails when an origin is to bring what is there, or the media was withdrawn, and may be tried again
 * @typedef {{media: Media, index: number, hash: string, size: number, born: number, here?: boolean, readers: Set<Reader>, tries: Set<Peer>, failed: Set<Peer>, over: AbortController,
 *   result: Promise<Uint8Array>, done: (b: Uint8Array) => void, fail: (e: Error) => void}} Job here: it has come, and is looked at
 * @typedef {{pieces: import('./pieces.js').Pieces, peers(): Peer[], coming(): boolean, ban(peer: Peer, why: 'lied'|'slow'): void,
 *   got(media: Media, index: number): void, reads(media: Media): void, withdrawn(media: Media): void}} Surroundings coming: whether one may be there soon;
 *   reads: for the first time in this page life */

const AHEAD = 8,
  PEER_CAP = 4,
  STALLED_MS = 600,
  FRAMES = 131e6, // at this rate in bytes a second two of them come in a millisecond
  COMING = 2, // seconds
  PATIENCE_MS = 8000,
  FRESH_MS = 5000,
  STALE_MS = 7000,
  STRIKES = 3,
  PARTS = 16;

export class Mirror {
  #around;
  #timer = 0;
  #kicked = false;
  /** differs between neighbours, so that not all of them ask an origin for the same piece at the same moment */
  #margin = 0.6 + 0.6 * Math.random();
  #jobs = /** @type {Map<string, Job>} */ (new Map());
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
    this.#byUrl = new Map(media.flatMap(m => m.urls.map(url => [plain(url), m])));
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
    const index = Math.floor(at / media.piece),
      peers = this.#around.peers();
    return this.has(media, index) || peers.some(p => now() > p.rests && p.has(media.root, index));
  }
  /** How far an origin is to bring it: until the page can wait for neighbours, who have some of it, or are about to come; nobody: to the end.
   * @param {Media} media @param {number} at @param {Need} need */
  run(media, at, { slack, rate }) {
    const { piece } = media,
      index = Math.floor(at / piece);
    let n = 1;
    while (n < AHEAD && slack + n * piece * rate < this.#margin + this.#due(media, index + n)) n++;
    return this.#due(media, index) < Infinity ? (index + n) * piece : Infinity;
  }
  /** Whether the page can wait for neighbours, who have some of it, to bring what comes next. For somebody who is still to come no origin that is at work
   * is stopped. @param {Media} media @param {number} at @param {Need} need */
  hopes(media, at, { slack }) {
    return slack > this.#margin + this.#due(media, Math.floor(at / media.piece), 0);
  }
  /** In how many seconds one of those that have some of it may bring this piece, or somebody who is still to come; Infinity: nobody.
   * @param {Media} media @param {number} index @param {any} [coming] @param {Peer[]} [peers] */
  #due(media, index, coming = this.#around.coming(), peers = this.#around.peers()) {
    const piece = { hash: media.hashes[index], size: media.piece },
      known = peers.filter(p => p.knows(media.root)).map(p => p.due(piece));
    return media.whole ? Infinity : Math.min(coming ? COMING : Infinity, ...known);
  }
  /** The bytes of the file, piece by piece, as fast as the consumer takes them. What is closed stops at once.
   * @param {Media} media @param {string} url @param {() => Need} need @returns {Reading} */
  read(media, url, need) {
    this.reads(media);
    const reader = { media, at: 0, last: 0, need },
      valid = () => this.#valid(media, url);
    return {
      next: async (at, end) => {
        const index = (reader.at = Math.floor(at / media.piece)),
          from = index * media.piece;
        reader.last = Math.floor((end - 1) / media.piece);
        if (this.has(media, index) || this.#around.peers().length) valid().catch(() => {});
        const piece = this.#want(reader, index);
        this.#readAhead(reader);
        const bytes = await piece;
        await valid();
        if (reader.at == index) reader.at = index + 1;
        return bytes.subarray(at - from, end - from);
      },
      close: () => this.#release(reader),
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
    const looks = [];
    this.bytes.origin += bytes.length;
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
    return Promise.all(looks);
  }
  /** @param {Media} media @param {number} index @param {Uint8Array} bytes */
  async #whole(media, index, bytes) {
    const hash = media.hashes[index];
    this.#parts.delete(hash);
    if ((await sha256(bytes)) != hash) {
      media.wrong ??= true;
      return this.withdraw(media);
    }
    const job = this.#jobs.get(hash);
    job ? this.#finish(job, bytes) : this.#keep(media, index, bytes);
  }
  /** For a neighbour. @param {string} hash @returns {Promise<Uint8Array|null>} */
  async supply(hash) {
    const { pieces } = this.#around,
      told = () => [...this.shown].some(m => !m.withdrawn && m.hashes.includes(hash));
    return pieces.has(hash) && told() ? pieces.get(hash) : null;
  }
  /** Something changed: look again. */
  kick() {
    // not by a timer: those are slow in a hidden tab
    if (!this.#kicked) queueMicrotask(() => this.#tick());
    this.#kicked = true;
  }

  /** Its origin has another file now. @param {Media} media */
  #other(media) {
    media.wrong = false;
    this.withdraw(media);
  }
  withdraw(/** @type {Media} */ media) {
    if (media.withdrawn) return;
    media.withdrawn = true;
    for (const job of this.#jobs.values()) if (job.media == media) this.#finish(job);
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
    const job = this.#jobs.get(hash) ?? this.#job(media, index, hash);
    job.readers.add(reader);
    this.kick();
    return job.result;
  }
  /** @param {Media} media @param {number} index @param {string} hash @returns {Job} */
  #job(media, index, hash) {
    const job = /** @type {any} */ ({
      media,
      index,
      hash,
      size: Math.min(media.piece, media.size - index * media.piece),
      born: now(),
      readers: new Set(),
      tries: new Set(),
      failed: new Set(),
      over: new AbortController(),
    });
    job.result = new Promise((done, fail) => Object.assign(job, { done, fail }));
    job.result.catch(() => {});
    this.#jobs.set(hash, job);
    return job;
  }
  /** Asks neighbours for what a playing page will want next. */
  #readAhead(/** @type {Reader} */ reader) {
    const end = Math.min(reader.last, reader.at + AHEAD);
    for (let i = reader.at + 1; i <= end && reader.need().playing; i++)
      if (!this.has(reader.media, i)) this.#want(reader, i).catch(() => {});
  }
  /** What only this reader wanted is stopped. */
  #release(/** @type {Reader} */ reader) {
    reader.last = -1;
    for (const job of this.#jobs.values())
      if (job.readers.delete(reader) && !job.readers.size) this.#finish(job);
  }

  #tick() {
    this.#kicked = false;
    clearTimeout(this.#timer);
    const jobs = [...this.#jobs.values()]
      .map(job => ({ job, slack: this.#slack(job) }))
      .sort((a, b) => a.slack - b.slack);
    for (const { job, slack } of jobs) this.#decide(job, slack);
    if (this.#jobs.size) this.#timer = +setTimeout(() => this.#tick(), 50);
  }
  /** What is read ahead can wait. */
  #slack(/** @type {Job} */ job) {
    const waits = [...job.readers].filter(reader => reader.at == job.index);
    return Math.min(...waits.map(reader => reader.need().slack));
  }

  #decide(/** @type {Job} */ job, /** @type {number} */ slack) {
    const { tries } = job,
      margin = this.#margin; // about what an origin needs
    const stands = (/** @type {Peer} */ p) =>
      now() - p.moved > Math.max(slack < 3 ? STALLED_MS : 2000, FRAMES / p.rate);
    if (job.here || [...tries].some(p => !stands(p) && p.due(job) <= Math.max(slack, margin)))
      return;
    const peer = tries.size < 3 && this.#pick(job, Math.max(slack - margin, margin));
    if (!peer && this.#canWait(job, slack)) return;
    // somebody else is to bring it; however many pieces they owe, that is one standstill
    for (const slow of [...tries].filter(stands)) {
      if (now() > slow.rests && ++slow.strikes >= STRIKES) this.#around.ban(slow, 'slow');
      slow.rests = now() + 2000;
    }
    peer ? this.#ask(job, peer) : this.#finish(job);
  }
  /** Whether neighbours who have some of the file, or are about to come, may still bring it in time. */
  #canWait(/** @type {Job} */ job, /** @type {number} */ slack) {
    const due = this.#due(job.media, job.index, undefined, this.#untried(job));
    return slack > this.#margin + due && now() - job.born < PATIENCE_MS;
  }
  /** @param {Job} job @param {number} most seconds @returns {Peer|undefined} the neighbour that would bring it first */
  #pick(job, most) {
    const { media, index } = job;
    return this.#untried(job)
      .filter(p => p.inflight < PEER_CAP && now() > p.rests && p.has(media.root, index))
      .filter(p => p.due(job) <= most)
      .sort((a, b) => a.due(job) - b.due(job))[0];
  }
  /** Who was not asked for it. */
  #untried(/** @type {Job} */ job) {
    return this.#around.peers().filter(p => !job.failed.has(p) && !job.tries.has(p));
  }

  async #ask(/** @type {Job} */ job, /** @type {Peer} */ peer) {
    const { hash, size, over, tries } = job;
    tries.add(peer);
    try {
      const bytes = await peer.get(hash, size, over.signal);
      job.here = true;
      if ((await sha256(bytes)) != hash) return this.#around.ban(peer, 'lied');
      peer.strikes = 0;
      if (!over.signal.aborted) this.bytes.peers += size;
      this.#finish(job, bytes);
    } catch (error) {
      const why = /** @type {Error} */ (error).message;
      if (why == 'busy') peer.rests = now() + 300;
      else if (why == 'off') peer.up = false;
      else job.failed.add(peer);
    } finally {
      job.here = false;
      tries.delete(peer);
      this.kick();
    }
  }
  /** @param {Job} job @param {Uint8Array} [bytes] verified; without: nobody here brings it */
  #finish(job, bytes) {
    const { media, index, hash, over } = job;
    if (over.signal.aborted) return;
    this.#jobs.delete(hash);
    over.abort();
    if (!bytes) return job.fail(new Error('nobody'));
    this.#keep(media, index, bytes);
    job.done(bytes);
  }
  /** @param {Media} media @param {number} index @param {Uint8Array} bytes verified */
  #keep(media, index, bytes) {
    this.#counted.add(media.hashes[index]);
    this.#around.pieces.put(media.hashes[index], bytes);
    this.#around.got(media, index);
  }
}
