#!/usr/bin/env node
// Every program that a script or a test calls is in the table of tools/setup with its Debian package, or is in each
// Debian (priority required, and apt): else tools/check works only where somebody has installed it for something else.
// Scripts are read by shfmt, modules by TypeScript; a program whose name is computed is not seen. What runs in another
// system (debian/, tests/hosting/debian-*) says there what it needs.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';

const root = new URL('..', import.meta.url).pathname;
const output = (program, args, input) => execFileSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, input });
const lines = (...how) => output(...how).split('\n').filter(Boolean);

/** What comes before a program, with how many words of its own; options, assignments and numbers are passed over. */
const WRAPPERS = { as_root: 0, as_server: 0, command: 0, env: 0, exec: 0, nice: 0, run: 0, setpriv: 0, setsid: 0, step: 1, sudo: 0, timeout: 0, xargs: 0 };
const passedOver = word => /^(-.*|\d+|[A-Z_]+=.*|\{\})$/.test(word);
const isName = word => /^[a-z][\w.+-]*$/.test(word);
const found = new Map();  // program: the first place that calls it

/** @param {(string|null)[]} words @param {string} place @param {Set<string>} own functions of the script */
function note(words, place, own = new Set()) {
  while (words.length) {
    const word = words[0]?.replace(/^(\/usr)?\/s?bin\//, '');
    if (!word || !isName(word)) return;
    if (!found.has(word) && !own.has(word)) found.set(word, place);
    if (!(word in WRAPPERS)) return;
    const next = words.findIndex((w, i) => i > WRAPPERS[word] && (w === null || !passedOver(w)));
    if (next < 0) return;
    words = words.slice(next);
  }
}

/** A word of a script as text; null where it is computed. */
const literal = ({ Parts }) => Parts.every(part => part.Type == 'Lit' || part.Type == 'SglQuoted') ? Parts.map(part => part.Value).join('') : null;

/** @param {string} file where it stands @param {number} above lines before it */
function readScript(text, file, above = 0) {
  const own = new Set(), calls = [];
  const walk = node => {
    if (node?.Type == 'FuncDecl') own.add(node.Name.Value);
    if (node?.Type == 'CallExpr' && node.Args?.length) calls.push([node.Args.map(literal), node.Pos.Line]);
    if (node && typeof node == 'object') Object.values(node).forEach(walk);
  };
  walk(JSON.parse(output('shfmt', ['--to-json'], text)));
  for (const [words, line] of calls) note(words, `${file}:${above + line}`, own);
}

function readModule(file) {
  const source = ts.createSourceFile(file, readFileSync(root + file, 'utf8'), ts.ScriptTarget.Latest, true);
  const text = node => node && ts.isStringLiteralLike(node) ? node.text : null;
  const above = node => source.getLineAndCharacterOfPosition(node.getStart()).line;
  const walk = node => {
    // a script inside: sh(`...`), what is computed in it being some word
    if (ts.isCallExpression(node) && node.expression.getText() == 'sh' && node.arguments[0])
      readScript(node.arguments[0].getText().slice(1, -1).replace(/\$\{[^}]*\}/g, '"$computed"'), file, above(node));
    if (ts.isCallExpression(node) && /^(output|run|exec|execFile|execFileSync|spawn|spawnSync)$|promisify\(execFile\)$/.test(node.expression.getText())) {
      const [program, args] = node.arguments, list = args && ts.isArrayLiteralExpression(args) ? args.elements.map(text) : [];
      note([text(program), ...list], `${file}:${above(node) + 1}`);
    }
    ts.forEachChild(node, walk);
  };
  walk(source);
}

for (const file of lines('git', ['-c', `safe.directory=${root.replace(/\/$/, '')}`, 'ls-files']).filter(file => !/^debian\/|^tests\/hosting\/debian-[a-z]+$/.test(file))) {
  if (/^#!\/bin\/(ba)?sh/.test(readFileSync(root + file).subarray(0, 12).toString())) readScript(readFileSync(root + file, 'utf8'), file);
  else if (/^(tests|tools|bench)\/.*\.mjs$/.test(file)) readModule(file);
}

const binaries = packages => new Set(packages.length ? lines('dpkg-query', ['-L', ...packages]).filter(path => /\/s?bin\/[^/]+$/.test(path)).map(path => basename(path)) : []);
const installed = new Map(lines('dpkg-query', ['-W', '-f', '${binary:Package} ${Priority} ${db:Status-Status}\n']).map(line => line.split(' ')).filter(([, , status]) => status == 'installed').map(([name, priority]) => [name, priority]));
const everywhere = binaries([...installed].filter(([name, priority]) => priority == 'required' || name == 'apt').map(([name]) => name)).add('awk').add('cc')  // by alternatives
  .add('sudo');  // where one is not root: tools/setup says so
const shell = new Set(lines('bash', ['-c', 'compgen -b -k']));
const table = lines('tools/setup', ['--programs']).map(line => line.split(' '));
const wanted = new Set([...lines('tools/setup', ['--list', ...lines('tools/setup', ['--purposes'])]).map(name => name.replace(/:.*/, '')), 'nodejs', 'npm']);
const known = new Set(table.flatMap(([, ...programs]) => programs));

const bad = [];
for (const [program, place] of found)
  if (!known.has(program) && !everywhere.has(program) && !shell.has(program))
    bad.push(`${place}: ${program} is not in each Debian, and not in the table of tools/setup`);
for (const [name, ...programs] of table) {
  if (!wanted.has(name)) bad.push(`tools/setup: no purpose installs ${name}`);
  for (const program of programs) {
    if (!found.has(program)) bad.push(`tools/setup: nothing calls ${program}`);
    if (installed.has(name) && !binaries([name]).has(program)) bad.push(`tools/setup: ${name} has no ${program}`);
  }
}
for (const line of bad) console.error(line);
console.log(`${found.size} programs called, ${known.size} of them in the table`);
process.exitCode = bad.length ? 1 : 0;
