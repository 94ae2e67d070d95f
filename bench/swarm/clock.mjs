/** Virtual time. Decides what happens next: one queue of events by time, and by the order in which they were asked for. Each event is somebody's (its
 * owner: a page, or nobody; of one that is gone nothing happens any more, of one that sleeps it waits), and while it runs `owner` says whose, so
 * that what a browser has one of each (browser.mjs) is found without telling anybody. All promises settle before the next event: nothing takes time
 * but what says so.
 * @typedef {{at: number, seq: number, owner: any, act: (() => void) | null}} Event act: null when it was called off */

/** Runs what has been promised. Node has no name for that but this old one, of its timers; where it is missing a turn of its loop does. */
const settle = /** @type {(() => void) | undefined} */ (/** @type {any} */ (process)._tickCallback);

const before = (/** @type {Event} */ a, /** @type {Event} */ b) =>
  a.at < b.at || (a.at == b.at && a.seq < b.seq);

export class Clock {
  /** milliseconds since the world began */
  now = 0;
  /** whose event this is */
  owner = /** @type {any} */ (null);
  /** nothing more is to happen */
  over = false;
  /** how many there were */
  events = 0;
  /** what threw: a browser says so in its console and goes on */
  errors = /** @type {Error[]} */ ([]);
  #heap = /** @type {Event[]} */ ([]);
  #seq = 0;

  /** @param {number} ms from now @param {any} owner @param {() => void} act @returns {Event} */
  after(ms, owner, act) {
    const event = { at: this.now + (ms > 0 ? ms : 0), seq: ++this.#seq, owner, act };
    this.#push(event);
    return event;
  }

  /** Until `end`, or until it is over. @param {number} end ms @param {() => void} look called once in a while */
  async run(end, look = () => {}) {
    for (let more = true; more;) {
      // not inside of a promise: there nothing else would settle
      more = await new Promise((done, fail) =>
        setImmediate(() => {
          try {
            done(this.#turn(end, look));
          } catch (error) {
            fail(error);
          }
        }),
      );
    }
  }

  /** Many events, or one where Node cannot settle promises at once. @param {number} end @param {() => void} look */
  #turn(end, look) {
    for (let i = 0; i < 4096; i++) {
      const next = this.#heap[0];
      if (!next || next.at > end || this.over) return false;
      this.#pop();
      if (!next.act || next.owner?.gone) continue;
      if (next.owner?.sleepsUntil > next.at) {
        next.at = next.owner.sleepsUntil;
        next.seq = ++this.#seq;
        this.#push(next);
        continue;
      }
      this.#one(next);
      if (!settle) break;
      settle();
    }
    look();
    return true;
  }

  #one(/** @type {Event} */ event) {
    this.now = event.at;
    this.owner = event.owner;
    this.events++;
    try {
      /** @type {() => void} */ (event.act)();
    } catch (error) {
      this.errors.push(/** @type {Error} */ (error));
    }
  }

  #push(/** @type {Event} */ event) {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!before(event, heap[up])) break;
      heap[i] = heap[up];
      i = up;
    }
    heap[i] = event;
  }

  #pop() {
    const heap = this.#heap,
      last = /** @type {Event} */ (heap.pop()),
      n = heap.length;
    if (!n) return;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      if (down >= n) break;
      if (down + 1 < n && before(heap[down + 1], heap[down])) down++;
      if (!before(heap[down], last)) break;
      heap[i] = heap[down];
      i = down;
    }
    heap[i] = last;
  }
}
