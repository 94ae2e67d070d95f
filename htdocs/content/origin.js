/** HTTP places that hold the bytes: hides ranges, and notices that a file is no longer the one of the manifest.
 * Every request is cache: 'no-store', by which our worker knows to stay out of it. */
import { must, now } from '../util/bytes.js';
/** @typedef {import('./manifest.js').Media} Media
 * @typedef {{status: number, total: number, modified: number}} Head total: bytes of the file, modified: seconds since 1970; NaN where it is not said */

/** The origin has another file now, or none. */
export class Changed extends Error {}

const DEAD = [404, 410, 416],
  REFUSED = [401, 403],
  REFUSED_MS = 60000;

/** @param {number} status @param {Headers} headers @returns {Head} */
export function readHead(status, headers) {
  const whole = headers.has('content-encoding') ? null : headers.get('content-length'),
    range = /\/(\d+)$/.exec(headers.get('content-range') ?? '');
  return {
    status,
    total: status == 206 ? Number(range?.[1] ?? NaN) : parseInt(whole ?? ''),
    modified: Date.parse(headers.get('last-modified') ?? '') / 1000,
  };
}

/** Whether it is still the file of the manifest. Of other places only the size is compared: copies differ in their date, and hashes tell the rest.
 * Who may not read it any longer is told twice: one refusal may be a firewall's, or a session's that has ended.
 * @param {Head} head of a GET @param {Media} media @param {string} url @throws {Changed} */
export function judge({ status, total, modified }, media, url) {
  const ok = status >= 200 && status < 300,
    first = media.urls[0] == url.split('#')[0];
  const again = REFUSED.includes(status) && now() - (media.refused ?? -Infinity) < REFUSED_MS;
  if (REFUSED.includes(status)) media.refused = now();
  if (DEAD.includes(status) || again) throw new Changed(media.path);
  if (ok && ((total >= 0 && total != media.size) || (first && modified && modified != media.mtime)))
    throw new Changed(media.path);
  if (ok) media.checked = now();
}

/** Asks the origin whether the file is still the same. Resolves also when the origin cannot tell (down, 5xx, no HEAD).
 * @param {Media} media @param {string} url @throws {Changed} */
export async function recheck(media, url) {
  const r = await fetch(url, {
    method: 'HEAD',
    cache: 'no-store',
    signal: AbortSignal.timeout(2500),
  }).catch(() => null);
  if (r && !REFUSED.includes(r.status)) judge(readHead(r.status, r.headers), media, url);
  media.checked = now();
}

/** Bytes start to end (exclusive), in as many requests as the origin makes of it: what is short or breaks off goes on where it ended. An
 * origin that has no ranges sends all of it, and that, too, arrives.
 * @param {Media} media @param {string} url @param {number} start @param {number} end @param {AbortSignal} signal
 * @param {(at: number, bytes: Uint8Array) => void} arrived @throws {Changed} or whatever fetch throws when nothing more comes */
export async function fetchRange(media, url, start, end, signal, arrived) {
  for (let at = start; at < end;) {
    const headers = { range: `bytes=${at}-${end - 1}` },
      r = await fetch(url, { headers, cache: 'no-store', signal });
    judge(readHead(r.status, r.headers), media, url);
    const [, from] = /^bytes (\d+)-/.exec(r.headers.get('content-range') ?? '') ?? [];
    let come = r.status == 206 ? Number(from ?? at) : 0;
    must(r.ok && r.body && (!come || come == at), `origin: ${r.status}`);
    const reader = r.body.getReader();
    try {
      for (let part; come < end && !(part = await reader.read()).done; come += part.value.length)
        arrived(come, part.value);
    } catch (error) {
      if (signal.aborted || come <= at) throw error;
    }
    reader.cancel().catch(() => {});
    must(come > at, 'origin: short');
    at = come;
  }
}
