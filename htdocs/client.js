/** Where loader (or <poly-signal>) and page meet the circle: start() makes window.polycircle. Served as client.js, and as signal.js of
 * the package. */
import { Circle } from './lib/circle.js';
import { askAgain, watch } from './elements/watch.js';
import { PolyCircles } from './elements/circles.js';
import { PolyMedia } from './elements/media.js';
import { PolyRing } from './elements/ring.js';
import { PolyStats } from './elements/stats.js';
import { polySignal } from './elements/signal.js';

/** @typedef {{base: string, config: import('./lib/circle.js').Config, data: Record<string, string|undefined>, files?: Record<string, string>, circles?: any[],
 *   players?: HTMLMediaElement[], asked?: MessageEvent[], release?: () => void, worker?: Promise<any>, manifest?: Promise<any>|null,
 *   db?: Promise<IDBDatabase|null>, fresh?: boolean}} Start
 *   data: the tag's data-* attributes; players: those that the loader held; release: lets them ask; asked: what the worker
 *   has asked already */

const HIDDEN_MS = 60000;

/** @param {Start} options @returns {Circle} also window.polycircle */
export function start({ base, config, data, files = {}, circles, players = [], asked = [], release = () => {}, worker, manifest = null, db, fresh = false }) {
  const page = /** @type {any} */ (globalThis);
  if (page.polycircle instanceof Circle) return page.polycircle;
  dress(files['signal.css']);
  if (!isSecureContext) console.warn('polycircle: this page came over plain http, so there is signaling but no mirror: serve it over https');
  let settle = () => {};
  /** @type {Circle} */
  const circle = new Circle({ base, config, manifest, circles, p2p: data.p2p ?? 'on', key: data.key ?? config.sign, kbps: Number(data.up ?? config.up_kbps ?? 2000),
    storage: data.storage ? page[data.storage] : page.polycircle?.storage, coarse: matchMedia('(pointer: coarse)').matches,
    worker: worker ?? Promise.resolve(navigator.serviceWorker?.getRegistration('/')).catch(() => null),
    watch: (url, size) => watch(url, size, () => circle.peers.length > 0), db, fresh, settled: new Promise(ok => { settle = ok; }) });
  page.polycircle = circle;
  takeOver(circle, players, release, settle);
  for (const e of asked) circle.answer(e);
  follow(circle);
  if (data.p2p == 'ask') ask(circle, files['signal.html']);
  for (const [tag, element] of Object.entries({ 'poly-ring': PolyRing, 'poly-stats': PolyStats, 'poly-media': PolyMedia, 'poly-circles': PolyCircles })) {
    element.define(tag);
  }
  document.dispatchEvent(new CustomEvent('polycircle', { detail: circle }));
  return circle;
}

/** @param {string|undefined} css */
function dress(css) {
  if (!css) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

/** What players want first is fetched while they and the worker find each other.
 * @param {Circle} circle @param {HTMLMediaElement[]} players @param {() => void} release @param {() => void} settle */
async function takeOver(circle, players, release, settle) {
  const { mirror } = circle, controlled = circle.mirroring();
  await circle.loaded;
  const first = players.map(el => {
    const url = el.src || el.querySelector('source')?.src || '', media = mirror?.find(url);
    return media && !el.currentTime ? mirror?.prefetch(media, url, 2) : null;
  });
  Promise.all(first).then(settle);
  if (!mirror?.media.length || !await controlled) return release();
  release();
  askAgain(el => !players.includes(el) && !!mirror.find(el.currentSrc));
}

/** The page hides, goes and comes back. @param {Circle} circle */
function follow(circle) {
  let timer = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = +setTimeout(() => circle.signal?.setGreet(false), HIDDEN_MS);
    else circle.signal?.setGreet(true);
  });
  addEventListener('pagehide', () => circle.close());
  addEventListener('pageshow', e => e.persisted && circle.join());
  addEventListener('online', () => circle.signal?.rejoin());
}

/** Nobody is connected before the visitor says yes. @param {Circle} circle @param {string|undefined} html */
function ask(circle, html) {
  const said = localStorage['polycircle-ask'];
  if (said == 'yes') return void circle.ready.then(() => circle.join());
  const template = said || !html ? null : new DOMParser().parseFromString(html, 'text/html').querySelector('template');
  const box = /** @type {HTMLElement|undefined} */ (template?.content.firstElementChild);
  box?.addEventListener('click', ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    localStorage['polycircle-ask'] = target.value;
    box.remove();
    if (target.value == 'yes') circle.ready.then(() => circle.join());
  });
  if (box) document.readyState == 'loading' ? addEventListener('DOMContentLoaded', () => document.body.append(box)) : document.body.append(box);
}

if (!customElements.get('poly-signal')) customElements.define('poly-signal', polySignal(start));
