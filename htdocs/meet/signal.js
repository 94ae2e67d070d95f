/** One signal: this browser's presence in a circle. Joins, keeps standing offers when it is a greeter, opens links and introduces
 * neighbours to each other. Hides sync, mail and who offered to whom; gives greeted Peers. doc/PROTOCOL.md 1.4 and 2.2. */
import { now, pace, randomHex } from '../util/bytes.js';
import { Link } from './link.js';
import { parse } from './sdp.js';
import { Peer } from './peer.js';
/** @typedef {{token: string, run: string, key: string, ice: RTCIceServer[]}} Identity
 * @typedef {import('./peer.js').Hub & {joined(answer: any): void, met(peer: Peer): void, refused(error: import('./instance.js').Refusal): void, holding(): object}} Hub
 *   holding: what a join says of media: {version, have}
 * @typedef {Peer & {channel: Link}} Neighbour */

const TARGET = 8,
  CAP = 12,
  STANDING = 3,
  OFFER_LIFE = 110000,
  OPEN_MS = 3000,
  ANSWER_MS = 8000,
  PENDING_MAX = 12,
  SHUN_MS = 30000, // who brought what came to nothing, and, so many times, who could not be reached
  AGAIN = 20,
  VAIN = 5,
  BY_INSTANCE = 'i';

