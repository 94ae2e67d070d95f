/** One signal a browser profile, however many tabs: a Web Lock makes one tab the leader; to the others it is one neighbour that has
 * everything, over BroadcastChannel. Where there are no locks every tab is a leader. */
import { randomHex } from './bytes.js';

/** A Channel (lib/link.js) between two tabs. */
class TabChannel {
  #gone;
  /** @type {((data: any) => void)|null} */
  onmessage = null;
  /** @type {(() => void)|null} */
  onclose = null;
  buffered = 0;

  /** @param {(data: any) => void} send @param {() => void} gone */
  constructor(send, gone) { this.send = send; this.#gone = gone; }
  async drained() {}
  close() {
    this.#gone();
    this.onclose?.();
  }
}

export class Tabs extends EventTarget {
  #bus; #stop = new AbortController();
  /** @type {Map<string, TabChannel>} */
  #open = new Map();
  id = randomHex(32);
  leads = false;

  /** Events: 'lead' once this tab is the leader; 'tab' with {channel, id} for a follower (leading) or the leader (following).
   * @param {string} cid */
  constructor(cid) {
    super();
    this.#bus = new BroadcastChannel('polycircle-' + cid);
    this.#bus.onmessage = ({ data }) => this.#hear(data);
    const name = 'polycircle-' + cid, signal = this.#stop.signal;
    const lead = () => new Promise(ok => {
      signal.addEventListener('abort', ok);
      this.leads = true;
      for (const channel of [...this.#open.values()]) channel.close();
      this.#post({ leads: true });
      this.dispatchEvent(new Event('lead'));
    });
    if (!navigator.locks) queueMicrotask(lead);
    else {
      navigator.locks.request(name, { signal }, lead).catch(() => {});
      this.#post({ follows: true });
    }
  }

  /** @param {object} message */
  #post(message) { if (!this.#stop.signal.aborted) this.#bus.postMessage({ from: this.id, ...message }); }

  /** @param {any} m */
  #hear({ from, to, data, leads, follows, bye }) {
    if (bye) return this.#open.get(from)?.close();
    if ((this.leads ? follows : leads) && !this.#open.has(from)) {
      this.#channel(from);
      this.#post(this.leads ? { leads: true } : { follows: true });
    }
    if (to == this.id && data !== undefined) this.#open.get(from)?.onmessage?.(data);
  }

  /** @param {string} id */
  #channel(id) {
    const channel = new TabChannel(data => this.#post({ to: id, data }), () => this.#open.delete(id));
    this.#open.set(id, channel);
    this.dispatchEvent(new CustomEvent('tab', { detail: { channel, id } }));
  }

  stop() {
    this.#post({ bye: true });
    this.#stop.abort();
    this.#bus.close();
  }
}
