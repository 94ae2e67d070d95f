/** The exchange: who brings which block (a piece of the manifest) of a file, and when. Each one that a reader will want within a while is a Job with one
 * source at a time: the neighbour that is expected to bring it first, by its own word and by what it did. What nobody brings in time is the origin's to
 * bring to the reader, as to a page without us, a little at a time. Every 150 ms, and whenever something happens, all are looked at. The measure is
 * `due`: in how many seconds the page needs it. */
import { now, sha256 } from '../util/bytes.js';
/** @typedef {import('../content/manifest.js').Media} Media
 * @typedef {import('../meet/peer.js').Peer} Peer
 * @typedef {import('../content/mirror.js').Reader} Reader
 * @typedef {{peer: Peer, at: number, eta: number, first: number, bytes: number, moved: number, over: AbortController, here?: boolean}} Source at, eta, first,
 *   moved: when it was asked, is expected, its first byte, its last one came; here: all has come, and is looked at
 * @typedef {{i: number, size: number, hash: string, source: Source|null, failed: Map<Peer, number>, lot: number, waits: boolean,
 *   result: Promise<Uint8Array>, done: (b: Uint8Array) => void, fail: (e: Error) => void}} Job failed: who is not asked again until then; lot: so that not all ask
 *   for the same; waits: a reader does
 * @typedef {{media: Media, readers: Set<Reader>, jobs: Map<number, Job>, claims: Map<number, number>, fetches?: number}} Film claims: blocks that others fetch,
 *   until when that is believed; fetches: the one that we do, or did, ahead of its reader; if it does not come it was the last
 * @typedef {{peers(): Peer[], has(media: Media, i: number): boolean, keep(media: Media, i: number, bytes: Uint8Array): void, coming(): boolean, crowd(): boolean,
 *   claim(media: Media, claim: number[], by?: Peer): void, gives(): boolean, bring(reader: Reader, i: number): Promise<void>,
 *   ban(peer: Peer): void, came(bytes: number): void}} Around keep: what is verified; coming: whether a neighbour may be there soon; crowd: whether there are more
 *   visitors than a host bears; claim: tells neighbours, but for who said it; gives: whether we do; bring: from an origin, past no worker */

const TICK_MS = 150,
  WINDOW = 40, // seconds ahead of the reader
  BLOCKS = 64, // and blocks
  NEAR = 6, // seconds: up to here in their order, what is farther as few have it
  EACH = 5, // blocks that one neighbour owes, while another one has it, too
  URGENT = 1.5, // seconds before it is due that the origin is asked for what somebody has, or may have in a moment, and cannot bring in time
  MARGIN = 1, // seconds before it is due that a neighbour must be expected to bring it
  FRONT = 20, // seconds before it is due that the origin is asked for what nobody around has
  CLAIM_MS = 8000,
  CLAIMS = 4, // blocks of a run that are claimed
  HOPS = 3, // that a claim is passed on
  GIVES = 100, // bytes a ms of a neighbour that counts as one who has it
  SEEN_MS = 500, // after which the pace of an origin is known
  LOST_MS = 4000, // an origin without a byte; a neighbour
  DEAD_MS = 1500, // without a byte
  FAILED_MS = 3000,
  RUN = 131072, // bytes asked of the origin at once; where nobody has any of it, or the film's rate is not known yet
  ALONE = 524288,
  START = 2.5, // seconds that a newcomer has then
  RESTS = 4, // times as long as it was served in a crowd who is alone rests, where the origin gave less than the film's rate: it is full
  RESTS_MS = 30000;

/** Whether an origin brings this block of its run too late. @param {{from: number, at: number, bytes: number}} run @param {number} i @param {number} piece bytes
 * @param {number} due */
function trickles({ from, at, bytes }, i, piece, due) {
  const ms = now() - at;
  return ms > SEEN_MS && (((i + 1 - from) * piece - bytes) * ms) / bytes > 1000 * Math.max(due, 1);
}

export class Exchange {
  #around;
  #films = /** @type {Map<Media, Film>} */ (new Map());
  #timer = 0;
  #kicked = false;
  #rests = 0; // until when who is alone leaves a full origin alone
  /** @param {Around} around */
  constructor(around) {
    this.#around = around;
  }