export class Signal {
  #me;
  #instance;
  #hub;
  #timer = 0;
  #grows = 0;
  #wish = /** @type {number|null} */ (null); // while a request is under way: in how many ms to ask again
  #fails = 0;
  #failures = 0;
  #joined = false;
  #stopped = true;
  #cursor = '';
  #said = /** @type {{due_ms?: number, standing?: number, role?: string}} */ ({}); // the last answer
  #offers = /** @type {Map<string, {link: Link, sdp: string, made: number, sent: boolean}>} */ (
    new Map()
  );
  #mail = /** @type {{id: string, to: string, re: string, body: string}[]} */ ([]);
  #gone = /** @type {string[]} */ ([]);
  /** until when who (BY_INSTANCE, too) is offered nothing, and brings no offers; Infinity: ban() */
  #shunned = /** @type {Map<string, number>} */ (new Map());
  #unasked = pace(3000, CAP); // whether one more of the offers that nobody asked for may be taken
  links = /** @type {Map<string, Neighbour>} */ (new Map());
  box = /** @type {import('./box.js').Box|null} */ (null); // once it is loaded
  sig = '';
  greet = true;
  syncs = 0;
  firstPeer = /** @type {number|null} */ (null);
  /** @param {import('./instance.js').Instance} instance @param {Identity} me @param {Hub} hub */
  constructor(instance, me, hub) {
    this.#instance = instance;
    this.#me = me;
    this.#hub = hub;
  }
  /** Neighbours who said hello. */
  get peers() {
    return [...this.links.values()].filter(p => p.ready);
  }
  get role() {
    return this.#said.role ?? '';
  }
  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#sync();
  }

  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.box?.follow({});
    if (this.syncs) this.#bye();
    for (const peer of this.links.values()) peer.close('bye');
    for (const { link } of this.#offers.values()) link.close();
    this.#offers.clear();
    this.#joined = false;
  }

  #bye() {
    const { token, run } = this.#me;
    this.#instance.beacon('sync', { v: 1, token, run, leave: true });
  }
  /** @param {boolean} greet false: never make us a greeter */
  setGreet(greet) {
    if (this.greet != greet) this.#soon(100);
    this.greet = greet;
  }
  /** Join anew: everything is idempotent. @param {number} ms from now */
  rejoin(ms) {
    this.#joined = false;
    this.#soon(ms);
  }
  /** The signaling interface: a mail to a signal, by a common neighbour where there is one, else by the instance.
   * @param {string} sig @param {{re: string, body: string}} mail re: the offer's id, body: packed description */
  send(sig, { re, body }) {
    const via = this.peers.find(p => p.neighbours.includes(sig));
    if (via) return via.say({ t: 'mail', to: sig, re, body });
    this.#mail.push({ id: randomHex(8), to: sig, re, body });
    this.#soon(0);
  }
  /** Not linked again in this page life, whoever offers: it has lied. */
  ban(/** @type {Peer} */ peer) {
    this.#shunned.set(peer.sig, Infinity);
    peer.close('lied');
  }

  #soon(/** @type {number} */ ms) {
    if (this.#wish != null) return void (this.#wish = Math.min(this.#wish, ms));
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = +setTimeout(() => this.#sync(), ms);
  }

  async #sync() {
    if (this.#wish != null) return this.#soon(0);
    this.#wish = Infinity;
    try {
      if (this.role == 'greeter') await this.#refill().catch(() => 0); // in this request: the next may be far
      if (this.#stopped) return;
      const body = this.#compose();
      const answer = await this.#instance.ask('sync', body);
      if (this.#stopped) return this.#bye(); // the instance may have heard it after our leaving
      this.#fails = 0;
      for (const { id } of body.offers) Object.assign(this.#offers.get(id) ?? {}, { sent: true });
      this.#mail = this.#mail.filter(m => !body.mail.includes(m));
      this.#gone = this.#gone.filter(sig => !body.gone.includes(sig));
      this.#soon(Math.max(200, answer.due_ms ?? 6e4));
      await this.#take(answer, !!body.key);
    } catch (error) {
      this.#failed(error);
    } finally {
      const wish = this.#wish;
      this.#wish = null;
      this.#soon(wish);
    }
  }

  #compose() {
    const offers = [...this.#offers]
      .filter(([, o]) => !o.sent)
      .map(([id, { sdp }]) => ({ id, sdp }))
      .slice(0, STANDING);
    const mail = this.#mail.slice(0, 8),
      gone = this.#gone.slice(0, 16),
      says = !this.#joined || mail.length > 0 || offers.length > 0;
    const { token, run, key } = this.#me;
    this.syncs++;
    return {
      v: 1,
      token,
      run,
      key: this.#joined ? undefined : key,
      cursor: this.#cursor || undefined,
      greet: this.greet,
      box: this.box?.good,
      box_v: this.box?.prove,
      ...(says && this.#hub.holding()),
      offers,
      mail,
      gone,
    };
  }

  async #take(/** @type {any} */ answer, /** @type {boolean} */ join) {
    this.#said = answer;
    this.#cursor = answer.cursor;
    if (join) {
      this.sig = answer.sig;
      this.#joined = true;
      this.#hub.joined(answer);
    }
    for (const { due_ms = 0 } of answer.sent ?? []) {
      // when those who have mail of ours read it
      for (const peer of this.links.values())
        if (!peer.mine && !peer.ready) this.#expire(peer, Math.min(due_ms, 3e4) + OPEN_MS);
    }
    this.box?.follow(answer);
    this.#mails(answer.mail);
    const claims = (answer.peers ?? []).map((/** @type {any} */ p) =>
      this.#answer(p.sig, p.offer.id, p.offer.sdp, p.near, ''),
    );
    const offers = this.role == 'greeter' && !answer.standing && this.#refill(),
      [made] = await Promise.all([offers, ...claims]); // all in one request
    if (made) this.#soon(0);
  }

  /** What its box says: mail is acknowledged at once, as is the wish to be asked. @param {any} said */
  boxed({ mail, call }) {
    this.#mails(mail);
    if (mail.length || call) this.#soon(0);
  }

  #mails(/** @type {any[]} */ mails = []) {
    for (const m of mails) (this.#read(m.from, m.re, m.body, BY_INSTANCE), (this.#cursor = m.n));
  }

  #failed(/** @type {any} */ error) {
    if (error.code == 'rejoin') {
      this.#joined = false;
      for (const offer of this.#offers.values()) offer.sent = false;
    } else if (error.code != '') this.#hub.refused(error);
    const wait = error.after || 1000 * 2 ** this.#fails++,
      hopeless = /^(unknown_key|origin_refused|bad_)/.test(error.code);
    this.#soon(hopeless ? 300000 : Math.min(60000, wait) * (0.5 + Math.random()));
  }
  /** A greeter's offers are to last until the request after the next. @returns {Promise<boolean>} whether there are new ones */
  async #refill() {
    for (const [id, { made, link }] of this.#offers) {
      if (now() - made < OFFER_LIFE) continue;
      link.close();
      this.#offers.delete(id);
    }
    const { due_ms = 0, standing = 0 } = this.#said,
      all = [...this.#offers.values()],
      good = all.filter(o => now() - o.made + due_ms < OFFER_LIFE);
    const sent = good.filter(o => o.sent).length,
      missing = Math.min(
        STANDING - Math.min(standing, sent) - good.length + sent,
        PENDING_MAX - all.length,
      );
    if (missing <= 0 || !this.greet) return false;
    await Promise.all(
      Array.from({ length: missing }, async () => {
        const link = new Link(this.#me);
        this.#offers.set(randomHex(6), {
          link,
          sdp: await link.describe(),
          made: now(),
          sent: false,
        });
      }),
    );
    return true;
  }
  #shuns(/** @type {string} */ who) {
    return (this.#shunned.get(who) ?? 0) > now();
  }
  /** What is not open yet has places of its own, and whoever brings offers that nobody asked for has few of these; some are for answers to
   * our own offers alone. No neighbour is given up for what may never open. A browser can make few connections, and counts closed ones for long:
   * none is made before it is wanted.
   * @param {string} sig @param {boolean} mine whose offer @param {string} by who brought an offer that nobody asked for
   * @param {Link} [link] that of an offer of ours @returns {Neighbour|undefined} undefined: not wanted */
  #enter(sig, mine, by = '', link) {
    const opening = [...this.links.values()].filter(p => !p.ready && p.by == by);
    if (
      sig == this.sig ||
      this.#shunned.get(sig) == Infinity || // who only did not open may offer
      opening.length >= (by ? 2 : mine ? CAP : CAP - STANDING) ||
      (by && (this.links.size >= CAP || !this.#unasked()))
    )
      return void link?.close();
    const made = link ?? new Link(this.#me);
    const before = this.links.get(sig);
    const peer = /** @type {Neighbour} */ (
      Object.assign(new Peer(made, sig, this.#hub), { mine, by })
    );
    this.links.set(sig, peer);
    before?.close('replaced');
    made.onopen = () => {
      this.firstPeer ??= now();
      peer.near ||= made.near;
      peer.greet();
    };
    this.#expire(peer, ANSWER_MS);
    return peer;
  }

  #expire(/** @type {Peer} */ peer, /** @type {number} */ ms) {
    clearTimeout(peer.timer);
    peer.timer = +setTimeout(() => peer.ready || peer.close('timeout'), ms);
  }
  /** Their offer. Who is linked already, open or not yet, is not given up for it: anybody may have made it in that name; and whoever brought one
   * that nobody asked for and that came to nothing brings none for a while. @param {any} sig @param {any} re @param {any} sdp @param {boolean} near @param {string} by '': asked for */
  async #answer(sig, re, sdp, near, by) {
    if (this.links.has(sig) || this.#shuns(by)) return;
    let peer;
    try {
      peer = this.#enter(sig, false, by);
      if (!peer) return;
      peer.near = near;
      this.send(sig, { re, body: await peer.channel.describe(sdp) });
    } catch {
      peer?.close('bad offer');
    }
  }
  /** Mail: an offer, or the answer to one of ours. @param {any} from @param {any} re @param {any} body @param {string} by whom: a neighbour's sig, or the instance */
  async #read(from, re, body, by) {
    const offer = by == BY_INSTANCE ? this.#offers.get(re) : undefined;
    let peer = this.links.get(from);
    try {
      if (!parse(body).answer) return void this.#answer(from, re, body, false, by);
      if (offer) {
        this.#offers.delete(re);
        const claimed = peer && !peer.ready && !peer.mine && !peer.by;
        if (claimed && from < this.sig) return offer.link.close(); // each has the other's: the lower SIG's offer counts
        peer = this.#enter(from, true, '', offer.link);
      } else if (peer?.re != re) return;
      if (peer) await peer.channel.accept(body);
    } catch {
      if (!peer?.ready) peer?.close('bad offer');
    }
  }
  /** A neighbour said this. @param {import('./wire.js').Message} m @param {Peer} peer */
  heard(m, peer) {
    if (m.t == 'mail' && peer.carried())
      this.links.get(m.to)?.say({ t: 'from', from: peer.sig, re: m.re, body: m.body });
    if (m.t == 'from') this.#read(m.from, m.re, m.body, peer.sig);
    if (m.t == 'peers') this.#growSoon();
    if (m.t != 'hello') return;
    const via = this.links.get(peer.by);
    if (via) via.vain = 0;
    this.#hub.met(peer);
    this.#announce();
    // one too many: a neighbour goes who has others, and owes us nothing, or who has just come
    if (this.peers.length > CAP)
      (this.peers.find(p => !p.inflight && p.neighbours.length > 2) ?? peer).close('bye');
  }
  /** A link ended. @param {Peer} peer @param {string} why */
  closed(peer, why) {
    if (this.links.get(peer.sig) != peer) return;
    this.links.delete(peer.sig);
    if (this.#stopped) return;
    const via = this.links.get(peer.by);
    if (peer.ready) {
      this.#failures = 0;
      this.#announce();
    } else {
      // some cannot be reached by anybody like us, and offer nevertheless: of a few in a row each may be such a one
      const until = now() + SHUN_MS;
      this.#shunned.set(peer.sig, now() + AGAIN * SHUN_MS);
      const blamed = peer.by && !(via && ++via.vain < VAIN);
      if (blamed && !this.#shuns(peer.by)) this.#shunned.set(peer.by, until); // who is banned stays so
      this.#growSoon();
    }
    // not of whom a neighbour alone has named
    if (!peer.by && why != 'left' && why != 'bye') this.#gone.push(peer.sig);
    // joining anew brings new offers; a greeter keeps to its schedule, others ever more rarely where no link ever opens
    if (this.links.size) return;
    this.#joined = false;
    if (this.role != 'greeter')
      this.#soon((200 + 1300 * Math.random()) * 2 ** Math.min(this.#failures++, 8));
  }
  /** Neighbours learn our neighbours. */
  #announce() {
    const list = this.peers.map(p => p.sig);
    for (const peer of this.peers)
      peer.say({ t: 'peers', list: list.filter(sig => sig != peer.sig) });
    this.#growSoon();
  }

  #growSoon() {
    this.#grows ||= +setTimeout(() => this.#grow(), 100 + Math.random() * 400);
  }
  /** One more link, to a neighbour's neighbour: of a pair the lower SIG offers. */
  async #grow() {
    this.#grows = 0;
    const strangers = this.peers
      .filter(p => !this.#shuns(p.sig))
      .flatMap(p => p.neighbours.map(sig => [sig, p.sig]))
      .filter(([sig]) => sig > this.sig && !this.links.has(sig) && !this.#shuns(sig));
    if (this.links.size >= TARGET || !strangers.length) return;
    this.#growSoon();
    const [sig, by] = strangers[Math.floor(Math.random() * strangers.length)];
    let peer;
    try {
      peer = this.#enter(sig, true, by);
      if (peer)
        this.send(sig, { re: (peer.re = randomHex(6)), body: await peer.channel.describe() });
    } catch {
      peer?.close('bad offer');
    }
  }
}
