// Other people's pages. Each is {head, body (with %TAG% where it is not in the head), files, at (where the circle's files are), act}:
// act(visitor, run) does on the page what people and scripts do there, and gives {same: what must be equal with and without the tag,
// times: ms, mirrored: whether anything came through us}. All of it is run twice, with and without.
import { tier0 } from '../servers/server.mjs';

const FILM = '<video id="film" controls muted preload="metadata" src="/media/film.mp4"></video>';
const SITE_WORKER = `const offline = caches.open('own').then(c => c.put('/offline', new Response('<h1>offline page</h1>', { headers: { 'content-type': 'text/html' } })));
addEventListener('install', e => e.waitUntil(offline));
addEventListener('fetch', e => { if (e.request.mode == 'navigate') e.respondWith(fetch(e.request).catch(() => caches.match('/offline'))); });`;

export const html = (head, body) => `<!doctype html><html><head><meta charset="utf-8"><title>a site</title>${head}</head><body>${body}</body></html>`;

const PLAYER = '<video id="film" controls="" muted="" preload="metadata" src="/media/film.mp4"></video>';
const js = name => `<script src="/npm/${name}"></script>`, css = name => `<link rel="stylesheet" href="/npm/${name}">`;

/** Opens the page and plays its film to the end. */
const watches = (options = {}) => async v => {
  const { first, all, ...same } = await (await v.open('/')).evaluate(o => lab.plays(o), options);
  return { same, times: { first, all } };
};

/** Whether our worker brought anything. */
const ours = tab => tab.evaluate(() => Object.values(globalThis.polycircle?.stats?.().bytes ?? {}).some(n => n > 0));

/** What `body`, run in the page, gives. */
const gives = body => async v => ({ same: await (await v.open('/')).evaluate(body) });

/** The network is gone, and the page is opened again: what the visitor reads then. `settle`: until the site's worker should be there. */
async function offline(v, run) {
  const tab = await v.open('/');
  await tab.evaluate(() => lab.until(async () => (await navigator.serviceWorker.getRegistrations()).some(r => /own\.js/.test((r.active ?? r.waiting ?? r.installing)?.scriptURL)), 3000));
  await tab.evaluate(() => lab.sleep(1500));
  await v.open('/');  // now it is in control, if it ever is
  await tab.evaluate(() => lab.sleep(500));
  run.down = true;
  const read = await v.open('/').then(() => tab.evaluate(() => document.body?.innerText), error => `error: ${error.message.split('\n')[0].split(' at ')[0]}`);
  run.down = false;
  v.forgive = true;  // what a network that is gone writes to the console
  return { same: { read } };
}
const ownWorker = script => ({ head: `%TAG%<script>${script}</script>`, body: FILM.replace('metadata', 'none'), files: { '/own.js': SITE_WORKER }, worker: 'unknown', act: offline });
const register = "navigator.serviceWorker.register('/own.js')";

/** The film of a frame. */
const framed = (attributes, inner) => ({ head: '', body: `<iframe ${attributes}></iframe>`, files: inner, async act(v) {
  const tab = await v.open('/');
  await tab.evaluate(() => lab.sleep(1500));
  const frame = tab.frames()[1], seen = await frame.evaluate(() => lab.plays());
  return { same: { film: seen.film }, times: { all: seen.all } };
} });

