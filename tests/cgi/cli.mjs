// The command line: what each command says to people and to scripts, and its exit status.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync, statSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { World, done, matches, ok, program, same } from './world.mjs';

const w = new World();
const commands = ['init', 'circle', 'publish', 'check', 'selftest', 'doctor', 'backup', 'restore', 'uninstall', 'set', 'upgrade', 'owner', 'version', 'completion', 'help'];

// help
let r = w.cli();
same([r.status, r.out], [2, ''], 'no command: exit 2');
for (const name of commands) matches(r.err, new RegExp(`polycircle ${name}`), `it lists ${name}`);
for (const args of [['--help'], ['-h'], ['help']]) {
  r = w.cli(...args);
  same([r.status, r.err], [0, ''], `${args}: exit 0`);
  for (const name of commands) matches(r.out, new RegExp(`^  polycircle ${name}`, 'm'), `${args}: it lists ${name}`);
}
for (const name of commands) {
  r = w.cli(name, '--help');
  same([r.status, r.err], [0, ''], `${name} --help`);
  matches(r.out, new RegExp(`^usage: polycircle ${name}`), `${name} --help: usage`);
  same([w.cli(name, '-h').out, w.cli('-h', name).out, w.cli('help', name).out], [r.out, r.out, r.out], `${name}: -h before and behind it, help ${name}`);
}
ok(!existsSync(w.data), 'asking for help makes nothing');
r = w.cli('version');
matches(r.out, /^polycircle \d+\.\d+\.\d+\n$/, 'version');
for (const args of [['--version'], ['-V'], ['publish', '-V']]) same([w.cli(...args).status, w.cli(...args).out], [0, r.out], args.join(' '));
matches(w.cli('version', '--json').json.client, /^[0-9a-f]{64}$/, 'version --json');
ok(w.cli('version', '--json').json.database >= 1, 'version --json: the form of polycircle.db');

