// Pages of every kind: policies, plain http, several tabs, a worker of their own, another origin, no tag, a question first.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { makeFilm, makeSite, mirrored, page, play, saved, stats, until, visits } from './site.mjs';

const FILM = '<video controls muted preload="metadata" src="/media/film.mp4"></video>';
const csp = policy => `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
const data = randomBytes(2 << 20), sum = createHash('sha256').update(data).digest('hex');
let site;

before(async () => {
  const policy = `$HTTP["url"] == "/header.html" { setenv.add-response-header = ( "Content-Security-Policy" => "script-src 'self'; media-src 'self'" ) }`;
  const change = text => text.replace(/server\.modules\s*(\+?=)\s*\(/, '$& "mod_setenv", ') + `\n${policy}\n`;
  site = await makeSite({ film: { seconds: 4 }, change, hosts: ['127.0.0.1', 'localhost', 'plain.test'], pages: {
    'header.html': page(FILM, '%TAG%'),
    'inner.html': page(FILM, '%TAG%'),
    'frames.html': page(`<iframe sandbox="allow-scripts" src="/inner.html"></iframe><iframe srcdoc='${page(FILM, '%TAG%').replaceAll("'", '&#39;')}'></iframe>`),
    'index.html': page(FILM, '%TAG%'),
    'long.html': page(FILM.replace('film', 'long'), '%TAG%'),
    'data.html': page('', '%TAG%'),
    'noblob.html': page(FILM, csp("script-src 'self'; media-src 'self'") + '%TAG%'),
    'strict.html': page(FILM, csp("script-src 'nonce-x' 'strict-dynamic'") + '%TAG%'.replace('%TAG%', '%NONCE%')),
    'noconnect.html': page(FILM, csp("connect-src 'none'") + '%TAG%'),
    'off.html': page(FILM, '%OFF%'),
    'module.html': page(FILM, '%MODULE%'),
    'modules.html': page(FILM, '%MODULE%%MODULE%'),
    'ask.html': page('', '%ASK%'),
    'own.html': page(FILM, '%TAG%'),
    'own.js': 'self.addEventListener("fetch", () => {});',
    // what sites do: whoever wants less motion, or slides that are not seen
    'still.html': page('<video muted autoplay src="/media/film.mp4"></video><video muted autoplay src="/media/film.mp4"></video>', '%TAG%') + '<script>const [one, two] = document.querySelectorAll("video"); one.autoplay = false; two.pause();</script>',
    'autoplay.html': page('<video muted autoplay src="/media/film.mp4"></video><video id="second" controls muted></video>', '%TAG%'),
    'element.html': page('<poly-signal base="/cgi-bin/polycircle.fcgi/" key="%KEY%"></poly-signal>', '<script type="module" src="/cgi-bin/polycircle.fcgi/client.js"></script>'),
    'media.html': page('<poly-media src="/media/film.mp4"></poly-media>', ''),
  } });
  await writeFile(site.at('media/data.bin'), data);
  await makeFilm(site.at('media/long.mp4'), { seconds: 12 });
  const replace = async (name, from, to) => writeFile(site.at(name), (await import('node:fs')).readFileSync(site.at(name), 'utf8').replace(from, to));
  await replace('strict.html', '%NONCE%', site.tag('nonce="x"'));
  for (const name of ['module.html', 'modules.html']) await replace(name, /%MODULE%/g, site.tag('type="module"'));
  await writeFile(site.at('favicon.ico'), '');
  await replace('off.html', '%OFF%', site.tag('data-off'));
  await replace('ask.html', '%ASK%', site.tag('data-p2p="ask"'));
  await site.publish();
});
after(() => site?.close());

async function plays(tab) {
  await until(tab, 'first frame', () => film.first);
  await play(tab);
  await until(tab, 'end of the film', () => film.ended, 15000);
}

/** Runs in a page. */
async function digest(path) {
  const bytes = await (await fetch(path)).arrayBuffer();
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map(b => b.toString(16).padStart(2, '0')).join('');
}


test('a policy without blob: modules come from the instance', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/noblob.html`);
  await plays(tab);
  await mirrored(tab);
  assert.ok((await stats(tab)).bytes.origin > 0);
  assert.ok(viewer.mine(await site.log()).some(l => /package\/[0-9a-f]{64}\/signal\.js$/.test(l.path)));
}));

test('a policy without blob: is broken once, and never again by this browser', () => visits(async viewer => {
  for (const visit of [1, 2]) {
    viewer.lines.length = 0;
    await mirrored(await viewer.open(`${site.url}/header.html?${visit}`));
    assert.equal(viewer.lines.filter(line => /Content.Security.Policy/.test(line)).length, visit == 1 ? 1 : 0, `visit ${visit}: ${viewer.lines}`);
  }
}));

test('frames that can share nothing: a sandbox, a srcdoc; no error in the console, and their films play', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/frames.html`);
  await tab.waitForLoadState();
  for (const frame of tab.frames().slice(1)) {
    await until(frame, 'first frame', () => document.querySelector('video')?.readyState >= 2);
    assert.equal(await frame.evaluate(() => typeof polycircle), 'undefined');
  }
  assert.deepEqual([tab.frames().length, viewer.lines], [3, []]);
}));

