// The spool in use: greeters that read their mail from files, a cache in front that lies, a spool that vanishes, short addresses.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PATIENCE, addSpool, makeSite, makeVisitor, mirrored, page, play, until } from '../browser/site.mjs';
import { freePort, makeDirectory, must, polycircle, removeDirectory, startHost, upload } from '../servers/server.mjs';

const run = promisify(execFile);

const isBox = line => line.path.startsWith('/polycircle-spool/box-');
const isSync = line => line.path.endsWith('/sync');

test('two viewers find each other by a box, the film comes from the first', async () => {
  const site = await makeSite({ pages: { 'index.html': page('<video controls muted preload="none" src="/media/film.mp4"></video>', '%TAG%') }, film: { seconds: 8 }, hosts: ['127.0.0.1'] });
  after(() => site.close());
  const dir = await addSpool(site);
  const first = await makeVisitor(), second = await makeVisitor();
  after(() => Promise.all([first.close(), second.close()]));
  const greeter = await first.open(`${site.url}/`);
  await mirrored(greeter);
  await play(greeter);
  await until(greeter, 'the film is whole', () => { const [film] = globalThis.polycircle?.stats().media ?? []; return film?.have === film?.pieces && film && globalThis.polycircle.role === 'greeter'; });
  for (const end = Date.now() + 10_000 * PATIENCE; !first.mine(await site.log()).some(isBox);) {
    assert.ok(Date.now() < end, 'the greeter reads its box');
    await sleep(200);
  }
  const before = first.mine(await site.log()).length;
  await sleep(10_000);
  const idle = first.mine(await site.log()).slice(before);
  assert.ok(idle.filter(isBox).length >= 4, `it reads its box: ${idle.filter(isBox).length} times in 10 s`);
  assert.equal(idle.filter(isSync).length, 0, 'and asks the program nothing');
  assert.ok(idle.filter(isBox).every(line => line.status === 200), 'the box is always there');

  const tab = await second.open(`${site.url}/`);
  await until(tab, 'a link', () => globalThis.polycircle?.peers.length);
  const took = await tab.evaluate('polycircle.stats().first_peer_ms');
  assert.ok(took < 4000 * PATIENCE, `the first link after ${Math.round(took)} ms`);
  await play(tab);  // not before the link is there: the host could have brought it all by then
  await until(tab, 'pieces from the first viewer', () => globalThis.polycircle.stats().bytes.peers > 0);
  // a third comes while the loader, the package and the manifest are files
  const third = await makeVisitor();
  after(() => third.close());
  await until(await third.open(`${site.url}/`), 'a link', () => globalThis.polycircle?.peers.length);
  const lines = third.mine(await site.log());
  assert.ok(lines.some(line => /\/polycircle-spool\/package-/.test(line.path) && line.status === 200), 'the package came from the spool');
  assert.ok(lines.some(line => /\/polycircle-spool\/manifest-[^/]*\.json\.gz/.test(line.path) && line.status === 200), 'and the manifest');
  assert.equal(lines.filter(line => /fcgi\/(package|manifest)/.test(line.path)).length, 0, 'neither from the program');
  // a greeter that goes takes its box along, also when its last link has closed; once it is quiet: a request of its own that is under way
  // could come after the word that it goes, and would be a signal until its lease ends, as when a browser is killed
  for (const viewer of [third, second]) await viewer.page.goto('about:blank');
  await until(greeter, 'it is alone', () => !globalThis.polycircle.peers.length);
  const syncs = () => greeter.evaluate('polycircle.signal.syncs');
  for (let n = -1, end = Date.now() + 20_000 * PATIENCE; n !== (n = await syncs()); await sleep(1500)) assert.ok(Date.now() < end, 'it is quiet');
  const [box] = /box-[0-9a-f]+\.json/.exec(first.mine(await site.log()).filter(isBox).at(-1).path), there = async () => (await readdir(dir)).includes(box);
  assert.ok(await there(), box);
  await greeter.evaluate(() => { globalThis.dispatchEvent(new PageTransitionEvent('pagehide')); });  // a slow machine's browser may end a page that goes before it hears of it
  for (const end = Date.now() + 10_000 * PATIENCE; await there(); await sleep(200)) {
    assert.ok(Date.now() < end, `its box is gone: ${JSON.stringify(first.mine(await site.log()).filter(isSync).slice(-4))}`);
  }
});

/** nginx in front, which keeps every GET for ten minutes, whatever its query and its headers say. */
async function lyingCache(site) {
  const port = await freePort(), at = name => join(site.dir, 'run', name);
  await writeFile(at('cache.conf'), `daemon off; worker_processes 1; pid ${at('cache.pid')}; error_log ${at('cache.log')};
    ${process.getuid?.() === 0 ? 'user www-data;' : ''}
    events { }
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${at(`nginx-${name}`)};`).join(' ')}
      proxy_cache_path ${at('cache')} keys_zone=all:1m;
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${site.url}; proxy_set_header Host $http_host; }
        location /polycircle-spool/ {
          proxy_pass ${site.url}; proxy_set_header Host $http_host; proxy_cache all; proxy_cache_key $uri; proxy_cache_valid any 10m;
          proxy_ignore_headers Cache-Control Expires Vary Set-Cookie X-Accel-Expires;
        }
      }
    }`);
  const child = spawn('nginx', ['-c', at('cache.conf')], { stdio: 'ignore' });
  after(() => child.kill());
  for (const end = Date.now() + 10_000 * PATIENCE; ; await sleep(50)) {
    const open = await new Promise(ok => { const socket = connect(port, '127.0.0.1', () => { socket.destroy(); ok(true); }).on('error', () => ok(false)); });
    if (open) return `http://127.0.0.1:${port}`;
    assert.ok(Date.now() < end && child.exitCode === null, 'nginx starts');
  }
}

