import './setup.mjs';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Mirror } from '../../htdocs/content/mirror.js';
import { Pieces } from '../../htdocs/content/pieces.js';
import { pace } from '../../htdocs/util/bytes.js';
import { bring, recheck } from '../../htdocs/content/origin.js';
import { memoryStore, until } from './setup.mjs';

const PIECE = 1000, COUNT = 20, URL_ = 'https://site.example/media/f', CDN = 'https://cdn.example/f', MTIME = 1700000000;
const file = Uint8Array.from({ length: PIECE * COUNT - 300 }, (_, i) => i * 131 >> 3 & 255);
const sha = bytes => createHash('sha256').update(bytes).digest('hex');
const real = globalThis.fetch;
afterEach(() => { globalThis.fetch = real; });

const media = () => ({ index: 0, path: 'f', type: 'video/mp4', size: file.length, mtime: MTIME, piece: PIECE, root: '0123456789abcdef', urls: [URL_, CDN], names: [URL_, CDN], withdrawn: false,
  checked: -Infinity, check: null, hashes: Array.from({ length: COUNT }, (_, i) => sha(file.subarray(i * PIECE, (i + 1) * PIECE))) });

/** An origin: notes what it is asked. */
function origin({ bytes = file, modified = MTIME, status, delay = 0 } = {}) {
  const asked = [];
  globalThis.fetch = async (url, { method = 'GET', headers = {}, cache, signal }) => {
    asked.push(method == 'GET' ? headers.range : method);
    assert.equal(cache, 'no-store', 'what our worker keeps out of');
    await new Promise((ok, no) => { setTimeout(ok, delay); signal?.addEventListener('abort', () => no(signal.reason)); });
    if (status) return new Response('', { status });
    const [, a, b] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? 'bytes=0-99999999'), part = bytes.slice(+a, +b + 1);
    const common = { 'last-modified': new Date(modified * 1000).toUTCString() };
    return method == 'HEAD' ? new Response(null, { headers: { ...common, 'content-length': String(bytes.length) } })
      : new Response(part, { status: 206, headers: { ...common, 'content-range': `bytes ${a}-${+a + part.length - 1}/${bytes.length}` } });
  };
  return asked;
}

/** A neighbour, as the exchange knows one. */
function neighbour({ give = i => file.slice(i * PIECE, (i + 1) * PIECE), holds = () => true, delay = 1, rate = 1e6, hangs = () => false, stands = {} } = {}) {
  const peer = { asked: [], rests: 0, strikes: 0, up: true, inflight: 0, why: '', rate, told: performance.now(), stands: { line: rate / 1000, soon: 0, all: 0, ...stands },
    has: (root, i) => holds(i), knows: () => true, waits: () => 0, expects: size => size * (peer.inflight + 1) / peer.rate, claims: pace(200, 40), close(why) { peer.why = why; },
    async get({ i }, signal, { on }) {
      peer.asked.push(i);
      peer.inflight++;
      try {
        await new Promise((ok, no) => { if (!hangs(i)) setTimeout(ok, delay); signal.addEventListener('abort', () => no(new Error('stopped'))); });
        on(PIECE);
        return give(i);
      } finally { peer.inflight--; }
    } };
  return peer;
}

/** What is about a mirror in these tests. */
const around = (peers, more = {}) => ({ pieces: new Pieces(memoryStore()), peers: () => peers, coming: () => false, crowd: () => false, gives: () => true, line: () => 250, say() {}, ban: assert.fail, claim() {}, got() {}, reads() {},
  withdrawn: assert.fail, ...more });
function mirror(peers = [], coming = () => false) {
  const banned = [], withdrawn = [], said = [], m = new Mirror(around(peers, { peers: () => peers.filter(p => !p.why), coming, say: message => said.push(message),
    ban: peer => { peer.why = 'lied'; banned.push(peer); }, withdrawn: x => withdrawn.push(x) }));
  m.use({ version: 1, media: [media()] });
  return { m, banned, withdrawn, said, f: m.media[0] };
}

