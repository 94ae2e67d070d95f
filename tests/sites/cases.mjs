// The cases: those that were met on real sites, by name, then every pair of some pages, the origins and the visitors once. And what is known to be
// wrong at present.
import { pairs } from './pairs.mjs';
import { origins } from './origins.mjs';
import { pages } from './pages.mjs';
import { visitors } from './visitors.mjs';

const SHOULD = 'as it should be';
const of = (page, origin = SHOULD, visitor = 'second', more = {}) => ({ name: `${page}; ${origin}; ${visitor}`, page, origin, visitor, ...more });

/** Each was found to be worse with the tag than without, or must never be. Every run has them. */
const short = [
  of('plain', SHOULD, 'first'), of('plain', SHOULD, 'second', { mirrored: true }), of('plain', SHOULD, 'with a neighbour'), of('plain', SHOULD, 'comes back from another page'),
  ...['a redirect far, without CORS', 'parts of 100 kB', 'cut after 300 kB', '200 to every range', 'no ranges, no length', '401 for ever', 'a wrong byte', 'another Last-Modified each time']
    .map(origin => of('plain', origin)),
  of('film on another host'), of('a film by script', 'each third a 503'), of('scrubbing', '2 MB/s'), of('tag at the end, preload=auto', SHOULD, 'first'),
  ...['sandboxed frame', 'srcdoc frame', 'module tag', 'strict CSP', 'Trusted Types', 'inlined tag', 'video.js', 'hls.js', 'React, hydrated', 'reads and sets its player'].map(page => of(page, SHOULD, 'first')),
  of('WordPress, film.mp4?_=1', SHOULD, 'second', { mirrored: true }), of('a name with ?ver=6.4.2 behind the key', SHOULD, 'second', { mirrored: true }),
  ...['right after the tag', 'at load'].map(when => of(`the site's own worker, ${when}`, SHOULD, 'first')), of("the site's own worker, at load", SHOULD, 'had its own worker before'),
  ...['unregisters every worker', 'pictures that the browser has', 'a download in parts', 'a download that is resumed (If-Range)', 'conditional requests', 'a file that is locked later',
    'asks first, back from another page'].map(page => of(page)),
];

/** Those that a long run has besides. */
const more = [
  ...['a redirect far, without CORS', 'cut after 300 kB', '200 to every range'].map(origin => of('plain', origin, 'first')),
  ...['a redirect near, without CORS', 'an answer after 2 s', 'gone', '404 for a range', 'hotlink protection', '403 for HEAD', 'no Last-Modified', '503 for ever'].map(origin => of('plain', origin)),
  ...['saw it all before', 'with a slow neighbour', 'the worker was stopped', 'another tab open', 'storage blocked', 'storage full', 'no service workers'].map(who => of('plain', SHOULD, who)),
  of('film on another host', 'a redirect far, CORS for all'), of('seeks', '2 MB/s'), of('frame without the tag'), of('tag at the end of body', SHOULD, 'first'),
  ...['200 to every range', 'no ranges, no length', 'parts of 100 kB'].map(origin => of('a film by script', origin)),
  of("the site's own worker, at DOMContentLoaded", SHOULD, 'first'), ...['right after the tag', 'at DOMContentLoaded'].map(when => of(`the site's own worker, ${when}`, SHOULD, 'had its own worker before')),
  ...['unregisters every worker', 'plyr', 'MediaElement, WordPress', 'dash.js', 'video.js, HLS', 'Vue, hydrated', 'combined with other scripts', 'tag put in by a script after load']
    .map(page => of(page, SHOULD, 'first')),
  ...['clears its storage', 'SPA, from page to page', 'deferred tag', 'async tag', 'tag twice', 'reads and sets its player'].map(page => of(page)),
];
export const named = [...short, ...more];

/** Pages and visitors of the pairs: those whose film comes by plain HTTP, whatever the origin does. */
const paired = ['plain', 'autoplay', 'sources', 'sound', 'made by a script', 'tag at the end of body', 'WordPress, film.mp4?_=1', 'scrubbing', 'deferred tag', 'a download by script'];
export const made = pairs({ page: paired, origin: Object.keys(origins), visitor: Object.keys(visitors).filter(name => name != 'had its own worker before') })
  .map(({ page, origin, visitor }) => of(page, origin, visitor)).filter(({ name }) => !named.some(c => c.name == name));

for (const { page, origin, visitor } of named) {
  if (!pages[page] || !origins[origin] || !visitors[visitor]) throw new Error(`no such page, origin or visitor: ${page}; ${origin}; ${visitor}`);
}

/** Those that Firefox has, too. */
const other = /^plain; as it should be; (first|second)$|without CORS; second|^plain; (200 to every|parts of)|^(scrubbing|module|sandboxed|strict|reads and sets|video.js|a download that|conditional)|at load; as it should be; first$/;

/** The cases of a run. only: a regular expression of names. */
export const select = ({ long = false, only = '', firefox = false }) => (long || only ? [...named, ...made] : firefox ? short.filter(({ name }) => other.test(name)) : short).filter(({ name }) => RegExp(only).test(name));

