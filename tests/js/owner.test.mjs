// The owner's pages: what somebody types as a folder, what lies below it, whether a page holds the line.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

globalThis.location ??= /** @type {any} */ (new URL('https://site.example/cgi-bin/polycircle.fcgi/setup'));
const { clean, shut, sums } = await import('../../htdocs/owner/folder.js');
const { cut, dead, found, judge, lines, reason, workerless } = await import('../../htdocs/owner/line.js');
const { keeps, said } = await import('../../htdocs/owner/own.js');
const { kin, passed } = await import('../../htdocs/owner/tag.js');
const { bad, result } = await import('../../htdocs/owner/progress.js');
const { topOf } = await import('../../htdocs/owner/tiers.js');
const { size } = await import('../../htdocs/owner/dom.js');

test('a folder as people type it', () => {
  for (const [typed, path] of [['films', 'films'], ['/films/', 'films'], [' films/new ', 'films/new'], ['https://site.example/films/', 'films'], ['./films', 'films'],
    ['films//new', 'films/new'], ['', ''], ['/', ''], ['../x', '../x']]) assert.equal(clean(typed), path, typed);
});

test('what is below counts for those above', () => {
  const got = sums([['', 1, 5, 1], ['a', 1, 1, 0], ['a/b', 2, 20, 2], ['a/b/c', 1, 7, 1], ['empty', 0, 0, 0], ['css', 3, 9, 0]]);
  assert.deepEqual(got, [['a', { files: 4, bytes: 28, media: 3 }], ['a/b', { files: 3, bytes: 27, media: 3 }], ['a/b/c', { files: 1, bytes: 7, media: 1 }]], 'all that is shared is counted; what has no media is not proposed');
});

test('folders that may not be read are named with why and what to do', () => {
  assert.equal(shut([['', 0, 0, 0], ['films', 1, 5, 1]]), '');
  assert.match(shut([['', 0, 0, 0], ['films', 0, 0, 0, 'Permission denied']]), /^1 folder cannot be read, or not what is in it: \u2068films\u2069 \(Permission denied\)\. Give .* 755 /);
  assert.match(shut(['a', 'b', 'c', 'd'].map(path => [path, 0, 0, 0, 'Permission denied'])), /^4 folders .*: .a. \(.*\), .b. \(.*\), .c. \(.*\), …\./);
});

test('what was left out is told with why, and what to do', () => {
  const walk = /** @type {any} */ ({ files: 2, bytes: 5, version: 3, skipped: 5, left_out: [{ reason: 'empty', text: 'empty files', cure: '', n: 1, names: ['a.mp4'] },
    { reason: 'unreadable', text: 'not readable', cure: 'let them be read', n: 4, names: ['x', 'y/', 'z'] }] });
  const young = { reason: 'young', text: 'young', cure: '', n: 1, names: ['b.mp4'] };
  assert.match(result({ ...walk, same: true }), /\. Nothing had changed\. Left out/);
  assert.match(result({ ...walk, same: true, left_out: [young] }), /\. Nothing else had changed\. Left out/, 'what waits has changed');
  assert.equal(result(walk), '2 files, 5 bytes, version 3. Left out: empty files: 1 (\u2068a.mp4\u2069); not readable: 4 (\u2068x\u2069, \u2068y/\u2069, \u2068z\u2069, …): let them be read.', 'each name apart, for one may run from right to left');
  assert.equal(result({ ...walk, same: true, skipped: 0, files: 3, doubted: 1 }), '3 files, 5 bytes. 1 file missing: withdrawn by the next reading, unless back by then.', 'and not that nothing had changed');
  assert.match(result({ ...walk, same: true, doubted: 2 }), /All are missing: is the folder still there/);
  assert.equal(bad({ ...walk, left_out: [], doubted: 1 }), true);
  assert.deepEqual([bad(walk), bad({ ...walk, left_out: walk.left_out.slice(0, 1) })], [true, false]);
});

