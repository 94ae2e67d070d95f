// tools/demo as a person uses it, and the main promise: in a run of real
// browsers every viewer after the first gets 90 % or more of the film from
// peers, by the page's figures and by the server's log, it plays and seeks, and
// the first frame comes as quickly as without polycircle.
// Typed as README has it: no --state, no --port, whoever runs it; so
// tests/demo/alone gives it namespaces of its own, and POLYCIRCLE_ALONE, the
// default directory there. POLYCIRCLE_SHOTS is where screenshots go,
// POLYCIRCLE_VIEWERS how many viewers (default 3).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { request } from '../servers/server.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const state = process.env.POLYCIRCLE_ALONE;
if (!state) throw new Error('run it by tests/demo/alone: it uses the default directory and port of tools/demo');
const port = 8080;
const viewers = process.env.POLYCIRCLE_VIEWERS ?? '3';
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) / 2)];

function demo(args, timeout = 600_000) {
  return new Promise((resolve) => {
    execFile('tools/demo', args, { cwd: root, timeout, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? error.signal : 0, stdout, stderr });
    });
  });
}

async function own() {
  const found = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`${state}/`)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}

after(() => demo(['--stop']));

test('a port in use: a clear sentence, and nothing left behind', async () => {
  const other = createServer().listen(port, '127.0.0.1');
  const { code, stderr } = await demo([]);
  await new Promise((resolve) => { other.close(resolve); });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`port ${port} is in use`));
  assert.deepEqual(await own(), []);
});

test('wrong arguments', async () => {
  for (const args of [['--port', '99999'], ['--port', 'x'], ['--headless', '0'], ['--server', 'nosuch'], ['--nosuch'], ['--port']]) {
    const { code, stderr } = await demo(args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, /\S/);
  }
});

for (const [server, mode] of [['apache', 'cgi'], ['apache', 'fastcgi'], ['lighttpd', 'cgi'], ['lighttpd', 'fastcgi']]) {
  test(`${server} ${mode}: starts, says so when started twice, stops`, async () => {
    const started = await demo(server == 'lighttpd' && mode == 'fastcgi' ? [] : ['--server', server, '--mode', mode]);
    assert.equal(started.code, 0, started.stderr);
    for (const host of ['localhost', '127.0.0.1']) {
      assert.ok(started.stdout.includes(`http://${host}:${port}/`));
      const page = await request(port, { path: '/', host: `${host}:${port}` });
      assert.equal(page.status, 200);
      const tag = /<script src="(\/cgi-bin\/polycircle\.fcgi\/signal\?[^"]+)">/.exec(page.body.toString())?.[1];
      assert.ok(tag, 'the page has its tag');
      const loader = await request(port, { path: tag, host: `${host}:${port}` });
      assert.equal(loader.status, 200);
      assert.match(loader.headers['content-type'], /javascript/);
      const plain = await request(port, { path: '/plain.html', host: `${host}:${port}` });
      assert.equal(plain.status, 200);
      assert.ok(!plain.body.toString().includes('<script src="/cgi-bin'), 'and its twin has not');
    }
    const film = await request(port, { path: '/media/film.mp4', headers: { Range: 'bytes=1000-1999' } });
    assert.equal(film.status, 206);
    assert.equal(film.headers['content-type'], 'video/mp4');
    assert.equal(film.body.length, 1000);
    const again = await demo([]);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /already running/);
    assert.ok(again.stdout.includes(`http://localhost:${port}/`));
    assert.equal((await demo(['--stop'])).code, 0);
    assert.deepEqual(await own(), []);
  });
}

test('the film is worth handing on', async () => {
  const { size } = await stat(join(state, 'site/media/film.mp4'));
  assert.ok(size >= 24e6, `${size} bytes`);
});

test(`${viewers} viewers, one after the other`, { timeout: 900_000 }, async (t) => {
  const shots = process.env.POLYCIRCLE_SHOTS ? ['--shots', process.env.POLYCIRCLE_SHOTS] : [];
  const { code, stdout, stderr } = await demo(['--headless', viewers, '--json', ...shots], 900_000);
  t.diagnostic(stdout.trim());
  assert.equal(code, 0, stderr);
  const run = JSON.parse(stdout);
  const { size } = await stat(join(state, 'site/media/film.mp4'));
  for (const name of ['viewers', 'plain_first_frame_ms', 'origin_log_bytes', 'writes', 'polls']) assert.equal(run[name].length, Number(viewers), name);
  for (const [i, viewer] of run.viewers.entries()) {
    await t.test(`viewer ${i + 1}`, () => {
      const { storage, peers, origin } = viewer.bytes;
      assert.ok(storage + peers + origin >= size * 0.95, 'the page accounts for the film');
      assert.ok(viewer.stall_ms <= 2000, `stalled for ${viewer.stall_ms} ms`);
      assert.equal(viewer.seek_ms.length, 2);
      for (const ms of viewer.seek_ms) assert.ok(ms < 5000, `a seek took ${ms} ms`);
      assert.ok(run.writes[i] >= 1, 'the log shows its join');
      if (i === 0) return;
      assert.ok(peers >= 0.9 * (peers + origin), `by the page ${peers} from peers, ${origin} from the server`);
      assert.ok(run.origin_log_bytes[i] <= 0.1 * size, `by the log ${run.origin_log_bytes[i]} of ${size} from the server`);
      assert.ok(viewer.first_peer_ms > 0);
    });
  }
  await t.test('the first frame', () => {
    const with_ = median(run.viewers.map((viewer) => viewer.first_frame_ms));
    const without = median(run.plain_first_frame_ms);
    const slow = process.env.POLYCIRCLE_LONG ? 0 : 1.7 * without; // a slow machine takes its share of both
    assert.ok(with_ <= Math.max(without + 200, slow), `${with_} ms with polycircle, ${without} ms without`);
  });
  await t.test('nothing is left running', async () => assert.deepEqual(await own(), []));
});
