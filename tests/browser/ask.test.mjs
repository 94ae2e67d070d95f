// The visitor's word: asked in one language, as a part of the page, changed at any time, for all pages of the site. The owner's brake, what
// is marked data-polycircle="off", the tag pasted twice, a STUN server that no browser can read.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { PATIENCE, ended, launch, makeSite, mirrored, page, play, stats, until, visits } from './site.mjs';

const FILM = '<video controls muted preload="metadata" src="/media/film.mp4"></video>', HEAD = '<meta name="viewport" content="width=device-width">';
const lines = '<p>A line of the page.</p>'.repeat(60);
const ASK = 'data-p2p="ask"', csp = `<meta http-equiv="Content-Security-Policy" content="script-src 'self'; style-src 'none'">`;
let site;

before(async () => {
  const pages = {
    'on.html': [page('<poly-ask>own words</poly-ask>')], 'film.html': [page(FILM)], 'asked.html': [page(FILM + '<poly-ask></poly-ask>'), ASK],
    'long.html': [page(`${lines}<p id="last">the end</p>`, HEAD), ASK], 'german.html': [page('', ''), `${ASK} data-lang="de-AT"`],
    'page.html': [page('').replace('<meta', '<html lang="it"><meta'), ASK], 'noblob.html': [page('', csp), ASK],
    'coloured.html': [page('', '<style>body { background: #123456; color: #fed; font: 20px monospace }</style>'), ASK],
    'unread.html': [page('', '<style>body { background: black; color: black }</style>'), ASK],
    'off.html': [page(`<div data-polycircle="off"><video id="off" muted preload="metadata" src="/media/film.mp4"></video><b data-polycircle="on"><video id="on" muted
      preload="metadata" src="/media/film.mp4"></video></b></div>`)],
    'empty.html': [page('')], 'foreign.html': [page('')],
  };
  site = await makeSite({ film: { seconds: 4 }, pages: Object.fromEntries(Object.entries(pages).map(([name, [html]]) => [name, html])) });
  for (const [name, [html, extra]] of Object.entries(pages)) {
    if (name != 'foreign.html') await writeFile(site.at(name), html.replace('<body>', `${site.tag(extra)}<body>`));
  }
  await writeFile(site.at('twice.html'), page('', site.tag(ASK) + site.tag(ASK) + site.tag(ASK)));
  await writeFile(site.at('media/picture.svg'), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>');
  await writeFile(site.at('media/data.bin'), randomBytes(1 << 20));
  await site.publish();
});
after(() => site?.close());

const box = tab => tab.locator('.polycircle-ask');
const asked = async viewer => viewer.mine(await site.log()).filter(l => /\/ask-\w+\.json$/.test(l.path)).map(l => /ask-(\w+)\./.exec(l.path)[1]);
const syncs = async viewer => viewer.mine(await site.log()).filter(l => l.path.endsWith('/sync')).length;
const said = (viewer, what) => viewer.lines.filter(l => l.includes(what)).length;

test('one language: of the tag, else of the visitor, else of the page, else english; one file of words, and no focus taken', async () => {
  const browser = await launch(), cases = [['de-DE', 'asked.html', 'de', /Mitmachen/], ['ja-JP', 'german.html', 'de', /Mitmachen/], ['ja-JP', 'asked.html', 'ja', /参加する/],
      ['fi-FI', 'page.html', 'it', /Partecipa/], ['zh-CN', 'page.html', 'zh', /参与/], ['fi-FI', 'asked.html', 'en', /Take part/]];
  try {
    for (const [locale, file, language, words] of cases) {
      const context = await browser.newContext({ locale, userAgent: `speaks ${locale} ${file}` }), tab = await context.newPage();
      await tab.goto(`${site.url}/${file}`);
      await box(tab).waitFor();
      assert.match(await box(tab).innerText(), words);
      assert.equal(await box(tab).getAttribute('lang'), language);
      assert.equal(await tab.evaluate(() => document.activeElement == document.body), true, 'the focus stays where it was');
      await context.close();
    }
  } finally { await ended(browser.close()); }
  const all = await site.log();
  for (const [locale, file, language] of cases) {
    const log = all.filter(l => l.agent == `speaks ${locale} ${file}`);
    assert.deepEqual(log.filter(l => /\/ask-/.test(l.path)).map(l => l.path.slice(-11)), [`ask-${language}.json`]);
    assert.ok(!log.some(l => l.path.endsWith('/sync')), 'nothing is joined');
  }
});

test('who is not asked loads no words', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/film.html`);
  await mirrored(tab);
  await until(tab, 'the second module', () => !!globalThis.polycircle?.signal?.box);
  assert.deepEqual(await asked(viewer), []);
  assert.ok(!viewer.mine(await site.log()).some(l => l.path.endsWith('/ask.js')), 'nor what asks');
}));

test('it says what is seen of a visitor, the STUN server by name', () => visits(async viewer => {
  const tab = await viewer.open('about:blank');
  await tab.route('**/signal?*', async route => {
    const r = await route.fetch();
    route.fulfill({ response: r, body: (await r.text()).replace(/"ice": ?\[\]/, '"ice":[{"urls":"stun:stun.example:3478"},{"urls":"stun:[2001:db8::1]:3478"}]') });
  });
  await viewer.open(`${site.url}/asked.html`);
  await box(tab).waitFor();
  const text = await box(tab).innerText();
  for (const part of ['IP address', 'which of these files you have', 'public list', 'stun.example, [2001:db8::1] helps']) assert.ok(text.includes(part), text);
  assert.ok(!/nothing else/.test(text));
}));

test('a policy without blob: modules and styles; a page of another origin', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/noblob.html`);
  await box(tab).waitFor();
  assert.equal(await box(tab).evaluate(el => getComputedStyle(el).position), 'fixed');
  const far = await viewer.tab();
  await far.goto(`http://localhost:${site.port}/foreign.html`);
  await far.evaluate(([src, p2p]) => { const el = document.createElement('script'); el.src = src; el.dataset.p2p = p2p; document.head.append(el); },
    [`${site.url}${site.base}signal?${site.circle.api_key}`, 'ask']);
  await box(far).waitFor();
  assert.match(await box(far).innerText(), /Nein, danke/);
}, { locale: 'de-CH' }));

