// A small internet: a network namespace for each node of a table, `line` between them (tests/nat/line.c), programs inside. As root and by
// tests/nat/apart, in whose namespaces everything is, and with which it ends.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The program. */
export function line() {
  const { POLYCIRCLE_LINE, POLYCIRCLE_PROGRAM, POLYCIRCLE_APART } = process.env;
  if (!POLYCIRCLE_APART) throw new Error('this needs network namespaces: as root, tests/nat/apart node ...');
  if (!POLYCIRCLE_LINE && !POLYCIRCLE_PROGRAM) throw new Error('POLYCIRCLE_LINE must name tests/nat/line of a build, or POLYCIRCLE_PROGRAM its src/polycircle');
  return POLYCIRCLE_LINE || join(dirname(POLYCIRCLE_PROGRAM), '../tests/nat/line');
}

/** For makeSite's `change`: the web server listens on all addresses, not on loopback alone. */
export const everywhere = conf => conf.replace('server.bind = "127.0.0.1"', 'server.bind = "0.0.0.0"')
  .replace(/server\.port = (\d+)/, line => `${line}\n$SERVER["socket"] == "[::]:${line.match(/\d+/)[0]}" { }`);

/** Ends a process that was started here, by force where it lingers. */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000), over = once(child, 'exit');
  child.kill('SIGTERM');
  await over;
  clearTimeout(late);
}

/** It says that it is ready, or ends. */
function ready(child) {
  return new Promise((resolve, reject) => {
    let words = '';
    child.stderr.on('data', data => { words += data; });
    child.stdout.once('data', resolve);
    child.once('error', error => reject(new Error(`${error.message}: make tests/nat/line`)));
    child.once('close', code => reject(new Error(`line ended with ${code}: ${words}`)));
  });
}

/** nodes: {NAME: {KEY: value}}, the keys of tests/nat/config.h; the node 'host' is where this process is. */
export async function makeWorld(nodes) {
  const program = line(), dir = await mkdtemp(join(tmpdir(), 'polycircle-nat-')), at = name => join(dir, name), children = [];
  await chmod(dir, 0o755);
  const others = Object.keys(nodes).filter(name => name != 'host'), rows = Object.entries(nodes);
  await writeFile(at('nodes'), rows.map(([name, keys]) => `${[name, ...Object.entries(keys).map(pair => pair.join('='))].join(' ')}\n`).join(''));
  let carrier;
  const world = {
    dir,
    /** A program that runs another one in a node, given all arguments: for who wants a path. */
    async inside(name, path) {
      const script = at(`in-${name}`);
      await writeFile(script, `#!/bin/sh\nexec ip netns exec ${name} ${path} "$@"\n`, { mode: 0o755 });
      return script;
    },
    /** Starts a program in a node; it ends with the world. */
    start(name, path, args, how = { stdio: 'ignore' }) {
      const child = spawn('ip', ['netns', 'exec', name, path, ...args], how);
      children.push(child);
      return child;
    },
    /** Ends all that runs in it. What `line` has counted: {NAME: {kind, up, down, lost, refused, ...}}. */
    async close() {
      try {
        for (const child of children) await end(child);
        if (carrier) await end(carrier);
        return JSON.parse(await readFile(at('stats'), 'utf8').catch(() => '{}'));
      } finally {
        for (const name of others) await run('ip', ['netns', 'del', name]).catch(() => {});
        await rm(dir, { recursive: true, force: true });
      }
    },
  };
  try {
    for (const name of others) await run('ip', ['netns', 'add', name]);
    carrier = spawn(program, [at('nodes'), at('stats')], { stdio: ['ignore', 'pipe', 'pipe'] });
    await ready(carrier);
  } catch (error) {
    await world.close();
    throw error;
  }
  return world;
}