const now = () => ({ slack: 0, playing: true, rate: 1 / PIECE });  // a piece a second
/** As a page reads without a worker. */
async function all(m, f, start = 0, end = f.size, need = now) {
  const parts = [], reading = m.read(f, URL_, need), at = () => start + parts.length, next = () => reading.next(at(), end);
  try {
    while (at() < end) parts.push(...await next().catch(() => bring(m, f, URL_, Math.floor(at() / PIECE) * PIECE, 20 * PIECE).then(next)));
  } finally { reading.close(); }
  return Uint8Array.from(parts);
}

const gets = asked => asked.filter(what => what != 'HEAD');

test('alone: it is for an origin to bring it, at once, each byte once', async () => {
  const asked = origin(), { m, f } = mirror(), reading = m.read(f, URL_, now);
  await assert.rejects(reading.next(0, f.size));
  assert.ok(reading.run(0) >= f.size, 'all of it');
  reading.close();
  assert.deepEqual(gets(asked), []);
  assert.deepEqual(await all(m, f), file);
  assert.equal(m.bytes.origin, file.length);
  assert.equal(gets(asked).length, 1);
  assert.deepEqual(await all(m, f, 1234, 5678), file.slice(1234, 5678));
  assert.equal(m.bytes.origin, file.length, 'the second time from memory');
});

test('a neighbour is asked first, and the origin only whether the file still stands', async () => {
  const asked = origin(), peer = neighbour(), { m, f } = mirror([peer]);
  assert.deepEqual(await all(m, f), file);
  assert.deepEqual(m.bytes, { storage: 0, peers: file.length, origin: 0 });
  assert.deepEqual(asked, ['HEAD']);
});

test('a neighbour that lies is banned, and the bytes are right', async () => {
  origin();
  const liar = neighbour({ give: i => file.slice(i * PIECE, (i + 1) * PIECE).map(b => b ^ 1) }), { m, f, banned } = mirror([liar]);
  assert.deepEqual(await all(m, f), file);
  assert.deepEqual([banned[0] === liar, liar.why, m.bytes.peers], [true, 'lied', 0]);
});

test('a neighbour that brings nothing is overtaken, and rests twice as long each time', async () => {
  origin();
  const peer = neighbour({ hangs: i => i > 2 }), { m, f } = mirror([peer]);
  for (const [i, ms] of [[3, 1000], [7, 2000], [11, 4000]]) {
    const began = performance.now(), reading = m.read(f, URL_, now);
    await assert.rejects(reading.next(i * PIECE, (i + 4) * PIECE));
    reading.close();
    const late = performance.now();
    assert.ok(late - began < 2500, `${late - began} ms`);
    assert.ok(peer.rests > late + ms - 300 && peer.rests < late + ms + 100, `${peer.rests - late}`);
    peer.rests = 0;
  }
});

test('one that will be late is given up for one that is quicker, before the film stands', { timeout: 9000 }, async () => {
  origin();
  const slow = neighbour({ hangs: () => true }), quick = neighbour({ holds: () => false }), { m, f } = mirror([slow, quick]), began = performance.now();
  const left = () => 2 - (performance.now() - began) / 1000, reading = m.read(f, URL_, () => ({ slack: left(), playing: true, rate: 1 / PIECE }));
  setTimeout(() => { quick.has = () => true; m.kick(); }, 100);
  await reading.next(0, f.size);
  reading.close();
  assert.ok(left() > 0.5, `${left()} s before it stands`);
  assert.deepEqual([slow.asked[0], slow.strikes, m.bytes.origin], [0, 0, 0]);
});

