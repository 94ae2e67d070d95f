/** The most that can flow from one place to another along edges that each bear so much: Dinic's algorithm. */

const LEAST = 1e-9;

export class Graph {
  #edges = /** @type {{to: number, left: number, had: number}[]} */ ([]);
  #from = /** @type {number[][]} */ ([]);
  /** @param {number} places */
  constructor(places) {
    for (let i = 0; i < places; i++) this.#from.push([]);
  }
  /** @param {number} a @param {number} b @param {number} most @returns {number} its name */
  edge(a, b, most) {
    const name = this.#edges.length;
    this.#edges.push({ to: b, left: most, had: most }, { to: a, left: 0, had: 0 });
    this.#from[a].push(name);
    this.#from[b].push(name + 1);
    return name;
  }
  /** It bears more from now on. @param {number} name @param {number} more */
  widen(name, more) {
    this.#edges[name].left += more;
    this.#edges[name].had += more;
  }
  /** what flows along it */
  used(/** @type {number} */ name) {
    return this.#edges[name].had - this.#edges[name].left;
  }

  /** As much as can, besides what flows already (which may take other ways). @param {number} source @param {number} sink */
  run(source, sink) {
    for (let level = this.#levels(source); level[sink] >= 0; level = this.#levels(source)) {
      const next = this.#from.map(() => 0);
      while (this.#push(source, sink, Infinity, level, next) > 0);
    }
  }

  /** @param {number} source @returns {number[]} how many edges away each place is; -1: not reached */
  #levels(source) {
    const level = this.#from.map(() => -1),
      queue = [source];
    level[source] = 0;
    for (const place of queue)
      for (const name of this.#from[place]) {
        const { to, left } = this.#edges[name];
        if (left <= LEAST || level[to] >= 0) continue;
        level[to] = level[place] + 1;
        queue.push(to);
      }
    return level;
  }

  /** @param {number} at @param {number} sink @param {number} most @param {number[]} level @param {number[]} next @returns {number} */
  #push(at, sink, most, level, next) {
    if (at == sink) return most;
    for (; next[at] < this.#from[at].length; next[at]++) {
      const name = this.#from[at][next[at]],
        edge = this.#edges[name];
      if (edge.left <= LEAST || level[edge.to] != level[at] + 1) continue;
      const pushed = this.#push(edge.to, sink, Math.min(most, edge.left), level, next);
      if (pushed <= 0) continue;
      edge.left -= pushed;
      this.#edges[name ^ 1].left += pushed;
      return pushed;
    }
    return 0;
  }
}
