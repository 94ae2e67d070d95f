// /setup and /console as an owner meets them: Apache, the program uploaded, a file manager and a browser; no shell, no command line.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE, adopted, makeFilm, makeVisitor, page as html, play, until } from '../browser/site.mjs';
import { form, freePort, parse } from '../servers/server.mjs';
import { makeHost } from './owner.mjs';
import { startStun } from './stund.mjs';

let film, scratch;
const shots = process.env.POLYCIRCLE_SHOTS;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'polycircle-setup-'));
  await makeFilm(join(scratch, 'film.mp4'), { seconds: 24 });
  film = await readFile(join(scratch, 'film.mp4'));
  if (shots) await mkdir(shots, { recursive: true });
});
after(() => rm(scratch, { recursive: true, force: true }));

/** A host with a site on it, and its owner's browser; both end with the test. */
function owner(name, work, options = {}) {
  test(name, { timeout: 120_000 * PATIENCE }, async () => {
    const host = await makeHost(options), viewer = await makeVisitor(options.viewer);
    try {
      await host.put('public_html/index.html', html('hello'));
      await host.put('public_html/films/film.mp4', film);
      await host.put('public_html/films/small.txt', 'text');
      await work(host, viewer, await viewer.open(`${host.base}setup`));
      const bad = viewer.lines.filter(line => /pageerror|Content Security/.test(line));
      assert.deepEqual(bad, [], 'no script fails, no policy is hit');
    } catch (error) {
      error.message += `\n${viewer.lines.join('\n')}\n${await host.server.errors()}`;
      if (shots) await viewer.page?.screenshot({ path: join(shots, `failed-${name.replace(/\W+/g, '-')}.png`), fullPage: true });
      throw error;
    } finally {
      await viewer.close();
      await host.close();
    }
  });
}

const at = (p, step) => p.waitForSelector(`#step-${step}[data-state=current]`, { timeout: 20_000 * PATIENCE });
const says = async (p, id, pattern) => {
  const el = await p.waitForSelector(`#${id}:not(:empty)`, { timeout: 20_000 * PATIENCE });
  assert.match(await el.textContent(), pattern);
};

/** The wizard up to the step of the tag, with a mouse. */
async function wizard(host, p, { p2p = 'ask', folder = 'films', step = 'tag' } = {}) {
  await at(p, 'code');
  await p.fill('#code', (await host.read('polycircle-data/setup-code')).toUpperCase().replaceAll('-', ' '));
  await p.click('#code-form button');
  await at(p, 'address');
  await p.click('#address-form button');
  await at(p, 'visitors');
  await p.check(`[name=p2p][value=${p2p}]`);
  await p.check('[name=stun][value=""]');
  await p.click('#visitors-form > button');
  await at(p, 'folder');
  await p.check(`#folders [value=${folder}]`);
  await p.click('#folder-form > button');
  await at(p, step);
}

/** It is there, with these words, when the instance has answered. */
async function tagOf(p, words = 'signal?') {
  await p.waitForFunction(text => document.getElementById('tag')?.value.includes(text), words);
  return p.inputValue('#tag');
}

/** The first server is proposed; one that cannot be, or does not answer, is not taken by mistake. */
async function stun(p) {
  const tells = words => p.waitForFunction(w => new RegExp(w).test(document.getElementById('visitors-form-says')?.textContent ?? ''), words);
  const good = await startStun(), press = () => p.click('#visitors-form > button'), other = async url => { await p.fill('#stun-other', url); await press(); };
  try {
    assert.match(await p.getAttribute('[name=stun]:checked', 'value'), /^stun:stun\.nextcloud\.com:443$/, 'who only goes on has a server');
    await p.check('[name=stun][value=other]');
    await other('nonsense !!');
    await tells('is not the address of a STUN server');
    await other(`127.0.0.1:${await freePort()}`);
    await tells('did not answer this browser.*mistyped or down.*press again');
    await other(good.url);
    await at(p, 'folder');
  } finally { await good.stop(); }
  assert.match(await p.textContent('#step-visitors .summary'), new RegExp(`visitors are asked, ${good.url}`));
  await p.click('#step-visitors .summary button');
  await other(`127.0.0.1:${await freePort()}`);
  await tells('did not answer this browser');
  await press();
  await at(p, 'folder');
}

async function finish(host, p) {
  await p.click('#tag-form button');
  await p.click('#done-form button');
  assert.match(await p.textContent('#step-tag .summary'), /^For pages of http/);
  await p.waitForSelector('#after-done:not([hidden])');
  assert.match(await p.textContent('#said'), /^Done\. This is your code/, 'told to who does not see it');
  const code = await p.textContent('#owner-code');
  assert.equal(code, await host.read('polycircle-data/owner-code'), 'the page shows the code of the file');
  return code;
}

const post = async (host, body, headers = {}) => {
  const answer = await host.server.request({ method: 'POST', path: '/cgi-bin/polycircle.fcgi/owner', body: form({ v: 1, ...body }), headers });
  return { status: answer.status, json: parse(answer.body) };
};
const mode = async (host, name) => (await stat(join(host.dir, name))).mode & 0o777;

