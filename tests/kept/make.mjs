// Makes an instance as its owner and its visitors had it, by the program given, and writes down what it left on the host:
//   node tests/kept/make.mjs PROGRAM DIRECTORY
// tests/kept/0.1.0 was made so, by the program of version 0.1.0, dropped on a host and set up over the web (by CGI, in a world of
// its own). Of databases the text is kept, as SQL; a package's bytes stand in the spool already; DIR is where the host's files lie.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [program, into] = process.argv.slice(2).map(path => resolve(path));
const dir = mkdtempSync(join(tmpdir(), 'polycircle-kept-')), site = join(dir, 'public_html'), data = join(dir, 'polycircle-data'), script = '/cgi-bin/polycircle.fcgi';
const ours = join(dir, 'public_html', script), own = `http://site.example${script}/`;

mkdirSync(join(site, 'cgi-bin'), { recursive: true });
mkdirSync(join(site, 'media'));
copyFileSync(program, ours);
chmodSync(ours, 0o755);
writeFileSync(join(site, '.htaccess'), '# the owner\'s own\nErrorDocument 404 "nothing here"\n');
writeFileSync(join(site, 'media/film.mp4'), 'a film\n');
writeFileSync(join(site, 'media/song.mp3'), 'a song\n');
for (const name of ['film.mp4', 'song.mp3']) utimesSync(join(site, 'media', name), 1790000000, 1790000000);

/** One CGI request, as Apache makes it. @returns {Promise<string>} its body */
async function request(path, { query = '', post = undefined } = {}) {
  const body = post ? `d=${Buffer.from(JSON.stringify(post)).toString('base64url')}` : '', env = {
    GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', REQUEST_METHOD: post ? 'POST' : 'GET', SCRIPT_NAME: script, SCRIPT_FILENAME: ours, PATH_INFO: path, QUERY_STRING: query,
    DOCUMENT_ROOT: site, HTTP_HOST: 'site.example', REMOTE_ADDR: '198.51.100.7', REQUEST_URI: script + path, CONTENT_LENGTH: String(body.length), CONTENT_TYPE: 'application/x-www-form-urlencoded',
  };
  const child = spawn(ours, [], { env }), out = [];
  child.stdout.on('data', part => out.push(part));
  child.stdin.end(body);
  await new Promise(ok => child.on('close', ok));
  const answer = Buffer.concat(out).toString('latin1');
  if (!answer.startsWith('Status: 200')) throw new Error(`${path}: ${answer}`);
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}
let code = '';
const owner = async (action, fields = {}) => JSON.parse(await request('/owner', { post: { v: 1, code, do: action, ...fields } }));
const cli = (...args) => execFileSync(ours, args, { env: {}, encoding: 'utf8' });
const sql = (file, text) => execFileSync('sqlite3', [file, text], { encoding: 'utf8', maxBuffer: 1 << 26 });

// the owner sets it up
await request('/setup');
code = readFileSync(join(data, 'setup-code'), 'utf8').trim();
await owner('begin', { url: own, root: site });
await owner('circle', { circle: 'demo', p2p: 'on', ice: ['stun:stun.example.org:3478'] });
await owner('allow', { circle: 'demo', origin: 'https://blog.example' });
await owner('share', { circle: 'demo', folder: 'media', url: '/media/', patient: false });
while (!(await owner('index', { circle: 'demo' })).finished);
const activated = owner('activate', { tier: 3, options: false });  // answers once the browser came through
while (!readdirSync(data).includes('tier-pending'));
await owner('confirm');
if (!(await activated).active) throw new Error('tier 3');
await owner('address', { url: 'http://site.example/' });
await owner('spool', { value: 'probe', htaccess: true });
await owner('settle', { spool_url: 'http://site.example/polycircle-spool/', htaccess: true, cors: true, wire: 'h', proxies: '', budget: 4 });
({ code } = await owner('finish'));
await owner('backup');

// what came after the copy of that day
const more = JSON.parse(cli('circle', 'add', 'quiet', '--p2p', 'ask', '--roster', 'members', '--unlisted', '--json'));
const gone = JSON.parse(cli('circle', 'add', 'gone', '--json'));
cli('circle', 'remove', 'gone');
const { api_key: key, cid } = JSON.parse(cli('circle', 'show', 'demo', '--json'));
writeFileSync(join(site, 'index.html'), `<!doctype html><title>-</title><script src="/signal?${key}"></script><video src="/media/film.mp4"></video>\n`);

// a visitor, and what the spool has for the next one
const config = JSON.parse(/POLYCIRCLE_CONFIG=(.*);\n/.exec(await request('/signal', { query: key }))[1]);
const token = randomBytes(32).toString('hex'), archive = join(site, 'polycircle-spool', `package-${cid}-${config.package}.tar.gz`);
for (; !existsSync(archive); await sleep(300)) await request('/sync', { post: { v: 1, key, token, run: '00000001', box: true } });

rmSync(into, { recursive: true, force: true });
mkdirSync(into, { recursive: true });
const bytes = readFileSync(archive).toString('hex');
const dump = file => sql(file, '.dump').replaceAll(dir, 'DIR').replace(`X'${bytes}'`, () => `readfile('${archive.replace(dir, 'DIR')}')`) +
  `PRAGMA user_version=${sql(file, 'PRAGMA user_version')}`;
writeFileSync(join(into, 'polycircle.sql'), dump(join(data, 'polycircle.db')));
for (const name of readdirSync(join(data, 'backups')).filter(file => file.endsWith('.db'))) writeFileSync(join(into, 'backup.sql'), dump(join(data, 'backups', name)));
copyFileSync(join(data, 'owner-code'), join(into, 'owner-code'));
rmSync(join(site, 'cgi-bin'), { recursive: true });
cpSync(site, join(into, 'public_html'), { recursive: true });
for (const name of readdirSync(join(into, 'public_html/polycircle-spool')).filter(file => file.startsWith('box-'))) rmSync(join(into, 'public_html/polycircle-spool', name));
writeFileSync(join(into, 'facts.json'), `${JSON.stringify({ ...config, token, quiet: more.api_key, gone: gone.api_key }, null, 1)}\n`);
rmSync(dir, { recursive: true });
