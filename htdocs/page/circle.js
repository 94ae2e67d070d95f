/** One circle on one page: puts signal, mirror, tabs and storage together and is what the page sees as window.polycircle. Whether this page takes part,
 * what neighbours are told, and which manifest is used is decided here.
 * What only a document knows of its players comes in by its options. */
import { bridge } from './bridge.js';
import { instance } from '../meet/instance.js';
import { manners } from '../meet/manners.js';
import { Giver } from '../exchange/give.js';
import { Mirror } from '../content/mirror.js';
import { Pieces } from '../content/pieces.js';
import { Signal } from '../meet/signal.js';
import { Tabs } from './tabs.js';
import { openStore } from '../content/store.js';
import { readManifest, unpack } from '../content/manifest.js';
import { bitmap } from '../meet/wire.js';
import { controls, own } from '../util/alone.js';
import { now, randomHex, slowly, toBase64, within } from '../util/bytes.js';
/** @typedef {{can: string, cid: string, key: string, sign: string, package: string, version: number, ice: RTCIceServer[], up_kbps: number,
 *   wire?: string, p2p?: string, spool?: string, mirror?: boolean, worker?: string}} Config mirror false: the owner's brake, nobody mirrors; worker: as register() has it
 * @typedef {{base: string, config: Config, data: Record<string, string|undefined>, storage?: Promise<import('../content/store.js').Store>, coarse: boolean,
 *   watch: import('./bridge.js').Watch, spared: import('./bridge.js').Spared, hear: import('./bridge.js').Hear, worker: Promise<ServiceWorkerRegistration|null|undefined>|undefined,
 *   take: Take, mark: import('./register.js').Mark, ask: () => Promise<void>}} Options ask: shows the question of elements/ask.js; data: the tag's data-*
 * @typedef {(kept: string, path: string) => Promise<Response>} Take from the spool, where it has another name, or the program
 * @typedef {import('../content/manifest.js').Media} Media
 * @typedef {import('../meet/peer.js').Peer} Peer
 * @typedef {import('../meet/wire.js').Message} Message */

const BEGINS = 32; // files of which the loader of a later visit knows that they may be stored
const NAMED = 64, // media in a message
  NEXT = 16, // files of a folder that are asked for with the one before them: a film may be cut into many
  REFRESH_MS = 30000,
  CROWD = 3, // visitors that a host bears
  GOT_MS = 80,
  STAND_MS = 2000,
  NEAR_LINE = 12500, // bytes a ms
  COMING_MS = 4000; // by then links are made, or none
