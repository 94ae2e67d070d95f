// How long the page's thread is held for a long manifest: 20,000 pictures, and twenty films of two hours. By the thread's own time in a trace of
// Chromium, so that a busy machine does not count. A slow one does: there the limit is in units of what nobody can cut, the longest task of a page
// that parses the same bytes and does nothing else. POLYCIRCLE_LONG=1 holds us to 50 ms.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { base64, envelope, key, MTIME } from '../js/world.mjs';
import { launch } from './site.mjs';

const LIMIT_MS = 50, LIMIT = 2.2, PIECE = 262144, MB = 2 ** 20;
const media = (path, size, piece) => ({ path, type: 'video/mp4', size, mtime: MTIME, piece, sha256: base64(randomBytes(32 * Math.ceil(size / piece))) });
const lists = {
  '20,000 pictures': Array.from({ length: 20000 }, (_, i) => media(`pictures/2024/été ${i >> 8}/IMG_${i}.jpg`, 120000 + i, PIECE)),
  'twenty films of two hours': Array.from({ length: 20 }, (_, i) => media(`films/film ${i}.mp4`, 2048 * 4 * MB - i, 4 * MB)),
};
let browser, server, at;

before(async () => {
  const files = new Map(Object.entries(lists).map(([name, all], i) => [`/${i}`, JSON.stringify(envelope({ v: 1, cid: '00112233aabbccdd', version: 1, origins: ['/media/'], media: all }))]));
  server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://x'), script = pathname.endsWith('.js');
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ? await readFile(new URL('../../htdocs' + pathname, import.meta.url)) : files.get(pathname) ?? '<!doctype html><title>-</title>');
  }).listen(0, '127.0.0.1');
  await new Promise(ok => server.on('listening', ok));
  at = `http://127.0.0.1:${server.address().port}`;
  browser = await launch();
});
after(async () => { await browser?.close(); server?.close(); });

/** Runs in the page: all that is done with a manifest when it comes, up to what the worker is told. */
async function take([path, key]) {
  const [{ readManifest, unpack }, { Mirror }] = await Promise.all(['manifest', 'mirror'].map(name => import(`/content/${name}.js`)));
  const packed = await (await fetch(path)).blob();
  const mirror = new Mirror({ pieces: { has: () => false }, peers: () => [], reads() {} });
  await new Promise(ok => setTimeout(ok, 100));
  mirror.use(await readManifest(await unpack(packed), { key, cid: '00112233aabbccdd', seen: 0, home: location.origin }));
  new MessageChannel().port1.postMessage(mirror.urls);
  return [mirror.media.length, mirror.media[1].hashes.length, mirror.find(mirror.media[7].urls[0]) == mirror.media[7]];
}

/** Runs in the page: the same bytes, parsed. */
async function parse([path]) {
  const { signed } = await (await fetch(path)).json();
  await new Promise(ok => setTimeout(ok, 100));
  return JSON.parse(signed).media.length;
}

/** @param {any} page @param {any} work runs in it @returns {Promise<[any, number[]]>} what it says, and the tasks of the page's thread, in ms */
async function trace(page, work, ...asked) {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'] });
  const says = await page.evaluate(work, asked), { traceEvents } = JSON.parse(await browser.stopTracing());
  const mains = traceEvents.filter(e => e.name == 'thread_name' && e.args.name == 'CrRendererMain').map(e => `${e.pid} ${e.tid}`);
  const tasks = traceEvents.filter(e => /RunTask$/.test(e.name) && mains.includes(`${e.pid} ${e.tid}`));
  // a thread's clock may be coarse: none runs for longer than the time that passes
  return [says, tasks.map(({ tdur = 0, dur = 0 }) => Math.min(tdur, dur) / 1000)];
}

Object.entries(lists).forEach(([what, all], i) => test(what, async t => {
  const page = await browser.newPage();
  await page.goto(at);
  await page.evaluate(take, ['/0', key.name]);  // its scripts are compiled
  const [parsed, plain] = await trace(page, parse, `/${i}`), [said, tasks] = await trace(page, take, `/${i}`, key.name);
  assert.equal(parsed, all.length);
  assert.deepEqual(said, [all.length, all[1].size / all[1].piece < 1 ? 1 : 2048, true]);
  const longest = Math.max(...tasks), least = Math.max(...plain), limit = process.env.POLYCIRCLE_LONG ? LIMIT_MS : Math.max(LIMIT_MS, LIMIT * least);
  t.diagnostic(`${tasks.length} tasks, the longest ${longest.toFixed(1)} ms, all of them ${tasks.reduce((a, b) => a + b, 0).toFixed(0)} ms; parsed alone ${least.toFixed(1)} ms`);
  assert.ok(longest > 1 && longest < limit, `held for ${longest} ms, at most ${limit.toFixed(1)}`);
  await page.close();
}));
