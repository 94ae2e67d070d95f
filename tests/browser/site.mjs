// A whole site for browser tests: film and pages made on the fly, the real program behind a real lighttpd on a free
// loopback port, and viewers: real Chromium processes, each with a profile of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { makeDirectory, must, startServer } from '../servers/server.mjs';
import { FLAGS, ended, how, kill, launch, makeFilm } from './chromium.mjs';

export { ended, launch, makeFilm };

const run = promisify(execFile);
let count = 0;

/** What must come at last may take so many times as long as on a quiet machine (POLYCIRCLE_LONG=1: that long). */
export const PATIENCE = process.env.POLYCIRCLE_LONG ? 1 : 4;

export const page = (body, head = '') => `<!doctype html><meta charset="utf-8"><title>test</title>${head}<body>${body}</body>`;

/** {pages: {name: html or function of the site}, film: options of makeFilm or nothing, change: of startServer}. A page's %TAG% becomes the loader's tag. */
export async function makeSite({ pages = {}, film, hosts = ['127.0.0.1', 'localhost'], base = '/cgi-bin/polycircle.fcgi/', change } = {}) {
  const dir = await makeDirectory(), server = await startServer('lighttpd-fastcgi', dir, { change }), { port } = server, at = name => join(dir, 'site', name);
  await mkdir(at('media'));
  if (film) await makeFilm(at('media/film.mp4'), film);
  await must(dir, ['init', '--root', join(dir, 'site'), ...hosts.flatMap(h => ['--url', `http://${h}:${port}${base}`])]);
  const circle = JSON.parse(await must(dir, ['circle', 'add', 'test', '--p2p', 'on', '--ice', 'none', '--worker', 'none', '--json']));
  const tag = (extra = '') => `<script src="${base}signal?${circle.api_key}" ${extra}></script>`;
  for (const [name, html] of Object.entries(pages)) await writeFile(at(name), html.replaceAll('%TAG%', tag()).replaceAll('%KEY%', circle.api_key));
  await run('chmod', ['-R', 'a+rX', join(dir, 'site')]);
  const publish = (...how) => must(dir, ['publish', 'test', join(dir, 'site/media'), ...how]);
  await publish(...film ? [] : ['--allow-empty']);
  return {
    dir, port, circle, server, publish, at, tag, base, url: `http://127.0.0.1:${port}`,
    program: args => must(dir, args),
    /** what the server's log says, as lines of {method, path, status, bytes, writes, agent} */
    async log() {
      const mark = `/mark-${++count}`;  // once our mark is in its log, so is all before; lighttpd writes it every 4 s, and at once when it is told to begin a new file
      await fetch(`http://127.0.0.1:${port}${mark}`);
      let text = '';
      for (const end = Date.now() + 15000; !text.includes(` ${mark} `); await sleep(50)) {
        if (Date.now() > end) throw new Error('the access log stands still');
        process.kill(server.pid, 'SIGHUP');
        text = await readFile(join(dir, 'run/access.log'), 'utf8').catch(() => '');
      }
      const lines = text.split('\n').filter(line => line && !line.includes(' /mark-'));
      return lines.map(line => {
        const [, method, path, status, bytes, timing, agent] = /^(\S+) (\S+) (\d+) (\S+) "([^"]*)" "([^"]*)"$/.exec(line) ?? [];
        return { method, path, status: Number(status), bytes: Number(bytes) || 0, writes: /write/.test(timing ?? ''), agent };
      });
    },
    async close() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The program's spool as the set-up page makes it: a folder of the site, the web server's user may write there. */
export async function addSpool(site, url = site.url) {
  const dir = site.at('polycircle-spool'), { uid, gid } = await stat(site.at('.'));
  await mkdir(dir);
  await chmod(dir, 0o755);
  await chown(dir, uid, gid);
  await site.program(['set', 'spool_dir', dir]);
  await site.program(['set', 'spool_url', `${url}/polycircle-spool/`]);
  return dir;
}

/**
 * A viewer of its own: {page, open(url), restart(), kill(), close(), agent}. Its film's life is recorded from the first byte on. It is a browser
 * with a profile, or a context of `browser`, which begins sooner and can neither restart nor be killed.
 */
export async function makeViewer({ args = [], browser = null, ...more } = {}) {
  const profile = browser ? null : await mkdtemp(join(tmpdir(), 'polycircle-profile-')), agent = `viewer-${process.pid}-${++count}`;
  const settings = { permissions: ['microphone'], userAgent: `Mozilla/5.0 Chrome/150 ${agent}`, ...more };
  const start = () => (browser ? browser.newContext(settings) : chromium.launchPersistentContext(profile, { ...how, ...settings, args: [...FLAGS, ...args] }));
  const viewer = {
    agent, profile, lines: [], context: await start(), page: null,
    /** only its own requests */
    mine: log => log.filter(line => line.agent?.endsWith(agent)),
    async tab() {
      const tab = await viewer.context.newPage();
      tab.on('console', m => viewer.lines.push(`${m.type()}: ${m.text()}`));
      tab.on('pageerror', e => viewer.lines.push(`pageerror: ${e.message}`));
      await tab.addInitScript(watch);
      return tab;
    },
    async open(url) {
      viewer.page ??= await viewer.tab();
      await viewer.page.goto(url, { waitUntil: 'commit' });
      return viewer.page;
    },
    /** the browser ends and starts again, with the same profile */
    async restart() {
      assert.ok(profile, 'it has a profile');
      await ended(viewer.context.close(), viewer.kill);
      viewer.context = await start();
      viewer.page = null;
    },
    /** ends at once, as a phone whose battery is empty: no goodbye */
    kill: profile ? () => kill(async pid => (await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(profile)) : undefined,
    async close() {
      await ended(viewer.context.close(), viewer.kill);
      if (profile) await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
  return viewer;
}

let shared;
after(async () => ended((await shared)?.close()));
/** A viewer in a browser that all tests of a file share, unless it has flags of its own. */
export const makeVisitor = async (settings = {}) => makeViewer(settings.args ? settings : { browser: await (shared ??= launch()), ...settings });

/** One of them for one test. */
export async function visits(body, settings) {
  const viewer = await makeVisitor(settings);
  try { return await body(viewer); } finally { await viewer.close(); }
}

/** A site and viewers for one test; all end with it. */
export async function withSite(options, body) {
  const site = await makeSite(options), viewers = [];
  const viewer = async settings => { const one = await makeViewer(settings); viewers.push(one); return one; };
  try { await body(site, viewer); } finally {
    for (const one of viewers) await one.close();
    await site.close();
  }
}

/** Runs in the page before its own scripts. */
function watch() {
  const film = globalThis.film = { first: null, stall: 0, longest: 0, ended: false, error: null, from: 0 };
  const follow = video => {
    let last = { at: performance.now(), time: 0 }, frozen = 0;
    video.addEventListener('loadeddata', () => { film.first ??= performance.now(); });
    video.addEventListener('ended', () => { film.ended = true; });
    video.addEventListener('error', () => { film.error = video.error?.message; });
    setInterval(() => {
      const now = { at: performance.now(), time: video.currentTime };
      const stuck = film.first != null && !video.paused && !film.ended && now.time - last.time < 0.001;
      frozen = stuck ? frozen + now.at - last.at : 0;
      if (stuck) film.stall += now.at - last.at;
      film.longest = Math.max(film.longest, frozen);
      last = now;
    }, 50);
  };
  const search = new MutationObserver(() => {
    const video = document.querySelector('video');
    if (video) { search.disconnect(); follow(video); }
  });
  search.observe(document, { childList: true, subtree: true });
}

/** Polls the page until `test` (run there) gives something true, which it returns. quiet: ms, on a quiet machine. */
export async function until(tab, what, test, quiet = 15000, arg = undefined) {
  const ms = quiet * PATIENCE;
  for (const end = Date.now() + ms; ;) {
    const value = await tab.evaluate(test, arg);
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms; ${JSON.stringify(await tab.evaluate(() => [globalThis.polycircle?.stats?.(), globalThis.film]))}`);
    await sleep(50);
  }
}

/** From here on what the page's players ask for goes through the worker, and the circle knows this tab. */
export const mirrored = tab => until(tab, 'the mirror', () => globalThis.polycircle?.mirror?.version && navigator.serviceWorker.controller && polycircle.sig);

/** What it has of its film is written down: the index of pieces is, a second after the last one. */
export const saved = tab => until(tab, 'the index of pieces', async () => {
  const done = request => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error); });
  const db = await done(indexedDB.open('polycircle'));
  try {
    return (await done(db.transaction('kv').objectStore('kv').get('index')))?.length >= polycircle.stats().media[0].have;
  } finally { db.close(); }
});

/** The page's player is the mirror's: one that plays before it is goes on by plain HTTP. */
export async function adopted(tab) {
  await mirrored(tab);
  await until(tab, 'adopted', () => document.querySelector('video').crossOrigin == 'use-credentials');
}

/** Starts the page's video. */
export async function play(tab) {
  await tab.evaluate(() => { globalThis.playing = null; document.querySelector('video').play().then(() => { playing = true; }, e => { playing = String(e); }); });
  assert.equal(await until(tab, 'it plays', () => globalThis.playing), true);
}

export const stats = tab => tab.evaluate(() => globalThis.polycircle.stats());