owner('from an uploaded program to a film shared between two browsers', async (host, viewer, p) => {
  const shot = async (name) => { if (shots) await p.screenshot({ path: join(shots, `setup-${name}.png`), fullPage: true }); };
  await at(p, 'code');
  assert.deepEqual([await mode(host, 'polycircle-data'), await mode(host, 'polycircle-data/setup-code')], [0o700, 0o600]);
  assert.match(await p.textContent('#code-path'), /polycircle-data\/setup-code$/);
  await p.fill('#code', 'k3fm-9qtz');
  await p.click('#code-form button');
  await says(p, 'code-form-says', /not the code/);
  await shot('1-code');
  await wizard(host, p, { p2p: 'on' });
  await shot('6-tag');
  assert.match(await p.evaluate(() => document.querySelector('#folders [value=films] + span')?.textContent ?? ''), /^films2 files/, 'the list counts what is shared');
  assert.match(await p.textContent('#step-index .summary'), /^2 files/, 'in the end, too');
  const tag = await tagOf(p);
  await host.put('public_html/film.html', html('<video src="/films/film.mp4" preload="none" muted></video>', tag));
  await p.click('#check-form button');
  await says(p, 'check-form-says', /not in that page/);
  await p.fill('#page', `${host.url}/film.html`);
  await p.click('#check-form button');
  await says(p, 'check-form-says', /Yes: /);
  await host.put('public_html/late.html', html('<video src="/films/film.mp4" preload="none" muted></video>' + tag));
  await p.fill('#page', `${host.url}/late.html`);
  await p.click('#check-form button');
  await says(p, 'check-form-says', /late: move the line up/);
  await host.put('public_html/cut.html', html('', tag.replace(/\?[^"]*/, '')));
  await p.fill('#page', `${host.url}/cut.html`);
  await p.click('#check-form button');
  await says(p, 'check-form-says', /without what stands behind the \?.*optimizer/);
  const one = await makeVisitor(), two = await makeVisitor();
  try {
    const first = await one.open(`${host.url}/film.html`);
    await adopted(first);
    await play(first);
    await until(first, 'the first viewer has the film', () => globalThis.polycircle?.stats().media[0]?.have >= 10, 30_000);
    await p.waitForSelector('#arrived[data-kind=good]', { timeout: 10_000 * PATIENCE });
    const second = await two.open(`${host.url}/film.html`);
    await adopted(second);
    await until(second, 'a link', () => globalThis.polycircle?.peers.length);
    await play(second);
    await until(second, 'the second one plays it', () => globalThis.polycircle?.stats().bytes.peers > 2_000_000, 30_000);
  } finally {
    await one.close();
    await two.close();
  }
  const code = await finish(host, p);
  await shot('7-done');
  assert.deepEqual((await readdir(join(host.dir, 'polycircle-data'))).filter(name => /code/.test(name)), ['owner-code'], 'setup-code is gone');
  assert.equal(await mode(host, 'polycircle-data/owner-code'), 0o600);
  await p.goto(`${host.base}setup`);
  await p.waitForSelector('#locked:not([hidden])');
  await viewer.restart();
  const other = await viewer.open(`${host.base}console`);
  await other.fill('#owner', code);
  await other.press('#owner', 'Enter');
  await other.waitForSelector('#inside:not([hidden])');
  await says(other, 'circle-127-0-0-1_read', /Nothing had changed/);
  if (shots) await other.screenshot({ path: join(shots, 'console.png'), fullPage: true });
  const log = await readFile(join(host.dir, 'run/access.log'), 'utf8');
  assert.ok(!log.includes(code) && !(await host.server.errors()).includes(code), 'no code in a log');
}, { viewer: { args: [] } });

const TRIES = process.env.POLYCIRCLE_LONG ? 1000 : 200;
owner('T13: who has no code wins nothing, before, during and after', async (host, viewer, p) => {
  await at(p, 'code');
  const tries = ['state', 'status', 'begin', 'circle', 'finish', 'folders'].filter(name => name != 'state');
  const storm = async () => {
    let won = 0;
    for (let i = 0; i < TRIES; i += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, (_, k) => post(host, { do: tries[(i + k) % tries.length],
        code: `${i + k}`.padStart(26, '0'), url: 'https://evil.example/', circle: 'evil' })));
      won += answers.filter(({ status, json }) => status != 403 || json?.error != 'wrong_code').length;
    }
    return won;
  };
  assert.equal(await storm(), 0, `of ${TRIES} none before`);
  assert.deepEqual((await readdir(join(host.dir, 'polycircle-data'))).sort(), ['.htaccess', 'index.html', 'setup-code'], 'nothing was made');
  const old = await host.read('polycircle-data/setup-code');
  await wizard(host, p);
  const code = await finish(host, p);
  assert.equal((await post(host, { do: 'finish', code: old })).status, 403, 'setup-code opens nothing any longer');
  assert.equal((await post(host, { do: 'begin', code, url: 'https://evil.example/' })).json.error, 'locked', 'nor does owner-code set up anew');
  assert.equal(await storm(), 0, `of ${TRIES} none afterwards`);
  for (const name of await readdir(join(host.dir, 'polycircle-data')))
    if (/^(polycircle|live)/.test(name)) await rm(join(host.dir, 'polycircle-data', name));
  await p.goto(`${host.base}setup`);
  await p.waitForSelector('#locked:not([hidden])');
  assert.ok(!(await readdir(join(host.dir, 'polycircle-data'))).includes('setup-code'), 'without its database it stays locked');
  assert.equal((await post(host, { do: 'begin', code, url: 'https://evil.example/' })).json.error, 'locked');
  assert.equal((await post(host, { do: 'address', code, url: 'https://evil.example/' })).json.error, 'not_set_up');
  assert.equal((await post(host, { do: 'status', code }, { Origin: 'https://evil.example' })).json.error, 'origin_refused');
  assert.equal((await post(host, { do: 'status', code }, { Origin: 'null' })).json.error, 'origin_refused');
  assert.equal((await post(host, { do: 'status', code }, { Origin: 'https://site.example:8443' })).status, 200);
}, { viewer: {} });

owner('the other proof: a file beside the program', async (host, viewer, p) => {
  await at(p, 'code');
  await p.click('#step-code summary');
  await p.click('#proof-form button');
  await says(p, 'proof-form-says', /no file/);
  const name = await p.textContent('#proof-name');
  assert.match(name, /^polycircle-[0-9a-f]{16}\.txt$/);
  await symlink('/etc/passwd', join(host.dir, 'public_html/cgi-bin', name));
  await p.click('#proof-form button');
  await says(p, 'proof-form-says', /no file/);
  await rm(join(host.dir, 'public_html/cgi-bin', name));
  await host.put(`public_html/cgi-bin/${name}`, '');
  for (const nonce of ['0'.repeat(32), 'f'.repeat(32)])
    assert.equal((await post(host, { do: 'prove', nonce })).status, 403, 'the file proves nothing for another browser');
  await p.click('#proof-form button');
  await at(p, 'address');
  await assert.rejects(stat(join(host.dir, 'public_html/cgi-bin', name)), 'the file is removed again');
});

/** Loads the page again, and types its code again: the page alone had it. */
async function typeAgain(host, p) {
  await p.reload();
  await at(p, 'code');
  await p.fill('#code', await host.read('polycircle-data/setup-code'));
  await p.click('#code-form button');
}

owner('reloads, a killed program and another browser go on where it stopped', async (host, viewer, p) => {
  await host.put('public_html/films/big.bin', 'x');
  await truncate(join(host.dir, 'public_html/films/big.bin'), 700 << 20);
  await at(p, 'code');
  await p.fill('#code', await host.read('polycircle-data/setup-code'));
  await p.click('#code-form button');
  await at(p, 'address');
  await typeAgain(host, p);
  await at(p, 'address');
  await p.click('#address-form button');
  await at(p, 'visitors');
  await typeAgain(host, p);
  await at(p, 'visitors');
  const elsewhere = await post(host, { do: 'circle', code: await host.read('polycircle-data/setup-code'), circle: 'elsewhere', p2p: 'ask', ice: [] });  // in another window
  assert.equal(elsewhere.status, 200);
  await p.fill('#can', 'here');
  await p.click('#visitors-form > button');
  await says(p, 'visitors-form-says', /made meanwhile, in another window/);
  assert.deepEqual([await p.inputValue('#can'), await p.isChecked('[name=stun][value=""]')], ['elsewhere', true]);
  await p.click('#visitors-form > button');
  await at(p, 'folder');
  let kills = 0, killed = 0;
  await p.route('**/owner', async (route) => {  // while it reads, the host kills the program three times
    const indexing = kills < 3 && said(route).includes('"do":"index"');
    const answer = route.continue();
    if (indexing) {
      kills++;
      await sleep(60);
      for (const pid of await host.server.programs()) try { process.kill(pid, 'SIGKILL'); killed++; } catch { /* gone */ }
    }
    await answer;
  });
  await p.waitForSelector('#folders [value=films]');
  await p.check('#folders [value=films]');
  await p.click('#folder-form > button');
  await at(p, 'tag');
  assert.ok(killed > 0, `${kills} times`);
  const status = await post(host, { do: 'status', code: await host.read('polycircle-data/setup-code') });
  assert.deepEqual([status.json.circles.length, status.json.circles[0].files, status.json.circles[0].version], [1, 3, 1]);
  await p.unroute('**/owner');
  await viewer.restart();
  const again = await viewer.open(`${host.base}setup`);
  await at(again, 'code');
  await again.fill('#code', await host.read('polycircle-data/setup-code'));
  await again.press('#code', 'Enter');
  await at(again, 'tag');
  await again.click('#step-visitors .summary button');
  await at(again, 'visitors');
  assert.ok(await again.isChecked('[name=p2p][value=ask]'), 'what was chosen is shown');
  await again.check('[name=p2p][value=off]');
  await again.click('#visitors-form > button');
  await at(again, 'tag');
  assert.match(await again.textContent('#step-visitors .summary'), /nobody is connected, same network only/);
}, { viewer: { args: [] } });

owner('it asks no more with a code that opens nothing any longer', async (host, viewer, p) => {
  await wizard(host, p);
  const asked = [];
  await rm(join(host.dir, 'polycircle-data/setup-code'));  // and somebody looks: there is another one
  p.on('request', request => { if (request.url().endsWith('/owner')) asked.push(request); });
  await p.waitForSelector('#locked:not([hidden]), #code-form-says:not(:empty)', { timeout: 15_000 * PATIENCE });
  const before = asked.length;
  await p.waitForTimeout(3500);  // longer than it waits between two
  assert.equal(asked.length, before);
});

owner('files that came or changed by FTP are noticed by a visit of the console', async (host, viewer, p) => {
  await wizard(host, p);
  const code = await finish(host, p);
  await host.put('public_html/films/film.mp4', Buffer.concat([film, film]), 1800);
  await host.put('public_html/films/new.mp4', film, 1800);
  await host.put('public_html/index.html', html('', (await p.inputValue('#tag')).replaceAll('"', '\u201d')));
  await p.click('#after-done a');
  await p.locator('.card .note', { hasText: `The line is in the page ${host.url}/, but does not work: an editor has turned its "` }).waitFor();
  await says(p, 'circle-127-0-0-1_read', /3 files.*version 2/s);
  await host.put('public_html/films/new.mp4', Buffer.concat([film, film, film]), 900);
  await p.click('#circles button');
  await p.waitForFunction(() => /version 3/.test(document.getElementById('circle-127-0-0-1_read')?.textContent ?? ''));
  const { json } = await post(host, { do: 'status', code });
  assert.deepEqual([json.circles[0].files, json.circles[0].bytes], [3, 5 * film.length + 4]);
});

owner('a file that may not be read is named; the owner puts it right, or goes on without it', async (host, viewer, p) => {
  const closed = join(host.dir, 'public_html/films/closed.mp4');
  await host.put('public_html/films/closed.mp4', 'film');
  await chmod(closed, 0);
  await wizard(host, p, { step: 'index' });
  await says(p, 'index-form-says', /^Put it right, then press/);
  await says(p, 'index-says', /2 files, .*Left out: not readable: 1 \(.closed\.mp4.\): let .* permissions 644/);
  await chmod(closed, 0o644);
  await p.click('#index-form button');
  await at(p, 'tag');
  await p.waitForFunction(() => /3 files/.test(document.querySelector('#step-index .summary')?.textContent ?? ''));
});

owner('what is refused, with words', async (host, viewer, p) => {
  await symlink('/etc', join(host.dir, 'public_html/films/etc'));
  await symlink('/etc', join(host.dir, 'public_html/etc'));
  await host.put('public_html/closed/film.mp4', 'film');
  await chmod(join(host.dir, 'public_html/closed'), 0);
  await at(p, 'code');
  await p.fill('#code', await host.read('polycircle-data/setup-code'));
  await p.click('#code-form button');
  await at(p, 'address');
  assert.equal(await p.textContent('#url'), host.base, 'the address is the one of this page');
  await p.click('#address-form button');
  await at(p, 'visitors');
  await p.setExtraHTTPHeaders({ 'X-Forwarded-For': '198.51.100.7' });  // as a proxy of the host's would add it
  await typeAgain(host, p);
  await p.waitForSelector('text=which speaks for 198.51.100.7');
  if (shots) await p.screenshot({ path: join(shots, 'setup-proxy.png'), fullPage: true });
  assert.equal(await p.inputValue('#proxies'), '127.0.0.1');
  await p.fill('#proxies', 'everybody');
  await p.click('#proxy button');
  await says(p, 'proxy-says', /proxies cannot be/);
  await p.fill('#proxies', '127.0.0.0/8');
  await p.click('#proxy button');
  await p.waitForSelector('#proxy form', { state: 'detached' });
  await stun(p);
  await at(p, 'folder');
  await says(p, 'folders-says', /^1 folder cannot be read.*closed. \(Permission denied\).*755 by FTP/);
  for (const [folder, words] of [['closed', /closed: give it.*755 for a folder.*\(Permission denied\)$/], ['../polycircle-data', /not a folder/], ['etc', /not a folder/], ['nothing', /nothing: look at the names in this path.*\(No such file or directory\)$/], ['', /Choose a folder/]]) {
    await p.fill('#folder', folder);
    await p.click('#folder-form > button');
    await p.waitForFunction(w => new RegExp(w).test(document.getElementById('folder-form-says')?.textContent ?? ''), words.source);
  }
  const press = () => p.click('#folder-form > button'), asked = () => p.waitForFunction(() => /whole web site.*press the button once more/.test(document.getElementById('folder-form-says')?.textContent ?? ''));
  for (const between of [() => p.fill('#folder', 'films'), () => p.check('#folders [value=films]'), async () => { await p.fill('#folder', 'nothing'); await press(); await says(p, 'folder-form-says', /nothing: look/); }]) {
    await between();
    await p.fill('#folder', '/');
    assert.doesNotMatch(await p.textContent('#folder-form-says') ?? '', /once more/, 'what was asked is asked no more');
    assert.equal(await p.locator('#folders :checked').count(), 0, 'no folder is marked');
    await press();
    await asked();
  }
  await p.fill('#folder', 'films/');
  assert.equal(await p.isChecked('#folders [value=films]'), true, 'the field is what counts, and the choice says the same');
  await p.fill('#folder', '');
  await p.dblclick('#folder-form > button');
  await asked();
  await chmod(join(host.dir, 'public_html/closed'), 0o755);
  const code = await host.read('polycircle-data/setup-code');
  for (const folder of ['films/etc', 'films/../..', '/etc', 'films//', './films', '.'])
    assert.equal((await post(host, { do: 'share', code, circle: '127-0-0-1', folder })).status, 400, folder);
  assert.equal((await post(host, { do: 'begin', code, url: host.base, root: '/etc' })).status, 400, 'another root');
});

const modules = '/usr/lib/apache2/modules';
const apache = (override, more = '') => (dir) => `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>
ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\n${more.replaceAll('DIR', dir)}`;

/** The body of an owner's request. */
const said = (route) => Buffer.from(new URLSearchParams(route.request().postData() ?? '').get('d') ?? '', 'base64url').toString();

owner('an answer that is lost, also the last one', async (host, viewer, p) => {
  const lost = new Set();
  await p.route('**/owner', async (route) => {  // each action's first answer does not arrive
    const action = /"do":"(\w+)"/.exec(said(route))?.[1] ?? '';
    if (!action || lost.has(action)) return route.continue();
    lost.add(action);
    await route.fetch();
    return route.abort();
  });
  await wizard(host, p);
  await p.click('#tag-form button');
  await p.click('#done-form button');
  await p.waitForSelector('#locked:not([hidden])');
  assert.deepEqual(['begin', 'circle', 'share', 'index', 'finish'].filter(name => !lost.has(name)), []);
  const { json } = await post(host, { do: 'status', code: await host.read('polycircle-data/owner-code') });
  assert.deepEqual([json.circles.length, json.circles[0].files, json.circles[0].version], [1, 2, 1]);
});

owner('a site with another address than the program has: the line of the worker, pages allowed', async (host, viewer, p) => {
  await at(p, 'code');
  await p.fill('#code', await host.read('polycircle-data/setup-code'));
  await p.click('#code-form button');
  await at(p, 'address');
  await p.click('#address-form button');
  await at(p, 'visitors');
  await p.check('[name=p2p][value=on]');
  await p.check('[name=stun][value=""]');
  await p.click('#visitors-form > button');
  await at(p, 'folder');
  await p.check('#folders [value=films]');
  await p.click('#folder-form > button');
  await says(p, 'folder-form-says', /does not serve/);
  const site = host.url.replace('127.0.0.1', 'localhost');
  await p.fill('#site', `${site}/films`);
  await p.click('#folder-form > button');
  await at(p, 'tag');
  const tag = await tagOf(p), line = await p.inputValue('#worker-line');
  assert.match(tag, /data-worker="\/polycircle-sw.js"/);
  await host.put('public_html/polycircle-sw.js', line);
  await host.put('public_html/film.html', html('<video src="/films/film.mp4" preload="none" muted></video>', tag));
  const visitor = await makeVisitor();
  try {
    const page = await visitor.open(`${site}/film.html`);
    await adopted(page);
    await play(page);
    await until(page, 'it has the film', () => globalThis.polycircle?.stats().media[0]?.have > 3, 30_000);
    assert.match(await page.evaluate(() => navigator.serviceWorker.controller?.scriptURL ?? ''), /polycircle-sw\.js$/);
    await p.waitForSelector('#arrived[data-kind=good]');
  } finally { await visitor.close(); }
}, { own: (dir) => `${apache('None')(dir)}<If "%{HTTP_HOST} =~ /^127/ && %{REQUEST_URI} =~ m#^/films/#">\n  Require all denied\n</If>\n` });

owner("the site's own service worker is found, and ours is put into it by a line", async (host, viewer, p) => {
  const status = async (code = 'setup-code') => (await post(host, { do: 'status', code: await host.read(`polycircle-data/${code}`) })).json.circles[0].worker;
  const box = words => p.waitForFunction(w => new RegExp(w, 's').test(document.querySelector('#tag_own')?.textContent ?? ''), words);
  const press = name => p.click(`#tag_own-box button:has-text("${name}")`);
  const sw = "addEventListener('fetch', e => {});\n";
  await host.put('public_html/index.html', html(''));
  await wizard(host, p, { p2p: 'on' });
  await box('has no service worker of its own');
  assert.equal(await status(), 'none', 'it is kept');
  await host.put('public_html/site.js', "addEventListener('load', () => navigator.serviceWorker.register('/sw.js'));\n");
  await host.put('public_html/sw.js', sw);
  await host.put('public_html/index.html', html('<script src="site.js"></script>'));
  await typeAgain(host, p);
  await box('has a service worker of its own.*/sw.js');
  assert.equal(await status(), 'own');
  const line = await p.inputValue('#tag_own-line');
  assert.equal(line, `importScripts('${host.base}circle-sw.js');`);
  await host.put('public_html/sw.js', `${line}\n${sw}`);
  await press('Look again');
  await box('/sw.js, has our line in it');
  assert.equal(await status(), '/sw.js');
  await host.put('public_html/film.html', html('<script src="site.js"></script><video src="/films/film.mp4" muted></video>', await tagOf(p)));
  const film = await viewer.tab();
  await film.goto(`${host.url}/index.html`);
  await until(film, 'the worker', async () => (await navigator.serviceWorker.getRegistration('/'))?.active);
  await film.goto(`${host.url}/film.html`);
  await adopted(film);
  await play(film);
  await until(film, 'it has the film', () => globalThis.polycircle?.stats().media[0]?.have > 3, 30_000);
  assert.match(await film.evaluate(() => navigator.serviceWorker.controller.scriptURL), /\/sw\.js$/);
  await finish(host, p);
  await p.goto(`${host.base}console`);
  await p.fill('#owner', await host.read('polycircle-data/owner-code'));
  await p.press('#owner', 'Enter');
  const part = p.locator('details[id$=_worker]');
  await part.locator('summary').click();
  await part.locator('button:has-text("It has none")').click();
  await part.locator('button:has-text("It has none")').click();
  await until(p, 'kept', () => /Kept/.test(document.querySelector('[id$=_own-says]').textContent));
  assert.equal(await status('owner-code'), 'none', 'the owner’s word');
});

owner('FastCGI from the start', async (host, viewer, p) => {
  await wizard(host, p);
  assert.equal((await (await fetch(`${host.base}probe`)).json()).face, 'fastcgi');
  assert.equal(parse((await host.server.request({ path: '/cgi-bin/polycircle.fcgi/health', host: '127.0.0.1' })).body).ok, true);
  await finish(host, p);
}, { kind: 'apache-fcgid', own: (dir) => `<Directory ${dir}/public_html>\n  AllowOverride None\n</Directory>\n<Directory ${dir}/public_html/cgi-bin>
  Options +ExecCGI\n  SetHandler fcgid-script\n</Directory>\n` });

// Tiers: what a host allows is tried beside the site and activated only when it works.
const both = `LoadModule fcgid_module ${modules}/mod_fcgid.so\nFcgidIPCDir DIR/run/fcgid\nFcgidProcessTableFile DIR/run/fcgid_shm\n`;
const theirs = '# BEGIN WordPress\r\nRewriteEngine On\r\nRewriteRule ^old$ /index.html [L]\r\n# END WordPress';
const tries = async (host) => (await Promise.all(['public_html', 'public_html/cgi-bin'].map(name => readdir(join(host.dir, name))))).flat().filter(name => /try|new$/.test(name));

async function press(p, tier, label) {
  await p.click(`li:has(#tier-${tier}) button`);
  if (label == 'Try it' && tier == 3) {  // back: which pages share nothing then is said before
    await p.locator('#tier-3', { hasText: 'Then press again' }).waitFor();
    await p.click(`li:has(#tier-${tier}) button`);
  }
  await p.waitForFunction(({ tier: n, label: text }) => {
    const row = document.getElementById(`tier-${n}`)?.closest('li');
    return text ? row?.querySelector('button')?.textContent == text : row?.querySelector('.note')?.dataset.kind == 'bad' && !row.ariaBusy;
  }, { tier, label }, { timeout: 40_000 * PATIENCE });
}

for (const [override, pretty, fast] of [['None', false, false], ['FileInfo', true, true], ['All', true, true]])
  owner(`tiers with AllowOverride ${override}`, async (host, viewer, p) => {
    if (override != 'None') await host.put('public_html/.htaccess', theirs);
    await host.put('public_html/.well-known/acme-challenge/token', 'token');
    await wizard(host, p);
    const long = await tagOf(p);
    await p.click('#ways > summary');
    await press(p, 2, fast ? 'Back to CGI' : '');
    if (fast) await p.locator('#tier-2', { hasText: 'quicker from now on' }).waitFor();
    assert.equal((await (await fetch(`${host.base}probe`)).json()).face, fast ? 'fastcgi' : 'cgi');
    await press(p, 3, pretty ? 'Back to the long address' : '');
    const tag = await tagOf(p, pretty ? `src="${host.url}/signal?` : long);
    assert.ok(pretty || tag == long, tag);
    for (const [path, status] of [['/', 200], ['/films/film.mp4', 200], ['/.well-known/acme-challenge/token', 200], ['/.well-known/acme-challenge/signal', 404], ['/old', pretty ? 200 : 404]])
      assert.equal((await fetch(host.url + path)).status, status, path);
    if (pretty) {
      assert.equal((await fetch(/"(.*)"/.exec(tag)[1])).status, 200, 'the short address');
      assert.ok((await readFile(join(host.dir, 'public_html/.htaccess'), 'utf8')).endsWith(theirs), 'theirs is kept byte for byte');
      await press(p, 3, 'Try it');
      assert.equal(await readFile(join(host.dir, 'public_html/.htaccess'), 'utf8'), theirs, 'and alone again');
    }
    assert.equal((await fetch(/"(.*)"/.exec(long)[1])).status, 200, 'the long address works all the time');
    assert.deepEqual(await tries(host), [], 'nothing is left of the tries');
  }, { own: apache(override, both) });

owner('a change that breaks the site is undone', async (host, viewer, p) => {
  await host.put('public_html/.htaccess', '# theirs\n');
  await wizard(host, p);
  await p.click('#ways > summary');
  const began = Date.now();
  await press(p, 3, '');
  assert.match(await p.textContent('#tier-3'), /was undone/);
  assert.ok(Date.now() - began < 20_000);
  assert.equal(await readFile(join(host.dir, 'public_html/.htaccess'), 'utf8'), '# theirs\n');
  assert.equal((await fetch(host.url)).status, 200);
  assert.match(await host.server.errors(), /RewriteEngine not allowed here|not allowed in this context/i, 'it was broken');
}, { own: (dir) => `<Directory ${dir}/public_html>\n  AllowOverride Limit\n</Directory>\n<Directory "${dir}/public_html/polycircle-try-*">\n  AllowOverride FileInfo\n</Directory>
Alias /cgi-bin ${dir}/public_html/cgi-bin\n<Directory ${dir}/public_html/cgi-bin>\n  AllowOverride None\n  Options +ExecCGI\n  SetHandler cgi-script\n</Directory>\n` });

owner('addresses that the site uses itself are left to it', async (host, viewer, p) => {
  await host.put('public_html/health', 'fine');
  await host.put('public_html/console/index.html', 'theirs');
  await wizard(host, p);
  await p.click('#ways > summary');
  await press(p, 3, 'Back to the long address');
  for (const [path, text] of [['/health', 'fine'], ['/console/', 'theirs']]) assert.equal(await (await fetch(host.url + path)).text(), text);
  await host.put('public_html/polycircle/index.html', 'theirs');
  await press(p, 3, 'Try it');
  await press(p, 3, '');
  assert.match(await p.textContent('#tier-3'), /Your site uses the address \/polycircle\/ itself\. Nothing was changed/);
}, { override: 'FileInfo' });

/** What axe-core finds wrong in both colour schemes, wide and on a phone; and nothing is wider than the phone. */
async function inspect(p, name) {
  const axe = await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
  for (const [colorScheme, width] of [['light', 1280], ['dark', 390]]) {
    await p.emulateMedia({ colorScheme });
    await p.setViewportSize({ width, height: 844 });
    await p.evaluate(axe);
    const found = await p.evaluate(() => globalThis.axe.run());
    assert.deepEqual(found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(', ')}`), [], `${name}, ${colorScheme}, ${width}`);
    assert.ok(found.passes.length > 10, 'axe did look');
    assert.ok(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: nothing is wider than ${width}`);
    if (shots) await p.screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
  }
}

/** Tab until the focus is there. */
async function tabTo(p, selector) {
  for (let i = 0; i < 60; i++) {
    await p.keyboard.press('Tab');
    if (await p.evaluate(s => document.activeElement?.matches(s), selector)) return;
  }
  throw new Error(`no Tab leads to ${selector}`);
}

owner('with the keyboard alone; readable by everybody, wide and on a phone', async (host, viewer, p) => {
  await at(p, 'code');
  await inspect(p, '1-code');
  await tabTo(p, '#code');
  await p.keyboard.type(await host.read('polycircle-data/setup-code'));
  await p.keyboard.press('Enter');
  await at(p, 'address');
  await inspect(p, '2-address');
  await tabTo(p, '#address-form button');
  await p.keyboard.press('Enter');
  await at(p, 'visitors');
  await inspect(p, '3-visitors');
  await tabTo(p, '[name=p2p]');
  await p.keyboard.press('ArrowDown');
  await tabTo(p, '[name=stun]');
  await p.keyboard.press('ArrowUp');
  await tabTo(p, '#visitors-form summary');
  await p.keyboard.press('Space');
  await inspect(p, '3-notice');
  await tabTo(p, '#visitors-form > button');
  await p.keyboard.press('Enter');
  await at(p, 'folder');
  await p.waitForSelector('#folders input');
  await inspect(p, '4-folder');
  await tabTo(p, '#folders input');
  await p.keyboard.press('Space');
  await tabTo(p, '#folder-form > button');
  await p.keyboard.press('Enter');
  await at(p, 'tag');
  assert.match(await p.textContent('#step-visitors .summary'), /visitors are connected/, 'the choice of the arrow key');
  await tabTo(p, '#ways > summary');
  await p.keyboard.press('Enter');
  await p.waitForSelector('#tiers li');
  await inspect(p, '6-tag');
  await tabTo(p, '#tag-form button');
  await p.keyboard.press('Enter');
  await tabTo(p, '#done-form button');
  await p.keyboard.press('Enter');
  await p.waitForSelector('#after-done:not([hidden])');
  await inspect(p, '7-done');
  await tabTo(p, '#after-done a');
  await p.keyboard.press('Enter');
  await says(p, 'circle-127-0-0-1_read', /Nothing had changed/);
  assert.match(await p.textContent('#said'), /Nothing had changed/, 'what is drawn anew is told by a place that stays');
  await inspect(p, 'console');
  assert.doesNotMatch(await p.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage })), /owner-code|nonce/, 'a script of the site finds no code');
  await p.reload();
  await p.waitForSelector('#enter:not([hidden])');
  await inspect(p, 'console-enter');
});

