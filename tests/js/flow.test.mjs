// A file through the real worker, bridge and mirror, with an origin, storage and neighbours of chance, over ports that bring things late. Time is
// made here, so that a number names a run, and is the same each time.
import { memoryStore } from './setup.mjs';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import vm from 'node:vm';
import { dice } from './world.mjs';

const sha = bytes => createHash('sha256').update(bytes).digest();
const timers = new Map(), idle = setImmediate;
let time = 0, count = 0;
globalThis.setTimeout = (f, ms = 0, ...args) => { timers.set(++count, { at: time + ms, f: () => f(...args) }); return count; };
globalThis.clearTimeout = id => { timers.delete(id); };
performance.now = Date.now = () => time;
Object.defineProperty(crypto.subtle, 'digest', { value: async (_, bytes) => Uint8Array.from(sha(bytes)).buffer });
const sleep = ms => new Promise(ok => setTimeout(ok, ms));
/** Time goes on until that is over. @returns what became of it */
async function over(promise, until = time + 3e5) {
  let done = false;
  promise.catch(() => {}).then(() => { done = true; });
  for (;;) {
    await new Promise(ok => idle(ok));
    if (done) return promise;
    const [id, next] = [...timers].reduce((a, b) => (b[1].at < a[1].at ? b : a), [0, { at: Infinity }]);
    if (next.at > until) throw new Error('it stands');
    timers.delete(id);
    time = Math.max(time, next.at);
    next.f();
  }
}

let heard = [], controls = [];
globalThis.document = { querySelectorAll: () => [] };
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { serviceWorker: { controller: { postMessage: word => controls.push(word) } } } });
const { bridge } = await import('../../htdocs/page/bridge.js');
const { Mirror } = await import('../../htdocs/content/mirror.js');
const { Pieces } = await import('../../htdocs/content/pieces.js');
const source = execFileSync('esbuild', ['--bundle', '--format=iife', new URL('../../htdocs/worker.js', import.meta.url).pathname], { encoding: 'utf8' });

const PIECE = 1000, COUNT = 20, FILM = 'https://site.example/media/f', MTIME = 1700000000;
const file = Uint8Array.from({ length: PIECE * COUNT - 300 }, (_, i) => (i * 131 >> 3) + (i >> 7) & 255), size = file.length;
const piece = i => file.slice(i * PIECE, (i + 1) * PIECE), hashes = Array.from({ length: COUNT }, (_, i) => sha(piece(i)).toString('hex'));

/** Two ports, of two threads: what one says the other hears in its order, and late() ms later. */
function channel(late) {
  const make = () => ({ open: true, last: 0, queue: [], f: null,
    postMessage(data, transfer = []) {
      if (!this.open) return;
      const { other } = this, word = structuredClone(data, { transfer });
      other.hear(() => other.open && other.f?.({ data: word }));
    },
    hear(act) { this.last = Math.max(this.last, time + late(this)); this.queue.push(act); setTimeout(() => this.f ? this.queue.shift()?.() : 0, this.last - time); },
    set onmessage(f) { if (!this.f && f) for (const _ of this.queue) setTimeout(() => this.queue.shift()?.(), 0); this.f = f; },
    close() { if (this.open) { this.open = false; this.other.hear(() => { this.other.open = false; this.other.onclose?.(); }); } },
    start() {} });
  const port1 = make(), port2 = make();
  port1.other = port2;
  port2.other = port1;
  return { port1, port2 };
}

