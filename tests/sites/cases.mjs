// The cases: those that were met on real sites, by name, then every pair of a page, an origin and a visitor once. And what is known to be
// wrong at present.
import { pairs } from './pairs.mjs';
import { origins } from './origins.mjs';
import { pages } from './pages.mjs';
import { visitors } from './visitors.mjs';

const SHOULD = 'as it should be';
const of = (page, origin = SHOULD, visitor = 'second', more = {}) => ({ name: `${page}; ${origin}; ${visitor}`, page, origin, visitor, ...more });

/** Each was found to be worse with the tag than without, or must never be. */
export const named = [
  of('plain', SHOULD, 'first'), of('plain', SHOULD, 'second', { mirrored: true }), of('plain', SHOULD, 'saw it all before'),
  of('plain', 'a redirect far, without CORS'), of('plain', 'a redirect near, without CORS'), of('plain', 'a redirect far, without CORS', 'first'),
  of('film on another host'), of('film on another host', 'a redirect far, CORS for all'),
  of('plain', 'parts of 100 kB'), of('plain', 'cut after 300 kB'), of('plain', 'an answer after 2 s'), of('plain', '200 to every range'),
  of('plain', 'no ranges, no length'), of('plain', '401 for ever'), of('plain', 'gone'), of('plain', 'a wrong byte'), of('plain', '404 for a range'),
  of('plain', 'another Last-Modified each time'), of('plain', 'hotlink protection'), of('plain', '403 for HEAD'),
  of('a film by script', 'each third a 503'), of('a film by script', '200 to every range'), of('a film by script', 'no ranges, no length'), of('a film by script', 'parts of 100 kB'),
  of('scrubbing', '2 MB/s'), of('seeks', '2 MB/s'),
  of('tag at the end of body', SHOULD, 'first'), of('tag at the end, preload=auto', SHOULD, 'first'),
  of('sandboxed frame', SHOULD, 'first'), of('srcdoc frame', SHOULD, 'first'), of('frame without the tag', SHOULD, 'second', { mirrored: false }),
  of('module tag', SHOULD, 'first'), of('strict CSP', SHOULD, 'first'), of('Trusted Types', SHOULD, 'first'),
  of('WordPress, film.mp4?_=1', SHOULD, 'second', { mirrored: true }), of('a name with ?ver=6.4.2 behind the key', SHOULD, 'second', { mirrored: true }),
  ...['right after the tag', 'at DOMContentLoaded', 'at load'].flatMap(when => ['first', 'had its own worker before'].map(who => of(`the site's own worker, ${when}`, SHOULD, who))),
  of('unregisters every worker', SHOULD, 'first'), of('unregisters every worker'), of('clears its storage'),
  of('pictures that the browser has'), of('a download in parts'), of('a download that is resumed (If-Range)'), of('conditional requests'), of('a file that is locked later'),
  ...['video.js', 'plyr', 'MediaElement, WordPress', 'hls.js', 'dash.js', 'video.js, HLS', 'React, hydrated', 'Vue, hydrated'].map(page => of(page, SHOULD, 'first')),
  of('SPA, from page to page'), of('inlined tag', SHOULD, 'first'), of('combined with other scripts', SHOULD, 'first'), of('deferred tag'), of('async tag'),
  of('tag put in by a script after load', SHOULD, 'first'), of('tag twice'), of('asks first, back from another page'),
  of('plain', SHOULD, 'with a neighbour'), of('plain', SHOULD, 'with a slow neighbour'), of('plain', SHOULD, 'comes back from another page'), of('plain', SHOULD, 'the worker was stopped'),
  of('reads and sets its player'), of('reads and sets its player', SHOULD, 'first'),
];

/** Pages and visitors of the pairs: those whose film comes by plain HTTP, whatever the origin does. */
const paired = ['plain', 'autoplay', 'sources', 'sound', 'made by a script', 'tag at the end of body', 'WordPress, film.mp4?_=1', 'scrubbing', 'deferred tag', 'a download by script'];
export const made = pairs({ page: paired, origin: Object.keys(origins), visitor: Object.keys(visitors).filter(name => name != 'had its own worker before') })
  .map(({ page, origin, visitor }) => of(page, origin, visitor)).filter(({ name }) => !named.some(c => c.name == name));

