/** One circle on one page: puts signal, mirror, tabs and storage together and is what the page sees as window.polycircle.
 * What only a document knows (elements, visibility) comes in as Surface. */
import { Bridge } from './bridge.js';
import { Instance } from './instance.js';
import { Manners } from './manners.js';
import { Mirror } from './mirror.js';
import { Peer } from './peer.js';
import { Pieces } from './pieces.js';
import { Signal } from './signal.js';
import { Tabs } from './tabs.js';
import { openStore } from './store.js';
import { readManifest } from './manifest.js';
import { bitmap } from './wire.js';
import { randomHex, toBase64, within } from './bytes.js';

/** @typedef {{can: string, cid: string, key: string, sign: string, package: string, version: number, ice: RTCIceServer[], up_kbps: number}} Config
 * @typedef {{base: string, config: Config, p2p: string, key: string, kbps: number, storage: any, coarse: boolean, manifest: Promise<any>|null, circles: any[]|undefined,
 *   worker: Promise<ServiceWorkerRegistration|null|undefined>, watch: import('./bridge.js').Watch, db: Promise<IDBDatabase|null>|undefined, fresh: boolean, settled: Promise<any>}} Options
 * @typedef {import('./manifest.js').Media} Media */

const HELLO = 24;  // media a message, so that it stays small whatever the circle

export class Circle extends EventTarget {
  #o; #instance; #manners; #store;
  /** @type {Tabs|null} */
  #tabs = null;
  /** @type {Map<string, Peer>} other tabs of this browser */
  #tabPeers = new Map();
  /** @type {Bridge|null} */
  #bridge = null;
  /** @type {Map<Media, number[]>} */
  #got = new Map();
  /** @type {Record<string, string>} */
  #mids = {};
  /** resolves once the mirror knows its manifest, or that there is none @type {Promise<void>} */
  loaded;
  #refreshed = -Infinity; #left = false; #noted = '';
  uploaded = 0;
  pieces;
  /** @type {Mirror|null} none over plain http */
  mirror = null;
  /** @type {Signal|null} */
  signal = null;
  ready;

