/** The console: the circles and how they do, and what the owner may do with the instance. */
import { act, code, persist } from './api.js';
import { addresses } from './addresses.js';
import { card } from './card.js';
import { $, describe, input, make, note, onLost, onPress, onSubmit, say } from './dom.js';
import { nonce, offerProof } from './proof.js';
import { lines } from './line.js';
import { place } from './place.js';
import { proxyNote } from './proxy.js';
import { tiers } from './tiers.js';
/** @typedef {import('./api.js').Status} Status */

/** What a release's zip has put on the host, and an upgrade. */
const BROUGHT =
  'what came with the zip: in the folder of the program polycircle.fcgi (polycircle.old and polycircle.new, too), htaccess.1.txt, htaccess.2.txt and htaccess.options.txt; ' +
  'in the folder of your web site polycircle-check.html, polycircle-check.bin, polycircle-sw.js, htaccess.3.txt, htaccess.own.txt, INSTALL.txt, guide.txt, COPYING.txt and NOTICES.txt';

/** Also where the answer was lost, and the version that answers tells that it was done. @param {string} from the version before @returns {Promise<string>} */
async function upgraded(from) {
  const { to } = await act('upgrade').catch(async error => {
    const { version } = error.lost ? await persist('status') : { version: from };
    if (version == from) throw error;
    return { to: version };
  });
  return `Version ${to} is in place of ${from}.`;
}

/** What may be done with the instance, a row each; again() draws the console anew. @typedef {{name: string, help: string, apart?: string, danger?: boolean, sure?: string, when?: (s: Status) => boolean,
 *   run: (says: string, again: () => Promise<any>, s: Status) => Promise<any>}} Care
 * apart: the help where the program runs as another user than the owner's FTP account @type {Care[]} */
const care = [
  {
    name: 'Use a new version',
    help: 'Of the new zip you need one file: rename cgi-bin/polycircle.fcgi at home to polycircle.new, upload it (in binary mode) into the folder of this program, then press. It is taken only with the signature of the release; this one is kept as polycircle.old.',
    run: async (says, again) => {
      const { version } = await persist('status');
      const words = await upgraded(version);
      // said also when it is not drawn anew yet: the processes of the version before are just being replaced
      await again().catch(() => {});
      say(says, words, 'good');
    },
  },
  {
    name: 'Copy the database now',
    help: "A copy of each day is made by itself, the newest seven are kept. One of today that is there already becomes polycircle-earlier-TIME.db; seven of these are kept, too. To go back, rename one by FTP to polycircle.restore, put it beside polycircle.db, and load this page ten seconds later: it says then that it was put back. When FTP shows you the web site alone, your panel's file manager mostly shows the folder polycircle-data, too; else ask your host to fetch it or to put it there.",
    apart:
      'A copy of each day is made by itself, the newest seven are kept. The program runs as another user than your FTP account: you can neither open them nor put one back by FTP. To fetch one, or to go back to one (polycircle restore, INSTALL 6), ask your host.',
    run: async (says, _, { apart }) => {
      const { file, done } = await act('backup');
      say(
        says,
        `${done ? 'Written' : 'It is large, and still being written. When it is whole, it will be'}: ${file}. ${apart ? 'Ask your host to fetch it for you,' : 'Fetch it by FTP'} and keep it safe: it holds your keys.`,
        'good',
      );
    },
  },
  {
    name: 'Make a new code',
    help: 'The code of this console, which you alone know: neither the key in the line for your pages, which everybody may see, nor the signing key of a circle. The one of before opens nothing any longer; the new one stands in the file owner-code.',
    sure: 'Press again: you will need the new code to come back.',
    run: async (says, again) => {
      code.set((await act('recode')).new_code);
      await again();
      say(says, `Your code is ${code.get()}. Keep it where you kept the one of before.`, 'good');
    },
  },
  {
    name: 'End this instance',
    danger: true,
    help: "Every visitor's browser is told to let go of the worker, the script by which it shares. Your site goes on as before, by plain HTTP.",
    when: s => !s.retired,
    sure: 'Press again to end it for all visitors. It can be undone here.',
    run: async (_, again) => {
      await act('retire');
      await again();
    },
  },
  {
    name: 'Undo the end',
    help: `Visitors share again, as before. Or leave it ended for seven days, so that every visitor comes by. Then take its line out of your pages, press the button below, and delete by FTP the folder polycircle-data (with the hidden files in it and in the folders below) and ${BROUGHT}.`,
    apart: `Visitors share again, as before. Or leave it ended for seven days, so that every visitor comes by. Then take its line out of your pages, press the button below, delete by FTP ${BROUGHT}, and ask your host to delete the folder polycircle-data: the program runs as another user than your FTP account, who may not delete the copies (backups) and the keys (signing) in it.`,
    when: s => !!s.retired,
    run: async (_, again) => {
      await act('unretire');
      await again();
    },
  },
  {
    name: 'Take its lines out of .htaccess',
    help: 'What set-up wrote into .htaccess files and the folder of the spool. All else is left as it is: the line in your pages you take out yourself.',
    sure: 'Press again when the seven days are over: visitors who have not come by since keep the worker until they do, and find nobody to take it off.',
    when: s => !!s.retired,
    run: async (says, again) => {
      const { files } = await act('retire', { files: true });
      await again();
      say(
        says,
        files.length ? `Taken out of: ${files.join(', ')}` : 'There was nothing to take out.',
        'good',
      );
    },
  },
];

