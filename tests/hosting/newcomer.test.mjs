// The owner who has FTP, a browser and nothing else, on a host that runs programs by suEXEC: from the zip to a film that two visitors
// share, and to the end of it. INSTALL says how many steps that takes; they are counted here.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { PATIENCE, adopted, makeFilm, makeVisitor, until } from '../browser/site.mjs';
import { owner } from '../servers/server.mjs';
import { makeNewcomer } from './newcomer.mjs';
import { makeRelease, root, run } from './release.mjs';

const index = `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Our films</title>\n</head>\n<body>\n<h1>Our films</h1>
<video controls src="films/film.mp4" width="640"></video>\n</body>\n</html>\n`;
const FILES = ['polycircle-check.html', 'polycircle-check.bin'];
let release, newer, scratch;
before(async () => {
  release = await makeRelease();
  newer = await release.variant('9.9.9');
  scratch = await mkdtemp(join(tmpdir(), 'polycircle-newcomer-'));
  await makeFilm(join(scratch, 'film.mp4'), { seconds: 20 });
  await makeFilm(join(scratch, 'second.mp4'), { seconds: 4, tone: 500 });
});
after(async () => {
  await rm(scratch, { recursive: true, force: true });
  await release?.remove();
});

/** A host with a site on it, its owner's browser and two visitors' browsers; all end with the test. */
async function withHost(options, work) {
  const host = await makeNewcomer({ ...options, files: { 'index.html': index, 'films/film.mp4': await readFile(join(scratch, 'film.mp4')) } });
  const viewers = [];
  try {
    for (let i = 0; i < 3; i++) viewers.push(await makeVisitor());
    const tabs = await Promise.all(viewers.map(viewer => viewer.open('about:blank')));
    await work(host, tabs);
  } catch (error) {
    const shots = process.env.POLYCIRCLE_SHOTS;
    if (shots) await viewers[0]?.page?.screenshot({ path: join(shots, 'failed-newcomer.png'), fullPage: true });
    error.message += `\n${viewers.flatMap(({ lines }) => lines).join('\n')}\n${await host.server.errors()}`;
    throw error;
  } finally {
    for (const viewer of viewers) await viewer.close();
    await host.close();
  }
}

const at = (p, step) => p.waitForSelector(`#step-${step}[data-state=current]`, { timeout: 20_000 * PATIENCE });
const says = (p, id, pattern) => p.waitForFunction(([name, source]) => new RegExp(source, 's').test(document.getElementById(name)?.textContent ?? ''), [id, pattern.source]);

async function unpack(host) {
  host.step('desk', 'unpack the zip');
  await run('unzip', ['-q', release.zip(), '-d', host.local]);
}

async function checked(host, p) {
  await host.goto(p, `${host.url}/polycircle-check.html`);
  await p.getByRole('status').filter({ hasText: /^Done/ }).waitFor();
  return p.locator('#findings').innerText();
}

/** From the step of the address to that of the tag, with what the page proposes. */
async function choose(host, p) {
  await at(p, 'address');
  await host.click(p, '#address-form button');
  await at(p, 'visitors');
  await host.click(p, '#visitors-form > button');
  // the STUN server that is proposed is somebody's on the net: where it cannot be asked, the page says so, and takes it at the second press
  const silent = p.waitForFunction(() => /did not answer/.test(document.getElementById('visitors-form-says')?.textContent ?? ''), null, { timeout: 20_000 * PATIENCE }).then(() => true, () => false);
  if (await Promise.race([silent, at(p, 'folder').then(() => false)])) await p.click('#visitors-form > button');  // not counted: with the net it is one
  await at(p, 'folder');
  await host.click(p, '#folders [value=films]');
  await host.click(p, '#folder-form > button');
  await at(p, 'tag');
}

/** The line of the page into index.html. www: where the site is, by FTP. */
async function paste(host, p, www) {
  await p.waitForFunction(() => document.getElementById('tag')?.value);
  await host.click(p, '#tag-copy');
  const tag = await p.inputValue('#tag');
  await host.ftp(`cd ${www}`, 'get index.html');
  for (const what of ['open index.html in an editor', 'paste', 'save']) host.step('desk', what);
  await writeFile(host.at('index.html'), (await host.read('index.html')).replace('</head>', `${tag}\n</head>`));
  await host.ftp(`cd ${www}`, 'put index.html');
}

async function takePart(host, tab) {
  await host.goto(tab, host.url);
  await host.click(tab, '.polycircle-ask button[value=yes]');
}

async function end(host, p) {
  await host.click(p, '#tag-form button');
  await host.click(p, '#done-form button');
  await p.waitForSelector('#after-done:not([hidden])');
  return p.textContent('#owner-code');
}

/** The film, played by a visitor to its last piece. */
async function plays(host, tab) {
  await adopted(tab);
  await host.click(tab, 'video');
  await until(tab, 'the whole film, playing', () => globalThis.film.first && !globalThis.film.error && polycircle.stats().media.some(m => m.path == 'film.mp4' && m.have == m.pieces), 30_000);
  return tab.evaluate(() => polycircle.stats());
}

