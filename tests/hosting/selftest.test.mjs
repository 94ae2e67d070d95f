// The self-test's page in Chromium, on hosts that are real servers with real faults: what it finds must be so, and what one
// press sets must be what was found.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ruleSets, startWalled } from './wall.mjs';
import { PATIENCE, ended, launch } from '../browser/site.mjs';
import { cgi, folder, modules, onHost, selftest } from './judge.mjs';

/** @type {import('playwright-core').Browser} */
let chrome;
before(async () => { chrome = await launch(); });
after(() => ended(chrome?.close()));

const settings = async site => JSON.parse(await site.owner('set', '--json'));
const levels = (lines, ids) => Object.fromEntries(ids.map(id => [id, lines[id]?.level]));
/** What the command line finds by HTTP, its levels by id. */
const byHand = async site => Object.fromEntries((await site.look()).lines.map(({ id, level, found }) => [id, { level, found }]));
const bad = lines => Object.entries(lines).filter(([, l]) => l.level == 'fail').map(([id, l]) => `${id}: ${l.found}`);

test('Apache with mod_fcgid, as it is', () => onHost({}, async site => {
  const { lines, settle, close, page } = await selftest(chrome, site);
  assert.deepEqual(bad(lines), []);
  assert.equal(Object.values(lines).filter(l => l.level == 'warn').length, 0, JSON.stringify(lines));
  const jargon = /\b(WAL|TRUNCATE|PATH_INFO|suEXEC|NFS|FUSE|umask|getrandom|Access-Control|base64url|base32|no-store|ModSecurity|HTTP\/1|Service-Worker|POST|HEAD|OPTIONS|Content-Security|spool|document root)\b|\.htaccess|\/dev\/|blob:/;
  const plainly = text => text.replace(/\([^()]*\)/g, '').replace(/https?:\S+|\/\S+/g, '');
  assert.deepEqual(Object.values(lines).flatMap(l => l.words).filter(text => jargon.test(plainly(text))), [], 'who knows FTP and a browser understands each line; technical words stand in brackets');
  assert.match(lines.server.found, /Apache/);
  assert.match(lines.face.found, /FastCGI/);
  assert.match(lines.process.found, /6 answers.* from 1 process/);
  assert.match(lines.sizes.found, /120 KiB: the program; 130 KiB: the host \(500\)/, 'FcgidMaxRequestLen');
  const [, ran] = /: (\d+) ran at one moment, none was refused/.exec(lines.parallel.found);
  assert.ok(ran >= 6 && ran <= 12, `six connections with credentials and six without: ${ran}`);
  assert.match(lines.spool.found, /seen at once \(5 of 5\), pages of other sites may read them; parts of files: yes/);
  const hand = await byHand(site);
  assert.deepEqual(bad(hand), []);
  assert.deepEqual(levels(hand, ['reached', 'cache-get', 'cache-post', 'sizes', 'firewall', 'cors', 'range', 'methods', 'packed', 'clock', 'leak', 'parallel']),
    { reached: 'ok', 'cache-get': 'ok', 'cache-post': 'ok', sizes: 'ok', firewall: 'ok', cors: 'ok', range: 'ok', methods: 'ok', packed: 'ok', clock: 'ok', leak: 'ok', parallel: 'ok' });
  assert.match(hand.sizes.found, /120 KiB: the program \(400\); 130 KiB: the host \(500\)/);
  assert.match(hand.parallel.found, /^24 of 24 were answered, ([6-9]|[12]\d) at one moment/);
  const { spool_dir, spool_url, spool_cors, wire, budget } = await settings(site);
  assert.deepEqual([spool_dir, spool_url, wire], ['', '', ''], 'looking changes nothing');
  assert.deepEqual(await readdir(join(site.dir, 'public_html')), ['cgi-bin', 'index.html'], 'nothing of the trial is left');
  await settle();
  const set = await settings(site);
  assert.deepEqual([set.spool_dir, set.spool_url, set.spool_cors, set.wire],
    [join(site.dir, 'public_html/polycircle-spool'), `${site.url}/polycircle-spool/`, 'yes', 'd']);
  assert.ok(set.budget >= 1 && set.budget <= 20, `budget ${set.budget}`);
  assert.deepEqual([spool_cors, budget], ['', '']);
  assert.equal((await stat(set.spool_dir)).mode & 0o777, 0o711, 'nobody else may list it');
  const other = await fetch(`${site.url}/polycircle-spool/`);
  assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [200, '*']);
  assert.ok(!(await other.text()).includes('.htaccess'), 'no listing');
  await page.click('#again');
  await page.waitForFunction(() => document.querySelectorAll('.line').length > 5 && document.querySelector('#summary').hidden === false && !document.querySelector('#running:not([hidden])'), null, { timeout: 60_000 * PATIENCE });
  assert.ok((await readdir(set.spool_dir)).includes('.htaccess'), 'a second look leaves the spool in use alone');
  await close();
}));

