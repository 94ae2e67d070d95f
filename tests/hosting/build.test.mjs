// tools/build: what it copies, and that nothing old stays in what it has made; tools/check: that nothing stays when it is interrupted. A checkout
// of a few lines, built in seconds.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './release.mjs';

const dir = mkdtempSync(join(tmpdir(), 'polycircle-build-')), at = name => join(dir, name);
after(() => rmSync(dir, { recursive: true }));
const put = (name, text = '') => { mkdirSync(dirname(at(name)), { recursive: true }); writeFileSync(at(name), text); };
const configure = version => put('configure.ac', `AC_INIT([polycircle], [${version}])\nAM_INIT_AUTOMAKE([foreign subdir-objects])\nAC_PROG_CC\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n`);
const build = (where, ...args) => execFileSync(at('tools/build'), [where, ...args], { cwd: dir, encoding: 'utf8', stdio: 'pipe' });
const said = where => execFileSync(at(`${where}/build/src/polycircle`), { encoding: 'utf8' });

configure('1.0');
put('Makefile.am', 'bin_PROGRAMS = src/polycircle\nAM_CPPFLAGS = -DVERSION_OF=\'"$(PACKAGE_VERSION)"\'\n');
put('src/polycircle.c', '#include <stdio.h>\n#ifdef OTHER\n#define WORD " other"\n#else\n#define WORD ""\n#endif\nint main(void) { puts(VERSION_OF WORD); }\n');
mkdirSync(at('tools'));
for (const name of ['tools/build', '.gitignore']) copyFileSync(join(root, name), at(name));

test('of a tree that was built in itself and has other builds in it: the sources and nothing else', () => {
  const sources = ['.gitignore', 'Makefile.am', 'configure.ac', 'src/polycircle.c', 'tests/fuzz/corpus/x', 'tests/fuzz/json.c', 'tests/unit/err.c', 'tools/build'];
  for (const name of sources.filter(file => !existsSync(at(file)))) put(name);
  for (const made of ['configure', 'config.status', 'Makefile', 'Makefile.in', 'build/config.h', 'other/config.status', 'other/a.c', 'release/SHA256SUMS', 'DIR/.gitignore', 'DIR/SHA256SUMS', 'DIR/x86_64/src/a.c', 'src/polycircle', 'src/polycircle.o',
    'src/.deps/a.Po', 'tests/unit/err', 'tests/unit/err.log', 'tests/unit/.deps/a', 'tests/fuzz/json', 'assets/a.js', 'assets.c', 'node_modules/a/b.js', '.git/config', 'polycircle-1.0.tar.xz']) put(made);
  build('mine/here');
  assert.equal(said('mine/here'), '1.0\n');
  assert.deepEqual(readFileSync(at('mine/here/sources'), 'utf8').split('\0').filter(Boolean), sources);
});

test('another version or other flags: nothing is left of the ones before', () => {
  configure('1.1');
  build('mine/here');
  assert.equal(said('mine/here'), '1.1\n');
  build('mine/here', 'CPPFLAGS=-DOTHER');
  assert.equal(said('mine/here'), '1.1 other\n');
});

test('the checkout itself is no place: its sources stay', () => {
  assert.throws(() => build('.'), /another one/);
  assert.match(readFileSync(at('.gitignore'), 'utf8'), /config\.status/);
  assert.ok(readdirSync(at('src')).includes('polycircle.c'));
});

test('tools/check interrupted: what its tests started ends, what they made is removed, and it says so', async () => {
  put('Makefile.am', `${readFileSync(at('Makefile.am'), 'utf8')}tests/nat/line:\n`);
  copyFileSync(join(root, 'tools/check'), at('tools/check'));
  put('tools/setup', '#!/bin/sh\n');
  chmodSync(at('tools/setup'), 0o755);
  put('tests/js/slow.test.mjs', `import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
mkdtempSync(tmpdir() + '/polycircle-');
const { pid } = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
writeFileSync(process.env.BEGUN, String(pid));
`);
  for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    const begun = at(`begun-${signal}`), scratch = at(`scratch-${signal}`);
    mkdirSync(scratch);
    const check = spawn(at('tools/check'), ['js'], { env: { ...process.env, TMPDIR: scratch, BEGUN: begun }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [check.stdout, check.stderr]) stream.on('data', (data) => { said += data; });
    const ended = new Promise((resolve) => { check.once('close', resolve); });
    for (let tries = 0; tries < 600 && check.exitCode === null && !existsSync(begun); tries++) await sleep(100);
    check.kill(signal);
    assert.equal(await ended, status, said);
    assert.match(said, new RegExp(`interrupted after \\d+ s, by ${signal.slice(3)}: no result\\n$`));
    assert.doesNotMatch(said, /failed|passed/);
    const left = () => existsSync(`/proc/${readFileSync(begun, 'utf8')}`);
    for (let tries = 0; tries < 50 && left(); tries++) await sleep(100); // who is nobody's child is taken in by process 1, in its own time
    assert.equal(left(), false);
    assert.deepEqual(readdirSync(scratch), []);
  }
});