test('one that is known to be slow is asked for what can wait that long, and no other', { timeout: 9000 }, async () => {
  origin();
  const peer = neighbour({ rate: PIECE / 5, delay: 5000 }), { m, f } = mirror([peer]), need = slack => ({ slack, playing: true, rate: 1 / PIECE });
  assert.deepEqual([1.5, 7].map(slack => m.read(f, URL_, () => need(slack)).ends(0)), [false, true]);
  const reading = m.read(f, URL_, () => need(1.5));
  await assert.rejects(reading.next(0, PIECE));
  reading.close();
  assert.deepEqual(peer.asked, []);
  const quick = neighbour(), both = mirror([peer, quick]);
  assert.deepEqual(await all(both.m, both.f, 0, PIECE), file.slice(0, PIECE));
  assert.deepEqual([peer.asked, quick.asked[0]], [[], 0]);
});

test('what has come is not given up while it is looked at', async t => {
  origin();
  const { subtle } = crypto, { digest } = subtle, peer = neighbour({ delay: 50 }), { m, f } = mirror([peer]), { get } = peer;
  t.after(() => { delete subtle.digest; });
  Object.defineProperty(subtle, 'digest', { configurable: true, value: async (...args) => { await new Promise(ok => setTimeout(ok, 200)); return digest.apply(subtle, args); } });
  peer.get = async (...args) => { const bytes = await get(...args); peer.expects = () => 9; return bytes; };  // it owes others
  const reading = m.read(f, URL_, () => ({ slack: 0.3, playing: true, rate: 1 / PIECE }));
  assert.deepEqual(await reading.next(0, PIECE), file.slice(0, PIECE));
  reading.close();
});

test('who can wait until a neighbour brings it waits; who cannot has it from the origin', async () => {
  origin();
  const quick = neighbour({ delay: 300 }), { m, f } = mirror([quick]), need = slack => () => ({ slack, playing: false, rate: 0 });
  assert.deepEqual(await all(m, f, 0, 500, need(3)), file.slice(0, 500));
  assert.deepEqual([m.bytes.peers, m.bytes.origin], [PIECE, 0]);
  quick.stands.line = quick.rate = 0.1;
  assert.deepEqual(await all(m, f, 5 * PIECE, 5 * PIECE + 500, need(0)), file.slice(5 * PIECE, 5 * PIECE + 500));
  assert.deepEqual([quick.asked, m.bytes.origin > 0], [[0], true]);
});


test('two that refuse in turn hold nobody up, and neither does one that drips', { timeout: 9000 }, async () => {
  origin();
  const refuse = async () => { throw Object.assign(new Error('busy'), { ms: 300 }); }, need = () => ({ slack: 0, playing: true, rate: 1 / PIECE });
  const busy = [neighbour(), neighbour()], drips = neighbour();
  for (const peer of busy) peer.get = async (...args) => { peer.asked.push(args[0].i); return refuse(); };
  drips.get = async ({ i }, signal, { on }) => {
    drips.asked.push(i);
    on(PIECE - 50);
    while (!signal.aborted) { await new Promise(ok => setTimeout(ok, 200)); on(1); }
    throw new Error('stopped');
  };
  for (const peers of [busy, [drips]]) {
    const { m, f } = mirror(peers), began = performance.now(), reading = m.read(f, URL_, need);
    await assert.rejects(reading.next(0, PIECE));
    reading.close();
    assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
  }
  assert.deepEqual([busy.map(({ asked }) => asked), drips.asked], [[[0], [0]], [0]]);
});

test('what somebody says it fetches is waited for, and no longer than the film can', { timeout: 9000 }, async () => {
  origin();
  const began = performance.now(), left = () => 4 - (performance.now() - began) / 1000, liar = neighbour({ holds: i => i == 12 }), other = neighbour({ holds: () => false }), said = [];
  const m = new Mirror(around([liar, other], { claim: (media, claim, by) => said.push([claim, by]) }));
  m.use({ version: 1, media: [media()] });
  const [f] = m.media, claim = (hops, from = 0, to = 8) => m.claimed(f.root, [from, to, hops], liar);
  claim(3);
  assert.deepEqual(said, [], 'of what nobody reads here nothing is kept or passed on');
  const reading = m.read(f, URL_, () => ({ slack: left(), playing: true, rate: 1 / PIECE })), part = reading.next(0, f.size);
  for (const hops of [3, 3, 0]) claim(hops);
  claim(9, 8, 11);
  assert.deepEqual(said.map(([claim, by]) => [...claim, by === liar]), [[0, 8, 2, true]], 'passed on once, over few links');
  await assert.rejects(part);
  reading.close();
  assert.ok(left() < 1.6 && left() > 0.5, `${left()} s before it stands`);
});

