// The main promise: in a run of real browsers every viewer after the first gets 90 % or more of the demo's film from peers, by the page's figures
// and by the server's log, it plays and seeks, and the first frame comes as quickly as without polycircle.
// POLYCIRCLE_SHOTS is where screenshots go, POLYCIRCLE_VIEWERS how many viewers (default 3).
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { demo, own, state, take } from './typed.mjs';

const viewers = process.env.POLYCIRCLE_VIEWERS ?? '3';
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) / 2)];
/** Bytes of the site's files that end so. */
const sizeOf = async (end) => {
  const dir = join(state, 'site/media'), names = (await readdir(dir)).filter((name) => name.endsWith(end));
  return (await Promise.all(names.map((name) => stat(join(dir, name))))).reduce((sum, { size }) => sum + size, 0);
};
before(take);
after(() => demo(['--stop']));

test(`${viewers} viewers, one after the other`, { timeout: 900_000 }, async (t) => {
  const shots = process.env.POLYCIRCLE_SHOTS ? ['--shots', process.env.POLYCIRCLE_SHOTS] : [];
  const { code, stdout, stderr } = await demo(['--headless', viewers, '--json', ...shots], 900_000);
  t.diagnostic(stdout.trim());
  assert.equal(code, 0, stderr);
  const run = JSON.parse(stdout);
  const [size, pictures] = [await sizeOf('film.mp4'), await sizeOf('.jpg')];
  for (const name of ['viewers', 'plain_first_frame_ms', 'origin_log_bytes', 'pictures_log_bytes', 'writes', 'polls']) assert.equal(run[name].length, Number(viewers), name);
  for (const [i, viewer] of run.viewers.entries()) {
    await t.test(`viewer ${i + 1}`, () => {
      const { storage, peers, origin } = viewer.bytes;
      assert.ok(storage + peers + origin >= size * 0.95, 'the page accounts for the film');
      assert.ok(viewer.stall_ms <= 2000, `stalled for ${viewer.stall_ms} ms`);
      assert.equal(viewer.seek_ms.length, 2);
      for (const ms of viewer.seek_ms) assert.ok(ms < 5000, `a seek took ${ms} ms`);
      assert.ok(run.writes[i] >= 1, 'the log shows its join');
      if (i === 1) assert.ok(run.viewers[0].uploaded >= peers, 'what the second got the first has given');
      if (i === 0) return;
      assert.ok(peers >= 0.9 * (peers + origin), `by the page ${peers} from peers, ${origin} from the server`);
      assert.ok(run.origin_log_bytes[i] <= 0.1 * size, `by the log ${run.origin_log_bytes[i]} of ${size} from the server`);
      assert.ok(viewer.first_peer_ms > 0);
      assert.ok(run.pictures_log_bytes[i] <= 0.5 * pictures, `by the log ${run.pictures_log_bytes[i]} of ${pictures} of the pictures from the server`);
    });
  }
  await t.test('the first frame', () => {
    const with_ = median(run.viewers.map((viewer) => viewer.first_frame_ms));
    const without = median(run.plain_first_frame_ms);
    const slow = process.env.POLYCIRCLE_LONG ? 0 : 1.7 * without; // a slow machine takes its share of both
    assert.ok(with_ <= Math.max(without + 200, slow), `${with_} ms with polycircle, ${without} ms without`);
  });
  await t.test('nothing is left running', async () => assert.deepEqual(await own(), []));
});
