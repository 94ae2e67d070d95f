// Keeping an instance: backup and restore while it is in use and while they are
// killed at every step (POLYCIRCLE_LONG=1; else at some), a full disk, a
// restore without a shell, and what doctor mends, each damage made for real.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { makeDirectory, must, parse, polycircle, removeDirectory, startServer, tier0 } from '../servers/server.mjs';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const sql = (file, text) => execFileSync('sqlite3', [file, text], { encoding: 'utf8' }).trim();
const whole = (file) => assert.equal(sql(file, 'pragma integrity_check'), 'ok', file);
const cans = (file) => sql(file, 'select can from circle order by can').split('\n').filter(Boolean);
const daily = /^polycircle-\d{4}-\d\d-\d\d\.db$/;
const rooted = process.getuid?.() === 0;
const asUser = rooted ? { uid: Number(execFileSync('id', ['-u', 'www-data'])), gid: Number(execFileSync('id', ['-g', 'www-data'])) } : {};
/** A file as the owner has it on the host. */
const own = (file) => { if (rooted) execFileSync('chown', ['www-data:www-data', file]); };

async function withInstance(run, { journal = 'auto', kind, prepare, undo } = {}) {
  const dir = await makeDirectory();
  const at = (name) => join(dir, 'data', name);
  let server;
  try {
    await prepare?.(dir);
    await must(dir, ['init', '--url', `http://site.example${tier0}`, '--journal', journal]);
    const circle = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
    if (kind) server = await startServer(kind, dir);
    await run({ dir, at, server, key: circle.api_key, command: (...args) => polycircle(dir, args), must: (...args) => must(dir, args) });
  } finally {
    await server?.stop();
    await undo?.(dir);
    await removeDirectory(dir);
  }
}

/** Signals that sync all the time, as clients do, and an owner who adds circles: what was acknowledged, and when. */
class Load {
  going = true;
  answers = 0;
  joins = 0;
  /** @type {{can: string, asked: number, acknowledged: number}[]} */
  added = [];

  constructor({ server, key, dir }, signals = 4) {
    this.#all = [...Array.from({ length: signals }, () => this.#signal(server, key)), this.#owner(dir)];
    for (const one of this.#all) one.catch(() => {});  // end() tells; what a test that has failed leaves does not hide why
  }
  #all;
  async #signal(server, key) {
    const token = hex(32), run = hex(4);
    for (let joined = false; this.going; await sleep(10)) {
      const { status, json } = await server.sync({ v: 1, token, run, ...(joined ? {} : { key }) });
      assert.equal(json?.polycircle, 1, `${status}`);
      if (!json.error) {
        this.answers++;
        this.joins += !joined;
      } else assert.ok(['rejoin', 'busy'].includes(json.error), JSON.stringify(json));
      joined = json.error !== 'rejoin' && (joined || !json.error);
    }
  }
  async #owner(dir) {
    for (let n = 0; this.going; n++) {
      const asked = performance.now(), { code, stderr } = await polycircle(dir, ['circle', 'add', `load-${n}`]);
      if (code === 0) this.added.push({ can: `load-${n}`, asked, acknowledged: performance.now() });
      else assert.match(stderr, /locked|try again/, stderr);
    }
  }
  async end() {
    this.going = false;
    await Promise.all(this.#all);
  }
}

