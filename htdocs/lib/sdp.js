/** The packed description: what differs between two data-channel SDPs, in about 120 characters. Layout: doc/PROTOCOL.md 2.1.
 * Hides SDP (RFC 8866) and the candidate grammar (RFC 8839) from everything else. */
import { toBase64, fromBase64 } from './bytes.js';

/** @typedef {{type: string, address: string, port: number}} Candidate
 * @typedef {{answer: boolean, print: Uint8Array, ufrag: string, pwd: string, candidates: Candidate[]}} Description */

const TYPES = ['host', 'srflx', 'relay', 'prflx'];
const PRIORITY = [2130706431, 1694498815, 16777215, 1862270975];
const LENGTHS = [4, 16, 16];
const MAX_CANDIDATES = 24;

/** @param {string} text an IPv6 address (RFC 4291) @returns {number[]|null} its 16 bytes */
function ipv6(text) {
  const halves = text.split('::');
  if (halves.length > 2 || !/^[\da-f:]+$/i.test(text)) return null;
  const [head, tail] = halves.map(half => half.split(':').filter(Boolean));
  const gap = 8 - head.length - (tail?.length ?? 0);
  if (tail ? gap < 0 : gap) return null;
  const words = [...head, ...Array(gap).fill('0'), ...(tail ?? [])];
  return words.flatMap(word => [parseInt(word, 16) >> 8 & 255, parseInt(word, 16) & 255]);
}

/** @param {string} text @returns {[number, number[]]|null} form and bytes of an address; null: not one we can pack */
function packAddress(text) {
  const uuid = /^([\da-f]{8})-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-([\da-f]{12})\.local$/i.exec(text);
  if (uuid) return [2, (uuid.slice(1).join('').match(/../g) ?? []).map(h => parseInt(h, 16))];
  if (/^\d+(\.\d+){3}$/.test(text)) return [0, text.split('.').map(Number)];
  const words = ipv6(text);
  return words && [1, words];
}

/** @param {number} form @param {Uint8Array} b */
function unpackAddress(form, b) {
  if (form == 0) return b.join('.');
  const hex = Array.from(b, x => x.toString(16).padStart(2, '0')).join('');
  return form == 2 ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5.local')
    : (hex.match(/.{4}/g) ?? []).join(':');
}

/** @param {string} sdp what the browser made @param {boolean} answer @returns {string} packed, base64url */
export function pack(sdp, answer) {
  const field = (/** @type {RegExp} */ shape) => shape.exec(sdp)?.[1] ?? '';
  const print = field(/^a=fingerprint:sha-256 (\S+)/im).split(':').map(h => parseInt(h, 16));
  const ufrag = field(/^a=ice-ufrag:(\S+)/m), pwd = field(/^a=ice-pwd:(\S+)/m);
  if (print.length != 32 || !ufrag || !pwd) throw new TypeError('not a data channel SDP');
  const text = (/** @type {string} */ t) => [t.length, ...Array.from(t, c => c.charCodeAt(0))];
  const out = [0x10 | Number(answer), ...print, ...text(ufrag), ...text(pwd)];
  let count = 0;
  for (const [, address, port, type] of sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ (\w+)/gim)) {
    const packed = packAddress(address), kind = TYPES.indexOf(type);
    if (packed && kind >= 0 && count++ < MAX_CANDIDATES) out.push(kind << 3 | packed[0], ...packed[1], +port >> 8, +port & 255);
  }
  return toBase64(Uint8Array.from(out));
}

/** @param {string} text from anyone @returns {Description} @throws {TypeError} when it is not exactly a packed description */
export function parse(text) {
  if (typeof text != 'string' || text.length > 1024) throw new TypeError('packed description too long');
  const b = fromBase64(text);
  let at = 0;
  const take = (/** @type {number} */ n) => {
    if (at + n > b.length) throw new TypeError('packed description cut short');
    return b.subarray(at, at += n);
  };
  const token = () => {
    const t = String.fromCharCode(...take(take(1)[0]));
    if (!/^[\w+/-]{4,256}$/.test(t)) throw new TypeError('bad ufrag or pwd');  // '-' and '_' too: other stacks write them
    return t;
  };
  const flag = take(1)[0];
  if (flag >> 1 != 8) throw new TypeError('unknown packed description');
  const description = { answer: flag == 0x11, print: take(32), ufrag: token(), pwd: token(), candidates: /** @type {Candidate[]} */ ([]) };
  while (at < b.length) {
    const kind = take(1)[0], form = kind & 7;
    if (kind > 31 || form > 2 || description.candidates.length >= MAX_CANDIDATES) throw new TypeError('bad candidate');
    const address = unpackAddress(form, take(LENGTHS[form])), [high, low] = take(2);
    description.candidates.push({ type: TYPES[kind >> 3], address, port: high << 8 | low });
  }
  return description;
}

/** @param {Description} d @returns {RTCSessionDescriptionInit} an SDP any WebRTC stack takes */
export function unpack(d) {
  const print = Array.from(d.print, x => x.toString(16).padStart(2, '0').toUpperCase()).join(':');
  const candidates = d.candidates.map(({ type, address, port }, i) => `a=candidate:${i + 1} 1 udp ${PRIORITY[TYPES.indexOf(type)] - i * 256
    } ${address} ${port} typ ${type}${type == 'host' ? '' : ' raddr 0.0.0.0 rport 0'}`);
  return { type: d.answer ? 'answer' : 'offer', sdp: ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', ...candidates, `a=ice-ufrag:${d.ufrag}`, `a=ice-pwd:${d.pwd}`,
    `a=fingerprint:sha-256 ${print}`, `a=setup:${d.answer ? 'active' : 'actpass'}`, 'a=mid:0', 'a=sctp-port:5000',
    'a=max-message-size:262144', ''].join('\r\n') };
}

/** Whether nobody beyond the own network could use any of these candidates: mDNS names, private and loopback addresses only.
 * @param {Candidate[]} candidates */
export const localOnly = candidates => candidates.every(({ type, address }) => type == 'host' &&
  /\.local$|^(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\.|^(f[cd]|fe[89ab])|^(0*:)*0*1$/i.test(address));
