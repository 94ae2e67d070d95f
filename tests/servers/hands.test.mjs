// Hostile and unlucky hands on a circle, as anybody with its public key may lay them on it: by requests alone. What is in the live file is
// only changed to let time pass. Each of these ended a circle's work in an earlier version.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, test } from 'node:test';
import { World, hex } from '../cgi/world.mjs';

const worlds = [], SPOKE_MS = 5000;
after(() => worlds.forEach(w => w.remove()));

const sql = (w, text) => execFileSync('sqlite3', [join(w.data, readdirSync(w.data).find(name => /^live-\d+\.db$/.test(name)))], { input: text, encoding: 'utf8' }).trim();
const offers = (...ids) => ids.map(id => ({ id, sdp: 'sdp' }));

function makeCircle() {
  const w = new World();
  worlds.push(w);
  w.must('init', '--url', 'http://site.example/cgi-bin/polycircle.fcgi/', '--json');
  Object.assign(w, { key: '', cid: '' });
  ({ api_key: w.key, cid: w.cid } = w.must('circle', 'add', 'demo', '--json'));
  return w;
}

/** One visitor's browser, at an address. */
class Visitor {
  token = hex(32);
  run = hex(4);
  constructor(w, address) { Object.assign(this, { w, address }); }
  say(fields) { return this.w.sync({ v: 1, token: this.token, run: this.run, ...fields }, { send: { REMOTE_ADDR: this.address } }); }
  join(fields = {}) {
    const answer = this.say({ key: this.w.key, ...fields });
    this.sig = answer.json.sig ?? this.sig;
    return answer;
  }
}
const peersOf = answer => { assert.equal(answer.status, 200, JSON.stringify(answer.json)); return answer.json.peers ?? []; };

test('one who names the whole roster as gone silences nobody', async () => {
  const w = makeCircle(), greeters = [1, 2, 3].map(n => new Visitor(w, `192.0.2.${n}`));
  for (const g of greeters) g.join();
  for (const g of greeters) g.say({ offers: offers('a', 'b', 'c') });
  const standing = () => greeters.map(g => g.say({}).json.standing ?? 0).reduce((a, b) => a + b, 0);
  const before = standing();
  assert.ok(before >= 3, `${before} offers stand`);
  await sleep(SPOKE_MS + 200);
  const attacker = new Visitor(w, '203.0.113.66');
  attacker.join();
  attacker.say({ gone: greeters.map(g => g.sig) });
  assert.ok(peersOf(new Visitor(w, '198.51.100.1').join()).length > 0, 'a newcomer finds a greeter');
  assert.ok(standing() >= before - 6, 'and what was deposited stands, but for what the two have taken');
});

test('one who joins again and again does not empty a greeter', () => {
  const w = makeCircle(), greeter = new Visitor(w, '192.0.2.1'), attacker = new Visitor(w, '203.0.113.66');
  greeter.join();
  greeter.say({ offers: offers('a', 'b', 'c') });
  const seen = new Set();
  for (let i = 0; i < 6; i++) for (const { offer } of peersOf(attacker.join())) seen.add(offer.id);
  assert.equal(seen.size, 1, 'the same page has the same offer');
  assert.equal(peersOf(new Visitor(w, '198.51.100.1').join()).length, 1, 'another finds one');
  greeter.say({ offers: offers('d', 'e', 'f') });
  for (let i = 0; i < 8; i++) {
    attacker.run = hex(4);
    for (const { offer } of peersOf(attacker.join())) seen.add(offer.id);
  }
  assert.ok(peersOf(new Visitor(w, '198.51.100.2').join()).some(p => p.sig == greeter.sig), 'reloads leave one for others');
});

test('a household whose pages come and go, or a network of many, leaves some for others', () => {
  for (const address of [i => `2001:db8:1:${(0x100 + i).toString(16)}::1`, i => `203.0.113.${i + 1}`]) {
    const w = makeCircle(), greeters = [1, 2, 3, 4, 5, 6].map(n => new Visitor(w, `192.0.2.${n}`));
    for (const g of greeters) g.join();
    for (const g of greeters) g.say({ offers: offers('a', 'b', 'c') });
    for (let i = 0; i < 20; i++) {
      const one = new Visitor(w, address(i));
      one.join();
      one.say({ leave: true });
    }
    assert.ok(peersOf(new Visitor(w, '198.51.100.1').join()).length > 0, `${address(0)} and its neighbours`);
  }
});