owner('visitors are asked, or nobody is connected, as it was chosen', async (host, viewer, p) => {
  await wizard(host, p, { p2p: 'ask' });
  await host.put('public_html/film.html', html('<video src="/films/film.mp4" muted></video>', await tagOf(p)));
  const visitor = await makeVisitor();
  try {
    const page = await visitor.open(`${host.url}/film.html`);
    await page.waitForSelector('.polycircle-ask');
    const { json } = await post(host, { do: 'status', code: await host.read('polycircle-data/setup-code') });
    assert.equal(json.circles[0].signals, 0, 'nobody is connected before the answer');
    await page.click('.polycircle-ask [value=yes]');
    await p.waitForSelector('#arrived[data-kind=good]', { timeout: 15_000 * PATIENCE });
  } finally { await visitor.close(); }
  await p.click('#step-visitors .summary button');
  await p.check('[name=p2p][value=off]');
  await p.click('#visitors-form > button');
  await at(p, 'tag');
  const other = await makeVisitor();
  try {
    const page = await other.open(`${host.url}/film.html`);
    await until(page, 'the client is there', () => !!globalThis.polycircle);
    assert.deepEqual(await page.evaluate(() => [globalThis.polycircle.signal, document.querySelector('.polycircle-ask')]), [null, null]);
  } finally { await other.close(); }
});