test('the line in a page', () => {
  const key = 'k-Y_1', tag = `<script src="https://site.example/cgi-bin/polycircle.fcgi/signal?${key}"></script>`;
  for (const [html, is] of [[`<html><head>\n${tag}</head>`, 'once'], [`<script\n defer src=/signal.js?api_key=${key}></script>`, 'once'], [`<!-- ${tag} -->`, 'none'],
    [tag.replace(key, 'other'), 'none'], [tag.replace(key, key + '2'), 'none'], [`<script>x</script><p>signal?${key}</p>`, 'none'], [tag + tag, 'twice'], ['', 'none'],
    [tag.replace('src="', 'src=\u201c').replace('">', '\u201d>'), 'curly'], [tag.replaceAll('"', '\u2033'), 'curly'], [tag.replaceAll('"', '\u00ab'), 'curly'],
    [tag.replace('src="', 'src=&#8220;').replace('">', '&#8221;>'), 'curly'], [tag.replaceAll('"', '&ldquo;'), 'curly'], [tag.replaceAll('"', '\u2019'), 'curly'],
    [tag.replaceAll('"', '&quot;'), 'curly'], [tag.replace('></', ' data-p2p=\u201cask\u201d></'), 'curly'], [tag + tag.replaceAll('"', '\u201c'), 'once'],
    ...['\u00a0', '&nbsp;', '\u2009'].map(space => [tag.replace(' ', space), 'space']), [tag.replace('></', '\u00a0data-p2p="ask"></'), 'space'], [tag.replace('></', ' data-x="a\u00a0b"></'), 'once'],
    [`${tag.replace('</script>', '')}<title>a</title>`, 'open'], [`${tag.replace('</script>', '')}<script>1</script>${tag}`, 'open'], [tag.replace('></script>', '/>'), 'open'], [tag.replace('><', '>if (a < b);<'), 'once'],
    [`<video src=a.mp4></video>${tag}`, 'late'], [`<body><p>x</p>${tag}\n<script>1</script></body></html>`, 'late'], [`<body>${tag}<video></video></body>`, 'once'], [`<!-- <video> -->${tag}<img>`, 'once'], [`<noscript><img src=x></noscript>${tag}`, 'once'],
    ...['&#038;ver=6.4', '?ver=6.4', '=&amp;v=1'].map(more => [tag.replace(key, key + more), 'once']), ...['ver=6.4&#038;', 'v=1&api_key='].map(before => [tag.replace(key, before + key), 'once']), [tag.replace(key, `v=${key}`), 'none'],
    [tag.replaceAll('<', '&lt;').replaceAll('>', '&gt;'), 'text'], [`&lt;script src="signal?${key}"`, 'text']]) assert.equal(found(html, key), is, html);
});

test('which line it is, wherever the console is open', () => {
  const at = 'https://site.example/x/', www = 'https://www.site.example', c = /** @type {any} */ ({ api_key: 'k', url: '/films/', origins: ['https://site.example'] });
  const place = (...urls) => ({ urls, tags: urls }), own = { origins: ['https://site.example'], tag: '<script src="https://site.example/x/signal?k"></script>', worker: '' };
  const other = { origins: [www], worker: "importScripts('https://site.example/x/circle-sw.js')", tag: '<script src="https://site.example/x/signal?k" data-worker="/polycircle-sw.js"></script>' };
  for (const here of ['https://site.example/', 'https://www.site.example/x/console']) {
    globalThis.location = /** @type {any} */ (new URL(here));
    assert.deepEqual(lines(c, place(at)), [own]);
    assert.deepEqual(lines({ ...c, url: `${www}/films/`, origins: [...c.origins, www] }, place(at)), [other, own], 'that of the site is the first');
    assert.deepEqual(lines({ ...c, origins: [...c.origins, www] }, place(at)), [own, other]);
    const both = { origins: ['https://site.example', www], tag: '<script src="/x/signal?k"></script>', worker: '' };
    assert.deepEqual(lines({ ...c, origins: both.origins }, place(at, `${www}/x/`)), [both], 'the same files at two addresses have one line');
    assert.deepEqual(lines({ ...c, origins: both.origins }, place(at, `${www}/y/`)).map(line => line.tag), [own.tag, `<script src="${www}/y/signal?k"></script>`]);
    assert.deepEqual(lines({ ...c, worker: '/sw.js', origins: [www], url: `${www}/films/` }, place(at))[0], { origins: [www], worker: '', tag: '<script src="https://site.example/x/signal?k"></script>' }, 'its own worker has our line in it');
    assert.equal(lines(c, { urls: ['https://site.example/polycircle/', at], tags: ['https://site.example/', at] })[0].tag, '<script src="https://site.example/signal?k"></script>');
  }
  assert.equal(reason(own, true), '');
  assert.match(reason(other, false), /www\.site\.example, which is no address of this program.*polycircle-sw\.js.*importScripts/);
});