for (const { page, origin, visitor } of named) {
  if (!pages[page] || !origins[origin] || !visitors[visitor]) throw new Error(`no such page, origin or visitor: ${page}; ${origin}; ${visitor}`);
}

/**
 * What is known to be wrong: cases by page, origin, visitor (what is not said is any), the aspects that may differ there, and in words
 * what it is. A line whose cases are all well is a failure: it is to be taken off; but where chance shows it only now and then (sometimes).
 */
export const known = [
  { origin: ['a redirect far, without CORS', 'a redirect near, without CORS'], aspects: ['answers', 'events', 'console', 'bytes'], what: 'a film that is redirected to an origin without CORS' },
  { page: ['film on another host'], aspects: ['console', 'bytes'], what: 'a film on another host without CORS is asked for in vain' },
  { page: ['plain'], origin: ['parts of 100 kB'], aspects: ['answers', 'events', 'time'], what: 'a host that answers with less than was asked: the film stands' },
  { page: ['plain'], origin: ['cut after 300 kB'], sometimes: true, aspects: ['answers', 'events', 'time'], what: 'a host that cuts connections: the film stands for long' },
  { page: ['plain'], origin: ['200 to every range', 'no ranges, no length'], aspects: ['answers', 'events', 'bytes', 'time'], what: 'a host that knows no ranges: the film comes several times, or stands' },
  { page: ['plain'], sometimes: true, origin: ['another Last-Modified each time'], aspects: ['bytes'], what: 'another Last-Modified withdraws the file' },
  { page: ['plain'], origin: ['403 for HEAD'], sometimes: true, aspects: ['console'], what: 'a HEAD that is refused is a line in the console' },
  { page: ['a film by script'], origin: ['each third a 503'], aspects: ['answers', 'console'], what: "one 503 ends a script's download" },
  { page: ['scrubbing'], sometimes: true, aspects: ['bytes', 'time'], what: 'scrubbing: old positions are loaded on' },
  { page: ['clears its storage'], sometimes: true, aspects: ['bytes', 'requests'], what: 'storage that a script clears: the film comes several times' },
  { page: ['pictures that the browser has'], aspects: ['requests', 'time'], what: 'what the browser has in its cache is asked for again' },
  { page: ['a download that is resumed (If-Range)'], aspects: ['answers'], what: 'If-Range is not looked at' },
  { page: ['conditional requests'], aspects: ['answers'], what: 'conditional requests get the whole body, and no ETag' },
  { page: ['a file that is locked later'], aspects: ['answers'], what: 'a 401 does not withdraw a file' },
  { page: ['reads and sets its player'], aspects: ['answers', 'bytes'], what: 'a script sees what we do to its player, and what it sets is lost' },
  { page: ['tag at the end, preload=auto'], aspects: ['bytes'], what: 'the tag at the end of body: the film is loaded twice' },
  { page: ['SPA, from page to page'], aspects: ['bytes'], what: 'a film that is shown again is loaded again' },
  { page: ['inlined tag', 'combined with other scripts'], aspects: ['console'], what: 'a tag that an optimizer inlined or combined: an error in the console' },
  { page: ['seeks'], aspects: ['bytes'], sometimes: true, what: 'seeks: cancelling does not cancel' },
  { page: ['sandboxed frame'], aspects: ['answers', 'console'], what: 'an uncaught error in a sandboxed frame' },
  { page: ['module tag'], aspects: ['console'], what: 'an uncaught error of a tag of type module' },
  { page: ['strict CSP'], aspects: ['console'], what: 'a strict policy: an error for each blob:' },
  { page: ['Trusted Types'], aspects: ['console'], what: 'Trusted Types: an error' },
  { page: ['a name with ?ver=6.4.2 behind the key'], aspects: ['console', 'bytes', 'mirrored'], what: 'a query behind the key: 403' },
  { page: ['WordPress, film.mp4?_=1'], aspects: ['mirrored'], what: 'film.mp4?_=1 is not mirrored' },
  { page: ["the site's own worker, right after the tag", "the site's own worker, at DOMContentLoaded", "the site's own worker, at load"], visitor: ['first'], aspects: ['answers', 'bytes'],
    what: "the site's own worker is replaced: its offline page is gone" },
];