owner('signing key and code are renewed in the console, which asks for it after a version that could give them away', async (host, viewer, p) => {
  await wizard(host, p);
  await finish(host, p);
  const data = join(host.dir, 'polycircle-data'), code = () => readFile(join(data, 'owner-code'), 'utf8'), before = await code();
  const press = name => p.getByRole('button', { name, exact: true }).click();
  const signs = async () => (await (await fetch(`${host.base}manifest/${(await readdir(join(data, 'signing'))).find(name => /^[0-9a-f]{16}$/.test(name))}.json`)).json()).key;
  execFileSync('sqlite3', [join(data, 'polycircle.db'), "UPDATE circle SET exposed = 1; INSERT INTO instance VALUES('exposed_code', 1)"]);
  await p.click('#after-done a');
  await p.waitForSelector('text=could give away parts of its memory');
  if (shots) await p.screenshot({ path: join(shots, 'console-exposed.png'), fullPage: true });
  const old = await signs();
  await press('Make a new signing key');
  await p.locator('#circle-127-0-0-1', { hasText: 'Press again' }).waitFor();
  assert.equal(await signs(), old, 'asked once, nothing happens');
  await press('Make a new signing key');
  await p.locator('#circle-127-0-0-1', { hasText: 'signs with a new key' }).waitFor();
  const now = await signs();
  assert.notEqual(now, old);
  assert.match(await p.textContent('#circle-127-0-0-1'), new RegExp(`data-key="${now}"`));
  await p.waitForSelector('text=could give away parts of its memory');
  await press('Make a new code');
  await says(p, 'care-2', /Press again/);
  await press('Make a new code');
  await p.locator('#care-2', { hasText: 'Your code is' }).waitFor();
  assert.notEqual(await code(), before);
  assert.ok((await p.textContent('#care-2')).includes((await code()).trim()), 'it is shown');
  assert.equal(await p.locator('text=could give away parts of its memory').count(), 0, 'the notice is gone');
  if (shots) await p.screenshot({ path: join(shots, 'console-renewed.png'), fullPage: true });
  await p.click('text=Copy the database now');
  await says(p, 'care-1', /Written:/);
});

