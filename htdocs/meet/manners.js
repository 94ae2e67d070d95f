/** What this visitor's connection may be used for: nothing is given where it may cost money, else at a modest rate. */
export class Manners {
  #rate;
  #connection;
  #coarse;
  /** @param {number} kbps @param {{saveData?: boolean, type?: string}} connection as it is at any time @param {boolean} coarse a finger is the pointer: likely a phone */
  constructor(kbps, connection, coarse) {
    this.#rate = kbps / 8;
    this.#connection = connection;
    this.#coarse = coarse;
  }
  /** bytes a ms that are given */
  get line() {
    const { saveData, type = '' } = this.#connection,
      costs = saveData || type == 'cellular' || (this.#coarse && !/wifi|ethernet/.test(type));
    return costs ? 0 : this.#rate;
  }

  get uploads() {
    return this.line > 0;
  }
}
