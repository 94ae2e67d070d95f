// What a visitor gives (htdocs/exchange/give.js): in which order, how fast, and no more than its word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Giver } from '../../htdocs/exchange/give.js';
import { until } from './world.mjs';

const bytes = n => new Uint8Array(n), sum = all => all.reduce((a, b) => a + b, 0);
/** Somebody who asks, and what came. @param {number} [line] bytes a ms that it gives itself */
function who(name, sent, line = 100) {
  return { stands: { line }, channel: { buffered: 0 }, said: [], say(m) { this.said.push(m); }, give(id, at, { length: size }) { sent.push({ name, id, at, size }); } };
}
const ask = (id, size, due = 1000) => ({ id, bytes: bytes(size), due });

test('its pace, one queue for all', async () => {
  const sent = [], giver = new Giver(() => 200, () => 1e9), [a, b] = ['a', 'b'].map(name => who(name, sent)), began = performance.now();
  assert.deepEqual([giver.take(a, ask(1, 65536)), giver.take(b, ask(2, 65536))], [0, 0]);
  await until(() => sum(sent.map(({ size }) => size)) == 131072, 'all of it');
  const took = performance.now() - began;
  assert.ok(took > 131072 / 200 - 200 && took < 1500, `${took} ms`);
  assert.equal(giver.given, 131072);
});

test('the earliest deadline first, and what has begun is ended', async () => {
  const sent = [], giver = new Giver(() => 500, () => 1e9), a = who('a', sent);
  for (const [id, due] of [[1, 4000], [2, 3000], [3, 1000]]) giver.take(a, ask(id, 32768, due));
  await until(() => sent.length == 6, 'all of it');
  assert.deepEqual(sent.map(({ id }) => id), [1, 1, 3, 3, 2, 2]);
});

test('who gives nothing waits behind who gives, for five seconds', async () => {
  const sent = [], giver = new Giver(() => 500, () => 1e9), takes = who('takes', sent, 0), gives = who('gives', sent);
  for (const [peer, id, due] of [[gives, 1, 100], [takes, 2, 1000], [gives, 3, 5000], [gives, 4, 7000]]) giver.take(peer, ask(id, 32768, due));
  await until(() => sent.length == 8, 'all of it');
  assert.deepEqual(sent.map(({ id }) => id), [1, 1, 3, 3, 2, 2, 4, 4]);
});

test('nothing is promised that would come too late', () => {
  const giver = new Giver(() => 10, () => 1e9), a = who('a', []);
  assert.equal(giver.take(a, ask(1, 60000, 100)), 0, 'six seconds');
  assert.ok(giver.take(a, ask(2, 90000, 100)) > 12000);
  assert.equal(giver.take(a, ask(3, 90000, 60000)), 0, 'it has a minute');
  giver.drop(a);
});

test('no more than twice what was received, and a little; no more than 32 for one', () => {
  let received = 0;
  const giver = new Giver(() => 1e5, () => received), a = who('a', []);
  a.channel.buffered = 1e6;
  assert.equal(giver.take(a, ask(1, 900000)), 0);
  assert.ok(giver.take(a, ask(2, 200000)) > 0);
  received = 100000;
  assert.equal(giver.take(a, ask(2, 200000)), 0);
  assert.deepEqual(giver.stands.slice(1), [5000, 5000], 'neighbours hear so');
  received = 1e9;
  for (let id = 3; id <= 32; id++) assert.equal(giver.take(a, ask(id, 10)), 0);
  assert.ok(giver.take(a, ask(33, 10)) > 0);
  assert.equal(giver.take(who('b', []), ask(1, 10)), 0, 'another one has places of its own');
  giver.drop(a);
});

test('who takes slowly holds up nobody; who needs it no more, or has gone, gets no more', async () => {
  const sent = [], giver = new Giver(() => 1e4, () => 1e9), [a, b] = ['a', 'b'].map(name => who(name, sent));
  a.channel.buffered = 1e6;
  for (const id of [1, 2]) giver.take(a, ask(id, 16384, 10));
  giver.take(b, ask(3, 16384, 5000));
  await until(() => sent.length, 'the other');
  assert.deepEqual(sent.map(({ id }) => id), [3]);
  giver.drop(a, 1);
  a.channel.buffered = 0;
  await until(() => sent.length == 2, 'the second');
  assert.deepEqual(sent.map(({ id }) => id), [3, 2]);
});

test('who reads nothing of it fills the queue for a while, and not for ever', async t => {
  const real = performance.now, sent = [], giver = new Giver(() => 100, () => 0), [a, b] = ['a', 'b'].map(name => who(name, sent));
  let ahead = 0;
  t.after(() => { performance.now = real; });
  performance.now = () => real.call(performance) + ahead;
  a.channel.buffered = 1e6;
  assert.equal(giver.take(a, ask(1, 900000, 0xffffffff)), 0);
  assert.equal(giver.take(b, ask(2, 900000)), 3000, 'nothing is left for another one');
  ahead = 73000;
  await until(() => a.said.length, 'no');
  assert.deepEqual(a.said, [{ t: 'no', id: 1, why: 'busy' }]);
  assert.equal(giver.take(b, ask(2, 900000)), 0);
  giver.drop(b);
});

test('a connection that becomes metered ends it in the middle', async () => {
  let line = 50;
  const sent = [], giver = new Giver(() => line, () => 1e9), a = who('a', sent);
  for (const id of [1, 2]) giver.take(a, ask(id, 65536, 5000));
  await until(() => sent.length == 2, 'a part');
  line = 0;
  await until(() => a.said.length == 2, 'no');
  assert.deepEqual(a.said, [1, 2].map(id => ({ t: 'no', id, why: 'off' })));
  await new Promise(ok => setTimeout(ok, 400));
  assert.equal(sent.length, 2);
});
