/** Two neighbours on a channel in memory (doc/PROTOCOL.md 2.3). */
import test from 'node:test';
import assert from 'node:assert/strict';
import { bytes, channels, dice, sha, sig, until } from './world.mjs';
import { Peer } from '../../htdocs/meet/peer.js';

const PIECE = bytes(dice(7), 600000), HASH = sha(PIECE), ROOT = '0123456789abcdef';

function hub(own, serve) {
  const log = { heard: [], closed: [], stopped: [] };
  return { log, hello: () => ({ t: 'hello', v: 1, sig: own, version: 1, up: true, have: [[ROOT, '', 'gA']] }), serve, stopped: (_, id) => log.stopped.push(id),
    heard: m => log.heard.push(m), closed: (_, why) => log.closed.push(why) };
}
/** A Peer, and the bare end of the other side. */
function one(serve = async () => null, greeted = true) {
  const [ours, theirs] = channels(), around = hub(sig('a'), serve), peer = new Peer(ours, sig('b'), around), got = [];
  theirs.onmessage = data => got.push(typeof data == 'string' ? JSON.parse(data) : data);
  if (greeted) theirs.send(JSON.stringify(hub(sig('b')).hello()));
  return { peer, theirs, got, log: around.log, tell: m => theirs.send(JSON.stringify(m)) };
}
const ask = (peer, size, stop = new AbortController()) => peer.get({ hash: HASH, size }, stop.signal, { due: 1000, on() {} });
const frame = (id, offset, n) => {
  const out = Buffer.alloc(8 + n);
  out.writeUInt32BE(id, 0);
  out.writeUInt32BE(offset, 4);
  return Uint8Array.from(out).buffer;
};

test('hello, bitmap, and 600,000 bytes in frames, of what was asked for and by when', async () => {
  const asked = [], give = async ({ id, ...ask }, peer) => {
    asked.push(ask);
    if (ask.hash != HASH) return { why: 'none' };
    for (let at = 0; at < PIECE.length; at += 60000) peer.give(id, at, PIECE.subarray(at, at + 60000));
    return null;
  };
  const [x, y] = channels(), a = new Peer(x, sig('b'), hub(sig('a'), async () => ({ why: 'busy', ms: 700 }))), b = new Peer(y, sig('a'), hub(sig('b'), give));
  a.greet();
  b.greet();
  await until(() => a.ready && b.ready, 'hello');
  assert.deepEqual([a.has(ROOT, 0), a.has(ROOT, 1), a.knows(ROOT)], [true, false, true]);
  assert.equal(sha(await ask(a, PIECE.length)), HASH);
  assert.deepEqual([a.bytesIn, b.bytesOut, a.inflight, asked], [600000, 600000, 0, [{ hash: HASH, due: 1000 }]]);
  await assert.rejects(ask(b, 5), { message: 'busy', ms: 700 });
  assert.ok(b.waits(0) > 0.6 && b.waits(0) <= 0.7, 'and nobody asks it meanwhile who has another one');
});

test('earlier versions ask without a time, and say less', async () => {
  const asked = [], { peer, tell } = one(async ask => (asked.push(ask), null));
  tell({ t: 'get', id: 3, h: HASH });
  await until(() => asked.length, 'asked');
  assert.deepEqual(asked, [{ id: 3, hash: HASH, due: 2000 }]);
  const busy = ask(peer, 100);
  tell({ t: 'no', id: 1, why: 'busy' });
  await assert.rejects(busy, { message: 'busy', ms: 300 });
  tell({ t: 'got', r: ROOT, i: [4] });
  await until(() => peer.has(ROOT, 4), 'the piece');
  assert.equal(peer.stands.line, 300);
});

test('how it stands, by its own word, and when it brings a piece', async () => {
  const { peer, tell } = one();
  tell({ t: 'got', r: ROOT, i: [], at: [250, 1000, 5000] });
  await until(() => peer.stands.soon, 'its word');
  assert.deepEqual(peer.stands, { line: 250, soon: 1000, all: 5000 });
  const near = (value, want) => assert.ok(value > want - 0.3 && value <= want + 0.01, `${value}, not ${want}`);
  near(peer.expects(25000, 0), 1.16);
  near(peer.expects(25000, 12), 5.16);
  ask(peer, 50000).catch(() => {});
  near(peer.expects(25000, 0), 1.36);
  peer.close('over');
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

test('who asks for very much at once is not read for all of it', async () => {
  const ends = [], { peer, tell, got } = one(() => new Promise(end => ends.push(end)));
  await until(() => peer.ready, 'hello');
  for (let id = 1; id <= 100; id++) tell({ t: 'get', id, h: HASH });
  await until(() => got.length >= 68, 'the rest is refused');
  assert.deepEqual([ends.length, got.length, got[0]], [32, 68, { t: 'no', id: 33, why: 'busy', ms: 3000 }]);
  for (const end of ends) end(null);
  await until(() => (tell({ t: 'get', id: 101, h: HASH }), ends.length > 32), 'and read again');
});

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

test('who need not bring it any longer is told so; why it does not is passed on', async () => {
  const { tell, log, got, peer } = one(async ({ id }) => (id == 2 ? { why: 'off' } : null));
  for (const id of [1, 2]) tell({ t: 'get', id, h: HASH });
  tell({ t: 'stop', id: 1 });
  await until(() => log.stopped.length && got.length, 'both');
  assert.deepEqual([log.stopped, got], [[1], [{ t: 'no', id: 2, why: 'off' }]]);
  const asked = ask(peer, 100);
  tell({ t: 'no', id: 1, why: 'off' });
  await assert.rejects(asked, /^Error: off$/);
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
