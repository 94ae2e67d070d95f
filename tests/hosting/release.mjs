// A release of this checkout for tests: made by tools/release, signed by a key of the test's own.
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const run = promisify(execFile);
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

// made by who comes first, whatever it says is kept for the others
const once = 'mkdir -p "$1"; exec flock "$1.lock" sh -ec \'[ -e "$1/said" ] || { "$0" "$1" >"$1/part"; mv "$1/part" "$1/said"; }; cat "$1/said"\' "$0" "$1"';

/** The one in POLYCIRCLE_RELEASE, which many tests share, else one of its own, which remove() removes. */
export async function makeRelease() {
  const kept = process.env.POLYCIRCLE_RELEASE, dir = kept ?? await mkdtemp(join(tmpdir(), 'polycircle-release-'));
  const key = join(dir, 'test.key'), env = { ...process.env, RELEASE_KEY: key }, tool = join(root, 'tools/release');
  const release = {
    dir, key, env,
    program: (arch = 'x86_64') => join(dir, arch, 'polycircle.fcgi'),
    zip: (arch = 'x86_64') => join(dir, `polycircle-${release.version}-linux-${arch}.zip`),
    sign: (file, by = key) => run(tool, ['--sign', file], { env: { ...env, RELEASE_KEY: by } }),
    /** The same program with another version number. */
    async variant(version) {
      const copy = join(dir, `version-${version}`), src = join(copy, 'src/src'), build = join(copy, 'build');
      await cp(join(dir, 'x86_64'), copy, { recursive: true, preserveTimestamps: true, force: true });
      const sources = (await readdir(src, { recursive: true })).filter(name => name.endsWith('.c'));
      for (const name of sources) {
        if (!(await readFile(join(src, name), 'utf8')).includes('PACKAGE_VERSION')) continue;
        await rm(join(build, 'src', name.replace(/c$/, 'o')));
      }
      for (const made of ['libpolycircle.a', 'src/polycircle']) await rm(join(build, made));
      await run('make', ['-s', '-C', build, `PACKAGE_VERSION=${version}`]);
      const file = join(copy, 'polycircle.fcgi');
      await copyFile(join(build, 'src/polycircle'), file);
      await run('strip', [file]);
      await release.sign(file);
      return file;
    },
    remove: () => kept ? undefined : rm(dir, { recursive: true, force: true }),
  };
  const { stdout } = await run('sh', ['-c', once, tool, dir], { env, maxBuffer: 1 << 24 });
  release.version = /polycircle-([\d.]+)-linux/.exec(stdout)[1];
  return release;
}

export const exists = path => stat(path).then(() => true, () => false);
