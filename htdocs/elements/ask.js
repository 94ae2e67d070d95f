/** The question whether a visitor may be connected to others, and <poly-ask>, which shows what was said and asks again. Beside the package, for who is
 * to be asked. The words are a file of each language at the instance (htdocs/ask), of which one is fetched, once there is something to say. */
import { get, html, look, PolyElement } from './base.js';
/** @typedef {import('../page/circle.js').Circle} Circle
 * @typedef {{config: import('../page/circle.js').Config, beside(file: string): string, data: import('../page/circle.js').Options['data']}} Setup beside: where a file is that lies beside the package; data: the
 *   tag's data-*
 * @typedef {{words(): Promise<(name: string) => string>, tongue: string, ask(): Promise<void>}} Asking */

const LONGEST = 600;
let page = /** @type {Asking} */ (/** @type {any} */ (null));

/** The first of these that there is. The tag's goes first, then those of the visitor, then the page's: what somebody agrees to is to be
 * understood, and only then to match what is around it. @param {(string|undefined)[]} wanted as in BCP 47 */
export const language = (...wanted) =>
  wanted
    .map(tag => /^(en|de|fr|es|pt|it|nl|pl|ja|zh)\b/i.exec(tag ?? '')?.[0].toLowerCase())
    .find(Boolean) ?? 'en';

/** @param {RTCIceServer[]} servers @returns {string} their hosts, for people */
export const hosts = servers =>
  [
    ...new Set(servers.flatMap(s => s.urls).map(url => url.replace(/^\w+:|(:\d+)?(\?.*)?$/g, ''))),
  ].join(', ');

/** @param {string} color as computed @returns {number} how bright, to 255; NaN when it can be seen through, or is not told in sRGB */
function bright(color) {
  const [, red, green, blue] =
    /** @type {any} */ (/^rgb\((\d+), (\d+), (\d+)\)$/.exec(color)) ?? [];
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** The page's own colours, if they can be told and read on each other (W3C AERT 2.2), else the browser's. @param {HTMLElement} box */
function paint(box) {
  const [body, root] = [document.body, document.documentElement].map(el => getComputedStyle(el));
  const back = [body, root].map(of => of.backgroundColor).find(color => bright(color) >= 0) ?? '',
    own = Math.abs(bright(back) - bright(body.color)) > 125;
  [box.style.background, box.style.color] = own ? [back, body.color] : ['Canvas', 'CanvasText'];
}

/** @param {Circle} circle @param {Setup} setup @returns {Asking} */
export function asking(circle, { config, beside, data }) {
  const tongue = language(data.lang, ...navigator.languages, document.documentElement.lang),
    host = hosts(config.ice);
  let said = /** @type {Promise<(name: string) => string>|null} */ (null),
    open = /** @type {Promise<void>|null} */ (null);
  let box = /** @type {any} */ (null),
    before = /** @type {any} */ (null),
    wanted = false,
    close = () => {}; // before: what had the focus

  /** Texts alone, and short ones; and their look. */
  const words = () =>
    (said ??= get(beside(`ask-${tongue}.json`)).then(async r => {
      const all = await r.json();
      if (!all.yes) throw all; // an error
      await look(beside('ask.css'));
      return (/** @type {string} */ name) =>
        name == 'stun' && !host ? '' : String(all[name]).slice(0, LONGEST).replace('{host}', host);
    }));
  /** What was said is asked again only when the visitor wants it, who is then led there. */
  const wants = () => circle.asks && (wanted || (!circle.said && circle.p2p == 'ask'));

  /** It stands at the window's lower edge; the page gets as much room at its end, so nothing stays covered, nor what has the focus. */
  async function show() {
    const say = await words(),
      { style } = document.documentElement,
      { paddingBottom, scrollPaddingBottom } = style;
    if (!wants()) return void (open = null);
    const [yes, no] = ['yes', 'no'].map(value =>
      html('button', { type: 'button', value }, say(value)),
    );
    box = html(
      'div',
      {
        class: 'polycircle-ask',
        role: 'region',
        tabindex: -1,
        'aria-label': say('title'),
        lang: tongue,
      },
      html(
        'div',
        {},
        html('p', { role: 'status' }, say('title')),
        html('p', {}, say('text'), ' ', say('stun')),
      ),
      html('p', {}, yes, ' ', no),
    );
    if (!document.body) await new Promise(ok => addEventListener('DOMContentLoaded', ok));
    document.body.prepend(box);
    paint(box);
    const room = new ResizeObserver(() => {
      style.paddingBottom = style.scrollPaddingBottom = `${box.offsetHeight}px`;
    });
    room.observe(box);
    await new Promise(ok => {
      close = () => {
        room.disconnect();
        Object.assign(style, { paddingBottom, scrollPaddingBottom });
        if (box.contains(document.activeElement)) before?.focus();
        box.remove();
        box = open = null;
        close = () => {};
        ok(0);
      };
      box.onkeydown = (/** @type {KeyboardEvent} */ e) => {
        if (e.key == 'Escape') close();
      };
      box.onclick = (/** @type {any} */ { target }) => {
        if (!target.value) return;
        circle.decide(target.value);
        close();
      };
    });
  }

  const ask = () =>
    (open ??= show().catch(error => {
      open = said = null;
      console.warn('polycircle:', error);
    }));
  const heed = () => {
    wanted = false;
    wants() ? ask() : close();
  };
  circle.addEventListener('change', heed);
  heed();
  page = {
    words,
    tongue,
    /** @returns {Promise<void>} when it was answered, or closed */
    async ask() {
      wanted = true;
      before = document.activeElement;
      if (!box?.isConnected) close(); // the page has another body now
      if (!wants()) return;
      const over = ask();
      words().then(
        () => box?.focus(),
        () => {},
      );
      await over;
    },
  };
  PolyAsk.define('poly-ask');
  return page;
}

/** <poly-ask>: a button for a footer. What the page has put into it stays where there are no words. */
export class PolyAsk extends PolyElement {
  /** @param {Circle} circle @param {AbortSignal} signal */
  async show(circle, signal) {
    const { tongue, words } = page,
      say = await words().catch(() => null),
      button = html('button', { type: 'button', lang: tongue });
    if (!say || signal.aborted) return;
    const draw = () => {
      this.hidden = !circle.asks;
      button.textContent = say(circle.shares ? 'on' : 'off');
    };
    button.addEventListener('click', () => circle.ask());
    circle.addEventListener('change', draw, { signal });
    this.replaceChildren(button);
    draw();
  }
}
