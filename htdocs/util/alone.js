/** Is a worker ours alone? Where a script of the site is in it, what ends ours leaves it as it is: unregister() takes all of it along, and its
 * push subscriptions. */

/** By its name: the instance's, or the one-line file that set-up asks for. */
export const own = (/** @type {string} */ script) => /circle-sw\.js$/.test(script);

/** Our line, with comments before it, is all that is in it. */
const LINE = /^(\s|\/\/.*\r?\n)*importScripts\(\s*(["'])[^"']*\/circle-sw\.js\2\s*\)[;\s]*$/;

/** @param {string} script its address @returns {Promise<boolean>} whether there is nothing in it but ours */
export const pure = async script =>
  /\/circle-sw\.js$/.test(script) ||
  LINE.test(
    await fetch(script).then(
      r => r.text(),
      () => '',
    ),
  );

/** Whether one of this registration answers the page: of a narrower scope another's may be in control. @param {ServiceWorkerRegistration} registration */
export const controls = ({ installing, waiting, active }) =>
  [installing, waiting, active].some(
    worker => worker && worker.scriptURL == navigator.serviceWorker.controller?.scriptURL,
  );

/** @param {ServiceWorkerRegistration} registration */
export async function alone({ installing, waiting, active, pushManager }) {
  for (const worker of [installing, waiting, active])
    if (worker && !(await pure(worker.scriptURL))) return false;
  return !(await pushManager?.getSubscription());
}