test('the tag as a module; where it stands twice nobody knows which one it is, and the console says so', () => visits(async viewer => {
  await mirrored(await viewer.open(`${site.url}/module.html`));
  assert.deepEqual(viewer.lines, []);
  const tab = await viewer.open(`${site.url}/modules.html`);
  await plays(tab);
  assert.deepEqual([await tab.evaluate(() => typeof polycircle), viewer.lines], ['undefined', ['warning: polycircle: one tag']]);
}));

test('a policy by nonce and strict-dynamic', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/strict.html`);
  await mirrored(tab);
  await plays(tab);
}));

test('a policy that stops it: the page plays, the console names the line', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/noconnect.html`);
  await plays(tab);
  const line = viewer.lines.find(l => l.startsWith('error: polycircle:'));
  assert.equal(line, `error: polycircle: add to this page's Content-Security-Policy: connect-src ${site.url}`);
}));

test('data-off does nothing', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/off.html`);
  await plays(tab);
  assert.deepEqual(await tab.evaluate(async () => [typeof polycircle, (await navigator.serviceWorker.getRegistrations()).length, (await indexedDB.databases()).length]),
    ['undefined', 0, 0]);
}));

test('plain http: signaling, no mirror, and the owner is told', () => visits(async viewer => {
  const tab = await viewer.open(`http://plain.test:${site.port}/`);
  await until(tab, 'its signal', () => globalThis.polycircle?.sig);
  assert.equal(await tab.evaluate(() => isSecureContext), false);
  await plays(tab);
  assert.equal(await tab.evaluate(() => polycircle.mirror), null);
  assert.ok(viewer.lines.some(l => l.startsWith('warning: polycircle: no mirror over plain http')));
  await visits(async other => {
    const near = await other.open(`${site.url}/data.html`);
    await until(near, 'a link between the two', () => globalThis.polycircle?.peers.length == 1);
    await tab.evaluate(() => polycircle.addEventListener('message', e => { globalThis.heard = e.detail.data; }));
    await until(near, 'sent', () => polycircle.send(null, { hello: 'there' }) == 1);
    assert.deepEqual(await until(tab, 'heard', () => globalThis.heard), { hello: 'there' });
  });
}, { args: ['--host-resolver-rules=MAP plain.test 127.0.0.1'] }));

/** The circle's roster; visitors of earlier tests may still be on it. */
const present = async () => (await fetch(`${site.url}${site.base}roster/${site.circle.cid}.json`)).json();

test('a second tab has no links of its own; it is served by the first, and takes over', () => visits(async seeder => {
  const first = await seeder.open(`${site.url}/data.html`);
  await mirrored(first);
  assert.equal(await first.evaluate(digest, '/media/data.bin'), sum);
  await visits(async viewer => {
    const lead = await viewer.open(`${site.url}/data.html`);
    await mirrored(lead);
    await until(lead, 'a link', () => polycircle.peers.length == 1);
    const tab = await viewer.tab();
    await tab.goto(`${site.url}/data.html`);
    await until(tab, 'its mirror', () => globalThis.polycircle?.mirror?.version && navigator.serviceWorker.controller);
    assert.equal(await tab.evaluate(() => polycircle.role), 'tab');
    await until(lead, 'what the neighbour has', () => polycircle.signal.peers[0]?.has(polycircle.mirror.find(`${location.origin}/media/data.bin`).root, 7));
    assert.equal(await tab.evaluate(digest, '/media/data.bin'), sum);
    const { bytes } = await stats(lead);
    assert.ok(bytes.peers > 0 && bytes.peers + bytes.origin >= data.length, `the first tab brought it: ${JSON.stringify(bytes)}`);
    assert.equal((await stats(tab)).bytes.origin, 0);
    const before = await present();
    await lead.close();
    const sig = await until(tab, 'the lead', () => polycircle.role && polycircle.role != 'tab' && polycircle.sig);
    const roster = await present();
    assert.ok(roster.n <= before.n, `no ghost of the tab that led: ${roster.n}, ${before.n}`);  // leases of earlier visitors may end meanwhile
    assert.ok(roster.signals.some(s => s.sig == sig), JSON.stringify([roster, sig]));
    assert.equal(await tab.evaluate(digest, '/media/data.bin'), sum);
  });
}));