/** Everything in a folder and below, as sorted paths. */
const list = async dir => (await readdir(dir, { recursive: true })).sort();

test('from the zip to a film that two visitors share, and back', { timeout: 110_000 * PATIENCE }, t => withHost({}, async (host, [p, one, two]) => {
  const untouched = await list(host.home), began = Date.now();
  await unpack(host);
  await host.ftp('cd public_html', ...FILES.map(name => `put ${name}`), 'cd cgi-bin', 'put cgi-bin/polycircle.fcgi -o polycircle.fcgi', 'chmod 755 polycircle.fcgi');
  assert.match(await checked(host, p), /The program runs, and is not set up yet/);
  await host.click(p, 'text=Open the set-up page');
  await at(p, 'code');
  assert.deepEqual(await host.owned('polycircle-data', 'polycircle-data/setup-code'), [0o700, 0o600], 'made by the owner\'s own process');
  await host.ftp('cd polycircle-data', 'get setup-code');
  await host.type(p, '#code', (await host.read('setup-code')).trim());
  await host.click(p, '#code-form button');
  await choose(host, p);
  await paste(host, p, 'public_html');
  await host.click(p, '#check-form button');
  await says(p, 'check-form-says', /^Yes/);
  await says(p, 'arrived', /Take part/);
  await takePart(host, one);
  await says(p, 'arrived', /1 visitor here/);
  const code = await end(host, p);

  const first = await plays(host, one);
  assert.equal(first.bytes.peers, 0, 'the first visitor has it from the host');
  await takePart(host, two);
  await until(two, 'a connection', () => globalThis.polycircle?.peers.length > 0);
  const second = await plays(host, two);
  t.diagnostic(`the second visitor: ${JSON.stringify(second.bytes)}`);
  assert.ok(second.bytes.peers > 1_000_000, JSON.stringify(second));

  const by = how => host.steps.filter(([kind]) => kind == how).length, seconds = (Date.now() - began) / 1000;
  t.diagnostic(`${host.steps.length} steps: ${by('desk')} at the desk, ${by('ftp')} by FTP, ${by('browser')} in the browser; the machines took ${seconds.toFixed(1)} s`);
  const [, promised, minutes] = /takes (\d+) steps.*?about (\d+) minutes/s.exec(await readFile(join(root, 'INSTALL'), 'utf8'));
  assert.equal(host.steps.length, Number(promised), `INSTALL counts them:\n${host.steps.map(([how, what]) => `${how}: ${what}`).join('\n')}`);
  const machine = process.env.POLYCIRCLE_LONG ? seconds : 0; // on a quiet one it counts, too
  assert.ok(host.steps.length * 15 + machine <= Number(minutes) * 60, `15 s a step: ${host.steps.length * 15 + machine} s`);

  await copyFile(join(scratch, 'second.mp4'), host.at('second.mp4'));
  await host.ftp('cd public_html/films', 'put second.mp4');
  await p.click('#after-done a');
  const read = async () => (await says(p, 'circle-127-0-0-1_read', /files?,/), p.textContent('#circle-127-0-0-1_read'));
  assert.match(await read(), /^2 files|Nothing else had changed\. Left out: written in the last ten seconds: 1 \(.second\.mp4.\): in ten seconds press "Read the folder again"/, 'it has come this moment');
  for (const late = Date.now() + 30_000 * PATIENCE; !/^2 files/.test(await read()); await goes(p, code, p.url())) assert.ok(Date.now() < late, await read());
  await two.reload();
  await until(two, 'the second film', () => globalThis.polycircle?.stats().media.some(m => m.path == 'second.mp4'));

  const button = p.getByRole('button', { name: 'End this instance' });
  await button.click();
  await p.locator('.note', { hasText: 'Press again to end it' }).waitFor();
  await button.click();
  await p.getByRole('button', { name: 'Undo the end' }).waitFor();
  for (const tab of [one, two]) {
    await tab.goto(host.url);
    await until(tab, 'no worker', async () => !(await navigator.serviceWorker.getRegistrations()).length, 20_000);
  }
  for (let press = 0; press < 2; press++) await p.getByRole('button', { name: 'Take its lines out' }).click();  // the second says that the days are over
  await p.locator('.note', { hasText: 'There was nothing to take out' }).waitFor();
  await writeFile(host.at('index.html'), index);
  await host.ftp('cd public_html', 'put index.html', `rm ${FILES.join(' ')} cgi-bin/polycircle.fcgi`, 'cd ..', 'set ftp:list-options -a', 'rm -r polycircle-data');
  assert.deepEqual(await list(host.home), [...untouched, 'public_html/films/second.mp4'].sort(), 'nothing of it is left');
  await one.reload();
  await until(one, 'the film, by plain HTTP', () => globalThis.film.first && !navigator.serviceWorker.controller);
  const log = await readFile(join(host.dir, 'run/access.log'), 'utf8');
  assert.ok(!log.includes(code) && !(await host.server.errors()).includes(code), 'no code in a log');
}));

