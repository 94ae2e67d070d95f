/** One neighbour: the protocol of doc/PROTOCOL.md 2.3 on one open channel. Hides requests, frames, bitmaps and serving; what the neighbour may
 * have (content/mirror.js), how fast (meet/manners.js), and what else it says is the hub's business (page/circle.js). A neighbour that breaks the protocol is closed. */
import { bit, frame, parseControl, parseFrame } from './wire.js';
import { fromBase64, must, now, pace } from '../util/bytes.js';
/** @typedef {import('./wire.js').Message} Message
 * @typedef {{hello(peer: Peer): Message, serve(ask: {id: number, hash: string, due: number}, peer: Peer): Promise<{why: string, ms?: number}|null>,
 *   stopped(peer: Peer, id: number): void, heard(message: Message, peer: Peer): void, closed(peer: Peer, why: string): void}} Hub serve: null when it is to come;
 *   stopped: it need not
 * @typedef {{bytes: Uint8Array, at: number, first: number, done: (bytes: Uint8Array) => void, fail: (why: Error) => void, on(bytes: number): void}} Pending
 *   at: bytes that are here; first: when the first of them came */

const MAX_ROOTS = 512,
  REPLY_MS = 300,
  BUSY_MS = 3000,
  MAX_PIECES = 131072,
  TRIP_MS = 60,
  READS = 32;

export class Peer {
  #hub;
  #next = 1;
  #reads = 0; // pieces that are looked for, to be given to it
  #late = 0; // bytes that were asked for and have not come, also when nobody waits for them any longer
  #pending = /** @type {Map<number, Pending>} */ (new Map());
  #have = /** @type {Map<string, Uint8Array>} */ (new Map()); // by root, the one that was heard of last at the end
  #wanted = /** @type {Map<string, number>} */ (new Map()); // roots that we asked for, and when
  neighbours = /** @type {string[]} */ ([]);
  bytesIn = 0;
  bytesOut = 0;
  near = false;
  up = false;
  ready = false;
  closed = false;
  rests = 0; // until when it is not asked again (performance.now)
  /** by its word: what it gives, bytes a ms; ms of what is due in 4 s and goes before all else, and of all that it is to give */
  stands = { line: 300, soon: 0, all: 0 };
  told = now(); // when it said so
  speed = 0; // bytes a ms that came from it; 0: nothing did
  strikes = 0; // how often it brought nothing of what it had promised
  mine = false;
  re = '';
  by = '';
  vain = 0; // of those whom it named, who did not open since one did
  room = pace(0.002, 4 << 20); // whether so many characters more are read
  claims = pace(200, 40); // whether so many blocks more that it says somebody fetches are believed
  asks = pace(200, 256); // whether one more time that it wants something is answered
  carried = pace(1000, 16); // whether one more mail of its is carried
  timer = 0; // of meet/signal.js: whether we made the offer, its id, who brought one that nobody asked for, the timer until it must be open
  /** @param {import('./link.js').Channel} channel @param {string} sig who it is, as the instance or a neighbour said @param {Hub} hub */
  constructor(channel, sig, hub) {
    this.channel = channel;
    this.#hub = hub;
    this.sig = sig;
    channel.onclose = () => this.close('closed');
    channel.onmessage = data => {
      try {
        if (typeof data != 'string') return this.#frame(parseFrame(data));
        must(this.room(data.length + 1000), 'too much');
        this.#control(parseControl(data));
      } catch (error) {
        this.close(`protocol: ${error}`);
      }
    };
  }