test('a cache in front that lies: signaling still works', async () => {
  const site = await makeSite({ pages: { 'index.html': page('<p>a page</p>', '%TAG%') } });
  after(() => site.close());
  const url = await lyingCache(site);
  await site.program(['url', 'add', `${url}/cgi-bin/polycircle.fcgi`]);
  await site.program(['circle', 'allow', 'test', '--origin', url]);
  await addSpool(site, url);
  const first = await makeVisitor(), second = await makeVisitor();
  after(() => Promise.all([first.close(), second.close()]));
  const greeter = await first.open(`${url}/`);
  await until(greeter, 'the greeter', () => globalThis.polycircle?.role === 'greeter');
  await until(greeter, 'it sees that the box lags and asks the program again', () => globalThis.polycircle.signal.box?.good === false, 30_000);
  const tab = await second.open(`${url}/`);
  await until(tab, 'a link', () => globalThis.polycircle?.peers.length);
  const took = await tab.evaluate('polycircle.stats().first_peer_ms');
  assert.ok(took < 5000 * PATIENCE, `the first link after ${Math.round(took)} ms`);
});

test('the spool vanishes: greeters go back to the program', async () => {
  const site = await makeSite({ pages: { 'index.html': page('<p>a page</p>', '%TAG%') } });
  after(() => site.close());
  const dir = await addSpool(site), first = await makeVisitor(), second = await makeVisitor();
  after(() => Promise.all([first.close(), second.close()]));
  const greeter = await first.open(`${site.url}/`);
  for (const end = Date.now() + 15_000 * PATIENCE; !first.mine(await site.log()).some(isBox); await sleep(200)) assert.ok(Date.now() < end, 'the greeter reads its box');
  await run('rm', ['-r', dir]);
  await until(greeter, 'three failures', () => globalThis.polycircle.signal.box?.good === false, 30_000);
  await until(await second.open(`${site.url}/`), 'a link', () => globalThis.polycircle?.peers.length);
});

test('short addresses: the loader is a file, and the program where there is none', async () => {
  const dir = await makeDirectory();
  after(() => removeDirectory(dir));
  await upload(dir, { public_html: [3] });
  const own = `<Directory ${dir}/public_html>\nAllowOverride FileInfo\nOptions FollowSymLinks\nRequire all granted\n</Directory>
    ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\nSetEnv POLYCIRCLE_DATA ${dir}/data\n`;
  const server = await startHost('apache-cgid', dir, own), at = 'public_html/cgi-bin';
  after(() => server.stop());
  const spool = join(dir, 'public_html/polycircle-spool'), { uid, gid } = await stat(join(dir, 'data'));
  await mkdir(spool);
  await chmod(spool, 0o755);
  await chown(spool, uid, gid);
  await must(dir, ['init', '--url', 'http://site.example/polycircle/'], {}, at);
  const { api_key } = JSON.parse(await must(dir, ['circle', 'add', 'test', '--p2p', 'on', '--ice', 'none', '--worker', 'none', '--json'], {}, at));
  const isFile = answer => answer.status === 200 && !answer.headers['access-control-allow-origin'] && /POLYCIRCLE_CONFIG=\{.*"base":"polycircle\/"/.test(answer.body);
  assert.equal(isFile(await server.request({ path: `/signal?${api_key}` })), false, 'the program answers');
  await must(dir, ['set', 'spool_dir', spool], {}, at);
  await must(dir, ['set', 'spool_url', 'http://site.example/polycircle-spool/'], {}, at);
  let joined;
  for (let n = 0; !(await readdir(spool)).some(name => name.startsWith('signal-')); n++, await sleep(500)) {
    assert.ok(n < 20 * PATIENCE, 'a loader in the spool');
    joined = await server.sync({ v: 1, key: api_key, token: String(n).padStart(64, '0'), run: '00000001' }, { path: '/polycircle/sync' });
    assert.equal(joined.status, 200, JSON.stringify(joined.json));
  }
  for (const path of [`/signal?${api_key}`, `/signal.js?${api_key}`, `/signal?api_key=${api_key}`, `/signal?${api_key}?ver=6.4.2`, `/signal?${api_key}&ver=6.4.2`, `/signal?ver=6.4.2&${api_key}`]) assert.ok(isFile(await server.request({ path })), path);
  assert.equal((await server.request({ path: `/signal?${'k'.repeat(21)}A` })).status, 403, 'another key: the program says no');
  assert.equal((await server.request({ path: '/signal?nobody-has-this-key-at-all' })).status, 404, 'what is no key is the site\'s');
  assert.equal((await polycircle(dir, ['circle', 'remove', 'test'], {}, at)).code, 0);
  const loader = async () => (await server.request({ path: `/signal?${api_key}` })).body.toString();
  for (let n = 0; /POLYCIRCLE_CONFIG/.test(await loader()); n++, await sleep(500)) {
    assert.ok(n < 20 * PATIENCE, 'then its loader cleans up');
    assert.match((await server.request({ path: `/polycircle/manifest/${joined.json.cid}.json` })).body.toString(), /removed/);
  }
});
