#!/usr/bin/env node
// What README.md, INSTALL, README.Debian and the manual tell somebody to type is what tests/commands.txt says, and is run as it
// is printed. A command of a document is what stands in an indented block or between backquotes and begins with a program.
//   node tests/commands.mjs               the table and the documents name the same commands; the manual's examples (TAP)
//   node tests/commands.mjs PLACE [DIR]   runs the commands of that place, in one shell that begins in DIR (TAP)
//   node tests/commands.mjs --list DOCUMENT PLACE...   prints them, for tools/cleanroom
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = file => readFileSync(join(root, file), 'utf8');
const output = (...how) => execFileSync(...how, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });

/** The table: [{ document, where, command, before, says, status, why }] in its order. */
export function table() {
  const entries = [];
  let document;
  for (const line of read('tests/commands.txt').split('\n').filter(text => text && !text.startsWith('#'))) {
    const [, indent, key, value] = /^( *)(\S+) *(.*)$/.exec(line);
    if (key.startsWith('[')) document = key.slice(1, -1);
    else if (indent) entries.at(-1)[key] = value;
    else entries.push({ document, where: key, command: value });
  }
  return entries;
}

/** What may be a command: columns of indented lines (continued ones joined), and what stands between backquotes. */
function candidates(text) {
  const joined = text.replace(/ *\\\n */g, ' ');
  return [...joined.matchAll(/^ {4,}(\S.*)$/gm)].flatMap(([, line]) => line.split(/ {2,}/))
    .concat(joined.split(/\n\n+/).flatMap(part => [...part.replace(/\n */g, ' ').matchAll(/`([^`]+)`/g)].map(([, span]) => span)));
}

/** Programs that a document might name: the shell's own, those of each Debian (where this is one), those that our scripts call, and the table's. */
function programs(entries) {
  const names = new Set(['alias', 'cd', 'eval', 'exec', 'export', 'source', 'umask', ...output(join(root, 'tools/setup'), ['--programs']).split(/\s+/)]);
  for (const { command } of entries) names.add(first(command));
  try {
    const required = output('dpkg-query', ['-W', '-f', '${binary:Package} ${Priority}\n']).split('\n').filter(line => line.endsWith(' required')).map(line => line.split(' ')[0]);
    for (const [, name] of output('dpkg-query', ['-L', ...required]).matchAll(/\/s?bin\/([^/\n]+)$/gm)) names.add(name);
  } catch { /* another system: its programs are those above */ }
  return names;
}

const first = command => command.replace(/^([A-Z_]+=\S+ +)+/, '').split(' ')[0];
const isFile = path => { try { accessSync(path, constants.X_OK); return statSync(path).isFile(); } catch { return false; } };

/** The commands of a document: those to be typed, and those of polycircle that it only names (`circle add --ice`). */
function commands(document, { entries, known, polycircle }) {
  const typed = new Set(), named = new Set();
  for (const text of candidates(read(document))) {
    const word = first(text);
    if (entries.some(entry => entry.command == text)) typed.add(text);
    else if (polycircle.has(word)) named.add(text);
    else if (/^\.\.?\//.test(word) || (known.has(word) && text != word) || (word.includes('/') && isFile(join(root, word)))) typed.add(text);
  }
  return { typed: [...typed], named: [...named] };
}

/** Runs the table's commands of a place, one after the other in one shell. Gives them with { code, printed, ok }. */
export function type(where, { cwd, env = {}, ...options }) {
  const entries = table().filter(entry => entry.where == where);
  const script = entries.map(({ command, before = ':' }, i) => `${before}\necho "@@begin ${i}"\n${command}\nprintf "\\n@@end %s %s\\n" ${i} $?`);
  const printed = execFileSync('bash', ['-c', `exec 2>&1 </dev/null\nshopt -s expand_aliases\n${script.join('\n')}`],
    { cwd, env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 28, timeout: 900_000, ...options });
  return entries.map((entry, i) => {
    const [, said, code] = RegExp(`^@@begin ${i}\n(.*?)\n?^@@end ${i} (\\d+)$`, 'ms').exec(printed) ?? [null, printed, 'none'];
    return { ...entry, code, printed: said, ok: code === (entry.status ?? '0') && RegExp(entry.says ?? '', 'ms').test(said) };
  });
}

let count = 0;
function is(ok, name, why = '') {
  console.log(`${ok ? 'ok' : 'not ok'} ${++count} - ${name}`);
  if (!ok) console.log(String(why).replace(/^/gm, '# ')), process.exitCode = 1;
}

function compare(program) {
  const entries = table();
  const helps = new Map([...output(program, ['help']).matchAll(/^ {2}polycircle (\w+)/gm)].map(([, name]) => [name, output(program, [name, '--help'])]));
  const context = { entries, known: programs(entries), polycircle: new Set([...helps.keys(), 'help']) };
  for (const document of new Set(entries.map(entry => entry.document))) {
    if (document.startsWith('debian/') && !existsSync(join(root, 'debian'))) continue;  // a tarball
    const { typed, named } = commands(document, context), own = entries.filter(entry => entry.document == document);
    const unknown = typed.filter(text => !entries.some(entry => entry.command == text));
    is(!unknown.length, `${document}: ${typed.length} commands, each in tests/commands.txt`, unknown.join('\n'));
    const gone = own.filter(entry => !typed.includes(entry.command)).map(entry => entry.command);
    is(!gone.length, `${document}: has each that the table says`, gone.join('\n'));
    const wrong = named.filter(text => {
      const help = `${helps.get(first(text))} --data --json --help`, verb = /^circle (\w+)/.exec(text)?.[1] ?? '';
      return !help.includes(verb) || text.match(/--[\w-]+/g)?.some(option => !help.includes(option));
    });
    is(!wrong.length, `${document}: ${named.length} commands of polycircle that it names are there, with their options`, wrong.join('\n'));
  }
  for (const { command, document, where, test } of entries.filter(entry => entry.where == 'test' && (existsSync(join(root, 'debian')) || !entry.test.startsWith('debian/'))))
    is(existsSync(join(root, test)) && read(test).includes(command), `${document}: ${command}: ${where} ${test}`, 'it does not stand there');
  const unreasoned = entries.filter(({ where, why }) => (where == 'hand' || where == 'text') != Boolean(why));
  is(!unreasoned.length, 'what nobody runs says why not', unreasoned.map(entry => entry.command).join('\n'));
  const places = [...new Set(entries.map(entry => entry.where))].sort().join(' ');
  is(places == 'build cleanroom hand host test text', 'places are those that somebody runs', places);
}

/** The manual's examples: blocks after a comment "run", `$ ` before each command; in what it shows ... stands for anything. */
function manual(program) {
  const dir = mkdtempSync(join(tmpdir(), 'polycircle-manual-')), text = read('man/polycircle.8');
  const env = { ...process.env, PATH: `${dir}/bin:${process.env.PATH}`, POLYCIRCLE_DATA: `${dir}/polycircle-data`, TZ: 'UTC' };
  try {
    mkdirSync(join(dir, 'bin'));
    symlinkSync(program, join(dir, 'bin/polycircle'));
    mkdirSync(join(dir, 'public_html/films'), { recursive: true });
    writeFileSync(join(dir, 'public_html/films/film.mp4'), 'film\n');
    const blocks = [...text.matchAll(/^\.\\" run\n\.Bd.*\n([^]*?)^\.Ed$/gm)].map(([, block]) => block).join('');
    const examples = blocks.split(/^\$ /m).filter(Boolean);
    is(examples.length && examples.length == text.match(/^\$ /gm).length, `man/polycircle.8: all of its ${examples.length} examples are run`);
    for (const example of examples) {
      const [command, ...shown] = example.trimEnd().split('\n');
      const pattern = shown.join('\n').split('...').map(part => part.replace(/[[\]\\^$.|?*+(){}]/g, '\\$&')).join('.*');
      const said = execFileSync('sh', ['-c', `exec 2>&1 </dev/null; ${command}\nprintf '\\nstatus %s' $?`], { cwd: dir, env, encoding: 'utf8' });
      is(RegExp(`^${pattern}\\n?\\nstatus 0$`, 's').test(said), `man/polycircle.8: ${command}`, said);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

if (import.meta.url == pathToFileURL(process.argv[1]).href) {
  const [place, ...rest] = process.argv.slice(2);
  if (place == '--list') {
    for (const { where, document, command, before } of table()) if (document == rest[0] && rest.includes(where, 1)) console.log(before ? `${before}; ${command}` : command);
  } else {
    if (place) for (const { command, ok, code, printed } of type(place, { cwd: rest[0] })) is(ok, command, `status ${code}, printed:\n${printed}`);
    else {
      const program = resolve(process.env.POLYCIRCLE_PROGRAM ?? 'src/polycircle');
      compare(program);
      manual(program);
    }
    console.log(`1..${count}`);
  }
}
