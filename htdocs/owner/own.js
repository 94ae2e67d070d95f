/** A service worker of the site's own: looked for in this browser, in a page and its scripts, and under the names that such scripts have. Ours is never
 * put in its place; with one line in it, it does ours, too. */
import { act } from './api.js';
import { $, busy, copy, make, note, onPress, say } from './dom.js';
import { inPage } from './line.js';
import { ask, text } from './place.js';
import { own } from '../util/alone.js';
/** @typedef {import('./api.js').Circle} Circle
 * @typedef {{worker: string, script: string, why: string}} Found worker: as the circle has it ('unknown': it is not certain); script: its address, as far as it is known; why: in words */

const REGISTERS =
  /serviceWorker\b[^;{}]{0,80}?\.register\s*\(\s*(?:new URL\(\s*)?(?:["'`]([^"'`]+)["'`])?/;
const TAKES = /serviceWorker\b[^]{0,200}?\.unregister\s*\(/;
/** Where plugins and frameworks put theirs. */
const NAMES = [
  'sw.js',
  'service-worker.js',
  'serviceworker.js',
  'firebase-messaging-sw.js',
  'ngsw-worker.js',
  'pwabuilder-sw.js',
  'superpwa-sw.js',
  'OneSignalSDKWorker.js',
  'OneSignalSDK.sw.js',
];
const SCRIPTS = 30;

const path = (/** @type {string} */ script) => new URL(script).pathname;

/** What its scripts say. @param {string[]} scripts texts @param {string} page its address @returns {{script: string, registers: boolean, takes: boolean}} */
export function said(scripts, page) {
  const calls = scripts.flatMap(one => [REGISTERS.exec(one) ?? []]).filter(call => call.length),
    named = calls.find(([, name]) => name)?.[1];
  return {
    registers: calls.length > 0,
    script: named ? new URL(named, page).href : '',
    takes: scripts.some(one => TAKES.test(one)),
  };
}

/** The page's own scripts, as far as they may be read from here. @param {string} html @param {string} page */
async function scriptsOf(html, page) {
  const ours = inPage(html, page).map(([, src]) => src);
  const found = [...html.matchAll(/<script\b([^>]*)>([^]*?)<\/script>/gi)],
    addresses = found.flatMap(([, attributes]) => {
      const [, src] = /\ssrc\s*=\s*["']?([^"'\s>]+)/i.exec(attributes) ?? [];
      return src ? new URL(src.replaceAll('&amp;', '&'), page).href : [];
    });
  const texts = await Promise.all(
    addresses
      .filter(src => !ours.includes(src))
      .slice(0, SCRIPTS)
      .map(text),
  );
  return [...found.map(([, , inside]) => inside), ...texts.map(one => one ?? '')];
}

/** @param {string} site its origin @returns {Promise<string>} */
async function registered(site) {
  if (site != location.origin) return '';
  const found = (await navigator.serviceWorker?.getRegistrations().catch(() => [])) ?? [];
  const all = found
    .filter(one => one.scope == `${site}/`)
    .map(one => one.installing ?? one.waiting ?? one.active);
  return all.map(one => one?.scriptURL ?? '').find(script => script && !own(script)) ?? '';
}

/** @param {string} site @returns {Promise<string>} */
async function lies(site) {
  const there = await Promise.all(
    NAMES.map(async name => {
      const answer = await ask(`${site}/${name}`);
      return answer?.ok && /javascript/.test(answer.headers.get('content-type') ?? '');
    }),
  );
  const name = NAMES.find((_, i) => there[i]);
  return name ? `${site}/${name}` : '';
}

/** Does it import ours? @param {string} script its address @param {string[]} urls the instance's */
export async function imports(script, urls) {
  const source = (await text(script)) ?? '';
  return [...source.matchAll(/importScripts\(\s*["']([^"']+)/g)].some(([, url]) =>
    urls.some(base => new URL(url, script).href == `${base}circle-sw.js`),
  );
}

/** @param {string} page of the site @param {string[]} urls the instance's @returns {Promise<Found>} */
export async function find(page, urls) {
  const { origin: site } = new URL(page),
    html = await text(page),
    { script: named, registers, takes } = said(html ? await scriptsOf(html, page) : [], page);
  const script = (await registered(site)) || (own(named) ? '' : named);
  if (script || (registers && !named)) {
    const both = script.startsWith(`${site}/`) && (await imports(script, urls));
    return both
      ? {
          worker: path(script),
          script,
          why: 'Your site’s own service worker has our line in it: it does both.',
        }
      : {
          worker: 'own',
          script,
          why: 'Your site has a service worker of its own. It stays as it is; ours is not put in its place, and so nothing is shared yet.',
        };
  }
  if (takes)
    return {
      worker: 'unknown',
      script,
      why: 'A script of your site takes every service worker off (unregister). As long as it does so, hardly anything is shared.',
    };
  const file = html ? await lies(site) : '';
  if (file)
    return {
      worker: 'unknown',
      script: file,
      why: `The file ${file} may be a service worker of your site’s own. If it is in use, say so here.`,
    };
  return html
    ? { worker: 'none', script, why: 'Your site has no service worker of its own.' }
    : {
        worker: 'unknown',
        script,
        why: 'Whether your site has a service worker of its own is not to be seen from here. Somebody who made the site knows: an offline page, push messages or “add to home screen” come from one.',
      };
}

/** Of all pages that may use it this browser sees those of one site. @param {Circle} c @param {string} site */
const alike = (c, site) =>
  c.origins.every(origin => origin.replace('://www.', '://') == site.replace('://www.', '://'));

/** What is kept when this was found. The owner's word stands, until a worker is seen. @param {Circle} c @param {Found} found @param {string} site @returns {string} */
export function keeps(c, found, site) {
  if (found.worker == 'unknown') return c.worker;
  if (found.worker != 'none') return found.worker;
  return c.worker == 'unknown' && alike(c, site) ? 'none' : c.worker;
}

const LATE =
  'Until that is known ours comes three seconds after a page was loaded, and what a visitor opens first comes from your host.';

/** Looks, keeps what is certain, and says so, with what the owner can do.
 * @param {string} id @param {Circle} c @param {string[]} urls the instance's @param {string} page of the site @returns {HTMLElement} */
export function ownWorker(id, c, urls, page) {
  const { origin: site } = new URL(page),
    says = `${id}_own-says`,
    words = make('p', { id: `${id}_own` }),
    line = make('textarea', {
      id: `${id}_own-line`,
      rows: 2,
      readOnly: true,
      ariaLabel: 'The line for the service worker of your site',
      value: `importScripts('${urls[0]}circle-sw.js');`,
    });
  const copied = make('button', { type: 'button', onclick: () => copy(line, says) }, 'Copy'),
    again = make('button', { type: 'button' }, 'Look again'),
    none = make('button', { type: 'button' }, 'It has none'),
    has = make('button', { type: 'button' }, 'It has one');
  const box = make(
    'div',
    { id: `${id}_own-box` },
    words,
    line,
    copied,
    ' ',
    again,
    ' ',
    none,
    ' ',
    has,
    note(says),
  );

  async function keep(/** @type {string} */ worker) {
    if (worker != c.worker) await act('circle', { circle: c.can, worker });
    c.worker = worker;
  }
  function show(/** @type {Found} */ found) {
    const mine = c.worker == 'own';
    words.textContent = mine
      ? `${found.worker == 'own' ? found.why : 'Your site has a service worker of its own, as was said here.'} Put this line at the top of its script${found.script ? `, ${found.script},` : ''} before all else, then press “Look again”. Whoever controls this program can then answer every request of your site’s pages.`
      : c.worker == 'unknown'
        ? `${found.why} ${LATE}`
        : c.worker == 'none'
          ? 'Your site has no service worker of its own: ours comes at once.'
          : `Your site’s own service worker, ${c.worker}, has our line in it: it does both.`;
    line.hidden = copied.hidden = !mine;
    none.hidden = c.worker == 'none';
    has.hidden = c.worker != 'none' && c.worker != 'unknown';
  }
  async function look() {
    const found = await find(page, urls);
    await keep(keeps(c, found, site));
    show(found);
    return found;
  }
  const told = (/** @type {string} */ worker) => async () => {
    await keep(worker);
    show({ worker, script: '', why: '' });
    say(says, 'Kept. Pages that are loaded from now on have it, within five minutes.', 'good');
  };
  again.addEventListener('click', () => busy(box, says, async () => say(says, (await look()).why)));
  onPress(
    none,
    box,
    says,
    'Press again if you are sure: were there one, what it does for visitors (an offline page, push messages) could be late for those who come first.',
    told('none'),
  );
  onPress(has, box, says, '', told('own'));
  show({ worker: c.worker, script: '', why: '' });
  look().catch(() => {}); // by itself; a press says what went wrong
  return box;
}

/** The same, of a page that the owner has named: where a worker is registered may be seen in some pages only. @type {typeof ownWorker} */
export function ownWorkerAgain(id, ...rest) {
  const box = ownWorker(id, ...rest);
  $(`${id}_own-box`)?.replaceWith(box);
  return box;
}