/**
 * What is known to be wrong: cases by page, origin, visitor (what is not said is any), the aspects that may differ there (says: what the console may), and in words
 * what it is; browser: that one alone. A line whose cases are all well is a failure: it is to be taken off; but where chance shows it only now and then (sometimes).
 */
export const known = [
  { page: ['plain'], origin: ['cut after 300 kB'], sometimes: true, aspects: ['answers', 'events', 'time'], what: 'a host that cuts connections: the film stands for long' },
  { page: ['plain', 'made by a script'], origin: ['200 to every range', 'no ranges, no length'], aspects: ['answers', 'events', 'bytes', 'time'], what: 'a host that knows no ranges: the film comes several times, or stands' },
  { page: ['plain', 'autoplay', 'made by a script'], sometimes: true, origin: ['another Last-Modified each time'], aspects: ['bytes', 'events'], what: 'another Last-Modified withdraws the file: the player is given back' },
  { page: ['a download by script'], origin: ['cut after 300 kB'], sometimes: true, aspects: ['answers', 'bytes'], what: 'a download that fails without us comes whole by the second try' },
  { origin: ['403 for HEAD'], sometimes: true, aspects: ['console'], what: 'a HEAD that is refused is a line in the console' },
  { page: ['scrubbing'], sometimes: true, aspects: ['bytes', 'time'], what: 'scrubbing: old positions are loaded on' },
  { browser: 'firefox', sometimes: true, aspects: ['console'], says: /A ServiceWorker intercepted the request/, what: 'Firefox writes an error at seeks: the worker intercepted the request' },
  { page: ['clears its storage'], sometimes: true, aspects: ['bytes', 'requests'], what: 'storage that a script clears: the film comes several times' },
  { page: ['reads and sets its player'], aspects: ['answers', 'bytes'], what: 'a script sees what we do to its player, and what it sets is lost' },
  { visitor: ['comes back from another page'], sometimes: true, aspects: ['console', 'bytes'], says: /status of 409/, what: 'a page that comes back: a 409 in the console, and its film once more' },
  { origin: ['hotlink protection'], sometimes: true, aspects: ['bytes'], what: 'hotlink protection: the film comes twice' },
  { visitor: ['storage full'], sometimes: true, aspects: ['bytes'], what: 'storage that is full: the film comes twice' },
  { origin: ['a wrong byte'], sometimes: true, aspects: ['events'], what: 'a film that cannot be decoded is given back to plain HTTP, where it errs once more: the first error is stopped before the page' },
  { page: ['plain'], origin: ['a wrong byte'], sometimes: true, aspects: ['bytes'], what: 'a file that is not the published one comes twice' },
  { visitor: ['another tab open'], sometimes: true, aspects: ['bytes', 'requests'], what: 'with another tab open the film comes piece by piece, and twice' },
  { origin: ['200 to every range'], visitor: ['another tab open'], sometimes: true, aspects: ['answers', 'events', 'time'], what: 'with another tab open, from a host that knows no ranges: the film stands' },
  { page: ['React, hydrated', 'Vue, hydrated'], sometimes: true, aspects: ['console'], says: /did not match|mismatches/, what: 'hydration finds what we did to a player' },
  { page: ['WordPress, film.mp4?_=1', 'MediaElement, WordPress'], sometimes: true, aspects: ['bytes'], what: 'film.mp4?_=1 comes twice' },
  { page: ['asks first, back from another page'], sometimes: true, aspects: ['bytes'], what: 'each look at a page loads the first pieces of its film' },
  { page: ['React, hydrated', 'Vue, hydrated'], sometimes: true, aspects: ['bytes'], what: 'a film that has begun by plain HTTP is loaded anew' },
  { sometimes: true, aspects: ['console'], says: /signal is aborted without reason/, what: 'an AbortError that nobody catches' },
  { page: ['plain', 'autoplay', 'sandboxed frame', 'unregisters every worker', 'tag twice'], sometimes: true, aspects: ['bytes'], what: 'a request that the player gives up is read to its end' },
  { page: ['plain'], visitor: ['second'], sometimes: true, aspects: ['mirrored'], what: 'a later visit begins by plain HTTP, and goes on so' },
  { page: ['SPA, from page to page'], sometimes: true, aspects: ['bytes'], what: 'a film that is shown again is loaded again' },
  { page: ['combined with other scripts'], aspects: ['console'], what: 'a tag that an optimizer combined with others: an error in the console' },
  { page: ['seeks'], aspects: ['bytes'], sometimes: true, what: 'seeks: cancelling does not cancel' },
  { page: ['strict CSP'], aspects: ['console'], what: 'a strict policy: an error for each blob:' },
  { page: ['React, hydrated', 'Vue, hydrated'], sometimes: true, aspects: ['console'], what: 'a framework that hydrates the page finds an attribute of a player that we hold' },
  { page: ['Trusted Types'], aspects: ['console'], what: 'Trusted Types: an error' },
];