test("the page's font and colours, but where its text could not be read", () => visits(async viewer => {
  const look = async name => {
    await box(await viewer.open(`${site.url}/${name}.html`)).waitFor();
    return box(viewer.page).evaluate(el => [getComputedStyle(el).backgroundColor, getComputedStyle(el).color, getComputedStyle(el).fontFamily]);
  };
  assert.deepEqual(await look('coloured'), ['rgb(18, 52, 86)', 'rgb(255, 238, 221)', 'monospace']);
  assert.deepEqual((await look('unread')).slice(0, 2), ['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
}));

test('320 px: nothing is too wide, the buttons are seen, the end of the page is not covered', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/long.html`);
  await box(tab).waitFor();
  await until(tab, 'room for it', () => document.documentElement.style.paddingBottom);
  const seen = await tab.evaluate(() => {
    scrollTo(0, 99999);
    const [last, ask, ...buttons] = ['#last', '.polycircle-ask', '[value=yes]', '[value=no]'].map(name => document.querySelector(name).getBoundingClientRect());
    return { wide: document.documentElement.scrollWidth, free: last.bottom <= ask.top, high: ask.height / innerHeight, buttons: buttons.every(b => b.bottom <= innerHeight && b.right <= 320) };
  });
  assert.ok(seen.wide <= 320 && seen.free && seen.high <= 0.61 && seen.buttons, JSON.stringify(seen));
  await box(tab).locator('[value=no]').click();
  assert.equal(await tab.evaluate(() => document.documentElement.style.paddingBottom), '');
}, { locale: 'de-DE', viewport: { width: 320, height: 480 } }));

test('by keyboard: the footer asks again, Escape leaves it open, the focus comes back', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/on.html`);
  await tab.locator('poly-ask button').waitFor();
  await until(tab, 'its signal', () => polycircle.sig && document.querySelector('poly-ask').innerText == 'Teilen mit anderen Besuchern: an');
  await tab.locator('poly-ask button').focus();
  await tab.keyboard.press('Enter');
  await box(tab).waitFor();
  await until(tab, 'the focus in it', () => document.activeElement.matches('.polycircle-ask'));
  await tab.keyboard.press('Escape');
  await until(tab, 'the focus back', () => !document.querySelector('.polycircle-ask') && document.activeElement.matches('poly-ask button'));
  assert.equal(await tab.evaluate(() => polycircle.said), '');
  const over = tab.evaluate(() => polycircle.ask());
  await until(tab, 'the focus in it', () => document.activeElement.matches('.polycircle-ask'));
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Enter');
  await over;
  await until(tab, 'what was said', () => document.querySelector('poly-ask').innerText == 'Teilen mit anderen Besuchern: aus');
  assert.deepEqual(await tab.evaluate(() => [polycircle.said, ...polycircle.out]), ['no', 'no']);
}, { locale: 'de-DE' }));

