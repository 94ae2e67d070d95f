// The laboratory: one instance behind a real lighttpd, and before it a server that is each case's own site, under a host name of its own:
// its pages, its files as an origin of origins.mjs gives them, and all else from the instance. A case is run without and with the tag.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, firefox } from 'playwright-core';
import { FLAGS, ended, how, makeFilm } from '../browser/chromium.mjs';
import { makeDirectory, must, startServer, tier0 } from '../servers/server.mjs';
import { answer, makeLine } from './origins.mjs';
import { record } from './page.mjs';

const sh = promisify(execFile), packages = fileURLToPath(new URL('../../node_modules', import.meta.url));
const BROWSERS = {
  chromium: () => chromium.launch({ ...how, args: FLAGS, ignoreDefaultArgs: ['--disable-back-forward-cache'] }),
  firefox: () => firefox.launch({ channel: 'moz-firefox', executablePath: process.env.FIREFOX || '/usr/bin/firefox-esr', headless: true,
    firefoxUserPrefs: { 'media.peerconnection.ice.loopback': true, 'media.peerconnection.ice.obfuscate_host_addresses': false, 'media.autoplay.default': 0 } }),
};
const SECONDS = 8, PICTURES = 20;

/** What the sites share: a film, another one, a sound, pictures, a download, the film in parts for players by script. */
async function makeMedia(dir, kbps) {
  const at = name => join(dir, name), film = at('film.mp4');
  await mkdir(at('hls'), { recursive: true });
  await mkdir(at('dash'));
  await makeFilm(film, { seconds: SECONDS, kbps });
  await makeFilm(at('other.mp4'), { seconds: 4, kbps: 1000, tone: 500 });
  const ffmpeg = (...words) => sh('ffmpeg', ['-v', 'error', '-y', ...words]);
  await ffmpeg('-i', film, '-vn', '-c:a', 'copy', at('sound.m4a'));
  await ffmpeg('-i', film, '-c', 'copy', '-hls_time', '2', '-hls_playlist_type', 'vod', at('hls/film.m3u8'));
  await ffmpeg('-i', film, '-c', 'copy', '-f', 'dash', '-seg_duration', '2', at('dash/film.mpd'));
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=1', '-frames:v', String(PICTURES), '-pix_fmt', 'rgb24', at('picture-%02d.png'));
  await writeFile(at('data.bin'), randomBytes(3_000_000));
}

/** A request passed on to the instance as if it came to its own host. */
function pass(req, res, port, host, line, entry) {
  const headers = { ...req.headers, host };
  if (headers.origin) headers.origin = `http://${host}`;
  const on = request({ port, host: '127.0.0.1', method: req.method, path: req.url, headers }, async r => {
    entry.status = r.statusCode;
    res.writeHead(r.statusCode, r.headers);
    for await (const chunk of r) {
      entry.bytes += chunk.length;
      await line?.(chunk.length);
      res.write(chunk);
    }
    res.end();
  });
  on.on('error', () => res.destroy());
  req.pipe(on);
}