/** A site, its visitor's page and worker, and the neighbours. */
function world({ roll = () => 0, stored = [], peers = [], origin, need, late = () => 0 }) {
  const ports = [], on = {}, asked = [];
  timers.clear();
  [heard, controls] = [[], []];
  const media = { index: 0, path: 'f', type: 'video/mp4', size, mtime: MTIME, piece: PIECE, root: '0'.repeat(16), urls: [FILM], names: [FILM], withdrawn: false, checked: -Infinity, check: null, hashes };
  const pieces = new Pieces(memoryStore());
  for (const i of stored) pieces.put(hashes[i], piece(i));
  const mirror = new Mirror({ pieces, peers: () => peers.filter(p => !p.why), coming: () => false, crowd: () => false, gives: () => true, line: () => 250, ban(p) { p.why = 'lied'; }, claim() {}, got() {}, reads() {}, withdrawn() {} });
  mirror.use({ version: 1, media: [media] });
  globalThis.fetch = async (url, { method, headers }) => origin(method == 'HEAD' ? 'HEAD' : headers.range, 'page');
  const leave = bridge(mirror, Promise.resolve(), () => true, { watch: () => need, hear: f => heard.push(f) });
  const page = { id: 'page', there: true, postMessage: (data, ports) => heard.forEach(f => f({ data, ports: ports ?? [] })) };
  vm.runInNewContext(source, vm.createContext({ setTimeout, clearTimeout, URL, Response, Headers, ReadableStream, Promise, Map, Set, Object, Date, TypeError, Uint8Array,
    MessageChannel: class { constructor() { Object.assign(this, channel(late)); ports.push(this); } }, Request: class { constructor(r, init) { Object.assign(this, r, init); } },
    location: new URL('https://site.example/circle-sw.js'), addEventListener: (type, f) => { on[type] = f; }, registration: {},
    fetch: async ({ headers }) => { asked.push(headers.get('range')); return origin(headers.get('range'), 'worker'); }, clients: { get: async () => (page.there ? page : undefined) } }));
  on.message({ data: { polycircle: 'urls', urls: [FILM], leads: true }, source: { id: 'page' } });
  const ask = range => {
    let answer;
    on.fetch({ clientId: 'page', request: { url: FILM, method: 'GET', destination: '', cache: 'no-cache', mode: 'cors', credentials: 'same-origin', headers: new Headers(range ? { range } : {}) },
      respondWith: p => { answer = p; }, stopImmediatePropagation() {}, waitUntil() {} });
    return answer;
  };
  return { ask, mirror, media, page, leave, ports, asked };
}

/** An origin's answer: `bytes` of it and no more, in parts, `cut` after so many. */
function answer(range, roll, { delay = 0, cut = Infinity, status, date = MTIME } = {}) {
  const [, from, to] = /bytes=(\d+)-(\d*)/.exec(range ?? '') ?? [], part = from && status != 200, start = part ? +from : 0, end = part && to ? Math.min(size, +to + 1) : size;
  if (start >= size) return new Response('', { status: 416, headers: { 'content-range': `bytes */${size}` } });
  let at = start;
  const body = range == 'HEAD' ? null : new ReadableStream({ async pull(c) {
    await sleep(delay);
    if (at >= end) return c.close();
    if (at >= start + cut) return roll(2) ? c.error(new TypeError('cut')) : c.close();
    const next = Math.min(end, at + 1 + roll(900));
    c.enqueue(file.slice(at, next));
    at = next;
  } }, { highWaterMark: 0 });
  return new Response(body, { status: part ? 206 : 200, headers: { ...date && { 'last-modified': new Date(date * 1000).toUTCString() }, 'content-length': String(end - start), ...part && { 'content-range': `bytes ${start}-${end - 1}/${size}` } } });
}

