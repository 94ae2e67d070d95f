import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64, hex, toBase32, toBase64, utf8, within } from '../../htdocs/util/bytes.js';
import { parseRange } from '../../htdocs/page/bridge.js';
import { instance } from '../../htdocs/meet/instance.js';
import { manners as mannersOf } from '../../htdocs/meet/manners.js';

test('base64url and hex', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i & 255);
  assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64url'));
  assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
  assert.equal(hex(bytes), Buffer.from(bytes).toString('hex'));
  for (const bad of ['a+b', 'a/b', 'a=', 'a b', 'é', 'a']) assert.throws(() => fromBase64(bad), bad);
});

test('base32: RFC 4648 section 10', () => {
  for (const [text, is] of [['', ''], ['f', 'my'], ['fo', 'mzxq'], ['foo', 'mzxw6'], ['foob', 'mzxw6yq'], ['fooba', 'mzxw6ytb'], ['foobar', 'mzxw6ytboi']]) {
    assert.equal(toBase32(utf8(text)), is);
  }
  const all = Uint8Array.from({ length: 5000 }, (_, i) => i * i >> 3 & 255), bits = Array.from(all, b => b.toString(2).padStart(8, '0')).join('');
  assert.equal(Array.from(toBase32(all), c => 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(c).toString(2).padStart(5, '0')).join(''), bits);
});

test('within: the answer, or the other in time or at failure', async () => {
  assert.equal(await within(Promise.resolve(1), 100, 2), 1);
  assert.equal(await within(Promise.reject(new Error('no')), 100, 2), 2);
  assert.equal(await within(new Promise(() => {}), 5, 2), 2);
});

for (const [header, is] of [[null, null], ['', null], ['bytes=0-', [0, 100]], ['bytes=5-9', [5, 10]], ['bytes=5-999', [5, 100]], ['bytes=-10', [90, 100]], ['bytes=-999', [0, 100]],
  ['bytes=100-', [100, 100]], ['bytes=200-300', [200, 100]], ['bytes=-0', [100, 100]], ['bytes=9-5', null], ['bytes=1-2,4-5', null], ['items=0-', null], ['bytes=a-b', null]]) {
  test(`Range: ${header}`, () => assert.deepEqual(parseRange(header, 100), is));
}

test('the instance: one field, no credentials; what is not ours has no code', async () => {
  const sent = [], keep = () => { throw new Error('nothing to keep'); }, say = body => instance('https://i.example/', keep, async (url, init) => { sent.push([url, init]); return new Response(body, { status: 200 }); });
  assert.deepEqual(await say('{"polycircle":1,"x":2}').ask('sync', { v: 1, é: '€' }), { polycircle: 1, x: 2 });
  const [[url, { method, body, credentials, headers }]] = sent;
  assert.deepEqual([url, method, credentials, headers, [...body.keys()]], ['https://i.example/sync', 'POST', 'omit', undefined, ['d']]);
  assert.deepEqual(JSON.parse(Buffer.from(body.get('d'), 'base64url').toString()), { v: 1, é: '€' });
  for (const [answer, code, after] of [['{"polycircle":1,"error":"rejoin","text":"t","after_ms":700}', 'rejoin', 700], ['<html>508</html>', '', 0], ['{"error":"rejoin"}', '', 0], ['null', '', 0]]) {
    await assert.rejects(say(answer).ask('sync', {}), error => error.code === code && error.after === after);
  }
  await assert.rejects(instance('https://i.example/', keep, async () => { throw new TypeError('offline'); }).ask('sync', {}), { code: '' });
});

/** An instance behind a firewall that lets these fields through; when down nobody answers anything. */
function walled(...passes) {
  const tried = [], kept = [], wall = { passes, down: false };
  const it = instance('https://i.example/', h => kept.push(h), async (url, { body }) => {
    const field = [...body.keys()].join();
    tried.push(field);
    if (wall.down) throw new TypeError('offline');
    return new Response(wall.passes.includes(field) ? '{"polycircle":1}' : '<html>403 Forbidden</html>', { status: 403 });
  });
  const post = async times => { for (let i = 0; i < times; i++) await it.ask('sync', { v: 1 }).catch(error => assert.equal(error.code, '')); };
  return { it, tried, kept, wall, post };
}

test('the ladder: two are lost, the third goes as h, and that is kept', async () => {
  const { tried, kept, post } = walled('h');
  await post(6);
  assert.deepEqual([tried.join(''), kept], ['ddhhhh', [true]]);
});

test('the ladder: where h is lost too it goes back to d, and tries h again after two more', async () => {
  const { tried, kept, wall, post } = walled();
  await post(7);
  wall.passes.push('d');
  await post(3);
  assert.deepEqual([tried.join(''), kept], ['ddhddhdddd', []]);
});

test('the ladder: one loss now and then changes nothing', async () => {
  const { tried, kept, wall, post } = walled('d', 'h');
  for (let i = 0; i < 4; i++) {
    wall.down = true;
    await post(1);
    wall.down = false;
    await post(1);
  }
  assert.deepEqual([tried.join(''), kept], ['dddddddd', []]);
});

test('the ladder from h: an instance that knows d alone is found', async () => {
  const { it, tried, kept, post } = walled('d');
  it.h = true;
  await post(4);
  assert.deepEqual([tried.join(''), kept], ['hhdd', [false]]);
});

test('an error of ours is an answer: the form is right', async () => {
  const tried = [], it = instance('https://i.example/', () => assert.fail(), async (_, { body }) => {
    tried.push([...body.keys()].join());
    return new Response('{"polycircle":1,"error":"busy","text":"t"}', { status: 503 });
  });
  for (let i = 0; i < 4; i++) await assert.rejects(it.ask('sync', {}), { code: 'busy' });
  assert.equal(tried.join(''), 'dddd');
});

test('goodbyes take the form that works', async () => {
  const sent = [], was = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { sendBeacon: (url, body) => sent.push([url, [...body]]) } });
  try {
    const { it, post } = walled('h');
    it.beacon('sync', { v: 1 });
    await post(3);
    it.beacon('sync', { v: 1 });
  } finally { was ? Object.defineProperty(globalThis, 'navigator', was) : delete globalThis.navigator; }
  assert.deepEqual(sent, [['d', 'eyJ2IjoxfQ'], ['h', 'pmrhmir2gf6q']].map(field => ['https://i.example/sync', [field]]));
});

test('manners: who uploads', () => {
  for (const [kbps, connection, coarse, is] of [[2000, {}, false, true], [0, {}, false, false], [2000, { saveData: true }, false, false], [2000, { type: 'cellular' }, false, false],
    [2000, {}, true, false], [2000, { type: 'wifi' }, true, true], [2000, { type: 'ethernet' }, false, true]]) {
    assert.equal(mannersOf(kbps, connection, coarse).uploads, is, JSON.stringify([kbps, connection, coarse]));
  }
});

test('manners: a connection that becomes metered', () => {
  const connection = { type: 'wifi' }, manners = mannersOf(2000, connection, true), lines = [];
  for (const type of ['wifi', 'cellular', 'wifi']) {
    connection.type = type;
    lines.push(manners.line);
  }
  assert.deepEqual(lines, [250, 0, 250], 'bytes a ms');
});