  get inflight() {
    return this.#pending.size;
  }
  /** For how many seconds it gives to others before what is due in so many. */
  waits(/** @type {number} */ due) {
    const { soon, all } = this.stands;
    return Math.max(0, (due < 12 ? soon : all) - now() + this.told) / 1000;
  }
  /** In how many seconds it brings a piece that is due in so many. @param {number} size @param {number} due */
  expects(size, due) {
    let owed = size;
    for (const one of this.#pending.values()) owed += one.bytes.length - one.at;
    const { line } = this.stands;
    return (
      this.waits(due) + (owed / Math.max(8, Math.min(line, this.speed || line)) + TRIP_MS) / 1000
    );
  }
  /** Sends a part of what it asked for. @param {number} id @param {number} at @param {Uint8Array} part */
  give(id, at, part) {
    this.channel.send(frame(id, at, part));
    this.bytesOut += part.length;
  }
  greet() {
    this.say(this.#hub.hello(this));
  }
  say(/** @type {Message} */ message) {
    for (const root of message.want ?? []) this.#wanted.set(root, now());
    if (!this.closed) this.channel.send(JSON.stringify(message));
  }
  has(/** @type {string} */ root, /** @type {number} */ index) {
    return this.up && bit(this.#have.get(root), index);
  }
  /** Whether it has some of it, or may say so in a moment. */
  knows(/** @type {string} */ root) {
    const wanted = this.#wanted.get(root) ?? -Infinity;
    return this.up && (this.#have.get(root)?.some(Boolean) ?? now() - wanted < REPLY_MS);
  }
  /** @param {{hash: string, size: number}} piece @param {AbortSignal} signal @param {{due: number, on(bytes: number): void}} how due: ms until it is needed;
   * on: hears of what comes @returns {Promise<Uint8Array>} unverified */
  get({ hash, size }, signal, { due, on }) {
    const id = this.#next++;
    return /** @type {Promise<Uint8Array>} */ (
      new Promise((done, fail) => {
        this.#pending.set(id, { bytes: new Uint8Array(size), at: 0, first: 0, done, fail, on });
        this.#late += size;
        signal.addEventListener('abort', () => {
          if (this.#pending.has(id)) this.say({ t: 'stop', id });
          fail(new Error('stopped'));
        });
        this.say({ t: 'get', id, h: hash, due });
      })
    ).finally(() => this.#pending.delete(id));
  }

  close(/** @type {string} */ why) {
    if (this.closed) return;
    if (why == 'bye') this.say({ t: 'bye' });
    this.closed = true;
    for (const { fail } of this.#pending.values()) fail(new Error(why));
    this.channel.close();
    this.#hub.closed(this, why);
  }

  #control(/** @type {Message} */ m) {
    must(this.ready != (m.t == 'hello')); // once, before all else
    if (m.t == 'hello') {
      must(m.sig == this.sig);
      this.ready = true;
    }
    this.up = m.up ?? this.up;
    for (const [root, , bits] of m.have ?? []) this.#learn(root, fromBase64(bits));
    if (m.t == 'got') this.#got(m.r, m.i);
    if (m.t == 'get') this.#serve(m);
    if (m.t == 'stop') this.#hub.stopped(this, m.id);
    if (m.t == 'no') this.#refused(m.id, m.why, m.ms);
    if (m.at) {
      const [line, soon, all] = m.at;
      Object.assign(this, { stands: { line, soon, all }, told: now() });
    }
    if (m.t == 'peers') this.neighbours = m.list;
    m.t == 'bye' ? this.close('left') : this.#hub.heard(m, this);
  }

  /** What was heard of longest ago makes room. */
  #learn(/** @type {string} */ root, /** @type {Uint8Array} */ bits) {
    this.#have.delete(root);
    this.#have.set(root, bits);
    const [oldest] = this.#have.keys();
    if (this.#have.size > MAX_ROOTS) this.#have.delete(oldest);
  }

  #got(/** @type {string} */ root, /** @type {number[]} */ pieces) {
    const old = this.#have.get(root),
      last = Math.max(...pieces, 0);
    must(last < MAX_PIECES);
    const bits = new Uint8Array(Math.max(old?.length ?? 0, (last >> 3) + 1));
    bits.set(old ?? []);
    for (const i of pieces) bits[i >> 3] |= 128 >> (i & 7);
    this.#learn(root, bits);
  }

  #frame(/** @type {import('./wire.js').Frame} */ { id, offset, payload }) {
    const want = this.#pending.get(id),
      { length } = payload;
    this.bytesIn += length;
    if (!want) return must(id < this.#next && (this.#late -= length) >= 0);
    must(offset == want.at && offset + length <= want.bytes.length);
    want.bytes.set(payload, offset);
    want.at += length;
    want.first ||= now();
    want.on(length);
    this.#late -= length;
    if (want.at < want.bytes.length) return;
    const ms = now() - want.first,
      speed = (want.at - length) / ms;
    if (ms > 30) this.speed = this.speed ? 0.85 * this.speed + 0.15 * speed : speed;
    want.done(want.bytes);
  }

  /** @param {number} id @param {string} why @param {number} [ms] busy: when there may be room */
  #refused(id, why, ms = 300) {
    const busy = why == 'busy';
    if (busy) {
      Object.assign(this.stands, { soon: Math.min(ms, 3000), all: ms });
      this.told = now();
    }
    this.#pending.get(id)?.fail(Object.assign(new Error(why), busy && { ms }));
  }

  async #serve(/** @type {Message} */ { id, h, due = 2000 }) {
    const full = ++this.#reads > READS && { why: 'busy', ms: BUSY_MS },
      no = full || (await this.#hub.serve({ id, hash: h, due }, this));
    this.#reads--;
    if (no) this.say({ t: 'no', id, ...no });
  }
}
