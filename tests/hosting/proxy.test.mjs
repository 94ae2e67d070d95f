// What stands in front of a host: caches that ignore what they are told, proxies
// that strip the length, requests for other names. nginx plays them all.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { form, freePort, makeDirectory, must, parse, removeDirectory, request, startServer, tier0 } from '../servers/server.mjs';

const hex = (bytes) => randomBytes(bytes).toString('hex');

/** nginx before the server on `port`: caches every GET for ten minutes, whatever the answer says. */
const lyingCache = (dir, port, to) => `daemon off;
pid ${dir}/run/proxy.pid;
error_log ${dir}/run/proxy.log;
events { }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi'].map((name) => `${name}_temp_path ${dir}/run/proxy-${name};`).join('\n  ')}
  proxy_cache_path ${dir}/run/cache keys_zone=all:1m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${to};
      proxy_set_header Host $host;
      proxy_cache all;
      proxy_cache_valid any 10m;
      proxy_ignore_headers Cache-Control Expires Set-Cookie Vary X-Accel-Expires;
      add_header X-Cache $upstream_cache_status always;
    }
  }
}
`;

/** A proxy that knows HTTP/1.0 towards its clients: no Content-Length, no chunks, the end is the end of the connection. */
async function stripper(to) {
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    client.pipe(upstream);
    let head = Buffer.alloc(0);
    let passed = false;
    upstream.on('data', (piece) => {
      if (passed) return client.write(piece);
      head = Buffer.concat([head, piece]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      passed = true;
      return client.write(Buffer.concat([Buffer.from(head.subarray(0, end).toString('latin1').replace(/\r\ncontent-length:[^\r]*/i, ''), 'latin1'), head.subarray(end)]));
    });
    upstream.on('end', () => client.end());
    for (const socket of [client, upstream]) socket.on('error', () => { client.destroy(); upstream.destroy(); });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return server;
}

for (const kind of ['apache-fcgid', 'lighttpd-cgi']) {
  describe(kind, () => {
    let dir;
    let server;
    let key;
    let cid;
    before(async () => {
      dir = await makeDirectory();
      await must(dir, ['init', '--url', `http://site.example${tier0}`]);
      ({ api_key: key, cid } = JSON.parse(await must(dir, ['circle', 'add', 'demo', '--roster', 'public', '--json'])));
      server = await startServer(kind, dir);
    });
    after(async () => {
      await server?.stop();
      await removeDirectory(dir);
    });

    /** A greeter, a newcomer, a mail: everything that a first connection needs. Gives how long the slowest answer took. */
    async function signaling(port) {
      let slowest = 0;
      const sync = async (fields) => {
        const began = Date.now();
        const answer = await request(port, { method: 'POST', path: `${tier0}sync`, body: form({ v: 1, ...fields }) });
        slowest = Math.max(slowest, Date.now() - began);
        assert.equal(answer.status, 200, answer.body.toString());
        return parse(answer.body);
      };
      const [greeter, newcomer] = [{ token: hex(32), run: hex(4) }, { token: hex(32), run: hex(4) }];
      let { cursor } = await sync({ ...greeter, key });
      await sync({ ...greeter, cursor, offers: ['o1', 'o2', 'o3'].map((id) => ({ id, sdp: 'AAAA' })) }); // behind the proxy all have one address
      const { peers, cursor: mine } = await sync({ ...newcomer, key });
      const offer = peers.find((peer) => peer.offer)?.offer.id;
      assert.ok(offer, 'a newcomer gets an offer');
      const to = peers.find((peer) => peer.offer).sig;
      await sync({ ...newcomer, cursor: mine, mail: [{ id: 'm', to, re: offer, body: 'BBBB' }] });
      for (let polls = 0; polls < 3; polls++) {
        const { mail, cursor: next } = await sync({ ...greeter, cursor });
        cursor = next ?? cursor;
        if (!mail?.some(({ body }) => body === 'BBBB')) continue;
        for (const one of [greeter, newcomer]) await sync({ ...one, leave: true });
        return slowest;
      }
      throw new Error('the mail did not arrive');
    }

    test('a cache that ignores Cache-Control: signaling works', async () => {
      const port = await freePort();
      await mkdir(join(dir, 'run/cache'));
      await writeFile(join(dir, 'proxy.conf'), lyingCache(dir, port, server.port));
      const nginx = spawn('nginx', ['-c', join(dir, 'proxy.conf')], { stdio: 'ignore' });
      try {
        const get = (path) => request(port, { path: tier0 + path });
        for (let tries = 0; tries < 100 && !(await get('health').catch(() => null)); tries++) await sleep(50);
        await get('health');
        assert.equal((await get('health')).headers['x-cache'], 'HIT', 'it does lie');
        const roster = (await get(`roster/${cid}.json`)).body.toString();
        for (let n = 0; n < 5; n++) await signaling(port);
        await server.request({ method: 'POST', path: `${tier0}sync`, body: form({ v: 1, key, token: hex(32), run: hex(4) }) });
        assert.equal((await get(`roster/${cid}.json`)).body.toString(), roster, 'what a GET says is old there');
        assert.notEqual((await server.request({ path: `${tier0}roster/${cid}.json` })).body.toString(), roster);
        assert.equal((await request(port, { path: `${tier0}signal?${key}`, headers: { 'If-None-Match': 'x' } })).status, 200);
      } finally {
        const ended = new Promise((resolve) => { nginx.once('exit', resolve); });
        nginx.kill('SIGTERM');
        await ended;
      }
    });

    test('a proxy that strips Content-Length: the same answers, each whole and within 25 s', async () => {
      const proxy = await stripper(server.port);
      try {
        const { port } = proxy.address();
        assert.ok(await signaling(port) < 25_000);
        for (const path of [`signal?${key}`, 'client.js', 'circle-sw.js', 'health', 'circles.json', `roster/${cid}.json`]) {
          const began = Date.now();
          const [through, straight] = [await request(port, { path: tier0 + path }), await server.request({ path: tier0 + path })];
          assert.ok(Date.now() - began < 25_000);
          assert.equal(through.headers['content-length'], undefined);
          assert.deepEqual([through.status, through.body.equals(straight.body)], [straight.status, true], path);
        }
      } finally {
        await new Promise((resolve) => { proxy.close(resolve); });
      }
    });

    test('a name that is not ours: 421, and nothing of it in the answer', async () => {
      for (const host of ['evil.example', 'site.example.evil.example', '127.0.0.1', 'localhost:80', 'xsite.example']) {
        for (const path of [`signal?${key}`, 'health', `roster/${cid}.json`]) {
          const answer = await server.request({ path: tier0 + path, host, headers: { 'X-Forwarded-Host': 'site.example' } });
          assert.equal(answer.status, 421, `${host} ${path}`);
          assert.ok(!answer.body.toString().includes(host));
        }
        assert.equal((await server.sync({ v: 1, key, token: hex(32), run: hex(4) }, { host })).json.error, 'host_unknown');
      }
      for (const host of ['site.example', 'SITE.example', 'site.example:8080']) assert.equal((await server.request({ path: `${tier0}health`, host })).status, 200, host);
    });
  });
}
