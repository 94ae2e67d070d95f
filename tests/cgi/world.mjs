// An instance in a directory of its own, and the built program run on it as a
// web server runs it (RFC 3875): environment, standard input, standard output.
// Checks are printed as TAP, for automake's driver.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const program = process.env.POLYCIRCLE_PROGRAM;
if (!program) throw new Error('POLYCIRCLE_PROGRAM names the program to test');

let count = 0, failed = 0;
export function ok(good, name, why = '') {
  console.log(`${good ? 'ok' : 'not ok'} ${++count} - ${String(name).replace(/[#\n]/g, ' ')}`);
  if (!good) { failed++; if (why !== '') console.log(String(why).replace(/^/gm, '# ')); }
  return good;
}
export function same(got, want, name) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  return ok(a === b, name, `got ${a}\nwant ${b}`);
}
export function matches(got, pattern, name) { return ok(pattern.test(got), name, `got ${got}\nwant ${pattern}`); }
export function done() { console.log(`1..${count}`); process.exitCode = failed ? 1 : 0; }

export const hex = (bytes) => randomBytes(bytes).toString('hex');
export const form = (value) => `d=${Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')}`;

export class World {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'polycircle-cgi-'));
    this.data = join(this.dir, 'data');
  }
  remove() { rmSync(this.dir, { recursive: true, force: true }); }

  // The command line: { status, out, err, json }.
  cli(...args) {
    const options = args.at(-1) instanceof Object ? args.pop() : {};
    const run = spawnSync(options.run ?? program, args, {
      uid: options.uid, env: { PATH: process.env.PATH, HOME: this.dir, POLYCIRCLE_DATA: this.data, ...options.env }, encoding: 'utf8', cwd: this.dir,
    });
    let json;
    try { json = JSON.parse(run.stdout); } catch { json = undefined; }
    return { status: run.status, signal: run.signal, out: run.stdout, err: run.stderr, json };
  }
  must(...args) {
    const run = this.cli(...args);
    if (run.status !== 0) throw new Error(`polycircle ${args.join(' ')}: ${run.status} ${run.out}${run.err}`);
    return run.json;
  }

  // One CGI request. post: form fields' text, or an object for d=. send: further variables. args: as ISINDEX gives them.
  request(path, { method, query = '', post, host = 'site.example', send = {}, args = [], input, env = {}, run: file = program, uid } = {}) {
    const body = input ?? (post === undefined ? undefined : Buffer.from(typeof post === 'string' ? post : form(post)));
    const variables = {
      GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', SERVER_SOFTWARE: 'test', POLYCIRCLE_DATA: this.data,
      REQUEST_METHOD: method ?? (body ? 'POST' : 'GET'), SCRIPT_NAME: '/cgi-bin/polycircle.fcgi', PATH_INFO: path,
      REQUEST_URI: `/cgi-bin/polycircle.fcgi${path}${query && `?${query}`}`, QUERY_STRING: query, HTTP_HOST: host,
      REMOTE_ADDR: '198.51.100.77', ...env,
    };
    if (body) Object.assign(variables, { CONTENT_LENGTH: String(body.length), CONTENT_TYPE: 'application/x-www-form-urlencoded' });
    for (const [name, value] of Object.entries(send)) if (value === undefined) delete variables[name]; else variables[name] = value;
    const run = spawnSync(file, args, { env: variables, input: body ?? '', maxBuffer: 1 << 26, uid });
    const end = run.stdout.indexOf('\r\n\r\n');
    const headers = {};
    for (const line of run.stdout.subarray(0, Math.max(end, 0)).toString('latin1').split('\r\n')) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const bytes = run.stdout.subarray(end + 4);
    let json;
    try { json = JSON.parse(bytes.toString()); } catch { json = undefined; }
    return { exit: run.status, signal: run.signal, status: parseInt(headers.status, 10), headers, bytes, json, err: run.stderr.toString() };
  }
  sync(value, options = {}) { return this.request('/sync', { post: value, ...options }); }
}
