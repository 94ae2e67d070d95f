// Every route and every error of doc/PROTOCOL.md, by CGI run directly.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync, utimesSync, chmodSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { World, done, form, hex, matches, ok, program, same } from './world.mjs';

const w = new World();
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const site = join(w.dir, 'site');
const film = Buffer.alloc(2_500_000, 'film!');
mkdirSync(join(site, 'sub'), { recursive: true });
writeFileSync(join(site, 'film.mp4'), film);
writeFileSync(join(site, 'sub', 'a b\u00fc.txt'), 'text');
writeFileSync(join(site, 'page.html'), '<script>alert(1)</script>');
writeFileSync(join(site, 'small.bin'), 'x');
writeFileSync(join(site, 'config.php'), 'secret');
writeFileSync(join(w.dir, 'outside.txt'), 'outside');

// before anything is set up
let r = w.request('/health');
same([r.status, r.json?.error], [503, 'not_set_up'], 'nothing is set up: not_set_up');
matches(r.json?.text ?? '', /polycircle init --url/, 'and the words say how');
same(r.json?.polycircle, 1, 'an error carries polycircle: 1');

w.must('init', '--url', 'http://site.example/cgi-bin/polycircle.fcgi', '--url', 'http://[2001:db8::1]:8080/', '--json');
const open = w.must('circle', 'add', 'open', '--origin', 'https://friend.example', '--ice', 'stun:stun.example:3478', '--json');
const members = w.must('circle', 'add', 'members', '--roster', 'members', '--unlisted', '--json');
const hidden = w.must('circle', 'add', 'hidden', '--roster', 'hidden', '--json');
const gone = w.must('circle', 'add', 'gone', '--json');
const vault = w.must('circle', 'add', 'vault', '--json');
w.must('circle', 'remove', 'gone', '--json');
w.must('publish', 'open', site, '--at', '/media', '--json');
w.must('publish', 'vault', site, '--json');

function error(name, answer, status, code, text) {
  same([answer.status, answer.json?.polycircle, answer.json?.error, answer.exit], [status, 1, code, 0], name);
  ok(typeof answer.json?.text === 'string' && answer.json.text.length > 10, `${name}: says what to do`, answer.json?.text);
  if (text) matches(answer.json?.text ?? '', text, `${name}: in words`);
  return answer;
}

// the form of every answer
r = w.request('/health');
same([r.status, r.json.polycircle, r.json.ok, r.json.gen], [200, 1, true, 1], 'health');
matches(r.json.journal, /^(wal|truncate)$/, 'health: journal');
matches(r.json.version, /^\d+\.\d+\.\d+$/, 'health: version');
same(r.headers['access-control-allow-origin'], '*', 'any page may read answers');
same(r.headers['cache-control'], 'no-store', 'dynamic answers are not kept');
same(r.headers['x-content-type-options'], 'nosniff', 'nosniff');
same(r.headers['content-type'], 'application/json', 'a type');
r = w.request('/health', { method: 'HEAD' });
same([r.status, r.bytes.length], [200, 0], 'HEAD: the head alone');
same(w.request('', { send: { PATH_INFO: undefined, REQUEST_URI: '/health', SCRIPT_NAME: '/polycircle.fcgi' } }).status, 200, 'behind a FallbackResource');
same(w.request('/health', { host: '[2001:DB8::1]:8080' }).status, 200, 'an IPv6 host');

