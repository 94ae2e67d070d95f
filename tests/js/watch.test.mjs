import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adopt } from '../../htdocs/page/watch.js';

const EMPTY = 0, IDLE = 1, LOADING = 2;  // HTMLMediaElement.networkState

/** What adopt() does with a player in this state. */
function adopted(state) {
  const el = { src: 'https://site.test/film.mp4', children: [], crossOrigin: null, readyState: 0, networkState: EMPTY, preload: 'metadata', autoplay: false,
    paused: true, currentTime: 0, loads: 0, load() { this.loads++; }, closest() { return this.marked && { dataset: { polycircle: this.marked } }; }, ...state };
  Object.assign(globalThis, { location: new URL('https://site.test/page.html'), document: { querySelectorAll: () => [el] },
    MutationObserver: class { observe() {} } });
  adopt(url => url.endsWith('/film.mp4'));
  return { ours: el.crossOrigin == 'use-credentials', loads: el.loads };
}

test('a player that has not begun is ours from its first byte', () => {
  assert.deepEqual(adopted({}), { ours: true, loads: 0 });
  assert.deepEqual(adopted({ networkState: IDLE, preload: 'none' }), { ours: true, loads: 0 });  // one that the loader holds
});

test('one that has begun and not played begins anew', () => {
  assert.deepEqual(adopted({ networkState: LOADING }), { ours: true, loads: 1 });
  assert.deepEqual(adopted({ networkState: IDLE, readyState: 1 }), { ours: true, loads: 1 });
  // it has bytes enough for now, and has not read them yet: any slow device
  assert.deepEqual(adopted({ networkState: IDLE }), { ours: true, loads: 1 });
  assert.deepEqual(adopted({ networkState: IDLE, preload: 'none', autoplay: true }), { ours: true, loads: 1 });
});

test('one that plays goes on as it is', () => {
  assert.deepEqual(adopted({ networkState: LOADING, readyState: 4, paused: false }), { ours: false, loads: 0 });
  assert.deepEqual(adopted({ networkState: IDLE, readyState: 4, currentTime: 3 }), { ours: false, loads: 0 });
});

test('one that is marked stays as it was', () => {
  assert.deepEqual(adopted({ marked: 'off' }), { ours: false, loads: 0 });
  assert.deepEqual(adopted({ marked: 'on' }), { ours: true, loads: 0 });
});

test('what the circle has not stays as it was', () => {
  assert.deepEqual(adopted({ src: 'https://site.test/other.mp4', networkState: LOADING }), { ours: false, loads: 0 });
});
