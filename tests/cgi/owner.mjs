// GET setup, console, owner.js, owner.css, probe and POST owner, by CGI run directly: from nothing to a circle, and every refusal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { World, done, form, matches, ok, same } from './world.mjs';

const w = new World(), site = join(w.dir, 'public_html'), film = Buffer.alloc(900_000, 'film!');
mkdirSync(join(site, 'films'), { recursive: true });
writeFileSync(join(site, 'films/film.mp4'), film);
utimesSync(join(site, 'films/film.mp4'), 1_700_000_000, 1_700_000_000);
const env = { DOCUMENT_ROOT: site, SERVER_SOFTWARE: 'test/1' };
let code = '';
const owner = (action, fields = {}, send = {}) => w.request('/owner', { post: { v: 1, code, do: action, ...fields }, send, env });
/** Reads the folder to its end, or to an error; on a slow machine one request does not. */
function index() {
  for (let n = 0; ; n++) {
    const answer = owner('index', { circle: 'films' });
    if (answer.json?.finished !== false || n == 100) return answer;
  }
}
const kept = (name) => readFileSync(join(w.data, name), 'utf8').trim();

// before anybody looked
let r = w.request('/probe', { env });
same([r.status, r.json.polycircle, r.json.face], [200, 1, 'cgi'], 'probe answers where nothing is set up');
same(owner('state').json.state, 'fresh', 'fresh');
for (const [action, wrong] of [['status', ''], ['begin', 'x'], ['finish', '0'.repeat(26)]]) {
  code = wrong;
  same([owner(action).status, owner(action).json.error], [403, 'wrong_code'], `${action} before the page was opened`);
}
ok(!existsSync(w.data), 'and nothing was made');
same(w.request('/console', { env }).status, 200, 'the console is there');
ok(!existsSync(w.data), 'it makes nothing either');

// the page
r = w.request('/setup', { env });
same([r.status, r.headers['content-type'], r.headers['cache-control']], [200, 'text/html; charset=utf-8', 'no-store'], 'the page');
const policy = r.headers['content-security-policy'];
for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"])
  ok(policy.includes(part), `policy: ${part}`, policy);
