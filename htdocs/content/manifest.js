/** The signed manifest (doc/PROTOCOL.md 1.5): nothing of it is believed before the signature of the pinned key is checked. */
import { fromBase64, hex, must, pause, sha256, slowly, utf8 } from '../util/bytes.js';
import { plain } from '../util/names.js';
/** @typedef {{index: number, path: string, type: string, size: number, mtime: number, piece: number, hashes: string[], root: string,
 *   urls: string[], names: string[], withdrawn?: boolean, checked: number, check?: Promise<void>|null, refused?: number, whole?: boolean, wrong?: boolean}} Media hashes: SHA-256 of each piece, hex; urls: one an origin; names: plain ones; checked: when an
 *   origin last said that it still has this very file (performance.now); check: it is being asked; refused: when it said last that this browser may not read it;
 *   whole: it sends all where a part is asked for; false: it was seen to send the part
 * @typedef {{version: number, media: Media[]}} Manifest */

const MOST = 2 ** 26,
  STEP = 4096; // bytes of what is unpacked, which nobody has checked yet; and of what is given to be unpacked at a time: a browser makes of that whatever comes

/** @param {Blob} packed gzip, or what it holds where somebody on the way has unpacked it @returns {Promise<any>} the envelope, with nothing of it checked @throws when it is too long, or none */
export async function unpack(packed) {
  const steps = () => {
    let left = MOST;
    return new TransformStream({
      transform(/** @type {Uint8Array<ArrayBuffer>} */ part, out) {
        must((left -= part.length) >= 0, 'manifest: too long');
        for (let at = 0; at < part.length; at += STEP) out.enqueue(part.subarray(at, at + STEP));
      },
    });
  };
  const zipped = (await packed.slice(0, 1).text()) == '\x1f',
    stream = packed.stream().pipeThrough(steps());
  const text = zipped
    ? stream.pipeThrough(new DecompressionStream('gzip')).pipeThrough(steps())
    : stream;
  return new Response(text).json();
}

/** @param {any} m one media of the payload @param {number} index @param {string[]} bases @returns {Promise<Media>} */
async function media({ sha256: list, ...m }, index, bases) {
  const bytes = fromBase64(list),
    tail = m.path.split('/').map(encodeURIComponent).join('/'),
    urls = bases.map(base => base + tail);
  let hashes = /** @type {string[]|null} */ (null);
  must(bytes.length && bytes.length == Math.ceil(m.size / m.piece) * 32, m.path);
  return {
    ...m,
    index,
    checked: -Infinity,
    // as text, which takes time and five times the room, of those that are asked for
    get hashes() {
      return (hashes ??= /** @type {string[]} */ (hex(bytes).match(/.{64}/g)));
    },
    root: (await sha256(bytes)).slice(0, 16),
    urls,
    names: urls.map(plain),
  };
}

/** @param {any} envelope @param {{key: string, cid: string, seen: number, home: string}} expected key: pinned, Ed25519 in base64url; seen: the
 *   highest version ever accepted; home: the page's own origin @returns {Promise<Manifest>} @throws when anything is wrong */
export async function readManifest({ key, signed, sig }, expected) {
  must(key === expected.key, 'manifest: key');
  const imported = await crypto.subtle.importKey(
    'raw',
    /** @type {any} */ (fromBase64(key)),
    'Ed25519',
    false,
    ['verify'],
  );
  must(
    await crypto.subtle.verify(
      'Ed25519',
      imported,
      /** @type {any} */ (fromBase64(sig)),
      utf8('polycircle-manifest-1\n' + signed),
    ),
    'manifest: signature',
  );
  await pause(); // what was looked at, and what is now read of it, are long enough each
  const m = JSON.parse(signed);
  must(m.v === 1 && m.cid === expected.cid, 'manifest: circle');
  must(m.version >= expected.seen, `manifest: older than ${expected.seen}`);
  const bases = m.origins.map(
    (/** @type {string} */ o) => new URL('./', new URL(o, expected.home)).href,
  );
  must(bases.length, 'manifest: origin');
  return {
    version: m.version,
    media: await Promise.all(
      await slowly(m.media, (/** @type {any} */ x, i) => media(x, i, bases)),
    ),
  };
}
