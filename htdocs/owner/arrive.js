/** What every page of the owner's does first: it leads to https where the same address is there, before it asks for a code; and it says what
 * keeps the program from working, with the next step. */
import { base } from './api.js';
import { make } from './dom.js';

/** This machine: nothing goes over a wire. */
export const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);
const main = /** @type {HTMLElement} */ (document.querySelector('main'));

const secure = (/** @type {string} */ at) => {
  const url = new URL(at);
  url.protocol = 'https:';
  url.port = '';
  return url.href;
};

/** @param {string} url @returns {Promise<{ours: any, url: string}>} ours: the program's answer, else null; url: where it came from in the end */
const probe = url =>
  fetch(url, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(6000) })
    .then(async r => ({ ours: await r.json(), url: r.url }))
    .then(a => (a.ours.polycircle === 1 ? a : { ...a, ours: null }))
    .catch(() => ({ ours: null, url: '' }));

/** @returns {Promise<boolean>} true: this page is being left for the encrypted one */
export async function leaves() {
  if (location.protocol != 'http:' || local) return false;
  const note = make(
    'p',
    { className: 'note', role: 'status' },
    'This page came unencrypted. Looking whether it is there by https, too ...',
  );
  main.before(make('div', { className: 'arrival' }, note));
  main.hidden = true;
  const { ours, url } = await probe(secure(base + 'probe'));
  if (ours && url.startsWith('https:')) {
    // and not led back to where we are
    location.replace(secure(location.href));
    return true;
  }
  note.dataset.kind = 'bad';
  note.textContent =
    'This page came over plain http, and its address does not answer by https. The code that you type here goes unencrypted: whoever is ' +
    'on the way can read it. Better switch https on first: panels call it "SSL" or "Let\'s Encrypt", and browsers share files on https pages only. Until then this site cannot share.';
  main.hidden = false;
  return false;
}

export async function tellTrouble() {
  const { trouble } = (await probe(base + 'probe')).ours ?? {};
  if (!trouble) return;
  const steps = trouble.steps.map((/** @type {string} */ step) => make('li', {}, step));
  main.prepend(
    make(
      'section',
      { className: 'trouble', role: 'alert' },
      make('h2', {}, trouble.title),
      make('p', {}, trouble.text),
      ...(steps.length ? [make('h3', {}, 'What to do'), make('ol', {}, ...steps)] : []),
    ),
  );
}
