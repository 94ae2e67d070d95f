// What is there goes on: an instance that version 0.1.0 left on a host, with its backups, its spool, short addresses, tags in pages and
// pages that are open (tests/kept/make.mjs made it, by that program), and the program of now in its place. One life of it, in order.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { PATIENCE, makeViewer, until } from '../browser/site.mjs';
import { form, htaccess, makeDirectory, must, parse, removeDirectory, startHost, tier0, upload } from '../servers/server.mjs';
import { Signal } from '../servers/signal.mjs';

const kept = fileURLToPath(new URL('../kept/0.1.0/', import.meta.url)), DAY = '2026-01-02';
const was = JSON.parse(await readFile(join(kept, 'facts.json'), 'utf8'));  // what the loader of before said, a visitor's token, keys of other circles
let dir, data, site, spool, server, code, viewer;

const sql = (file, text) => execFileSync('sqlite3', [file], { input: text, encoding: 'utf8' }).trim();
const cli = (...args) => must(dir, args, { POLYCIRCLE_DATA: undefined }, 'public_html/cgi-bin');
const get = async (path, headers = {}) => {
  const answer = await server.request({ path, headers });
  return { ...answer, text: answer.body.toString(), json: parse(answer.body) };
};
const owner = async (action, fields = {}) => parse((await server.request({ method: 'POST', path: '/owner', body: form({ v: 1, code, do: action, ...fields }) })).body);
const loader = text => JSON.parse(/POLYCIRCLE_CONFIG=(.*);\n/.exec(text)[1]);
const sha = bytes => createHash('sha256').update(bytes).digest('hex');

before(async () => {
  dir = await makeDirectory();
  [data, site, spool] = ['polycircle-data', 'public_html', 'public_html/polycircle-spool'].map(name => join(dir, name));
  await upload(dir, {});
  const program = join(site, 'cgi-bin/polycircle.fcgi');
  await rename(program, `${program}.new`);
  await cp(join(kept, 'public_html'), site, { recursive: true });
  await htaccess(join(site, 'cgi-bin'), ['options']);
  for (const name of ['film.mp4', 'song.mp3']) await utimes(join(site, 'media', name), 1790000000, 1790000000);
  for (const name of await readdir(spool)) await utimes(join(spool, name), Date.now() / 1000, Date.now() / 1000 - 10);
  await mkdir(join(data, 'backups'), { recursive: true, mode: 0o700 });
  await copyFile(join(kept, 'owner-code'), join(data, 'owner-code'));
  code = (await readFile(join(data, 'owner-code'), 'utf8')).trim();
  for (const [from, to] of [['polycircle.sql', 'polycircle.db'], ['backup.sql', `backups/polycircle-${DAY}.db`]]) {
    sql(join(data, to), (await readFile(join(kept, from), 'utf8')).replaceAll('DIR/', `${dir}/`));
    await chmod(join(data, to), 0o600);
  }
  await chmod(join(data, 'owner-code'), 0o600);
  if (process.getuid() === 0) execFileSync('chown', ['-R', 'www-data:www-data', dir]);
  await rename(`${program}.new`, program);  // as `polycircle upgrade` does it
  server = await startHost('apache-fcgid', dir, `<Directory ${site}>\n  AllowOverride All\n</Directory>\n`);
  viewer = await makeViewer({ args: [`--host-resolver-rules=MAP site.example:80 127.0.0.1:${server.port}`, '--unsafely-treat-insecure-origin-as-secure=http://site.example'] });
});
after(async () => {
  await viewer?.close();
  await server?.stop();
  if (dir) await removeDirectory(dir);
});

test('a page with the loader of before, which the spool still had: its client joins the new program, mirrors and reads its mail', async () => {
  assert.deepEqual(loader((await get(`/signal?${was.key}`)).text).package, was.package);
  const tab = await viewer.open('http://site.example/');
  await until(tab, 'it is in, has the manifest and its worker', () => globalThis.polycircle?.role == 'greeter' && polycircle.mirror?.version == 1 && navigator.serviceWorker.controller);
  assert.equal(await tab.evaluate(() => localStorage.polycircle), was.package, 'it is the client of before');
  await tab.waitForResponse(answer => /\/polycircle-spool\/box-[0-9a-f]{32}\.json\?/.test(answer.url()) && answer.ok());
});

