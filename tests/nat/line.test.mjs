// The internet of these tests, with real sockets: addresses, rate, delay, loss as they were set, and what it says when it cannot.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { line, makeWorld } from './world.mjs';

const HOST = '198.18.0.2', SIX = '2001:db8::2', SIZE = 300_000, run = promisify(execFile);
const there = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }) + execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }), before = there();

/** In a node: sends `count` packets from one socket, and prints who has said what in answer, and after how many ms. */
const ASKS = `
  const [address, port, count] = process.argv.slice(1), socket = require('dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const begun = performance.now();
  socket.on('message', (said, { port }) => console.log(port + ' ' + said + ' ' + (performance.now() - begun)));
  for (let i = 0; i < count; i++) socket.send('hello', port, address);
  setTimeout(() => process.exit(), 700);`;

/** In a node: prints the bytes that a TCP server gives, and how many ms it took. */
const TAKES = `
  const [address, port] = process.argv.slice(1);
  let size = 0, begun = performance.now();
  require('net').connect(port, address).on('data', data => { size += data.length; })
    .on('end', () => { console.log(size + ' ' + (performance.now() - begun)); process.exit(); });`;

/** Tells everybody where they seem to come from, by that and by another port. */
async function startEcho(type, address) {
  const [socket, other] = [createSocket({ type, ipv6Only: type == 'udp6' }), createSocket({ type, ipv6Only: type == 'udp6' })];
  for (const s of [socket, other]) s.bind(0, address);
  await Promise.all([socket, other].map(s => once(s, 'listening')));
  socket.on('message', (_, { address, port }) => { for (const s of [socket, other]) s.send(`${address} ${port}`, port, address); });
  return { port: socket.address().port, close: () => { socket.close(); other.close(); } };
}

const world = await makeWorld({
  host: { public: HOST, six: SIX, up: 8450 },
  full: { kind: 'full', public: '198.18.1.2', private: '10.1.0.2', delay: 24 },
  port: { kind: 'port', public: '198.18.2.2', private: '10.2.0.2' },
  blocked: { kind: 'blocked', public: '198.18.3.2', private: '10.3.0.2' },
  lossy: { public: '198.18.4.2', loss: 30 },
  six: { six: '2001:db8:6::2' },
});
const echo = await startEcho('udp4', HOST), echo6 = await startEcho('udp6', SIX);
after(async () => {
  echo.close();
  echo6.close();
  const stats = await world.close();
  assert.equal(stats.full.kind, 'full');
  assert.ok(stats.host.up.bytes > SIZE && stats.blocked.refused > 0 && stats.lossy.lost > 0, JSON.stringify(stats));
  assert.equal(there(), before, 'no namespace and no device is left');
});

async function inside(name, script, ...args) {
  const { stdout } = await run(await world.inside(name, process.execPath), ['-e', script, ...args.map(String)]);
  return stdout.trim().split('\n').filter(Boolean).map(words => words.split(' '));
}

test('a NAT shows its own address, delays are those of both ways, and a full cone lets everybody in', async () => {
  const answers = await inside('full', ASKS, HOST, echo.port, 1);
  assert.deepEqual(answers.map(([, address]) => address), ['198.18.1.2', '198.18.1.2']);
  assert.equal(new Set(answers.map(([port]) => port)).size, 2);
  assert.ok(Number(answers[0][3]) >= 50, `${answers[0][3]} ms`);
});
test('one that is port restricted lets in only who was asked', async () => {
  const answers = await inside('port', ASKS, HOST, echo.port, 1);
  assert.deepEqual(answers.map(([port, address]) => [Number(port), address]), [[echo.port, '198.18.2.2']]);
});
test('where UDP is blocked nothing comes', async () => assert.deepEqual(await inside('blocked', ASKS, HOST, echo.port, 3), []));
test('IPv6 has no NAT', async () => {
  const answers = await inside('six', ASKS, SIX, echo6.port, 1);
  assert.deepEqual(answers.map(([, address]) => address), ['2001:db8:6::2', '2001:db8:6::2']);
});
test('of packets on a bad line some are lost, either way', async () => {
  const answers = (await inside('lossy', ASKS, HOST, echo.port, 200)).length;
  assert.ok(answers > 400 * 0.3 && answers < 400 * 0.7, `${answers} of 400, where 196 are likely`);
});
for (const name of ['port', 'blocked'])
  test(`TCP, ${name}: never above the rate`, async () => {
    const server = createServer(socket => socket.on('error', () => {}).end(Buffer.alloc(SIZE))).listen(0, HOST);
    await once(server, 'listening');
    const [[size, ms]] = await inside(name, TAKES, HOST, server.address().port);
    server.close();
    assert.equal(Number(size), SIZE);
    assert.ok(Number(ms) > SIZE / 1060, `${ms} ms`);  // 8450 kbit/s of IP packets are at most 1.06 MB/s
  });

test('what cannot be is said, with a status', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'polycircle-line-')), file = join(dir, 'nodes');
  const fails = async text => {
    await writeFile(file, text);
    return run(line(), [file, join(dir, 'stats')]).then(() => assert.fail('it ran'), ({ code, stderr }) => ({ code, stderr: stderr.replace(file, 'FILE') }));
  };
  try {
    const { code, stderr } = await fails('a public=198.18.0.1\nb kind=round\n');
    assert.equal(code, 2);
    assert.equal(stderr, 'line: FILE: line 2: kind=round: kind takes open, full, addr, port, sym or blocked\n');
    assert.deepEqual(await fails('nobody public=198.18.0.1\n'), { code: 1, stderr: 'line: nobody: its network namespace: No such file or directory\n' });
    await assert.rejects(run(line(), []), { code: 2 });
  } finally { await rm(dir, { recursive: true }); }
});
