/** One RTCPeerConnection with one ordered, reliable channel (RFC 8831, negotiated id 0): hides gathering, SDP and back-pressure.
 * A Link is a Channel as meet/peer.js wants it. */
import { near, pack, parse, unpack } from './sdp.js';
import { must, sleep } from '../util/bytes.js';
/** @typedef {{send(data: string|ArrayBuffer): void, close(): void, readonly buffered: number, drained(): Promise<any>,
 *   onmessage: ((data: any) => void)|null, onclose: (() => void)|null}} Channel */

/** One server that the browser cannot read is an error of the constructor: such ones are named, and go. The list is changed in place, so the
 * next link need not look. Each connection has a certificate of its own: one that was kept would let neighbours know a visitor again.
 * @param {RTCIceServer[]} ice @returns {RTCPeerConnection} */
function connection(ice) {
  const make = (/** @type {RTCIceServer[]} */ iceServers) => new RTCPeerConnection({ iceServers });
  try {
    return make(ice);
  } catch (error) {
    const bad = ice.findIndex(server => {
      try {
        make([server]).close();
      } catch {
        return true;
      }
    });
    if (bad < 0) throw error;
    const [{ urls }] = ice.splice(bad, 1);
    console.warn('polycircle: no browser can use this ICE server:', urls);
    return connection(ice);
  }
}

const GATHER_MS = 600,
  SETTLE_MS = 15,
  FAMILY_MS = 200,
  LOST_MS = 4000,
  LOW = 256 << 10;

export class Link {
  #pc;
  #dc;
  #stun;
  #closed = false;
  #mine = '';
  #theirs = '';
  /** to be set before the other side has our description: what comes earlier would be lost */
  onmessage = /** @type {((data: any) => void)|null} */ (null);
  onopen = /** @type {(() => void)|null} */ (null);
  onclose = /** @type {(() => void)|null} */ (null);
  /** @param {{ice: RTCIceServer[]}} options */
  constructor({ ice }) {
    this.#pc = connection(ice);
    this.#stun = ice.length > 0;
    this.#dc = this.#pc.createDataChannel('c', { negotiated: true, id: 0 });
    this.#dc.binaryType = 'arraybuffer';
    this.#dc.bufferedAmountLowThreshold = LOW;
    this.#dc.onmessage = e => this.onmessage?.(e.data);
    this.#dc.onopen = () => this.onopen?.();
    this.#dc.onclose = () => this.close();
    this.#pc.onconnectionstatechange = () => this.#watch();
  }

  get open() {
    return this.#dc.readyState == 'open';
  }
  get buffered() {
    return this.#dc.bufferedAmount;
  }
  /** Whether the path uses no uplink. */
  get near() {
    return near(parse(this.#mine).candidates, parse(this.#theirs).candidates);
  }
  /** @returns {Promise<string>} packed offer */
  async offer() {
    await this.#pc.setLocalDescription();
    return this.#gathered(false);
  }
  /** @param {string} offer packed @returns {Promise<string>} packed answer @throws when it is not an offer */
  async answer(offer) {
    await this.#remote(offer, false);
    await this.#pc.setLocalDescription();
    return this.#gathered(true);
  }

  accept(/** @type {string} */ answer) {
    return this.#remote(answer, true);
  }
  send(/** @type {any} */ data) {
    if (this.open) this.#dc.send(data);
  }

  async drained() {
    if (this.open && this.buffered > LOW)
      await new Promise(ok => {
        this.#dc.onbufferedamountlow = ok;
      });
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#pc.close();
    /** @type {any} */ (this.#dc).onbufferedamountlow?.(); // who waits for room waits no longer
    this.onclose?.();
  }

  async #remote(/** @type {string} */ packed, /** @type {boolean} */ answer) {
    const description = parse(packed);
    must(description.answer == answer, 'bad SDP');
    this.#theirs = packed;
    await this.#pc.setRemoteDescription(unpack(description));
  }
  /** Does not wait for the end of gathering, which may never come. STUN brings an address from outside for each of its own, of IPv4 and of IPv6, and
   * who has only the one cannot be met from the other: 15 ms after the last of them, 200 after the first, 600 ms at most. @param {boolean} answer */
  async #gathered(answer) {
    await new Promise(ok => {
      const look = () => {
        const parts = (/** @type {RegExp} */ type) =>
          this.#pc.localDescription?.sdp.split(type).length ?? 0;
        const own = parts(/ udp .* typ host/i),
          useful = this.#stun ? parts(/ typ [sr]/) : own;
        if (this.#pc.iceGatheringState == 'complete') ok(0);
        else if (useful > 1) setTimeout(ok, useful < own ? FAMILY_MS : SETTLE_MS);
      };
      setTimeout(ok, GATHER_MS);
      this.#pc.onicecandidate = this.#pc.onicegatheringstatechange = look;
      look();
    });
    return (this.#mine = pack(this.#pc.localDescription?.sdp ?? '', answer));
  }

  async #watch() {
    if (this.#pc.connectionState == 'disconnected') await sleep(LOST_MS);
    if (!/^(new|connect)/.test(this.#pc.connectionState)) this.close();
  }
}
