/** Which addresses may be one file: hides what pages, players and programs write differently. */

/** What stands in an address for caches only: WordPress writes the first at every player and the last at everything. @see bare() */
const VERSIONS = ['_', 'v', 'ver'];

/** As page and worker compare them: no percent-encoding, no fragment. */
export const plain = (/** @type {string} */ url) => unescape(url.split('#')[0]);

/** The address that this one may be another for; the origin says whether it is. @param {string} url plain */
export function bare(url) {
  const [path, query] = url.split(/\?(.*)/s),
    rest = query?.split('&').filter(part => !VERSIONS.includes(part.split('=')[0])),
    clean = path.replace(/([^:])\/\/+/g, '$1/');
  return rest?.length ? `${clean}?${rest.join('&')}` : clean;
}
