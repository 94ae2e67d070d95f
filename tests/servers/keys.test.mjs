// Signing keys: made, used, renewed, lost, brought back by a backup, taken over from a version that kept them in polycircle.db. And what a
// page sees of it: the loader names the key that the manifest is signed with, at each moment.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { World } from '../cgi/world.mjs';

const worlds = [];
after(() => worlds.forEach(w => w.remove()));

const sql = (file, text) => execFileSync('sqlite3', [file], { input: text, encoding: 'utf8' }).trim();
const db = w => join(w.data, 'polycircle.db');
/** In the folder of the keys, beside what guards each folder of ours. */
const keyFiles = w => readdirSync(join(w.data, 'signing')).filter(name => !['.htaccess', 'index.html'].includes(name));
const keyFile = w => join(w.data, 'signing', w.cid);
const code = w => readFileSync(join(w.data, 'owner-code'), 'utf8').trim();
const owner = (w, action, fields = {}) => w.request('/owner', { post: { v: 1, code: code(w), do: action, ...fields } });

/** An instance with one circle and one published film. */
function makeInstance() {
  const w = new World();
  worlds.push(w);
  mkdirSync(join(w.dir, 'site/media'), { recursive: true });
  writeFileSync(join(w.dir, 'site/media/film.mp4'), 'a film\n');
  w.must('init', '--url', 'http://site.example/cgi-bin/polycircle.fcgi/', '--root', join(w.dir, 'site'), '--json');
  const { cid, api_key } = w.must('circle', 'add', 'demo', '--json');
  w.must('publish', 'demo', join(w.dir, 'site/media'), '--json');
  return Object.assign(w, { cid, key: api_key });
}

/** What a page gets: the key of its loader, and the manifest that must be signed by it. */
function seen(w) {
  const loader = w.request('/signal', { query: w.key });
  const [, named] = /"sign":\s*"([\w-]{43})"/.exec(loader.bytes.toString()) ?? [];
  const { status, json } = w.request(`/manifest/${w.cid}.json`);
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(json.key, named, 'the loader names the key of the manifest');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: json.key }, format: 'jwk' });
  assert.ok(verify(null, Buffer.from(`polycircle-manifest-1\n${json.signed}`), key, Buffer.from(json.sig, 'base64url')), 'signed by it');
  return { sign: json.key, version: JSON.parse(json.signed).version };
}

const joins = (w, letter) => w.sync({ v: 1, key: w.key, token: letter.repeat(64), run: '00000001' }).json;

test('a key is a file of its own: hexadecimal, 0600, in no table', () => {
  const w = makeInstance();
  assert.match(readFileSync(keyFile(w), 'utf8'), /^[0-9a-f]{64}\n$/);
  assert.equal(statSync(keyFile(w)).mode & 0o777, 0o600);
  assert.equal(statSync(join(w.data, 'signing')).mode & 0o777, 0o700);
  const seed = readFileSync(keyFile(w), 'utf8').trim();
  for (const name of readdirSync(w.data).filter(name => name.includes('.db')))
    assert.ok(!readFileSync(join(w.data, name)).includes(Buffer.from(seed, 'hex')), `${name} does not hold it`);
  seen(w);
});

for (const [how, renew] of [['circle rekey', w => w.must('circle', 'rekey', 'demo', '--json')], ['the console', w => owner(w, 'rekey', { circle: 'demo' }).json]])
  test(`renewed by ${how}: loader and manifest change at once, every signal joins again`, () => {
    const w = makeInstance(), before = seen(w), { sig } = joins(w, 'a'), seed = readFileSync(keyFile(w), 'utf8');
    const pepper = sql(db(w), "SELECT hex(value) FROM instance WHERE name = 'pepper'"), old = w.request('/signal', { query: w.key }).headers.etag;
    const told = renew(w), now = seen(w);
    assert.notEqual(now.sign, before.sign);
    assert.ok(now.version > before.version);
    assert.notEqual(readFileSync(keyFile(w), 'utf8'), seed);
    assert.deepEqual(keyFiles(w), [w.cid], 'nothing is left beside it');
    assert.notEqual(sql(db(w), "SELECT hex(value) FROM instance WHERE name = 'pepper'"), pepper);
    assert.notEqual(w.request('/signal', { query: w.key }).headers.etag, old, 'a browser that asks gets the new loader');
    assert.ok(JSON.stringify(told).includes(now.sign), 'the owner is told the new key');
    assert.match(sig, /^[0-9a-f]{64}$/);
    assert.equal(w.request(`/roster/${w.cid}.json`).json.n, 0, 'nobody is on the roster');
    assert.equal(joins(w, 'a').role, 'greeter');
    w.must('check', '--json');
  });

