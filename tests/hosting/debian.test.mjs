// The Debian package: built from a clean copy, as lintian wants it, unpacked, and
// run with the configuration it brings by each web server. Only paths and ports are
// changed. With POLYCIRCLE_LONG=1 also installed into an empty Debian and purged.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { form, freePort, makeDirectory, must, parse, removeDirectory, request, startHost, tier0 } from '../servers/server.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const run = (command, args, options = {}) => promisify(execFile)(command, args, { maxBuffer: 64 << 20, timeout: 300_000, ...options })
  .catch((error) => { throw new Error(`${command} ${args.join(' ')}: ${error.code ?? error.signal}\n${error.stdout}\n${error.stderr}`); });
const rooted = process.getuid?.() === 0;
const program = 'root/usr/lib/cgi-bin';
let work;
let deb;

/** The tarball as `make dist` makes it, and debian/ beside what is in it, as a packager has them. */
async function unpackSource() {
  await assert.doesNotReject(stat(join(root, 'debian/control')), 'the package is made from a checkout: debian/ is not in the tarball');
  await run(join(root, 'tools/build'), [work]);
  await run('make', ['-s', '-C', join(work, 'build'), 'dist-xz']);
  const [tarball] = (await readdir(join(work, 'build'))).filter((name) => name.endsWith('.tar.xz'));
  const name = tarball.slice(0, -'.tar.xz'.length);
  await rename(join(work, 'build', tarball), join(work, `${name.replace('-', '_')}.orig.tar.xz`));
  await run('tar', ['-C', work, '-xf', join(work, `${name.replace('-', '_')}.orig.tar.xz`)]);
  assert.ok(!(await readdir(join(work, name))).includes('debian'));
  await cp(join(work, 'src/debian'), join(work, name, 'debian'), { recursive: true });
  return join(work, name);
}

before(async () => {
  work = await mkdtemp(join(tmpdir(), 'polycircle-debian-'));
  await chmod(work, 0o755);
  const source = await unpackSource();
  // nocheck: the area `unit` runs make check; the long form builds with it
  await run('dpkg-buildpackage', ['-us', '-uc'], { cwd: source, env: { ...process.env, DEB_BUILD_OPTIONS: 'nocheck parallel=2' } });
  [deb] = (await readdir(work)).filter((name) => /^polycircle_.*\.deb$/.test(name));
});
after(() => removeDirectory(work));

const lintian = async () => {
  const [changes] = (await readdir(work)).filter((name) => name.endsWith('.changes'));
  const args = ['-EvIL', '+pedantic', '--fail-on', 'error,warning', ...(rooted ? ['--allow-root'] : []), join(work, changes)];
  return (await run('lintian', args)).stdout;
};

test('lintian finds no error and no warning, in source and package', async (t) => {
  const said = await lintian();
  const tags = said.split('\n').filter((line) => /^[EWIPXO]: /.test(line));
  for (const tag of tags) t.diagnostic(tag);
  assert.deepEqual(tags.filter((tag) => /^[EW]: /.test(tag)), []);
});

test('the package holds what README.Debian says, and enables nothing', async () => {
  const { stdout } = await run('dpkg-deb', ['-c', join(work, deb)]);
  const files = stdout.trim().split('\n').filter((line) => !line.startsWith('d')).map((line) => line.split(/\s+/).slice(5).join(' '));
  for (const file of ['./usr/sbin/polycircle', './usr/lib/cgi-bin/polycircle.fcgi -> ../../sbin/polycircle', './usr/share/man/man8/polycircle.8.gz',
    './etc/apache2/conf-available/polycircle.conf', './etc/lighttpd/conf-available/50-polycircle.conf', './etc/nginx/snippets/polycircle.conf',
    './lib/systemd/system/polycircle.socket', './lib/systemd/system/polycircle.service', './usr/share/doc/polycircle/README.Debian',
    './usr/share/doc/polycircle/guide.txt.gz', './usr/share/doc/polycircle/copyright']) assert.ok(files.includes(file), `${file} in\n${files.join('\n')}`);
  assert.deepEqual(files.filter((file) => file.includes('enabled') || file.includes('.wants')), []);
  const { stdout: headers } = await run('readelf', ['-dl', join(work, (await readdir(work)).find((name) => /^polycircle-[\d.]+$/.test(name)), '_build/src/polycircle')]);
  for (const hardened of ['PIE', 'BIND_NOW', 'GNU_RELRO']) assert.ok(headers.includes(hardened), hardened);
});

