/** What is counted, and what becomes of it: decides which figures a run has. Bytes are counted where they leave and where they arrive, whatever
 * client moves them; of what arrives each part of the film counts once as useful, and the rest as in vain.
 * @typedef {{id: number, line: string, nat: string, arrives: number, judged: boolean, well: boolean, first: number | null, stalls: number, stalled:
 *   number, longest: number, waits: number[], standing: {from: number, ms: number}[], host: number, peers: number, gave: number, messages: number,
 *   vain: number, done: boolean, gaveUp: boolean}} Each of one viewer: ms and bytes
 * @typedef {{at: number, here: number, standing: number, host: number, peers: number, open: number, messages: number}} Moment host, peers, messages:
 *   a second since the one before */
import { MatterBuffer } from './matter.mjs';
import { judged } from './people.mjs';

const UNIT = 16384, // of the film, by which it is counted what came twice
  STALL = 1000; // ms: what is shorter is none

/** @param {number[]} all @param {number} part */
export function quantile(all, part) {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted.length
    ? sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
    : NaN;
}

class Account {
  host = 0;
  peers = 0;
  gave = 0;
  messages = 0; // that it sent, and are no bytes of the film
  wrong = 0;
  /** bytes that came of each unit */
  got;
  constructor(/** @type {number} */ units) {
    this.got = new Uint32Array(units);
  }
}

export class Measure {
  links = 0;
  attempts = 0;
  connections = 0;
  messages = 0; // that are no bytes of the film
  said = 0; // their bytes
  arrived = 0; // bytes of the film, from viewers
  offered = 0;
  unfounded = 0; // bytes that came from somebody to whom they had not come: never
  series = /** @type {Moment[]} */ ([]);
  warnings = /** @type {Map<string, number>} */ (new Map());
  /** who got what from whom, when: by viewer and second, by source (-1: the host) @type {Map<number, Map<number, Map<number, number>>> | null} */
  flows = null;
  #film;
  #clock;
  #accounts = /** @type {Map<number, Account>} */ (new Map());
  #copies;
  #last = { at: 0, host: 0, peers: 0, messages: 0 };
  /** @param {import('./clock.mjs').Clock} clock @param {{size: number}} film @param {boolean} flows */
  constructor(clock, film, flows) {
    this.#clock = clock;
    this.#film = film;
    this.#copies = new Float64Array(Math.ceil(film.size / UNIT));
    if (flows) this.flows = new Map();
  }

