/** One circle in the console: how it does, and what of it may be changed. */
import { act, persist, reload } from './api.js';
import { choices, trial } from './choices.js';
import { busy, count, describe, input, make, note, onPress, say, size, warning } from './dom.js';
import { folderForm } from './folder.js';
import { bad, index, result } from './progress.js';
import { ownWorker, ownWorkerAgain } from './own.js';
import { BROKEN, judge, lines, look, reason } from './line.js';
import { text } from './place.js';
/** @typedef {import('./api.js').Status} Status
 * @typedef {{box: HTMLElement, id: string, read: (patient: boolean, control?: {stop?: boolean}) => Promise<import('./api.js').Walk|null>}} Drawn read: null: stopped, or told why not
 * @typedef {import('./api.js').Circle} Circle
 * @typedef {{s: Status, c: Circle, at: import('./line.js').Place, id: string, open: (fresh?: string) => Promise<any>, change: (action: string, fields: object, words?: string, says?: string) => Promise<void>}} Card
 *   open: draws the console anew; fresh: a circle whose folder was read just now; change: does it, draws it anew, says so where the button is */

/** @param {string} id it is open again when the console is drawn anew @param {string} title @param {...(Node|string)} children */
const part = (id, title, ...children) =>
  make('details', { id }, make('summary', {}, title), ...children);
const form = (
  /** @type {string} */ id,
  /** @type {() => Promise<any>} */ work,
  /** @type {(Node|string)[]} */ ...children
) => {
  const el = make('form', {}, ...children, note(id));
  el.addEventListener('submit', (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    busy(el, id, work);
  });
  return el;
};

/** @param {Card} card */
function visitors({ s, c, id, change }) {
  const choice = choices(`${id}_`, s.stun ?? [], c),
    says = `${id}_visitors-says`,
    attempt = trial(text => say(says, text));
  return part(
    `${id}_visitors`,
    'Whether visitors are asked, and how they find each other',
    form(
      says,
      async () => {
        const server = choice.server(),
          p2p = choice.p2p(),
          other = server != (c.ice[0]?.urls ?? '');
        if (other) await attempt(server, choice.typed());
        await change(
          'circle',
          { ...(p2p != c.p2p && { p2p }), ...(other && { ice: server ? [server] : [] }) },
          'Kept. It may take five minutes until every page that is loaded has it; those that are open keep what they had, unless you stop sharing for now. Does your privacy notice still say what is so?',
          says,
        );
      },
      choice.el,
      make('button', {}, 'Keep this'),
    ),
  );
}

/** @param {Card} card */
function pages({ c, at, id, change }) {
  const says = `${id}_pages-says`,
    field = make('input', {
      id: `${id}_origin`,
      type: 'url',
      placeholder: 'https://other.example',
      required: true,
    });
  const list = make('ul', { className: 'actions' });
  /** @param {string} origin @param {string} action @param {string} words @param {string} name */
  const row = (origin, action, words, name) => {
    const button = make('button', { type: 'button', ariaLabel: `${name} ${origin}` }, name);
    onPress(
      button,
      list,
      says,
      action == 'refuse'
        ? `Press again: pages of ${origin} are refused then, and load by plain HTTP.`
        : '',
      () => change(action, { origin }, 'Kept.', says),
    );
    return make('li', {}, make('span', { className: 'path' }, origin), ` ${words} `, button);
  };
  list.append(
    ...c.origins.map(origin => row(origin, 'refuse', '', 'Remove')),
    ...c.refused
      .filter(origin => !c.origins.includes(origin))
      .map(origin => row(origin, 'allow', 'asked, and was refused', 'Allow')),
  );
  return part(
    `${id}_pages`,
    'Whose pages may use it',
    list,
    form(
      says,
      () => {
        const { origin, protocol, pathname, hostname } = new URL(input(field.id).value.trim()),
          plain = protocol == 'http:' && !/^(localhost|127\.[\d.]+)$/.test(hostname),
          hints =
            (pathname == '/'
              ? ''
              : ` That is for all pages of ${origin}, not for ${pathname} alone.`) +
            (plain
              ? ' But browsers share on pages of https only: is it there with https://, too? Then allow that.'
              : ''),
          [{ tag, worker }] = lines({ ...c, origins: [] }, at, origin);
        return change(
          'allow',
          { origin },
          worker && !plain
            ? `Kept.${hints} The line for the pages of that site: ${tag} And put a file polycircle-sw.js into its top folder, with this one line: ${worker}`
            : `Kept.${hints}`,
          says,
        );
      },
      make(
        'label',
        { htmlFor: field.id },
        'Another site of yours (another name of this one is added under “Where it lives”)',
      ),
      field,
      make('button', {}, 'Allow its pages'),
    ),
  );
}

