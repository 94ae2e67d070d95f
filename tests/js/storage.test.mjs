import './setup.mjs';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { injectedStore } from '../../htdocs/content/injected.js';
import { Pieces } from '../../htdocs/content/pieces.js';
import { memoryStore } from './setup.mjs';
import { idbStore, openStore } from '../../htdocs/content/store.js';

const bytes = (n, fill) => new Uint8Array(n).fill(fill), hash = (i, n = 100) => createHash('sha256').update(bytes(n, i)).digest('hex');
const sized = (i, n) => hash(i, n) + n; // the key that a piece is stored by

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

test('no IndexedDB, and one that never opens: what is small is kept, and of pieces what is in memory anyway', async () => {
  for (const open of [async () => { throw new Error('private'); }, () => new Promise(() => {})]) {
    const store = openStore(null, open), pieces = await new Pieces(store).open();
    await store.put('kv', 'a', 1);
    assert.equal(await store.get('kv', 'a'), 1);
    pieces.persist = true;
    for (let i = 0; i < 40; i++) { pieces.put(hash(i), bytes(1 << 20, i)); await told(); }
    const found = await Promise.all(Array.from({ length: 40 }, (_, i) => pieces.get(hash(i)).then(piece => piece?.[0] === i)));
    assert.deepEqual([found.filter(Boolean).length, found[39]], [16, true], 'of 40 MiB');
  }
});

test('a page that brings its store opens no database', async () => {
  const opened = [], store = memoryStore();
  globalThis.indexedDB = { open(name) { opened.push(name); throw new Error(name); } };
  await openStore(Promise.resolve(store)).put('kv', 'a', 1);
  delete globalThis.indexedDB;
  assert.deepEqual([opened, await store.get('kv', 'a')], [[], 1]);
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
  assert.ok(kept.length <= 10 && kept.includes(sized(0, 100)) && kept.includes(sized(11, 100)) && !kept.includes(sized(1, 100)), kept.join());
});

test('pieces: another page finds them, also those its index had not yet', async () => {
  const store = memoryStore(), first = new Pieces(store);
  first.persist = true;
  first.put(hash(1), bytes(100, 1));
  await new Promise(ok => setTimeout(ok, 1100));  // the index is saved once a second
  assert.equal((await store.get('kv', 'index')).length, 1);
  await store.put('pieces', sized(2, 100), bytes(100, 2));
  const second = await new Pieces(store).open();
  assert.ok(second.has(hash(1)) && second.has(hash(2)) && !second.has(hash(3)));
  assert.deepEqual(await second.get(hash(2)), bytes(100, 2));
  assert.ok(second.held > 0);
});

test('pieces: what is only read is the last to go, for the next page, too', async () => {
  const store = memoryStore(), first = new Pieces(store, 1000);
  first.persist = true;
  for (let i = 0; i < 9; i++) { first.put(hash(i), bytes(100, i)); await told(); }
  await new Promise(ok => setTimeout(ok, 1100));
  const second = await new Pieces(store, 1000).open();
  second.persist = true;
  await told();
  await second.get(hash(0));
  await new Promise(ok => setTimeout(ok, 1100));
  const third = await new Pieces(store, 1000).open();
  third.persist = true;
  for (let i = 9; i < 12; i++) { third.put(hash(i), bytes(100, i)); await told(); }
  assert.deepEqual([0, 1].map(i => third.has(hash(i))), [true, false]);
});

test('pieces: a tab that does not lead writes nothing until it does', async () => {
  const store = memoryStore(), pieces = new Pieces(store);
  pieces.put(hash(1), bytes(100, 1));
  assert.deepEqual(await pieces.get(hash(1)), bytes(100, 1));
  assert.deepEqual(await store.keys('pieces'), []);
  pieces.persist = true;
  assert.deepEqual(await store.keys('pieces'), [sized(1, 100)]);
});

/** Tabs of one browser: each with its own pieces, over one store; what one says the others hear. */
function tabs(n, budget, store = memoryStore()) {
  const all = Array.from({ length: n }, (_, i) => new Pieces(store, budget, news => all.forEach((other, j) => { if (i != j) other.told(news); })));
  return { store, all };
}
const told = () => new Promise(ok => setTimeout(ok, 5));
const stored = async store => (await Promise.all((await store.keys('pieces')).map(key => store.get('pieces', key)))).reduce((sum, piece) => sum + piece.length, 0);

test('tabs: one writes, the others know at once what it stored, and who leads next knows all of it', async () => {
  const { store, all: [first, second, third] } = tabs(3, 1000);
  for (const tab of [first, second, third]) await tab.open();
  first.persist = true;
  for (let i = 0; i < 5; i++) first.put(hash(i), bytes(100, i));
  await told();
  assert.deepEqual(await second.get(hash(3)), bytes(100, 3));
  assert.ok(third.has(hash(0)));
  await new Promise(ok => setTimeout(ok, 1100));
  first.persist = false;
  second.persist = true;
  for (let i = 5; i < 20; i++) { second.put(hash(i), bytes(100, i)); await told(); }
  assert.ok(await stored(store) <= 1000, `${await stored(store)} bytes, within the budget`);
  const known = async tab => (await Promise.all([...Array(20).keys()].map(async i => (await tab.get(hash(i))) && i))).filter(i => i != null);
  assert.deepEqual(await known(third), (await store.keys('pieces')).map(key => [...Array(20).keys()].find(i => key == sized(i, 100))).sort((a, b) => a - b));
});

