/** What answers of an origin say of a file, above all that it is no longer the one of the manifest. (What pages ask for is fetched by worker.js.)
 * What is asked here is cache: 'no-store', by which our worker knows to stay out of it. */
import { now } from '../util/bytes.js';
/** @typedef {import('./manifest.js').Media} Media
 * @typedef {{status: number, total: number, modified: number}} Head total: bytes of the file, modified: seconds since 1970; NaN where it is not said */

const DEAD = [404, 410, 416],
  REFUSED = [401, 403],
  REFUSED_MS = 60000;

/** @param {number} status @param {Headers} headers @returns {Head} */
export function readHead(status, headers) {
  const whole = headers.has('content-encoding') ? null : headers.get('content-length'),
    [, range] = /\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  return {
    status,
    total: parseInt((status == 206 ? range : whole) ?? ''),
    modified: Date.parse(headers.get('last-modified') ?? '') / 1000,
  };
}

/** Whether the origin has another file now, or none. Of other places only the size is compared: copies differ in their date, and hashes tell the rest.
 * Who may not read it any longer is told twice: one refusal may be a firewall's, or a session's that has ended.
 * @param {Head} head of a GET @param {Media} media @param {string} url */
export function changed({ status, total, modified }, media, url) {
  const first = media.urls[0] == url.split('#')[0],
    { refused = -Infinity } = media;
  if (status < 300) {
    media.checked = now();
    return (total > 0 && total != media.size) || (first && modified && modified != media.mtime);
  }
  if (!REFUSED.includes(status)) return DEAD.includes(status);
  media.refused = now();
  return now() - refused < REFUSED_MS;
}

/** Asks the origin whether it has another file now: false also when it cannot tell (down, 5xx, no HEAD).
 * @param {Media} media @param {string} url */
export async function recheck(media, url) {
  const r = await fetch(url, {
    method: 'HEAD',
    cache: 'no-store',
    signal: AbortSignal.timeout(2500),
  }).catch(() => null);
  media.checked = now();
  return !!r && !REFUSED.includes(r.status) && changed(readHead(r.status, r.headers), media, url);
}

/** To a mirror, past no worker: what no neighbour brings, from the beginning of a piece.
 * @param {import('./mirror.js').Mirror} mirror @param {Media} media @param {string} url @param {number} at @param {number} most bytes, of whole pieces @param {AbortSignal} [signal] */
export async function bring(mirror, media, url, at, most, signal) {
  const headers = { range: `bytes=${at}-${at + most - 1}` },
    r = await fetch(url, { headers, cache: 'no-store', signal });
  if (mirror.seen(media, url, r.status, r.headers) && r.ok)
    await mirror.came(media, r.status == 206 ? at : 0, new Uint8Array(await r.arrayBuffer()));
}