export class Circle extends EventTarget {
  #o;
  #instance;
  #manners;
  #store;
  #born = now();
  #leads = false;
  #n = 0; // visitors of the circle, when we joined
  #stands = 0;
  #refreshed = -Infinity;
  #tabs;
  #got = /** @type {Map<Media, number[]>} */ (new Map());
  #wanted = /** @type {Set<string>} */ (new Set()); // roots that neighbours were asked for
  #answers = Promise.resolve(); // what they ask for is looked up one after the other
  #leave = () => {}; // what the worker has begun with us
  #accepted = ''; // the signature of the manifest in hand
  /** why this page does nothing: 'left' (it was told to), 'away' (it was gone back from), 'no' (the visitor), 'brake' (the owner) */
  out = /** @type {Set<string>} */ (new Set());
  /** by the visitor: 'yes', 'no', '' (nothing yet) */
  said = '';
  #mirror;
  #far;
  #near;
  signal = /** @type {Signal|null} */ (null);
  /** of each of the page's files, why it is mirrored or not @type {() => Promise<import('../elements/why.js').Why[]>} */
  why = async () => [];
  /** @param {Options} options */
  constructor(options) {
    super();
    const { base, config, data, storage, coarse } = (this.#o = options);
    this.#instance = instance(base, h => this.#keep(base, h));
    const connection = /** @type {any} */ (navigator).connection ?? {};
    this.#manners = manners(Number(data.up ?? (config.up_kbps || 2000)), connection, coarse);
    connection.addEventListener?.('change', () =>
      this.#tell({ t: 'have', have: [], up: this.#manners.uploads }),
    );
    this.#store = openStore(storage);
    this.#tabs = new Tabs('polycircle-' + this.cid, {
      lead: on => this.#lead(on),
      idle: () => !this.peers.length,
      heard: news => this.#told(news),
    });
    this.pieces = new Pieces(this.#store, undefined, news => this.#tabs.say(news));
    this.#mirror = new Mirror(this.#forMirror());
    const { bytes } = this.#mirror;
    this.#far = new Giver(
      () => this.#manners.line,
      () => this.pieces.held + bytes.storage + bytes.peers + bytes.origin,
    );
    // neighbours on the own network use no uplink: neither limit is for them
    this.#near = new Giver(
      () => (this.#manners.uploads ? NEAR_LINE : 0),
      () => Infinity,
    );
    if (config.mirror === false) this.out.add('brake');
    // a worker that was restarted knows no page
    options.hear(({ data }) => {
      if (data.polycircle == 'who') this.#announce();
    });
    this.decide();
    /** resolves once the mirror knows its manifest, or that there is none */
    this.loaded = this.#load();
    if (this.mirror) this.#leave = bridge(this.mirror, this.loaded, () => !this.out.size, options);
    this.ready = this.#open();
  }

  /** none over plain http: there it stays empty */
  get mirror() {
    return isSecureContext ? this.#mirror : null;
  }
  get sig() {
    return this.signal?.sig ?? '';
  }
  get cid() {
    return this.#o.config.cid;
  }
  /** 'tab': another tab of this browser has the links */
  get role() {
    return this.#leads ? (this.signal?.role ?? '') : 'tab';
  }
  get peers() {
    return (this.signal?.peers ?? []).map(({ sig, near, bytesIn, bytesOut, neighbours }) => ({
      sig,
      near,
      bytesIn,
      bytesOut,
      neighbours,
    }));
  }

  stats() {
    const mirror = this.#mirror,
      media = mirror.media.map(m => ({
        path: m.path,
        size: m.size,
        pieces: Math.ceil(m.size / m.piece),
        get have() {
          return mirror.count(m);
        },
      }));
    return {
      bytes: { ...mirror.bytes },
      uploaded: this.#far.given + this.#near.given,
      first_peer_ms: this.signal?.firstPeer ?? null,
      media,
    };
  }
  /** @param {string|null} sig null: every neighbour @param {any} data JSON, at most about 200 KB @returns {number} to how many */
  send(sig, data) {
    const to = this.signal?.peers.filter(p => sig == null || p.sig == sig) ?? [];
    for (const peer of to) peer.say({ t: 'app', data });
    return to.length;
  }

  /** What is to become of visitors: 'on', 'off', or 'ask', as is anything else that somebody may have written. */
  get p2p() {
    const { p2p } = this.#o.data;
    return p2p == 'on' || p2p == 'off' ? p2p : 'ask';
  }
  /** Whether this visitor may be connected. */
  get shares() {
    return !this.out.size && this.p2p != 'off' && (this.p2p == 'on' || this.said == 'yes');
  }
  /** Whether there is anything to ask the visitor. */
  get asks() {
    return !!this.signal && [...this.out].every(why => why == 'no');
  }
  /** Asks, again if need be; resolves when it is over. */
  ask() {
    return this.#o.ask();
  }
  /** What the visitor says, for all pages of the site; without it: what was said there. @param {string} [says] 'yes' or 'no' */
  decide(says) {
    says = this.#o.mark('ask', says) ?? says; // where that is forbidden it is for this page alone
    if (!says || says == this.said) return;
    this.said = says;
    this.#turn('no', says == 'no');
    this.#elect();
    this.#emit('change');
  }
  /** Drops out: no links, no signal, plain HTTP. Each reason is for who gave it to take back. */
  leave(why = 'left') {
    this.#turn(why, true);
  }
  join(why = 'left') {
    this.#turn(why, false);
  }

  #turn(/** @type {string} */ why, /** @type {boolean} */ out) {
    const before = this.out.size;
    out ? this.out.add(why) : this.out.delete(why);
    if (!before == !this.out.size) return;
    if (this.out.size) {
      this.#tabs.exit();
      this.#leave();
    }
    this.#elect();
    this.#announce();
    this.#emit('change');
  }

  /** Resolves true once the worker sends this page's requests here; false when there is none. */
  async mirroring() {
    const registration = await this.#o.worker,
      { serviceWorker } = navigator;
    if (!registration) return false;
    if (!serviceWorker.controller)
      await new Promise(ok => serviceWorker.addEventListener('controllerchange', ok));
    this.#announce();
    return controls(registration);
  }

  async #open() {
    const { base, config } = this.#o;
    if (this.p2p != 'off' && globalThis.RTCPeerConnection) {
      const [token, h] = await Promise.all([this.#token(), this.#kept(base)]);
      this.#instance.h = h ?? config.wire == 'h';
      this.signal = new Signal(
        this.#instance,
        { token, run: randomHex(4), key: config.key, ice: config.ice },
        this.#forSignal(),
      );
      await within(this.loaded, 150, null); // the join says what is held
      this.#elect();
    }
    return this;
  }

  /** One signal a browser profile: that of the tab that leads. */
  #elect() {
    if (this.signal && this.shares) this.#tabs.enter();
  }

  #lead(/** @type {boolean} */ on) {
    this.pieces.persist = this.#leads = on;
    on ? this.signal?.start() : this.signal?.stop();
    this.#announce();
  }
  /** By another tab. @param {import('../content/pieces.js').News & {withdrawn?: string, version?: number}} news */
  #told(news) {
    this.pieces.told(news);
    const { version, media } = this.#mirror,
      gone = version == news.version && media.find(m => m.path == news.withdrawn);
    if (gone) this.#mirror.withdraw(gone);
  }
  /** What neighbours want of us. @returns {import('../meet/peer.js').Hub} */
  #forPeers() {
    return {
      hello: peer => ({
        t: 'hello',
        v: 1,
        sig: this.sig,
        version: this.#mirror.version,
        up: this.#manners.uploads,
        have: this.#holds(this.#mirror.reading).slice(-NAMED),
        want: [...this.#wanted].slice(-NAMED),
        at: this.#giver(peer).stands,
      }),
      serve: async (ask, peer) => {
        if (!this.#manners.uploads) return { why: 'off' };
        const bytes = await this.#mirror.supply(ask.hash);
        if (!bytes) return { why: 'none' };
        if (peer.closed) return null;
        const ms = this.#giver(peer).take(peer, { ...ask, bytes });
        return ms ? { why: 'busy', ms } : null;
      },
      stopped: (peer, id) => this.#giver(peer).drop(peer, id),
      heard: (m, peer) => {
        if (m.t == 'app') this.#emit('message', { from: peer.sig, data: m.data });
        this.signal?.heard(m, peer);
        if (m.claim) this.#mirror.claimed(m.r, m.claim, peer);
        this.#mirror.kick();
        if (m.want?.length && peer.asks())
          this.#answers = this.#answers.then(() => this.#answer(m.want, peer)).catch(() => {});
      },
      closed: (peer, why) => {
        this.#giver(peer).drop(peer);
        this.signal?.closed(peer, why);
        this.#mirror.kick();
        this.#emit('leave', { sig: peer.sig, why });
      },
    };
  }
  /** What the signal wants of us. @returns {import('../meet/signal.js').Hub} */
  #forSignal() {
    return {
      ...this.#forPeers(),
      met: peer => {
        this.#emit('peer', peer.sig);
        this.#stand();
      },
      holding: () => {
        const mirror = this.#mirror,
          { version } = mirror,
          have = [...mirror.reading].map(m => [
            m.index,
            Math.floor((100 * mirror.count(m)) / m.hashes.length),
          ]);
        return version
          ? { version, have: have.filter(([, percent]) => percent).slice(0, 256) }
          : {};
      },
      joined: ({ sig, n, version }) => {
        this.#n = n;
        this.#emit('join', { sig, n });
        if (version > this.#mirror.version) this.#refresh();
        else if (version == this.#mirror.version) this.#valid();
      },
      refused: async error => {
        this.#error(error);
        if (error.code != 'removed') return;
        this.leave();
        (await this.#o.worker)?.active?.postMessage({ polycircle: 'removed' });
      },
    };
  }
  /** What the mirror wants of us. @returns {import('../content/mirror.js').Surroundings} */
  #forMirror() {
    return {
      pieces: this.pieces,
      peers: () => this.signal?.peers ?? [],
      coming: () => this.shares && now() - this.#born < COMING_MS,
      crowd: () => this.#n > CROWD,
      gives: () => this.#manners.uploads,
      ban: peer => this.signal?.ban(peer),
      claim: (media, claim, by) => this.#tell({ t: 'got', r: media.root, i: [], claim }, by),
      got: (media, index) => {
        if (!index) this.#begins(media.urls);
        if (!this.#got.size) setTimeout(() => this.#tellGot(), GOT_MS);
        this.#got.set(media, [...(this.#got.get(media) ?? []), index]);
      },
      reads: media => this.#reads(media),
      withdrawn: media => {
        const { version, media: all } = this.#mirror,
          paths = all.filter(m => m.withdrawn).map(m => m.path);
        this.#keep(this.#gone, { version, paths });
        this.#tabs.say({ withdrawn: media.path, version });
        this.#emit('withdrawn', media);
        this.#tell({ t: 'have', have: [[media.root, '', '']] });
        if (now() - this.#refreshed > REFRESH_MS) this.#refresh();
      },
    };
  }

  #begins(/** @type {string[]} */ urls) {
    const { mark } = this.#o,
      before = (mark('begun') ?? '').split('\n');
    mark('begun', [...new Set([...urls, ...before])].slice(0, BEGINS).join('\n'));
  }
  /** @param {Message} message @param {Peer} [by] who knows it */
  #tell(message, by) {
    for (const peer of this.signal?.peers ?? []) if (peer != by) peer.say(message);
  }

  #tellGot() {
    for (const [media, i] of this.#got) if (!media.withdrawn) this.#say(media, i);
    this.#got.clear();
  }
  /** Neighbours hear what we have got of it, and how we stand. @param {Media} media @param {number[]} [i] */
  #say(media, i = []) {
    for (const peer of this.signal?.peers ?? [])
      peer.say({ t: 'got', r: media.root, i, at: this.#giver(peer).stands });
  }
  /** So, too, from time to time. */
  #stand() {
    const media = [...this.#mirror.reading].pop();
    clearTimeout(this.#stands);
    if (!this.peers.length) return;
    if (media) this.#say(media);
    this.#stands = +setTimeout(() => this.#stand(), STAND_MS);
  }
  #giver(/** @type {Peer} */ { near }) {
    return near ? this.#near : this.#far;
  }
  /** Those of which it has something, and what, as hello says it. @param {Iterable<Media>} media */
  #holds(media) {
    return [...media].flatMap(m => {
      const all = m.hashes.map((_, i) => this.#mirror.has(m, i));
      return all.includes(true) ? [[m.root, '', toBase64(bitmap(all))]] : [];
    });
  }
  /** The page reads a file: neighbours hear what we have of it, and are asked who has it, and the next ones of its folder. */
  #reads(/** @type {Media} */ media) {
    const folder = media.path.replace(/[^/]*$/, ''),
      { index } = media,
      want = [];
    for (const { path, root } of this.#mirror.media.slice(index, index + NEXT)) {
      if (!path.startsWith(folder) || this.#wanted.has(root)) continue;
      this.#wanted.add(root);
      want.push(root);
    }
    this.#tell({ t: 'have', have: this.#holds([media]), want });
  }
  /** Who names what it wants hears what we have of it, read by this page or not. @param {string[]} roots @param {Peer} peer */
  async #answer(roots, peer) {
    await this.loaded;
    const media = this.#mirror.named(roots),
      have = (await slowly(media, m => this.#holds([m]))).flat();
    for (const m of media) this.#mirror.shown.add(m);
    if (have.length) peer.say({ t: 'have', have });
  }
  /** The manifest that is stored at once, else the instance's; never fails: without one there is nothing to mirror. */
  async #load() {
    const opened = this.pieces.open(),
      stored = await this.#kept(`manifest-${this.cid}`);
    if (stored) await this.#accept(stored).catch(error => this.#error(error));
    if (this.#mirror.version < this.#o.config.version) await this.#refresh(true);
    await opened;
  }

  /** The one in hand, again, stays as it is: what was withdrawn of it is. */
  async #accept(/** @type {any} */ envelope) {
    if (envelope.sig == this.#accepted) return;
    const manifest = await readManifest(envelope, {
        key: this.#o.data.key ?? this.#o.config.sign,
        cid: this.cid,
        seen: this.#mirror.version,
        home: location.origin,
      }),
      gone = await this.#kept(this.#gone);
    const paths = new Set(gone?.version == manifest.version ? gone?.paths : []);
    for (const m of manifest.media) m.withdrawn = paths.has(m.path);
    this.#mirror.use(manifest);
    this.#accepted = envelope.sig;
  }
  /** where it is written down what was withdrawn of the manifest in hand */
  get #gone() {
    return 'withdrawn-' + this.cid;
  }
  /** Never fails. @param {boolean} [spooled] whether that of the loader's configuration will do */
  async #refresh(spooled) {
    if (!this.mirror) return;
    this.#refreshed = now();
    const { base, config, take } = this.#o,
      path = `manifest/${this.cid}.json.gz`,
      read = async (/** @type {Promise<Response>} */ r) => unpack(await (await r).blob()),
      fresh = () => read(fetch(base + path, { credentials: 'omit' }));
    try {
      const envelope = spooled
        ? await read(take(`manifest-${this.cid}-${config.version}.json.gz`, path)).catch(fresh)
        : await fresh();
      await this.#accept(envelope);
      this.#keep('manifest-' + this.cid, envelope);
      this.#valid();
      this.#announce();
      this.#tell({ t: 'have', have: this.#holds(this.#mirror.reading).slice(-NAMED) });
    } catch (error) {
      this.#error(/** @type {Error} */ (error));
    }
  }
  /** The worker leaves by itself when this is not said for 7 days. */
  async #valid() {
    const worker = await this.#o.worker;
    if (own(worker?.active?.scriptURL ?? ''))
      worker?.navigationPreload.setHeaderValue(String(Date.now())).catch(() => {});
  }
  #kept(/** @type {string} */ key) {
    return this.#store.get('kv', key).catch(() => undefined);
  }
  #keep(/** @type {string} */ key, /** @type {any} */ value) {
    this.#store.put('kv', key, value).catch(() => {});
  }
  /** Lets the worker know what this page answers. */
  async #announce() {
    if (!this.out.size) await this.loaded;
    (await this.#o.worker)?.active?.postMessage({
      polycircle: 'urls',
      urls: this.out.size ? [] : this.#mirror.urls,
      leads: this.#leads,
    });
  }
  /** Kept for good; one for each tab where tabs cannot agree on a leader. @returns {Promise<string>} */
  async #token() {
    const name = 'token-' + this.cid;
    if (!navigator.locks) return (sessionStorage[name] ??= randomHex(32));
    const kept = (await this.#kept(name)) ?? randomHex(32);
    this.#keep(name, kept);
    return kept;
  }
  #emit(/** @type {string} */ type, /** @type {any} */ detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #error(/** @type {Error} */ error) {
    console.warn('polycircle:', error.message);
    this.#emit('error', error);
  }
}
