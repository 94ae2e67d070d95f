/** What this visitor's connection may be used for: nothing uploaded where it may cost money, else a modest rate and never more than was
 * received. Neighbours on the own network use no uplink: neither limit is for them. */
import { sleep } from '../util/bytes.js';

export class Manners {
  #rate;
  #tokens;
  #filled = performance.now();
  #far = 0;
  #given;
  uploaded = 0;
  /** @param {number} kbps @param {{saveData?: boolean, type?: string}} connection as it is at any time @param {boolean} coarse a finger is the pointer: likely a phone */
  constructor(kbps, connection, coarse) {
    this.#rate = this.#tokens = kbps * 125;
    this.#given = { connection, coarse };
  }

  get uploads() {
    const { connection, coarse } = this.#given,
      { saveData, type = '' } = connection;
    return (
      this.#rate > 0 && !saveData && type != 'cellular' && (!coarse || /wifi|ethernet/.test(type))
    );
  }
  /** @param {number} received so far, from anywhere, with what storage held @param {boolean} near */
  may(received, near) {
    return near || (this.#far < received && this.#tokens > -this.#rate);
  }
  /** Resolves when the bytes may go: false, when no longer. @param {number} bytes @param {boolean} near */
  async allow(bytes, near) {
    this.uploaded += bytes;
    if (near) return this.uploads;
    const now = performance.now();
    this.#tokens =
      Math.min(this.#rate, this.#tokens + ((now - this.#filled) / 1000) * this.#rate) - bytes;
    this.#filled = now;
    this.#far += bytes;
    if (this.#tokens < 0) await sleep((-this.#tokens / this.#rate) * 1000);
    return this.uploads;
  }
}
