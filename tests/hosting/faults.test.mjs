// Full disks, quotas, crowds of writers and file systems that lie, beyond
// tests/servers/faults.test.mjs.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { makeDirectory, must, parse, polycircle, removeDirectory, startServer, tier0 } from '../servers/server.mjs';

const long = Boolean(process.env.POLYCIRCLE_LONG);
const hex = (bytes) => randomBytes(bytes).toString('hex');
const join_ = (key) => ({ v: 1, key, token: hex(32), run: '00000001' });
const sh = (command) => execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const sound = (file) => assert.equal(execFileSync('sqlite3', [file, 'pragma integrity_check'], { encoding: 'utf8' }).trim(), 'ok', file);

/** Small places for dir/data: make() and free() as root. */
const places = {
  'a disk of 400 kB': {
    auto: 'wal',
    make: (at, { uid, gid }) => sh(`mount -t tmpfs -o size=400k,mode=0700,uid=${uid},gid=${gid} polycircle-test ${at}`),
    more: (at) => sh(`mount -o remount,size=4m ${at}`),
    free: (at) => sh(`umount ${at}`),
  },
  'a quota of 400 kB': {
    auto: 'truncate', // WAL would end in SIGBUS where blocks are copied on write
    make: (at, { uid, gid }) => sh(`truncate -s 128M ${at}.img; mkfs.btrfs -q ${at}.img >/dev/null; mkdir ${at}.disk; mount -o loop ${at}.img ${at}.disk
      btrfs quota enable ${at}.disk; btrfs subvolume create ${at}.disk/d >/dev/null; btrfs qgroup limit 400K ${at}.disk/d
      chown ${uid}:${gid} ${at}.disk/d; chmod 700 ${at}.disk/d; mount --bind ${at}.disk/d ${at}`),
    more: (at) => sh(`btrfs qgroup limit none ${at}.disk/d`),
    free: (at) => sh(`umount ${at}; umount ${at}.disk`),
  },
};

describe('no room', () => {
  for (const [what, { auto, make, more, free }] of Object.entries(places)) {
    for (const [kind, journal] of [['lighttpd-cgi', 'truncate'], ['lighttpd-fastcgi', 'auto']]) {
      test(`${what}, ${kind}, journal ${journal}`, async () => {
        const dir = await makeDirectory();
        const data = join(dir, 'data');
        let server;
        make(data, await stat(data));
        try {
          const init = JSON.parse(await must(dir, ['init', '--url', `http://site.example${tier0}`, '--journal', journal, '--json']));
          if (journal === 'auto') assert.equal(init.journal, auto);
          const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
          server = await startServer(kind, dir);
          await server.request({ path: `${tier0}signal?${key}` });
          let refused = null;
          const members = [];
          for (let n = 0; n < 3000 && !refused; n++) {
            const fields = join_(key);
            const answer = await server.sync(fields);
            if (answer.status === 200) members.push(fields);
            else refused = answer;
          }
          assert.deepEqual([refused?.status, refused?.json?.error], [503, 'disk_full'], `${JSON.stringify(refused?.json)} ${await server.errors()}`);
          for (let n = 0; n < 20; n++) {
            const { status, json } = await server.sync(join_(key));
            assert.ok(status === 200 || json?.error === 'disk_full', `and so it goes on: ${status} ${JSON.stringify(json)} ${await server.errors()}`);
          }
          for (const path of ['circles.json', 'health', `signal?${key}`]) {
            const { status, body } = await server.request({ path: tier0 + path });
            // where blocks are copied on write, what was half written to the live file cannot even be taken back
            assert.ok(status === 200 || (path === 'health' && auto === 'truncate' && parse(body).error === 'disk_full'), `reading goes on: ${path} ${body}`);
          }
          const added = await polycircle(dir, ['circle', 'add', 'more']);
          if (added.code) assert.match(added.stderr, /full|space|quota/i);
          more(data);
          assert.equal((await server.sync(join_(key))).status, 200);
          for (const { key: _, ...fields } of members.slice(0, 20)) assert.equal((await server.sync(fields)).status, 200, 'who was there is there');
          await must(dir, ['check']);
          await server.stop();
          for (const name of await readdir(data)) if (name.endsWith('.db')) sound(join(data, name));
        } finally {
          await server?.stop();
          free(data);
          await removeDirectory(dir);
        }
      });
    }
  }
});