test('a neighbour that says it fetches everything is believed for 40 blocks at once, and five a second', () => {
  const liar = neighbour(), said = [], m = new Mirror(around([liar], { claim: (_, claim) => said.push(claim) })), one = { ...media(), hashes: Array(1000).fill('0'), size: 1000 * PIECE };
  m.use({ version: 1, media: [one] });
  m.read(one, URL_, () => ({ slack: 99, playing: false, rate: 0 }));
  for (let i = 0; i < 1000; i++) m.claimed(one.root, [i, i + 1, 1], liar);
  assert.equal(said.length, 40);
});

test('what an origin brings too slowly is asked of a neighbour, too; what it brings in time is not', async () => {
  for (const [came, asked] of [[100, [0]], [900, []], [0, [0]]]) {
    const peer = neighbour(), { m, f } = mirror([peer]), reading = m.read(f, URL_, now);
    reading.run(0, PIECE);
    await m.came(f, 0, file.slice(0, came));
    await new Promise(ok => setTimeout(ok, 800));
    assert.deepEqual([peer.asked, m.has(f, 0)], [asked, asked.length > 0], `${came} bytes`);
    reading.close();
  }
});

test('what nobody around has is fetched ahead, said so, and given; where an origin does not bring it so, once', async () => {
  for (const [status, whole, gives] of [[206, false, true], [503, false, true], [206, undefined, true], [206, true, true], [206, false, false]]) {
    const asked = origin({ status: status == 503 && 503 }), said = [], m = new Mirror(around([neighbour({ holds: i => i != 3 })], { gives: () => gives, claim: (_, claim) => said.push(claim) }));
    m.use({ version: 1, media: [media()] });
    const [f] = m.media, reading = m.read(f, URL_, () => ({ slack: 2, playing: true, rate: 0.1 / PIECE }));
    Object.assign(f, { checked: performance.now() + 9999, whole });
    await reading.next(0, f.size);
    await new Promise(ok => setTimeout(ok, 700));
    reading.close();
    const asks = whole === false && gives;  // only where it was seen to send parts, and by who gives
    assert.deepEqual([gets(asked), said, m.has(f, 3)], [asks ? ['bytes=3000-3999'] : [], asks ? [[3, 4, 3]] : [], asks && status == 206]);
  }
});

test('a piece that was asked for ahead and does not come holds up nobody who comes to it', { timeout: 9000 }, async () => {
  const asked = [], m = new Mirror(around([neighbour({ holds: i => i != 3 })]));
  globalThis.fetch = (_, { headers }) => (asked.push(headers.range), new Promise(() => {}));
  m.use({ version: 1, media: [media()] });
  let slack = 2;
  const [f] = m.media, reading = m.read(f, URL_, () => ({ slack, playing: true, rate: 0.1 / PIECE }));
  Object.assign(f, { checked: performance.now() + 9999, whole: false });
  await reading.next(0, f.size);
  await until(() => asked.length, 'it is asked for ahead');
  slack = 1;
  await assert.rejects(reading.next(3 * PIECE, f.size), /nobody/, 'the reader has it from its origin');
  reading.close();
});

test('a paused player has its piece from the origin when a neighbour says nothing more', { timeout: 20000 }, async () => {
  origin();
  const peer = neighbour({ hangs: () => true }), { m, f } = mirror([peer]), reading = m.read(f, URL_, () => ({ slack: Infinity, playing: false, rate: 1e-6 }));
  await assert.rejects(reading.next(PIECE, f.size), /nobody/);
  assert.deepEqual(peer.asked, [1]);
  reading.close();
});

