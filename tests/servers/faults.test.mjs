// What a bad day does to an instance: files damaged, vanished or read-only
// under running processes, a full disk, a clock set back. Each must give a
// documented error at most, and lose nothing that lives in polycircle.db.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { statSync, truncateSync } from 'node:fs';
import { chmod, open, readdir, readFile, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { form, makeDirectory, must, parse, polycircle, program, removeDirectory, startServer, tier0 } from './server.mjs';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const protocol = await readFile(new URL('../../doc/PROTOCOL.md', import.meta.url), 'utf8');
/** @type {Map<string, number>} every documented error and its status */
const documented = new Map([...protocol.matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [code, Number(status)]));

/** An instance behind a server, with one circle. */
async function withServer(kind, run, { prepare, undo, journal = 'auto' } = {}) {
  const dir = await makeDirectory();
  let server;
  try {
    await prepare?.(dir);
    await must(dir, ['init', '--url', `http://site.example${tier0}`, '--journal', journal]);
    const circle = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
    server = await startServer(kind, dir);
    assert.equal((await server.request({ path: `${tier0}signal?${circle.api_key}` })).status, 200); // the package is made on its first use
    await run({ server, dir, ...circle });
  } finally {
    await server?.stop();
    await undo?.(dir);
    await removeDirectory(dir);
  }
}

function checkDocumented({ status, json }) {
  assert.equal(json?.polycircle, 1, `not an answer of ours: ${status} ${JSON.stringify(json)}`);
  if (json.error) assert.equal(documented.get(json.error), status, `${json.error} ${status} is not in doc/PROTOCOL.md`);
}

class Signal {
  token = hex(32);
  constructor(server, key, run = hex(4)) {
    this.server = server;
    this.key = key;
    this.run = run;
  }
  async sync(fields = {}) {
    const answer = await this.server.sync({ v: 1, token: this.token, run: this.run, ...fields });
    checkDocumented(answer);
    return answer;
  }
  join() {
    return this.sync({ key: this.key });
  }
  /** As a client does it: joins again when it is told to. */
  async comeBack() {
    for (let tries = 0; tries < 10; tries++) {
      const answer = await this.sync();
      if (answer.status === 200) return answer;
      const joined = await this.join();
      if (joined.status === 200) return joined;
    }
    throw new Error('the signal never came back');
  }
}

const liveFiles = async (dir) => (await readdir(join(dir, 'data'))).filter((name) => name.startsWith('live-'));
const gen = async (server) => parse((await server.request({ path: `${tier0}health` })).body).gen;

/** After a loss: everybody comes back, to the same place whichever process answers, and the circle is as it was. */
async function recovers(instance, signals) {
  for (const signal of signals) await signal.comeBack();
  const shown = JSON.parse(await must(instance.dir, ['circle', 'show', 'demo', '--json']));
  assert.equal(shown.cid, instance.cid);
  await must(instance.dir, ['check']);
  // a process that had all it needed in memory may have learned of the loss only now
  for (const signal of signals) await signal.comeBack();
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(signals.map((signal) => signal.sync()));
    assert.deepEqual(answers.map(({ status }) => status), signals.map(() => 200), 'all processes know all signals');
  }
}

const losses = {
  'overwritten with garbage': async (path) => {
    const file = await open(path, 'r+');
    const { size } = await file.stat();
    await file.write(randomBytes(size), 0, size, 0);
    await file.close();
  },
  'damaged in the middle': async (path) => {
    const file = await open(path, 'r+');
    const { size } = await file.stat();
    await file.write(randomBytes(size - 4096), 0, size - 4096, 4096);
    await file.close();
  },
  'cut to nothing': (path) => truncate(path, 0),
  'cut to half': async (path) => truncate(path, Math.floor((await stat(path)).size / 2)),
  'deleted': (path) => unlink(path),
};

