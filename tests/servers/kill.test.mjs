// kill -9 under load: of the program's processes behind the web server, of
// commands at work, and of the web server itself. Afterwards nothing that was
// acknowledged is missing, both databases are sound, and every signal is back.
// POLYCIRCLE_KILLS says how many kills for each journal mode (default 40; the
// long form is 200).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { makeDirectory, must, polycircle, removeDirectory, startServer, tier0 } from './server.mjs';
import { any, Signal } from './signal.mjs';

const kills = Number(process.env.POLYCIRCLE_KILLS ?? 40);

async function storm(journal) {
  const dir = await makeDirectory();
  let server;
  try {
    await must(dir, ['init', '--url', `http://site.example${tier0}`, '--journal', journal]);
    const { api_key: key, cid } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
    server = await startServer('lighttpd-fastcgi', dir);
    const signals = Array.from({ length: 12 }, () => new Signal(server, key));
    /** @type {Map<string, {cid: string, removed: boolean}>} what was acknowledged */
    const promised = new Map();
    let storming = true;
    let restarting = false;

    const life = async (signal) => {
      while (storming) {
        const good = await signal.step(signals);
        await sleep(good ? 5 + Math.random() * 30 : 50 + Math.random() * 100);
      }
    };
    const owner = async () => {
      for (let n = 0; storming; n++) {
        await sleep(20);
        const added = await polycircle(dir, ['circle', 'add', `kill-${n}`, '--json']);
        if (added.code !== 0) continue;
        promised.set(`kill-${n}`, { cid: JSON.parse(added.stdout).cid, removed: false });
        if (n % 4 === 3) {
          const gone = await polycircle(dir, ['circle', 'remove', `kill-${n}`]);
          if (gone.code === 0) promised.get(`kill-${n}`).removed = true;
          else promised.delete(`kill-${n}`); // not acknowledged: either is right
        }
      }
    };
    const killer = async () => {
      for (let n = 0; n < kills;) {
        await sleep(60 + Math.random() * 120);
        if (n % 50 === 49) {
          restarting = true;
          await server.stop('SIGKILL');
          await server.start();
          restarting = false;
          n++;
          continue;
        }
        const pid = any(await server.programs());
        if (!pid) continue;
        try { process.kill(pid, 'SIGKILL'); n++; } catch { /* it ended by itself */ }
      }
    };
    const lives = [...signals.map(life), owner()];
    await Promise.race([killer(), ...lives]).finally(() => { storming = false; });
    await Promise.all(lives);
    assert.equal(restarting, false);

    const back = new Set();
    for (const end = Date.now() + 60_000; back.size < signals.length && Date.now() < end; await sleep(100)) {
      for (const signal of signals) if (await signal.step([])) back.add(signal);
    }
    assert.equal(back.size, signals.length, 'every signal is back by itself');
    const roster = await server.request({
      method: 'POST', path: `${tier0}roster/${cid}.json`, body: `d=${Buffer.from(JSON.stringify({ v: 1, token: signals[0].token })).toString('base64url')}`,
    });
    const here = new Set(JSON.parse(roster.body.toString()).signals.map(({ sig }) => sig));
    for (const signal of signals) assert.ok(here.has(signal.sig), 'and the roster shows it');

    const circles = JSON.parse(await must(dir, ['circle', 'list', '--json']));
    for (const [can, { cid: promise, removed }] of promised) {
      const found = circles.find((circle) => circle.can === can);
      if (removed) assert.ok(!found || found.removed, `${can} was removed, and that was acknowledged`);
      else assert.equal(found?.cid, promise, `${can} was added, and that was acknowledged`);
    }
    assert.ok(promised.size > 0, 'something was acknowledged at all');
    const files = (await readdir(join(dir, 'data'))).filter((name) => name.endsWith('.db'));
    assert.ok(files.includes('polycircle.db') && files.some((name) => name.startsWith('live-')));
    for (const file of files) assert.equal(execFileSync('sqlite3', [join(dir, 'data', file), 'pragma integrity_check'], { encoding: 'utf8' }).trim(), 'ok', file);
    await must(dir, ['check']);
    const answers = signals.reduce((sum, signal) => sum + signal.answers, 0);
    return `${kills} kills, ${answers} answers, ${signals.reduce((sum, signal) => sum + signal.joins, 0)} joins of 12 signals, ${promised.size} circles acknowledged`;
  } finally {
    await server?.stop();
    await removeDirectory(dir);
  }
}

for (const journal of ['truncate', 'wal']) {
  test(`${kills} times kill -9, journal ${journal}`, { timeout: 600_000 }, async (t) => t.diagnostic(await storm(journal)));
}
