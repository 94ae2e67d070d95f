// Chromium behind a firewall: page and film are one site's, the instance is another's, at paranoia level 4. The client's d= would pass the rules
// even there (waf.test.mjs), so this host has one more of its own; the ladder finds h=, two viewers meet, and keep what they found.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { makeSite, makeViewer, page, stats, until } from '../browser/site.mjs';
import { ruleSets, startWalled } from './wall.mjs';

// CRS 3.3 refuses the "?0" of Chromium's own Sec-CH-UA-Mobile at level 4, whatever is asked: no host can live with that.
const more = `SecRule ARGS_POST:d "@rx [A-Z]" "id:101,phase:2,deny,status:403,t:none,msg:'Capitals in a field'"
SecRuleUpdateTargetById 920274 "!REQUEST_HEADERS:sec-ch-ua-mobile"
`;
const viewers = [];
let site, host;

before(async () => {
  site = await makeSite({ film: { seconds: 12, kbps: 2000 }, pages: { 'index.html': '' } });
  host = await startWalled(ruleSets.at(-1), 4, { more });
  await host.owner('init', '--url', host.base);
  const circle = JSON.parse(await host.owner('circle', 'add', 'films', '--p2p', 'on', '--ice', 'none', '--worker', 'none', '--origin', site.url, '--json'));
  await host.owner('publish', 'films', site.at('media'), '--at', `${site.url}/media/`);
  await writeFile(site.at('worker.js'), `importScripts('${host.base}circle-sw.js');\n`);
  await writeFile(site.at('index.html'), page('<video controls muted preload="metadata" src="/media/film.mp4"></video>',
    `<link rel="icon" href="data:,"><script src="${host.base}signal?${circle.api_key}" data-worker="/worker.js"></script>`));
});
after(async () => {
  for (const viewer of viewers) await viewer.close();
  await host?.stop();
  await site?.close();
});

/** A viewer, and what it posted to the instance: [[field, whether it was let through], ...] */
async function makeWatched() {
  const viewer = await makeViewer(), posts = [];
  viewers.push(viewer);
  viewer.page = await viewer.tab();
  const note = passed => request => { if (request.url() == `${host.base}sync` && request.method() == 'POST') posts.push([request.postData()?.slice(0, 1), passed]); };
  viewer.page.on('requestfailed', note(false));
  viewer.page.on('requestfinished', note(true));
  return { viewer, posts };
}

/** Some of the film, through the worker. */
async function fetchFilm(tab, range) {
  await until(tab, 'the worker has the page', () => navigator.serviceWorker.controller);
  return await tab.evaluate(range => fetch('/media/film.mp4', { headers: { range } }).then(r => r.arrayBuffer()).then(b => b.byteLength), range);
}

const fields = posts => posts.map(([field, passed]) => field + (passed ? '' : '!')).join(' ');

test('two viewers find h=, meet, and a piece comes from the neighbour', async (t) => {
  const first = await makeWatched(), one = await first.viewer.open(site.url);
  await until(one, 'it has joined', () => globalThis.polycircle?.role == 'greeter', 30000);
  await fetchFilm(one, 'bytes=0-');
  assert.ok((await stats(one)).media.every(m => m.have == m.pieces), 'it has the film');
  const second = await makeWatched(), two = await second.viewer.open(site.url);
  await until(two, 'they have met', () => globalThis.polycircle?.peers.length == 1, 30000);
  assert.equal(await fetchFilm(two, 'bytes=2000000-2299999'), 300000);
  assert.ok((await stats(two)).bytes.peers > 0, 'a piece came from the neighbour');
  for (const { viewer, posts } of [first, second]) {
    t.diagnostic(fields(posts));
    assert.match(fields(posts), /^d! d! h( h)*$/);
    const loud = viewer.lines.filter(line => /^(error|warning|pageerror)/.test(line));
    for (const line of loud) t.diagnostic(line);
    assert.ok(loud.length <= 4 && loud.every(line => line.includes('/sync') || line.includes('Failed to load resource')), 'the console shows the two failures, two lines each');
  }
  t.diagnostic(JSON.stringify((await stats(two)).bytes));
});

test('a second visit begins with h=', async () => {
  const viewer = viewers[1], posts = [];
  await viewer.restart();
  viewer.page = await viewer.tab();
  viewer.page.on('request', request => { if (request.url() == `${host.base}sync`) posts.push(request.postData()?.slice(0, 1)); });
  await until(await viewer.open(site.url), 'it has joined', () => globalThis.polycircle?.sig, 20000);
  assert.deepEqual([...new Set(posts)], ['h']);
});

test('where the owner has set the wire to h nobody is ever refused', async () => {
  await host.owner('set', 'wire', 'h');
  const { viewer, posts } = await makeWatched();
  await until(await viewer.open(site.url), 'it has joined', () => globalThis.polycircle?.peers.length > 0, 20000);
  assert.match(fields(posts), /^h( h)*$/);
  assert.deepEqual(viewer.lines.filter(line => /^(error|pageerror)/.test(line)), []);
});
