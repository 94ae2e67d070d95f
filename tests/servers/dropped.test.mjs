// The program dropped on a shared host by FTP: no configuration of the server,
// no environment, only files. The tiers are those of cgi-bin/htaccess.N.txt.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory, must, parse, removeDirectory, startHost, tier0, upload } from './server.mjs';

const cgiBin = (dir, override) => `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>
ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\n`;
const folder = (dir, override) => `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>\n`;

const hosts = {
  'tier 0: the host has a cgi-bin': { kind: 'apache-cgid', own: (dir) => cgiBin(dir, 'None'), htaccess: {} },
  'tier 1: .htaccess may run programs': { kind: 'apache-cgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options'] } },
  'tier 2: .htaccess, mod_fcgid': { kind: 'apache-fcgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options'] } },
  'tier 2: .htaccess, no mod_fcgid': { kind: 'apache-cgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options'] } },
  'tier 3: pretty URLs, the host has a cgi-bin': { kind: 'apache-cgid', own: (dir) => cgiBin(dir, 'FileInfo'), htaccess: { public_html: [3] }, pretty: true },
  'tier 3: pretty URLs, mod_fcgid': {
    kind: 'apache-fcgid', own: (dir) => folder(dir, 'All'), htaccess: { public_html: [3], 'public_html/cgi-bin': ['options'] }, pretty: true,
  },
};

for (const [name, { kind, own, htaccess, pretty }] of Object.entries(hosts)) {
  test(name, async () => {
    const dir = await makeDirectory();
    let server;
    try {
      await upload(dir, htaccess);
      const owner = (...args) => must(dir, args, { POLYCIRCLE_DATA: undefined }, 'public_html/cgi-bin');
      const bases = pretty ? [tier0, '/'] : [tier0];
      await owner('init', ...bases.flatMap((base) => ['--url', `http://site.example${base}`]));
      const { api_key: key, cid } = JSON.parse(await owner('circle', 'add', 'demo', '--json'));
      server = await startHost(kind, dir, own(dir));
      for (const base of bases) {
        const health = await server.request({ path: `${base}health` });
        assert.equal(parse(health.body)?.ok, true, `${health.status} ${health.body} ${await server.errors()}`);
        const loader = await server.request({ path: `${base}signal?${key}` });
        assert.ok(loader.body.includes(cid));
        const joined = await server.sync({ v: 1, key, token: randomBytes(32).toString('hex'), run: '00000001' }, { path: `${base}sync` });
        assert.equal(joined.status, 200);
        assert.equal((await server.request({ path: `${base}nosuch` })).status, 404);
      }
      const data = await stat(join(dir, 'polycircle-data'));
      assert.equal(data.mode & 0o777, 0o700, 'the data lies outside the document root, for its owner only');
      const bare = await server.request({ path: tier0.slice(0, -1) });
      assert.ok(!bare.body.includes('ELF'), 'the program itself cannot be fetched');
    } finally {
      await server?.stop();
      await removeDirectory(dir);
    }
  });
}

/** A host with the program in a folder of the site; gives its commands, as the server's user and without a DOCUMENT_ROOT. */
async function inFolder(folder, run) {
  const dir = await makeDirectory();
  let server;
  try {
    await upload(dir, { 'public_html/cgi-bin': ['options'] });
    const { uid, gid } = await stat(join(dir, 'data'));
    await chown(join(dir, 'public_html/cgi-bin'), uid, gid);
    await rename(join(dir, 'public_html/cgi-bin'), join(dir, folder));
    const command = async (...args) => JSON.parse(await must(dir, [...args, '--json'], { POLYCIRCLE_DATA: undefined }, folder));
    const start = async () => (server = await startHost('apache-cgid', dir, `<Directory ${dir}/public_html>\n  AllowOverride All\n</Directory>\n`));
    await run({ dir, command, start, folder: join(dir, folder) });
  } finally {
    await server?.stop();
    await chmod(dir, 0o755);
    await removeDirectory(dir);
  }
}
const url = (folder) => `http://site.example/${folder}/polycircle.fcgi`;

test('a folder of its own: the data lies above the document root, for web and shell', () => inFolder('public_html/circle', async ({ dir, command, start }) => {
  assert.equal((await command('init', '--url', url('circle'))).data, join(dir, 'polycircle-data'));
  assert.equal((await (await start()).request({ path: '/circle/polycircle.fcgi/health' })).status, 200);
}));

test('nothing above the document root may be written: a name that nobody can guess', () => inFolder('public_html/circle', async ({ dir, command, start, folder }) => {
  await chmod(dir, 0o555); // what is above the document root
  const { data } = await command('init', '--url', url('circle'));
  assert.match(data, new RegExp(`^${folder}/polycircle-data-[0-9a-f]{32}$`));
  assert.equal((await stat(data)).mode & 0o777, 0o700);
  for (const name of await readdir(data)) assert.equal((await stat(join(data, name))).mode & 0o077, 0, name);
  assert.ok((await readdir(data)).includes('.htaccess') && (await readdir(data)).includes('index.html'));
  const server = await start();
  assert.equal((await server.request({ path: '/circle/polycircle.fcgi/health' })).status, 200, 'the web server finds it again');
  assert.equal((await command('init')).data, data, 'and the shell');
  await mkdir(join(folder, `polycircle-data-${'f'.repeat(32)}`));
  await chmod(dir, 0o755);
  assert.equal((await command('init')).data, data, 'whatever is there later');
  await rm(join(data, 'polycircle.db'));
  assert.equal(parse((await server.request({ path: '/circle/polycircle.fcgi/health' })).body).error, 'not_set_up');
  assert.equal((await command('init', '--url', url('circle'))).data, data, 'a deleted database is no reason to look elsewhere');
}));
