import './setup.mjs';
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readManifest, unpack } from '../../htdocs/content/manifest.js';

const keys = generateKeyPairSync('ed25519'), key = keys.publicKey.export({ format: 'jwk' }).x;
const hashes = Buffer.concat([1, 2, 3].map(i => createHash('sha256').update(String(i)).digest()));
const payload = { v: 1, cid: '0123456789abcdef', can: 'demo', version: 7, issued: 1, origins: ['/media/', 'https://cdn.example/x/'],
  media: [{ path: 'a b/film #1.mp4', type: 'video/mp4', size: 600000, mtime: 1789990000, piece: 262144, sha256: hashes.toString('base64url') }] };
const expected = { key, cid: payload.cid, seen: 7, home: 'https://site.example' };

function envelope(change = {}, { by = keys.privateKey, prefix = 'polycircle-manifest-1\n', ...over } = {}) {
  const signed = JSON.stringify({ ...payload, ...change });
  return { polycircle: 1, key, signed, sig: sign(null, Buffer.from(prefix + signed), by).toString('base64url'), ...over };
}

test('a signed manifest: media with their hashes, root and addresses', async () => {
  const { version, media: [m] } = await readManifest(envelope(), expected);
  assert.equal(version, 7);
  assert.deepEqual(m.urls, ['https://site.example/media/a%20b/film%20%231.mp4', 'https://cdn.example/x/a%20b/film%20%231.mp4']);
  assert.deepEqual(m.hashes, [1, 2, 3].map(i => createHash('sha256').update(String(i)).digest('hex')));
  assert.equal(m.root, createHash('sha256').update(hashes).digest('hex').slice(0, 16));
});

const other = generateKeyPairSync('ed25519');
for (const [what, bad, wants = {}] of [
  ['signed by somebody else', envelope({}, { by: other.privateKey })],
  ['with another key', envelope({}, { by: other.privateKey, key: other.publicKey.export({ format: 'jwk' }).x })],
  ['signed for another purpose', envelope({}, { prefix: '' })],
  ['changed after signing', { ...envelope(), signed: JSON.stringify({ ...payload, version: 8 }) }],
  ['older than the last seen', envelope({ version: 6 })],
  ['of another circle', envelope({ cid: 'fedcba9876543210' })],
  ['of another kind', envelope({ v: 2 })],
  ['without an origin', envelope({ origins: [] })],
  ['with a hash too few', envelope({ media: [{ ...payload.media[0], size: 262144 * 3 + 1 }] })],
  ['when another key is pinned', envelope(), { key: other.publicKey.export({ format: 'jwk' }).x }],
]) test(`refused: ${what}`, () => assert.rejects(readManifest(bad, { ...expected, ...wants })));

test('unpacked: as it was packed, and also where somebody on the way has done it', async () => {
  const wants = envelope(), text = JSON.stringify(wants);
  assert.deepEqual(await unpack(new Blob([gzipSync(text)])), wants);
  assert.deepEqual(await unpack(new Blob([text])), wants);
});

const packed = gzipSync(JSON.stringify(envelope())), flipped = Buffer.from(packed);
flipped[packed.length >> 1] ^= 1;
for (const [what, bad] of [
  ['nothing', ''], ['a page of the host', '<!doctype html><title>404</title>'], ['cut short', packed.subarray(0, -9)], ['a bit changed', flipped],
  ['more behind it', Buffer.concat([packed, Buffer.from('x')])], ['a short text that becomes a long one', gzipSync(Buffer.alloc(2 ** 26 + 1, ' '))],
  ['a long text', Buffer.alloc(2 ** 26 + 1, ' ')],
]) test(`not unpacked: ${what}`, () => assert.rejects(unpack(new Blob([bad]))));

test('unpacked: 64 MiB is not too long', async () => assert.deepEqual(await unpack(new Blob([gzipSync('{}'.padEnd(2 ** 26))])), {}));