// called wrongly: exit 2, and what to do
const wrong = [
  [['version', '--nosuch'], /--nosuch/], [['init'], /init --url URL/], [['init', '--url'], /wants a value/], [['init', '--url', 'site.example'], /https:\/\//],
  [['init', '--url', 'ftp://site.example/'], /is reached/], [['init', '--url', 'https://site.example/?x'], /is reached/], [['init', '--url', 'https://site.example/">'], /is reached/],
  [['init', '--url', 'https://u:p@site.example/'], /is reached/], [['init', '--url', 'http://site.example/', '--journal', 'fast'], /wal or truncate/],
  [['init', '--url', 'http://site.example/', '--root', '/nonexistent'], /not a directory/], [['init', 'word', '--url', 'http://site.example/'], /init --url/],
  [['version', ...Array(9).fill('w')], /Too many words/], [['version', '--json=1'], /--json takes no value/], [['version', '--url', 'x'], /no option --url of version/],
  [['init', ...Array(65).fill('--url=http://a.example/')], /Too many options/], [['init', '--journal=wal', '--url'], /--url wants a value/],
  [['--data'], /--data wants a value/], [['--at', '/x/', 'publish'], /no option --at before the command's name: .* behind it/],
  [['help', 'nosuch'], /no command nosuch/], [['completion', 'sh'], /bash\|zsh\|fish/], [['circle', 'add'], /usage: polycircle circle/],
  [['check', '--', '--json'], /usage: polycircle check/],
];
for (const [args, text] of wrong) {
  r = w.cli(...args);
  same([r.status, r.out], [2, ''], `${args.join(' ')}: exit 2`);
  matches(r.err, text, `${args.join(' ')}: in words`);
}
// what was probably meant
const meant = [
  [['pubish'], 'There is no command pubish: did you mean publish?'], [['PUBLISH'], 'There is no command PUBLISH: `polycircle help` lists all.'],
  [['vesrion'], 'There is no command vesrion: did you mean version?'], [['x'], 'There is no command x: `polycircle help` lists all.'],
  [['chek', '--nosuch'], 'There is no command chek: did you mean check?'], [['help', 'complet'], 'There is no command complet: did you mean completion?'],
  [['init', '--jornal', 'wal'], 'There is no option --jornal of init: did you mean --journal?'],
  [['init', '--rot=/x'], 'There is no option --rot of init: did you mean --root?'], [['--jsno', 'version'], "There is no option --jsno before the command's name: did you mean --json?"],
  [['uninstall', '--foo'], 'There is no option --foo of uninstall: `polycircle help uninstall` lists them.'],
  [['version', '-x'], 'There is no option -x of version: `polycircle help version` lists them.'],
];
for (const [args, text] of meant) same([w.cli(...args).status, w.cli(...args).err], [2, `polycircle: ${text}\n`], args.join(' '));
matches(w.cli('circle', 'lits').err, /^polycircle: There is no circle lits\. Did you mean circle list\? usage: polycircle circle /, 'circle lits');
same(w.cli('pubish', '--json').json, { error: 'usage', text: meant[0][1] }, 'also for scripts, wherever --json stands');
ok(!existsSync(join(w.data, 'polycircle.db')), 'none of them made an instance');

// options stand where they like, as getopt_long takes them
const elsewhere = join(w.dir, 'order');
w.must('--data', elsewhere, 'init', '--url', 'http://site.example/', '--json');
for (const args of [['--json', '--data', elsewhere, 'circle', 'list'], [`--data=${elsewhere}`, 'circle', '--json', 'list'], ['circle', 'list', '--data', elsewhere, '--js'],
  ['circle', `--dat=${elsewhere}`, '--json', '--', 'list'], ['--data', w.dir, '--json', 'circle', 'list', '--data', elsewhere]])
  same([w.cli(...args).status, w.cli(...args).json], [0, []], args.join(' ').replaceAll(w.dir, 'DIR'));
same(w.cli('circle', 'list', '--json', '--data', elsewhere, { env: { POSIXLY_CORRECT: '1' } }).json, [], 'also where POSIXLY_CORRECT is set');

// the manual has each command, verb and option, and no other
const manual = readFileSync(join(process.env.SRCDIR ?? '.', 'man/polycircle.8'), 'utf8');
const tables = w.cli('help', '--json').json;
const names = (options) => options.split(' ').filter(Boolean).map((o) => o.split('=')[0]);
const table = (cut) => tables.commands.flatMap(({ name, verbs, options }) => cut(name, names(verbs), names(options)));
const [, synopsis, description] = manual.match(/^\.Sh SYNOPSIS\n([^]*)\n\.Sh DESCRIPTION\n([^]*?)\n\.Sh ENVIRONMENT\n/m);
const flags = (text) => [...text.matchAll(/Fl Fl ([a-z0-9-]+)/g)].map(([, name]) => `--${name}`);
const sorted = (list) => [...new Set(list)].sort();
const entries = [];  // each item of the list of commands, with the options that are items of a list below it
for (const line of description.slice(description.indexOf('.Ss Commands\n')).split('\n')) {
  const [, words] = line.match(/^\.It Cm ((?:[a-z]+ ?)+)/) ?? [], [, option] = line.match(/^\.It Fl Fl ([a-z0-9-]+)/) ?? [];
  if (option) entries.at(-1).options.push(`--${option}`);
  else if (words && tables.commands.some(({ name }) => name === words.split(' ')[0])) entries.push({ words: words.trim().split(' '), options: [] });
}
same(sorted(entries.map(({ words }) => words[0])), sorted(table((name) => name)), 'the manual describes each command');
same(sorted(entries.filter(({ words }) => words[1]).map(({ words }) => words.slice(0, 2).join(' '))), sorted(table((name, verbs) => verbs.map((v) => `${name} ${v}`))),
  'each verb');
same(sorted(entries.flatMap(({ words, options }) => options.map((o) => `${words[0]} ${o}`))), sorted(table((name, _, options) => options.map((o) => `${name} ${o}`))),
  'each option, below its command');
same(sorted(flags(description.slice(0, description.indexOf('.Ss Commands\n')).split('\n').filter((l) => l.startsWith('.It')).join('\n'))), sorted(names(tables.options)),
  'and those of every command');
const forms = synopsis.split('\n.Nm\n').map((form) => form.replace(/^\.Nm\n/, '').match(/^\.Cm ([a-z]+)([^]*)/)).map(([, name, rest]) => [name, flags(rest)]);
same(sorted(forms.map(([name]) => name)), sorted(table((name) => name)), 'its synopsis has each command');
same(sorted(forms.flatMap(([name, options]) => options.map((o) => `${name} ${o}`))), sorted(table((name, _, options) => options.map((o) => `${name} ${o}`))), 'and each option');
for (const { name, options } of tables.commands) {
  const text = w.cli('help', name).out;
  for (const option of names(options)) matches(text, new RegExp(`^  ${option}\\b`, 'm'), `help ${name}: ${option}`);
}

// a shell completes what is in the tables; bash is asked as it asks itself
const completed = (...words) => spawnSync('bash', ['-c', `source <("$0" completion bash); COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _polycircle; printf '%s\\n' "\${COMPREPLY[@]}"`,
  program, 'polycircle', ...words], { encoding: 'utf8', cwd: w.dir }).stdout.split('\n').filter(Boolean);
same(sorted(completed('')), sorted(table((name) => name)), 'completion bash: the commands');
for (const { name, verbs, options } of tables.commands) {
  same(sorted(completed(name, '--')), sorted([...names(tables.options), ...names(options)]), `completion bash: the options of ${name}`);
  if (verbs) same(sorted(completed(name, '')), sorted(names(verbs)), `completion bash: the verbs of ${name}`);
}
same([completed('--data', '/x', 'pub'), completed('publish', 'demo', 'ord'), completed('init', '--journal', '=', 'w'), completed('circle', 'add', '--roster', '')],
  [['publish'], ['order'], ['wal'], ['public', 'members', 'hidden']], 'completion bash: behind a value, files, values');
for (const shell of ['bash', 'zsh', 'fish']) for (const name of commands) matches(w.cli('completion', shell).out, new RegExp(`\\b${name}\\b`), `completion ${shell}: ${name}`);
for (const args of [['circle', 'list'], ['circle', 'add', 'x'], ['publish', 'x', '.'], ['check'], ['doctor'], ['backup'], ['uninstall', '--yes']]) {
  r = w.cli(...args);
  same(r.status, 1, `${args.join(' ')} before init: exit 1`);
  matches(r.err, /run `polycircle init --url URL`/, `${args.join(' ')} before init: says so`);
  same(w.cli(...args, '--json').json?.error, 'not_set_up', `${args.join(' ')} --json: for scripts`);
}

// init
r = w.cli('init', '--url', 'https://Site.Example:443/cgi-bin/polycircle.fcgi', '--url=http://localhost:8080/', '--root', w.dir, '--json');
same([r.status, r.json.urls], [0, ['https://site.example/cgi-bin/polycircle.fcgi/', 'http://localhost:8080/']], 'init: the first address first');
same(r.json.data, w.data, 'init: where');
matches(r.json.journal, /^(wal|truncate)$/, 'init: journal');
same(statSync(w.data).mode & 0o777, 0o700, 'init: mode of the directory');
for (const name of readdirSync(w.data)) same(statSync(join(w.data, name)).mode & 0o777, 0o600, `init: mode of ${name}`);
same(w.cli('init', '--json').status, 0, 'init again: shows what is there');
same(w.cli('init', '--url', 'http://localhost:8080', '--root', w.dir, '--json').status, 0, 'init once more: no change');
matches(w.cli('init', '--url', 'http://third.example').err, /url add/, 'init adds nothing to an instance');
matches(w.cli('init', '--root', '/tmp').err, /set root/, 'nor changes it');
same(w.must('url', 'add', 'http://third.example', '--json'), ['https://site.example/cgi-bin/polycircle.fcgi/', 'http://localhost:8080/', 'http://third.example/'], 'url add');
same(w.must('url', 'first', 'http://localhost:8080', '--json')[0], 'http://localhost:8080/', 'url first');
matches(w.cli('url', 'list').out, /^http:\/\/localhost:8080\/ {2}\(in the tags\)\nhttps:/, 'url: in words');
for (const [args, status, text] of [[['add', 'third.example'], 2, /is reached/], [['remove', 'http://fourth.example'], 2, /none of/], [['first', 'http://fourth.example'], 2, /none of/],
  [['add'], 2, /usage/], [['frobnicate', 'http://x.example'], 2, /usage/]]) {
  r = w.cli('url', ...args);
  same(r.status, status, `url ${args.join(' ')}: exit ${status}`);
  matches(r.err, text, `url ${args.join(' ')}: in words`);
}
matches(w.cli('init').out, /Lives at https:\/\/site\.example\/cgi-bin\/polycircle\.fcgi\/\n/, 'init: in words');
for (const [args, said] of [[[], program], [['--data', w.data], `${program} --data ${w.data}`]])
  same(w.cli('init', ...args).out.split('\n').at(-2), `Next: ${said} circle add NAME --origin https://your.site`, `init ${args}: what comes next, as this program was called`);
r = w.cli('init', '--url', 'http://site.example/', '--json', { env: { POLYCIRCLE_DATA: '', XDG_DATA_HOME: '' } });
same([r.status, r.json?.data], [0, join(w.dir, '.local/share/polycircle')], 'no directory named: ~/.local/share/polycircle');
r = w.cli('init', '--url', 'http://site.example/', '--json', { env: { POLYCIRCLE_DATA: '', XDG_DATA_HOME: join(w.dir, 'xdg') } });
same([r.status, r.json?.data], [0, join(w.dir, 'xdg/polycircle')], 'XDG_DATA_HOME');
r = w.cli('init', '--url', 'http://site.example/', '--journal', 'truncate', '--data', join(w.dir, 'other'), '--json');
same([r.json.data, r.json.journal], [join(w.dir, 'other'), 'truncate'], '--data goes before POLYCIRCLE_DATA; --journal truncate');
same(w.cli('init', '--url', 'http://x.example/', '--journal', 'wal', '--data', join(w.dir, 'wal'), '--json').json.journal, 'wal', '--journal wal');
same(w.cli('init', '--url', 'http://x.example/', '--data', '/proc/nosuch').status, 1, 'a directory that cannot be made: exit 1');
matches(w.cli('init', '--url', 'http://x.example/', '--data', '/proc/nosuch').err, /\/proc\/nosuch: look at .*\(No such file/, 'and which');

// circles
r = w.cli('circle', 'add', 'demo', '--origin', 'https://Friend.example/page', '--origin=https://two.example:444', '--json');
same([r.status, Object.keys(r.json)], [0, ['can', 'cid', 'api_key']], 'circle add --json: its fields');
matches(r.json.cid, /^[0-9a-f]{16}$/, 'cid');
matches(r.json.api_key, /^[A-Za-z0-9_-]{22}$/, 'api_key');
const demo = r.json;
const seed = readFileSync(join(w.data, 'signing', demo.cid), 'utf8');
matches(seed, /^[0-9a-f]{64}\n$/, 'its signing key');
same(['signing', join('signing', demo.cid)].map((name) => statSync(join(w.data, name)).mode & 0o777), [0o700, 0o600], 'mode of the signing key');
for (const name of readdirSync(w.data)) if (statSync(join(w.data, name)).isFile()) ok(!readFileSync(join(w.data, name)).includes(Buffer.from(seed.trim(), 'hex')), `no signing key in ${name}`);
r = w.cli('circle', 'add', 'words', '--unlisted', '--up-kbps', '500', '--ice', 'stun:stun.example:3478');
matches(r.out, /^Circle words, CID [0-9a-f]{16}\napi key \(public\): [A-Za-z0-9_-]{22}\n/, 'circle add: in words');
matches(r.out, /Visitors are asked.*\nSTUN server, a third party.*: stun:stun\.example:3478\n/, 'circle add: what was chosen');
matches(r.out, /<script src="http:\/\/localhost:8080\/signal\?[A-Za-z0-9_-]{22}"><\/script>/, 'circle add: the tag to paste');
const failing = [
  [['circle', 'add', 'demo'], 1, /taken/], [['circle', 'add', 'Bad_Name'], 2, /a-z, 0-9/], [['circle', 'add'], 2, /usage/], [['circle'], 2, /usage/],
  [['circle', 'frobnicate', 'demo'], 2, /usage/], [['circle', 'add', 'x', '--roster', 'secret'], 2, /public, members or hidden/],
  [['circle', 'add', 'x', '--ice', 'http://x'], 2, /stun:host:port/], [['circle', 'add', 'x', '--up-kbps', 'fast'], 2, /number/],
  [['circle', 'add', 'x', '--up-kbps', '-1'], 2, /number/], [['circle', 'add', 'x', '--origin', 'friend.example'], 2, /not an origin/],
  [['circle', 'show', 'nosuch'], 1, /no circle nosuch/], [['circle', 'remove', 'nosuch'], 1, /no circle nosuch/],
  [['circle', 'allow', 'nosuch', '--origin', 'https://x.example'], 1, /no circle nosuch/], [['circle', 'allow', 'demo'], 2, /--origin/],
  [['publish', 'nosuch', '.'], 1, /no circle nosuch/], [['publish', 'demo'], 2, /usage/], [['publish', 'demo', '/nonexistent'], 1, /\/nonexistent: look at .*\(No such file/],
  [['publish', 'demo', '.', '--at', 'media'], 2, /--at/], [['publish', 'demo', '.', '--at', ''], 2, /--at/],
];
for (const [args, status, text] of failing) {
  r = w.cli(...args);
  same([r.status, r.out], [status, ''], `${args.join(' ')}: exit ${status}`);
  matches(r.err, text, `${args.join(' ')}: in words`);
  r = w.cli(...args, '--json');
  ok(r.json?.error && text.test(r.json.text) && r.err === '', `${args.join(' ')} --json`, r.out + r.err);
}
same(w.cli('circle', 'list', '--json').json.map((c) => c.can), ['demo', 'words'], 'none of them made a circle');
r = w.cli('circle', 'show', 'demo', '--json').json;
same([r.origins, r.roster, r.listed, r.removed, r.version, r.signals], [['http://localhost:8080', 'http://third.example', 'https://friend.example', 'https://site.example',
  'https://two.example:444'], 'public', true, false, 0, 0], 'circle show: what was said, and the instance\'s own pages');
w.request('/sync', { host: 'localhost:8080', post: { v: 1, key: demo.api_key, token: '0'.repeat(64), run: '00000001' }, send: { HTTP_ORIGIN: 'https://refused.example' } });
w.request('/sync', { host: 'localhost:8080', post: { v: 1, key: demo.api_key, token: '0'.repeat(64), run: '00000001' } });
r = w.cli('circle', 'show', 'demo', '--json').json;
same([r.refused, r.signals, r.statistics], [['https://refused.example'], 1, { joins: 1 }], 'circle show: who was refused, who is there, what was counted');
matches(w.cli('circle', 'show', 'demo').out, /refused +\["https:\/\/refused\.example"\]/, 'circle show: in words');
ok(w.cli('circle', 'allow', 'demo', '--origin', 'https://refused.example', '--json').json.origins.includes('https://refused.example'), 'circle allow');

// what was chosen is chosen otherwise: each alone, and the rest stays
r = w.cli('circle', 'show', 'demo', '--json').json;
same([r.p2p, r.ice, r.mirror, r.exclude, r.up_kbps], ['ask', [{ urls: 'stun:stun.nextcloud.com:443' }], true, '', 0], 'circle add: visitors are asked, the first STUN server of the table');
r = w.must('circle', 'set', 'demo', '--p2p', 'on', '--json');
same([r.p2p, r.ice.length, r.roster, r.listed], ['on', 1, 'public', true], 'circle set --p2p');
r = w.must('circle', 'set', 'demo', '--ice', 'none', '--roster', 'members', '--listed', 'no', '--up-kbps', '750', '--json');
same([r.p2p, r.ice, r.roster, r.listed, r.up_kbps], ['on', [], 'members', false, 750], 'circle set: several');
r = w.must('circle', 'set', 'demo', '--ice', 'stun:[2001:db8::1]:3478', '--ice', 'stuns:stun.example', '--listed', 'yes', '--roster', 'public', '--up-kbps', '0', '--json');
same([r.ice.map(i => i.urls), r.listed, r.roster, r.up_kbps], [['stun:[2001:db8::1]:3478', 'stuns:stun.example'], true, 'public', 0], 'circle set: and back');
r = w.must('circle', 'set', 'demo', '--mirror', 'off', '--exclude', '*.pdf', '--exclude', 'drafts', '--json');
same([r.mirror, r.exclude], [false, '*.pdf\ndrafts'], 'circle set: the brake, patterns');
const loader = () => w.request('/signal', { host: 'localhost:8080', query: demo.api_key }).bytes.toString();
matches(loader(), /"mirror":false/, 'the loader says that nobody mirrors');
same(w.must('circle', 'set', 'demo', '--mirror', 'on', '--exclude', '', '--json').exclude, '', 'circle set: none any longer');
r = w.cli('url', 'add', 'http://x.example/a\u001b[31m\nfoo');
same([r.status, /\u001b/.test(r.err)], [2, false], 'url add: an address is one word');
// a terminal in ISO 8859-1
for (const words of ["circle set demo --exclude 'Entw\\374rfe'", `publish demo '${w.dir}' --at '/\\374/'`, "url add 'https://site.example/\\374/'", "set spool_url 'https://site.example/\\374/'"]) {
  r = spawnSync('bash', ['-c', `eval "exec '${program}' $(printf "${words}")"`], { encoding: 'utf8', env: { ...process.env, POLYCIRCLE_DATA: w.data } });
  same([r.status, w.cli('circle', 'list', '--json').status], [2, 0], `${words}: is not UTF-8, and changes nothing: ${r.stderr}`);
}
ok(!/"mirror"/.test(loader()), 'and nothing when all do');
ok(!/"worker":/.test(loader()), "nobody has said whether the site has a worker: the loader says nothing");
for (const worker of ['none', 'own', '/blog/sw.js']) {
  same(w.must('circle', 'set', 'demo', '--worker', worker, '--json').worker, worker, `circle set --worker ${worker}`);
  same(/"worker": ?"([^"]*)"/.exec(loader())?.[1], worker, 'the loader says it');
}
matches(w.cli('circle', 'set', 'demo', '--worker', '/blog/sw.js').out, /\/blog\/sw\.js .*\n +importScripts\('http.*\/circle-sw\.js'\)\n$/, "circle set --worker /PATH: the line that is to be in it");
same(w.must('circle', 'set', 'demo', '--worker', 'unknown', '--json').worker, 'unknown', 'circle set --worker unknown');
for (const [args, text] of [[[], /Change what/], [['--mirror', 'no'], /on or off/], [['--listed', 'maybe'], /yes or no/], [['--p2p', 'yes'], /on, ask or off/], [['--roster', 'x'], /public, members or hidden/],
  [['--worker', 'no'], /unknown, none, own, or the path/], [['--worker', '/a b.js'], /no path/], [['--worker', '//evil.example/sw.js'], /no path/], [['--worker', '/'], /no path/], [['--worker', '/../sw.js'], /no path/], [['--worker', '/sw.js?v=1'], /without what follows/], [['--worker', `/${'x'.repeat(200)}`], /no path/],
  [['--ice', 'nonsense !!'], /STUN server/], [['--ice', 'stun:'], /STUN/], [['--ice', 'none', '--ice', 'stun:a.example'], /STUN/], [['--exclude', 'x'.repeat(5000)], /4096/], [['--exclude', 'x'.repeat(201)], /at most 200/]]) {
  r = w.cli('circle', 'set', 'demo', ...args);
  same([r.status, r.out], [2, ''], `circle set ${args.join(' ').slice(0, 40)}: exit 2`);
  matches(r.err, text, `circle set ${args.join(' ').slice(0, 40)}: in words`);
}
same(w.cli('circle', 'set', 'nosuch', '--p2p', 'on').status, 1, 'circle set: no such circle');
ok(!w.must('circle', 'refuse', 'demo', '--origin', 'https://refused.example', '--json').origins.includes('https://refused.example'), 'circle refuse');
matches(w.cli('circle', 'refuse', 'demo', '--origin', 'https://refused.example').err, /not allowed/, 'circle refuse: one that was not allowed');
same(w.must('circle', 'set', 'demo', '--ice', 'none', '--json').ice, [], 'no server again');
w.must('circle', 'allow', 'demo', '--origin', 'https://refused.example', '--json');

// addresses: a further one, its pages; the last one stays
ok(w.must('url', 'add', 'https://cdn.example/p', '--json').includes('https://cdn.example/p/'), 'url add');
ok(w.must('circle', 'show', 'demo', '--json').origins.includes('https://cdn.example'), 'its pages may use the circles');
same(w.request('/health', { host: 'cdn.example' }).status, 200, 'it is answered');
ok(!w.must('url', 'remove', 'https://cdn.example/p/', '--json').includes('https://cdn.example/p/'), 'url remove');
same(w.request('/health', { host: 'cdn.example' }).status, 421, 'no longer');
w.must('circle', 'refuse', 'demo', '--origin', 'https://cdn.example', '--json');
matches(w.cli('circle', 'list').out, /^demo +[0-9a-f]{16} +1 signals/, 'circle list: in words');

// publish
const site = join(w.dir, 'site');
mkdirSync(join(site, 'sub'), { recursive: true });
writeFileSync(join(site, 'a.mp4'), Buffer.alloc(300_000, 1));
writeFileSync(join(site, 'sub', 'b.png'), 'png');
for (const name of ['.hidden', 'config.php', 'x.ini', 'empty.txt']) writeFileSync(join(site, name), name === 'empty.txt' ? '' : 'x');
symlinkSync('/etc/passwd', join(site, 'link.txt'));
r = w.cli('publish', 'demo', site, '--json');
same([r.status, r.json], [0, { can: 'demo', version: 1, files: 2, bytes: 300_003, hashed: 2, skipped: 5, doubted: 0, url: '/site/', left_out: [
  { reason: 'hidden', text: 'hidden, by a dot', cure: '', n: 1, names: ['.hidden'] }, { reason: 'link', text: 'symbolic links', cure: '', n: 1, names: ['link.txt'] },
  { reason: 'empty', text: 'empty files', cure: '', n: 1, names: ['empty.txt'] },
  { reason: 'program', text: 'programs or settings of the host', cure: '', n: 2, names: ['config.php', 'x.ini'] },
] }], 'publish --json: below --root the URL is derived; what is left out has names and reasons');
r = w.cli('publish', 'demo', site);
matches(r.out, /^demo: version 1 \(nothing has changed\), 2 files, 0\.3 MB, 0 read, 5 left out\n  hidden, by a dot: 1 \(\.hidden\)\n  symbolic links: 1 \(link\.txt\)\n  empty files: 1 \(empty\.txt\)\n  programs or settings of the host: 2 \(config\.php, x\.ini\)\nThe bytes stay in .*, served at \/site\/\n$/, 'publish again: nothing to do');
writeFileSync(join(site, 'sub', 'b.png'), 'other');
same(w.cli('publish', 'demo', site, '--json').json.version, 2, 'a changed file: the next version');
same(w.cli('publish', 'demo', site, '--at', 'https://cdn.example/x', '--json').json.url, 'https://cdn.example/x/', '--at');
mkdirSync(join(w.dir, '..', `${basename(w.dir)}-elsewhere`));
writeFileSync(join(`${w.dir}-elsewhere`, 'film.mp4'), 'film');
r = w.cli('publish', 'words', `${w.dir}-elsewhere`);
rmSync(`${w.dir}-elsewhere`, { recursive: true });
matches(r.out, /No URL is known/, 'a folder that no web server serves');
writeFileSync(Buffer.concat([Buffer.from(`${site}/bad`), Buffer.from([0xff]), Buffer.from('.png')]), 'x');
r = w.cli('publish', 'demo', site, '--json');
same([r.status, r.json?.files, r.json?.skipped, r.json?.left_out.at(-1).names], [0, 2, 6, ['bad?.png']], 'a name that is not UTF-8 is left out, and shown');
const many = join(w.dir, 'many');
mkdirSync(many);
for (let i = 0; i < 20; i++) writeFileSync(join(many, `${i}.php`), 'x');
r = w.cli('publish', 'words', many);
same([r.status, r.out], [1, ''], 'nothing to share: exit 1');
matches(r.err, /There is nothing to share in .*many, but programs or settings of the host: 20 \((\d+\.php, ){3}\.\.\.\)\.\n/, 'how many are left out, and a few names');
mkdirSync(join(many, 'none'));
matches(w.cli('publish', 'words', join(many, 'none')).err, /many\/none: it is empty\.\n/, 'an empty folder');
r = w.cli('publish', 'demo', join(many, 'none'), '--json');
same([r.status, r.json?.error, w.cli('circle', 'show', 'demo', '--json').json.dir], [1, 'files', site], 'one that is published already does not take its place');
writeFileSync(join(many, 'none/film.mp4'), 'film');
w.must('publish', 'words', join(many, 'none'), '--json');
unlinkSync(join(many, 'none/film.mp4'));
r = w.cli('publish', 'words', join(many, 'none'), '--json');
same([r.status, r.json?.files, r.json?.doubted], [1, 1, 1], 'a folder that has become empty: exit 1, and its files stay until the next time');
r = w.cli('publish', 'words', join(many, 'none'), '--allow-empty', '--json');
same([r.status, r.json?.files, r.json?.doubted], [0, 0, 0], '--allow-empty: they are withdrawn at once');
matches(w.cli('publish', 'words', join(many, 'none')).err, /nothing to share in .*--allow-empty/, 'without it: exit 1 again');
same(w.cli('publish', 'words', many, '--allow-empty', '--json').json?.files, 0, '--allow-empty: also the first time');

// what may not be read, by somebody whom modes bind
const nobody = process.getuid() === 0 ? { uid: 65534 } : {}, closed = new World();
chmodSync(closed.dir, 0o777);
copyFileSync(program, join(closed.dir, 'program'));
chmodSync(join(closed.dir, 'program'), 0o755);
const by = (...args) => closed.cli(...args, { ...nobody, run: join(closed.dir, 'program') });
for (const name of ['site/shut', 'site/half']) mkdirSync(join(closed.dir, name), { recursive: true });
for (const name of ['site/film.mp4', 'site/mine.mp4', 'site/shut/a.mp4', 'site/half/b.mp4']) writeFileSync(join(closed.dir, name), 'film');
for (const [name, mode] of [['site', 0o755], ['site/film.mp4', 0o644], ['site/mine.mp4', 0], ['site/shut', 0], ['site/half', 0o444]]) chmodSync(join(closed.dir, name), mode);
same([by('init', '--url', 'http://site.example/', '--json').status, by('circle', 'add', 'demo', '--json').status], [0, 0], 'a user who is not root');
for (const what of ['publish', 'publish again']) {
  r = by('publish', 'demo', join(closed.dir, 'site'), '--json');
  same([r.status, r.json?.files, r.json?.left_out.map(({ reason, n, names }) => [reason, n, names])], [1, 1, [['unreadable', 3, ['half/b.mp4', 'mine.mp4', 'shut/']]]],
    `${what}: what may not be read is named, and the exit status is 1`);
}
r = by('publish', 'demo', join(closed.dir, 'site'));
matches(r.out, /not readable: 3 \(half\/b\.mp4, mine\.mp4, shut\/\): let .* read them: permissions 644 of files, 755 of folders\n/, 'what to do');
matches(r.err, /^polycircle: Not all of .* could be read/, 'and why it failed');
chmodSync(join(closed.dir, 'site'), 0);
matches(by('publish', 'demo', join(closed.dir, 'site')).out, /not readable: 1 \(\.\/\)/, 'the folder itself');
chmodSync(join(closed.dir, 'site'), 0o755);
for (const name of ['site/shut', 'site/half']) chmodSync(join(closed.dir, name), 0o755);
closed.remove();

// on a terminal a line says how far it is, and is gone in the end
const seen = (command, env = {}) => spawnSync('script', ['-qec', `stty cols 200; ${command}`, '/dev/null'],
  { env: { PATH: process.env.PATH, HOME: w.dir, POLYCIRCLE_DATA: w.data, TERM: 'xterm', ...env }, encoding: 'utf8', cwd: w.dir }).stdout;
const large = join(w.dir, 'large');
mkdirSync(large);
writeFileSync(join(large, 'a\x1b]film.mp4'), '');
truncateSync(join(large, 'a\x1b]film.mp4'), 200_000_000);
let shown = seen(`'${program}' publish words '${large}'`);
matches(shown, /\r\[#* *\] +\d+%  \d+ MB of 200 MB, [\d.]+ [kM]B\/s, \d+ s left  a\?\]film\.mp4\x1b\[K/, 'publish: bytes, rate and time left');
matches(shown, /\r\x1b\[Kwords: version \d+, 1 files, 200\.0 MB, 1 read, 0 left out\r\n/, 'before it says what it has done, the line is gone');
ok(!/\x1b/.test(w.cli('publish', 'words', large).err), 'what is no terminal has none');
ok(!/\x1b\[K/.test(seen(`'${program}' publish words '${site}' --json`)), 'nor has --json');
unlinkSync(join(large, 'a\x1b]film.mp4'));

// a folder in which there are things of our own: none of them is published, whatever it is called
const home = join(w.dir, 'home'), own = ['--data', join(home, 'kept')];
for (const name of ['films', 'boxes']) mkdirSync(join(home, name), { recursive: true });
for (const name of ['films/a.mp4', 'boxes/box-0123.json']) writeFileSync(join(home, name), 'x');
w.must('init', '--url', 'http://site.example/', ...own);
w.must('circle', 'add', 'demo', ...own, '--json');
w.must('set', 'spool_dir', join(home, 'boxes'), ...own, '--json');
w.must('set', 'spool_url', 'http://site.example/boxes/', ...own, '--json');
r = w.cli('publish', 'demo', home, ...own, '--json');
same([r.status, r.json?.files, r.json?.skipped], [0, 1, 2], 'of a folder with the data directory and the spool in it only the film is published');
const inside = (path) => w.request(`/mirror/demo/${path}`, { env: { POLYCIRCLE_DATA: own[1] } }).status;
same(['films/a.mp4', 'kept/owner-code', 'boxes/box-0123.json'].map(inside), [200, 404, 404], 'and handed out: no code, no box');
for (const path of [own[1], join(home, 'boxes')]) {
  r = w.cli('publish', 'demo', path, ...own);
  same(r.status, 1, `${basename(path)} itself is refused`);
  matches(r.err, /Choose another folder: .*own files/, 'in words');
}

// check
r = w.cli('check', '--json');
same([r.status, r.json.ok], [0, true], 'check: whole');
same([...new Set(r.json.checks.map((c) => c.what))].slice(0, 12),
  ['directory', 'files', 'journal', 'polycircle.db', 'live', 'left-overs', 'circles', 'signing keys', 'exposed keys', 'rows', 'spool', 'other data'], 'check: what it looks at');
matches(w.cli('check').out, /^ok +directory/, 'check: in words');
chmodSync(join(w.data, 'polycircle.db'), 0o644);
r = w.cli('check', '--json');
same([r.status, r.json.ok, statSync(join(w.data, 'polycircle.db')).mode & 0o777], [1, false, 0o644], 'check: says what is wrong, and changes nothing');

// doctor
r = w.cli('doctor', '--dry-run');
same([r.status, statSync(join(w.data, 'polycircle.db')).mode & 0o777], [1, 0o644], 'doctor --dry-run: exit 1, and changes nothing');
r = w.cli('doctor', '--json');
same([r.status, r.json.ok, r.json.checks[1].level, statSync(join(w.data, 'polycircle.db')).mode & 0o777], [0, true, 'mended', 0o600], 'doctor --json: mended, exit 0');
matches(w.cli('doctor').out, /^ok +directory/, 'doctor: in words');

// backup and restore
r = w.cli('backup', '--json');
matches(r.json?.backup ?? '', /\/backups\/polycircle-\d{4}-\d\d-\d\d\.db$/, 'backup --json: where');
const copy = join(w.dir, 'copy.db');
same(w.cli('backup', copy, '--json').json, { backup: copy }, 'backup FILE');
same(statSync(copy).mode & 0o777, 0o600, 'nobody else may read it');
r = w.cli('backup', copy, '--json');
same([r.status, r.json?.error], [1, 'exists'], 'a file that is there is not overwritten');
w.must('circle', 'add', 'since', '--json');
r = w.cli('restore', copy, '--json');
matches(r.json?.kept ?? '', /\/backups\/polycircle-before-restore-\d{4}-\d\d-\d\dT\d{6}Z\.db$/, 'restore --json: where what was there is kept');
same(w.cli('circle', 'list', '--json').json.map((c) => c.can), ['demo', 'words'], 'restored');
ok(w.cli('circle', 'show', 'demo', '--json').json.version > 1000, 'with a manifest that no browser has seen');
r = w.cli('restore', process.execPath, '--json');
same([r.status, r.json?.error], [1, 'damaged'], 'restore of something else is refused');
for (const args of [['backup', 'a', 'b'], ['restore'], ['restore', 'a', 'b'], ['doctor', 'x'], ['check', 'x'], ['uninstall'], ['uninstall', 'x'], ['uninstall', '--files'],
  ['uninstall', '--files', '--undo']]) same(w.cli(...args).status, 2, `${args.join(' ')}: exit 2`);
writeFileSync(join(w.data, 'polycircle.db'), 'garbage');
r = w.cli('doctor', '--json');
same([r.status, r.json?.checks.at(-1).level], [1, 'fail'], 'a damaged polycircle.db: doctor says which backup it could take');
matches(r.json?.checks.at(-1).text ?? '', /polycircle-\d{4}-\d\d-\d\d\.db; polycircle doctor --restore/, 'and how');
same(readFileSync(join(w.data, 'polycircle.db'), 'utf8'), 'garbage', 'but does not do it by itself');
r = w.cli('doctor', '--restore', '--json');
same([r.status, r.json?.checks[3].level], [0, 'mended'], 'doctor --restore does');
ok(w.cli('circle', 'list', '--json').json.some((c) => c.can === 'demo'), 'all is back');
const whole = join(w.dir, 'whole.db');
renameSync(join(w.data, 'polycircle.db'), whole);
mkdirSync(join(w.data, 'polycircle.db'));
r = w.cli('doctor', '--restore', '--json');
same([r.status, r.json?.error], [1, 'busy'], 'what can only not be read just now is not called damaged');
rmdirSync(join(w.data, 'polycircle.db'));
renameSync(whole, join(w.data, 'polycircle.db'));
unlinkSync(join(w.data, 'polycircle.db'));
same(w.cli('doctor', '--restore').status, 0, 'also when polycircle.db is gone');

// uninstall
matches(w.cli('uninstall').err, /uninstall --yes/, 'uninstall: asks first');
r = w.cli('uninstall', '--yes');
same(r.status, 0, 'uninstall --yes');
matches(r.out, /7 days[^]*uninstall --files[^]*uninstall --undo/, 'it says what to delete, and when');
same(w.request('/health', { host: 'localhost:8080' }).json?.error, 'removed', 'everything is 410');
same(w.cli('uninstall', '--files', '--json').json, { removed: [] }, 'uninstall --files: nothing was put there');
same(w.cli('uninstall', '--undo', '--json').status, 0, 'uninstall --undo');
same(w.request('/health', { host: 'localhost:8080' }).json?.ok, true, 'it answers as before');

// selftest
r = w.cli('selftest', '--json');
same([r.status, r.json.ok], [0, true], 'selftest: nothing fails');
same(r.json.lines.map((l) => l.id).slice(0, 3), ['instance', 'owner', 'program'], 'selftest: what only a request can tell is left out');
ok(r.json.lines.every((l) => l.title && l.found && l.why && ['ok', 'warn', 'fail'].includes(l.level)), 'selftest --json: each line says what, how and why');
matches(w.cli('selftest').out, /^ok +Instance +It is set up\.\n/, 'selftest: in words');
r = w.cli('selftest', '--data', join(w.dir, 'nowhere'), '--json');
same([r.status, r.json.lines[0].level], [0, 'warn'], 'selftest before set-up: looks where the data would be');
ok(!existsSync(join(w.dir, 'nowhere')), 'and makes nothing');
chmodSync(w.data, 0o755);
r = w.cli('selftest');
same(r.status, 1, 'selftest: exit 1 when something fails');
matches(r.out, /^fail +Where the data is +.* has the permissions 0755 .*\n +why: .*\n +do: .*700.*\n +tell your host: Please/m, 'selftest: why, what to do, what to tell the host');
r = w.cli('selftest', '--json');
same([r.status, r.json.ok, r.err], [1, false, ''], 'selftest --json: one JSON text');
chmodSync(w.data, 0o700);
for (const url of ['site.example', 'http://site.example/?x', 'http://site.example/"', 'ftp://site.example/']) same(w.cli('selftest', '--url', url).status, 2, `selftest --url ${url}: exit 2`);
const silent = createServer((socket) => setTimeout(() => socket.destroy(), 3500)).listen(0, '127.0.0.1');
await once(silent, 'listening');
shown = await new Promise((end) => execFile('script', ['-qec', `'${program}' selftest --url http://127.0.0.1:${silent.address().port}/`, '/dev/null'],
  { env: { PATH: process.env.PATH, POLYCIRCLE_DATA: w.data, TERM: 'xterm' } }, (_, out) => end(out)));
silent.close();
// a busy machine may pass over a second; none is shown before the second one, and none twice
const seconds = [...shown.matchAll(/\rAsking http:\/\/127\.0\.0\.1:\d+\/: (\d+) s/g)].map(([, s]) => Number(s));
ok(seconds[0] >= 2 && seconds.every((s, i) => i === 0 || s > seconds[i - 1]) && /\r\x1b\[Kok +Instance/.test(shown), `what takes longer than two seconds says so, and counts: ${JSON.stringify(shown)}`);
r = w.cli('selftest', '--url', 'http://127.0.0.1:9/', '--json');
same([r.status, r.json.lines.at(-1).id, r.json.lines.at(-1).found], [1, 'reached', 'The connection is refused, or no way leads there: does a web server listen at that address?'], 'selftest --url: nobody there');
matches(w.cli('selftest', '--url', 'http://nosuch.invalid/', '--json').json.lines.at(-1).found, /^The name is not known/, 'selftest --url: no such name');
r = w.cli('selftest', '--url', 'http://127.0.0.1:9/', '--json', { env: { PATH: w.dir } });
matches(r.json.lines.at(-1).found, /^There is no curl here/, 'selftest --url without curl');

// a command ends when it is told to; what it reads has no end
const endless = join(w.dir, 'endless');
mkdirSync(endless);
writeFileSync(join(endless, 'film.mp4'), '');
truncateSync(join(endless, 'film.mp4'), 2 ** 42);
for (const signal of ['SIGTERM', 'SIGINT']) {
  const run = spawn(program, ['publish', '--data', w.data, 'demo', endless], { stdio: 'ignore' });
  const gone = once(run, 'exit');
  const reads = () => Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${run.pid}/io`, 'utf8'))?.[1]) > 5e6;
  for (let n = 0; n < 200 && !reads(); n++)
    await new Promise((later) => setTimeout(later, 50));
  run.kill(signal);
  const late = setTimeout(() => run.kill('SIGKILL'), 10_000);
  same((await gone)[1], signal, `publish ends by ${signal}`);
  clearTimeout(late);
}
rmSync(endless, { recursive: true });

// removal
same(w.cli('circle', 'remove', 'demo', '--json').json, { removed: 'demo' }, 'circle remove');
matches(w.cli('circle', 'remove', 'demo').err, /was removed/, 'twice');
matches(w.cli('publish', 'demo', site).err, /was removed/, 'nothing more is published');
matches(w.cli('circle', 'add', 'demo').err, /taken/, 'its name stays claimed');
same(w.cli('circle', 'show', 'demo', '--json').json.removed, true, 'circle show still knows it');

// bytes that are no text, on the command line
r = w.cli('version', '--json', '--\u{fffd}\x01');
same([r.status, r.signal, r.json?.error], [2, null, 'usage'], 'an option of garbage');
same(w.cli('init', '--data', '', '--url', 'http://site.example/').signal, null, 'an empty --data');
w.remove();
done();
