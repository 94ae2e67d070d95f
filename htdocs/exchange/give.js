/** What this visitor gives: one queue for all neighbours, the earliest deadline first, at its pace. Nothing is promised that would come too late, or
 * that the balance of given and received does not allow: who asks hears so at once, and asks somebody else. */
import { now } from '../util/bytes.js';
/** @typedef {import('../meet/peer.js').Peer} Peer
 * @typedef {{peer: Peer, id: number, bytes: Uint8Array, at: number, deadline: number}} Given at: bytes that went */

const FRAME = 16384,
  BUFFERED = 49152, // bytes that wait on one link
  QUEUED = 16e6, // bytes that wait in all
  EACH = 32, // that one neighbour may wait for
  CREDIT = 1e6, // bytes given before anything was received
  RATIO = 2, // bytes given for each that was received
  BEGUN_MS = 10000, // earlier: what has begun is ended
  PROMISE_MS = 12000, // that one waits for at most, when it is due before; and so long after it was due it is due no more
  TAKER_MS = 5000, // that who gives nothing comes later
  BUSY_MS = 10, // until links are looked at again
  MINUTE_MS = 60000,
  FULL_MS = 3000; // after which who asked in vain may ask again

export class Giver {
  #queue = /** @type {Given[]} */ ([]);
  #timer = 0;
  #free = 0; // when the next frame may go
  #line;
  #received;
  given = 0;
  /** @param {() => number} line bytes a ms; 0: nothing is given @param {() => number} received bytes, from anywhere */
  constructor(line, received) {
    this.#line = line;
    this.#received = received;
  }

  /** How it stands: bytes a ms, ms of what is due in 4 s and goes before all else, ms of all. */
  get stands() {
    const full = this.#credit < 16 * FRAME && 5000;
    return [this.#line(), full || this.#backlog(now() + 4000), full || this.#backlog(Infinity)].map(
      Math.round,
    );
  }
  /** @param {Peer} peer @param {{id: number, bytes: Uint8Array, due: number}} ask due: ms
   * @returns {number} 0: it is to come; else after how many ms there may be room */
  take(peer, { id, bytes, due }) {
    const deadline = now() + Math.min(due, MINUTE_MS) + (peer.stands.line ? 0 : TAKER_MS),
      wait = this.#backlog(deadline, bytes.length);
    const { length } = this.#queue.filter(one => one.peer == peer);
    if (this.#credit < bytes.length || length >= EACH) return FULL_MS;
    if (wait > Math.max(due, PROMISE_MS)) return Math.round(wait);
    this.#queue.push({ peer, id, bytes, at: 0, deadline });
    this.#pump();
    return 0;
  }
  /** @param {Peer} peer @param {number} [id] without: all of it */
  drop(peer, id) {
    this.#queue = this.#queue.filter(one => one.peer != peer || (id ?? one.id) != one.id);
  }

  get #credit() {
    return Math.min(QUEUED, RATIO * this.#received() + CREDIT - this.given) - this.#bytes(Infinity);
  }
  /** Bytes that are to go. @param {number} deadline by then */
  #bytes(deadline) {
    return this.#queue.reduce(
      (sum, one) => sum + (one.deadline <= deadline ? one.bytes.length - one.at : 0),
      0,
    );
  }
  /** In ms. @param {number} deadline by then @param {number} [more] bytes */
  #backlog(deadline, more = 0) {
    return (this.#bytes(deadline) + more) / Math.max(1, this.#line());
  }

  #pump() {
    clearTimeout(this.#timer);
    const on = this.#line(),
      late = on ? now() - PROMISE_MS : Infinity;
    for (const { peer, id } of this.#queue.filter(({ deadline }) => deadline < late)) {
      this.drop(peer, id);
      peer.say({ t: 'no', id, why: on ? 'busy' : 'off' });
    }
    const key = (/** @type {Given} */ one) => one.deadline - (one.at && BEGUN_MS);
    const able = () => this.#queue.filter(({ peer }) => peer.channel.buffered < BUFFERED);
    for (let one; this.#free <= now() && ([one] = able().sort((a, b) => key(a) - key(b))) && one;)
      this.#send(one);
    if (this.#queue.length)
      this.#timer = +setTimeout(() => this.#pump(), Math.max(this.#free - now(), BUSY_MS));
  }

  #send(/** @type {Given} */ one) {
    const part = one.bytes.subarray(one.at, one.at + FRAME),
      { length } = part;
    one.peer.give(one.id, one.at, part);
    one.at += length;
    this.given += length;
    this.#free = Math.max(now() - 50, this.#free) + length / Math.max(1, this.#line());
    if (one.at >= one.bytes.length) this.#queue.splice(this.#queue.indexOf(one), 1);
  }
}
