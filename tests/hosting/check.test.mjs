// polycircle-check.html, unpacked from the release's zip on an Apache that knows nothing of Polycircle, opened in Chromium: does it
// name what is wrong there? POLYCIRCLE_SHOTS=DIR keeps a picture of each case.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ended, launch } from '../browser/site.mjs';
import { freePort, makeDirectory, must, program, removeDirectory, startHost } from '../servers/server.mjs';
import { makeRelease, run } from './release.mjs';

const shots = process.env.POLYCIRCLE_SHOTS;
const tls = await freePort();
let release, browser;
before(async () => {
  release = await makeRelease();
  browser = await launch('--ignore-certificate-errors', `--host-resolver-rules=MAP site.example:443 127.0.0.1:${tls}, MAP site.example 127.0.0.1`);
});
after(async () => {
  await ended(browser?.close());
  await release?.remove();
});

const asText = { added: bytes => bytes.replaceAll('\n', '\r\n'), removed: bytes => bytes.replaceAll('\r\n', '\n') };
async function mangle(file, how) {
  await writeFile(file, Buffer.from(asText[how]((await readFile(file)).toString('latin1')), 'latin1'));
}

/** Unpacks the zip into public_html, as a host's file manager does. */
async function unpack(dir, arch) {
  const site = join(dir, 'public_html'), owner = await stat(join(dir, 'data'));
  await run('unzip', ['-q', release.zip(arch), '-d', site]);
  await run('chown', ['-R', `${owner.uid}:${owner.gid}`, dir]);
  return site;
}

const override = (dir, what) => `<Directory ${dir}/public_html>\n  AllowOverride ${what}\n</Directory>\n`;
const cgiBin = dir => `${override(dir, 'None')}ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\n`;
const plain = dir => override(dir, 'None');
const rule = line => dir => `${cgiBin(dir)}RewriteEngine On\nRewriteRule ${line}\n`;
const modules = '/usr/lib/apache2/modules';
/** The same site by https, too. */
const secure = (dir) => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=site.example', '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')], { stdio: 'ignore' });
  return `${cgiBin(dir)}LoadModule ssl_module ${modules}/mod_ssl.so\nListen 127.0.0.1:${tls}\n<VirtualHost 127.0.0.1:${tls}>\n  DocumentRoot ${dir}/public_html\n  SSLEngine on
  SSLCertificateFile ${dir}/cert.pem\n  SSLCertificateKeyFile ${dir}/key.pem\n</VirtualHost>\n`;
};
/** A disk of 64 kB for the data, and nothing free on it. */
async function fullDisk({ dir }) {
  execFileSync('sh', ['-ec', 'mkdir $0/polycircle-data; mount -t tmpfs -o size=64k polycircle-test $0/polycircle-data; chown www-data $0/polycircle-data; dd if=/dev/zero of=$0/polycircle-data/filling 2>/dev/null || :', dir]);
  return () => execFileSync('umount', [join(dir, 'polycircle-data')]);
}
const init = url => ({ owner }) => owner('init', '--url', url);
const at = url => `http://127.0.0.1${url}`;
const here = init(at('/cgi-bin/polycircle.fcgi'));

