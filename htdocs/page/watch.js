/** What the page's players need right now, and which files the page wants left alone. */

import { off, players } from './hold.js';
import { now } from '../util/bytes.js';
import { plain } from '../util/names.js';
/** @typedef {import('../content/mirror.js').Need} Need */

/** @param {HTMLMediaElement} el @param {number} size of its file @returns {Need} */
function need(el, size) {
  const { paused, autoplay, played, buffered, currentTime, duration } = el,
    playing = !paused || (autoplay && !played.length);
  let end = 0;
  for (let i = 0; i < buffered.length; i++)
    if (buffered.start(i) <= currentTime + 0.1) end = buffered.end(i);
  const slack =
    el.readyState < (playing ? 3 : 2) || el.seeking
      ? 0
      : playing
        ? (end - currentTime) / (el.playbackRate || 1)
        : Infinity;
  return { slack, playing, rate: duration < 1e9 ? duration / size : 0 };
}

/** @param {string} url @param {number} size of the file @param {() => boolean} neighbours whether any are there: who is no player waits 400 ms for them
 * @returns {() => Need} */
export function watch(url, size, neighbours) {
  const born = now();
  return () => {
    const [most] = [...players()]
      .filter(el => el.currentSrc == url)
      .map(el => need(el, size))
      .sort((a, b) => a.slack - b.slack);
    return (
      most ?? {
        slack: neighbours() && now() - born < 400 ? 9 : 0,
        playing: false,
        rate: 0,
      }
    );
  };
}

/** Whether an element of the page that is marked off names this file. @param {string} url */
export function marked(url) {
  const all = '[data-polycircle=off],[data-polycircle=off] *';
  return [.../** @type {NodeListOf<any>} */ (document.querySelectorAll(all))].some(
    el =>
      off(el) &&
      [el.currentSrc, el.src, el.href, el.data, el.poster].some(
        name => plain(String(name)) == plain(url),
      ),
  );
}
