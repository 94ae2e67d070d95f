// How other people's web servers answer for a file: one table, and the server that follows it. What a row does not say is as it should be.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

/**
 * redirect: the host that has the bytes, 'same' (another path), 'near' or 'far' (other origins); cors: what an answer of another origin allows;
 * most: bytes in a 206; cut: the connection ends after so many bytes; rate: bytes a second for a connection; wait: ms before an answer; ranges, length,
 * modified: false where there are none; gzip: where it is accepted; status: of the nth request for that path (from 1) if it is none of 200,
 * 206; range, head: status of a request with Range, of HEAD; referer: only for pages of the site; damage: one byte is wrong; cache:
 * Cache-Control; type: Content-Type; line, away: bytes a second of the whole host, ms to it (of bench/pages.mjs alone)
 */
export const origins = {
  'as it should be': {},
  'a redirect on the same host': { redirect: 'same' },
  'a redirect near, without CORS': { redirect: 'near' },
  'a redirect far, without CORS': { redirect: 'far' },
  'a redirect far, CORS for all': { redirect: 'far', cors: '*' },
  'a redirect far, CORS with credentials': { redirect: 'far', cors: 'credentials' },
  'parts of 100 kB': { most: 100_000 },
  'cut after 300 kB': { cut: 300_000 },
  'an answer after 2 s': { wait: 2000 },
  '200 to every range': { ranges: false },
  'no ranges, no length': { ranges: false, length: false },
  'gzip': { gzip: true },
  'each third a 503': { status: n => (n % 3 ? 0 : 503) },
  'each third a 429': { status: n => (n % 3 ? 0 : 429) },
  '503 for ever': { status: () => 503 },
  '401 for ever': { status: () => 401 },
  'hotlink protection': { referer: true },
  'no Last-Modified': { modified: false },
  'another Last-Modified each time': { modified: 'other' },
  '404 for a range': { range: 404 },
  '403 for HEAD': { head: 403 },
  'a wrong byte': { damage: true },
  'gone': { status: () => 404 },
  'octet-stream': { type: 'application/octet-stream' },
  'no-store': { cache: 'no-store' },
  '2 MB/s': { rate: 2e6 },
};

const TYPES = { '.mp4': 'video/mp4', '.m4a': 'audio/mp4', '.png': 'image/png', '.bin': 'application/octet-stream', '.m3u8': 'application/vnd.apple.mpegurl',
  '.ts': 'video/mp2t', '.mpd': 'application/dash+xml', '.m4s': 'video/iso.segment', '.js': 'text/javascript', '.css': 'text/css', '.vtt': 'text/vtt' };
const CHUNK = 16384, RATE = 4e6;  // or the kernel would have taken all of it before the browser says that it wants no more
const files = new Map();

/** A host's line: what it gives resolves when so many bytes have gone, all that it sends in one row. @param {number} rate bytes a second */
export function makeLine(rate) {
  let free = 0;
  return bytes => {
    free = Math.max(free, performance.now()) + (bytes / rate) * 1000;
    return sleep(free - performance.now());
  };
}

