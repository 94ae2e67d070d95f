// The program dropped on a shared host by FTP: no configuration of the server,
// no environment, only files. The tiers are those of cgi-bin/htaccess.N.txt.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { form, makeDirectory, must, parse, removeDirectory, startHost, tier0, upload } from './server.mjs';

const cgiBin = (dir, override) => `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>
ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\n`;
const folder = (dir, override) => `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>\n`;

const hosts = {
  'tier 0: the host has a cgi-bin': { kind: 'apache-cgid', own: (dir) => cgiBin(dir, 'None'), htaccess: {} },
  'tier 1: .htaccess may run programs': { kind: 'apache-cgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options'] } },
  'tier 2: .htaccess, mod_fcgid': { kind: 'apache-fcgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options'] } },
  'tier 2: .htaccess, no mod_fcgid': { kind: 'apache-cgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options'] } },
  'tier 3: short addresses, the host has a cgi-bin': { kind: 'apache-cgid', own: (dir) => cgiBin(dir, 'FileInfo'), htaccess: { public_html: [3] }, short: '/polycircle/' },
  'tier 3: short addresses, mod_fcgid': {
    kind: 'apache-fcgid', own: (dir) => folder(dir, 'All'), htaccess: { public_html: [3], 'public_html/cgi-bin': ['options'] }, short: '/polycircle/',
  },
  'a host name of its own': { kind: 'apache-cgid', own: (dir) => cgiBin(dir, 'FileInfo'), htaccess: { public_html: ['own'] }, short: '/' },
};

for (const [name, { kind, own, htaccess, short }] of Object.entries(hosts)) {
  test(name, async () => {
    const dir = await makeDirectory();
    let server;
    try {
      await upload(dir, htaccess);
      const owner = (...args) => must(dir, args, { POLYCIRCLE_DATA: undefined }, 'public_html/cgi-bin');
      const bases = short ? [tier0, short] : [tier0];
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
    await writeFile(join(dir, 'server.conf'), ''); // of a user who is not root: what is there may be written where nothing new may be
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

// an earlier version drew a name in each process: two set-up codes, each refused by the other, and after set-up an instance that was gone
test('only the folder of the program may be written: processes that draw a name at the same moment agree on one', () => inFolder('public_html/circle', async ({ dir, folder }) => {
  await chmod(dir, 0o555);
  const { uid, gid } = await stat(folder), program = join(folder, 'polycircle.fcgi');
  const env = { GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1', SCRIPT_NAME: '/circle/polycircle.fcgi', SCRIPT_FILENAME: program, PATH_INFO: '/setup',
    QUERY_STRING: '', DOCUMENT_ROOT: join(dir, 'public_html'), HTTP_HOST: 'site.example', REMOTE_ADDR: '198.51.100.7' };
  const rooted = process.getuid() == 0 ? { uid, gid } : {};
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => promisify(execFile)(program, [], { env, ...rooted })));
    for (const { stdout } of answers) assert.match(stdout, /^Status: 200/);
    const made = (await readdir(folder)).filter(name => name.startsWith('polycircle-data'));
    assert.equal(made.length, 1, String(made));
    assert.match(made[0], /^polycircle-data-[0-9a-f]{32}$/);
    assert.ok((await readdir(join(folder, made[0]))).includes('setup-code'));
    await rm(join(folder, made[0]), { recursive: true });
  }
}));

test('the same in processes that stay: each finds what another one has made, and a stray of before is named', () => inFolder('public_html/circle', async ({ dir, command, folder }) => {
  await chmod(dir, 0o555);
  const server = await startHost('apache-fcgid', dir, `<Directory ${dir}/public_html>\n  AllowOverride All\n</Directory>\n`);
  try {
    const ask = (path, body) => server.request({ path: `/circle/polycircle.fcgi/${path}`, ...body && { method: 'POST', body: form(body) } });
    const many = work => Promise.all(Array.from({ length: 24 }, work));
    for (const { status } of await many(() => ask('probe'))) assert.equal(status, 200);  // each process has looked, and found nothing
    for (const { status } of await many(() => ask('setup'))) assert.equal(status, 200);
    assert.ok((await server.programs()).length > 1, 'more than one process');
    const [name, ...more] = (await readdir(folder)).filter(each => each.startsWith('polycircle-data'));
    assert.deepEqual(more, []);
    const code = (await readFile(join(folder, name, 'setup-code'), 'utf8')).trim();
    const owner = fields => ask('owner', { v: 1, code, ...fields });
    const begun = parse((await owner({ do: 'begin', url: 'http://site.example/circle/polycircle.fcgi/', root: join(dir, 'public_html') })).body);
    assert.deepEqual(begun.urls, ['http://site.example/circle/polycircle.fcgi/'], JSON.stringify(begun));
    for (const { status, body } of await many(() => ask('health'))) assert.equal(status, 200, String(body));
    for (const { body } of await many(() => owner({ do: 'status' }))) assert.equal(parse(body).data, join(folder, name));
    const stray = join(folder, `polycircle-data-${'0'.repeat(32)}`);  // sorted before it, as after the fault
    const { uid, gid } = await stat(folder);
    await mkdir(stray);
    await chown(stray, uid, gid);
    for (const { body } of await many(() => owner({ do: 'status' }))) assert.deepEqual([parse(body).data, parse(body).others], [join(folder, name), [stray]]);
    assert.equal((await command('init')).data, join(folder, name));
    const checks = (await command('check')).checks.find(({ what }) => what == 'other data');
    assert.equal(checks.level, 'warn');
    assert.ok(checks.text.includes(stray));
  } finally { await server.stop(); }
}));
