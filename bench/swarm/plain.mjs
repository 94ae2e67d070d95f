/** Plain HTTP, the yardstick: a player without any of us. Decides nothing; the host and its queue do. */

/** @param {import('./simulate.mjs').World} world */
export const plain = world => ({
  /** @param {any} page @returns {Promise<import('./visitor.mjs').Client>} */
  async open(page) {
    void page;
    return { get: at => fetch(world.film.url, { headers: { range: `bytes=${at}-` } }), leave() {} };
  },
});
