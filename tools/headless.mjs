// Plays the demo's film in real browsers and says what page and server counted.
//
// Viewer K is a Chromium process with a profile of its own. It opens the page
// when viewer K-1 has seen its film to the end; earlier viewers stay open. Just
// before it, with as many browsers open, a viewer without polycircle opens the
// plain page, so that the two first frames are measured under the same load.
// Every viewer has its own User-Agent: the server's access log is split by it.
import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const chrome = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio',
  // WebRTC needs both of these where loopback is the only network
  '--allow-loopback-in-peer-connection',
];
const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
const seeks = [10, 30];

const { values: options } = parseArgs({
  options: {
    viewers: { type: 'string' }, port: { type: 'string' }, log: { type: 'string' },
    json: { type: 'boolean' }, shots: { type: 'string' }, help: { type: 'boolean' },
  },
});
if (options.help || !options.viewers || !options.port || !options.log) {
  console.error('usage: headless.mjs --viewers N --port N --log ACCESS-LOG [--json] [--shots DIR]');
  process.exit(options.help ? 0 : 2);
}
const count = Number(options.viewers);
const run = `${process.pid}-${Date.now().toString(36)}`;
const say = (text) => console.error(text);

/** What `promise` gives, or an error that says what took too long. */
async function within(ms, what, promise) {
  const cancel = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(ms, undefined, { signal: cancel.signal }).then(() => { throw new Error(`${what}: nothing within ${ms / 1000} s`); }),
    ]);
  } finally {
    cancel.abort();
  }
}

/** Runs in the page before its own scripts: watches the film from the first byte of the document on. */
function watch() {
  const state = { first_frame_ms: null, playing_ms: null, ended: false, stall_ms: 0, error: null };
  window.__film = state;
  const started = (video) => {
    let waiting = false;
    let last = { at: performance.now(), time: 0 };
    video.addEventListener('waiting', () => { waiting = true; });
    video.addEventListener('playing', () => { waiting = false; state.playing_ms ??= performance.now(); });
    video.addEventListener('ended', () => { state.ended = true; });
    video.addEventListener('error', () => { state.error = `media error ${video.error?.code}: ${video.error?.message}`; });
    setInterval(() => {
      const now = { at: performance.now(), time: video.currentTime };
      const frozen = waiting || now.time - last.time < 0.001;
      if (state.playing_ms !== null && !state.ended && !video.paused && frozen) state.stall_ms += now.at - last.at;
      last = now;
    }, 50);
    const first = () => {
      if (state.first_frame_ms !== null) return;
      state.first_frame_ms = performance.now();
      press(performance.now() + 3000);
    };
    // as a person, who sees the picture before pressing: a player that plays before the mirror has it goes on by plain HTTP
    const press = (latest) => {
      if (!video.crossOrigin && performance.now() < latest) setTimeout(press, 50, latest);
      else video.play().catch((error) => { state.error = String(error); });
    };
    video.requestVideoFrameCallback?.(first);
    video.addEventListener('loadeddata', first);
  };
  const search = new MutationObserver(() => {
    const video = document.querySelector('video');
    if (video) { search.disconnect(); started(video); }
  });
  search.observe(document, { childList: true, subtree: true });
}

async function open(name, path, number) {
  const profile = await mkdtemp(join(tmpdir(), 'polycircle-viewer-'));
  const context = await within(90_000, `${name}: starting Chromium`, chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, chromiumSandbox: false,
    viewport: { width: 1280, height: 900 }, permissions: ['microphone'],
    args: [...chrome, `--user-agent=${agent} ${name}-of-${run}`],
  }));
  const viewer = { name, profile, context, page: context.pages()[0] ?? await context.newPage() };
  viewers.push(viewer);
  viewer.page.on('pageerror', (error) => say(`  ${name}: ${error.message}`));
  viewer.page.on('console', (line) => {
    if (line.type() === 'error' || line.type() === 'warning') say(`  ${name}: ${line.text()}`);
  });
  await viewer.page.addInitScript(watch);
  await sleep(1000); // a browser that has just started is busy with itself
  const host = number % 2 ? 'localhost' : '127.0.0.1';
  await viewer.page.goto(`http://${host}:${options.port}${path}`, { waitUntil: 'commit', timeout: 30_000 });
  return viewer;
}