// name: what the host is like (own), what happens to the files (with), the address typed, findings expected, words that must be there
const cases = {
  'it runs and is set up': { with: here, kinds: ['running'], words: /version \d+\.\d+/ },
  'it is not set up yet': { kinds: ['fresh'], words: /setup-code/, link: /\/cgi-bin\/polycircle\.fcgi\/setup$/ },
  'it is typed with /health behind': { typed: '/cgi-bin/polycircle.fcgi/health', kinds: ['fresh'], words: /setup-code/ },
  'another host name': { with: init('http://other.example/'), kinds: ['host_unknown'], words: /127\.0\.0\.1:\d+\..*www/s },
  'plain http': { host: 'site.example', kinds: ['plain'], words: /nothing would be shared.*no https yet.*Let's Encrypt/s },
  'plain http, where https is there': { host: 'site.example', own: secure, kinds: ['plain_https'], words: /answers by https, too/, link: /^https:\/\/site\.example\/polycircle-check\.html$/ },
  'the disk is full': { with: fullDisk, kinds: ['says'], words: /The disk is full.*No space left.*Free some space/s, link: /setup$/ },
  'it may not write': {
    with: async ({ dir }) => { await mkdir(join(dir, 'polycircle-data'), { mode: 0o500 }); await run('chown', ['www-data', join(dir, 'polycircle-data')]); }, kinds: ['says'], words: /mode is 0500.*to 0700/s,
  },
  'the upload broke off, and it runs all the same': {
    with: async ({ file }) => truncate(file, (await stat(file)).size - 100), kinds: ['cut'], words: /its file has \d+ bytes; release \S+ has \d+ for x86_64, \d+ for aarch64.*broke off/s,
  },
  'the upload broke off, and it does not start': { with: ({ file }) => truncate(file, 1_500_000), kinds: ['start', 'sample'], words: /smaller than the one in the zip \(\d+ for x86_64.*Whether all of the program has come/s },
  'nothing of the sample came': { with: ({ sample }) => truncate(sample, 0), kinds: ['sample', 'fresh'], words: /Uploads are cut short/ },
  'a damaged database': {
    with: async (host) => { await here(host); await writeFile(join(host.dir, 'polycircle-data/polycircle.db'), 'x'.repeat(5000)); }, kinds: ['says'], words: /backup/,
  },
  'the host does not run it here': { own: plain, kinds: ['downloaded', 'sample'], words: /release's own for x86_64.*htaccess\.2\.txt/s },
  '... and it was uploaded as text': { own: plain, with: ({ file }) => mangle(file, 'added'), kinds: ['text'], words: /binary mode/ },
  '... by a client that takes CR away': { own: plain, with: ({ file }) => mangle(file, 'removed'), kinds: ['text'], words: /binary mode/ },
  '... and the upload broke off': {
    own: plain, with: async ({ file }) => writeFile(file, (await readFile(file)).subarray(0, 1_500_000)), kinds: ['short', 'sample'], words: /1500000 bytes/,
  },
  '... and it is of another release': { own: plain, with: ({ file }) => copyFile(program, file), kinds: ['unknown', 'sample'], words: /one zip/ },
  '... and it is for ARM': { own: plain, arch: 'aarch64', kinds: ['downloaded', 'sample'], words: /for aarch64/ },
  'mode 0644': { with: ({ file }) => chmod(file, 0o644), kinds: ['start', 'sample'], words: /error 500.*mode is not 0755.*its list.*text \(ASCII\) mode.*sample file is as it must be/s },
  'the other processor': { arch: 'aarch64', kinds: ['start', 'sample'], words: /other zip/ },
  'uploaded as text into cgi-bin': {
    with: async ({ file, sample }) => { await mangle(file, 'added'); await mangle(sample, 'added'); }, kinds: ['sample', 'start'], words: /carriage return was put before.*error 500.*what to do\s+The file was uploaded in text/s,
  },
  'the same, CR taken away': { with: async ({ file, sample }) => { await mangle(file, 'removed'); await mangle(sample, 'removed'); }, kinds: ['sample', 'start'], words: /were taken away/ },
  'the sample is not there': { with: async ({ file, sample }) => { await chmod(file, 0o644); await rm(sample); }, kinds: ['start', 'sample'], words: /sample file is not there/ },
  'Options are forbidden': {
    own: dir => `${override(dir, 'FileInfo')}ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\n`,
    with: ({ folder }) => rename(join(folder, 'htaccess.options.txt'), join(folder, '.htaccess')), kinds: ['folder', 'sample'], words: /Rename that \.htaccess back/,
  },
  'ExecCGI is off': { own: dir => `${plain(dir)}AddHandler cgi-script .fcgi\n`, kinds: ['forbidden', 'sample'], words: /not forbidden.*ExecCGI is off/s },
  'the folder is closed': { with: ({ folder }) => chmod(folder, 0), kinds: ['closed', 'sample'], words: /does not exist.*0755/s },
  'a firewall refuses all': { own: rule('polycircle\\.fcgi - [R=406,L]'), kinds: ['firewall', 'sample'], words: /status 406.*exception/s },
  'a firewall refuses posts': { own: dir => `${cgiBin(dir)}<Location /cgi-bin/>\n<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n</Location>\n`, with: here,
    kinds: ['running', 'post'], words: /form posts.*status 403.*form-urlencoded/s },
  'no process is free': { own: rule('polycircle\\.fcgi - [R=508,L]'), kinds: ['busy', 'sample'], words: /508.*entry processes/s },
  'a password': {
    own: dir => `LoadModule authn_core_module ${modules}/mod_authn_core.so\nLoadModule auth_basic_module ${modules}/mod_auth_basic.so
LoadModule authn_file_module ${modules}/mod_authn_file.so\nLoadModule authz_user_module ${modules}/mod_authz_user.so\n${cgiBin(dir)}<Location /cgi-bin/>
AuthType Basic\nAuthName x\nAuthUserFile ${dir}/none\nRequire valid-user\n</Location>\n`, kinds: ['password', 'sample'], words: /protection away/,
  },
  'a browser test of the host': {
    own: rule('polycircle\\.fcgi /challenge.html [PT,L]'), kinds: ['challenge', 'sample'], words: /another host/,
    with: ({ site }) => writeFile(join(site, 'challenge.html'), '<html><script src="/aes.js"></script><script>document.cookie = "__test=1"</script></html>'),
  },
  'a page of the site': {
    own: rule('polycircle\\.fcgi /blog.html [PT,L]'), kinds: ['page', 'sample'], words: /WordPress/, with: ({ site }) => writeFile(join(site, 'blog.html'), '<!doctype html><p>Welcome'),
  },
  'no path behind the name': { own: dir => `${cgiBin(dir)}AcceptPathInfo Off\n`, kinds: ['path_info', 'sample'], words: /AcceptPathInfo/ },
  'nothing there': { with: ({ file }) => rm(file), kinds: ['absent'], words: /none of the addresses.*small letters/s },
  'every address is the site\'s own page': {
    own: rule('!polycircle-check /blog.html [PT,L]'), kinds: ['absent'], words: /none of the addresses/, with: ({ site }) => writeFile(join(site, 'blog.html'), '<!doctype html><p>Welcome'),
  },
  'another site': { typed: 'http://127.0.0.1:9/polycircle.fcgi', kinds: ['silent', 'sample'], words: /on the same address/ },
};

let count = 0;
for (const [name, wanted] of Object.entries(cases)) {
  test(name, async () => {
    const dir = await makeDirectory();
    let server, page, undo;
    try {
      const site = await unpack(dir, wanted.arch), folder = join(site, 'cgi-bin');
      const owner = (...args) => must(dir, args, { POLYCIRCLE_DATA: undefined }, 'public_html/cgi-bin');
      undo = await wanted.with?.({ dir, site, folder, owner, file: join(folder, 'polycircle.fcgi'), sample: join(site, 'polycircle-check.bin') });
      server = await startHost('apache-cgid', dir, (wanted.own ?? cgiBin)(dir));
      page = await browser.newPage({ colorScheme: count++ % 2 ? 'dark' : 'light', viewport: { width: 900, height: 1000 } });
      const problems = [];
      page.on('pageerror', error => problems.push(error.message));
      await page.goto(`http://${wanted.host ?? '127.0.0.1'}:${server.port}/polycircle-check.html`);
      const status = page.getByRole('status');
      await page.waitForFunction(() => !document.querySelector('[aria-busy]') && /^Done/.test(document.querySelector('[role=status]').textContent));
      if (wanted.typed) {
        await page.getByLabel('Address of the program').fill(wanted.typed);
        await page.getByRole('button', { name: 'Check' }).click();
        await page.waitForFunction(() => !document.querySelector('[aria-busy]'));
      }
      const sections = page.locator('section');
      if (shots) await page.screenshot({ path: join(shots, `${String(count).padStart(2, '0')} ${name.replace(/\W+/g, '-')}.png`), fullPage: true });
      assert.deepEqual(await sections.evaluateAll(all => all.map(s => s.dataset.kind)), wanted.kinds);
      assert.match((await sections.allInnerTexts()).join('\n'), wanted.words);
      const faults = await page.locator('section.fault').count();
      assert.match(await status.innerText(), faults ? /faults? (was|were) found/ : /no fault/);
      if (wanted.link) assert.match(await page.getByRole('link').first().getAttribute('href'), wanted.link);
      assert.ok(!(await page.locator('main').innerText()).includes('%'), 'no place in the text was left open');
      assert.deepEqual(problems, []);
    } finally {
      await page?.close();
      await server?.stop();
      if (typeof undo === 'function') undo();
      await chmod(join(dir, 'public_html/cgi-bin'), 0o755).catch(() => {});
      await removeDirectory(dir);
    }
  });
}
