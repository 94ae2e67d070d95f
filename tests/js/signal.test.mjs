/** A signal and a scripted instance (doc/PROTOCOL.md 1.4, 2.4). */
import test from 'node:test';
import assert from 'node:assert/strict';
import { sig, tick, until } from './world.mjs';
import { Signal } from '../../htdocs/meet/signal.js';
import { pack } from '../../htdocs/meet/sdp.js';

/** asked: what came in; answer(): the oldest that waits is answered. */
function signal() {
  const asked = [], beacons = [], waiting = [], hub = { holding: () => ({}), joined: () => {}, refused: () => {} };
  const instance = { ask: (_, body) => new Promise((done, fail) => { asked.push(body); waiting.push({ done, fail }); }), beacon: (_, body) => beacons.push(body) };
  const it = new Signal(instance, { token: 't', run: 'r', key: 'k', ice: [] }, hub);
  return { it, asked, beacons, answer: more => waiting.shift().done({ polycircle: 1, sig: sig('a'), cursor: '1.0', ...more }) };
}

test('it says that it goes: also while it joins, and when a greeter without links is to join anew', async () => {
  for (const goes of ['at once', 'joined', 'alone']) {
    const { it, asked, beacons, answer } = signal();
    it.stop();
    assert.deepEqual(beacons, [], 'not before it has come');
    it.start();
    if (goes != 'at once') {
      answer({ role: 'greeter', due_ms: 200 });
      await until(() => asked.length == 2, 'the first poll');
    }
    if (goes == 'alone') it.closed({ sig: sig('b'), ready: true }, 'left');
    it.stop();
    assert.deepEqual(beacons, [{ v: 1, token: 't', run: 'r', leave: true }], goes);
  }
});

test('a wish to join anew outlives the answer to a request that was under way', async t => {
  const { it, asked, answer } = signal();
  t.after(() => it.stop());
  it.start();
  answer({ role: 'peer', due_ms: 200 });
  await until(() => asked.length == 2, 'the first poll');
  assert.deepEqual([asked[0].key, asked[1].key], ['k', undefined]);
  it.rejoin(300);
  answer({ role: 'peer', due_ms: 1200000 });
  await until(() => asked.length == 3, 'the join');
  assert.equal(asked[2].key, 'k');
});

