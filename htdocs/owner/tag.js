/** The line for the site's pages, and whether they load it. */
import { act } from './api.js';
import { place } from './place.js';
import { tiers } from './tiers.js';
import { $, copy, count, input, onSubmit, say } from './dom.js';

/** What stands in the place of ' and " when an editor means well, as a character or as HTML writes it. */
const CURLY = /[\u2018-\u201f\u2032-\u2036\u00ab\u00bb\uff02\uff07`\u00b4]|&(#(82(1[6-9]|2[0-3])|x201[89a-f]|171|187);|([lr][ds]?quo|[bs]bquo|laquo|raquo|quot);)/i;

/** What keeps a browser from running it where it stands: another type (text/plain, as for a question of consent; module), nomodule, data-off. */
const IDLE = /\stype\s*=\s*["']?(?!text\/javascript|application\/javascript)[\w]|\s(nomodule|data-off)\b/i;

/** Has the browser begun to load a film or a picture by the time that it reads the line? @param {string} html @param {string} line */
function late(html, line) {
  const [before, behind] = html.replace(/<noscript\b.*?<\/noscript>/gis, '').split(line);
  return /<(video|audio|img|picture|object|embed|iframe)\b/i.test(before) || /^\s*(<\/?script\b[^>]*>[^<]*)*<\/body>/i.test(behind);
}

/** How the line is in this page's text; comments do not count. 'once' is as it should be; 'late': behind a player or a picture, or last in the body; 'curly':
 * quotes that are none to a browser; 'text': it is shown to visitors, not run. @param {string} html @param {string} key @returns {'once'|'late'|'twice'|'curly'|'idle'|'text'|'none'} */
export function found(html, key) {
  const bare = html.replace(/<!--.*?-->/gs, ''), address = `signal(\\.js)?\\?(api_key=)?${key}(?![\\w-])`;
  const dead = bare.replace(/<(template|textarea)\b.*?<\/\1>/gis, '');
  const all = dead.match(new RegExp(`<script\\b[^>]*?\\ssrc\\s*=[^>]*?${address}[^>]*>`, 'gi')) ?? [], lines = all.filter(line => !IDLE.test(line)), good = lines.filter(line => !CURLY.test(line));
  if (all.length && !lines.length) return 'idle';
  if (good.length) return good.length > 1 ? 'twice' : late(dead, good[0]) ? 'late' : 'once';
  return lines.length ? 'curly' : new RegExp(`&lt;script\\b.{0,500}?${address}`, 'is').test(bare) ? 'text' : 'none';
}

/** What the owner is told of it. */
const PASTE = 'Take it out, copy the line above again, and paste it where your editor takes HTML: a block or view named HTML, Code or Source.';
const FOUND = { once: 'Yes: the line is in that page.',
  late: 'Yes, but late: move the line up into the <head> of that page, above </head>. Where it stands now the browser has begun to load a film or a picture before it reads the line: ' +
    'that comes from your host and not from other visitors, and may be loaded twice.',
  twice: 'The line is in that page more than once. One is enough, and the others do nothing: take them out.',
  curly: `The line is in that page, but does not work: an editor has turned its " into typographic quotes (\u201c \u201d). ${PASTE}`,
  idle: 'The line is in that page, but something in it (a type, nomodule or data-off) keeps browsers from running it as it should be: take that out.',
  text: `The line is in that page as text that visitors read, so nothing is loaded. ${PASTE}`,
  none: 'The line is not in that page (yet). Did you save it? Does a cache keep the old page?' };

/** @param {import('./api.js').Circle} c @param {string} at where the instance lives @param {string} [from] where the tag finds the loader
 * @returns {{tag: string, worker: string}} worker: '' when none is needed */
export function lines(c, at, from = at) {
  const elsewhere = new URL(c.url || '/', location.origin).origin != new URL(at, location.origin).origin;
  return { tag: `<script src="${from}signal?${c.api_key}"${elsewhere ? ' data-worker="/polycircle-sw.js"' : ''}></script>`,
    worker: elsewhere ? `importScripts('${at}circle-sw.js')` : '' };
}

/** What is to be seen after the owner has opened the page. @type {Record<string, string>} */
const WAITS = { on: 'The first visitor shows up here.', ask: 'Press "Take part" there: then the first visitor, you, shows up here.',
  off: 'Nobody shows up here as long as nobody is connected (step 3).' };

/** @param {import('./setup.js').Wizard} w */
export function tagStep(w) {
  let timer = 0;

  const site = () => new URL(w.status.circles?.[0]?.url || '/', location.origin);

  /** The first visitor, or somebody who is refused. */
  async function wait() {
    clearTimeout(timer);
    if (w.step != 'tag' || document.hidden) return;
    const answer = await act('status').catch(error => error);
    if (answer.code == 'wrong_code') return void document.dispatchEvent(new Event('wrong-code'));  // no code of before is asked with again and again
    const c = answer.circles?.find((/** @type {any} */ one) => one.can == w.status.circles?.[0]?.can);
    if (c) {
      const came = c.signals > 0 || c.statistics.joins > 0, refused = c.refused.find((/** @type {string} */ origin) => !c.origins.includes(origin));
      say('arrived', came ? `Your site loads it: ${count(c.signals, 'visitor')} here now.` : `Now open that page in another window. ${WAITS[c.p2p]}`, came ? 'good' : '');
      $('refused').hidden = !refused;
      $('refused-origin').textContent = refused ?? '';
    }
    timer = setTimeout(wait, 3000);
  }

  onSubmit('check-form', async () => {
    const url = new URL(input('page').value), key = w.status.circles?.[0]?.api_key ?? '';
    const html = await fetch(url, { cache: 'no-store', credentials: 'omit' }).then(r => r.ok ? r.text() : '').catch(() => null);
    if (html == null) say('check-form-says', 'This page lives elsewhere and may not be looked into from here. Open it in another window: then a visitor shows up below.');
    else if (!html) say('check-form-says', 'There is no such page.', 'bad');
    else say('check-form-says', FOUND[found(html, key)], found(html, key) == 'once' ? 'good' : 'bad');
  });
  onSubmit('refused', async () => {
    await act('allow', { circle: w.status.circles?.[0]?.can, origin: $('refused-origin').textContent });
    await wait();
  });
  $('tag-copy').addEventListener('click', () => copy($('tag'), 'tag-says'));
  $('worker-copy').addEventListener('click', () => copy($('worker-line'), 'worker-says'));
  document.addEventListener('visibilitychange', wait);

  const offer = () => tiers($('tiers'), w.status, async () => {
    w.status = await act('status');
    await show();
    await offer();
  }).catch(error => say('ways-says', error.message, 'bad'));
  $('ways').addEventListener('toggle', offer, { once: true });

  async function show() {
    const { urls = [], circles = [] } = w.status, at = await place(urls, circles[0].api_key), { tag, worker } = lines(circles[0], at.base, at.tag);
    /** @type {HTMLTextAreaElement} */ ($('tag')).value = tag;
    /** @type {HTMLTextAreaElement} */ ($('worker-line')).value = worker;
    $('worker').hidden = !worker;
    input('page').value ||= site().origin + '/';
  }

  return {
    enter() {
      show().then(wait);
    },
  };
}
