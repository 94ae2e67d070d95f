/** Players, and who answers them. Those of this site's files ask with credentials, by which the worker knows them: Chromium plays no film half from a
 * worker and half from the network, not even after a reload, unless the two differ in this. Those that have begun by plain HTTP go on so.
 * One that fails is given back to plain HTTP, by one load() that its page sees, where it
 * was; of the error the page sees nothing. Without an error that waits until nobody looks. */
import { players } from './hold.js';
import { plain } from '../util/names.js';
/** @typedef {(url: string) => any} Is
 * @typedef {ReturnType<typeof adopt>} Players */

/** All elements, in open shadow roots, too, into which a player may have moved since. @param {ParentNode} root @returns {any[]} */
const deep = root =>
  [...root.querySelectorAll('*')].flatMap(el => [
    el,
    ...(el.shadowRoot ? deep(el.shadowRoot) : []),
  ]);

/** @param {import('./hold.js').Held} held @param {import('./bridge.js').Hear} hear */
export function adopt({ ours, fits, begun, observer }, hear) {
  const left = /** @type {Set<string>} */ (new Set());
  let mirrored = /** @type {Is} */ (() => true); // until somebody knows
  /** @param {HTMLMediaElement} el @param {any} again */
  const giveBack = (el, again) => {
    const { currentTime, playbackRate, paused } = el;
    el.crossOrigin = /** @type {any} */ (ours.get(el));
    ours.delete(el);
    if (!again) return;
    el.load();
    Object.assign(el, { playbackRate, currentTime });
    if (!paused) el.play().catch(() => {});
  };
  const look = () => {
    for (const el of players()) {
      const has = begun(el),
        gone = left.has(plain(el.currentSrc)),
        wants = fits(el, ({ src, kind }) => !left.has(plain(src)) && (kind || mirrored(src))); // kind: a track
      if (ours.has(el)) {
        if (!wants && (!has || (gone && (el.paused || document.hidden)))) giveBack(el, has);
      } else if (wants && !has) {
        ours.set(el, el.crossOrigin);
        el.crossOrigin = 'use-credentials';
      }
    }
  };
  const failed = (/** @type {any} */ e) => {
    const { target } = e,
      el = target.nodeName == 'SOURCE' ? target.parentNode : target;
    // a source that this browser cannot play was never asked for
    if (!ours.has(el) || (target.type && !el.canPlayType(target.type))) return;
    e.stopImmediatePropagation();
    left.add(plain(target.src || el.currentSrc));
    giveBack(el, true);
  };
  addEventListener('error', failed, true);
  hear(({ data }) => {
    if (data.polycircle != 'back') return;
    left.add(plain(data.url));
    for (const el of deep(document))
      if (ours.has(el) && el.currentSrc == data.url) giveBack(el, true);
  });
  return {
    /** Addresses of files that failed under us, or are gone: this page loads them as without us from then on. */
    left,
    look,
    /** The worker is in control, with a mirror behind it. @param {Is} has the file is in it */
    know(has) {
      observer.disconnect(); // somebody else looks from now on
      mirrored = has;
      look();
      new MutationObserver(look).observe(document, {
        childList: true,
        subtree: true,
        attributeFilter: ['src', 'data-polycircle'],
      });
      for (const type of ['pause', 'visibilitychange']) document.addEventListener(type, look, true);
    },
  };
}
