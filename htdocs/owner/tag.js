/** The line for the site's pages, and whether they load it. */
import { act } from './api.js';
import { lines, look, reason } from './line.js';
import { ownWorker, ownWorkerAgain } from './own.js';
import { place } from './place.js';
import { tiers } from './tiers.js';
import { $, copy, count, input, onSubmit, say } from './dom.js';

/** Has the owner of this circle's set-up gone on behind the line? One that began anew in the same tab has another line. @param {{api_key: string}|undefined} c @param {boolean} [now] */
export const passed = (c, now = false) => {
  try {
    return (
      !!c &&
      (now ? (sessionStorage['polycircle-tag'] = c.api_key) : sessionStorage['polycircle-tag']) ==
        c.api_key
    );
  } catch {
    return false;
  }
};

/** Whether pages of an origin may be the owner's: of a host that he has named, or one within the other. Anybody who knows the key can have
 * any other origin asked. @param {string} origin @param {string[]} urls */
export const kin = (origin, urls) =>
  urls.some(url => {
    const [a, b] = [origin, url].map(at => '.' + (at.split('/')[2] ?? '').replace(/:\d+$/, ''));
    return a != '.' && (a.endsWith(b) || b.endsWith(a));
  });

/** What is to be seen after the owner has opened the page. @type {Record<string, string>} */
const WAITS = {
  on: 'The first visitor shows up here.',
  ask: 'Press "Take part" there: then the first visitor, you, shows up here.',
  off: 'Nobody shows up here as long as nobody is connected (step 3).',
};

/** @param {import('./setup.js').Wizard} w */
export function tagStep(w) {
  let timer = 0;
  /** @type {ReturnType<typeof place>} */
  let at;

  const site = () => new URL(w.status.circles?.[0]?.url || '/', location.origin);

  /** The first visitor, or somebody who is refused. */
  async function wait() {
    clearTimeout(timer);
    if (w.step != 'tag' || document.hidden) return;
    const answer = await act('status').catch(error => error);
    if (answer.code == 'wrong_code') return void document.dispatchEvent(new Event('wrong-code')); // no code of before is asked with again and again
    const c = answer.circles?.find(
      (/** @type {any} */ one) => one.can == w.status.circles?.[0]?.can,
    );
    if (c) {
      w.status = answer;
      const came = c.signals > 0 || c.statistics.joins > 0,
        refused = c.refused.find(
          (/** @type {string} */ origin) =>
            !c.origins.includes(origin) && kin(origin, [...(w.status.urls ?? []), site().href]),
        );
      say(
        'arrived',
        came
          ? `Your site loads it: ${count(c.signals, 'visitor')} here now.`
          : `Now open that page in another window. ${WAITS[c.p2p]}`,
        came ? 'good' : '',
      );
      $('refused').hidden = !refused;
      $('refused-origin').textContent = refused ?? '';
    }
    timer = setTimeout(wait, 3000);
  }

  onSubmit('check-form', async () => {
    const { href } = new URL(input('page').value),
      [c] = w.status.circles ?? [];
    if (!c) return;
    await look('check-form-says', href, c, w.status.urls ?? []);
    ownWorkerAgain('tag', c, (await at).urls, href);
  });
  onSubmit('refused', async () => {
    await act('allow', {
      circle: w.status.circles?.[0]?.can,
      origin: $('refused-origin').textContent,
    });
    await wait();
  });
  $('tag-copy').addEventListener('click', () => copy($('tag'), 'tag-says'));
  $('worker-copy').addEventListener('click', () => copy($('worker-line'), 'worker-says'));
  document.addEventListener('visibilitychange', wait);

  const offer = async () =>
    tiers($('tiers'), w.status, await at, async () => {
      w.status = await act('status');
      await show();
      await offer();
    }).catch(error => say('ways-says', error.message, 'bad'));
  $('ways').addEventListener('toggle', offer, { once: true });

  async function show() {
    const { urls = [], circles = [] } = w.status;
    at = place(urls, circles[0].api_key);
    const all = lines(circles[0], await at),
      [{ tag, worker }] = all;
    /** @type {HTMLTextAreaElement} */ ($('tag')).value = tag;
    $('tag-for').textContent = worker ? '' : reason(all[0], true);
    /** @type {HTMLTextAreaElement} */ ($('worker-line')).value = worker;
    $('worker').hidden = !worker;
    $('own').replaceChildren(ownWorker('tag', circles[0], (await at).urls, `${site().origin}/`));
    input('page').value ||= site().origin + '/';
  }

  return {
    enter() {
      show().then(wait);
    },
  };
}
