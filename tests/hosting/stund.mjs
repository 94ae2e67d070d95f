// coturn as a STUN server on loopback, for tests: they ask nobody outside.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../servers/server.mjs';

/** A binding request (RFC 8489 5): is it answered? */
export const answered = (port, address = '127.0.0.1') => new Promise(resolve => {
  const socket = createSocket('udp4'), request = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
  const end = good => { clearTimeout(timer); socket.close(); resolve(good); }, timer = setTimeout(end, 100, false);
  socket.on('message', () => end(true)).send(request, port, address);
});

export async function startStun() {
  const port = await freePort();
  const child = spawn('turnserver', ['-n', '--stun-only', '--no-tcp', '--no-tls', '--no-dtls', '--no-cli', '-L', '127.0.0.1', '-p', String(port), '--log-file', 'stdout', '--pidfile', '/dev/null'], { stdio: 'ignore' });
  for (let tries = 0; !await answered(port); tries++) {
    if (tries == 100 || child.exitCode != null) throw new Error(`turnserver does not answer (exit status ${child.exitCode})`);
    await sleep(50);
  }
  return { url: `stun:127.0.0.1:${port}`, stop: () => new Promise(resolve => { child.once('exit', () => resolve()); child.kill('SIGTERM'); }) };
}
