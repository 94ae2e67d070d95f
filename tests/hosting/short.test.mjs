// Short addresses beside a site whose CMS answers every path, as WordPress does: of its own addresses nothing is taken but the tag's,
// whatever an earlier version had taken; real Apache and .htaccess, a front controller, Chromium.
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE, adopted, makeFilm, makeViewer, makeVisitor, page as html, play, until } from '../browser/site.mjs';
import { form, hostingKinds, kinds, makeDirectory, must, parse, removeDirectory, startServer } from '../servers/server.mjs';
import { makeHost } from './owner.mjs';

const NAMES = ['health', 'console', 'setup', 'owner', 'sync', 'signal'];
const root = new URL('../../', import.meta.url);
let film, scratch;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'polycircle-short-'));
  await makeFilm(join(scratch, 'film.mp4'), { seconds: 12 });
  film = await readFile(join(scratch, 'film.mp4'));
});
after(() => rm(scratch, { recursive: true, force: true }));

/** What WordPress writes and, later, writes again between its marks. */
const wordpress = (at, more = '') => `# BEGIN WordPress
<IfModule mod_rewrite.c>
RewriteEngine On
RewriteBase ${at}
RewriteRule ^index\\.cgi$ - [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . ${at}index.cgi [L]
${more}</IfModule>
# END WordPress
`;
/** As WordPress does it (insert_with_markers): from a line that has the first mark in it to one that has the last. */
function rewritten(text, block) {
  const lines = text.split('\n'), begin = lines.findIndex(line => line.includes('# BEGIN WordPress')), end = lines.findIndex(line => line.includes('# END WordPress'));
  return [...lines.slice(0, begin), ...block.trimEnd().split('\n'), ...lines.slice(end + 1)].join('\n');
}
/** It has pages of these names; of others it says so, with 404, or with 200 as some do. */
const cms = (at, pages, missing = 404) => `#!/bin/sh
cat >/dev/null
path=\${REQUEST_URI%%\\?*}
case $path in
${pages.map(name => `${at}${name}|${at}${name}/`).join('|')}) status=200 text="the CMS has $path" ;;
*) status=${missing} text="the CMS has no such page" ;;
esac
printf 'Status: %s\\r\\nContent-Type: text/html\\r\\n\\r\\n<p>%s</p>' "$status" "$text"
`;

/** A site with a CMS, an owner who is through set-up. at: where it lies on its host; folder: where the program lies in it. */
async function makeBlog({ at = '/', folder = 'cgi-bin', pages = NAMES, missing } = {}) {
  const host = await makeHost({ own: dir => `${at == '/' ? '' : `DocumentRoot ${dir}/site\n`}
    ScriptAlias ${at}cgi-bin/ ${dir}/public_html/cgi-bin/
    ${at == '/' ? '' : `Alias ${at} ${dir}/public_html/`}
    <Directory ${dir}/public_html>\n  AllowOverride FileInfo\n  Options FollowSymLinks ExecCGI\n  AddHandler cgi-script .cgi\n  Require all granted\n</Directory>
    <Files polycircle.fcgi>\n  SetHandler cgi-script\n</Files>\n` });
  const blog = { ...host, at, key: '', cid: '', code: '', top: host.url + at, base: `${host.url}${at}${folder}/polycircle.fcgi/`,
    htaccess: join(host.dir, 'public_html/.htaccess'),
    async owner(fields, base = blog.base) {
      const answer = await fetch(`${base}owner`, { method: 'POST', body: new URLSearchParams({ d: Buffer.from(JSON.stringify({ v: 1, code: blog.code, ...fields })).toString('base64url') }) });
      const json = await answer.json();
      if (json.error) throw new Error(`${fields.do}: ${json.text}`);
      return json;
    },
    /** What a browser gets that opens it, unless `init` says otherwise. */
    async ask(path, init = {}) {
      const answer = await fetch(blog.top + path, { ...init, headers: { Accept: 'text/html,*/*', ...init.headers } });
      return { status: answer.status, text: await answer.text(), headers: answer.headers };
    },
    async theirs(name, init) {
      const { text } = await blog.ask(name, init);
      assert.equal(text, `<p>the CMS has ${at}${name.split('?')[0]}</p>`, `${init?.method ?? 'GET'} ${name} is the site's`);
    },
  };
  try {
    await host.put('public_html/index.cgi', cms(at, pages, missing));
    await chmod(join(host.dir, 'public_html/index.cgi'), 0o755);
    await host.put('public_html/.htaccess', wordpress(at));
    await host.put('public_html/films/film.mp4', film);
    if (folder != 'cgi-bin') {
      await host.put(`public_html/${folder}/x`, '');
      await rename(join(host.dir, 'public_html/cgi-bin/polycircle.fcgi'), join(host.dir, 'public_html', folder, 'polycircle.fcgi'));
    }
    assert.equal((await fetch(`${blog.base}setup`)).status, 200, await host.server.errors());
    blog.code = await host.read('polycircle-data/setup-code');
    await blog.owner({ do: 'begin', url: blog.base, root: join(host.dir, 'public_html') });
    const { circles: [c] } = await blog.owner({ do: 'circle', circle: 'films', p2p: 'on', ice: [] });
    Object.assign(blog, { key: c.api_key, cid: c.cid });
    for (let walk = await blog.owner({ do: 'share', circle: 'films', folder: 'films', url: `${at}films/` }); !walk.finished;) walk = await blog.owner({ do: 'index', circle: 'films' });
    blog.code = (await blog.owner({ do: 'finish' })).code;
  } catch (error) {
    await host.close();
    throw error;
  }
  return blog;
}