test('tabs: who does not lead writes no index and deletes nothing', async () => {
  const { store, all: [lead, other] } = tabs(2);
  lead.persist = true;
  for (let i = 0; i < 3; i++) lead.put(hash(i), bytes(100, i));
  await other.open();
  await store.delete('pieces', sized(1, 100));
  const { put, delete: remove } = store, wrote = [];
  Object.assign(store, { put: (...args) => { wrote.push(args); return put(...args); }, delete: (...args) => { wrote.push(args); return remove(...args); } });
  assert.equal(await other.get(hash(1)), null);
  await other.get(hash(2));
  lead.persist = false;  // it had not written its index yet
  other.put(hash(7), bytes(100, 7));
  await new Promise(ok => setTimeout(ok, 1200));
  assert.deepEqual(wrote, []);
});

test('pieces: the budget holds whatever the index says, for pieces of every size', async () => {
  const store = memoryStore(), first = new Pieces(store, 10 << 20);
  first.persist = true;
  for (let i = 0; i < 2; i++) first.put(hash(i), bytes(4 << 20, i));
  await told();  // and it dies: the index was not written
  const second = await new Pieces(store, 10 << 20).open();
  second.persist = true;
  for (let i = 2; i < 9; i++) { second.put(hash(i), bytes(1 << 20, i)); await told(); }
  assert.ok(await stored(store) <= 10 << 20, `${await stored(store) / (1 << 20)} MiB`);
});

test('pieces: a slow read is not the end of a good piece', async () => {
  const store = memoryStore(), { get } = store, pieces = new Pieces(store);
  pieces.persist = true;
  for (let i = 0; i < 20; i++) pieces.put(hash(i, 1 << 20), bytes(1 << 20, i));  // more than is kept in memory
  await told();
  store.get = async (...args) => { await new Promise(ok => setTimeout(ok, 1700)); return get(...args); };
  assert.equal(await pieces.get(hash(0, 1 << 20)), null);
  store.get = get;
  assert.deepEqual(await pieces.get(hash(0, 1 << 20)), bytes(1 << 20, 0));
});

test('pieces: what stands there and is not the piece is not given out, and comes anew', async () => {
  for (const wrong of [bytes(100, 9), bytes(99, 1), bytes(0, 0), 'a text', { length: 100 }]) {
    const store = memoryStore(), first = new Pieces(store);
    await store.put('pieces', sized(1, 100), wrong);
    await first.open();
    first.persist = true;
    await told();
    assert.equal(await first.get(hash(1)), null);
    assert.equal(first.has(hash(1)), false);
    first.put(hash(1), bytes(100, 1));
    await told();
    assert.deepEqual(await (await new Pieces(store).open()).get(hash(1)), bytes(100, 1));
  }
});

test('pieces: what an earlier version stored without its size goes', async () => {
  const store = memoryStore();
  await store.put('pieces', hash(1), bytes(100, 1));
  const pieces = await new Pieces(store).open();
  assert.equal(pieces.has(hash(1)), false);
  pieces.persist = true;
  await told();
  assert.deepEqual(await store.keys('pieces'), []);
});

/** Room for so many bytes, the site's and ours; what does not fit fails as in a browser. */
function quota(room) {
  const store = memoryStore(), { put, delete: remove } = store, sizes = new Map();
  let used = 0;
  const write = async (key, size, apply) => {
    await new Promise(ok => setTimeout(ok, 2));
    const change = size - (sizes.get(key) ?? 0);
    if (used + change > room) throw new DOMException('full', 'QuotaExceededError');
    used += change;
    sizes.set(key, size);
    await apply();
  };
  store.put = (name, key, value) => write(name + key, value.length ?? 0, () => put(name, key, value));
  store.delete = (name, key) => write(name + key, 0, () => remove(name, key));
  return { store, site: n => write('site', n, () => {}) };
}

test("pieces: where the quota ends ours goes first: the site's next write fits", async () => {
  const { store, site } = quota(10 << 20), pieces = new Pieces(store);
  pieces.persist = true;
  for (let i = 0; i < 19; i++) { pieces.put(hash(i), bytes(512 << 10, i)); await new Promise(ok => setTimeout(ok, 5)); }
  for (let i = 19; i < 22; i++) pieces.put(hash(i), bytes(512 << 10, i));  // too much, all at once
  await new Promise(ok => setTimeout(ok, 20));
  await site(5 << 20);
  assert.ok(await stored(store) > 1 << 20, 'and some of ours is left');
  for (const key of await store.keys('pieces')) assert.ok(pieces.has(key.slice(0, 64)), 'nothing is there that it does not know');
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

for (const [what, quota, site, most] of [['a tenth of the quota', 5000, 0, 500], ["half of what the site's own leaves", 5000, 4400, 300], ['what was asked for', 1e6, 0, 1000]]) {
  test(`pieces: the budget is at most ${what}`, async t => {
    const store = memoryStore(), first = new Pieces(store, 1000);
    first.persist = true;
    for (let i = 0; i < 10; i++) { first.put(hash(i), bytes(100, i)); await told(); }
    Object.defineProperty(globalThis, 'navigator', { value: { storage: { estimate: async () => ({ quota, usage: site + await stored(store) }) } }, configurable: true });
    t.after(() => { delete globalThis.navigator; });
    // one leads after the other: what the first has left is not taken for the site's
    for (const next of [20, 40]) {
      const pieces = await new Pieces(store, 1000).open();
      pieces.persist = true;
      await told();
      for (let i = next; i < next + 20; i++) { pieces.put(hash(i), bytes(100, i)); await told(); }
      assert.ok(await stored(store) <= most && await stored(store) >= 0.6 * most, `${await stored(store)} bytes of ${most}`);
    }
  });
}
