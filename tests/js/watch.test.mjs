import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adopt } from '../../htdocs/page/adopt.js';
import { hold } from '../../htdocs/page/hold.js';

const EMPTY = 0, IDLE = 1, LOADING = 2;  // HTMLMediaElement.networkState

/** A player in this state, in a page whose worker is in control. */
function player(state, { coming = false, known = true } = {}) {
  const on = {}, name = `https://site.test/${Math.random()}.mp4`;
  const el = { nodeName: 'VIDEO', src: name, currentSrc: name, children: [], crossOrigin: null, readyState: 0, networkState: EMPTY, preload: 'metadata', autoplay: false, playbackRate: 1,
    paused: true, currentTime: 0, loads: 0, plays: 0, load() { Object.assign(this, { loads: this.loads + 1, paused: true, currentTime: 0, playbackRate: 1 }); },
    getAttribute(name) { return this[name]; }, setAttribute(name, value) { this[name] = value; }, removeAttribute(name) { delete this[name]; },
    async play() { this.plays++; this.paused = false; }, canPlayType: type => type == 'video/mp4' && 'maybe', closest() { return this.marked && { dataset: { polycircle: this.marked } }; }, ...state };
  for (const child of el.children) Object.assign(child, { parentNode: el });
  const page = { hidden: false, querySelectorAll: name => (/^(video,audio|\*)$/.test(name) ? [el] : []), addEventListener(type, f) { on[type] = f; } };
  Object.assign(globalThis, { location: new URL('https://site.test/page.html'), document: page, MutationObserver: class { observe() {} disconnect() {} }, addEventListener: page.addEventListener });
  const held = hold(coming), players = adopt(held, f => { on.message = f; });
  if (known) players.know(url => url.endsWith('.mp4'));
  /** whether its page sees the error */
  const fails = (target = el) => {
    let seen = true;
    on.error({ target, stopImmediatePropagation() { seen = false; } });
    return seen;
  };
  return { el, on, page, held, players, fails };
}

/** What adopt() does with a player in this state. */
function adopted(state) {
  const { el } = player(state);
  return { ours: el.crossOrigin == 'use-credentials', loads: el.loads };
}

test('a player that has not begun is ours from its first byte', () => {
  assert.deepEqual(adopted({}), { ours: true, loads: 0 });
  assert.deepEqual(adopted({ networkState: IDLE, preload: 'none' }), { ours: true, loads: 0 });  // one that the loader holds
});

test('one that has begun goes on as it is', () => {
  // the third has bytes enough for now, and has not read them yet: any slow device
  for (const state of [{ networkState: LOADING }, { networkState: IDLE, readyState: 1 }, { networkState: IDLE }, { networkState: IDLE, preload: 'none', autoplay: true },
    { networkState: LOADING, readyState: 4, paused: false }, { networkState: IDLE, readyState: 4, currentTime: 3 }]) assert.deepEqual(adopted(state), { ours: false, loads: 0 });
});

test('one that is marked stays as it was', () => {
  assert.deepEqual(adopted({ marked: 'off' }), { ours: false, loads: 0 });
  assert.deepEqual(adopted({ marked: 'on' }), { ours: true, loads: 0 });
});

test('what the circle has not stays as it was', () => {
  assert.deepEqual(adopted({ src: 'https://site.test/other.ogg', networkState: LOADING }), { ours: false, loads: 0 });
});

test('one that fails under us is given back where it was, once; the file is left alone', () => {
  const { el, fails, players } = player({ crossOrigin: '' });
  Object.assign(el, { readyState: 4, networkState: IDLE, paused: false, currentTime: 42, playbackRate: 1.5 });
  assert.equal(fails(), false, 'its page sees no error');
  assert.deepEqual([el.crossOrigin, el.loads, el.currentTime, el.playbackRate, el.plays, el.paused], ['', 1, 42, 1.5, 1, false]);
  players.look();
  assert.deepEqual([el.crossOrigin, players.left.has(el.src)], ['', true]);
  assert.equal(fails(), true, 'one more is of plain HTTP');
  assert.equal(el.loads, 1);
});