test('a page that was open: its manifest, its package and the worker, by both addresses, before anything else is asked', async () => {
  const list = parse(await readFile(join(kept, `public_html/polycircle-spool/manifest-${was.cid}-${was.version}.json`)));
  for (const base of ['/', tier0]) {
    const { status, headers, json } = await get(`${base}manifest/${was.cid}.json`);
    assert.deepEqual([status, json], [200, list], 'signed by the same key, and not a letter changed');
    assert.equal((await get(`${base}manifest/${was.cid}.json`, { 'If-None-Match': headers.etag })).status, 304);
    const archive = await get(`${base}package/${was.package}.tar.gz`);
    assert.deepEqual([archive.status, sha(archive.body)], [200, was.package]);
    const worker = await get(`${base}circle-sw.js`);
    assert.deepEqual([worker.status, worker.headers['service-worker-allowed']], [200, '/']);
  }
  assert.deepEqual(parse(gunzipSync((await get(`/manifest/${was.cid}.json.gz`)).body)), list, 'and packed, as clients of now ask for it');
});

test('a visitor of before: is told to come again, and does, as the same signal', async () => {
  const signal = Object.assign(new Signal(server, was.key), { token: was.token, run: '00000001', joined: true });
  assert.equal(await signal.step([]), false);
  assert.equal(signal.joined, false, 'rejoin');
  assert.equal(await signal.step([]), true);
  const other = new Signal(server, was.key);
  assert.equal(await other.step([]), true);
  for (let n = 0; !other.sent.size && n < 100; n++) await other.step([signal]);
  await signal.step([]);
  assert.deepEqual([...signal.read], [...other.sent.keys()], 'mail comes');
  assert.equal((await get(`/roster/${was.cid}.json`)).json.n, 3);
});

test('the tag of before: the loader says what it said, and the spool becomes that of the new program', async () => {
  const now = async () => (await readdir(spool)).filter(name => !name.startsWith('box-')).sort();
  const { token, quiet, gone, ...said } = was;
  let config;
  for (const path of [`${tier0}signal?${was.key}`, `${tier0}signal?api_key=${was.key}`, `/signal.js?x&api_key=${was.key}`]) {
    const { status, text } = await get(path);
    assert.equal(status, 200, path);
    config = loader(text);
    assert.deepEqual({ ...config, package: was.package }, said, 'visitors take part as they did');
  }
  assert.notEqual(config.package, was.package);
  const files = ['.htaccess', 'index.html', `manifest-${was.cid}-1.json.gz`, `package-${was.cid}-${config.package}.tar.gz`, 'probe.json', `roster-${was.cid}.json`, `short-${was.key}.js`, `signal-${was.key}.js`];
  for (const end = Date.now() + 20_000 * PATIENCE; (await now()).join() !== files.sort().join(); await sleep(300)) {
    assert.ok(Date.now() < end, String(await now()));
    await new Signal(server, was.key).step([]);  // whoever comes brings it about
  }
  assert.deepEqual(loader((await get(`/signal?${was.key}`)).text), config, 'the tag gets the new loader, by the spool');
  for (const path of [`/polycircle-spool/package-${was.cid}-${config.package}.tar.gz`, `/package/${config.package}.tar.gz`]) assert.equal(sha((await get(path)).body), config.package, path);
  const list = await get(`/polycircle-spool/manifest-${was.cid}-1.json.gz`);
  assert.equal(JSON.parse(parse(list.headers['content-encoding'] ? list.body : gunzipSync(list.body)).signed).version, 1);
});

test('the page that was open is still in; loaded again, with what its browser has kept, it is of the new client', async () => {
  const { page } = viewer, state = () => page.evaluate(() => [globalThis.polycircle?.role, localStorage.polycircle]); // there the client of before keeps which one it is
  assert.deepEqual(await state(), ['greeter', was.package]);
  await page.reload();
  await until(page, 'the new client is in', sha256 => globalThis.polycircle?.role == 'greeter' && performance.getEntriesByType('resource').some(({ name }) => /\bpackage[-/].*\.tar\.gz$/.test(name) && !name.includes(sha256)) && polycircle.mirror?.version == 1, 15_000, was.package);
  assert.equal(await page.evaluate(() => fetch('/media/film.mp4').then(r => r.text())), 'a film\n', 'by the worker of before');
});

