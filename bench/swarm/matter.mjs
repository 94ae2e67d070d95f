/** Bytes of the film without the bytes. Decides what a block of them is: a length, and which part of the film lies where in it; its SHA-256 is that
 * part's place and length. What is small (messages, maps, lists of hashes) is real. The client's modules meet this by the names Uint8Array,
 * ArrayBuffer and DataView (browser.mjs) and do with it what they do with bytes: new, set(), subarray(), slice(), a header written into it.
 * @typedef {{from: number, to: number, base: number, wrong: boolean}} Span bytes from..to of a buffer are the film's from base + from on; wrong: a
 *   liar's */

const RealBytes = Uint8Array,
  RealBuffer = ArrayBuffer,
  RealView = DataView;
/** what is larger is the film's: no message, map or list that a client makes with `new Uint8Array(n)` is as long */
const SMALL = 12000,
  HEAD = 64;

export class MatterBuffer {
  /** @type {DataView | null} its first bytes, where somebody writes numbers */
  head = null;
  spans = /** @type {Span[]} */ ([]);
  /** @param {number} byteLength */
  constructor(byteLength) {
    this.byteLength = byteLength;
  }
  /** What lies from..to is this now. @param {number} from @param {number} to @param {number} base @param {boolean} wrong */
  fill(from, to, base, wrong) {
    const last = this.spans.at(-1);
    if (last && last.to == from && last.base == base && last.wrong == wrong) last.to = to;
    else if (!last || last.to <= from) this.spans.push({ from, to, base, wrong });
    else this.#over({ from, to, base, wrong });
  }

  #over(/** @type {Span} */ span) {
    const kept = this.spans.flatMap(old => [
      ...(old.from < span.from ? [{ ...old, to: Math.min(old.to, span.from) }] : []),
      ...(old.to > span.to ? [{ ...old, from: Math.max(old.from, span.to) }] : []),
    ]);
    this.spans = [];
    for (const { from, to, base, wrong } of [...kept, span].sort((a, b) => a.from - b.from))
      this.fill(from, to, base, wrong);
  }
  slice(from = 0, to = this.byteLength) {
    return new Matter(this, from, to - from).slice().buffer;
  }
}

export class Matter {
  /** @param {MatterBuffer} buffer @param {number} [byteOffset] @param {number} [length] */
  constructor(buffer, byteOffset = 0, length = buffer.byteLength - byteOffset) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.length = length;
  }
  get byteLength() {
    return this.length;
  }
  subarray(from = 0, to = this.length) {
    const [a, b] = [from, to].map(at =>
      Math.min(this.length, Math.max(0, at < 0 ? at + this.length : at)),
    );
    return new Matter(this.buffer, this.byteOffset + a, Math.max(0, b - a));
  }
  slice(from = 0, to = this.length) {
    const part = this.subarray(from, to),
      out = new Matter(new MatterBuffer(part.length));
    out.set(part);
    return out;
  }
  /** @param {any} other Matter; real bytes are too few to be of the film, and count for nothing @param {number} [at] */
  set(other, at = 0) {
    if (at + other.length > this.length) throw new RangeError('offset is out of bounds');
    if (!(other instanceof Matter)) return;
    const shift = this.byteOffset + at - other.byteOffset,
      low = other.byteOffset,
      high = low + other.length;
    for (const { from, to, base, wrong } of other.buffer.spans) {
      const [first, last] = [Math.max(from, low), Math.min(to, high)];
      if (first < last) this.buffer.fill(first + shift, last + shift, base - shift, wrong);
    }
  }
  /** @returns {number} where in the film all of it begins; -1: it is no part of the film */
  get place() {
    const low = this.byteOffset,
      one = this.buffer.spans.find(span => span.to > low);
    return one && !one.wrong && one.from <= low && one.to >= low + this.length
      ? one.base + low
      : -1;
  }
}

/** @param {number} at in the film @param {number} length @returns {Matter} */
export function film(at, length) {
  const buffer = new MatterBuffer(length);
  buffer.spans.push({ from: 0, to: length, base: at, wrong: false });
  return new Matter(buffer);
}

/** The same, but wrong. @param {MatterBuffer} buffer */
export function spoiled(buffer) {
  const out = new MatterBuffer(buffer.byteLength);
  out.head = buffer.head;
  out.spans = buffer.spans.map(span => ({ ...span, wrong: true }));
  return out;
}

/** SHA-256, modelled: of a part of the film its place and length, of small things some other 32 bytes that depend on all of theirs.
 * @param {any} data @returns {Uint8Array} */
export function digest(data) {
  const out = new RealBytes(32),
    view = new RealView(out.buffer);
  const matter = data instanceof MatterBuffer ? new Matter(data) : data;
  if (matter instanceof Matter) {
    view.setFloat64(0, matter.place);
    view.setUint32(8, matter.length);
    view.setUint32(12, matter.place < 0 ? 0xbad : 0xf11);
    return out;
  }
  const bytes =
    data instanceof RealBuffer
      ? new RealBytes(data)
      : new RealBytes(data.buffer, data.byteOffset, data.byteLength);
  let a = 0x811c9dc5 ^ bytes.length,
    b = 0x1b873593;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul((b << 13) | (b >>> 19), 5) + a;
  }
  for (let i = 0; i < 8; i++) {
    a = Math.imul(a ^ (b >>> 15), 0x85ebca6b) + i;
    b = Math.imul(b ^ (a >>> 13), 0xc2b2ae35);
    view.setUint32(4 * i, a ^ b);
  }
  return out;
}

/** What the client's modules call Uint8Array, ArrayBuffer and DataView. */
export function names() {
  /** @type {any} */
  const Bytes = function (/** @type {any} */ of, /** @type {any[]} */ ...more) {
    if (of instanceof MatterBuffer) return new Matter(of, ...more);
    if (of instanceof Matter) return of.slice();
    return typeof of == 'number' && of > SMALL
      ? new Matter(new MatterBuffer(of))
      : new RealBytes(of, ...more);
  };
  Bytes.prototype = RealBytes.prototype;
  Object.defineProperty(Bytes, Symbol.hasInstance, {
    value: (/** @type {any} */ x) => x instanceof Matter || RealBytes.prototype.isPrototypeOf(x),
  });
  Bytes.from = RealBytes.from.bind(RealBytes);
  Bytes.of = RealBytes.of.bind(RealBytes);
  /** @type {any} */
  const Buffer = function (/** @type {number} */ n) {
    return n > SMALL ? new MatterBuffer(n) : new RealBuffer(n);
  };
  Buffer.prototype = RealBuffer.prototype;
  Buffer.isView = RealBuffer.isView;
  Object.defineProperty(Buffer, Symbol.hasInstance, {
    value: (/** @type {any} */ x) =>
      x instanceof MatterBuffer || RealBuffer.prototype.isPrototypeOf(x),
  });
  /** @type {any} */
  const View = function (/** @type {any} */ of, /** @type {any[]} */ ...more) {
    if (!(of instanceof MatterBuffer)) return new RealView(of, ...more);
    of.head ??= new RealView(new RealBuffer(HEAD));
    return new RealView(of.head.buffer, ...more);
  };
  View.prototype = RealView.prototype;
  return { Uint8Array: Bytes, ArrayBuffer: Buffer, DataView: View };
}
