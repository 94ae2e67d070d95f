// Who registers the worker, and when: never over a script of the site, nor where one was seen; late where nobody has looked.
import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
const SITE = 'https://site.example/', SCRIPT = `${SITE}x/circle-sw.js`, OWN = `${SITE}own.js`, DAY = 864e5;
const real = setTimeout;

/** A page with this registration, told this of the site; afterwards what became of it. */
async function page({ of, script = SCRIPT, found = {}, begun, then = {}, until, kept = {}, broken = 0 }) {
  const local = until ? { ...kept, 'polycircle-worker': String(until) } : kept, registered = [];
  let late = false;
  const registration = scripts => Object.keys(scripts).length ? Object.fromEntries(Object.entries(scripts).map(([state, scriptURL]) => [state, { scriptURL }])) : undefined;
  define('document', { readyState: 'complete' });
  define('setTimeout', (act, ms) => { late ||= ms >= 3000; return real(act, 0); });
  define('navigator', { serviceWorker: { getRegistration: async () => registration(late ? { ...found, ...then } : found), register: async (url, { scope }) => { if (broken-- > 0) throw new TypeError(`no worker at ${url}`); registered.push(scope == '/' && url); return { url }; } } });
  const { register } = await import('../../htdocs/page/register.js');
  try {
    return { registered, result: await register(begun, script, of, (name, value) => (value ? local[`polycircle-${name}`] = value : local[`polycircle-${name}`])), late, until: local['polycircle-worker'] };
  } finally { define('setTimeout', real); }
}

test('the decisions', async () => {
  const rows = [
    ['the site has none', { of: 'none' }, [SCRIPT], false],
    ['nobody has looked', {}, [SCRIPT], true],
    ['nobody has looked, and the site registers meanwhile', { then: { installing: OWN } }, [], true],
    ['it has one of its own', { of: 'own' }, [], true],
    ['it has one with ours in it, which it has not registered', { of: '/own.js', script: OWN }, [], true],
    ['ours is there', { found: { active: SCRIPT } }, [], false],
    ['ours, at another address of the instance', { found: { active: `${SITE}y/circle-sw.js` } }, [SCRIPT], false],
    ['ours at another address, and the site has one', { of: 'own', found: { active: `${SITE}y/circle-sw.js` } }, [], true],
    ['ours is active, and the site’s waits', { of: 'none', found: { waiting: OWN, active: SCRIPT } }, [], true],
    ['ours is active, and the site’s is being installed', { of: 'none', found: { installing: OWN, active: SCRIPT } }, [], true],
    ['ours waits behind the site’s: it was registered by a page', { of: 'none', found: { waiting: SCRIPT, active: OWN } }, [], false],
    ['the host is full, and says 503 to its script twice', { of: 'none', broken: 2 }, [SCRIPT], true],
    ['a script of the site was seen once', { of: 'none', until: Infinity }, [], false],
    ['ours was taken off yesterday', { of: 'none', until: Date.now() + 6 * DAY }, [], false],
    ['ours was taken off long ago', { of: 'none', until: Date.now() - DAY }, [SCRIPT], false],
  ];
  for (const [name, how, registered, late] of rows) {
    const is = await page(how);
    assert.deepEqual([is.registered, is.late], [registered, late], name);
    if (/site’s (waits|is being)|meanwhile/.test(name)) assert.equal(is.until, Infinity, `${name}: it is remembered`);
  }
});

test('the site’s own with ours in it, however it is asked for', async () => {
  const is = await page({ of: '/own.js', script: OWN, then: { active: `${OWN}?ver=6` } });
  assert.deepEqual([is.registered, is.result.active.scriptURL], [[], `${OWN}?ver=6`]);
});

test('why there is none', async () => {
  await assert.rejects(page({ script: false }), error => error == 'no data-worker', 'the tag is of another address');
  await assert.rejects(page({ of: 'none', broken: 3, begun: Promise.resolve(null) }), /no worker at https:\/\/site\.example\/x\/circle-sw\.js/, 'the file is missing');
});
