// Secrets live only as long as a request needs them: a FastCGI process has let its owner in and has signed, and afterwards neither the
// owner's code nor the signing key lies anywhere in its memory.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { form, makeDirectory, must, parse, removeDirectory, startServer, tier0 } from './server.mjs';

/** Which of these byte strings a process has in memory that it can write, by name. */
function inMemory(pid, wanted) {
  const found = new Set(), fd = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, from, to, rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (!rights?.startsWith('rw')) continue;
    const part = Buffer.alloc(Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)));
    try { readSync(fd, part, 0, part.length, BigInt(`0x${from}`)); } catch { continue; } // [vvar]
    for (const [name, bytes] of Object.entries(wanted)) if (part.includes(bytes)) found.add(name);
  }
  closeSync(fd);
  return [...found];
}

/** The seed of the circle's key: its file, or before version 3 of polycircle.db its row. */
async function seedOf(dir, cid) {
  const line = await readFile(join(dir, 'data/signing', cid), 'utf8').catch(() => execFileSync('sqlite3', [join(dir, 'data/polycircle.db'), `select hex(sign_secret) from circle where hex(cid) = '${cid.toUpperCase()}'`], { encoding: 'utf8' }));
  return Buffer.from(line.trim().slice(0, 64), 'hex');
}

for (const journal of ['wal', 'truncate'])
  test(`after an owner's visit and a signature, journal ${journal}`, async () => {
    const dir = await makeDirectory();
    let server;
    try {
      await mkdir(join(dir, 'site/media'));
      await writeFile(join(dir, 'site/media/film.mp4'), 'a film');
      await writeFile(join(dir, 'site/media/other.mp4'), 'another');
      await must(dir, ['init', '--url', `http://site.example${tier0}`, '--root', join(dir, 'site'), '--journal', journal]);
      const { cid, api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
      await must(dir, ['publish', 'demo', join(dir, 'site/media')]);
      const { code } = JSON.parse(await must(dir, ['owner', '--json']));
      server = await startServer('lighttpd-fastcgi', dir);
      const ask = async (path, d) => parse((await server.request({ path: tier0 + path, ...(d ? { method: 'POST', body: form(d) } : {}) })).body);
      const letting = { v: 1, do: 'status', code }, seed = await seedOf(dir, cid);
      for (let i = 0; i < 3; i++) {
        assert.equal((await ask('owner', letting)).polycircle, 1);
        assert.equal((await ask('owner', { ...letting, code: `${code.slice(0, -1)}x` })).error, 'wrong_code');
        await appendFile(join(dir, 'site/media/other.mp4'), 'changed');
        await ask(`manifest/${cid}.json`);
        await must(dir, ['publish', 'demo', join(dir, 'site/media')]);
        assert.equal((await ask('sync', { v: 1, key, token: `${i}`.repeat(64), run: '00000001' })).role, 'greeter');
      }
      assert.equal((await ask('owner', { ...letting, do: 'rekey', circle: 'demo' })).polycircle, 1, 'it has signed itself');
      const renewed = await seedOf(dir, cid);
      assert.notDeepEqual(renewed, seed);
      const version = (await ask(`manifest/${cid}.json`)).signed;
      assert.ok(JSON.parse(version).version >= 7, 'again and again');
      const wanted = { seed, renewed, 'renewed in hex': Buffer.from(renewed.toString('hex')), 'seed in hex': Buffer.from(seed.toString('hex')), code: Buffer.from(code), 'code, bare': Buffer.from(code.replaceAll('-', '')), 'code on the wire': Buffer.from(form(letting).slice(20)),
        'request to renew': Buffer.from(form({ ...letting, do: 'rekey', circle: 'demo' }).slice(30)) };
      const pids = await server.programs();
      assert.ok(pids.length > 0);
      // no request comes after them: what they held goes when they end
      const held = () => pids.flatMap(pid => inMemory(pid, wanted));
      for (const end = Date.now() + 30_000; held().length && Date.now() < end;) await sleep(100);
      assert.deepEqual(held(), []);
      assert.deepEqual(inMemory(process.pid, { code: wanted.code }), ['code'], 'and this would find it');
    } finally {
      await server?.stop();
      await removeDirectory(dir);
    }
  });
