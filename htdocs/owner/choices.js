/** How visitors take part, and by which STUN server they find each other: the same choice in set-up and in the console. */
import { copy, make, note } from './dom.js';
/** @typedef {[url: string, who: string][]} Servers the first is proposed
 * @typedef {{el: HTMLElement, p2p: () => string, server: () => string, typed: () => boolean}} Choice server: '' for none; typed: it is none of the list */

/** @param {boolean} asked whether visitors are */
const noticeOf = asked =>
  `This site shares its films, pictures and downloads among its visitors. ${asked ? 'If you take part, your' : 'Your'} browser connects directly to ` +
  'those of other visitors who are here at the same time, gets parts of files from them and gives parts to them. Connected visitors see ' +
  "each other's internet address (IP address), which parts of files the other one has, and what it asks for. A random number, not your " +
  'address, stands for you in the list of who is here. The site itself keeps no address for this; the data that connects two browsers ' +
  'holds their addresses and is good for about two minutes.';
const STUN_NOTICE =
  ' So that browsers can find each other, yours asks a server of %, which sees your address.';

/** @type {[string, string, string][]} */
const TAKING_PART = [
  ['ask', 'Ask every visitor first.', 'Who says no loads from your host as before.'],
  ['on', 'Connect them without a question.', 'Only with a sentence in your privacy notice.'],
  ['off', 'Connect nobody for now.', 'To try the rest.'],
];

/** @param {string} name @param {string} value @param {string} words @param {string} small @param {boolean} checked */
const choice = (name, value, words, small, checked) =>
  make(
    'label',
    { className: 'choice' },
    make('input', { type: 'radio', name, value, checked }),
    make('span', {}, `${words} `, make('small', {}, small)),
  );

/** @param {string} id before the ids and names of its fields: one for each form of a page
 * @param {Servers} servers @param {{p2p: string, ice: {urls: string}[]}} [chosen] without: what is proposed @returns {Choice} */
export function choices(id, servers, chosen) {
  const now = chosen ? (chosen.ice[0]?.urls ?? '') : servers[0][0],
    named = now && !servers.some(([url]) => url == now);
  const field = make('input', {
    id: `${id}stun-other`,
    placeholder: 'stun:stun.site.example:3478',
    autocapitalize: 'none',
    spellcheck: false,
    value: named ? now : '',
  });
  const other = make(
    'div',
    { id: `${id}stun-named` },
    make('label', { htmlFor: field.id }, 'Its address'),
    field,
  );
  const taking = make(
    'fieldset',
    {},
    make('legend', {}, "Visitors who are connected see each other's internet address. So:"),
    ...TAKING_PART.map(([value, words, small]) =>
      choice(`${id}p2p`, value, words, small, value == (chosen?.p2p ?? 'ask')),
    ),
  );
  const finding = make(
    'fieldset',
    {},
    make('legend', {}, 'How visitors in different networks find each other'),
    make(
      'p',
      { className: 'hint' },
      'A STUN server tells a browser by which address others reach it. Files do not go through it.',
    ),
    ...servers.map(([url, who], i) =>
      choice(
        `${id}stun`,
        url,
        `With the help of a server of ${who}${i ? '' : ' (recommended)'}.`,
        `A third party: it sees the address of every visitor who takes part (${url}).`,
        url == now,
      ),
    ),
    choice(
      `${id}stun`,
      'other',
      'With another STUN server.',
      'Whoever runs it sees the address of every visitor who takes part.',
      !!named,
    ),
    other,
    choice(
      `${id}stun`,
      '',
      'Not at all.',
      'No third party is involved, and only visitors in the same network (a school, an office, a home) help each other: of visitors ' +
        'who sit at home one by one hardly any can be connected.',
      !now,
    ),
  );
  const notice = make('textarea', {
      id: `${id}notice`,
      className: 'notice',
      rows: 7,
      readOnly: true,
      ariaLabel: 'A text for your privacy notice',
    }),
    copied = `${id}notice-says`;
  const el = make(
    'div',
    {},
    taking,
    finding,
    make(
      'details',
      { id: `${id}notice-part` },
      make('summary', {}, 'A text for your privacy notice'),
      notice,
      make(
        'button',
        { type: 'button', id: `${id}notice-copy`, onclick: () => copy(notice, copied) },
        'Copy',
      ),
      note(copied),
    ),
  );
  const picked = (/** @type {string} */ name) =>
    /** @type {HTMLInputElement|null} */ (el.querySelector(`[name="${id}${name}"]:checked`))
      ?.value ?? '';
  const server = () =>
    picked('stun') == 'other'
      ? field.value.trim().replace(/^(?!stuns?:)/, 'stun:')
      : picked('stun');
  const who = () =>
    servers.find(([url]) => url == server())?.[1] ?? server().replace(/^stuns?:|:\d+$/g, '');
  const tell = () => {
    other.hidden = picked('stun') != 'other';
    notice.value = noticeOf(picked('p2p') != 'on') + (who() ? STUN_NOTICE.replace('%', who()) : '');
  };
  el.addEventListener('input', tell);
  tell();
  return { el, p2p: () => picked('p2p'), server, typed: () => picked('stun') == 'other' };
}

/** Does this STUN server tell this browser its address? Nothing is known of it (true) where this browser's own address is a public one.
 * @param {string} url @param {number} [patience] ms */
export async function answers(url, patience = 5000) {
  const pc = new RTCPeerConnection({ iceServers: [{ urls: url }] });
  try {
    let failed = false;
    const known = new Promise(ok => {
      pc.addEventListener('icecandidateerror', () => {
        failed = true;
      });
      pc.addEventListener('icecandidate', ({ candidate }) => {
        if (!candidate) ok(!failed);
        else if (candidate.type == 'srflx') ok(true);
      });
    });
    pc.createDataChannel('');
    await pc.setLocalDescription();
    return /** @type {boolean} */ (
      await Promise.race([known, new Promise(ok => setTimeout(ok, patience, false))])
    );
  } finally {
    pc.close();
  }
}

/** Tries a server that is new here, once: pressed again, it is taken all the same.
 * @param {(text: string) => void} tell @returns {(url: string, typed: boolean) => Promise<void>} throws what is to be said */
export function trial(tell) {
  let doubted = '';
  return async (url, typed) => {
    if (!url || url == doubted) return;
    if (/^stuns?:$/.test(url))
      throw new Error(
        'Type the address of the STUN server, such as stun.site.example:3478, or choose another line.',
      );
    tell(`Asking ${url} …`);
    let good = false;
    try {
      good = await answers(url);
    } catch {
      throw new Error(
        `${url} is not the address of a STUN server: it is like stun:stun.site.example:3478`,
      );
    }
    if (good) return;
    doubted = url;
    throw new Error(
      `${url} did not answer this browser. It may be ${typed ? 'mistyped or ' : ''}down, or this network lets no UDP out: then visitors in such networks load from your host. Choose another, or press again to take it all the same.`,
    );
  };
}