test('alone in a crowd, a page that does not say how fast it plays has what it asks for', async () => {
  origin();
  const m = new Mirror(around([], { crowd: () => true })), need = () => ({ slack: 0, playing: true, rate: 0 });
  m.use({ version: 1, media: [media()] });
  const [f] = m.media;
  assert.deepEqual(await all(m, f, 0, f.size, need), file);
});

test('with neighbours who have some of it an origin is asked for a little at a time', () => {
  const piece = i => i * PIECE, { m, f } = mirror([neighbour({ holds: i => i == 12 })]), need = (slack, rate) => ({ slack, playing: true, rate });
  const run = (at, rate) => m.read(f, URL_, () => need(0, rate)).run(at);
  assert.deepEqual([run(500, 1 / PIECE), run(piece(13), 0)], [piece(12), f.size + 300], 'up to what somebody has');
});

test('a busy neighbour is asked again', async () => {
  origin();
  const busy = neighbour({ delay: 20 }), { m, f } = mirror([busy]), { get } = busy;
  busy.get = async (...args) => { busy.get = get; throw Object.assign(new Error('busy'), { ms: 200 }); };
  assert.deepEqual(await all(m, f, 0, 900, () => ({ slack: 5, playing: true, rate: 1 / PIECE })), file.slice(0, 900));
  assert.ok(m.bytes.peers >= PIECE);
});

for (const [what, how] of [['another size', { bytes: file.slice(1) }], ['another date', { modified: MTIME + 1 }], ['nothing there', { status: 404 }],
  ['other bytes of the same size and date', { bytes: file.map(b => b ^ 1) }]]) {
  test(`the origin has changed (${what}): withdrawn, nothing is served`, async () => {
    origin(how);
    const { m, f, withdrawn } = mirror();
    await assert.rejects(all(m, f));
    assert.deepEqual([f.withdrawn, withdrawn.length, m.count(f)], [true, 1, 0]);
    await assert.rejects(all(m, f));
  });
}

test('the origin has changed while neighbours have the old file: nothing of it reaches the page', async () => {
  origin({ modified: MTIME + 5 });
  const { m, f } = mirror([neighbour()]);
  await assert.rejects(all(m, f));
  assert.equal(await m.supply(f.hashes[0]), null);
});

test('the origin is down: neighbours go on', async () => {
  origin({ status: 503 });
  const { m, f } = mirror([neighbour()]);
  assert.deepEqual(await all(m, f), file);
});

test('the origin is down and nobody is there: an error, in time', async () => {
  origin({ status: 503 });
  const { m, f } = mirror();
  await assert.rejects(all(m, f));
  assert.equal(f.withdrawn, false);
});

test('while a neighbour may be coming the origin is asked for what is played first', async () => {
  origin();
  const peers = [], { m, f } = mirror(peers, () => !peers.length), later = slack => m.read(f, URL_, () => ({ ...now(), slack }));
  assert.deepEqual([0, 1, 6].map(slack => later(slack).run(0)), [3 * PIECE, 2 * PIECE, PIECE], 'up to what a newcomer has in hand');
  const reading = later(6);
  assert.equal(reading.ends(0), false);
  const piece = reading.next(4 * PIECE, f.size);
  setTimeout(() => { peers.push(neighbour()); m.kick(); }, 300);
  assert.deepEqual(await piece, file.slice(4 * PIECE, 5 * PIECE));
  assert.deepEqual([m.bytes.peers > 0, m.bytes.origin], [true, 0]);
  reading.close();
});