export const pages = {
  plain: { head: '%TAG%', body: FILM, act: watches() },
  'tag at the end of body': { head: '', body: `${FILM}%TAG%`, act: watches({ wait: 2000 }) },
  'tag at the end, preload=auto': { head: '', body: `${FILM.replace('metadata', 'auto')}<p>text</p>%TAG%`, act: watches({ wait: 2000 }) },
  autoplay: { head: '%TAG%', body: '<video autoplay muted src="/media/film.mp4"></video>', act: watches() },
  sources: { head: '%TAG%', body: '<video muted controls><source src="/media/none.webm" type="video/webm"><source src="/media/film.mp4" type="video/mp4"></video>', act: watches() },
  sound: { head: '%TAG%', body: '<audio controls preload="none" src="/media/sound.m4a"></audio>', act: watches() },
  'made by a script': { head: '%TAG%', body: '<div id="here"></div><script>addEventListener("load", () => { here.innerHTML = `<video muted src="/media/film.mp4">`; })</script>', act: watches() },
  'film on another host': { head: '%TAG%', body: '<video muted controls src="http://%FAR%/media/film.mp4"></video>', at: '%FAR%/media/', act: watches() },
  'WordPress, film.mp4?_=1': { head: '%TAG%', body: '<video muted preload="metadata" controls><source type="video/mp4" src="/media/film.mp4?_=1"></video>', act: watches() },
  'a name with ?ver=6.4.2 behind the key': { head: '%TAG%', query: '?ver=6.4.2', body: FILM, act: watches() },
  scrubbing: { head: '%TAG%', body: FILM, async act(v) {
    const tab = await v.open('/');
    const [same, took] = await tab.evaluate(async () => {
      const el = await lab.player();
      await lab.until(() => el.readyState);
      await el.play().catch(() => {});  // where nothing comes; what is seen then, seeks() says
      for (let i = 0; i < 20; i++) { el.currentTime = (i * 5.3) % 7.5; await lab.sleep(100); }
      const last = await lab.seeks(5);
      return [typeof last == 'number' ? 'shown' : last, last];
    });
    return { same: { place: same }, times: { place: took } };
  } },
  seeks: { head: '%TAG%', body: FILM, async act(v) {
    const tab = await v.open('/'), took = await tab.evaluate(async () => { const all = []; for (const t of [7, 1, 4]) all.push(await lab.seeks(t)); return all; });
    return { same: { places: took.map(t => (typeof t == 'number' ? 'shown' : t)) }, times: Object.fromEntries(took.map((t, i) => [`seek ${i}`, t])) };
  } },
  'module tag': { head: '%TAG%', tag: tag => tag.replace('<script', '<script type="module"'), body: FILM, act: watches() },
  'tag twice': { head: '%TAG%%TAG%', body: FILM, act: watches() },
  'deferred tag': { head: '%TAG%', tag: tag => tag.replace('<script', '<script defer'), body: FILM, act: watches() },
  'async tag': { head: '%TAG%', tag: tag => tag.replace('<script', '<script async'), body: FILM, act: watches() },
  'tag put in by a script after load': { head: '', body: `${FILM}<script>addEventListener('load', () => { const made = document.createRange().createContextualFragment(\`%TAG%\`.replaceAll('~', '/')); document.body.append(made); })</script>`,
    tag: tag => tag.replaceAll('/', '~'), act: watches() },
  'strict CSP': { head: '%TAG%', body: FILM, headers: { 'content-security-policy': "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'" }, act: watches() },
  'Trusted Types': { head: '%TAG%', body: FILM, headers: { 'content-security-policy': "require-trusted-types-for 'script'; trusted-types 'none'" }, act: watches() },
  'sandboxed frame': framed('sandbox="allow-scripts" src="/inner"', { '/inner': html('%TAG%', FILM) }),
  'srcdoc frame': framed('srcdoc="<script src=&quot;%SRC%&quot;></script><video muted preload=metadata src=/media/film.mp4></video>"', {}),
  'frame without the tag': framed('src="/inner"', { '/inner': html('', FILM) }),
  "the site's own worker, right after the tag": ownWorker(register),
  "the site's own worker, at DOMContentLoaded": ownWorker(`addEventListener('DOMContentLoaded', () => ${register})`),
  "the site's own worker, at load": ownWorker(`addEventListener('load', () => ${register})`),
  'unregisters every worker': { head: '%TAG%<script>navigator.serviceWorker.getRegistrations().then(all => all.forEach(r => r.unregister()))</script>', body: FILM, act: watches() },
  'clears its storage': { head: '%TAG%', body: FILM, async act(v) {
    const tab = await v.open('/');
    await tab.evaluate(async () => {
      await lab.sleep(500);
      localStorage.clear();
      sessionStorage.clear();
      for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
      for (const name of await caches.keys()) await caches.delete(name);
    });
    const { first, all, ...same } = await tab.evaluate(() => lab.plays());
    return { same, times: { first, all } };
  } },
  'pictures that the browser has': { head: '%TAG%', body: '', origin: { cache: 'max-age=3600' }, exact: true, async act(v, run) {
    const look = () => v.tab.evaluate(async () => {
      const began = performance.now(), all = [];
      await Promise.all(Array.from({ length: 20 }, async (_, i) => { all[i] = await lab.get(`/media/picture-${String(i + 1).padStart(2, '0')}.png`); }));
      return [all, Math.round(performance.now() - began)];
    });
    await v.open('/');
    await look();
    await v.tab.evaluate(() => lab.sleep(6000));  // what was asked a moment ago is fresh for us, too
    run.mark = run.log.length;
    const [all, took] = await look();
    return { same: { all }, times: { all: took } };
  } },
  'a download by script': { head: '%TAG%', body: '', act: gives(async () => ({ whole: await lab.get('/media/data.bin'), again: await lab.get('/media/data.bin') })) },
  'a film by script': { head: '%TAG%', body: '', act: gives(async () => ({ whole: await lab.get('/media/film.mp4') })) },
  'a download in parts': { head: '%TAG%', body: '', act: gives(async () => Object.fromEntries(await Promise.all(['bytes=0-99', 'bytes=1000000-1999999', 'bytes=-500', 'bytes=2999000-', 'bytes=9000000-']
    .map(async range => [range, await lab.get('/media/data.bin', { headers: { range } })])))) },
  'a download that is resumed (If-Range)': { head: '%TAG%', body: '', act: gives(async () => {
    const { headers } = await fetch('/media/data.bin', { method: 'HEAD' }), part = validator => lab.get('/media/data.bin', { headers: { range: 'bytes=1000000-', 'if-range': validator } });
    return { etag: await part(headers.get('etag') ?? '"none"'), date: await part(headers.get('last-modified') ?? ''), other: await part('"other"'), older: await part('Mon, 01 Jan 2024 00:00:00 GMT') };
  }) },
  'conditional requests': { head: '%TAG%', body: '', act: gives(async () => {
    const first = await fetch('/media/data.bin'), asks = (name, value) => lab.get('/media/data.bin', { headers: { [name]: value } });
    await first.arrayBuffer();
    const etag = first.headers.get('etag'), date = first.headers.get('last-modified');
    return { etag: etag ? await asks('if-none-match', etag) : 'none', other: await asks('if-none-match', '"other"'), date: date ? await asks('if-modified-since', date) : 'none',
      older: await asks('if-modified-since', 'Mon, 01 Jan 2024 00:00:00 GMT') };
  }) },
  'a file that is locked later': { head: '%TAG%', body: '', origin: { cache: 'no-store' }, exact: null, async act(v, run) {
    const tab = await v.open('/'), get = () => tab.evaluate(() => lab.get('/media/data.bin', { headers: { range: 'bytes=0-1999999' } }));
    const before = await get();
    run.how = { ...run.how, status: () => 401 };
    let after = '';
    for (let i = 0; i < 24 && !after.startsWith('401'); i++) {
      await tab.evaluate(() => lab.sleep(500));
      after = await get();
    }
    v.forgive = true;  // each 401 is a line
    return { same: { before: before.startsWith('206'), after: after.slice(0, 3) } };
  } },
  'video.js': { head: `${css('video.js/dist/video-js.min.css')}${js('video.js/dist/video.min.js')}%TAG%`,
    body: '<video id="film" class="video-js" controls muted preload="auto" data-setup="{}"><source src="/media/film.mp4" type="video/mp4"></video>', act: watches() },
  'video.js, HLS': { head: `${css('video.js/dist/video-js.min.css')}${js('video.js/dist/video.min.js')}%TAG%`,
    body: `<video id="film" class="video-js" controls muted></video><script>videojs('film', { html5: { vhs: { overrideNative: true } } }).src({ src: '/media/hls/film.m3u8', type: 'application/x-mpegURL' })</script>`,
    act: watches() },
  plyr: { head: `${css('plyr/dist/plyr.css')}${js('plyr/dist/plyr.min.js')}%TAG%`, body: `${FILM}<script>new Plyr('#film', { iconUrl: '', blankVideo: '', loadSprite: false })</script>`, act: watches() },
  'MediaElement, WordPress': { head: `${css('mediaelement/build/mediaelementplayer.min.css')}${js('mediaelement/build/mediaelement-and-player.min.js')}%TAG%`,
    body: `<video id="film" muted width="320" height="180" preload="metadata" controls><source type="video/mp4" src="/media/film.mp4?_=1"><a href="/media/film.mp4">film</a></video>
      <script>new MediaElementPlayer('film', { iconSprite: '/none.svg' })</script>`, files: { '/none.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>' }, act: watches() },
  'hls.js': { head: `${js('hls.js/dist/hls.min.js')}%TAG%`, body: `<video id="film" muted controls></video><script>const hls = new Hls(); hls.loadSource('/media/hls/film.m3u8'); hls.attachMedia(film);</script>`, act: watches() },
  'dash.js': { head: `${js('dashjs/dist/dash.all.min.js')}%TAG%`, body: `<video id="film" muted controls></video><script>dashjs.MediaPlayer().create().initialize(film, '/media/dash/film.mpd', false);</script>`, act: watches() },
  'React, hydrated': { head: `%TAG%${js('react/umd/react.development.js')}${js('react-dom/umd/react-dom.development.js')}`, body: `<div id="root">${PLAYER}</div><script>addEventListener('load', () => {
      const video = React.createElement('video', { id: 'film', controls: true, muted: true, preload: 'metadata', src: '/media/film.mp4' }); ReactDOM.hydrateRoot(root, video); })</script>`, act: watches({ wait: 800 }) },
  'Vue, hydrated': { head: `%TAG%${js('vue/dist/vue.global.js')}`, body: `<div id="root">${PLAYER}</div><script>addEventListener('load', () => {
      Vue.createSSRApp({ render: () => Vue.h('video', { id: 'film', controls: true, muted: true, preload: 'metadata', src: '/media/film.mp4' }) }).mount('#root'); })</script>`, act: watches({ wait: 800 }) },
  'SPA, from page to page': { head: '%TAG%', body: `<main><video muted controls preload="metadata" src="/media/other.mp4"></video></main><script>function go(path, name) {
      history.pushState(null, '', path); document.querySelector('main').innerHTML = \`<video muted controls preload="auto" src="/media/\${name}"></video>\`; }</script>`, async act(v) {
    const tab = await v.open('/'), seen = await tab.evaluate(async () => {
      const all = [];
      for (const [path, name] of [['/film', 'film.mp4'], ['/other', 'other.mp4'], ['/film', 'film.mp4']]) { go(path, name); await lab.sleep(100); all.push(await lab.plays()); }
      return all;
    });
    return { same: seen.map(({ film, at }) => ({ film, at })), times: Object.fromEntries(seen.map(({ all }, i) => [`film ${i}`, all])) };
  } },
  'inlined tag': { head: '<script>fetch("%SRC%").then(r => r.text()).then(text => { const el = document.createElement("script"); el.textContent = text; document.head.append(el); })</script>', body: FILM, act: watches({ wait: 500 }) },
  'combined with other scripts': { head: '<script src="/all.js"></script>', body: FILM, files: { '/all.js': '%LOADER%' }, act: watches({ wait: 500 }) },
  'asks first, back from another page': { head: '%TAG%', extra: 'data-p2p="ask"', body: FILM, async act(v, run) {
    const tab = await v.open('/');
    await tab.evaluate(() => lab.sleep(1500));
    const persisted = await v.back();
    await tab.evaluate(() => lab.sleep(2500));
    return { same: { persisted, joined: run.log.filter(({ url }) => /\/sync/.test(url)).length } };
  } },
  'reads and sets its player': { head: '%TAG%', body: FILM, act: gives(async () => {
    const el = await lab.player(), seen = () => [el.preload, el.autoplay, el.getAttribute('preload'), el.hasAttribute('autoplay'), el.crossOrigin, el.getAttribute('crossorigin'), el.getAttribute('src')];
    const early = seen();
    el.preload = 'auto';
    const set = seen();
    await lab.sleep(1500);
    const later = seen();
    el.crossOrigin = 'anonymous';
    el.autoplay = true;
    const again = seen();
    await lab.until(() => el.currentTime > 0.3, 8000);
    const playing = el.currentTime > 0.3;
    el.src = '/media/other.mp4';
    const { film } = await lab.plays();
    return { early, set, later, again, playing, film, name: el.currentSrc.split('/').pop() };
  }) },
};

/** The page's files for a run; tag(extra, query) is '' for who has none. */
export function filesOf(page, run, tagged) {
  const shape = page.tag ?? (tag => tag), tag = tagged ? shape(run.tag(page.extra, page.query)) : '', src = tagged ? `${tier0}signal?${run.key}` : '/none.js';
  const fill = text => text.replaceAll('%TAG%', tag).replaceAll('%SRC%', src).replaceAll('%FAR%', run.far);
  const files = { '/': { body: fill(html(page.head, page.body)), headers: page.headers }, '/plain': html('', ''), '/none.js': '', '/favicon.ico': '' };
  for (const [path, text] of Object.entries(page.files ?? {})) files[path] = text == '%LOADER%' ? tagged ? { pass: src } : '' : fill(text);
  return files;
}

export { ours };
