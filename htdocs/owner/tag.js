/** The line for the site's pages, and whether they load it. */
import { act } from './api.js';
import { place } from './place.js';
import { tiers } from './tiers.js';
import { $, copy, count, input, onSubmit, say } from './dom.js';

/** Is it in this page's text? Comments do not count. @param {string} html @param {string} key */
export const holds = (html, key) => new RegExp(`<script[^>]+signal(\\.js)?\\?(api_key=)?${key}`).test(html.replace(/<!--.*?-->/gs, ''));

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
    const c = (await act('status').catch(() => null))?.circles?.find((/** @type {any} */ one) => one.can == w.status.circles?.[0]?.can);
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
    else if (holds(html, key)) say('check-form-says', 'Yes: the line is in that page.', 'good');
    else say('check-form-says', html ? 'The line is not in that page (yet). Did you save it? Does a cache keep the old page?' : 'There is no such page.', 'bad');
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
