/** A signal and a scripted instance (doc/PROTOCOL.md 1.4, 2.4). */
import test from 'node:test';
import assert from 'node:assert/strict';
import { sig, until } from './world.mjs';
import { Signal } from '../../htdocs/lib/signal.js';

/** asked: what came in; answer(): the oldest that waits is answered. */
function signal() {
  const asked = [], beacons = [], waiting = [], hub = { holding: () => ({}), joined: () => {}, refused: () => {} };
  const instance = { ask: (_, body) => new Promise((done, fail) => { asked.push(body); waiting.push({ done, fail }); }), beacon: (_, body) => beacons.push(body) };
  const it = new Signal(instance, { token: 't', run: 'r', key: 'k', ice: [], certificate: null }, hub);
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
