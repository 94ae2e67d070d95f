// coturn on a node of a world, as STUN and TURN server.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answered } from '../hosting/stund.mjs';

const PORT = 3478;
export const user = { username: 'visitor', credential: 'a-word-of-the-test' };

/** node: {public, six}, both of it. Gives {stun: [url], turn: url, tcp: url}. */
export async function startTurn(world, name, node) {
  const at = file => join(world.dir, file);
  await writeFile(at(`${name}.conf`), [
    `listening-ip=${node.public}`, `listening-ip=${node.six}`, `relay-ip=${node.public}`, `listening-port=${PORT}`, 'min-port=50000', 'max-port=50999',
    'lt-cred-mech', 'realm=polycircle.test', `user=${user.username}:${user.credential}`, 'no-cli', 'no-tls', 'no-dtls', 'no-multicast-peers',
    `log-file=${at(`${name}.log`)}`, 'simple-log', 'new-log-timestamp', `pidfile=${at(`${name}.pid`)}`, `userdb=${at(`${name}.db`)}`, '',
  ].join('\n'));
  const child = world.start(name, 'turnserver', ['-c', at(`${name}.conf`)]);
  for (let tries = 0; !await answered(PORT, node.public); tries++) {
    if (tries == 100 || child.exitCode != null) throw new Error(`turnserver does not answer: ${await readFile(at(`${name}.log`), 'utf8').catch(() => '')}`);
    await sleep(50);
  }
  const place = `${node.public}:${PORT}`;
  return { stun: [`stun:${place}`, `stun:[${node.six}]:${PORT}`], turn: `turn:${place}`, tcp: `turn:${place}?transport=tcp` };
}