// errors of the form
const table = [
  ['no path', () => w.request('/'), 404, 'not_found'],
  ['no such path', () => w.request('/nosuch'), 404, 'not_found'],
  ['a path that starts like one', () => w.request('/synchronous'), 404, 'not_found'],
  ['another host', () => w.request('/health', { host: 'evil.example' }), 421, 'host_unknown', /url add/],
  ['a host that starts like ours', () => w.request('/health', { host: 'site.example.evil.example' }), 421, 'host_unknown'],
  ['no host', () => w.request('/health', { host: '' }), 421, 'host_unknown'],
  ['X-Forwarded-Host is not believed', () => w.request('/health', { host: 'evil.example', send: { HTTP_X_FORWARDED_HOST: 'site.example' } }), 421, 'host_unknown'],
  ['GET sync', () => w.request('/sync'), 405, 'method'],
  ['POST health', () => w.request('/health', { post: {} }), 405, 'method'],
  ['PUT', () => w.request('/sync', { method: 'PUT', post: {} }), 405, 'method'],
  ['OPTIONS', () => w.request('/sync', { method: 'OPTIONS' }), 405, 'method'],
  ['an empty body', () => w.request('/sync', { method: 'POST' }), 400, 'bad_request'],
  ['no d=', () => w.sync('x=1'), 400, 'bad_request'],
  ['two fields', () => w.sync('d=e30&d=e30'), 400, 'bad_request'],
  ['another content type', () => w.sync('d=e30', { send: { CONTENT_TYPE: 'application/json' } }), 400, 'bad_request', /Content-Type/],
  ['broken base64', () => w.sync('d=!!!!'), 400, 'bad_encoding'],
  ['h=, read: what is missing is a field', () => w.sync('h=PMRHMir2gf6q'), 400, 'bad_field'],
  ['broken base32', () => w.sync('h=pmrhmir2gf6q1'), 400, 'bad_encoding', /base32/],
  ['two fields, both forms', () => w.sync('h=pm5q&d=e30'), 400, 'bad_request'],
  ['a body over the cap in h=', () => w.sync(`h=${'a'.repeat(122_879)}`), 413, 'too_large'],
  ['not JSON', () => w.sync(form('nope')), 400, 'bad_json'],
  ['an array', () => w.sync(form('[1]')), 400, 'bad_json'],
  ['duplicate keys', () => w.sync(form('{"v":1,"v":1}')), 400, 'bad_json'],
  ['trailing bytes', () => w.sync(form('{"v":1}}')), 400, 'bad_json'],
  ['invalid UTF-8', () => w.sync(`d=${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}`), 400, 'bad_json'],
  ['JSON nested deep', () => w.sync(form(`{"v":${'['.repeat(40000)}`)), 400, 'bad_json'],
  ['a body over the cap', () => w.sync(`d=${'A'.repeat(122_879)}`), 413, 'too_large', /122880/],
  ['a body of 1 MB', () => w.sync(`d=${'A'.repeat(1_000_000)}`), 413, 'too_large'],
  ['a chunked body over the cap', () => w.sync(`d=${'A'.repeat(1_000_000)}`, { send: { CONTENT_LENGTH: undefined, HTTP_TRANSFER_ENCODING: 'chunked' } }), 413, 'too_large'],
  ['no length and not chunked: no body', () => w.sync('d=e30', { send: { CONTENT_LENGTH: undefined } }), 400, 'bad_request'],
  ['nothing behind CONTENT_LENGTH is read', () => w.sync('d=e30AAAA', { send: { CONTENT_LENGTH: '5' } }), 400, 'bad_field'],
  ['no key', () => w.request('/signal'), 403, 'unknown_key'],
  ['an unknown key', () => w.request('/signal', { query: 'nosuchkey' }), 403, 'unknown_key', /circle show/],
  ['a key that is too long', () => w.request('/signal', { query: 'k'.repeat(5000) }), 403, 'unknown_key'],
  ['the roster of a removed circle', () => w.request(`/roster/${gone.cid}.json`), 410, 'removed'],
  ['the manifest of a removed circle', () => w.request(`/manifest/${gone.cid}.json`), 410, 'removed'],
  ['the manifest of a circle that published nothing', () => w.request(`/manifest/${hidden.cid}.json`), 404, 'not_found', /polycircle publish hidden/],
  ['the manifest of no circle', () => w.request('/manifest/0123456789abcdef.json'), 404, 'not_found'],
  ['a CID that is none', () => w.request('/manifest/0123456789ABCDEF.json'), 404, 'not_found'],
  ['a packed one of no circle', () => w.request('/manifest/0123456789abcdef.json.gz'), 404, 'not_found'],
  ['the packed one of a removed circle', () => w.request(`/manifest/${gone.cid}.json.gz`), 410, 'removed'],
  ['a manifest without .json', () => w.request(`/manifest/${open.cid}`), 404, 'not_found'],
  ['a package that is not there', () => w.request(`/package/${'0'.repeat(64)}.tar.gz`), 404, 'not_found'],
  ['a package by half a hash', () => w.request('/package/0000.tar.gz'), 404, 'not_found'],
  ['package/ alone', () => w.request('/package/'), 404, 'not_found'],
  ['a roster for members', () => w.request(`/roster/${members.cid}.json`), 403, 'not_member'],
  ['a hidden roster', () => w.request(`/roster/${hidden.cid}.json`), 403, 'not_member'],
  ['mirror: no such circle', () => w.request('/mirror/nosuch/film.mp4'), 404, 'not_found'],
  ['mirror: a circle that was removed', () => w.request('/mirror/gone/film.mp4'), 410, 'removed'],
  ['mirror: a path with ..', () => w.request('/mirror/vault/../outside.txt'), 404, 'not_found'],
  ['mirror: an absolute path', () => w.request('/mirror/vault//etc/passwd'), 404, 'not_found'],
  ['mirror: what was left out', () => w.request('/mirror/vault/config.php'), 404, 'not_found'],
  ['mirror: a very long path', () => w.request(`/mirror/vault/${'x'.repeat(9000)}`), 404, 'not_found'],
  ['mirror: more than 1 MiB without a Range', () => w.request('/mirror/vault/film.mp4'), 416, 'range', /1048576/],
  ['mirror: a Range past the end', () => w.request('/mirror/vault/film.mp4', { send: { HTTP_RANGE: 'bytes=2500000-' } }), 416, 'range'],
  ['mirror: past the end of a small file', () => w.request('/mirror/vault/small.bin', { send: { HTTP_RANGE: 'bytes=1-' } }), 416, 'range'],
];
for (const [name, run, status, code, text] of table) error(name, run(), status, code, text);
same(w.request('/mirror/vault/small.bin', { send: { HTTP_RANGE: 'bytes=99-' } }).headers['content-range'], 'bytes */1', '416 says how large it is');
same(w.sync({}, { method: 'PUT' }).headers.allow, 'GET, HEAD, POST', '405 says what is allowed');

