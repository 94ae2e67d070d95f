/** The set-up wizard. What is done already is seen from what the instance says, so a reload, another browser or a lost answer goes on
 * where it stopped. The steps of the folder and the tag are in modules of their own. */
import { act, base, code, persist, reload } from './api.js';
import { local } from './arrive.js';
import { choices, trial } from './choices.js';
import { $, busy, count, describe, input, make, onSubmit, say, size } from './dom.js';
import { folderForm } from './folder.js';
import { bad, index, result } from './progress.js';
import { nonce, offerProof } from './proof.js';
import { proxyNote } from './proxy.js';
import { passed, tagStep } from './tag.js';
/** @typedef {import('./api.js').Status} Status
 * @typedef {{status: Status, step: string, next: () => Promise<void>, control: {stop?: boolean}}} Wizard */

const ORDER = ['code', 'address', 'visitors', 'folder', 'index', 'tag', 'done'];
const circle = (/** @type {Status} */ s) => s.circles?.[0];
/** What a step's line says once it is done; '': it is not. @type {Record<string, (s: Status) => string>} */
const done = {
  code: () => 'You have shown it.',
  address: s => (s.urls?.length && s.root ? s.urls.join(', ') : ''),
  visitors: s => {
    const c = circle(s),
      asked = {
        ask: 'visitors are asked',
        on: 'visitors are connected',
        off: 'nobody is connected',
      };
    return c
      ? `${c.can}: ${asked[/** @type {'on'} */ (c.p2p)]}, ${c.ice.length ? c.ice.map(i => i.urls).join(', ') : 'same network only'}`
      : '';
  },
  folder: s => (circle(s)?.dir ? `${circle(s)?.dir}, served at ${circle(s)?.url}` : ''),
  index: s =>
    circle(s)?.version && circle(s)?.files
      ? `${count(circle(s)?.files ?? 0, 'file')}, ${size(circle(s)?.bytes ?? 0)}`
      : '',
  tag: s => (passed(circle(s)) ? `For pages of ${circle(s)?.origins.join(', ')}.` : ''),
  done: () => '',
};

/** @type {Wizard} */
const w = {
  status: /** @type {any} */ ({}),
  step: 'code',
  control: {},
  async next() {
    await look();
  },
};

/** @param {string} step @param {boolean} [focus] @param {boolean} [anew] the step's work is done once more */
function show(step, focus = true, anew = false) {
  w.step = step;
  w.control.stop = true;
  for (const id of ORDER) {
    const section = $(`step-${id}`),
      words = id == step || !code.get() ? '' : done[id](w.status);
    section.dataset.state = id == step ? 'current' : words ? 'done' : 'later';
    const change =
      id == 'code'
        ? []
        : [
            make('button', {
              type: 'button',
              textContent: id == 'index' ? 'Read again' : 'Change',
              onclick: () => show(id, true, id == 'index'),
            }),
          ];
    change[0]?.setAttribute('aria-describedby', `h-${id}`);
    section.querySelector('.summary')?.replaceChildren(make('span', {}, words), ...change);
  }
  if (focus) $(`h-${step}`).focus();
  if (anew) busy($(`step-${step}`), 'index-form-says', () => again(false));
  else enter[step]?.();
}

/** What happens when a step opens. @type {Record<string, () => void>} */
const enter = {
  address() {
    const s = w.status;
    describe($('host'), [
      ['Web server', s.software || 'unknown'],
      ['The program runs by', s.face == 'fastcgi' ? 'FastCGI' : 'CGI'],
      ['The program', s.program],
      [
        'Its data',
        `${s.data} (${s.outside ? 'outside the web site, as it should be' : 'inside the web site'})`,
      ],
    ]);
    $('outside').hidden = s.outside;
    $('url').textContent = base;
    const roots = s.roots.map((root, i) =>
      make(
        'label',
        { className: 'choice' },
        make('input', {
          type: 'radio',
          name: 'root',
          value: root,
          required: true,
          checked: s.root ? s.root == root : i == 0,
        }),
        make('span', { className: 'path' }, root),
      ),
    );
    $('roots').replaceChildren($('roots').firstElementChild ?? '', ...roots);
  },
  visitors() {
    const c = circle(w.status);
    input('can').value =
      c?.can ??
      (location.hostname
        .replace(/^www\./, '')
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '')
        .slice(0, 40) ||
        'films');
    input('can').readOnly = !!c;
    noteProxy();
    choice = choices('', w.status.stun ?? [], c);
    $('choices').replaceChildren(choice.el);
  },
  index: () => read(),
};

const noteProxy = () =>
  proxyNote($('proxy'), w.status.proxy, async () => {
    w.status = await act('status');
    noteProxy();
  });

/** @type {import('./choices.js').Choice} */
let choice;

let ended = false; // a walk has; to go on with it would read nothing