test('40 writers at once', async () => {
  for (const [kind, journal] of [['apache-cgid', 'truncate'], ['lighttpd-cgi', 'wal']]) {
    const dir = await makeDirectory();
    let server;
    try {
      await must(dir, ['init', '--url', `http://site.example${tier0}`, '--journal', journal]);
      const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
      server = await startServer(kind, dir);
      const rounds = long ? 25 : 5;
      const life = async () => {
        const signal = { v: 1, token: hex(32), run: hex(4) };
        assert.equal((await server.sync({ ...signal, key })).status, 200);
        for (let n = 0; n < rounds; n++) {
          const { status, json } = await server.sync({ ...signal, offers: [{ id: hex(6), sdp: 'AAAA' }] });
          assert.equal(status, 200, JSON.stringify(json));
        }
      };
      const owners = Array.from({ length: 4 }, async (_, i) => must(dir, ['circle', 'add', `busy-${i}`]));
      await Promise.all([...Array.from({ length: 40 }, life), ...owners]);
      assert.equal(JSON.parse(await must(dir, ['circle', 'list', '--json'])).length, 5);
      await server.stop();
      for (const name of await readdir(join(dir, 'data'))) if (name.endsWith('.db')) sound(join(dir, 'data', name));
    } finally {
      await server?.stop();
      await removeDirectory(dir);
    }
  }
});

/** System calls of the probe's own files, refused as file systems of hosts refuse them. */
const liars = {
  'memory cannot be shared': ['-e', 'inject=mmap:error=ENODEV', 'shm'],
  'no locks': ['-e', 'inject=fcntl:error=ENOLCK', 'shm'],
  'the file cannot be made': ['-e', 'inject=openat:error=EACCES', 'wal'],
  'writes fail': ['-e', 'inject=pwrite64:error=EIO', 'wal'],
};
for (const [what, [flag, inject, suffix]] of Object.entries(liars)) {
  test(`the probe for WAL where ${what}: a rollback journal`, async () => {
    const dir = await makeDirectory();
    try {
      // the probe's name holds its process id: strace, asked by --seccomp-bpf's rules, knows files by path, so exec keeps the id
      const script = `P=$$; exec strace -D -o ${dir}/run/trace -P ${dir}/data/probe-$P.db-${suffix} ${flag} '${inject}' \
        ${dir}/cgi/polycircle.fcgi init --url http://site.example${tier0} --json`;
      const { stdout } = await promisify(execFile)('sh', ['-c', script], { env: { ...process.env, POLYCIRCLE_DATA: join(dir, 'data') } });
      assert.equal(parse(stdout).journal, 'truncate');
      assert.match(sh(`cat ${dir}/run/trace`), /INJECTED/, 'the fault was met');
      assert.deepEqual((await readdir(join(dir, 'data'))).filter((name) => name.startsWith('probe')), []);
    } finally {
      await removeDirectory(dir);
    }
  });
}

test('VACUUM INTO under load gives sound copies', async () => {
  for (const journal of ['truncate', 'wal']) {
    const dir = await makeDirectory();
    let server;
    try {
      await must(dir, ['init', '--url', `http://site.example${tier0}`, '--journal', journal]);
      const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
      server = await startServer('lighttpd-fastcgi', dir);
      let running = true;
      let acknowledged = 0;
      const crowd = Array.from({ length: 6 }, async () => {
        const { key: _, ...signal } = join_(key);
        assert.equal((await server.sync({ ...signal, key })).status, 200);
        while (running) assert.equal((await server.sync({ ...signal, offers: [{ id: hex(6), sdp: 'AAAA' }] })).status, 200);
      });
      const owner = (async () => {
        for (let n = 0; running; n++) {
          await must(dir, ['circle', 'add', `c-${n}`]);
          acknowledged = n + 1;
        }
      })();
      const copies = long ? 40 : 8;
      for (let n = 0; n < copies; n++) {
        const before = acknowledged;
        await sleep(50);
        for (const name of (await readdir(join(dir, 'data'))).filter((file) => /^(polycircle|live-\d+)\.db$/.test(file))) {
          const copy = join(dir, `run/${n}-${name}`);
          sh(`sqlite3 -cmd '.timeout 10000' ${dir}/data/${name} "VACUUM INTO '${copy}'"`);
          sound(copy);
          if (name === 'polycircle.db') assert.ok(Number(sh(`sqlite3 ${copy} 'SELECT count(*) FROM circle'`)) > before, 'all that was acknowledged is in it');
        }
      }
      running = false;
      await Promise.all([...crowd, owner]);
    } finally {
      await server?.stop();
      await removeDirectory(dir);
    }
  }
});