// fields of sync
const base = () => ({ v: 1, token: hex(32), run: hex(4) });
const fields = {
  v: [undefined, 0, 2, '1', 1.0e300, null, true], token: [undefined, '', 'ab', 7, 'Z'.repeat(64), 'A'.repeat(64), 'a'.repeat(65), null],
  run: [undefined, '0', 7, '0000000g', '000000000'], key: [7, '', 'k'.repeat(65), {}], version: ['1', -1, 1.5, null],
  have: [{}, [1], [[1]], [[1, 2, 3]], [[-1, 5]], [[65536, 5]], [[0, 0]], [[0, 101]], [['0', 5]], Array(257).fill([0, 100])],
  want: [1, ['0'], [-1], [65536], [1.5], Array(257).fill(0)], greet: [1, 'true', null], leave: [1, 'true'],
  cursor: [7, '', 'x', '1.', '.1', '1.2.3', '1.2.3.4.5', '1.2.3.', '-1.2', '+1.2', ' 1.2', '1. 2', '1,2', `${'9'.repeat(19)}.1`, `1.${'9'.repeat(30)}`],
  offers: [{}, [7], [{}], [{ id: 'a' }], [{ id: '', sdp: 'x' }], [{ id: 'a b', sdp: 'x' }], [{ id: 'a'.repeat(17), sdp: 'x' }], [{ id: 'a', sdp: '' }],
    [{ id: 'a', sdp: 'x'.repeat(1025) }], [{ id: 'a', sdp: 7 }], Array(4).fill({ id: 'a', sdp: 'x' }), Array(3000).fill({ id: 'a' })],
  mail: [{}, [{}], [{ id: 'a', to: 'x', re: 'b', body: 'c' }], [{ id: 'a', to: hex(32), body: 'c' }], [{ id: 'a', to: hex(32), re: 'b', body: '' }],
    [{ id: 'a', to: hex(32), re: 'b', body: 'x'.repeat(8193) }], Array(9).fill({ id: 'a', to: hex(32), re: 'b', body: 'c' })],
  gone: [7, [7], ['x'], [hex(31)], Array(17).fill(hex(32))],
};
for (const [field, values] of Object.entries(fields)) {
  for (const value of values) {
    const answer = w.sync({ ...base(), key: open.api_key, [field]: value });
    // the field itself, or the one inside that is wrong
    same([answer.status, answer.json?.error], [400, 'bad_field'], `${field} = ${JSON.stringify(value)?.slice(0, 60)}`);
    matches(answer.json?.text ?? '', new RegExp(`"(${field}|id|sdp|to|re|body)"`), `${field}: named`);
  }
}

