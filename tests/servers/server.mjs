// Real web servers for tests: each in a directory of its own, on a free
// loopback port, configured by tools/server-conf, ended by stop().
import { execFile, spawn } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const kinds = ['lighttpd-fastcgi', 'lighttpd-cgi', 'apache-fcgid', 'apache-cgid'];
/** These need root, or packages of `tools/setup hosting`. */
export const hostingKinds = ['nginx-spawn-fcgi', 'nginx-fcgiwrap', 'apache-suexec', 'apache-suexec-fcgid'];
export const program = process.env.POLYCIRCLE_PROGRAM ?? '';
if (!program) throw new Error('POLYCIRCLE_PROGRAM must name the program to test');
process.env.PATH += ':/usr/sbin:/sbin';

// Apache refuses to be root, and root can write everything: as root, everything runs as this user.
const rooted = process.getuid?.() === 0;
const user = 'www-data';
const ids = rooted ? { uid: Number((await run('id', ['-u', user])).stdout), gid: Number((await run('id', ['-g', user])).stdout) } : {};

/** A directory that the server's user may enter. */
export async function makeDirectory() {
  const dir = await mkdtemp(join(tmpdir(), 'polycircle-test-'));
  await chmod(dir, 0o755);
  for (const [name, mode] of [['site', 0o755], ['cgi', 0o755], ['data', 0o700], ['run', 0o755], ['run/fcgid', 0o755]]) {
    await mkdir(join(dir, name), { mode });
    if (rooted) await chown(join(dir, name), ids.uid, ids.gid);
  }
  await copyFile(program, join(dir, 'cgi/polycircle.fcgi'));
  await chmod(join(dir, 'cgi/polycircle.fcgi'), 0o755);
  return dir;
}

/** Runs the program by hand, as the server's user. Gives {code, stdout, stderr}; never throws for its exit status. */
export async function polycircle(dir, args, env = {}, at = 'cgi') {
  const settings = { ...ids, env: { ...process.env, POLYCIRCLE_DATA: join(dir, 'data'), ...env }, timeout: 60_000 };
  try {
    return { code: 0, ...await run(join(dir, at, 'polycircle.fcgi'), args, settings) };
  } catch (error) {
    return { code: error.code ?? error.signal, stdout: error.stdout, stderr: error.stderr };
  }
}

/** The same, for what must succeed. */
export async function must(dir, args, env, at) {
  const result = await polycircle(dir, args, env, at);
  if (result.code !== 0) throw new Error(`polycircle ${args.join(' ')}: ${result.code}\n${result.stderr}`);
  return result.stdout;
}

/** Free now, and below those that the kernel gives to whoever connects: nobody has it by chance before it is bound. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(12_000 * Math.random()), server = createServer();
    const free = new Promise((resolve) => { server.on('error', () => resolve(false)).on('close', () => resolve(true)); });
    server.listen(port, '127.0.0.1', () => server.close());
    if (await free) return port;
  }
}

/** kind: one of kinds, hostingKinds. change: what else its configuration is to say, as a function of the text. suEXEC: what the owner uploads is made from dir/cgi and dir/data (useAsOwner). */
export async function startServer(kind, dir, { change } = {}) {
  if (kind.startsWith('apache-suexec')) await useAsOwner(dir);
  const server = new Server(kind, dir, await freePort(), { change });
  await server.start();
  return server;
}

/** Apache as a shared host runs it: nothing about Polycircle in its configuration, which `own` adds to. */
export async function startHost(kind, dir, own) {
  const server = new Server(kind, dir, await freePort(), { site: 'public_html', own });
  await server.start();
  return server;
}

/** The .htaccess that INSTALL says to make of the example files: tiers 1, 2, 3, 'options', which is 2 with Options, or 'own', on a host name of its own. */
export async function htaccess(folder, tiers) {
  const name = (tier) => join(root, `cgi-bin/htaccess.${tier}.txt`);
  await writeFile(join(folder, '.htaccess'), (await Promise.all(tiers.map((tier) => readFile(name(tier), 'utf8')))).join('\n'));
}

/** Files as an owner uploads them: the program into public_html/cgi-bin, and examples of cgi-bin/ as .htaccess. */
export async function upload(dir, tiersOf) {
  await mkdir(join(dir, 'public_html/cgi-bin'), { recursive: true });
  await copyFile(program, join(dir, 'public_html/cgi-bin/polycircle.fcgi'));
  await chmod(join(dir, 'public_html/cgi-bin/polycircle.fcgi'), 0o755);
  for (const [folder, tiers] of Object.entries(tiersOf)) await htaccess(join(dir, folder), tiers);
  if (rooted) await chown(dir, ids.uid, ids.gid);
}