  /** @param {Options} options */
  constructor(options) {
    super();
    this.#o = options;
    this.#instance = new Instance(options.base);
    this.#manners = new Manners({ kbps: options.kbps, coarse: options.coarse, connection: /** @type {any} */ (navigator).connection });
    this.#store = openStore(options.storage, options.db, options.fresh);
    this.pieces = new Pieces(this.#store);
    if (isSecureContext) this.mirror = this.#newMirror();
    this.loaded = this.#load();
    this.#bridge = this.#newBridge();
    this.ready = this.#open();
    this.ready.catch(error => this.#error(error));
  }

  get sig() { return this.signal?.sig ?? ''; }
  get cid() { return this.#o.config.cid; }
  get role() { return this.#tabs?.leads ? this.signal?.role ?? '' : 'tab'; }
  get peers() {
    return this.#neighbours().map(({ sig, near, bytesIn, bytesOut, neighbours }) => ({ sig, near, bytesIn, bytesOut, neighbours: [...neighbours] }));
  }

  stats() {
    const media = this.mirror?.media.map(m => ({ path: m.path, size: m.size, pieces: m.hashes.length, have: this.mirror?.count(m) ?? 0 })) ?? [];
    return { bytes: { storage: 0, peers: 0, origin: 0, ...this.mirror?.bytes }, uploaded: this.uploaded, first_peer_ms: this.signal?.firstPeer ?? null,
      joined_ms: this.signal?.joined ?? null, requests: { sync: this.signal?.syncs ?? 0, writes: this.signal?.writes ?? 0 }, media };
  }

  /** @param {string|null} sig null: every neighbour @param {any} data JSON, at most about 100 KB @returns {number} to how many */
  send(sig, data) {
    const to = this.signal?.peers.filter(p => sig === null || p.sig === sig) ?? [];
    for (const peer of to) peer.say({ t: 'app', data });
    return to.length;
  }

  /** @returns {Promise<{can: string, cid: string}[]>} the circles this instance lists, as the package says */
  async circles() { return this.#o.circles ?? (await this.#instance.get('circles.json')).circles; }

  /** Drops out: no links, no signal, plain HTTP. */
  leave() {
    this.#left = true;
    this.signal?.stop(true);
    this.#bridge?.close();
    this.#announce();
  }

  join() {
    const back = this.#left;
    this.#left = false;
    if (this.#tabs) { if (this.#tabs.leads) this.signal?.start(); } else this.#elect();
    if (!back) return;
    this.#bridge = this.#newBridge();
    this.#announce();
  }

  /** The page goes away. */
  close() {
    this.signal?.stop(true);
    this.#tabs?.stop();
    this.#tabs = null;
  }

  async #open() {
    // the join says what is held, and connecting waits while a player works on its first frame
    await Promise.all([this.#openSignal(), within(this.loaded, 150, null), within(this.#o.settled, 400, null)]);
    if (this.#o.p2p == 'on') this.#elect();
    setInterval(() => this.#note(), 500);
    return this;
  }

  async #openSignal() {
    const { config, p2p } = this.#o, hub = this.#hub();
    if (p2p == 'off' || !globalThis.RTCPeerConnection) return;
    const own = { token: await this.#token(), run: randomHex(4), key: config.key, ice: config.ice ?? [], certificate: await this.#certificate() };
    this.signal = new Signal(this.#instance, own, hub, () => this.#holding());
    this.signal.addEventListener('join', e => this.#joined(/** @type {CustomEvent} */ (e).detail));
    this.signal.addEventListener('peer', e => this.#emit('peer', /** @type {CustomEvent} */ (e).detail.sig));
    this.signal.addEventListener('refused', e => this.#refused(/** @type {CustomEvent} */ (e).detail));
  }

  #elect() {
    if (!this.signal || this.#tabs || this.#left) return;
    const tabs = this.#tabs = new Tabs(this.cid);
    tabs.addEventListener('lead', () => {
      this.pieces.persist = true;
      if (!this.#left) this.signal?.start();
    });
    tabs.addEventListener('tab', e => {
      const { channel, id } = /** @type {CustomEvent} */ (e).detail, peer = new Peer(channel, id, this.#hub());
      peer.tab = peer.near = true;
      this.#tabPeers.set(id, peer);
      peer.greet();
    });
  }

  /** @returns {import('./peer.js').Hub} */
  #hub() {
    return {
      greeting: peer => this.#greeting(peer),
      serve: (hash, peer) => this.#serve(hash, peer),
      allow: (bytes, peer) => {
        if (!peer.tab) this.uploaded += bytes;
        return this.#manners.allow(bytes, peer.near);
      },
      changed: () => this.mirror?.kick(),
      control: (m, peer) => { if (m.t == 'app') this.#emit('message', { from: peer.sig, data: m.data }); },
      closed: (peer, why) => {
        if (peer.tab) this.#tabPeers.delete(peer.sig);
        this.mirror?.kick();
        this.#emit('leave', { sig: peer.sig, why });
      },
    };
  }

  /** @param {Peer} peer @returns {import('./wire.js').Message[]} */
  #greeting(peer) {
    const all = (this.mirror?.media ?? []).filter(m => peer.tab ? this.#tabs?.leads && !m.withdrawn : this.mirror?.count(m)).slice(0, 512);
    const have = all.map(m => [m.root, this.#mids[m.index] ?? '', toBase64(bitmap(m.hashes.length, i => peer.tab || this.pieces.has(m.hashes[i])))]);
    const first = { t: 'hello', v: 1, sig: peer.tab ? this.#tabs?.id : this.sig, version: this.mirror?.version ?? 0,
      up: peer.tab || this.#manners.uploads, have: have.splice(0, HELLO) };
    const messages = [/** @type {import('./wire.js').Message} */ (first)];
    while (have.length) messages.push({ t: 'have', have: have.splice(0, HELLO) });
    return messages;
  }

  /** @param {string} hash @param {Peer} peer @returns {Promise<Uint8Array|'none'|'busy'|'off'>} */
  async #serve(hash, peer) {
    if (!peer.tab && !this.#manners.uploads) return 'off';
    if (!peer.tab && !this.#manners.may(this.#received(), peer.near)) return 'busy';
    return await this.mirror?.supply(hash, peer.tab && !!this.#tabs?.leads) ?? 'none';
  }

  #received() { return this.pieces.held + Object.values(this.mirror?.bytes ?? {}).reduce((a, b) => a + b, 0); }
  #neighbours() { return [...this.signal?.peers ?? [], ...[...this.#tabPeers.values()].filter(p => p.ready)]; }

  #newMirror() {
    const around = { pieces: this.pieces, peers: () => this.#left ? [] : this.#neighbours(), expecting: () => !this.#left && this.#expecting(),
      ban: (/** @type {Peer} */ peer, /** @type {string} */ why) => peer.tab ? peer.close(why) : this.signal?.ban(peer, why),
      got: (/** @type {Media} */ m, /** @type {number} */ i) => this.#tell(m, i), withdrawn: (/** @type {Media} */ m) => this.#withdrawn(m) };
    return new Mirror(around);
  }

  #newBridge() { return this.mirror && navigator.serviceWorker ? new Bridge(this.mirror, this.#o.watch, this.loaded) : null; }

  /** The manifest that is stored at once, else the instance's; never fails: without one there is nothing to mirror. */
  async #load() {
    const opened = this.pieces.open();
    if (!this.mirror) return;
    const stored = await this.#store.get('kv', 'manifest-' + this.cid).catch(() => null);
    if (stored) await this.#accept(stored.envelope, 0).catch(error => this.#error(error));
    if (this.mirror.version < this.#o.config.version) await this.#refresh(this.#o.manifest).catch(error => this.#error(error));
    await opened;
  }

  #expecting() { return !!this.signal?.expecting; }

  /** @param {any} envelope @param {number} seen highest version accepted so far */
  async #accept(envelope, seen) {
    const manifest = await readManifest(envelope, { key: this.#o.key, cid: this.cid, seen, home: location.origin });
    this.mirror?.use(manifest);
    return manifest;
  }

  /** @param {Promise<any>|null} [early] */
  async #refresh(early) {
    this.#refreshed = performance.now();
    const envelope = await early ?? await this.#instance.get(`manifest/${this.cid}.json`);
    const { version } = await this.#accept(envelope, this.mirror?.version ?? 0);
    await this.#store.put('kv', 'manifest-' + this.cid, { envelope, version }).catch(() => {});
    this.#valid();
    for (const peer of this.#neighbours()) peer.greet();
  }

  /** The worker leaves by itself when this is not said for 7 days. */
  #valid() { this.#store.put('kv', 'valid', Date.now()).catch(() => {}); }

  /** Lets the worker know what this page answers. @returns {Promise<boolean>} */
  async #announce() {
    const worker = navigator.serviceWorker?.controller, ours = (await this.#o.worker)?.active?.scriptURL;
    if (!worker || !this.#bridge || worker.scriptURL != ours) return false;
    return within(this.#bridge.announce(worker).then(() => true), 1000, false);
  }

  /** @param {MessageEvent} ask of the worker, which came before we did */
  answer(ask) { this.#bridge?.answer(ask); }

  /** Resolves true once the worker sends this page's requests here; false when there is none. */
  async mirroring() {
    const registration = await this.#o.worker;
    if (!registration || !this.#bridge) return false;
    const { serviceWorker } = navigator;
    if (!serviceWorker.controller) await new Promise(ok => serviceWorker.addEventListener('controllerchange', ok, { once: true }));
    this.loaded.then(() => this.#announce());
    return registration.active?.scriptURL == serviceWorker.controller?.scriptURL;
  }

  /** @param {Media} media */
  #withdrawn(media) {
    for (const peer of this.#neighbours()) peer.say({ t: 'have', have: [[media.root, '', '']] });
    if (performance.now() - this.#refreshed > 30000) this.#refresh().then(() => this.#announce(), error => this.#error(error));
  }

  /** @param {Media} media @param {number} index */
  #tell(media, index) {
    if (!this.#got.size) setTimeout(() => this.#tellAll(), 150);
    this.#got.set(media, [...this.#got.get(media) ?? [], index]);
  }

  #tellAll() {
    for (const [media, i] of this.#got) for (const peer of this.#neighbours()) if (!media.withdrawn) peer.say({ t: 'got', r: media.root, i });
    this.#got.clear();
  }

  /** What a join says of media. */
  #holding() {
    if (!this.mirror?.version) return {};
    const share = (/** @type {Media} */ m) => Math.floor(100 * (this.mirror?.count(m) ?? 0) / m.hashes.length);
    const have = this.mirror.media.map(m => [m.index, share(m)]).filter(([, percent]) => percent).slice(0, 256);
    return { version: this.mirror.version, ...have.length && { have } };
  }

  /** @param {any} answer */
  #joined(answer) {
    Object.assign(this.#mids, answer.mids);
    this.#emit('join', { sig: answer.sig, n: answer.n });
    if (answer.version == this.mirror?.version) this.#valid();
    else if (answer.version > (this.mirror?.version ?? Infinity)) this.#refresh().then(() => this.#announce(), error => this.#error(error));
  }

  /** @param {import('./instance.js').Refused} refused */
  async #refused({ code, message }) {
    if (code == 'removed') {
      this.leave();
      navigator.serviceWorker?.controller?.postMessage({ polycircle: 'removed' });
      await (await this.#o.worker)?.unregister();
    }
    if (code == 'rejoin') return;
    this.#error(new Error(`${code}: ${message}`));
  }

  /** Kept for good, one for each tab where tabs cannot agree on a leader. @returns {Promise<string>} */
  async #token() {
    const name = 'polycircle-token-' + this.cid;
    if (!navigator.locks) return sessionStorage[name] ??= randomHex(32);
    const kept = await this.#store.get('kv', name).catch(() => null);
    if (kept) return kept;
    const token = randomHex(32);
    this.#store.put('kv', name, token).catch(() => {});
    return token;
  }

  /** @returns {Promise<RTCCertificate|null>} */
  async #certificate() {
    const kept = await this.#store.get('kv', 'certificate').catch(() => null);
    if (kept?.expires > Date.now() + 864e5) return kept;
    const made = await RTCPeerConnection.generateCertificate(/** @type {any} */ ({ name: 'ECDSA', namedCurve: 'P-256' })).catch(() => null);
    if (made) this.#store.put('kv', 'certificate', made).catch(() => {});
    return made;
  }

  /** @param {string} type @param {any} [detail] */
  #emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  /** @param {Error} error */
  #error(error) {
    console.warn('polycircle:', error.message);
    this.#emit('error', error);
  }

  #note() {
    const now = JSON.stringify([this.mirror?.bytes, this.uploaded, this.peers.length]);
    if (now != this.#noted) this.#emit('stats');
    this.#noted = now;
  }
}
