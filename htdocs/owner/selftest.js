/** The self-test's page: the program's own lines, then what only a browser can measure (steps.js), then one press that uses what was found. */
import { base, code } from './api.js';
import { $, busy, copy, count, describe, input, make, onSubmit, say } from './dom.js';
import { act, longest, steps } from './steps.js';
/** @typedef {{id: string, title: string, level: 'ok'|'warn'|'fail', found: string, why: string, cure?: string, host?: string,
 *   offer?: Record<string, string>}} Line cure: what the owner does; host: the sentence for the host's support; offer: settings
 * @typedef {{lines: Line[], bases: string[], settings: Record<string, string>, spool?: string, data: string, root: string, version: string}} Server
 * @typedef {{server: Server, findings: Record<string, any>, slots: number, ms: number}} World what is known so far; findings: for `settle` */

const WORDS = { ok: 'ok', warn: 'warning', fail: 'fails' },
  ICONS = { ok: '✓', warn: '!', fail: '✕' };
/** @type {Line[]} */
let lines = [];
/** @type {World} */
let world;

/** @param {string} text @param {string} what the button is for */
function copyButton(text, what) {
  const field = make('textarea', { value: text, readOnly: true, rows: 3, ariaLabel: what }),
    status = make('span', { id: `copied-${lines.length}-${Math.random()}` });
  status.setAttribute('role', 'status');
  return make(
    'div',
    { className: 'sentence' },
    field,
    make('button', { type: 'button', onclick: () => copy(field, status.id) }, 'Copy'),
    status,
  );
}

/** @param {Record<string, string>} offer */
function offerButton(offer) {
  const says = make('span', { id: `offer-${Object.keys(offer)[0]}` }),
    box = make('p', { className: 'buttons' });
  says.setAttribute('role', 'status');
  box.append(
    make(
      'button',
      {
        type: 'button',
        onclick: () =>
          busy(box, says.id, async () => {
            await act('settle', offer);
            say(says.id, 'It is believed from now on.', 'good');
          }),
      },
      `Believe this proxy (${Object.values(offer)[0]})`,
    ),
    says,
  );
  return box;
}

/** @param {Line} line */
function show(line) {
  const { level, title, found, why, cure, host, offer } = line,
    icon = make('span', { className: 'icon' }, ICONS[level]);
  icon.setAttribute('aria-hidden', 'true');
  const more = make(
    'details',
    { open: level == 'fail' },
    make('summary', {}, level == 'ok' ? 'Why it matters' : 'Why it matters, and what to do'),
    make('p', {}, why),
  );
  if (level != 'ok' && cure) more.append(make('p', {}, make('strong', {}, 'What to do: '), cure));
  if (offer) more.append(offerButton(offer));
  if (level != 'ok' && host)
    more.append(
      make('p', {}, make('strong', {}, 'A sentence for your host:')),
      copyButton(host, 'Sentence for your host'),
    );
  const item = make(
    'li',
    { className: `line ${level}` },
    make('h3', {}, icon, ' ', make('span', { className: 'level' }, WORDS[level]), ' ', title),
    make('p', { className: 'finding' }, found),
    more,
  );
  item.dataset.id = line.id;
  $('list').append(item);
}

/** @param {Line} line */
function add(line) {
  lines.push(line);
  show(line);
}

const tally = (/** @type {string} */ level) => lines.filter(l => l.level == level).length;

function report() {
  const blocks = lines.map(l =>
    [
      `[${l.level}] ${l.title}: ${l.found}`,
      l.level != 'ok' && `  why: ${l.why}`,
      l.level != 'ok' && l.cure && `  do: ${l.cure}`,
      l.level != 'ok' && l.host && `  for the host: ${l.host}`,
    ]
      .filter(Boolean)
      .join('\n'),
  );
  return [
    `Polycircle ${world.server.version}, self-test of ${base}, ${new Date().toISOString()}`,
    $('verdict').textContent,
    navigator.userAgent,
    '',
    ...blocks,
    '',
  ].join('\n');
}