async function close(viewer) {
  await within(20_000, `${viewer.name}: closing`, viewer.context.close()).catch((error) => say(error.message));
  await rm(viewer.profile, { recursive: true, force: true, maxRetries: 5 });
  viewers.splice(viewers.indexOf(viewer), 1);
}

/** Polls the page's own record of the film until `done` says so. */
async function until(viewer, ms, what, done) {
  const end = Date.now() + ms;
  for (;;) {
    const film = await viewer.page.evaluate(() => ({ ...window.__film, at: document.querySelector('video')?.currentTime }));
    if (film.error) throw new Error(`${viewer.name}: ${film.error}`);
    if (done(film)) return film;
    if (Date.now() > end) throw new Error(`${viewer.name}: ${what}: not within ${ms / 1000} s; ${JSON.stringify(film)}`);
    await sleep(50);
  }
}

/** Time from setting currentTime to a picture that moves on from there. */
function seek(viewer, to) {
  return within(30_000, `${viewer.name}: seeking to ${to} s`, viewer.page.evaluate(async (second) => {
    const video = document.querySelector('video');
    const begun = performance.now();
    const arrived = new Promise((resolve) => {
      const look = () => {
        if (!video.seeking && video.currentTime > second && video.currentTime < second + 5) resolve();
        else setTimeout(look, 10);
      };
      video.addEventListener('seeked', look, { once: true });
    });
    video.currentTime = second;
    await video.play();
    await arrived;
    const ms = performance.now() - begun;
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    if (video.currentTime < second + 0.2) throw new Error('the picture stands still');
    return Math.round(ms);
  }, to));
}

async function plainFirstFrame(number) {
  const viewer = await open(`plain-${number}`, '/plain.html', number);
  const film = await until(viewer, 30_000, 'first frame', (now) => now.first_frame_ms !== null);
  await close(viewer);
  say(`without the tag: first frame after ${(film.first_frame_ms / 1000).toFixed(1)} s`);
  return Math.round(film.first_frame_ms);
}

async function play(number) {
  const viewer = await open(`viewer-${number}`, '/', number);
  await until(viewer, 30_000, 'first frame', (now) => now.first_frame_ms !== null);
  await until(viewer, 30_000, 'playing', (now) => now.playing_ms !== null);
  const duration = await viewer.page.evaluate(() => document.querySelector('video').duration);
  const film = await until(viewer, duration * 2000 + 60_000, 'end of the film', (now) => now.ended);
  const counted = await viewer.page.evaluate(() => {
    if (!window.polycircle) return null;
    return { ...window.polycircle.stats(), peers: window.polycircle.peers.length };
  });
  if (!counted) throw new Error(`${viewer.name}: the film played, but window.polycircle never came`);
  const result = {
    bytes: counted.bytes, uploaded: counted.uploaded, first_peer_ms: round(counted.first_peer_ms),
    first_frame_ms: round(film.first_frame_ms), stall_ms: round(film.stall_ms), seek_ms: [], peers: counted.peers,
  };
  for (const second of seeks) result.seek_ms.push(await seek(viewer, second));
  await viewer.page.evaluate(() => document.querySelector('video').pause());
  await lookAround(viewer);
  await shoot(viewer);
  say(`viewer ${number}: played to the end; ${mb(result.bytes.peers)} MB of it from other visitors`);
  return result;
}

/** Comes to the page's pictures, which it asks for then, and to its figures, which it draws for who sees them. */
function lookAround(viewer) {
  return within(30_000, `${viewer.name}: pictures`, viewer.page.evaluate(async () => {
    const pictures = [...document.querySelectorAll('.pictures img')];
    document.querySelector('.pictures').scrollIntoView();
    await Promise.all(pictures.map((image) => image.naturalWidth || new Promise((resolve) => { image.addEventListener('load', resolve); })));
    document.querySelector('poly-stats').scrollIntoView();
    await new Promise((resolve) => { setTimeout(resolve, 1500); });
    window.scrollTo(0, 0);
    await new Promise((resolve) => { setTimeout(resolve, 500); });
  }));
}