test('reading ahead is bounded, and ends with the reader', async () => {
  origin();
  const peer = neighbour({ delay: 30 }), { m, f } = mirror([peer]), stream = m.read(f, URL_, () => ({ ...now(), rate: 10 / PIECE }));
  await stream.next(0, f.size);
  await new Promise(ok => setTimeout(ok, 300));
  assert.ok(m.count(f) > 2 && m.count(f) <= 5, `${m.count(f)} pieces of ten seconds`);
  stream.next(9 * PIECE, f.size).catch(() => {});
  stream.close();
  const { length } = peer.asked;
  await new Promise(ok => setTimeout(ok, 200));
  assert.equal(peer.asked.length, length);
});

test('who does not play waits for nothing ahead: no timer', async () => {
  origin();
  const { m, f } = mirror([neighbour({ holds: i => i == 0 })]), stream = m.read(f, URL_, () => ({ slack: Infinity, playing: false, rate: 1 / PIECE })), real = globalThis.setTimeout;
  await stream.next(0, f.size);
  await assert.rejects(stream.next(PIECE, f.size));
  await new Promise(ok => setTimeout(ok, 300));
  let timers = 0;
  globalThis.setTimeout = (...args) => { timers++; return real(...args); };
  await new Promise(ok => real(ok, 400));
  globalThis.setTimeout = real;
  stream.close();
  assert.equal(timers, 0);
});

test('what a reader has read is not in memory, while it reads on', async () => {
  const given = [], give = i => { const bytes = file.slice(i * PIECE, (i + 1) * PIECE); given.push(new WeakRef(bytes)); return bytes; };
  const m = new Mirror(around([neighbour({ give })], { pieces: { has: () => false, get: async () => null, put() {} } }));
  m.use({ version: 1, media: [media()] });
  origin();
  const stream = m.read(m.media[0], URL_, () => ({ ...now(), slack: 9 }));
  for (let i = 0; i < COUNT - 1; i++) await stream.next(i * PIECE, file.length);
  setFlagsFromString('--expose-gc');
  for (let i = 0; i < 3; i++) { runInNewContext('gc')(); await new Promise(ok => setTimeout(ok, 10)); }
  assert.ok(given.length >= COUNT - 1 && given.filter(one => one.deref()).length < COUNT / 2, given.map(one => +!!one.deref()).join(''));
  stream.close();
});

test('two readers of one piece make one request', async () => {
  origin();
  const peer = neighbour({ delay: 20 }), { m, f } = mirror([peer]);
  const [a, b] = await Promise.all([all(m, f, 0, 500), all(m, f, 100, 700)]);
  assert.deepEqual([a, b], [file.slice(0, 500), file.slice(100, 700)]);
  assert.deepEqual(peer.asked, [0]);
});

test('an origin that sends all of it where a part was asked', async () => {
  globalThis.fetch = async () => new Response(file, { headers: { 'content-length': String(file.length) } });
  const { m, f } = mirror();
  assert.deepEqual(await all(m, f, 0, 2500), file.slice(0, 2500));
});

test('two neighbours share the work', async () => {
  origin();
  const one = neighbour({ delay: 10 }), two = neighbour({ delay: 10 }), { m, f } = mirror([one, two]);
  assert.deepEqual(await all(m, f), file);
  await until(() => one.inflight + two.inflight == 0);
  assert.ok(one.asked.length >= 5 && two.asked.length >= 5, `${one.asked.length} and ${two.asked.length}`);
});

test('what an origin brings past us: whole right pieces are kept, from any beginning, and whoever waits has them', async () => {
  const { m, f } = mirror([neighbour({ rate: 400, delay: 9000 })]), at = (from, to) => m.came(f, from, file.subarray(from, to));
  const waits = all(m, f, PIECE, 2 * PIECE, () => ({ slack: 9, playing: true, rate: 1 / PIECE }));
  f.checked = performance.now();
  await at(500, 1700);
  await at(1700, 2300);
  assert.deepEqual([0, 1, 2].map(i => m.has(f, i)), [false, true, false]);
  assert.deepEqual(await waits, file.slice(PIECE, 2 * PIECE));
  await at(2300, 3000);  // another request goes on where one ended
  assert.equal(m.has(f, 2), true);
  await at(3000, 3700);
  await at(3400, 3900);  // or a little before
  await at(3900, 4000);
  assert.equal(m.has(f, 3), true);
  await m.came(f, file.length - 700, file.subarray(file.length - 700));
  assert.equal(m.has(f, COUNT - 1), true, 'the last one is short');
  assert.equal(f.withdrawn, false);
  await at(5000, 5500);
  await at(5600, 6000);
  assert.equal(m.has(f, 5), false, 'not over a gap');
  await m.came(f, 4000, file.subarray(4000, 5000).map(b => b ^ 1));
  assert.deepEqual([m.has(f, 4), f.withdrawn], [false, true], 'another file');
});

