/** One neighbour: the protocol of doc/PROTOCOL.md 2.3 on one open channel. Hides requests, frames, bitmaps and serving; what the neighbour may
 * have (content/mirror.js), how fast (meet/manners.js), and what else it says is the hub's business (page/circle.js). A neighbour that breaks the protocol is closed. */
import { bit, CHUNK, frame, parseControl, parseFrame } from './wire.js';
import { fromBase64, must, now, pace } from '../util/bytes.js';
/** @typedef {import('./wire.js').Message} Message
 * @typedef {{hello(peer: Peer): Message, serve(hash: string, peer: Peer): Promise<Uint8Array|'none'|'busy'|'off'>,
 *   allow(bytes: number, peer: Peer): Promise<any>, heard(message: Message, peer: Peer): void, closed(peer: Peer, why: string): void}} Hub
 * @typedef {{hash: string, bytes: Uint8Array, at: number, done: (bytes: Uint8Array) => void, fail: (why: Error) => void}} Pending */

const MAX_ASKED = 8,
  MAX_ROOTS = 512,
  REPLY_MS = 300,
  MAX_PIECES = 131072,
  PAUSE = 1 << 20;

export class Peer {
  #hub;
  #next = 1;
  #late = 0; // bytes that were asked for and have not come, also when nobody waits for them any longer
  #serving = false;
  #sending = 0;
  #pending = /** @type {Map<number, Pending>} */ (new Map());
  #asked = /** @type {{id: number, hash: string}[]} */ ([]);
  #have = /** @type {Map<string, Uint8Array>} */ (new Map()); // by root, the one that was heard of last at the end
  #wanted = /** @type {Map<string, number>} */ (new Map()); // roots that we asked for, and when
  neighbours = /** @type {string[]} */ ([]);
  bytesIn = 0;
  bytesOut = 0;
  strikes = 0;
  near = false;
  up = false;
  ready = false;
  closed = false;
  rests = 0; // until when it is not asked again (performance.now)
  rate = 2 << 20; // bytes a second, of the last quarter of a second or so that it owed us something; a stranger is believed to be quick
  moved = 0; // when something last came, or it began to owe
  mine = false;
  re = '';
  by = '';
  vain = 0; // of those whom it named, who did not open since one did
  room = pace(0.002, 4 << 20); // whether so many characters more are read
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
  /** In how many seconds it brings this piece: that comes when it was asked for, else after all that it owes. @param {{hash: string, size: number}} piece */
  due({ hash, size }) {
    let left = 0;
    for (const owed of this.#pending.values()) {
      left += owed.bytes.length - owed.at;
      if (owed.hash == hash) return left / this.rate;
    }
    return (left + size) / this.rate;
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
  /** @param {string} hash @param {number} size @param {AbortSignal} signal @returns {Promise<Uint8Array>} unverified */
  get(hash, size, signal) {
    const id = this.#next++;
    if (!this.inflight) this.moved = now();
    return /** @type {Promise<Uint8Array>} */ (
      new Promise((done, fail) => {
        this.#pending.set(id, { hash, bytes: new Uint8Array(size), at: 0, done, fail });
        this.#late += size;
        signal.addEventListener('abort', () => {
          if (this.#pending.has(id)) this.say({ t: 'stop', id });
          fail(new Error('stopped'));
        });
        this.say({ t: 'get', id, h: hash });
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
    must(this.ready != (m.t == 'hello'), 'bad message'); // once, before all else
    if (m.t == 'hello') {
      must(m.sig == this.sig, 'bad message');
      this.ready = true;
    }
    this.up = m.up ?? this.up;
    for (const [root, , bits] of m.have ?? []) this.#learn(root, fromBase64(bits));
    if (m.t == 'got') this.#got(m.r, m.i);
    if (m.t == 'get') this.#queue(m.id, m.h);
    if (m.t == 'stop') this.#stop(m.id);
    if (m.t == 'no') this.#pending.get(m.id)?.fail(new Error(m.why));
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
    must(last < MAX_PIECES, 'bad message');
    const bits = new Uint8Array(Math.max(old?.length ?? 0, (last >> 3) + 1));
    bits.set(old ?? []);
    for (const i of pieces) bits[i >> 3] |= 128 >> (i & 7);
    this.#learn(root, bits);
  }

  #frame(/** @type {import('./wire.js').Frame} */ { id, offset, payload }) {
    const want = this.#pending.get(id),
      { length } = payload,
      seconds = this.inflight && (now() - this.moved) / 1000;
    this.bytesIn += length;
    this.moved = now();
    this.rate = (this.rate + (want ? 4 * length : 0)) / (1 + 4 * seconds);
    if (!want) return must(id < this.#next && (this.#late -= length) >= 0, 'bad message');
    must(offset == want.at && offset + length <= want.bytes.length, 'bad message');
    want.bytes.set(payload, offset);
    want.at += length;
    this.#late -= length;
    if (want.at == want.bytes.length) want.done(want.bytes);
  }

  #stop(/** @type {number} */ id) {
    this.#asked = this.#asked.filter(a => a.id != id);
    if (this.#sending == id) this.#sending = 0;
  }

  #queue(/** @type {number} */ id, /** @type {string} */ hash) {
    if (this.#asked.length >= MAX_ASKED) return this.say({ t: 'no', id, why: 'busy' });
    this.#asked.push({ id, hash });
    if (!this.#serving) this.#serve();
  }

  async #serve() {
    this.#serving = true;
    for (let ask; !this.closed && (ask = this.#asked.shift());) {
      const bytes = await this.#hub
        .serve(ask.hash, this)
        .catch(() => /** @type {'none'} */ ('none'));
      if (typeof bytes == 'string') this.say({ t: 'no', id: ask.id, why: bytes });
      else await this.#send(ask.id, bytes);
    }
    this.#serving = false;
  }

  async #send(/** @type {number} */ id, /** @type {Uint8Array} */ bytes) {
    this.#sending = id;
    for (let at = 0; at < bytes.length && !this.closed && this.#sending == id; at += CHUNK) {
      const size = Math.min(CHUNK, bytes.length - at);
      if ((await this.#hub.allow(size, this)) === false)
        return this.say({ t: 'no', id, why: 'off' });
      if (this.channel.buffered > PAUSE) await this.channel.drained();
      this.channel.send(frame(id, at, bytes));
      this.bytesOut += size;
    }
  }
}
