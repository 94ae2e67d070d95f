/** The packed description: what differs between two data-channel SDPs, in about 120 characters. Layout: doc/PROTOCOL.md 2.1.
 * Hides SDP (RFC 8866) and the candidate grammar (RFC 8839) from everything else. */
import { fromBase64, hex, must, toBase64, utf8 } from '../util/bytes.js';
/** @typedef {{kind: number, address: string, port: number}} Candidate kind: place in TYPES
 * @typedef {{answer: boolean, print: Uint8Array, ufrag: string, pwd: string, candidates: Candidate[]}} Description */

const TYPES = ['host', 'srflx', 'relay', 'prflx'],
  LENGTHS = [4, 16, 16],
  MAX_CANDIDATES = 24;

const fromHex = (/** @type {string} */ text) =>
  /** @type {string[]} */ (text.match(/../g)).map(h => parseInt(h, 16));
const codes = (/** @type {string} */ text) => [text.length, ...utf8(text)];

/** @param {string} text IPv4, IPv6 (RFC 4291) or an mDNS name @returns {number[]} form and bytes; of another length: not an address */
function packAddress(text) {
  if (/^[\da-f-]{36}\.local$/i.test(text))
    return [2, ...fromHex(text.slice(0, 36).replaceAll('-', ''))];
  if (!text.includes(':')) return [0, ...text.split('.').map(Number)];
  const words = text
    .replace('::', ':0'.repeat(Math.max(0, 9 - text.split(':').length)) + ':')
    .split(':');
  return [1, ...words.flatMap(word => fromHex(word.padStart(4, '0')))];
}

/** @param {number} form @param {Uint8Array} b */
function unpackAddress(form, b) {
  if (!form) return b.join('.');
  const text = hex(b);
  return form == 1
    ? text.replace(/....(?=.)/g, '$&:')
    : text.replace(/(.{8})(....)(....)(....)(.*)/, '$1-$2-$3-$4-$5.local');
}

/** @param {string} sdp what the browser made @param {boolean} answer @returns {string} packed, base64url */
export function pack(sdp, answer) {
  const [print, ufrag, pwd] = [
    /^a=fingerprint:sha-256 (\S+)/im,
    /^a=ice-ufrag:(\S+)/m,
    /^a=ice-pwd:(\S+)/m,
  ].map(shape => shape.exec(sdp)?.[1] ?? '');
  must(print.length == 95 && ufrag && pwd);
  const out = [
    0x10 | Number(answer),
    ...fromHex(print.replaceAll(':', '')),
    ...codes(ufrag),
    ...codes(pwd),
  ];
  for (const [, address, port, type] of [
    ...sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ (\w+)/gim),
  ].slice(0, MAX_CANDIDATES)) {
    const [form, ...bytes] = packAddress(address),
      kind = TYPES.indexOf(type);
    if (kind >= 0 && bytes.length == LENGTHS[form])
      out.push((kind << 3) | form, ...bytes, +port >> 8, +port & 255);
  }
  return toBase64(Uint8Array.from(out));
}

/** @param {any} text from anyone @returns {Description} @throws when it is not exactly a packed description */
export function parse(text) {
  must(typeof text == 'string' && text.length <= 1024);
  const b = fromBase64(text);
  let at = 0;
  const take = (/** @type {number} */ n) => {
    must(at + n <= b.length);
    return b.subarray(at, (at += n));
  };
  const token = () => {
    const word = String.fromCharCode(...take(take(1)[0]));
    must(/^[\w+/-]{4,}$/.test(word)); // '-' and '_' too: other stacks write them
    return word;
  };
  const [flag] = take(1);
  must(flag >> 1 == 8);
  const description = {
    answer: flag == 0x11,
    print: take(32),
    ufrag: token(),
    pwd: token(),
    candidates: /** @type {Candidate[]} */ ([]),
  };
  while (at < b.length) {
    const [kind] = take(1),
      form = kind & 7;
    must(kind < 32 && form < 3 && description.candidates.length < MAX_CANDIDATES);
    const address = unpackAddress(form, take(LENGTHS[form])),
      [high, low] = take(2);
    description.candidates.push({ kind: kind >> 3, address, port: (high << 8) | low });
  }
  return description;
}

/** @param {Description} d @returns {RTCSessionDescriptionInit} an SDP any WebRTC stack takes */
export function unpack(d) {
  const candidates = d.candidates.map(
    ({ kind, address, port }, i) =>
      `a=candidate:${i} 1 udp ${((126 - 20 * kind) << 24) - i} ${address} ${port} typ ${TYPES[kind]}${kind ? ' raddr 0.0.0.0 rport 0' : ''}`,
  );
  return {
    type: d.answer ? 'answer' : 'offer',
    sdp: [
      'v=0',
      'o=- 1 1 IN IP4 0.0.0.0',
      's=-',
      't=0 0',
      'a=group:BUNDLE 0',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 0.0.0.0',
      ...candidates,
      'a=ice-ufrag:' + d.ufrag,
      'a=ice-pwd:' + d.pwd,
      'a=fingerprint:sha-256 ' +
        hex(d.print)
          .toUpperCase()
          .replace(/..(?=.)/g, '$&:'),
      'a=setup:' + (d.answer ? 'active' : 'actpass'),
      'a=mid:0',
      'a=sctp-port:5000',
      'a=max-message-size:262144',
      '',
    ].join('\r\n'),
  };
}

const LOCAL = /\.local$|^(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\.|^f[cde]|^(0*:)*0*1$/i;

/** What of these candidates is known beyond the own network: public addresses, an IPv6 one by its /64. @param {Candidate[]} all */
const outside = all =>
  [
    ...new Set(
      all
        .map(c => c.address)
        .filter(a => !LOCAL.test(a))
        .map(a => a.slice(0, 19)),
    ),
  ]
    .sort()
    .join();

/** Whether a path between the two uses no uplink: nobody outside could use what either offered, or both stand behind the same addresses.
 * @param {Candidate[]} a @param {Candidate[]} b */
export const near = (a, b) => outside(a) == outside(b);
