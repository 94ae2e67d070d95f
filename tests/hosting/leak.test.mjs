// A whole installation inside the document root, fetched name by name through
// three servers; looked at by another user of the machine, in /proc, and in logs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, htaccess, makeDirectory, neighbour, owner, program, removeDirectory, Server } from '../servers/server.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const hex = (bytes) => randomBytes(bytes).toString('hex');
const www = { uid: Number(execFileSync('id', ['-u', 'www-data'])), gid: Number(execFileSync('id', ['-g', 'www-data'])) };

/** Everything that lies in an archive, in public_html/circle, and data beside it: the worst place. */
class Installation {
  async make(user) {
    this.dir = await makeDirectory();
    this.user = user;
    this.folder = join(this.dir, 'public_html/circle');
    await mkdir(this.folder, { recursive: true });
    for (const file of ['INSTALL', 'README.md', 'NEWS', 'COPYING']) await copyFile(join(root, file), join(this.folder, file));
    await cp(join(root, 'cgi-bin'), this.folder, { recursive: true });
    for (const name of ['polycircle.fcgi', 'polycircle.old', 'polycircle.new']) await copyFile(program, join(this.folder, name));
    await htaccess(this.folder, ['options']);
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, join(this.dir, 'public_html')]);
    await chmod(join(this.folder, 'polycircle.fcgi'), 0o755);
    await chmod(this.dir, 0o555);
    const { data } = this.#run('init', '--url', 'http://site.example/circle/polycircle.fcgi', '--root', join(this.dir, 'public_html'));
    this.data = data;
    this.circle = this.#run('circle', 'add', 'demo');
    await this.#more();
    return this;
  }

  #run(...args) {
    const env = { PATH: process.env.PATH, HOME: this.dir };
    return JSON.parse(execFileSync(join(this.folder, 'polycircle.fcgi'), [...args, '--json'], { ...this.user, env, encoding: 'utf8' }));
  }

  /** Files that come with time, and with each of them something to look for. */
  async #more() {
    await mkdir(join(this.data, 'backups'), { recursive: true, mode: 0o700 });
    for (const name of ['setup-code', 'owner-code']) await writeFile(join(this.data, name), `${hex(16)}\n`, { mode: 0o600 });
    await copyFile(join(this.data, 'polycircle.db'), join(this.data, 'backups/polycircle-1.db'));
    execFileSync('chown', ['-R', `${this.user.uid}:${this.user.gid}`, this.data]);
    execFileSync('chmod', ['-R', 'go=', this.data]);
    const codes = await Promise.all(['setup-code', 'owner-code'].map((name) => readFile(join(this.data, name), 'utf8')));
    const keys = execFileSync('sqlite3', [join(this.data, 'polycircle.db'), "SELECT quote(value) FROM instance WHERE name = 'pepper'"], { encoding: 'utf8' });
    this.secrets = [(await readFile(join(this.data, 'signing', this.circle.cid), 'utf8')).trim(), ...codes.map((code) => code.trim()), keys.trim().slice(2, -1)];
    for (const secret of this.secrets) assert.ok(secret?.length > 12, `nothing to look for: ${JSON.stringify(this.circle)}`);
  }

  async serve(kind, own = '') {
    this.server = new Server(kind, this.dir, await freePort(), { site: 'public_html', own });
    await this.server.start();
  }

  /** All names below the document root; `known`: with the random part of the data directory's name. */
  async names(known) {
    const all = (await readdir(join(this.dir, 'public_html'), { recursive: true })).map((name) => `/${name}`);
    const hidden = relative(join(this.dir, 'public_html'), this.data);
    const guess = (name) => (known ? [name] : ['polycircle-data', `polycircle-data-${'0'.repeat(32)}`].map((plain) => name.replace(basename(hidden), plain)));
    const inside = all.flatMap((name) => (name.startsWith(`/${hidden}`) ? guess(name) : [name]));
    const variants = inside.flatMap((name) => [name, `${name}/`, `${name}~`, `${name}.bak`, `${name}-wal`, `${name}-journal`, `${name}-shm`, name.replace(/\/([^/]*)$/, '/.$1.swp')]);
    return ['/', '/circle/', '/polycircle-data/', '/../polycircle-data/polycircle.db', ...variants];
  }

  /** As text, and as the bytes that a file may hold. */
  #spellings() {
    return this.secrets.flatMap((secret) => (/^([0-9a-f]{2})+$/i.test(secret) ? [secret, Buffer.from(secret, 'hex').toString('latin1')] : [secret]));
  }

  async crawl(known) {
    let fetched = 0;
    for (const name of await this.names(known)) {
      const { status, body } = await this.server.request({ path: name });
      const text = body.toString('latin1');
      assert.ok(!text.startsWith('SQLite format 3'), `${name} gives ${status} and a secret: a database`);
      for (const secret of this.#spellings()) assert.ok(!text.includes(secret), `${name} gives ${status} and a secret`);
      const directory = basename(this.data); // a redirection to its name with a slash says nothing
      if (known && name.includes(directory)) assert.ok([403, 404, 500].includes(status) || (status === 301 && name.endsWith(directory)), `${name}: ${status}`);
      assert.ok(known || directory === 'polycircle-data' || !text.includes(directory), `${name} tells the directory's name`);
      fetched++;
    }
    return fetched;
  }

  async end() {
    await this.server?.stop();
    await removeDirectory(this.dir);
  }
}

