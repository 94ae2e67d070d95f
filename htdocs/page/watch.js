/** What the page's players need right now: the only place that looks at <video> and <audio>. */

import { plain } from '../util/names.js';
/** @typedef {import('../content/mirror.js').Need} Need */

/** Whether it has not asked yet. @param {HTMLMediaElement} el */
export const idle = el => !el.readyState && el.networkState != 2;

/** @param {HTMLMediaElement} el @param {number} size of its file @returns {Need} */
function need(el, size) {
  const { paused, autoplay, played, buffered, currentTime, duration } = el,
    playing = !paused || (autoplay && !played.length);
  const ranges = [...Array(buffered.length).keys()].filter(
      i => buffered.start(i) <= currentTime + 0.1,
    ),
    end = Math.max(...ranges.map(i => buffered.end(i)), 0);
  const slack =
    el.readyState < 2 || el.seeking
      ? 0
      : playing
        ? (end - currentTime) / (el.playbackRate || 1)
        : Infinity;
  return { slack, playing, rate: duration / size || 0 };
}

/** @param {string} url @param {number} size of the file @param {() => boolean} neighbours whether any are there: who is no player waits 400 ms for them
 * @returns {() => Need} */
export function watch(url, size, neighbours) {
  const born = performance.now();
  return () => {
    const players = /** @type {HTMLMediaElement[]} */ ([
      ...document.querySelectorAll('video,audio'),
    ]).filter(el => el.currentSrc == url);
    const [most] = players.map(el => need(el, size)).sort((a, b) => a.slack - b.slack);
    return (
      most ?? {
        slack: neighbours() && performance.now() - born < 400 ? 9 : 0,
        playing: false,
        rate: 0,
      }
    );
  };
}

/** Whether data-polycircle="off" stands at an element, or at the nearest of its parents that has that attribute. @param {Element} el */
export const off = el =>
  /** @type {HTMLElement|null} */ (el.closest('[data-polycircle]'))?.dataset.polycircle == 'off';

/** Addresses of files that failed under us, or are gone: this page loads them as without us from then on. */
const left = /** @type {Set<string>} */ (new Set());
export const leave = (/** @type {string} */ url) => left.add(plain(url));

/** Whether this file is one of those, or such an element of the page names it. @param {string} url */
export function spared(url) {
  const all = '[data-polycircle=off]';
  return (
    left.has(plain(url)) ||
    [.../** @type {NodeListOf<any>} */ (document.querySelectorAll(`${all},${all} *`))].some(
      el =>
        off(el) &&
        [el.currentSrc, el.src, el.href, el.data, el.poster].some(
          name => plain(String(name)) == plain(url),
        ),
    )
  );
}

/** Players of this site's files ask with credentials from now on, by which the worker knows them: Chromium plays no film half from a worker and
 * half from the network, not even after a reload, unless the two differ in this. Those that have begun by plain HTTP go on so, unless they have
 * not played and to begin anew costs the server nothing. One that fails is given back to plain HTTP, by one load() that its page sees, where it was;
 * of the error the page sees nothing. Without an error that waits until nobody looks.
 * @param {(url: string) => boolean} mirrored @param {(url: string) => boolean} stored whether the file's beginning is here
 * @returns {() => void} to be called when one of the two has changed */
export function adopt(mirrored, stored) {
  const before = /** @type {WeakMap<any, string|null>} */ (new WeakMap());
  /** @param {HTMLMediaElement} el @param {boolean} begun */
  const giveBack = (el, begun) => {
    const { currentTime, playbackRate, paused } = el;
    el.crossOrigin = /** @type {any} */ (before.get(el));
    before.delete(el);
    if (!begun) return;
    el.load();
    Object.assign(el, { playbackRate, currentTime });
    if (!paused) el.play().catch(() => {});
  };
  const look = (/** @type {any} */ why) => {
    for (const el of /** @type {NodeListOf<HTMLMediaElement>} */ (
      document.querySelectorAll('video,audio')
    )) {
      const named = /** @type {any[]} */ ([el, ...el.children]).filter(({ src }) => src),
        { readyState, networkState, preload, autoplay, paused, currentTime } = el;
      // a slow player that has bytes enough for now is idle, as one that was not let begin is
      const begun =
        readyState || networkState == 2 || (networkState == 1 && (preload != 'none' || autoplay));
      const gone = named.some(({ src }) => left.has(plain(src)));
      const ours =
        named[0] &&
        !gone &&
        !off(el) &&
        named.every(
          ({ src, kind }) => src.startsWith(location.origin + '/') && (kind || mirrored(src)),
        ); // kind: a track
      if (!ours == !before.has(el)) continue;
      if (!ours && (!begun || (gone && (paused || document.hidden)))) giveBack(el, !!begun);
      if (!ours || (begun && (why || !paused || currentTime || !stored(el.currentSrc)))) continue;
      before.set(el, el.crossOrigin);
      el.crossOrigin = 'use-credentials';
      if (begun) el.load();
    }
  };
  new MutationObserver(look).observe(document, {
    childList: true,
    subtree: true,
    attributeFilter: ['src', 'data-polycircle'],
  });
  for (const type of ['pause', 'visibilitychange']) document.addEventListener(type, look, true);
  const failed = (/** @type {any} */ e) => {
    const { target } = e,
      el = target.nodeName == 'SOURCE' ? target.parentNode : target;
    // a source that this browser cannot play was never asked for
    if (!before.has(el) || (target.type && !el.canPlayType(target.type))) return;
    e.stopImmediatePropagation();
    leave(target.src || el.currentSrc);
    giveBack(el, true);
  };
  addEventListener('error', failed, true);
  look(0);
  return () => look(1);
}
