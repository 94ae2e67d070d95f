// The program dropped on a shared host by FTP: no configuration of the server,
// no environment, only files. The tiers are those of cgi-bin/htaccess-*.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory, must, parse, removeDirectory, startHost, tier0, upload } from './server.mjs';

const cgiBin = (dir, override) => `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>
ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\n`;
const folder = (dir, override) => `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>\n`;

const hosts = {
  'tier 0: the host has a cgi-bin': { kind: 'apache-cgid', own: (dir) => cgiBin(dir, 'None'), htaccess: {} },
  'tier 1: .htaccess may run programs': { kind: 'apache-cgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options', 1] } },
  'tier 2: .htaccess, mod_fcgid': { kind: 'apache-fcgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options', 2] } },
  'tier 2: .htaccess, no mod_fcgid': { kind: 'apache-cgid', own: (dir) => folder(dir, 'FileInfo Options'), htaccess: { 'public_html/cgi-bin': ['options', 2] } },
  'tier 3: pretty URLs, the host has a cgi-bin': { kind: 'apache-cgid', own: (dir) => cgiBin(dir, 'FileInfo'), htaccess: { public_html: [3] }, pretty: true },
  'tier 3: pretty URLs, mod_fcgid': {
    kind: 'apache-fcgid', own: (dir) => folder(dir, 'All'), htaccess: { public_html: [3], 'public_html/cgi-bin': ['options', 2] }, pretty: true,
  },
};

for (const [name, { kind, own, htaccess, pretty }] of Object.entries(hosts)) {
  test(name, async () => {
    const dir = await makeDirectory();
    let server;
    try {
      await upload(dir, htaccess);
      const owner = (...args) => must(dir, args, { POLYCIRCLE_DATA: undefined }, 'public_html/cgi-bin');
      const bases = pretty ? [tier0, '/'] : [tier0];
      await owner('init', ...bases.flatMap((base) => ['--url', `http://site.example${base}`]));
      const { api_key: key, cid } = JSON.parse(await owner('circle', 'add', 'demo', '--json'));
      server = await startHost(kind, dir, own(dir));
      for (const base of bases) {
        const health = await server.request({ path: `${base}health` });
        assert.equal(parse(health.body)?.ok, true, `${health.status} ${health.body} ${await server.errors()}`);
        const loader = await server.request({ path: `${base}signal?${key}` });
        assert.ok(loader.body.includes(cid));
        const joined = await server.sync({ v: 1, key, token: randomBytes(32).toString('hex'), run: '00000001' }, { path: `${base}sync` });
        assert.equal(joined.status, 200);
        assert.equal((await server.request({ path: `${base}nosuch` })).status, 404);
      }
      const data = await stat(join(dir, 'polycircle-data'));
      assert.equal(data.mode & 0o777, 0o700, 'the data lies outside the document root, for its owner only');
      const bare = await server.request({ path: tier0.slice(0, -1) });
      assert.ok(!bare.body.includes('ELF'), 'the program itself cannot be fetched');
    } finally {
      await server?.stop();
      await removeDirectory(dir);
    }
  });
}
