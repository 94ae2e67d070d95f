// A site on a shared host as its owner has it: Apache, no shell, files as FTP puts them there. And the owner's hands: a browser and a file manager.
import { chmod, chown, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory, removeDirectory, startHost, upload } from '../servers/server.mjs';

const rooted = process.getuid?.() === 0;

/** {dir, server, url, put(), read(), close()}. own: Apache's part; the document root is public_html. */
export async function makeHost({ kind = 'apache-cgid', override = 'None', own } = {}) {
  const dir = await makeDirectory();
  await upload(dir, {});
  const conf = own?.(dir) ?? `<Directory ${dir}/public_html>\n  AllowOverride ${override}\n</Directory>\nScriptAlias /cgi-bin/ ${dir}/public_html/cgi-bin/\n`;
  const server = await startHost(kind, dir, conf);
  const owner = rooted ? (await import('node:fs')).statSync(join(dir, 'data')) : null;
  const mine = async (path) => { if (owner) await chown(path, owner.uid, owner.gid); };
  await mine(join(dir, 'public_html'));
  await mine(join(dir, 'public_html/cgi-bin'));
  await mine(join(dir, 'public_html/cgi-bin/polycircle.fcgi'));
  return {
    dir, server, url: `http://127.0.0.1:${server.port}`, base: `http://127.0.0.1:${server.port}/cgi-bin/polycircle.fcgi/`,
    /** as by FTP; ago: how many seconds since the file was written */
    async put(name, bytes, ago = 3600) {
      const path = join(dir, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
      await chmod(path, 0o644);
      await mine(path);
      await mine(dirname(path));
      await utimes(path, Date.now() / 1000 - ago, Math.floor(Date.now() / 1000 - ago));
    },
    /** the user's as whom the program runs */
    own: mine,
    read: async (name) => (await readFile(join(dir, name), 'utf8')).trim(),
    async close() {
      await server.stop();
      await removeDirectory(dir);
    },
  };
}