/** The two that leave no way but the name run as the data's owner and read no .htaccess. */
const constellations = [
  { kind: 'apache-suexec', user: owner, known: true }, { kind: 'apache-suexec-fcgid', user: owner, known: true },
  { kind: 'apache-cgid', user: www, known: true }, { kind: 'apache-fcgid', user: www, known: true },
  { kind: 'nginx-fcgiwrap', user: owner, known: true }, { kind: 'lighttpd-cgi', user: owner, known: true },
  { kind: 'nginx-fcgiwrap', user: www, known: false }, { kind: 'lighttpd-cgi', user: www, known: false },
];
for (const { kind, user, known } of constellations) {
  test(`${kind}, the data is ${user === www ? "the server's own" : "an ordinary user's"}: no installed name gives a secret`, async (t) => {
    const place = await new Installation().make(user);
    try {
      // nothing about Polycircle in the server: nginx and lighttpd serve every file as it is, or refuse it
      await place.serve(kind);
      t.diagnostic(`${await place.crawl(known)} names, the data directory's ${known ? 'known' : 'unknown'}`);
    } finally {
      await place.end();
    }
  });
}

test('the crawler finds what is not hidden', async () => {
  const place = await new Installation().make(www);
  try {
    await chmod(place.dir, 0o755);
    const plain = join(place.folder, 'polycircle-data');
    await rename(place.data, plain);
    place.data = plain;
    await place.serve('lighttpd-cgi');
    await assert.rejects(place.crawl(false), /a secret/);
  } finally {
    await place.end();
  }
});

test('another user reads nothing, in no file, no /proc, no log', async () => {
  const place = await new Installation().make(owner);
  const other = (...command) => execFileSync('setpriv', [`--reuid=${neighbour.uid}`, `--regid=${neighbour.gid}`, '--clear-groups', ...command], { encoding: 'utf8', maxBuffer: 64 << 20 });
  try {
    const log = join(place.dir, 'run/combined.log');
    await place.serve('apache-suexec-fcgid', `LogLevel info\nLogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined\nCustomLog ${log} combined\n`);
    const path = '/circle/polycircle.fcgi/';
    const tokens = [hex(32), hex(32)];
    const key = place.circle.api_key;
    const body = `mail${hex(20)}`;
    const sync = (fields) => place.server.sync({ v: 1, run: '00000001', ...fields }, { path: `${path}sync` });
    const sigs = await Promise.all(tokens.map(async (token) => (await sync({ token, key })).json.sig));
    assert.equal((await sync({ token: tokens[0], mail: [{ id: 'm', to: sigs[1], re: 'x', body }] })).json.sent.length, 1);
    await place.server.request({ path: `${path}signal?${key}` });

    const running = await place.server.programs();
    assert.ok(running.length > 0);
    const secrets = [...place.secrets, ...tokens, body];
    for (const pid of running) {
      const line = other('cat', `/proc/${pid}/cmdline`);
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1');
      for (const secret of secrets) assert.ok(!line.includes(secret) && !environ.includes(secret), `/proc/${pid}`);
      assert.throws(() => other('cat', `/proc/${pid}/environ`));
    }
    for (const file of await readdir(place.data, { recursive: true })) assert.throws(() => other('cat', join(place.data, file)), `another user reads ${file}`);
    assert.throws(() => other('ls', place.data));

    for (const name of ['run/combined.log', 'run/access.log', 'run/error.log', 'run/log/apache2/suexec.log']) {
      const text = await readFile(join(place.dir, name), 'latin1');
      assert.ok(text.length > 0, `${name} is empty`);
      for (const secret of secrets) assert.ok(!text.includes(secret), `${name} has a secret`);
    }
  } finally {
    await place.end();
  }
});