owner('the console copies the database, ends the instance and undoes that', async (host, viewer, p) => {
  await wizard(host, p);
  const tag = /"(.*)"/.exec(await tagOf(p))[1];
  await finish(host, p);
  await p.click('#after-done a');
  await p.click('text=Use a new version');
  await says(p, 'care-0', /^First upload the new program as/);
  await p.click('text=Copy the database now');
  await says(p, 'care-1', /Written: .*backups/);
  const copies = (await readdir(join(host.dir, 'polycircle-data/backups'))).filter(name => /\.db$/.test(name));
  assert.equal(copies.filter(name => !/^polycircle-earlier-/.test(name)).length, 1); // the day's own was made after an answer, or not
  for (const name of copies) assert.equal(await mode(host, `polycircle-data/backups/${name}`), 0o600);
  await p.click('text=End this instance');
  await says(p, 'care-3', /Press again/);
  assert.equal((await fetch(`${host.base}health`)).status, 200, 'asked once, nothing happens');
  await p.click('text=End this instance');
  await p.waitForSelector('text=Take its lines out of .htaccess');
  assert.equal(await p.locator('#circles button').count(), 0, 'nothing is offered of a circle');
  assert.ok((await p.inputValue('#circles textarea')).includes(tag), 'but the line is shown, which goes');
  assert.equal((await fetch(`${host.base}circle-sw.js`)).ok && (await (await fetch(tag)).text()).includes('unregister'), true, 'browsers are told to let go');
  assert.equal((await fetch(`${host.base}health`)).status, 410);
  await p.click('text="Undo the end"');
  await p.waitForSelector('text=End this instance');
  assert.equal((await fetch(`${host.base}health`)).status, 200);
});

