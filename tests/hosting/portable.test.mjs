// The released program on hosts that are not like this one: nothing but the kernel, an old one, system calls missing, the other
// processor. And the release itself: the same bytes again, modes, signatures.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeClone, makeRelease, root, run } from './release.mjs';

const arches = ['x86_64', 'aarch64'];
let release, dir;
before(async () => {
  release = await makeRelease();
  dir = await mkdtemp(join(tmpdir(), 'polycircle-portable-'));
});
after(async () => {
  if (dir) await rm(dir, { recursive: true, force: true });
  await release?.remove();
});

/** A whole life of an instance: each command by `launch(args)`, which gives the words of a command line; then one CGI request. */
async function live(place, paths, launch, env = {}) {
  await mkdir(join(place, 'films'), { recursive: true });
  await writeFile(join(place, 'films/film.mp4'), Buffer.alloc(600_000, 'film'));
  const options = { env: { PATH: process.env.PATH, POLYCIRCLE_DATA: paths.data, ...env }, encoding: 'utf8', timeout: 120_000 };
  const said = [];
  for (const args of [['version', '--json'], ['init', '--url', 'http://site.example/', '--root', paths.root], ['circle', 'add', 'demo'],
    ['publish', 'demo', paths.films], ['check', '--json']]) {
    const [command, ...words] = launch(args);
    const done = spawnSync(command, words, options);
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.error ?? ''} ${done.signal ?? ''} ${done.stdout}${done.stderr}`);
    said.push(done.stdout);
  }
  assert.equal(JSON.parse(said[0]).version, release.version);
  assert.match(said[3], /1 files/);
  assert.equal(JSON.parse(said[4]).ok, true);
  const [command, ...words] = launch([]);
  const request = { REQUEST_METHOD: 'GET', PATH_INFO: '/health', HTTP_HOST: 'site.example', SCRIPT_NAME: '/x.fcgi', QUERY_STRING: '' };
  const answer = execFileSync(command, words, { ...options, env: { ...options.env, ...request } });
  assert.equal(JSON.parse(answer.split('\r\n\r\n')[1]).ok, true, answer);
}

const paths = (place) => ({ data: join(place, 'data'), root: place, films: join(place, 'films') });

for (const arch of arches) {
  test(`${arch}: needs no loader and no library`, async () => {
    const { stdout } = await run('readelf', ['-W', '-l', '-d', '-h', release.program(arch)]);
    assert.match(stdout, arch === 'aarch64' ? /Machine: +AArch64/ : /Machine: +Advanced Micro Devices X86-64/);
    assert.match(stdout, /LOAD/);
    assert.doesNotMatch(stdout, /INTERP|NEEDED/);
    assert.doesNotMatch((await run('readelf', ['-W', '-S', release.program(arch)])).stdout, /\.symtab|\.debug/, 'stripped');
  });

  test(`${arch}: the zip holds what an owner uploads, the program ready to run`, async () => {
    const { stdout } = await run('zipinfo', [release.zip(arch)]);
    const modes = Object.fromEntries([...stdout.matchAll(/^(\S{10}) .* (\S+)$/gm)].map(([, mode, name]) => [name, mode]));
    const plain = ['COPYING.txt', 'INSTALL.txt', 'NOTICES.txt', 'cgi-bin/htaccess.1.txt', 'cgi-bin/htaccess.2.txt', 'cgi-bin/htaccess.options.txt', 'guide.txt', 'htaccess.3.txt', 'htaccess.own.txt', 'polycircle-check.bin', 'polycircle-check.html', 'polycircle-sw.js'];
    assert.deepEqual(modes, { ...Object.fromEntries(plain.map(name => [name, '-rw-r--r--'])), 'cgi-bin/polycircle.fcgi': '-rwxr-xr-x' });
    const place = await mkdtemp(join(dir, 'zip-'));
    await run('unzip', ['-q', release.zip(arch), '-d', place]);
    assert.deepEqual(await readFile(join(place, 'cgi-bin/polycircle.fcgi')), await readFile(release.program(arch)));
    const text = name => readFile(join(place, name), 'utf8'), source = name => readFile(join(root, name), 'utf8');
    assert.equal(await text('COPYING.txt'), await source('COPYING'));
    assert.equal(await text('guide.txt'), await source('INSTALL'));
    const notices = await text('NOTICES.txt');
    for (const linked of ['glibc', 'jansson', 'libdeflate', 'libfcgi', 'libsodium', 'sqlite3', 'zlib']) assert.match(notices, RegExp(`^==== ${linked}=\\S+ \\(.*\\n\\n(.+\\n)+`, 'm'));
    assert.match(notices, /GNU LESSER GENERAL PUBLIC LICENSE\n.*Version 2\.1/, 'the C library\'s');
    const screen = (await text('INSTALL.txt')).split('\n');
    assert.ok(screen.length <= 26 && screen.every(line => line.length <= 80), 'one screen');
    assert.ok(screen[0].startsWith(`Polycircle ${release.version}: `));
    for (const named of screen.join(' ').replaceAll('https://site.example/', '').match(/\b[\w/-]+\.(txt|html|bin|fcgi)\b/g)) await stat(join(place, named));
    const sample = await readFile(join(place, 'polycircle-check.bin'));
    assert.equal(new Set(sample).size, 256, 'the sample has every byte value');
    assert.ok(sample.includes('\r\n') && /[^\r]\n/.test(sample.toString('latin1')), 'and both line ends');
  });
}

test('an empty system: the program and /dev/urandom', async () => {
  const place = join(dir, 'empty'), user = process.getuid() === 0 ? [] : ['--map-root-user'];
  await mkdir(join(place, 'dev'), { recursive: true });
  await writeFile(join(place, 'dev/urandom'), '');
  await copyFile(release.program(), join(place, 'polycircle.fcgi'));
  await run('chmod', ['755', join(place, 'polycircle.fcgi')]);
  const enter = 'mount --bind /dev/urandom "$0/dev/urandom" && exec chroot "$0" /polycircle.fcgi "$@"';
  await live(place, { data: '/data', root: '/', films: '/films' }, args => ['unshare', ...user, '--mount', 'sh', '-c', enter, place, ...args]);
});

test('a kernel without getrandom, statx, copy_file_range, fallocate', async () => {
  const place = join(dir, 'old-calls'), log = join(dir, 'calls'), calls = ['getrandom', 'statx', 'copy_file_range', 'fallocate'];
  await mkdir(place);
  await live(place, paths(place), args => ['strace', '-f', '-A', '-o', log, ...calls.flatMap(call => ['-e', `inject=${call}:error=ENOSYS`]), release.program(), ...args]);
  assert.match(await readFile(log, 'utf8'), /getrandom\(.*ENOSYS.*INJECTED/, 'it was refused what it asked for');
});

test('a kernel that says it is 2.6.32', async () => {
  const place = join(dir, 'old-kernel');
  await mkdir(place);
  await live(place, paths(place), args => ['qemu-x86_64-static', '-r', '2.6.32', release.program(), ...args]);
});

test('aarch64', async () => {
  const place = join(dir, 'aarch64');
  await mkdir(place);
  await live(place, paths(place), args => ['qemu-aarch64-static', release.program('aarch64'), ...args]);
});

test('aarch64: refuses the other processor\'s program as an upgrade', async () => {
  const place = join(dir, 'upgrade/cgi-bin'), file = join(place, 'polycircle.fcgi');
  await mkdir(place, { recursive: true });
  await copyFile(release.program('aarch64'), file);
  await copyFile(release.program('x86_64'), join(place, 'polycircle.new'));
  const refused = spawnSync('qemu-aarch64-static', [file, 'upgrade', '--check'], { encoding: 'utf8' });
  assert.match(refused.stderr, /another processor/);
});

test('signatures: whole files are signed, one changed byte is noticed', async () => {
  const at = name => join(release.dir, name);
  const verify = sums => run('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', at('release.pub'), '-rawin', '-in', sums, '-sigfile', at('SHA256SUMS.sig')]);
  await verify(at('SHA256SUMS'));
  await run('sha256sum', ['-c', '--strict', 'SHA256SUMS'], { cwd: release.dir });
  const changed = await readFile(at('SHA256SUMS'));
  changed[0] ^= 1;
  await writeFile(join(dir, 'changed'), changed);
  await assert.rejects(verify(join(dir, 'changed')));
  const { mode } = await stat(release.key);
  assert.equal(mode & 0o777, 0o600, 'the key is its owner\'s');
});

test('made again in the tree itself, by another umask and time zone: the same bytes', async () => {
  const place = join(dir, 'a-directory'), again = join(place, 'release');
  await makeClone(place);
  const seen = async () => (await run('git', ['status', '--porcelain'], { cwd: place })).stdout, clean = await seen();
  const env = { ...release.env, TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' };
  await run('sh', ['-ec', 'umask 077; ./autogen.sh; ./configure; make -j2; make release'], { cwd: place, env, maxBuffer: 1 << 24 });
  assert.equal(await seen(), clean, 'and git sees nothing of it');
  for (const name of ['SHA256SUMS', 'SHA256SUMS.sig', ...arches.map(arch => release.zip(arch).split('/').pop())])
    assert.deepEqual(await readFile(join(again, name)), await readFile(join(release.dir, name)), name);
});

// the long form: a real older userland, Debian 11, from a mirror
if (process.env.POLYCIRCLE_LONG) {
  test('Debian 11', async () => {
    const place = join(dir, 'bullseye');
    await run('debootstrap', ['--variant=minbase', 'bullseye', place, process.env.POLYCIRCLE_MIRROR ?? 'http://deb.debian.org/debian'], { maxBuffer: 1 << 26, timeout: 900_000 });
    await copyFile(release.program(), join(place, 'root/polycircle.fcgi'));
    await live(join(place, 'root'), paths('/root'), args => ['chroot', place, '/root/polycircle.fcgi', ...args]);
  });
}
