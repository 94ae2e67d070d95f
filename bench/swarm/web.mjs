/** The small parts of the web platform that the client's modules take for granted, and Node's would make slow or take real time: an answer and its
 * body, a stream that is pulled, a port, a signal to stop. Decides nothing but that a word between page and worker takes a moment. */
import { film } from './matter.mjs';

const PORT_MS = 0.2; // between page and worker [G]

/** Debian 12's Node 18 has none. */
export const Custom =
  globalThis.CustomEvent ??
  class extends Event {
    /** @param {string} type @param {{detail?: any}} [init] */
    constructor(type, { detail = null } = {}) {
      super(type);
      this.detail = detail;
    }
  };

/** Bytes of an answer, as they come. */
export class Body {
  #parts = /** @type {{at: number, n: number}[]} */ ([]);
  #wake = /** @type {(() => void) | null} */ (null);
  #over = false;
  #error = /** @type {Error | null} */ (null);
  /** @param {(n: number) => void} taken @param {() => void} stop */
  constructor(taken, stop) {
    this.taken = taken;
    this.stop = stop;
  }
  came(/** @type {number} */ at, /** @type {number} */ n) {
    const last = this.#parts.at(-1);
    if (last && last.at + last.n == at && last.n < 65536) last.n += n;
    else this.#parts.push({ at, n });
    this.#go();
  }
  end() {
    this.#over = true;
    this.#go();
  }
  fail(/** @type {Error} */ error) {
    this.#error = error;
    this.#go();
  }
  #go() {
    this.#wake?.();
    this.#wake = null;
  }
  getReader() {
    return { read: () => this.read(), cancel: () => this.cancel() };
  }
  async read() {
    while (!this.#parts.length && !this.#over && !this.#error)
      await new Promise(ok => (this.#wake = () => ok(0)));
    if (this.#error) throw this.#error;
    const part = this.#parts.shift();
    if (!part) return { done: true, value: undefined };
    this.taken(part.n);
    return { done: false, value: film(part.at, part.n) };
  }
  async cancel() {
    this.#parts = [];
    if (!this.#over) this.stop();
    this.#over = true;
    this.#go();
  }
}

/** A stream that is pulled. */
export class PullStream {
  #closed = false;
  #source;
  constructor(/** @type {{pull(c: any): any, cancel?(): any}} */ source) {
    this.#source = source;
  }
  getReader() {
    return { read: () => this.read(), cancel: () => this.cancel() };
  }
  async read() {
    let value;
    if (this.#closed) return { done: true, value };
    const enqueue = (/** @type {any} */ v) => (value = v),
      close = () => (this.#closed = true);
    await this.#source.pull({ enqueue, close });
    return { done: value === undefined, value };
  }
  async cancel() {
    this.#closed = true;
    await this.#source.cancel?.();
  }
}

/** An AbortSignal, without what Node's costs: each stop of that makes an error with its stack. */
export class StopSignal {
  aborted = false;
  #acts = /** @type {(() => void)[]} */ ([]);
  addEventListener(/** @type {string} */ _, /** @type {() => void} */ act) {
    this.#acts.push(act);
  }
  removeEventListener(/** @type {string} */ _, /** @type {() => void} */ act) {
    this.#acts = this.#acts.filter(one => one != act);
  }
  stop() {
    if (this.aborted) return;
    this.aborted = true;
    for (const act of this.#acts.splice(0)) act();
  }
  static timeout(/** @type {number} */ ms) {
    const signal = new StopSignal();
    setTimeout(() => signal.stop(), ms);
    return signal;
  }
}
export class Stop {
  signal = new StopSignal();
  abort() {
    this.signal.stop();
  }
}

export class Answer {
  /** @param {any} body @param {{status?: number, headers?: any}} [init] */
  constructor(body, { status = 200, headers } = {}) {
    this.body = body;
    this.status = status;
    this.headers = new Headers(headers);
    this.ok = status >= 200 && status < 300;
  }
  async json() {
    return this.body;
  }
  async arrayBuffer() {
    const parts = [];
    for (let part; !(part = await this.body.read()).done;) parts.push(part.value);
    return film(
      parts[0].place,
      parts.reduce((sum, { length }) => sum + length, 0),
    ).buffer;
  }
}

export class Asked {
  /** @param {any} of @param {any} [init] */
  constructor(of, init = {}) {
    Object.assign(
      this,
      {
        method: 'GET',
        cache: 'default',
        mode: 'cors',
        credentials: 'same-origin',
        referrer: '',
        destination: '',
      },
      typeof of == 'string' ? { url: of } : of,
      init,
    );
    this.headers = new Headers(init.headers ?? of.headers);
  }
}

/** Two ends; what one says the other hears a moment later, in its order. @param {import('./simulate.mjs').World} world */
export function ports({ clock }) {
  const page = clock.owner;
  const make = () => {
    const end = {
      other: /** @type {any} */ (null),
      open: true,
      heard: /** @type {any[]} */ ([]),
      act: /** @type {any} */ (null),
      onclose: /** @type {any} */ (null),
      postMessage(/** @type {any} */ data) {
        const { other } = end;
        if (!end.open) return;
        clock.after(PORT_MS, page, () => {
          if (!other.open) return;
          other.act ? other.act({ data }) : other.heard.push({ data });
        });
      },
      get onmessage() {
        return end.act;
      },
      set onmessage(act) {
        end.act = act;
        for (const word of end.heard.splice(0)) clock.after(0, page, () => end.act?.(word));
      },
      close() {
        if (!end.open) return;
        end.open = false;
        clock.after(PORT_MS, page, () => {
          if (!end.other.open) return;
          end.other.open = false;
          end.other.onclose?.();
        });
      },
      start() {},
    };
    return end;
  };
  const [port1, port2] = [make(), make()];
  port1.other = port2;
  port2.other = port1;
  return { port1, port2 };
}
