/** One signal: this browser's presence in a circle. Joins, keeps standing offers when it is a greeter, opens links and introduces
 * neighbours to each other. Hides sync, mail and who offered to whom; gives open, greeted Peers. doc/PROTOCOL.md 1.4 and 2.2. */
import { Link } from './link.js';
import { Peer } from './peer.js';
import { Refused } from './instance.js';
import { parse } from './sdp.js';
import { isText, randomHex } from './bytes.js';

/** @typedef {{link: Link, peer: Peer, mine: boolean, re: string, timer: number}} Entry mine: we made the offer re
 * @typedef {{token: string, run: string, key: string, ice: RTCIceServer[], certificate: RTCCertificate|null}} Identity */

const TARGET = 5, CAP = 8, STANDING = 3, OFFER_LIFE = 110000, OPEN_MS = 3000, PENDING_MAX = 12;

export class Signal extends EventTarget {
  #id; #instance; #holding;
  /** @type {import('./peer.js').Hub} */
  #hub;
  #timer = 0; #busy = false; #again = false; #fails = 0; #joined = false; #stopped = true; #began = 0;
  /** @type {any} */
  #grow = 0;
  /** @type {string|undefined} */
  #cursor;
  /** @type {Map<string, {link: Link, sdp: string, made: number, sent: boolean}>} */
  #offers = new Map();
  /** @type {{id: string, to: string, re: string, body: string}[]} */
  #mail = [];
  /** @type {Set<string>} */
  #gone = new Set();
  /** @type {Map<string, number>} sigs that lied (forever) or did not answer (until) */
  #shunned = new Map();
  /** @type {Map<string, Entry>} */
  links = new Map();
  sig = ''; cid = ''; role = ''; n = 0; greet = true; syncs = 0; writes = 0;
  /** @type {number|null} */
  firstPeer = null;
  /** @type {number|null} */
  joined = null;

