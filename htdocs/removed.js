/** In the loader's place when the circle was removed (of a 410 nothing is run): takes our worker and what it kept off this browser. What is not
 * ours alone stays: it answers nothing, as no page speaks to it. */
import { alone } from './util/alone.js';

navigator.serviceWorker
  ?.getRegistration('/')
  .then(async found => found && (await alone(found)) && found.unregister());
indexedDB.deleteDatabase('polycircle');
try {
  for (const name of [
    'polycircle',
    'polycircle-ask',
    'polycircle-plain',
    'polycircle-worker',
    'polycircle-begun',
  ])
    localStorage.removeItem(name);
} catch {
  /* it is forbidden, so there is nothing */
}
