// How the self-test's page judges what it measures.
import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filled, form, missing, overlap, owner, pollBudget, wire } from '../../htdocs/owner/measure.js';

test('a body of a size is of that size on the wire', () => {
  for (const field of ['d', 'h']) for (const kib of [16, 64, 120, 130, 1000]) {
    const body = filled(field, kib * 1024);
    assert.ok(body.length <= kib * 1024 && body.length > kib * 1024 - 4, `${field} ${kib}: ${body.length}`);
  }
  assert.equal(JSON.parse(Buffer.from(filled('d', 1000).slice(2), 'base64url')).v, 1);
});

test('how many ran at one moment', () => {
  assert.equal(overlap([]), 0);
  assert.equal(overlap([{ from: 0, to: 10 }]), 1);
  assert.equal(overlap([{ from: 0, to: 10 }, { from: 10, to: 20 }]), 1, 'one after the other');
  assert.equal(overlap([{ from: 0, to: 10 }, { from: 5, to: 15 }, { from: 9, to: 11 }, { from: 20, to: 30 }]), 3);
});

test('the poll budget: a tenth of the requests at a time, over the time of one', () => {
  for (const [slots, ms, want] of [[20, 100, 20], [20, 200, 10], [4, 100, 4], [1, 100, 1], [1, 5000, 1], [20, 0, 20], [24, 1000, 2]]) {
    assert.equal(pollBudget(slots, ms), want, `${slots} slots, ${ms} ms`);
  }
});

test('what is missing in a policy, as it must stand there', () => {
  const cases = {
    '': [],
    'img-src *': [],
    "frame-ancestors 'none'; base-uri 'self'": [],
    "default-src 'self'": ["script-src 'self' blob:", "media-src 'self' blob:"],
    "default-src 'none'": ["script-src 'self' blob:", "connect-src 'self'", "media-src 'self' blob:", "worker-src 'self'"],
    "default-src 'self' blob:": [],
    'DEFAULT-SRC https: blob:': [],
    "default-src https://site.example; script-src https://site.example/ 'unsafe-inline' blob:; media-src * blob:": [],
    "default-src *.example blob:": [],
    "default-src *.other blob:": ["script-src *.other blob: 'self'", "connect-src *.other blob: 'self'", "media-src *.other blob: 'self'", "worker-src *.other blob: 'self'"],
    "script-src 'self' blob:; worker-src 'none'": ["worker-src 'self'"],
    "script-src 'self' blob:; child-src 'none'": ["worker-src 'self'"],
    "script-src 'self' blob:; script-src 'none'": [],
    "default-src 'self' blob:; connect-src https://api.example": ["connect-src https://api.example 'self'"],
  };
  for (const [policy, want] of Object.entries(cases)) assert.deepEqual(missing(policy, 'https://site.example'), want, policy);
  for (const policy of Object.keys(cases)) {
    const added = missing(policy, 'https://site.example'), names = added.map(d => d.split(' ')[0]);
    const mended = [...policy.split(';').filter(d => !names.includes(d.trim().split(' ')[0].toLowerCase())), ...added].join(';');
    assert.deepEqual(missing(mended, 'https://site.example'), [], `${policy} is mended by what is said`);
  }
});

test('an action goes past a firewall that refuses one encoding, and the form that works is kept', async t => {
  const seen = [];
  t.mock.method(globalThis, 'fetch', async (url, { body }) => {
    seen.push(body.slice(0, 2));
    return body.startsWith('d=') ? new Response('<h1>403</h1>', { status: 403 })
      : new Response(JSON.stringify(body == form('h', { v: 1, do: 'no' }) ? { polycircle: 1, error: 'wrong_code', text: 'Not that code.' } : { polycircle: 1, fine: true }));
  });
  assert.deepEqual(await owner('http://site.example/', { do: 'x' }), { polycircle: 1, fine: true });
  assert.deepEqual(await owner('http://site.example/', { do: 'x' }), { polycircle: 1, fine: true });
  assert.deepEqual(seen, ['d=', 'h=', 'h=']);
  await assert.rejects(owner('http://site.example/', { do: 'no' }), /Not that code/);
  t.mock.method(globalThis, 'fetch', async () => { throw new TypeError('no'); });
  await assert.rejects(owner('http://site.example/', { do: 'x' }), /did not answer/);
  wire.field = 'd';
});