test('an error that is not ours is its page\'s: another player\'s, a picture\'s in it, a script\'s, a source\'s of a kind that this browser cannot play', () => {
  const { el, fails, players } = player({ src: '', children: [{ nodeName: 'SOURCE', src: 'https://site.test/a.mp4', type: 'video/x' }, { nodeName: 'SOURCE', src: 'https://site.test/b.mp4', type: 'video/mp4' }, { nodeName: 'IMG' }] });
  const [kind, ours, picture] = el.children;
  assert.equal(el.crossOrigin, 'use-credentials');
  for (const target of [globalThis, { nodeName: 'VIDEO' }, picture, kind]) assert.equal(fails(target), true);
  assert.equal(el.loads, 0);
  assert.equal(fails(ours), false);
  assert.deepEqual([el.crossOrigin, el.loads, players.left.has(ours.src), players.left.has(kind.src)], [null, 1, true, false]);
});

test('without an error it is given back when nobody looks: paused, or hidden', () => {
  for (const [type, change] of [['pause', el => { el.paused = true; }], ['visibilitychange', (_, page) => { page.hidden = true; }]]) {
    const { el, on, page, players } = player({});
    Object.assign(el, { readyState: 4, networkState: IDLE, paused: false, currentTime: 7 });
    players.left.add(el.src);
    players.look();
    assert.deepEqual([el.crossOrigin, el.loads], ['use-credentials', 0], 'it plays, and is seen');
    change(el, page);
    on[type]({});
    assert.deepEqual([el.crossOrigin, el.loads, el.currentTime, el.paused], [null, 1, 7, type == 'pause']);
  }
});

test('while the worker comes a player does not ask; then it is ours, whatever the manifest will say, and as it was', () => {
  const own = `https://site.test/${Math.random()}.ogg`;
  for (const [on, preload] of [[true, 'auto'], [true, undefined], [false, 'metadata']]) {
    const { el, held, players } = player({ preload, src: own }, { coming: true, known: false });
    assert.deepEqual([el.preload, el.crossOrigin], ['none', null]);
    held.release(on);
    assert.deepEqual([el.preload, el.crossOrigin, el.loads], [preload, on ? 'use-credentials' : null, 0]);
    players.know(() => false);
    assert.equal(el.crossOrigin, null, 'it is given back when the circle has it not, and it has not begun');
  }
});

test('what a script says to one that is held counts', () => {
  const { el, held } = player({ preload: 'auto' }, { coming: true, known: false });
  el.preload = 'metadata';
  held.release(true);
  assert.equal(el.preload, 'metadata');
});

test('one that has begun, is played by a script, plays by itself, is marked, or is of another host is not kept from asking', () => {
  for (const state of [{ networkState: LOADING }, { readyState: 1 }, { paused: false }, { autoplay: true }, { marked: 'off' }, { src: 'https://other.test/a.mp4' }, { src: '' }])
    assert.equal(player(state, { coming: true, known: false }).el.preload, 'metadata', JSON.stringify(state));
});

test('one that the origin refuses, or sends elsewhere, is given back before it has an answer', () => {
  const { el, on, players } = player({});
  Object.assign(el, { networkState: LOADING, paused: false });
  on.message({ data: { polycircle: 'back', url: 'https://site.test/another.mp4' } });
  assert.equal(el.loads, 0);
  on.message({ data: { polycircle: 'back', url: el.src } });
  players.look();
  assert.deepEqual([el.crossOrigin, el.loads, el.plays, players.left.has(el.src)], [null, 1, 1, true]);
});

test('without a circle those that have nothing yet ask as without us; the others from their next file on', () => {
  for (const [readyState, loads, mode] of [[0, 1, ''], [2, 0, '']]) {
    const { el, held } = player({ crossOrigin: '' }, { coming: true, known: false });
    held.release(true);
    el.readyState = readyState;
    held.end();
    assert.deepEqual([el.crossOrigin, el.loads], [mode, loads]);
  }
});
