// A new program uploaded as polycircle.new: what is refused, and that putting it in place under load loses no request.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, chown, copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory, must, parse, polycircle, removeDirectory, startServer, tier0 } from '../servers/server.mjs';
import { exists, makeRelease, run } from './release.mjs';

let release, newer, older;
before(async () => {
  release = await makeRelease();
  [newer, older] = [await release.variant('9.9.9'), await release.variant('0.0.1')];
});
after(() => release?.remove());

/** Puts a file where the owner's FTP program would, as the owner, a minute ago: mode 0644 unless it must run. */
async function put(dir, name, from, mode = 0o644, seconds = 60) {
  const path = join(dir, 'cgi', name), owner = await stat(join(dir, 'cgi'));
  await rm(path, { force: true, recursive: true });
  if (Buffer.isBuffer(from)) await writeFile(path, from);
  else await copyFile(from, path);
  await chmod(path, mode);
  await chown(path, owner.uid, owner.gid);
  await utimes(path, Date.now() / 1000, Date.now() / 1000 - seconds);
  return path;
}

async function makeHost() {
  const dir = await makeDirectory();
  await put(dir, 'polycircle.fcgi', release.program(), 0o755);
  return dir;
}

const compile = async (name, source) => {
  const file = join(release.dir, name);
  await writeFile(`${file}.c`, source);
  await run('gcc', ['-static', '-o', file, `${file}.c`]);
  await release.sign(file);
  return file;
};