// the life of two signals
const one = base(), two = base();
r = w.sync({ ...one, key: open.api_key });
same([r.status, r.json.cid, r.json.role, r.json.n, r.json.version, r.json.cursor], [200, open.cid, 'greeter', 1, 1, '1.0.0.0'], 'join');
same(r.json.ice, [{ urls: 'stun:stun.example:3478' }], 'join: ice');
matches(r.json.sig, /^[0-9a-f]{64}$/, 'join: sig');
ok(Number.isInteger(r.json.due_ms) && r.json.due_ms > 0, 'join: due_ms');
same([r.json.standing, 'peers' in r.json, 'mail' in r.json, 'sent' in r.json, 'mids' in r.json], [0, false, false, false, false], 'join: what does not apply is absent');
same(r.headers['server-timing'], 'write', 'join: a write');
const sig1 = r.json.sig;
same(w.sync({ ...one, key: open.api_key }).json.sig, sig1, 'join again: the same signal');
r = w.sync({ ...one, offers: [{ id: 'o1', sdp: 'packed-1' }, { id: 'o2', sdp: 'packed-2' }] });
same([r.json.standing, r.headers['server-timing']], [2, 'write'], 'offers stand');
r = w.sync({ ...one, cursor: '1.0' });
same([r.status, r.headers['server-timing']], [200, 'read'], 'nothing new: a read');
r = w.sync({ ...two, key: open.api_key, have: [[0, 100]], want: [1, 2], version: 1 });
same([r.json.n, r.json.peers?.length, r.json.peers?.[0].sig, r.json.peers?.[0].near, r.json.peers?.[0].offer], [2, 1, sig1, true, { id: 'o1', sdp: 'packed-1' }], 'a newcomer claims an offer');
same(Object.keys(r.json.mids ?? {}).sort(), ['0', '1', '2'], 'mids of what it has and wants');
ok(Object.values(r.json.mids ?? {}).every((mid) => /^[0-9a-f]{4}$/.test(mid)), 'mids are 4 hex digits');
const sig2 = r.json.sig;
r = w.sync({ ...two, mail: [{ id: 'm1', to: sig1, re: 'o1', body: 'an answer' }, { id: 'm2', to: hex(32), re: 'o1', body: 'x' }] });
same(r.json.sent?.map((s) => [s.id, s.error ?? typeof s.due_ms]), [['m1', 'number'], ['m2', 'not_found']], 'mail: taken, and to nobody');
r = w.sync({ ...one, cursor: '1.0' });
same(r.json.mail?.map(({ from, re, body }) => ({ from, re, body })), [{ from: sig2, re: 'o1', body: 'an answer' }], 'the greeter reads it');
same([r.json.mail?.[0].n, r.headers['server-timing']], [r.json.cursor, 'read'], 'by number, without a write');
same(w.sync({ ...one, cursor: r.json.cursor }).json.mail, undefined, 'acknowledged: not again');
same(readdirSync(w.data).filter((name) => /^live.*-wal$/.test(name)).map((name) => statSync(join(w.data, name)).size),
  w.request('/health').json.journal === 'wal' ? [0] : [], 'no log grows from program to program');