/** Those who came first have given most by the end of all. */
async function given() {
  for (const [i, viewer] of viewers.entries()) result.viewers[i].uploaded = await viewer.page.evaluate(() => window.polycircle.stats().uploaded);
}

const mb = (bytes) => (bytes / 1e6).toFixed(1);
const round = (ms) => (typeof ms === 'number' ? Math.round(ms) : null);

async function shoot(viewer) {
  if (!options.shots) return;
  await mkdir(options.shots, { recursive: true });
  await viewer.page.screenshot({ path: join(options.shots, `${viewer.name}.png`), fullPage: true, timeout: 30_000 });
}

/** The server writes its log in blocks: once a last request of ours is in it, so is all before. */
async function wholeLog() {
  const mark = `/mark-${run}`;
  await fetch(`http://127.0.0.1:${options.port}${mark}`);
  for (const end = Date.now() + 30_000; ; await sleep(200)) {
    const log = await readFile(options.log, 'utf8');
    if (log.includes(` ${mark} `)) return log;
    if (Date.now() > end) throw new Error('the access log stands still');
  }
}

/** What the server says it did for one viewer. */
function fromLog(log, name) {
  const sums = { film: 0, pictures: 0, writes: 0, polls: 0 };
  for (const line of log.split('\n')) {
    const field = /^(\S+) (\S+) (\d+) (\d+|-) "([^"]*)" "(.*)"$/.exec(line);
    if (!field || !field[6].endsWith(` ${name}-of-${run}`)) continue;
    const [, method, path, , bytes, timing] = field;
    if (path.startsWith('/media/')) sums[path.startsWith('/media/film') ? 'film' : 'pictures'] += Number(bytes) || 0;
    if (method !== 'POST' || !path.endsWith('/sync')) continue;
    if (timing === 'write') sums.writes++;
    if (timing === 'read') sums.polls++;
  }
  return sums;
}

/** What matters, in words; the rest is in --json. */
function table(result) {
  const seconds = (ms) => (ms / 1000).toFixed(1);
  const rows = result.viewers.map((viewer, i) => [
    String(i + 1), mb(result.origin_log_bytes[i]), mb(viewer.bytes.peers), mb(viewer.uploaded), seconds(viewer.first_frame_ms), seconds(result.plain_first_frame_ms[i]),
  ].map((value, column) => value.padStart([6, 14, 15, 13, 14, 14][column])).join(''));
  return ['', '                     MB of the film                first frame after, s',
    'viewer    from server  from visitors  to visitors   with the tag    without it', ...rows, '',
    'From the server: by its own log. From and to other visitors: by the page; what is given counts the pictures, too.'].join('\n');
}

/** @type {{name: string, profile: string, context: any, page: any}[]} */
const viewers = [];
const result = { viewers: [], plain_first_frame_ms: [], origin_log_bytes: [], pictures_log_bytes: [], writes: [], polls: [] };
try {
  for (let number = 1; number <= count; number++) {
    result.plain_first_frame_ms.push(await plainFirstFrame(number));
    result.viewers.push(await play(number));
  }
  await given();
} catch (error) {
  say(`failed: ${error.message}`);
  for (const viewer of viewers) await shoot(viewer).catch(() => {});
  process.exitCode = 1;
}
for (const viewer of [...viewers]) await close(viewer);
if (process.exitCode !== 1) {
  const log = await wholeLog();
  for (let number = 1; number <= count; number++) {
    const { film, pictures, writes, polls } = fromLog(log, `viewer-${number}`);
    result.origin_log_bytes.push(film);
    result.pictures_log_bytes.push(pictures);
    result.writes.push(writes);
    result.polls.push(polls);
  }
  console.log(options.json ? JSON.stringify(result) : table(result));
}
