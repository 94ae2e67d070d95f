// What can be wrong with an upload, and what a host then answers and logs:
// data for suexec.test.mjs. Each case changes a program that works.
import { chmod, chown, copyFile, mkdir, open, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { neighbour, owner } from '../servers/server.mjs';

const mode = (bits) => (at) => chmod(at.program, bits);
const folderMode = (bits) => (at) => chmod(dirname(at.program), bits);
const script = (text) => async (at) => {
  await writeFile(at.program, text(at));
  await chmod(at.program, 0o755);
  await chown(at.program, owner.uid, owner.gid);
};

/** Bytes of the program replaced by as many others. */
const patched = (from, to) => async (at) => {
  const bytes = await readFile(at.program);
  const place = bytes.indexOf(from);
  if (place < 0) throw new Error(`the program has no ${from}`);
  bytes.write(to, place, 'latin1');
  await writeFile(at.program, bytes);
};

/** As FTP in ASCII mode does it: each line feed becomes two bytes. */
async function asciiUpload(at) {
  const bytes = await readFile(at.program);
  await writeFile(at.program, Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'));
}

/** Bytes of the ELF header (e_machine at 18, e_entry at 24). */
const header = (bytes, place) => async (at) => {
  const file = await open(at.program, 'r+');
  await file.write(Buffer.from(bytes), 0, bytes.length, place);
  await file.close();
};

async function linked(at) {
  await rename(at.program, at.elsewhere);
  await symlink(at.elsewhere, at.program);
}

async function stillOpen(at) {
  const file = await open(at.program, 'r+');
  return () => file.close();
}

const wrapper = ({ data, elsewhere }) => `#!/bin/sh\nPOLYCIRCLE_DATA=${data} exec ${elsewhere} "$@"\n`;
const wrapped = (text) => async (at) => {
  await rename(at.program, at.elsewhere);
  await script(text)(at);
};

/** Works: the same in cgid and fcgid. */
export const works = {
  'file 0755': mode(0o755), 'file 0700': mode(0o700), 'file 0711': mode(0o711), 'file 0750': mode(0o750), 'file 0555': mode(0o555), 'file 0500': mode(0o500),
  'folder 0755': folderMode(0o755), 'folder 0711': folderMode(0o711), 'folder 0701': folderMode(0o701),
  'a wrapper of two lines': wrapped(wrapper),
  'the program as interpreter of a script': wrapped(({ elsewhere }) => `#!${elsewhere}\n`),
};

/** Fails: [what was done, status]. The log line must be one of INSTALL's. */
export const fails = {
  'file 0775': [mode(0o775), 500], 'file 0757': [mode(0o757), 500], 'file 0777': [mode(0o777), 500], 'file 0664': [mode(0o664), 500],
  'file 0644': [mode(0o644), 500],
  'setuid': [mode(0o4755), 500], 'setgid': [mode(0o2755), 500],
  'a file of somebody else': [(at) => chown(at.program, neighbour.uid, owner.gid), 500],
  'a file of another group': [(at) => chown(at.program, owner.uid, neighbour.gid), 500],
  'a folder of somebody else': [(at) => chown(dirname(at.program), neighbour.uid, owner.gid), 500],
  'a folder of another group': [(at) => chown(dirname(at.program), owner.uid, neighbour.gid), 500],
  'folder 0775': [folderMode(0o775), 500], 'folder 0777': [folderMode(0o777), 500],
  'folder 0750': [folderMode(0o750), 403],
  'a symbolic link': [linked, 500],
  'a wrapper with Windows line ends': [wrapped((at) => wrapper(at).replaceAll('\n', '\r\n')), 500],
  'uploaded in ASCII mode': [asciiUpload, 500],
  'built for another processor': [header([0xad, 0x18], 18), 500], // AVR32, which nobody emulates
  'damaged, so that it crashes': [header([1, 0, 0, 0, 0, 0, 0, 0], 24), 500],
  'built with a newer C library': [patched('GLIBC_2.34', 'GLIBC_9.34'), 500],
  'a library is missing': [patched('libsqlite3.so', 'libsqlite9.so'), 500],
  'still being uploaded': [stillOpen, 500],
  'no program': [(at) => unlink(at.program), 404],
  'a program that prints nothing': [script(() => '#!/bin/sh\nexit 1\n'), 500],
};

/** The .htaccess in the program's folder, or in the one above it. */
const htaccess = (change, above = 0) => async (at) => {
  const file = join(dirname(at.program), '../'.repeat(above), '.htaccess');
  await writeFile(file, change(await readFile(file, 'utf8').catch(() => '')));
  return above ? () => unlink(file) : undefined;
};
const rewrite = (text) => `${text}\nOptions None\nRewriteEngine On\nRewriteRule ^nothing$ nowhere\n`;

/** The same for .htaccess files; a third value names the only kind of host, or says what the answer's body is. */
export const htaccessFails = {
  'a byte order mark': [htaccess((text) => `\ufeff${text}`), 500],
  'a directive that the server does not know': [htaccess((text) => `${text}\nFcgidNoSuch 1\n`), 500],
  "a directive for the server's configuration": [htaccess((text) => `${text}\nFcgidMaxRequestLen 1000000\n`), 500, /fcgid/],
  'ExecCGI is off': [htaccess((text) => text.replace('Options +ExecCGI', '')), 403],
  'rewriting where links may not be followed': [htaccess(rewrite, 1), 403],
};

/** Without suEXEC the web server starts the program itself. */
export const startFails = Object.fromEntries(Object.entries(fails).filter(([what]) => !/^(file|folder|set|a file|a folder|a symbolic)/.test(what) || /0644|0750/.test(what)));

export async function freshProgram(at, source) {
  await mkdir(dirname(at.program), { recursive: true });
  await copyFile(source, at.program);
  await chmod(at.program, 0o755);
}
