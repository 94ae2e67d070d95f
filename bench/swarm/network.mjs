/** Access lines and what runs over them. Decides when a message that one viewer sends another is there: the sender's upload queue (which delays, and
 * drops what does not fit), the way between, the receiver's download, and a window for each link that grows, halves at a loss, and has a ceiling.
 * @typedef {import('./people.mjs').Person} Person
 * @typedef {{data: any, size: number, left: number, film: number}} Message left: bytes not sent; film: those of the film in it
 * @typedef {{flow: Flow, n: number, message: Message}} Part of a message, on its way */
import { chance, lognormal } from './chance.mjs';
import { LINK } from './lines.mjs';

/** A viewer's access. Both queues are first in, first out. */
export class Node {
  upFree = 0;
  downFree = 0;
  online = true;
  flows = /** @type {Set<Flow>} */ (new Set());
  sent = 0; // bytes on the line, to viewers
  losses = 0; // of which its links heard
  owner = /** @type {any} */ (null); // the page whose events are its
  /** @param {Person} person @param {number} grain ms */
  constructor(person, grain) {
    this.person = person;
    this.up = person.up;
    this.down = person.down;
    this.delay = person.rtt / 2;
    this.queue = person.full;
    this.unit = Math.floor(
      Math.min(65536, Math.max(LINK.packet, person.up * Math.min(grain, person.full / 3))),
    );
  }
  /** @param {number} now @param {number} n bytes that arrive at the access @returns {number} when they are through it */
  arrives(now, n) {
    this.downFree = Math.max(this.downFree, now) + n / this.down;
    return this.downFree;
  }
}

/** One direction of a link: ordered, and what is lost is sent again. */
export class Flow {
  #net;
  #queue = /** @type {Message[]} */ ([]);
  #acks = /** @type {{at: number, n: number}[]} */ ([]);
  #acked = 0; // of #acks, from the front
  #under = 0;
  #window = LINK.window;
  #threshold = Infinity;
  #nearFree = 0;
  #blind = 0; // until when further losses are the same one
  #wake = /** @type {import('./clock.mjs').Event | null} */ (null);
  buffered = 0;
  open = true;
  offered = 0;
  arrived = 0;
  /** @param {Network} net @param {Node} from @param {Node} to @param {number} way one way, ms @param {(message: Message) => void} deliver
   * @param {(before: number) => void} drained told when less waits than `before` */
  constructor(net, from, to, way, deliver, drained) {
    this.#net = net;
    this.deliver = deliver;
    this.drained = drained;
    this.from = from;
    this.to = to;
    this.way = way;
    this.near = from.person.address == to.person.address;
    from.flows.add(this);
  }

  /** @param {any} data @param {number} bytes @param {number} film */
  send(data, bytes, film) {
    if (!this.open) return;
    const size = bytes + LINK.message;
    this.#queue.push({ data, size, left: size, film });
    this.buffered += size;
    this.offered += size;
    this.#push();
  }

  close() {
    this.open = false;
    this.#queue = [];
    this.buffered = 0;
    this.from.flows.delete(this);
    if (this.#wake) this.#wake.act = null;
  }

  #push() {
    const { clock } = this.#net,
      before = this.buffered;
    this.#acknowledge(clock.now);
    while (this.open && this.from.online && this.#queue.length) {
      const [message] = this.#queue,
        n = Math.min(this.from.unit, message.left);
      if (this.#under && this.#under + n > this.#window) break;
      if (!this.#transmit(message, n)) break;
      message.left -= n;
      this.buffered -= n;
      if (!message.left) this.#queue.shift();
    }
    if (this.#queue.length) this.#later();
    if (this.buffered < before) this.drained(before);
  }

  /** @param {Message} message @param {number} n @returns {boolean} false: it did not fit into the queue */
  #transmit(message, n) {
    const { clock, roll } = this.#net,
      { from } = this,
      bytes = n * LINK.overhead;
    const waits = Math.max(0, from.upFree - clock.now);
    if (
      !this.near &&
      ((this.#under && waits + bytes / from.up > from.queue) || (LINK.loss && roll() < LINK.loss))
    ) {
      this.#lost(waits);
      return false;
    }
    const over = this.near ? clock.now : (from.upFree = clock.now + waits + bytes / from.up);
    from.sent += n;
    this.#under += n;
    const part = { flow: this, n, message: { ...message, left: message.left - n } };
    clock.after(over + this.way - clock.now, this.to.owner, () => this.#reaches(part));
    return true;
  }

  /** What is under way goes on, and is followed by half as much. @param {number} waits ms, in the queue */
  #lost(waits) {
    const { clock } = this.#net;
    if (clock.now < this.#blind) return;
    this.from.losses++;
    this.#threshold = this.#window = Math.max(2 * LINK.packet, this.#window / 2);
    this.#blind = clock.now + waits + 2 * this.way;
  }

  /** At the other's access. */
  #reaches(/** @type {Part} */ part) {
    const { clock } = this.#net,
      { to } = this;
    if (!this.open) return;
    const there = this.near
      ? (this.#nearFree = Math.max(this.#nearFree, clock.now) + part.n / LINK.near[1])
      : to.arrives(clock.now, part.n * LINK.overhead);
    clock.after(there - clock.now, to.owner, () => {
      if (!this.open) return;
      this.#acks.push({ at: clock.now + this.way, n: part.n });
      this.arrived += part.n;
      if (!part.message.left) this.deliver(part.message);
    });
  }

  /** Both ends are there again. (What came meanwhile waited: a sleeper's events do, and stand for what would be sent once more.) */
  resume() {
    if (this.open && this.#queue.length) this.#later();
  }

  #acknowledge(/** @type {number} */ now) {
    while (this.#acked < this.#acks.length && this.#acks[this.#acked].at <= now) {
      const { n } = this.#acks[this.#acked++];
      this.#under -= n;
      this.#window = Math.min(
        LINK.ceiling,
        this.#window + (this.#window < this.#threshold ? n : (LINK.packet * n) / this.#window),
      );
    }
    if (this.#acked < 64) return;
    this.#acks.splice(0, this.#acked);
    this.#acked = 0;
  }

  /** Looks again when something is acknowledged. */
  #later() {
    const { clock } = this.#net,
      next =
        this.#acks[this.#acked]?.at ??
        (this.#under ? clock.now + Math.max(10, this.way) : clock.now);
    const at = Math.max(next, clock.now + 0.01);
    if (this.#wake?.act) {
      if (this.#wake.at <= at) return;
      this.#wake.act = null;
    }
    this.#wake = clock.after(at - clock.now, this.from.owner, () => {
      if (this.#wake) this.#wake.act = null;
      this.#push();
    });
  }
}

export class Network {
  /** @param {import('./clock.mjs').Clock} clock @param {number} seed */
  constructor(clock, seed) {
    this.clock = clock;
    this.seed = seed;
    this.roll = chance(seed, 'network');
  }
  /** One way between two, ms: half of both accesses, and of what lies between them, the same for a pair whenever they meet. @param {Node} a
   * @param {Node} b */
  way(a, b) {
    if (a.person.address == b.person.address) return LINK.near[0];
    const ids = [a.person.id, b.person.id].sort((x, y) => x - y);
    return (
      (a.delay + b.delay) / 2 + lognormal(chance(this.seed, 'between', ...ids), ...LINK.between) / 2
    );
  }
}
