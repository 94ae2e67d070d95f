import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adopt, leave, spared } from '../../htdocs/page/watch.js';

const EMPTY = 0, IDLE = 1, LOADING = 2;  // HTMLMediaElement.networkState

/** A player in this state, in a page that adopts. `files` are its own: what failed in one test is left alone for good. */
function player(state, stored = false) {
  const on = {}, name = `https://site.test/${Math.random()}.mp4`;
  const el = { nodeName: 'VIDEO', src: name, currentSrc: name, children: [], crossOrigin: null, readyState: 0, networkState: EMPTY, preload: 'metadata', autoplay: false, playbackRate: 1,
    paused: true, currentTime: 0, loads: 0, plays: 0, load() { Object.assign(this, { loads: this.loads + 1, paused: true, currentTime: 0, playbackRate: 1 }); },
    async play() { this.plays++; this.paused = false; }, canPlayType: type => type == 'video/mp4' && 'maybe', closest() { return this.marked && { dataset: { polycircle: this.marked } }; }, ...state };
  for (const child of el.children) Object.assign(child, { parentNode: el });
  const page = { hidden: false, querySelectorAll: name => (name == 'video,audio' ? [el] : []), addEventListener(type, f) { on[type] = f; } };
  Object.assign(globalThis, { location: new URL('https://site.test/page.html'), document: page, MutationObserver: class { observe() {} }, addEventListener: page.addEventListener });
  const look = adopt(url => url.endsWith('.mp4'), () => stored);
  /** whether its page sees the error */
  const fails = (target = el) => {
    let seen = true;
    on.error({ target, stopImmediatePropagation() { seen = false; } });
    return seen;
  };
  return { el, on, page, look, fails };
}

/** What adopt() does with a player in this state. */
function adopted(state, stored) {
  const { el } = player(state, stored);
  return { ours: el.crossOrigin == 'use-credentials', loads: el.loads };
}

test('a player that has not begun is ours from its first byte', () => {
  assert.deepEqual(adopted({}), { ours: true, loads: 0 });
  assert.deepEqual(adopted({ networkState: IDLE, preload: 'none' }), { ours: true, loads: 0 });  // one that the loader holds
});

test('one that has begun and not played goes on as it is, unless what it begins with is stored', () => {
  // the third has bytes enough for now, and has not read them yet: any slow device
  for (const state of [{ networkState: LOADING }, { networkState: IDLE, readyState: 1 }, { networkState: IDLE }, { networkState: IDLE, preload: 'none', autoplay: true }]) {
    assert.deepEqual(adopted(state), { ours: false, loads: 0 });
    assert.deepEqual(adopted(state, true), { ours: true, loads: 1 });
  }
});

test('one that plays goes on as it is', () => {
  for (const stored of [false, true]) {
    assert.deepEqual(adopted({ networkState: LOADING, readyState: 4, paused: false }, stored), { ours: false, loads: 0 });
    assert.deepEqual(adopted({ networkState: IDLE, readyState: 4, currentTime: 3 }, stored), { ours: false, loads: 0 });
  }
});

test('one that is marked stays as it was', () => {
  assert.deepEqual(adopted({ marked: 'off' }), { ours: false, loads: 0 });
  assert.deepEqual(adopted({ marked: 'on' }), { ours: true, loads: 0 });
});

test('what the circle has not stays as it was', () => {
  assert.deepEqual(adopted({ src: 'https://site.test/other.ogg', networkState: LOADING }), { ours: false, loads: 0 });
});

test('one that fails under us is given back where it was, once; the file is left alone', () => {
  const { el, fails, look } = player({ crossOrigin: '' });
  Object.assign(el, { readyState: 4, networkState: IDLE, paused: false, currentTime: 42, playbackRate: 1.5 });
  assert.equal(fails(), false, 'its page sees no error');
  assert.deepEqual([el.crossOrigin, el.loads, el.currentTime, el.playbackRate, el.plays, el.paused], ['', 1, 42, 1.5, 1, false]);
  look();
  assert.deepEqual([el.crossOrigin, spared(`${el.src}#t=3`)], ['', true]);
  assert.equal(fails(), true, 'one more is of plain HTTP');
  assert.equal(el.loads, 1);
});

test('an error that is not ours is its page\'s: another player\'s, a picture\'s in it, a script\'s, a source\'s of a kind that this browser cannot play', () => {
  const { el, fails } = player({ src: '', children: [{ nodeName: 'SOURCE', src: 'https://site.test/a.mp4', type: 'video/x' }, { nodeName: 'SOURCE', src: 'https://site.test/b.mp4', type: 'video/mp4' }, { nodeName: 'IMG' }] });
  const [kind, ours, picture] = el.children;
  assert.equal(el.crossOrigin, 'use-credentials');
  for (const target of [globalThis, { nodeName: 'VIDEO' }, picture, kind]) assert.equal(fails(target), true);
  assert.equal(el.loads, 0);
  assert.equal(fails(ours), false);
  assert.deepEqual([el.crossOrigin, el.loads, spared(ours.src), spared(kind.src)], [null, 1, true, false]);
});

test('without an error it is given back when nobody looks: paused, or hidden', () => {
  for (const [type, change] of [['pause', el => { el.paused = true; }], ['visibilitychange', (_, page) => { page.hidden = true; }]]) {
    const { el, on, page, look } = player({});
    Object.assign(el, { readyState: 4, networkState: IDLE, paused: false, currentTime: 7 });
    leave(el.src);
    look();
    assert.deepEqual([el.crossOrigin, el.loads], ['use-credentials', 0], 'it plays, and is seen');
    change(el, page);
    on[type]({});
    assert.deepEqual([el.crossOrigin, el.loads, el.currentTime, el.paused], [null, 1, 7, type == 'pause']);
  }
});
