// tools/build: what it copies, and that nothing old stays in what it has made. A checkout of a few lines, built in seconds.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
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
