/** Which folder to share: the folders below the document root with what is in them, a choice, and a look whether the site serves it. */
import { act, persist } from './api.js';
import { $, count, input, make, onSubmit, say, size } from './dom.js';
/** @typedef {{files: number, bytes: number}} Sum */

/** The folders with media in them or below; what is below counts for those above. @param {[string, number, number][]} rows */
export function sums(rows) {
  const all = /** @type {Map<string, Sum>} */ (new Map());
  for (const [path, files, bytes] of rows) {
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
      const sum = all.get(at) ?? { files: 0, bytes: 0 };
      all.set(at, { files: sum.files + files, bytes: sum.bytes + bytes });
      if (!at) break;
    }
  }
  return [...all].filter(([path, { files }]) => files && path).sort(([a], [b]) => a < b ? -1 : 1);
}

/** What somebody types, as a path below the document root. */
export const clean = (/** @type {string} */ text) => text.trim().replace(/^https?:\/\/[^/]*/, '').split('/').filter(s => s && s != '.').join('/');

/** @param {import('./setup.js').Wizard} w */
export function folderStep(w) {
  let asked = false;

  const warn = () => { $('whole').hidden = clean(input('folder').value) != '' || !asked; };

  async function list() {
    const rows = /** @type {[string, number, number][]} */ ([]);
    for (let after; ;) {
      const answer = await persist('folders', { after });
      rows.push(...answer.folders);
      draw(sums(rows));
      after = answer.next;
      if (after == null || rows.length > 5000) break;
      say('folders-says', `Looking: ${count(rows.length, 'folder')} so far.`);
    }
    say('folders-says', sums(rows).length ? '' : 'No folder with films, pictures or downloads was found. Type one below, or upload it first and load this page again.');
  }

  function draw(/** @type {[string, Sum][]} */ folders) {
    const choices = folders.slice(0, 300).map(([path, { files, bytes }]) => make('label', { className: 'choice' },
      make('input', { type: 'radio', name: 'choice', value: path, checked: path == input('folder').value,
        onchange: () => { input('folder').value = path; warn(); } }),
      make('span', {}, path, make('small', {}, `${count(files, 'file')}, ${size(bytes)}`))));
    $('folders').replaceChildren($('folders').firstElementChild ?? '', ...choices);
  }

  /** Does this address bring the file that lies in the folder? The browser asks, as a visitor's would. */
  async function serves(/** @type {string} */ url, /** @type {{file: string, size: number, mtime: number}} */ seen) {
    const answer = await fetch(new URL(seen.file, url), { method: 'HEAD', cache: 'no-store' }).catch(() => null);
    const length = Number(answer?.headers.get('content-length')), modified = Date.parse(answer?.headers.get('last-modified') ?? '') / 1000;
    return !!answer?.ok && length == seen.size && modified == seen.mtime;
  }

  onSubmit('folder-form', async () => {
    const folder = clean(input('folder').value), c = w.status.circles?.[0], site = input('site').value.trim();
    if (!c) return;
    if (!folder && !asked) {
      asked = true;
      warn();
      throw new Error('Choose a folder. To share the whole web site all the same, press the button once more.');
    }
    const seen = await act('look', { folder });
    if (!seen.file) throw new Error('There is nothing to share in this folder yet.');
    let url = seen.url, elsewhere = false;
    if (!$('site-asked').hidden && site) {
      const at = new URL(site.replace(/\/?$/, '/'));
      elsewhere = at.origin != location.origin;
      url = elsewhere ? at.href : at.pathname;
    }
    if (!elsewhere && !await serves(new URL(url, location.origin).href, seen)) {
      $('site-asked').hidden = false;
      throw new Error(`The site does not serve ${new URL(url, location.origin).href}${seen.file} as it lies in this folder. Type the address of the folder, or choose another.`);
    }
    await act('share', { circle: c.can, folder, url });
    if (elsewhere) return location.reload();  // the new page may speak to the site
    await w.next();
  });
  input('folder').addEventListener('input', warn);

  return {
    enter() {
      const { root = '', circles } = w.status, dir = circles?.[0]?.dir ?? '';
      if (dir.startsWith(`${root}/`)) input('folder').value = dir.slice(root.length + 1);
      list().catch(error => say('folders-says', error.message, 'bad'));
    },
  };
}