ok(!/unsafe|\*|https:(?!\/\/site\.example$)/.test(policy), 'nothing else is allowed, but the same host by https', policy);
same([r.headers['x-frame-options'], r.headers['referrer-policy'], r.headers['x-content-type-options']], ['DENY', 'no-referrer', 'nosniff'], 'its other headers');
ok(!/<script>|<style|\son\w+=|style=/.test(r.bytes.toString()), 'nothing inline');
ok(!r.bytes.includes(kept('setup-code')), 'the code is not in the page');
same([w.request('/owner.js', { env }).headers['content-type'], w.request('/owner.css', { env }).headers['content-type']], ['text/javascript', 'text/css'], 'script and style');
ok(!/innerHTML|outerHTML|insertAdjacentHTML|document\.write/.test(w.request('/owner.js', { env }).bytes.toString()), 'no markup from texts');
same([(statSync(w.data).mode & 0o777).toString(8), (statSync(join(w.data, 'setup-code')).mode & 0o777).toString(8)], ['700', '600'], 'modes');
matches(kept('setup-code'), /^([0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{2}$/, 'the code');
const first = kept('setup-code');
w.request('/setup', { env });
same(kept('setup-code'), first, 'one code, however often the page is loaded');

// a data directory inside the site is safe by its name alone, where the web server reads it as us: strangers do not learn it
const hidden = join(w.dir, `polycircle-data-${'0123456789abcdef'.repeat(2)}`), at = { ...env, POLYCIRCLE_DATA: hidden };
same([w.request('/setup', { env: at }).status, existsSync(join(hidden, 'setup-code'))], [200, true], 'a name that nobody can guess');
same(w.request('/owner', { post: { v: 1, do: 'state', nonce: 'a'.repeat(32) }, env: at }).json.data, join(w.dir, 'polycircle-data-...'), 'is not told before the code is');
// anybody on the host who may open the folder that it is made in may hold a lock of it
const holder = spawn('flock', ['-x', w.dir, '-c', 'echo held; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
await once(holder.stdout, 'data');
const locked = join(w.dir, `polycircle-data-${'fedcba9876543210'.repeat(2)}`);
same([w.request('/setup', { env: { ...at, POLYCIRCLE_DATA: locked } }).status, existsSync(join(locked, 'setup-code'))], [200, true], 'a lock that somebody keeps shuts set-up to nobody');
holder.kill();
rmSync(locked, { recursive: true });
writeFileSync(`${hidden}-file`, '');
r = w.request('/setup', { env: { ...at, POLYCIRCLE_DATA: `${hidden}-file` } });
ok(r.status >= 400 && !r.bytes.includes('0123456789abcdef'), 'nor when it cannot be used', r.bytes);
const nowhere = join(w.dir, 'nowhere/data');
for (const path of ['/setup', '/probe', '/health']) {
  r = w.request(path, { env: { ...env, POLYCIRCLE_DATA: nowhere } });
  ok(!r.bytes.includes(w.dir), `${path}: no path of the host is told where the data cannot be`, r.bytes);
}

// what an owner's browser opens by mistake, or where the data cannot be: a page, with words that are no markup
const html = { HTTP_ACCEPT: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const page = (path, more = {}, send = {}) => w.request(path, { env: { ...env, ...html, ...more }, send });
for (const [path, send, to] of [['', { PATH_INFO: undefined }, './polycircle.fcgi/setup'], ['/', {}, './setup'],
  ['', { PATH_INFO: undefined, SCRIPT_NAME: '/x/polycircle.fcgi', REQUEST_URI: '/x/?a' }, './setup']]) {
  r = page(path, {}, send);
  same([r.status, r.headers.location], [303, to], `the bare address ${send.REQUEST_URI ?? path} leads to set-up`);
}
same([w.request('/', { env }).json.error, w.request('/nosuch', { env }).json.error], ['not_found', 'not_found'], 'not for who asks for no page');
r = page('', {}, { PATH_INFO: undefined, SCRIPT_NAME: '/x/polycircle.fcgi', REQUEST_URI: '/setup' });
same([r.status, r.headers.location], [404, undefined], 'what hands on no path is led nowhere, least of all round and round');
same(w.request('/', { env: { ...env, ...html }, post: 'd=e30' }).status, 405, 'a post is no navigation');
r = page('/a/<b>/c');
same([r.status, r.headers['content-type']], [404, 'text/html; charset=utf-8'], 'an unknown path');
ok(r.bytes.toString().includes('href="./../../setup"') && !r.bytes.includes('{'), 'leads home, and nothing in it was left open', r.bytes);
for (const [uri, path, home] of [['/p.fcgi/a%2fb', '/a/b', './'], ['/p.fcgi/a%2Fb/c?x=/', '/a/b/c', './../'], ['/p.fcgi//a//b', '/a/b', './../../../'], ['/rewritten/a%2fb', '/a/b', './'],
  ['/p.fcgi/a/b', '/a/b', './../'], ['', '/a/b', './../']])
  ok(page(path, { REQUEST_URI: uri, SCRIPT_NAME: '/p.fcgi' }).bytes.includes(`href="${home}setup"`), `from ${uri || 'nowhere'} home is ${home}`);
writeFileSync(join(w.dir, 'a<p>&amp;'), '');
r = w.request('/setup', { env: { ...env, POLYCIRCLE_DATA: join(w.dir, 'a<p>&amp;') } });
ok(r.bytes.includes('a&lt;p&gt;&amp;amp;') && !r.bytes.includes('a<p>'), 'no name of a folder is markup', r.bytes);
r = page('/health');
same([r.status, /<title>Nothing is set up here yet/.test(r.bytes)], [503, true], 'health in a browser, before set-up');
r = w.request('/setup', { env: { ...env, POLYCIRCLE_DATA: `${hidden}-file` } });
ok(/<h1[^>]*>A file is in the place/.test(r.bytes) && r.headers['content-security-policy'] && r.headers['x-frame-options'], 'set-up is a page whoever asks', r.bytes);
r = w.request('/probe', { env: { ...env, POLYCIRCLE_DATA: `${hidden}-file` } });
same([r.json.trouble.error, r.json.trouble.steps.length, r.json.size > 100000], ['read_only', 1, true], 'probe tells, too');
ok(!r.bytes.includes('0123456789abcdef'), 'but not the name', r.bytes);
same(w.request('/probe', { env }).json.trouble, undefined, 'where all is well there is none');

// open
code = '';
r = owner('state', { nonce: 'a'.repeat(32) });
same([r.json.state, r.json.data], ['open', w.data], 'open: where the code is');
matches(r.json.proof, /^polycircle-[0-9a-f]{16}\.txt$/, 'the other proof');
same(owner('prove', { nonce: 'a'.repeat(32) }).json.error, 'wrong_code', 'without the file');
same(owner('status').json.error, 'wrong_code', 'no code');
code = first;
r = owner('status');
same([r.status, r.json.software, r.json.roots[0], r.json.outside, r.json.urls], [200, 'test/1', site, true, undefined], 'status before there is an instance');
for (const [name, fields, error] of [['nothing', {}, 'bad_field'], ['begin', {}, 'bad_field'], ['begin', { url: 'ftp://site.example/' }, 'usage'],
  ['begin', { url: 'https://site.example/', root: '/etc' }, 'bad_field'], ['circle', { circle: 'films' }, 'not_set_up'], ['finish', {}, 'not_set_up'],
  ['status', { v: 2 }, 'bad_field'], ['status', { code: 1 }, 'bad_field']])
  same(owner(name, fields).json.error, error, `${name} ${JSON.stringify(fields)}`);
for (const origin of ['https://evil.example', 'null', 'https://site.example.evil.example', 'https://evil.example/site.example'])
  same(owner('status', {}, { HTTP_ORIGIN: origin }).json.error, 'origin_refused', `from a page of ${origin}`);
same(owner('status', {}, { HTTP_ORIGIN: 'https://site.example:8443' }).status, 200, 'from our own');
same(w.request('/owner', { env }).status, 405, 'GET owner');
same(w.request('/owner', { post: form('[1]'), env }).json.error, 'bad_json', 'no object');

r = owner('begin', { url: 'http://site.example/cgi-bin/polycircle.fcgi', root: site });
same([r.status, r.json.urls, r.json.root], [200, ['http://site.example/cgi-bin/polycircle.fcgi/'], site], 'begin');
same(owner('begin', { url: 'http://site.example/cgi-bin/polycircle.fcgi', root: site }).json.urls.length, 1, 'an answer was lost: once more');
r = owner('begin', { url: 'https://other.example/', root: site });
same(r.json.error, 'usage', 'another host than the one that the page was reached at');
matches(r.json.text, /opened at site\.example, not at other\.example/, 'in words');
same(owner('begin', { url: 'http://site.example/p', root: site }).json.urls, ['http://site.example/p/', 'http://site.example/cgi-bin/polycircle.fcgi/'], 'another address of this host: that of the tags now');
same(owner('first', { url: 'http://site.example/cgi-bin/polycircle.fcgi/' }).json.urls[0], 'http://site.example/cgi-bin/polycircle.fcgi/', 'first');
same(owner('forget', { url: 'http://site.example/p/' }).json.urls, ['http://site.example/cgi-bin/polycircle.fcgi/'], 'forget');
same(owner('forget', { url: 'http://site.example/p/' }).json.error, 'usage', 'twice');
same(owner('forget', { url: 'http://site.example/cgi-bin/polycircle.fcgi/' }).json.error, 'usage', 'not the one by which the page is open');
same(r.json.stun, undefined, 'an error has no more');
same(owner('status').json.stun[0][0], 'stun:stun.nextcloud.com:443', 'servers to choose from');
same(owner('circle', { circle: 'Films!' }).json.error, 'usage', 'a name');
same(owner('circle', { circle: 'films', p2p: 'yes' }).json.error, 'usage', 'p2p');
same(owner('circle', { circle: 'films', ice: ['http://x'] }).json.error, 'usage', 'no STUN server');
for (const ice of ['nonsense !!', 'stun:', 'stun:nonsense !!', 'stun:a b', 'stun:host:', 'stun:host:0', 'stun:host:70000', 'stun:[::1', 'stun:1.2.3', 'turn:host', 'stun:host?transport=udp', 'stun:-x', 'stun:a..b'])
  same(owner('circle', { circle: 'films', ice: [ice] }).json.error, 'usage', `no STUN server: ${ice}`);
same(owner('status').json.circles, [], 'none of them made a circle');
r = owner('circle', { circle: 'films', p2p: 'ask', ice: ['stun:stun.example:3478'] });
same([r.json.circles[0].can, r.json.circles[0].p2p, r.json.circles[0].ice], ['films', 'ask', [{ urls: 'stun:stun.example:3478' }]], 'a circle');
r = owner('circle', { circle: 'films', p2p: 'on' });
same([r.json.circles.length, r.json.circles[0].p2p, r.json.circles[0].ice], [1, 'on', [{ urls: 'stun:stun.example:3478' }]], 'what is not named stays');
matches(w.request('/signal', { query: r.json.circles[0].api_key }).bytes.toString(), /"p2p":"on"/, 'the loader says so');

same(owner('folders').json.folders, [['', 0, 0, 0], ['films', 1, 900000, 1]], 'folders');
r = owner('look', { folder: 'films' });
same([r.json.url, r.json.file, r.json.size, r.json.mtime], ['/films/', 'film.mp4', 900000, 1_700_000_000], 'what the site should serve');
for (const folder of ['..', 'films/..', '/etc', 'nothing', 'films/film.mp4']) same(owner('share', { circle: 'films', folder }).json.error, 'bad_field', `share ${folder}`);
same(owner('share', { circle: 'films', folder: 'films', url: 'javascript:x/' }).json.error, 'bad_field', 'an address');
same(owner('share', { circle: 'nobody', folder: 'films' }).json.error, 'not_found', 'a circle');
same(owner('share', { circle: 'films' }).json.error, 'not_found', 'again, but nothing was shared yet');
same(owner('index', { circle: 'films' }).json.error, 'not_found', 'nothing to index');
r = owner('share', { circle: 'films', folder: 'films', url: 'https://www.site.example/films/' });
same([r.status, r.json.finished], [200, false], 'share');
r = index();
same([r.json.finished, r.json.files, r.json.bytes, r.json.version], [true, 1, 900000, 1], 'indexed');
matches(w.request('/setup', { env }).headers['content-security-policy'], /connect-src 'self' https:\/\/site\.example http:\/\/site\.example https:\/\/www\.site\.example$/, 'the page may look at the site');
same(owner('allow', { circle: 'films', origin: 'https://other.example' }).status, 200, 'allow');
same(owner('status').json.circles[0].origins.includes('https://other.example'), true, 'allowed');
same(owner('refuse', { circle: 'films', origin: 'https://other.example' }).json.circles[0].origins.includes('https://other.example'), false, 'refused');
same(owner('refuse', { circle: 'films', origin: 'https://other.example' }).json.error, 'usage', 'it was not allowed');
r = owner('allow', { circle: 'films', origin: 'https://*.site.example' });
same([r.json.error, /Name each site by itself/.test(r.json.text)], ['usage', true], 'a * never matches, and is refused with words');
r = w.cli('circle', 'allow', 'films', '--origin', 'https://*.site.example');
same([r.status, /Name each site by itself/.test(r.err), owner('status').json.circles[0].origins.some(one => one.includes('*'))], [2, true, false], 'by the command line, too');
r = owner('circle', { circle: 'films', mirror: false, exclude: '*.pdf', roster: 'hidden', listed: false, up_kbps: 5, worker: 'none' }).json.circles[0];
same([r.mirror, r.exclude, r.roster, r.listed, r.up_kbps, r.worker, r.p2p], [false, '*.pdf', 'hidden', false, 5, 'none', 'on'], 'all that may be chosen');
r = owner('circle', { circle: 'films', mirror: true, exclude: '', roster: 'public', listed: true, up_kbps: 0, worker: 'unknown' }).json.circles[0];
same([r.mirror, r.exclude, r.roster, r.listed, r.up_kbps, r.worker, r.p2p], [true, '', 'public', true, 0, 'unknown', 'on'], 'and back');
mkdirSync(join(site, 'other'));
writeFileSync(join(site, 'other/b.mp4'), film);
r = owner('share', { circle: 'films', folder: 'other', url: '/other/' });
same([r.json.finished, owner('status').json.circles[0].files, owner('status').json.circles[0].version], [false, 0, 2], 'another folder: that of before is withdrawn at once');
same(w.request(`/manifest/${owner('status').json.circles[0].cid}.json`).json.signed.includes('film.mp4'), false, 'for visitors, too');
owner('share', { circle: 'films', folder: 'films', url: 'https://www.site.example/films/' });
r = index();
same([r.json.finished, r.json.files, r.json.hashed], [true, 1, 0], 'and back: without reading it again');
same(owner('remove', { circle: 'films' }).json.error, 'locked', 'no circle is removed in set-up');
mkdirSync(join(site, 'empty'));
owner('share', { circle: 'films', folder: 'empty', url: '/empty/' });
same([index().json.error, owner('status').json.circles[0].files], ['files', 1], 'a folder with nothing in it takes nothing away');
owner('share', { circle: 'films', folder: 'films', url: 'https://www.site.example/films/' });
index();
owner('allow', { circle: 'films', origin: "https://x;script-src" });
owner('allow', { circle: 'films', origin: 'https://y\r\nX-Evil:1' });
r = w.request('/setup', { env });
ok(!/script-src(?! 'self')/.test(r.headers['content-security-policy']) && !r.headers['x-evil'], 'no origin changes the policy or the head', JSON.stringify(r.headers));

// a proxy that is not listed: all visitors have one address
const behind = (address, forwarded) => w.request('/owner', { post: { v: 1, code, do: 'status' }, env: { ...env, REMOTE_ADDR: address, ...forwarded && { HTTP_X_FORWARDED_FOR: forwarded } } }).json.proxy;
same(behind('198.51.100.7', ''), undefined, 'nobody between');
same(behind('192.0.2.9', '203.0.113.1, 198.51.100.7'), { from: '192.0.2.9', for: '198.51.100.7', proxies: '192.0.2.9' }, 'a proxy that says for whom it speaks');
same(behind('10.0.0.5', ''), { from: '10.0.0.5', for: '', proxies: '' }, 'one that does not');
same(owner('settle', { proxies: '192.0.2.0/24' }).status, 200, 'it is listed');
same(behind('192.0.2.9', '198.51.100.7'), undefined, 'and believed');
owner('settle', { proxies: '' });

r = page('/health', { HTTP_HOST: 'www.site.example' });
ok(/open the console by the link below, and press &quot;Add it&quot; there \(with a shell/.test(r.bytes), 'an address that is not known: who has no shell has a way', r.bytes);

// the end
r = owner('finish');
const last = r.json.code;
same([r.status, last, existsSync(join(w.data, 'setup-code'))], [200, kept('owner-code'), false], 'finish');
same(owner('finish').json.error, 'wrong_code', 'setup-code is worth nothing any longer');
code = last;
for (const action of ['begin', 'finish']) same([owner(action).status, owner(action).json.error], [409, 'locked'], `${action} is locked`);
same(owner('status').json.circles[0].files, 1, 'status goes on');
same(owner('circle', { circle: 'second' }).json.circles.map(c => [c.can, c.p2p, c.ice.length]), [['films', 'on', 1], ['second', 'ask', 1]], 'a second circle');
same(owner('remove', { circle: 'second' }).json.circles.map(c => c.can), ['films'], 'removed');
r = owner('remove', { circle: 'second' });
same([r.json.error, r.json.text], ['removed', 'The circle second has ended already.'], 'twice, in words for its owner');
same(owner('state').json, { polycircle: 1, state: 'set' }, 'and says nothing else to strangers');
same(w.cli('owner', '--json').json, { file: join(w.data, 'owner-code'), code }, 'polycircle owner');
code = w.must('owner', '--new', '--json').code;
same([owner('status').status, code == last], [200, false], 'a new one');
code = last;
same(owner('status').json.error, 'wrong_code', 'the one before opens nothing');

// who cannot read the code proves it by a file beside the program or in the data, also in another browser, also after the end
const nonce = 'b'.repeat(32), name = owner('state', { nonce }).json.proof;
matches(name, /^polycircle-[0-9a-f]{16}\.txt$/, 'the other proof, when all is set up');
same(Object.keys(owner('state', { nonce }).json), ['polycircle', 'state', 'proof'], 'no path');
same(owner('prove', { nonce }).json.error, 'wrong_code', 'without the file');
writeFileSync(join(w.data, name), 'x');
same(owner('prove', { nonce }).json.error, 'wrong_code', 'it is to be empty');
writeFileSync(join(w.data, name), '');
linkSync(join(w.data, name), join(w.data, 'another-name'));
same(owner('prove', { nonce }).json.error, 'wrong_code', 'a link to a file that was there');
rmSync(join(w.data, 'another-name'));
same(owner('prove', { nonce: 'c'.repeat(32) }).json.error, 'wrong_code', 'it proves nothing for another browser');
same([owner('prove', { nonce }).json.code, existsSync(join(w.data, name))], [kept('owner-code'), false], 'in the data directory');
if (process.getuid?.() === 0) {  // whoever may make files of others' is no witness
  writeFileSync(join(w.data, name), '');
  chownSync(join(w.data, name), 24243, 24243);
  same(owner('prove', { nonce }).json.error, 'wrong_code', 'a file of somebody else');
  chownSync(w.data, 24243, 24243);
  same(owner('prove', { nonce }).json.code, kept('owner-code'), 'unless the directory is theirs');
  chownSync(w.data, 0, 0);
}
rmSync(join(w.data, 'owner-code'));
code = '';
same(owner('state').json.state, 'set', 'without its code it stays set');
for (const path of ['setup', 'console', 'selftest']) {
  rmSync(join(w.data, 'owner-code'), { force: true });
  w.request(`/${path}`, { env });
  code = kept('owner-code');
  same([owner('status').status, existsSync(join(w.data, 'setup-code'))], [200, false], `the next look (${path}) makes another, and does not open set-up`);
}
if (process.getuid?.() === 0) {
  chownSync(join(w.data, 'owner-code'), 24243, 24243);
  same(owner('status').json.error, 'wrong_code', 'a code that somebody else has put there');
  chownSync(join(w.data, 'owner-code'), 0, 0);
}
writeFileSync(join(w.data, 'owner-code'), '');
matches(owner('status').json.text, /delete that file/, 'a file without a code says what to do');
rmSync(join(w.data, 'owner-code'));
w.request('/console', { env });
// an address in another one's place: manifests whose bytes come through it are signed anew, and no others
code = kept('owner-code');
const vault = join(w.dir, 'vault'), bases = ['http://site.example/cgi-bin/polycircle.fcgi/', 'http://site.example/polycircle/'];
same(owner('address', { url: 'http://site.example/' }).json.urls, [bases[0], 'http://site.example/'], 'one more: which is that of the tags stays');
same(owner('first', { url: 'http://site.example/' }).json.urls, ['http://site.example/', bases[0]], 'until the owner says so');
mkdirSync(vault);
writeFileSync(join(vault, 'film.mp4'), film);
const { cid } = w.must('circle', 'add', 'vault', '--json');
w.must('publish', 'vault', vault, '--json');
const origins = () => JSON.parse(w.request(`/manifest/${cid}.json`).json.signed).origins;
same(origins(), ['http://site.example/mirror/vault/', `${bases[0]}mirror/vault/`], 'through each address');
same(owner('address', { url: bases[1] }).json.urls, ['http://site.example/', bases[0], bases[1]], 'a short one');
same(owner('first', { url: bases[1] }).json.urls, [bases[1], 'http://site.example/', bases[0]], 'and the first');
r = owner('forget', { url: 'http://site.example/' });
same(r.json.urls, [bases[1], bases[0]], 'the one that answers no longer is one no more');
same(origins(), [bases[1], bases[0]].map(base => `${base}mirror/vault/`), 'in the manifest, too');
same(w.request('/polycircle/signal', { query: r.json.circles[0].api_key }).bytes.toString().includes('"base":"polycircle/"'), true, 'what the tag beside a site gets');
same(w.request('/signal', { query: r.json.circles[0].api_key }).bytes.toString().includes('"base"'), false, 'any other tag');

// a copy that was put back: its owner, who sees no log, is told
const told = () => { const { restored, restore_refused } = owner('status').json; return [restored, restore_refused]; };
const before = () => owner('status').json.before_restore;
same([...told(), before()], ['', false, ''], 'nothing was put back');
const put = (/** @type {string} */ from) => {
  renameSync(from, join(w.data, 'polycircle.restore'));
  utimesSync(join(w.data, 'polycircle.restore'), 1_700_000_000, 1_700_000_000);
  w.request('/health', { env });
};
put(owner('backup').json.file);
matches(told()[0], /^polycircle-restored-\d{4}-\d\d-\d\dT\d{6}Z\.db$/, 'put back');
matches(before(), /^polycircle-before-restore-\d{4}-\d\d-\d\dT\d{6}Z\.db$/, 'and what was there before');
writeFileSync(join(w.dir, 'no-copy'), 'x', { mode: 0o600 });
put(join(w.dir, 'no-copy'));
same(told()[1], true, 'one that was refused');
const [restored] = told();
renameSync(join(w.data, 'backups', restored), join(w.data, 'backups', restored.replace(/\d{4}/, '2020')));
rmSync(join(w.data, 'polycircle.restore-refused'));
same(told(), ['', false], 'what was long ago is not told, nor what has gone');
renameSync(join(w.data, 'backups', before()), join(w.data, 'backups', before().replace(/\d{4}/, '2020')));
same(before(), '', 'neither');
w.cli('restore', owner('backup').json.file);
same([!!before(), ...told()], [true, '', false], 'put back by the command: told, too');

// one that is being uploaded
writeFileSync(join(w.data, 'polycircle.restore'), 'x', { mode: 0o600 });
same([owner('status').json.restore_comes, existsSync(join(w.data, 'polycircle.restore'))], [true, true], 'it is told that it is waited for');
rmSync(join(w.data, 'polycircle.restore'));
same(owner('status').json.restore_comes, false, 'until it is gone');

// one that does not fit: 4 TiB, of which nothing is on the disk
const large = join(w.dir, 'large');
copyFileSync(owner('backup').json.file, large);
truncateSync(large, 2 ** 42);
same(owner('status').json.restore_waits, false, 'none waits');
put(large);
same([owner('status').json.restore_waits, owner('status').json.restore_comes, existsSync(join(w.data, 'polycircle.restore')), told()[1]], [true, false, true, false], 'it waits, which the owner is told');
rmSync(join(w.data, 'polycircle.restore'));
same(owner('status').json.restore_waits, false, 'until it is gone');

// without its database
code = kept('owner-code');
rmSync(join(w.data, 'polycircle.db'));
w.request('/setup', { env });
ok(!existsSync(join(w.data, 'setup-code')), 'the page does not open it again');
same([owner('begin', { url: 'https://evil.example/' }).json.error, owner('address', { url: 'https://evil.example/' }).json.error], ['locked', 'not_set_up'], 'nobody sets it up');
writeFileSync(join(w.data, 'polycircle.db'), 'damaged'.repeat(1000));
same([owner('status').json.error, w.request('/console', { env }).status], ['damaged', 200], 'a damaged one is told on a page that works');
rmSync(join(w.data, 'polycircle.db'));
w.must('init', '--url', 'https://site.example/', '--json');
same(owner('status').status, 200, 'by the command line it may be; the code is the same');

// an instance of the command line has a code from its beginning
const other = new World();
other.must('init', '--url', 'https://site.example/', '--json');
matches(other.cli('owner').out, /^\S{32}\n.*owner-code\n$/s, 'init made one');
same(other.cli('owner', 'x').status, 2, 'called wrongly');
other.remove();
const none = new World();
same(none.cli('owner').status, 1, 'owner before anything is set up');
none.remove();
w.remove();
done();
