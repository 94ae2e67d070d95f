/** Which folder to share: the folders below the document root with what is in them, a choice, and a look whether the site serves it. */
import { act, persist } from './api.js';
import { $, apart, busy, count, make, note, say, size } from './dom.js';
/** @typedef {{files: number, bytes: number, media: number}} Sum
 * @typedef {import('./api.js').Circle} Circle */

/** A folder, the files and bytes in it that sharing it would share, how many of them are media, and why it may not be read.
 * @typedef {[path: string, files: number, bytes: number, media: number, why?: string]} Row */

/** The folders with media in them or below; what is below counts for those above. @param {Row[]} rows */
export function sums(rows) {
  const all = /** @type {Map<string, Sum>} */ (new Map());
  for (const [path, files, bytes, media] of rows) {
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
      const sum = all.get(at) ?? { files: 0, bytes: 0, media: 0 };
      all.set(at, { files: sum.files + files, bytes: sum.bytes + bytes, media: sum.media + media });
      if (!at) break;
    }
  }
  return [...all]
    .filter(([path, { media }]) => media && path && path != SPOOL)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Those that may not be read, why, and what to do; '': all may. @param {Row[]} rows */
export function shut(rows) {
  const all = rows.filter(([, , , , why]) => why),
    named = all
      .slice(0, 3)
      .map(
        ([path, , , , why]) => `${path ? apart(path) : 'the folder of the whole site'} (${why})`,
      );
  return all.length
    ? `${count(all.length, 'folder')} cannot be read, or not what is in ${all.length > 1 ? 'them' : 'it'}: ${named.join(', ')}${all.length > 3 ? ', …' : ''}. ` +
        'Give such a folder the permissions 755 by FTP, and load this page again.'
    : '';
}

/** Our own files, in the document root. */
const SPOOL = 'polycircle-spool';

/** Asked about what stands in the form as long as it is to be read there. */
const WHOLE =
  'This is the whole web site: files that you would not think of become part of it. Choose a folder of its own for what is to be shared. ' +
  'To share the whole web site all the same, press the button once more.';

/** What somebody types, as a path below the document root. */
export const clean = (/** @type {string} */ text) =>
  text
    .trim()
    .replace(/^https?:\/\/[^/]*/, '')
    .split('/')
    .filter(s => s && s != '.')
    .join('/');

/** Does this address bring the file that lies in the folder? The browser asks, as a visitor's would. */
async function serves(
  /** @type {string} */ url,
  /** @type {{file: string, size: number, mtime: number}} */ seen,
) {
  const answer = await fetch(new URL(seen.file, url), { method: 'HEAD', cache: 'no-store' }).catch(
    () => null,
  );
  const length = Number(answer?.headers.get('content-length')),
    modified = Date.parse(answer?.headers.get('last-modified') ?? '') / 1000;
  return !!answer?.ok && length == seen.size && modified == seen.mtime;
}

/** @param {string} id before the ids and names of its fields: one for each form of a page
 * @param {{circle: () => Circle|undefined, root: () => string, shared: (elsewhere: boolean) => Promise<any>}} how shared: the folder is chosen, and is to be read;
 *   elsewhere: at a site that this page may not speak to before it is loaded again
 * @returns {{form: HTMLFormElement, enter: () => void}} enter: lists the folders */
export function folderForm(id, { circle, root, shared }) {
  const field = make('input', {
    id: `${id}folder`,
    autocapitalize: 'none',
    spellcheck: false,
    placeholder: 'such as films',
    autocomplete: 'off',
  });
  const folders = make('fieldset', { id: `${id}folders`, className: 'folders' }),
    site = make('input', {
      id: `${id}site`,
      type: 'url',
      placeholder: 'https://www.site.example/films/',
    });
  const asked = make(
    'div',
    { id: `${id}site-asked`, hidden: true },
    make('label', { htmlFor: site.id }, 'The address of this folder on your site'),
    site,
    make(
      'p',
      { className: 'hint' },
      'As a visitor would type it. Open one of its files in another tab to be sure.',
    ),
  );
  const says = `${id}folder-form-says`,
    button = make('button', {}, 'Share this folder');
  const form = make(
    'form',
    { id: `${id}folder-form` },
    note(`${id}folders-says`),
    folders,
    make('label', { htmlFor: field.id }, 'The folder to share: choose it above, or type its name'),
    field,
    asked,
    button,
    note(says),
  );

  const armed = () => $(says).textContent == WHOLE;
  /** The choice is what the field says. */
  const mark = () => {
    for (const radio of folders.querySelectorAll('input'))
      radio.checked = radio.value == clean(field.value);
  };

  async function list() {
    const rows = /** @type {Row[]} */ ([]);
    for (let after; ;) {
      const answer = await persist('folders', { after });
      rows.push(...answer.folders);
      draw(sums(rows));
      after = answer.next;
      if (after == null || rows.length > 5000) break;
      say(`${id}folders-says`, `Looking: ${count(rows.length, 'folder')} so far.`);
    }
    say(
      `${id}folders-says`,
      shut(rows) ||
        (sums(rows).length
          ? ''
          : 'No folder with films, pictures or downloads was found. Type one below, or upload it first and load this page again.'),
      shut(rows) ? 'bad' : '',
    );
  }

  function draw(/** @type {[string, Sum][]} */ found) {
    const rows = found.slice(0, 300).map(([path, { files, bytes }]) =>
      make(
        'label',
        { className: 'choice' },
        make('input', {
          type: 'radio',
          name: `${id}choice`,
          value: path,
          onchange: () => {
            field.value = path;
          },
        }),
        make(
          'span',
          {},
          make('bdi', {}, path),
          make('small', {}, `${count(files, 'file')}, ${size(bytes)}`),
        ),
      ),
    );
    folders.replaceChildren(
      make('legend', {}, 'Folders of your web site with films, pictures or downloads'),
      ...rows,
    );
    mark();
  }

  async function share(/** @type {boolean} */ sure) {
    const folder = clean(field.value),
      c = circle(),
      at = site.value.trim();
    if (!c) return;
    if (!folder && !sure) throw new Error(WHOLE);
    const seen = await act('look', { folder });
    if (!seen.file) throw new Error('There is nothing to share in this folder yet.');
    let { url } = seen,
      elsewhere = false;
    if (!asked.hidden && at) {
      const named = new URL(at.replace(/\/?$/, '/'));
      elsewhere = named.origin != location.origin;
      url = elsewhere ? named.href : named.pathname;
    }
    if (!elsewhere && !(await serves(new URL(url, location.origin).href, seen))) {
      asked.hidden = false;
      throw new Error(
        `The site does not serve ${apart(new URL(url, location.origin).href + seen.file)} as it lies in this folder. Type the address of the folder, or choose another.`,
      );
    }
    await act('share', { circle: c.can, folder, url });
    await shared(elsewhere);
  }

  form.addEventListener('submit', (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const sure = armed();
    busy(form, says, () => share(sure));
  });
  button.addEventListener('click', (/** @type {MouseEvent} */ e) => {
    if (e.detail > 1) e.preventDefault(); // a double click is no second thought
  });
  form.addEventListener('input', () => armed() && say(says, ''));
  field.addEventListener('input', mark);

  return {
    form,
    enter() {
      const dir = circle()?.dir ?? '';
      if (dir.startsWith(`${root()}/`)) field.value = dir.slice(root().length + 1);
      draw([]);
      list().catch(error => say(`${id}folders-says`, error.message, 'bad'));
    },
  };
}