const roster = async () => (await (await fetch(`${site.url}${site.base}roster/${site.circle.cid}.json`)).json()).signals.map(s => s.sig);

test('a later no leaves at once, in all tabs; a later yes joins at once; a reload keeps to it', () => visits(async other => visits(async viewer => {
  await mirrored(await other.open(`${site.url}/empty.html`));
  const lead = await viewer.open(`${site.url}/asked.html`), tab = await viewer.tab();
  await box(lead).locator('[value=yes]').click();
  await until(lead, 'a link', () => polycircle.peers.length == 1);
  const sig = await lead.evaluate(() => polycircle.sig);
  await tab.goto(`${site.url}/asked.html`);
  await until(tab, 'it follows', () => globalThis.polycircle?.said == 'yes' && polycircle.role == 'tab');
  assert.equal(await box(tab).count(), 0);
  await tab.evaluate(() => { polycircle.ask(); });
  await box(tab).locator('[value=no]').click();
  for (const one of [tab, lead]) await until(one, 'it has left', () => polycircle.out.has('no') && !polycircle.peers.length && polycircle.role == 'tab');
  await until(other.page, 'its neighbour has seen it go', () => !polycircle.peers.length);
  for (const end = Date.now() + 5000 * PATIENCE; (await roster()).includes(sig);) assert.ok(Date.now() < end, 'its signal has left');
  const before = await syncs(viewer);
  await lead.reload();
  await until(lead, 'the page', () => globalThis.polycircle?.out.has('no') && !!globalThis.polycircle?.signal?.box);
  await lead.evaluate(() => fetch('/media/data.bin').then(r => r.arrayBuffer()));
  assert.deepEqual([await syncs(viewer), (await stats(lead)).bytes.origin, await box(lead).count()], [before, 0, 0]);
  await lead.locator('poly-ask button').click();
  await box(lead).locator('[value=yes]').click();
  await until(tab, 'and so in the other', () => !polycircle.out.size && polycircle.said == 'yes');
  await until(other.page, 'it is back', () => polycircle.peers.length == 1);
})));

test('a no while its join is under way leaves no ghost', () => visits(async viewer => {
  const tab = await viewer.open('about:blank'), caught = [];
  await tab.route('**/sync', route => caught.length ? route.continue() : caught.push(route));
  await viewer.open(`${site.url}/on.html`);
  for (const end = Date.now() + 20_000 * PATIENCE; !caught.length; await new Promise(ok => setTimeout(ok, 20))) assert.ok(Date.now() < end, 'it joins');
  await tab.evaluate(() => polycircle.decide('no'));
  const answer = await caught[0].fetch(), { sig } = await answer.json();
  assert.ok(sig, 'it has joined, unless its leaving came behind it');
  await caught[0].fulfill({ response: answer });
  for (const end = Date.now() + 5000 * PATIENCE; (await roster()).includes(sig);) assert.ok(Date.now() < end, 'it has left');
}));

