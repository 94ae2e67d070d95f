/** What two browsers say over an open channel (doc/PROTOCOL.md 2.3): every message from a peer passes here and is refused unless it
 * has exactly the documented form and size. Text is JSON control, binary is a frame of a piece. */
import { must } from '../util/bytes.js';
/** @typedef {{t: string, [field: string]: any}} Message
 * @typedef {{id: number, offset: number, payload: Uint8Array}} Frame
 * @typedef {(x: any) => boolean} Test */

export const CHUNK = 64 << 10; // payload of a frame
const MAX_TEXT = 256 << 10; // a control message

const int = (/** @type {any} */ x) => x >>> 0 === x; // of 32 bits, unsigned
const match = (/** @type {RegExp} */ shape) => (/** @type {any} */ x) =>
  typeof x == 'string' && shape.test(x);
const list = (/** @type {number} */ max, /** @type {Test} */ item) => (/** @type {any} */ x) =>
  Array.isArray(x) && x.length <= max && x.every(item);
export const sig = match(/^[\da-f]{64}$/),
  re = match(/^[\w-]{1,16}$/);
const root = match(/^[\da-f]{16}$/),
  mid = match(/^([\da-f]{4})?$/),
  bits = match(/^[\w-]{0,22000}$/);
const body = match(/^[\w-]{1,1024}$/);
const bool = (/** @type {any} */ x) => typeof x == 'boolean';
const maybe = (/** @type {Test} */ test) => (/** @type {any} */ x) => x === undefined || test(x);
const three = maybe(x => list(3, int)(x) && x.length == 3);
const want = list(64, root);
const have = list(
  64,
  x => Array.isArray(x) && x.length == 3 && root(x[0]) && mid(x[1]) && bits(x[2]),
);

/** message type: its fields, each with its test */
const SHAPES = new Map(
  Object.entries(
    /** @type {Record<string, Record<string, Test>>} */ ({
      hello: { v: x => x === 1, sig, version: int, up: bool, have, want, at: three },
      have: { have, want, up: maybe(bool) },
      got: { r: root, i: list(1024, int), at: three, claim: three },
      get: { id: int, h: sig, due: maybe(int) },
      no: { id: int, why: match(/^(none|busy|off)$/), ms: maybe(int) },
      stop: { id: int },
      peers: { list: list(16, sig) },
      mail: { to: sig, re, body },
      from: { from: sig, re, body },
      app: { data: x => x !== undefined },
      bye: {},
    }),
  ),
);

/** @param {any} text from a peer @returns {Message} only the documented fields @throws when it is anything else */
export function parseControl(text) {
  must(typeof text == 'string' && text.length <= MAX_TEXT);
  const message = { want: [], ...JSON.parse(text) }, // earlier versions want nothing by name
    shape = SHAPES.get(message.t);
  must(shape);
  const out = /** @type {Message} */ ({ t: message.t });
  for (const [field, test] of Object.entries(shape)) {
    must(test(message[field]), `bad ${message.t}.${field}`);
    if (field in message) out[field] = message[field];
  }
  return out;
}

/** @param {any} data from a peer @returns {Frame} u32 request, u32 offset, payload @throws when it is not one */
export function parseFrame(data) {
  must(data instanceof ArrayBuffer && data.byteLength > 8 && data.byteLength <= CHUNK + 8);
  const view = new DataView(data);
  return { id: view.getUint32(0), offset: view.getUint32(4), payload: new Uint8Array(data, 8) };
}

/** @param {number} id @param {number} offset @param {Uint8Array} payload */
export function frame(id, offset, payload) {
  const out = new Uint8Array(payload.length + 8),
    view = new DataView(out.buffer);
  view.setUint32(0, id);
  view.setUint32(4, offset);
  out.set(payload, 8);
  return out.buffer;
}

/** Bit i of a map is bit 7 - i % 8 of byte i / 8. @param {Uint8Array|undefined} map @param {number} i */
export const bit = (map, i) => !!map && !!(map[i >> 3] & (128 >> (i & 7)));

/** @param {boolean[]} all */
export function bitmap(all) {
  const map = new Uint8Array(Math.ceil(all.length / 8));
  all.forEach((has, i) => {
    if (has) map[i >> 3] |= 128 >> (i & 7);
  });
  return map;
}