const plain = (dir, override = 'All') => `LoadModule headers_module ${modules}/mod_headers.so
ScriptAlias /cgi-bin/ ${dir}/${cgi}/\n<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>\n`;

test('Apache with mod_cgid: .htaccess may not set headers', () => onHost({ kind: 'apache-cgid', htaccess: {}, conf: dir => plain(dir, 'Limit') }, async site => {
  const { lines, settle, close } = await selftest(chrome, site);
  assert.deepEqual(bad(lines), []);
  assert.match(lines.face.found, /^CGI/);
  assert.match(lines.process.found, /from 6 processes/);
  assert.match(lines.spool.found, /pages of this site only may read them \(\.htaccess gives a 500 here and was taken away\)/);
  await settle();
  const set = await settings(site);
  assert.equal(set.spool_cors, 'no');
  assert.ok(!(await readdir(set.spool_dir)).includes('.htaccess'));
  assert.equal((await fetch(`${site.url}/polycircle-spool/`)).status, 200, 'nothing of ours gives a 500');
  await close();
}));

test('mod_security that refuses base64url', () => onHost({ conf: dir => folder(dir, `LoadModule unique_id_module ${modules}/mod_unique_id.so
LoadModule security2_module ${modules}/mod_security2.so\nSecRuleEngine On\nSecRequestBodyAccess On\nSecTmpDir ${dir}/run\nSecDataDir ${dir}/run
SecRequestBodyNoFilesLimit 131072\nFcgidIOTimeout 8\nSecRule ARGS_POST_NAMES "@streq d" "id:1,phase:2,deny,status:403"\n`) }, async site => {
  const { lines, page, settle, close } = await selftest(chrome, site);
  assert.equal(lines.firewall.level, 'warn');
  assert.match(lines.firewall.found, /^The usual way to write messages \(base64url, d=\) is refused \(SDP: 403, .*random letters: 403\); the plainer one \(base32, h=\) passes\./);
  assert.match(lines.firewall.host, /POST requests to \/cgi-bin\/polycircle.fcgi\//);
  assert.match(lines.sizes.found, /120 KiB: the program; 130 KiB: the host \(413\)/);
  assert.deepEqual(bad(lines), []);
  const hand = await byHand(site);
  assert.deepEqual([hand.firewall.level, /set wire h/.test(hand.firewall.found), hand.sizes.level], ['warn', true, 'ok']);
  await settle();
  assert.equal((await settings(site)).wire, 'h');
  await page.click('#longest');
  await page.waitForFunction(() => document.querySelector('.line[data-id="longest"]'), null, { timeout: 60_000 * PATIENCE });
  assert.match(await page.textContent('.line[data-id="longest"] .finding'), /^An answer may take 5 s; longer ones are cut off/);
  await close();
}));

test('mod_security with all rules of the OWASP Core Rule Set, paranoia level 4', async () => {
  const wall = await startWalled(ruleSets[0], 4, { more: `SecRule ARGS_POST:d "@rx [A-Z]" "id:101,phase:2,deny,status:403,t:none"
SecRuleUpdateTargetById 920274 "!REQUEST_HEADERS:sec-ch-ua-mobile"\n` });
  try {
    await wall.owner('init', '--url', wall.base);
    const { lines, settle, close } = await selftest(chrome, { base: wall.base, code: JSON.parse(await wall.owner('owner', '--json')).code });
    assert.deepEqual(bad(lines), []);
    assert.deepEqual(levels(lines, ['firewall', 'range']), { firewall: 'warn', range: 'warn' }, 'rule 921230 refuses parts');
    assert.match(lines.range.found, /status 403/);
    await settle();
    assert.equal(JSON.parse(await wall.owner('set', '--json')).wire, 'h');
    await close();
  } finally {
    await wall.stop();
  }
});

const proxy = (port, to, more = '') => `location / { proxy_pass http://127.0.0.1:${to}; proxy_http_version 1.1; proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-For 203.0.113.9; ${more} }`;

test('nginx in front, over https, twenty requests at a time, then 508', () => onHost({ kind: 'apache-cgid', conf: plain, htaccess: {}, pretend: 'https', front: (port, to, dir) => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')], { stdio: 'ignore' });
  return `limit_conn_zone $server_port zone=one:1m; limit_conn_status 508; error_page 508 /host; server { listen 127.0.0.1:${port} ssl http2;
ssl_certificate ${dir}/cert.pem; ssl_certificate_key ${dir}/key.pem; limit_conn one 20; ${proxy(port, to)} }`;
} }, async site => {
  const { lines, page, settle, close } = await selftest(chrome, site);
  assert.deepEqual(bad(lines), []);
  const [, ran] = /: (\d+) ran at one moment, 4 were refused \(508\): the host takes 20 at a time/.exec(lines.parallel.found) ?? assert.fail(lines.parallel.found);
  assert.ok(ran > 12, `more than HTTP/1.1 would have shown: ${ran}`);
  assert.match(lines.seen.found, /one of the instance's addresses/);
  assert.equal(lines.address.level, 'warn');
  assert.match(lines.address.found, /Requests come from 127\.0\.0\.1, which speaks for 203\.0\.113\.9\./);
  await page.click('li[data-id="address"] summary');
  await page.click('li[data-id="address"] button:has-text("Believe this proxy")');
  await page.waitForSelector('text=It is believed from now on.');
  await settle();
  const { budget, proxies } = await settings(site);
  assert.equal(proxies, '127.0.0.1');
  assert.equal(Number(budget), Math.min(20, Math.max(1, Math.floor(ran / 10 / (Math.max(5, Number(/in (\d+) ms each/.exec(lines.process.found)[1])) / 1000)))));
  await close();
}));

test('nginx in front with a cache that lies', () => onHost({ front: (port, to, dir) => `proxy_cache_path ${dir}/nginx/cache keys_zone=c:1m;
server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${to}; proxy_set_header Host $http_host; proxy_cache c; proxy_cache_key $scheme$host$uri;
proxy_cache_valid any 10m; proxy_ignore_headers Cache-Control Expires Set-Cookie Vary; } }` }, async site => {
  const { lines, settle, close } = await selftest(chrome, site);
  assert.deepEqual(levels(lines, ['cache-get', 'cache-post', 'spool']), { 'cache-get': 'warn', 'cache-post': 'ok', spool: 'warn' });
  assert.deepEqual(levels(await byHand(site), ['cache-get', 'cache-post']), { 'cache-get': 'warn', 'cache-post': 'ok' });
  assert.match(lines['cache-get'].found, /The same answer came twice/);
  assert.match(lines.spool.found, /seen at once 0 of 5 times/);
  await settle();
  assert.deepEqual([(await settings(site)).spool_url, (await settings(site)).spool_dir], ['', ''], 'no spool behind such a cache');
  await close();
}));

test('nginx that keeps answers to POST, too', () => onHost({ front: (port, to, dir) => `proxy_cache_path ${dir}/nginx/cache keys_zone=c:1m;
server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${to}; proxy_set_header Host $http_host; proxy_cache c; proxy_cache_methods GET POST;
proxy_cache_key $request_method$uri$request_body; proxy_cache_valid any 10m; proxy_ignore_headers Cache-Control; client_body_in_file_only off; client_body_buffer_size 2m; } }` }, async site => {
  const { lines, close } = await selftest(chrome, site);
  assert.equal(lines['cache-post'].level, 'fail');
  assert.equal((await byHand(site))['cache-post'].level, 'fail');
  await close();
}));

test('nginx with the data directory in the document root', () => onHost({ kind: 'apache-cgid', conf: plain, htaccess: {}, inside: true, front: (port, to, dir) => {
  const param = Object.entries({ QUERY_STRING: '$query_string', REQUEST_METHOD: '$request_method', CONTENT_TYPE: '$content_type', CONTENT_LENGTH: '$content_length',
    SCRIPT_NAME: '/cgi-bin/polycircle.fcgi', PATH_INFO: '$fastcgi_path_info', REQUEST_URI: '$request_uri', DOCUMENT_ROOT: '$document_root',
    SERVER_SOFTWARE: 'nginx', REMOTE_ADDR: '$remote_addr', SCRIPT_FILENAME: '$document_root/cgi-bin/polycircle.fcgi' });
  return `server { listen 127.0.0.1:${port}; root ${dir}/public_html; index index.html;
location /cgi-bin/ { fastcgi_split_path_info ^(/cgi-bin/polycircle.fcgi)(.*)$; fastcgi_pass unix:${dir}/fcgi.sock; ${param.map(([k, v]) => `fastcgi_param ${k} "${v}";`).join(' ')} } }`;
} }, async site => {
  await writeFile(join(site.dir, 'public_html/index.html'), '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'self\'; script-src \'self\' https://cdn.example">');
  const { lines, page, close } = await selftest(chrome, site);
  assert.deepEqual(bad(lines).map(l => l.split(':')[0]), ['leak']);
  assert.equal(lines.place.level, 'warn');
  assert.match((await byHand(site)).leak.found, /\/polycircle-data\/polycircle\.db hands the database out/);
  assert.match(lines.place.found, /inside the folder of the web site/);
  for (const name of ['polycircle.db', 'owner-code']) assert.ok(lines.leak.found.includes(`${site.url}/polycircle-data/${name}`), lines.leak.found);
  assert.match(lines.leak.host, /^Please refuse every request for \/polycircle-data\/\.$/);
  assert.match(lines.parallel.found, /: 1 ran at one moment, none was refused/, 'one process');
  assert.equal(lines.parallel.level, 'warn');
  assert.match(lines.csp.found, /It must say: script-src 'self' https:\/\/cdn\.example blob:; media-src 'self' blob:$/);
  assert.match(await page.textContent('#verdict'), /^1 of \d+ fails/);
  await close();
}));
