/** What tests of the client's modules share: randomness that can be repeated, real descriptions, channels in memory, signed manifests. */
import { createHash, generateKeyPairSync, sign, webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;  // Node 18 has it by that name only

/** @param {number} seed @returns {(below: number) => number} mulberry32 */
export const dice = seed => below => {
  seed = seed + 0x6d2b79f5 | 0;
  let t = Math.imul(seed ^ seed >>> 15, seed | 1);
  t = t + Math.imul(t ^ t >>> 7, t | 61) ^ t;
  return Math.floor(((t ^ t >>> 14) >>> 0) / 4294967296 * below);
};
export const bytes = (roll, n) => Uint8Array.from({ length: n }, () => roll(256));
export const sha = data => createHash('sha256').update(data).digest('hex');
export const base64 = data => Buffer.from(data).toString('base64url');
export const sig = digit => digit.repeat(64);
export const tick = (ms = 0) => new Promise(ok => setTimeout(ok, ms));

/** @param {() => any} test @param {string} what is waited for */
export async function until(test, what, ms = 5000) {
  for (const end = Date.now() + ms; !test();) {
    if (Date.now() > end) throw new Error('in vain: ' + what);
    await tick(2);
  }
}

/** @param {() => any} call @returns {Error|null} what it threw */
export function thrown(call) {
  try { call(); } catch (error) { return error; }
  return null;
}

/** Two ends as meet/link.js makes them: what one sends the other gets, in order, each in a task of its own. */
export function channels() {
  const make = () => ({ onmessage: null, onclose: null, open: true, buffered: 0, sent: [], other: null,
    send(data) {
      this.sent.push(data);
      if (this.open) setImmediate(() => this.other.open && this.other.onmessage?.(data));
    },
    close() {
      if (!this.open) return;
      this.open = false;
      this.onclose?.();
      setImmediate(() => this.other.close());
    } });
  const a = make(), b = make();
  a.other = b;
  b.other = a;
  return [a, b];
}

const pair = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { name: publicKey.export({ format: 'jwk' }).x, privateKey };
};
export const key = pair(), stranger = pair();

/** @param {object} payload @param {{name: string, privateKey: any}} by */
export function envelope(payload, by = key) {
  const signed = typeof payload == 'string' ? payload : JSON.stringify(payload);
  return { polycircle: 1, key: by.name, signed, sig: base64(sign(null, Buffer.from('polycircle-manifest-1\n' + signed), by.privateKey)) };
}
/** @param {Uint8Array} file @param {number} piece @returns {string[]} SHA-256 of each piece */
export const hashes = (file, piece) => Array.from({ length: Math.ceil(file.length / piece) }, (_, i) => sha(file.subarray(i * piece, (i + 1) * piece)));

export const MTIME = 1789990000;
/** @param {Record<string, Uint8Array>} files */
export const payload = (files, piece = 262144, more = {}) => ({ v: 1, cid: '00112233aabbccdd', can: 'demo', version: 7, issued: 1790000000, origins: ['/media/'],
  media: Object.entries(files).map(([path, file]) => ({ path, type: 'video/mp4', size: file.length, mtime: MTIME, piece,
    sha256: base64(Buffer.from(hashes(file, piece).join(''), 'hex')) })), ...more });
