/** The addresses of the instance: which one the tags are given by, and which it answers at. */
import { act, base } from './api.js';
import { make, onPress, say } from './dom.js';

/** @param {HTMLElement} list @param {string[]} urls @param {Awaited<ReturnType<typeof import('./place.js').place>>} at @param {() => Promise<any>} open draws the console anew
 * @param {string} [tag] the line for the site's pages: with a host name, or without one where addresses share it */
export function addresses(list, urls, at, open, tag = '') {
  const says = 'addresses-says';
  /** @param {string} action @param {string} url @param {string} words */
  const change = async (action, url, words) => {
    await act(action, { url });
    await open();
    say(says, words, 'good');
  };
  /** @param {string} url @param {string} action @param {string} name @param {string} words @param {string} [sure] */
  const button = (url, action, name, words, sure = '') => {
    const el = make('button', { type: 'button', ariaLabel: `${name}: ${url}` }, name);
    onPress(el, list, says, sure, () => change(action, url, words));
    return el;
  };
  const inLine = (/** @type {string} */ url) => {
    const start = at.tags[at.urls.indexOf(url)];
    return (
      !!start &&
      [start, new URL(start).pathname].some(src => tag.startsWith(`<script src="${src}signal?`))
    );
  };
  const rows = urls.map((url, i) =>
    make(
      'li',
      {},
      make('span', { className: 'path' }, url),
      inLine(url) ? ' (in the line) ' : ' ',
      at.gone.includes(url) ? '(does not answer) ' : '',
      ...(i && !inLine(url)
        ? [
            button(
              url,
              'first',
              'Use in the line',
              'The line is given by this address from now on. Lines that are in pages already go on.',
            ),
          ]
        : []),
      ...(urls.length > 1
        ? [
            button(
              url,
              'forget',
              'Remove',
              'Removed. Its pages stay allowed in the circles.',
              `Press again: pages whose line has ${url} share nothing then, and load from your host.`,
            ),
          ]
        : []),
    ),
  );
  if (!urls.includes(base))
    rows.push(
      make(
        'li',
        {},
        make('span', { className: 'path' }, base),
        ' (this page; not one of them: pages at this address share nothing yet) ',
        button(
          base,
          'address',
          'Add it',
          'Added: pages at this address may share, too. Look at the line for your pages, above: it may be another one now, which your pages need; that of before goes on at its own address only.',
        ),
      ),
    );
  say(says, ''); // what was asked may be about a row that has gone
  list.replaceChildren(...rows);
}
