/** One RTCPeerConnection with one ordered, reliable channel (RFC 8831, negotiated id 0): hides gathering, SDP and back-pressure.
 * A Link is a Channel as lib/peer.js wants it. */
import { localOnly, pack, parse, unpack } from './sdp.js';
import { sleep } from './bytes.js';

/** @typedef {{send(data: string|ArrayBuffer): void, close(): void, readonly buffered: number, drained(): Promise<void>,
 *   onmessage: ((data: any) => void)|null, onclose: (() => void)|null}} Channel */

const GATHER_MS = 600, SETTLE_MS = 15, LOW = 256 << 10;

export class Link {
  #pc; #dc; #closed = false; #remoteLocal = false;
  /** @type {any[]} */
  #early = [];
  /** @type {((data: any) => void)|null} */
  #onmessage = null;
  /** @type {(() => void)|null} */
  onopen = null;
  /** @type {(() => void)|null} */
  onclose = null;

  /** @param {{ice: RTCIceServer[], certificate: RTCCertificate|null}} options */
  constructor({ ice, certificate }) {
    this.stun = ice.length > 0;
    this.#pc = new RTCPeerConnection({ iceServers: ice, iceCandidatePoolSize: 1, ...certificate && { certificates: [certificate] } });
    this.#dc = this.#pc.createDataChannel('c', { negotiated: true, id: 0 });
    this.#dc.binaryType = 'arraybuffer';
    this.#dc.bufferedAmountLowThreshold = LOW;
    this.#dc.onmessage = e => this.#onmessage ? this.#onmessage(e.data) : this.#early.length < 64 && this.#early.push(e.data);
    this.#dc.onopen = () => this.onopen?.();
    this.#dc.onclose = () => this.close();
    this.#pc.onconnectionstatechange = () => this.#watch();
  }

  set onmessage(handler) {
    this.#onmessage = handler;
    for (const data of handler ? this.#early.splice(0) : []) handler?.(data);
  }
  get onmessage() { return this.#onmessage; }
  get open() { return this.#dc.readyState == 'open'; }
  get buffered() { return this.#dc.bufferedAmount; }

  /** @returns {Promise<string>} packed offer */
  async offer() {
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    return this.#gathered(false);
  }

  /** @param {string} offer packed @returns {Promise<string>} packed answer @throws when it is not an offer */
  async answer(offer) {
    await this.#remote(offer, false);
    await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    return this.#gathered(true);
  }

  /** @param {string} answer packed */
  accept(answer) { return this.#remote(answer, true); }

  /** @param {string|ArrayBuffer} data */
  send(data) { if (this.open) this.#dc.send(/** @type {any} */ (data)); }

  async drained() {
    if (!this.open || this.buffered <= LOW) return;
    await new Promise(ok => ['bufferedamountlow', 'close'].map(name => this.#dc.addEventListener(name, ok, { once: true })));
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#pc.close();
    this.onclose?.();
  }

  /** Whether the path stays within the own network, so that it uses no uplink: nobody outside could use what both sides offered,
   * or both ends of the path in use stand in one /24 or /64. */
  async near() {
    if (this.#remoteLocal && localOnly(parse(pack(this.#pc.localDescription?.sdp ?? '', false)).candidates)) return true;
    const stats = await this.#pc.getStats(), all = [...stats.values()];
    const transport = all.find(s => s.type == 'transport'), pair = stats.get(transport?.selectedCandidatePairId);
    const net = (/** @type {string} */ id) => {
      const a = stats.get(id), address = a?.address ?? '';
      return a?.candidateType == 'srflx' || a?.candidateType == 'relay' ? '' : address.split(/[.:]/).slice(0, address.includes(':') ? 4 : 3).join();
    };
    return !!pair && net(pair.localCandidateId) != '' && net(pair.localCandidateId) == net(pair.remoteCandidateId);
  }

  /** @param {string} packed @param {boolean} answer */
  #remote(packed, answer) {
    const description = parse(packed);
    if (description.answer != answer) throw new TypeError('offer and answer mixed up');
    this.#remoteLocal = localOnly(description.candidates);
    return this.#pc.setRemoteDescription(unpack(description));
  }

  /** Does not wait for the end of gathering, which may never come: 15 ms after the first useful candidate, 600 ms at most.
   * @param {boolean} answer */
  async #gathered(answer) {
    await new Promise(ok => {
      const timer = setTimeout(ok, GATHER_MS, null);
      const look = () => {
        const sdp = this.#pc.localDescription?.sdp ?? '';
        if (this.#pc.iceGatheringState == 'complete' || this.#pc.signalingState == 'closed') ok(null);
        else if (this.stun ? / typ (srflx|relay)/.test(sdp) : /^a=candidate.* udp /im.test(sdp)) setTimeout(ok, SETTLE_MS, null);
        else return;
        clearTimeout(timer);
      };
      this.#pc.onicecandidate = this.#pc.onicegatheringstatechange = look;
      look();
    });
    return pack(this.#pc.localDescription?.sdp ?? '', answer);
  }

  async #watch() {
    const state = this.#pc.connectionState;
    if (state == 'failed' || state == 'closed') this.close();
    if (state != 'disconnected') return;
    await sleep(4000);
    if (this.#pc.connectionState != 'connected') this.close();
  }
}
