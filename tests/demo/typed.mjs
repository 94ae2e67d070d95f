// tools/demo for tests, typed as README has it: no --state, no --port, whoever runs it; so tests/demo/alone gives it namespaces of its own,
// and POLYCIRCLE_ALONE, the default directory there.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const state = process.env.POLYCIRCLE_ALONE;
if (!state) throw new Error('run it by tests/demo/alone: it uses the default directory and port of tools/demo');
const kept = process.env.POLYCIRCLE_WORK && join(process.env.POLYCIRCLE_WORK, 'demo');
const copy = async (from, to) => {
  await mkdir(to, { recursive: true });
  await promisify(execFile)('cp', ['-a', '--parents', 'build', 'site/media', to], { cwd: from });
};
/** What was built and filmed, from one file of tests to the next (tools/check). */
export const keep = () => kept && copy(state, kept);
export const take = () => kept && existsSync(kept) && copy(kept, state);

export function demo(args, timeout = 600_000) {
  return new Promise((resolve) => {
    execFile('tools/demo', args, { cwd: root, timeout, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? error.signal : 0, stdout, stderr });
    });
  });
}

/** Processes of a demo. */
export async function own() {
  const found = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`${state}/`)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}