test('who does not say how long the file is in a HEAD, or says nothing of it has any, has not changed it', async () => {
  for (const size of [undefined, '0']) {
    globalThis.fetch = async () => new Response(null, { headers: { ...size && { 'content-length': size } } });
    assert.ok(!await recheck(media(), URL_));
  }
});

test('who may not read the file any more is believed the second time, and not when it is a HEAD', async () => {
  const { m, f } = mirror(), said = status => m.seen(f, URL_, status, new Headers());
  said(403);
  assert.equal(f.withdrawn, false);
  f.refused -= 61000;
  said(401);
  assert.equal(f.withdrawn, false, 'one a minute');
  origin({ status: 403 });
  f.checked = -Infinity;
  await recheck(f, URL_);
  said(401);
  assert.equal(f.withdrawn, true);
});

const head = (size, modified = MTIME) => new Headers({ 'content-length': size, ...modified && { 'last-modified': new Date(modified * 1000).toUTCString() } });
test('an address with a version is the file when the origin says so, and another when not', () => {
  const { m, f } = mirror(), url = `${URL_}?ver=6.4.2`, other = `${URL_}?ver=7`;
  assert.deepEqual([m.find(url) === f, m.sure(url), m.find(`${URL_}?w=300`)], [true, false, undefined]);
  assert.equal(m.seen(f, other, 200, head(f.size - 1)), false);
  assert.equal(m.seen(f, other, 200, head(f.size, null)), false);
  assert.equal(m.seen(f, url, 200, head(f.size)), true);
  assert.deepEqual([m.sure(url), m.sure(other), f.withdrawn], [true, false, false]);
});

test('another date at another place than the first is no other file', () => {
  const { m, f } = mirror();
  m.seen(f, CDN, 200, head(f.size, MTIME + 9));
  assert.equal(f.withdrawn, false);
  m.seen(f, CDN, 200, head(f.size + 1));
  assert.equal(f.withdrawn, true);
});

test('what a neighbour asks for costs no look at all files', async () => {
  const { m } = mirror();
  let looks = 0;
  const all = Array.from({ length: 1000 }, (_, i) => ({ ...media(), index: i, get root() { looks++; return i.toString(16).padStart(16, '0'); }, get hashes() { looks++; return []; } }));
  m.use({ version: 2, media: all });
  for (const one of all) m.shown.add(one);
  looks = 0;
  assert.deepEqual(m.named(['00000000000003e7', 'ffffffffffffffff', '0000000000000001', '0000000000000001']), [all[999], all[1]]);
  assert.equal(await m.supply(sha('what nobody has')), null);
  assert.equal(looks, 0);
});

test('what a reader wanted that has gone meanwhile is not fetched', async () => {
  let read = () => {};
  const slow = new Promise(ok => { read = ok; }), peer = neighbour();
  const m = new Mirror(around([peer], { pieces: { has: () => true, get: () => slow, put() {} } }));
  m.use({ version: 1, media: [media()] });
  origin();
  const reading = m.read(m.media[0], URL_, now), part = reading.next(0, file.length);
  reading.close();
  read(null);
  await assert.rejects(part);
  await new Promise(ok => setTimeout(ok, 100));
  assert.deepEqual(peer.asked, []);
});