/** dir/site as a home's document root of `owner`: pretty addresses, the program in site/cgi-bin, its data above. */
async function useAsOwner(dir) {
  const bin = join(dir, 'site/cgi-bin');
  await mkdir(bin, { recursive: true });
  await copyFile(join(dir, 'cgi/polycircle.fcgi'), join(bin, 'polycircle.fcgi'));
  await chmod(join(bin, 'polycircle.fcgi'), 0o755);
  await chmod(bin, 0o755);
  for (const [folder, tiers] of [['site', ['own']], ['site/cgi-bin', ['options']]]) await htaccess(join(dir, folder), tiers);
  await rm(join(dir, 'polycircle-data'), { force: true });
  await symlink('data', join(dir, 'polycircle-data'));
  await run('chown', ['-R', `${owner.uid}:${owner.gid}`, join(dir, 'site'), join(dir, 'data')]);
}

/** Commands as `sh -c` takes them, with files of the machine replaced, for this process and its children only. */
export const inPrivate = (mounts, command) => ['unshare', ['-m', 'sh', '-ec', `${mounts.map(([from, to]) => `mount --bind '${from}' '${to}'`).join('\n')}\nexec "$@"`, 'sh', ...command]];

/** Ordinary users of the machine, for the servers that serve them by suEXEC and for who looks over a fence. */
export const owner = { name: 'polyowner', uid: 24242, gid: 24242 };
export const neighbour = { name: 'polyother', uid: 24243, gid: 24243 };

export class Server {
  #child;
  #wrap;
  #output = '';

  constructor(kind, dir, port, { site = 'site', own = null, change = text => text } = {}) {
    this.kind = kind;
    this.dir = dir;
    this.port = port;
    this.site = site;
    this.own = own;
    this.change = change;
  }

  async start() {
    const in_ = (name) => join(this.dir, name);
    const args = [this.kind, '--port', String(this.port), '--site', in_(this.site), '--cgi', in_('cgi'), '--data', in_('data'), '--run', in_('run')];
    if (rooted) args.push('--user', user);
    if (this.own !== null) args.push('--htaccess');
    if (this.kind.startsWith('apache-suexec')) args.push('--owner', owner.name);
    const { stdout } = await run(join(root, 'tools/server-conf'), args);
    await writeFile(in_('server.conf'), this.change(stdout + (this.own ?? '')));
    if (this.kind === 'nginx-spawn-fcgi') await this.#spawnFcgi();
    if (this.kind === 'nginx-fcgiwrap') await this.#fcgiwrap();
    const [command, words] = await this.#command();
    this.#child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (data) => { this.#output += data; });
    await this.#listening();
  }

  async #command() {
    const conf = join(this.dir, 'server.conf');
    if (this.kind.startsWith('apache-suexec')) return inPrivate(await this.#suexec(), ['apache2', '-D', 'FOREGROUND', '-f', conf]);
    if (this.kind.startsWith('apache')) return ['apache2', ['-D', 'FOREGROUND', '-f', conf]];
    return this.kind.startsWith('nginx') ? ['nginx', ['-c', conf]] : ['lighttpd', ['-D', '-f', conf]];
  }