for (const journal of ['truncate', 'wal']) {
  for (const [what, damage] of Object.entries(losses)) {
    for (const kind of ['lighttpd-fastcgi', 'lighttpd-cgi']) {
      test(`live database ${what} under ${kind}, journal ${journal}`, () => withServer(kind, async (instance) => {
        const { server, dir, api_key: key } = instance;
        const signals = Array.from({ length: 6 }, () => new Signal(server, key));
        for (const signal of signals) assert.equal((await signal.join()).status, 200);
        await Promise.all(signals.map((signal) => signal.sync())); // so that both processes have the file open
        const before = await gen(server);
        for (const name of await liveFiles(dir)) {
          if (name.endsWith('.db')) await damage(join(dir, 'data', name));
          else if (what === 'deleted') await rm(join(dir, 'data', name), { force: true });
        }
        await recovers(instance, signals);
        assert.ok(await gen(server) > before, 'a lost live database is followed by another generation, never reused');
      }, { journal }));
    }
  }
}

test('nothing set up yet', async () => {
  const dir = await makeDirectory();
  const server = await startServer('lighttpd-fastcgi', dir);
  try {
    for (const path of ['health', 'signal?key', 'circles.json']) {
      const answer = await server.request({ path: tier0 + path });
      assert.equal(answer.status, 503);
      assert.equal(parse(answer.body).error, 'not_set_up');
    }
    assert.deepEqual((await server.sync({ v: 1, token: hex(32), run: hex(4), key: 'k' })).json.error, 'not_set_up');
    await must(dir, ['init', '--url', `http://site.example${tier0}`]);
    assert.equal((await server.request({ path: `${tier0}health` })).status, 200, 'the running processes notice that it is set up');
  } finally {
    await server.stop();
    await removeDirectory(dir);
  }
});

test('polycircle.db damaged', () => withServer('lighttpd-cgi', async ({ server, dir, api_key: key }) => {
  const path = join(dir, 'data/polycircle.db');
  const whole = await readFile(path);
  await writeFile(path, randomBytes(whole.length));
  for (const suffix of ['-wal', '-shm', '-journal']) await rm(path + suffix, { force: true });
  const signal = new Signal(server, key);
  assert.equal((await signal.join()).json.error, 'damaged');
  assert.notEqual((await polycircle(dir, ['check'])).code, 0);
  await writeFile(path, whole);
  assert.equal((await signal.join()).status, 200);
}, { journal: 'truncate' }));

for (const kind of ['lighttpd-cgi', 'lighttpd-fastcgi']) {
  test(`a read-only data directory under ${kind}`, () => withServer(kind, async (instance) => {
    const { server, dir, api_key: key, cid } = instance;
    const old = new Signal(server, key);
    assert.equal((await old.join()).status, 200);
    await server.stop(); // what is open already could go on writing
    const data = join(dir, 'data');
    const names = await readdir(data);
    const modes = new Map();
    for (const name of names) {
      const { mode } = await stat(join(data, name));
      modes.set(name, mode & 0o777);
      if ((await stat(join(data, name))).isFile()) await chmod(join(data, name), 0o400);
    }
    await chmod(data, 0o500);
    await server.start();
    try {
      const newcomer = new Signal(server, key);
      const refused = await newcomer.join();
      assert.deepEqual([refused.status, refused.json.error], [503, 'read_only']);
      for (const path of [`signal?${key}`, 'circles.json', `manifest/${cid}.json`, 'client.js']) {
        const { status } = await server.request({ path: tier0 + path });
        assert.equal(status, path.startsWith('manifest') ? 404 : 200, `reading goes on: ${path}`);
      }
      const added = await polycircle(dir, ['circle', 'add', 'more']);
      assert.notEqual(added.code, 0);
      assert.match(added.stderr, /read-only|cannot be written|mode/i);
    } finally {
      await chmod(data, 0o700);
      for (const [name, mode] of modes) await chmod(join(data, name), mode);
    }
    await recovers(instance, [old, new Signal(server, key)]);
  }, { journal: 'truncate' }));
}

const asRoot = (command, ...args) => (process.getuid() === 0 ? execFileSync(command, args) : execFileSync('sudo', ['-n', command, ...args]));