/** Activates the tier as the owner's page does, over HTTP. */
async function activate(blog, fields = {}) {
  const waiting = blog.owner({ do: 'activate', tier: 3, ...fields });
  waiting.catch(() => {});  // awaited below
  for (let tries = 0; tries < 40 && !(await readFile(blog.htaccess, 'utf8')).includes('# BEGIN polycircle'); tries++) await sleep(50);
  await blog.owner({ do: 'confirm' });
  assert.equal((await waiting).active, true);
}

const places = { 'at the top of its host': {}, 'in a folder of its host': { at: '/~user/' }, 'with the program in the folder polycircle': { folder: 'polycircle' } };
for (const [what, options] of Object.entries(places))
  test(`a CMS ${what} keeps its own addresses`, { timeout: 60_000 * PATIENCE }, async () => {
    const blog = await makeBlog(options);
    try {
      await activate(blog);
      const kept = await readFile(blog.htaccess, 'utf8');
      const look = async () => {
        for (const path of NAMES) {
          await blog.theirs(path);
          await blog.theirs(path, { method: 'POST', body: new URLSearchParams({ d: 'e30' }) });
          await blog.theirs(`${path}?page=2`);
        }
        for (const path of ['client.js', 'circle-sw.js', 'circles.json', 'probe', 'measure', 'selftest', 'owner.js', `manifest/${blog.cid}.json`])
          assert.equal((await blog.ask(path, { headers: { Accept: '*/*' } })).text, '<p>the CMS has no such page</p>', path);
        for (const path of [`signal?${blog.key}`, `signal.js?${blog.key}`, `signal?api_key=${blog.key}`, `signal?${blog.key}=&ver=6.1`, `signal?${blog.key}?ver=6.1`, `signal?ver=6.1&api_key=${blog.key}`, `signal.js?ver=6.1&${blog.key}`])
          assert.match((await blog.ask(path)).text, /POLYCIRCLE_CONFIG=\{.*"base":"polycircle\/"/, path);
        assert.equal(parse((await blog.ask('polycircle/health')).text)?.ok, true);
        assert.equal((await blog.ask('polycircle/circle-sw.js')).headers.get('service-worker-allowed'), '/');
        const joined = await blog.ask('polycircle/sync', { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          body: form({ v: 1, key: blog.key, token: '1'.repeat(64), run: '00000001' }) });
        assert.equal(parse(joined.text)?.cid, blog.cid, joined.text);
        assert.match((await blog.ask(`${blog.base.slice(blog.top.length)}signal?${blog.key}`)).text, /POLYCIRCLE_CONFIG=\{(?!.*"base")/, 'the tag of before');
      };
      await look();
      await writeFile(blog.htaccess, rewritten(kept, wordpress(blog.at, '# of another version\n')));
      await look();
      const { name } = await blog.owner({ do: 'try', tier: 3 });
      assert.equal(parse((await blog.ask(`${name}/polycircle/health`)).text)?.polycircle, 1, 'a try in a folder of its own works, too');
      await blog.owner({ do: 'untry' });
      await blog.owner({ do: 'retire' });
      for (const path of [`signal?${blog.key}`, 'polycircle/circle-sw.js']) assert.match((await blog.ask(path)).text, /unregister\(\)/, 'uninstalled: the worker is taken away');
      await blog.owner({ do: 'unretire' });
      await blog.put('public_html/signal', 'a file of the site');
      await blog.put('public_html/polycircle/page.html', 'another one');
      assert.deepEqual([(await blog.ask(`signal?${blog.key}`)).text, (await blog.ask('polycircle/page.html')).text], ['a file of the site', 'another one'], 'files win');
      await blog.owner({ do: 'deactivate', tier: 3 });
      assert.equal(await readFile(blog.htaccess, 'utf8'), wordpress(blog.at, '# of another version\n'), 'and nothing is left');
    } catch (error) {
      error.message += `\n${await blog.server.errors()}`;
      throw error;
    } finally { await blog.close(); }
  });

/** As by a link of the owner's pages: it hands the code on. */
async function loadAgain(blog, p) {
  await p.evaluate(code => sessionStorage.setItem('polycircle-owner-code', code), blog.code);
  await p.reload();
}

/** The owner's console, open. */
async function openConsole(blog, viewer, base = blog.base) {
  const p = await viewer.open(`${base}console`);
  await p.waitForSelector('#enter:not([hidden])'); // the first one has looked for a code
  await loadAgain(blog, p);
  await p.waitForSelector('#inside:not([hidden])');
  await p.waitForSelector('li:has(#tier-3) button');
  return p;
}

async function press(p, name, then) {
  await p.click(`li:has(#tier-3) button:text-is("${name}")`);
  if (name.startsWith('Back')) {  // which pages share nothing then is said before
    await p.locator('#tier-3', { hasText: 'Then press again' }).waitFor();
    await p.click(`li:has(#tier-3) button:text-is("${name}")`);
  }
  await p.waitForFunction(({ text, next }) => {
    const row = document.getElementById('tier-3')?.closest('li');
    return row && (next ? [...row.querySelectorAll('button')].some(button => button.textContent == next) && !row.ariaBusy : row.querySelector('.note').dataset.kind == 'bad') && text;
  }, { text: name, next: then }, { timeout: 40_000 * PATIENCE });
}

/** Its player is fed by the mirror; gives the worker's address. */
async function watchFilm(viewer, url) {
  const page = await viewer.open(url);
  await adopted(page);
  await play(page);
  await until(page, 'it has the film', () => globalThis.polycircle?.stats().media[0]?.have > 3, 30_000);
  return page;
}
const worker = page => page.evaluate(async () => (await navigator.serviceWorker.getRegistration('/')).active.scriptURL);
const player = '<video src="/films/film.mp4" preload="none" muted></video>';

function owner(name, work, options = {}) {
  test(name, { timeout: 120_000 * PATIENCE }, async () => {
    const blog = await makeBlog(options), viewer = await makeVisitor(), visitor = work.length > 2 ? await makeViewer() : null;
    try {
      await work(blog, viewer, visitor);
    } catch (error) {
      error.message += `\n${[...viewer.lines, ...visitor?.lines ?? []].join('\n')}\n${await blog.server.errors()}`;
      throw error;
    } finally {
      await viewer.close();
      await visitor?.close();
      await blog.close();
    }
  });
}

owner('the owner activates it in the console, and a page with the new tag has loader, worker and sync', async (blog, viewer, visitor) => {
  const p = await openConsole(blog, viewer);
  await press(p, 'Try it', 'Back to the long address');
  const tag = await p.inputValue('#circle-films_tag');
  assert.equal(tag, `<script src="${blog.top}signal?${blog.key}"></script>`);
  assert.deepEqual((await blog.owner({ do: 'status' })).urls, [`${blog.top}polycircle/`, blog.base]);
  await blog.put('public_html/film.html', html(player, tag));
  assert.equal(await worker(await watchFilm(visitor, `${blog.top}film.html`)), `${blog.top}polycircle/circle-sw.js`);
  const requests = (await readFile(join(blog.dir, 'run/access.log'), 'utf8')).split('\n');
  assert.ok(requests.some(line => line.startsWith('POST /polycircle/sync 200')), 'it syncs in the folder');
  for (const name of NAMES) await blog.theirs(name);
  await blog.put('public_html/index.html', html(player, tag));
  const again = await openConsole(blog, viewer, `${blog.top}polycircle/`);  // it lives there, too, and goes on where it does not end
  const long = `<script src="${blog.base}signal?${blog.key}"></script>`;
  await again.click('li:has(#tier-3) button:text-is("Back to the long address")');
  assert.equal(await again.textContent('#tier-3'), `The page ${blog.top} has the short line. Pages with the short line (${blog.top}signal?${blog.key}) load nothing of Polycircle once the short address is gone, and share nothing. ` +
    `First put the long line into them: ${long} Then press again. (Or leave the short address on, where nothing breaks, and choose under “Where it lives” which one the line has.)`);
  assert.equal((await blog.ask(`signal?${blog.key}`)).status, 200, 'asked once, nothing ends');
  await loadAgain(blog, again);
  await again.waitForSelector('li:has(#tier-3) button');
  await press(again, 'Back to the long address', 'Try it');
  assert.equal(again.url(), `${blog.base}console`);
  assert.equal(await again.inputValue('#circle-films_tag'), `<script src="${blog.base}signal?${blog.key}"></script>`);
  assert.deepEqual((await blog.owner({ do: 'status' })).urls, [blog.base]);
  await again.locator('#tier-3', { hasText: 'short address is gone' }).waitFor();
  await again.locator('#circle-films_card', { hasText: `The page ${blog.top} loads nothing of Polycircle, and shares nothing: its line has ${blog.top}signal?${blog.key}` }).waitFor();
  await blog.put('public_html/index.html', html(player, long));
  await loadAgain(blog, again);
  await again.waitForSelector('li:has(#tier-3) button');
  assert.doesNotMatch(await again.textContent('#circle-films_card'), /loads nothing/);
  // the visitor comes back to a page with the long tag: the worker of the address that ended is replaced
  await blog.put('public_html/long.html', html(player, await again.inputValue('#circle-films_tag')));
  await until(await watchFilm(visitor, `${blog.top}long.html`), 'the worker of the long address',
    async () => (await navigator.serviceWorker.getRegistration('/')).active?.scriptURL.endsWith('/polycircle.fcgi/circle-sw.js'));
});

owner('an address in use is not taken; lines that stand behind those of the CMS do nothing, and the console says so', async (blog, viewer) => {
  const front = async (...how) => { await blog.put('public_html/index.cgi', cms(blog.at, ...how)); await chmod(join(blog.dir, 'public_html/index.cgi'), 0o755); };
  const before = await readFile(blog.htaccess, 'utf8');
  await front(['polycircle', ...NAMES]);
  let p = await openConsole(blog, viewer);
  await press(p, 'Try it', '');
  assert.match(await p.textContent('#tier-3'), /Your site uses the address \/polycircle\/ itself\. Nothing was changed/, 'a page of the CMS');
  await blog.put('public_html/polycircle/x', 'theirs');
  for (const action of ['try', 'activate']) await assert.rejects(blog.owner({ do: action, tier: 3 }), /polycircle is there/, 'a folder that the web server does not show');
  await rm(join(blog.dir, 'public_html/polycircle'), { recursive: true });
  assert.equal(await readFile(blog.htaccess, 'utf8'), before);
  await front(NAMES, 200);
  await press(p, 'Try it', 'Back to the long address');  // of a CMS that answers each name with 200

  const text = await readFile(blog.htaccess, 'utf8'), [ours] = /# BEGIN polycircle[^]*# END polycircle\n/.exec(text);
  await writeFile(blog.htaccess, text.replace(ours, '') + ours);
  assert.equal((await blog.ask('polycircle/health')).text, '<p>the CMS has no such page</p>');
  p = await openConsole(blog, viewer);
  assert.match(await p.textContent('li:has(#tier-3) .hint'), /other lines of the site.s settings file \(\.htaccess\) stand before it/);
  assert.match(await p.textContent('#addresses'), /\/polycircle\/ \(does not answer\)/);
  await press(p, 'Back to the long address', 'Try it');
  await press(p, 'Try it', 'Back to the long address');
  assert.equal(await readFile(blog.htaccess, 'utf8'), text, 'in front again');
});

owner('where an earlier version took the list of names: it goes on, then only what is still asked', async (blog, viewer, visitor) => {
  const rules = (await readFile(new URL('cgi-bin/htaccess.own.txt', root), 'utf8')).replaceAll('cgi-bin/polycircle.fcgi', '/cgi-bin/polycircle.fcgi');
  await writeFile(blog.htaccess, `# BEGIN polycircle\n${rules}# END polycircle\n${wordpress('/')}`);
  for (const what of ['address', 'first']) await blog.owner({ do: what, url: blog.top });
  const tag = `<script src="${blog.top}signal?${blog.key}"></script>`;
  await blog.put('public_html/film.html', html(player, tag));
  const page = await watchFilm(visitor, `${blog.top}film.html`);
  assert.equal(await worker(page), `${blog.top}circle-sw.js`, 'as it was');
  assert.equal(parse((await blog.ask('health')).text)?.ok, true, 'the site lacks its own');
  const p = await openConsole(blog, viewer, blog.top);
  assert.match(await p.textContent('li:has(#tier-3) .hint'), /of an earlier version/);
  assert.equal(await p.inputValue('#circle-films_tag'), tag);
  await press(p, 'Leave the site its own addresses', 'Back to the long address');
  assert.equal(p.url(), `${blog.top}polycircle/console`, 'the console goes on, too');
  assert.equal(await p.inputValue('#circle-films_tag'), tag, 'the line stays what it is');
  assert.deepEqual((await blog.owner({ do: 'status' })).urls, [`${blog.top}polycircle/`, blog.base]);
  for (const name of NAMES) await blog.theirs(name);
  await blog.theirs('sync', { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'd=e30' });
  const open = await page.evaluate(async () => [(await navigator.serviceWorker.getRegistration('/').then(found => found.update())).active.scriptURL,
    (await fetch('/circle-sw.js')).headers.get('service-worker-allowed')]);
  assert.deepEqual(open, [`${blog.top}circle-sw.js`, '/'], 'the worker of before');
  const syncs = async () => (await readFile(join(blog.dir, 'run/access.log'), 'utf8')).split('\n').filter(line => line.startsWith('POST /sync 200')).length;
  for (let end = Date.now() + 15_000 * PATIENCE, had = await syncs(); await syncs() == had; await sleep(200)) assert.ok(Date.now() < end, 'an open page still syncs');
  const late = await readFile(blog.htaccess, 'utf8');
  assert.match(late, /<20\d{12}\n/);
  await writeFile(blog.htaccess, late.replace(/<20\d{12}/g, '<20200101000000'));
  assert.equal(await page.evaluate(() => fetch('/sync', { method: 'POST', body: new URLSearchParams({ d: 'e30' }) }).then(r => r.text())), '<p>the CMS has /sync</p>', 'two days later');
  assert.equal((await blog.ask('circle-sw.js')).status, 404, 'who opens that address gets the site\'s answer');
  assert.equal((await blog.ask(`manifest/${blog.cid}.json`, { headers: { Accept: '*/*' } })).status, 200);
  await visitor.restart();  // five minutes later: its cache has forgotten the loader
  await rm(join(visitor.profile, 'Default/Cache'), { recursive: true, force: true });
  await watchFilm(visitor, `${blog.top}film.html`);
  await until(visitor.page, 'the new worker', async () => (await navigator.serviceWorker.getRegistration('/')).active?.scriptURL.endsWith('/polycircle/circle-sw.js'));
  assert.ok((await readFile(blog.htaccess, 'utf8')).endsWith(wordpress('/')));
});

/** An example of cgi-bin/ with its other optional part: not for a host name of its own, but beside a site. */
const besideSite = text => text.replace(/# Optional, on a host name[^]*?(?=# Optional, beside)(#.*\n#.*\n)((?:#.*\n)+)/, (own, heading, rules) =>
  `${own.includes('RewriteEngine On') ? 'RewriteEngine On\n' : ''}${heading}${rules.replace(/^#/gm, '')}`);

for (const kind of [...kinds, ...hostingKinds.filter(name => name.startsWith('nginx'))])
  test(`the example for ${kind}, beside a site`, async () => {
    const dir = await makeDirectory();
    let server;
    try {
      await must(dir, ['init', '--url', 'http://site.example/polycircle/']);
      const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
      server = await startServer(kind, dir, { change: besideSite });
      for (const path of [...NAMES.map(name => `/${name}`), `/signal?${'x'.repeat(22)}`, `/signal?v=${key}`, `/signal?${key}x`, '/package/x', '/polycircle'])
        assert.equal((await server.request({ path })).status, 404, `${path} is the site's`);
      for (const path of [`/signal?${key}`, `/signal.js?api_key=${key}`, `/signal?${key}&v=2`, `/signal?${key}?v=2`, `/signal?v=2&${key}`])
        assert.match(String((await server.request({ path })).body), /"base":"polycircle\/"/, path);
      assert.equal(parse((await server.request({ path: '/polycircle/health' })).body)?.ok, true);
      const joined = await server.sync({ v: 1, key, token: '1'.repeat(64), run: '00000001' }, { path: '/polycircle/sync' });
      assert.equal(joined.status, 200);
    } finally {
      await server?.stop();
      await removeDirectory(dir);
    }
  });
