/** What the page's players need right now: the only place that looks at <video> and <audio>. */

/** @param {HTMLMediaElement} el @param {number} size @returns {import('../lib/mirror.js').Need} */
function need(el, size) {
  const playing = !el.paused && !el.ended || el.autoplay && el.paused && !el.played.length;
  const rate = Number.isFinite(el.duration) && el.duration ? el.duration / size : 0;
  let ahead = 0;
  for (let i = 0; i < el.buffered.length; i++) {
    if (el.buffered.start(i) <= el.currentTime + 0.1) ahead = Math.max(ahead, el.buffered.end(i) - el.currentTime);
  }
  if (el.readyState < 2 || el.seeking) return { slack: 0, playing, rate };
  return { slack: playing ? ahead / (el.playbackRate || 1) : Infinity, playing, rate };
}

/** @param {string} url @param {number} size of the file @param {() => boolean} neighbours whether any are there: others wait 400 ms for them
 * @returns {() => import('../lib/mirror.js').Need} */
export function watch(url, size, neighbours) {
  const born = performance.now();
  return () => {
    const players = [...document.querySelectorAll('video,audio')].map(el => /** @type {HTMLMediaElement} */ (el)).filter(el => el.currentSrc == url);
    if (players.length) return players.map(el => need(el, size)).reduce((a, b) => a.slack <= b.slack ? a : b);
    return { slack: neighbours() && performance.now() - born < 400 ? 9 : 0, playing: false, rate: 0 };
  };
}

/** Players that asked before the mirror was there, and have not played yet, ask again. @param {(el: HTMLMediaElement) => boolean} mirrored */
export function askAgain(mirrored) {
  for (const el of /** @type {NodeListOf<HTMLMediaElement>} */ (document.querySelectorAll('video,audio'))) {
    if (mirrored(el) && el.networkState && el.preload != 'none' && el.paused && !el.autoplay && !el.played.length && !el.currentTime) el.load();
  }
}
