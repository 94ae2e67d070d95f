// A manifest comes packed, perhaps from a spool that a stranger holds: what a few bytes of it would become never fills a browser.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import { ended, launch } from './site.mjs';

const MB = 1 << 20, htdocs = new URL('../../htdocs/', import.meta.url);

test('what would become 4 GB is given up, and takes no memory', async () => {
  const block = deflateRawSync(Buffer.alloc(16 * MB, ' '), { finishFlush: constants.Z_FULL_FLUSH });
  const files = { '/': '<!doctype html><title>-</title>', '/good': gzipSync('{"polycircle":1}'), '/bad': Buffer.concat([gzipSync('').subarray(0, 10), ...Array(256).fill(block)]) };
  const server = createServer(async ({ url }, answer) => {
    answer.setHeader('Content-Type', url.endsWith('.js') ? 'text/javascript' : url == '/' ? 'text/html' : 'application/gzip');
    answer.end(files[url] ?? await readFile(new URL(url.slice(1), htdocs)).catch(() => ''));
  });
  await new Promise(ok => server.listen(0, '127.0.0.1', ok));
  after(() => server.close());
  const browser = await launch();
  after(() => ended(browser.close()));
  const tab = await browser.newPage(), cdp = await browser.newBrowserCDPSession();
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  const unpack = path => tab.evaluate(async url => (await import('/content/manifest.js')).unpack(await (await fetch(url)).blob()).catch(() => 'refused'), path);
  assert.deepEqual(await unpack('/good'), { polycircle: 1 });
  /** the most that a page's process ever had */
  const most = async () => {
    const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
    const all = processInfo.filter(({ type }) => type == 'renderer').map(({ id }) => readFile(`/proc/${id}/status`, 'utf8').catch(() => ''));
    return Math.max(...(await Promise.all(all)).map(text => Number(/VmHWM:\s*(\d+)/.exec(text)?.[1] ?? 0) / 1024));
  };
  const before = await most();
  assert.ok(before > 10, `${before} MB`);
  assert.equal(await unpack('/bad'), 'refused');
  const took = await most() - before;
  assert.ok(took < 200, `${Math.round(took)} MB more than before`);
});
