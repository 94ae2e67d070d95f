/** A greeter's box: its mail as a static file of the spool (doc/PROTOCOL.md 1.6), so that looking for mail costs the host no process. Nothing is
 * believed of a file that lags behind what the instance said: a cache may stand in front. */
import { now } from '../util/bytes.js';
/** @typedef {{boxed(said: any): void, rejoin(ms: number): void}} Reader
 * @typedef {{box?: string, box_v?: number, poll_ms?: number}} Answer of a sync: where, the edition at least, how often */

const STRIKES = 3,
  REST_MS = 600000;

export class Box {
  #reader;
  #ask;
  #timer = 0;
  #url = '';
  #every = 0;
  #least = 0;
  #first = /** @type {number|undefined} */ (undefined); // editions that were read
  #last = 0;
  #strikes = 0;
  #rests = 0;
  /** @param {Reader} reader @param {typeof fetch} ask the test seam */
  constructor(reader, ask = (...args) => fetch(...args)) {
    this.#reader = reader;
    this.#ask = ask;
  }
  /** the edition that was read, until another was seen behind it: a cache that keeps the first one would hide all mail */
  get prove() {
    return this.#last == this.#first ? this.#first : undefined;
  }
  /** whether the instance may give us one */
  get good() {
    return now() >= this.#rests;
  }
  /** The instance has answered: read here from now on, or (no box) no more. @param {Answer} answer */
  follow({ box = '', box_v = 0, poll_ms = 2000 }) {
    this.#url = this.good ? box : '';
    this.#least = box_v;
    this.#every = poll_ms;
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    if (this.#url) this.#timer = +setTimeout(() => this.#poll(), this.#every);
  }

  async #poll() {
    const url = this.#url;
    const said = await this.#ask(`${url}?${Math.random()}`, {
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(5000),
    })
      .then(r => r.json())
      .catch(() => null);
    if (url != this.#url) return;
    const fresh = said?.polycircle === 1 && said.v >= this.#least && Array.isArray(said.mail);
    this.#strikes = fresh ? 0 : this.#strikes + 1;
    if (this.#strikes >= STRIKES) {
      // back to asking the instance; a box is tried again later
      this.#rests = now() + REST_MS;
      this.#first = undefined;
      this.#url = '';
      this.#strikes = 0;
      this.#reader.rejoin(0);
    }
    this.#later();
    if (!fresh || said.v == this.#last) return;
    this.#first ??= said.v;
    this.#last = said.v;
    this.#reader.boxed({ mail: said.mail, call: said.call || this.prove != null });
  }
}