test('who has the loader of before from a cache still finds its package, whole and file by file', async () => {
  const archive = await get(`/package/${was.package}.tar.gz`);
  assert.deepEqual([archive.status, sha(archive.body)], [200, was.package]);
  const file = await get(`/package/${was.package}/signal.js`);
  assert.equal(file.status, 200);
  assert.ok(gunzipSync(archive.body).includes(file.body), 'the file that it held, not that of now');
});

test('the owner: the same code, circles and choices; what an earlier version may have given away is said', async () => {
  assert.equal((await owner('state')).state, 'set');
  const { urls, root, circles, exposed_code } = await owner('status'), [demo, quiet] = circles.sort((a, b) => (a.can < b.can ? -1 : 1));
  assert.deepEqual([urls.sort(), root], [['http://site.example/', `http://site.example${tier0}`], site]);
  assert.deepEqual([demo.can, demo.cid, demo.api_key, demo.sign, demo.p2p, demo.ice, demo.version], ['demo', was.cid, was.key, was.sign, 'on', was.ice, 1]);
  assert.deepEqual(demo.origins.sort(), ['http://site.example', 'https://blog.example']);
  assert.deepEqual([quiet.can, quiet.api_key, quiet.p2p, quiet.roster, quiet.listed], ['quiet', was.quiet, 'ask', 'members', false]);
  assert.equal(circles.length, 2);
  assert.match((await get(`/signal?${was.gone}`)).text, /unregister/);
  assert.deepEqual([demo.exposed, quiet.exposed, exposed_code], [true, true, true]);
  assert.deepEqual((await owner('tiers')).tiers, [3]);
  const { settings } = await owner('selftest');
  assert.deepEqual([settings.wire, settings.budget, settings.spool_url], ['h', '4', 'http://site.example/polycircle-spool/']);
  await owner('share', { circle: 'demo' });
  for (let n = 0, read = {}; !read.finished; n++) {
    read = await owner('index', { circle: 'demo' });
    assert.ok(n < 100 && !read.error, JSON.stringify(read));
    if (read.finished) assert.deepEqual([read.files, read.same, read.version], [2, true, 1], 'its content is as it was');
  }
  const { checks } = JSON.parse(await cli('check', '--json'));
  assert.deepEqual(checks.filter(({ level, what }) => level !== 'ok' && what !== 'exposed keys'), []);
});

test('the console opens with that code in a browser, and says so, too', async () => {
  const page = await viewer.tab();
  await page.goto('http://site.example/console');
  await page.fill('#owner', code);
  await page.click('#enter-form button');
  await page.waitForSelector('text=could give away parts of its memory');
});

test('a backup of before is restored, and what visitors have goes on', async () => {
  const { wire, budget, ...before } = loader((await get(`${tier0}signal?${was.key}`)).text);
  await cli('circle', 'add', 'later', '--json');
  await writeFile(join(spool, `signal-${was.quiet}.js`), '// as the program writes it when somebody joins');
  await cli('restore', join(data, `backups/polycircle-${DAY}.db`));
  assert.deepEqual((await owner('status')).circles.map(({ can, p2p }) => [can, p2p]), [['demo', 'on']]);
  const now = loader((await get(`${tier0}signal?${was.key}`)).text);
  assert.deepEqual([now.cid, now.key, now.sign, now.p2p], [was.cid, was.key, was.sign, 'on']);
  assert.ok(now.version > before.version);
  await cli('publish', 'demo', join(site, 'media'), '--at', '/media/'); // as it says: what files hold is not taken from a copy
  const { json } = await get(`/manifest/${was.cid}.json`);
  assert.deepEqual([json.key, JSON.parse(json.signed).version >= now.version, JSON.parse(json.signed).media.length], [was.sign, true, 2]);
  const signal = Object.assign(new Signal(server, was.key), { token: was.token, run: '00000001' });
  assert.equal(await signal.step([]), true);
  assert.equal((await get(`/signal?${was.quiet}`)).json?.error, 'unknown_key', 'a circle that came after the copy');
});
