// A crowd of visitors in one process. Each runs the client's own modules
// (signal.js, instance.js, link.js, peer.js) over real HTTP, from a loopback
// address of its own; only RTCPeerConnection is made here: two ends that open
// when offer and answer match, and carry what is sent. There is no clock but
// the real one.
import http from 'node:http';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import '../js/setup.mjs';
import { instance } from '../../htdocs/meet/instance.js';
import { parse } from '../../htdocs/meet/sdp.js';
import { Signal } from '../../htdocs/meet/signal.js';

const OPEN_MS = 100; // ICE and DTLS between two homes
const HOP_MS = 20; // one message
const NOTICE_MS = 5000; // until a browser says 'disconnected' of one that went silent
const hex = (bytes) => randomBytes(bytes).toString('hex');
const later = (ms, what) => setTimeout(what, ms);

/** by ufrag: whoever has a description */
const ends = new Map();

class Channel extends EventTarget {
  readyState = 'connecting';
  bufferedAmount = 0;

  constructor(end) {
    super();
    this.end = end;
  }

  send(data) {
    const { other } = this.end;
    later(HOP_MS, () => other?.alive && this.end.alive && other.channel.onmessage?.({ data }));
  }

  become(state) {
    if (this.readyState === state || this.readyState === 'closed') return;
    this.readyState = state;
    if (state === 'open') this.onopen?.();
    else {
      this.onclose?.();
      this.dispatchEvent(new Event('close'));
    }
  }
}

/** Whose connection it is, by the list of ICE servers that link.js hands on. @type {WeakMap<object, Visitor>} */
const owners = new WeakMap();
/** What link.js uses of RTCPeerConnection. */
class Connection {
  signalingState = 'stable';
  connectionState = 'new';
  iceGatheringState = 'gathering';
  localDescription = null;
  alive = true; // whether its packets reach anybody
  other = null;

  constructor({ iceServers }) {
    const owner = owners.get(iceServers);
    this.owner = owner;
    this.ufrag = hex(6);
    ends.set(this.ufrag, this);
    owner.ends.add(this);
  }

  createDataChannel() {
    this.channel = new Channel(this);
    return this.channel;
  }

  async setLocalDescription() {
    const print = randomBytes(32).toString('hex').toUpperCase().replace(/..(?=.)/g, '$&:');
    this.localDescription = { sdp: [`a=fingerprint:sha-256 ${print}`, `a=ice-ufrag:${this.ufrag}`, `a=ice-pwd:${hex(12)}`,
      `a=candidate:0 1 udp 2113937151 ${this.owner.address} 50000 typ host`, ''].join('\r\n') };
  }

  async setRemoteDescription({ type, sdp }) {
    this.theirs = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
    const other = ends.get(this.theirs);
    if (type === 'answer' && other?.theirs === this.ufrag) later(OPEN_MS, () => this.#open(other));
  }

  #open(other) {
    if (!this.alive || !other.alive || this.other || other.other) return;
    this.other = other;
    other.other = this;
    for (const end of [this, other]) end.#become('connected');
    for (const end of [this, other]) later(0, () => end.channel.become('open'));
  }

  #become(state) {
    if (this.connectionState === 'closed') return;
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  #forget() {
    this.alive = false;
    ends.delete(this.ufrag);
    this.owner.ends.delete(this);
  }

  close() {
    if (this.connectionState === 'closed') return;
    this.connectionState = this.signalingState = 'closed';
    const { other } = this;
    later(HOP_MS, () => { // what was sent before comes first
      this.#forget();
      if (other?.alive) other.channel.become('closed');
    });
  }

  /** Not a word more. */
  vanish() {
    const { other } = this;
    this.#forget();
    this.connectionState = 'closed';
    later(NOTICE_MS, () => { if (other?.alive) other.#become('disconnected'); });
  }

  /** The network between the two breaks. */
  cut() {
    if (!this.other) return;
    this.alive = false;
    this.#become('failed');
  }
}

globalThis.RTCPeerConnection = Connection;

/** Whether somebody still waits for an answer to this packed description. */
export const waits = (sdp) => Boolean(ends.get(parse(sdp).ufrag)?.alive);

/** What the instance of a directory knows of signals: the first column of a query. */
export async function live(dir, query) {
  const name = (await readdir(join(dir, 'data'))).filter((file) => /^live-\d+\.db$/.test(file)).at(-1);
  const { stdout } = await promisify(execFile)('sqlite3', ['-cmd', '.timeout 5000', join(dir, 'data', name), query]);
  return stdout.split('\n').filter(Boolean);
}

/** fetch as instance.js uses it, from an address. Gives {status, text}; rejects when nobody answers. */
function post(url, { method = 'GET', body, signal, address = '127.0.0.1' }) {
  const data = body === undefined ? undefined : Buffer.from(body.toString());
  const headers = data ? { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': data.length } : {};
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, signal, localAddress: address, agent: false }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(data);
  });
}

/** What a request says, in either form (PROTOCOL 1.1). */
function sent(body) {
  if (body.has('d')) return JSON.parse(Buffer.from(body.get('d'), 'base64url').toString());
  const bits = Array.from(body.get('h'), (digit) => 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(digit).toString(2).padStart(5, '0')).join('');
  return JSON.parse(Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2))).toString());
}

/** One visitor, from its page's load to its end. */
class Visitor {
  ends = new Set();
  token = hex(32);
  ice = [];
  born = performance.now();