const EXPOSED =
  'A version of this program that ran here before could give away parts of its memory to anybody who asked: the signing keys and the code of this console may be known to somebody. ' +
  'Press “Make a new signing key” in each circle and “Make a new code” below; this notice is gone then.';

/** What comes before all else, each in its colour. @param {Status} s @returns {[words: string|false|undefined, kind: string][]} */
const notices = s => [
  [
    s.retired &&
      'This instance has ended: nothing is shared. “Undo the end” and what is left to do stand at the foot of this page.',
    'bad',
  ],
  [
    (s.before_restore || s.restored) &&
      'The database was put back from a copy within the last day. All is as it was when the copy was made, also what was chosen, the counts, and whether sharing was stopped.' +
        (s.before_restore
          ? ` What was there before is ${s.before_restore} in the folder backups.`
          : '') +
        (s.restored ? ` What was called polycircle.restore is now ${s.restored} there.` : ''),
    'good',
  ],
  [
    s.restore_comes &&
      'The file polycircle.restore is there, and is put back as soon as nothing was written to it for ten seconds: then load this page again.',
    '',
  ],
  [
    s.restore_refused &&
      'The file polycircle.restore was refused: it is no whole copy of the database, or belongs to another user than the program runs as, or others may write it. Nothing was changed, and it is called polycircle.restore-refused now: delete it.',
    'bad',
  ],
  [
    s.restore_waits &&
      'The file polycircle.restore could not be restored yet, and nothing was changed; it is tried again every five minutes. Most probably there is no room for it: a restore needs that of the file once more, and of the database that is there. Delete what you do not need; the error log says why.',
    'bad',
  ],
];

/** @param {Status} s @param {Care} one @param {number} i */
function row(s, { name, help, apart, danger, sure, run }, i) {
  const says = `care-${i}`,
    button = make('button', {
      type: 'button',
      className: danger ? 'danger' : '',
      textContent: name,
    });
  const li = make(
    'li',
    {},
    button,
    make('p', { className: 'hint' }, (s.apart && apart) || help),
    note(says),
  );
  onPress(button, li, says, sure ?? '', () => run(says, open, s));
  return li;
}