test('a line in a page that loads nothing, and one that has no worker', async () => {
  const key = 'k'.repeat(22), page = 'https://site.example/a.html', at = 'https://site.example/x/', www = 'https://www.site.example/x/';
  const served = { [`${at}signal?${key}`]: '{const POLYCIRCLE_CONFIG={}}', [`${www}signal?${key}`]: '{const POLYCIRCLE_CONFIG={}}', 'https://site.example/good.js': `importScripts('${www}circle-sw.js')`,
    'https://site.example/zip.js': "importScripts('https://instance.example/circle-sw.js')" };
  const real = globalThis.fetch;
  globalThis.fetch = /** @type {any} */ (async url => {
    if (String(url).includes('unseen.example')) throw new TypeError('CORS');
    return new Response(served[url] ?? 'no such page', { status: served[url] ? 200 : 404 });
  });
  try {
    for (const query of [`${key}&#038;ver=6.4`, `ver=6.4&#038;${key}`, `v=1&amp;api_key=${key}?ver=6.4`])
      assert.equal(await dead(`<script src="/signal?${query}">`, page), `https://site.example/signal?${query.replace(/&[^;]*;/g, '&')}`, query);
    for (const [src, is] of [['/x/signal', 'cut'], [`${at}signal.js?ver=6.4`, 'cut'], ['/signal', 'cut'], [`/x/signal?${key}`, ''], ['/js/signal.js', ''], ['https://other.example/x/signal', ''], ['https://{', ''],
      [`/x/signal?${key}k`, 'key'], [`/x/signal?${key.slice(1)}`, 'key'], [`/signal?v=1&amp;api_key=${key}k&amp;ver=6.4`, 'key']])
      assert.equal(cut(`<script src="${src}"></script>`, page, [at, 'https://site.example/polycircle/']), is, String(src));
    assert.equal(cut('<!-- <script src="/x/signal"></script> -->', page, [at]), '');
    const tag = (src, more = '') => `<head><script src="${src}signal?${key}"${more}></script></head>`;
    for (const [html, src] of [[tag(at), ''], [tag('/x/'), ''], [tag('https://site.example/'), `https://site.example/signal?${key}`], [tag('/'), `https://site.example/signal?${key}`], ['', ''],
      [`<!-- ${tag('/')} -->`, ''], [tag('https://unseen.example/'), '']]) assert.equal(await dead(html, page), src, html);
    for (const [html, words] of [[tag(at), /^$/], [tag('/x/'), /^$/], [tag(www), /line is for pages of https:\/\/www/], [tag(www, ' data-worker="/good.js"'), /^$/], [tag(www, ' data-worker="/zip.js"'), /without its line.*importScripts/],
      [tag(www, ' data-worker=/none.js'), /not there.*importScripts/], [tag(at, ' data-worker=/x/circle-sw.js'), /^$/]]) assert.match(await workerless(html, page, [at, www]), words, html);
    const c = /** @type {any} */ ({ api_key: key, mirror: true, origins: ['https://site.example'] }), paste = /copy the line above again/;
    for (const [html, is, words, change] of [[tag(at), 'once', /^Yes/], [tag(at).replaceAll('"', '\u201d'), 'curly', paste], [tag(at).replace('</script>', ''), 'open', paste], [tag(at).replace(' src', '\u00a0src'), 'space', paste],
      [tag(at).replace(key, `${key}k`), 'key', paste], [tag('/'), 'dead', /nothing that shares/], [tag(at), 'refused', /^The line is .*site\.example may not use/, { origins: [] }], [tag(at), 'stopped', /Share again/, { mirror: false }],
      [tag(www), 'workerless', /line is for/], ['<p>', 'none', /not in that page/, { origins: [] }]]) {
      const got = await judge(html, page, { ...c, ...change }, [at, www]);
      assert.equal(got[0], is, html);
      assert.match(got[1], words);
    }
  } finally { globalThis.fetch = real; }
});