test('a renewal that was broken off: before its commit the old key counts, behind it the new one', () => {
  const w = makeInstance(), before = seen(w), other = makeInstance();
  copyFileSync(keyFile(other), `${keyFile(w)}.new`);
  assert.deepEqual(seen(w), before);
  w.must('publish', 'demo', join(w.dir, 'site/media'), '--json');
  assert.equal(seen(w).sign, before.sign);
  // as if killed between commit and rename
  const row = JSON.parse(sql(db(other), "SELECT json_object('k', hex(sign_public)) FROM circle")).k;
  sql(db(w), `UPDATE circle SET sign_public = x'${row}'`);
  writeFileSync(join(w.dir, 'site/media/more.mp4'), 'more');
  w.must('publish', 'demo', join(w.dir, 'site/media'), '--json');
  assert.equal(seen(w).sign, seen(other).sign);
  w.must('doctor', '--json');
  assert.deepEqual(keyFiles(w), [w.cid], 'doctor ends what was begun');
  assert.equal(readFileSync(keyFile(w), 'utf8'), readFileSync(keyFile(other), 'utf8'));
});

/** As if killed between the commit of a renewal and the rename: CID.new counts. Gives what pages see from then on. */
function breakOff(w) {
  const before = readFileSync(keyFile(w), 'utf8');
  w.must('circle', 'rekey', 'demo', '--json');
  copyFileSync(keyFile(w), `${keyFile(w)}.new`);
  writeFileSync(keyFile(w), before);
  return seen(w);
}

test('broken off behind its commit, then a restore, or a backup for another host: the new key stays', () => {
  const w = makeInstance(), old = join(w.dir, 'old.db'), copy = join(w.dir, 'copy.db');
  w.must('backup', old, '--json');
  const now = breakOff(w);
  w.must('restore', old, '--json');
  assert.equal(seen(w).sign, now.sign);
  const later = breakOff(w);
  w.must('backup', copy, '--json');
  rmSync(w.data, { recursive: true });
  mkdirSync(w.data, { mode: 0o700 });
  w.must('restore', copy, '--json');
  assert.equal(seen(w).sign, later.sign);
  w.must('check', '--json');
});

test('many renewals and publishings at once: each ends well or says that it is busy, and what is there fits together', async () => {
  const w = makeInstance(), env = { ...process.env, POLYCIRCLE_DATA: w.data };
  const run = args => promisify(execFile)(process.env.POLYCIRCLE_PROGRAM, args, { env }).then(() => 'ok', ({ stdout, stderr }) => /busy|locked/.test(stdout + stderr) ? 'busy' : stdout + stderr);
  for (let round = 0; round < 4; round++) {
    writeFileSync(join(w.dir, 'site/media/film.mp4'), `another film ${round}\n`);
    const ends = await Promise.all(Array.from({ length: 8 }, (_, i) => run(i % 2 ? ['publish', 'demo', join(w.dir, 'site/media'), '--json'] : ['circle', 'rekey', 'demo', '--json'])));
    assert.deepEqual(ends.filter(end => !['ok', 'busy'].includes(end)), []);
    seen(w);
    assert.deepEqual(keyFiles(w), [w.cid]);
    w.must('check', '--json');
  }
});

test('a backup copied over polycircle.db by hand, with its table of keys: backups and restores go on', () => {
  const w = makeInstance(), before = seen(w), copy = join(w.dir, 'copy.db'), next = join(w.dir, 'next.db');
  w.must('backup', copy, '--json');
  for (const name of ['polycircle.db', 'polycircle.db-wal', 'polycircle.db-shm', 'polycircle.db-journal']) rmSync(join(w.data, name), { force: true });
  copyFileSync(copy, db(w));
  assert.equal(seen(w).sign, before.sign);
  w.must('backup', next, '--json');
  w.must('restore', next, '--json');
  assert.equal(seen(w).sign, before.sign);
  w.must('check', '--json');
});

test('a key that was cut short comes back with a backup', () => {
  const w = makeInstance(), before = seen(w), copy = join(w.dir, 'copy.db');
  w.must('backup', copy, '--json');
  writeFileSync(keyFile(w), 'abc\n');
  w.must('restore', copy, '--json');
  assert.equal(seen(w).sign, before.sign);
});

for (const [how, harm, words] of [['gone', w => unlinkSync(keyFile(w)), /is not there/], ['cut short', w => writeFileSync(keyFile(w), 'abc\n'), /not the one/],
  ["another circle's", w => copyFileSync(keyFile(makeInstance()), keyFile(w)), /not the one/]])
  test(`the key is ${how}: what is published stays, publishing says what to do, and rekey mends it`, () => {
    const w = makeInstance(), before = seen(w);
    harm(w);
    assert.deepEqual(seen(w), before);
    writeFileSync(join(w.dir, 'site/media/more.mp4'), 'more');
    const refused = w.cli('publish', 'demo', join(w.dir, 'site/media'));
    assert.equal(refused.status, 1);
    assert.match(refused.err, words);
    assert.match(refused.err, /circle rekey demo/);
    const check = w.cli('check');
    assert.equal(check.status, 1, check.out);
    assert.match(check.out, words);
    w.must('circle', 'rekey', 'demo', '--json');
    assert.notEqual(seen(w).sign, before.sign);
    w.must('publish', 'demo', join(w.dir, 'site/media'), '--json');
    w.must('check', '--json');
  });

