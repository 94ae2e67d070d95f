/** A folder is indexed: the page asks for it in requests of two seconds, and shows how far it is. It may be closed at any time: then visitors' requests carry the reading on, slowly (src/content/index.c). */
import { persist } from './api.js';
import { apart, count, say, size } from './dom.js';
/** @typedef {import('./api.js').Walk} Walk */

const duration = (/** @type {number} */ s) =>
  s < 90 ? count(Math.max(1, Math.round(s)), 'second') : count(Math.round(s / 60), 'minute');

/** @param {string} circle @param {{bar: HTMLProgressElement, says: string}} view @param {{stop?: boolean}} [control] @returns {Promise<Walk|null>} null: stopped */
export async function index(circle, { bar, says }, control = {}) {
  const began = performance.now();
  let first = -1;
  bar.hidden = false;
  while (!control.stop) {
    const walk = /** @type {Walk} */ (await persist('index', { circle }));
    if (first < 0) first = walk.done;
    bar.max = walk.bytes || 1;
    bar.value = walk.finished ? bar.max : walk.done;
    if (walk.finished) return walk;
    const read = walk.done - first,
      left = read && (((walk.bytes - walk.done) / read) * (performance.now() - began)) / 1000;
    say(
      says,
      `${size(walk.done)} of ${size(walk.bytes)} in ${count(walk.files, 'file')}${left ? `, about ${duration(left)} left` : ''}` +
        (walk.current ? `. Now: ${apart(walk.current)}` : '. Looking for files.'),
    );
  }
  return null;
}

/** There is something for the owner to put right. @param {Walk} w */
export const bad = w =>
  w.doubted > 0 || w.left_out.some(({ reason }) => reason == 'unreadable' || reason == 'changed');
/** @param {Walk} w */
export const result = w =>
  `${count(w.files, 'file')}, ${size(w.bytes)}` +
  (w.same
    ? w.doubted
      ? '.'
      : `. Nothing ${w.left_out.some(({ reason }) => reason == 'young') ? 'else ' : ''}had changed.`
    : `, version ${w.version}.`) +
  (w.skipped
    ? ` Left out: ${w.left_out
        .map(
          ({ text, n, names, cure }) =>
            `${text}: ${n} (${names.map(apart).join(', ')}${n > names.length ? ', …' : ''})${cure && `: ${cure}`}`,
        )
        .join('; ')}.`
    : '') +
  (w.doubted
    ? ` ${w.doubted == w.files ? 'All are missing: is the folder still there, by the same name? They are' : `${count(w.doubted, 'file')} missing:`} withdrawn by the next reading, unless back by then.`
    : '') +
  (w.changed ? ` ${count(w.changed, 'file')} changed meanwhile: index again in a minute.` : '');
