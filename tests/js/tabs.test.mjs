/** Which of a browser's tabs leads (page/tabs.js), in simulated time: locks and channels of a browser that is made here, tabs that are looked at,
 * hidden, frozen and killed. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { dice } from './world.mjs';
import { Tabs } from '../../htdocs/page/tabs.js';

const REAL = ['navigator', 'document', 'BroadcastChannel', 'setTimeout', 'clearTimeout'].map(name => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
const acting = new AsyncLocalStorage();  // the tab whose script runs, also behind an await
let made;

/** One lock (Web Locks, W3C): a queue, and who steals it. */
const locks = { held: null, queue: [],
  request(name, { signal, steal }, body) {
    const tab = acting.getStore();
    return new Promise((ok, fail) => {
      const wish = { tab, grant: () => tab.run(() => {
        locks.held = wish;
        Promise.resolve(body()).then(() => { if (locks.held == wish) { locks.held = null; ok(); locks.next(); } });
      }), stolen: () => tab.run(() => fail(new DOMException('stolen', 'AbortError'))) };
      signal?.addEventListener('abort', () => { locks.queue = locks.queue.filter(w => w != wish); fail(signal.reason); });
      if (!steal) locks.queue.push(wish);
      else {
        locks.held?.stolen();
        locks.held = wish;  // at once, also when who stole it gets to know later
        wish.grant();
      }
      locks.next();
    });
  },
  next() {
    if (locks.held || !locks.queue.length) return;
    locks.held = locks.queue.shift();
    locks.held.grant();
  } };

class Channel {
  constructor() { acting.getStore().channels.push(this); }
  postMessage(data) {
    for (const tab of made) for (const other of tab.channels) if (other != this) setTimeout(() => tab.run(() => other.open && other.onmessage?.({ data })), 1);
  }
  open = true;
  close() { this.open = false; }
}

/** A tab: what happens to it while it is frozen happens when it is not, and what is after its end never. */
class Tab {
  channels = []; listeners = []; waits = []; frozen = false; dead = false; leads = false; links = 0; joins = 0; hidden;
  constructor(hidden = false) {
    this.hidden = hidden;
    made.push(this);
    this.run(() => {
      this.tabs = new Tabs('x', { lead: on => { this.leads = on; this.links = 0; this.joins += on; }, idle: () => !this.links, heard() {} });
      this.tabs.enter();
    });
  }
  run(task) {
    if (this.dead) return;
    if (this.frozen) return void this.waits.push(task);
    acting.run(this, task);
  }
  event(type) {
    for (const one of this.listeners.filter(one => one.type == type)) {
      if (one.once) this.listeners.splice(this.listeners.indexOf(one), 1);
      this.run(one.listener);
    }
  }
  look(looked) {
    if (this.hidden == !looked) return;
    this.hidden = !looked;
    this.event('visibilitychange');
  }
  /** As Chromium does it, which says so before; without a word, as others do, and a machine that sleeps. */
  freeze(said) {
    this.look(false);
    if (said) this.event('freeze');
    this.frozen = said ? 'said' : 'silent';
  }
  thaw() {
    const { frozen } = this;
    this.frozen = false;
    for (const task of this.waits.splice(0)) this.run(task);
    if (frozen == 'said') this.event('resume');
  }
  /** A crash, or the phone's memory: no goodbye. */
  kill() {
    this.dead = true;
    this.leads = false;
    locks.queue = locks.queue.filter(w => w.tab != this);
    if (locks.held?.tab == this) locks.held = null;
    locks.next();
  }
  leave() { this.run(() => this.tabs.exit()); }
}

beforeEach(() => {
  made = [];
  locks.held = null;
  locks.queue = [];
  mock.timers.enable({ apis: ['setTimeout'] });
  const { setTimeout: begin, clearTimeout: end } = globalThis, timers = new Map();  // a browser's are numbers
  set('setTimeout', (task, ms, ...args) => {
    const tab = acting.getStore();
    timers.set(timers.size + 1, begin(tab ? () => tab.run(() => task(...args)) : task, ms));
    return timers.size;
  });
  set('clearTimeout', id => timers.has(id) && end(timers.get(id)));
  set('navigator', { locks });
  set('BroadcastChannel', Channel);
  set('document', { get hidden() { return acting.getStore().hidden; }, addEventListener: (type, listener, { once } = {}) => acting.getStore().listeners.push({ type, listener, once }) });
});
afterEach(() => {
  mock.timers.reset();
  for (const [name, is] of REAL) is ? Object.defineProperty(globalThis, name, is) : delete globalThis[name];
});