test('a backup has the keys; restoring it never brings an older key back, and brings one where there is none', () => {
  const w = makeInstance(), first = seen(w), copy = join(w.dir, 'copy.db');
  w.must('backup', copy, '--json');
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  const seed = readFileSync(keyFile(w), 'utf8').trim();
  assert.equal(sql(copy, 'SELECT lower(hex(seed)) FROM signing'), seed);
  w.must('circle', 'rekey', 'demo', '--json');
  const second = seen(w);
  w.must('restore', copy, '--json');
  const restored = seen(w);
  assert.equal(restored.sign, second.sign, 'the newer key stays');
  assert.ok(restored.version > second.version);
  assert.equal(sql(db(w), "SELECT count(*) FROM sqlite_master WHERE name = 'signing'"), '0', 'the table is of backups alone');
  rmSync(w.data, { recursive: true });
  mkdirSync(w.data, { mode: 0o700 });
  w.must('restore', copy, '--json');
  assert.equal(seen(w).sign, first.sign, 'an empty place gets the key of the backup');
  assert.equal(readFileSync(keyFile(w), 'utf8').trim(), seed);
  assert.equal(statSync(keyFile(w)).mode & 0o777, 0o600);
  w.must('check', '--json');
});

test('an instance of version 0.1.0: the keys move, nothing of them stays behind, and the owner is told until both were renewed', () => {
  const w = new World();
  worlds.push(w);
  mkdirSync(join(w.dir, 'site/media'), { recursive: true });
  mkdirSync(w.data, { mode: 0o700 });
  writeFileSync(join(w.dir, 'site/media/film.mp4'), 'a film\n');
  utimesSync(join(w.dir, 'site/media/film.mp4'), 1790000000, 1790000000);
  writeFileSync(join(w.data, 'owner-code'), '7t5v-wmbq-k2fk-4rtp-ynsd-t2m8-d4\n', { mode: 0o600 });
  sql(db(w), `PRAGMA journal_mode=WAL; ${readFileSync(new URL('../kept/form-2.sql', import.meta.url), 'utf8').replaceAll('DIR/', `${w.dir}/`)}`);
  execFileSync('chmod', ['600', db(w)]);
  Object.assign(w, { cid: '2e0f8bf86454941f', key: 'rpkHdRJhjH4rA36gVuGZnQ' });
  const seed = 'abeb3ffb4a840cf1dde2eb34553882269d0f8949817f326d98827384f69a42f1';
  assert.ok(readFileSync(db(w)).includes(Buffer.from(seed, 'hex')), 'it has it in its table');

  const before = seen(w);
  const sign = Buffer.from('ca8eb49f7baacc18df2a514b25d9331842938886b656ea1481676cf98388f471', 'hex').toString('base64url');
  assert.deepEqual(before, { sign, version: 1 }, 'what was published stays');
  assert.equal(readFileSync(keyFile(w), 'utf8').trim(), seed);
  for (const name of readdirSync(w.data).filter(name => /^polycircle\.db/.test(name)))
    assert.ok(!readFileSync(join(w.data, name)).includes(Buffer.from(seed, 'hex')), `${name} holds it no longer`);
  assert.equal(joins(w, 'b').role, 'greeter');

  const told = () => { const { circles, exposed_code } = owner(w, 'status').json; return [circles[0].exposed, exposed_code]; };
  assert.deepEqual(told(), [true, true]);
  assert.match(w.cli('check').out, /circle rekey demo/);
  w.must('circle', 'rekey', 'demo', '--json');
  assert.deepEqual(told(), [false, true]);
  const { new_code } = owner(w, 'recode').json;
  assert.equal(code(w), new_code);
  assert.deepEqual(told(), [false, false]);
  assert.equal(w.request('/owner', { post: { v: 1, code: '7t5v-wmbq-k2fk-4rtp-ynsd-t2m8-d4', do: 'status' } }).json.error, 'wrong_code');
  assert.ok(seen(w).version > 1);

  const copy = join(w.dir, 'old.db'), kept = seen(w);
  copyFileSync(join(w.data, 'backups/polycircle-v2.db'), copy);
  w.must('restore', copy, '--json');
  assert.equal(seen(w).sign, kept.sign, 'the copy made before the change brings no old key');
  assert.deepEqual(told(), [true, true], 'but what was renewed since it does not know, and asks once more');
  assert.ok(existsSync(keyFile(w)));
});