/** The package unpacked, a site, and an instance made by the packaged program. */
async function installed() {
  const dir = await makeDirectory();
  await mkdir(join(dir, 'public_html'));
  await run('dpkg-deb', ['-x', join(work, deb), join(dir, 'root')]);
  await must(dir, ['init', '--url', `http://site.example${tier0}`], {}, program);
  return { dir, circle: JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json'], {}, program)) };
}

/** A packaged file of configuration, with the paths of `dir`. Each of `paths` must be in it. */
async function packaged(dir, file, paths) {
  let text = await readFile(join(dir, 'root', file), 'utf8');
  for (const [from, to] of Object.entries(paths)) {
    assert.ok(text.includes(from), `${file} names ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const places = (dir) => ({ '/usr/lib/cgi-bin': join(dir, program), '/var/lib/polycircle': join(dir, 'data') });
// as Debian's apache2.conf begins
const apache = async (dir) => '<Directory />\n  Options FollowSymLinks\n  AllowOverride None\n  Require all denied\n</Directory>\n'
  + await packaged(dir, 'etc/apache2/conf-available/polycircle.conf', places(dir));
const lighttpd = (dir) => packaged(dir, 'etc/lighttpd/conf-available/50-polycircle.conf', { ...places(dir), '/run/lighttpd/': `${dir}/run/` });

/** What a site needs of an instance: its health, its tag, a signal that joins. */
async function works(ask, { api_key: key, cid }) {
  const health = await ask({ path: `${tier0}health` });
  assert.equal(parse(health.body)?.ok, true, `${health.status} ${health.body}`);
  assert.ok((await ask({ path: `${tier0}signal?${key}` })).body.includes(cid));
  const fields = { v: 1, key, token: randomBytes(32).toString('hex'), run: '00000001' };
  const joined = await ask({ method: 'POST', path: `${tier0}sync`, body: form(fields) });
  assert.equal(joined.status, 200, `${joined.body}`);
  assert.match(parse(joined.body).sig, /^[0-9a-f]{64}$/);
  assert.equal((await ask({ path: `${tier0}nosuch` })).status, 404);
  assert.ok(!(await ask({ path: tier0.slice(0, -1) })).body.includes('ELF'), 'the program itself cannot be fetched');
  assert.equal((await ask({ path: '/health' })).status, 404, 'pretty addresses are left to the site');
}

for (const [kind, own] of Object.entries({ 'apache-fcgid': apache, 'apache-cgid': apache, 'lighttpd-fastcgi': lighttpd })) {
  test(`${kind}, by the packaged configuration`, async () => {
    const { dir, circle } = await installed();
    let server;
    try {
      server = await startHost(kind, dir, await own(dir));
      await works((options) => server.request(options), circle);
    } finally {
      await server?.stop();
      await removeDirectory(dir);
    }
  });
}

/** Starts a process and gives a function that ends it. */
function start(command, args, options) {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  return () => new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once('exit', resolve).kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  });
}

async function until(what, happens) {
  for (let tries = 0; tries < 150; tries++) {
    if (await happens()) return;
    await sleep(100);
  }
  throw new Error(`not within 15 s: ${what}`);
}

const answers = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
});

/** The packaged units as systemd runs them: its own tool listens and hands the socket over as descriptor 0. */
async function startUnits(dir, socket) {
  const units = await Promise.all(['socket', 'service'].map(async (type) => {
    const file = join(dir, `run/polycircle.${type}`);
    const unit = await readFile(join(dir, `root/lib/systemd/system/polycircle.${type}`), 'utf8');
    await writeFile(file, unit.replace('=/usr/sbin/', `=${dir}/root/usr/sbin/`));
    return { file, unit };
  }));
  const { stderr } = await run('systemd-analyze', ['verify', '--man=no', ...units.map(({ file }) => file)]);
  assert.equal(stderr, '');
  const text = units.map(({ unit }) => unit).join('');
  const value = (name) => text.match(new RegExp(`^${name}=(.*)$`, 'm'))?.[1];
  assert.equal(value('StandardInput'), 'socket');
  assert.equal(value('Accept'), 'no');
  assert.equal(value('ListenStream'), '/run/polycircle/socket');
  assert.equal(value('Environment'), 'POLYCIRCLE_DATA=/var/lib/polycircle');
  assert.equal(value('User'), 'www-data');
  const id = async (option) => Number((await run('id', [option, value('User')])).stdout);
  const stop = start('systemd-socket-activate',
    ['--inetd', '-l', socket, '-E', `POLYCIRCLE_DATA=${join(dir, 'data')}`, join(dir, 'root', value('ExecStart'))],
    rooted ? { uid: await id('-u'), gid: await id('-g') } : {});
  await until('the socket is there', () => stat(socket).then(() => true, () => false));
  return stop;
}

async function startNginx(dir, port, snippet) {
  const file = join(dir, 'run/nginx.conf');
  await writeFile(file, `${rooted ? 'user www-data;\n' : ''}daemon off;
pid ${dir}/run/nginx.pid;
error_log ${dir}/run/error.log;
events { }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/run/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    root ${dir}/public_html;
${snippet}
  }
}
`);
  const stop = start('nginx', ['-e', join(dir, 'run/error.log'), '-c', file]);
  await until('nginx listens', () => answers(port));
  return stop;
}

test('nginx and the units of systemd, by the packaged configuration', async () => {
  const { dir, circle } = await installed();
  const stops = [];
  try {
    const socket = join(dir, 'run/socket');
    stops.push(await startUnits(dir, socket));
    const port = await freePort();
    stops.push(await startNginx(dir, port, await packaged(dir, 'etc/nginx/snippets/polycircle.conf', { '/run/polycircle/socket': socket })));
    await works((options) => request(port, options), circle);
  } finally {
    for (const stop of stops.reverse()) await stop();
    await removeDirectory(dir);
  }
});

if (process.env.POLYCIRCLE_LONG === '1') {
  test('an empty Debian: built with make check, installed, set up, purged', { timeout: 1_800_000 }, async (t) => {
    const { stdout } = await run(join(root, 'tools/cleanroom'), ['--as', 'root', 'tests/hosting/debian-empty'], { timeout: 1_800_000 });
    t.diagnostic(stdout.trim().split('\n').slice(-1)[0]);
    assert.match(stdout, /^purged: nothing is left$/m);
  });
}
