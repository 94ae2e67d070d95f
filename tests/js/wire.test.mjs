/** Every message of a peer (doc/PROTOCOL.md 2.3): what is taken and what is not. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { bytes, dice, sig, thrown } from './world.mjs';
import { bit, bitmap, CHUNK, frame, parseControl, parseFrame } from '../../htdocs/meet/wire.js';

const A = sig('a'), ROOT = '0123456789abcdef', HAVE = [[ROOT, '12ef', 'gAA']];
const HELLO = { t: 'hello', v: 1, sig: A, version: 7, up: true, have: HAVE, want: [ROOT] }, MAIL = { t: 'mail', to: A, re: 'offer_-1', body: 'EAab' };
const many = (n, x) => Array(n).fill(x);
const BAD_IDS = [undefined, null, -1, 1.5, '1', 4294967296, true, [1], 1e300], BAD_SIGS = [undefined, null, 5, '', A.slice(1), A + 'a', A.toUpperCase(), A + '\n', [A], 'g' + A.slice(1)];
const BAD_HAVES = [undefined, null, {}, '', many(65, HAVE[0]), [[ROOT, '']], [[ROOT, '', '', '']], [['x', '', '']], [[ROOT.toUpperCase(), '', '']], [[ROOT, '123', '']],
  [[ROOT, '', '+']], [[ROOT, '', 'A'.repeat(22001)]], [[ROOT, null, '']], [[ROOT, '', null]], [null], [ROOT]];

const WANTS = [[], many(64, ROOT)], BAD_WANTS = [null, ROOT, {}, many(65, ROOT), [A], [null], [[ROOT]]];

/** A good message, other values its fields may have, values they may not. */
const SHAPES = [
  [HELLO, { version: [0, 4294967295], up: [false], have: [[], many(64, HAVE[0]), [[ROOT, '', '']], [[ROOT, '', 'A'.repeat(22000)]]], want: WANTS },
    { v: [0, 2, '1', undefined, true, [1]], sig: BAD_SIGS, version: BAD_IDS, up: [undefined, null, 0, 1, 'true'], have: BAD_HAVES, want: BAD_WANTS }],
  [{ t: 'have', have: HAVE, want: [] }, { have: [[]], want: WANTS }, { have: BAD_HAVES, want: BAD_WANTS }],
  [{ t: 'got', r: ROOT, i: [0, 5] }, { i: [[], many(1024, 1), [4294967295]] }, { r: BAD_SIGS, i: [undefined, null, 5, many(1025, 1), [-1], [1.5], ['1'], [null], [[1]]] }],
  [{ t: 'get', id: 1, h: A }, { id: [0, 4294967295] }, { id: BAD_IDS, h: BAD_SIGS }],
  [{ t: 'no', id: 1, why: 'none' }, { why: ['busy', 'off'] }, { id: BAD_IDS, why: [undefined, null, '', 'gone', 'none ', 'busy\n', ['off']] }],
  [{ t: 'stop', id: 1 }, {}, { id: BAD_IDS }],
  [{ t: 'peers', list: [A] }, { list: [[], many(16, A)] }, { list: [undefined, null, A, {}, many(17, A), [null], ['x']] }],
  [MAIL, { re: ['a', 'A-_9'.repeat(4)], body: ['A', 'A'.repeat(1024)] }, { to: BAD_SIGS, re: [undefined, null, '', 'a'.repeat(17), 'a b', 5], body: [undefined, null, '', 'A'.repeat(1025), 'A=', 'A+', {}] }],
  [{ t: 'from', from: A, re: 'x', body: 'A' }, {}, { from: BAD_SIGS, re: ['', 'a.b'], body: ['', '*'] }],
  [{ t: 'app', data: { any: ['thing', 1, null] } }, { data: [null, 0, '', [], 'x'.repeat(200000)] }, { data: [undefined] }],
  [{ t: 'bye' }, {}, {}],
];
for (const [good, others, bads] of SHAPES) {
  test(`${good.t}: as documented`, () => {
    assert.deepEqual(parseControl(JSON.stringify(good)), good);
    assert.deepEqual(parseControl(JSON.stringify({ ...good, more: 1, constructor: 2, toString: 3 })), good, 'fields that are not documented are dropped');
    for (const [field, values] of Object.entries(others)) {
      for (const value of values) assert.deepEqual(parseControl(JSON.stringify({ ...good, [field]: value }))[field], value, `${field} ${JSON.stringify(value).slice(0, 60)}`);
    }
  });
  test(`${good.t}: nothing else`, () => {
    for (const [field, values] of Object.entries(bads)) {
      for (const value of values) assert.throws(() => parseControl(JSON.stringify({ ...good, [field]: value })), TypeError, `${field} ${JSON.stringify(value)?.slice(0, 60)}`);
    }
    for (const field of Object.keys(good)) {
      const { [field]: _, ...rest } = good;
      if (field == 'want') assert.deepEqual(parseControl(JSON.stringify(rest)), { ...good, want: [] }, 'earlier versions do not say it');
      else assert.throws(() => parseControl(JSON.stringify(rest)), TypeError, `without ${field}`);
    }
  });
}