  #of(/** @type {number} */ id) {
    let one = this.#accounts.get(id);
    if (!one) this.#accounts.set(id, (one = new Account(this.#copies.length)));
    return one;
  }
  /** The host sends this. */
  leaves(/** @type {any} */ _, /** @type {number} */ at, /** @type {number} */ n) {
    each(at, n, (unit, part) => (this.#copies[unit] += part));
  }
  /** The host's bytes are there. */
  brings(/** @type {any} */ page, /** @type {number} */ at, /** @type {number} */ n) {
    const account = this.#of(page.person.id);
    account.host += n;
    each(at, n, (unit, part) => (account.got[unit] += part));
    this.#note(page.person.id, -1, n);
  }
  /** A viewer sends a message. */
  says(/** @type {any} */ page, /** @type {number} */ size, /** @type {number} */ film) {
    this.offered += film;
    const account = this.#of(page.person.id);
    account.gave += film;
    this.said += size - film;
    if (film) return;
    this.messages++;
    account.messages++;
  }
  /** A viewer's message is there. @param {any} from @param {any} to @param {{data: any}} message */
  hears(from, to, { data }) {
    if (!(data instanceof MatterBuffer)) return;
    const account = this.#of(to.person.id),
      { got } = this.#of(from.person.id);
    for (const span of data.spans) {
      const n = span.to - span.from;
      account.peers += n;
      this.arrived += n;
      if (span.wrong) account.wrong += n;
      else
        each(span.base + span.from, n, (unit, part) => {
          account.got[unit] += part;
          if (got[unit] < part) this.unfounded += part;
        });
      this.#note(to.person.id, from.person.id, n);
    }
  }
  warns(/** @type {string} */ words) {
    this.warnings.set(words, (this.warnings.get(words) ?? 0) + 1);
  }

  #note(/** @type {number} */ to, /** @type {number} */ from, /** @type {number} */ n) {
    if (!this.flows) return;
    const second = Math.floor(this.#clock.now / 1000),
      row = this.flows.get(to) ?? new Map(),
      cell = row.get(second) ?? new Map();
    this.flows.set(to, row);
    row.set(second, cell);
    cell.set(from, (cell.get(from) ?? 0) + n);
  }

  /** A look at all of it. @param {import('./visitor.mjs').Visitor[]} visitors @param {import('./host.mjs').Host} host */
  look(visitors, host) {
    const here = visitors.filter(v => v.page && !v.left),
      { at, host: sent, peers, messages } = this.#last,
      seconds = (this.#clock.now - at) / 1000;
    this.#last = {
      at: this.#clock.now,
      host: host.sent,
      peers: this.arrived,
      messages: this.messages,
    };
    if (!seconds) return;
    this.series.push({
      at: this.#clock.now / 1000,
      here: here.length,
      standing: here.filter(v => v.player?.standing).length,
      host: (host.sent - sent) / seconds,
      peers: (this.arrived - peers) / seconds,
      open: host.open,
      messages: (this.messages - messages) / seconds,
    });
  }

  /** @param {import('./visitor.mjs').Visitor} visitor @param {number} rate bytes a ms @returns {Each} */
  each({ person, player, page, gaveUp }, rate) {
    const account = this.#of(person.id),
      { size } = this.#film;
    const useful = account.got.reduce((sum, n, i) => sum + Math.min(n, UNIT, size - i * UNIT), 0);
    const stood = player?.stood ?? [],
      longest = Math.max(0, ...stood.map(s => s.ms));
    const first = player?.first ?? null,
      counts = judged(person, rate) && !!page;
    return {
      id: person.id,
      line: person.line,
      nat: person.nat,
      arrives: person.arrives,
      judged: counts,
      well: first != null && longest < STALL,
      first,
      stalls: stood.length,
      stalled: player?.stalled ?? 0,
      longest,
      waits: player?.waits ?? [],
      standing: stood,
      host: account.host,
      peers: account.peers,
      gave: account.gave,
      messages: account.messages,
      vain: account.host + account.peers - useful,
      done: !!player?.done,
      gaveUp,
    };
  }

  /** @returns {number} bytes that left the host though they had left it before */
  get again() {
    return this.#copies.reduce(
      (sum, n, i) => sum + Math.max(0, n - Math.min(UNIT, this.#film.size - i * UNIT)),
      0,
    );
  }
}

/** @param {number} at @param {number} n @param {(unit: number, part: number) => void} act */
function each(at, n, act) {
  for (let left = n; left > 0;) {
    const unit = Math.floor(at / UNIT),
      part = Math.min(left, (unit + 1) * UNIT - at);
    act(unit, part);
    at += part;
    left -= part;
  }
}

/** The figures of one run. @param {Each[]} all @param {import('./simulate.mjs').World} world */
export function figures(all, { measure, host, film, instance, clock }) {
  const counted = all.filter(v => v.judged),
    sum = (/** @type {(v: Each) => number} */ of, list = all) =>
      list.reduce((total, v) => total + of(v), 0);
  const firsts = counted.map(v => v.first ?? Infinity),
    peers = sum(v => v.peers),
    fromHost = sum(v => v.host),
    waits = counted.flatMap(v => v.waits);
  return {
    viewers: all.length,
    judged: counted.length,
    well: counted.filter(v => v.well).length,
    wellPart: counted.filter(v => v.well).length / Math.max(1, counted.length),
    stallSeconds: sum(v => v.stalled, counted) / 1000,
    worstStall: Math.max(0, ...counted.map(v => v.stalled)) / 1000,
    first50: quantile(firsts, 0.5) / 1000,
    first95: quantile(firsts, 0.95) / 1000,
    seek95: waits.length ? quantile(waits, 0.95) / 1000 : null,
    offload: peers / Math.max(1, peers + fromHost),
    films: host.sent / film.size,
    again: measure.again / film.size,
    vain: sum(v => v.vain) / Math.max(1, peers + fromHost),
    open: host.most,
    openMean: host.openMs / Math.max(1, clock.now),
    requests: host.requests,
    syncs: instance.syncs,
    messages: measure.messages / Math.max(1, all.length),
    saidPart: measure.said / Math.max(1, measure.offered),
    links: measure.links,
    attempts: measure.attempts,
    gaveMost: Math.max(0, ...all.map(v => v.gave)) / film.size,
    finished: all.filter(v => v.done).length,
    seconds: clock.now / 1000,
    events: clock.events,
    errors: clock.errors.length,
    unfounded: measure.unfounded,
  };
}
