/** What only a browser can measure of a host, step by step. Each gives lines, and leaves what it found in the world. */
import { base, code } from './api.js';
import {
  HOSTILE,
  ask,
  filled,
  form,
  missing,
  overlap,
  owner,
  policies,
  pollBudget,
  post,
  wire,
} from './measure.js';
import { find } from './own.js';
import { silent } from './place.js';
import { randomHex, toBase64 } from '../util/bytes.js';
/** @typedef {import('./selftest.js').Line} Line
 * @typedef {import('./selftest.js').World} World
 * @typedef {import('./measure.js').Field} Field */

const measure = base + 'measure',
  KIB = 1024,
  PARALLEL = 24;
const ok = /** @type {const} */ ('ok'),
  warn = /** @type {const} */ ('warn'),
  fail = /** @type {const} */ ('fail');

/** @param {string} action @param {object} [fields] @returns {Promise<any>} @throws {Error} with words */
export const act = (action, fields) => owner(base, { code: code.get(), do: action, ...fields });

const median = (/** @type {number[]} */ all) => all.toSorted((a, b) => a - b)[all.length >> 1];
const who = (/** @type {import('./measure.js').Answer} */ a) =>
  a.ours ? 'the program' : a.status ? `the host (${a.status})` : 'nobody';

/** @returns {Promise<Line[]>} */
async function firewall(/** @type {World} */ world) {
  const random = (/** @type {number} */ n) => toBase64(crypto.getRandomValues(new Uint8Array(n))); // as packed offers and sealed mail are
  const samples = /** @type {[string, string][]} */ ([
    ...Object.entries(HOSTILE),
    ...[64, 64, 64, 2000, 2000, 2000, 15000, 15000].map(n => ['random letters', random(n)]),
  ]);
  const refused = /** @type {Record<Field, Map<string, number>>} */ ({
    d: new Map(),
    h: new Map(),
  });
  for (const f of /** @type {Field[]} */ (['d', 'h']))
    for (const [name, sample] of samples) {
      const answer = await post(measure, form(f, { v: 1, sample }));
      if (!answer.ours || answer.ours.error) refused[f].set(name, answer.status);
    }
  const passes = (/** @type {Field} */ f) => !refused[f].size;
  const words = (/** @type {Field} */ f) =>
    passes(f)
      ? 'passes'
      : `is refused (${[...refused[f]].map(([name, status]) => `${name}: ${status || 'no answer'}`).join(', ')})`;
  if (passes('d') || passes('h')) world.findings.wire = wire.field = passes('d') ? 'd' : 'h';
  return [
    {
      id: 'firewall',
      title: 'Firewall',
      level: passes('d') ? ok : passes('h') ? warn : fail,
      found: `The usual way to write messages (base64url, d=) ${words('d')}; the plainer one (base32, h=) ${words('h')}. ${samples.length} messages each, with ${Object.keys(HOSTILE).join(', ')} inside.`,
      why: 'Hosts refuse what looks like an attack (by a firewall such as ModSecurity). Messages are written so that they look like nothing; the plainer way passes where the usual one does not, and makes them a fifth longer.',
      cure: passes('h')
        ? '"Use what was found" makes browsers begin with the plainer way (base32).'
        : 'Ask the host; without this no browser can join.',
      host: `Please let POST requests to ${new URL(measure).pathname.replace('measure', '')} through the web application firewall: form fields "d" and "h" hold encoded JSON.`,
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function sizes() {
  const answers = [];
  for (const kib of [16, 64, 120, 130, 1000])
    answers.push({ kib, answer: await post(measure, filled(wire.field, kib * KIB)) });
  const short = answers.filter(({ kib, answer }) => kib <= 120 && !answer.ours);
  return [
    {
      id: 'sizes',
      title: 'Size of a request',
      level: short.length ? fail : ok,
      found:
        answers
          .map(
            ({ kib, answer }) =>
              `${kib} KiB: ${who(answer)}${answer.ours?.error ? ' refuses it' : ''}`,
          )
          .join('; ') + '.',
      why: 'Requests are at most 120 KiB. What is larger is refused by the program, or by the host: both are fine.',
      cure: 'Messages still work, for they are small; large lists of files do not.',
      host: 'Please allow POST bodies of 128 KiB (SecRequestBodyNoFilesLimit, client_max_body_size).',
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function caches() {
  const [a, b] = [await ask(measure), await ask(measure)],
    body = form(wire.field, { v: 1 }),
    [c, d] = [await post(measure, body), await post(measure, body)];
  const same = (/** @type {any} */ x, /** @type {any} */ y) =>
    !!x.ours && x.ours.nonce == y.ours?.nonce;
  return [
    {
      id: 'cache-get',
      title: 'Answers that are fetched (GET)',
      level: !a.ours ? fail : same(a, b) ? warn : ok,
      found: !a.ours
        ? `Answered by ${who(a)}.`
        : same(a, b)
          ? 'The same answer came twice: a cache keeps them, though it is told not to (no-store).'
          : 'Two answers differ: no cache keeps them.',
      why: 'Such a cache shows old lists of files and of who is here. Connecting goes another way (POST), and works all the same.',
      cure: "Switch the cache off for the program's address in the panel.",
      host: `Please exclude ${new URL(base).pathname} from caching (LiteSpeed cache, Varnish, nginx).`,
    },
    {
      id: 'cache-post',
      title: 'Answers to what is sent (POST)',
      level: !c.ours ? fail : same(c, d) ? fail : ok,
      found: !c.ours
        ? `Answered by ${who(c)}.`
        : same(c, d)
          ? 'The same answer came twice: a cache keeps answers that are for one browser (POST).'
          : 'Two answers differ.',
      why: 'Every look for news would get an old answer: nothing works.',
      cure: 'Switch that cache off.',
      host: `Please never cache answers to POST; exclude ${new URL(base).pathname} from caching.`,
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function headers() {
  const get = await ask(measure),
    allow = get.headers.get('access-control-allow-origin'),
    worker = await ask(base + 'circle-sw.js'),
    head = await ask(measure, { method: 'HEAD' }),
    options = await ask(measure, { method: 'OPTIONS' }),
    part = await ask(measure, { headers: { Range: 'bytes=0-3' } });
  const scope = worker.headers.get('service-worker-allowed'),
    script = /javascript/.test(worker.headers.get('content-type') ?? '');
  const works =
    worker.status == 200 &&
    scope == '/' &&
    script &&
    isSecureContext &&
    'serviceWorker' in navigator;
  const after = worker.ours?.error == 'not_set_up';
  return [
    {
      id: 'cors',
      title: 'Pages of other sites',
      level: allow == '*' ? ok : fail,
      found: `The answer's line that allows them arrives ${allow ? `as "${allow}"` : 'not at all'} (Access-Control-Allow-Origin).`,
      why: 'Browsers show an answer to a page of another site only with exactly one *.',
      cure: 'Somebody adds or removes this line: look for "Header" in the site\'s settings files (.htaccess).',
      host: 'Please do not add or remove Access-Control-Allow-Origin on the answers of my CGI program; it sends its own.',
    },
    {
      id: 'worker',
      title: 'The helper in the browser (service worker)',
      level: works || after ? ok : warn,
      found: after
        ? 'To be seen after set-up.'
        : works
          ? 'It is served as it must be.'
          : !isSecureContext
            ? 'Not over plain http: a browser wants https.'
            : `It does not arrive as it must (status ${worker.status}, Service-Worker-Allowed ${scope ?? 'is missing'}, ${script ? 'a script' : `type ${worker.headers.get('content-type')}`}).`,
      why: "It loads from other visitors, and so saves the host's bytes. Browsers start it over https only, and where our answer says so.",
      cure: isSecureContext
        ? 'Put a file polycircle-sw.js into the top folder of the site and name it in the line for your pages (INSTALL 4, data-worker).'
        : 'Switch https on in the panel; it costs nothing with most hosts.',
      host: isSecureContext
        ? 'Please pass the header Service-Worker-Allowed of my CGI program on.'
        : "Please give my site a certificate (Let's Encrypt).",
    },
    {
      id: 'methods',
      title: 'Other requests (HEAD, OPTIONS)',
      level: ok,
      found: `The one gets ${head.status || 'no answer'} (HEAD), the other ${options.status || 'no answer'} from ${who(options)} (OPTIONS).`,
      why: 'Neither is needed. What watches a site uses the first.',
    },
    {
      id: 'range',
      title: 'Parts of an answer',
      level: part.status == 206 && part.text.length == 4 ? ok : warn,
      found:
        part.status == 206
          ? 'A part was asked for and came (206).'
          : `A part was asked for, and status ${part.status} came.`,
      why: 'Files outside the folder of the web site are read through the program in parts.',
      cure: 'Share a folder inside that of the web site: then the web server itself hands out the parts.',
      host: 'Please pass the Range header to my CGI programs.',
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function packed() {
  const bytes = await fetch(base + 'measure.gz')
      .then(r => r.arrayBuffer())
      .catch(() => new ArrayBuffer(0)),
    [a, b] = new Uint8Array(bytes);
  const unpack = () =>
    new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  const good = a == 0x1f && b == 0x8b && (await unpack().catch(() => '')) == 'polycircle';
  return [
    {
      id: 'packed',
      title: 'Packed files',
      level: good ? ok : fail,
      found: good
        ? 'They arrive byte for byte.'
        : 'Their bytes are changed on the way (packed twice, or unpacked).',
      why: 'The client is a packed file whose hash the page checks.',
      cure: 'Send your host the sentence below.',
      host: 'Please do not compress or unpack application/gzip answers (mod_deflate, proxy).',
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function address(/** @type {World} */ { server }) {
  const began = Date.now(),
    { ours, ms } = await ask(measure),
    skew = ours ? Math.round((ours.now - began - ms / 2) / 1000) : 0;
  const same = server.bases.some(b => base.startsWith(b) || b.startsWith(base)),
    mixed =
      location.protocol == 'https:' &&
      server.bases.length &&
      !server.bases.some(b => b.startsWith('https:'));
  const authorized = await ask(measure, { headers: { Authorization: 'Bearer selftest' } }),
    gone = await silent(server.bases);
  return [
    {
      id: 'addresses',
      title: "The instance's addresses",
      level: gone.length ? warn : ok,
      found: gone.length
        ? `Nothing of ours answers at ${gone.join(', ')}.`
        : server.bases.length
          ? `Those of this host answer: ${server.bases.join(', ')}.`
          : 'There is none before set-up.',
      why: 'Tags and workers may say any of them.',
      cure: "Short addresses: see in the console whether they are on. Perhaps other lines of the site's settings file (.htaccess) stand before theirs.",
    },
    {
      id: 'seen',
      title: 'Address, as the browser sees it',
      level: mixed || !isSecureContext ? warn : ok,
      found: `${base}${server.bases.length ? (same ? ", one of the instance's addresses" : '; the instance knows ' + server.bases.join(', ')) : ''}.${isSecureContext ? '' : ' Plain http: nothing is shared.'}`,
      why: 'The addresses of the instance stand in its tags. A page over https cannot use an instance over http.',
      cure: mixed
        ? 'Add this address: in the console, opened here.'
        : 'Open this page by https, when the site has it.',
    },
    {
      id: 'clock',
      title: 'Clock',
      level: !ours ? fail : Math.abs(skew) < 60 ? ok : warn,
      found: ours
        ? `The host's clock is ${Math.abs(skew)} s ${skew < 0 ? 'behind' : 'ahead of'} this browser's.`
        : 'No answer.',
      why: "Who is here, and what is offered, ends by the host's clock. A wrong one is borne, a jumping one is not.",
      cure: "See whether it is this computer's clock.",
      host: 'The clock of the web server is wrong. Please start its time service.',
    },
    {
      id: 'authorization',
      title: 'The line for passwords (Authorization)',
      level: ok,
      found: authorized.ours?.authorization
        ? 'It comes through.'
        : 'It does not reach the program.',
      why: 'Not needed: nothing here depends on it.',
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function processes(/** @type {World} */ world) {
  const one = [],
    url = base + 'owner',
    pids = new Set();
  for (let i = 0; i < 6; i++) {
    const answer = await post(measure, form(wire.field, { v: 1 }));
    if (answer.ours) {
      one.push(answer.ms);
      pids.add(answer.ours.pid);
    }
  }
  const body = form(wire.field, { v: 1, code: code.get(), do: 'stay', ms: 1000 });
  // browsers open six connections to a host over HTTP/1.1, and six others for requests with credentials
  const began = performance.now();
  const all = await Promise.all(
    Array.from({ length: PARALLEL }, (_, i) => post(url, body, i % 2 ? 'include' : 'omit')),
  );
  const took = (performance.now() - began) / 1000,
    done = all.filter(a => a.ours?.to).map(a => a.ours),
    refused = all.filter(a => !a.ours?.to);
  const protocol = /** @type {PerformanceResourceTiming|undefined} */ (
      performance.getEntriesByName(url).at(-1)
    )?.nextHopProtocol,
    slots = overlap(done);
  const browser = !refused.length && protocol != 'h2' && protocol != 'h3' && slots >= 6;
  const codes = [...new Set(refused.map(a => a.ours?.error ?? (a.status || 'no answer')))].join(
    ', ',
  );
  Object.assign(world, { slots, ms: one.length ? median(one) : 1000 });
  if (slots) world.findings.budget = pollBudget(slots, world.ms);
  return [
    {
      id: 'process',
      title: 'Processes',
      level: one.length ? ok : fail,
      found: `${one.length} answers, one after the other, came from ${pids.size} process${pids.size == 1 ? '' : 'es'}, in ${Math.round(world.ms)} ms each.`,
      why: 'The program stays awake (FastCGI), or starts for each request (CGI).',
    },
    {
      id: 'parallel',
      title: 'Requests at a time',
      level: slots >= 10 || browser ? ok : slots ? warn : fail,
      found:
        `${PARALLEL} requests of one second each: ${slots} ran at one moment, ${refused.length ? `${refused.length} were refused (${codes}): the host takes ${done.length} at a time` : 'none was refused'}. It took ${took.toFixed(1)} s.` +
        (browser
          ? ' More were not tried: a browser opens no more connections at a time here (HTTP/1.1).'
          : ''),
      why: 'Hosts run about 20 requests at a time; beyond that they turn visitors away (503, 508). Looks for news get a tenth of what there is (polls).',
      cure: 'It works with fewer of these: joining takes a little longer. Files in place of the program help (the spool, below).',
      host: 'How many entry processes (CloudLinux EP), or FastCGI processes, does my plan allow? Can that be 20?',
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function spool(/** @type {World} */ world) {
  const why =
      'What many read (who is here, mail boxes) is also put there as files: a file costs the host no process.',
    title = 'Files in place of the program (spool)',
    id = 'spool';
  const url = `${location.origin}/polycircle-spool/probe.json`,
    say = (
      /** @type {Line['level']} */ level,
      /** @type {string} */ found,
      /** @type {Partial<Line>} */ more = {},
    ) => [{ id, title, level, found, why, ...more }];
  let value = randomHex(4),
    htaccess = true,
    n = 0,
    fresh = 0;
  const look = () => ask(`${url}?${n++}${value}`, { credentials: 'omit' });
  world.findings.spool_url = '';
  try {
    await act('spool', { value, htaccess });
    let answer = await look();
    if (answer.status >= 500) {
      htaccess = false;
      await act('spool', { value, htaccess });
      answer = await look();
    }
    if (answer.ours?.value != value)
      return say(
        warn,
        `A file that was written to ${world.server.spool} is not served at ${url}: ${answer.status || 'no answer'}.`,
        {
          cure: 'Everything works without it. (With a shell, where the web site lies in another folder: polycircle set root DIR.)',
        },
      );
    for (let i = 0; i < 5; i++) {
      value = randomHex(4);
      await act('spool', { value, htaccess });
      fresh += (await look()).ours?.value == value ? 1 : 0;
    }
    if (fresh < 5)
      return say(
        warn,
        `A changed file was seen at once ${fresh} of 5 times: a cache in front keeps files.`,
        {
          cure: 'Everything works without the spool.',
          host: `Please exclude ${location.origin}/polycircle-spool/ from caching.`,
        },
      );
    const cors = (await look()).headers.get('access-control-allow-origin') == '*',
      part = await ask(`${url}?${n++}`, { headers: { Range: 'bytes=0-3' } });
    Object.assign(world.findings, {
      spool_url: `${location.origin}/polycircle-spool/`,
      htaccess,
      cors,
    });
    return say(
      ok,
      `Files are served at ${location.origin}/polycircle-spool/, a change is seen at once (5 of 5), ${cors ? 'pages of other sites may read them' : 'pages of this site only may read them'}` +
        `${htaccess ? '' : ' (.htaccess gives a 500 here and was taken away)'}; parts of files: ${part.status == 206 ? 'yes' : `no (${part.status})`}.`,
    );
  } catch (error) {
    return say(warn, `It could not be tried: ${/** @type {Error} */ (error).message}`, {
      cure: 'Everything works without it.',
      host: 'May my CGI programs write a directory in the document root?',
    });
  } finally {
    await act('spool').catch(() => {});
  }
}

/** Where the data directory could be served, and what must not come then. @returns {Promise<Line[]>} */
async function leaks(/** @type {World} */ { server }) {
  const { data } = server,
    root = server.root.replace(/\/+$/, ''),
    places = new Set(['/polycircle-data/']),
    own = code.get().replace(/\W/g, '').toLowerCase();
  if (root && data.startsWith(root + '/')) places.add(data.slice(root.length) + '/');
  for (let path = new URL(base).pathname; path.length > 1; path = path.replace(/[^/]*\/$/, ''))
    places.add(path.replace(/[^/]*\/$/, 'polycircle-data/'));
  const open = /** @type {string[]} */ ([]);
  let asked = 0;
  for (const place of places)
    for (const name of ['polycircle.db', 'owner-code', 'setup-code']) {
      const url = location.origin + place + name,
        answer = await ask(url, { headers: name.endsWith('.db') ? { Range: 'bytes=0-15' } : {} });
      asked++;
      if (
        answer.text.startsWith('SQLite format 3') ||
        (own && answer.text.replace(/\W/g, '').toLowerCase() == own)
      )
        open.push(url);
    }
  const bare = await ask(base.slice(0, -1)),
    elf = bare.text.startsWith('\x7fELF');
  return [
    {
      id: 'leak',
      title: 'Data over the web',
      level: open.length ? fail : ok,
      found: open.length
        ? `The web server hands out ${open.join(', ')}.`
        : `${asked} addresses under which it could lie: none hands it out.`,
      why: 'The database holds the keys of the instance, the code lets anybody be its owner.',
      cure: `Move the folder of the data out of the folder of the web site now, by FTP. Afterwards make new keys: what was served may have been read.`,
      host: `Please refuse every request for ${new URL(open[0] ?? base).pathname.replace(/[^/]*$/, '')}.`,
    },
    {
      id: 'program-file',
      title: 'The program as a file',
      level: elf ? fail : ok,
      found: elf
        ? 'The web server hands the program out instead of running it.'
        : 'It is run, not handed out.',
      why: 'A program that is handed out does not run.',
      cure: 'Put it into the folder cgi-bin (more ways: INSTALL).',
      host: 'Please run .fcgi files in this directory as FastCGI or CGI programs.',
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function policy() {
  const front = await ask('/'),
    all = policies(front.headers.get('content-security-policy'), front.text),
    lacking = all.flatMap(p => missing(p, location.origin));
  return [
    {
      id: 'csp',
      title: 'What the front page lets scripts do (Content-Security-Policy)',
      level: lacking.length ? warn : ok,
      found: !all.length
        ? `${location.origin}/ has none.`
        : lacking.length
          ? `It forbids the client. It must say: ${lacking.join('; ')}`
          : 'It lets the client work.',
      why: 'A page may say what scripts run on it, and what they load. Ours come from the program (as a module, blob:).',
      cure: `Where that is written, in the page's <meta> or in the web server's settings, let these parts be: ${lacking.join('; ')}.${all.join().includes("'strict-dynamic'") ? " The line for your pages needs the page's nonce, too (strict-dynamic)." : ''}`,
    },
  ];
}

/** @returns {Promise<Line[]>} */
async function siteWorker(/** @type {World} */ { server }) {
  const { worker, script, why } = await find(`${location.origin}/`, server.bases);
  return [
    {
      id: 'site-worker',
      title: 'A service worker of the site’s own',
      level: worker == 'none' || worker.startsWith('/') ? ok : warn,
      found: `${why}${script && !why.includes(script) ? ` (${script})` : ''}`,
      why: 'A browser has one for a site. Ours is never put in the place of one that makes offline pages or push messages; where nobody has said that there is none, it comes later, and what a visitor opens first comes from your host.',
      cure: 'In the console, at the circle: “A service worker of the site’s own”.',
    },
  ];
}

/** @type {{doing: string, run: (world: World) => Promise<Line[]>}[]} */
export const steps = [
  { doing: 'the firewall', run: firewall },
  { doing: 'sizes of requests', run: sizes },
  { doing: 'caches', run: caches },
  { doing: 'headers', run: headers },
  { doing: 'packed files', run: packed },
  { doing: 'address and clock', run: address },
  { doing: 'requests at a time', run: processes },
  { doing: 'files in place of the program', run: spool },
  { doing: 'what must not be served', run: leaks },
  { doing: 'the front page', run: policy },
  { doing: 'a service worker of the site', run: siteWorker },
];

/** @param {(text: string) => void} tell @returns {Promise<Line>} */
export async function longest(tell) {
  let most = 0;
  for (const seconds of [5, 15, 24]) {
    tell(`A request of ${seconds} s is under way.`);
    const { ours } = await post(
      base + 'owner',
      form(wire.field, { v: 1, code: code.get(), do: 'stay', ms: seconds * 1000 }),
    );
    if (!ours?.to) break;
    most = seconds;
  }
  return {
    id: 'longest',
    title: 'The longest answer',
    level: most >= 15 ? ok : most ? warn : fail,
    found: most
      ? `An answer may take ${most} s${most == 24 ? ', more than is ever needed' : '; longer ones are cut off'}.`
      : 'Not even 5 s.',
    why: 'Answers take milliseconds; indexing a folder takes 2 s a request.',
    cure: 'It works; indexing of large files may have to be repeated.',
    host: 'How long may a CGI request take? Can that be 30 s?',
  };
}
