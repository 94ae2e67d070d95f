/** What the page's players need right now: the only place that looks at <video> and <audio>. */

/** @typedef {import('../content/mirror.js').Need} Need */

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

/** Whether such an element of the page names this file. @param {string} url */
export function spared(url) {
  const all = '[data-polycircle=off]',
    bare = (/** @type {any} */ name) => unescape(String(name).split('#')[0]);
  return [.../** @type {NodeListOf<any>} */ (document.querySelectorAll(`${all},${all} *`))].some(
    el =>
      off(el) &&
      [el.currentSrc, el.src, el.href, el.data, el.poster].some(name => bare(name) == bare(url)),
  );
}

/** Players of this site's files ask with credentials from now on, by which the worker knows them. Those that have begun by plain HTTP go on so, and
 * those that have not played begin anew: Chromium plays no film half from a worker and half from the network, not even after a reload, unless the
 * two differ in this. @param {(url: string) => boolean} mirrored @returns {() => void} to be called when that has changed */
export function adopt(mirrored) {
  const before = /** @type {WeakMap<HTMLMediaElement, string|null>} */ (new WeakMap());
  const look = (/** @type {any} */ records) => {
    for (const el of /** @type {NodeListOf<HTMLMediaElement>} */ (
      document.querySelectorAll('video,audio')
    )) {
      const named = /** @type {any[]} */ ([el, ...el.children]).filter(({ src }) => src),
        { readyState, networkState, preload, autoplay } = el;
      // a slow player that has bytes enough for now is idle, as one that was not let begin is
      const begun =
        readyState || networkState == 2 || (networkState == 1 && (preload != 'none' || autoplay));
      const ours =
        named[0] &&
        !off(el) &&
        named.every(
          ({ src, kind }) => src.startsWith(location.origin + '/') && (kind || mirrored(src)),
        ); // kind: a track
      if ((begun && (records || !el.paused || el.currentTime)) || !ours == !before.has(el))
        continue;
      const was = /** @type {any} */ (before.get(el));
      ours ? before.set(el, el.crossOrigin) : before.delete(el);
      el.crossOrigin = ours ? 'use-credentials' : was;
      if (begun) el.load();
    }
  };
  new MutationObserver(look).observe(document, {
    childList: true,
    subtree: true,
    attributeFilter: ['src', 'data-polycircle'],
  });
  look(0);
  return () => look(1);
}