test('no answer is no yes: also after the page came back, and with another word in the tag', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/asked.html`);
  await box(tab).waitFor();
  await tab.evaluate(() => {
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    polycircle.join();
  });
  await until(tab, 'it is asked again', () => !polycircle.out.size && document.querySelectorAll('.polycircle-ask').length == 1);
  await tab.evaluate(() => new Promise(ok => setTimeout(ok, 500)));
  assert.deepEqual([await tab.evaluate(() => polycircle.sig), await syncs(viewer)], ['', 0]);
}));

test('a page that comes back from the back/forward cache joins with an answer only', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/asked.html`);
  await box(tab).waitFor();
  await tab.evaluate(() => { globalThis.kept = true; });
  const away = async () => {
    await tab.goto(`${site.url}/empty.html?${Math.random()}`);
    await tab.goBack({ waitUntil: 'commit' });
    await until(tab, 'the page, as it was', () => globalThis.polycircle && !polycircle.out.has('away'));
    assert.equal(await tab.evaluate(() => globalThis.kept), true, 'it was kept');
    await tab.evaluate(() => new Promise(ok => setTimeout(ok, 1000)));
  };
  await away();
  assert.deepEqual([await tab.evaluate(() => [polycircle.sig, polycircle.said]), await box(tab).count()], [['', ''], 1]);
  await box(tab).locator('[value=yes]').click();
  await until(tab, 'its signal', () => polycircle.sig);
  await away();
  await until(tab, 'its signal again', () => polycircle.sig && polycircle.role && polycircle.role != 'tab');
}, { args: [], ignoreDefaultArgs: ['--disable-back-forward-cache'] }));

test('a connection that becomes metered gives nothing more, and its neighbour knows', () => visits(async one => visits(async two => {
  const tab = await one.open('about:blank');
  await tab.addInitScript(() => Object.defineProperty(navigator, 'connection', { value: Object.assign(new EventTarget(), { saveData: false }) }));
  await one.open(`${site.url}/empty.html`);
  const other = await two.open(`${site.url}/empty.html`), up = () => globalThis.polycircle?.signal?.peers[0]?.up;
  await until(other, 'a neighbour that gives', up);
  const change = saveData => tab.evaluate(saveData => { Object.assign(navigator.connection, { saveData }).dispatchEvent(new Event('change')); }, saveData);
  await change(true);
  await until(other, 'no longer', () => polycircle.signal.peers[0]?.up === false);
  await change(false);
  await until(other, 'again', up);
})));

