/** What two browsers say over an open channel (doc/PROTOCOL.md 2.3): every message from a peer passes here and is refused unless it
 * has exactly the documented form and size. Text is JSON control, binary is a frame of a piece. */
import { isText } from './bytes.js';

/** @typedef {{t: string, [field: string]: any}} Message
 * @typedef {{id: number, offset: number, payload: Uint8Array}} Frame */

export const CHUNK = 64 << 10;     // payload of a frame
export const MAX_TEXT = 128 << 10; // a control message

const int = (/** @type {any} */ x) => Number.isSafeInteger(x) && x >= 0 && x <= 0xffffffff;
const match = (/** @type {RegExp} */ shape) => (/** @type {any} */ x) => isText(x, shape);
const list = (/** @type {number} */ max, /** @type {(x: any) => boolean} */ item) => (/** @type {any} */ x) =>
  Array.isArray(x) && x.length <= max && x.every(item);
const hex64 = match(/^[\da-f]{64}$/), root = match(/^[\da-f]{16}$/);
const holding = (/** @type {any} */ x) => Array.isArray(x) && x.length == 3 && root(x[0]) && match(/^([\da-f]{4})?$/)(x[1]) &&
  match(/^[\w-]{0,22000}$/)(x[2]);

/** @type {Record<string, Record<string, (x: any) => boolean>>} message type: its fields, each with its test */
const SHAPES = {
  hello: { v: x => x === 1, sig: hex64, version: int, up: x => typeof x == 'boolean', have: list(256, holding) },
  have: { have: list(256, holding) },
  got: { r: root, i: list(1024, int) },
  get: { id: int, h: hex64 },
  no: { id: int, why: match(/^(none|busy|off)$/) },
  stop: { id: int },
  peers: { list: list(16, hex64) },
  mail: { to: hex64, re: match(/^[\w-]{1,16}$/), body: match(/^[\w-]{1,1024}$/) },
  from: { from: hex64, re: match(/^[\w-]{1,16}$/), body: match(/^[\w-]{1,1024}$/) },
  app: { data: x => x !== undefined },
  bye: {},
};

/** @param {any} text from a peer @returns {Message} only the documented fields @throws {TypeError} when it is anything else */
export function parseControl(text) {
  if (typeof text != 'string' || text.length > MAX_TEXT) throw new TypeError('control message too long');
  const message = JSON.parse(text);
  const shape = message && Object.hasOwn(SHAPES, message.t) ? SHAPES[message.t] : null;
  if (!shape) throw new TypeError('unknown message');
  /** @type {Message} */
  const out = { t: message.t };
  for (const [field, test] of Object.entries(shape)) {
    if (!test(message[field])) throw new TypeError(`bad ${message.t}.${field}`);
    out[field] = message[field];
  }
  return out;
}

/** @param {any} data from a peer @returns {Frame} u32 request, u32 offset, payload @throws {TypeError} */
export function parseFrame(data) {
  if (!(data instanceof ArrayBuffer) || data.byteLength < 9 || data.byteLength > CHUNK + 8) throw new TypeError('bad frame');
  const view = new DataView(data);
  return { id: view.getUint32(0), offset: view.getUint32(4), payload: new Uint8Array(data, 8) };
}

/** @param {number} id @param {number} offset @param {Uint8Array} bytes the whole piece */
export function frame(id, offset, bytes) {
  const payload = bytes.subarray(offset, offset + CHUNK), out = new Uint8Array(payload.length + 8), view = new DataView(out.buffer);
  view.setUint32(0, id);
  view.setUint32(4, offset);
  out.set(payload, 8);
  return out.buffer;
}

/** Bit i of a map is bit 7-(i%8) of byte i/8. @param {Uint8Array|undefined} bits @param {number} i */
export const bit = (bits, i) => !!bits && !!(bits[i >> 3] & 128 >> (i & 7));

/** @param {number} count @param {(i: number) => boolean} test @returns {Uint8Array} */
export function bitmap(count, test) {
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (let i = 0; i < count; i++) if (test(i)) bits[i >> 3] |= 128 >> (i & 7);
  return bits;
}
