/** For who runs the site: of each film, sound and picture of the page, whether the mirror brings it, and if not, why. */
import { off } from '../page/hold.js';
import { controls } from '../util/alone.js';
/** @typedef {{url: string, mirrored: boolean, why: string}} Why
 * @typedef {import('../page/circle.js').Circle} Circle
 * @typedef {import('../page/circle.js').Options} Options
 * @typedef {{circle: Circle, spared: (url: string) => boolean, worker: string, el: any, url: string, player: boolean}} Case worker: why there is none */

const { serviceWorker } = navigator;
const here = (/** @type {string} */ url) => url.startsWith(location.origin + '/');
const entry = (/** @type {string} */ url) =>
  /** @type {any} */ (performance.getEntriesByName(url)[0]);

/** Why this page has no worker of ours: by what the circle says of the site's. @type {Record<string, string>} */
const NONE = {
  none: 'the site has one of its own all the same, or has taken ours off (--worker none)',
  own: 'the circle says that the site has one of its own, which is left alone (--worker own)',
  unknown:
    'the site has one of its own, or has taken ours off (--worker unknown); one with our line in it is named, --worker /sw.js',
};

/** Why no worker of ours answers this page, in words; '': one does. @param {Options} options @returns {Promise<string>} */
async function without({ worker, config: { worker: of = 'unknown' } }) {
  if (!serviceWorker) return 'this browser, or this window, has no service workers';
  const soon = new Promise(ok => setTimeout(ok, 50, 'soon'));
  const found = /** @type {any} */ (await Promise.race([worker, soon]));
  if (found == 'soon' && /none|unknown/.test(of))
    return `no worker yet: it comes when the page has been loaded for 3 s (--worker ${of})`;
  if (!found || found == 'soon')
    return `no worker: ${NONE[of] ?? `no page has registered ${of}, which is to have our line in it (--worker ${of})`}`;
  return controls(found) ? '' : 'the worker is not in control yet: a first visit';
}

/** The first row that fits is said. @type {[(c: Case) => any, string | ((c: Case) => string)][]} */
const rows = [
  [({ circle }) => !circle.mirror, 'this page is plain http: use https'],
  [({ circle }) => circle.out.has('brake'), 'the owner has stopped all mirroring'],
  [({ circle }) => circle.out.size, 'this visitor does not take part'],
  [({ el }) => /^(O|E|A$)/.test(el.tagName), 'browsers show this kind of element to no worker'],
  [({ circle, url }) => !circle.mirror?.find(url), 'it is not published in this circle'],
  [({ circle, url }) => circle.mirror?.find(url)?.withdrawn, 'it has changed: publish it again'],
  [({ el }) => off(el), 'data-polycircle="off" stands at it'],
  [({ worker }) => worker, ({ worker }) => worker],
  [({ el, player }) => player && el.crossOrigin == 'use-credentials', ''],
  [
    ({ url, spared }) => spared(url),
    'left alone: it failed, redirects, may be read by no script (CORS), or is marked off elsewhere',
  ],
  [
    ({ el, player, url }) => player && !here(url) && el.crossOrigin == null,
    'it is on another host, and its player has no crossorigin attribute',
  ],
  [
    ({ el, player, url }) =>
      player && here(url) && [...el.children].some(({ src }) => src && !here(src)),
    'a <source> or <track> of it is on another host',
  ],
  [
    ({ player, url }) => player && here(url),
    'it began before it could be mirrored: on a first visit, before a yes, or before the tag, which belongs into the head',
  ],
  [({ url }) => !entry(url), 'it was not asked for yet'],
  [
    ({ url }) => !entry(url).workerStart,
    "it was asked for before the worker was in control, or came from the browser's cache",
  ],
  [
    ({ circle, url }) => !circle.mirror?.count(/** @type {any} */ (circle.mirror.find(url))),
    'nothing of it has come by the mirror: the server, or the browser, had it at once',
  ],
  [() => true, ''],
];

/** @param {Circle} circle @param {Options} options @returns {Promise<Why[]>} */
export async function why(circle, options) {
  const worker = await without(options);
  return [...document.querySelectorAll('video,audio,img,object,embed,a[download]')].flatMap(
    node => {
      const el = /** @type {any} */ (node),
        url = el.currentSrc || el.src || el.data || el.href,
        one = { circle, spared: options.spared, worker, el, url, player: 'paused' in el };
      const [, word] = /** @type {any} */ (rows.find(([fits]) => fits(one)));
      const said = word.call ? word(one) : word;
      return url ? [{ url, mirrored: !said, why: said }] : [];
    },
  );
}

/** The same as lines of the console, each once. @param {Circle} circle @param {Options} options */
export function tell(circle, options) {
  const lines = new Set();
  setInterval(async () => {
    for (const { url, why: said } of await why(circle, options)) {
      const line = `${url}: ${said || 'mirrored'}`;
      if (!lines.has(line)) console.info('polycircle:', line);
      lines.add(line);
    }
  }, 1000);
}
