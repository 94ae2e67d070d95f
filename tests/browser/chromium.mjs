// Real Chromium processes, and films for them.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
export const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--mute-audio', '--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection'];

export const how = { executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, chromiumSandbox: false };

/** An H.264 film of about `kbps` that a browser can show from its first bytes on. A tiny picture is filled up to that rate, and costs a viewer
 * next to nothing. */
export async function makeFilm(path, { seconds, kbps = 2400, tone = 300, size = '640x360' }) {
  await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=24`, '-f', 'lavfi', '-i', `sine=frequency=${tone}`, '-t', seconds,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', `${kbps}k`, '-minrate', `${kbps}k`, '-maxrate', `${kbps}k`, '-bufsize', `${kbps / 2}k`,
    '-x264-params', 'nal-hrd=cbr', '-pix_fmt', 'yuv420p', '-g', '24', '-c:a', 'aac', '-movflags', '+faststart', path]);
}

/** Ends at once the processes that are meant. */
export async function kill(which) {
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    if (await which(pid).catch(() => false)) try { process.kill(Number(pid), 'SIGKILL'); } catch { /* gone */ }
  }
}

/** Whether a process is a browser that this one started. */
async function ours(pid) {
  const [state, line] = await Promise.all(['stat', 'cmdline'].map(name => readFile(`/proc/${pid}/${name}`, 'utf8')));
  return state.split(') ').at(-1).split(' ')[1] == process.pid && /chrom|firefox/.test(line);
}

/** Waits for a browser's end. One that hangs is killed after 10 s, for which playwright would wait for ever. */
export async function ended(closing, force = () => kill(ours)) {
  const over = Promise.resolve(closing).then(() => true, () => true);
  if (!await Promise.race([over, sleep(10_000, false, { ref: false })])) await force();
  await over;
}

/** A browser with a profile that is thrown away. */
export const launch = (...args) => chromium.launch({ ...how, args: [...FLAGS, ...args] });
