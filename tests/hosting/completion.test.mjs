// What `completion` prints makes zsh and fish complete: both are started, and asked as a person's Tab key asks them. (bash: tests/cgi/cli.mjs)
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const dir = mkdtempSync(join(tmpdir(), 'polycircle-completion-'));
const run = (file, ...args) => execFileSync(file, args, { cwd: dir, encoding: 'utf8', timeout: 60_000, env: { PATH: `${dir}/bin:${process.env.PATH}`, HOME: dir, TERM: 'dumb', LANG: 'C.UTF-8' } });

/** What is typed, and what fits there. @type {[string, string[]][]} */
const cases = [
  ['polycircle publ', ['publish']],
  ['polycircle -', ['--data', '--help', '--json', '--version']],
  ['polycircle circle rek', ['rekey']],
  ['polycircle circle add x --ros', ['--roster']],
  ['polycircle circle add x --roster m', ['members']],
  ['polycircle publish films fil', ['films/']],
  ['polycircle set spool_c', ['spool_cors']],
  ['polycircle help compl', ['completion']],
];

before(() => {
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'films'));
  symlinkSync(process.env.POLYCIRCLE_PROGRAM, join(dir, 'bin/polycircle'));
});
after(() => rmSync(dir, { recursive: true, force: true }));

test('fish', () => {
  for (const [typed, fits] of cases) {
    const lines = run('fish', '--no-config', '-c', 'polycircle completion fish | source; complete -C $argv[1]', typed);
    assert.deepEqual(lines.split('\n').filter(Boolean).map(line => line.split('\t')[0]).filter(word => typed.endsWith('-') ? /^--/.test(word) : true).sort(), fits, typed);
  }
});

test('zsh', () => {
  // what is printed is quoted where it is typed, so that its echo is not taken for it
  writeFileSync(join(dir, 'ask'), `
    zmodload zsh/zpty
    zpty asked zsh -f -i
    zpty -w asked 'PROMPT=; autoload -Uz compinit; compinit -u -D; source <(polycircle completion zsh); bindkey "^I" complete-word; setopt no_beep; print REA""DY'
    zpty -r asked line '*READY*'
    for typed; do
      zpty -n -w asked "$typed"$'\\t\\x01'"print -r -- 'FI''TS<"$'\\x05'">'"$'\\n'
      zpty -r asked line '*FITS<*>*'
      print -r -- $line
    done`);
  const asked = cases.filter(([typed]) => !typed.endsWith('-'));
  const got = [...run('zsh', '-f', 'ask', ...asked.map(([typed]) => typed)).matchAll(/FITS<(.*)>/g)].map(([, line]) => line.trim());
  assert.deepEqual(got, asked.map(([typed, [fits]]) => typed.replace(/\S*$/, '') + fits.replace(/\/$/, '')));
});
