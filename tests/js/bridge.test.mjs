/** Ranges of the worker's requests, RFC 9110 14.1.2. */
import test from 'node:test';
import assert from 'node:assert/strict';
import './world.mjs';
import { parseRange } from '../../htdocs/page/bridge.js';

/** Of a file of 1,000 bytes: start and end (exclusive); none: 416; null: all of it, with 200. */
const CASES = {
  'bytes=0-0': [0, 1], 'bytes=0-499': [0, 500], 'bytes=500-999': [500, 1000], 'bytes=999-999': [999, 1000], 'bytes=0-': [0, 1000], 'bytes=500-': [500, 1000],
  'bytes=500-5000': [500, 1000], 'bytes=0-99999999999999999999': [0, 1000], 'bytes=-1': [999, 1000], 'bytes=-500': [500, 1000], 'bytes=-1000': [0, 1000],
  'bytes=-5000': [0, 1000], 'bytes=007-008': [7, 9],
  'bytes=1000-': 'none', 'bytes=1000-1000': 'none', 'bytes=5000-6000': 'none', 'bytes=-0': 'none', 'bytes=99999999999999999999-': 'none',
  'bytes=5-4': null, 'bytes=-': null, 'bytes=': null, 'bytes': null, '': null, 'bytes=a-b': null, 'bytes=1-b': null, 'bytes=0-1,5-6': null, 'bytes=0-1,': null,
  'bytes=0-1 ': null, ' bytes=0-1': null, 'bytes= 0-1': null, 'bytes=0 - 1': null, 'bytes=--1': null, 'bytes=1-2-3': null, 'bytes=0x1-2': null, 'bytes=1.5-2': null,
  'bytes=1e2-': null, 'items=0-1': null, 'bytes=0-1\n': null, 'bytes:0-1': null,
};

for (const [header, expected] of Object.entries(CASES)) {
  test(JSON.stringify(header), () => {
    const part = parseRange(header, 1000);
    if (expected == 'none') assert.ok(part && part[1] <= part[0], JSON.stringify(part));
    else assert.deepEqual(part, expected);
  });
}
test('no header', () => assert.equal(parseRange(null, 1000), null));
