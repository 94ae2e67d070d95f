/** For who runs the site: of each film, sound and picture of the page, whether the mirror brings it, and if not, why. */
import { off } from '../page/hold.js';
/** @typedef {{url: string, mirrored: boolean, why: string}} Why
 * @typedef {{circle: import('../page/circle.js').Circle, el: any, url: string, player: boolean, spared: (url: string) => boolean}} Case */

const { serviceWorker } = navigator;
const here = (/** @type {string} */ url) => url.startsWith(location.origin + '/');

/** The first row that fits is said. @type {[(c: Case) => any, string][]} */
const rows = [
  [({ circle }) => !circle.mirror, 'this page is plain http: use https'],
  [({ circle }) => circle.out.has('brake'), 'the owner has stopped all mirroring'],
  [({ circle }) => circle.out.size, 'this visitor does not take part'],
  [({ el }) => /^(O|E|A$)/.test(el.tagName), 'browsers show this kind of element to no worker'],
  [({ circle, url }) => !circle.mirror?.find(url), 'it is not published in this circle'],
  [({ circle, url }) => circle.mirror?.find(url)?.withdrawn, 'it has changed: publish it again'],
  [({ el }) => off(el), 'data-polycircle="off" stands at it'],
  [({ el, player }) => player && el.crossOrigin == 'use-credentials', ''],
  [
    ({ url, spared }) => spared(url),
    'left alone: it failed, redirects, may be read by no script (CORS), or is marked off elsewhere',
  ],
  [
    ({ el, player, url }) => player && !here(url) && el.crossOrigin == null,
    'it is on another host, and its player has no crossorigin attribute',
  ],
  [() => !serviceWorker?.controller, 'no worker is in control: a first visit, or see the console'],
  [
    ({ el, player, url }) =>
      player && here(url) && [...el.children].some(({ src }) => src && !here(src)),
    'a <source> or <track> of it is on another host',
  ],
  [({ player, url }) => player && here(url), 'it began before us: the tag belongs into the head'],
  [
    ({ url }) => !(/** @type {any} */ (performance.getEntriesByName(url)[0])?.workerStart),
    'it was asked for before the worker was in control, or came from the cache',
  ],
  [() => true, ''],
];

/** @param {import('../page/circle.js').Circle} circle @param {(url: string) => boolean} spared @returns {Why[]} */
export const why = (circle, spared) =>
  [...document.querySelectorAll('video,audio,img,object,embed,a[download]')].flatMap(node => {
    const el = /** @type {any} */ (node),
      url = el.currentSrc || el.src || el.data || el.href;
    const player = 'paused' in el,
      [, said] = /** @type {any} */ (
        rows.find(([fits]) => fits({ circle, el, url, player, spared }))
      );
    return url ? [{ url, mirrored: !said, why: said }] : [];
  });

/** The same as lines of the console, each once. @param {import('../page/circle.js').Circle} circle @param {(url: string) => boolean} spared */
export function tell(circle, spared) {
  const lines = new Set();
  setInterval(() => {
    for (const { url, why: said } of why(circle, spared)) {
      const line = `${url}: ${said || 'mirrored'}`;
      if (!lines.has(line)) console.info('polycircle:', line);
      lines.add(line);
    }
  }, 1000);
}