for (const kind of ['lighttpd-cgi', 'lighttpd-fastcgi']) {
  test(`a full disk under ${kind}`, () => withServer(kind, async ({ server, dir, api_key: key, cid }) => {
    const early = new Signal(server, key);
    assert.equal((await early.join()).status, 200);
    const filler = join(dir, 'data/filler');
    execFileSync('sh', ['-c', 'cat /dev/zero > "$0" 2>/dev/null || :', filler]);
    const looked = await polycircle(dir, ['selftest', '--json']);
    assert.deepEqual([looked.code, JSON.parse(looked.stdout).lines.find(({ id }) => id === 'space').level], [1, 'fail'], 'the self-test says so');
    const crowd = [];
    let refused = null;
    for (let n = 0; n < 400 && !refused; n++) {
      const signal = new Signal(server, key);
      const answer = await signal.join();
      if (answer.status === 200) crowd.push(signal);
      else refused = answer;
    }
    assert.deepEqual([refused?.status, refused?.json.error], [503, 'disk_full']);
    for (const path of [`signal?${key}`, 'circles.json', 'client.js', 'health']) {
      assert.equal((await server.request({ path: tier0 + path })).status, 200, `reading goes on: ${path}`);
    }
    const added = await polycircle(dir, ['circle', 'add', 'more']);
    if (added.code !== 0) assert.match(added.stderr, /full|space/i);
    await unlink(filler);
    await recovers({ dir, cid }, [early, ...crowd.slice(0, 10), new Signal(server, key)]);
    assert.equal((await polycircle(dir, ['circle', 'add', 'later'])).code, 0);
    if (added.code === 0) await must(dir, ['circle', 'show', 'more']);
  }, {
    journal: 'truncate',
    prepare: async (dir) => {
      const { uid, gid } = await stat(join(dir, 'data'));
      asRoot('mount', '-t', 'tmpfs', '-o', `size=1m,mode=0700,uid=${uid},gid=${gid}`, 'polycircle-test', join(dir, 'data'));
    },
    undo: (dir) => asRoot('umount', join(dir, 'data')),
  }));
}

test('a disk that is full while an instance is set up', async () => {
  const dir = await makeDirectory(), data = join(dir, 'data'), filler = join(data, 'filler'), { uid, gid } = await stat(data);
  asRoot('mount', '-t', 'tmpfs', '-o', `size=1m,mode=0700,uid=${uid},gid=${gid}`, 'polycircle-test', data);
  let server;
  try {
    server = await startServer('lighttpd-fastcgi', dir);
    const owner = async fields => server.request({ method: 'POST', path: `${tier0}owner`, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: form({ v: 1, ...fields }) });
    assert.equal((await server.request({ path: `${tier0}setup` })).status, 200);
    const code = (await readFile(join(data, 'setup-code'), 'utf8')).trim(), begin = { do: 'begin', code, url: `http://site.example${tier0}` };
    for (const left of [0, 1, 3, 6, 10, 20, 30, 40, 60]) { // blocks: each time it ends somewhere else
      execFileSync('sh', ['-c', 'cat /dev/zero > "$0" 2>/dev/null || :', filler]);
      truncateSync(filler, Math.max(0, statSync(filler).size - left * 4096));
      for (let i = 0; i < 3; i++) {
        const answer = await owner(begin);
        assert.ok(answer.status === 200 || parse(answer.body)?.error === 'disk_full', `${left} blocks: ${answer.status} ${answer.body}`);
      }
      await unlink(filler);
    }
    for (let i = 0; i < 8; i++) assert.equal((await owner(begin)).status, 200, 'with room again, in every process');
    for (let i = 0; i < 8; i++) assert.equal((await server.request({ path: `${tier0}health` })).status, 200);
  } finally {
    await server?.stop();
    asRoot('umount', data);
    await removeDirectory(dir);
  }
});