  /** A reader waits for this block. @param {Reader} reader @param {number} i @returns {Promise<Uint8Array>} fails when the origin is to bring it to the reader, see run() */
  want(reader, i) {
    const film = this.#film(reader.media),
      job = this.#job(film, i);
    film.readers.add(reader);
    job.waits = true;
    this.kick();
    return job.result;
  }
  release(/** @type {Reader} */ reader) {
    this.#film(reader.media).readers.delete(reader);
    this.kick();
  }
  kick() {
    if (!this.#kicked) queueMicrotask(() => this.#tick());
    this.#kicked = true;
  }
  /** How far the origin is to bring what a reader asks it for: until others can. @param {Reader} reader @param {number} i @returns {number} block */
  run(reader, i) {
    const { media } = reader,
      { rate, slack } = reader.need(),
      { coming, crowd, has } = this.#around,
      { jobs, readers } = this.#film(media),
      some = this.#givers(media).length,
      held = this.#holders(media, i).length;
    const first = rate ? (START - slack) / rate : ALONE,
      bytes = some ? RUN : coming() ? first : crowd() ? ALONE : Infinity;
    let to = i + 1;
    while (
      to < Math.min(media.hashes.length, i + bytes / media.piece) &&
      !has(media, to) &&
      !jobs.get(to)?.source &&
      (held || !this.#holders(media, to).length)
    )
      to++;
    this.#around.claim(media, [i, Math.min(to, i + CLAIMS), HOPS]);
    const at = now(),
      all = media.whole || bytes == Infinity;
    reader.run = { from: i, to: all ? Infinity : to, at, moved: at, bytes: 0 };
    readers.add(reader);
    this.kick();
    return reader.run.to;
  }
  /** The origin has brought so many bytes. @param {Media} media @param {number} at @param {number} n */
  flowed(media, at, n) {
    const film = this.#film(media),
      reader = this.#running(film, Math.floor(at / media.piece)),
      run = reader?.run;
    if (!reader || !run) return;
    const { rate } = reader.need(),
      ms = now() - run.at;
    run.bytes += n;
    run.moved = now();
    if (at + n < Math.min(run.to * media.piece, media.size)) return;
    reader.run = null;
    if (rate && this.#around.crowd() && 1000 * run.bytes * rate < ms)
      this.#rests = now() + Math.min(RESTS_MS, RESTS * ms);
  }
  /** The reader goes on from us there: the origin brings it no more. @param {Reader} reader @param {number} i */
  goes(reader, i) {
    if (reader.run && i < reader.run.to) reader.run = null;
  }
  /** Whether a reader to which an origin brings what is before this block need not have it from there: it is here, or neighbours are expected to bring it in time.
   * @param {Reader} reader @param {number} i */
  ends({ media, need }, i) {
    const { slack } = need(),
      soon = (/** @type {Peer} */ p) => p.expects(media.piece, slack) < slack - 0.5;
    return this.#around.has(media, i) || (!media.whole && this.#holders(media, i).some(soon));
  }
  /** Somebody fetches these: they wait for it, and so do their neighbours. One may claim no more than its pace allows, and until URGENT at most.
   * @param {Media} media @param {number[]} claim first block, the one after the last, over how many more links @param {Peer} peer */
  claimed(media, [from, to, hops], peer) {
    const film = this.#film(media);
    let news = false;
    for (let i = from; i < Math.min(to, media.hashes.length) && peer.claims(); i++) {
      if (this.#claimed(film, i)) continue;
      film.claims.set(i, now() + CLAIM_MS);
      news = true;
    }
    if (news && hops && hops <= HOPS) this.#around.claim(media, [from, to, hops - 1], peer);
  }
  #claimed(/** @type {Film} */ { claims }, /** @type {number} */ i) {
    return (claims.get(i) ?? 0) > now();
  }
  /** A block is here. @param {Media} media @param {number} i @param {Uint8Array} bytes verified */
  arrived(media, i, bytes) {
    const { jobs } = this.#film(media),
      job = jobs.get(i);
    jobs.delete(i);
    if (job) this.#drop(job);
    this.#around.keep(media, i, bytes);
    job?.done(bytes);
    this.kick();
  }
  #film(/** @type {Media} */ media) {
    const film = this.#films.get(media) ?? {
      media,
      readers: new Set(),
      jobs: new Map(),
      claims: new Map(),
    };
    this.#films.set(media, film);
    return film;
  }
  #job(/** @type {Film} */ { media, jobs }, /** @type {number} */ i) {
    let job = jobs.get(i);
    if (job) return job;
    job = /** @type {Job} */ ({
      i,
      size: Math.min(media.piece, media.size - i * media.piece),
      hash: media.hashes[i],
      source: null,
      failed: new Map(),
      lot: Math.random(),
      waits: false,
    });
    job.result = new Promise((done, fail) =>
      Object.assign(/** @type {Job} */ (job), { done, fail }),
    );
    job.result.catch(() => {});
    jobs.set(i, job);
    return job;
  }
  /** Those that have some of it and give. */
  #givers(/** @type {Media} */ { root }) {
    return this.#around.peers().filter(p => p.knows(root));
  }
  #holders(/** @type {Media} */ { root }, /** @type {number} */ i) {
    return this.#around.peers().filter(p => p.has(root, i));
  }
  /** The reader to which the origin brings it. */
  #running(/** @type {Film} */ { readers }, /** @type {number} */ i) {
    return [...readers].find(
      ({ run }) => run && i >= run.from && i < run.to && now() < run.moved + LOST_MS,
    );
  }
  #drop(/** @type {Job} */ job) {
    job.source?.over.abort();
    job.source = null;
  }
  #nobody(/** @type {Film} */ { jobs }, /** @type {Job} */ job) {
    this.#drop(job);
    jobs.delete(job.i);
    job.fail(new Error('nobody'));
  }

  #tick() {
    this.#kicked = false;
    clearTimeout(this.#timer);
    let busy = false;
    for (const film of this.#films.values()) {
      const wanted = new Set();
      for (const reader of film.media.withdrawn ? [] : film.readers)
        for (const i of this.#ahead(film, reader)) wanted.add(i);
      for (const job of film.jobs.values()) if (!wanted.has(job.i)) this.#nobody(film, job);
      busy ||= wanted.size > 0;
      if (!film.readers.size) this.#films.delete(film.media);
    }
    if (busy) this.#timer = +setTimeout(() => this.#tick(), TICK_MS);
  }
  /** Looks at what a reader will want. @param {Film} film @param {Reader} reader @returns {number[]} what that is */
  #ahead(film, reader) {
    const { media } = film,
      { at, last, need } = reader,
      { slack, rate, playing } = need(),
      seconds = media.piece * rate,
      many = playing ? Math.min(BLOCKS, Math.ceil(WINDOW / (seconds || 9))) : 1,
      wanted = [],
      far = [];
    let front = 0; // what nobody around has each fetches at a time by lot before it is due: so that all have different ones to give
    for (let i = at; i < Math.min(last + 1, at + many); i++) {
      if (this.#around.has(media, i) || (!playing && !film.jobs.has(i))) continue;
      wanted.push(i);
      const due = slack + (i - at) * seconds,
        job = this.#job(film, i),
        { length } = this.#holders(media, i);
      const run = this.#running(film, i)?.run;
      if (film.fetches == i && due > URGENT) continue;
      if (run && !trickles(run, i, media.piece, due)) continue;
      if (job.source) this.#tend(film, job, due, job.source);
      else if (due < NEAR) this.#consider(film, job, due, playing);
      else far.push({ job, due, key: length + job.lot + due / 40 });
      const soon = due < START + job.lot * (FRONT - START);
      if (i > at && soon && !job.source && !length && !this.#claimed(film, i)) front ||= i;
    }
    for (const { job, due } of far.sort((a, b) => a.key - b.key))
      this.#consider(film, job, due, playing);
    if (
      front &&
      this.#around.gives() &&
      media.whole === false &&
      this.#givers(media).length &&
      (!film.fetches || this.#around.has(media, film.fetches))
    ) {
      film.fetches = front;
      this.#around.claim(media, [front, front + 1, HOPS]);
      this.#around.bring(reader, front).catch(() => {});
    }
    return wanted;
  }
  /** Nobody brings it yet. @param {Film} film @param {Job} job @param {number} due @param {boolean} playing */
  #consider(film, job, due, playing) {
    const holders = this.#holders(film.media, job.i),
      best = this.#pick(job, due, holders);
    const ask = (/** @type {number} */ most) =>
      best && best.est < most && this.#ask(film, job, best, due);
    const most = due < NEAR ? Infinity : Math.max(3, due / 3);
    const soon = Math.min(most, Math.max(due + 1, 3));
    ask(Math.min(most, Math.max(due - MARGIN, 0.8))) ||
      this.#origin(film, job, due, holders, playing || !best || best.est >= soon, playing) ||
      ask(soon);
  }
  /** Who brings it first. @param {{size: number, failed: Map<Peer, number>}} job @param {number} due @param {Peer[]} holders
   * @returns {{peer: Peer, est: number}|undefined} est: in how many seconds */
  #pick({ size, failed }, due, holders) {
    const able = holders.filter(p => Math.max(p.rests, failed.get(p) ?? 0) < now()),
      free = able.filter(p => p.inflight < EACH);
    return (free.length ? free : able)
      .map(peer => ({ peer, est: peer.expects(size, due) }))
      .sort((a, b) => a.est - b.est)[0];
  }
  /** @param {Film} film @param {Job} job @param {{peer: Peer, est: number}} best @param {number} due */
  async #ask(film, job, { peer, est }, due) {
    const source = /** @type {Source} */ ({
      peer,
      at: now(),
      eta: now() + Math.max(300, est * 1000),
      first: 0,
      bytes: 0,
      moved: 0,
      over: new AbortController(),
    });
    job.source = source;
    try {
      const bytes = await peer.get(job, source.over.signal, {
        due: Math.round(1000 * Math.max(0, Math.min(due, 60))),
        on: n => {
          source.moved = now();
          source.first ||= source.moved;
          source.bytes += n;
        },
      });
      source.here = true;
      if ((await sha256(bytes)) != job.hash) this.#around.ban(peer);
      else {
        peer.strikes = peer.rests = 0;
        this.#around.came(job.size);
        if (film.jobs.get(job.i) == job) this.arrived(film.media, job.i, bytes);
      }
    } catch (error) {
      // busy: there may be room later, and for others less
      const { message, ms } = /** @type {any} */ (error);
      if (ms) peer.rests = Math.max(peer.rests, now() + Math.min(DEAD_MS, ms));
      else if (message != 'stopped') job.failed.set(peer, Infinity);
    }
    if (job.source == source) job.source = null;
    this.kick();
  }
  /** A neighbour brings it: is somebody quicker? @param {Film} film @param {Job} job @param {number} due @param {Source} source */
  #tend(film, job, due, { peer, at, eta, first, bytes, moved, here }) {
    const late = now(),
      stuck = late > Math.max(eta, moved) + DEAD_MS;
    if (here || late - at < 300) return;
    const left =
      Math.max(
        late - eta,
        bytes
          ? ((job.size - bytes) * (late - first)) / bytes
          : Math.max(eta - late, 300 + late - eta),
      ) / 1000;
    const slow = left > Math.max(due, 0.4),
      holders = this.#holders(film.media, job.i).filter(p => p != peer),
      other = this.#pick(job, due, holders),
      quicker = other && (stuck || (other.est < left / 2 && (slow || !bytes)));
    if (!quicker && !stuck && (!slow || due > URGENT)) return;
    job.failed.set(peer, late + FAILED_MS);
    if (late > peer.rests && (stuck || (!quicker && !bytes)))
      peer.rests = late + 1000 * 2 ** peer.strikes++;
    this.#drop(job);
    if (quicker) this.#ask(film, job, other, due);
    else this.#origin(film, job, due, holders);
  }
  /** Leaves it to the origin, if a reader waits for it and it is time to.
   * @param {Film} film @param {Job} job @param {number} due @param {Peer[]} holders @param {boolean} [must] no neighbour can
   * @param {boolean} [playing] @returns {boolean} whether it did */
  #origin(film, job, due, holders, must = true, playing = true) {
    const alone = !this.#givers(film.media).length,
      held =
        (alone && this.#around.coming()) ||
        this.#claimed(film, job.i) ||
        holders.some(p => p.stands.line >= GIVES && p.waits(0) < Math.max(2, due)),
      early = due > (held ? URGENT : FRONT) || (alone && now() < this.#rests);
    if (!job.waits || !must || (playing && early)) return false;
    this.#nobody(film, job);
    return true;
  }
}
