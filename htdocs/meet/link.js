/** One RTCPeerConnection with one ordered, reliable channel (RFC 8831, negotiated id 0): hides gathering and SDP.
 * A Link is a Channel as meet/peer.js wants it. */
import { near, pack, parse, unpack } from './sdp.js';
import { sleep } from '../util/bytes.js';
/** @typedef {{send(data: string|ArrayBuffer): void, close(): void, readonly buffered: number,
 *   onmessage: ((data: any) => void)|null, onclose: (() => void)|null}} Channel */

/** Each connection has a certificate of its own: one that was kept would let neighbours know a visitor again. */
const connection = (/** @type {RTCIceServer[]} */ iceServers) =>
  new RTCPeerConnection({ iceServers });

/** One server that the browser cannot read is an error of the constructor: such ones are named, and go. @param {RTCIceServer} server */
function usable(server) {
  try {
    connection([server]).close();
    return true;
  } catch {
    console.warn('polycircle: no browser can use this ICE server:', server.urls);
  }
}

const GATHER_MS = 600,
  SETTLE_MS = 15,
  FAMILY_MS = 200,
  LOST_MS = 4000;

export class Link {
  #pc;
  #dc;
  #stun;
  #mine = '';
  #theirs = '';
  /** to be set before the other side has our description: what comes earlier would be lost */
  onmessage = /** @type {((data: any) => void)|null} */ (null);
  onopen = /** @type {(() => void)|null} */ (null);
  onclose = /** @type {(() => void)|null} */ (null);
  /** @param {{ice: RTCIceServer[]}} options what cannot be used goes from there, too: the next link need not look */
  constructor(options) {
    try {
      this.#pc = connection(options.ice);
    } catch {
      options.ice = options.ice.filter(usable);
      this.#pc = connection(options.ice);
    }
    this.#stun = options.ice.length > 0;
    this.#dc = this.#pc.createDataChannel('c', { negotiated: true, id: 0 });
    this.#dc.binaryType = 'arraybuffer';
    this.#dc.onmessage = e => this.onmessage?.(e.data);
    this.#dc.onopen = () => this.onopen?.();
    this.#dc.onclose = () => this.close();
    this.#pc.onconnectionstatechange = () => this.#watch();
  }

  get buffered() {
    return this.#dc.bufferedAmount;
  }
  /** Whether the path uses no uplink. */
  get near() {
    return near(parse(this.#mine).candidates, parse(this.#theirs).candidates);
  }
  /** @param {string} packed the other side's @throws when there is no place for it: an answer to no offer */
  accept(packed) {
    this.#theirs = packed;
    return this.#pc.setRemoteDescription(unpack(parse(packed)));
  }
  send(/** @type {any} */ data) {
    if (this.#dc.readyState == 'open') this.#dc.send(data);
  }
  /** Also again: nothing of it is said twice. */
  close() {
    this.#pc.close();
    this.onclose?.();
  }

  /** Does not wait for the end of gathering, which may never come. STUN brings an address from outside for each of its own, of IPv4 and of IPv6, and
   * who has only the one cannot be met from the other: 15 ms after the last of them, 200 after the first, 600 ms at most.
   * @param {string} [offer] theirs, packed @returns {Promise<string>} the answer to it, or else an offer, packed @throws when theirs is none */
  async describe(offer) {
    if (offer) await this.accept(offer);
    await this.#pc.setLocalDescription();
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
    return (this.#mine = pack(this.#pc.localDescription?.sdp ?? '', !!offer));
  }

  async #watch() {
    if (this.#pc.connectionState == 'disconnected') await sleep(LOST_MS);
    if (!/^(new|connect)/.test(this.#pc.connectionState)) this.close();
  }
}