test('who comes after somebody that left is not taken for him', () => {
  const w = makeCircle(), greeters = [1, 2, 3].map(n => new Visitor(w, `192.0.2.${n}`));
  for (const g of greeters) { g.join(); g.say({ offers: offers('a', 'b', 'c') }); }
  const one = new Visitor(w, '203.0.113.66');
  for (let page = 0; page < 3; page++) {
    one.run = hex(4);
    one.join();
  }
  one.say({ leave: true });
  for (const g of greeters) g.say({ offers: offers('d', 'e', 'f') });
  assert.ok(peersOf(new Visitor(w, '198.51.100.1').join()).length > 0);
});

test('five pages in a minute each find neighbours', () => {
  const w = makeCircle(), greeters = [1, 2, 3].map(n => new Visitor(w, `192.0.2.${n}`)), one = new Visitor(w, '198.51.100.1');
  for (const g of greeters) g.join();
  for (let page = 0; page < 5; page++) {
    for (const g of greeters) if (g.say({}).json.role === 'greeter') g.say({ offers: offers(...'abc'.split('').map(c => `${c}${page}`)) });
    one.run = hex(4);
    assert.ok(peersOf(one.join()).length > 0, `page ${page}`);
  }
});

test('mailboxes filled by one, and a circle full of mail, take the answers of newcomers', () => {
  const w = makeCircle(), greeter = new Visitor(w, '192.0.2.1'), attacker = new Visitor(w, '203.0.113.66'), newcomer = new Visitor(w, '198.51.100.1');
  greeter.join();
  greeter.say({ offers: offers('a', 'b', 'c') });
  attacker.join();
  const junk = n => ({ mail: Array.from({ length: 8 }, (_, i) => ({ id: `m${n}-${i}`, to: greeter.sig, re: 'none', body: 'x' })) });
  const errors = [];
  for (let n = 0; n < 9; n++) errors.push(...attacker.say(junk(n)).json.sent.map(s => s.error));
  assert.deepEqual([...new Set(errors)], [undefined, 'mailbox_full'], 'it is full');
  sql(w, `UPDATE pulse SET mail = ${64 << 20}`);
  const [{ sig, offer }] = peersOf(newcomer.join());
  const answer = { mail: [{ id: 'answer', to: sig, re: offer.id, body: 'sdp' }] };
  assert.deepEqual(newcomer.say(answer).json.sent.map(s => s.error), [undefined]);
  assert.deepEqual(newcomer.say(answer).json.sent.map(s => s.error), [undefined], 'sent again');
  assert.deepEqual(newcomer.say({ mail: [{ ...answer.mail[0], id: 'more' }] }).json.sent.map(s => s.error), ['mailbox_full'], 'but one answer only');
});

test('a flood of mail from one address delays no answer, and nobody else\'s mail', () => {
  const w = makeCircle(), greeter = new Visitor(w, '192.0.2.1'), newcomer = new Visitor(w, '198.51.100.1'), other = new Visitor(w, '198.51.101.1');
  greeter.join();
  greeter.say({ offers: offers('a', 'b', 'c') });
  const [{ offer }] = peersOf(newcomer.join());
  other.join({ greet: false });
  const errors = [];
  for (let i = 0; i < 12; i++) {
    const one = new Visitor(w, '203.0.113.66');
    one.join();
    errors.push(...one.say({ mail: Array.from({ length: 8 }, (_, k) => ({ id: `m${k}`, to: greeter.sig, re: 'none', body: 'junk' })) }).json.sent.map(s => s.error));
  }
  assert.ok(errors.filter(e => !e).length <= 24, `${errors.filter(e => !e).length} of ${errors.length} lie there`);
  newcomer.say({ mail: [{ id: 'answer', to: greeter.sig, re: offer.id, body: 'sdp' }] });
  other.say({ mail: [{ id: 'else', to: greeter.sig, re: 'none', body: 'other' }] });
  const { mail, cursor } = greeter.say({}).json;
  assert.equal(mail[0].body, 'sdp');
  assert.ok([...mail, ...greeter.say({ cursor }).json.mail ?? []].some(m => m.body == 'other'), 'and the other by the second poll');
});

test('one network that joins with ever new names leaves some for others', () => {
  const w = makeCircle(), greeter = new Visitor(w, '192.0.2.1');
  greeter.join();
  greeter.say({ offers: offers('a', 'b', 'c') });
  for (let i = 0; i < 3; i++) new Visitor(w, '203.0.113.66').join();
  greeter.say({ offers: offers('d', 'e', 'f') });
  for (let i = 0; i < 12; i++) new Visitor(w, '203.0.113.66').join();
  assert.ok(peersOf(new Visitor(w, '198.51.100.1').join()).some(p => p.sig == greeter.sig), 'somebody from elsewhere finds the greeter');
});

test('one household with 256 networks has no more than one address', () => {
  const w = makeCircle(), answers = { 200: 0, 429: 0 };
  for (let i = 0; i < 540; i++) answers[new Visitor(w, `2001:db8:0:${(i % 256).toString(16)}::1`).join().status]++;
  assert.deepEqual(answers, { 200: 500, 429: 40 });
  assert.equal(new Visitor(w, '2001:db8:0:100::1').join().status, 200, 'its neighbour comes in');
});

