/** A <video> as a page sees it. Decides when it plays, stands still, goes on and ends, and how far ahead it reads, as Chromium does (lines.mjs). It
 * is told what came; who brings that is not its business. It needs no ticking: what happens next is computed when something changes. */
import { PLAYER } from './lines.mjs';

export class Player {
  // what a page may ask of an HTMLMediaElement
  paused = true;
  autoplay = true;
  playbackRate = 1;
  seeking = false;
  networkState = 2;
  preload = 'auto';
  src = '';
  currentSrc = '';
  children = /** @type {any[]} */ ([]);
  // what is measured
  first = /** @type {number | null} */ (null); // ms from the wish to the first frame
  stalls = /** @type {{from: number, ms: number}[]} */ ([]);
  waits = /** @type {number[]} */ ([]); // ms after each seek
  done = false;
  #clock;
  #owner;
  #film;
  #begun;
  #at = 0; // seconds of the film, at #mark
  #mark = 0;
  #start = 0; // what is here begins there,
  #end = 0; // and ends there, seconds
  #runs = false;
  #since = /** @type {number | null} */ (null); // it stands since
  #sought = /** @type {number | null} */ (null);
  #next = /** @type {import('./clock.mjs').Event | null} */ (null);
  #read = 0;
  #rooms = /** @type {(() => void)[]} */ ([]); // who waits to read on
  #closed = false;
  /** @param {import('./clock.mjs').Clock} clock @param {any} owner @param {{size: number, rate: number, seconds: number, url: string}} film rate:
   * bytes a second
   * @param {() => void} over told at its end */
  constructor(clock, owner, film, over) {
    this.#clock = clock;
    this.#owner = owner;
    this.#film = film;
    this.#begun = clock.now;
    this.over = over;
    this.src = this.currentSrc = film.url;
  }

  get currentTime() {
    return this.#runs
      ? Math.min(this.#end, this.#at + (this.#clock.now - this.#mark) / 1000)
      : this.#at;
  }
  get duration() {
    return this.first == null && !this.#end ? NaN : this.#film.seconds;
  }
  /** one range, from where it began to read */
  get buffered() {
    const [start, end] = [this.#start, this.#end];
    return { length: end > start ? 1 : 0, start: () => start, end: () => end };
  }
  get played() {
    return { length: this.first == null ? 0 : 1 };
  }
  get readyState() {
    const ahead = this.#end - this.currentTime;
    return ahead <= 0
      ? this.#end
        ? 1
        : 0
      : this.#runs || ahead >= PLAYER.begin || this.#end >= this.#film.seconds
        ? 4
        : 2;
  }
  addEventListener(/** @type {string} */ type, /** @type {() => void} */ act) {
    if (type == 'loadeddata') this.loaded = act;
  }
  loaded = () => {};

  /** seconds that it could play on */
  get ahead() {
    return this.#end - this.currentTime;
  }
  get standing() {
    return this.#since != null;
  }
  /** the byte that it wants next */
  get wants() {
    return Math.min(this.#film.size, Math.round(this.#end * this.#film.rate));
  }
  /** how far ahead it reads, in seconds */
  get window() {
    const { rate } = this.#film,
      base = Math.min(PLAYER.most, Math.max(PLAYER.least, PLAYER.ahead * rate));
    return (Math.min(2 * base, base + this.#read / 10) + PLAYER.more) / rate;
  }
  /** Resolves when it would read on. */
  async room() {
    if (this.ahead < this.window) return;
    await new Promise(ok => {
      this.#rooms.push(() => ok(0));
      this.#plan();
    });
  }

  /** Bytes at the end of what is here. @param {number} n */
  came(n) {
    this.#read += n;
    this.#end = Math.min(this.#film.seconds, this.#end + n / this.#film.rate);
    if (this.wants >= this.#film.size - 1) this.#end = this.#film.seconds;
    this.#go();
  }

  /** Goes on where it stands, if there is enough. */
  #go() {
    if (this.#runs || this.done || this.#closed) return;
    const enough = this.first == null || this.#sought != null ? PLAYER.begin : PLAYER.resume,
      { now } = this.#clock;
    if (this.ahead < enough && this.#end < this.#film.seconds) return;
    if (this.first == null) this.loaded();
    this.first ??= now - this.#begun;
    this.#stands();
    if (this.#sought != null) this.waits.push(now - this.#sought);
    this.#sought = null;
    this.seeking = false;
    this.paused = false;
    this.#runs = true;
    this.#mark = now;
    this.#plan();
  }

  /** What happens next: it comes to the end of what is here, or reads on. */
  #plan() {
    if (this.#next) this.#next.act = null;
    this.#next = null;
    if (this.#closed || !this.#runs) return this.#reads();
    const ends = Math.max(0, this.ahead),
      full = this.#rooms.length ? Math.max(0, this.ahead - this.window) : Infinity;
    this.#next = this.#clock.after(Math.min(ends, full) * 1000 + 0.01, this.#owner, () => {
      this.#next = null;
      if (this.ahead <= this.window) this.#reads();
      if (this.ahead <= 0.0001) return this.#stop();
      this.#plan();
    });
  }
  #reads() {
    for (const room of this.#rooms.splice(0)) room();
  }

  #stop() {
    this.#at = this.currentTime;
    this.#runs = false;
    if (this.#end < this.#film.seconds) {
      this.#since = this.#clock.now;
      return this.#reads();
    }
    this.done = true;
    this.over();
  }
  /** What it stood for is over. */
  #stands() {
    if (this.#since != null)
      this.stalls.push({ from: this.#since, ms: this.#clock.now - this.#since });
    this.#since = null;
  }

  /** @param {number} to seconds @returns {boolean} whether that has to be read from there */
  seek(to) {
    if (this.done || this.#closed || this.first == null) return false;
    this.#stands();
    this.#sought = this.#clock.now;
    this.#at = this.currentTime;
    this.#runs = false;
    if (this.#next) this.#next.act = null;
    this.#next = null;
    this.seeking = true;
    const here = to >= this.#start && to < this.#end;
    this.#at = to;
    if (!here) this.#start = this.#end = to;
    this.#reads();
    this.#go();
    return !here;
  }

  /** It ends here: how long it has waited counts. */
  close() {
    if (this.#closed) return;
    this.#at = this.currentTime;
    this.#stands();
    this.#closed = true;
    this.#runs = false;
    this.#plan();
    this.#reads();
  }
  /** the stalls, with that which is not over */
  get stood() {
    const now =
      this.#since == null ? [] : [{ from: this.#since, ms: this.#clock.now - this.#since }];
    return [...this.stalls, ...now];
  }
  /** ms in all; what follows a seek is counted apart */
  get stalled() {
    return this.stood.reduce((sum, s) => sum + s.ms, 0);
  }
  get at() {
    return this.currentTime;
  }
}
