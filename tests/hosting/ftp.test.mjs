// Uploads by a real FTP server, vsftpd, with clients that are set to ASCII: polycircle-check.html says what happened.
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ended, launch } from '../browser/site.mjs';
import { makeDirectory, removeDirectory, startHost } from '../servers/server.mjs';
import { startVsftpd } from './ftpd.mjs';
import { makeRelease, run } from './release.mjs';

let release, browser, unpacked;
before(async () => {
  release = await makeRelease();
  unpacked = await mkdtemp(join(tmpdir(), 'polycircle-unpacked-'));
  await run('unzip', ['-q', release.zip(), '-d', unpacked]);
  browser = await launch();
});
after(async () => {
  await ended(browser?.close());
  if (unpacked) await rm(unpacked, { recursive: true, force: true });
  await release?.remove();
});

/** Over dir, which vsftpd wants unwritable; uploads are www-data's, mode 0755. */
const startFtp = (dir, ascii) => startVsftpd(dir, ['anonymous_enable=YES', 'local_enable=NO', 'no_anon_password=YES', 'anon_upload_enable=YES', 'anon_umask=022',
  'file_open_mode=0777', `anon_root=${dir}`, process.getuid() === 0 ? 'ftp_username=www-data' : 'run_as_launching_user=YES', `ascii_upload_enable=${ascii ? 'YES' : 'NO'}`]);

/** lftp, a client of Unix: in ASCII mode it sends CR LF for LF. */
const lftp = mode => async (port, folder, files) => {
  const lines = files.map(file => `put ${mode} ${file} -o ${basename(file)}`);
  await run('lftp', ['-u', 'anonymous,x', '-e', `set net:max-retries 1; set cmd:fail-exit yes; cd ${folder}; ${lines.join('; ')}; bye`, `ftp://127.0.0.1:${port}`], { timeout: 60_000 });
};

/** A client of Windows in ASCII mode: CR LF is the line end there already, so it sends the bytes as they are. */
async function windows(port, folder, files) {
  const control = connect(port, '127.0.0.1').setEncoding('latin1');
  let said = '';
  control.on('data', text => { said += text; });
  const answer = async (command, wanted) => {
    if (command) control.write(`${command}\r\n`);
    for (let tries = 0; !/^\d{3} .*\r\n/m.test(said); tries++) {
      if (tries === 500) throw new Error(`${command}: no answer`);
      await sleep(20);
    }
    const [line] = /^\d{3} .*\r\n/m.exec(said);
    said = said.slice(said.indexOf(line) + line.length);
    assert.match(line, wanted, command);
    return line;
  };
  try {
    await answer('', /^220/);
    await answer('USER anonymous', /^(230|331)/);
    await answer(`CWD ${folder}`, /^250/);
    await answer('TYPE A', /^200/);
    for (const file of files) {
      const [, high, low] = /(\d+),(\d+)\)/.exec(await answer('PASV', /^227/));
      const data = connect(Number(high) * 256 + Number(low), '127.0.0.1');
      await answer(`STOR ${basename(file)}`, /^150/);
      data.end(await readFile(file));
      await answer('', /^226/);
    }
  } finally {
    control.destroy();
  }
}

const cases = {
  'binary: all is well': { ascii: true, client: lftp(''), kinds: ['fresh'] },
  'ASCII, a server that leaves the bytes alone: LF has become CR LF': { ascii: false, client: lftp('-a'), kinds: ['sample', 'start'], words: /text \(ASCII\) mode.*carriage return was put before.*binary/s },
  'ASCII from Windows, a server that converts: CR has gone': { ascii: true, client: windows, kinds: ['sample', 'start'], words: /text \(ASCII\) mode.*were taken away.*binary/s },
  'ASCII from Unix, a server that converts: back and forth, nothing is lost': { ascii: true, client: lftp('-a'), kinds: ['fresh'] },
};

for (const [name, { ascii, client, kinds, words = /./ }] of Object.entries(cases)) {
  test(name, async () => {
    const dir = await makeDirectory(), site = join(dir, 'public_html'), owner = await stat(join(dir, 'data'));
    let ftp, server, page;
    try {
      await mkdir(join(site, 'cgi-bin'), { recursive: true });
      await run('chown', ['-R', `${owner.uid}:${owner.gid}`, site]);
      await copyFile(join(unpacked, 'polycircle-check.html'), join(site, 'polycircle-check.html'));
      ftp = await startFtp(dir, ascii);
      await chmod(dir, 0o555);
      await client(ftp.port, 'public_html', [join(unpacked, 'polycircle-check.bin')]);
      await client(ftp.port, 'public_html/cgi-bin', [join(unpacked, 'cgi-bin/polycircle.fcgi')]);
      await chmod(dir, 0o755);
      const whole = (await readFile(join(site, 'cgi-bin/polycircle.fcgi'))).equals(await readFile(release.program()));
      assert.equal(whole, kinds[0] === 'fresh', 'what FTP did to the program');
      server = await startHost('apache-cgid', dir, `ScriptAlias /cgi-bin/ ${site}/cgi-bin/\n`);
      page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.port}/polycircle-check.html`);
      await page.getByRole('status').filter({ hasText: /^Done/ }).waitFor();
      const sections = page.locator('section');
      assert.deepEqual(await sections.evaluateAll(all => all.map(s => s.dataset.kind)), kinds);
      assert.match((await sections.allInnerTexts()).join('\n'), words);
    } finally {
      await chmod(dir, 0o755);
      await page?.close();
      await server?.stop();
      await ftp?.stop();
      await removeDirectory(dir);
    }
  });
}

// FileZilla's default for "treat these files as ASCII" (option "Auto Ascii files", with "Auto Ascii no extension" and
// "Auto Ascii dotfiles" on): what has such a name is damaged unless its owner changes a setting.
const filezilla = new Set(`ac am asp bat c cfm cgi conf cpp css dhtml diff diz h hpp htm html in inc java js jsp lua m4 mak md5 nfo nsh nsi pas patch pem
  php phtml pl po pot py qmail sh sha1 sha256 sha512 shtml sql svg tcl tpl txt vbs xhtml xml xrc`.split(/\s+/));

test('what is not text has a name that FileZilla sends as it is', async () => {
  const asText = name => /^\.|^[^.]+$/.test(name) || filezilla.has(name.split('.').pop());
  const { stdout } = await run('zipinfo', ['-1', release.zip()]);
  const binary = [];
  for (const name of stdout.trim().split('\n')) if ((await readFile(join(unpacked, name))).includes(0)) binary.push(basename(name));
  assert.deepEqual(binary, ['polycircle.fcgi', 'polycircle-check.bin']);
  for (const name of [...binary, 'polycircle.new', 'polycircle.old', basename(release.zip())]) assert.ok(!asText(name), name);
  for (const name of ['polycircle.cgi', 'polycircle', '.htaccess', 'index.html']) assert.ok(asText(name), `${name}: the list works`);
});
