// The spool costs no more than a file: the web server serves a box as it serves any other.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { addSpool, makeSite, page } from '../browser/site.mjs';

const run = promisify(execFile), long = process.env.POLYCIRCLE_LONG === '1';

/** One window of wrk: requests, and the web server's CPU time for them, in ticks. What else the machine does counts for neither side. */
async function window(server, url) {
  const ticks = async () => (await readFile(`/proc/${server.pid}/stat`, 'utf8')).split(') ')[1].split(' ').slice(11, 13).reduce((sum, n) => sum + Number(n), 0);
  const before = await ticks(), { stdout } = await run('wrk', ['-t1', '-c16', '-d1s', url]);
  assert.doesNotMatch(stdout, /Non-2xx|Socket errors/, stdout);
  return { requests: Number(/(\d+) requests in/.exec(stdout)[1]), ticks: await ticks() - before };
}

test('a poll of a box runs at 0.9 of the web server\'s own static speed', async t => {
  const site = await makeSite({ pages: { 'index.html': page('') } });
  after(() => site.close());
  await addSpool(site);
  const answer = await site.server.sync({ v: 1, key: site.circle.api_key, token: 'a'.repeat(64), run: '00000001', greet: true, box: true, offers: [{ id: 'o1', sdp: 'x' }] },
    { host: `127.0.0.1:${site.port}`, headers: { Origin: site.url } });
  assert.match(answer.json.box, /\/polycircle-spool\/box-/, JSON.stringify(answer.json));
  // the owner's own file, asked for in the same way: a name of this length, in a folder of this length, with a query
  const box = new URL(answer.json.box).pathname, plain = box.replace('-spool/', '-plain/'), { size } = await stat(site.at(box.slice(1)));
  assert.notEqual(plain, box);
  await mkdir(site.at('polycircle-plain'));
  await writeFile(site.at(plain.slice(1)), 'x'.repeat(size));
  const sides = { plain, box }, sum = { plain: { requests: 0, ticks: 0 }, box: { requests: 0, ticks: 0 } };
  for (let i = 0; i < (long ? 20 : 8); i++) {
    for (const side of i % 2 ? ['plain', 'box'] : ['box', 'plain']) {
      const { requests, ticks } = await window(site.server, `${site.url}${sides[side]}?${i}`);
      sum[side].requests += requests;
      sum[side].ticks += ticks;
    }
  }
  const speed = side => sum[side].requests / sum[side].ticks, ratio = speed('box') / speed('plain');
  t.diagnostic(`box : plain file of the same ${size} bytes, requests for the same CPU time of the server: ${ratio.toFixed(3)} (${sum.box.requests} and ${sum.plain.requests} requests)`);
  assert.ok(ratio >= 0.9, `${ratio}`);
});