/** What a neighbour does with what it is asked for. */
const WAYS = ['gives', 'busy', 'hangs', 'lies', 'gives'];
function neighbour(roll) {
  const way = WAYS[roll(WAYS.length)], holds = hashes.map(() => roll(2)), peer = { rests: 0, strikes: 0, up: true, inflight: 0, why: '', told: 0, stands: { line: 100, soon: 0, all: 0 }, waits: () => 0, expects: size => size * (peer.inflight + 1) / 1e5, has: (_, i) => !!holds[i], knows: () => holds.includes(1), close(why) { peer.why = why; },
    async get({ i }, signal, { on }) {
      const bytes = piece(i), stops = new Promise((_, no) => signal.addEventListener('abort', () => no(new Error('stopped'))));
      stops.catch(() => {});
      peer.inflight++;
      try {
        await Promise.race([sleep(roll(20)), stops]);
        if (way == 'busy' && roll(2)) throw roll(2) ? Object.assign(new Error('busy'), { ms: 300 }) : new Error('none');
        if (way == 'hangs') await stops;
        if (way == 'lies' && !roll(4)) bytes[3] ^= 1;
        on(bytes.length);
        return bytes;
      } finally { peer.inflight--; }
    } };
  return peer;
}

/** One request of one visitor, all by chance. @returns what is wrong with it */
async function run(seed) {
  const roll = dice(seed), stored = roll(10), slack = [0, 0.3, 1.3][roll(3)], playing = !!roll(2), delay = roll(3) * 3, slow = roll(3) * 2, cuts = !roll(3), busy = roll(3), ill = !roll(4), how = { delay, status: roll(6) ? 206 : 200, date: roll(4) && MTIME };
  let last = time, longest = 0, tries = 0;
  const w = world({ roll, stored: hashes.map((_, i) => i).filter(() => roll(10) < stored), peers: Array.from({ length: roll(3) }, () => neighbour(roll)),
    origin: (range, who) => {
      if (ill && who == 'worker' && tries++ < 3 && roll(2)) return roll(2) ? new Response('', { status: 503 }) : Promise.reject(new TypeError('network'));
      if (who == 'worker') tries = 0;
      return answer(range, roll, { ...how, cut: cuts && how.status == 206 && roll(2) ? 500 + roll(3000) : undefined });
    },
    need: () => ({ slack: Math.max(0, slack - (time - last) / 1000), playing, rate: 1e-4 }),
    late: () => (roll(8) < busy ? roll(60) : 0) });
  const from = roll(3) ? 0 : roll(size), to = roll(4) ? size : Math.min(size, from + 1 + roll(9000)), range = roll(4) || to < size || from ? `bytes=${from}-${to < size ? to - 1 : ''}` : null, enough = roll(6) ? Infinity : roll(8000), goes = roll(6) ? Infinity : roll(8000);
  const r = await w.ask(range).catch(() => null), reader = r?.body.getReader(), got = [];
  if (!r?.ok) return '';
  let error = '';
  try {
    for (let part; !(part = await reader.read()).done && got.length <= enough; await sleep(slow)) {
      got.push(...part.value);
      longest = Math.max(longest, time - last);
      last = time;
      if (got.length > goes) w.leave();
    }
    if (got.length > enough) await reader.cancel();
  } catch ({ message }) { error = message; }
  const want = r.status == 206 ? file.subarray(from, to) : file, wrong = got.findIndex((byte, i) => byte != want[i]);
  if (wrong >= 0) return `wrong from ${from + wrong} on`;
  if (error) return `${error} after ${got.length}`;
  if (longest > 5000) return `it stood for ${longest} ms`;
  return got.length == want.length || got.length > enough ? '' : `${got.length} of ${want.length}`;
}

test('each byte is the one that was asked for, and comes once, whoever brings it, and however late that is heard', async () => {
  const wrong = [];
  for (let seed = 1; seed <= 500; seed++) {
    const what = await over(run(seed)).catch(error => error.message);
    if (what) wrong.push(`${seed}: ${what}`);
  }
  assert.deepEqual(wrong, []);
});

/** A page that can go on by itself, is asked for all, and has given some of it. @returns a reader of the rest, how long it waited at most in all() */
async function begun(how = {}) {
  const w = world({ stored: [...Array(COUNT).keys()], need: waits, origin: (range, who) => answer(range, one, { delay: 5 }), ...how }), reader = (await w.ask('bytes=0-')).body.getReader(), got = [];
  let longest = 0;
  for (let i = 0; i < 3; i++) got.push(...(await reader.read()).value);
  const all = async () => {
    for (let part, began = time; !(part = await reader.read()).done; began = time) {
      longest = Math.max(longest, time - began);
      got.push(...part.value);
    }
    assert.deepEqual(Uint8Array.from(got), file);
    return longest;
  };
  return { ...w, reader, all };
}