/** kind: 'chromium' or 'firefox'; kbps: of the film. */
export async function openLab(kind = 'chromium', kbps = 6000) {
  const dir = await makeDirectory(), instance = await startServer('lighttpd-fastcgi', dir), host = `127.0.0.1:${instance.port}`;
  await makeMedia(join(dir, 'site/media'), kbps);
  await sh('chmod', ['-R', 'a+rX', join(dir, 'site')]);
  await must(dir, ['init', '--root', join(dir, 'site'), '--url', `http://${host}${tier0}`]);
  let browser = null;
  /** The one browser, or another where that one has crashed. */
  const running = async () => {
    if (!(await browser)?.isConnected()) browser = BROWSERS[kind]();
    return browser;
  };
  const runs = new Map(), server = createServer((req, res) => serve(req, res).catch(() => res.destroy()));
  await new Promise(ok => { server.listen(0, '127.0.0.1', ok); });
  const { port } = server.address();
  let count = 0;

  async function serve(req, res) {
    const run = runs.get(req.headers.host), path = decodeURIComponent(new URL(req.url, 'http://x').pathname);
    if (!run || run.down) return res.destroy();
    const entry = { at: Date.now(), method: req.method, host: req.headers.host, url: req.url, range: req.headers.range ?? null, status: 0, bytes: 0 };
    run.log.push(entry);
    if (run.how.away) await sleep(run.how.away);
    if (path.startsWith(tier0)) return pass(req, res, instance.port, host, run.line, entry);
    if (/^\/+media\//.test(path)) return answer(req, res, join(dir, 'site', normalize(path)), run, entry);
    const file = run.files[path] ?? (/^\/npm\//.test(path) ? await readFile(join(packages, normalize(path.slice(4)))).catch(() => null) : null);
    if (file?.pass) return pass(Object.assign(req, { url: file.pass }), res, instance.port, host, run.line, entry);
    const { status = 200, headers = {}, body } = file === null ? { status: 404, body: '' } : typeof file == 'string' || Buffer.isBuffer(file) ? { body: file } : file;
    entry.status = status;
    res.writeHead(status, { 'content-type': /\.m?js$/.test(path) ? 'text/javascript' : /\.css$/.test(path) ? 'text/css' : 'text/html; charset=utf-8', 'cache-control': 'no-cache', ...headers });
    res.end(body);
  }

  /** A site of its own: {url, host, key, tag(), log, files (path -> text), how, far}. */
  async function makeRun(origin, at = '/media/', worker = 'none') {
    const id = `s${++count}`, hosts = { host: `${id}.localhost:${port}`, near: `files.${id}.localhost:${port}`, far: `far-${id}.localhost:${port}` };
    const run = { ...hosts, id, url: `http://${hosts.host}`, how: origin, line: origin.line && makeLine(origin.line), counts: {}, log: [], files: {}, down: false };
    const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', id, '--p2p', 'on', '--ice', 'none', '--worker', worker, '--json']));
    await must(dir, ['publish', id, join(dir, 'site/media'), '--at', at.replace('%FAR%', `http://${hosts.far}`)]);
    for (const name of Object.values(hosts)) runs.set(name, run);
    return Object.assign(run, { key, tag: (extra = '', query = '') => `<script src="${tier0}signal?${key}${query}" ${extra}></script>` });
  }

  /** The end of a run's host names; what it has seen stays. */
  const endRun = run => { for (const name of [run.host, run.near, run.far]) runs.delete(name); };

  /** A visitor of a run: a context, the lines of its consoles, `beside`: who ends with it. */
  async function makeVisitor(run, settings = {}) {
    const { init = [], ...more } = settings ?? {}, context = await (await running()).newContext(kind == 'chromium' ? { permissions: ['microphone'], ...more } : more);
    await context.addInitScript(record, process.env.POLYCIRCLE_LONG ? 6000 : 12_000);
    for (const script of init) await context.addInitScript(...[script].flat());
    const lines = [];
    // what failed to load is told apart by its address
    context.on('console', m => lines.push([m.type(), m.text().startsWith('Failed to load resource') ? `${m.text()} ${m.location().url}` : m.text()]));
    context.on('weberror', e => lines.push(['error', `uncaught: ${e.error().message}`]));
    let tab = null;
    const visitor = {
      context, lines,
      get tab() { return tab; },
      async open(path) {
        tab ??= await context.newPage();
        await tab.goto(new URL(path, run.url).href, { waitUntil: 'domcontentloaded' });
        return tab;
      },
      /** to another page of the site and back again; whether the browser had kept the page */
      async back() {
        await tab.goto(`${run.url}/plain`);
        await tab.goBack({ waitUntil: 'commit' });
        return tab.evaluate(() => lab.until(() => document.readyState == 'complete').then(() => lab.persisted));
      },
      async another() { return (tab = await context.newPage()); },
      beside: null,
      close: () => Promise.all([ended(context.close(), () => {}), visitor.beside?.close()]),
    };
    return visitor;
  }

  return {
    kind, makeRun, endRun, makeVisitor,
    async close() {
      await ended((await browser)?.close());
      server.closeAllConnections();
      server.close();
      await instance.stop();
      for (let tries = 0; tries < 3; tries++) await rm(dir, { recursive: true, force: true }).catch(() => sleep(200));
    },
  };
}
