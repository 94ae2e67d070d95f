// Players under us that the world fails: what plays without the tag plays with it, and its page sees no error.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { adopted, makeFilm, makeSite, mirrored, page, play, stats, until, visits } from './site.mjs';

const player = (src, more = '') => `<video controls muted preload="auto" src="${src}" ${more}></video>`;
let site, far, elsewhere;
/** requests that came to the other host */
const asked = [];

before(async () => {
  // a host that lets scripts read nothing
  far = createServer(async (request, response) => {
    asked.push(request.headers);
    const file = await readFile(site.at('media/film.mp4')), [, from = 0, to = file.length - 1] = /bytes=(\d+)-(\d+)?/.exec(request.headers.range ?? '') ?? [], part = file.subarray(from, +to + 1);
    response.writeHead(206, { 'content-type': 'video/mp4', 'content-length': part.length, 'accept-ranges': 'bytes', 'content-range': `bytes ${from}-${to}/${file.length}` });
    response.end(part);
  });
  await new Promise(ok => far.listen(0, '127.0.0.1', ok));
  elsewhere = `http://127.0.0.1:${far.address().port}`;
  const sent = `$HTTP["url"] == "/media/sent.mp4" { url.redirect = ( "" => "${elsewhere}/sent.mp4" ) }`;
  site = await makeSite({ film: { seconds: 12 }, change: text => text.replace(/server\.modules\s*(\+?=)\s*\(/, '$& "mod_redirect", ') + `\n${sent}\n`, pages: {
    'index.html': page(player('/media/film.mp4'), '%TAG%'), 'empty.html': page('', '%TAG%'), 'sent.html': page(player('/media/sent.mp4'), '%TAG%'), 'changed.html': page(player('/media/changed.mp4'), '%TAG%'), 'end.html': page(player('/media/film.mp4') + '%TAG%'),
  } });
  for (const name of ['sent', 'changed']) await makeFilm(site.at(`media/${name}.mp4`), { seconds: 12 });
  await site.publish();
  await writeFile(site.at('favicon.ico'), '');  // or the console says that there is none
  const { api_key: key } = JSON.parse(await site.program(['circle', 'add', 'far', '--p2p', 'on', '--ice', 'none', '--json']));
  await site.program(['publish', 'far', site.at('media'), '--at', `${elsewhere}/media/`]);
  await writeFile(site.at('far.html'), page(player(`${elsewhere}/media/film.mp4`), site.tag().replace(site.circle.api_key, key)));
});
after(async () => { await site?.close(); far?.close(); });

/** A listener of the page's own, on the player: what it sees there. */
const hears = tab => tab.evaluate(() => {
  globalThis.heard = [];
  for (const type of ['error', 'emptied', 'loadstart', 'seeked']) document.querySelector('video').addEventListener(type, () => heard.push(type));
});

async function plays(tab) {
  await until(tab, 'first frame', () => film.first);
  await play(tab);
  await until(tab, 'it goes on', () => document.querySelector('video').currentTime > 1);
  assert.equal(await tab.evaluate(() => film.error), null);
}

test('a film that the site redirects to where no script may read plays as without the tag; nothing is in the console', () => visits(async viewer => {
  for (const visit of [1, 2]) {
    asked.length = 0;
    const tab = await viewer.open(`${site.url}/sent.html`);
    await plays(tab);
    await mirrored(tab);
    assert.equal(await tab.evaluate(() => document.querySelector('video').crossOrigin), null, `visit ${visit}`);
    assert.ok(asked.length > 0 && asked.every(headers => headers['sec-fetch-mode'] == 'no-cors'), JSON.stringify(asked.map(headers => headers['sec-fetch-mode'])));
    assert.deepEqual(viewer.lines, []);
  }
}));

test('one that comes later is given back when it fails: one load(), no error', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/empty.html`);
  await mirrored(tab);
  await tab.evaluate(() => { document.body.innerHTML = '<video muted preload="none" src="/media/sent.mp4"></video>'; });
  await until(tab, 'it is ours', () => document.querySelector('video').crossOrigin == 'use-credentials');
  await hears(tab);
  await tab.evaluate(() => { document.querySelector('video').preload = 'auto'; });
  await plays(tab);
  assert.deepEqual(await tab.evaluate(() => [heard, document.querySelector('video').crossOrigin]), [['emptied', 'loadstart'], null]);
  assert.ok(await tab.evaluate(() => { document.body.insertAdjacentHTML('beforeend', '<audio src="/media/sent.mp4" preload="none"></audio>'); return new Promise(ok => setTimeout(() => ok(!document.querySelector('audio').crossOrigin), 50)); }),
    'the file is left alone');
}));

test('one that breaks while it plays goes on where it was, as it was', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/index.html`);
  await adopted(tab);
  await plays(tab);
  await hears(tab);
  await tab.evaluate(() => {
    const video = document.querySelector('video');
    Object.assign(video, { playbackRate: 0.5, volume: 0.3, loop: true, currentTime: 4 });
    video.addTextTrack('subtitles', 'own').mode = 'showing';
    video.textTracks[0].addCue(new VTTCue(0, 12, 'a line'));
  });
  await until(tab, 'it is there', () => document.querySelector('video').currentTime > 4.2);
  // as the browser does when what comes is no film, or nothing comes any more
  await tab.evaluate(() => { document.querySelector('video').dispatchEvent(new Event('error')); });
  await until(tab, 'it goes on', () => document.querySelector('video').crossOrigin == null && document.querySelector('video').currentTime > 4.5 && document.querySelector('video').readyState > 2);
  const now = await tab.evaluate(() => { const { playbackRate, volume, muted, loop, paused, currentTime, textTracks } = document.querySelector('video'); return { playbackRate, volume, muted, loop, paused, near: currentTime < 6, cues: textTracks[0].cues.length, mode: textTracks[0].mode, heard, error: film.error }; });
  assert.deepEqual(now, { playbackRate: 0.5, volume: 0.3, muted: true, loop: true, paused: false, near: true, cues: 1, mode: 'showing', heard: ['seeked', 'emptied', 'loadstart', 'seeked'], error: null });
}));