/** So many milliseconds pass. */
async function pass(ms) {
  for (let at = 0; at < ms; at += 10) {
    mock.timers.tick(10);
    for (let i = 0; i < 6; i++) await Promise.resolve();
  }
}
const leads = () => made.filter(tab => tab.leads && !tab.frozen).map(tab => made.indexOf(tab));

test('one leads; the next takes over when it leaves, or is killed', async () => {
  const tabs = [new Tab(), new Tab(), new Tab()];
  await pass(20);
  assert.deepEqual(leads(), [0]);
  await pass(10000);
  assert.deepEqual(leads(), [0], 'who is looked at stays');
  tabs[0].leave();
  await pass(20);
  assert.deepEqual(leads(), [1]);
  tabs[1].kill();
  await pass(20);
  assert.deepEqual(leads(), [2]);
  assert.deepEqual(tabs.map(tab => tab.joins), [1, 1, 1]);
});

for (const said of [true, false]) test(`a frozen tab that leads${said ? ', and said so' : ''}: who is looked at has links within two seconds, and keeps them when it thaws`, async () => {
  const first = new Tab(), second = new Tab(true);
  await pass(1500);
  first.links = 3;
  first.freeze(said);
  second.look(true);
  await pass(2000);
  assert.deepEqual(leads(), [1]);
  first.thaw();
  await pass(5000);
  assert.deepEqual(leads(), [1]);
  second.kill();
  await pass(2000);
  assert.deepEqual(leads(), [0], 'it waits for its turn again');
});

test('a new tab beside a frozen one: no wait for its end', async () => {
  const first = new Tab();
  await pass(50);
  first.freeze();
  new Tab();
  await pass(2000);
  assert.deepEqual(leads(), [1]);
});

test('a hidden tab with links keeps them for who only looks in, and gives way to who stays', async () => {
  const first = new Tab(), second = new Tab(true);
  await pass(50);
  first.links = 3;
  first.look(false);
  second.look(true);
  await pass(1000);
  assert.deepEqual(leads(), [0]);
  second.look(false);
  first.look(true);
  await pass(5000);
  assert.deepEqual([leads(), first.joins], [[0], 1]);
  first.look(false);
  second.look(true);
  await pass(3000);
  assert.deepEqual(leads(), [1]);
});

test('a hidden tab without links gives way at once', async () => {
  const first = new Tab();
  await pass(50);
  first.look(false);
  new Tab();
  await pass(100);
  assert.deepEqual(leads(), [1]);
});

test('two windows: the one that is looked at is hidden, the other leads', async () => {
  const first = new Tab();
  new Tab();
  await pass(50);
  first.links = 1;
  first.look(false);
  await pass(2500);
  assert.deepEqual(leads(), [1]);
});

test('from page to page beside a hidden tab: the next page leads, and the hidden one has not joined', async () => {
  const first = new Tab(), hidden = new Tab(true);
  await pass(5000);
  first.leave();
  await pass(200);
  new Tab();
  await pass(1500);
  assert.deepEqual([leads(), hidden.joins], [[2], 0]);
});

test('without locks each tab leads', async () => {
  set('navigator', {});
  const tabs = [new Tab(), new Tab()];
  await pass(10);
  assert.deepEqual(leads(), [0, 1]);
  tabs[0].leave();
  await pass(10);
  assert.deepEqual(leads(), [1]);
});

test('200 browsers, anything in any order: never two, and three seconds later who is looked at leads', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const roll = dice(seed);
    made = [];
    locks.held = null;
    locks.queue = [];
    for (let step = 0; step < 25; step++) {
      const alive = made.filter(tab => !tab.dead), tab = alive[roll(alive.length || 1)];
      const what = tab ? roll(8) : 0;
      if (what == 0 && alive.length < 5) new Tab(!!roll(2));
      if (what == 1) tab.frozen || tab.look(true);
      if (what == 2) tab.frozen || tab.look(false);
      if (what == 3 && !tab.frozen) tab.freeze(true);
      if (what == 4 && tab.frozen) { tab.thaw(); tab.look(!!roll(2)); }
      if (what == 5) tab.kill();
      if (what == 6 && tab.leads) tab.links = roll(3);
      if (what == 7 && !tab.frozen) { tab.leave(); await pass(10); tab.run(() => tab.tabs.enter()); }
      await pass(10 * (1 + roll(60)));
      assert.ok(leads().length <= 1, `seed ${seed}: ${leads()}`);
    }
    await pass(3500);
    const able = made.filter(tab => !tab.dead && !tab.frozen), looked = able.filter(tab => !tab.hidden);
    if (looked.length) assert.ok(made[leads()[0]] && !made[leads()[0]].hidden, `seed ${seed}: ${leads()} of ${made.map(t => (t.dead ? 'x' : t.frozen ? 'f' : t.hidden ? 'h' : 'v'))}`);
    for (const tab of made) tab.kill();
  }
});
