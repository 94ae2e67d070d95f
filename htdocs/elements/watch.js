/** What the page's players need right now: the only place that looks at <video> and <audio>. */

/** @typedef {import('../lib/mirror.js').Need} Need */

/** @param {HTMLMediaElement} el @param {number} size of its file @returns {Need} */
function need(el, size) {
  const { paused, autoplay, played, buffered, currentTime, duration } = el, playing = !paused || autoplay && !played.length;
  const ranges = [...Array(buffered.length).keys()].filter(i => buffered.start(i) <= currentTime + 0.1), end = Math.max(...ranges.map(i => buffered.end(i)), 0);
  const slack = el.readyState < 2 || el.seeking ? 0 : playing ? (end - currentTime) / (el.playbackRate || 1) : Infinity;
  return { slack, playing, rate: duration / size || 0 };
}

/** @param {string} url @param {number} size of the file @param {() => boolean} neighbours whether any are there: who is no player waits 400 ms for them
 * @returns {() => Need} */
export function watch(url, size, neighbours) {
  const born = performance.now();
  return () => {
    const players = /** @type {HTMLMediaElement[]} */ ([...document.querySelectorAll('video,audio')]).filter(el => el.currentSrc == url);
    const [most] = players.map(el => need(el, size)).sort((a, b) => a.slack - b.slack);
    return most ?? { slack: neighbours() && performance.now() - born < 400 ? 9 : 0, playing: false, rate: 0 };
  };
}

/** Players that asked before the mirror was there, and have not played yet, ask again. @param {(el: HTMLMediaElement) => boolean} mirrored */
export function askAgain(mirrored) {
  for (const el of /** @type {NodeListOf<HTMLMediaElement>} */ (document.querySelectorAll('video,audio'))) {
    if (mirrored(el) && el.networkState && el.preload != 'none' && el.paused && !el.autoplay && !el.played.length && !el.currentTime) el.load();
  }
}
