// What hosts let .htaccess say, times where the program lies, times our tier
// files: tier 0 works everywhere, and none of the tiers ever gives a 500.
import assert from 'node:assert/strict';
import { copyFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { htaccess, makeDirectory, parse, program, removeDirectory, startHost } from '../servers/server.mjs';

const overrides = ['None', 'FileInfo', 'All', 'FileInfo Options=ExecCGI', 'FileInfo Options'];
const places = {
  'cgi-bin by ScriptAlias': { folder: 'cgi-bin', options: 'FollowSymLinks', alias: true },
  'a folder that may run programs': { folder: 'polycircle', options: 'FollowSymLinks ExecCGI' },
  'a folder that may not': { folder: 'polycircle', options: 'FollowSymLinks' },
  'nothing allowed': { folder: 'polycircle', options: 'None' },
};
const files = { 'no .htaccess': [], 'tier 1': [1], 'tier 2': [2], 'tier 2 with Options': ['options'] };

const reads = (override) => override !== 'None';
const mayOptions = (override) => /All|Options/.test(override);

/** What Apache's documentation promises for a combination. */
function expected({ override, place, tiers }) {
  const { alias, options } = places[place];
  if (tiers.includes('options') && reads(override) && !mayOptions(override)) return 'broken';
  if (alias) return 'works';
  if (!tiers.length || !reads(override)) return 'download';
  return options.includes('ExecCGI') || tiers.includes('options') ? 'works' : 'refused';
}

const seen = async (server, path) => {
  const answer = await server.request({ path: `${path}/health` });
  if (answer.status === 500) return 'broken';
  if (parse(answer.body)?.polycircle === 1) return 'works';
  if (answer.status === 403) return 'refused';
  return (await server.request({ path })).body.includes('ELF') ? 'download' : String(answer.status);
};

/** Every combination in a directory of its own, of one server. */
const combinations = overrides.flatMap((override) => Object.keys(places).flatMap((place) => Object.entries(files).map(([file, tiers]) => ({ override, place, file, tiers }))))
  .map((item, n) => ({ ...item, home: `/h${n}`, path: `/h${n}/${places[item.place].folder}` }));
const pretty = overrides.flatMap((override) => ['FollowSymLinks', 'SymLinksIfOwnerMatch', 'None'].map((options) => ({ override, options })))
  .map((item, n) => ({ ...item, home: `/p${n}`, path: `/p${n}/cgi-bin` }));

async function make(dir) {
  await mkdir(join(dir, 'public_html'));
  let own = '';
  for (const { home, path, override, place, tiers = [], options } of [...combinations, ...pretty]) {
    const at = place ? places[place] : { options, alias: true };
    await mkdir(join(dir, 'public_html', path), { recursive: true });
    await copyFile(program, join(dir, 'public_html', path, 'polycircle.fcgi'));
    await chmod(join(dir, 'public_html', path, 'polycircle.fcgi'), 0o755);
    if (tiers.length) await htaccess(join(dir, 'public_html', path), tiers);
    if (!place) await htaccess(join(dir, 'public_html', home), [3]);
    await writeFile(join(dir, 'public_html', home, 'page.html'), 'the site');
    own += `<Directory ${dir}/public_html${home}>\n  AllowOverride ${override}\n  Options ${at.options}\n</Directory>\n`;
    if (at.alias) own += `ScriptAlias ${path}/ ${dir}/public_html${path}/\n`;
  }
  return own;
}

for (const kind of ['apache-cgid', 'apache-fcgid']) {
  describe(kind, () => {
    let dir;
    let server;
    before(async () => {
      dir = await makeDirectory();
      const own = await make(dir);
      // a host that has mod_fcgid runs what its cgi-bin holds by mod_cgid
      const cgid = '/usr/lib/apache2/modules/mod_cgid.so';
      server = await startHost(kind, dir, `${kind === 'apache-fcgid' ? `LoadModule cgid_module ${cgid}\nScriptSock ${dir}/run/cgid.sock\nFcgidSpawnScoreUpLimit 1000\n` : ''}${own}`);
    });
    after(async () => {
      await server?.stop();
      await removeDirectory(dir);
    });

    for (const item of combinations) {
      test(`AllowOverride ${item.override}, ${item.place}, ${item.file}`, async () => {
        const what = await seen(server, `${item.path}/polycircle.fcgi`);
        assert.equal(what, expected(item), await server.errors());
        assert.ok(what !== 'broken' || item.tiers.includes('options'), 'only the line of htaccess.options.txt can do that');
        assert.equal((await server.request({ path: `${item.home}/page.html` })).status, 200, 'and then in no other folder');
      });
    }

    for (const { override, options, home, path } of pretty) {
      test(`tier 3, AllowOverride ${override}, Options ${options}`, async () => {
        const forbidden = reads(override) && options === 'None';
        const short = await server.request({ path: `${home}/signal?${'A'.repeat(22)}` });
        assert.equal(short.status, { true: 403, false: reads(override) ? 503 : 404 }[forbidden], await server.errors());
        assert.equal((await server.request({ path: `${home}/polycircle/health` })).status, short.status, 'and the folder');
        assert.equal((await server.request({ path: `${home}/page.html` })).status, forbidden ? 403 : 200, 'why a tier is tried in a folder of its own first');
        assert.equal((await server.request({ path: `${home}/.well-known/acme-challenge/x` })).status, forbidden ? 403 : 404);
        if (!forbidden) assert.equal(parse((await server.request({ path: `${path}/polycircle.fcgi/health` })).body)?.polycircle, 1, 'tier 0 works as before');
      });
    }
  });
}