/** @param {string} [fresh] a circle whose folder was read just now */
async function open(fresh) {
  const s = /** @type {Status} */ (await persist('status'));
  const arrives = $('inside').hidden;
  $('enter').hidden = true;
  $('inside').hidden = false;
  if (arrives) $('h-circles').focus(); // not when all is drawn: an address that does not answer may take long
  const { urls = [], circles = [] } = s,
    at = await place(urls, circles[0]?.api_key),
    cards = circles.map(c => card(s, c, at, open));
  const shown = new Set([...$('circles').querySelectorAll('details[open]')].map(el => el.id));
  $('circles').replaceChildren(...cards.map(({ box }) => box));
  for (const el of $('circles').querySelectorAll('details'))
    el.open = shown.has(el.id) && !el.id.endsWith('_folder-part'); // which lists folders
  if (s.exposed_code || s.circles?.some(c => c.exposed)) say('circles-says', EXPOSED, 'bad');
  else if (s.others?.length)
    say(
      'circles-says',
      `${s.others.join(', ')} is another folder of data, which nothing uses. Look what it holds, then delete it by FTP.`,
      'bad',
    );
  else say('circles-says', cards.length ? '' : 'There is no circle yet.');
  $('notices').replaceChildren(
    ...notices(s).flatMap(([words, kind]) => {
      const p = make('p', { className: 'note' }, words || '');
      p.dataset.kind = kind;
      return words ? [p] : [];
    }),
  );
  proxyNote($('proxy'), s.proxy, open);
  addresses($('addresses'), urls, at, open, circles.length ? lines(circles[0], at)[0].tag : '');
  describe($('instance'), [
    ['Version', s.version],
    ['Web server', `${s.software}, by ${s.face == 'fastcgi' ? 'FastCGI' : 'CGI'}`],
    ['Program', s.program],
    ['Data', s.data],
  ]);
  $('care').replaceChildren(
    ...care.filter(({ when }) => when?.(s) ?? true).map((one, i) => row(s, one, i)),
  );
  await tiers($('tiers'), s, at, open).catch(error =>
    $('tiers').replaceChildren(make('li', { className: 'hint' }, error.message)),
  );
  // what came or changed by FTP since the last time
  readAll(
    cards.filter(
      (_, i) => circles[i].dir && !circles[i].waits && !s.retired && circles[i].can != fresh,
    ),
  );
}

let reading = { stop: true };
/** One after the other, until the console is drawn anew. @param {import('./card.js').Drawn[]} cards */
async function readAll(cards) {
  reading.stop = true;
  const control = (reading = { stop: false });
  for (const { read } of cards) if (!control.stop) await read(true, control);
}

export async function consolePage() {
  onSubmit('enter-form', async () => {
    code.set(input('owner').value.trim());
    await open().catch(error => {
      code.forget();
      throw error;
    });
  });
  onSubmit('more-form', async () => {
    const name = input('more').value.trim();
    if (((await act('status')).circles ?? []).some((/** @type {any} */ c) => c.can == name))
      throw new Error(`There is a circle ${name} already: choose another name.`);
    await act('circle', { circle: name });
    input('more').value = '';
    await open();
    say(
      `circle-${name}`,
      'It is there: its visitors are asked, and nothing is shared yet. Choose its folder below.',
      'good',
    );
  });
  $('leave').addEventListener('click', () => {
    code.forget();
    location.reload();
  });
  document.addEventListener('wrong-code', () => {
    // somebody has made another one
    code.forget();
    if ($('inside').hidden) return;
    $('inside').hidden = true;
    $('enter').hidden = false;
    say(
      'enter-form-says',
      'There is another code now: made in another window, or by a press whose answer did not come. Enter the one that stands in the file owner-code.',
      'bad',
    );
    input('owner').focus();
  });
  onLost(async () => {
    if ($('inside').hidden) return;
    await act('status'); // once: without a network the words about it are enough
    await open();
  });
  const state = await persist('state', { nonce: nonce() }).catch(() => null);
  offerProof(state?.state == 'set' ? state : {}, async () => {
    await open();
    say(
      'inside-says',
      `Your code is ${code.get()}. Keep it, as you keep a password: it opens the console without that file.`,
      'good',
    );
  });
  // where it is shut nobody can enter: what keeps the program out stands at the top
  if (state?.state != 'shut') $(state && state.state != 'set' ? 'nothing' : 'enter').hidden = false;
  if (code.get() && state?.state == 'set')
    await open().catch(error => {
      if (error.code == 'wrong_code') code.forget();
      $('enter').hidden = false;
      if (error.code != 'wrong_code') say('enter-form-says', error.message, 'bad'); // nobody has typed one yet
    });
}
