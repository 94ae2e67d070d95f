// The requests of cases.json against every server: each answer must be the one
// written there, and the same from all, except where `differs` says why not.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { form, hostingKinds, kinds, makeDirectory, must, parse, removeDirectory, startServer, tier0 } from './server.mjs';

const cases = JSON.parse(await readFile(new URL('cases.json', import.meta.url), 'utf8'));

const fcgidLimit = { status: 500, why: 'mod_fcgid refuses more than FcgidMaxRequestLen (131072) by itself; owners on shared hosts cannot raise it' };
const noLength = { status: 411, why: 'lighttpd refuses a POST that has neither Content-Length nor Transfer-Encoding by itself' };
const slashed = { status: 301, why: 'nginx leads to the address with a slash by itself, from where we lead on' };
const turnedRound = { status: 416, why: 'lighttpd answers a range that is turned round by itself, where we answer 200' };
const turned = { 'measure: a range turned round': turnedRound, 'mirror: of a small file, a range turned round is the whole': turnedRound };
const encodedSlash = { status: 404, why: 'Apache answers 404 for %2F in a path by itself (AllowEncodedSlashes Off)' };
const differs = {
  'lighttpd-fastcgi': { 'no body and no Content-Length': noLength, ...turned },
  'lighttpd-cgi': { 'no body and no Content-Length': noLength, ...turned },
  'apache-fcgid': {
    'a body of 1 MB': fcgidLimit, 'a body of 1 MB in chunks': fcgidLimit, '10,000 offers': fcgidLimit,
    'mirror: a path with an encoded slash': encodedSlash,
  },
  'apache-cgid': { 'mirror: a path with an encoded slash': encodedSlash },
  'nginx-spawn-fcgi': { 'the bare address in a browser': slashed },
  'nginx-fcgiwrap': { 'the bare address in a browser': slashed },
  'apache-suexec': { 'mirror: a path with an encoded slash': encodedSlash },
  'apache-suexec-fcgid': {
    'a body of 1 MB': fcgidLimit, 'a body of 1 MB in chunks': fcgidLimit, '10,000 offers': fcgidLimit,
    'mirror: a path with an encoded slash': encodedSlash,
  },
};

const headersCompared = ['content-type', 'cache-control', 'etag', 'server-timing', 'access-control-allow-origin', 'content-range', 'location',
  'service-worker-allowed', 'content-security-policy', 'x-content-type-options', 'content-encoding'];
// What is new in every run: ids, and times that depend on the moment.
const masked = new Set(['sig', 'from', 'to', 'cursor', 'due_ms', 'after_ms', 'mids', 'n', 'text', 'nonce', 'now', 'pid']);

const hex = (bytes) => randomBytes(bytes).toString('hex');
function generate(what, variables) {
  const join_ = { v: 1, key: variables.key, token: variables.token1, run: '00000001' };
  const padded = (size) => {
    const bare = form({ ...join_, pad: '' }).length;
    const body = form({ ...join_, pad: 'x'.repeat(Math.floor((size - bare) * 3 / 4)) });
    assert.ok(Math.abs(body.length - size) < 8);
    return body;
  };
  switch (what) {
    case '100KB': return padded(102_400);
    case '125KB': return padded(125_000);
    case '1MB': return padded(1_048_576);
    case 'deep': return form(`{"v":${'['.repeat(5000)}${']'.repeat(5000)}}`);
    case 'offers': return form({ v: 1, token: variables.token1, run: '00000001', offers: Array.from({ length: 10_000 }, (_, i) => ({ id: `o${i}`, sdp: 'A' })) });
    case 'long_offer': return form({ v: 1, token: variables.token1, run: '00000001', offers: [{ id: 'a', sdp: 'A'.repeat(1025) }] });
    default: throw new Error(`cases.json: generate what? ${what}`);
  }
}

function fill(value, variables) {
  if (Array.isArray(value)) return value.map((item) => fill(item, variables));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, variables)]));
  if (typeof value !== 'string') return value;
  if (value === '${eight_mails}') return Array.from({ length: 8 }, () => ({ id: `x${variables.fresh++}`, to: variables.sig1, re: 'x', body: 'E' }));
  return value.replace(/\$\{(\w+)\}/g, (_, name) => {
    if (name === 'fresh_token') return hex(32);
    if (!(name in variables)) throw new Error(`cases.json: \${${name}} was never saved`);
    return variables[name];
  });
}

function requestOf(item, variables) {
  const path = fill(item.path, variables);
  const request = {
    method: item.method, path: path.startsWith('/') ? path : tier0 + path, host: item.host, headers: fill(item.send ?? {}, variables), chunked: item.chunked,
  };
  if (item.raw !== undefined) request.body = item.raw;
  if (item.generate) request.body = generate(item.generate, variables);
  if (item.d !== undefined) {
    request.body = form(fill(item.d, variables));
    if (item.padded) request.body += '='.repeat((4 - (request.body.length - 2) % 4) % 4);
  }
  return request;
}

const at = (json, path) => path.split('.').reduce((value, key) => value?.[key], json);

/** A case's expected value: /regex/, !/regex/, "number", null for absent, else itself. */
function same(actual, expected, where) {
  const pattern = typeof expected === 'string' && /^(!?)\/(.*)\/$/.exec(expected);
  if (pattern && expected !== '/') {
    const matches = new RegExp(pattern[2]).test(String(actual ?? ''));
    assert.equal(matches, !pattern[1], `${where}: ${JSON.stringify(actual)} against ${expected}`);
  } else if (expected === 'number') assert.equal(typeof actual, 'number', where);
  else if (expected === null) assert.equal(actual, undefined, where);
  else assert.deepEqual(actual, expected, where);
}

