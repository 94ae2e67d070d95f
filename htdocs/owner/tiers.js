/** Quicker, or with shorter addresses, where the host allows it. A way is tried in a folder of its own; then it is activated, and undoes
 * itself when the site is not as it was. */
import { act, base } from './api.js';
import { busy, make, say } from './dom.js';
/** @typedef {import('./api.js').Status} Status
 * @typedef {{tier: number, name: string, help: string, off: string}} Way */

/** @type {Way[]} */
const WAYS = [
  { tier: 2, name: 'Quicker answers (FastCGI)', help: 'The program stays between requests. The address stays the same.', off: 'Back to CGI' },
  { tier: 3, name: 'Shorter addresses', help: `${location.origin}/signal in place of the program's own address. The line for your pages changes; the old one goes on working.`, off: 'Back to the long address' },
];
const NAMES = ['signal', 'signal.js', 'client.js', 'circle-sw.js', 'circles.js', 'circles.json', 'sync', 'health', 'owner', 'owner.js', 'owner.css', 'setup', 'console', 'selftest',
  'probe', 'measure', 'measure.gz'];
const top = new URL('/', location.href).href;

const ask = (/** @type {string|URL} */ url) => fetch(url, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(8000) }).catch(() => null);
const ours = async (/** @type {string|URL} */ url) => {
  const answer = await (await ask(url))?.json().catch(() => null);
  return answer?.polycircle === 1 ? answer : null;
};
/** How the site looks from outside, apart from us. */
const face = async () => (await Promise.all(['', '.well-known/acme-challenge/polycircle', 'polycircle-no-such-page'].map(path => ask(top + path)))).map(r => r?.status).join();

/** @param {Way} way @param {string} script where the program is reached @returns {Promise<{options: boolean}|null>} how it works here, or null */
async function attempt({ tier }, script) {
  for (const options of tier == 2 ? [false, true] : [false]) try {
    const { name } = await act('try', { tier, options });
    const answer = await ours(tier == 3 ? `${top}${name}/health` : new URL(script.replace(/[^/]+$/, `${name}/$&/probe`), top));
    if (answer && (tier == 3 || answer.face == 'fastcgi')) return { options };
  } finally { await act('untry'); }
  return null;
}

/** Names that the site uses itself are not taken from it. */
async function taken() {
  const all = await Promise.all(NAMES.map(async name => (await ask(top + name))?.status == 404 ? '' : name));
  return all.filter(Boolean);
}

/** @param {Way} way @param {{options: boolean}} how */
async function activate({ tier }, { options }) {
  const before = await face(), waiting = act('activate', { tier, options });
  let good = false;
  for (let tries = 0; tries < 12 && !good; tries++) {
    await new Promise(ok => setTimeout(ok, 500));
    good = tier == 3 ? !!await ours(`${top}health`) : (await ours(`${base}probe`))?.face == 'fastcgi';
  }
  if (good && await face() == before) await act('confirm', {}, tier == 3 ? top : base).catch(() => null);
  return (await waiting).active;
}

/** @param {HTMLElement} box @param {Status} s @param {() => Promise<any>} changed */
export async function tiers(box, s, changed) {
  const { tiers: active } = await act('tiers');
  const rows = WAYS.map(way => {
    const says = `tier-${way.tier}`, on = active.includes(way.tier), had = way.tier == 2 && s.face == 'fastcgi' && !on;
    const button = make('button', { type: 'button', textContent: on ? way.off : 'Try it', hidden: had });
    const row = make('li', {}, make('b', {}, way.name), make('p', { className: 'hint' }, had ? 'This host does so already.' : way.help), button,
      make('p', { id: says, className: 'note', role: 'status' }));
    button.addEventListener('click', () => busy(row, says, async () => {
      if (on) await act('deactivate', { tier: way.tier });
      else await turnOn(way, s.script, says);
      await changed();
    }));
    return row;
  });
  box.replaceChildren(...rows);
}

async function turnOn(/** @type {Way} */ way, /** @type {string} */ script, /** @type {string} */ says) {
  const names = way.tier == 3 ? await taken() : [];
  if (names.length) throw new Error(`Your site uses these addresses itself: ${names.map(n => `/${n}`).join(', ')}. Nothing was changed.`);
  say(says, 'Trying it in a folder of its own.');
  const how = await attempt(way, script);
  if (!how) throw new Error('This host does not allow it. Nothing was changed, and nothing is missing: all works as it is.');
  say(says, 'It works there. Activating it; if the site is not as before, it is undone within ten seconds.');
  if (!await activate(way, how)) throw new Error('It did not work for the whole site, and was undone.');
  if (way.tier == 3) await act('address', { url: top });
}
