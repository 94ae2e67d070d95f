// Chromium plays no film half from a worker and half from the network: what comes first, what later, and in what tab.
import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { makeFilm, makeSite, makeViewer, mirrored, page, play, stats, until } from './site.mjs';

const film = name => `<video controls muted preload="none" src="/media/${name}"></video>`;
const NAME = 'Q&A [1080p], 100% + über.mp4';
let site;

before(async () => {
  site = await makeSite({ film: { seconds: 36, kbps: 8000 }, pages: {
    'index.html': page(film('film.mp4'), '%TAG%'),
    'bare.html': page(film('film.mp4')),
    'part.html': page(film('film.mp4#t=3'), '%TAG%'),
    'sources.html': page('<video controls muted preload="metadata"><source src="/media/film.mp4#t=2" type="video/mp4"><track src="/none.vtt"></video>', '%TAG%'),
    // it plays before there is a worker
    'early.html': page(`${film('film.mp4')}<script>document.querySelector('video').play();</script>`.replace('preload="none"', 'preload="auto"') + '%TAG%'),
  } });
  await makeFilm(site.at('other.mp4'), { seconds: 4 });
  await copyFile(site.at('other.mp4'), site.at(`media/${NAME}`));
  const named = ['Q&amp;A [1080p], 100%25 + über.mp4', encodeURIComponent(NAME)].map((name, i) => writeFile(site.at(`name-${i}.html`), page(film(name), site.tag())));
  await Promise.all([...named, site.publish()]);
});
after(() => site?.close());

async function visits(body) {
  const viewer = await makeViewer();
  try { await body(viewer); } finally { await viewer.close(); }
}

/** Here and there in the film, which plays on. */
async function seeks(tab, places = [0.9, 0.1, 0.6]) {
  await play(tab);
  for (const part of places) {
    await tab.evaluate(part => { const video = document.querySelector('video'); video.currentTime = video.duration * part; }, part);
    await until(tab, `${part} of it`, () => { const { error, seeking, readyState } = document.querySelector('video'); return error?.message ?? (!seeking && readyState > 2); }, 10000);
    assert.equal(await tab.evaluate(() => document.querySelector('video').error?.message ?? null), null, `at ${part}`);
  }
}
const adopted = tab => tab.evaluate(() => document.querySelector('video').crossOrigin == 'use-credentials');
const fed = async tab => (await stats(tab)).bytes.origin;

test('seen by plain HTTP first, then mirrored, in one tab', () => visits(async viewer => {
  await seeks(await viewer.open(`${site.url}/bare.html`));
  const tab = await viewer.open(site.url);
  await mirrored(tab);
  await seeks(tab);
  assert.ok(await fed(tab) > 5e6);
  await tab.reload();
  await mirrored(tab);
  await seeks(tab, [0.7, 0.2]);
}));

test('a film with a fragment (media fragments), one by <source> with a track', () => visits(async viewer => {
  for (const [path, from] of [['/part.html', 3], ['/sources.html', 2]]) {
    const tab = await viewer.open(site.url + path);
    await mirrored(tab);
    await play(tab);
    await until(tab, 'it plays', from => document.querySelector('video').currentTime > from, 10000, from);
    await seeks(tab, [0.9, 0.2]);
    const { bytes } = await stats(tab);
    assert.ok(await adopted(tab) && bytes.origin + bytes.storage > 1e6, JSON.stringify(bytes));
  }
}));

test('a name with all sorts of characters, as people write it and as programs do', () => visits(async viewer => {
  for (const path of ['/name-0.html', '/name-1.html']) {
    const tab = await viewer.open(site.url + path);
    await mirrored(tab);
    await seeks(tab, [0.5]);
    const { bytes } = await stats(tab);
    assert.ok(await adopted(tab) && bytes.origin + bytes.storage > 1e5, JSON.stringify(bytes));
  }
}));

test('mirrored first, then on a page without the tag, and a reload', () => visits(async viewer => {
  const tab = await viewer.open(site.url);
  await mirrored(tab);
  await seeks(tab, [0.5]);
  await viewer.open(`${site.url}/bare.html`);
  assert.ok(await tab.evaluate(() => navigator.serviceWorker.controller), 'the same worker');
  await seeks(tab);
  await tab.reload();
  await seeks(tab, [0.7, 0.2]);
}));

test('begun before the worker is there: it goes on by plain HTTP; the next page is mirrored', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/early.html`);
  await until(tab, 'it plays', () => document.querySelector('video')?.currentTime > 0);
  await mirrored(tab);
  await seeks(tab);
  assert.equal(await adopted(tab), false);
  await viewer.open(site.url);
  await mirrored(tab);
  await seeks(tab);
  assert.ok(await fed(tab) > 5e6);
}));

test('left in the middle of it', () => visits(async viewer => {
  const tab = await viewer.open(site.url);
  await mirrored(tab);
  await seeks(tab, [0.5]);
  await tab.evaluate(() => polycircle.leave());
  await seeks(tab, [0.9]);  // what was under way has ended by then
  const before = await fed(tab);
  await seeks(tab, [0.1, 0.7]);
  assert.equal(await fed(tab), before, 'not by the mirror');
  await tab.evaluate(() => { polycircle.join(); });
  await until(tab, 'its signal', () => polycircle.signal?.peers && polycircle.role != 'tab');
  await seeks(tab, [0.3, 0.8]);
}));

test('another worker comes in the middle of it, or none is left', () => visits(async viewer => {
  for (const go of ['newer', 'removed']) {
    const tab = await viewer.open(`${site.url}/?${go}`);
    await mirrored(tab);
    await seeks(tab, [0.5]);
    if (go == 'removed') await site.program(['uninstall', '--yes']);
    await tab.evaluate(async () => { await (await navigator.serviceWorker.getRegistration('/')).update(); });
    if (go == 'removed') await until(tab, 'the worker is gone', async () => !(await navigator.serviceWorker.getRegistrations()).length, 20000);
    await seeks(tab);
  }
  await site.program(['uninstall', '--undo']);
}));

test('a player gets other files: its own attributes come back, and it is adopted again', () => visits(async viewer => {
  await writeFile(site.at('two.html'), page(film('film.mp4').replace('<video', '<video crossorigin="anonymous"'), site.tag()));
  const tab = await viewer.open(`${site.url}/two.html`);
  await mirrored(tab);
  await until(tab, 'adopted', () => document.querySelector('video').crossOrigin == 'use-credentials');
  await seeks(tab, [0.5]);
  const show = src => tab.evaluate(src => { const video = document.querySelector('video'); video.src = src; return video.play(); }, src);
  await show(`http://localhost:${site.port}/other.mp4`).catch(() => {}); // refused: another origin, and the page asks for CORS itself
  assert.equal(await tab.evaluate(() => document.querySelector('video').crossOrigin), 'anonymous');
  await show('/other.mp4');
  assert.equal(await tab.evaluate(() => document.querySelector('video').crossOrigin), 'anonymous');
  await show('/media/film.mp4');
  assert.ok(await adopted(tab));
  await seeks(tab);
  const made = await tab.evaluate(async () => {
    const video = Object.assign(document.createElement('video'), { src: '/media/film.mp4', muted: true });
    document.querySelector('video').replaceWith(video);
    await video.play();
    return video.crossOrigin;
  });
  assert.equal(made, 'use-credentials', 'one that a script has made');
  await seeks(tab);
}));