  /** @param {import('./instance.js').Instance} instance @param {Identity} identity
   * @param {import('./peer.js').Hub} hub @param {() => object} holding what to say of media: {version, have, want} */
  constructor(instance, identity, hub, holding) {
    super();
    this.#instance = instance;
    this.#id = identity;
    this.#holding = holding;
    this.#hub = { ...hub, control: (m, peer) => { this.#control(m, peer); hub.control(m, peer); },
      closed: (peer, why) => { this.#closed(peer, why); hub.closed(peer, why); } };
  }

  /** @returns {Peer[]} whose link is open and who said hello */
  get peers() { return [...this.links.values()].map(e => e.peer).filter(p => p.ready); }

  /** Whether somebody may be there in a moment. */
  get expecting() {
    return !this.#stopped && (!this.#joined && performance.now() - this.#began < 3000 || [...this.links.values()].some(e => !e.peer.ready));
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#began = performance.now();
    this.#sync();
  }

  /** @param {boolean} leave tell the instance and the neighbours */
  stop(leave) {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (leave && this.#joined) this.#instance.beacon('sync', { v: 1, token: this.#id.token, run: this.#id.run, leave: true });
    for (const { peer } of this.links.values()) peer.close('bye');
    for (const { link } of this.#offers.values()) link.close();
    this.#offers.clear();
    this.#joined = false;
  }

  /** @param {boolean} greet */
  setGreet(greet) {
    if (this.greet == greet) return;
    this.greet = greet;
    this.soon(100);
  }

  /** The signaling interface: a mail to a signal, by a common neighbour where there is one, else by the instance.
   * @param {string} sig @param {{re: string, body: string}} mail re: the offer's id, body: packed description */
  send(sig, { re, body }) {
    const via = this.peers.find(p => p.neighbours.has(sig));
    if (via) via.say({ t: 'mail', to: sig, re, body });
    else this.#post(sig, re, body);
  }

  /** @param {string} to @param {string} re @param {string} body */
  #post(to, re, body) {
    this.#mail.push({ id: randomHex(8), to, re, body });
    this.soon(0);
  }

  /** Never again in this page life. @param {Peer} peer @param {string} why */
  ban(peer, why) {
    this.#shunned.set(peer.sig, Infinity);
    peer.close(why);
  }

  /** Join anew: everything is idempotent. */
  rejoin() {
    this.#joined = false;
    this.soon(0);
  }

  /** @param {number} ms */
  soon(ms) {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = +setTimeout(() => this.#sync(), ms);
  }

  async #sync() {
    if (this.#busy) { this.#again = true; return; }
    this.#busy = true;
    this.#again = false;
    const body = this.#compose();
    try {
      const answer = await this.#instance.post('sync', body);
      if (this.#stopped) return;
      this.#fails = 0;
      this.#sent(body);
      this.soon(Math.max(200, answer.due_ms ?? 60000));
      await this.#take(answer, !!body.key);
    } catch (error) { this.#failed(error); } finally { this.#busy = false; }
    if (this.#again) this.soon(0);
  }

  /** @returns {any} */
  #compose() {
    const offers = [...this.#offers].filter(([, o]) => !o.sent).map(([id, { sdp }]) => ({ id, sdp })).slice(0, STANDING);
    const mail = this.#mail.slice(0, 8), gone = [...this.#gone].slice(0, 16), writes = !this.#joined || mail.length || offers.length;
    this.syncs++;
    if (writes || gone.length) this.writes++;
    return { v: 1, token: this.#id.token, run: this.#id.run, ...!this.#joined && { key: this.#id.key }, ...this.#cursor && { cursor: this.#cursor },
      greet: this.greet, ...writes && this.#holding(), ...offers.length && { offers }, ...mail.length && { mail }, ...gone.length && { gone } };
  }

  /** @param {any} body what the instance has taken */
  #sent({ offers = [], mail = [], gone = [] }) {
    for (const { id } of offers) { const o = this.#offers.get(id); if (o) o.sent = true; }
    this.#mail = this.#mail.filter(m => !mail.includes(m));
    for (const sig of gone) this.#gone.delete(sig);
  }

  /** @param {any} answer @param {boolean} join */
  async #take(answer, join) {
    this.role = answer.role;
    this.#cursor = answer.cursor ?? this.#cursor;
    if (join) {
      Object.assign(this, { cid: answer.cid, sig: answer.sig, n: answer.n, joined: this.joined ?? performance.now() });
      this.#joined = true;
      if (answer.ice) this.#id.ice = answer.ice;
      this.dispatchEvent(new CustomEvent('join', { detail: answer }));
    }
    for (const { due_ms = 0 } of answer.sent ?? []) this.#due(due_ms);
    for (const m of answer.mail ?? []) this.#read(m.from, m.re, m.body, false);
    const claims = (answer.peers ?? []).slice(0, CAP).map((/** @type {any} */ p) =>
      this.#answer(p.sig, p.offer?.id, p.offer?.sdp, !!p.near, false));
    const offers = answer.role == 'greeter' ? this.#refill(answer.standing ?? 0) : false;
    if ((await Promise.all([offers, ...claims])).some(Boolean)) this.#again = true;  // all in one request
  }

  /** @param {any} error */
  #failed(error) {
    const code = error instanceof Refused ? error.code : '';
    if (!(error instanceof Refused)) console.error('polycircle:', error);
    this.#fails++;
    if (code) this.dispatchEvent(new CustomEvent('refused', { detail: error }));
    if (code == 'removed') return this.stop(false);
    if (code == 'rejoin') {
      this.#joined = false;
      this.#cursor = undefined;
      for (const offer of this.#offers.values()) offer.sent = false;
    }
    const wait = error.after || Math.min(60000, 1000 * 2 ** Math.min(this.#fails - 1, 6));
    this.soon(/^(unknown_key|origin_refused|bad_)/.test(code) ? 300000 : wait * (0.5 + Math.random()));
  }

  /** @param {number} standing how many of our offers the instance still has @returns {Promise<boolean>} whether new ones are urgent */
  async #refill(standing) {
    for (const [id, { made, link }] of this.#offers) {
      if (performance.now() - made < OFFER_LIFE) continue;
      link.close();
      this.#offers.delete(id);
    }
    const all = [...this.#offers.values()], sent = all.filter(o => o.sent).length;
    const missing = Math.min(STANDING - Math.min(standing, sent) - (all.length - sent), PENDING_MAX - all.length);
    if (missing <= 0 || !this.greet) return false;
    await Promise.all(Array.from({ length: missing }, async () => {
      const link = new Link(this.#id);
      try { this.#offers.set(randomHex(6), { link, sdp: await link.offer(), made: performance.now(), sent: false }); } catch { link.close(); }
    }));
    return !standing;
  }

  /** @param {string} sig @param {Link} link @param {boolean} mine @param {boolean} near @returns {Entry|null} null: not wanted */
  #enter(sig, link, mine, near) {
    const old = this.links.get(sig);
    const glare = old && !old.link.open && old.mine != mine && mine != this.sig < sig;
    if (glare || sig == this.sig || this.#stopped || (this.#shunned.get(sig) ?? 0) == Infinity) return link.close(), null;
    if (old) old.peer.close('replaced');
    if (this.links.size >= CAP && !this.#spare()) return link.close(), null;
    const peer = new Peer(link, sig, this.#hub), entry = { link, peer, mine, re: '', timer: 0 };
    peer.near = near;
    this.links.set(sig, entry);
    link.onopen = () => this.#opened(entry);
    this.#expire(entry, 8000);
    return entry;
  }

  /** Frees a place: the neighbour that has most others, and owes us nothing. */
  #spare() {
    const idle = this.peers.filter(p => !p.inflight && p.neighbours.size > 2).sort((a, b) => b.neighbours.size - a.neighbours.size);
    idle[0]?.close('bye');
    return idle.length > 0;
  }

  /** @param {Entry} entry @param {number} ms to be open */
  #expire(entry, ms) {
    clearTimeout(entry.timer);
    entry.timer = +setTimeout(() => entry.peer.ready || entry.peer.close('timeout'), ms);
  }

  /** Their offer. @param {string} sig @param {any} re @param {any} sdp @param {boolean} near @param {boolean} neighbourly */
  async #answer(sig, re, sdp, near, neighbourly) {
    if (!isText(sig, /^[\da-f]{64}$/) || !isText(re, /^[\w-]{1,16}$/) || neighbourly && this.links.get(sig)?.link.open) return false;
    const link = new Link(this.#id), entry = this.#enter(sig, link, false, near);
    if (!entry) return false;
    try {
      const body = await link.answer(sdp);
      neighbourly ? this.send(sig, { re, body }) : this.#mail.push({ id: randomHex(8), to: sig, re, body });
      return !neighbourly;
    } catch { entry.peer.close('bad offer'); return false; }
  }

  /** Mail: an answer to one of our offers, or an offer. @param {any} from @param {any} re @param {any} body @param {boolean} neighbourly */
  #read(from, re, body, neighbourly) {
    const offer = this.#offers.get(re), entry = this.links.get(from);
    try {
      if (!parse(body).answer) return void this.#answer(from, re, body, false, neighbourly);
      if (entry?.mine && !entry.link.open && entry.re == re) return void entry.link.accept(body).catch(() => entry.peer.close('bad answer'));
      if (!offer || neighbourly || !isText(from, /^[\da-f]{64}$/)) return;
      this.#offers.delete(re);
      const made = this.#enter(from, offer.link, true, false);
      if (made) offer.link.accept(body).catch(() => made.peer.close('bad answer'));
    } catch { /* not a packed description: nothing to answer */ }
  }

  /** @param {number} ms when those who have mail of ours read it */
  #due(ms) { for (const entry of this.links.values()) if (!entry.mine && !entry.link.open) this.#expire(entry, ms + OPEN_MS); }

  /** @param {Entry} entry */
  async #opened(entry) {
    entry.peer.greet();
    this.#expire(entry, 5000);
    this.firstPeer ??= performance.now();
    entry.peer.near ||= await entry.link.near().catch(() => false);
  }

  /** @param {Peer} peer @param {string} why */
  #closed(peer, why) {
    const entry = this.links.get(peer.sig);
    if (entry?.peer != peer) return;
    clearTimeout(entry.timer);
    this.links.delete(peer.sig);
    if (this.#stopped || why == 'replaced') return;
    if (!peer.ready) this.#shunned.set(peer.sig, performance.now() + 30000);
    if (why != 'left' && why != 'bye') this.#gone.add(peer.sig);
    this.#announce();
    if (this.links.size || !this.#joined) return;
    this.#joined = false;  // nobody left: join anew, which brings new offers
    this.soon(200 + 1300 * Math.random());
  }

  /** @param {import('./wire.js').Message} m @param {Peer} peer */
  #control(m, peer) {
    if (m.t == 'mail' && m.to != this.sig) this.links.get(m.to)?.peer.say({ t: 'from', from: peer.sig, re: m.re, body: m.body });
    if (m.t == 'from') this.#read(m.from, m.re, m.body, true);
    if (m.t == 'hello') this.dispatchEvent(new CustomEvent('peer', { detail: peer }));
    if (m.t == 'hello') this.#announce();
    if (m.t == 'peers') this.#growSoon();
  }

  /** Neighbours learn our neighbours. */
  #announce() {
    const list = this.peers.map(p => p.sig).slice(0, 16);
    for (const peer of this.peers) peer.say({ t: 'peers', list: list.filter(sig => sig != peer.sig) });
    this.#growSoon();
  }

  #growSoon() { this.#grow ||= setTimeout(() => { this.#grow = 0; this.#introduce(); }, 100 + Math.random() * 400); }

  /** One more link, to a neighbour's neighbour: of a pair the lower SIG offers, the other one only by chance. */
  async #introduce() {
    if (this.#stopped || this.links.size >= TARGET) return;
    const now = performance.now(), near = [...new Set(this.peers.flatMap(p => [...p.neighbours]))];
    const strangers = near.filter(sig => sig != this.sig && !this.links.has(sig) && (this.#shunned.get(sig) ?? 0) < now);
    if (!strangers.length) return;
    this.#growSoon();
    const sig = strangers[Math.floor(Math.random() * strangers.length)];
    if (this.sig > sig && Math.random() < 0.8) return;
    const link = new Link(this.#id), entry = this.#enter(sig, link, true, false);
    if (!entry) return;
    entry.re = randomHex(6);
    try { this.send(sig, { re: entry.re, body: await link.offer() }); } catch { entry.peer.close('no offer'); }
  }
}
