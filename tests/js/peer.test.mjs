/** Two neighbours on a channel in memory (doc/PROTOCOL.md 2.3). */
import test from 'node:test';
import assert from 'node:assert/strict';
import { bytes, channels, dice, sha, sig, until } from './world.mjs';
import { Peer } from '../../htdocs/meet/peer.js';

const PIECE = bytes(dice(7), 600000), HASH = sha(PIECE), ROOT = '0123456789abcdef';

function hub(own, serve) {
  const log = { heard: [], closed: [] };
  return { log, hello: () => ({ t: 'hello', v: 1, sig: own, version: 1, up: true, have: [[ROOT, '', 'gA']] }), serve, allow: async () => { },
    heard: m => log.heard.push(m), closed: (_, why) => log.closed.push(why) };
}
/** A Peer, and the bare end of the other side. */
function one(serve = async () => PIECE, greeted = true) {
  const [ours, theirs] = channels(), around = hub(sig('a'), serve), peer = new Peer(ours, sig('b'), around), got = [];
  theirs.onmessage = data => got.push(typeof data == 'string' ? JSON.parse(data) : data);
  if (greeted) theirs.send(JSON.stringify(hub(sig('b')).hello()));
  return { peer, theirs, got, log: around.log, tell: m => theirs.send(JSON.stringify(m)) };
}
const ask = (peer, size, stop = new AbortController()) => peer.get(HASH, size, stop.signal, () => { });
const frame = (id, offset, n) => {
  const out = Buffer.alloc(8 + n);
  out.writeUInt32BE(id, 0);
  out.writeUInt32BE(offset, 4);
  return Uint8Array.from(out).buffer;
};

test('hello, bitmap, and 600,000 bytes in ten frames', async () => {
  const [x, y] = channels(), a = new Peer(x, sig('b'), hub(sig('a'), async () => 'none')), b = new Peer(y, sig('a'), hub(sig('b'), async hash => hash == HASH ? PIECE : 'none'));
  a.greet();
  b.greet();
  await until(() => a.ready && b.ready, 'hello');
  assert.deepEqual([a.has(ROOT, 0), a.has(ROOT, 1), a.knows(ROOT)], [true, false, true]);
  assert.equal(sha(await ask(a, PIECE.length)), HASH);
  assert.deepEqual([a.bytesIn, b.bytesOut, a.inflight], [600000, 600000, 0]);
  assert.equal(y.sent.filter(data => typeof data != 'string').length, 10);
  await assert.rejects(ask(b, 5), /none/);
});

for (const [what, say] of Object.entries({ 'a gap': t => t.send(frame(1, 50, 10)), 'an id never asked': t => t.send(frame(2, 0, 10)), 'a piece that no file has': t => t.send(JSON.stringify({ t: 'got', r: ROOT, i: [2 ** 31 - 1] })), 'past the end': t => t.send(frame(1, 0, 101)),
  'the same again': t => { t.send(frame(1, 0, 10)); t.send(frame(1, 0, 10)); }, 'too large': t => t.send(frame(1, 0, 65537)), 'no payload': t => t.send(frame(1, 0, 0)),
  'no JSON': t => t.send('{'), 'another sig': t => t.send(JSON.stringify(hub(sig('c')).hello())), 'a map that is no base64': t => t.send(JSON.stringify({ t: 'have', have: [[ROOT, '', 'A']] })) })) {
  test(`closed: ${what}`, async () => {
    const { peer, theirs, log } = one(), asked = ask(peer, 100);
    say(theirs);
    await assert.rejects(asked, /protocol/);
    assert.equal(peer.closed, true);
    assert.match(log.closed.join(), /^protocol: [^,]*$/);
  });
}

test('hello comes first, and once', async () => {
  const early = one(undefined, false);
  early.tell({ t: 'peers', list: [] });
  await until(() => early.peer.closed, 'the end');
  const again = one();
  await until(() => again.peer.ready, 'hello');
  again.tell(hub(sig('b')).hello());
  await until(() => again.peer.closed, 'the end');
  assert.deepEqual([early, again].map(({ log }) => log.heard.length), [0, 1]);
});

test('stop: told to the other side; what still comes is ignored', async () => {
  const { peer, theirs, got } = one(), stop = new AbortController(), asked = ask(peer, 100, stop);
  stop.abort();
  await assert.rejects(asked, /stopped/);
  theirs.send(frame(1, 0, 10));
  await until(() => peer.bytesIn == 10, 'the frame');
  assert.equal(peer.closed, false);
  assert.deepEqual(got.map(m => m.t), ['get', 'stop']);
});

