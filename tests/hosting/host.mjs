// A shared host: nginx in front of plain CGI (fcgiwrap), at most 20 processes
// at a time, and its own page with status 508 for whoever is one too many.
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, makeDirectory, must, removeDirectory, tier0 } from '../servers/server.mjs';

export const LIMIT = 20;

/** Builds the program as a release has it, unless tools/check has done so, and gives it to `use`. */
export async function withStatic(use) {
  const own = process.env.POLYCIRCLE_WORK ? null : await mkdtemp(join(tmpdir(), 'polycircle-static-'));
  const at = join(process.env.POLYCIRCLE_WORK ?? own, 'static');
  try {
    const build = fileURLToPath(new URL('../../tools/build', import.meta.url));  // one at a time, of those that share it
    await promisify(execFile)('flock', [`${at}.lock`, build, at, '--enable-werror', '--enable-static-program']);
    return await use(join(at, 'build/src/polycircle'));
  } finally {
    if (own) await rm(own, { recursive: true });
  }
}

const conf = (dir, port, user) => `
daemon off; worker_processes 1; pid ${dir}/run/nginx.pid; error_log ${dir}/run/error.log;
${user}
events { worker_connections 4096; }
http {
  log_format took '$msec $request_time $status';
  access_log ${dir}/run/access.log took;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/run/${name};`).join(' ')}
  limit_conn_zone $server_port zone=host:1m;
  limit_conn_log_level info;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    root ${dir}/site;
    error_page 508 /508.html;
    location = /508.html { internal; add_header Retry-After 14400 always; }
    location ${tier0} {
      limit_conn host ${LIMIT};
      limit_conn_status 508;
      fastcgi_pass unix:${dir}/run/wrap.sock;
      fastcgi_split_path_info ^(${tier0.slice(0, -1)})(/.*)$;
      fastcgi_param SCRIPT_FILENAME ${dir}/cgi/polycircle.fcgi;
      fastcgi_param SCRIPT_NAME $fastcgi_script_name;
      fastcgi_param PATH_INFO $fastcgi_path_info;
      fastcgi_param POLYCIRCLE_DATA ${dir}/data;
      ${['REQUEST_METHOD', 'QUERY_STRING', 'CONTENT_TYPE', 'CONTENT_LENGTH', 'REQUEST_URI', 'SERVER_PROTOCOL', 'REMOTE_ADDR', 'SERVER_NAME', 'SERVER_PORT']
    .map((name) => `fastcgi_param ${name} $${name.toLowerCase()};`).join(' ')}
      fastcgi_param HTTP_HOST $http_host;
    }
  }
}
`;

export class Host {
  #wrap = null;
  #nginx = null;

  /** An instance with one circle, with content. */
  static async make() {
    const host = new Host();
    host.dir = await makeDirectory();
    host.port = await freePort();
    host.base = `http://127.0.0.1:${host.port}${tier0}`;
    try {
      await host.#prepare();
      await host.up();
    } catch (error) {
      await host.remove();
      throw error;
    }
    return host;
  }

  async #prepare() {
    const { dir } = this;
    await must(dir, ['init', '--url', this.base]);
    ({ api_key: this.key, cid: this.cid } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--p2p', 'on', '--ice', 'none', '--json'])));
    await writeFile(join(dir, 'site/film.mp4'), Buffer.alloc(100_000, 'film'));
    await writeFile(join(dir, 'site/508.html'), '<html><h1>508 Resource Limit Is Reached</h1></html>');
    await must(dir, ['publish', 'demo', join(dir, 'site'), '--at', '/']);
    const { uid, gid } = await stat(join(dir, 'data'));
    await writeFile(join(dir, 'nginx.conf'), conf(dir, this.port, uid === process.getuid() ? '' : 'user www-data;'));
    this.#wrap = spawn('fcgiwrap', ['-c', String(LIMIT), '-s', `unix:${dir}/run/wrap.sock`], { stdio: 'ignore', uid, gid, detached: true });
    for (let tries = 0; tries < 100 && !await stat(join(dir, 'run/wrap.sock')).catch(() => null); tries++) await sleep(20);
    await chmod(join(dir, 'run/wrap.sock'), 0o777);
  }

  /** The web server starts ... */
  async up() {
    this.#nginx = spawn('nginx', ['-e', `${this.dir}/run/error.log`, '-c', `${this.dir}/nginx.conf`], { stdio: 'ignore' });
    for (let tries = 0; tries < 100; tries++) {
      if (await answers(this.port)) return;
      await sleep(50);
    }
    throw new Error(`nginx did not start: ${await readFile(join(this.dir, 'run/error.log'), 'utf8').catch(() => '')}`);
  }

  /** ... and ends. */
  down() {
    return ended(this.#nginx, 'SIGTERM');
  }

  /** Requests as the web server saw them: {from, to, status}, in seconds. */
  async log() {
    const text = await readFile(join(this.dir, 'run/access.log'), 'utf8');
    return text.trim().split('\n').map((line) => {
      const [to, took, status] = line.split(' ').map(Number);
      return { from: to - took, to, status };
    });
  }

  async remove() {
    await this.down();
    if (this.#wrap) process.kill(-this.#wrap.pid, 'SIGTERM'); // its 20 processes outlive it otherwise
    await ended(this.#wrap, 'SIGTERM');
    await removeDirectory(this.dir);
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
  });
}

async function ended(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(late);
}

/** Second by second from a moment on: the most that ran at once, answers, and who was one too many. */
export function curve(log, since, until) {
  const seconds = Array.from({ length: Math.ceil(until - since) }, () => ({ most: 0, answered: 0, refused: 0 }));
  const steps = [];
  for (const { from, to, status } of log) {
    const second = seconds[Math.floor(to - since)];
    if (to < since || !second) continue;
    if (status === 508) second.refused++;
    else {
      second.answered++;
      steps.push([from, 1], [to, -1]);
    }
  }
  let now = 0;
  for (const [at, step] of steps.sort(([a, x], [b, y]) => a - b || x - y)) {
    now += step;
    const second = seconds[Math.floor(at - since)];
    if (second) second.most = Math.max(second.most, now);
  }
  return seconds;
}

/** The longest run of seconds in which the host had no place left, and how many requests it answered in them. */
export function longestFull(seconds) {
  let longest = { seconds: 0, answered: 0 };
  let run = longest;
  for (const { answered, refused, most } of seconds) {
    run = refused || most >= LIMIT ? { seconds: run.seconds + 1, answered: run.answered + answered } : { seconds: 0, answered: 0 };
    if (run.seconds > longest.seconds) longest = run;
  }
  return longest;
}
