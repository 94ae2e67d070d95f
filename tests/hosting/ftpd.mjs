// vsftpd on loopback, for tests.
import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../servers/server.mjs';

const reached = port => new Promise(resolve => {
  const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
});

/** settings: lines of vsftpd.conf beside the usual ones, which are kept in dir/run. `around` makes the command one that runs it elsewhere. */
export async function startVsftpd(dir, settings, around = command => command) {
  const port = await freePort(), conf = join(dir, `run/vsftpd-${port}.conf`), empty = join(dir, `run/empty-${port}`);
  await mkdir(empty);
  await chmod(empty, 0o555);
  await writeFile(conf, ['listen=YES', 'listen_ipv6=NO', 'background=NO', 'listen_address=127.0.0.1', `listen_port=${port}`, 'pasv_address=127.0.0.1', 'write_enable=YES',
    `secure_chroot_dir=${empty}`, 'seccomp_sandbox=NO', 'isolate=NO', 'isolate_network=NO', 'connect_from_port_20=NO', ...settings, ''].join('\n'));
  const [command, ...words] = around(['/usr/sbin/vsftpd', conf]), child = spawn(command, words, { stdio: 'ignore' });
  for (let tries = 0; !await reached(port); tries++) {
    if (tries === 100 || child.exitCode !== null) throw new Error(`vsftpd does not listen (exit status ${child.exitCode})`);
    await sleep(50);
  }
  return { port, stop: () => new Promise(resolve => { child.once('exit', resolve); child.kill('SIGTERM'); }) };
}