/** All of it: status, length, and that it is what its head says. */
async function whole(w, range) {
  const r = await w.ask(range), from = +(/bytes (\d+)/.exec(r.headers.get('content-range'))?.[1] ?? 0), bytes = new Uint8Array(await r.arrayBuffer());
  assert.deepEqual(bytes, file.slice(from, from + bytes.length));
  return [r.status, bytes.length];
}
const waits = () => ({ slack: 9, playing: false, rate: 0 }), one = dice(1);

test('an answer ends where its head says, also where that is not what was asked for', async () => {
  const others = [...Array(COUNT).keys()].slice(1);
  const all = world({ stored: others, need: waits, origin: () => answer('', one, { delay: 5 }) });
  assert.deepEqual(await over(whole(all, 'bytes=0-4999')), [200, size], 'all of it');
  const short = world({ stored: others, need: waits, origin: range => answer(range.replace('0-', '0-2999'), one, { delay: 5 }) });
  assert.deepEqual(await over(whole(short, 'bytes=0-')), [206, 3000], 'less');
  assert.deepEqual(short.asked, ['bytes=0-']);
});

test('a wrong byte at the origin, in the middle: it goes on as it comes, as without us; another file there does not', async () => {
  const wrong = file.slice();
  wrong[6 * PIECE + 7] ^= 1;
  // who has some of it, and none of what is wanted
  const peer = Object.assign(neighbour(() => 0), { has: () => false });
  const at = date => async range => {
    await sleep(5);
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(range), end = Math.min(size, to ? +to + 1 : size, +from + PIECE);  // by parts
    return new Response(wrong.slice(+from, end), { status: 206, headers: { 'last-modified': new Date(date * 1000).toUTCString(), 'content-length': String(end - from), 'content-range': `bytes ${from}-${end - 1}/${size}` } });
  };
  const urgent = () => ({ slack: 0, playing: true, rate: 1e-3 });
  const same = world({ stored: [0, 1, 2, 3, 4], peers: [peer], need: urgent, origin: at(MTIME) });
  assert.deepEqual(new Uint8Array(await over(same.ask('bytes=0-').then(r => r.arrayBuffer()))), wrong);
  assert.ok(same.asked.length > 1 && same.media.withdrawn, same.asked.join());
  const other = world({ stored: [0, 1, 2, 3, 4], peers: [peer], need: urgent, origin: at(MTIME + 60) });
  await assert.rejects(over(other.ask('bytes=0-').then(r => r.arrayBuffer())));
  // what another tab or a HEAD has seen meanwhile: nothing of the new file behind the old one
  const told = world({ stored: [0, 1, 2, 3, 4], peers: [peer], need: urgent, origin: at(MTIME + 60) }), came = [];
  await assert.rejects(over((async () => {
    const reader = (await told.ask('bytes=0-')).body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      came.push(...value);
      told.mirror.withdraw(told.media);
    }
  })()));
  assert.deepEqual(came, [...file.slice(0, came.length)]);
});

