/** The owner's pages: /setup, /console (and /selftest). One script; the page says which it is. */
import { consolePage } from './console.js';
import { selftestPage } from './selftest.js';
import { setupPage } from './setup.js';

/** @type {Record<string, () => void>} */
const pages = { setup: setupPage, console: consolePage, selftest: selftestPage };
pages[document.body.dataset.page ?? '']?.();
