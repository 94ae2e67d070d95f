// A third of the cases in Debian's Firefox: the same comparison, without and with the tag.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { select } from './cases.mjs';
import { openLab } from './lab.mjs';
import { runCase } from './run.mjs';

let lab;

before(async () => { lab = await openLab('firefox'); });
after(() => lab?.close());

describe('with the tag as without, in Firefox', { concurrency: 2 }, () => {
  for (const c of select({ firefox: true })) {
    test(c.name, async t => {
      const { wrong, unknown } = await runCase(lab, c);
      for (const [name, what] of Object.entries(wrong)) t.diagnostic(`${name}: ${what}`);
      assert.deepEqual(Object.fromEntries(unknown.map(name => [name, wrong[name]])), {}, c.name);
    });
  }
});
