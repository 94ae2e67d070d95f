// Other people's sites: each case without and with the tag, in real Chromium. What is known to be wrong stands in cases.mjs, and is to be
// taken off when it is mended. POLYCIRCLE_LONG=1: all that have a name, and the pairs, too.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { known, select } from './cases.mjs';
import { openLab } from './lab.mjs';
import { pairs } from './pairs.mjs';
import { healed, runCase } from './run.mjs';

const results = [];
let lab;

before(async () => { lab = await openLab(); });
after(() => lab?.close());

describe('with the tag as without', { concurrency: 4 }, () => {
  for (const c of select({ long: Boolean(process.env.POLYCIRCLE_LONG) })) {
    test(c.name, async t => {
      const result = await runCase(lab, c);
      results.push(result);
      for (const [name, what] of Object.entries(result.wrong)) t.diagnostic(`${name}: ${what}`);
      assert.deepEqual(Object.fromEntries(result.unknown.map(name => [name, result.wrong[name]])), {}, c.name);
    });
  }
});

test('what is known to be wrong still is', t => {
  const mended = healed(results);
  for (const line of known) if (results.some(r => r.lines.includes(line)) && !mended.includes(line)) t.diagnostic(`still wrong${line.sometimes ? ' now and then' : ''}: ${line.what}`);
  assert.deepEqual(mended.map(line => line.what), [], 'take them off the list in tests/sites/cases.mjs');
});

test('pairs: each of two values is in a row, always the same rows', () => {
  const columns = { a: ['1', '2', '3'], b: ['4', '5'], c: ['6', '7', '8', '9'] }, rows = pairs(columns);
  for (const [x, y] of [['a', 'b'], ['a', 'c'], ['b', 'c']]) {
    for (const v of columns[x]) for (const w of columns[y]) assert.ok(rows.some(row => row[x] == v && row[y] == w), `${v} with ${w}`);
  }
  assert.ok(rows.length < 3 * 2 * 4, `${rows.length} rows`);
  assert.deepEqual(pairs(columns), rows);
});