test('a set-up that begins anew in the same tab shows its own line', () => {
  globalThis.sessionStorage = /** @type {any} */ ({});
  assert.equal(passed({ api_key: 'one' }), false);
  passed({ api_key: 'one' }, true);
  assert.deepEqual([passed({ api_key: 'one' }), passed({ api_key: 'two' }), passed(undefined)], [true, false, false]);
});

test('the code is the page\'s alone: it lies in storage only on the way to the next one', async () => {
  const kept = new Map(), heard = {}, listen = (type, call) => { heard[type] = call; }, real = globalThis.location;
  globalThis.sessionStorage = /** @type {any} */ ({ getItem: k => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: k => kept.delete(k) });
  Object.assign(globalThis, { document: { addEventListener: listen }, addEventListener: listen, location: new URL('https://site.example/cgi-bin/polycircle.fcgi/setup') });
  try {
    const { code, handOn } = await import('../../htdocs/owner/api.js?first');
    code.set('secret');
    handOn();
    const click = (href, at) => heard.click({ timeStamp: at, target: { closest: () => href && { href } } });
    const leave = at => { heard.pagehide({ timeStamp: at }); const left = [...kept.values()]; kept.clear(); return left; };
    assert.deepEqual([code.get(), [...kept]], ['secret', []]);
    assert.deepEqual(leave(1), [], 'loaded again, or another address typed');
    click('https://site.example/blog.html', 2);
    assert.deepEqual(leave(3), [], 'a page of the site');
    click('https://site.example/cgi-bin/polycircle.fcgi/console', 4);
    assert.deepEqual([...kept], [], 'a link may be opened in another tab');
    assert.deepEqual(leave(20000), [], 'long ago');
    click('https://site.example/cgi-bin/polycircle.fcgi/console', 20001);
    assert.deepEqual(leave(20002), ['secret'], "a page of the owner's");
    kept.set('polycircle-owner-code', 'secret');
    const next = await import('../../htdocs/owner/api.js?next');
    assert.deepEqual([next.code.get(), [...kept]], ['secret', []], 'which takes it away at once');
  } finally { Object.assign(globalThis, { location: real }); delete globalThis.document; delete globalThis.addEventListener; }
});

test('set-up offers to allow pages of hosts that the owner has named', () => {
  const urls = ['https://site.example/polycircle/', 'https://films.example:8443/films/'];
  for (const [origin, expected] of [['https://site.example', true], ['https://www.site.example', true], ['http://site.example:8080', true], ['https://films.example', true], ['https://example', true],
    ['https://evil.example', false], ['https://evilsite.example', false], ['https://site.example.evil.example', false], ['null', false], ['', false], ['https://', false]])
    assert.equal(kin(origin, urls), expected, origin);
});

test('what is to be deleted in the end is what the zip has brought', () => {
  const text = name => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'), list = text('tools/release').split('\nfiles() {')[1].split('\n}')[0];
  const names = new Set([...list.matchAll(/\$(?:at|root)\/(?:cgi-bin\/)?([\w.-]+\.(?:fcgi|txt|js|html|bin))\b/g)].map(([, name]) => name));
  assert.ok(names.size > 10, `${[...names]}`);
  for (const name of names) for (const file of ['htdocs/owner/console.js', 'INSTALL']) assert.ok(text(file).includes(name), `${name} is not in ${file}`);
});