test('it goes on at an origin that says of itself something else than the page did, or cannot for a moment', async () => {
  const ways = { 'no date': { date: 0 }, 'no ranges': { status: 200 } }, stored = [0];
  for (const [what, how] of Object.entries(ways)) assert.deepEqual(await over(whole(world({ stored, need: waits, origin: range => answer(range, one, how) }))), [200, size], what);
  for (const ill of [() => new Response('', { status: 503 }), () => new Response('', { status: 429 }), () => Promise.reject(new TypeError('network'))]) {
    let tries = 0;
    assert.deepEqual(await over(whole(world({ stored, need: waits, origin: (range, who) => (who == 'worker' && tries++ < 3 ? ill() : answer(range, one)) }))), [200, size]);
  }
  const w = world({ stored, need: waits, origin: (range, who) => (who == 'worker' ? answer(range, one, { date: MTIME + 1 }) : new Response('', { status: 503 })) });
  const began = time;
  await assert.rejects(over(whole(w)), undefined, 'not with another file');
  assert.deepEqual([w.media.withdrawn, time - began < 1000], [true, true]);
});

test('an origin is down: it goes on once a neighbour has it', async () => {
  const peer = neighbour(() => 0);
  let begins = Infinity;
  Object.assign(peer, { has: () => time > begins, knows: () => time > begins });
  const w = world({ stored: [0], peers: [peer], need: waits, origin: (range, who) => { if (who == 'worker') begins = Math.min(begins, time + 200); return new Response('', { status: 503 }); } });
  assert.deepEqual(await over(whole(w)), [200, size]);
});

test('who leaves a place and comes back to it waits for nothing that it left there', async () => {
  const peer = Object.assign(neighbour(() => 0), { has: () => true, knows: () => true }), asked = [];
  peer.get = async ({ i }, signal) => {
    asked.push(i);
    if (asked.length < 3) await new Promise((_, no) => signal.addEventListener('abort', () => no(new Error('stopped'))));
    await sleep(50);
    return piece(i);
  };
  const w = world({ stored: [0], peers: [peer], need: waits, origin: range => answer(range, one, { delay: 5 }) });
  await over(sleep(1));
  await over((async () => {
    const left = (await w.ask('bytes=0-')).body.getReader();
    await left.read();
    left.read().catch(() => {});
    await sleep(100);
    await left.cancel();
    await sleep(50);
  })());
  assert.deepEqual([asked[0], w.asked], [1, []]);
  asked.push(0, 0);
  const began = time;
  assert.deepEqual(await over(whole(w, 'bytes=1000-1999')), [206, 1000]);
  assert.ok(time - began < 1000, `${time - began} ms`);
});

test('a page that goes says so: the origin brings the rest, at once', async () => {
  for (const from of [undefined, 'origin']) {
    const w = await over(begun(from && { stored: [], peers: [neighbour(() => 0)], origin: range => answer(range, one, { delay: 5 }) }));
    w.leave();
    assert.ok(await over(w.all()) < 100);
    assert.deepEqual(w.ports.filter(({ port1, port2 }) => port1.open || port2.open), []);
  }
});

test('a page that is gone without a word is not waited for long', async () => {
  const { all, ports: [{ port2 }], page } = await over(begun());
  Object.assign(port2, { open: false });
  page.there = false;
  assert.ok(await over(all()) < 4000);
});

test('what is over has no port any more, and no timer', async () => {
  const ways = {
    'read to its end': ({ all }) => all(),
    'given up': ({ reader }) => reader.cancel(),
    'the worker has ended': ({ ports: [{ port1 }] }) => port1.close(),
    'another worker is there': () => heard.forEach(f => f({ data: { polycircle: 'who' }, ports: [] })),
  };
  for (const [what, end] of Object.entries(ways)) {
    const w = await over(begun());
    assert.ok(controls.length, 'the worker is kept awake');
    await over(Promise.resolve(end(w)));
    await over(sleep(20000));
    const { length } = controls;
    await over(sleep(60000));
    assert.deepEqual([w.ports.filter(({ port2 }) => port2.open).length, controls.length - length], [0, 0], what);
  }
  const passes = world({ need: waits, origin: range => answer(range, one) });
  passes.media.withdrawn = true;
  assert.deepEqual(await over(whole(passes)), [200, size]);
  await over(sleep(100));
  assert.deepEqual(passes.ports.filter(({ port1, port2 }) => port1.open || port2.open), []);
});