test('what is not a whole, signed, newer program for this processor is refused, with words, and never run', async () => {
  const dir = await makeHost(), good = await readFile(newer), at = n => n < 0 ? good.length + n : n;
  const flipped = n => { const bytes = Buffer.from(good); bytes[at(n)] ^= 1; return bytes; };
  const unsigned = good.subarray(0, -80), otherKey = join(release.dir, 'unsigned');
  await writeFile(otherKey, unsigned);
  await release.sign(otherKey, join(release.dir, 'other.key'));
  const signature = /does not end with the signature/;
  const cases = [
    ['a byte of the ELF head changed', flipped(8), signature], ['a byte in the middle changed', flipped(1_000_000), signature],
    ['the last byte before the trailer changed', flipped(-81), signature], ['a byte of the trailer\'s mark changed', flipped(-80), signature],
    ['a byte of the signature changed', flipped(-1), signature], ['one byte is missing', good.subarray(0, -1), signature],
    ['half of it', good.subarray(0, good.length / 2), signature], ['one byte more', Buffer.concat([good, Buffer.from('\n')]), signature],
    ['no signature', unsigned, signature], ['empty', Buffer.alloc(0), signature], ['only a trailer', good.subarray(-80), signature],
    ['the trailer twice', Buffer.concat([good, good.subarray(-80)]), signature],
    ['sent as text: LF became CR LF', Buffer.from(good.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'), signature],
    ['signed by another key', otherKey, signature],
    ['for another processor', release.program('aarch64'), /another processor/],
    ['older', older, /0\.0\.1, older than this one.*by hand.*understands the present polycircle\.db/],
    ['signed, but it ends with an error', await compile('fails', 'int main(void) { return 3; }'), /does not run here/],
    ['signed, but it says something else', await compile('babbles', '#include <stdio.h>\nint main(void) { return puts("{\\"version\\":9}") < 0; }'), /version/],
    ['signed, but it never stops talking', await compile('floods', '#include <unistd.h>\nint main(void) { while (write(1, "{}", 2) > 0); return 1; }'), /does not run here/],
    ['signed, but it never ends', await compile('hangs', '#include <unistd.h>\nint main(void) { for (;;) pause(); }'), /does not run here/],
  ];
  try {
    let refused = await polycircle(dir, ['upgrade', '--check']);
    assert.match(refused.stderr, /First upload .*polycircle\.new.*\(No such file/);
    for (const [name, from, words] of cases) {
      const path = await put(dir, 'polycircle.new', from), began = Date.now();
      refused = await polycircle(dir, ['upgrade', '--json']);
      assert.equal(refused.code, 1, name);
      assert.match(parse(refused.stdout)?.text ?? '', words, name);
      assert.ok(Date.now() - began < 20_000, `${name}: an answer in time`);
      if (words === signature) assert.equal((await stat(path)).mode & 0o777, 0o644, `${name}: it was not even made a program`);
    }
    await rm(join(dir, 'cgi/polycircle.new'));
    await copyFile(newer, join(dir, 'elsewhere'));
    await symlink(join(dir, 'elsewhere'), join(dir, 'cgi/polycircle.new'));
    assert.match((await polycircle(dir, ['upgrade'])).stderr, /polycircle\.new/, 'a symbolic link');
    await rm(join(dir, 'cgi/polycircle.new'));
    await mkdir(join(dir, 'cgi/polycircle.new'));
    assert.equal((await polycircle(dir, ['upgrade'])).code, 1, 'a directory');
    const uploading = await open(await put(dir, 'polycircle.new', newer), 'r+');
    refused = await polycircle(dir, ['upgrade']);
    await uploading.close();
    assert.match(refused.stderr, /does not run here.*Text file busy/, 'the FTP server still has it open');
    assert.deepEqual(await readFile(join(dir, 'cgi/polycircle.fcgi')), await readFile(release.program()), 'the program is as it was');
    assert.equal(await exists(join(dir, 'cgi/polycircle.old')), false);
    assert.match((await polycircle(dir, ['upgrade', '--check'])).stdout, /9\.9\.9, signed/, 'and the good one is taken');
  } finally {
    await removeDirectory(dir);
  }
});

test('a program without a release key takes nothing', async () => {
  const dir = await makeDirectory();
  try {
    await put(dir, 'polycircle.new', newer);
    const refused = await polycircle(dir, ['upgrade']);
    assert.match(refused.stderr, /built without a release key/);
  } finally {
    await removeDirectory(dir);
  }
});

/** Requests, four at a time, until stop(): when each began, and what came of it. */
function startLoad(server, key) {
  const answers = [], tokens = Array.from({ length: 100 }, () => randomBytes(32).toString('hex'));
  let going = true;
  const one = async n => {
    const began = Date.now();
    try {
      const joins = n % 4 === 3;
      const answer = joins ? await server.sync({ v: 1, key, token: tokens[n % 100], run: '00000001' }) : await server.request({ path: `${tier0}health` });
      const json = joins ? answer.json : parse(answer.body);
      answers.push({ began, ok: answer.status === 200 && json?.polycircle === 1, version: json?.version, said: `${answer.status} ${answer.body ?? ''}` });
    } catch (error) {
      answers.push({ began, ok: false, said: error.message });
    }
  };
  const loops = [0, 1, 2, 3].map(async k => { for (let n = k; going && n < 40_000; n += 4) await one(n + (n >> 2)); });
  return { answers, async stop() { going = false; await Promise.all(loops); } };
}

const descriptors = async pid => (await readdir(`/proc/${pid}/fd`)).length;
const until = async (what, condition) => {
  for (const end = Date.now() + 20_000; !await condition(); await sleep(20)) if (Date.now() > end) throw new Error(`in vain: ${what}`);
};

for (const kind of ['apache-fcgid', 'apache-cgid', 'lighttpd-fastcgi']) {
  test(`${kind}: upgrade under load, no request fails`, async t => {
    const dir = await makeHost(), at = name => join(dir, 'cgi', name);
    const server = await startServer(kind, dir);
    let load;
    try {
      await must(dir, ['init', '--url', `http://site.example${tier0}`]);
      const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
      load = startLoad(server, key);
      const seen = (version, since = 0) => load.answers.filter(a => a.version === version && a.began >= since).length;
      await until('answers of the first version', () => seen(release.version) > 100);
      const pids = await server.programs();
      if (kind !== 'apache-cgid') {
        await assert.rejects(open(at('polycircle.fcgi'), 'r+'), { code: 'ETXTBSY' }, 'a running program cannot be overwritten');
        assert.ok(pids.length > 0);
      }
      await put(dir, 'polycircle.new', newer);
      const said = JSON.parse(await must(dir, ['upgrade', '--json']));
      const done = Date.now();
      assert.deepEqual([said.from, said.to, said.activated], [release.version, '9.9.9', true]);
      await until('answers of the next version', () => seen('9.9.9', done + 1100) > 100);
      const back = Date.now(), before = await Promise.all(pids.filter(() => kind === 'lighttpd-fastcgi').map(descriptors));
      // to and fro by hand, as an owner goes back: a process must be able to follow again and again, and lose no descriptor
      for (const [file, version] of [[release.program(), release.version], [newer, '9.9.9'], [release.program(), release.version]]) {
        await put(dir, 'next', file, 0o755);
        await rename(at('next'), at('polycircle.fcgi'));
        const since = Date.now();
        await until(`answers of ${version}`, () => seen(version, since + 1100) > 50);
      }
      await load.stop();
      const failed = load.answers.filter(a => !a.ok);
      const late = load.answers.filter(a => a.version === release.version && a.began >= done && a.began < back).map(a => a.began - done);
      t.diagnostic(`${kind}: ${load.answers.length} requests, ${failed.length} failed; the old program answered for ${Math.max(0, ...late)} ms more`);
      assert.deepEqual(failed.slice(0, 5), [], `${failed.length} of ${load.answers.length} failed`);
      if (kind === 'lighttpd-fastcgi') {
        assert.deepEqual(await server.programs(), pids, 'the same processes have become the new program: none ended');
        const now = await Promise.all(pids.map(descriptors)); // at rest; before it was under load
        assert.ok(now.every((n, i) => n <= before[i]), `and hold no more descriptors than before the last three replacements: ${before}, now ${now}`);
      }
      assert.deepEqual(await readFile(at('polycircle.old')), await readFile(release.program()), 'the old program is kept');
      assert.equal((await stat(at('polycircle.old'))).mode & 0o777, 0o600, 'and cannot be run over the web');
      assert.equal(await exists(at('polycircle.new')), false);
    } finally {
      await load?.stop();
      await server.stop();
      await removeDirectory(dir);
    }
  });
}

test('two at once: one puts it in place, and the program of before is kept', async () => {
  const dir = await makeHost(), at = name => join(dir, 'cgi', name);
  try {
    await must(dir, ['init', '--url', `http://site.example${tier0}`]);
    for (let round = 0; round < 10; round++) {
      await put(dir, 'polycircle.fcgi', release.program(), 0o755);
      await put(dir, 'polycircle.new', newer);
      await Promise.allSettled([must(dir, ['upgrade']), must(dir, ['upgrade'])]);
      assert.deepEqual(await readFile(at('polycircle.fcgi')), await readFile(newer), `round ${round}`);
      assert.deepEqual(await readFile(at('polycircle.old')), await readFile(release.program()), `round ${round}: the way back`);
      assert.deepEqual((await readdir(join(dir, 'cgi'))).filter(name => name.startsWith('polycircle.old.')), []);
    }
  } finally { await removeDirectory(dir); }
});

test('lighttpd: an idle process answers the first request after an upgrade as the new program', async () => {
  const dir = await makeHost(), server = await startServer('lighttpd-fastcgi', dir);
  try {
    await must(dir, ['init', '--url', `http://site.example${tier0}`]);
    const version = async () => parse((await server.request({ path: `${tier0}health` })).body)?.version;
    assert.equal(await version(), release.version);
    await sleep(1100); // a process looks once a second
    await put(dir, 'polycircle.new', newer);
    await must(dir, ['upgrade']);
    for (let n = 0; n < 6; n++) assert.equal(await version(), '9.9.9');
    await put(dir, 'next', (await readFile(newer)).subarray(0, 1_000_000), 0o755, -30);
    await rename(join(dir, 'cgi/next'), join(dir, 'cgi/polycircle.fcgi'));
    await sleep(1100);
    for (let n = 0; n < 6; n++) assert.equal(await version(), '9.9.9', 'a file that is still being uploaded is not followed');
    await put(dir, 'next', Buffer.from('not a program'), 0o755);
    await rename(join(dir, 'cgi/next'), join(dir, 'cgi/polycircle.fcgi'));
    await sleep(1100);
    for (let n = 0; n < 6; n++) assert.equal(await version(), '9.9.9', 'a file that does not start is not followed');
    await put(dir, 'next', release.program(), 0o755, -7200);
    await rename(join(dir, 'cgi/next'), join(dir, 'cgi/polycircle.fcgi'));
    let followed = false;
    for (let n = 0; n < 20 && !followed; n++) {
      await sleep(500);
      followed = await version() === release.version;
    }
    assert.ok(followed, 'one with the time of another time zone is, once it has stayed as it is');
  } finally {
    await server.stop();
    await removeDirectory(dir);
  }
});
