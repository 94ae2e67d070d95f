/** HTTP places that hold the bytes: hides ranges, and notices that a file is no longer the one of the manifest.
 * Every request is cache: 'no-store', by which our worker knows to stay out of it. */
import { must } from '../util/bytes.js';
/** @typedef {import('./manifest.js').Media} Media */

/** The origin has another file now, or none. */
export class Changed extends Error {}

const DEAD = [404, 410, 416];

/** @param {Response} r @param {Media} media @param {number} total size it states, NaN when it states none */
function compare(r, media, total) {
  const modified = Date.parse(r.headers.get('last-modified') ?? '') / 1000;
  const other =
    DEAD.includes(r.status) ||
    (Number.isFinite(total) && total != media.size) ||
    (modified && modified != media.mtime);
  if (other) throw new Changed(media.path);
  if (r.ok) media.checked = performance.now();
}

/** @param {Response} r */
const length = r =>
  r.headers.has('content-encoding') ? NaN : parseInt(r.headers.get('content-length') ?? '');

/** Asks the origin whether the file is still the same. Resolves also when the origin cannot tell (down, 5xx, no HEAD).
 * @param {Media} media @param {string} url @throws {Changed} */
export async function recheck(media, url) {
  const r = await fetch(url, {
    method: 'HEAD',
    cache: 'no-store',
    signal: AbortSignal.timeout(2500),
  }).catch(() => null);
  if (r) compare(r, media, length(r));
  media.checked = performance.now();
}

/** Pieces first to last, in one request, each handed on as soon as it is whole.
 * @param {Media} media @param {string} url @param {number} first @param {number} last @param {AbortSignal} signal
 * @param {(index: number, bytes: Uint8Array) => void} got @param {(n: number) => void} progress
 * @throws {Changed} or whatever fetch throws */
export async function fetchPieces(media, url, first, last, signal, got, progress) {
  const start = first * media.piece,
    end = Math.min(media.size, (last + 1) * media.piece);
  const r = await fetch(url, {
    headers: { range: `bytes=${start}-${end - 1}` },
    cache: 'no-store',
    signal,
  });
  const [, from, total] =
    /^bytes (\d+)-\d+\/(\d+)$/.exec(r.headers.get('content-range') ?? '') ?? [];
  compare(r, media, total ? +total : r.status == 206 ? NaN : length(r));
  must(
    r.ok && r.body && (r.status == 206 ? !from || +from == start : !start),
    `origin: ${r.status}`,
  );
  const reader = r.body.getReader();
  let part = new Uint8Array(0);
  for (let index = first; index <= last; index++) {
    const bytes = new Uint8Array(Math.min(media.piece, end - index * media.piece));
    for (let at = 0, n; at < bytes.length; at += n, part = part.subarray(n)) {
      if (!part.length) {
        const { done, value } = await reader.read();
        must(!done, 'origin: short');
        progress(value.length);
        part = value;
      }
      n = Math.min(part.length, bytes.length - at);
      bytes.set(part.subarray(0, n), at);
    }
    got(index, bytes);
  }
  reader.cancel().catch(() => {});
}
