/** What an oracle could do with the same people, lines and host: a flow, second by second. First as much as can flow to those who have least in hand,
 * from whom they can reach, and what is missing from the host; then to those who have a little more; at last uplinks alone fill what is further
 * ahead. No delays, no pieces. loose: whoever can be reached gives, whatever he has: no exchange does better, though perhaps none can do as well.
 * Strict: only who is further on gives. Seeks, naps and lies are left out; who lies gives nothing.
 * @typedef {{id: number, born: number, ends: number, down: number, gives: number, nat: string, address: string}} Taker in Mbit/s and seconds; ends:
 *   seconds of the film
 * @typedef {{each: {id: number, stalled: number, longest: number, first: number}[], films: number}} Bound stalled, longest, first: seconds */
import { Graph } from './flow.mjs';
import { GIVES, meets } from './lines.mjs';
import { people } from './people.mjs';
import { filmOf } from './simulate.mjs';

export const RATIO = 2, // the design's manners: twice what was received,
  CREDIT = 8; // and a megabyte besides [G], Mbit

/** @param {import('./scenes.mjs').Scene} scene @returns {Taker[]} */
export function takers(scene) {
  const film = filmOf(scene),
    share = scene.share == 'default' ? 0 : scene.share;
  const gives = (/** @type {import('./people.mjs').Person} */ p) =>
    p.cellular || p.saves || p.lies
      ? 0
      : share
        ? Math.min(GIVES, (p.up / 125) * share)
        : Math.min(2, p.up / 125);
  return people({ ...scene, film: film.seconds }).map(p => ({
    id: p.id,
    born: (p.arrives + p.pages.reduce((a, b) => a + b, 0)) / 1000,
    ends: Math.min(film.seconds, p.leaves),
    down: p.down / 125,
    gives: gives(p),
    nat: p.nat,
    address: p.address,
  }));
}

export const reaches = (/** @type {Taker} */ a, /** @type {Taker} */ b) =>
  a != b && (a.address == b.address || meets(a.nat, b.nat));

const LEVELS = [2, 6, 20], // seconds in hand, one after the other
  AHEAD = 60, // and from viewers alone
  START = 2, // it begins with so much, or after
  HOLD = 4;

class State {
  has = 0; // seconds of the film, from the beginning
  plays = 0;
  got = 0;
  given = 0;
  stalled = 0;
  run = 0;
  longest = 0;
  first = Infinity;
  /** @param {Taker} taker */
  constructor(taker) {
    this.taker = taker;
  }
  get over() {
    return this.plays >= this.taker.ends - 1e-6;
  }
  /** @param {number} seconds @param {number} now */
  play(seconds, now) {
    if (this.first == Infinity && this.has < START && now - this.taker.born < HOLD) return;
    const step = Math.min(seconds, Math.max(0, this.has - this.plays));
    if (step > 0 && this.first == Infinity) this.first = now - this.taker.born;
    this.plays += step;
    const missed = this.first < Infinity && !this.over ? seconds - step : 0;
    this.run = missed > 1e-6 ? this.run + missed : 0;
    this.stalled += missed > 1e-6 ? missed : 0;
    this.longest = Math.max(this.longest, this.run);
  }
}

/** One second of all who are on. */
class Second {
  /** @param {State[]} on @param {number} left Mbit that the host can send @param {boolean} loose @param {{rate: number, seconds: number}} film */
  constructor(on, left, loose, film) {
    const n = on.length,
      host = 2 * n;
    this.on = on;
    this.film = film;
    this.source = host + 1;
    this.graph = new Graph(host + 3);
    this.host = this.graph.edge(this.source, host, 0);
    this.left = left;
    this.out = on.map((s, i) =>
      this.graph.edge(
        this.source,
        i,
        loose
          ? s.taker.gives
          : Math.min(s.taker.gives, Math.max(0, RATIO * s.got + CREDIT - s.given)),
      ),
    );
    this.into = on.map((_, i) => this.graph.edge(n + i, this.source + 1, 0));
    this.asked = on.map(() => 0);
    on.forEach((a, i) => {
      this.graph.edge(host, n + i, Infinity);
      if (a.taker.gives <= 0) return;
      on.forEach(
        (b, j) =>
          reaches(a.taker, b.taker) &&
          (loose || a.has > b.has + 0.5) &&
          this.graph.edge(i, n + j, Infinity),
      );
    });
  }
  /** Until everybody has so many seconds in hand, as far as may be. @param {number} seconds @param {boolean} fromHost */
  fill(seconds, fromHost) {
    const { rate, seconds: all } = this.film;
    this.on.forEach((s, i) => {
      const want = Math.min(
          s.taker.down,
          Math.max(0, Math.min(s.plays + 1 + seconds, all) - s.has) * rate,
        ),
        more = want - this.asked[i];
      if (more <= 0) return;
      this.graph.widen(this.into[i], more);
      this.asked[i] = want;
    });
    this.graph.run(this.source, this.source + 1);
    if (!fromHost) return;
    // no more than is missing: what flows from viewers stays with them
    const before = this.sent,
      open = Math.max(0, this.left - before);
    this.graph.widen(this.host, open);
    this.graph.run(this.source, this.source + 1);
    this.graph.widen(this.host, this.sent - before - open);
  }
  get sent() {
    return this.graph.used(this.host);
  }
  end() {
    this.on.forEach((s, i) => {
      const got = this.graph.used(this.into[i]);
      s.given += this.graph.used(this.out[i]);
      s.got += got;
      s.has = Math.min(this.film.seconds, s.has + got / this.film.rate);
    });
    return this.sent;
  }
}

/** @param {import('./scenes.mjs').Scene} scene @param {boolean} loose @returns {Bound} */
export function bound(scene, loose = false) {
  const all = takers(scene).map(taker => new State(taker)),
    of = filmOf(scene),
    film = { rate: of.rate / 125e3, seconds: of.seconds },
    host = scene.host / 125;
  const enough = scene.spread + 2.5 * film.seconds + 60;
  let fromHost = 0;
  for (let now = 0; now < enough && all.some(s => !s.over); now++) {
    const on = all.filter(s => s.taker.born <= now && !s.over);
    if (!on.length) continue;
    const second = new Second(on, host, loose, film);
    for (const level of LEVELS) second.fill(level, true);
    second.fill(AHEAD, false);
    fromHost += second.end();
    for (const s of on) s.play(1, now);
  }
  return {
    each: all.map(s => ({
      id: s.taker.id,
      stalled: s.over ? s.stalled : Math.max(1000, s.stalled),
      longest: s.over ? s.longest : 1000,
      first: s.first,
    })),
    films: fromHost / film.rate / film.seconds,
  };
}
