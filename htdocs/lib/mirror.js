/** The circle mirror: any byte of a media from memory, storage, neighbours or an origin, verified. Hides who supplied it.
 * Each missing piece is a Job; every 50 ms, and whenever something happens, decide() looks at each: who is asked, who has stopped
 * moving, who is waited for. The measure is slack: for how many seconds the page can do without the piece. */
import { Changed, fetchPieces, recheck } from './origin.js';
import { sha256, toHex } from './bytes.js';

/** @typedef {import('./manifest.js').Media} Media
 * @typedef {import('./peer.js').Peer} Peer
 * @typedef {{slack: number, playing: boolean, rate: number}} Need seconds the page can wait for its next byte; whether it goes on
 *   reading; seconds of play in a byte
 * @typedef {{media: Media, url: string, at: number, last: number, ahead: number, born: number, need: () => Need, jobs: Set<Job>}} Reader
 * @typedef {{from: Peer|null, moved: number, stop: AbortController}} Try from: null is the origin
 * @typedef {{media: Media, index: number, hash: string, born: number, readers: Set<Reader>, tries: Set<Try>, failed: Set<Peer>,
 *   result: Promise<Uint8Array>, done: (b: Uint8Array) => void, fail: (e: Error) => void, over: boolean}} Job
 * @typedef {{pieces: import('./pieces.js').Pieces, peers(): Peer[], expecting(): boolean, ban(peer: Peer, why: string): void,
 *   got(media: Media, index: number): void, withdrawn(media: Media): void}} Surroundings */

const AHEAD = 8, PEER_CAP = 4, STALLED_MS = 600, PATIENCE_MS = 5000, FRESH_MS = 6000, STALE_MS = 8000, ORIGINS = 6;

export class Mirror {
  #around; #timer = 0; #originTime = 0.3;
  #origins = 0; #down = 0; #retry = 1000;
  /** differs between neighbours, so that not all of them ask an origin for the same piece at the same moment */
  #patience = 2 + 3 * Math.random();
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  /** @type {Map<string, {media: Media, index: number}>} */
  #byHash = new Map();
  /** @type {Map<string, Media>} */
  #byUrl = new Map();
  /** @type {Set<string>} fetched in this page life: not storage's merit */
  #fresh = new Set();
  /** @type {Map<Media, Promise<void>>} */
  #checks = new Map();
  /** @type {Media[]} */
  media = [];
  version = 0;
  bytes = { storage: 0, peers: 0, origin: 0 };