function check(item, answer, variables) {
  const text = answer.body.toString();
  const shown = `${answer.status} ${text.slice(0, 300)}`;
  assert.ok(String(item.status).split('|').includes(String(answer.status)), `status ${item.status} expected: ${shown}`);
  for (const [name, expected] of Object.entries(fill(item.headers ?? {}, variables))) same(answer.headers[name], expected, `header ${name}`);
  const json = parse(answer.body);
  for (const [path, expected] of Object.entries(fill(item.json ?? {}, variables))) same(at(json, path), expected, `${path} in ${shown}`);
  for (const path of item.absent ?? []) assert.equal(at(json, path), undefined, `${path} in ${shown}`);
  for (const part of fill(item.match ?? [], variables)) {
    assert.ok(part.includes('\\') || part.includes('?') ? new RegExp(part).test(text) : text.includes(part), `${part} in ${shown}`);
  }
  if (item.text !== undefined) assert.equal(text, item.text);
  if (item.empty) assert.equal(text, '');
  if (item.sha256) assert.equal(createHash('sha256').update(answer.body).digest('hex'), fill(item.sha256, variables));
  if (json?.error) assert.equal(typeof json.text, 'string', 'an error has words');
}

function save(item, answer, variables) {
  for (const [name, from] of Object.entries(item.save ?? {})) {
    const [kind, path] = [from.slice(0, from.indexOf(':')), from.slice(from.indexOf(':') + 1)];
    const value = { header: () => answer.headers[path], json: () => at(parse(answer.body), path), text: () => new RegExp(path).exec(answer.body.toString())?.[1] }[kind]();
    assert.ok(value !== undefined, `nothing to save as ${name} by ${from}`);
    variables[name] = value;
  }
}

function mask(value) {
  if (Array.isArray(value)) return value.map(mask);
  if (!value || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked.has(key) ? `(${typeof item})` : mask(item)]));
}

/** What two servers must agree on. */
function comparable(answer) {
  const headers = Object.fromEntries(headersCompared.map((name) => [name, answer.headers[name] ?? null]));
  const json = parse(answer.body);
  return { status: answer.status, headers, body: json ? mask(json) : createHash('sha256').update(answer.body).digest('hex') };
}

async function content(dir) {
  await mkdir(join(dir, 'site/media'));
  await writeFile(join(dir, 'site/media/film.mp4'), 'not really a film\n');
  await mkdir(join(dir, 'vault'));
  await writeFile(join(dir, 'vault/secret.bin'), '0123456789'.repeat(157_287).slice(0, 1_572_864).padEnd(1_572_864, 'x'));
  await writeFile(join(dir, 'vault/page.html'), '<!doctype html><script>alert(1)</script>');
  await writeFile(join(dir, 'vault/script.js'), 'alert(1)');
  await writeFile(join(dir, 'outside.txt'), 'not published\n');
  await chmod(join(dir, 'site/media'), 0o755);
}

async function setUp(dir) {
  await content(dir);
  await must(dir, ['init', '--url', `http://site.example${tier0}`, '--url', 'http://site.example/', '--root', join(dir, 'site')]);
  const demo = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--roster', 'members', '--origin', 'https://friend.example', '--json']));
  const hall = JSON.parse(await must(dir, ['circle', 'add', 'hall', '--roster', 'public', '--json']));
  const cellar = JSON.parse(await must(dir, ['circle', 'add', 'cellar', '--roster', 'hidden', '--json']));
  await must(dir, ['circle', 'add', 'vault', '--json']);
  const gone = JSON.parse(await must(dir, ['circle', 'add', 'gone', '--json']));
  await must(dir, ['publish', 'demo', join(dir, 'site/media')]);
  await must(dir, ['publish', 'vault', join(dir, 'vault')]);
  await must(dir, ['circle', 'remove', 'gone']);
  return {
    key: demo.api_key, cid: demo.cid, hall_key: hall.api_key, hall_cid: hall.cid, cellar_cid: cellar.cid, removed_key: gone.api_key, removed_cid: gone.cid,
  };
}

const reference = new Map();
let dir;
let ids;

before(async () => {
  dir = await makeDirectory();
  ids = await setUp(dir);
  await rename(join(dir, 'data'), join(dir, 'pristine'));
});
after(() => removeDirectory(dir));

// What needs root or packages of its own is for tools/check hosting.
const wanted = process.env.POLYCIRCLE_HOSTING ? [kinds[0], ...hostingKinds] : kinds;

for (const kind of wanted) {
  describe(kind, () => {
    let server;
    const variables = { token1: hex(32), token2: hex(32), token3: hex(32), token8: hex(32), token9: hex(32), nobody: hex(32), fresh: 0 };
    before(async () => {
      Object.assign(variables, ids);
      await rm(join(dir, 'data'), { recursive: true, force: true });
      execFileSync('cp', ['-a', join(dir, 'pristine'), join(dir, 'data')]);
      server = await startServer(kind, dir);
    });
    after(() => server?.stop());

    for (const item of cases) {
      test(item.name, async () => {
        const difference = differs[kind]?.[item.name];
        let answer;
        for (let i = 0; i < (item.repeat ?? 1); i++) {
          answer = await server.request(requestOf(item, variables));
          if (!difference) check(item, answer, variables);
        }
        if (difference) {
          assert.equal(answer.status, difference.status, `no longer so: ${difference.why}`);
          return;
        }
        save(item, answer, variables);
        const now = comparable(answer);
        if (item.static) now.headers = {}; // the server's own, not ours
        if (item.new_ids) now.headers.etag = now.headers['content-range'] = '(new in every run)';
        if (reference.has(item.name)) assert.deepEqual(now, reference.get(item.name).answer, `not as ${reference.get(item.name).kind} answered`);
        else reference.set(item.name, { kind, answer: now });
      });
    }
  });
}
