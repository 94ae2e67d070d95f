/** A proxy that the instance does not know: behind it all visitors have one address, and together they reach the limits of one. */
import { act } from './api.js';
import { busy, input, make, note, warning } from './dom.js';
/** @typedef {{from: string, for: string, proxies: string}} Proxy its address; for whom it says that it speaks; the setting that would list it; both '' when it says nothing */

/** @param {HTMLElement} place @param {Proxy|undefined} proxy @param {() => Promise<any>} again draws the page anew */
export function proxyNote(place, proxy, again) {
  place.replaceChildren();
  if (!proxy) return;
  const says = note('proxy-says'),
    words = warning(
      `Your requests come from ${proxy.from}, ${proxy.for ? `which speaks for ${proxy.for}` : 'an address of an inner network'}: a proxy stands before this program (your host's, or a CDN). ` +
        'Unless it is known here, all visitors count as one, and the limits of one visitor turn the others away.',
    );
  if (!proxy.proxies) {
    place.append(
      words,
      make(
        'p',
        {},
        "If you are in the same network as the host, nothing is wrong. Else it does not say for whom it speaks: ask your host “Please let your proxy send X-Forwarded-For (the visitor's address) to my CGI programs, and tell me its addresses.” " +
          'When that is so, load this page again: here is a field for these addresses then.',
      ),
    );
    return;
  }
  const field = make('input', { id: 'proxies', value: proxy.proxies, spellcheck: false });
  const form = make(
    'form',
    {},
    make(
      'label',
      { htmlFor: field.id },
      "Addresses and networks of your host's proxies, or your CDN's",
    ),
    field,
    make(
      'p',
      { className: 'hint' },
      `A CDN has many, and publishes a list: put all of its networks here (192.0.2.0/24). If ${proxy.for} is your own address, and you know the proxy, it is right. Whoever is listed is believed.`,
    ),
    make('button', {}, 'It is known: believe it'),
    says,
  );
  form.addEventListener('submit', (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    busy(form, says.id, async () => {
      await act('settle', { proxies: input('proxies').value.trim() });
      await again();
    });
  });
  place.append(words, form);
}
