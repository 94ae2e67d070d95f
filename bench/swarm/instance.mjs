/** The instance's `sync`, as faithful as the exchange can tell (doc/PROTOCOL.md 1.4; src/meet/): decides who greets, whose standing offers a newcomer
 * gets, who polls when, and when mail is read. One circle, no spool, no bad days: words against networks, places by network and caps are left out.
 * @typedef {{id: string, sdp: string, made: number, taker: Signal | null, spent: boolean}} Offer
 * @typedef {{n: number, from: string, re: string, body: string}} Mail
 * @typedef {{token: string, run: string, sig: string, greeter: boolean, need: 'content' | 'seeking' | 'needy', since: number, interval: number,
 *   expires: number, greets: boolean, suspect: boolean, resigned: boolean, address: string, have: number[], offers: Offer[], mail: Mail[], claimed:
 *   {of: Signal, offer: Offer}[]}} Signal */
import { chance, hexDigits } from './chance.mjs';

const STANDING = 3,
  CLAIM = 3,
  BUDGET = 2,
  MOST_GREETERS = 8,
  COUNTED = 60,
  OFFER_MS = 120000,
  GREETER_MS = 90000,
  PEER_MS = 2400000,
  PEER_DUE = 1200000,
  NEWCOMER_DUE = 60000,
  HANDOVER = 3000,
  ACTIVE = 60000,
  ACTIVE_MIN = 1000,
  QUIET_MIN = 2000,
  SPOKE = 5000;

const wanted = (/** @type {number} */ n) =>
  Math.min(MOST_GREETERS, n <= 1 ? 1 : n <= 4 ? 2 : 2 + ((n + 3) >> 3));

export class Instance {
  #clock;
  #roll;
  #signals = /** @type {Map<string, Signal>} */ (new Map());
  #bySig = /** @type {Map<string, Signal>} */ (new Map());
  #joined = -Infinity;
  #mails = 0;
  syncs = 0;
  joins = 0;
  /** @param {import('./clock.mjs').Clock} clock @param {number} seed */
  constructor(clock, seed) {
    this.#clock = clock;
    this.#roll = chance(seed, 'instance');
  }

  get now() {
    return this.#clock.now;
  }
  get n() {
    return this.#signals.size;
  }