test('the tag twice: the first counts, and the console says so once', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/twice.html`);
  await box(tab).waitFor();
  await tab.evaluate(() => new Promise(ok => setTimeout(ok, 300)));
  assert.deepEqual([await box(tab).count(), said(viewer, 'one tag')], [1, 1]);
  await box(tab).locator('[value=yes]').click();
  await until(tab, 'its signal', () => polycircle.sig);
  assert.equal(viewer.mine(await site.log()).filter(l => l.path.endsWith('.tar.gz')).length, 1);
}));

test('data-polycircle="off": a player, a picture; and again when it is taken away', () => visits(async viewer => {
  const tab = await viewer.open(`${site.url}/off.html`);
  await mirrored(tab);
  await until(tab, 'the one that is not off', () => document.querySelector('#on').crossOrigin == 'use-credentials');
  await until(tab, 'both are there', () => [...document.querySelectorAll('video')].every(el => el.readyState > 0));
  assert.equal(await tab.evaluate(() => document.querySelector('#off').crossOrigin), null);
  const show = (id, off) => tab.evaluate(([id, off]) => new Promise(ok => {
    const img = Object.assign(document.createElement('img'), { id, onload: ok, onerror: ok });
    document.querySelector(off ? 'div' : 'body').append(img);
    img.src = `/media/picture.svg#${id}`;
  }), [id, off]);
  const have = async path => (await stats(tab)).media.find(m => m.path == path).have;  // of its pieces, by this tab's mirror
  await show('a', true);
  assert.equal(await have('picture.svg'), 0, 'the picture by plain HTTP');
  const second = await viewer.tab();
  await second.goto(`${site.url}/empty.html`);
  await until(second, 'a tab that does not lead', () => globalThis.polycircle?.mirror?.version && polycircle.role == 'tab' && !!navigator.serviceWorker.controller);
  await second.evaluate(() => {
    document.body.append(Object.assign(document.createElement('a'), { href: '/media/data.bin' }));
    document.querySelector('a').dataset.polycircle = 'off';
    return fetch('/media/data.bin').then(r => r.arrayBuffer());
  });
  assert.equal(await have('data.bin'), 0, "nor does the tab that leads bring what another's document spares");
  await second.evaluate(() => { delete document.querySelector('a').dataset.polycircle; });
  let has = 0;
  for (const end = Date.now() + 20000; has < 8 && Date.now() < end;) {  // a tab that was too busy to answer is asked again after 5 s
    await second.evaluate(() => fetch('/media/data.bin', { cache: 'reload' }).then(r => r.arrayBuffer()));
    has = await have('data.bin');
  }
  assert.equal(has, 8, 'as it does without the mark');
  await tab.evaluate(() => {
    document.querySelector('#a').remove();
    document.querySelector('div').dataset.polycircle = 'on';
    const late = Object.assign(document.createElement('video'), { id: 'late', muted: true, preload: 'none', src: '/media/film.mp4' });
    document.body.append(late);
    document.querySelector('div').append(Object.assign(late.cloneNode(), { id: 'inner' }));
  });
  await until(tab, 'what comes afterwards', () => ['#late', '#inner'].every(id => document.querySelector(id).crossOrigin == 'use-credentials'));
  await tab.evaluate(() => fetch('/media/picture.svg', { cache: 'reload' }).then(r => r.arrayBuffer()));
  assert.equal(await have('picture.svg'), 1, 'and the picture');
  await tab.evaluate(() => { document.querySelector('#late').dataset.polycircle = 'off'; });
  await until(tab, 'off again', () => document.querySelector('#late').crossOrigin == null);
}));

/** The loader's configuration as the instance would say it. */
const configured = (tab, change) => tab.route(/\/signal\?/, async route => {
  const r = await route.fetch({ headers: { ...route.request().headers(), 'if-none-match': '' } }), [, json] = /POLYCIRCLE_CONFIG=(.*);\n/.exec(await r.text());
  await route.fulfill({ response: r, body: (await r.text()).replace(json, () => JSON.stringify({ ...JSON.parse(json), ...change() })) });
});

test("the owner's brake: open pages stop within five minutes and go on when it is off again", () => visits(async other => visits(async viewer => {
  const brake = on => site.program(['circle', 'set', 'test', '--mirror', on ? 'off' : 'on']);
  await mirrored(await other.open(`${site.url}/empty.html`));
  const tab = await viewer.open('about:blank');
  await tab.clock.install();
  await brake(true);
  await viewer.open(`${site.url}/film.html`);
  await until(tab, 'the page', () => !!globalThis.polycircle?.signal?.box && film.first);
  await play(tab);
  await tab.evaluate(() => fetch('/media/data.bin').then(r => r.arrayBuffer()));
  assert.deepEqual(await tab.evaluate(() => [...polycircle.out, document.querySelector('video').crossOrigin, polycircle.sig, polycircle.peers.length]), ['brake', null, '', 0]);
  assert.deepEqual([(await stats(tab)).bytes, await syncs(viewer)], [{ storage: 0, peers: 0, origin: 0 }, 0]);
  await brake(false);
  await tab.clock.fastForward(245_000);
  await until(tab, 'it goes on', () => polycircle.peers.length == 1);
  await until(tab, 'the mirror', async () => { await (await fetch('/media/data.bin')).arrayBuffer(); return polycircle.stats().bytes.origin + polycircle.stats().bytes.peers > 0; });
  await tab.evaluate(() => document.body.append(Object.assign(document.createElement('video'), { id: 'late', preload: 'none', src: '/media/film.mp4' })));
  await until(tab, 'players, too', () => document.querySelector('#late').crossOrigin == 'use-credentials');
  await brake(true);
  await tab.clock.fastForward(245_000);
  await until(tab, 'it stops', () => polycircle.out.has('brake') && !polycircle.peers.length && !document.querySelector('#late').crossOrigin);
  await until(other.page, 'its neighbour has seen it go', () => !polycircle.peers.length);
  const before = await stats(tab);
  await tab.evaluate(() => fetch('/media/data.bin', { cache: 'reload' }).then(r => r.arrayBuffer()));
  assert.deepEqual((await stats(tab)).bytes, before.bytes);
  await brake(false);
})));

