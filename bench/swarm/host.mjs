/** The web host: decides when which byte of which answer leaves it. It has a rate, some requests at a time (the others wait in a queue), and a delay;
 * a connection begins slowly, waits for a browser that does not read, and is used again for a while. Who is served next goes round.
 * @typedef {{node: import('./network.mjs').Node, owner: any, at: number, end: number, film: boolean, think?: number, make?: () => number, onHead: ()
 *   => void, onBytes: (at: number, n: number) => void, onEnd: () => void}} Ask at..end: bytes to send, of the film or of something else; think: ms
 *   that the answer takes to make, in its slot; make: makes it, and says how long it is */
import { between, chance } from './chance.mjs';
import { HOST } from './lines.mjs';

class Answer {
  window = HOST.window;
  under = 0; // bytes on their way
  gone = false; // cut short, or over
  ready = false; // made
  whole = false; // sent
  unread = 0; // bytes that the page has not taken
  /** @param {Ask} ask @param {number} way one way, ms */
  constructor(ask, way) {
    this.ask = ask;
    this.way = way;
    this.at = ask.at;
    this.left = ask.end - ask.at;
  }
}

/** So many at a time; the others wait, in their order. */
class Pool {
  #inside = /** @type {Set<Answer>} */ (new Set());
  #waiting = /** @type {Answer[]} */ ([]);
  most = 0;
  /** @param {number} slots */
  constructor(slots) {
    this.slots = slots;
  }
  /** @param {Answer} answer @returns {boolean} whether it may begin */
  enters(answer) {
    const room = this.#inside.size < this.slots;
    if (room) this.#inside.add(answer);
    else this.#waiting.push(answer);
    this.most = Math.max(this.most, this.#inside.size);
    return room;
  }
  /** @param {Answer} answer @returns {Answer | null | false} who may begin now; false: it was not here */
  leaves(answer) {
    const i = this.#waiting.indexOf(answer);
    if (i >= 0) return (this.#waiting.splice(i, 1), null);
    if (!this.#inside.delete(answer)) return false;
    const next = this.#waiting.shift();
    return next && this.enters(next) ? next : null;
  }
}

export class Host {
  #clock;
  #roll;
  #active = /** @type {Answer[]} */ ([]);
  #pools;
  #warm = /** @type {Map<any, {window: number, at: number}[]>} */ (new Map());
  #busy = false;
  #turn = 0;
  sent = 0; // bytes of the film
  other = 0; // other bytes
  requests = 0;
  open = 0;
  most = 0; // open, at once
  openMs = 0; // the integral of open over time
  #looked = 0;
  /** @param {import('./clock.mjs').Clock} clock @param {{host: number, slots: number, seed: number}} scene @param {{leaves(owner: any, at: number,
   * n: number): void}} measure */
  constructor(clock, { host, slots, seed }, measure) {
    this.#clock = clock;
    this.#roll = chance(seed, 'host');
    this.rate = host;
    this.#pools = [new Pool(slots), new Pool(HOST.processes)];
    this.measure = measure;
  }

  /** @param {Ask} ask @returns {{abort(): void, read(n: number): void}} read: so many bytes were taken by the page */
  get(ask) {
    const answer = new Answer(ask, ask.node.delay + between(this.#roll, ...HOST.delay));
    answer.window = this.#warmed(ask.owner);
    this.requests++;
    this.#clock.after(answer.way, null, () => {
      if (answer.gone) return;
      this.#count(1);
      if (this.#pool(answer).enters(answer)) this.#begin(answer);
    });
    return {
      abort: () => {
        if (!answer.gone) this.#clock.after(answer.way, null, () => this.#over(answer, false));
      },
      read: n => {
        answer.unread -= n;
        if (answer.left > 0) this.#clock.after(answer.way, null, () => this.#pump());
      },
    };
  }

  #pool(/** @type {Answer} */ { ask }) {
    return this.#pools[ask.make ? 1 : 0];
  }
  /** how many files it sent at once, at most */
  get files() {
    return this.#pools[0].most;
  }

  /** A connection that rests since a moment goes on as quickly as it was. */
  #warmed(/** @type {any} */ owner) {
    const all = this.#warm.get(owner) ?? [];
    for (let one = all.pop(); one; one = all.pop())
      if (this.#clock.now - one.at < HOST.rests) return one.window;
    return HOST.window;
  }

  #count(/** @type {number} */ change) {
    this.openMs += this.open * (this.#clock.now - this.#looked);
    this.#looked = this.#clock.now;
    this.open += change;
    this.most = Math.max(this.most, this.open);
  }

  #begin(/** @type {Answer} */ answer) {
    this.#active.push(answer);
    this.#clock.after(answer.ask.think ?? 1, null, () => {
      if (answer.gone) return;
      if (answer.ask.make) answer.left = answer.ask.make();
      const { owner, onHead } = answer.ask;
      this.#clock.after(answer.way, owner, () => {
        if (!answer.gone || answer.whole) onHead();
      });
      answer.ready = true;
      this.#pump();
    });
  }

  #over(/** @type {Answer} */ answer, /** @type {boolean} */ whole) {
    if (answer.gone) return;
    answer.gone = true;
    const next = this.#pool(answer).leaves(answer);
    if (next === false) return; // it had not come yet
    this.#count(-1);
    const i = this.#active.indexOf(answer);
    if (i >= 0) this.#active.splice(i, 1);
    if (whole) this.#rest(answer);
    if (next) this.#begin(next);
    this.#pump();
  }

  #rest(/** @type {Answer} */ { ask, window }) {
    const all = this.#warm.get(ask.owner) ?? [];
    this.#warm.set(ask.owner, [...all, { window, at: this.#clock.now }].slice(-6));
  }

  /** Sends the next unit of whose turn it is and who has room for it. */
  #pump() {
    if (this.#busy) return;
    for (let i = 0; i < this.#active.length; i++) {
      const answer = this.#active[this.#turn++ % this.#active.length];
      const room = Math.min(answer.window - answer.under, HOST.socket - answer.unread),
        n = Math.min(HOST.unit, answer.left, Math.max(room, 0));
      if (!answer.ready || (n < Math.min(1460, answer.left) && answer.left > 0)) continue;
      this.#busy = true;
      this.#clock.after(n / this.rate, null, () => {
        this.#busy = false;
        this.#send(answer, n);
        this.#pump();
      });
      return;
    }
  }

  #send(/** @type {Answer} */ answer, /** @type {number} */ n) {
    const { node, owner, film, onBytes, onEnd } = answer.ask,
      { at } = answer;
    if (film) this.sent += n;
    else this.other += n;
    if (film) this.measure.leaves(owner, at, n);
    answer.at += n;
    answer.left -= n;
    answer.under += n;
    answer.unread += n;
    const last = !answer.left;
    this.#clock.after(answer.way, owner, () => {
      const there = node.arrives(this.#clock.now, n * HOST.overhead) - this.#clock.now;
      this.#clock.after(there, owner, () => {
        if (answer.gone && !answer.whole) return;
        if (n) onBytes(at, n);
        if (last) onEnd();
      });
      this.#clock.after(there + answer.way, null, () => {
        answer.under -= n;
        answer.window = Math.min(HOST.most, answer.window + n);
        this.#pump();
      });
    });
    if (!last) return;
    answer.whole = true;
    this.#over(answer, true);
  }
}
