/** Players until the circle is there: what the loader does to <video> and <audio>. While the worker comes those of this site's files do not ask (but those
 * with autoplay: that a script takes it back meanwhile, or pauses, could not be seen); once it is in control they ask with credentials, by which it knows
 * them (page/adopt.js sees to the rest). Which players may be ours stands here: fits() and off(); the package
 * has the first of these from here. */
/** @typedef {ReturnType<typeof hold>} Held */

export const players = () =>
  /** @type {NodeListOf<HTMLMediaElement>} */ (document.querySelectorAll('video,audio'));

/** Whether data-polycircle="off" stands at an element, or at the nearest of its parents that has that attribute. @param {Element} el */
export const off = el =>
  /** @type {HTMLElement|null} */ (el.closest('[data-polycircle]'))?.dataset.polycircle == 'off';

/** Whether all that it names is of this site, and of these. @param {HTMLMediaElement} el @param {(named: any) => any} of */
const fits = (el, of = () => true) => {
  const all = /** @type {any[]} */ ([el, ...el.children]).filter(({ src }) => src);
  return (
    all[0] && !off(el) && all.every(one => one.src.startsWith(location.origin + '/') && of(one))
  );
};

/** A slow player that has bytes enough for now is idle, as one that was not let begin is. @param {HTMLMediaElement} el */
const begun = ({ readyState, networkState, preload, autoplay }) =>
  readyState || networkState == 2 || (networkState == 1 && (preload != 'none' || autoplay));

/** @param {boolean} coming whether the worker is, in a moment */
export function hold(coming) {
  const ours = /** @type {WeakMap<any, string|null>} */ (new WeakMap()),
    held = /** @type {Map<any, string|null>} */ (new Map()); // with what preload was
  const look = () => {
    for (const el of players()) {
      if (ours.has(el) || !fits(el) || begun(el)) continue;
      if (!coming) {
        ours.set(el, el.crossOrigin);
        el.crossOrigin = 'use-credentials';
      } else if (el.paused && !el.autoplay && !held.has(el)) {
        held.set(el, el.getAttribute('preload'));
        el.preload = 'none';
      }
    }
  };
  const observer = new MutationObserver(look);
  if (coming) {
    observer.observe(document, { childList: true, subtree: true, attributeFilter: ['src'] });
    look();
  }
  return {
    fits,
    begun,
    /** those that are the worker's, with what crossOrigin was */
    ours,
    /** The worker is in control, or nobody waits for it any longer. */
    release(/** @type {boolean} */ on) {
      coming = false;
      on ? look() : observer.disconnect();
      for (const [el, preload] of held) {
        if (el.preload != 'none') continue; // the page has said otherwise meanwhile
        preload == null ? el.removeAttribute('preload') : el.setAttribute('preload', preload);
      }
    },
    observer,
    /** Nobody does: those that have nothing yet ask as without us, the others from their next file on. */
    end() {
      observer.disconnect();
      for (const el of players()) {
        if (!ours.has(el)) continue;
        el.crossOrigin = /** @type {any} */ (ours.get(el));
        if (!el.readyState) el.load();
      }
    },
  };
}
