import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64, hex, toBase64, within } from '../../htdocs/lib/bytes.js';
import { parseRange } from '../../htdocs/lib/bridge.js';
import { instance } from '../../htdocs/lib/instance.js';
import { Manners } from '../../htdocs/lib/manners.js';

test('base64url and hex', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i & 255);
  assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64url'));
  assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
  assert.equal(hex(bytes), Buffer.from(bytes).toString('hex'));
  for (const bad of ['a+b', 'a/b', 'a=', 'a b', 'é', 'a']) assert.throws(() => fromBase64(bad), bad);
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
  const sent = [], say = body => instance('https://i.example/', async (url, init) => { sent.push([url, init]); return new Response(body, { status: 200 }); });
  assert.deepEqual(await say('{"polycircle":1,"x":2}').ask('sync', { v: 1, é: '€' }), { polycircle: 1, x: 2 });
  const [[url, { method, body, credentials, headers }]] = sent;
  assert.deepEqual([url, method, credentials, headers, [...body.keys()]], ['https://i.example/sync', 'POST', 'omit', undefined, ['d']]);
  assert.deepEqual(JSON.parse(Buffer.from(body.get('d'), 'base64url').toString()), { v: 1, é: '€' });
  for (const [answer, code, after] of [['{"polycircle":1,"error":"rejoin","text":"t","after_ms":700}', 'rejoin', 700], ['<html>508</html>', '', 0], ['{"error":"rejoin"}', '', 0], ['null', '', 0]]) {
    await assert.rejects(say(answer).ask('sync', {}), error => error.code === code && error.after === after);
  }
  await assert.rejects(instance('https://i.example/', async () => { throw new TypeError('offline'); }).ask('sync', {}), { code: '' });
});

test('manners: who uploads', () => {
  for (const [kbps, connection, coarse, is] of [[2000, {}, false, true], [0, {}, false, false], [2000, { saveData: true }, false, false], [2000, { type: 'cellular' }, false, false],
    [2000, {}, true, false], [2000, { type: 'wifi' }, true, true], [2000, { type: 'ethernet' }, false, true]]) {
    assert.equal(new Manners(kbps, connection, coarse).uploads, is, JSON.stringify([kbps, connection, coarse]));
  }
});

test('manners: a rate, and no more than was received; the own network is free', async () => {
  const manners = new Manners(800, {}, false);  // 100,000 bytes a second
  const began = performance.now();
  for (let i = 0; i < 4; i++) await manners.allow(50000, false);
  const took = performance.now() - began;
  assert.ok(took > 900 && took < 2000, `${took} ms`);
  assert.equal(manners.may(200000, false), false);
  assert.equal(manners.may(300000, false), true);
  assert.equal(manners.may(0, true), true);
  await manners.allow(1e9, true);
  assert.equal(manners.uploaded, 1e9 + 200000);
});