const SDP = ['v=0', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=ice-ufrag:abcdefgh', 'a=ice-pwd:abcdefghabcdefghabcdefgh', 'a=candidate:1 1 udp 2122 192.0.2.55 5000 typ host', ''].join('\r\n');
/** Gathers at once, never connects by itself. */
class Connection {
  static made = 0;
  constructor() { Connection.made++; }
  iceGatheringState = 'new'; signalingState = 'stable'; connectionState = 'new';
  createDataChannel() { return { readyState: 'connecting', bufferedAmount: 0, send() {}, addEventListener() {}, close() {} }; }
  async setLocalDescription() { this.localDescription = { sdp: SDP }; this.iceGatheringState = 'complete'; }
  async setRemoteDescription() {}
  close() {}
}

/** A signal whose links can be opened by hand, and its instance. */
function visitor(t) {
  globalThis.RTCPeerConnection = Connection;
  t.after(() => { it.stop(); delete globalThis.RTCPeerConnection; });
  const closed = [], asked = [], waiting = [];
  const hub = { holding: () => ({}), joined() {}, refused() {}, met() {}, hello: () => ({ t: 'hello', v: 1, sig: sig('a'), version: 0, up: true, have: [] }),
    heard(m, p) { it.heard(m, p); }, closed(p, why) { closed.push([p.sig, why]); it.closed(p, why); } };
  const it = new Signal({ ask: (_, body) => new Promise(done => { asked.push(body); waiting.push(done); }), beacon() {} }, { token: 't', run: 'r', key: 'k', ice: [] }, hub);
  return { it, closed, asked,
    async answer(said) {
      await until(() => waiting.length, 'a request');
      waiting.shift()({ polycircle: 1, sig: sig('a'), role: 'greeter', cursor: '1.0', due_ms: 200, standing: 3, ...said });
    },
    open(n, others) {
      const peer = it.links.get(number(n));
      peer.channel.onmessage(JSON.stringify({ t: 'hello', v: 1, sig: peer.sig, version: 0, up: true, have: [] }));
      peer.channel.onmessage(JSON.stringify({ t: 'peers', list: others }));
    },
    /** a neighbour brings an offer in somebody's name */
    brings: (n, from, re) => it.links.get(number(n)).channel.onmessage(JSON.stringify({ t: 'from', from: number(from), re, body: OFFER })) };
}
const number = n => n.toString(16).padStart(64, '0'), OFFER = pack(SDP, false);

test('offers that nobody asked for take few places, and no neighbour\'s', async t => {
  const { it, closed, asked, answer, open, brings } = visitor(t), offer = OFFER;
  it.start();
  // none standing: it makes three; and eight neighbours, asked for, each with others
  const friends = [0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107, 0x108], others = [0x201, 0x202, 0x203].map(number);
  await answer({ standing: 0, peers: friends.map((n, i) => ({ sig: number(n), offer: { id: `${i}`.repeat(12), sdp: offer } })) });
  await until(() => it.links.size == 8, 'eight links');
  for (const n of friends) open(n, others);
  assert.equal(it.peers.length, 8);
  await answer({ mail: Array.from({ length: 16 }, (_, i) => ({ n: `1.${i}`, from: number(0x600 + i), re: `${i}`.padStart(12, 'e'), body: offer })) });
  await until(() => it.links.size > 8, 'some are answered');
  for (let i = 0; i < 16; i++) brings(0x101, 0x700 + i, `${i}`.padStart(12, 'f'));
  await answer({});
  assert.deepEqual([it.peers.map(p => p.sig).sort(), closed], [friends.map(number), []], 'the neighbours are there');
  assert.equal(it.links.size, 12, 'two of the instance, and of a neighbour what is left, which has two of its own');
  // who answers an offer of ours comes in all the same; with thirteen open one neighbour who has others goes
  const [mine] = asked.flatMap(b => b.offers ?? []);
  await answer({ mail: [{ n: '1.99', from: number(0x777), re: mine.id, body: pack(SDP, true) }] });
  await until(() => it.links.has(number(0x777)), 'a newcomer');
  assert.equal(it.peers.length, 8, 'nobody goes for what is not open');
  for (const { sig: of } of [...it.links.values()].filter(p => !p.ready)) open(parseInt(of, 16), []);
  assert.deepEqual([it.peers.length, it.links.has(number(0x777)), closed], [12, true, [[number(0x101), 'bye']]]);
});

test('who answers an offer of ours comes in, however many that we were given never open', async t => {
  const { it, asked, answer } = visitor(t);
  it.start();
  for (let i = 0; i < 12; i++) await answer({ standing: i ? 3 : 0, peers: [{ sig: number(0x800 + i), offer: { id: `${i}`.repeat(12), sdp: OFFER } }] });
  await until(() => it.links.size == 9, 'nine of these');
  const [mine] = asked.flatMap(b => b.offers ?? []);
  await answer({ mail: [{ n: '1.99', from: number(0x777), re: mine.id, body: pack(SDP, true) }] });
  await until(() => it.links.has(number(0x777)), 'a newcomer');
  assert.equal(it.links.size, 10);
});

test('forged offers: no link that is there goes for one, and who brings them is not heard for a while', async t => {
  const { it, closed, answer, open, brings } = visitor(t);
  it.start();
  // four neighbours, and a fifth whose link is not open yet
  await answer({ role: 'peer', due_ms: 60000, peers: [1, 2, 3, 4, 5].map(n => ({ sig: number(n), offer: { id: `o${n}`, sdp: OFFER } })) });
  await until(() => it.links.size == 5, 'five links');
  for (const n of [1, 2, 3, 4]) open(n, [number(9)]);
  const before = [...it.links.values()], links = () => [...it.links.values()].filter(peer => !before.includes(peer)).map(peer => parseInt(peer.sig, 16));
  for (const from of [1, 2, 3, 4, 5]) brings(4, from, 'forged');
  assert.deepEqual([it.links.size, it.links.get(number(5)), closed], [5, before[4], []]);
  // addresses of its choice, in invented names: two at a time are tried, and when five came to nothing no more
  for (let from = 0x10; from < 0x20; from++) brings(4, from, 'forged');
  await until(() => links().length == 2, 'two are tried');
  const tried = new Set();
  for (let from = 0x20; from < 0x40; from++) {
    for (const n of links()) {
      tried.add(n);
      it.links.get(number(n)).close('timeout');
    }
    brings(4, from, 'forged');
  }
  assert.deepEqual([tried.size, links()], [5, []]);
  brings(3, 0x40, 'honest');
  await until(() => links()[0] == 0x40, "another neighbour's is answered");
  assert.deepEqual(it.peers.map(p => parseInt(p.sig, 16)), [1, 2, 3, 4]);
});

test('no more than twelve links, also with those who name no neighbours', async t => {
  const { it, asked, answer, open } = visitor(t), used = new Set();
  it.start();
  for (let n = 0x900; n < 0x910;) {
    const offers = asked.flatMap(b => b.offers ?? []).filter(o => !used.has(o.id)), mail = offers.map(o => ({ n: `1.${n}`, from: number(n++), re: o.id, body: pack(SDP, true) }));
    for (const o of offers) used.add(o.id);
    await answer({ standing: 0, mail });
    await tick(20);
    for (const peer of [...it.links.values()].filter(p => !p.ready)) open(parseInt(peer.sig, 16), []);
  }
  assert.equal(it.peers.length, 12);
});

test('two have claimed the offers of each other: both go on with that of the lower SIG', async t => {
  const { it, closed, asked, answer } = visitor(t), lower = number(1), higher = sig('b');
  it.start();
  await answer({ standing: 0, peers: [lower, higher].map(who => ({ sig: who, offer: { id: 'theirs', sdp: OFFER } })) });
  await until(() => it.links.size == 2 && asked[1]?.offers.length == 3, 'it answers both, and offers');
  const [toLower, toHigher] = it.links.values();
  await answer({ mail: [lower, higher].map((from, i) => ({ n: `1.${i}`, from, re: asked[1].offers[i].id, body: pack(SDP, true) })) });
  await until(() => asked.length == 3, 'the next request');
  assert.equal(it.links.get(lower), toLower, 'theirs');
  assert.deepEqual([it.links.get(higher) != toHigher, it.links.get(higher).mine, closed], [true, true, [[higher, 'replaced']]], 'ours');
});

test('a browser has few connections: none is made for an offer that is not wanted', async t => {
  const { it, answer, open, brings } = visitor(t);
  it.start();
  await answer({ role: 'peer', due_ms: 200, peers: [1, 2, 3, 4].map(n => ({ sig: number(n), offer: { id: `o${n}`, sdp: OFFER } })) });
  await until(() => it.links.size == 4, 'four links');
  for (const n of [1, 2, 3, 4]) open(n, []);
  Connection.made = 0;
  for (let n = 0; n < 3000; n++) brings(1 + n % 4, 0x1000 + n, 'x');
  await answer({ mail: Array.from({ length: 16 }, (_, i) => ({ n: `1.${i}`, from: number(0x600 + i), re: 'x', body: OFFER })) });
  await tick(20);
  assert.equal(Connection.made, 8, 'up to twelve links');
});

test('... and few for those that nobody asked for: each that opens brings the next one, and is left', async t => {
  const { it, answer, open, brings } = visitor(t);
  it.start();
  await answer({ role: 'peer', due_ms: 60000, peers: [{ sig: number(1), offer: { id: 'o', sdp: OFFER } }] });
  await until(() => it.links.size == 1, 'a link');
  open(1, []);
  Connection.made = 0;
  for (let n = 2; n < 100 && it.links.has(number(n - 1)); n++) {
    brings(n - 1, n, 'x');
    await tick();
    if (it.links.has(number(n))) open(n, []);
    if (n > 2) it.links.get(number(n - 1)).close('left');
  }
  assert.equal(Connection.made, 12);
});

test('a neighbour that invents others: five are tried, and none is named dead to the instance; another one\'s is linked', async t => {
  const { it, asked, answer, open } = visitor(t), invented = i => 'b' + number(i).slice(1);
  it.start();
  await answer({ role: 'peer', due_ms: 60000, peers: [1, 2].map(n => ({ sig: number(n), offer: { id: `o${n}`, sdp: OFFER } })) });
  await until(() => it.links.size == 2, 'two links');
  const strangers = () => [...it.links.values()].filter(p => !p.ready), tried = new Set();
  open(1, Array.from({ length: 16 }, (_, i) => invented(i)));
  open(2, []);
  while (tried.size < 5) {
    await until(() => strangers().some(one => !tried.has(one.sig)), 'one is tried');
    for (const one of strangers().slice(0, 5 - tried.size)) tried.add(one.sig), one.close('timeout');
  }
  for (const one of strangers()) one.close('timeout');
  it.links.get(number(1)).channel.onmessage(JSON.stringify({ t: 'peers', list: Array.from({ length: 16 }, (_, i) => invented(100 + i)) }));
  it.links.get(number(2)).channel.onmessage(JSON.stringify({ t: 'peers', list: [sig('c')] }));
  await until(() => it.links.has(sig('c')), "the other's");
  await new Promise(ok => setTimeout(ok, 1500));
  assert.deepEqual(strangers().map(p => p.sig), [sig('c')]);
  await answer({});
  assert.deepEqual(asked.flatMap(b => b.gone ?? []).filter(who => tried.has(who)), []);
});

test('mail is carried, not poured', async t => {
  const { it, answer, open } = visitor(t), carried = [];
  it.start();
  await answer({ role: 'peer', due_ms: 60000, peers: [1, 2].map(n => ({ sig: number(n), offer: { id: `o${n}`, sdp: OFFER } })) });
  await until(() => it.links.size == 2, 'two links');
  for (const n of [1, 2]) open(n, []);
  it.links.get(number(2)).channel.send = text => carried.push(JSON.parse(text));
  for (let i = 0; i < 1000; i++) it.links.get(number(1)).channel.onmessage(JSON.stringify({ t: 'mail', to: number(2), re: `${i}`, body: OFFER }));
  assert.deepEqual([carried.length, carried[0]], [16, { t: 'from', from: number(1), re: '0', body: OFFER }]);
});

test('neighbours hear of neighbours when these change, however much one says', async t => {
  const { it, closed, answer, open } = visitor(t), heard = [];
  it.start();
  await answer({ role: 'peer', due_ms: 60000, peers: [1, 2, 3].map(n => ({ sig: number(n), offer: { id: `o${n}`, sdp: OFFER } })) });
  await until(() => it.links.size == 3, 'three links');
  for (const n of [1, 2]) open(n, []);
  it.links.get(number(2)).channel.send = text => heard.push(JSON.parse(text));
  it.links.get(number(3)).close('timeout');
  assert.deepEqual(heard, [], 'one that never opened was none');
  const again = it.links.get(number(1)).channel, hello = JSON.stringify({ t: 'hello', v: 1, sig: number(1), version: 0, up: true, have: [] });
  for (let i = 0; i < 1000; i++) again.onmessage(hello);
  assert.deepEqual([heard, closed.map(([who]) => who)], [[{ t: 'peers', list: [] }], [number(3), number(1)]], 'who says hello twice is none any longer');
});

test('who lied is not linked again, whoever offers', async t => {
  const { it, answer, open, brings } = visitor(t), { now } = performance;
  t.after(() => { performance.now = now; });
  it.start();
  await answer({ role: 'peer', due_ms: 60000, peers: [1, 3].map(n => ({ sig: number(n), offer: { id: `o${n}`, sdp: OFFER } })) });
  await until(() => it.links.size == 2, 'two links');
  for (const n of [1, 3]) open(n, []);
  it.ban(it.links.get(number(3)));
  for (const ms of [0, 3e8]) {
    performance.now = () => now.call(performance) + ms;
    brings(1, 3, 'x');
    await tick(20);
    assert.equal(it.links.has(number(3)), false, `after ${ms} ms`);
  }
});
