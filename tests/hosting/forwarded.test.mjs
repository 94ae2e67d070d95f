// Whose address is it? X-Forwarded-For as any client may write it, and as a proxy of the owner's list does. What the program
// makes of an address is seen by `near`: two signals of one bucket (/32, or /64 of IPv6).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeDirectory, must, removeDirectory, startServer } from '../servers/server.mjs';

const hex = bytes => randomBytes(bytes).toString('hex');

for (const kind of ['apache-fcgid', 'nginx-fcgiwrap', 'lighttpd-cgi']) {
  describe(kind, () => {
    let dir, server, key;
    before(async () => {
      dir = await makeDirectory();
      server = await startServer(kind, dir);
      await must(dir, ['init', '--url', `http://site.example/cgi-bin/polycircle.fcgi`]);
    });
    after(async () => {
      await server?.stop();
      await removeDirectory(dir);
    });

    /** A circle of its own: a greeter by one address, a newcomer by another; are they near? */
    const near = async (greeter, newcomer) => {
      key = JSON.parse(await must(dir, ['circle', 'add', `c${hex(6)}`, '--json'])).api_key;
      const enter = (forwarded, more) => server.sync({ v: 1, key, token: hex(32), run: hex(4), ...more }, { headers: forwarded ? { 'X-Forwarded-For': forwarded } : {} });
      assert.equal((await enter(greeter, { greet: true, offers: [{ id: 'o1', sdp: 'x' }] })).status, 200);
      const { json } = await enter(newcomer, {});
      assert.equal(json.peers?.length, 1, JSON.stringify(json));
      return json.peers[0].near;
    };

    test('by default nobody is believed', async () => {
      assert.equal(await near('198.51.100.1', '203.0.113.9'), true, 'all come from the address that speaks to the web server');
    });

    test('a listed proxy is believed, its right-most word', async () => {
      await must(dir, ['set', 'proxies', '127.0.0.1 10.0.0.0/8']);
      assert.equal(await near('198.51.100.1', '203.0.113.9'), false, 'two visitors');
      assert.equal(await near('198.51.100.1', '198.51.100.1'), true, 'one address twice');
      assert.equal(await near('198.51.100.1', '203.0.113.9, 198.51.100.1'), true, 'what the client wrote before does not count');
      assert.equal(await near('198.51.100.1, 10.1.2.3', '198.51.100.1'), true, 'a second proxy of the list is looked behind');
      assert.equal(await near('2001:db8:1:2::1', '2001:db8:1:2:ffff::9'), true, 'an IPv6 network is one household');
      assert.equal(await near('2001:db8:1:2::1', '2001:db8:1:3::1'), false, 'the next one is another');
      assert.equal(await near('rubbish', 'other rubbish'), true, 'what is no address leaves the proxy itself');
      await must(dir, ['set', 'proxies', '']);
      assert.equal(await near('198.51.100.1', '203.0.113.9'), true, 'taken off the list, it is believed no more');
    });
  });
}

// lighttpd makes one variable of these names, and a proxy hands on what a visitor writes under the others. What is sent is, in
// each order, what the proxy says and what the visitor says.
const names = ['X_Forwarded_For', 'X-Forwarded_For', 'X_Forwarded-For'];
for (const kind of ['lighttpd-cgi', 'lighttpd-fastcgi'])
  for (const [what, change, believed] of [
    ['as cgi-bin/ configures it', undefined, true],
    ['configured by somebody else', text => text.replace(/^setenv\.set-request-header .*$/m, ''), false],
  ])
    test(`${kind}, ${what}: nobody is whom he says he is`, async () => {
      const dir = await makeDirectory(), server = await startServer(kind, dir, { change });
      try {
        await must(dir, ['init', '--url', 'http://site.example/cgi-bin/polycircle.fcgi']);
        await must(dir, ['set', 'proxies', '127.0.0.1']);
        const { api_key: key } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--json']));
        const live = join(dir, 'data', (await readdir(join(dir, 'data'))).find(name => /^live-\d+\.db$/.test(name)));
        const networks = () => Number(execFileSync('sqlite3', [live, 'SELECT count(DISTINCT bucket) FROM signal'], { encoding: 'utf8' }));
        const visit = async headers => assert.equal((await server.sync({ v: 1, key, token: hex(32), run: hex(4) }, { headers })).status, 200);
        await visit({});
        assert.equal(networks(), 1, 'the proxy itself');
        let lies = 0;
        for (const name of names)
          for (const turn of [headers => headers, headers => Object.fromEntries(Object.entries(headers).reverse())])
            for (let i = 0; i < 3; i++) await visit(turn({ 'X-Forwarded-For': '198.51.100.1', [name]: `203.0.113.${++lies}` }));
        assert.equal(networks(), believed ? 2 : 1, `${lies} lies of one visitor`);
        await visit({ 'X-Forwarded-For': '198.51.100.1' });
        await visit({ 'X-Forwarded-For': '198.51.100.2' });
        assert.equal(networks(), 3, 'who says nothing of his own is believed');
      } finally {
        await server.stop();
        await removeDirectory(dir);
      }
    });
