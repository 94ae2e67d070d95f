/** The signed manifest (doc/PROTOCOL.md 1.5): nothing of it is believed before the signature of the pinned key is checked. */
import { fromBase64, isText, sha256, toHex, utf8 } from './bytes.js';

/** @typedef {{index: number, path: string, type: string, size: number, mtime: number, piece: number, hashes: string[], root: string,
 *   urls: string[], withdrawn: boolean, checked: number}} Media hashes: SHA-256 of each piece, hex; urls: one an origin; checked: when an
 *   origin last said that it still has this very file (performance.now)
 * @typedef {{version: number, media: Media[]}} Manifest */

/** @param {any} envelope @param {string} pinned Ed25519 public key, base64url @returns {Promise<any>} the payload */
async function opened(envelope, pinned) {
  const { key, signed, sig } = envelope;
  if (key !== pinned || typeof signed != 'string') throw new Error('manifest: another key than the pinned one');
  const raw = /** @type {any} */ (fromBase64(key)), mark = /** @type {any} */ (fromBase64(sig));
  const imported = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  const text = /** @type {any} */ (utf8('polycircle-manifest-1\n' + signed));
  if (!await crypto.subtle.verify('Ed25519', imported, mark, text)) throw new Error('manifest: bad signature');
  return JSON.parse(signed);
}

/** @param {any} m one media of the payload @param {number} index @param {string[]} bases @returns {Promise<Media>} */
async function media(m, index, bases) {
  const hashes = fromBase64(m.sha256), count = Math.ceil(m.size / m.piece);
  if (!(m.size > 0 && m.piece >= 1 << 18 && m.piece <= 1 << 22 && hashes.length == count * 32) || m.path.startsWith('/')) {
    throw new Error('manifest: bad media ' + m.path);
  }
  const tail = m.path.split('/').map(encodeURIComponent).join('/');
  return { index, path: m.path, type: m.type, size: m.size, mtime: m.mtime, piece: m.piece,
    hashes: Array.from({ length: count }, (_, i) => toHex(hashes.subarray(i * 32, i * 32 + 32))),
    root: toHex((await sha256(hashes)).subarray(0, 8)), urls: bases.map(base => new URL(tail, base).href), withdrawn: false, checked: -Infinity };
}

/** @param {any} envelope @param {{key: string, cid: string, seen: number, home: string}} expected seen: the highest version ever accepted;
 *   home: the page's own origin @returns {Promise<Manifest>} @throws when anything is wrong */
export async function readManifest(envelope, { key, cid, seen, home }) {
  const m = await opened(envelope, key);
  if (m.v !== 1 || m.cid !== cid || !Number.isSafeInteger(m.version)) throw new Error('manifest: not of this circle');
  if (m.version < seen) throw new Error(`manifest: version ${m.version} is older than ${seen}, which was seen before`);
  const bases = m.origins.map((/** @type {string} */ o) => new URL(o, home).href);
  if (!bases.length || m.media.some((/** @type {any} */ x) => !isText(x.type, /^[\w.+-]+\/[\w.+-]+/))) throw new Error('manifest: no origin or type');
  return { version: m.version, media: await Promise.all(m.media.map((/** @type {any} */ x, /** @type {number} */ i) => media(x, i, bases))) };
}