/** As by a link of the owner's pages: it hands the code on. */
async function goes(p, code, url) {
  await p.evaluate(code => sessionStorage.setItem('polycircle-owner-code', code), code);
  await p.goto(url);
}

/** Processes of the program: what they run, and as whom. */
async function programs(host) {
  const pids = await host.server.programs();
  return Promise.all(pids.map(async pid => [basename(await readlink(`/proc/${pid}/exe`).catch(() => '')), (await stat(`/proc/${pid}`).catch(() => ({ uid: owner.uid }))).uid]));
}

test('FTP shows the web site alone, and the program came without its mode; later FastCGI, short addresses, the spool, a new version: all as the owner', { timeout: 110_000 * PATIENCE },
  () => withHost({ top: 'public_html' }, async (host, [p, one]) => {
    await unpack(host);
    await host.ftp(...FILES.map(name => `put ${name}`), 'cd cgi-bin', 'put cgi-bin/polycircle.fcgi -o polycircle.fcgi');
    assert.deepEqual(await host.owned('public_html/cgi-bin/polycircle.fcgi'), [0o644], 'as many FTP servers leave it');
    assert.match(await checked(host, p), /does not start \(error 500\).*what to do\s+The program may not be executed: its mode is not 0755.*sample file is as it must be/s);
    await host.ftp('cd cgi-bin', 'chmod 755 polycircle.fcgi');
    await p.click('form button');
    await p.getByText('Open the set-up page').click();
    await at(p, 'code');
    await assert.rejects(host.ftp('cd ../polycircle-data'), 'what lies above cannot be seen');
    await p.click('#step-code summary');
    const name = await p.textContent('#proof-name');
    await writeFile(host.at(name), '');
    await host.ftp('cd cgi-bin', `put ${name}`);
    await p.click('#proof-form button');
    await choose(host, p);
    await paste(host, p, '/');
    await takePart(host, one);
    await says(p, 'arrived', /1 visitor here/);

    await p.click('#ways > summary');
    for (const [tier, off] of [[2, 'Back to CGI'], [3, 'Back to the long address']]) {
      await p.click(`li:has(#tier-${tier}) button`);
      await p.locator(`li:has(#tier-${tier}) button`).filter({ hasText: off }).waitFor({ timeout: 40_000 * PATIENCE });
    }
    assert.equal((await (await fetch(`${host.base}probe`)).json()).face, 'fastcgi');
    assert.equal((await fetch(`${host.url}/polycircle/health`)).status, 200, 'the short address');
    assert.deepEqual(await host.owned('public_html/.htaccess', 'public_html/cgi-bin/.htaccess'), [0o644, 0o644]);
    const code = await end(host, p);
    await goes(p, code, `${host.url}/polycircle/selftest`);
    await p.click('#start button');
    await p.waitForSelector('#summary:not([hidden])', { timeout: 60_000 * PATIENCE });
    assert.match(await p.textContent('#verdict'), /^0 of \d+ fail/);
    await p.click('#settle');
    await says(p, 'settle-says', /It is set/);
    await one.reload();
    const spool = join(host.site, 'polycircle-spool');
    const served = async () => (await list(spool)).filter(file => /^manifest-.*\.json\.gz$/.test(file)); // a box may go at any time
    for (let tries = 0; !(await served()).length; tries++) {
      assert.ok(tries < 100, `nothing in the spool: ${await list(spool)}`);
      await one.waitForTimeout(200);
    }
    const [file] = await served();
    assert.equal((await fetch(`${host.url}/polycircle-spool/${file}`)).status, 200, file);
    assert.deepEqual(await host.owned(`public_html/polycircle-spool/${file}`), [0o644]);

    const old = await host.server.programs();
    assert.ok(old.length > 0, 'FastCGI processes are there');
    await copyFile(newer, host.at('polycircle.new'));
    await host.ftp('cd cgi-bin', 'put polycircle.new');
    await goes(p, code, `${host.base}console`);
    await p.getByRole('button', { name: 'Use a new version' }).click();
    await p.locator('.note', { hasText: `Version 9.9.9 is in place of ${release.version}.` }).waitFor({ timeout: 20_000 * PATIENCE });
    await says(p, 'instance', /Version9\.9\.9/);
    assert.deepEqual(await host.owned('public_html/cgi-bin/polycircle.fcgi', 'public_html/cgi-bin/polycircle.old'), [0o755, 0o600]);
    for (let tries = 0; (await programs(host)).some(([exe]) => exe != 'polycircle.fcgi'); tries++) {
      assert.ok(tries < 100, `old processes stay: ${JSON.stringify(await programs(host))}`);
      await one.waitForTimeout(200);
    }
    assert.ok((await programs(host)).every(([, uid]) => uid == owner.uid), JSON.stringify(await programs(host)));
    assert.equal((await (await fetch(`${host.base}health`)).json()).version, '9.9.9');
  }));