error('an unknown token', w.sync(base()), 409, 'rejoin');
ok(Number.isInteger(w.sync(base()).json.after_ms), 'rejoin: after_ms');
error('another run', w.sync({ ...one, run: hex(4) }), 409, 'rejoin');
error('an unknown key', w.sync({ ...base(), key: 'nosuchkey' }), 403, 'unknown_key');
error('a token of another circle', w.sync({ ...one, key: members.api_key }), 400, 'bad_field', /token/);
error('a removed circle', w.sync({ ...base(), key: gone.api_key }), 410, 'removed');
error('a refused Origin', w.sync({ ...base(), key: open.api_key }, { send: { HTTP_ORIGIN: 'https://evil.example' } }), 403, 'origin_refused', /polycircle circle allow open --origin https:\/\/evil\.example/);
error('an Origin that is not text', w.sync({ ...base(), key: open.api_key }, { send: { HTTP_ORIGIN: 'https://\x80\xff\n"evil' } }), 403, 'origin_refused');
error('Origin: null', w.sync({ ...base(), key: open.api_key }, { send: { HTTP_ORIGIN: 'null' } }), 403, 'origin_refused');
for (const origin of ['https://friend.example', 'http://site.example']) same(w.sync({ ...two, key: open.api_key }, { send: { HTTP_ORIGIN: origin } }).status, 200, `Origin ${origin}`);
r = w.sync({ ...two, leave: true });
same([r.status, r.json], [200, { polycircle: 1 }], 'leave');
error('having left', w.sync(two), 409, 'rejoin');

// rosters
r = w.request(`/roster/${open.cid}.json`);
same([r.status, r.json.cid, r.json.n, r.json.signals], [200, open.cid, 1, [{ sig: sig1, role: 'greeter', have: [] }]], 'a public roster');
same(w.request(`/roster/${open.cid}.json`, { send: { HTTP_IF_NONE_MATCH: r.headers.etag } }).status, 304, 'a public roster: 304');
const member = base();
w.sync({ ...member, key: members.api_key, have: [[0, 50], [7, 1]] });
r = w.request(`/roster/${members.cid}.json`, { post: { v: 1, token: member.token } });
same([r.status, r.json.n, r.json.signals[0].have], [200, 1, [0, 7]], 'a roster for its members');
error('for a signal of another circle', w.request(`/roster/${members.cid}.json`, { post: { v: 1, token: one.token } }), 403, 'not_member');
error('for a signal nobody knows', w.request(`/roster/${members.cid}.json`, { post: { v: 1, token: hex(32) } }), 409, 'rejoin');
error('without a token', w.request(`/roster/${members.cid}.json`, { post: { v: 1 } }), 400, 'bad_field', /token/);
const spy = base();
w.sync({ ...spy, key: hidden.api_key });
error('a hidden roster, for its own signal', w.request(`/roster/${hidden.cid}.json`, { post: { v: 1, token: spy.token } }), 403, 'not_member');