test('a film on a host that lets scripts read nothing: one request of ours, and it plays', () => visits(async viewer => {
  asked.length = 0;
  await plays(await viewer.open(`${site.url}/far.html`));
  assert.ok(asked.filter(headers => headers['sec-fetch-mode'] == 'cors').length <= 1, JSON.stringify(asked.map(headers => headers['sec-fetch-mode'])));
}));

test('the tag at the end of the body: a film that has begun comes once', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/end.html`);
  await mirrored(tab);
  await plays(tab);
  await until(tab, 'the end of the film', () => film.ended, 30000);
  const { size } = (await stats(tab)).media.find(m => m.path == 'film.mp4'), requests = viewer.mine(await site.log()).filter(l => l.path == '/media/film.mp4');
  // one that the loader met before it began is the worker's, whose origin is asked as far as the page says
  assert.ok(requests.length <= 4 && requests.reduce((sum, l) => sum + l.bytes, 0) < 1.1 * size, JSON.stringify([size, requests.map(l => l.bytes)]));
}));

test('one whose file was replaced is given back while it is paused: at its place, and no error', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/changed.html`);
  await adopted(tab);
  await plays(tab);
  await hears(tab);
  await tab.evaluate(() => { document.querySelector('video').pause(); });
  await makeFilm(site.at('media/next.mp4'), { seconds: 10, tone: 500 });
  await rename(site.at('media/next.mp4'), site.at('media/changed.mp4'));  // whole, or the player meets half a film
  await until(tab, 'it is plain', async () => {
    await fetch('/media/changed.mp4', { headers: { range: `bytes=${performance.now() | 0}-` } }).then(r => r.arrayBuffer()).catch(() => 0);
    return document.querySelector('video').crossOrigin == null;
  });
  await until(tab, 'it is there again', () => document.querySelector('video').readyState > 1);
  assert.deepEqual(await tab.evaluate(() => [document.querySelector('video').paused, document.querySelector('video').currentTime > 1, heard.includes('error'), heard.filter(type => type == 'emptied').length]), [true, true, false, 1]);
}));

test('the page is told of each of its files whether it is mirrored, or why not; the console, when it is asked to', () => visits(async viewer => {
  const kind = 'browsers show this kind of element to no worker', rows = [
    ['<video muted preload="none" src="/media/film.mp4"></video>', ''],
    ['<video muted preload="none" src="/gone.mp4"></video>', 'it is not published in this circle'],
    [`<video muted preload="none" src="/media/sent.mp4"><track src="${elsewhere}/a.vtt"></video>`, 'a <source> or <track> of it is on another host'],
    ['<audio data-polycircle="off" preload="none" src="/media/film.mp4"></audio>', 'data-polycircle="off" stands at it'],
    ['<a download href="/media/film.mp4">save it</a>', kind], ['<object type="text/plain" data="/media/none.txt"></object>', kind],
  ];
  await writeFile(site.at('why.html'), page(rows.map(([html]) => html).join(''), site.tag()));
  const tab = await viewer.open(`${site.url}/why.html?polycircle=debug`);
  await mirrored(tab);
  await until(tab, 'the film is ours', () => document.querySelector('video').crossOrigin);
  assert.deepEqual((await tab.evaluate(() => polycircle.why())).map(({ mirrored, why }) => [mirrored, why]), rows.map(([, why]) => [!why, why]));
  const lines = () => viewer.lines.filter(line => line.startsWith('info: polycircle:')).map(line => line.replace(/.*?\/\/[^/]*/, ''));
  await until({ evaluate: async () => lines().includes('/media/film.mp4: mirrored') }, 'the lines');
  assert.ok(lines().includes(`/media/film.mp4: ${kind}`));
}));
