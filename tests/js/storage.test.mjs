import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectedStore } from '../../htdocs/content/injected.js';
import { Pieces } from '../../htdocs/content/pieces.js';
import { idbStore, memoryStore, openStore } from '../../htdocs/content/store.js';

const bytes = (n, fill) => new Uint8Array(n).fill(fill), hash = i => i.toString(16).padStart(64, '0');

/** LargeLocalStorage and IDBWrapper, as far as their documentation promises. */
function largeLocalStorage() {
  const all = new Map();
  return { getContents: async key => all.get(key), setContents: async (key, text) => { assert.equal(typeof text, 'string'); all.set(key, text); }, rm: async key => { all.delete(key); } };
}
function idbWrapper() {
  const all = new Map();
  return { get: (key, ok) => { setTimeout(ok, 1, all.get(key)); }, put: (key, value, ok) => { all.set(key, value); setTimeout(ok, 1); }, remove: (key, ok) => { all.delete(key); setTimeout(ok, 1); } };
}

for (const [name, make] of [['memory', memoryStore], ['LargeLocalStorage', () => injectedStore(largeLocalStorage())], ['IDBWrapper', () => injectedStore(idbWrapper())]]) {
  test(`${name}: values and bytes come back`, async () => {
    const store = make();
    assert.equal(await store.get('kv', 'a') ?? null, null);
    await store.put('kv', 'a', { x: [1, null] });
    await store.put('pieces', 'a', bytes(3, 9));
    assert.deepEqual(await store.get('kv', 'a'), { x: [1, null] });
    assert.deepEqual(await store.get('pieces', 'a'), bytes(3, 9));
    await store.delete('kv', 'a');
    assert.equal(await store.get('kv', 'a') ?? null, null);
    assert.deepEqual(await store.get('pieces', 'a'), bytes(3, 9));
  });
}

test('no IndexedDB, and one that never opens: memory', async () => {
  for (const opening of [Promise.reject(new Error('private')), new Promise(() => {})]) {
    const store = openStore(null, opening);
    await store.put('kv', 'a', 1);
    assert.equal(await store.get('kv', 'a'), 1);
  }
});

test('a first visit does not wait for storage to open', async () => {
  let open;
  const store = openStore(null, new Promise(ok => { open = ok; }), true), began = performance.now();
  assert.equal(await store.get('kv', 'token'), null);
  assert.ok(performance.now() - began < 500);
  open(null);
});

test('a database that is closed under us: what cannot be written is refused, and not kept', async () => {
  let closed = false, tried = 0;
  const kept = [], transaction = () => {
    tried++;
    if (closed) throw new DOMException('closed', 'InvalidStateError');
    const tx = { objectStore: () => ({ put: value => kept.push(value) }) };
    setTimeout(() => tx.oncomplete(), 1);
    return tx;
  };
  const store = idbStore({ transaction });
  await store.put('kv', 'a', 1);
  closed = true;
  for (let i = 0; i < 3; i++) await assert.rejects(store.put('kv', 'a', 2), { name: 'InvalidStateError' });
  closed = false;
  await store.put('kv', 'a', 3);
  assert.deepEqual([kept, tried], [[1, 3], 5]);
});

test('pieces: the least recently used go first, within the budget', async () => {
  const store = memoryStore(), pieces = new Pieces(store, 1000);
  pieces.persist = true;
  for (let i = 0; i < 9; i++) { pieces.put(hash(i), bytes(100, i)); await new Promise(ok => setTimeout(ok, 2)); }
  await pieces.get(hash(0));
  for (let i = 9; i < 12; i++) { pieces.put(hash(i), bytes(100, i)); await new Promise(ok => setTimeout(ok, 2)); }
  const kept = await store.keys('pieces');
  assert.ok(kept.length <= 10 && kept.includes(hash(0)) && kept.includes(hash(11)) && !kept.includes(hash(1)), kept.map(k => parseInt(k, 16)).join());
});

test('pieces: another page finds them, also those its index had not yet', async () => {
  const store = memoryStore(), first = new Pieces(store);
  first.persist = true;
  first.put(hash(1), bytes(100, 1));
  await new Promise(ok => setTimeout(ok, 1100));  // the index is saved once a second
  assert.equal((await store.get('kv', 'index')).length, 1);
  await store.put('pieces', hash(2), bytes(100, 2));
  const second = await new Pieces(store).open();
  assert.ok(second.has(hash(1)) && second.has(hash(2)) && !second.has(hash(3)));
  assert.deepEqual(await second.get(hash(2)), bytes(100, 2));
  assert.ok(second.held > 0);
});

test('pieces: a tab that does not lead writes nothing until it does', async () => {
  const store = memoryStore(), pieces = new Pieces(store);
  pieces.put(hash(1), bytes(100, 1));
  assert.deepEqual(await pieces.get(hash(1)), bytes(100, 1));
  assert.deepEqual(await store.keys('pieces'), []);
  pieces.persist = true;
  assert.deepEqual(await store.keys('pieces'), [hash(1)]);
});

test('pieces: a full disk makes the budget smaller, and nothing fails', async () => {
  const store = memoryStore(), put = store.put;
  let room = 3;
  store.put = async (name, key, value) => { if (name == 'pieces' && --room < 0) throw new DOMException('full', 'QuotaExceededError'); return put(name, key, value); };
  const pieces = new Pieces(store);
  pieces.persist = true;
  for (let i = 0; i < 6; i++) { pieces.put(hash(i), bytes(400000, i)); await new Promise(ok => setTimeout(ok, 5)); }
  const found = await Promise.all([0, 1, 2, 3, 4, 5].map(i => pieces.get(hash(i))));
  found.forEach((piece, i) => assert.ok(piece == null || piece[0] == i));
  assert.ok(found.some(Boolean));
});
