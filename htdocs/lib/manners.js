/** What this visitor's connection may be used for: nothing uploaded where it may cost money, else a modest rate and never more than was
 * received. Neighbours on the own network use no uplink: neither limit is for them. */
import { sleep } from './bytes.js';

/** @typedef {{saveData?: boolean, type?: string}} Connection */

export class Manners {
  #rate; #tokens; #filled = performance.now();
  uploaded = 0;
  uploads;

  /** @param {{kbps: number, connection: Connection|undefined, coarse: boolean}} facts coarse: a finger is the pointer, so likely a phone */
  constructor({ kbps, connection, coarse }) {
    this.#rate = this.#tokens = kbps * 125;
    const type = connection?.type;
    this.uploads = kbps > 0 && !connection?.saveData && !/cellular|bluetooth|wimax/.test(type ?? '') && !(coarse && !/wifi|ethernet/.test(type ?? ''));
  }

  /** @param {number} received so far, from anywhere, with what storage held @param {boolean} near */
  may(received, near) { return this.uploads && (near || this.uploaded < received && this.#tokens > -this.#rate); }

  /** Resolves when the bytes may go. @param {number} bytes @param {boolean} near */
  async allow(bytes, near) {
    if (near) return;
    const now = performance.now();
    this.#tokens = Math.min(this.#rate, this.#tokens + (now - this.#filled) / 1000 * this.#rate) - bytes;
    this.#filled = now;
    this.uploaded += bytes;
    if (this.#tokens < 0) await sleep(-this.#tokens / this.#rate * 1000);
  }
}
