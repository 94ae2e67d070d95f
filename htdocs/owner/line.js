/** The line for the site's pages: which one at each address, how it stands in a page, and whether it loads anything there. */
import { FOLDER, text } from './place.js';
import { say } from './dom.js';
/** @typedef {import('./api.js').Circle} Circle
 * @typedef {{urls: string[], tags: string[]}} Place the instance's addresses, and what stands before signal?KEY at each
 * @typedef {{origins: string[], tag: string, worker: string}} Line origins: of the pages that it is for; worker: what their polycircle-sw.js has in it, '' when none is needed */

const origin = (/** @type {string} */ url) => new URL(url).origin,
  path = (/** @type {string} */ url) => new URL(url).pathname;

/** The same wherever the console is open; that for the site of the circle's folder comes first. Pages at several of the instance's addresses are mostly the same
 * files, so they have one line, without a host name, where the path is the same.
 * @param {Circle} c @param {Place} at @param {string} [site] @returns {Line[]} */
export function lines(c, { urls, tags }, site = new URL(c.url || '/', urls[0]).origin) {
  const all = [...new Set([site, ...c.origins])],
    here = (/** @type {string} */ o) => tags.filter((_, i) => origin(urls[i]) == o);
  const script = (/** @type {string} */ start, more = '') =>
    `<script src="${start}signal?${c.api_key}"${more}></script>`;
  const own = all.filter(o => here(o).length),
    one =
      own.length > 1 &&
      tags.map(path).find(p => own.every(o => here(o).some(tag => path(tag) == p)));
  const mine = one
    ? [{ origins: own, tag: script(one), worker: '' }]
    : own.map(o => ({ origins: [o], tag: script(here(o)[0]), worker: '' }));
  // where the site has one of its own, our line goes into that (own.js)
  const none = !c.worker || c.worker == 'none' || c.worker == 'unknown';
  const others = all
    .filter(o => !here(o).length)
    .map(o => ({
      origins: [o],
      tag: script(tags[0], none ? ' data-worker="/polycircle-sw.js"' : ''),
      worker: none ? `importScripts('${urls[0]}circle-sw.js')` : '',
    }));
  return [...mine, ...others].sort(
    (a, b) => Number(b.origins.includes(site)) - Number(a.origins.includes(site)),
  );
}

/** What is said beside it. @param {Line} line @param {boolean} only there is no other */
export const reason = ({ origins, worker }, only) =>
  worker
    ? `For pages of ${origins[0]}, which is no address of this program. So also put a file polycircle-sw.js into the top folder of that site, with this ` +
      `one line: ${worker} (Does it show the same files as this site? Then open this console there, and press “Add it”: one line is good for both.)`
    : origins.length > 1
      ? `For pages of ${origins.join(' and ')}: it has no host name in it, and is good at each.`
      : only
        ? ''
        : `For pages of ${origins[0]}.`;

