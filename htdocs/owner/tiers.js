/** Quicker, or with shorter addresses, where the host allows it. A way is tried in a folder of its own; then it is activated, and undoes
 * itself when the site is not as it was. */
import { act, base, moveTo } from './api.js';
import { inPage, lines } from './line.js';
import { FOLDER, ask, ours, text } from './place.js';
import { make, note, onPress, say } from './dom.js';
import { randomHex } from '../util/bytes.js';
/** @typedef {import('./api.js').Status} Status
 * @typedef {import('./line.js').Place} Place
 * @typedef {{tier: number, name: string, help: string, off: string, done: string, undone: string}} Way done, undone: what has come of it
 * @typedef {{way: Way, s: Status, top: string, says: string, kept?: boolean}} Turn top: the document root's address; kept: the short ones of an earlier version go */

/** @type {Way[]} */
const WAYS = [
  {
    tier: 2,
    name: 'Quicker answers',
    help: 'The program stays awake between visits and need not start for each (FastCGI). The address stays the same.',
    off: 'Back to CGI',
    done: 'It works: your visitors get answers quicker from now on. There is nothing else to do.',
    undone: 'It is as before. The lines in your pages go on working.',
  },
  {
    tier: 3,
    name: 'Shorter addresses',
    help: `${location.origin}/signal?... in the line for your pages, and the folder /polycircle/ for all else. Nothing else of your site is taken. The line of before goes on working.`,
    off: 'Back to the long address',
    done: 'It works: the line for your pages is shorter now. Pages that have the one of before may keep it.',
    undone:
      'The short address is gone. Pages with the short line load nothing of Polycircle: they need the line that is shown here now.',
  },
];
const LEAVE = 'Leave the site its own addresses';
const TOP =
  'Your short addresses are those of an earlier version. They take /health, /console, /setup, /owner, /sync and others of these names from your site, too. ' +
  `“${LEAVE}” keeps /signal?... and the folder /polycircle/; tags, open pages and workers go on working.`;
const TOP_ELSEWHERE =
  "This works. But /health, /sync and others still lead to this program: lines of before stand in another of the site's settings files (.htaccess), or in the server's configuration. On a host name that serves a site, too, take them out.";
const COVERED =
  "It is switched on, but other lines of the site's settings file (.htaccess) stand before it and take the addresses. Press the button, then “Try it”: they are put in front.";

/** The address of the folder that the .htaccess is for: the program's own, less where it lies below the document root. @param {Status} s */
export function topOf({ program, root = '', script }) {
  const below = program.startsWith(`${root}/`) ? program.slice(root.length) : '';
  return new URL(
    below && script.endsWith(below) ? `${script.slice(0, -below.length)}/` : '/',
    location.href,
  ).href;
}

/** How the site looks from outside, apart from us. @param {string} top */
const face = async top =>
  (
    await Promise.all(
      ['', '.well-known/acme-challenge/polycircle', 'polycircle-no-such-page'].map(path =>
        ask(top + path),
      ),
    )
  )
    .map(r => r?.status)
    .join();

/** @param {Turn} turn @returns {Promise<{options: boolean}|null>} how it works here, or null */
async function attempt({ way: { tier }, s, top, kept }) {
  for (const options of tier == 2 ? [false, true] : [false])
    try {
      const { name } = await act('try', { tier, options, kept });
      const answer = await ours(
        tier == 3
          ? `${top}${name}/${FOLDER}health`
          : new URL(s.script.replace(/[^/]+$/, `${name}/$&/probe`), top),
      );
      if (answer && (tier == 3 || answer.face == 'fastcgi')) return { options };
    } finally {
      await act('untry');
    }
  return null;
}

/** Is the folder's name the site's own? Then it answers otherwise than a name that nobody has: there are sites that answer each one.
 * @param {Turn} turn */