  /** @param {Surroundings} around */
  constructor(around) { this.#around = around; }

  /** @param {import('./manifest.js').Manifest} manifest verified; media that stay the same keep what is known of them */
  use({ version, media }) {
    const same = new Map(this.media.map(m => [`${m.path}:${m.root}:${m.mtime}`, m]));
    this.version = version;
    this.media = media.map(m => Object.assign(same.get(`${m.path}:${m.root}:${m.mtime}`) ?? m, { index: m.index, urls: m.urls }));
    this.#byHash = new Map(this.media.flatMap(m => m.withdrawn ? [] : m.hashes.map((hash, index) => [hash, { media: m, index }])));
    this.#byUrl = new Map(this.media.flatMap(m => m.urls.map(url => [url, m])));
  }

  get urls() { return [...this.#byUrl.keys()]; }

  /** @param {string} url @returns {Media|undefined} */
  find(url) { return this.#byUrl.get(url); }

  /** @param {Media} media @returns {number} pieces we have */
  count(media) { return media.withdrawn ? 0 : media.hashes.filter(h => this.#around.pieces.has(h)).length; }

  /** Bytes start..end (exclusive) of the file, piece by piece, as fast as the consumer takes them.
   * @param {Media} media @param {string} url @param {number} start @param {number} end @param {() => Need} need */
  async *read(media, url, start, end, need) {
    const last = Math.floor((end - 1) / media.piece), at = Math.floor(start / media.piece);
    /** @type {Reader} */
    const reader = { media, url, at, last, ahead: at, born: performance.now(), need, jobs: new Set() };
    if (this.#around.pieces.has(media.hashes[at]) || this.#around.peers().length) this.#valid(media, url).catch(() => {});
    try {
      for (; reader.at <= last; reader.at++) {
        const bytes = await this.#want(media, reader.at, reader);
        await this.#valid(media, url);
        const from = reader.at * media.piece;
        yield bytes.subarray(Math.max(0, start - from), Math.min(bytes.length, end - from));
        this.#readAhead(reader);
      }
    } finally { this.#release(reader); }
  }

  /** The first pieces, before the page asks. @param {Media} media @param {string} url @param {number} count */
  prefetch(media, url, count) {
    /** @type {Reader} */
    const reader = { media, url, at: 0, last: count - 1, ahead: 0, born: performance.now(), jobs: new Set(),
      need: () => ({ slack: 0, playing: false, rate: 0 }) };
    const all = media.hashes.slice(0, count).map((_, i) => this.#want(media, i, reader).catch(() => {}));
    return Promise.all(all).finally(() => this.#release(reader));
  }

  /** For a neighbour, or for another tab (which may have it fetched). @param {string} hash @param {boolean} fetchIt
   * @returns {Promise<Uint8Array|null>} */
  async supply(hash, fetchIt) {
    const known = this.#byHash.get(hash);
    if (!known || known.media.withdrawn) return null;
    const bytes = await this.#around.pieces.get(hash);
    if (bytes || !fetchIt) return bytes;
    const reader = { media: known.media, url: known.media.urls[0], at: known.index, last: known.index, ahead: known.index,
      born: performance.now(), jobs: new Set(), need: () => ({ slack: 0.9, playing: false, rate: 0 }) };
    return this.#want(known.media, known.index, reader).finally(() => this.#release(reader));
  }

  /** Something changed: look again. */
  kick() { if (this.#jobs.size && !this.#timer) this.#timer = +setTimeout(() => this.#tick(), 0); }

  /** @param {Media} media */
  withdraw(media) {
    if (media.withdrawn) return;
    media.withdrawn = true;
    for (const hash of media.hashes) this.#byHash.delete(hash);
    for (const job of [...this.#jobs.values()]) if (job.media == media) this.#finish(job, null, new Changed(media.path));
    this.#around.withdrawn(media);
  }

  /** Throws when the origin has another file; waits only when nobody has looked for 8 s. @param {Media} media @param {string} url */
  async #valid(media, url) {
    if (media.withdrawn) throw new Changed(media.path);
    const age = performance.now() - media.checked;
    if (age < FRESH_MS) return;
    if (!this.#checks.has(media)) {
      const check = recheck(media, url).catch(error => { this.withdraw(media); throw error; }).finally(() => this.#checks.delete(media));
      check.catch(() => {});
      this.#checks.set(media, check);
    }
    if (age > STALE_MS) await this.#checks.get(media);
  }

  /** @param {Media} media @param {number} index @param {Reader} reader @returns {Promise<Uint8Array>} */
  async #want(media, index, reader) {
    const hash = media.hashes[index], { pieces } = this.#around;
    if (!this.#jobs.has(hash) && pieces.has(hash)) {
      const bytes = await pieces.get(hash);
      if (bytes && !this.#fresh.has(hash)) this.bytes.storage += bytes.length;
      this.#fresh.add(hash);
      if (bytes) return bytes;
    }
    const job = this.#jobs.get(hash) ?? this.#job(media, index, hash);
    job.readers.add(reader);
    reader.jobs.add(job);
    this.kick();
    return job.result;
  }

  /** @param {Media} media @param {number} index @param {string} hash @returns {Job} */
  #job(media, index, hash) {
    /** @type {any} */
    const job = { media, index, hash, born: performance.now(), readers: new Set(), tries: new Set(), failed: new Set(), over: false };
    job.result = new Promise((done, fail) => Object.assign(job, { done, fail }));
    job.result.catch(() => {});
    this.#jobs.set(hash, job);
    return job;
  }

  /** Asks for what a playing page will want next; half a window at once, so that an origin gets few requests. @param {Reader} reader */
  #readAhead(reader) {
    if (!reader.need().playing || reader.ahead - reader.at > AHEAD / 2) return;
    const end = Math.min(reader.last, reader.at + AHEAD);
    for (let i = Math.max(reader.ahead, reader.at) + 1; i <= end; i++) {
      if (!this.#around.pieces.has(reader.media.hashes[i])) this.#want(reader.media, i, reader).catch(() => {});
    }
    reader.ahead = end;
  }

  /** @param {Reader} reader is gone: what only it wanted is stopped */
  #release(reader) {
    for (const job of reader.jobs) {
      job.readers.delete(reader);
      if (!job.readers.size && !job.over) this.#finish(job, null, new Error('nobody reads it'));
    }
  }

  #tick() {
    this.#timer = 0;
    const jobs = [...this.#jobs.values()].map(job => ({ job, slack: this.#slack(job) })).sort((a, b) => a.slack - b.slack);
    for (const { job, slack } of jobs) if (!job.over) this.#decide(job, slack);
    if (this.#jobs.size) this.#timer ||= +setTimeout(() => this.#tick(), 50);
  }

  /** @param {Job} job */
  #slack(job) {
    return Math.min(...[...job.readers].map(reader => {
      const { slack, rate } = reader.need();
      return slack + Math.max(0, job.index - reader.at) * job.media.piece * rate;
    }));
  }

  /** @param {Job} job @param {number} slack */
  #decide(job, slack) {
    const now = performance.now(), tries = [...job.tries];
    if (tries.some(t => now - t.moved < (slack < 3 ? STALLED_MS : 2000)) || tries.length > 2) return;
    const peer = this.#pick(job, now);
    if (peer) return void this.#ask(job, peer);
    if (tries.some(t => !t.from) || this.#canWait(job, slack, now) || now < this.#down || this.#origins >= ORIGINS) return;
    const run = [job];
    for (let next; run.length < AHEAD && (next = this.#jobs.get(job.media.hashes[job.index + run.length])); run.push(next)) {
      if (next.tries.size || next.media != job.media || this.#pick(next, now) || this.#canWait(next, this.#slack(next), now)) break;
    }
    this.#fetch(run);
  }

  /** Whether neighbours may still bring it in time. @param {Job} job @param {number} slack @param {number} now */
  #canWait(job, slack, now) {
    const ready = this.#around.peers(), patient = now - job.born < PATIENCE_MS;
    const margin = 0.5 + 2 * this.#originTime;
    const asked = new Set([...job.tries].map(t => t.from));
    if (ready.some(p => p.has(job.media.root, job.index) && !job.failed.has(p) && !asked.has(p))) return slack > margin && now - job.born < 2 * PATIENCE_MS;
    if (!patient) return false;
    if (ready.some(p => job.media.hashes.some((_, i) => p.has(job.media.root, i)))) return slack > margin + this.#patience;
    return this.#around.expecting() && slack > margin;
  }

  /** @param {Job} job @param {number} now @returns {Peer|undefined} the neighbour that would bring it first */
  #pick(job, now) {
    const able = this.#around.peers().filter(p => p.inflight < PEER_CAP && now > p.rests && !job.failed.has(p) &&
      p.has(job.media.root, job.index) && ![...job.tries].some(t => t.from == p));
    const cost = (/** @type {Peer} */ p) => (p.inflight + 1) / p.speed;
    return able.sort((a, b) => cost(a) - cost(b))[0];
  }

  /** @param {Job} job @param {Peer} peer */
  async #ask(job, peer) {
    const size = Math.min(job.media.piece, job.media.size - job.index * job.media.piece), began = performance.now();
    /** @type {Try} */
    const attempt = { from: peer, moved: began, stop: new AbortController() };
    job.tries.add(attempt);
    try {
      const bytes = await peer.get(job.hash, size, attempt.stop.signal, () => { attempt.moved = performance.now(); });
      if (toHex(await sha256(bytes)) != job.hash) return this.#around.ban(peer, 'lied');
      peer.strikes = 0;
      peer.speed += 0.3 * (size / (performance.now() - began) * 1000 - peer.speed);
      if (!job.over) this.bytes[peer.tab ? 'storage' : 'peers'] += size;
      this.#finish(job, bytes);
    } catch (error) { this.#refused(job, peer, /** @type {Error} */ (error).message); } finally { this.#ended(job, attempt); }
  }

  /** @param {Job} job @param {Peer} peer @param {string} why */
  #refused(job, peer, why) {
    if (why == 'busy') peer.rests = performance.now() + 300;
    else if (why == 'off') peer.up = false;
    else if (why != 'stopped') job.failed.add(peer);
  }

  /** @param {Job[]} run jobs of neighbouring pieces, one request */
  async #fetch(run) {
    const { media, index } = run[0], url = [...run[0].readers][0]?.url ?? media.urls[0], began = performance.now();
    /** @type {Try} */
    const attempt = { from: null, moved: began, stop: new AbortController() };
    for (const job of run) job.tries.add(attempt);
    this.#origins++;
    /** @type {Promise<void>[]} */
    const checks = [];
    const got = async (/** @type {number} */ i, /** @type {Uint8Array} */ bytes) => {
      toHex(await sha256(bytes)) == media.hashes[i] ? this.#finish(run[i - index], bytes) : this.withdraw(media);
    };
    try {
      await fetchPieces(media, url, index, index + run.length - 1, attempt.stop.signal, (i, bytes) => checks.push(got(i, bytes)), n => {
        attempt.moved = performance.now();
        this.bytes.origin += n;
      });
      await Promise.all(checks);
      this.#originTime += 0.3 * ((performance.now() - began) / 1000 / run.length - this.#originTime);
      this.#retry = 1000;
    } catch (error) { this.#originFailed(media, run, error); } finally {
      this.#origins--;
      for (const job of run) this.#ended(job, attempt);
    }
  }

  /** @param {Media} media @param {Job[]} run @param {any} error */
  #originFailed(media, run, error) {
    if (error instanceof Changed) return this.withdraw(media);
    if (run.every(job => job.over)) return;
    this.#down = performance.now() + this.#retry;
    this.#retry = Math.min(this.#retry * 2, 15000);
    if (!this.#around.peers().length && !this.#around.expecting()) for (const job of run) this.#finish(job, null, error);
  }

  /** @param {Job} job @param {Try} attempt */
  #ended(job, attempt) {
    job.tries.delete(attempt);
    this.kick();
  }

  /** @param {Job} job @param {Uint8Array|null} bytes verified @param {Error} [error] */
  #finish(job, bytes, error) {
    if (job.over) return;
    job.over = true;
    this.#jobs.delete(job.hash);
    const now = performance.now();
    for (const attempt of job.tries) {
      if (attempt.from && bytes && now - attempt.moved > STALLED_MS) this.#overtaken(attempt.from);
      const shared = !attempt.from && [...this.#jobs.values()].some(other => other.tries.has(attempt));
      if (!shared) attempt.stop.abort();
    }
    if (!bytes) return job.fail(error ?? new Error('failed'));
    this.#fresh.add(job.hash);
    this.#around.pieces.put(job.hash, bytes);
    this.#around.got(job.media, job.index);
    job.done(bytes);
  }

  /** @param {Peer} peer that somebody else was quicker than */
  #overtaken(peer) {
    peer.rests = performance.now() + 2000;
    if (++peer.strikes > 2) peer.close('slow');
  }
}