for (const journal of ['truncate', 'wal']) {
  test(`backups under load are whole and hold all that was acknowledged, journal ${journal}`, () => withInstance(async (instance) => {
    const load = new Load(instance);
    const taken = [];
    for (let n = 0; n < 15; n++) {
      const file = join(instance.dir, 'run', `copy-${n}.db`), asked = performance.now();
      const { code, stderr } = await instance.command('backup', file);
      assert.equal(code, 0, stderr);
      taken.push({ file, asked });
      await sleep(50);
    }
    await load.end();
    const made = await readdir(instance.at('backups'));
    assert.deepEqual(made.filter((name) => daily.test(name)), made, 'the day\'s own is made by itself, after an answer');
    assert.equal(made.length, 1);
    whole(instance.at(`backups/${made[0]}`));
    assert.ok(load.answers > 50 && load.added.length > 5, `${load.answers} answers, ${load.added.length} circles`);
    for (const { file, asked } of taken) {
      whole(file);
      const found = cans(file);
      for (const { can, acknowledged } of load.added) if (acknowledged < asked) assert.ok(found.includes(can), `${can} in ${file}`);
    }
  }, { journal, kind: 'lighttpd-fastcgi' }));

  test(`a restore under load: each acknowledged circle is in polycircle.db or in what was kept, journal ${journal}`, () => withInstance(async (instance) => {
    const copy = join(instance.dir, 'run', 'copy.db');
    await instance.must('backup', copy);
    const before = await instance.server.programs(), load = new Load(instance), ended = [];
    for (let n = 0; n < 4; n++) {
      await sleep(400);
      const { joins } = load;
      await instance.must('restore', copy);
      ended.push(performance.now());
      for (const end = Date.now() + 10_000; load.joins < joins + 4; await sleep(20)) assert.ok(Date.now() < end, 'every signal joins again by itself');
      await sleep(700); // a name of what is kept has seconds
    }
    await load.end();
    const kept = (await readdir(instance.at('backups'))).filter((name) => name.includes('-before-restore-')).map((name) => instance.at(`backups/${name}`));
    assert.equal(kept.length, 4);
    for (const file of [instance.at('polycircle.db'), ...kept]) whole(file);
    const now = cans(instance.at('polycircle.db')), somewhere = new Set([instance.at('polycircle.db'), ...kept].flatMap(cans));
    for (const { can, asked } of load.added) {
      assert.ok(somewhere.has(can), `${can} is nowhere`);
      if (asked > ended.at(-1)) assert.ok(now.includes(can), `${can} came after the last restore`);
    }
    assert.ok(load.added.some(({ can }) => !now.includes(can)), 'it did restore');
    await instance.must('doctor');
    const after = await instance.server.programs();
    assert.ok(before.every((pid) => after.includes(pid)), 'no process had to end for it');
  }, { journal, kind: 'lighttpd-fastcgi' }));
}