/** Read once: {bytes, etag, modified, type}. */
async function load(path) {
  if (!files.has(path)) {
    const [bytes, { mtime }] = await Promise.all([readFile(path), stat(path)]);
    files.set(path, { bytes, modified: mtime.toUTCString(), type: TYPES[extname(path)] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}"` });
  }
  return files.get(path);
}

/** RFC 9110 14.1.2: [first, end (exclusive)], null for all of it, [] for none. */
function wanted(header, size) {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (!from && !to) return null;
  const part = from ? [Number(from), to ? Math.min(size, Number(to) + 1) : size] : [Math.max(0, size - Number(to)), size];
  return part[0] < part[1] ? part : [];
}

/** Whether the browser has it already, or has another than it wants a part of. */
function conditions(headers, { etag, modified }) {
  const none = headers['if-none-match'], since = headers['if-modified-since'], range = headers['if-range'];
  return { same: none ? none.split(/, */).includes(etag) : since == modified, part: !range || range == etag || range == modified };
}

/**
 * Answers one request for a file. `run` is {how, host, far, near, counts}; `entry`, its line in the log, gets status and bytes.
 * @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res
 */
export async function answer(req, res, path, run, entry) {
  const { how } = run, url = new URL(req.url, 'http://x'), { headers } = req, there = url.searchParams.has('stored');
  const end = (status, more = {}, body = '') => { entry.status = status; res.writeHead(status, more).end(body); };
  const n = (run.counts[url.pathname] = (run.counts[url.pathname] ?? 0) + 1);
  if (how.wait) await sleep(how.wait);
  const allowed = how.cors == 'credentials' ? { 'access-control-allow-origin': headers.origin ?? '*', 'access-control-allow-credentials': 'true' }
    : how.cors ? { 'access-control-allow-origin': how.cors } : {};
  if (req.method == 'OPTIONS') return end(how.cors ? 204 : 405, { ...allowed, 'access-control-allow-headers': 'range' });
  if (how.redirect && !there) {
    return end(302, { location: `${how.redirect == 'same' ? '' : `http://${run[how.redirect]}`}${url.pathname}?stored`, 'cache-control': 'no-store' });
  }
  const refused = how.status?.(n) || (req.method == 'HEAD' && how.head) || (headers.range && how.range) || (how.referer && !headers.referer?.includes(run.host) && 403);
  if (refused) return end(refused, { ...allowed, 'cache-control': 'no-store' }, 'no');
  const file = await load(path).catch(() => null);
  if (!file) return end(404);
  const out = { 'content-type': how.type ?? file.type, ...allowed, ...(how.cache && { 'cache-control': how.cache }) };
  if (how.modified == 'other') out['last-modified'] = new Date(1.6e12 + n * 1e6).toUTCString();
  else if (how.modified != false) Object.assign(out, { 'last-modified': file.modified, etag: file.etag });
  const { same, part: may } = conditions(headers, file);
  if (same && how.modified === undefined) return end(304, out);
  let { bytes } = file;
  if (how.damage) (bytes = Buffer.from(bytes))[bytes.length >> 1] ^= 1;
  let part = how.ranges == false || !may ? null : wanted(headers.range, bytes.length);
  if (part && !part.length) return end(416, { 'content-range': `bytes */${bytes.length}` });
  if (how.ranges != false) out['accept-ranges'] = 'bytes';
  if (part) {
    if (how.most) part[1] = Math.min(part[1], part[0] + how.most);
    out['content-range'] = `bytes ${part[0]}-${part[1] - 1}/${bytes.length}`;
    bytes = bytes.subarray(...part);
  } else if (how.gzip && /gzip/.test(headers['accept-encoding'] ?? '') && !/gzip;q=0/.test(headers['accept-encoding'])) {
    out['content-encoding'] = 'gzip';
    bytes = gzipSync(bytes, { level: 1 });
  }
  if (how.length != false) out['content-length'] = bytes.length;
  entry.status = part ? 206 : 200;
  res.writeHead(entry.status, out);
  if (req.method == 'HEAD') return res.end();
  const began = Date.now(), closed = new Promise(ok => { res.once('close', ok); });
  for (let at = 0; at < bytes.length && !res.destroyed; at += CHUNK) {
    if (how.cut && at >= how.cut) return res.destroy();
    const chunk = bytes.subarray(at, at + CHUNK);
    entry.bytes += chunk.length;
    if (!res.write(chunk)) await Promise.race([new Promise(ok => { res.once('drain', ok); }), closed]);
    await run.line?.(chunk.length);
    const early = began + ((at + chunk.length) / (how.rate ?? RATE)) * 1000 - Date.now();
    if (early > 0) await sleep(early);
  }
  res.end();
}