// what is cached: loader, package, client, worker, circles
r = w.request('/signal', { query: open.api_key });
same([r.status, r.headers['content-type'], r.headers['cache-control']], [200, 'text/javascript', 'max-age=240'], 'the loader');
const config = JSON.parse(/^\{const POLYCIRCLE_CONFIG=(.*);\n/.exec(r.bytes.toString())[1]);
same([config.can, config.cid, config.key, config.version, config.ice[0].urls, config.up_kbps], ['open', open.cid, open.api_key, 1, 'stun:stun.example:3478', 0], 'its configuration');
same(w.request('/signal', { query: open.api_key, send: { HTTP_IF_NONE_MATCH: r.headers.etag } }).status, 304, 'the loader: 304');
const stands = k => [`x=1&api_key=${k}&y`, `${k}?ver=6.4.2`, `${k}&ver=6.4.2`, `${k}=&ver=6.4.2`, `${k}%3Fver=6.4.2`, `api_key=${k}?ver=6.4.2`, `ver=6.4.2&${k}`, `ver=6.4.2?${k}`, `ver=6.4.2&amp;${k}`, `?${k}`,
  `${'a&'.repeat(15)}${k}`];
const standsNot = k => [`ver=${k}`, `${k}x`, `x${k}`, `xapi_key=${k}`, `${k.slice(0, -1)}`, `-${k}`, `${'a&'.repeat(16)}${k}`, `${'&'.repeat(9000)}`];
for (const query of stands(open.api_key)) same(w.request('/signal', { query }).headers.etag, r.headers.etag, `signal?${query}`);
for (const query of standsNot(open.api_key)) same(w.request('/signal', { query }).status, 403, `signal?${query.slice(0, 60)} has no key`);
const wire = () => /"wire": ?"(\w)"/.exec(w.request('/signal', { query: open.api_key }).bytes.toString())?.[1];
same(wire(), undefined, 'the loader says nothing of a firewall');
w.must('set', 'wire', 'h');
same(wire(), 'h', 'until that is set: a client begins with h=');
w.must('set', 'wire', '');
same(wire(), undefined, 'and can be taken away');
same(w.request('/signal.js', { query: open.api_key }).headers.etag, r.headers.etag, 'signal.js?KEY is the same');
same(w.request('/signal', { query: open.api_key, args: [open.api_key] }).headers.etag, r.headers.etag, 'a query without = comes as an argument, too');
same(w.request('/signal', { query: 'check', args: ['check'] }).status, 403, 'and is never a command');
r = w.request('/signal', { query: gone.api_key });
ok(r.status === 200 && r.headers['content-type'] === 'text/javascript' && /unregister/.test(r.bytes), 'the loader of a removed circle unregisters its worker', r.bytes);
r = w.request(`/package/${config.package}.tar.gz`);
same([r.status, sha256(r.bytes), r.headers['content-encoding'], r.headers['content-type']], [200, config.package, undefined, 'application/gzip'], 'the package has its SHA-256');
matches(r.headers['cache-control'], /immutable/, 'the package is immutable');
const tar = gunzipSync(r.bytes), names = [];
for (let at = 0; tar[at]; at += 512 + Math.ceil(parseInt(tar.toString('latin1', at + 124, at + 135), 8) / 512) * 512) {
  const name = tar.toString('latin1', at, at + 100).replace(/\0.*/, ''), size = parseInt(tar.toString('latin1', at + 124, at + 135), 8);
  names.push(name);
  const file = w.request(`/package/${config.package}/${name}`);
  ok(file.bytes.equals(tar.subarray(at + 512, at + 512 + size)), `package/SHA256/${name} is the file in the package`);
}
same(names, ['circles.js', 'signal.js'], 'files of the package');
r = w.request(`/package/${config.package}/ask-de.json`);
same([r.status, r.headers['content-type'], r.headers['cache-control'], Object.keys(JSON.parse(r.bytes))[0]], [200, 'application/json', 'max-age=86400', 'title'], 'the words beside it');
same(w.request(`/package/${config.package}/ask-de.json`, { send: { HTTP_IF_NONE_MATCH: r.headers.etag } }).status, 304, 'the words: 304');
for (const name of ['ask-xx.json', 'ask-', 'setup.html', 'ask-../ask-de.json']) error(`no ${name}`, w.request(`/package/${config.package}/${name}`), 404, 'not_found');
error('no words of another package', w.request(`/package/${'0'.repeat(64)}/ask-de.json`), 404, 'not_found');
error('no other file of it', w.request(`/package/${config.package}/etc/passwd`), 404, 'not_found');
const script = w.request('/client.js');
same([script.status, script.headers['content-type']], [200, 'text/javascript'], 'client.js');
same(w.request('/client.js', { send: { HTTP_IF_NONE_MATCH: `W/${script.headers.etag}` } }).status, 304, 'client.js: 304');
r = w.request('/circle-sw.js');
same([r.status, r.headers['service-worker-allowed']], [200, '/'], 'circle-sw.js');
// what the minifier must not do: join what is served as one, or give a page names of ours
writeFileSync(join(w.dir, 'client.mjs'), script.bytes);
same(spawnSync(process.execPath, ['--check', join(w.dir, 'client.mjs')]).status, 0, 'client.js is a module');
for (const [path, query] of [['/signal', open.api_key], ['/signal', gone.api_key], ['/circle-sw.js', '']]) {
  const page = createContext({}), text = w.request(path, { query }).bytes.toString();
  const run = () => { try { runInContext(text, page); } catch (error) { return error.name; } };
  same([run() === 'SyntaxError' || run() === 'SyntaxError', Object.keys(page)], [false, []], `${path}?${query} leaves no name in a page, also when it runs twice`);
}
r = w.request('/circles.json');
same(r.json.circles.map((c) => c.can), ['hidden', 'open', 'vault'], 'circles.json: those that are listed');
same(Object.keys(r.json.circles[0]).slice(0, 3), ['can', 'cid', 'sign'], 'circles.json: its fields');
ok(w.request('/circles.js').bytes.toString().startsWith('export default {"polycircle":1'), 'circles.js');

// the manifest, checked by another program's Ed25519
r = w.request(`/manifest/${open.cid}.json.gz`);
same([r.status, r.headers['content-type'], r.headers['content-encoding'], r.headers['cache-control']], [200, 'application/gzip', undefined, 'no-cache'], 'the manifest, packed');
const packed = r;
r = w.request(`/manifest/${open.cid}.json`);
same([r.status, r.headers['content-type'], r.headers['content-encoding']], [200, 'application/json', undefined], 'and unpacked, as clients of before ask for it');
ok(gunzipSync(packed.bytes).equals(r.bytes), 'which is the same');
same(w.request(`/manifest/${open.cid}.json.gz`, { send: { HTTP_IF_NONE_MATCH: packed.headers.etag } }).status, 304, 'packed: 304');
const raw = Buffer.from(r.json.key, 'base64url');
const key = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' });
const signed = Buffer.from(`polycircle-manifest-1\n${r.json.signed}`);
ok(verify(null, signed, key, Buffer.from(r.json.sig, 'base64url')), 'the manifest is signed');
ok(!verify(null, Buffer.concat([signed, Buffer.from(' ')]), key, Buffer.from(r.json.sig, 'base64url')), 'and no other bytes are');
same(r.json.key, config.sign, 'by the key of the loader');
let payload = JSON.parse(r.json.signed);
same([payload.v, payload.cid, payload.can, payload.version, payload.origins], [1, open.cid, 'open', 1, ['/media/']], 'the payload');
same(payload.media.map((m) => [m.path, m.type, m.size]), [['film.mp4', 'video/mp4', 2_500_000], ['page.html', 'text/html', 25], ['small.bin', 'application/octet-stream', 1],
  ['sub/a b\u00fc.txt', 'text/plain', 4]], 'its media');
const pieces = [];
for (let at = 0; at < film.length; at += payload.media[0].piece) pieces.push(createHash('sha256').update(film.subarray(at, at + payload.media[0].piece)).digest());
same(payload.media[0].sha256, Buffer.concat(pieces).toString('base64url'), 'SHA-256 of every piece');
same(w.request(`/manifest/${open.cid}.json`, { send: { HTTP_IF_NONE_MATCH: r.headers.etag } }).status, 304, 'the manifest: 304');
payload = JSON.parse(w.request(`/manifest/${vault.cid}.json`).json.signed);
same(payload.origins, ['http://site.example/cgi-bin/polycircle.fcgi/mirror/vault/', 'http://[2001:db8::1]:8080/mirror/vault/'], 'no URL: the origin is the mirror');

// the mirror
r = w.request('/mirror/open/sub/a b\u00fc.txt');
same([r.status, r.headers.location], [302, '/media/sub/a%20b%C3%BC.txt'], 'mirror: where there is a URL, there');
const range = (value, path = 'film.mp4') => w.request(`/mirror/vault/${path}`, { send: { HTTP_RANGE: value } });
r = range('bytes=1000-1999');
ok(r.status === 206 && r.bytes.equals(film.subarray(1000, 2000)), 'mirror: a range');
same([r.headers['content-range'], r.headers['content-type'], r.headers['content-security-policy'], r.headers['x-content-type-options']],
  ['bytes 1000-1999/2500000', 'video/mp4', 'sandbox', 'nosniff'], 'mirror: its head');
r = range('bytes=0-');
same([r.status, r.bytes.length, r.headers['content-range']], [206, 1 << 20, 'bytes 0-1048575/2500000'], 'mirror: at most 1 MiB');
r = range('bytes=-7');
ok(r.status === 206 && r.bytes.equals(film.subarray(-7)), 'mirror: the last bytes');
same(range('bytes=0-', 'page.html').headers['content-type'], 'application/octet-stream', 'mirror: never a type that a browser runs');
r = w.request('/mirror/vault/small.bin');
same([r.status, r.bytes.toString()], [200, 'x'], 'mirror: a small file, whole');
same(range('bytes=0-0,5-6', 'small.bin').status, 200, 'mirror: several ranges mean the whole');
writeFileSync(join(site, 'small.bin'), 'changed');
error('mirror: a file that has changed', w.request('/mirror/vault/small.bin'), 404, 'not_found');
utimesSync(join(site, 'film.mp4'), 1, 1);
r = w.request(`/manifest/${open.cid}.json`);
same(JSON.parse(r.json.signed).media.map((m) => m.path), ['page.html', 'sub/a b\u00fc.txt'], 'changed files are withdrawn from the manifest');
same(JSON.parse(r.json.signed).version, 2, 'in a new version');
r = w.request(`/manifest/${open.cid}.json.gz`, { send: { HTTP_IF_NONE_MATCH: packed.headers.etag } });
same(JSON.parse(JSON.parse(gunzipSync(r.bytes)).signed).version, 2, 'also of what is packed');

// nothing of the visitor is kept; nobody else can read the data
const files = readdirSync(w.data).map((name) => join(w.data, name)).filter((name) => statSync(name).isFile());
ok(files.some((name) => name.endsWith('polycircle.db')) && files.some((name) => /live-\d+\.db$/.test(name)), 'both databases are there');
for (const name of files) {
  const bytes = readFileSync(name);
  ok(!bytes.includes('198.51.100.77') && !bytes.includes(Buffer.from([198, 51, 100, 77])), `no address in ${name.split('/').pop()}`);
  ok(!bytes.includes(one.token) && !bytes.includes(Buffer.from(one.token, 'hex')), `no token in ${name.split('/').pop()}`);
  same(statSync(name).mode & 0o777, 0o600, `mode of ${name.split('/').pop()}`);
}
same(statSync(w.data).mode & 0o777, 0o700, 'mode of the data directory');

// the database goes away, is damaged, or is not ours
renameSync(join(w.data, 'polycircle.db'), join(w.data, 'kept'));
error('polycircle.db is gone', w.request('/health'), 503, 'not_set_up');
writeFileSync(join(w.data, 'polycircle.db'), 'not a database at all, not a database at all, not a database');
error('polycircle.db is damaged', w.request('/health'), 503, 'damaged', /backup/);
renameSync(join(w.data, 'kept'), join(w.data, 'polycircle.db'));
same(w.request('/health').status, 200, 'and is back');
if (process.getuid() === 0) { // root may read everything: somebody else asks
  copyFileSync(program, join(w.dir, 'program'));
  chmodSync(w.dir, 0o755);
  error('a data directory that is somebody else\'s', w.request('/health', { run: join(w.dir, 'program'), uid: 65534 }), 503, 'read_only', /owner/);
} else {
  chmodSync(w.data, 0);
  error('a data directory without rights', w.request('/health'), 503, 'read_only', /owner/);
  chmodSync(w.data, 0o700);
}
w.remove();
done();