  /** suEXEC's log, its configuration and the users that it knows; what it is compiled to look at is replaced for it alone. */
  async #suexec() {
    const in_ = (name) => join(this.dir, 'run', name);
    await mkdir(in_('log/apache2'), { recursive: true });
    await writeFile(in_('suexec.conf'), `${this.dir}\n#public_html/cgi-bin\n`);
    const users = [owner, neighbour];
    const lines = { passwd: ({ name, uid, gid }) => `${name}:x:${uid}:${gid}::/nonexistent:/bin/sh`, group: ({ name, gid }) => `${name}:x:${gid}:` };
    for (const [file, line] of Object.entries(lines)) await writeFile(in_(file), `${await readFile(`/etc/${file}`, 'utf8')}${users.map(line).join('\n')}\n`);
    return [[in_('log'), '/var/log'], [in_('suexec.conf'), '/etc/apache2/suexec/www-data'], [in_('passwd'), '/etc/passwd'], [in_('group'), '/etc/group']];
  }

  /** The command of cgi-bin/polycircle-spawn-fcgi.service. It ends when the program runs. */
  async #spawnFcgi() {
    const unit = await readFile(join(root, 'cgi-bin/polycircle-spawn-fcgi.service'), 'utf8');
    const words = /^ExecStart=(.*)$/m.exec(unit)[1].replace('/run/polycircle/socket', join(this.dir, 'run/polycircle'))
      .replace('/usr/lib/cgi-bin/', `${this.dir}/cgi/`).replace('/var/lib/polycircle', `${this.dir}/data`);
    const command = rooted ? words : words.replace(/ -[ugUG] \S+/g, '');
    await rm(join(this.dir, 'run/polycircle'), { force: true });
    await run('/bin/sh', ['-c', command]);
  }

  async #fcgiwrap() {
    const socket = join(this.dir, 'run/fcgiwrap');
    await rm(socket, { force: true });
    // a process group of its own, to be ended as one
    this.#wrap = spawn('fcgiwrap', ['-c', '8', '-f', '-s', `unix:${socket}`], { stdio: 'ignore', detached: true, ...ids });
    for (let tries = 0; tries < 100; tries++) {
      if (await stat(socket).catch(() => null)) return;
      await sleep(50);
    }
    throw new Error('fcgiwrap made no socket');
  }

  async #listening() {
    for (let tries = 0; tries < 150; tries++) {
      if (this.#child.exitCode !== null) break;
      const open = await new Promise((resolve) => {
        const socket = connect(this.port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
      });
      if (open) return;
      await sleep(100);
    }
    const log = await readFile(join(this.dir, 'run/error.log'), 'utf8').catch(() => '');
    throw new Error(`${this.kind} did not start: ${this.#output}${log}`);
  }

  get pid() {
    return this.#child.pid;
  }

  /** Our copies of the program that run now, whoever started them. */
  async programs() {
    const found = [];
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const exe = await readlink(`/proc/${entry}/exe`).catch(() => '');
      if (exe.startsWith(`${this.dir}/`)) found.push(Number(entry));
    }
    return found;
  }

  async #end(child, signal) {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => { child.once('exit', resolve); });
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000); // Apache itself ends a child that lingers after 10 s, and removes its shared memory
    await ended;
    clearTimeout(late);
  }

  async stop(signal = 'SIGTERM') {
    await this.#end(this.#child, signal);
    // its children, which are its group, do not heed SIGTERM
    if (this.#wrap?.exitCode === null && this.#wrap.signalCode === null) process.kill(-this.#wrap.pid, 'SIGKILL');
    await this.#end(this.#wrap, 'SIGKILL');
    this.#wrap = null;
    for (let tries = 0; tries < 100; tries++) {
      const left = await this.programs();
      if (!left.length) return;
      for (const pid of left) try { process.kill(pid, tries < 50 ? 'SIGTERM' : 'SIGKILL'); } catch { /* gone */ }
      await sleep(50);
    }
    throw new Error(`${this.kind}: processes of the program survive SIGKILL`);
  }

  async errors() {
    return await readFile(join(this.dir, 'run/error.log'), 'utf8') + this.#output;
  }

  request(options) {
    return request(this.port, options);
  }

  /** One sync; gives {status, json}. */
  async sync(fields, options = {}) {
    const answer = await this.request({ method: 'POST', path: `${tier0}sync`, body: form(fields), ...options });
    return { status: answer.status, headers: answer.headers, json: parse(answer.body) };
  }
}

export const tier0 = '/cgi-bin/polycircle.fcgi/';
export const form = (fields) => `d=${Buffer.from(typeof fields === 'string' ? fields : JSON.stringify(fields)).toString('base64url')}`;

export function parse(body) {
  try {
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}

/** One request as written, on a connection of its own. A server that closes before it has read all is not an error here. */
export function request(port, { method = 'GET', path, host = 'site.example', headers = {}, body, chunked = false, timeout = 30_000 }) {
  const data = body === undefined ? undefined : Buffer.from(body);
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close'];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (data && !headers['Content-Type']) lines.push('Content-Type: application/x-www-form-urlencoded');
  if (data) lines.push(chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${data.length}`);
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const received = [];
    const timer = setTimeout(() => socket.destroy(new Error(`${method} ${path}: no answer within ${timeout} ms`)), timeout);
    let failure = null;
    socket.on('data', (piece) => received.push(piece));
    socket.on('error', (error) => { failure = error; });
    socket.on('close', () => {
      clearTimeout(timer);
      const answer = response(Buffer.concat(received), method);
      if (answer) resolve(answer);
      else reject(failure ?? new Error(`${method} ${path}: the connection closed without a whole answer`));
    });
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (data && chunked) socket.write(chunks(data));
    else if (data) socket.write(data);
  });
}

function chunks(data) {
  const out = [];
  for (let at = 0; at < data.length; at += 1000) {
    const piece = data.subarray(at, at + 1000);
    out.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...out, Buffer.from('0\r\n\r\n')]);
}

/** RFC 9112, as far as answers with Connection: close need it; null where it is cut off. */
function response(bytes, method) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [first, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(first.split(' ')[1]);
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  let body = bytes.subarray(end + 4);
  if (method !== 'HEAD' && /chunked/i.test(headers['transfer-encoding'] ?? '')) {
    const out = [];
    for (let at = 0; ;) {
      const line = body.indexOf('\r\n', at);
      if (line < 0) return null;
      const size = parseInt(body.subarray(at, line).toString(), 16);
      if (size === 0) break;
      if (line + 2 + size > body.length) return null;
      out.push(body.subarray(line + 2, line + 2 + size));
      at = line + 2 + size + 2;
    }
    body = Buffer.concat(out);
  } else if (method !== 'HEAD' && headers['content-length'] && body.length < Number(headers['content-length'])) {
    return null;
  }
  return { status, headers, body };
}

export async function removeDirectory(dir) {
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}