test('who was refused comes in when the leases of others have ended, without anybody else', () => {
  const w = makeCircle();
  for (let i = 0; i < 500; i++) new Visitor(w, '192.0.2.1').join();
  assert.equal(new Visitor(w, '192.0.2.1').join().status, 429, 'one too many');
  // others left before them, many, and nobody has come since: all of it a day ago
  sql(w, `UPDATE signal SET expires = expires - 86400000;
    WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 3000)
    INSERT INTO signal(circle, token, sig, run, role, greet, bucket, since, interval, expires, version, have)
    SELECT 999, 'token' || n, 'sig' || n, 1, 0, 1, 1, 0, 1000, 1, 0, '' FROM k;`);
  assert.equal(new Visitor(w, '192.0.2.1').join().status, 200);
});

test('a full circle is open again when its leases have ended', () => {
  const w = makeCircle();
  new Visitor(w, '192.0.2.1').join();
  sql(w, `WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 9999)
    INSERT INTO signal(circle, token, sig, run, role, greet, bucket, since, interval, expires, version, have)
    SELECT s.circle, 'token' || n, 'sig' || n, 1, 0, 1, n, 0, 1000, s.expires, 0, '' FROM k, (SELECT * FROM signal) s;
    UPDATE pulse SET n = n + 9999;`);
  assert.equal(new Visitor(w, '192.0.2.2').join().status, 429, 'full');
  sql(w, `UPDATE signal SET expires = expires - 86400000;
    WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 3000)
    INSERT INTO signal(circle, token, sig, run, role, greet, bucket, since, interval, expires, version, have)
    SELECT 999, 'tokem' || n, 'sib' || n, 1, 0, 1, 1, 0, 1000, 1, 0, '' FROM k;`);
  assert.equal(new Visitor(w, '192.0.2.2').join().status, 200);
});

test('one id for mail to two is two mails', () => {
  const w = makeCircle(), [a, b, c] = [1, 2, 3].map(n => new Visitor(w, `192.0.2.${n}`));
  for (const v of [a, b, c]) v.join();
  c.say({ mail: [a, b].map(({ sig }) => ({ id: 'same', to: sig, re: 'r', body: `for ${sig}` })) });
  for (const v of [a, b]) assert.deepEqual(v.say({}).json.mail?.map(m => m.body), [`for ${v.sig}`]);
});

test('a spool that is given up takes nothing of the owner with it', () => {
  const w = makeCircle(), dir = join(w.dir, 'site/spool');
  const owners = ['index.html', '.htaccess', 'probe.json', 'signal-handler.js', 'roster-0123456789abcdef.json', 'signal-strength.html', 'box-office.json', 'package-tour.tar.gz', 'manifest-2026.json', 'manifest-2026.json.gz', 'roster-of-players.json',
    `box-${'0'.repeat(31)}.json`, `roster-${w.cid}.json.bak`];
  const ours = [`roster-${w.cid}.json`, `box-${'0'.repeat(32)}.json`, `signal-${w.key}.js`, `short-${w.key}.js`, `manifest-${w.cid}-12.json`, `manifest-${w.cid}-13.json.gz`, `package-${w.cid}-${'a'.repeat(64)}.tar.gz`];
  mkdirSync(dir, { recursive: true });
  for (const name of [...owners, ...ours]) writeFileSync(join(dir, name), `of the owner: ${name}`);
  w.must('set', 'spool_dir', dir, '--json');
  w.must('set', 'spool_dir', '', '--json');
  assert.deepEqual(readdirSync(dir).sort(), owners.sort());
});

