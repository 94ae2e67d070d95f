/** What this visitor's connection may be used for: nothing is given where it may cost money, else at a modest rate.
 * @param {number} kbps @param {{saveData?: boolean, type?: string}} connection as it is at any time @param {boolean} coarse a finger is the pointer: likely a phone */
export const manners = (kbps, connection, coarse) => ({
  /** bytes a ms that are given */
  get line() {
    const { saveData, type = '' } = connection,
      costs = saveData || type == 'cellular' || (coarse && !/wifi|ethernet/.test(type));
    return costs ? 0 : kbps / 8;
  },

  get uploads() {
    return this.line > 0;
  },
});
