// The worker, in a scope of its own making: what it answers and how, and above all what it leaves alone.
import './setup.mjs';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import vm from 'node:vm';

const bundle = name => execFileSync('esbuild', ['--bundle', '--format=iife', new URL(`../../htdocs/${name}`, import.meta.url).pathname], { encoding: 'utf8' });
const source = bundle('worker.js'), removed = bundle('removed-sw.js');
/** open ports keep Node from ending @type {MessageChannel[]} */
const channels = [];
class Channel extends MessageChannel { constructor() { super(); channels.push(this); } }
after(() => { for (const { port1, port2 } of channels) port1.close(), port2.close(); });

const FILM = 'https://site.example/media/film.mp4', DAY = 864e5, BYTES = 'abcdefghij', TEXT = new TextEncoder();
const DATE = 'Wed, 15 Nov 2023 06:13:20 GMT';

/** An origin that has BYTES; each answer is made by the next of `ways`, the last one again and again. */
const origin = (...ways) => async (url, { headers }) => {
  const [, from = 0] = /bytes=(\d+)-/.exec(headers?.get('range') ?? '') ?? [];
  return (ways.length > 1 ? ways.shift() : ways[0])(+from, headers?.get('range'));
};
/** Its answers: parts of the body as chunks, the end of it short or cut where that is said. */
const good = (from, range, { chunks = [BYTES.slice(from)], cut = false, date = DATE, more = {} } = {}) => new Response(new ReadableStream({
  pull(c) { chunks.length ? c.enqueue(TEXT.encode(chunks.shift())) : cut ? c.error(new TypeError('cut')) : c.close(); },
}, { highWaterMark: 0 }), { status: range ? 206 : 200, headers: { 'last-modified': date, etag: '"1"', ...range ? { 'content-range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` } : { 'content-length': String(BYTES.length) }, ...more } });
const plainly = () => new Response('plain', { headers: { etag: '"1"', 'content-encoding': 'gzip' } });

/** @param {(message: any, port: MessagePort) => void} [page] how the page with the tag reacts */
function worker(page = () => {}, { headerValue = 'true', from = origin(plainly), cache = null, patience = 2000, at = '/circle-sw.js', text = '', waiting, push = null, source: code = source } = {}) {
  const on = {}, plain = [], said = [], who = [], kept = { headerValue };
  const client = { id: 'page', postMessage: (message, ports) => { if (!ports) return who.push(message); said.push(message); page(message, ports[0]); } };
  const registration = { active: { scriptURL: `https://site.example${at}` }, waiting, pushManager: { getSubscription: async () => push } };
  const scope = { setTimeout: (f, ms, ...args) => setTimeout(f, { 500: 1, 2000: 1, 10000: 1, 30000: 1, 50: patience }[ms] ?? ms, ...args), clearTimeout, URL, Response, Request: class { constructor(r, init) { Object.assign(this, r, init); } }, Headers, ReadableStream, MessageChannel: Channel, Promise, Map, Set, Object, Date,
    TypeError, Uint8Array, location: new URL(at, 'https://site.example/'), addEventListener: (type, f) => { on[type] = f; }, skipWaiting() { scope.skipped = true; },
    indexedDB: { deleteDatabase: () => { const request = {}; setTimeout(() => request.onsuccess()); return request; } },
    fetch: async (request, init) => {
      if (init?.cache == 'only-if-cached') return cache ?? new Response('', { status: 504 });
      if (typeof request == 'string') return new Response(text);
      plain.push([request.url, init, request]);
      return from(request.url, request);
    },
    clients: { claim: async () => { scope.claimed = true; }, get: async id => ['page', 'other'].includes(id) ? { ...client, id } : undefined },
    registration: { ...registration, unregister: async () => { scope.gone = true; }, navigationPreload: { getState: async () => kept, setHeaderValue: async value => { kept.headerValue = value; } } } };
  vm.runInNewContext(code, vm.createContext(scope));
  const ask = (url = FILM, { clientId = 'page', method = 'GET', destination = 'video', cache = 'default', mode = 'cors', credentials = 'include', range, headers = {} } = {}) => {
    let answer = null, last = false;
    const waits = [];
    on.fetch({ clientId, request: { url, method, destination, cache, mode, credentials, headers: new Headers({ ...headers, ...range ? { range } : {} }) }, respondWith: p => { assert.ok(last, 'no other listener answers'); answer = p; }, stopImmediatePropagation: () => { last = true; }, waitUntil: p => waits.push(p) });
    return { answer, waits };
  };
  const announce = (urls = [FILM], leads = true, id = 'page') => on.message({ data: { polycircle: 'urls', urls, leads }, source: { id } });
  const happens = async type => { const waits = []; on[type]({ waitUntil: p => waits.push(p) }); await Promise.all(waits); };
  const removed = async () => { const waits = []; on.message({ data: { polycircle: 'removed' }, waitUntil: p => waits.push(p) }); await Promise.all(waits); };
  return { scope, plain, said, who, kept, ask, announce, happens, removed };
}

/** A page that has it all, and answers as page/bridge.js does. */
const answers = chunks => (message, port) => {
  let at = 0;
  const send = head => {
    const chunk = TEXT.encode(chunks.shift() ?? '').buffer, word = chunk.byteLength ? { at, chunk } : { pass: true, end: true };
    at += chunk.byteLength;
    port.postMessage({ ...head, ...word });
  };
  port.onmessage = ({ data }) => data.pull >= 0 ? send() : port.close();
  port.postMessage({ mine: true });
  send({ status: 206, headers: { 'content-range': 'bytes 0-5/6' } });
};
/** A page that has nothing, and hears what comes; heard() waits for the end of it. then: true where that has answered. */
const hears = (came = [], then = () => {}) => (message, port) => {
  port.onmessage = ({ data }) => {
    came.push(data.chunk ? [data.at, new TextDecoder().decode(data.chunk)] : data);
    if (!then(data, port) && data.pull >= 0) port.postMessage({ at: data.pull, origin: true });
  };
  port.postMessage({ origin: true });
};
const heard = async (came) => {
  for (let left = 200; left-- && came.at(-1) != 'end';) await new Promise(ok => setTimeout(ok, 10));
  return came.filter(Array.isArray).map(([at, text]) => `${at} ${text}`);
};
const script = { destination: '', credentials: 'same-origin' };

test('what the page has is answered by the page, chunk by chunk', async () => {
  const { ask, announce, plain, said } = worker(answers(['abc', 'def']));
  announce();
  const answer = await ask(FILM, { range: 'bytes=0-' }).answer;
  assert.deepEqual([answer.status, answer.headers.get('content-range'), await answer.text()], [206, 'bytes 0-5/6', 'abcdef']);
  assert.deepEqual([plain, JSON.parse(JSON.stringify(said))], [[], [{ polycircle: 'bring', url: FILM, range: 'bytes=0-', spare: false }]]);
});

// a row of the worker's table each
for (const [what, url, how, ours] of [
  ['another method', FILM, { method: 'HEAD' }, false], ['another method', FILM, { method: 'POST' }, false], ['a navigation', FILM, { mode: 'navigate' }, false],
  ['the mirror’s own request', FILM, { cache: 'no-store' }, false], ['no page', FILM, { clientId: '' }, false],
  ['a condition', FILM, { ...script, headers: { 'if-range': '"1"' }, range: 'bytes=5-' }, false], ['a condition', FILM, { ...script, headers: { 'if-none-match': '"1"' } }, false],
  ['a player that was adopted', FILM, {}, true], ['one that was not', FILM, { mode: 'no-cors' }, false], ['one that was not', FILM, { credentials: 'same-origin' }, false], ['one of a page without the tag', FILM, { mode: 'no-cors', clientId: 'other' }, false],
  ['a script', FILM, script, true], ['a film of another place', 'https://cdn.example/film.mp4', { credentials: 'same-origin' }, true], ['one that is asked for without CORS', 'https://cdn.example/film.mp4', { mode: 'no-cors' }, false],
  ['another address', 'https://site.example/other.mp4', script, false], ['another film', 'https://cdn.example/other.mp4', { mode: 'no-cors' }, false],
  ['part of a file, of a page that it does not know', FILM, { ...script, clientId: 'other', range: 'bytes=0-' }, false], ['a film of such a page', 'https://cdn.example/other.mp4', { credentials: 'same-origin', clientId: 'other' }, false],
  ['a picture of such a page', 'https://site.example/a.png', { destination: 'image', clientId: 'other' }, false],
]) test(`${ours ? 'ours' : 'left alone'}: ${what}, ${JSON.stringify(how)}`, () => {
  const { ask, announce } = worker(answers(['abc']));
  announce([FILM, 'https://cdn.example/film.mp4']);
  assert.equal(!!ask(url, how).answer, ours);
});

for (const [url, ours] of [[`${FILM}?_=1`, true], [`${FILM}?ver=6.4.2`, true], [`${FILM}?v=1&_=2`, true], ['https://site.example/media//film.mp4', true], [`${FILM}?w=300`, false], [`${FILM}?token=1&ver=2`, false],
  [`${FILM}?version=1`, false], ['https://site.example//media/film.mp4?v', true]]) test(`${ours ? 'perhaps the same' : 'another'} file: ${url}`, () => {
  const { ask, announce } = worker(hears(), { from: origin(good) });
  announce();
  assert.equal(!!ask(url, script).answer, ours);
});

test('a page that it does not know is asked, once, what it has', async () => {
  const { ask, who } = worker();
  for (let i = 0; i < 3; i++) await Promise.all(ask('https://site.example/a.png', { destination: 'image' }).waits);
  assert.deepEqual(who.map(({ polycircle }) => polycircle), ['who']);
});

test('a player that was adopted is answered by the worker to its end: plain HTTP passed on, when the page has left', async () => {
  const { ask, announce, plain, said } = worker(answers(['abc']));
  announce();
  assert.equal(await (await ask().answer).text(), 'abc');
  announce([]);
  const passed = await ask(FILM, { range: 'bytes=5-' }).answer;
  assert.deepEqual([await passed.text(), passed.headers.get('etag'), passed.url, plain.length, said.length], ['plain', '"1"', '', 1, 1]);
});

test('what cannot be read is passed on as it is', async () => {
  const opaque = { status: 0, type: 'opaque', headers: new Headers() }, { ask, announce } = worker(hears(), { from: async () => opaque });
  announce(['https://cdn.example/film.mp4']);
  assert.equal(await ask('https://cdn.example/film.mp4', { mode: 'no-cors', destination: 'image' }).answer, opaque);
});

test('where a script is sent on to, its answer says', async () => {
  const sent = () => Object.defineProperty(good(0, null), 'redirected', { value: true }), film = 'https://cdn.example/film.mp4', script = { destination: '', credentials: 'same-origin' };
  for (const page of [hears(), (message, port) => port.postMessage({ pass: true })]) {
    const answers = [], { ask, announce } = worker(page, { from: async () => (answers.push(sent()), answers.at(-1)) });
    announce();
    assert.equal(await ask(FILM, script).answer, answers[0]);
  }
  const came = [], { ask, announce } = worker(hears(came), { from: async () => sent() });
  announce([film]);
  assert.equal(await (await ask(film, { credentials: 'same-origin' }).answer).text(), BYTES);
  assert.deepEqual(await heard(came), [`0 ${BYTES}`], 'a player does not ask for it');
});

test('what nobody here has comes from the origin, head and all, and past the page', async () => {
  const came = [], { ask, announce, plain } = worker(hears(came), { from: origin((from, range) => good(from, range, { chunks: ['cde', 'fghij'] })) });
  announce();
  const answer = await ask(FILM, { range: 'bytes=2-' }).answer;
  assert.deepEqual([answer.status, answer.headers.get('etag'), answer.headers.get('content-range')], [206, '"1"', 'bytes 2-9/10']);
  assert.equal(await answer.text(), 'cdefghij');
  assert.deepEqual(await heard(came), ['2 cde', '5 fghij']);
  assert.deepEqual([came[0].at, came[0].head.status, new Headers(came[0].head.headers).get('last-modified'), came.at(-1), plain.length], [2, 206, DATE, 'end', 1]);
});

test('the page goes on where it says, and the origin is let go', async () => {
  const say = (data, port) => {
    if (data.chunk && data.at == 0) port.postMessage({ from: 4 });
    if (data.pull) port.postMessage({ at: data.pull, ...data.pull == 4 ? { chunk: TEXT.encode('EFGHIJ').buffer } : { pass: true, end: true } });
    return true;
  };
  const came = [], { ask, announce } = worker(hears(came, say), { from: origin((from, range) => good(from, range, { chunks: ['ab', 'cdefgh', 'ij'] })) });
  announce();
  const reader = (await ask(FILM, { range: 'bytes=0-' }).answer).body.getReader(), text = [];
  for (let part; !(part = await reader.read()).done;) text.push(new TextDecoder().decode(part.value)), await new Promise(ok => setTimeout(ok, 20));
  assert.deepEqual(text, ['ab', 'cd', 'EFGHIJ']);
  assert.deepEqual(await heard(came), ['0 ab', '2 cd']);
});

test('the page says it too late: the origin goes on', async () => {
  const { ask, announce } = worker(hears([], (data, port) => { if (data.at == 2) port.postMessage({ from: 1 }); }), { from: origin((from, range) => good(from, range, { chunks: ['ab', 'cd', 'efghij'] })) });
  announce();
  assert.equal(await (await ask(FILM, { range: 'bytes=0-' }).answer).text(), BYTES);
});

test('the page can no longer go on: the origin does, from there', async () => {
  const page = (message, port) => {
    port.onmessage = ({ data }) => { if (data.pull) port.postMessage({ at: data.pull, origin: true }); };
    port.postMessage({ at: 0, status: 206, headers: { 'content-range': 'bytes 0-9/10', 'last-modified': DATE }, chunk: TEXT.encode('abc').buffer });
  };
  const { ask, announce, plain } = worker(page, { from: origin(good) });
  announce();
  assert.equal(await (await ask(FILM, { range: 'bytes=0-' }).answer).text(), BYTES);
  assert.deepEqual(plain.map(([, , { headers, integrity }]) => [headers.get('range'), integrity]), [['bytes=3-9', '']], 'of which the hash of the whole is not');
  const other = worker(page, { from: origin((from, range) => good(from, range, { more: { 'content-range': `bytes ${from}-10/11` } })) });
  other.announce();
  await assert.rejects((await other.ask(FILM, { range: 'bytes=0-' }).answer).text(), undefined, 'not with another file');
});

test('the origin brings it up to where the page goes on', async () => {
  const parts = ['abc', { to: 6 }, 'ghi', {}], page = (message, port) => {
    const next = at => { const part = parts.shift(); port.postMessage({ at, ...typeof part == 'string' ? { chunk: TEXT.encode(part).buffer } : { origin: true, ...part } }); };
    port.onmessage = ({ data }) => { if (data.pull) next(data.pull); };
    port.postMessage({ at: 0, status: 206, headers: { 'content-range': 'bytes 0-9/10', 'last-modified': DATE }, chunk: TEXT.encode(parts.shift()).buffer });
  };
  const { ask, announce, plain } = worker(page, { from: origin((from, range) => good(from, range, { chunks: [BYTES.slice(from, range == 'bytes=3-5' ? 6 : undefined)] })) });
  announce();
  assert.equal(await (await ask(FILM, { range: 'bytes=0-' }).answer).text(), BYTES);
  assert.deepEqual(plain.map(([, , { headers }]) => headers.get('range')), ['bytes=3-5', 'bytes=9-9']);
});

for (const [what, ranges, ...ways] of [
  ['is cut off goes on where it broke', ['bytes=0-', 'bytes=3-9', 'bytes=7-9'], (from, range) => good(from, range, { chunks: ['abc'], cut: true }), (from, range) => good(from, range, { chunks: ['defg'], cut: true }), good],
  ['is short goes on where it ended', ['bytes=0-', 'bytes=3-9'], (from, range) => good(from, range, { chunks: ['abc'] }), good],
]) test(`an answer that ${what}`, async () => {
  const came = [], { ask, announce, plain } = worker(hears(came), { from: origin(...ways) });
  announce();
  assert.equal(await (await ask(FILM, { range: 'bytes=0-' }).answer).text(), BYTES);
  assert.deepEqual(plain.map(([, , { headers }]) => headers.get('range')), ranges);
  assert.equal((await heard(came)).map(line => line.split(' ')[1]).join(''), BYTES);
});

test('who wants no more while the origin is asked to go on: it is let go', async () => {
  let answer, gone = false;
  const { ask, announce, plain } = worker(hears(), { from: origin((from, range) => good(from, range, { chunks: ['abc'] }), () => new Promise(ok => { answer = ok; })) });
  announce();
  const reader = (await ask(FILM, { range: 'bytes=0-' }).answer).body.getReader();
  await reader.read();
  reader.read().catch(() => {});
  for (let left = 100; left-- && !answer;) await new Promise(ok => setTimeout(ok, 10));
  await reader.cancel();
  answer(new Response(new ReadableStream({ cancel() { gone = true; } }), { status: 206, headers: { 'last-modified': DATE, 'content-range': 'bytes 3-9/10' } }));
  await new Promise(ok => setTimeout(ok, 20));
  assert.deepEqual([plain.length, gone], [2, true]);
});

test('the date of a file tells another only where an origin began', async () => {
  const page = (message, port) => {
    port.onmessage = ({ data }) => { if (data.pull) port.postMessage({ at: data.pull, origin: true }); };
    port.postMessage({ at: 0, status: 206, headers: { 'content-range': 'bytes 0-9/10', 'last-modified': DATE }, chunk: TEXT.encode('abc').buffer });
  };
  const dated = (from, range) => good(from, range, { date: 'Thu, 16 Nov 2023 06:13:20 GMT' });
  const copy = worker(page, { from: origin(dated) }), other = worker(hears(), { from: origin((from, range) => good(from, range, { chunks: ['abc'], cut: true }), dated) });
  copy.announce();
  assert.equal(await (await copy.ask(FILM, { range: 'bytes=0-' }).answer).text(), BYTES);
  other.announce();
  await assert.rejects((await other.ask(FILM, { range: 'bytes=0-' }).answer).text());
});

test('an origin of which nothing more comes: an error, after some more tries', async () => {
  for (const way of [(from, range) => good(from, range, { chunks: [], cut: true }), () => new Response('', { status: 503 }), () => Promise.reject(new TypeError('network'))]) {
    const { ask, announce, plain } = worker(hears(), { patience: 1, from: origin((from, range) => good(from, range, { chunks: ['abc'], cut: true }), way) });
    announce();
    await assert.rejects((await ask(FILM, { range: 'bytes=0-' }).answer).text());
    assert.equal(plain.length, 5);
  }
});

test('an origin that sends all of it where a part was asked: so it comes', async () => {
  const came = [], { ask, announce } = worker(hears(came), { from: origin(() => good(0, null)) });
  announce();
  const answer = await ask(FILM, { range: 'bytes=4-' }).answer;
  assert.deepEqual([answer.status, await answer.text(), await heard(came)], [200, BYTES, [`0 ${BYTES}`]]);
});

test('a page without the tag: all at once', () => {
  const { ask, plain } = worker(undefined, { patience: 50 });
  for (const [url, how] of [['https://site.example/a.png', { destination: 'image' }], [FILM, { mode: 'no-cors' }], [FILM, { destination: '', range: 'bytes=0-' }]]) assert.equal(ask(url, how).answer, null);
  assert.equal(plain.length, 0);
});

test('a page that is busy is not waited for: the origin is asked, and the page hears what came', async () => {
  const came = [], { ask, announce, plain } = worker((message, port) => setTimeout(() => hears(came)(message, port), 300), { from: origin(good), patience: 50 });
  announce();
  assert.equal(await (await ask(FILM, { range: 'bytes=0-' }).answer).text(), BYTES);
  assert.equal(plain.length, 1);
  assert.deepEqual(await heard(came), [`0 ${BYTES}`]);
});

test('a page that cannot tell yet: the origin is asked at once, and the page hears what came, up to 4 MiB of it', async () => {
  for (const [word, copies] of [[{ late: true }, 4], [{ origin: true }, 6]]) {
    const mib = 'x'.repeat(1 << 20), seen = [], say = (message, port) => { port.onmessage = ({ data }) => seen.push(data.chunk?.byteLength ?? 0); port.postMessage(word); };
    const { ask, plain } = worker(say, { from: origin(() => new Response(new ReadableStream({ pull(c) { this.n = (this.n ?? 0) + 1; this.n > 6 ? c.close() : c.enqueue(TEXT.encode(mib)); } }, { highWaterMark: 0 }), { headers: { 'content-length': String(6 << 20), 'last-modified': DATE } })) });
    const began = performance.now();
    assert.equal((await (await ask(FILM, { range: 'bytes=0-' }).answer).text()).length, 6 << 20);
    assert.ok(performance.now() - began < 1500, 'not after a second');
    for (let left = 100; left-- && seen.length < copies + 2;) await new Promise(ok => setTimeout(ok, 10));
    assert.deepEqual([seen.filter(n => n).length, plain.length], [copies, 1]);
  }
});

test('a player that asks for all is brought it as far as the page says, or 2 MiB of it while that says nothing', async () => {
  const size = 9 << 20, MIB = 1 << 20, came = [], asked = [];
  const runs = (from, to) => new Response(new Uint8Array(to + 1 - from).fill(7), { status: 206, headers: { 'last-modified': DATE, 'content-range': `bytes ${from}-${to}/${size}`, 'content-length': String(to + 1 - from) } });
  /** first: what the page says first; pulled: what is there when it is asked, besides the origin */
  const play = ({ first, pulled = [], answer = runs, ...more }) => {
    const page = (message, port) => {
      port.onmessage = ({ data }) => { came.push(data); if (data.pull >= 0) port.postMessage({ at: data.pull, origin: true, ...pulled.shift() }); };
      if (first) port.postMessage(first);
    };
    const w = worker(page, { patience: 20, from: async (url, r) => {
      const [, from, to] = /bytes=(\d+)-(\d*)/.exec((w.plain.at(-1)[1]?.headers ?? r.headers).get('range'));
      asked.push([+from, to]);
      return answer(+from, Math.min(size - 1, +(to || Infinity)));
    } });
    w.announce([FILM]);
    return w.ask(more.url, { range: 'bytes=0-', ...more }).answer;
  };
  const all = [[0, '']], most = [0, String(2 * MIB - 1)];
  for (const [what, how, ranges] of [
    ['as far as it is said', { first: { at: 0, origin: true, to: 3 * MIB }, pulled: [{ to: 5 * MIB }] }, [[0, String(3 * MIB - 1)], [3 * MIB, String(5 * MIB - 1)], [5 * MIB, String(size - 1)]]],
    ['all, when nobody has any', { first: { at: 0, origin: true } }, all],
    ['2 MiB for who cannot tell yet, and again', { first: { late: true } }, [most, [2 * MIB, String(4 * MIB - 1)]]],
    ['2 MiB for who is busy, and again', {}, [most, [2 * MIB, String(4 * MIB - 1)]]],
    ['all of what has a query', { first: { late: true }, url: FILM + '?once=1' }, all],
    ['what was asked by no player, or with an end', { first: { at: 0, origin: true, to: MIB }, range: 'bytes=5-100' }, [[5, '100']]],
    ['what a script asks', { first: { late: true }, ...script }, all],
  ]) {
    const r = await play(how), start = how.range ? 5 : 0, end = how.range ? 100 : size - 1;
    assert.deepEqual([r.status, r.headers.get('content-range'), r.headers.get('content-length')], [206, `bytes ${start}-${end}/${size}`, String(end + 1 - start)], what);
    assert.equal((await r.arrayBuffer()).byteLength, end + 1 - start, what);
    // the page says the rest where it can: once it is asked, for all that is left
    assert.deepEqual(asked.splice(0).slice(0, ranges.length), ranges, what);
  }
  // one who lets go has had no more than that sent, and nobody is asked again
  const reader = (await play({ first: { late: true }, range: 'bytes=1048576-' })).body.getReader();
  await reader.read();
  await reader.cancel();
  await new Promise(ok => setTimeout(ok, 50));
  assert.deepEqual(asked.splice(0), [[MIB, String(3 * MIB - 1)]]);
  // an answer without the size of all has the head of all only when all is asked for; one that has all is taken as it is
  const odd = (from, to) => new Response(new Uint8Array(to + 1 - from), { status: 206, headers: { 'content-range': `bytes ${from}-${to}/*` } });
  const r = await play({ first: { late: true }, answer: odd });
  assert.deepEqual([r.headers.get('content-range'), (await r.arrayBuffer()).byteLength, asked.splice(0)], [`bytes 0-${size - 1}/*`, size, [most, all[0]]]);
  const flat = () => new Response(new Uint8Array(size), { headers: { 'content-length': String(size) } });
  const whole = await play({ first: { late: true }, answer: flat });
  assert.deepEqual([whole.status, (await whole.arrayBuffer()).byteLength, asked.splice(0)], [200, size, [most]]);
  await new Promise(ok => setTimeout(ok, 50));
  assert.ok(came.filter(c => c.head).every(({ head }) => !new Headers(head.headers).get('content-range')?.includes('-2097151/')), 'nor does the page hear of a part');
});

test('a page that is busy at the end of what it has said is not waited for', async () => {
  const size = 3 << 20, { ask, announce } = worker((message, port) => port.postMessage({ at: 0, origin: true, to: 1 << 20 }), { from: async () => new Response(new Uint8Array(size), { headers: { 'content-length': String(size) } }) });
  announce();
  const began = performance.now();
  assert.equal((await (await ask(FILM, { range: 'bytes=0-' }).answer).arrayBuffer()).byteLength, size);
  assert.ok(performance.now() - began < 3000);
});

test('a page that says again that it is about to is waited for again', async () => {
  const { ask, plain } = worker((message, port) => { for (const [i, wait] of [0, 700, 1400].entries()) setTimeout(() => (i < 2 ? port.postMessage({ mine: true }) : answers(['abc'])(message, port)), wait); });
  assert.equal(await (await ask(FILM, { range: 'bytes=0-' }).answer).text(), 'abc');
  assert.equal(plain.length, 0);
});

test('a player that was adopted is given back by its page where it is redirected or refused, and gets nothing', async () => {
  for (const [answer, heads] of [[() => ({ ok: false, status: 0, type: 'opaqueredirect', headers: new Headers() }), []], [() => new Response('no', { status: 403 }), [403]]]) for (const known of [true, false]) {
    const came = [], { ask, announce, plain, who } = worker(hears(came), { from: async () => answer() });
    announce(known ? [FILM] : []);
    const r = await ask(FILM, { range: 'bytes=0-' }).answer;
    assert.deepEqual([r.status, await r.text(), plain.length, plain[0][1].redirect], [204, '', 1, 'manual']);
    assert.deepEqual(JSON.parse(JSON.stringify(who)), [{ polycircle: 'back', url: FILM }]);
    if (!known) continue;
    await heard(came);
    assert.deepEqual(came.filter(({ head }) => head).map(({ head }) => head.status), heads);
  }
  const { ask, announce, plain } = worker(hears(), { from: async () => new Response('no', { status: 403 }) });
  announce();
  assert.deepEqual([(await ask(FILM, script).answer).status, plain[0][1]], [403, undefined], 'a script gets it as it is');
});

test('a worker that was restarted asks the page, which still answers', async () => {
  assert.equal(await (await worker(answers(['abc'])).ask().answer).text(), 'abc');
});

test('the page passes, or fails before its first byte: plain HTTP; a replaced file not from the cache', async () => {
  const passing = worker((message, port) => { port.postMessage({ mine: true }); port.postMessage({ pass: true }); });
  passing.announce();
  assert.equal(await (await passing.ask().answer).text(), 'plain');
  const fresh = worker((message, port) => { port.postMessage({ mine: true }); port.postMessage({ pass: true, fresh: true }); });
  fresh.announce();
  assert.equal(await (await fresh.ask(FILM, { range: 'bytes=5-' }).answer).text(), 'plain');
  assert.equal(fresh.plain[0][1].cache, 'no-cache');
  assert.equal(fresh.plain[0][2].headers.get('range'), 'bytes=5-');
});

test('what the browser’s cache has and would use is not asked for anywhere, RFC 9111 4.2', async () => {
  const made = (headers, age = 60) => new Response('kept', { headers: { date: new Date(Date.now() - age * 1000).toUTCString(), ...headers } });
  for (const [headers, age, used] of [[{ 'cache-control': 'max-age=100' }, 60, true], [{ 'cache-control': 'max-age=100' }, 160, false], [{ 'cache-control': 'no-cache, max-age=100' }, 1, false],
    [{ 'last-modified': DATE }, 60, true], [{ 'last-modified': new Date(Date.now() - 100000).toUTCString() }, 60, false], [{}, 1, false],
    [{ expires: new Date(Date.now() + 50000).toUTCString() }, 60, true], [{ expires: '0', 'last-modified': DATE }, 1, false],
    [{ 'cache-control': 'max-age=3600', age: '3500' }, 200, false], [{ 'cache-control': 'max-age=3600', age: '3000' }, 200, true], [{ 'cache-control': 'max-age=0' }, -3600, false],
    [{ 'cache-control': 'max-age=100' }, -3600, true], [{ expires: new Date(Date.now() - 60000).toUTCString(), 'last-modified': DATE }, 60, false], [{ pragma: 'no-cache', 'last-modified': DATE }, 1, false]]) {
    const { ask, announce, said } = worker(answers(['abc']), { cache: made(headers, age) });
    announce();
    assert.equal(await (await ask(FILM, script).answer).text(), used ? 'kept' : 'abc', JSON.stringify(headers));
    assert.equal(said.length, used ? 0 : 1);
  }
});

test('the tab that leads is asked first, the own one when it is silent', async () => {
  const asked = [], { ask, announce, scope } = worker(undefined, { patience: 200 });
  scope.clients.get = async id => ({ id, postMessage: (message, [port]) => { asked.push(id); if (id == 'page') answers(['own'])(message, port); } });
  announce([FILM], true, 'other');
  announce([FILM], false, 'page');
  assert.equal(await (await ask().answer).text(), 'own');
  assert.deepEqual(asked, ['other', 'page']);
  assert.equal(await (await ask().answer).text(), 'own');
  assert.deepEqual(asked.splice(2), ['page'], 'it is not waited for twice');
  scope.Date = class extends Date { static now() { return super.now() + 6000; } };
  scope.clients.get = async id => ({ id, postMessage: (message, [port]) => { asked.push(id); answers(['all'])(message, port); } });
  assert.equal(await (await ask().answer).text(), 'all');
  assert.deepEqual(asked.slice(2), ['other'], 'but again after a while');
});

test('what a page tells while it is waited for counts', async () => {
  const asked = [], { ask, announce, scope } = worker(undefined, { from: origin(good), patience: 50 });
  scope.clients.get = async id => ({ id, postMessage: (message, [port] = []) => { if (port) asked.push(id), asked.length > 1 && answers(['abc'])(message, port); } });
  const answer = ask(FILM, { range: 'bytes=0-' }).answer;  // of a player, of a page that it has forgotten
  await new Promise(ok => setTimeout(ok, 20));
  announce();
  await (await answer).text();
  assert.equal(await (await ask(FILM, { clientId: 'other' }).answer).text(), 'abc');
  assert.deepEqual(asked, ['page', 'page'], 'it leads');
});

test('a stream that breaks off is an error, not an end', async () => {
  const { ask, announce } = worker((message, port) => {
    port.onmessage = () => port.postMessage({ pass: true, broken: true });
    port.postMessage({ at: 0, status: 200, headers: {}, chunk: new ArrayBuffer(3) });
  });
  announce();
  await assert.rejects((await ask().answer).text());
});

test('seven days without a valid manifest: it goes away; a day is noted at the first visit', async () => {
  const first = worker();
  await Promise.all(first.ask('https://site.example/', { mode: 'navigate' }).waits);
  assert.ok(Date.now() - first.kept.headerValue < 5000 && !first.scope.gone);
  for (const [days, gone] of [[6, undefined], [8, true]]) {
    const w = worker(undefined, { headerValue: String(Date.now() - days * DAY) });
    await Promise.all(w.ask('https://site.example/', { mode: 'navigate' }).waits);
    assert.equal(w.scope.gone, gone, `${days} days`);
  }
});

const LINE = "// ours\nimportScripts('https://other.example/polycircle.fcgi/circle-sw.js')\n";
const OWN = `${LINE}addEventListener('fetch', e => e.respondWith(fetch(e.request)));\n`;
const old = String(Date.now() - 8 * DAY);

test('what is ours alone takes over at once, and is ended; a script of the site that imports it waits and stays as it will', async () => {
  const cases = {
    'the instance\u2019s': [{ at: '/x/circle-sw.js' }, true],
    'the one-line file': [{ at: '/polycircle-sw.js', text: LINE }, true],
    'more in that file': [{ at: '/polycircle-sw.js', text: OWN }, false],
    'a worker of the site': [{ at: '/sw.js', text: OWN }, false],
    'another\u2019s one line': [{ at: '/sw.js', text: "importScripts('https://push.example/sw.js')" }, false],
  };
  for (const [name, [how, ours]] of Object.entries(cases)) for (const source of [undefined, removed]) {
    const w = worker(undefined, { ...how, source });
    await w.happens('install');
    await w.happens('activate');
    assert.deepEqual([!!w.scope.skipped, source ? !!w.scope.gone : !!w.scope.claimed], [ours, ours], name);
    if (source) continue;
    const late = worker(undefined, { ...how, headerValue: old });
    await Promise.all(late.ask('https://site.example/', { mode: 'navigate' }).waits);
    assert.equal(!!late.scope.gone, ours, `${name}, after 8 days`);
  }
});

test('a script of the site that waits behind ours, and its push subscription, are not taken along', async () => {
  const waiting = { scriptURL: 'https://site.example/own.js' };
  for (const [name, how] of Object.entries({ waiting: { waiting, text: OWN }, push: { push: {} } })) {
    const late = worker(undefined, { ...how, headerValue: old }), ended = worker(undefined, { ...how, source: removed });
    await Promise.all(late.ask('https://site.example/', { mode: 'navigate' }).waits);
    await ended.happens('activate');
    const told = worker(undefined, how);
    await told.removed();
    assert.deepEqual([late.scope.gone, ended.scope.gone, told.scope.gone], [undefined, undefined, undefined], name);
  }
  const told = worker();
  await told.removed();
  assert.ok(told.scope.gone, 'ours goes when a page is told that the circle was removed');
});

test('in a script of the site: preloading is the site\u2019s, and what no page has named', async () => {
  const { ask, announce, kept } = worker(answers(['abc']), { at: '/sw.js', text: OWN });
  await Promise.all(ask('https://site.example/', { mode: 'navigate' }).waits);
  assert.equal(kept.headerValue, 'true');
  assert.equal(ask(FILM, { destination: '', range: 'bytes=0-' }).answer, null);
  announce();
  assert.equal(await (await ask(FILM, { destination: '', range: 'bytes=0-' }).answer).text(), 'abc');
});
