// What the documents tell somebody to type, typed: in a clean clone (that was done where the release was made), and in a home on
// a web server that is https://site.example. tests/commands.txt has the commands; tests/demo/alone gives the machine's name.
import assert from 'node:assert/strict';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { table, type } from '../commands.mjs';
import { makeRelease, run } from '../hosting/release.mjs';
import { makeDirectory, removeDirectory, startHost } from '../servers/server.mjs';

const release = await makeRelease(), dir = await makeDirectory();
const owner = process.getuid() === 0 ? { uid: Number((await run('id', ['-u', 'www-data'])).stdout), gid: Number((await run('id', ['-g', 'www-data'])).stdout) } : {};
after(async () => { await removeDirectory(dir); await release.remove(); });

/** A host with a cgi-bin in the document root and a certificate, which curl is told to believe. */
const conf = `LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/
Listen 443
<VirtualHost *:443>
  ServerName site.example
  SSLEngine on
  SSLCertificateFile ${dir}/cert.pem
  SSLCertificateKeyFile ${dir}/key.pem
</VirtualHost>
`;

test('in a clean clone', async (t) => {
  const typed = release.typed.match(/^ok \d+ - .*$/gm).map(line => line.replace(/^ok \d+ - /, ''));
  assert.deepEqual(typed, table().filter(({ where }) => where == 'build').map(({ command }) => command));
  for (const command of typed) await t.test(command, () => {});
});

test('at site.example', async (t) => {
  for (const name of ['public_html', 'public_html/cgi-bin', 'public_html/films']) await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, 'public_html/films/film.mp4'), 'film');
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=site.example', '-addext', 'subjectAltName=DNS:site.example', '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')]);
  for (const name of ['', 'public_html', 'public_html/cgi-bin']) if (owner.uid) await chown(join(dir, name), owner.uid, owner.gid);
  const host = await startHost('apache-cgid', dir, conf);
  try {
    for (const { command, ok, code, printed } of type('host', { cwd: release.clone, env: { HOME: dir, CURL_CA_BUNDLE: join(dir, 'cert.pem'), CLONE: release.clone }, ...owner }))
      await t.test(command, async () => assert.ok(ok, `status ${code}, printed:\n${printed}\n${await readFile(join(dir, 'run/error.log'), 'utf8')}`));
  } finally {
    await host.stop();
  }
});
