/** One circle on one page: puts signal, mirror, tabs and storage together and is what the page sees as window.polycircle.
 * What only a document knows (players, visibility) comes in by its options. */
import { bridge } from './bridge.js';
import { instance } from '../meet/instance.js';
import { Manners } from '../meet/manners.js';
import { Mirror } from '../content/mirror.js';
import { Pieces } from '../content/pieces.js';
import { Signal } from '../meet/signal.js';
import { openStore } from '../content/store.js';
import { readManifest, unpack } from '../content/manifest.js';
import { bitmap } from '../meet/wire.js';
import { randomHex, toBase64, within } from '../util/bytes.js';
/** @typedef {{can: string, cid: string, key: string, sign: string, package: string, version: number, ice: RTCIceServer[], up_kbps: number,
 *   wire?: string, p2p?: string, spool?: string, mirror?: boolean}} Config mirror false: the owner's brake, nobody mirrors
 * @typedef {{base: string, config: Config, data: Record<string, string|undefined>, storage?: Promise<import('../content/store.js').Store>|null, coarse: boolean, settled: Promise<any>,
 *   watch: import('./bridge.js').Watch, spared?: import('./bridge.js').Spared, worker: Promise<ServiceWorkerRegistration|null|undefined>|undefined, packed?: Promise<Blob|null>|null,
 *   db?: Promise<IDBDatabase|null>, fresh?: boolean, ask?: () => Promise<void>}} Options ask: shows the question of elements/ask.js; data: the tag's data-*; settled: when players have their
 *   first bytes; packed (the manifest), db: what the loader has begun already; fresh: nothing was ever stored
 * @typedef {import('../content/manifest.js').Media} Media
 * @typedef {import('../meet/peer.js').Peer} Peer
 * @typedef {import('../meet/wire.js').Message} Message */

const HELLO = 64,
  REFRESH_MS = 30000,
  SAID = 'polycircle-ask';