test('what is no message', () => {
  for (const text of ['', 'x', '{', 'null', '5', '"bye"', '[]', '[{"t":"bye"}]', '{}', '{"t":null}', '{"t":5}', '{"t":""}', '{"t":"constructor"}', '{"t":"__proto__"}', '{"t":"toString"}',
    '{"t":"hasOwnProperty"}', '{"t":["bye"]}', '{"__proto__":{"t":"bye"}}', '{"t":"BYE"}', null, undefined, 5, {}, new ArrayBuffer(9)]) assert.ok(thrown(() => parseControl(text)), String(text));
});

test('262,144 characters are the most', () => {
  const pad = n => JSON.stringify({ t: 'bye', pad: '' }).replace('""', `"${'x'.repeat(n)}"`), base = pad(0).length;
  assert.deepEqual(parseControl(pad(262144 - base)), { t: 'bye' });
  assert.throws(() => parseControl(pad(262145 - base)), TypeError);
});

test('a message cannot reach a prototype', () => {
  const m = parseControl('{"t":"app","data":{"__proto__":{"polluted":1}},"__proto__":{"up":true}}');
  assert.deepEqual(Object.keys(m), ['t', 'data']);
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
  assert.equal(m.up, undefined);
});

test('20,000 changed messages: refused, or exactly of a documented shape', () => {
  const roll = dice(3), texts = SHAPES.map(([good]) => JSON.stringify(good)), fields = new Map(SHAPES.map(([good]) => [good.t, Object.keys(good).sort().join()]));
  let good = 0;
  for (let n = 0; n < 20000; n++) {
    let text = texts[roll(texts.length)];
    for (let changes = roll(3); changes >= 0; changes--) {
      const at = roll(text.length), other = texts[roll(texts.length)];
      text = [text.slice(0, at) + String.fromCharCode(32 + roll(95)) + text.slice(at + 1), text.slice(0, at), text.slice(0, at) + other.slice(roll(other.length)),
        text.slice(0, at) + text.slice(at + 1)][roll(4)];
    }
    const error = thrown(() => {
      const m = parseControl(text);
      good++;
      assert.equal(Object.keys(m).sort().join(), fields.get(m.t));
    });
    assert.ok(!error || error instanceof TypeError || error instanceof SyntaxError, `${text}: ${error}`);
  }
  assert.ok(good > 100 && good < 15000, `${good} good`);
});

test('frames: u32 request, u32 offset, 1 to 65,536 bytes', () => {
  const of = n => Uint8Array.from({ length: n }, (_, i) => i).buffer;
  assert.deepEqual(parseFrame(Uint8Array.from([1, 2, 3, 4, 0, 1, 0, 0, 9, 8]).buffer), { id: 0x01020304, offset: 65536, payload: Uint8Array.from([9, 8]) });
  assert.equal(parseFrame(Uint8Array.from(many(9, 255)).buffer).id, 4294967295);
  assert.equal(parseFrame(of(CHUNK + 8)).payload.length, 65536);
  for (const bad of [of(0), of(8), of(CHUNK + 9), new Uint8Array(100), Buffer.alloc(20), 'x'.repeat(20), null, undefined, {}, new Blob(['x'.repeat(20)])]) assert.throws(() => parseFrame(bad), TypeError);
});

test('5,000 random frames', () => {
  const roll = dice(4);
  for (let n = 0; n < 5000; n++) {
    const raw = bytes(roll, roll(40)), error = thrown(() => {
      const { id, offset, payload } = parseFrame(raw.buffer), view = Buffer.from(raw);
      assert.deepEqual([id, offset, payload.length], [view.readUInt32BE(0), view.readUInt32BE(4), raw.length - 8]);
    });
    assert.equal(!!error, raw.length < 9);
    assert.ok(!error || error instanceof TypeError);
  }
});

test('what is framed is what is read', () => {
  const roll = dice(5), piece = bytes(roll, 150000), out = new Uint8Array(piece.length), sizes = [];
  for (let at = 0; at < piece.length; at += CHUNK) {
    const { id, offset, payload } = parseFrame(frame(77, at, piece.subarray(at, at + CHUNK)));
    assert.deepEqual([id, offset], [77, at]);
    out.set(payload, offset);
    sizes.push(payload.length);
  }
  assert.deepEqual(out, piece);
  assert.deepEqual(sizes, [65536, 65536, 18928]);
});

test('bitmaps: bit i is bit 7 - i % 8 of byte i / 8', () => {
  assert.deepEqual(bitmap([true, false, false, false, false, false, false, true, true]), Uint8Array.from([0x81, 0x80]));
  assert.deepEqual(bitmap([]), new Uint8Array(0));
  const roll = dice(6), all = Array.from({ length: 1000 }, () => !roll(2)), map = bitmap(all);
  assert.deepEqual(all.map((_, i) => bit(map, i)), all);
  for (const i of [1000, 1008, 4294967295]) assert.equal(bit(map, i), false);
  assert.equal(bit(undefined, 0), false);
});
