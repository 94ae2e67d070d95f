/** A schedule by one who sees everything, quarter by quarter of a second, in units of a quarter of a second of the film that may be had in any order:
 * who needs it soonest first, from whoever has it and has most uplink left; the host for who is nearly out, for what nobody has (once each, to who
 * can pass most on), and at last for those whom nobody reaches; then what is further ahead. A hop takes one step. It is greedy: not the best
 * possible, but possible, but for delays.
 * @typedef {{taker: import('./bound.mjs').Taker, have: Float64Array, gives: number, budget: number, down: number, plays: number, got: number, given:
 *   number, stalled: number, run: number, longest: number, first: number, born: number, ends: number, gone: boolean}} State amounts in Mbit, times in
 *   units
 * @typedef {{due: number, state: State, unit: number}} Demand */
import { CREDIT, RATIO, reaches, takers } from './bound.mjs';
import { filmOf } from './simulate.mjs';

const STEPS = 4, // a second
  LEAD = 20, // seconds in which it matters who has it when
  AHEAD = 60,
  FRESH = 4, // seconds in which what nobody has goes before emergencies
  HOLD = 4, // seconds that a first frame may wait for two in hand
  TINY = 1e-6;

class Schedule {
  fromHost = 0;
  /** @param {import('./scenes.mjs').Scene} scene */
  constructor(scene) {
    const film = filmOf(scene);
    this.units = Math.round(film.seconds * STEPS);
    this.unit = film.rate / 125e3 / STEPS; // Mbit
    this.host = scene.host / 125 / STEPS;
    /** @type {State[]} */
    this.all = takers(scene).map(taker => ({
      taker,
      have: new Float64Array(this.units),
      gives: taker.gives / STEPS,
      budget: 0,
      down: 0,
      plays: 0,
      got: 0,
      given: 0,
      stalled: 0,
      run: 0,
      longest: 0,
      first: Infinity,
      born: Math.ceil(taker.born * STEPS),
      ends: Math.min(this.units, Math.round(taker.ends * STEPS)),
      gone: false,
    }));
    this.end = (scene.spread + 2.5 * film.seconds) * STEPS;
  }

  run() {
    for (let now = 0; now < this.end && this.all.some(s => !s.gone); now++) this.#step(now);
  }

  #step(/** @type {number} */ now) {
    const on = this.all.filter(s => s.born <= now && !s.gone);
    this.on = on;
    this.left = this.host;
    this.holders = /** @type {Map<number, State[]>} */ (new Map());
    for (const s of on) {
      s.down = s.taker.down / STEPS;
      s.budget = Math.max(0, Math.min(s.gives, RATIO * s.got + CREDIT - s.given));
    }
    const soon = /** @type {Demand[]} */ ([]),
      far = /** @type {Demand[]} */ ([]);
    for (const state of on)
      for (
        let unit = Math.floor(state.plays);
        unit < Math.min(this.units, state.plays + AHEAD * STEPS);
        unit++
      )
        if (state.have[unit] < this.unit - TINY)
          (unit - state.plays < LEAD * STEPS ? soon : far).push({
            due: (unit - state.plays) / STEPS,
            state,
            unit,
          });
    const byDue = (/** @type {Demand} */ a, /** @type {Demand} */ b) =>
      a.due - b.due || a.state.taker.id - b.state.taker.id;
    for (const unit of new Set([...soon, ...far].map(d => d.unit))) this.#who(unit); // as it is now: what comes in this step is passed on in the next
    this.#fromViewers(soon.sort(byDue));
    this.#fromHost(soon);
    this.#fromViewers(far.sort(byDue));
    for (const s of on) this.#play(s, now);
  }

  #who(/** @type {number} */ unit) {
    const known = this.holders?.get(unit);
    if (known) return known;
    const holders = (this.on ?? []).filter(s => s.gives > 0 && s.have[unit] >= this.unit - TINY);
    this.holders?.set(unit, holders);
    return holders;
  }

  #give(/** @type {Demand} */ { state, unit }, /** @type {number} */ n) {
    state.have[unit] += n;
    state.got += n;
    state.down -= n;
  }

  #fromViewers(/** @type {Demand[]} */ list) {
    for (const demand of list) {
      const { state, unit } = demand;
      for (let miss = Math.min(this.unit - state.have[unit], state.down); miss > TINY;) {
        let best = /** @type {State | null} */ (null);
        for (const s of this.#who(unit))
          if (s.budget > TINY && (!best || s.budget > best.budget) && reaches(s.taker, state.taker))
            best = s;
        if (!best) break;
        const n = Math.min(miss, best.budget);
        this.#give(demand, n);
        best.budget -= n;
        best.given += n;
        miss -= n;
      }
    }
  }

  #fromHost(/** @type {Demand[]} */ list) {
    const fresh = /** @type {Map<number, Demand>} */ (new Map()),
      lonely = (/** @type {Demand} */ d) => d.state.taker.nat == 'blocked',
      held = (/** @type {Demand} */ d) => this.#who(d.unit).length > 0;
    for (const demand of list) {
      if (lonely(demand) || held(demand)) continue;
      const old = fresh.get(demand.unit);
      if (!old || demand.state.gives > old.state.gives) fresh.set(demand.unit, demand);
    }
    const first = [...fresh.values()].sort((a, b) => a.due - b.due),
      known = list.filter(d => held(d) || lonely(d));
    for (const part of [
      first.filter(d => d.due < FRESH),
      known.filter(d => d.due < 1),
      known.filter(d => d.due < 3),
      first,
      list.filter(lonely),
    ])
      for (const demand of part) {
        const n = Math.min(
          this.unit - demand.state.have[demand.unit],
          this.left ?? 0,
          demand.state.down,
        );
        if (n <= TINY) continue;
        this.#give(demand, n);
        this.left = (this.left ?? 0) - n;
        this.fromHost += n;
      }
  }

  #play(/** @type {State} */ s, /** @type {number} */ now) {
    let whole = Math.floor(s.plays);
    while (whole < this.units && s.have[whole] >= this.unit - TINY) whole++;
    const edge = whole < this.units ? whole + s.have[whole] / this.unit : this.units;
    if (s.first == Infinity) {
      if (edge < 2 * STEPS && (now - s.born < HOLD * STEPS || edge < 0.2)) return;
      s.first = (now + 1 - s.born) / STEPS;
    }
    const step = Math.max(0, Math.min(1, edge - s.plays)),
      missed = s.plays + step >= s.ends - 0.001 ? 0 : (1 - step) / STEPS;
    s.plays += step;
    s.gone = s.plays >= s.ends - 0.001;
    s.run = missed > TINY ? s.run + missed : 0;
    s.stalled += missed;
    s.longest = Math.max(s.longest, s.run);
  }
}

/** @param {import('./scenes.mjs').Scene} scene @returns {import('./bound.mjs').Bound} */
export function schedule(scene) {
  const one = new Schedule(scene);
  one.run();
  return {
    each: one.all.map(s => ({
      id: s.taker.id,
      stalled: s.gone ? s.stalled : Math.max(1000, s.stalled),
      longest: s.gone ? s.longest : 1000,
      first: s.first,
    })),
    films: one.fromHost / one.unit / one.units,
  };
}