export class Circle extends EventTarget {
  #o;
  #instance;
  #manners;
  #store;
  #leads = false;
  #born = performance.now();
  #refreshed = -Infinity;
  #lock = /** @type {AbortController|null} */ (null);
  #bridge = /** @type {ReturnType<typeof bridge>|null} */ (null);
  #got = /** @type {Map<Media, number[]>} */ (new Map());
  #mids = /** @type {Record<string, string>} */ ({});
  /** why this page does nothing: 'left' (it was told to), 'away' (it was gone back from), 'no' (the visitor), 'brake' (the owner) */
  out = /** @type {Set<string>} */ (new Set());
  /** by the visitor: 'yes', 'no', '' (nothing yet) */
  said = '';
  /** none over plain http */
  mirror = /** @type {Mirror|null} */ (null);
  signal = /** @type {Signal|null} */ (null);
  /** @param {Options} options */
  constructor(options) {
    super();
    const { base, config, data, storage, coarse, db, fresh } = (this.#o = options);
    this.#instance = instance(base, h => this.#keep(base, h));
    this.#manners = new Manners(
      Number(data.up ?? (config.up_kbps || 2000)),
      /** @type {any} */ (navigator).connection ?? {},
      coarse,
    );
    this.#store = openStore(storage ?? null, db, fresh);
    this.pieces = new Pieces(this.#store);
    if (isSecureContext) this.mirror = new Mirror(this.#forMirror());
    if (config.mirror === false) this.out.add('brake');
    this.decide();
    /** resolves once the mirror knows its manifest, or that there is none */
    this.loaded = this.#load();
    if (!this.out.size) this.#connect();
    this.ready = this.#open();
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
    const { mirror, signal } = this;
    const media =
      mirror?.media.map(m => ({
        path: m.path,
        size: m.size,
        pieces: m.hashes.length,
        have: mirror.count(m),
      })) ?? [];
    return {
      bytes: { storage: 0, peers: 0, origin: 0, ...mirror?.bytes },
      uploaded: this.#manners.uploaded,
      first_peer_ms: signal?.firstPeer ?? null,
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
    const { p2p = 'on' } = this.#o.data;
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
    return this.#o.ask?.();
  }
  /** What the visitor says, for all pages of the site; without it: what was said there. @param {string} [says] 'yes' or 'no' */
  decide(says) {
    try {
      says ? (localStorage[SAID] = says) : (says = localStorage[SAID]);
    } catch {
      /* forbidden: it is for this page alone */
    }
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
    this.out.size ? this.#drop() : this.#connect();
    this.#elect();
    this.#announce();
    this.#emit('change');
  }

  #drop() {
    this.pieces.persist = this.#leads = false;
    this.#lock?.abort();
    this.#lock = null;
    this.signal?.stop();
    this.#bridge?.close();
  }
  /** Resolves true once the worker sends this page's requests here; false when there is none. */
  async mirroring() {
    const registration = await this.#o.worker,
      { serviceWorker } = navigator;
    if (!registration || !this.mirror) return false;
    if (!serviceWorker.controller)
      await new Promise(ok =>
        serviceWorker.addEventListener('controllerchange', ok, { once: true }),
      );
    this.#announce();
    // of a narrower scope another's may be in control; what is active is told apart from who controls, and may come later
    const { installing, waiting, active } = registration;
    return [installing, waiting, active].some(
      worker => worker && worker.scriptURL == serviceWorker.controller?.scriptURL,
    );
  }

  async #open() {
    const { base, config, settled } = this.#o;
    if (this.p2p != 'off' && globalThis.RTCPeerConnection) {
      const [token, certificate, h] = await Promise.all([
        this.#token(),
        this.#certificate(),
        this.#kept(base),
      ]);
      this.#instance.h = h ?? config.wire == 'h';
      this.signal = new Signal(
        this.#instance,
        { token, certificate, run: randomHex(4), key: config.key, ice: config.ice ?? [] },
        this.#forSignal(),
      );
      await within(this.loaded, 150, null); // the join says what is held
      await within(settled, 400, null); // connecting waits while a player works on its first frame
      this.#elect();
    }
    setInterval(() => this.#emit('stats'), 500);
    return this;
  }

  #connect() {
    if (this.mirror && navigator.serviceWorker)
      this.#bridge = bridge(this.mirror, this.#o.watch, this.loaded, this.#o.spared);
  }

  /** One signal a browser profile: that of the tab that holds the lock. Where there are no locks, one a tab. */
  #elect() {
    if (!this.signal || this.#lock || !this.shares) return;
    const { signal } = (this.#lock = new AbortController()),
      lead = () =>
        new Promise(ok => {
          signal.addEventListener('abort', ok);
          this.pieces.persist = this.#leads = true;
          this.signal?.start();
          this.#announce();
        });
    navigator.locks
      ? navigator.locks.request('polycircle-' + this.cid, { signal }, lead).catch(() => {})
      : lead();
  }
  /** What neighbours want of us. @returns {import('../meet/peer.js').Hub} */
  #forPeers() {
    return {
      hello: () => ({
        t: 'hello',
        v: 1,
        sig: this.sig,
        version: this.mirror?.version ?? 0,
        up: this.#manners.uploads,
        have: this.#holds(),
      }),
      serve: async (hash, { near }) => {
        const received =
          this.pieces.held + Object.values(this.mirror?.bytes ?? {}).reduce((a, b) => a + b, 0);
        if (!this.#manners.uploads) return 'off';
        return this.#manners.may(received, near)
          ? ((await this.mirror?.supply(hash)) ?? 'none')
          : 'busy';
      },
      allow: (bytes, peer) => this.#manners.allow(bytes, peer.near),
      heard: (m, peer) => {
        if (m.t == 'app') this.#emit('message', { from: peer.sig, data: m.data });
        this.signal?.heard(m, peer);
        this.mirror?.kick();
      },
      closed: (peer, why) => {
        this.signal?.closed(peer, why);
        this.mirror?.kick();
        this.#emit('leave', { sig: peer.sig, why });
      },
    };
  }
  /** What the signal wants of us. @returns {import('../meet/signal.js').Hub} */
  #forSignal() {
    return {
      ...this.#forPeers(),
      met: peer => this.#emit('peer', peer.sig),
      holding: () => {
        const { mirror } = this,
          have = mirror?.media.map(m => [
            m.index,
            Math.floor((100 * mirror.count(m)) / m.hashes.length),
          ]);
        return mirror?.version
          ? { version: mirror.version, have: have?.filter(([, percent]) => percent).slice(0, 256) }
          : {};
      },
      joined: ({ mids, sig, n, version }) => {
        Object.assign(this.#mids, mids);
        this.#emit('join', { sig, n });
        if (version == this.mirror?.version) this.#valid();
        else if (version > (this.mirror?.version ?? Infinity)) this.#refresh();
      },
      refused: async error => {
        this.#error(error);
        if (error.code != 'removed') return;
        this.leave();
        await (await this.#o.worker)?.unregister();
      },
    };
  }
  /** What the mirror wants of us. @returns {import('../content/mirror.js').Surroundings} */
  #forMirror() {
    return {
      pieces: this.pieces,
      peers: () => this.signal?.peers ?? [],
      // also before we have asked who is there
      expecting: () =>
        this.shares &&
        (this.#leads ? !!this.signal?.expecting : performance.now() - this.#born < 3000),
      ban: (peer, why) => this.signal?.ban(peer, why),
      got: (media, index) => {
        if (!this.#got.size) setTimeout(() => this.#tellGot(), 150);
        this.#got.set(media, [...(this.#got.get(media) ?? []), index]);
      },
      withdrawn: media => {
        this.#tell({ t: 'have', have: [[media.root, '', '']] });
        if (performance.now() - this.#refreshed > REFRESH_MS) this.#refresh();
      },
    };
  }

  #tell(/** @type {Message} */ message) {
    for (const peer of this.signal?.peers ?? []) peer.say(message);
  }

  #tellGot() {
    for (const [media, i] of this.#got)
      if (!media.withdrawn) this.#tell({ t: 'got', r: media.root, i });
    this.#got.clear();
  }
  /** Media and pieces, as hello says it. */
  #holds() {
    const { mirror } = this;
    return (
      mirror?.media
        .filter(m => mirror.count(m))
        .slice(0, HELLO)
        .map(m => [
          m.root,
          this.#mids[m.index] ?? '',
          toBase64(bitmap(m.hashes.map((_, i) => mirror.has(m, i)))),
        ]) ?? []
    );
  }
  /** The manifest that is stored at once, else the instance's; never fails: without one there is nothing to mirror. */
  async #load() {
    const opened = this.pieces.open(),
      stored = this.mirror && (await this.#kept('manifest-' + this.cid));
    if (stored) await this.#accept(stored, 0).catch(error => this.#error(error));
    if (this.mirror && this.mirror.version < this.#o.config.version)
      await this.#refresh(this.#o.packed);
    await opened;
  }

  async #accept(/** @type {any} */ envelope, /** @type {number} */ seen) {
    this.mirror?.use(
      await readManifest(envelope, {
        key: this.#o.data.key ?? this.#o.config.sign,
        cid: this.cid,
        seen,
        home: location.origin,
      }),
    );
  }
  /** Never fails. @param {Promise<any>|null} [early] packed */
  async #refresh(early) {
    this.#refreshed = performance.now();
    try {
      const envelope =
        (await early?.then(unpack).catch(() => null)) ??
        (await this.#instance.ask(`manifest/${this.cid}.json.gz`, undefined, r =>
          r.blob().then(unpack),
        ));
      await this.#accept(envelope, this.mirror?.version ?? 0);
      this.#keep('manifest-' + this.cid, envelope);
      this.#valid();
      this.#announce();
      this.#tell({ t: 'have', have: this.#holds() });
    } catch (error) {
      this.#error(/** @type {Error} */ (error));
    }
  }
  /** The worker leaves by itself when this is not said for 7 days. */
  async #valid() {
    (await this.#o.worker)?.navigationPreload.setHeaderValue(String(Date.now())).catch(() => {});
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
      urls: this.out.size ? [] : this.mirror?.urls,
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
  /** @returns {Promise<RTCCertificate|null>} */
  async #certificate() {
    const kept = await this.#kept('certificate');
    if (kept?.expires > Date.now() + 864e5) return kept;
    const made = await RTCPeerConnection.generateCertificate(
      /** @type {any} */ ({ name: 'ECDSA', namedCurve: 'P-256' }),
    ).catch(() => null);
    if (made) this.#keep('certificate', made);
    return made;
  }

  #emit(/** @type {string} */ type, /** @type {any} */ detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #error(/** @type {Error} */ error) {
    console.warn('polycircle:', error.message);
    this.#emit('error', error);
  }
}
