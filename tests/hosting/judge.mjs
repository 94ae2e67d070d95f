// Hosts with an instance dropped in, on real servers, and the self-test's page run on them in Chromium.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from '../browser/site.mjs';
import { freePort, makeDirectory, must, polycircle, removeDirectory, startHost, tier0, upload } from '../servers/server.mjs';

export const modules = '/usr/lib/apache2/modules', cgi = 'public_html/cgi-bin';
const rooted = process.getuid() === 0, own = (dir, name) => rooted && execFileSync('chown', ['www-data', join(dir, name)]);

export const folder = (dir, more = '') => `LoadModule headers_module ${modules}/mod_headers.so
<Directory ${dir}/public_html>\n  AllowOverride All\n</Directory>\n${more}`;

/** nginx in a directory of its own, as the user that Apache is. */
export async function startNginx(dir, http) {
  const conf = join(dir, 'nginx.conf'), port = await freePort(), run = join(dir, 'nginx');
  await mkdir(run);
  own(dir, 'nginx');
  await writeFile(conf, `${rooted ? 'user www-data;' : ''} daemon off; worker_processes 1; pid ${run}/pid; error_log ${run}/error.log;
events { worker_connections 256; }
http { access_log off; client_body_temp_path ${run}/body; proxy_temp_path ${run}/proxy; fastcgi_temp_path ${run}/fastcgi;
uwsgi_temp_path ${run}/uwsgi; scgi_temp_path ${run}/scgi; client_max_body_size 1m; types { text/html html; application/json json; } default_type application/octet-stream;
${http(port)} }`);
  const child = spawn('nginx', ['-c', conf], { stdio: 'ignore' });
  for (let tries = 0; ; tries++) {
    if (await new Promise(ok => { const s = connect(port, '127.0.0.1', () => { s.destroy(); ok(true); }).on('error', () => ok(false)); })) break;
    if (tries > 100 || child.exitCode !== null) throw new Error(`nginx did not start: ${await readFile(join(run, 'error.log'), 'utf8').catch(() => '')}`);
    await sleep(50);
  }
  return { port, stop: () => new Promise(ok => { child.once('exit', ok); child.kill('SIGTERM'); }) };
}

/** One FastCGI process of the program, as nginx wants it started. */
async function spawnFcgi(dir, data) {
  const child = spawn('spawn-fcgi', ['-n', '-s', join(dir, 'fcgi.sock'), ...rooted ? ['-u', 'www-data', '-U', 'www-data'] : [], join(dir, cgi, 'polycircle.fcgi')],
    { env: { ...process.env, POLYCIRCLE_DATA: data }, stdio: 'ignore' });
  for (let tries = 0; !existsSync(join(dir, 'fcgi.sock')); tries++) {
    if (tries > 100) throw new Error('spawn-fcgi did not start');
    await sleep(50);
  }
  return () => new Promise(ok => { child.once('exit', ok); child.kill('SIGTERM'); });
}

/** An instance on Apache as a host runs it, and whatever stands in front. use(site) gets {dir, url, base}. */
export async function onHost({ kind = 'apache-fcgid', conf = folder, front, htaccess = { [cgi]: ['options'] }, pretend = 'http', inside = false }, use) {
  const dir = await makeDirectory();
  const stops = [];
  try {
    await upload(dir, htaccess);
    for (const name of ['public_html', cgi, `${cgi}/polycircle.fcgi`]) own(dir, name);
    await writeFile(join(dir, 'public_html/index.html'), '<!doctype html><title>Site</title><p>Site</p>');
    const server = await startHost(kind, dir, conf(dir));
    stops.push(() => server.stop());
    const nginx = front && await startNginx(dir, port => front(port, server.port, dir));
    if (nginx) stops.push(() => nginx.stop());
    const url = `${pretend}://127.0.0.1:${nginx?.port ?? server.port}`;
    const data = join(dir, inside ? 'public_html/polycircle-data' : 'polycircle-data');
    const owner = (...args) => must(dir, args, { POLYCIRCLE_DATA: data }, cgi);
    await owner('init', '--url', url + tier0);
    if (inside) stops.push(await spawnFcgi(dir, data));
    const code = (await readFile(join(data, 'owner-code'), 'utf8')).trim();
    const look = async () => JSON.parse((await polycircle(dir, ['selftest', '--json', '--url', url + tier0], { POLYCIRCLE_DATA: data }, cgi)).stdout);
    await use({ dir, url, base: url + tier0, owner, code, look });
  } finally {
    for (const stop of stops.reverse()) await stop();
    await removeDirectory(dir);
  }
}

/** Runs the page's whole test: {page, lines by id, settle()}. */
export async function selftest(chrome, { base, code }, look = {}) {
  const context = await chrome.newContext({ ignoreHTTPSErrors: true, ...look }), page = await context.newPage(), errors = [];
  page.on('pageerror', e => errors.push(e.message));
  await page.goto(`${base}selftest`);
  await page.fill('#code', code);
  await page.click('#start button');
  await page.waitForSelector('#summary:not([hidden])', { timeout: 120_000 * PATIENCE });
  assert.deepEqual(errors, []);
  const lines = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll('.line')].map(li => [li.dataset.id, {
    level: li.className.split(' ')[1], word: li.querySelector('.level').textContent, found: li.querySelector('.finding').textContent,
    host: li.querySelector('textarea')?.value, words: [...li.querySelectorAll('h3, .finding, details > p')].map(el => el.textContent) }])));
  return { page, lines, close: () => context.close(),
    async settle() {
      await page.click('#settle');
      await page.waitForFunction(() => document.querySelector('#settle-says').textContent !== '');
      const says = await page.locator('#settle-says').evaluate(el => [el.dataset.kind, el.textContent]);
      assert.equal(says[0], 'good', says[1]);
    } };
}


