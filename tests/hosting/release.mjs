// A release of this checkout for tests: made in a clean clone by the commands of INSTALL as they stand there, signed by a key of
// the test's own.
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const run = promisify(execFile);
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A clean clone, whoever owns this checkout, and in it what is not committed yet. */
const clone = `printf '[safe]\ndirectory = *\n' >"$1.git"; export GIT_CONFIG_GLOBAL="$1.git"; git clone -q "$0" "$1"; cd "$0"
git ls-files -mo --exclude-standard -z | tar --ignore-failed-read --null -T - -cf - | tar -C "$1" -xf -`;
export const makeClone = dir => run('sh', ['-ec', clone, root, dir]);
// what was typed in a clone and what came of it, by who comes first, is kept for the others
const once = 'mkdir -p "$1"; exec flock "$1/lock" sh -ec \'[ -e "$1/typed" ] || { sh -ec "$2" "$0" "$1/clone"; "$0/tests/commands.mjs" build "$1/clone" >"$1/part" || { cat "$1/part"; exit 1; }; mv "$1/part" "$1/typed"; }; cat "$1/typed"\' "$0" "$1" "$2"';

/** The one in POLYCIRCLE_RELEASE, which many tests share, else one of its own, which remove() removes. */
export async function makeRelease() {
  const kept = process.env.POLYCIRCLE_RELEASE, all = kept ?? await mkdtemp(join(tmpdir(), 'polycircle-release-'));
  const dir = join(all, 'clone/build/release'), key = join(all, 'test.key'), env = { ...process.env, RELEASE_KEY: key }, tool = join(root, 'tools/release');
  const release = {
    dir, key, env, clone: join(all, 'clone'),
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
    remove: () => kept ? undefined : rm(all, { recursive: true, force: true }),
  };
  release.typed = (await run('sh', ['-c', once, root, all, clone], { env, maxBuffer: 1 << 24 }).catch((error) => { throw new Error(error.stdout + error.stderr); })).stdout;
  release.version = /^AC_INIT\(\[polycircle\], \[([^\]]*)/m.exec(await readFile(join(root, 'configure.ac'), 'utf8'))[1];
  return release;
}

export const exists = path => stat(path).then(() => true, () => false);
