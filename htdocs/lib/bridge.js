/** The page's end of the worker: hides HTTP ranges and MessagePorts from the mirror (worker.js is the other end). */
import { Changed } from './origin.js';

/** @typedef {(url: string, size: number) => () => import('./mirror.js').Need} Watch the need of whoever reads the file */

/** @param {string|null} header @param {number} size @returns {number[]|null} start and end (exclusive) of RFC 9110 14.1.2; end not after start: none;
 *   null: all of it, also for what we do not serve in parts */
export function parseRange(header, size) {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (!from && !to || from && to && +from > +to) return null;
  return from ? [+from, to ? Math.min(size, +to + 1) : size] : [Math.max(0, size - +to), size];
}

export class Bridge {
  #mirror; #watch; #loaded; #streams = 0; #alive = 0; #stop = new AbortController();

  /** @param {import('./mirror.js').Mirror} mirror @param {Watch} watch @param {Promise<void>} loaded when the mirror knows what it has */
  constructor(mirror, watch, loaded) {
    this.#mirror = mirror;
    this.#watch = watch;
    this.#loaded = loaded;
    navigator.serviceWorker.addEventListener('message', e => this.answer(e), { signal: this.#stop.signal });
    navigator.serviceWorker.startMessages();
  }

  answer(/** @type {MessageEvent} */ { data, ports }) { if (data?.polycircle == 'get') this.#get(data, ports[0]); }
  close() { this.#stop.abort(); }

  async #get(/** @type {{url: string, range: string|null}} */ { url, range }, /** @type {MessagePort} */ port) {
    port.postMessage({ mine: true });
    await this.#loaded;
    const media = this.#mirror.find(url);
    if (!media || media.withdrawn) return port.postMessage({ pass: true, fresh: media?.withdrawn });
    const { size, type, mtime } = media, part = parseRange(range, size), [start, end] = part ?? [0, size], none = end <= start;
    const headers = { 'content-type': type, 'accept-ranges': 'bytes', 'last-modified': new Date(mtime * 1000).toUTCString(),
      'content-length': `${none ? 0 : end - start}`, ...part && { 'content-range': `bytes ${none ? '*' : `${start}-${end - 1}`}/${size}` } };
    if (none) return port.postMessage({ status: 416, headers });
    const stream = this.#mirror.read(media, url, start, end, this.#watch(url, size)), stop = this.#keepAlive(stream);
    port.onmessage = e => e.data == 'pull' ? this.#send(stream, port, {}, stop) : stop();
    await this.#send(stream, port, { status: part ? 206 : 200, headers, at: start, end }, stop);
  }

  /** The next chunk; the first comes with the head, so that a failure before it still means plain HTTP.
   * @param {AsyncGenerator<Uint8Array>} stream @param {MessagePort} port @param {object} head @param {() => void} stop */
  async #send(stream, port, head, stop) {
    try {
      const { value, done } = await stream.next(), chunk = value?.slice().buffer;
      port.postMessage({ ...head, chunk, end: done || undefined, ...head }, chunk ? [chunk] : []);
      if (done) stop();
    } catch (error) {
      stop();
      port.postMessage({ pass: true, fresh: error instanceof Changed });
    }
  }

  /** A worker without events is ended by the browser after half a minute, also in the middle of a stream.
   * @param {AsyncGenerator<Uint8Array>} stream @returns {() => void} to be called, once or more, when it is over */
  #keepAlive(stream) {
    const worker = navigator.serviceWorker.controller;
    let over = false;
    if (!this.#streams++) this.#alive = +setInterval(() => worker?.postMessage({ polycircle: 'alive' }), 10000);
    return () => {
      if (!over && !--this.#streams) clearInterval(this.#alive);
      over = true;
      stream.return(undefined);
    };
  }
}
