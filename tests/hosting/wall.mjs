// A shared host behind a firewall: Apache with mod_security, all rules of the OWASP Core Rule Set blocking, and the program dropped into its
// cgi-bin, run by mod_fcgid. Rule sets: Debian's modsecurity-crs, and each directory of POLYCIRCLE_CRS (colons between; such as a checkout of
// CRS 4: crs-setup.conf.example and rules/ are in it).
import { setDefaultResultOrder } from 'node:dns';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeDirectory, must, removeDirectory, startHost, tier0, upload } from '../servers/server.mjs';

setDefaultResultOrder('ipv4first');  // 'localhost' is 127.0.0.1 here; as a number it would be rule 920350's
const modules = '/usr/lib/apache2/modules', modsecurity = '/etc/modsecurity';

async function ruleSet(setup, rules) {
  if (!existsSync(setup)) throw new Error(`no ${setup}: tools/setup waf installs Debian's rules; POLYCIRCLE_CRS names directories that hold others`);
  const [, version] = /ver:'OWASP_CRS\/([^']+)'/.exec(await readFile(join(rules, 'REQUEST-949-BLOCKING-EVALUATION.conf'), 'utf8'));
  return { name: `CRS ${version}`, setup, rules };
}

const named = (process.env.POLYCIRCLE_CRS ?? '').split(':').filter(Boolean);
export const ruleSets = await Promise.all([ruleSet(join(modsecurity, 'crs/crs-setup.conf'), '/usr/share/modsecurity-crs/rules'),
  ...named.map((dir) => ruleSet(existsSync(join(dir, 'crs-setup.conf')) ? join(dir, 'crs-setup.conf') : join(dir, 'crs-setup.conf.example'), join(dir, 'rules')))]);

/** mod_security's recommended configuration as an administrator changes it: it blocks, and says why in Apache's error log. */
async function firewall(dir, { setup, rules }, level) {
  const recommended = await readFile(join(modsecurity, 'modsecurity.conf-recommended'), 'utf8'), run = join(dir, 'run');
  const changed = { SecRuleEngine: 'On', SecAuditEngine: 'Off', SecAuditLog: join(run, 'audit.log'), SecTmpDir: run, SecDataDir: run,
    SecUnicodeMapFile: `${modsecurity}/unicode.mapping 20127` };
  await writeFile(join(dir, 'modsecurity.conf'), recommended.replace(/^(Sec\w+) .*$/gm, (line, name) => (name in changed ? `${name} ${changed[name]}` : line)));
  const levels = ['paranoia_level', 'blocking_paranoia_level', 'executing_paranoia_level', 'detection_paranoia_level'];
  return `LoadModule unique_id_module ${modules}/mod_unique_id.so
LoadModule security2_module ${modules}/mod_security2.so
Include ${dir}/modsecurity.conf
SecAction "id:100,phase:1,nolog,pass,t:none,${levels.map((name) => `setvar:tx.${name}=${level}`).join(',')}"
Include ${setup}
Include ${rules}/*.conf
`;
}

const cgiBin = (dir) => `ScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/
<Directory ${dir}/public_html/cgi-bin>
  SetHandler fcgid-script
</Directory>
`;

/** `fill` puts the owner's files there first; `more` are rules of the host's own. */
export async function startWalled(rules, level, { fill = async () => {}, more = '' } = {}) {
  const dir = await makeDirectory();
  try {
    await upload(dir, {});
    await fill(join(dir, 'public_html'), dir);
    const server = await startHost('apache-fcgid', dir, cgiBin(dir) + await firewall(dir, rules, level) + more);
    const owner = (...args) => must(dir, args, { POLYCIRCLE_DATA: undefined }, 'public_html/cgi-bin');
    return { dir, server, owner, port: server.port, base: `http://localhost:${server.port}${tier0}`,
      async stop() {
        await server.stop();
        await removeDirectory(dir);
      } };
  } catch (error) {
    await removeDirectory(dir);
    throw error;
  }
}

/** What was refused since `from`, a place in the log: {requests, rules: {id: [count, message]}, end} */
export async function refused({ server }, from = 0) {
  const all = await server.errors(), log = all.slice(from), found = { end: all.length, rules: {} }, seen = new Set();
  const denied = new Set([...log.matchAll(/ModSecurity: Access denied .*?\[unique_id "([^"]+)"\]/g)].map(([, id]) => id));
  for (const [, id, message, unique] of log.matchAll(/ModSecurity: .*?\[id "(\d+)"\].*?\[msg "([^"]*)"\].*?\[unique_id "([^"]+)"\]/g)) {
    if (!denied.has(unique) || /^(949|959|980)/.test(id) || seen.has(id + unique)) continue;
    seen.add(id + unique);
    (found.rules[id] ??= [0, message])[0]++;
  }
  return { ...found, requests: denied.size };
}

/** As lines: how many requests, then each rule that had a say, most first. */
export const table = ({ requests, rules }) => [`${requests} requests refused`,
  ...Object.entries(rules).sort(([, a], [, b]) => b[0] - a[0]).map(([id, [n, message]]) => `${String(n).padStart(6)}  ${id}  ${message}`)];
