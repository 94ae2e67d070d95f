// Bodies: the largest that a client may send goes through every server, in
// both encodings; what is larger gets an answer, ours or the server's, never
// silence.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { form, hostingKinds, kinds, makeDirectory, must, parse, removeDirectory, startServer, tier0 } from '../servers/server.mjs';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const limit = 120 * 1024;
const many = (n, make) => Array.from({ length: n }, (_, i) => make(i));

/** Everything that doc/PROTOCOL.md 1.4 allows in one sync, each at its largest. */
const largest = (token, to) => ({
  v: 1, token, run: hex(4), cursor: '4294967295.4294967295',
  mail: many(8, () => ({ id: hex(8), to, re: hex(8), body: 'A'.repeat(8192) })),
  offers: many(3, () => ({ id: hex(8), sdp: 'A'.repeat(1024) })),
  have: many(256, (i) => [65_535 - i, 100]), want: many(256, (i) => 65_535 - i), gone: many(16, () => hex(32)),
});

/** RFC 4648 6, without padding. */
function base32(text) {
  const bits = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.match(/.{1,5}/g).map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five.padEnd(5, '0'), 2)]).join('');
}
const forms = { d: form, h: (fields) => `h=${base32(JSON.stringify(fields))}` };

test('the largest request of the protocol is under 120 KiB, in both encodings', () => {
  for (const [name, make] of Object.entries(forms)) {
    const { length } = make(largest(hex(32), hex(32)));
    assert.ok(length > 100_000 && length <= limit, `${name}: ${length} bytes`);
  }
});

/** Who answers a body that is too large: ours (413 and our JSON) unless the server refuses earlier. */
const answers = {
  'apache-fcgid': (kib) => (kib >= 130 ? 500 : 'ours'),
  'apache-suexec-fcgid': (kib) => (kib >= 130 ? 500 : 'ours'),
  'nginx-spawn-fcgi': (kib) => (kib > 1024 ? 413 : 'ours'),
  'nginx-fcgiwrap': (kib) => (kib > 1024 ? 413 : 'ours'),
};

for (const kind of [...kinds, ...hostingKinds]) {
  describe(kind, () => {
    let dir;
    let server;
    let key;
    before(async () => {
      dir = await makeDirectory();
      await must(dir, ['init', '--url', `http://site.example${tier0}`]);
      key = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json'])).api_key;
      server = await startServer(kind, dir);
    });
    after(async () => {
      await server?.stop();
      await removeDirectory(dir);
    });

    for (const [name, make] of Object.entries(forms)) test(`the largest sync of the protocol, ${name}=`, async () => {
      const [a, b] = [hex(32), hex(32)];
      const { json: { sig } } = await server.sync({ v: 1, key, token: a, run: hex(4) });
      const fields = largest(b, sig);
      assert.equal((await server.sync({ v: 1, key, token: b, run: fields.run })).status, 200);
      fields.cursor = '0.0';
      fields.gone = [];
      const { status, json } = await server.sync(fields, { body: make(fields) });
      assert.deepEqual([status, json.sent?.length], [200, 8], JSON.stringify(json));
      assert.ok(json.sent.every(({ error }) => !error));
    });

    for (const chunked of [false, true]) {
      for (const kib of [120, 128, 130, 1000, 1100]) {
        test(`${kib} KiB${chunked ? ' in chunks' : ''}`, async () => {
          const bare = form({ v: 1, key, token: hex(32), run: hex(4), pad: '' }).length;
          let body = form({ v: 1, key, token: hex(32), run: hex(4), pad: 'x'.repeat(Math.floor((kib * 1024 - bare) * 3 / 4)) });
          body = kib === 120 ? body : body.padEnd(kib * 1024, 'A');
          assert.ok(body.length <= kib * 1024 && body.length > kib * 1024 - 8);
          const answer = await server.request({ method: 'POST', path: `${tier0}sync`, body, chunked, timeout: 25_000 });
          const own = parse(answer.body);
          if (kib === 120) assert.deepEqual([answer.status, own?.polycircle], [200, 1]);
          else if ((answers[kind]?.(kib) ?? 'ours') === 'ours') assert.deepEqual([answer.status, own?.error], [413, 'too_large']);
          else assert.deepEqual([answer.status, own], [answers[kind](kib), null]);
        });
      }
    }
  });
}
