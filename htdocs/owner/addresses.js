/** The addresses of the instance: which one the tags are given by, and which it answers at. */
import { act, base } from './api.js';
import { make, onPress, say } from './dom.js';

/** @param {HTMLElement} list @param {string[]} urls @param {string[]} gone those that do not answer @param {() => Promise<any>} open draws the console anew */
export function addresses(list, urls, gone, open) {
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
  const rows = urls.map((url, i) => make('li', {}, make('span', { className: 'path' }, url), i ? ' ' : ' (in the tags) ', gone.includes(url) ? '(does not answer) ' : '',
    ...i ? [button(url, 'first', 'Use in the tags', 'New tags are given by this address. Those that are in pages already go on.')] : [],
    ...urls.length > 1 ? [button(url, 'forget', 'Remove', 'Removed. Its pages stay allowed in the circles.', `Press again: pages whose tag has ${url} then load by plain HTTP.`)] : []));
  if (!urls.includes(base)) rows.push(make('li', {}, make('span', { className: 'path' }, base), ' (this page; not one of them) ',
    button(base, 'address', 'Add it', 'Added, and used in new tags.')));
  list.replaceChildren(...rows);
}