test("a worker of the site's own stays", () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/off.html`);
  await tab.evaluate(async () => { await navigator.serviceWorker.register('/own.js', { scope: '/' }); await navigator.serviceWorker.ready; });
  await viewer.open(`${site.url}/own.html`);
  await until(tab, 'its signal', () => globalThis.polycircle?.sig);
  await plays(tab);
  const scripts = await tab.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).map(r => new URL(r.active.scriptURL).pathname));
  assert.deepEqual(scripts, ['/own.js']);
}));

test('autoplay: what a script says on a first visit counts', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/still.html`);
  await mirrored(tab);
  await tab.evaluate(() => new Promise(ok => setTimeout(ok, 1000)));
  assert.deepEqual(await tab.evaluate(() => [...document.querySelectorAll('video')].map(({ paused, autoplay }) => [paused, autoplay])), [[true, false], [true, true]]);
}));

test('autoplay goes on by itself: a first visit by plain HTTP, a second by the mirror', () => visits(async viewer => {
  for (const visit of [1, 2]) {
    const tab = await viewer.open(`${site.url}/autoplay.html`);
    await until(tab, 'end of the film', () => film.ended, 15000);
    assert.equal(await tab.evaluate(() => document.querySelector('video').autoplay), true);
    assert.equal(await tab.evaluate(() => document.querySelector('#second').getAttribute('preload')), null);
    const { bytes, media } = await stats(tab);
    if (visit == 2) assert.equal(bytes.origin + bytes.storage, media.find(m => m.path == 'film.mp4').size);
  }
}));

// On a first visit a slow phone may begin by plain HTTP, and goes on so; what is stored by then is no reason to.
test('four slow phones on their second visit, and the mirror brings the film to each', async () => {
  for (let i = 0; i < 4; i++) await visits(async viewer => {
    const tab = await viewer.open(`${site.url}/data.html`), devtools = await viewer.context.newCDPSession(tab);
    await mirrored(tab);
    await until(tab, 'its beginning is here', async () => {
      await (await fetch('/media/long.mp4', { headers: { range: 'bytes=0-262143' } })).arrayBuffer();
      return polycircle.stats().media.find(m => m.path == 'long.mp4').have;
    });
    await saved(tab);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: 8 });
    await viewer.open(`${site.url}/long.html`);
    await until(tab, 'the film is taken over', () => film.first && document.querySelector('video').crossOrigin);
    await play(tab);
    await tab.evaluate(() => { document.querySelector('video').currentTime = 10; });
    await until(tab, 'end of the film', () => film.ended, 15000);
    const { bytes, media } = await stats(tab), { size } = media.find(m => m.path == 'long.mp4');
    // what lies between its beginning and the place that was sought is read on some machines only
    assert.ok(bytes.origin >= 0.3 * size, `phone ${i + 1}: ${bytes.origin} of ${size} by the mirror, the end of the film among them`);
  });
});

test('a question first: nothing is joined before a yes, and it is asked once', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/ask.html`);
  await tab.locator('.polycircle-ask').waitFor();
  assert.equal(viewer.mine(await site.log()).filter(l => l.path.endsWith('/sync')).length, 0);
  await tab.locator('.polycircle-ask button[value=yes]').click();
  await until(tab, 'its signal', () => polycircle.sig);
  await viewer.open(`${site.url}/ask.html`);
  await until(tab, 'its signal again', () => globalThis.polycircle?.sig);
  assert.equal(await tab.locator('.polycircle-ask').count(), 0);
}));

test('a page of another origin, without a worker: <poly-media> brings the verified file', () => visits(async viewer => {
  const tab = await viewer.open(`http://localhost:${site.port}/media.html`);
  await tab.evaluate(src => { document.head.append(Object.assign(document.createElement('script'), { src })); }, `${site.url}${site.base}signal?${site.circle.api_key}`);
  await until(tab, 'the player', () => document.querySelector('poly-media video')?.readyState >= 2);
  assert.match(await tab.evaluate(() => document.querySelector('poly-media video').src), /^blob:/);
  await plays(tab);
}));

test('<poly-signal> in the place of the tag, by client.js', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/element.html`);
  await mirrored(tab);
  await tab.evaluate(() => document.querySelector('poly-signal').remove());
  const before = await stats(tab);
  assert.equal(await tab.evaluate(digest, '/media/data.bin'), sum);
  assert.equal((await stats(tab)).bytes.origin, before.bytes.origin, 'it has left');
}));

test('leaving: no links, plain HTTP, and back again', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/data.html`);
  await mirrored(tab);
  await tab.evaluate(() => polycircle.leave());
  const before = viewer.mine(await site.log()).length;
  assert.equal(await tab.evaluate(digest, '/media/data.bin'), sum);
  assert.equal((await stats(tab)).bytes.origin, 0, 'not by the mirror');
  assert.ok(viewer.mine(await site.log()).length > before);
  await tab.evaluate(() => { polycircle.join(); });
  await until(tab, 'its signal', () => polycircle.signal?.peers && polycircle.role != 'tab');
  await until(tab, 'the mirror', async () => { await (await fetch('/media/film.mp4')).arrayBuffer(); return polycircle.stats().bytes.origin > 0; });
}));