/** @param {boolean} [anyway] the owner has seen what is not right, and goes on */
async function read(anyway) {
  const c = circle(w.status),
    control = /** @type {{stop?: boolean}} */ ({});
  w.control.stop = true;
  w.control = control;
  if (!c) return;
  try {
    const walk = await index(c.can, { bar: $('bar'), says: 'index-says' }, control);
    if (!walk || control.stop) return;
    ended = true;
    say('index-says', result(walk), bad(walk) ? 'bad' : 'good');
    if (walk.files && (!bad(walk) || anyway)) return void (await w.next());
    w.status = await persist('status');
    say(
      'index-form-says',
      walk.files
        ? 'Put it right, then press the button. Pressed as it is, you go on without these.'
        : 'There is nothing to share in this folder. Choose another one above.',
      'bad',
    );
  } catch (error) {
    say('index-form-says', /** @type {Error} */ (error).message, 'bad');
  }
}

/** From the beginning, where the last reading has ended. */
async function again(/** @type {boolean} */ anyway) {
  ended = false;
  await act('share', { circle: circle(w.status)?.can });
  await read(anyway);
}

/** What the instance knows, and the step that this leads to. */
async function look() {
  w.status = await persist('status');
  show(ORDER.find(id => !done[id](w.status)) ?? 'done');
}

function forms() {
  onSubmit('code-form', async () => {
    code.set(input('code').value.trim());
    await look().catch(error => {
      code.forget();
      throw error;
    });
  });
  onSubmit('address-form', async () => {
    if (location.protocol != 'https:' && !local)
      throw new Error(
        'Browsers share files on https pages only. Switch https on in your panel (often "SSL" or "Let\'s Encrypt"), open this page with https:// and go on.',
      );
    w.status = await act('begin', {
      url: base,
      root: /** @type {HTMLInputElement} */ (document.querySelector('[name=root]:checked')).value,
    });
    await w.next();
  });
  const attempt = trial(text => say('visitors-form-says', text));
  onSubmit('visitors-form', async () => {
    if (!circle(w.status) && circle((w.status = await act('status')))) {
      enter.visitors();
      throw new Error(
        'A circle has been made meanwhile, in another window or by a press whose answer did not come: it is shown here now. Press again to keep it so, or change it first.',
      );
    }
    const server = choice.server();
    if (server != circle(w.status)?.ice[0]?.urls) await attempt(server, choice.typed());
    w.status = await act('circle', {
      circle: input('can').value,
      p2p: choice.p2p(),
      ice: server ? [server] : [],
    });
    await w.next();
  });
  onSubmit('index-form', () => (ended || done.index(w.status) ? again(true) : read()));
  onSubmit('tag-form', async () => {
    passed(circle(w.status), true);
    show('done');
  });
  onSubmit('done-form', async () => {
    const answer = await act('finish').catch(async error => {
      // was it done, and the answer lost?
      if (error.code == 'wrong_code' && (await act('state', { nonce: nonce() })).state == 'set')
        return reload();
      throw error;
    });
    if (!answer) return;
    code.set(answer.code);
    for (const button of document.querySelectorAll('.summary button')) button.remove();
    $('owner-code').textContent = answer.code;
    $('owner-path').textContent = `${w.status.data}/owner-code`;
    $('before-done').hidden = true;
    $('after-done').hidden = false;
    say(
      'after-done-says',
      'Done. This is your code for the console. Keep it, as you keep a password:',
    );
  });
}

/** Set-up has ended, here or in another window: its code opens nothing any longer. */
function locked() {
  for (const id of ORDER) $(`step-${id}`).hidden = true;
  $('locked').hidden = false;
  $('intro').hidden = true;
}

export async function setupPage() {
  forms();
  const folder = folderForm('', {
    circle: () => circle(w.status),
    root: () => w.status.root ?? '',
    shared: async elsewhere => (elsewhere ? reload() : w.next()),
  });
  $('folder-place').append(folder.form);
  enter.folder = folder.enter;
  enter.tag = tagStep(w).enter;
  try {
    const state = await persist('state', { nonce: nonce() });
    if (state.state != 'open') return locked();
    document.addEventListener('wrong-code', async () => {
      const now = (await act('state', { nonce: nonce() }).catch(() => null))?.state;
      if (now != 'set' && w.step == 'code') return;
      code.forget();
      if (now == 'set') {
        locked();
        $('h-locked').focus();
      } else {
        show('code');
        say(
          'code-form-says',
          'There is another code now. Enter the one that stands in the file.',
          'bad',
        );
      }
    });
    const safe =
      location.protocol == 'https:'
        ? 'https, as it should be'
        : local
          ? 'http on this machine, for a try'
          : 'not encrypted: the site needs https before it can share';
    describe($('found'), [
      ['This page', `${base} (${safe})`],
      ['The program', state.program],
      ['Its data', state.data],
    ]);
    $('code-path').textContent = `${state.data}/setup-code`;
    offerProof(state, look);
    /** @type {HTMLDetailsElement} */ ($('proof')).open = state.apart;
    show('code', false);
    if (code.get())
      await look().catch(error => {
        if (error.code == 'wrong_code') code.forget();
        else say('page-says', error.message, 'bad');
        show('code', false);
      });
  } catch (error) {
    say('page-says', /** @type {Error} */ (error).message, 'bad');
  }
}