/** One request as a web server makes it of a CGI program, at another time of day. */
function cgiAt(dir, shift, fields, tries = 20) {
  const body = form(fields);
  const env = {
    PATH: process.env.PATH, POLYCIRCLE_DATA: join(dir, 'data'), GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', REQUEST_METHOD: 'POST',
    SCRIPT_NAME: '/cgi-bin/polycircle.fcgi', PATH_INFO: '/sync', REQUEST_URI: `${tier0}sync`, QUERY_STRING: '', HTTP_HOST: 'site.example',
    SERVER_NAME: 'site.example', SERVER_PORT: '80', REMOTE_ADDR: '127.0.0.1', CONTENT_LENGTH: String(body.length),
    CONTENT_TYPE: 'application/x-www-form-urlencoded',
  };
  return new Promise((resolve, reject) => {
    const at = shift ? ['-f', shift] : ['-f', '+0'];
    const { uid, gid } = identity(dir);
    const child = execFile('faketime', [...at, join(dir, 'cgi/polycircle.fcgi')], { env, uid, gid, timeout: 30_000 }, (error, stdout, stderr) => {
      // a semaphore of its process number, which somebody's killed faketime has left: another number has none
      if (/sem_open/.test(stderr) && tries) return resolve(cgiAt(dir, shift, fields, tries - 1));
      if (error) return reject(new Error(`${error.message}\n${stderr}`));
      const end = stdout.indexOf('\r\n\r\n');
      const status = Number(/^Status: (\d+)/im.exec(stdout)?.[1] ?? 200);
      const answer = { status, json: parse(stdout.slice(end + 4)) };
      checkDocumented(answer);
      return resolve(answer);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(body);
  });
}

const identities = new Map();
function identity(dir) {
  if (!identities.has(dir)) {
    const [uid, gid] = execFileSync('stat', ['-c', '%u %g', join(dir, 'data')], { encoding: 'utf8' }).split(' ').map(Number);
    identities.set(dir, process.getuid() === 0 ? { uid, gid } : {});
  }
  return identities.get(dir);
}

test('the clock set back a day', async () => {
  assert.match(execFileSync('ldd', [program], { encoding: 'utf8' }), /libc\.so/, 'faketime needs a dynamic program');
  const dir = await makeDirectory();
  try {
    await must(dir, ['init', '--url', `http://site.example${tier0}`]);
    const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
    const [a, b, c] = Array.from({ length: 3 }, () => ({ v: 1, token: hex(32), run: hex(4) }));
    const now = (fields) => cgiAt(dir, null, fields);
    const yesterday = (fields) => cgiAt(dir, '-1d', fields);
    const sigA = (await now({ ...a, key })).json.sig;
    assert.equal((await now({ ...a, offers: [{ id: 'o1', sdp: 'AAAA' }, { id: 'o2', sdp: 'BBBB' }] })).status, 200);
    assert.equal((await now({ ...b, key })).status, 200);

    const still = await yesterday(a);
    assert.equal(still.status, 200, 'a signal is not lost');
    assert.ok(still.json.due_ms > 0 && still.json.due_ms <= 40 * 60_000, `due_ms ${still.json.due_ms}`);
    const newcomer = await yesterday({ ...c, key });
    assert.equal(newcomer.status, 200);
    assert.ok(newcomer.json.due_ms > 0 && newcomer.json.due_ms <= 40 * 60_000);
    const sent = await yesterday({ ...c, mail: [{ id: 'm', to: sigA, re: 'o1', body: 'CCCC' }] });
    assert.equal(sent.json.sent[0].error, undefined);
    assert.ok(sent.json.sent[0].due_ms <= 40 * 60_000, `due_ms ${sent.json.sent[0].due_ms}`);
    const read = await yesterday(a);
    assert.equal(read.json.mail?.[0]?.body, 'CCCC', 'mail arrives');

    for (const signal of [a, b, c]) { // when the clock is right again a day has passed for them
      assert.ok([200, 409].includes((await now(signal)).status), 'known, or told to join again');
      assert.equal((await now({ ...signal, key })).status, 200);
      assert.equal((await now(signal)).status, 200);
    }
    await must(dir, ['check']);
  } finally {
    await removeDirectory(dir);
  }
});

test('the clock a day ahead, and right again', async () => {
  const dir = await makeDirectory();
  try {
    await must(dir, ['init', '--url', `http://site.example${tier0}`]);
    const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
    const [a, b] = Array.from({ length: 2 }, () => ({ v: 1, token: hex(32), run: hex(4) }));
    assert.equal((await cgiAt(dir, '+1d', { ...a, key })).status, 200);
    assert.equal((await cgiAt(dir, '+1d', { ...a, offers: [{ id: 'o1', sdp: 'AAAA' }] })).status, 200);
    const answer = await cgiAt(dir, null, { ...b, key });
    assert.equal(answer.status, 200);
    assert.ok(answer.json.due_ms <= 40 * 60_000, 'a time in the future does not make anybody wait for it');
    const again = await cgiAt(dir, null, a);
    assert.ok([200, 409].includes(again.status), 'known, or told to join again');
    assert.equal((await cgiAt(dir, null, { ...a, key })).status, 200);
  } finally {
    await removeDirectory(dir);
  }
});