test('a page looks at the brake every four minutes, sooner when its loader came from the cache, and not when it does nothing', () => visits(async viewer => {
  const tab = await viewer.open('about:blank'), loads = async () => viewer.mine(await site.log()).filter(l => l.path.endsWith('/signal')).map(l => l.status);
  await tab.addInitScript(() => { globalThis.real = performance; });  // the clock's has no entries
  await tab.clock.install();
  await tab.addInitScript(() => { performance.getEntriesByName = name => globalThis.real.getEntriesByName(name); });
  const passes = async (file, ms) => {
    if (file) await viewer.open(`${site.url}/${file}`);
    await until(tab, 'the page', () => !!globalThis.polycircle?.signal?.box);
    await tab.clock.fastForward(ms);
    await new Promise(ok => setTimeout(ok, 300));
  };
  await passes('empty.html', 200_000);
  assert.deepEqual(await loads(), [200]);
  await passes('', 45_000);
  assert.deepEqual(await loads(), [200, 304], 'from the network: after four minutes');
  await passes('', 200_000);
  assert.deepEqual(await loads(), [200, 304]);
  await passes('film.html', 30_000);
  assert.deepEqual(await loads(), [200, 304]);
  await passes('', 35_000);
  assert.deepEqual(await loads(), [200, 304, 304], 'from the cache: after one');
  await tab.evaluate(() => polycircle.leave());
  await passes('', 600_000);
  assert.deepEqual(await loads(), [200, 304, 304], 'it has left');
}));

test('a STUN server that no browser can read is left out, and named once', () => visits(async one => visits(async two => {
  const ice = [{ urls: 'nonsense !!' }, { urls: 'stun:127.0.0.1:9' }];
  for (const viewer of [one, two]) {
    const tab = await viewer.open('about:blank');
    await configured(tab, () => ({ ice }));
    await tab.route('**/sync', async route => {
      const r = await route.fetch(), json = await r.json();
      await route.fulfill({ response: r, json: { ...json, ...json.ice && { ice } } });
    });
    await viewer.open(`${site.url}/empty.html`);
  }
  await until(one.page, 'a link', () => globalThis.polycircle?.peers.length == 1);
  await until(two.page, 'a link', () => globalThis.polycircle?.peers.length == 1);
  for (const viewer of [one, two]) assert.deepEqual(viewer.lines.filter(l => l.includes('ICE')), ['warning: polycircle: no browser can use this ICE server: nonsense !!']);
})));

test('the words: one table, the same in each language', async () => {
  const base = site.url + site.base, loader = await (await fetch(`${base}signal?${site.circle.api_key}`)).text(), [, sha] = /"package": ?"(\w+)"/.exec(loader);
  const all = await Promise.all('en de fr es pt it nl pl ja zh'.split(' ').map(async name => (await fetch(`${base}package/${sha}/ask-${name}.json`)).json()));
  for (const words of all) {
    assert.deepEqual(Object.keys(words), ['title', 'text', 'stun', 'yes', 'no', 'on', 'off']);
    assert.ok(Object.values(words).every(text => text.length && text.length < 600 && !/[<&]/.test(text)) && words.stun.includes('{host}') && words.on != words.off);
  }
  assert.equal(new Set(all.map(words => words.text)).size, all.length);
});