/** What needs a look first, worst on top; what is ok behind one line. */
function sort() {
  const [fail, warn, ok] = ['fail', 'warn', 'ok'].map(level => [
    ...document.querySelectorAll(`.line.${level}`),
  ]);
  $('list').replaceChildren(...fail, ...warn);
  $('fine-list').append(...ok);
  $('fine-title').textContent =
    `${count(tally('ok'), 'line')} that ${tally('ok') == 1 ? 'is' : 'are'} ok`;
  $('fine').hidden = false;
}

function summarize() {
  const [fail, warn, ok] = ['fail', 'warn', 'ok'].map(tally);
  $('verdict').textContent =
    `${fail} of ${lines.length} ${fail == 1 ? 'fails' : 'fail'}, ${warn} with a warning, ${ok} ok. ` +
    (fail
      ? 'What fails must be mended first; each line says how.'
      : warn
        ? 'It works here. The warnings say what would be better.'
        : 'Everything that was tried works here.');
  $('summary').dataset.level = fail ? 'fail' : warn ? 'warn' : 'ok';
  $('summary').hidden = false;
}

/** What one press would set, in words. */
function propose() {
  const { spool_url, cors, wire, budget } = world.findings,
    rows = /** @type {[string, string][]} */ ([]);
  if (spool_url !== undefined)
    rows.push([
      'What many visitors read',
      spool_url
        ? `as files in a folder of your web site that it makes, ${spool_url} (the spool): a file costs the host less than the program. For pages of ${cors ? 'every site' : 'this site only'}`
        : 'through the program: no folder is made',
    ]);
  if (budget)
    rows.push([
      'How often browsers may look for each other',
      `${budget} times a second for each circle: a tenth of what your host can do (${world.slots} requests at a time, ${Math.round(world.ms)} ms each), at most 20`,
    ]);
  if (wire)
    rows.push([
      'How messages are written',
      wire == 'd'
        ? 'as usual (base64url)'
        : 'in the plainer way (base32), for a firewall refuses the usual one (base64url)',
    ]);
  if (world.server.lines.some(l => l.id == 'journal' && l.level == 'fail'))
    rows.push([
      'How the database is written',
      'the plain way (TRUNCATE), for the fast one is not safe here (WAL)',
    ]);
  describe($('proposals'), rows);
  $('found').hidden = !rows.length || !world.server.bases.length;
}

async function run() {
  const all = steps,
    bar = /** @type {HTMLProgressElement} */ ($('bar'));
  lines = [];
  for (const id of ['list', 'fine-list']) $(id).replaceChildren();
  for (const id of ['summary', 'found', 'long', 'fine']) $(id).hidden = true;
  world = { server: await act('selftest'), findings: {}, slots: 0, ms: 0 };
  for (const id of ['running', 'lines']) $(id).hidden = false;
  $('enter').hidden = true;
  world.server.lines.forEach(add);
  bar.max = all.length;
  for (const [i, step] of all.entries()) {
    bar.value = i;
    $('doing').textContent = `${i + 1} of ${all.length}: ${step.doing}`;
    for (const line of await step.run(world)) add(line);
  }
  for (const id of ['summary', 'long']) $(id).hidden = false;
  $('running').hidden = true;
  summarize();
  propose();
  sort();
  $('summary-title').focus();
}

export function selftestPage() {
  input('code').value = code.get();
  onSubmit('start', async () => {
    code.set(input('code').value.trim());
    await run();
  });
  $('again').addEventListener('click', () => busy($('summary'), 'copy-says', run));
  $('copy-report').addEventListener('click', () => {
    const field = make('textarea', {
      value: report(),
      readOnly: true,
      rows: 12,
      ariaLabel: 'The report',
    });
    $('copy-says').after(field);
    copy(field, 'copy-says').then(() => field.remove());
  });
  $('settle').addEventListener('click', () =>
    busy($('found'), 'settle-says', async () => {
      const { journal } = await act('settle', world.findings);
      say(
        'settle-says',
        `It is set, and works from the next request on (journal: ${journal}). There is nothing else to do.`,
        'good',
      );
    }),
  );
  $('longest').addEventListener('click', () =>
    busy($('long'), 'longest-says', async () => {
      add(await longest(text => say('longest-says', text)));
      say('longest-says', lines[lines.length - 1].found, 'good');
      summarize();
      sort();
    }),
  );
}
