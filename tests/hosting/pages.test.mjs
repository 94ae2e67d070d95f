// Whatever keeps the program from working, an owner who opens one of its addresses in a browser gets a page with the next step for just
// this fault; clients of the protocol get JSON as ever. On Apache, as another user than the files' where it says so. POLYCIRCLE_SHOTS=DIR
// keeps a picture of each.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PATIENCE, ended, launch, makeVisitor } from '../browser/site.mjs';
import { freePort, must, neighbour, parse } from '../servers/server.mjs';
import { makeHost } from './owner.mjs';

const shots = process.env.POLYCIRCLE_SHOTS;
let browser;
before(async () => {
  browser = await launch();
  if (shots) await mkdir(shots, { recursive: true });
});
after(() => ended(browser?.close()));

const sh = command => execFileSync('sh', ['-ec', command], { stdio: ['ignore', 'pipe', 'pipe'] });
const path = '/cgi-bin/polycircle.fcgi/';
const get = (host, name, headers = {}) => host.server.request({ path: path + name, host: '127.0.0.1', headers });
const data = host => join(host.dir, 'polycircle-data');

/** An instance as set-up leaves it. */
const init = host => must(host.dir, ['init', '--url', host.base], { POLYCIRCLE_DATA: data(host) }, 'public_html/cgi-bin');
const mounted = (kind, host) => {
  sh(`mkdir -p ${data(host)}; mount ${kind} ${data(host)}; chown www-data ${data(host)}`);
  return () => sh(`umount ${data(host)}`);
};
const full = host => sh(`dd if=/dev/zero of=${data(host)}/filling bs=4k 2>/dev/null || :; chown www-data ${data(host)}/filling`);
const sql = (host, text) => sh(`sqlite3 ${data(host)}/polycircle.db "${text}"`);