test('a change of .htaccess whose request was killed is undone by any request', () => {
  const w = makeCircle(), path = join(w.dir, '.htaccess'), copy = join(w.dir, 'kept'), pending = join(w.data, 'tier-pending'), before = '# of the owner\n';
  writeFileSync(copy, before);
  writeFileSync(path, `# BEGIN polycircle\nNonsense\n# END polycircle\n${before}`);
  writeFileSync(pending, `${path}\n${copy}\n`);
  w.request('/health');
  assert.match(readFileSync(path, 'utf8'), /Nonsense/, 'not while the browser may still confirm it');
  utimesSync(pending, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
  w.request('/health');
  assert.equal(readFileSync(path, 'utf8'), before);
});

test('what the owner has mended in .htaccess meanwhile is left as it is, but for our block', () => {
  for (const [mended, left] of [['# mended\n', '# mended\n'], ['# BEGIN polycircle\nNonsense\n# END polycircle\n# mended\n', '# mended\n'], [null, null]]) {
    const w = makeCircle(), path = join(w.dir, '.htaccess'), copy = join(w.dir, 'kept'), pending = join(w.data, 'tier-pending');
    writeFileSync(copy, '# as it was before\n');
    if (mended) writeFileSync(path, mended);
    writeFileSync(pending, `${path}\n${copy}\n`);
    utimesSync(pending, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
    w.request('/health');
    assert.equal(existsSync(path) ? readFileSync(path, 'utf8') : null, left);
    assert.ok(!existsSync(pending));
  }
});

test('a large copy that fails is told of: in the log, and to who asks for one', async () => {
  const w = makeCircle(), log = join(w.data, 'backup.log');
  execFileSync('sqlite3', [join(w.data, 'polycircle.db'), "INSERT INTO instance VALUES('ballast', zeroblob(3000000))"]);
  writeFileSync(join(w.data, 'backups'), 'in the way');
  const visit = () => new Visitor(w, '192.0.2.1').say({ key: w.key });
  visit();
  assert.ok(statSync(join(w.data, 'keep.lock')).mtimeMs > Date.now() - 60000, 'noted as a try at once: no second one beside it');
  for (let tries = 0; tries < 100 && !(existsSync(log) && readFileSync(log).length); tries++) await sleep(100);
  rmSync(join(w.data, 'chores')); // a second has passed
  assert.match(visit().err, /no backup; it is tried again every hour: .*backups/);
  const code = readFileSync(join(w.data, 'owner-code'), 'utf8').trim();
  const { status, json } = w.request('/owner', { post: { v: 1, code, do: 'backup' } });
  assert.notEqual(status, 200);
  assert.match(json.text, /backups/);
});

test('mail that nobody fetches goes, also when nobody joins; the file gives its room back', async () => {
  const w = makeCircle(), all = [1, 2, 3, 4].map(n => new Visitor(w, `192.0.2.${n}`));
  for (const v of all) v.join();
  const [from, ...to] = all, body = 'x'.repeat(8192), pages = () => Number(sql(w, 'PRAGMA page_count'));
  for (let i = 0; i < 60; i++) {
    from.say({ mail: Array.from({ length: 8 }, (_, k) => ({ id: `${i}-${k}`, to: to[k % 3].sig, re: 'r', body })) });
    sql(w, 'UPDATE mail SET expires = 1');
  }
  assert.ok(Number(sql(w, 'SELECT count(*) FROM mail')) <= 60, `${sql(w, 'SELECT count(*) FROM mail')} of 480 lie there`);
  sql(w, "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 2000) INSERT INTO refused SELECT 1, hex(zeroblob(2000)) || n, 1, 1 FROM k");
  const full = pages();
  sql(w, 'DELETE FROM refused');
  for (let i = 0; i < 5; i++) {
    from.say({ mail: [{ id: `z${i}`, to: to[0].sig, re: 'r', body: 'x' }] });
    await sleep(1100);
  }
  assert.ok(pages() < full - 1000, `${full} pages before, ${pages()} after five requests`);
});

test('the loader in the spool: a choice is in it at once, and it never looks old to a cache', async () => {
  const w = makeCircle(), dir = join(w.dir, 'site/spool'), loader = join(dir, `signal-${w.key}.js`), visitor = new Visitor(w, '192.0.2.1');
  mkdirSync(dir, { recursive: true });
  for (const [name, value] of [['spool_dir', dir], ['spool_url', 'http://site.example/spool/']]) w.must('set', name, value, '--json');
  visitor.join();
  for (const end = Date.now() + 30_000; !existsSync(loader); await sleep(50)) assert.ok(Date.now() < end, 'a join puts it there');
  assert.match(readFileSync(loader, 'utf8'), /"p2p":"ask"/);
  w.must('circle', 'set', 'demo', '--p2p', 'on', '--mirror', 'off', '--json');
  assert.match(readFileSync(loader, 'utf8'), /"p2p":"on","mirror":false/);
  visitor.join();
  for (const end = Date.now() + 30_000; !existsSync(join(dir, `roster-${w.cid}.json`)); await sleep(300)) {
    assert.ok(Date.now() < end, 'the roster');
    visitor.join();
  }
  w.must('circle', 'set', 'demo', '--roster', 'hidden', '--json');
  assert.ok(!existsSync(join(dir, `roster-${w.cid}.json`)), 'a roster that is hidden now is no file');
  const old = new Date(Date.now() - 86400_000);
  for (const name of readdirSync(dir)) utimesSync(join(dir, name), old, old);
  for (const end = Date.now() + 30_000; statSync(loader).mtimeMs < Date.now() - 60_000; await sleep(300)) {
    assert.ok(Date.now() < end, 'it is young again');
    visitor.join();
  }
});