test('of what was stopped no more comes than had been asked for', async () => {
  const { peer, theirs } = one(), stop = new AbortController(), asked = ask(peer, 100, stop);
  stop.abort();
  await assert.rejects(asked, /stopped/);
  for (let i = 0; i < 10; i++) theirs.send(frame(1, 0, 10));
  await until(() => peer.bytesIn == 100, 'the frames');
  assert.equal(peer.closed, false);
  theirs.send(frame(0, 0, 10));
  await until(() => peer.closed, 'the end');
});

test('a piece is stopped in its middle', async () => {
  const { got, tell, peer } = one();
  let go = () => { };
  peer.channel.buffered = 2 << 20;
  peer.channel.drained = () => new Promise(ok => { go = ok; });
  tell({ t: 'get', id: 9, h: HASH });
  for (let n = 1; n < 3; n++) {
    await until(() => go.name != 'go', 'back-pressure');
    const last = go;
    go = () => { };
    last();
    await until(() => got.length == n, 'a frame');
  }
  await until(() => go.name != 'go', 'back-pressure');
  tell({ t: 'stop', id: 9 });
  await new Promise(ok => setTimeout(ok, 30));
  peer.channel.buffered = 0;
  go();
  await new Promise(ok => setTimeout(ok, 30));
  assert.equal(got.length, 3, 'of 10 frames');
});

test('what may no longer be given ends in the middle of a piece', async () => {
  const [ours, theirs] = channels(), got = [];
  let left = 2;
  const around = { ...hub(sig('a'), async () => PIECE), allow: async () => left-- > 0 };
  theirs.onmessage = data => got.push(typeof data == 'string' ? JSON.parse(data) : 'frame');
  new Peer(ours, sig('b'), around);
  theirs.send(JSON.stringify(hub(sig('b')).hello()));
  theirs.send(JSON.stringify({ t: 'get', id: 1, h: HASH }));
  await until(() => got.length > 2, 'no');
  assert.deepEqual(got, ['frame', 'frame', { t: 'no', id: 1, why: 'off' }]);
});

test('eight wait, the next is busy; why is passed on', async () => {
  const { got, tell } = one(() => new Promise(() => { }));
  for (let id = 1; id <= 10; id++) tell({ t: 'get', id, h: HASH });
  await until(() => got.length, 'no');
  assert.deepEqual(got, [{ t: 'no', id: 10, why: 'busy' }]);
  const other = one(), asked = ask(other.peer, 100);
  other.tell({ t: 'no', id: 1, why: 'off' });
  await assert.rejects(asked, /^Error: off$/);
});

test('how quick it is, and when what it owes comes: in the order asked, then all else', async () => {
  const { peer, theirs } = one(), second = HASH.replace(/./, 'x'), begun = performance.now(), due = (hash, size) => peer.due({ hash, size });
  await until(() => peer.ready, 'hello');
  const first = ask(peer, 500000), other = peer.get(second, 100000, new AbortController().signal);
  other.catch(() => {});
  assert.ok(due(HASH, 0) < 0.5 && due(second, 0) > due(HASH, 0), 'nobody knows yet');
  let sent = 0;
  for (; sent < 300000; sent += 10000) {
    theirs.send(frame(1, sent, 10000));
    await new Promise(ok => setTimeout(ok, 50));
  }
  const rate = sent / (performance.now() - begun) * 1000;
  assert.ok(peer.rate > 0.5 * rate && peer.rate < 2 * rate, `${peer.rate} of ${rate} bytes a second`);
  const left = [[HASH, 0], [second, 0], ['', 100000]].map(what => Math.round(due(...what) * peer.rate));
  assert.deepEqual(left, [200000, 300000, 400000]);
  peer.close('over');
  await assert.rejects(first);
});

test('what was stopped and still comes is a move, and no speed', async () => {
  const { peer, theirs } = one(), stop = new AbortController(), asked = ask(peer, 500000, stop);
  stop.abort();
  await assert.rejects(asked);
  peer.get(HASH, 500000, new AbortController().signal).catch(() => {});
  for (let i = 0; i < 10; i++) {
    theirs.send(frame(1, i * 50000, 50000));
    await new Promise(ok => setTimeout(ok, 50));
  }
  assert.ok(performance.now() - peer.moved < 300 && peer.rate < 1e6, `${peer.rate} bytes a second`);
  peer.close('over');
});

for (const [what, says] of Object.entries({ 'many small ones': { t: 'have', have: [], want: [] }, 'some of the largest': { t: 'app', data: 'x'.repeat(250000) } })) {
  test(`who says more than anybody has to say is closed: ${what}`, async () => {
    const { peer, theirs, log } = one(), text = JSON.stringify(says), most = 6 << 20;
    let size = 0;
    await until(() => peer.ready, 'hello');
    for (; size < most && !peer.closed; size += 1000 + text.length) peer.channel.onmessage(text);
    assert.ok(size > 2 << 20 && peer.closed, `${size} characters`);
    assert.deepEqual(log.closed, ['protocol: TypeError: too much']);
    theirs.close();
  });
}