test('sizes', () => assert.deepEqual([0, 999, 1500, 25_000_000, 7_300_000_000].map(size), ['0 bytes', '999 bytes', '1.5 kB', '25 MB', '7.3 GB']));

test('one look: what two pages call by the same name is the same colour', () => {
  const blocks = file => readFileSync(new URL(`../../htdocs/${file}`, import.meta.url), 'utf8').split('prefers-color-scheme: dark');
  const colours = css => Object.fromEntries([...css.slice(0, css.indexOf('}')).matchAll(/--([\w-]+): (#\w+)/g)].map(([, name, value]) => [name, value]));
  const [light, dark] = blocks('owner/owner.css').map(css => colours(css.slice(css.indexOf(':root'))));
  for (const file of ['demo/demo.css', 'check/polycircle-check.html']) for (const [i, own] of blocks(file).entries()) {
    const theirs = colours(own.slice(own.indexOf(':root'))), shared = Object.keys(theirs).filter(name => name in [light, dark][i]);
    assert.ok(shared.includes('accent') && shared.length > 5, `${file} has ${shared}`);
    for (const name of shared) assert.equal(theirs[name], [light, dark][i][name], `--${name} of ${file}, ${['light', 'dark'][i]}`);
  }
});

test('a service worker of the site’s own, as its scripts register it', () => {
  const page = 'https://site.example/blog/', is = (...scripts) => said(scripts, page);
  for (const [script, name] of [["if ('serviceWorker' in navigator) navigator.serviceWorker.register('/sw.js')", 'https://site.example/sw.js'],
    ['"serviceWorker"in navigator&&window.addEventListener("load",()=>{navigator.serviceWorker.register("./sw.js?v=3",{scope:"./"})})', 'https://site.example/blog/sw.js?v=3'],
    ['navigator.serviceWorker\n  .register(`/x/sw.js`)', 'https://site.example/x/sw.js'], ['navigator.serviceWorker.register(new URL("/sw.js", import.meta.url))', 'https://site.example/sw.js'],
    ['navigator.serviceWorker?.register(this.url)', ''], ['navigator.serviceWorker.register(e+"/service-worker.js")', '']]) assert.deepEqual(is('var a', script), { registers: true, script: name, takes: false }, script);
  for (const script of ['navigator.serviceWorker.ready.then(function(n){n.unregister()})', 'navigator.serviceWorker.getRegistrations().then(all => { for (const one of all) one.unregister(); })']) assert.deepEqual(is(script), { registers: false, script: '', takes: true }, script);
  for (const script of ['', 'navigator.serviceWorker.controller', 'form.register("a")', 'navigator.serviceWorker.addEventListener("message", f); plugin.register(x)']) assert.deepEqual(is(script), { registers: false, script: '', takes: false }, script);
});

test('what is kept of it: an owner’s word stands until a worker is seen; none holds for one site only', () => {
  const site = 'https://site.example', c = (worker, origins = [site, 'https://www.site.example']) => /** @type {any} */ ({ worker, origins }), found = worker => ({ worker, script: '', why: '' });
  for (const [kept, seen, is] of [['unknown', 'none', 'none'], ['unknown', 'unknown', 'unknown'], ['none', 'unknown', 'none'], ['none', 'own', 'own'], ['none', '/sw.js', '/sw.js'], ['own', 'none', 'own'],
    ['own', '/sw.js', '/sw.js'], ['/sw.js', 'own', 'own'], ['/sw.js', 'none', '/sw.js'], ['/sw.js', 'unknown', '/sw.js']]) assert.equal(keeps(c(kept), found(seen), site), is, `${kept}, ${seen}`);
  assert.equal(keeps(c('unknown', [site, 'https://other.example']), found('none'), site), 'unknown', 'of the other site nothing is known');
});