/** Runs a command and kills it, as by kill -9, when it makes system call `call` for the n-th time. Whether it came to that. */
function killed(dir, [call, n], args) {
  return new Promise((resolve) => {
    execFile('strace', ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${n}`,
      join(dir, 'cgi/polycircle.fcgi'), ...args], { ...asUser, env: { ...process.env, POLYCIRCLE_DATA: join(dir, 'data') }, timeout: 60_000 },
    (error) => resolve(error?.signal === 'SIGKILL' || error?.code === 137));
  });
}

const STRIDE = process.env.POLYCIRCLE_LONG ? 1 : 5, STEP = STRIDE === 1 ? 'step' : 'fifth write and at every change of a name';
const names = ['rename', 'link', 'unlink'];

/** Kills it before each system call that changes a file, in turn; of those that write before each of STRIDE. */
async function everyStep(dir, args, reset, look) {
  let kills = 0;
  for (const call of ['write', 'pwrite64', 'fsync', 'fdatasync', 'ftruncate', 'mkdir', ...names]) {
    for (let n = 1; ; n += names.includes(call) ? 1 : STRIDE, kills++) {
      await reset();
      const dead = await killed(dir, [call, n], args);
      await look(`${call} ${n}`);
      if (!dead) break;
    }
  }
  return kills;
}

const states = {
  whole: async () => {},
  damaged: async ({ at }) => { await writeFile(at('polycircle.db'), 'garbage, garbage, garbage, garbage'); own(at('polycircle.db')); },
  // another process has it open, and of a WAL its last commits stand in that alone
  'of another form': async (instance) => {
    const other = instance.other = spawn('sqlite3', [instance.at('polycircle.db')], { ...asUser, stdio: ['pipe', 'pipe', 'inherit'] });
    other.stdin.write("pragma wal_autocheckpoint=0; alter table circle add column x; update circle set can = 'last' where can = 'later'; select 'made';\n");
    for (let said = ''; !said.includes('made');) said += (await once(other.stdout, 'data'))[0];
  },
};
const either = { whole: ['demo', 'demo,later'], damaged: ['damaged', 'demo'], 'of another form': ['demo', 'demo,last'] };
for (const [journal, state] of ['whole', 'damaged', 'of another form'].flatMap((state) => [['truncate', state], ['wal', state]])) {
  test(`kill -9 at every ${STEP} of a restore, polycircle.db ${state}, journal ${journal}`, { timeout: 600_000 }, (t) => withInstance(async (instance) => {
    const { dir, at } = instance, copy = join(dir, 'run/copy.db'), now = join(dir, 'run/now.db');
    await instance.must('backup', copy);
    await instance.must('circle', 'add', 'later');
    await instance.must('circle', 'rekey', 'demo'); // the copy has an older key
    await copyFile(at('polycircle.db'), now);
    if (journal === 'wal') assert.equal(sql(now, 'pragma journal_mode'), 'wal');
    const alone = () => { instance.other?.kill('SIGKILL'); };
    const reset = async () => {
      alone();
      await chmod(at('.'), 0o700);
      for (const name of await readdir(at('.'))) if (/^polycircle\.db|\.part/.test(name)) execFileSync('rm', ['-f', at(name)]);
      execFileSync('rm', ['-rf', at('backups')]);
      await copyFile(now, at('polycircle.db'));
      own(at('polycircle.db'));
      await states[state](instance);
    };
    const seen = new Set();
    const kills = await everyStep(dir, ['restore', copy], reset, async (n) => {
      const shown = await instance.command('circle', 'list', '--json');
      if (state === 'damaged' && shown.code !== 0) {
        assert.equal(JSON.parse(shown.stdout).error, 'damaged', `step ${n}: ${shown.stdout}${shown.stderr}`);
        seen.add('damaged');
        await instance.must('restore', copy); // the owner says it again
      } else {
        assert.equal(shown.code, 0, `step ${n}: ${shown.stderr}`);
        seen.add(JSON.parse(shown.stdout).map(({ can }) => can).join());
      }
      whole(at('polycircle.db'));
      const { checks } = JSON.parse((await instance.command('check', '--json')).stdout);
      assert.match(checks.find(({ what }) => what === 'signing keys').text, /each there and the right one/, `step ${n}`);
      await instance.must('doctor'); // what was interrupted is cleaned up
      assert.deepEqual((await readdir(at('.'))).filter((name) => name.includes('.part')), [], `step ${n}`);
    }).finally(alone);
    assert.deepEqual([...seen].sort(), either[state], 'before it or after it, nothing between');
    assert.ok(kills >= 20 / STRIDE, `${kills} kills`);
    t.diagnostic(`${kills} kills`);
  }, { journal }));
}

test(`kill -9 at every ${STEP} of a backup`, { timeout: 600_000 }, (t) => withInstance(async (instance) => {
  const { dir, at } = instance;
  const backups = async () => (await readdir(at('backups')).catch(() => [])).filter((name) => name.endsWith('.db'));
  const reset = async () => execFileSync('rm', ['-rf', at('backups')]);
  const seen = new Set();
  const kills = await everyStep(dir, ['backup'], reset, async (n) => {
    const found = await backups();
    seen.add(found.length);
    for (const name of found) whole(at(`backups/${name}`));
    whole(at('polycircle.db'));
    const { code, stderr } = await instance.command('backup');
    assert.equal(code, 0, `step ${n}: ${stderr}`);
    const now = await backups();
    assert.deepEqual([now.length, now.filter((name) => daily.test(name)).length], [found.length + 1, 1], 'one more, and that one is today\'s');
    assert.deepEqual((await readdir(at('backups'))).filter((name) => name.includes('.part')), [], 'the next one takes the part away');
  });
  assert.deepEqual([...seen].sort(), [0, 1]);
  assert.ok(kills >= 10 / STRIDE, `${kills} kills`);
  t.diagnostic(`${kills} kills`);
}));

test('without a shell: a backup renamed to polycircle.restore is restored by the next request', () => withInstance(async (instance) => {
  const { at, server } = instance, health = async () => parse((await server.request({ path: `${tier0}health` })).body);
  await instance.must('backup');
  const [name] = await readdir(at('backups'));
  await utimes(at(`backups/${name}`), 1700000000, 1700000000);
  await instance.must('circle', 'add', 'later');
  const { gen } = await health();
  await rename(at(`backups/${name}`), at('polycircle.restore'));
  const answers = await Promise.all(Array.from({ length: 8 }, health));
  assert.ok(answers.every(({ ok, error }) => ok || error === 'busy'), JSON.stringify(answers));
  assert.deepEqual(cans(at('polycircle.db')), ['demo']);
  assert.ok((await health()).gen > gen);
  const kept = (await readdir(at('backups'))).filter((file) => !daily.test(file)); // the day's own is made after an answer
  assert.deepEqual(kept.map((file) => file.replace(/[\d-]+T.*/, '')).sort(), ['polycircle-before-restore', 'polycircle-restored'], 'once, and both are kept');
  assert.deepEqual(cans(at(`backups/${kept.find((file) => file.includes('before'))}`)), ['demo', 'later']);
  // also when nothing can be read any more
  await server.stop(); // who has it open may have all of it in memory
  await writeFile(at('polycircle.db'), 'garbage');
  await server.start();
  assert.equal((await health()).error, 'damaged');
  await rename(at(`backups/${kept.find((file) => file.includes('restored'))}`), at('polycircle.restore'));
  assert.equal((await health()).ok, true);
  assert.deepEqual(cans(at('polycircle.db')), ['demo']);
}, { kind: 'lighttpd-fastcgi' }));

test('a database of a newer version is refused in words, as it is and as a backup', () => withInstance(async (instance) => {
  const { at, dir, server } = instance, copy = join(dir, 'run/copy.db');
  await instance.must('backup', copy);
  sql(copy, 'pragma user_version=99');
  const restored = await instance.command('restore', copy);
  assert.equal(restored.code, 1);
  assert.match(restored.stderr, /version 99, this program knows \d+: put the newer program back/);
  assert.equal(parse((await server.request({ path: `${tier0}health` })).body).ok, true, 'nothing has changed');
  sql(at('polycircle.db'), 'pragma user_version=99');
  for (const args of [['circle', 'list'], ['backup'], ['doctor']]) {
    const { code, stderr, stdout } = await instance.command(...args);
    assert.equal(code, 1);
    assert.match(stderr + stdout, /put the newer program back/, args.join(' '));
  }
  await server.stop();
  await server.start();
  const { status, body } = await server.request({ path: `${tier0}health` });
  assert.deepEqual([status, parse(body).error], [503, 'newer']);
  assert.match(parse(body).text, /put the newer program back/);
}, { kind: 'lighttpd-fastcgi' }));

const asRoot = (...command) => execFileSync(rooted ? command[0] : 'sudo', rooted ? command.slice(1) : ['-n', ...command]);
test('a disk on which a copy takes longer than any answer may: it is made even so, by itself', { timeout: 240_000 }, () => withInstance(async ({ dir, at, key }) => {
  const PAGES = 2300, DELAY_US = 15_000, ANSWER_S = 25;
  sql(at('polycircle.db'), `insert into instance values('ballast', zeroblob(${4096 * PAGES}))`);
  assert.ok(PAGES * DELAY_US > 1e6 * ANSWER_S * 1.2);
  const arrival = () => `d=${Buffer.from(JSON.stringify({ v: 1, key, token: hex(32), run: hex(4) })).toString('base64url')}`, body = arrival();
  const env = { ...asUser.uid && { HOME: dir }, PATH: process.env.PATH, POLYCIRCLE_DATA: at('.'), GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'POST', SCRIPT_NAME: '/p', PATH_INFO: '/sync', REQUEST_URI: '/p/sync',
    HTTP_HOST: 'site.example', REMOTE_ADDR: '198.51.100.7', CONTENT_LENGTH: String(body.length), CONTENT_TYPE: 'application/x-www-form-urlencoded' };
  const run = execFile('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=pwrite64', '-e', `inject=pwrite64:delay_exit=${DELAY_US}`, join(dir, 'cgi/polycircle.fcgi')], { env, ...asUser, cwd: dir });
  let over = false;
  const ended = new Promise(resolve => { run.once('exit', resolve); }).then(() => { over = true; });
  run.stdin.end(body);
  const copies = async () => (await readdir(at('backups')).catch(() => [])).filter(name => daily.test(name));
  let slowest = 0, joins = 0;
  while (!over && !(await copies()).length) {
    await sleep(1000);
    if (!existsSync(at('backups')) || !existsSync(at('live-1.db'))) continue;
    sql(at('live-1.db'), '.timeout 5000\nupdate folded set at = 0'); // this one writes into polycircle.db, too
    const began = Date.now(), next = execFile(join(dir, 'cgi/polycircle.fcgi'), { env, ...asUser, cwd: dir });
    next.stdin.end(arrival());
    await new Promise(resolve => { next.once('exit', resolve); });
    slowest = Math.max(slowest, Date.now() - began);
    joins++;
  }
  assert.ok(joins > 5 && slowest < 3000, `${joins} visitors came meanwhile, and waited ${slowest} ms at most`);
  const [name] = await copies();
  assert.ok(name, 'the copy of today');
  whole(at(`backups/${name}`));
  await ended;
}, { journal: 'truncate' }));

test('a full disk: no backup, no restore, nothing half-written, and it works again', () => withInstance(async (instance) => {
  const { at, dir } = instance, copy = join(dir, 'run/copy.db');
  await instance.must('backup', copy);
  await instance.must('backup');
  await instance.must('circle', 'add', 'later');
  const daily = (await readdir(at('backups')))[0], bytes = await readFile(at(`backups/${daily}`));
  await writeFile(at('filler'), '');
  await assert.rejects(writeFile(at('filler'), Buffer.alloc(2 << 20)), { code: 'ENOSPC' });
  for (const args of [['backup'], ['restore', copy]]) {
    const { code, stdout } = await instance.command(...args, '--json');
    assert.deepEqual([code, JSON.parse(stdout).error], [1, 'disk_full'], args.join(' '));
  }
  assert.deepEqual(await readdir(at('backups')), [daily], 'nothing half-written');
  assert.ok(bytes.equals(await readFile(at(`backups/${daily}`))), 'the one of before stays');
  assert.deepEqual((await readdir(at('.'))).filter((name) => name.includes('.part')), []);
  assert.deepEqual(cans(at('polycircle.db')), ['demo', 'later']);
  execFileSync('rm', [at('filler')]);
  await instance.must('backup');
  await instance.must('restore', copy);
  assert.deepEqual(cans(at('polycircle.db')), ['demo']);
}, {
  journal: 'truncate', // a WAL needs room even to be read
  prepare: (dir) => asRoot('mount', '-t', 'tmpfs', '-o', `size=900k,mode=0700,uid=${asUser.uid ?? process.getuid()},gid=${asUser.gid ?? process.getgid()}`,
    'polycircle-test', join(dir, 'data')),
  undo: (dir) => asRoot('umount', join(dir, 'data')),
}));

test('what root does by hand or by cron is the owner\'s, and what root has made before is told', { skip: !rooted && 'needs root' }, () => withInstance(async ({ dir, at, must, key }) => {
  const env = { PATH: process.env.PATH, POLYCIRCLE_DATA: at('.') }, program = join(dir, 'cgi/polycircle.fcgi');
  const others = () => execFileSync('find', [at('.'), '!', '-user', 'www-data'], { encoding: 'utf8' });
  const visit = () => {
    const body = `d=${Buffer.from(JSON.stringify({ v: 1, key, token: hex(32), run: hex(4) })).toString('base64url')}`;
    const { stdout, stderr } = spawnSync(program, { input: body, encoding: 'utf8', ...asUser, cwd: dir, env: { ...env, GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'POST', SCRIPT_NAME: '/p', PATH_INFO: '/sync',
      REQUEST_URI: '/p/sync', HTTP_HOST: 'site.example', REMOTE_ADDR: '198.51.100.7', CONTENT_LENGTH: String(body.length), CONTENT_TYPE: 'application/x-www-form-urlencoded' } });
    assert.match(stdout, /"sig"/);
    return stderr;
  };
  const copies = () => readdir(at('backups')).catch(() => []);
  const words = [['backup'], ['owner', '--new'], ['circle', 'rekey', 'demo'], ['circle', 'add', 'root'], ['set', 'budget', '9'], ['doctor']];
  for (const command of words) {
    execFileSync(program, command, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    assert.equal(others(), '', command.join(' '));
  }
  const [copy] = await copies();
  execFileSync(program, ['restore', at(`backups/${copy}`)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  assert.equal(others(), '', 'restore');
  assert.equal(visit(), '', 'a visitor comes');
  await must('backup');
  // as a command of before left it
  execFileSync('sh', ['-c', 'rm -r backups; chown root keep.lock'], { cwd: at('.') });
  await sleep(1100); // the next turn of what comes behind an answer
  assert.match(visit(), /no copy is made, and none restored: .*keep\.lock/);
  await sleep(1100);
  assert.equal(visit(), '', 'said once a day');
  assert.deepEqual(await copies(), []);
  const { stdout } = await polycircle(dir, ['check', '--json']);
  assert.match(JSON.parse(stdout).checks.find(({ what }) => what === 'files').text, /^1 belong to another user than the directory: chown -R \d+ /);
  execFileSync('chown', ['-R', 'www-data', at('.')]);
  await sleep(1100);
  assert.equal(visit(), '');
  assert.equal((await copies()).length, 1, 'made again');
}));

/** Damages, made for real; what: the line that tells of it; left: what no doctor can mend. */
const damages = {
  'a directory that others may enter': { what: 'directory', make: ({ at }) => chmod(at('.'), 0o755) },
  'files that others may read': { what: 'files', make: ({ at }) => chmod(at('polycircle.db'), 0o644) },
  'parts that kill -9 left': { what: 'left-overs', make: async ({ dir, at }) => {
    let n = 1;
    const parts = async () => (await readdir(at('backups')).catch(() => [])).some((name) => name.endsWith('.part'));
    while (!await parts()) assert.ok(await killed(dir, ['pwrite64', n++], ['backup']), 'killed');
  } },
  'a probe of a process that is gone': { what: 'left-overs', make: async ({ at }) => { await writeFile(at('probe-4194305.db'), 'x', { mode: 0o600 }); own(at('probe-4194305.db')); } },
  'live files of other generations': { what: 'left-overs', make: async ({ at }) => {
    for (const n of [77, 0]) { await copyFile(at('live-1.db'), at(`live-${n}.db`)); own(at(`live-${n}.db`)); }
    sql(at('polycircle.db'), "update instance set value = 3 where name = 'gen'");
    await rename(at('live-1.db'), at('live-3.db'));
  } },
  'a damaged live database': { what: 'live', make: ({ at }) => writeFile(at('live-1.db'), randomBytes(65536)) },
  'a live database that is gone': { what: 'live', make: async ({ at }) => execFileSync('rm', [at('live-1.db')]) },
  'a copy put over polycircle.db beside the other\'s journal': { what: 'journal', journal: 'wal', make: async ({ at, dir }) => {
    const copy = join(dir, 'run/copy.db');
    await must(dir, ['backup', copy]);
    // a process that was killed leaves its WAL
    execFileSync('sh', ['-c', '(echo "pragma wal_autocheckpoint=0; insert into base(url, host) values(\'http://wrong.example/\', \'wrong.example\');"; echo ".shell kill -9 \\$PPID") | sqlite3 "$1" || :',
      '-', at('polycircle.db')], { stdio: 'ignore' });
    own(at('polycircle.db-wal'));
    own(at('polycircle.db-shm'));
    assert.ok((await stat(at('polycircle.db-wal'))).size > 0, 'a journal is left');
    await copyFile(copy, at('polycircle.db'));
  }, look: ({ at }) => assert.equal(sql(at('polycircle.db'), "select count(*) from base where host = 'wrong.example'"), '0') },
  'a pad that does not give the CID': { what: 'circles', make: ({ at }) => sql(at('polycircle.db'), "update circle set pad = x'0001020304050607'") },
  'rows of no circle': { what: 'rows', make: ({ at }) => sql(at('polycircle.db'), "insert into origin values(99, 'https://x.example'); insert into statistic values(99, 1, 'joins', 1)") },
  'a damaged polycircle.db': { what: 'polycircle.db', args: ['--restore'], make: async ({ at, dir }) => {
    await must(dir, ['backup']);
    await writeFile(at('polycircle.db'), randomBytes(40960));
  } },
  'a file that was changed': { what: 'demo', left: /polycircle publish demo/, make: async ({ dir }) => {
    await mkdir(join(dir, 'site/media'));
    await writeFile(join(dir, 'site/media/a.mp4'), 'film');
    execFileSync('chmod', ['-R', 'a+rX', join(dir, 'site')]);
    await must(dir, ['publish', 'demo', join(dir, 'site/media')]);
    await writeFile(join(dir, 'site/media/a.mp4'), 'another film');
  } },
};
for (const [name, { what, make, left, args = [], journal, look }] of Object.entries(damages)) {
  test(`doctor: ${name}`, () => withInstance(async (instance) => {
    const find = ({ stdout }) => JSON.parse(stdout).checks.find((line) => line.what === what);
    const { cid } = JSON.parse(await instance.must('circle', 'show', 'demo', '--json'));
    await make(instance);
    assert.notEqual(find(await instance.command('check', '--json')).level, 'ok', 'check tells of it');
    const dry = await instance.command('doctor', '--dry-run', '--json');
    assert.equal(dry.code, 1);
    assert.notEqual(find(dry).level, 'ok', 'and so does a dry run');
    const mended = await instance.command('doctor', ...args, '--json');
    if (left) {
      assert.deepEqual([mended.code, find(mended).level], [1, 'warn']);
      assert.match(find(mended).text, left);
      return;
    }
    assert.deepEqual([mended.code, find(mended).level], [0, 'mended'], mended.stdout);
    const again = await instance.command('check', '--json');
    assert.deepEqual([again.code, JSON.parse(again.stdout).checks.filter(({ level }) => level !== 'ok')], [0, []], 'all is well');
    assert.equal(JSON.parse(await instance.must('circle', 'show', 'demo', '--json')).cid, cid, 'the circle is the same');
    look?.(instance);
  }, { journal }));
}
