/** One neighbour: the protocol of doc/PROTOCOL.md 2.3 on one open channel. Hides requests, frames, bitmaps and serving;
 * what the neighbour may have and what it means is the hub's business. A neighbour that breaks the protocol is closed. */
import { bit, CHUNK, frame, parseControl, parseFrame } from './wire.js';
import { fromBase64 } from './bytes.js';

/** @typedef {import('./wire.js').Message} Message
 * @typedef {{greeting(peer: Peer): Message[], serve(hash: string, peer: Peer): Promise<Uint8Array|'none'|'busy'|'off'>, allow(bytes: number, peer: Peer): Promise<void>,
 *   changed(peer: Peer): void, control(message: Message, peer: Peer): void, closed(peer: Peer, why: string): void}} Hub
 * @typedef {{bytes: Uint8Array, at: number, done: (bytes: Uint8Array) => void, fail: (why: Error) => void, progress: (n: number) => void}} Pending */

const MAX_ASKED = 8, MAX_ROOTS = 512, PAUSE = 1 << 20;

export class Peer {
  #channel; #hub; #next = 1; #serving = false; #sending = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** @type {{id: number, hash: string}[]} */
  #asked = [];
  /** @type {Map<string, Uint8Array>} */
  #have = new Map();
  /** @type {Set<string>} */
  neighbours = new Set();
  bytesIn = 0; bytesOut = 0; strikes = 0; near = false; tab = false; up = false; ready = false; closed = false; version = 0; speed = 1e6;
  /** until when it is not asked again (performance.now) */
  rests = 0;
  heard = performance.now();

  /** @param {import('./link.js').Channel} channel @param {string} sig who it is, as the instance or a neighbour said @param {Hub} hub */
  constructor(channel, sig, hub) {
    this.#channel = channel;
    this.#hub = hub;
    this.sig = sig;
    channel.onclose = () => this.close('closed');
    channel.onmessage = data => {
      try {
        this.heard = performance.now();
        typeof data == 'string' ? this.#control(parseControl(data)) : this.#frame(parseFrame(data));
      } catch (error) { this.close(`protocol: ${error}`); }
    };
  }

  get inflight() { return this.#pending.size; }
  greet() { for (const message of this.#hub.greeting(this)) this.say(message); }

  /** @param {Message} message */
  say(message) { if (!this.closed) this.#channel.send(JSON.stringify(message)); }

  /** @param {string} root @param {number} index */
  has(root, index) { return this.up && bit(this.#have.get(root), index); }

  /** @param {string} hash @param {number} size @param {AbortSignal} signal @param {(n: number) => void} progress
   * @returns {Promise<Uint8Array>} unverified */
  get(hash, size, signal, progress) {
    const id = this.#next++;
    return /** @type {Promise<Uint8Array>} */ (new Promise((done, fail) => {
      this.#pending.set(id, { bytes: new Uint8Array(size), at: 0, done, fail, progress });
      signal.addEventListener('abort', () => {
        if (this.#pending.has(id)) this.say({ t: 'stop', id });
        fail(new Error('stopped'));
      }, { once: true });
      this.say({ t: 'get', id, h: hash });
    })).finally(() => this.#pending.delete(id));
  }

  /** @param {string} why */
  close(why) {
    if (this.closed) return;
    if (why == 'bye') this.say({ t: 'bye' });
    this.closed = true;
    for (const { fail } of this.#pending.values()) fail(new Error(why));
    this.#channel.close();
    this.#hub.closed(this, why);
  }

  /** @param {Message} m */
  #control(m) {
    if (m.t == 'hello') {
      if (m.sig != this.sig) throw new TypeError('another signal than the one that was called');
      this.up = m.up;
      this.version = m.version;
      this.ready = true;
    }
    if (m.have) this.#holds(m.have);
    if (m.t == 'got') for (const i of m.i) this.#got(m.r, i);
    if (m.t == 'get') this.#queue(m.id, m.h);
    if (m.t == 'stop') this.#stop(m.id);
    if (m.t == 'no') this.#pending.get(m.id)?.fail(new Error(m.why));
    if (m.t == 'peers') this.neighbours = new Set(m.list);
    if (m.t == 'bye') return this.close('left');
    if (m.have || m.t == 'got') this.#hub.changed(this);
    this.#hub.control(m, this);
  }

  /** @param {[string, string, string][]} have */
  #holds(have) {
    for (const [root, , bits] of have) {
      if (this.#have.size < MAX_ROOTS || this.#have.has(root)) this.#have.set(root, fromBase64(bits));
    }
  }

  /** @param {string} root @param {number} i */
  #got(root, i) {
    let bits = this.#have.get(root) ?? new Uint8Array(0);
    if (i >= 131072 || !this.#have.has(root) && this.#have.size >= MAX_ROOTS) return;
    if (i >> 3 >= bits.length) {
      const longer = new Uint8Array((i >> 3) + 1);
      longer.set(bits);
      this.#have.set(root, bits = longer);
    }
    bits[i >> 3] |= 128 >> (i & 7);
  }

  /** @param {import('./wire.js').Frame} f */
  #frame({ id, offset, payload }) {
    const want = this.#pending.get(id);
    this.bytesIn += payload.length;
    if (!want) { if (id < this.#next) return; throw new TypeError('frame nobody asked for'); }
    if (offset != want.at || offset + payload.length > want.bytes.length) throw new TypeError('frame out of place');
    want.bytes.set(payload, offset);
    want.at += payload.length;
    want.progress(payload.length);
    if (want.at == want.bytes.length) want.done(want.bytes);
  }

  /** @param {number} id */
  #stop(id) {
    this.#asked = this.#asked.filter(a => a.id != id);
    if (this.#sending == id) this.#sending = 0;
  }

  /** @param {number} id @param {string} hash */
  #queue(id, hash) {
    if (this.#asked.length >= MAX_ASKED) return this.say({ t: 'no', id, why: 'busy' });
    this.#asked.push({ id, hash });
    if (!this.#serving) this.#serve();
  }

  async #serve() {
    this.#serving = true;
    for (let ask; !this.closed && (ask = this.#asked.shift());) {
      const bytes = await this.#hub.serve(ask.hash, this).catch(() => /** @type {'none'} */ ('none'));
      if (typeof bytes == 'string') this.say({ t: 'no', id: ask.id, why: bytes });
      else await this.#send(ask.id, bytes);
    }
    this.#serving = false;
  }

  /** @param {number} id @param {Uint8Array} bytes */
  async #send(id, bytes) {
    this.#sending = id;
    for (let at = 0; at < bytes.length && !this.closed && this.#sending == id; at += CHUNK) {
      const size = Math.min(CHUNK, bytes.length - at);
      await this.#hub.allow(size, this);
      if (this.#channel.buffered > PAUSE) await this.#channel.drained();
      this.#channel.send(frame(id, at, bytes));
      this.bytesOut += size;
    }
  }
}
