// Real suEXEC and mod_fcgid: what works, and what each fault of an upload gives.
// INSTALL's table is read: every log line that it quotes was produced here, and
// every fault that was produced here is explained there.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort, htaccess, makeDirectory, owner, parse, program, removeDirectory, Server, tier0 } from '../servers/server.mjs';
import { fails, freshProgram, htaccessFails, startFails, works } from './faults.mjs';

const long = Boolean(process.env.POLYCIRCLE_LONG);
const hex = (bytes) => randomBytes(bytes).toString('hex');
const join_ = (key) => ({ v: 1, key, token: hex(32), run: '00000001' });

/** Entries of INSTALL that quote a log: status (or 'log only') and the quoted texts, ... stands for anything. */
const entries = [...(await readFile(new URL('../../INSTALL', import.meta.url), 'utf8')).matchAll(/^(\d{3}|only)\b[^"\n]*\blog: ((?:"[^"]+"(?:,\s+)?)+)/gm)]
  .map(([, status, quoted]) => ({ status, texts: [...quoted.matchAll(/"([^"]+)"/g)].map(([, text]) => text) }));
const pattern = (text) => new RegExp(text.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*'));

/** These lines say that it failed, not why. Where no other comes, they must do. */
const general = /^(End of script output|suexec policy|mod_fcgid: error reading)/;
const silent = /prints nothing|ASCII|crashes|killed|^apache-fcgid/;

/** What happened: {what, status, log}. */
const produced = [];
function produce(what, status, log) {
  produced.push({ what, status: String(status), log });
  if (process.env.POLYCIRCLE_SHOW) console.log(`# ${what}: ${status}\n${log.replace(/^/gm, '#   ')}`);
}

/** A home: its document root, the program in cgi-bin, .htaccess, and Apache with nothing about Polycircle in it. */
class Home {
  times = 0;
  constructor(dir, kind) {
    this.dir = dir;
    this.kind = kind;
    this.at = { program: join(dir, 'public_html/cgi-bin/polycircle.fcgi'), elsewhere: join(dir, 'cgi/elsewhere'), data: join(dir, 'polycircle-data') };
  }

  async start(own = '') {
    await this.fresh();
    this.server = new Server(this.kind, this.dir, await freePort(), { site: 'public_html', own });
    await this.server.start();
    return this;
  }

  /** The folder as an owner who made no mistake has it. The old one is kept: mod_fcgid knows a program by its inode. */
  async fresh() {
    await mkdir(join(this.dir, 'old', String(++this.times)), { recursive: true });
    for (const path of [dirname(this.at.program), this.at.elsewhere]) await rename(path, join(this.dir, 'old', String(this.times), basename(path))).catch(() => {});
    await freshProgram(this.at, program);
    await chmod(dirname(this.at.program), 0o755);
    await htaccess(dirname(this.at.program), ['options']);
    const { uid, gid } = owner;
    execFileSync('chown', ['-R', `${uid}:${gid}`, join(this.dir, 'public_html'), join(this.dir, 'cgi')]);
    await chown(this.dir, uid, gid);
  }

  async owner(...args) {
    const env = { PATH: process.env.PATH, HOME: this.dir };
    return (await promisify(execFile)(this.at.program, args, { uid: owner.uid, gid: owner.gid, env })).stdout;
  }

  logs() {
    return Promise.all(['run/error.log', 'run/log/apache2/suexec.log'].map((name) => readFile(join(this.dir, name), 'utf8').catch(() => '')));
  }

  /** @returns [what run gives, what the logs got meanwhile] */
  async during(run) {
    const old = await this.logs();
    const result = await run();
    return [result, (await this.logs()).map((log, i) => log.slice(old[i].length)).join('')];
  }

  health(options) {
    return this.server.request({ path: `${tier0}health`, ...options });
  }

  /** Does what `change` says, asks, records what came of it. */
  async fault(what, change) {
    await this.fresh();
    const undo = await change(this.at);
    const [answer, log] = await this.during(() => this.health());
    await undo?.();
    produce(`${this.kind}, ${what}`, answer.status, log);
    return answer;
  }

  async stop() {
    await this.server?.stop();
    await removeDirectory(this.dir);
  }
}

const home = async (kind, own) => new Home(await makeDirectory(), kind).start(own);

for (const kind of ['apache-suexec', 'apache-suexec-fcgid']) {
  describe(kind, () => {
    let at;
    let key;
    before(async () => {
      at = await home(kind);
      await at.owner('init', '--url', `http://site.example${tier0}`);
      key = JSON.parse(await at.owner('circle', 'add', 'demo', '--json')).api_key;
    });
    after(() => at?.stop());

    for (const [what, change] of Object.entries(works)) {
      test(`works: ${what}`, async () => {
        await at.fresh();
        if (what.includes('interpreter')) at.at.elsewhere = join(at.dir, 'cgi/polycircle');
        await change(at.at);
        execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, dirname(at.at.program)]);
        const answer = await at.server.sync(join_(key));
        assert.equal(answer.status, 200, `${JSON.stringify(answer)}\n${await at.logs()}`);
        assert.equal(answer.json.polycircle, 1);
        for (const name of ['polycircle-data', 'polycircle-data/polycircle.db']) {
          const { uid, mode } = await stat(join(at.dir, name));
          assert.deepEqual([uid, mode & 0o077], [owner.uid, 0], `${name} is the owner's alone`);
        }
      });
    }

    for (const [what, [change, status]] of Object.entries(fails)) {
      test(`fails: ${what}`, async () => {
        assert.equal((await at.fault(what, change)).status, status, produced.at(-1).log);
      });
    }

    for (const [what, [change, status, only]] of Object.entries(htaccessFails)) {
      if (only && !only.test(kind)) continue;
      test(`.htaccess: ${what}`, async () => {
        assert.equal((await at.fault(what, change)).status, status, produced.at(-1).log);
      });
    }
  });
}

for (const kind of ['apache-cgid', 'apache-fcgid']) {
  describe(`${kind}, no suEXEC`, () => {
    let at;
    before(async () => { at = await home(kind, kind === 'apache-fcgid' ? 'FcgidErrorScanInterval 1\n' : ''); });
    after(async () => { // mod_fcgid looks after its processes now and then
      for (let tries = 0; kind === 'apache-fcgid' && tries < 300 && !/signal 11/.test((await at.logs())[0]); tries++) await sleep(100);
      produce(`${kind}, what was logged late`, 'only', (await at.logs())[0]);
      await at.stop();
    });
    for (const [what, [change, status]] of Object.entries(startFails)) {
      test(`fails: ${what}`, async () => {
        assert.equal((await at.fault(what, change)).status, status, produced.at(-1).log);
      });
    }

    test('no handler: the program is downloaded', async () => {
      const answer = await at.fault('no handler', ({ program: path }) => writeFile(join(dirname(path), '.htaccess'), ''));
      assert.equal(answer.status, 404, 'with a path behind its name Apache finds no file');
      const bare = await at.server.request({ path: tier0.slice(0, -1) });
      assert.deepEqual([bare.status, bare.body.subarray(1, 4).toString('latin1')], [200, 'ELF']);
    });
  });
}

describe('a host that forbids Options', () => {
  let at;
  before(async () => { at = await home('apache-suexec', ''); });
  after(() => at?.stop());
  test('500 for the folder of the program, 200 above it', async () => {
    await at.server.stop();
    at.server.own = `<Directory ${at.dir}/public_html>\n  AllowOverride FileInfo\n</Directory>\n`;
    await at.server.start();
    await writeFile(join(at.dir, 'public_html/index.html'), 'a site');
    assert.equal((await at.fault('Options forbidden', () => {})).status, 500);
    assert.equal((await at.server.request({ path: '/' })).status, 200);
  });
});

/** A mod_fcgid whose one process for the program stands still. */
async function stuck(settings, run) {
  const at = await home('apache-fcgid', `FcgidMaxProcessesPerClass 1\n${settings}\n`);
  try {
    assert.equal((await at.health()).status, 503); // not set up: no matter
    const [pid] = await at.server.programs();
    process.kill(pid, 'SIGSTOP');
    await run(at, pid);
  } finally {
    await at.stop();
  }
}

describe('mod_fcgid', { concurrency: true }, () => {
  test('a body over FcgidMaxRequestLen', async () => {
    const at = await home('apache-fcgid', '');
    try {
      const ask = (length) => at.during(() => at.server.request({ method: 'POST', path: `${tier0}sync`, body: 'd='.padEnd(length, 'A') }));
      assert.equal(parse((await ask(131_072))[0].body)?.error, 'too_large', 'one that it takes gets our own answer');
      const [answer, log] = await ask(131_073);
      produce('mod_fcgid, 131,073 bytes', answer.status, log);
      assert.equal(answer.status, 500);
    } finally {
      await at.stop();
    }
  });

  test('a process that does not answer within FcgidIOTimeout, nor end when it is told to', async () => {
    const at = await home('apache-fcgid', 'FcgidErrorScanInterval 1\nFcgidIOTimeout 2\n');
    try {
      await writeFile(at.at.program, "#!/bin/sh\ntrap '' TERM\nexec sleep 20\n");
      const [answer, log] = await at.during(() => at.health());
      produce('mod_fcgid, IOTimeout', answer.status, log);
      assert.equal(answer.status, 500);
      const late = async () => (await at.logs())[0];
      for (let tries = 0; tries < 100 && !/SIGKILL/.test(await late()); tries++) await sleep(100);
      produce('mod_fcgid, ended it', 'only', await late());
    } finally {
      await at.stop();
    }
  });

  test('a process that is killed while it answers', () => stuck('FcgidIOTimeout 60', async (at, pid) => {
    const [answer, log] = await at.during(() => {
      const health = at.health();
      setTimeout(() => process.kill(pid, 'SIGKILL'), 500);
      return health;
    });
    produce('mod_fcgid, killed', answer.status, log);
    assert.equal(answer.status, 500);
  }));

  // mod_fcgid tries for 64 s: the long form
  if (long) test('no process free for a minute', () => stuck('FcgidIOTimeout 120', async (at) => {
    at.health({ timeout: 200 }).catch(() => {}); // holds the process
    await sleep(300);
    const [answer, log] = await at.during(() => at.health({ timeout: 120_000 }));
    produce('mod_fcgid, all processes busy', answer.status, log);
    assert.equal(answer.status, 503);
  }));
});

test('a running program cannot be overwritten, but renamed over', async () => {
  const at = await home('apache-fcgid', '');
  try {
    assert.equal((await at.health()).status, 503);
    await assert.rejects(open(at.at.program, 'r+'), { code: 'ETXTBSY' });
  } finally {
    await at.stop();
  }
});

test('INSTALL explains each fault, and quotes no line that no fault gives', () => {
  for (const { what, status, log } of produced) {
    if (status === 'only') continue;
    const texts = entries.filter((entry) => entry.status === status).flatMap((entry) => entry.texts);
    const own = texts.filter((text) => pattern(text).test(log) && (silent.test(what) || !general.test(text)));
    assert.ok(own.length || status === '404', `INSTALL has no entry for: ${what}, ${status}\n${log}`);
  }
  for (const { status, texts } of entries) {
    for (const text of texts) {
      if (!long && text.startsWith("can't apply process slot")) continue;
      const found = produced.some((item) => item.status === status && pattern(text).test(item.log));
      assert.ok(found, `INSTALL quotes ${JSON.stringify(text)} for ${status}: nothing gave that`);
    }
  }
  assert.ok(entries.length > 10, 'the table was read at all');
});
