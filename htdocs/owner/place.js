/** Which of the instance's addresses answer, as this browser finds it, and which one the tag says. */

/** The folder of the short addresses, beside a site; src/host/tier.h says the same. */
export const FOLDER = 'polycircle/';

export const ask = (/** @type {string|URL} */ url) =>
  fetch(url, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(8000) }).catch(
    () => null,
  );
/** @param {string} url @returns {Promise<string|null>} '': there is no such thing; null: it cannot be seen from here */
export const text = async url => {
  const answer = await ask(url);
  return answer && (answer.ok ? await answer.text().catch(() => null) : '');
};
/** Our program's answer, or null. @param {string|URL} url */
export const ours = async url => {
  const answer = await (await ask(url))?.json().catch(() => null);
  return answer?.polycircle === 1 ? answer : null;
};

const here = (/** @type {string} */ url) => url.startsWith(`${location.origin}/`);
/** Those of this host that do not answer; what a page may not look at is believed. @param {string[]} urls */
export async function silent(urls) {
  const answers = await Promise.all(
    urls.map(async url => !here(url) || !!(await ours(`${url}probe`))),
  );
  return urls.filter((_, i) => !answers[i]);
}

/** @param {string[]} urls the first is that of the tags @param {string} [key] a circle's @returns {Promise<{urls: string[], tags: string[], gone: string[]}>} urls: those
 * that answer, or all; tags: what stands before signal?KEY at each, of /polycircle/ the folder above, where that gives the loader, too */
export async function place(urls, key = '') {
  const gone = await silent(urls),
    known = urls.length ? urls : [new URL('.', location.href).href],
    living = known.filter(url => !gone.includes(url)),
    all = living.length ? living : known;
  const start = async (/** @type {string} */ url) => {
    if (!url.endsWith(`/${FOLDER}`)) return url;
    const above = new URL('..', url),
      seen = known.some(here) ? location.origin + above.pathname : above.href; // what is the same at each address is seen at this one
    return ((await text(`${seen}signal?${key}`)) ?? '').includes(`"base":"${FOLDER}"`)
      ? above.href
      : url;
  };
  return { urls: all, tags: await Promise.all(all.map(start)), gone };
}
