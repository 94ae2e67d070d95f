// tools/demo as a person uses it.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { request } from '../servers/server.mjs';
import { demo, keep, own, state } from './typed.mjs';

const port = 8080;
after(async () => {
  await demo(['--stop']);
  await keep();
});

test('a port in use: a clear sentence, and nothing left behind', async () => {
  const other = createServer().listen(port, '127.0.0.1');
  const { code, stderr } = await demo([]);
  await new Promise((resolve) => { other.close(resolve); });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`port ${port} is in use`));
  assert.deepEqual(await own(), []);
});

test('wrong arguments', async () => {
  for (const args of [['--port', '99999'], ['--port', 'x'], ['--headless', '0'], ['--server', 'nosuch'], ['--nosuch'], ['--port']]) {
    const { code, stderr } = await demo(args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, /\S/);
  }
});

for (const [server, mode] of [['apache', 'cgi'], ['apache', 'fastcgi'], ['lighttpd', 'cgi'], ['lighttpd', 'fastcgi']]) {
  test(`${server} ${mode}: starts, says so when started twice, stops`, async () => {
    const started = await demo(server == 'lighttpd' && mode == 'fastcgi' ? [] : ['--server', server, '--mode', mode]);
    assert.equal(started.code, 0, started.stderr);
    for (const host of ['localhost', '127.0.0.1']) {
      assert.ok(started.stdout.includes(`http://${host}:${port}/`));
      const page = await request(port, { path: '/', host: `${host}:${port}` });
      assert.equal(page.status, 200);
      const tag = /<script src="(\/cgi-bin\/polycircle\.fcgi\/signal\?[^"]+)">/.exec(page.body.toString())?.[1];
      assert.ok(tag, 'the page has its tag');
      const loader = await request(port, { path: tag, host: `${host}:${port}` });
      assert.equal(loader.status, 200);
      assert.match(loader.headers['content-type'], /javascript/);
      const plain = await request(port, { path: '/plain.html', host: `${host}:${port}` });
      assert.equal(plain.status, 200);
      assert.ok(!plain.body.toString().includes('<script src="/cgi-bin'), 'and its twin has not');
    }
    const film = await request(port, { path: '/media/film.mp4', headers: { Range: 'bytes=1000-1999' } });
    assert.equal(film.status, 206);
    assert.equal(film.headers['content-type'], 'video/mp4');
    assert.equal(film.body.length, 1000);
    const again = await demo([]);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /already running/);
    assert.ok(again.stdout.includes(`http://localhost:${port}/`));
    assert.equal((await demo(['--stop'])).code, 0);
    assert.deepEqual(await own(), []);
  });
}

test('the film is worth handing on', async () => {
  const { size } = await stat(join(state, 'site/media/film.mp4'));
  assert.ok(size >= 24e6, `${size} bytes`);
});