/** @param {Card} card @param {() => Promise<import('./api.js').Walk|null>} read */
function left({ c, id, open }, read) {
  const says = `${id}_exclude-says`;
  const field = make('textarea', {
    id: `${id}_exclude`,
    rows: 3,
    value: c.exclude,
    spellcheck: false,
    placeholder: '*.pdf',
  });
  return part(
    `${id}_left`,
    'Files to leave out',
    form(
      says,
      async () => {
        const exclude = field.value
          .split('\n')
          .map((/** @type {string} */ line) => line.trim())
          .filter(Boolean)
          .join('\n');
        await act('circle', { circle: c.can, exclude });
        const walk = c.dir ? await read() : null;
        await open(c.can);
        if (walk) say(`${id}_read`, result(walk), bad(walk) ? 'bad' : 'good');
        if (exclude && walk && !walk.left_out.some(({ reason }) => reason == 'excluded'))
          say(
            says,
            'Kept. But no pattern names anything in the folder: compare them with the names there.',
            'bad',
          );
        else say(says, walk ? `Kept. ${result(walk)}` : 'Kept.', 'good');
      },
      make('label', { htmlFor: field.id }, 'Patterns, a line each'),
      field,
      make(
        'p',
        { className: 'hint' },
        'With * for any letters: *.pdf, drafts (files and folders of this name), raw/* (in a folder of the shared one). The folder is read again by it.',
      ),
      make('button', {}, 'Keep this'),
    ),
  );
}

/** @param {Card} card @param {() => Promise<import('./api.js').Walk|null>} read */
function folder({ s, c, id, open }, read) {
  const { form: el, enter } = folderForm(`${id}_`, {
    circle: () => c,
    root: () => s.root ?? '',
    async shared(elsewhere) {
      if (elsewhere) return reload();
      const walk = await read();
      await open(c.can);
      if (walk) say(`${id}_read`, `Shared now: ${result(walk)}`, bad(walk) ? 'bad' : 'good');
    },
  });
  const box = part(
    `${id}_folder-part`,
    c.dir ? 'Share another folder' : 'Choose its folder',
    ...(c.dir
      ? [
          make(
            'p',
            {},
            'New visitors do not get what was shared from the folder of before any longer; pages that are open may, until they are loaded again. Its files stay where they are.',
          ),
        ]
      : []),
    el,
  );
  box.addEventListener('toggle', () => box.open && enter());
  return box;
}

/** Whether a page has the line, and whether it loads anything there. @param {Card} card */
function loads({ s, c, at, id }) {
  const says = `${id}_loads-says`,
    field = make('input', {
      id: `${id}_page`,
      type: 'url',
      required: true,
      value: `${new URL(c.url || '/', location.origin).origin}/`,
    });
  return part(
    `${id}_loads`,
    'Does my site load it?',
    form(
      says,
      async () => {
        const { href } = new URL(input(field.id).value);
        await look(says, href, c, s.urls ?? at.urls);
        ownWorkerAgain(id, c, at.urls, href);
      },
      make('label', { htmlFor: field.id }, 'A page with the line in it'),
      field,
      make('button', {}, 'Look'),
    ),
  );
}

/** Without being asked: the site's first page has a line that loads nothing. @param {HTMLElement} place @param {string} page @param {Circle} c @param {string[]} urls */
async function warn(place, page, c, urls) {
  const [is, words] = await judge((await text(page)) ?? '', page, c, urls);
  place.hidden = !BROKEN.includes(is);
  place.textContent = place.hidden ? '' : words.replace('that page', `the page ${page}`);
}

/** The owner's brake. @param {Card} card */
function brake({ c, id, change }) {
  const button = make(
    'button',
    { type: 'button' },
    c.mirror ? 'Stop sharing for now' : 'Share again',
  );
  button.addEventListener('click', () =>
    busy(button.parentElement ?? button, id, () =>
      change(
        'circle',
        { mirror: !c.mirror },
        c.mirror
          ? 'Stopped. Within five minutes every visitor loads from your host, as without this program. Nothing else has changed.'
          : 'Visitors share again within five minutes.',
      ),
    ),
  );
  return button;
}

/** @param {Card} card */
function end({ c, id, change }) {
  const button = make('button', { type: 'button', className: 'danger' }, 'End this circle'),
    says = `${id}_end-says`;
  const box = part(
    `${id}_end`,
    'End it',
    make(
      'p',
      {},
      "Its visitors' browsers let go of it. The name is never used again. Files and pages stay as they are; take its line out of the pages.",
    ),
    button,
    note(says),
  );
  onPress(
    button,
    box,
    says,
    `Press again to end ${c.can} for good. Only putting back a copy of the database brings it again.`,
    () => change('remove', {}),
  );
  return box;
}

/** @param {{files: number, bytes: number, version: number}} c */
const shares = ({ files, bytes, version }) =>
  version ? `${count(files, 'file')}, ${size(bytes)}, version ${version}` : 'nothing yet';

/** @param {Status} s @param {Circle} c @param {import('./line.js').Place} at @param {(fresh?: string) => Promise<any>} open draws the console anew
 * @returns {Drawn} */
