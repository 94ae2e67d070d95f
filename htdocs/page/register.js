/** Who registers the worker, and when. A scope is one registration: register() throws away whoever waits there, whose script it is. So the newest
 * script of ours decides, and ours comes never over one of the site, nor where one was ever seen; where nobody has looked whether the site has
 * one (the circle's `worker`), it comes when the page has loaded and is quiet. */
import { sleep } from '../util/bytes.js';
import { own } from '../util/alone.js';
/** @typedef {(name: string, value?: any) => any} Mark what is known of this browser, or is from now on; undefined: nothing, or it may not be */

const QUIET_MS = 3000,
  BUSY_MS = 30000, // a host that is full answers its script with 503
  WEEK_MS = 6e8; // a little less: the worker goes by itself after seven days

/** The site has had its time: its scripts have run, and what they do when the page is there. */
async function quiet(/** @type {number} */ ms) {
  if (document.readyState != 'complete') await new Promise(ok => addEventListener('load', ok));
  await sleep(ms);
}

/** @param {Promise<any>|false|undefined} begun what the loader has found or registered @param {string|false|undefined} script with ours in it; none: this page has
 * no worker of ours @param {string|undefined} of the site's own, as the circle has it: undefined (not known), 'none', 'own', a path (script has ours in it)
 * @param {Mark} mark 'worker': when ours may be registered again, for ours that is gone before was taken off by the site
 * @returns {Promise<ServiceWorkerRegistration|null>} whose newest script it is; null: there is none, and none comes */
export async function register(begun, script, of, mark) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return null;
  if (!script) throw 'no data-worker';
  let failed;
  for (const late of [0, QUIET_MS, BUSY_MS]) {
    if (late) await quiet(late);
    const found = (!late && (await begun)) || (await serviceWorker.getRegistration('/')),
      { scriptURL = '' } = found?.installing ?? found?.waiting ?? found?.active ?? {};
    if (scriptURL.split('?')[0] == script) return found;
    if (scriptURL && !own(scriptURL)) mark('worker', Infinity);
    else if (of ? of == 'none' : scriptURL || late) {
      if (!scriptURL && mark('worker') > Date.now()) return null;
      try {
        const registered = await serviceWorker.register(script, { scope: '/' });
        mark('worker', Date.now() + WEEK_MS);
        return registered;
      } catch (error) {
        failed = error;
      }
    }
    if (late && !failed) return null;
  }
  throw failed;
}
