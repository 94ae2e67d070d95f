/** Which of the instance's addresses answer, as this browser finds it, and which one the tag says. */

/** The folder of the short addresses, beside a site; src/host/tier.h says the same. */
export const FOLDER = 'polycircle/';

export const ask = (/** @type {string|URL} */ url) => fetch(url, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(8000) }).catch(() => null);
/** Our program's answer, or null. @param {string|URL} url */
export const ours = async url => {
  const answer = await (await ask(url))?.json().catch(() => null);
  return answer?.polycircle === 1 ? answer : null;
};

const here = (/** @type {string} */ url) => url.startsWith(`${location.origin}/`);
/** Those of this host that do not answer; what a page may not look at is believed. @param {string[]} urls */
export async function silent(urls) {
  const answers = await Promise.all(urls.map(async url => !here(url) || !!await ours(`${url}probe`)));
  return urls.filter((_, i) => !answers[i]);
}

/** @param {string[]} urls the first is that of the tags @param {string} [key] a circle's @returns {Promise<{base: string, tag: string, gone: string[]}>} base: the
 * first that answers; tag: what stands before signal?KEY, of /polycircle/ the folder above, where that gives the loader, too */
export async function place(urls, key = '') {
  const gone = await silent(urls), base = urls.find(url => !gone.includes(url)) ?? urls[0] ?? '', above = base && new URL('..', base).href;
  const short = here(base) && base.endsWith(`/${FOLDER}`) && await (await ask(`${above}signal?${key}`))?.text();
  return { base, gone, tag: short && short.includes(`"base":"${FOLDER}"`) ? above : base };
}