export function card(s, c, at, open) {
  const id = `circle-${c.can}`,
    bar = make('progress', { hidden: true, ariaLabel: `${c.can}: how far the files are read` });
  const facts = make('dl'),
    all_lines = lines(c, at),
    tags = all_lines.flatMap((line, i) => {
      const tag = make('textarea', {
        id: `${id}_tag${i || ''}`,
        readOnly: true,
        rows: 2,
        value: line.tag,
      });
      return [
        make(
          'label',
          { htmlFor: tag.id },
          s.retired
            ? 'To be taken out of your pages in the end, also in an older form (whatever has signal? and this key)'
            : i
              ? `The line for ${line.origins.join(' and ')}`
              : 'The line for your pages',
        ),
        tag,
        s.retired ? '' : make('p', { className: 'hint' }, reason(line, all_lines.length == 1)),
      ];
    });
  describe(facts, [
    ['Here now', count(c.signals, 'visitor')],
    ['Visits so far', String(Math.max(c.statistics.joins ?? 0, c.signals))],
    ['Shares', shares(c)],
    ['Folder', c.dir || '–'],
  ]);
  const site = new URL(c.url || '/', at.urls[0]).origin,
    silent = warning('', true);
  const waits = warning(
    `The copy that was put back shares ${c.dir}, which was not shared here then. Nothing of it is, until you press “Read the folder again”.`,
    !c.waits,
  );
  const wrong = [
    warning('Sharing is stopped: visitors load from your host.', c.mirror),
    waits,
    warning(
      `Pages of ${site} may not use this circle: allow them below, or its visitors load from your host.`,
      c.origins.includes(site),
    ),
  ];
  if (!s.retired) warn(silent, `${site}/`, c, s.urls ?? at.urls);
  /** @type {Card} */
  const all = {
    s,
    c,
    at,
    id,
    open,
    async change(action, fields, words = 'Kept.', says = id) {
      await act(action, { circle: c.can, ...fields });
      await open();
      if (action == 'remove') say('circles-says', `The circle ${c.can} has ended.`, 'good');
      else say(says, words, 'good');
    },
  };
  const again = make('button', { type: 'button', disabled: !c.dir }, 'Read the folder again'),
    rekey = make('button', { type: 'button' }, 'Make a new signing key');
  const says = `${id}_read`; // of its own: what was done meanwhile is not overwritten
  /** What else may be pressed meanwhile: it can take hours. */
  const reading = async (/** @type {{stop?: boolean}} */ control = {}) => {
    again.ariaDisabled = 'true'; // and keeps the focus
    try {
      const walk = await index(c.can, { bar, says }, control);
      if (walk) say(says, result(walk), bad(walk) ? 'bad' : 'good');
      if (walk) /** @type {Node} */ (facts.children[2].lastChild).textContent = shares(walk);
      if (walk) waits.hidden = true;
      return walk;
    } catch (error) {
      say(says, /** @type {Error} */ (error).message, 'bad');
    } finally {
      bar.hidden = true;
      again.ariaDisabled = null;
    }
    return null;
  };
  const read = async (
    /** @type {boolean} */ patient,
    /** @type {{stop?: boolean}} */ control = {},
  ) => {
    again.ariaDisabled = 'true';
    return persist('share', { circle: c.can, patient }).then(
      () => reading(control),
      error => {
        again.ariaDisabled = null;
        say(says, error.message, 'bad');
        return null;
      },
    );
  };
  again.addEventListener('click', () => again.ariaDisabled || read(false));
  onPress(
    rekey,
    rekey,
    id,
    'Visitors check by this key that files are yours. A new one is needed only when somebody may know the key of before. Press again: pages that are open load by plain HTTP then, until they are loaded again; browsers may keep the loader for four minutes.',
    async () => {
      const { circles } = await act('rekey', { circle: c.can });
      await open();
      say(
        id,
        `It signs with a new key, and there is nothing to do in your pages, unless their line has data-key: then that is now data-key="${circles.find((/** @type {Circle} */ one) => one.can == c.can).sign}". Copies of the database stay good.`,
        'good',
      );
    },
  );
  const care = [
    silent,
    bar,
    note(says),
    again,
    ' ',
    brake(all),
    ' ',
    rekey,
    note(id),
    make(
      'p',
      { className: 'hint' },
      "The signing key is a secret of this program, by which visitors' browsers know that files are yours: a new one only when somebody may know it. It is neither the key in the line, which everybody may see and which stays, nor your code.",
    ),
    loads(all),
    part(
      `${id}_worker`,
      'A service worker of the site’s own',
      ownWorker(id, c, at.urls, `${site}/`),
    ),
    visitors(all),
    pages(all),
    folder(all, () => reading()),
    left(all, () => read(false)),
    end(all),
  ];
  const box = make(
    'div',
    { id: `${id}_card`, className: 'card' },
    make('h3', {}, c.can),
    ...(s.retired ? [facts, ...tags] : [...wrong, facts, ...tags, ...care]),
  );
  return { box, id, read };
}
