// What an owner's folder goes through: a disk that is not mounted, a folder renamed for a moment, files replaced with their size and time
// kept. Asked for as anybody would, by the manifest and the command line.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { World } from '../cgi/world.mjs';

const worlds = [], OLD_S = 1_700_000_000;
after(() => worlds.forEach(w => w.remove()));

const sql = (w, text) => execFileSync('sqlite3', [join(w.data, 'polycircle.db')], { input: text, encoding: 'utf8' }).trim();

function put(w, name, text) {
  const path = join(w.dir, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  utimesSync(path, OLD_S, OLD_S);
}

/** An instance that has published films/long.mp4, films/short.mp4 and one.png of its folder site. */
function makeInstance() {
  const w = new World();
  worlds.push(w);
  w.must('init', '--url', 'http://site.example/cgi-bin/polycircle.fcgi/', '--root', w.dir, '--json');
  Object.assign(w, { key: '', cid: '' });
  ({ api_key: w.key, cid: w.cid } = w.must('circle', 'add', 'demo', '--json'));
  for (const name of ['films/long.mp4', 'films/short.mp4', 'one.png']) put(w, `site/${name}`, `what ${name} holds`);
  w.publish = (dir = 'site') => w.must('publish', 'demo', join(w.dir, dir), '--json');
  assert.equal(w.publish().hashed, 3);
  return w;
}

/** What the manifest lists: path -> hash. */
function listed(w) {
  const { status, json } = w.request(`/manifest/${w.cid}.json`);
  assert.equal(status, 200);
  return Object.fromEntries(JSON.parse(json.signed).media.map(m => [m.path, m.sha256]));
}
const sha = text => createHash('sha256').update(text).digest('base64url');
const move = (w, from, to) => renameSync(join(w.dir, from), join(w.dir, to));

/** Lets visitors' requests do what is due in the background, a step each, until the walk that is due has ended. */
function walkInBackground(w) {
  const finished = () => Number(sql(w, 'SELECT finished FROM job'));
  sql(w, 'UPDATE job SET finished = 1');
  for (let i = 0; i < 50 && finished() < 2; i++) {
    rmSync(join(w.data, 'chores'), { force: true }); // that a second has passed
    assert.equal(w.sync({ v: 1, key: w.key, token: randomBytes(32).toString('hex'), run: '00000001' }).status, 200);
  }
  assert.ok(finished() > 1, 'the walk has ended');
}

test('a folder that is away for a moment withdraws nothing, and nothing is read again', () => {
  const w = makeInstance(), before = listed(w);
  move(w, 'site', 'away');
  assert.deepEqual(listed(w), before, 'renamed');
  mkdirSync(join(w.dir, 'site'));
  assert.deepEqual(listed(w), before, 'empty, as where a disk is not mounted');
  rmSync(join(w.dir, 'site'), { recursive: true });
  move(w, 'away', 'site');
  const { hashed, version } = w.publish();
  assert.deepEqual({ hashed, version }, { hashed: 0, version: 1 });
});

test('a part that is away for a moment withdraws nothing: a name that leads nowhere, another device', () => {
  const w = makeInstance(), before = listed(w);
  move(w, 'site/films', 'away');
  symlinkSync('films', join(w.dir, 'site/films'));
  assert.deepEqual(listed(w), before, 'a name that leads nowhere');
  assert.equal(w.publish().files, 3, 'a walk believes it no sooner');
  rmSync(join(w.dir, 'site/films'));
  sql(w, 'UPDATE media SET dev = dev + 1');
  assert.deepEqual(listed(w), before, 'a disk that is not mounted: what lies beneath is another device');
  move(w, 'away', 'site/films');
  assert.equal(w.publish().hashed, 0);
});

test('one file that is gone is withdrawn at once, and so is one that changed', () => {
  const w = makeInstance();
  rmSync(join(w.dir, 'site/one.png'));
  assert.deepEqual(Object.keys(listed(w)), ['films/long.mp4', 'films/short.mp4']);
  put(w, 'site/films/short.mp4', 'longer than what it held before');
  assert.deepEqual(Object.keys(listed(w)), ['films/long.mp4']);
  assert.equal(w.publish().files, 2);
  rmSync(join(w.dir, 'site/films'), { recursive: true });
  put(w, 'site/two.png', 'two');
  assert.equal(w.publish().files, 1, 'with its folder');
});

test('what is gone for longer is withdrawn by the second walk; its return within a month costs no reading', () => {
  const w = makeInstance();
  move(w, 'site', 'away');
  mkdirSync(join(w.dir, 'site'));
  const empty = () => w.cli('publish', 'demo', join(w.dir, 'site'), '--json');
  const [first, second] = [empty(), empty()];
  assert.deepEqual([first.status, first.json?.files, first.json?.doubted], [1, 3, 3], 'the first walk doubts');
  assert.deepEqual([second.status, second.json?.files, second.json?.doubted], [1, 0, 0], 'the second does not');
  assert.deepEqual(listed(w), {});
  rmSync(join(w.dir, 'site'), { recursive: true });
  move(w, 'away', 'site');
  const { hashed, files } = w.publish();
  assert.deepEqual({ hashed, files }, { hashed: 0, files: 3 });
  assert.equal(listed(w)['one.png'], sha('what one.png holds'));
});

test('the same in the background, where the folder itself is gone', () => {
  const w = makeInstance(), before = listed(w);
  move(w, 'site', 'away');
  walkInBackground(w);
  assert.deepEqual(listed(w), before, 'after one walk');
  move(w, 'away', 'site');
  walkInBackground(w);
  move(w, 'site', 'away');
  walkInBackground(w);
  assert.deepEqual(listed(w), before, 'it was back in between: doubt begins anew');
  walkInBackground(w);
  assert.deepEqual(listed(w), {}, 'after two');
  move(w, 'away', 'site');
  walkInBackground(w);
  assert.deepEqual(listed(w), before, 'and back');
});

test('hashes belong to the folder and the file: what has name, size and time of another is read', () => {
  const w = makeInstance();
  put(w, 'other/one.png', 'WHAT one.png HOLDS');
  put(w, 'other/films/long.mp4', 'what films/long.mp4 holds');
  assert.equal(w.publish('other').hashed, 2, 'another folder');
  assert.equal(listed(w)['one.png'], sha('WHAT one.png HOLDS'));
  assert.equal(w.publish().hashed, 0, 'the first is known for a while');
  assert.equal(listed(w)['one.png'], sha('what one.png holds'));
  put(w, 'new.png', 'What One.png Holds');
  move(w, 'new.png', 'site/one.png'); // as `cp -p` and `rsync -t` leave it
  assert.equal(w.publish().hashed, 1);
  assert.equal(listed(w)['one.png'], sha('What One.png Holds'));
});

test('a folder that was begun and left for another leaves nothing of itself in it', () => {
  const w = makeInstance();
  put(w, 'other/one.png', 'WHAT one.png HOLDS');
  sql(w, "UPDATE job SET finished = 0; INSERT INTO found(circle, path, kind) VALUES(1, 'ghost.mp4', 0)");
  assert.equal(w.publish('other').files, 1);
  assert.equal(sql(w, 'SELECT n, files, bytes, done FROM job'), '0|0|0|0', 'and the counts are of what is there');
});

test('a folder that is refused leaves the one before as it was, and its walks go on', () => {
  const w = makeInstance();
  put(w, 'ours/polycircle.db', 'of another instance');
  chmodSync(join(w.dir, 'ours/polycircle.db'), 0o600);
  put(w, 'ours/film.mp4', 'a film');
  const { status, err } = w.cli('publish', 'demo', join(w.dir, 'ours'));
  assert.equal(status, 1);
  assert.match(err, /Polycircle's own files/);
  rmSync(join(w.dir, 'site/one.png'));
  put(w, 'site/two.png', 'two');
  walkInBackground(w);
  assert.deepEqual(Object.keys(listed(w)), ['films/long.mp4', 'films/short.mp4', 'two.png']);
});

test('a file whose time is in the future, or that is touched again and again, is no missing one', () => {
  const w = makeInstance(), later = Date.now() / 1000 + 7200;
  utimesSync(join(w.dir, 'site/one.png'), later, later);
  w.publish();
  for (let walks = 0; walks < 3; walks++) {
    put(w, `site/other${walks}.png`, 'another'); // so that all is walked
    walkInBackground(w);
    assert.ok('one.png' in listed(w), `walk ${walks}`);
  }
});

test('counts that a crash or an older program has spoiled are made anew by the next walk', () => {
  const w = makeInstance();
  sql(w, "INSERT INTO found(circle, path, kind, size) VALUES(1, 'films/long.mp4', 2, 100); UPDATE job SET n = -7, files = -9, bytes = 5, done = -3, finished = 0");
  put(w, 'site/two.png', 'two');
  assert.equal(w.publish().files, 4);
  assert.equal(sql(w, 'SELECT n, files, bytes, done FROM job'), '0|0|0|0');
});