/** What stands in the place of ' and " when an editor means well, as a character or as HTML writes it. */
const CURLY =
  /[\u2018-\u201f\u2032-\u2036\u00ab\u00bb\uff02\uff07`\u00b4]|&(#(82(1[6-9]|2[0-3])|x201[89a-f]|171|187);|([lr][ds]?quo|[bs]bquo|laquo|raquo|quot);)/i;

/** White space that is none to a browser, as word processors and visual editors write it. */
const SPACE = /[^\S\t\n\f\r ]|&(nbsp|#160|#xa0);/i;

/** Behind a line that is whole: its end, and no tag before that. */
const END = /^([^<]|<(?![a-z/!]))*<\/script/i;

/** What keeps a browser from running it where it stands: another type (text/plain, as for a question of consent; module), nomodule, data-off. */
const IDLE =
  /\stype\s*=\s*["']?(?!text\/javascript|application\/javascript)[\w]|\s(nomodule|data-off)\b/i;

/** Has the browser begun to load a film or a picture by the time that it reads the line? @param {string} html @param {string} line */
function late(html, line) {
  const [before, behind] = html.replace(/<noscript\b.*?<\/noscript>/gis, '').split(line);
  return (
    /<(video|audio|img|picture|object|embed|iframe)\b/i.test(before) ||
    /^\s*(<\/?script\b[^>]*>[^<]*)*<\/body>/i.test(behind)
  );
}

/** What stands before the key in an address; a CMS may have put parameters of its own there, and behind it. */
const LOADER = `signal(?:\\.js)?\\?(?:[^"'\\s>]*[&?;])?(?:api_key=)?`;

/** How the line is in this page's text; comments do not count. 'once' is as it should be; 'late': behind a player or a picture, or last in the body; 'curly':
 * quotes that are none to a browser; 'space': so are its spaces; 'open': without its end, so that what follows in the page belongs to it; 'text': it is shown to
 * visitors, not run. @param {string} html @param {string} key @returns {'once'|'late'|'twice'|'curly'|'space'|'open'|'idle'|'text'|'none'} */
export function found(html, key) {
  const bare = html.replace(/<!--.*?-->/gs, ''),
    address = `${LOADER}${key}(?![\\w-])`;
  const dead = bare.replace(/<(template|textarea)\b.*?<\/\1>/gis, '');
  const all =
      dead.match(
        new RegExp(`<script\\b[^>]*?(\\s|${SPACE.source})src\\s*=[^>]*?${address}[^>]*>`, 'gi'),
      ) ?? [],
    lines = all.filter(line => !IDLE.test(line)),
    straight = lines.filter(line => !CURLY.test(line)),
    good = straight.filter(line => !SPACE.test(line.replace(/"[^"]*"|'[^']*'/g, '')));
  if (all.length && !lines.length) return 'idle';
  if (good.some(line => dead.split(line).some((behind, i) => i && !END.test(behind))))
    return 'open';
  if (good.length) return good.length > 1 ? 'twice' : late(dead, good[0]) ? 'late' : 'once';
  if (lines.length) return straight.length ? 'space' : 'curly';
  return new RegExp(`&lt;script\\b.{0,500}?${address}`, 'is').test(bare) ? 'text' : 'none';
}

/** A line's address without a key: 'cut', as optimizers take out all that stands behind the "?"; 'key': something like one is there. @param {string} html
 * @param {string} at the page's address @param {string[]} urls the instance's @returns {'cut'|'key'|''} */
export function cut(html, at, urls) {
  const starts = urls.flatMap(url =>
      url.endsWith(`/${FOLDER}`) ? [url, new URL('..', url).href] : [url],
    ),
    scripts = html
      .replace(/<!--.*?-->/gs, '')
      .matchAll(/<script\b[^>]*?\ssrc\s*=\s*["']?([^"'\s>]+)/gi);
  const line = [...scripts].find(
    ([, src]) =>
      !new RegExp(`${LOADER}[\\w-]{22}(?![\\w-])`, 'i').test(src) &&
      URL.canParse(src, at) &&
      starts.some(start =>
        [`${start}signal`, `${start}signal.js`].includes(
          new URL(src, at).href.replace(/[?#].*/, ''),
        ),
      ),
  );
  return line ? (/[?&;](api_key=)?[\w-]+([&;]|$)/i.test(line[1]) ? 'key' : 'cut') : '';
}

/** What the owner is told of it. */
const PASTE =
  'Take it out, copy the line above again, and paste it where your editor takes HTML: a block or view named HTML, Code or Source.';
const FOUND = {
  once: 'Yes: the line is in that page.',
  late:
    'Yes, but late: move the line up into the <head> of that page, above </head>. Where it stands now the browser has begun to load a film or a picture before it reads the line: ' +
    'that comes from your host and not from other visitors, and may be loaded twice.',
  twice:
    'The line is in that page more than once. One is enough, and the others do nothing: take them out.',
  curly: `The line is in that page, but does not work: an editor has turned its " into typographic quotes (\u201c \u201d). ${PASTE}`,
  space: `The line is in that page, but does not work: an editor has put no-break spaces between its words. ${PASTE}`,
  open: `The line is in that page, but without its end, </script>: browsers take all that follows for a part of it, and do not show it. ${PASTE}`,
  key: `The line is in that page, but loads nothing: the key in it, behind the ?, lacks letters or has too many. ${PASTE}`,
  idle: 'The line is in that page, but something in it (a type, nomodule or data-off) keeps browsers from running it as it should be: take that out.',
  text: `The line is in that page as text that visitors read, so nothing is loaded. ${PASTE}`,
  cut: 'The line is in that page, but without what stands behind the ? in its address, and loads nothing: an optimizer has taken it out (“Remove query strings”). Except this address in its settings.',
  none: 'The line is not in that page (yet). Did you save it? Does a cache keep the old page?',
};

/** All lines that are in a page, of whichever circle. @param {string} html @param {string} at the page's address @returns {[tag: string, src: string][]} */
export const inPage = (html, at) =>
  [
    ...html
      .replace(/<!--.*?-->/gs, '')
      .matchAll(
        new RegExp(
          `<script\\b[^>]*?\\ssrc\\s*=\\s*["']?([^"'\\s>]*?${LOADER}[\\w-]{22}(?![\\w-])[^"'\\s>]*)[^>]*>`,
          'gi',
        ),
      ),
  ].map(([tag, src]) => [tag, new URL(src.replace(/&(amp|#0*38);/gi, '&'), at).href]);

/** The address of a line that loads nothing; '': none is seen from here. @param {string} html @param {string} at the page's address */
export async function dead(html, at) {
  for (const [, src] of inPage(html, at))
    if (!((await text(src)) ?? 'POLYCIRCLE_CONFIG').includes('POLYCIRCLE_CONFIG')) return src;
  return '';
}

/** Why a page with a line that loads has no worker, without which nothing is shared; '': it has one, or that is not seen from here. @param {string} html
 * @param {string} at the page's address @param {string[]} urls the instance's */
export async function workerless(html, at, urls) {
  for (const [tag, src] of inPage(html, at)) {
    const [, name] = /\sdata-worker\s*=\s*["']?([^"'\s>]+)/i.exec(tag) ?? [],
      file = new URL(name ?? '', at).href,
      ours = urls.map(url => `${url}circle-sw.js`);
    if (!name && origin(src) != origin(at))
      return `The line is in that page, but nothing is shared there: the page is at ${origin(at)}, and the line is for pages of ${origin(src)}. Take the line for ${origin(at)}.`;
    const script = name && !ours.includes(file) ? await text(file) : null;
    if (
      script != null &&
      ![...script.matchAll(/importScripts\(\s*["']([^"']+)/g)].some(([, url]) =>
        ours.includes(new URL(url, file).href),
      )
    )
      return `The line is in that page, but nothing is shared there: the file that it names (data-worker), ${file}, is ${script ? 'there, but without its line' : 'not there'}. It has to hold this one line: importScripts('${ours[0]}')${urls.some(url => origin(url) == origin(at)) ? '. Simpler: take the line that is shown here, which needs no such file.' : ''}`;
  }
  return '';
}

/** How a page's line does, and the words for it. @param {string} html @param {string} page its address @param {Circle} c @param {string[]} urls the instance's
 * @returns {Promise<[is: string, words: string]>} */
export async function judge(html, page, c, urls) {
  const here = found(html, c.api_key),
    is = (here == 'none' && cut(html, page, urls)) || here,
    runs = ['once', 'late', 'twice'].includes(is),
    src = runs || is == 'none' ? await dead(html, page) : '';
  if (src)
    return [
      'dead',
      `The page ${page} loads nothing of Polycircle, and shares nothing: its line has ${src}, and nothing that shares answers there. Put the line that this page shows into its place.`,
    ];
  if (runs && !c.origins.includes(origin(page)))
    return [
      'refused',
      `The line is in that page, but pages of ${origin(page)} may not use this circle, and load from your host. Allow them in the console, under “Whose pages may use it”.`,
    ];
  const why = is == 'once' && c.worker?.[0] != '/' ? await workerless(html, page, urls) : '';
  if (is == 'once' && !why && !c.mirror)
    return [
      'stopped',
      'The line is in that page. But sharing is stopped: visitors load from your host until you press “Share again”.',
    ];
  return why ? ['workerless', why] : [is, FOUND[is]];
}

/** What is told without being asked. */
export const BROKEN = ['dead', 'open', 'curly', 'space', 'key', 'cut'];

/** "Does my site load it?" @param {string} says @param {string} page @param {Circle} c @param {string[]} urls the instance's */
export async function look(says, page, c, urls) {
  const html = await text(page);
  if (html == null)
    return say(
      says,
      'This page lives elsewhere and may not be looked into from here, or is very slow. Open it in another window: then a visitor is counted here.',
    );
  if (!html) return say(says, 'There is no such page.', 'bad');
  const [is, words] = await judge(html, page, c, urls);
  say(says, words, is == 'once' ? 'good' : 'bad');
}
