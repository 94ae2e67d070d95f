/** The owner's pages: /setup, /console (and /selftest). One script; the page says which it is. */
import { handOn } from './api.js';
import { leaves, tellTrouble } from './arrive.js';
import { consolePage } from './console.js';
import { selftestPage } from './selftest.js';
import { setupPage } from './setup.js';

/** @type {Record<string, () => any>} */
const pages = { setup: setupPage, console: consolePage, selftest: selftestPage };

async function begin() {
  handOn();
  if (await leaves()) return;
  await Promise.all([pages[document.body.dataset.page ?? '']?.(), tellTrouble()]);
}
begin();