async function taken({ top, s }) {
  const look = async (/** @type {string} */ name) => {
    const r = await ask(`${top}${name}/`),
      text = (await r?.text()) ?? '';
    return r?.status == 404 || /^\{"polycircle":1\b/.test(text)
      ? 'free'
      : [r?.status, r?.url, text].join().split(name).join();
  };
  const name = FOLDER.slice(0, -1),
    at = new URL(top).pathname + FOLDER;
  return !s.script.startsWith(at) &&
    (await look(name)) != (await look(`polycircle-${randomHex(4)}`))
    ? at
    : '';
}

/** @param {Turn} turn @param {{options: boolean}} how */
async function activate({ way: { tier }, top, kept }, { options }) {
  const short = top + FOLDER,
    before = await face(top),
    waiting = act('activate', { tier, options, kept });
  let good = false;
  for (let tries = 0; tries < 12 && !good; tries++) {
    await new Promise(ok => setTimeout(ok, 500));
    good =
      tier == 3
        ? !!(await ours(`${short}health`))
        : (await ours(`${base}probe`))?.face == 'fastcgi';
  }
  if (good && (await face(top)) == before)
    await act('confirm', {}, tier == 3 ? short : base).catch(() => null);
  return (await waiting).active;
}

/** The tags have this address from now on; one that stood for it before, and answers no longer, is one of the instance's no more.
 * @param {Status} s @param {string} top @param {string} now */
async function readdress({ urls = [] }, top, now) {
  await act('address', { url: now }, now);
  await act('first', { url: now }, now);
  for (const url of [top, top + FOLDER])
    if (url != now && urls.includes(url) && !(await ours(`${url}probe`)))
      await act('forget', { url }, now);
  if (!(await ours(`${base}probe`))) moveTo(now);
}

async function turnOn(/** @type {Turn} */ turn) {
  const { way, s, top, says } = turn,
    name = way.tier == 3 ? await taken(turn) : '';
  if (name) throw new Error(`Your site uses the address ${name} itself. Nothing was changed.`);
  say(says, 'Trying it in a folder of its own.');
  const how = await attempt(turn);
  if (!how)
    throw new Error(
      'This host does not allow it, and nothing was changed. Nothing is missing: all works as it is.',
    );
  say(
    says,
    'It works there. Activating it; if the site is not as before, it is undone within ten seconds.',
  );
  if (!(await activate(turn, how)))
    throw new Error('It did not work for the whole site, and was undone.');
  if (way.tier == 3) await readdress(s, top, top + FOLDER);
}

async function turnOff(/** @type {Turn} */ { way: { tier }, s, top }) {
  await act('deactivate', { tier });
  if (tier == 3) await readdress(s, top, longOf(s));
}

const longOf = (/** @type {Status} */ s) => new URL(`${s.script}/`, location.href).href;

/** What is said before the short address ends: which lines do nothing then, and what comes into their place. @param {Status} s @param {string} top @param {Place} at */
async function sureOf(s, top, at) {
  const urls = s.urls ?? [],
    circles = s.circles ?? [],
    ends = (/** @type {string} */ url) => url == top + FOLDER;
  if (!circles.length) return '';
  const left = [longOf(s), ...urls.filter(url => url != longOf(s) && !ends(url))],
    starts = left.map(url => at.tags[at.urls.indexOf(url)] ?? url);
  const long = circles.map(c => lines(c, { urls: left, tags: starts })[0].tag).join(' ');
  const front = new URL(circles[0].url || '/', location.origin).origin + '/',
    html = (await text(front)) ?? '';
  const seen = inPage(html, front).some(
    ([, src]) => src.startsWith(`${top}signal`) || src.startsWith(`${top}${FOLDER}signal`),
  );
  return (
    `${seen ? `The page ${front} has the short line. ` : ''}Pages with the short line (${circles.map(c => `${top}signal?${c.api_key}`).join(', ')}) load nothing of Polycircle once the short address is gone, and share nothing. ` +
    `First put the long line into them: ${long} Then press again. (Or leave the short address on, where nothing breaks, and choose under “Where it lives” which one the line has.)`
  );
}

/** @param {HTMLElement} box @param {Status} s @param {Place} at @param {() => Promise<any>} changed */
export async function tiers(box, s, at, changed) {
  const { tiers: active, top: before } = await act('tiers'),
    top = topOf(s);
  const short = active.includes(3) && !before,
    covered = short && !(await ours(`${top}${FOLDER}probe`)),
    elsewhere = short && !!(await ours(`${top}probe`));
  const sure = active.includes(3) ? await sureOf(s, top, at) : '';
  const rows = WAYS.map(way => {
    const says = `tier-${way.tier}`,
      on = active.includes(way.tier),
      had = way.tier == 2 && s.face == 'fastcgi' && !on,
      old = way.tier == 3 && before;
    const notes = had
      ? 'This host does so already.'
      : old
        ? TOP
        : way.tier == 3 && covered
          ? COVERED
          : way.tier == 3 && elsewhere
            ? TOP_ELSEWHERE
            : way.help;
    const row = make('li', {}, make('b', {}, way.name), make('p', { className: 'hint' }, notes));
    const button = (
      /** @type {string} */ text,
      /** @type {(turn: Turn) => Promise<void>} */ run,
      kept = false,
    ) => {
      const el = make('button', { type: 'button', textContent: text, hidden: had });
      onPress(el, row, says, run == turnOff && way.tier == 3 ? sure : '', async () => {
        await run({ way, s, top, says, kept });
        await changed();
        const others =
          way.tier == 3 &&
          [...new Set(s.urls?.map(url => new URL(url).origin))].filter(
            origin => origin != location.origin,
          );
        say(
          says,
          run == turnOff
            ? way.undone
            : others && others.length
              ? `It works here. For the line to be shorter, add it at ${others.join(', ')}, too: open ${FOLDER}console there, and press “Add it”.`
              : way.done,
          'good',
        );
      });
      return el;
    };
    row.append(
      ...(old ? [button(LEAVE, turnOn, true), ' '] : []),
      on
        ? button(way.off, turnOff)
        : button('Try it', turnOn, way.tier == 3 && !!s.urls?.includes(top)),
      note(says),
    );
    return row;
  });
  box.replaceChildren(...rows);
}