  /** @param {any} body of a sync @param {string} address of who asks @returns {any} the answer */
  sync(body, address) {
    this.syncs++;
    for (const old of this.#signals.values()) if (old.expires <= this.now) this.#drop(old);
    const joins = !!body.key,
      me = joins ? this.#enter(body, address) : this.#signals.get(body.token);
    if (!me || me.run != body.run)
      return {
        polycircle: 1,
        error: 'rejoin',
        text: 'join again',
        after_ms: Math.floor(this.#roll() * 5000),
      };
    if (body.leave) return (this.#drop(me), { polycircle: 1 });
    for (const sig of body.gone ?? []) this.#suspect(me, this.#bySig.get(sig));
    const sent = (body.mail ?? []).map((/** @type {any} */ mail) => this.#post(me, mail));
    this.#acknowledge(me, body.cursor);
    const peers = this.#claim(me, joins);
    this.#needs(me, body, joins, peers);
    this.#renew(me, body, joins);
    if (me.greeter) for (const { id, sdp } of body.offers ?? []) this.#deposit(me, id, sdp);
    else me.offers = me.offers.filter(o => o.taker);
    return this.#answer(me, joins, sent, peers);
  }

  #drop(/** @type {Signal} */ signal) {
    this.#signals.delete(signal.token);
    this.#bySig.delete(signal.sig);
  }

  /** @param {any} body @param {string} address @returns {Signal} */
  #enter(body, address) {
    const { token, run } = body,
      old = this.#signals.get(token);
    this.joins++;
    this.#joined = this.now;
    if (old?.run == run) return old;
    const sig = old?.sig ?? hexDigits(this.#roll, 64);
    const fresh = /** @type {Signal} */ ({
      token,
      run,
      sig,
      greeter: false,
      need: 'content',
      since: this.now,
      interval: 0,
      expires: this.now + PEER_MS,
      greets: true,
      suspect: false,
      resigned: false,
      address,
      have: [],
      offers: [],
      mail: [],
      claimed: [],
    });
    this.#signals.set(token, fresh);
    this.#bySig.set(sig, fresh);
    return fresh;
  }

  #holds(/** @type {Offer} */ offer) {
    return this.now + 5000 < offer.made + OFFER_MS;
  }
  #standing(/** @type {Signal} */ signal) {
    return signal.offers.filter(o => !o.taker && this.#holds(o));
  }
  #deposit(/** @type {Signal} */ me, /** @type {string} */ id, /** @type {string} */ sdp) {
    if (me.offers.some(o => o.id == id)) return;
    me.offers.push({ id, sdp, made: this.now, taker: null, spent: false });
    for (const old of this.#standing(me).slice(0, -STANDING))
      me.offers.splice(me.offers.indexOf(old), 1);
  }

  /** Only whom this one has tried to reach, and who has not just spoken. */
  #suspect(/** @type {Signal} */ me, /** @type {Signal | undefined} */ gone) {
    const met = gone && me.claimed.some(c => c.of == gone && this.#holds(c.offer));
    if (gone && met && gone.expires - this.now <= (gone.greeter ? GREETER_MS : PEER_MS) - SPOKE)
      gone.suspect = true;
  }

  #due(/** @type {Signal} */ s) {
    const age = this.now - s.since;
    if (!s.greeter)
      return s.resigned && age < HANDOVER
        ? HANDOVER - age
        : age < NEWCOMER_DUE
          ? NEWCOMER_DUE
          : PEER_DUE;
    const due = s.interval - (age % s.interval);
    return due < s.interval / 2 ? due + s.interval : due;
  }

  #post(/** @type {Signal} */ me, /** @type {any} */ { id, to: sig, re, body }) {
    const to = this.#bySig.get(sig);
    if (!to || to == me) return { id, error: 'not_found' };
    const answers = me.claimed.find(c => c.of == to && c.offer.id == re && !c.offer.spent);
    if (answers) answers.offer.spent = true;
    if (answers && to.need != 'content') to.need = 'content';
    to.mail.push({ n: ++this.#mails, from: me.sig, re, body });
    return { id, due_ms: Math.round(this.#due(to)) };
  }

  #acknowledge(/** @type {Signal} */ me, /** @type {string | undefined} */ cursor) {
    const upto = Number(cursor?.split('.')[1] ?? 0);
    me.mail = me.mail.filter(m => m.n > upto);
  }

  /** A newcomer's, from greeters of different networks, those first that are due sooner; a greeter's, from somebody who found none. */
  #claim(/** @type {Signal} */ me, /** @type {boolean} */ joins) {
    const others = [...this.#signals.values()].filter(
      s => s != me && s.greeter && this.#standing(s).length,
    );
    if (!joins) {
      const waits = others.filter(
        s =>
          s.need == 'needy' && !s.suspect && !s.offers.some(o => o.taker == me && this.#holds(o)),
      );
      const calls = me.greeter && waits.length > 0,
        late = me.resigned && !calls && this.now - me.since >= NEWCOMER_DUE;
      if (late) me.resigned = false;
      return calls
        ? this.#take(me, [waits[Math.floor(this.#roll() * waits.length)]])
        : late
          ? this.#take(me, others.slice(0, 1))
          : [];
    }
    const again = me.claimed
      .filter(c => !c.offer.spent && this.#holds(c.offer) && this.#bySig.has(c.of.sig))
      .slice(0, CLAIM);
    if (again.length) return again;
    const rank = new Map(
      others.map(s => [s, [Number(s.suspect), Number(s.need != 'content'), this.#due(s)]]),
    );
    const sorted = others
      .filter(s => s.need != 'seeking')
      .sort((a, b) => {
        const [x, y] = [a, b].map(s => /** @type {number[]} */ (rank.get(s)));
        return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
      });
    const seen = new Set(),
      first = sorted.filter(s => !seen.has(s.address) && seen.add(s.address));
    return this.#take(me, [...first, ...sorted.filter(s => !first.includes(s))].slice(0, CLAIM));
  }

  #take(/** @type {Signal} */ me, /** @type {Signal[]} */ from) {
    return from.map(of => {
      const [offer] = this.#standing(of),
        claim = { of, offer };
      offer.taker = me;
      me.claimed = [...me.claimed.filter(c => this.#holds(c.offer)), claim];
      return claim;
    });
  }

  /** src/meet/need.c */
  #needs(
    /** @type {Signal} */ me,
    /** @type {any} */ { offers = [], mail = [] },
    /** @type {boolean} */ joins,
    /** @type {{of: Signal}[]} */ peers,
  ) {
    if (joins) {
      const given = peers.some(p => !p.of.suspect) || this.n <= 1;
      if (given) me.need = 'content';
      else if (me.need == 'content') me.need = 'seeking';
    }
    const answers = mail.length > 0 && !joins;
    if (offers.length && !answers && me.need == 'seeking') me.need = 'needy';
    else if (answers && !offers.length) me.need = 'content';
    else if (answers) me.need = me.need == 'seeking' ? 'needy' : 'content';
    else if (!offers.length && !joins && this.#stale(me) && !this.#standing(me).length)
      me.need = 'content';
  }

  #stale(/** @type {Signal} */ me) {
    return me.suspect || me.expires - this.now < (me.greeter ? GREETER_MS : PEER_MS) / 2;
  }

  /** Role, lease and schedule: kept until half of the lease is over, or something is new. */
  #renew(/** @type {Signal} */ me, /** @type {any} */ body, /** @type {boolean} */ joins) {
    const turned = body.greet != null && body.greet != me.greets,
      says = joins || body.offers?.length || body.mail?.length || body.version;
    if (turned) me.greets = body.greet;
    if (body.have) me.have = body.have.map((/** @type {number[]} */ h) => h[0]);
    if (!says && !turned && !this.#stale(me) && (me.greeter || me.need == 'content')) return;
    const all = [...this.#signals.values()].filter(s => s != me && s.greeter && !s.suspect);
    const others = this.#standing(me).length
      ? all.filter(s => s.offers.some(o => this.#holds(o)))
      : all;
    const was = me.greeter,
      before = me.interval;
    me.suspect = false;
    me.greeter = (me.greets && others.length < wanted(this.n)) || me.need != 'content';
    const least = this.now - this.#joined < ACTIVE ? ACTIVE_MIN : QUIET_MIN;
    me.interval = me.greeter
      ? Math.max(least, (1000 * Math.min(COUNTED, others.length + 1)) / BUDGET)
      : 0;
    me.resigned = !me.greeter && (was || me.resigned);
    if (was != me.greeter || before != me.interval) me.since = this.now;
    me.expires = this.now + (me.greeter ? GREETER_MS : PEER_MS);
  }

  #answer(
    /** @type {Signal} */ me,
    /** @type {boolean} */ joins,
    /** @type {any[]} */ sent,
    /** @type {{of: Signal, offer: Offer}[]} */ peers,
  ) {
    const mail = me.mail.slice(0, 64).map(m => ({ ...m, n: `1.${m.n}` })),
      last = me.mail.at(Math.min(63, me.mail.length - 1))?.n ?? 0;
    return {
      polycircle: 1,
      role: me.greeter ? 'greeter' : 'peer',
      cursor: `1.${last}`,
      due_ms: Math.round(this.#due(me)),
      ...(joins && { cid: '00112233aabbccdd', sig: me.sig, n: this.n, version: 1 }),
      ...(me.greeter && { standing: this.#standing(me).length }),
      ...(sent.length && { sent }),
      ...(mail.length && { mail }),
      ...(peers.length && {
        peers: peers.map(({ of, offer: { id, sdp } }) => ({
          sig: of.sig,
          near: of.address == me.address,
          have: of.have,
          offer: { id, sdp },
        })),
      }),
    };
  }
}
