/** Who of a browser's tabs leads: has the circle's links and writes to storage. One at a time, by a Web Lock, which a tab that ends or crashes gives
 * back by itself. Who is looked at goes before who is not: a tab that is asks who leads, and takes the lock when nobody answers (a frozen tab keeps
 * it), when who answers is hidden without links, or has been hidden while this one was looked at for two seconds. */
import { sleep } from '../util/bytes.js';
/** @typedef {{lead(on: boolean): void, idle(): boolean, heard(news: any): void}} Hub idle: it leads, but has no links to lose */

const SILENT_MS = 1000,
  /** by what the tab that leads says of itself: after how long one that is looked at takes its place; one that is visible keeps it */
  AFTER_MS = /** @type {Record<string, number|undefined>} */ ({ idle: 0, hidden: 2000 }),
  HIDDEN_MS = 1000; // a hidden tab that gets the lock waits: from page to page the next one is looked at

export class Tabs {
  #name;
  #hub;
  #timer = 0;
  #claim = /** @type {object|null} */ (null); // what it holds the lock by
  #channel = /** @type {BroadcastChannel|null} */ (null);
  #stop = /** @type {AbortController|null} */ (null);
  /** @param {string} name @param {Hub} hub */
  constructor(name, hub) {
    this.#name = name;
    this.#hub = hub;
    document.addEventListener('visibilitychange', () => this.#look());
    // where a browser says so before: a frozen tab neither leads nor waits for it
    document.addEventListener('freeze', () => {
      if (!this.#stop) return;
      this.exit();
      document.addEventListener('resume', () => this.enter(), { once: true });
    });
  }
  /** Takes part. Where there are no locks each tab leads. */
  enter() {
    if (this.#stop) return;
    const { signal } = (this.#stop = new AbortController());
    if (!navigator.locks) return void this.#hold({}, signal);
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#heard(data);
    this.#queue(signal);
    this.#look();
  }

  exit() {
    this.#stop?.abort();
    this.#stop = null;
    this.#channel?.close();
    this.#channel = null;
    this.#lost();
  }
  /** To the other tabs. */
  say(/** @type {object} */ news) {
    this.#channel?.postMessage(news);
  }

  /** Waits for its turn, again where it had it and it was stolen. */
  async #queue(/** @type {AbortSignal} */ signal) {
    while (await this.#request({ signal }, signal));
  }
  /** Until the lock is gone. @param {object} how @param {AbortSignal} signal @returns {Promise<boolean>} whether it was stolen */
  async #request(how, signal) {
    const claim = {},
      hold = () => this.#hold(claim, signal);
    await navigator.locks.request(this.#name, how, hold).catch(() => {});
    const stolen = this.#claim == claim; // who stops has none any more
    if (stolen) this.#lost();
    return stolen;
  }
  /** Has the lock, until it stops. @param {object} claim @param {AbortSignal} signal */
  #hold(claim, signal) {
    return new Promise(async ok => {
      signal.addEventListener('abort', ok);
      if (signal.aborted) return ok(0);
      this.#claim = claim;
      this.#look();
      if (document.hidden) await sleep(HIDDEN_MS);
      if (this.#claim == claim) this.#hub.lead(true);
    });
  }

  #lost() {
    if (this.#claim) this.#hub.lead(false);
    this.#claim = null;
    this.#look();
  }
  /** Looked at or not, leading or not: something changed. */
  #look() {
    clearTimeout(this.#timer);
    const { hidden } = document;
    if (this.#claim)
      this.say({ leads: hidden ? (this.#hub.idle() ? 'idle' : 'hidden') : 'visible' });
    else if (!hidden) {
      this.say({ asks: true });
      this.#later(SILENT_MS);
    }
  }

  #later(/** @type {number|undefined} */ ms) {
    clearTimeout(this.#timer);
    const signal = this.#stop?.signal;
    if (signal && ms != null && !document.hidden)
      this.#timer = +setTimeout(() => this.#request({ steal: true }, signal), ms);
  }

  #heard(/** @type {any} */ news) {
    if (news.asks && this.#claim) this.#look();
    if (news.leads && !this.#claim) this.#later(AFTER_MS[news.leads]);
    this.#hub.heard(news);
  }
}