owner('what was chosen in set-up is chosen otherwise in the console', async (host, viewer, p) => {
  await host.put('public_html/other/b.mp4', film);
  await host.put('public_html/films/notes.pdf', 'x');
  await wizard(host, p);
  await p.click('#step-index .summary button');  // "Read again" reads what came
  await host.put('public_html/films/new.txt', 'text');
  await p.waitForSelector('#step-tag[data-state=current]');
  await p.click('#step-index .summary button');
  await p.waitForFunction(() => /^4 files/.test(document.querySelector('#step-index .summary span')?.textContent ?? ''));
  await finish(host, p);
  await p.click('#after-done a');
  const shot = async (name) => { if (shots) await p.screenshot({ path: join(shots, `console-${name}.png`), fullPage: true }); };
  const circle = async () => (await post(host, { do: 'status', code: await host.read('polycircle-data/owner-code') })).json.circles[0];
  const open = async (title) => p.locator('#circles summary', { hasText: title }).click();
  const press = name => p.getByRole('button', { name, exact: true }).click();
  const id = '#circle-127-0-0-1';
  await says(p, `${id.slice(1)}_read`, /4 files/);
  await open('Whether visitors are asked');
  await shot('visitors');
  await p.check(`[name="${id.slice(1)}_p2p"][value=on]`);
  await p.locator('details[open]').getByRole('button', { name: 'Keep this' }).click();
  await p.waitForFunction(sel => /Kept/.test(document.querySelector(sel)?.textContent ?? ''), `${id}_visitors-says`);
  assert.deepEqual([(await circle()).p2p, (await circle()).ice], ['on', []]);

  await press('Stop sharing for now');
  await p.waitForSelector('text=Sharing is stopped');
  await shot('stopped');
  assert.match(await (await fetch(`${host.base}signal?${(await circle()).api_key}`)).text(), /"mirror":false/);
  await press('Share again');
  await p.waitForSelector('text=Sharing is stopped', { state: 'hidden' });
  assert.equal((await circle()).mirror, true);

  await open('Whose pages may use it');
  for (const [typed, words] of [['http://plain.example', '^Kept\\. But browsers share on pages of https only'], ['https://www.site.example/films/', '^Kept\\. That is for all pages of https://www\\.site\\.example, not for /films/ alone\\. The line']]) {
    await p.fill(`${id}_origin`, typed);
    await press('Allow its pages');
    await p.waitForFunction(([sel, source]) => new RegExp(source).test(document.querySelector(sel)?.textContent ?? ''), [`${id}_pages-says`, words]);
  }
  await shot('pages');
  assert.ok((await circle()).origins.includes('https://www.site.example'));
  await press('Remove https://www.site.example');
  await press('Remove https://www.site.example');
  await p.waitForFunction(sel => /Kept/.test(document.querySelector(sel)?.textContent ?? ''), `${id}_pages-says`);
  assert.ok(!(await circle()).origins.includes('https://www.site.example'));

  await open('Share another folder');
  await p.check(`${id}_folders [value=other]`);
  await shot('folder');
  await press('Share this folder');
  await p.waitForFunction(() => /\/other/.test(document.querySelector('#circles dl')?.textContent ?? ''));
  await p.waitForFunction(sel => /Shared now: 1 file/.test(document.querySelector(sel)?.textContent ?? ''), `${id}_read`);
  assert.deepEqual([(await circle()).files, (await circle()).dir], [1, join(host.dir, 'public_html/other')]);

  await host.put('public_html/other/b.pdf', 'text', 900);
  await press('Read the folder again');
  await p.waitForFunction(() => /2 files/.test(document.querySelector('#circles dl')?.textContent ?? '') || /2 files/.test(document.querySelector('#circle-127-0-0-1_read')?.textContent ?? ''));
  await open('Files to leave out');
  await p.fill(`${id}_exclude`, ' *.pdf \n\n');
  await p.locator('#circle-127-0-0-1_left button').click();
  await p.waitForFunction(sel => /1 file,.*version \d+\. Left out: named by a pattern of yours: 1 /.test(document.querySelector(sel)?.textContent ?? ''), `${id}_exclude-says`);
  assert.match(await p.textContent(`${id}_read`) ?? '', /1 file,.*version/, 'nothing is read once more, and says that nothing had changed');
  assert.deepEqual([(await circle()).files, (await circle()).exclude], [1, '*.pdf']);
  await p.fill(`${id}_exclude`, '../etc');
  await p.locator('#circle-127-0-0-1_left button').click();
  await p.waitForFunction(sel => /^Kept\. But no pattern names anything/.test(document.querySelector(sel)?.textContent ?? ''), `${id}_exclude-says`);

  await p.click('text=Another circle');
  await p.fill('#more', 'second');
  await p.click('#more-form button');
  await says(p, 'circle-second', /It is there/);
  assert.equal((await circle()).can, '127-0-0-1');
  await p.locator('.card', { hasText: 'second' }).locator('summary', { hasText: 'End it' }).click();
  const last = p.locator('.card', { hasText: 'second' }).getByRole('button', { name: 'End this circle' });
  await last.click();
  await last.click();
  await p.waitForSelector('.card h3:text("second")', { state: 'detached' });
  assert.equal(await p.locator('#addresses li').count(), 1);
  await shot('whole');
});