// name: what is wrong (a function that may return its undoing), the error's name, what the page must say: it is
// the error itself where nothing is set up, else (set) the console with the trouble on it
const cases = {
  'the folder is its own, the mode is not': {
    wrong: async (host) => { await mkdir(data(host)); await host.own(data(host)); await chmod(data(host), 0o500); },
    error: 'read_only', says: /may not write into its own folder.*its mode is 0500.*Set the mode of polycircle-data beside public_html to 0700/s,
  },
  'the folder is somebody else\'s': {
    wrong: async (host) => { await mkdir(data(host), 0o755); await chown(data(host), neighbour.uid, neighbour.gid); },
    error: 'read_only', says: /belongs to somebody else.*belongs to user number 24243 and has the mode 0755; the program runs as www-data.*delete it by FTP.*suEXEC.*chown www-data/s,
  },
  'the folder is its group\'s': {
    wrong: async (host) => { await mkdir(data(host)); const { gid } = await stat(join(host.dir, 'data')); await chown(data(host), neighbour.uid, gid); await chmod(data(host), 0o750); },
    error: 'read_only', says: /who is in the group.*give polycircle-data beside public_html to www-data.*set the mode of polycircle-data beside public_html to 0770/s,
  },
  'it may not make its folder, what FTP makes would be its own': {
    wrong: async (host) => { await chown(host.dir, 0, 0); await chown(join(host.dir, 'public_html/cgi-bin'), 0, 0); },
    error: 'read_only', says: /may not make the folder.*belongs to root.*Make the folder polycircle-data there yourself.*0700/s,
  },
  'it may not make its folder, and runs as another user': {
    wrong: async (host) => {
      for (const name of ['', 'public_html/cgi-bin', 'public_html/cgi-bin/polycircle.fcgi']) await chown(join(host.dir, name), neighbour.uid, neighbour.gid);
    },
    error: 'read_only', says: /What is to hold it, the folder with public_html in it, belongs.*runs as www-data.*run as me \(suEXEC\).*0777.*install -d -m 0700 -o www-data polycircle-data/s,
  },
  'a file is in its place': { wrong: async (host) => { await writeFile(data(host), ''); }, error: 'read_only', says: /A file is in the place.*Rename that file/s },
  'the disk is full': {
    wrong: (host) => { const free = mounted('-t tmpfs -o size=64k polycircle-test', host); full(host); return free; },
    error: 'disk_full', says: /The disk is full.*No space left.*Free some space.*ask the host/s,
  },
  'the disk takes nothing': {
    wrong: (host) => { const free = mounted('-t tmpfs -o size=64k polycircle-test', host); sh(`mount -o remount,ro ${data(host)}`); return free; }, error: 'read_only', says: /for reading only.*mounted read-only for my CGI programs.*guide/s,
  },
  'the disk has become full': {
    set: true, wrong: async (host) => { const free = mounted('-t tmpfs -o size=1m polycircle-test', host); await init(host); full(host); return free; },
    error: 'disk_full', says: /The disk is full.*into polycircle-data beside public_html \(No space left/s,
  },
  'the folder was closed': {
    set: true, wrong: async (host) => { await init(host); await chmod(data(host), 0o500); return () => chmod(data(host), 0o700); },
    error: 'read_only', says: /may not write into its own folder/,
  },
  'the folder was given to somebody else': {
    set: true, wrong: async (host) => { await init(host); await chown(data(host), neighbour.uid, neighbour.gid); return () => host.own(data(host)); },
    error: 'read_only', says: /^(?!.*Nothing is set up).*The folder of the data belongs to somebody else/s,
  },
  'the database was put there by FTP': {
    set: true, wrong: async (host) => { await init(host); await chown(join(data(host), 'polycircle.db'), neighbour.uid, neighbour.gid); await chmod(join(data(host), 'polycircle.db'), 0o644); },
    error: 'read_only', says: /database belongs to somebody else.*chown www-data polycircle-data\/polycircle\.db/s,
  },
  'a newer version was here': { set: true, wrong: async (host) => { await init(host); sql(host, 'PRAGMA user_version=99'); }, error: 'newer', says: /newer version.*version 99.*Upload the newer/s },
  'the database is damaged': {
    set: true, wrong: async (host) => { await init(host); await writeFile(join(data(host), 'polycircle.db'), 'x'.repeat(5000)); }, error: 'damaged', says: /damaged.*polycircle\.restore/s,
  },
};

describe('what is wrong, and the step for it', () => {
  let host, page, count = 0;
  before(async () => {
    host = await makeHost();
    page = await browser.newPage({ viewport: { width: 900, height: 900 } });
  });
  after(async () => {
    await page?.close();
    await host?.close();
  });
  for (const [name, { wrong, error, says, set }] of Object.entries(cases)) test(name, async () => {
    let undo;
    try {
      undo = await wrong(host);
      const probe = parse((await get(host, 'probe')).body);
      assert.equal(probe.trouble?.error, error, JSON.stringify(probe));
      assert.match([probe.trouble.title, probe.trouble.text, ...probe.trouble.steps].join(' '), says);
      for (const name of ['probe', 'health', 'setup']) assert.ok(!(await get(host, name, { Accept: 'text/html' })).body.includes(host.dir), `who is no owner learns no path of the host (${name})`);
      await page.emulateMedia({ colorScheme: count++ % 2 ? 'dark' : 'light' });
      const told = set && page.waitForResponse(response => asks(response.request(), 'state')).then(response => response.finished());
      const answer = await page.goto(`${host.base}${set ? 'console' : 'setup'}`);
      await page.waitForSelector(set ? '.trouble' : 'body[data-page=error]');
      await told;
      await page.evaluate(() => new Promise(ok => setTimeout(ok)));
      if (shots) await page.screenshot({ path: join(shots, `${String(count).padStart(2, '0')} ${name.replace(/\W+/g, '-')}.png`), fullPage: true });
      assert.match(await page.locator('body').innerText(), says);
      assert.deepEqual([answer.headers()['content-type'], answer.status()], ['text/html; charset=utf-8', set ? 200 : 503]);
      if (!set) assert.match(await page.evaluate(() => getComputedStyle(document.querySelector('.button')).backgroundColor), /rgb\((?!0, 0, 0)/, 'in the look of the others');
      assert.equal(parse((await get(host, 'health')).body)?.polycircle, 1, 'clients get JSON');
    } finally {
      await undo?.();
      await rm(data(host), { recursive: true, force: true });
      for (const at of ['', 'public_html/cgi-bin', 'public_html/cgi-bin/polycircle.fcgi']) await host.own(join(host.dir, at));
    }
  });
});

const at = (p, step) => p.waitForSelector(`#step-${step}[data-state=current]`);
const shot = async (p, name) => { if (shots) await p.screenshot({ path: join(shots, `${name}.png`), fullPage: true }); };

/** A host and one browser more than it has owners; all end with the test. */
function owner(name, work, { viewer, ...options } = {}) {
  test(name, { timeout: 60_000 * PATIENCE }, async () => {
    const host = await makeHost(options), viewers = [];
    const open = async (url) => {
      viewers.push(await makeVisitor(viewer?.()));
      return viewers.at(-1).open(url);
    };
    try {
      await work(host, open);
      assert.deepEqual(viewers.flatMap(v => v.lines.filter(line => /pageerror|Content Security/.test(line))), []);
    } catch (error) {
      if (shots) await viewers.at(-1)?.page?.screenshot({ path: join(shots, 'failed.png'), fullPage: true });
      error.message += `\n${viewers.flatMap(v => v.lines).join('\n')}\n${await host.server.errors()}`;
      throw error;
    } finally {
      for (const v of viewers) await v.close();
      await host.close();
    }
  });
}

const ssl = '/usr/lib/apache2/modules/mod_ssl.so';
const named = () => ({ args: ['--ignore-certificate-errors', `--host-resolver-rules=MAP site.example:443 127.0.0.1:${tls}, MAP site.example 127.0.0.1`] });
const tls = await freePort();
/** Apache answers the same site by https, too. */
const both = (dir) => {
  sh(`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=site.example -keyout ${dir}/key.pem -out ${dir}/cert.pem`);
  return `<Directory ${dir}/public_html>\n  AllowOverride None\n</Directory>\nScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\nLoadModule ssl_module ${ssl}
Listen 127.0.0.1:${tls}\n<VirtualHost 127.0.0.1:${tls}>\n  DocumentRoot ${dir}/public_html\n  SSLEngine on\n  SSLCertificateFile ${dir}/cert.pem\n  SSLCertificateKeyFile ${dir}/key.pem\n</VirtualHost>\n`;
};
const plainly = host => host.base.replace('127.0.0.1', 'site.example');

owner('over plain http no code is asked where https is there', async (host, open) => {
  const p = await open(`${plainly(host)}setup`);
  await p.waitForURL('https://site.example/cgi-bin/polycircle.fcgi/setup');
  await at(p, 'code');
  for (const name of ['console', 'selftest']) {
    await p.goto(plainly(host) + name);
    await p.waitForURL(`https://site.example/cgi-bin/polycircle.fcgi/${name}`);
  }
}, { own: both, viewer: named });

owner('where https is not there, it is said that the code goes unencrypted', async (host, open) => {
  const p = await open(`${plainly(host)}setup`);
  await at(p, 'code');
  assert.match(await p.locator('.arrival').innerText(), /plain http.*goes unencrypted.*SSL/s);
  await shot(p, 'plain http');
  await p.fill('#code', await host.read('polycircle-data/setup-code'));
  await p.press('#code', 'Enter');
  await at(p, 'address');
}, { viewer: named });

owner('a wrong code: the focus stays in the field, what was typed is selected, the error belongs to it', async (host, open) => {
  const p = await open(`${host.base}setup`), focused = () => p.evaluate(() => {
    const el = /** @type {HTMLInputElement} */ (document.activeElement);
    return [el.id, el.value?.slice(el.selectionStart ?? 0, el.selectionEnd ?? 0), el.getAttribute('aria-invalid'), document.getElementById(el.getAttribute('aria-describedby') ?? '')?.textContent.slice(0, 15)];
  });
  await at(p, 'code');
  await p.fill('#code', 'k3fm-9qtz');
  await p.focus('#code-form button');
  await p.keyboard.press('Enter');
  await p.waitForSelector('#code-form-says:not(:empty)');
  assert.deepEqual(await focused(), ['code', 'k3fm-9qtz', 'true', 'This is not the']);
  assert.match(await p.textContent('#code-form-says'), /file setup-code of the folder polycircle-data: that has 26 letters/);
  await p.keyboard.type('x');
  assert.deepEqual((await focused())[2], null, 'until it is typed over');
  await init(host);
  for (const [name, field, button] of [['console', 'owner', '#enter-form button'], ['selftest', 'code', '#start button']]) {
    await p.goto(host.base + name);
    await p.fill(`#${field}`, 'wrong');
    await p.focus(button);
    await p.keyboard.press('Enter');
    await p.waitForSelector('[aria-invalid]');
    assert.deepEqual((await focused()).slice(0, 3), [field, 'wrong', 'true'], name);
    await shot(p, `wrong code ${name}`);
  }
});

owner('a folder made by FTP, a program that runs as another user: a file shows who owns the site, before and after set-up', async (host, open) => {
  const ftp = async (name, mode, text) => {
    const file = join(host.dir, name);
    await (text === undefined ? mkdir(file) : writeFile(file, text));
    await chown(file, neighbour.uid, neighbour.gid);
    await chmod(file, mode);
  };
  for (const name of ['public_html/cgi-bin', 'public_html/cgi-bin/polycircle.fcgi']) await chown(join(host.dir, name), neighbour.uid, neighbour.gid);
  await ftp('polycircle-data', 0o777);
  const p = await open(`${host.base}setup`);
  await at(p, 'code');
  const { uid, mode } = await stat(join(data(host), 'setup-code'));
  assert.ok(uid != neighbour.uid && (mode & 0o77) == 0, 'who made the folder may not read the code in it');
  assert.equal(await p.locator('#proof').getAttribute('open'), '', 'so the other way is there to be seen');
  await ftp(`public_html/cgi-bin/${await p.textContent('#proof-name')}`, 0o644, '');
  await p.click('#proof-form button');
  await at(p, 'address');
  assert.match(await p.textContent('#step-code .summary'), /^You have shown it/, 'no word of a code, where none was given');
  // meanwhile a second browser, which goes on when the first one has finished
  const other = await open(`${host.base}setup`);
  await at(other, 'code');
  await other.fill('#code', await host.read('polycircle-data/setup-code'));
  await other.press('#code', 'Enter');
  await at(other, 'address');
  await p.click('#address-form button');
  await at(p, 'visitors');
  await p.evaluate(() => document.querySelectorAll('section').forEach(s => { s.dataset.state = 'current'; }));  // all at once: what is between is others' matter
  await p.click('#done-form button');
  await p.waitForSelector('#after-done:not([hidden])');
  const code = await p.textContent('#owner-code');
  await other.click('#address-form button');
  await other.waitForSelector('#locked:not([hidden])');
  assert.equal(await other.evaluate(() => document.activeElement?.id), 'h-locked');
  assert.match(await other.locator('#locked').innerText(), /owner-code.*polycircle-data.*another way in/s);
  await shot(other, 'locked');
  await other.click('#locked a.button');
  await other.click('#proof summary');
  await shot(other, 'console proof');
  await other.click('#proof-form button');
  await other.waitForSelector('#proof-form-says:not(:empty)');
  assert.match(await other.textContent('#proof-form-says'), /no file polycircle-\w+\.txt of yours.*second \.txt/);
  await ftp(`polycircle-data/${await other.textContent('#proof-name')}`, 0o644, '');
  await other.click('#proof-form button');
  await other.waitForSelector('#inside-says:not(:empty)');
  assert.ok((await other.textContent('#inside-says')).includes(code));
  assert.match(await other.textContent('#care'), /as another user than your FTP account: .*polycircle restore.*ask your host/, 'what is not to be opened by FTP');
  await other.getByRole('button', { name: 'Copy the database now' }).click();
  await other.locator('#care .note', { hasText: 'Written' }).waitFor();
  assert.match(await other.textContent('#care'), /Written: \S+\.db\. Ask your host to fetch it for you, .*your keys/);
  await other.click('li:has(#tier-2) button');
  await other.locator('#tier-2', { hasText: `cgi-bin belongs to user ${neighbour.uid}, and the program runs as user ${uid}, who may not write there` }).waitFor();
  const end = other.getByRole('button', { name: 'End this instance' });
  for (const _ of [1, 2]) await end.click();
  await other.getByRole('button', { name: 'Undo the end' }).waitFor();
  assert.match(await other.textContent('#care'), /ask your host to delete the folder polycircle-data/);
  await shot(other, 'console');
  // or the file of the code is deleted: the next look makes another
  await rm(join(data(host), 'owner-code'));
  const third = await open(`${host.base}console`);
  await third.fill('#owner', code);
  await third.press('#owner', 'Enter');
  await third.waitForSelector('#enter-form-says:not(:empty)');
  await third.fill('#owner', await host.read('polycircle-data/owner-code'));
  await third.press('#owner', 'Enter');
  await third.waitForSelector('#inside:not([hidden])');
});

const asks = (request, action) => Buffer.from(new URLSearchParams(request.postData() ?? '').get('d') ?? '', 'base64url').includes(`"do":"${action}"`);

/** Answers of an action that the browser does not get: the host's own page comes instead, or nothing at all. done: the program has got the request. */
async function lose(p, action, { times = 1, done = true, page = '' } = {}) {
  let left = times;
  await p.route('**/owner', async (route) => {
    const body = new URLSearchParams(route.request().postData() ?? '');
    if ((!asks(route.request(), action) && !body.has('h')) || left-- <= 0) return route.continue();  // h: the third try of the same
    if (done) await route.fetch();
    return page ? route.fulfill({ status: 502, contentType: 'text/html', body: page }) : route.abort();
  });
  return () => p.unroute('**/owner');
}

owner('in the console the focus stays where it was, what happened is told, and a lost answer says what to do', async (host, open) => {
  await init(host);
  const cli = (...args) => must(host.dir, args, { POLYCIRCLE_DATA: data(host) }, 'public_html/cgi-bin');
  for (const name of ['demo', 'second']) await cli('circle', 'add', name);
  await cli('url', 'add', 'http://other.example/');
  const p = await open(`${host.base}console`), focused = () => p.evaluate(() => {
    const el = document.activeElement;
    return el?.id || el?.ariaLabel || el?.textContent;
  });
  const enter = async () => {
    await p.fill('#owner', await host.read('polycircle-data/owner-code'));
    await p.press('#owner', 'Enter');
    await p.waitForSelector('#inside:not([hidden])');
  };
  const says = async (id, pattern) => {
    await p.waitForFunction(([name, source]) => new RegExp(source, 's').test(document.getElementById(name)?.textContent ?? ''), [id, pattern.source]);
    await p.waitForFunction(() => !document.querySelector('[aria-busy]'));
  };
  const press = async (name, times = 1) => {
    const button = p.getByRole('button', { name, exact: true }).first();
    await button.focus();
    for (let i = 0; i < times; i++) await p.keyboard.press('Enter');
  };
  await enter();
  await p.waitForFunction(() => document.activeElement?.id == 'h-circles');
  await press('Stop sharing for now');
  await says('said', /^Stopped\./);
  assert.equal(await focused(), 'Share again', 'the button in its place');
  await p.locator('#circle-demo_pages summary').click();
  await p.fill('#circle-demo_origin', 'https://one.example');
  await p.press('#circle-demo_origin', 'Enter');
  await says('circle-demo_pages-says', /^Kept/);
  assert.equal(await focused(), 'circle-demo_origin', 'the same field');
  await press('Use in the line: http://other.example/');
  await says('addresses-says', /^The line is given/);
  assert.match(await focused(), /^(Use in the line|Remove): http/, 'what is nearest, when a button goes');

  let found = await lose(p, 'refuse');
  await press('Remove https://one.example', 2);
  await says('circle-demo_pages-says', /second try the program says: “Pages of https:\/\/one\.example were not allowed.*may have been done all the same/);
  await p.locator('#circle-demo_pages .path', { hasText: 'https://one.example' }).waitFor({ state: 'detached' });  // read again
  await found();
  found = await lose(p, 'forget');
  await press('Remove: http://other.example/', 2);
  await says('addresses-says', /second try.*may have been done/);
  assert.equal(await p.locator('#addresses li').count(), 1);
  await found();
  found = await lose(p, 'circle', { times: 9, done: false, page: '<h1>Bad gateway</h1>' });
  await press('Share again');
  await says('circle-demo', /did not answer.*may have been done all the same: look/);
  assert.equal(await p.getByRole('button', { name: 'Share again' }).count(), 1, 'it was not');
  await found();

  found = await lose(p, 'upgrade', { done: false, times: 9 });
  await press('Use a new version');
  await says('care-0', /^The program did not answer.*see below which one answers/);
  await found();
  // it was put in place, its answer never came, and to the second try no polycircle.new is there; nor can all be drawn anew
  let replaced = false;
  const { version } = await (await fetch(`${host.base}health`)).json();
  await p.route('**/owner', async (route) => {
    const status = asks(route.request(), 'status');
    if (asks(route.request(), 'upgrade') && !replaced) return (replaced = true, route.abort());
    return status && replaced ? route.fulfill({ json: { ...await (await route.fetch()).json(), version: '9.9.9', urls: 0 } }) : route.continue();
  });
  await press('Use a new version');
  await says('care-0', new RegExp(`^Version 9\\.9\\.9 is in place of ${version.replaceAll('.', '\\.')}\\.$`));
  await found();
  await p.locator('#circle-second_end summary').click();
  found = await lose(p, 'remove');
  await p.locator('#circle-second_end button').focus();
  for (let i = 0; i < 2; i++) await p.keyboard.press('Enter');
  await says('inside-says', /second try.*may have been done/);
  assert.equal(await p.locator('#circle-second_card').count(), 0);
  assert.notEqual(await focused(), await p.evaluate(() => document.body.textContent), 'not on the page as a whole');
  await found();

  await p.locator('#circle-demo_visitors > summary').click();
  await p.locator('#circle-demo_notice-part summary').click();
  assert.match(await p.inputValue('#circle-demo_notice'), /This site shares.*internet address/, 'the text for the privacy notice');
  await p.check('[name="circle-demo_stun"][value=other]');
  await p.fill('#circle-demo_stun-other', 'stun.my.example:3478');
  assert.match(await p.inputValue('#circle-demo_notice'), /asks a server of stun\.my\.example/);
  await shot(p, 'console notice');

  found = await lose(p, 'recode', { times: 9 });
  await press('Make a new code', 2);
  await says('enter-form-says', /another code now/);
  await found();
  // made anew meanwhile, in another window: the file has another name
  const [asked] = await Promise.all([p.waitForRequest(request => asks(request, 'state')), p.click('#proof summary')]);
  await (await asked.response()).finished();
  const name = await p.textContent('#proof-name');
  await cli('owner', '--new');
  await p.click('#proof-form button');
  await says('proof-form-says', /another name now/);
  assert.notEqual(await p.textContent('#proof-name'), name);
  assert.equal(await p.getAttribute('#proof-file', 'download'), await p.textContent('#proof-name'));
  await host.put(`polycircle-data/${await p.textContent('#proof-name')}`, '');
  found = await lose(p, 'prove');
  await p.click('#proof-form button');
  await says('proof-form-says', /second try.*upload it once more/);
  await found();
  await enter();
});

owner('a folder that a copy named is shared by a press, not by opening the console', async (host, open) => {
  const cli = (...args) => must(host.dir, args, { POLYCIRCLE_DATA: data(host) }, 'public_html/cgi-bin');
  for (const name of ['films', 'other']) await host.put(`public_html/${name}/a.png`, name);
  await must(host.dir, ['init', '--url', host.base, '--root', join(host.dir, 'public_html')], { POLYCIRCLE_DATA: data(host) }, 'public_html/cgi-bin');
  await cli('circle', 'add', 'demo');
  await cli('publish', 'demo', join(host.dir, 'public_html/other'));
  await cli('backup', join(host.dir, 'data/copy.db'));
  await cli('publish', 'demo', join(host.dir, 'public_html/films'));
  await cli('restore', join(host.dir, 'data/copy.db'));
  await host.put('polycircle-data/polycircle.restore-refused', 'x');
  const p = await open(`${host.base}console`), files = () => sql(host, 'SELECT count(*) FROM media').toString().trim();
  const shares = [];
  p.on('request', request => { if (asks(request, 'share')) shares.push(request); });
  await p.fill('#owner', await host.read('polycircle-data/owner-code'));
  await p.press('#owner', 'Enter');
  const named = p.getByText(/The copy that was put back shares .*other, which was not/);
  await named.waitFor();
  assert.deepEqual(await p.locator('#notices .note').evaluateAll(all => all.map(el => [el.textContent.slice(0, 16), el.dataset.kind])), [['The database was', 'good'], ['The file polycir', 'bad']], 'each in its own colour');
  await p.waitForSelector('#tiers li');
  await p.evaluate(() => new Promise(ok => setTimeout(ok)));  // in this moment the folders' reading begins
  assert.equal(shares.length, 0);
  assert.equal(files(), '0');
  await p.getByRole('button', { name: 'Read the folder again' }).click();
  await p.waitForFunction(() => /1 file,/.test(document.getElementById('circle-demo_read')?.textContent ?? ''));
  assert.equal(files(), '1');
  assert.equal(await named.isVisible(), false);
});

owner('the bare address leads to set-up, then to the console', async (host, open) => {
  const p = await open(host.base.slice(0, -1));
  await p.waitForURL(`${host.base}setup`);
  await init(host);
  for (const url of [host.base, host.base.slice(0, -1)]) {
    await p.goto(url);
    await p.waitForURL(`${host.base}console`);
  }
  const { api_key: key } = JSON.parse(await must(host.dir, ['circle', 'add', 'demo', '--json'], { POLYCIRCLE_DATA: data(host) }, 'public_html/cgi-bin'));
  for (const [name, type] of [['health', 'json'], ['nosuch', 'json'], [`signal?${key}`, 'javascript'], ['', 'json']])
    assert.match((await get(host, name, { Accept: '*/*' })).headers['content-type'], new RegExp(type), `a client gets ${name} as ever`);
});