  constructor(crowd, n) {
    this.crowd = crowd;
    this.address = `127.${1 + (n >> 16)}.${n >> 8 & 255}.${n & 255}`;
    const hub = {
      hello: () => ({ t: 'hello', v: 1, sig: this.signal.sig, version: 1, up: true, have: [] }),
      serve: async () => 'none',
      allow: async () => {},
      heard: (message, peer) => this.signal.heard(message, peer),
      closed: (peer, why) => {
        if (!peer.ready) this.crowd.count(`link: ${why}`);
        this.signal.closed(peer, why);
      },
      met: () => {},
      holding: () => ({ version: 1, have: [[0, 50]] }),
      joined: () => {},
      refused: (error) => this.crowd.count(`refused: ${error.code}`),
    };
    owners.set(this.ice, this);
    const me = { token: this.token, run: hex(4), key: crowd.key, ice: this.ice };
    this.signal = new Signal(instance(crowd.base, () => {}, (url, init) => this.#ask(url, init)), me, hub);
    this.signal.start();
  }

  get linked() {
    return this.signal.peers.length > 0;
  }

  async #ask(url, init) {
    const said = sent(init.body);
    const record = { at: Date.now(), what: said.key ? 'join' : said.mail.length ? 'mail' : said.offers.length ? 'offer' : 'poll', status: 0, ms: 0 };
    this.crowd.requests.push(record);
    try {
      const { status, text } = await post(url, { ...init, address: this.address });
      record.status = status;
      return { json: async () => this.#heard(said, JSON.parse(text)) };
    } finally {
      record.ms = Date.now() - record.at;
    }
  }

  /** Keeps account of mail: what was acknowledged, and what came. */
  #heard(said, answer) {
    if (answer.ice) answer.ice = this.ice;
    if (this.gone) return answer;
    const { mail, read } = this.crowd;
    const at = Date.now();
    for (const [i, { error, due_ms: due }] of (answer.sent ?? []).entries()) {
      if (error) this.crowd.count(`mail: ${error}`);
      else mail.push({ from: this.signal.sig, re: said.mail[i].re, to: said.mail[i].to, at, due: at + due });
    }
    for (const { from, re } of answer.mail ?? []) read.add(`${from} ${re} ${this.signal.sig || answer.sig}`);
    return answer;
  }

  /** Closes the tab: with a word to the instance and the neighbours, or without (a crash, a phone put away). */
  leave(word = true) {
    this.gone = true;
    if (word) return this.signal.stop();
    for (const end of [...this.ends]) end.vanish();
    this.crowd.dumb = true;
    this.signal.stop();
    this.crowd.dumb = false;
  }
}

export class Crowd {
  requests = [];
  visitors = new Set();
  mail = [];
  read = new Set();
  counts = {};
  beacons = 0;
  dumb = false;
  #n = 0;
  #timers = new Set();

  /** @param {{base: string, key: string}} where */
  constructor({ base, key }) {
    this.base = base;
    this.key = key;
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { sendBeacon: (url, body) => this.#beacon(url, body) } });
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #beacon(url, body) {
    if (this.dumb) return;
    this.beacons++;
    const record = { at: Date.now(), what: 'leave', status: 0, ms: 0 };
    this.requests.push(record);
    post(url, { method: 'POST', body, signal: AbortSignal.timeout(25_000) }).then(({ status }) => { record.status = status; }, () => {});
  }

  arrive() {
    const visitor = new Visitor(this, ++this.#n);
    this.visitors.add(visitor);
    return visitor;
  }

  depart(visitor, word) {
    this.visitors.delete(visitor);
    visitor.leave(word);
  }

  /** Does it again and again, at random, so often a second, for so long. */
  async often(rate, ms, what) {
    for (const end = Date.now() + ms; ;) {
      const wait = -Math.log(1 - Math.random()) / rate * 1000;
      const left = end - Date.now();
      await new Promise((done) => { this.#timers.add(later(Math.max(0, Math.min(wait, left)), done)); });
      if (wait >= left) return;
      what();
    }
  }

  /** Mail acknowledged since then for somebody who is still here, and not read 5 s after it was to be. */
  lost(since) {
    const here = new Set([...this.visitors].map(({ signal }) => signal.sig));
    const late = Date.now() - 5000;
    return this.mail.filter(({ from, re, to, at, due }) => at >= since && due < late && here.has(to) && !this.read.has(`${from} ${re} ${to}`));
  }

  /** How long the first link took, in words; of all, or of those who came last. */
  firsts(last = Infinity) {
    const all = [...this.visitors].slice(-last).map(({ signal, born }) => signal.firstPeer === null ? Infinity : (signal.firstPeer - born) / 1000).sort((a, b) => a - b);
    const at = (p) => all[Math.ceil(all.length * p) - 1].toFixed(1);
    return `p50 ${at(0.5)} s, p95 ${at(0.95)} s, max ${at(1)} s`;
  }

  any() {
    return [...this.visitors][Math.floor(Math.random() * this.visitors.size)];
  }

  /** Every link between visitors breaks in this moment. */
  cut() {
    for (const end of [...ends.values()]) end.cut();
  }

  /** How many circles of visitors there are that no link joins. */
  islands() {
    const left = new Map([...this.visitors].map((visitor) => [visitor.signal.sig, visitor]));
    let n = 0;
    for (const [sig] of left) {
      n++;
      for (const todo = [sig]; todo.length;) {
        const visitor = left.get(todo.pop());
        if (!visitor) continue;
        left.delete(visitor.signal.sig);
        todo.push(...visitor.signal.peers.map((peer) => peer.sig));
      }
    }
    return n;
  }

  end() {
    for (const visitor of [...this.visitors]) {
      this.visitors.delete(visitor);
      visitor.leave(false);
    }
  }
}
