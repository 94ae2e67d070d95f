/** The owner's door of the instance (doc/PROTOCOL.md: POST owner) and where this page lives. The code is this page's alone. */
import { instance } from '../meet/instance.js';
/** @typedef {{can: string, api_key: string, p2p: string, ice: {urls: string}[], mirror: boolean, exclude: string, worker: string, sign: string, exposed: boolean, signals: number, origins: string[], refused: string[],
 *   statistics: Record<string, number>, version: number, dir: string, url: string, waits: boolean, files: number, bytes: number, walk?: Walk}} Circle waits: a copy that was put back named its folder, which was not shared before
 * @typedef {{files: number, bytes: number, done: number, skipped: number, changed: number, hashed: number, doubted: number, finished: boolean, same: boolean,
 *   version: number, current: string, left_out: {reason: string, text: string, cure: string, n: number, names: string[]}[]}} Walk
 * @typedef {{software: string, face: string, program: string, script: string, data: string, outside: boolean, roots: string[], others?: string[], version: string, apart: boolean, root?: string,
 *   urls?: string[], stun?: import('./choices.js').Servers, proxy?: import('./proxy.js').Proxy, circles?: Circle[], retired?: boolean, exposed_code?: boolean, before_restore?: string, restored?: string, restore_refused?: boolean, restore_waits?: boolean, restore_comes?: boolean}} Status apart: by FTP the owner is another user than the program; urls, circles, root: once there is an instance */

/** Ends in '/': the program's own address, by which this page was loaded. */
export let base = new URL('.', location.href).href;
/** The same page at another address of the instance, when this one ends. @param {string} url ends in '/' */
export function moveTo(url) {
  history.replaceState(null, '', url + location.pathname.replace(/.*\//, ''));
  base = url;
}
/** What the browser keeps for a tab every script of the site reads, also one of a page that the owner opens there later. So the code lies
 * there only on the way from one page of the owner's to the next: by a link, or when this one is loaded again by itself. */
const KEY = 'polycircle-owner-code';
const stored = (/** @type {(storage: Storage) => any} */ use) => {
  try {
    return use(sessionStorage);
  } catch {
    return null; // no storage: it is typed again
  }
};
let memory = stored(storage => storage.getItem(KEY)) ?? '';
stored(storage => storage.removeItem(KEY));

export const code = {
  get: () => memory,
  set: (/** @type {string} */ value) => {
    memory = value;
  },
  forget: () => {
    memory = '';
  },
  /** The page that comes next in this tab, now, is the owner's. */
  hand: () => stored(storage => storage.setItem(KEY, memory)),
};

/** Loads this page again. */
export function reload() {
  code.hand();
  location.reload();
}

/** Links to other pages of the owner's take the code along. */
export function handOn() {
  let leaves = 0;
  document.addEventListener('click', event => {
    const to = /** @type {Element} */ (event.target).closest('a')?.href ?? '';
    const page = to.startsWith(base) && /^(setup|console|selftest)$/.test(to.slice(base.length));
    leaves = page ? event.timeStamp : 0;
  });
  // not before: a link may be opened in another tab, and this one stay
  addEventListener('pagehide', event => {
    if (leaves && event.timeStamp - leaves < 10000) code.hand();
  });
}

/** One for each address: it learns what a firewall lets through. @type {Map<string, import('../meet/instance.js').Instance>} */
const doors = new Map();
function door(/** @type {string} */ at) {
  const known = doors.get(at) ?? instance(at, () => {});
  doors.set(at, known);
  return known;
}

/** What the owner does when an answer did not come, though the program may have done it; of others the state shows it. @type {Record<string, string>} */
const LOST = {
  prove:
    'The program may have taken your file away already: upload it once more, then press again.',
  recode:
    'There may be another code now: when this one opens nothing any longer, the new one stands in the file owner-code.',
  upgrade: 'The new version may be in place already: see below which one answers.',
};
const LOOK =
  'It may have been done all the same: look at what this page shows now, or load it again, before you press once more.';
/** These only tell. */
const TELL = ['state', 'status', 'folders', 'look', 'tiers', 'index'];

/** @param {string} action @param {string} [said] what the program says to a later try @returns {string} */
const lostWords = (action, said) =>
  `${said ? `The first answer did not come; to the second try the program says: “${said}”` : 'The program did not answer: the network may be away, or the host busy.'} ` +
  (TELL.includes(action) ? 'Try again in a moment.' : (LOST[action] ?? LOOK));

/** @typedef {import('../meet/instance.js').Refusal & {lost?: boolean}} Failure lost: it may have been done */
/** @param {string} action @param {object} [fields] @param {string} [at] another address of the instance @returns {Promise<any>} the answer
 * @throws {Failure} its message is for people */
export async function act(action, fields = {}, at = base) {
  for (let tries = 0; ; tries++)
    try {
      return await door(at).ask('owner', { v: 1, code: code.get(), do: action, ...fields });
    } catch (error) {
      const refusal = /** @type {Failure} */ (error);
      if (!refusal.code && tries < 2) {
        // the third one is in the form that firewalls do not look into
        await new Promise(ok => setTimeout(ok, 300));
        continue;
      }
      refusal.lost = !TELL.includes(action) && (!refusal.code || tries > 0);
      if (!refusal.code || refusal.lost)
        refusal.message = lostWords(action, refusal.code && refusal.message);
      throw refusal;
    }
}

/** An answer that was lost on the way is asked for again, a few times. @param {string} action @param {object} [fields] */
export async function persist(action, fields) {
  for (let tries = 0; ; tries++)
    try {
      return await act(action, fields);
    } catch (error) {
      const { code: why } = /** @type {any} */ (error);
      if (tries > 5 || (why && why != 'busy' && why != 'live_lost')) throw error;
      await new Promise(ok => setTimeout(ok, 1000 * 2 ** tries));
    }
}
