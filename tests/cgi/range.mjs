// What a Range header may take: of every route, by CGI run directly, never more than the answer without it, nor anything else.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { World, done, form, hex, ok, same } from './world.mjs';

const w = new World();
const site = join(w.dir, 'site');
mkdirSync(site);
writeFileSync(join(site, 'film.mp4'), Buffer.from(Array.from({ length: 3000 }, (_, i) => createHash('sha256').update(`${i}`).digest('hex')).join('')));
writeFileSync(join(site, 'one.txt'), 'x');
w.must('init', '--url', 'http://site.example/cgi-bin/polycircle.fcgi', '--json');
const circle = w.must('circle', 'add', 'vault', '--json');
w.must('publish', 'vault', site, '--json');
const signal = w.request('/signal', { query: circle.api_key });
const config = JSON.parse(/POLYCIRCLE_CONFIG=(.*);\n/.exec(signal.bytes.toString())[1]);

// path, query, and whether the bytes are the same each time (measure names its process, whose number may get a digit more, or begin anew)
const routes = [
  ['/signal', circle.api_key, true], ['/signal.js', circle.api_key, true], [`/package/${config.package}.tar.gz`, '', true],
  [`/package/${config.package}/signal.js`, '', true], ['/client.js', '', true], ['/circle-sw.js', '', true], ['/circles.json', '', true],
  ['/circles.js', '', true], [`/roster/${circle.cid}.json`, '', true], [`/manifest/${circle.cid}.json`, '', true],
  ['/mirror/vault/film.mp4', '', true], ['/mirror/vault/one.txt', '', true], ['/health', '', true], ['/probe', '', true], ['/console', '', true],
  ['/owner.js', '', true], ['/owner.css', '', true], ['/selftest', '', true], ['/setup', '', true], ['/measure', '', false], ['/measure.gz', '', true],
];
// Each as [header, what of n bytes it is: [first, end], null for all of them, 416].
const headers = [
  ['bytes=0-3', (n) => [0, Math.min(4, n)]], ['bytes=0-', (n) => [0, n]], ['bytes=-2', (n) => [Math.max(0, n - 2), n]],
  ['bytes=0-300000', (n) => [0, Math.min(300_001, n)]], ['bytes=-300000', (n) => [Math.max(0, n - 300_000), n]], ['bytes=900000000-', () => 416],
  ['bytes=-0', () => 416], ['bytes=0-300000,1-2', () => null], ['bytes=0-10,20-30', () => null], ['bytes=9-3', () => null], ['bytes=50-10', () => null],
  ['bytes=9-3,', () => null], ['bytes=-', () => null], ['bytes=', () => null], ['bytes=0-0x', () => null], ['bytes=-1-300000', () => null],
  ['bytes=0-9223372036854775807', (n) => [0, n]], ['bytes=18446744073709551615-0', () => null], ['items=0-3', () => null],
];
for (const [path, query, stable] of routes) {
  const ask = (header, more = {}) => w.request(path, { query, send: { HTTP_RANGE: header, ...more.send }, ...more });
  const whole = ask(undefined);
  same([whole.status, whole.signal], [200, null], `${path}: whole`);
  const usual = whole.bytes.length;
  const length = (r) => {
    const own = Number(/\/(\d+)$/.exec(r.headers['content-range'] ?? '')?.[1] ?? r.headers['content-length'] ?? r.bytes.length);
    return !stable && Math.abs(own - usual) < 7 ? own : usual;
  };
  for (const [header, wants] of headers) {
    const r = ask(header), n = length(r), want = wants(n), size = want === null ? n : want === 416 ? 0 : want[1] - want[0];
    const status = want === null ? 200 : want === 416 ? 416 : 206;
    same([r.exit, r.signal, r.status], [0, null, status], `${path} ${header}: ${status}`);
    same(r.headers['content-range'], { 200: undefined, 416: `bytes */${n}`, 206: want && `bytes ${want[0]}-${want[1] - 1}/${n}` }[status], `${path} ${header}: Content-Range`);
    if (status === 416) same(r.json?.error, 'range', `${path} ${header}: in words`);
    else ok(r.bytes.length === size && (!stable || r.bytes.equals(whole.bytes.subarray(want?.[0] ?? 0, want?.[1]))), `${path} ${header}: these bytes and no others`, `${r.bytes.length} bytes, not ${size}`);
  }
  const head = ask('bytes=0-3', { method: 'HEAD' });
  same([head.status, head.bytes.length, head.headers['content-length'], head.headers['content-range']], [200, 0, `${length(head)}`, undefined], `${path}: HEAD has no parts, and the whole's length`);
  const tag = whole.headers.etag;
  if (tag) same([tag, '"other"', `W/${tag}`].map((v) => ask('bytes=1-2', { send: { HTTP_IF_RANGE: v, HTTP_RANGE: 'bytes=1-2' } }).status), [206, 200, 200], `${path}: If-Range`);
  if (tag) same(ask('bytes=1-2', { send: { HTTP_IF_NONE_MATCH: tag, HTTP_RANGE: 'bytes=1-2' } }).status, 304, `${path}: a 304 goes before a part`);
}

// answers to a POST, and errors, are never parts
const join_ = { v: 1, key: circle.api_key, token: hex(32), run: hex(4) };
for (const header of ['bytes=0-3', 'bytes=0-300000,1-2', 'bytes=9-3', 'bytes=900000000-']) {
  const send = { HTTP_RANGE: header };
  for (const [name, r] of [['sync', w.sync(join_, { send })], ['measure', w.request('/measure', { post: { v: 1 }, send })], ['owner', w.request('/owner', { post: { v: 1, do: 'state' }, send })]])
    same([r.status, r.json?.polycircle, r.headers['content-range']], [200, 1, undefined], `POST ${name} ${header}: whole`);
  for (const [name, r] of [['nosuch', w.request('/nosuch', { send })], ['sync', w.request('/sync', { post: form('{'), send })]])
    same([r.json?.polycircle, typeof r.json?.error, r.headers['content-range']], [1, 'string', undefined], `${name} ${header}: an error is whole`);
}

w.remove();
done();
