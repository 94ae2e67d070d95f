// A shared host and its customer, who has FTP and a browser: Apache with suEXEC, the host's own cgi-bin, vsftpd, nothing else. What
// the customer does is counted.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, inPrivate, makeDirectory, owner, removeDirectory, Server } from '../servers/server.mjs';
import { startVsftpd } from './ftpd.mjs';

const run = promisify(execFile), modules = '/usr/lib/apache2/modules';

/** The FTP server: an ordinary user's login. What it sees is `top`, and nothing above. The user exists for this server alone. */
async function startFtp(dir, top) {
  const in_ = name => join(dir, 'run', `ftp-${name}`), password = randomBytes(12).toString('hex');
  const hash = (await run('sh', ['-c', 'printf %s "$P" | openssl passwd -6 -stdin'], { env: { ...process.env, P: password } })).stdout.trim();
  const { name, uid, gid } = owner, lines = { passwd: `${name}:x:${uid}:${gid}::${top}:/bin/sh`, group: `${name}:x:${gid}:`, shadow: `${name}:${hash}:20000:0:99999:7:::` };
  for (const [file, line] of Object.entries(lines)) {
    await copyFile(`/etc/${file}`, in_(file));
    await appendFile(in_(file), `${line}\n`);
  }
  const mounts = Object.keys(lines).map(file => [in_(file), `/etc/${file}`]);
  const server = await startVsftpd(dir, ['anonymous_enable=NO', 'local_enable=YES', 'chroot_local_user=YES', 'allow_writeable_chroot=YES', 'local_umask=022',
    'pam_service_name=vsftpd', 'ascii_upload_enable=YES', 'ascii_download_enable=YES'], command => inPrivate(mounts, command).flat());
  return { ...server, password };
}

/** files: what the site has already. top: what FTP shows, the home or the web site alone. */
export async function makeNewcomer({ files = {}, top = '.' } = {}) {
  const dir = await makeDirectory(), home = join(dir, 'home'), site = join(home, 'public_html');
  await mkdir(join(site, 'cgi-bin'), { recursive: true });
  await mkdir(join(site, 'films'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(site, name), bytes);
  await run('chown', ['-R', `${owner.uid}:${owner.gid}`, home]);
  await chmod(home, 0o711);
  const conf = `ScriptAlias /cgi-bin/ ${site}/cgi-bin/\nLoadModule fcgid_module ${modules}/mod_fcgid.so\nFcgidIPCDir ${dir}/run/fcgid\n` +
    `FcgidProcessTableFile ${dir}/run/fcgid_shm\n`;
  const server = new Server('apache-suexec', dir, await freePort(), { site: 'home/public_html', own: conf });
  await server.start();
  const ftp = await startFtp(dir, join(home, top)), local = join(dir, 'pc'), at = name => join(local, name);
  await mkdir(local);
  const steps = [], step = (how, what) => { steps.push([how, what]); };
  return {
    dir, home, site, local, at, server, steps, step, url: `http://127.0.0.1:${server.port}`, base: `http://127.0.0.1:${server.port}/cgi-bin/polycircle.fcgi/`,
    /** Commands of lftp, which sends what it is not told otherwise in binary mode. A step each; logging in is one more. */
    async ftp(...commands) {
      for (const command of ['open', ...commands]) step('ftp', command);
      const words = ['--norc', '-e', `set net:max-retries 1; set net:timeout 10; set cmd:fail-exit yes; lcd ${local}; ${commands.join('; ')}; bye`, '--env-password', '-u', owner.name, `ftp://127.0.0.1:${ftp.port}`];
      return (await run('lftp', words, { timeout: 60_000, env: { ...process.env, HOME: dir, LFTP_PASSWORD: ftp.password } })).stdout;
    },
    async goto(page, url) { step('browser', `open ${url}`); await page.goto(url); },
    async click(page, selector) { step('browser', `click ${selector}`); await page.click(selector); },
    async type(page, selector, text) { step('browser', `type ${selector}`); await page.fill(selector, text); },
    read: name => readFile(at(name), 'utf8'),
    /** The modes of files that belong to the owner. */
    owned: (...names) => Promise.all(names.map(async name => {
      const { mode, uid } = await stat(join(home, name));
      return uid === owner.uid ? mode & 0o777 : `${name} belongs to ${uid}`;
    })),
    async close() {
      await ftp.stop();
      await server.stop();
      await removeDirectory(dir);
    },
  };
}
