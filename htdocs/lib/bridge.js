/** The page's end of the worker: hides HTTP ranges and MessagePorts from the mirror (worker.js is the other end). */

/** @typedef {import('./mirror.js').Mirror} Mirror
 * @typedef {(url: string, size: number) => () => import('./mirror.js').Need} Watch the need of whoever reads the file */

/** @param {string|null} header @param {number} size @returns {[number, number]|'all'|'none'|'many'} start and end (exclusive) of RFC 9110 14.1.2 */
export function parseRange(header, size) {
  if (header?.includes(',')) return 'many';
  const m = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!m || !m[1] && !m[2] || m[1] && m[2] && +m[1] > +m[2]) return 'all';
  const start = m[1] ? +m[1] : Math.max(0, size - +m[2]), end = m[1] && m[2] ? Math.min(size, +m[2] + 1) : size;
  return start < end ? [start, end] : 'none';
}

export class Bridge {
  #mirror; #watch; #loaded; #streams = 0; #alive = 0;
  /** @type {AbortController} */
  #abort = new AbortController();
  /** @type {() => void} */
  #ready = () => {};
  open = true;

  /** @param {Mirror} mirror @param {Watch} watch @param {Promise<void>} loaded when the mirror knows what it has */
  constructor(mirror, watch, loaded) {
    this.#loaded = loaded;
    this.#mirror = mirror;
    this.#watch = watch;
    navigator.serviceWorker.addEventListener('message', e => {
      this.answer(e);
      if (e.data?.polycircle == 'ready') this.#ready();
    }, { signal: this.#abort.signal });
    navigator.serviceWorker.startMessages();
  }

  /** @param {MessageEvent} e */
  answer(e) { if (e.data?.polycircle == 'get') this.#get(e.data, e.ports[0]); }

  /** Tells the worker what this page's mirror answers. @param {ServiceWorker} worker @returns {Promise<void>} when it knows */
  announce(worker) {
    return new Promise(ok => {
      this.#ready = ok;
      worker.postMessage({ polycircle: 'urls', urls: this.open ? this.#mirror.urls : [] });
    });
  }

  /** @param {{url: string, range: string|null}} ask @param {MessagePort} port */
  async #get({ url, range }, port) {
    port.postMessage({ mine: true });
    await this.#loaded;
    const media = this.open && this.#mirror.find(url), part = media && parseRange(range, media.size);
    if (!media || media.withdrawn || part == 'many') return port.postMessage({ pass: true, fresh: media && media.withdrawn });
    const worker = navigator.serviceWorker.controller;
    const headers = { 'content-type': media.type, 'accept-ranges': 'bytes', 'last-modified': new Date(media.mtime * 1000).toUTCString() };
    if (part == 'none') {
      return port.postMessage({ status: 416, headers: { ...headers, 'content-range': `bytes */${media.size}` } });
    }
    const [start, end] = Array.isArray(part) ? part : [0, media.size];
    const stream = this.#mirror.read(media, url, start, end, this.#watch(url, media.size));
    const head = Array.isArray(part)
      ? { status: 206, headers: { ...headers, 'content-length': `${end - start}`, 'content-range': `bytes ${start}-${end - 1}/${media.size}` } }
      : { status: 200, headers: { ...headers, 'content-length': `${media.size}` } };
    this.#keepAlive(worker, 1);
    const stop = () => { stream.return(undefined).catch(() => {}); if (stop.once) { stop.once = false; this.#keepAlive(worker, -1); } };
    stop.once = true;
    port.onmessage = e => e.data == 'pull' ? this.#send(stream, port, {}, stop) : stop();
    await this.#send(stream, port, head, stop);
  }

  /** The next chunk; the first comes with the head, so that a failure before it still means plain HTTP.
   * @param {AsyncGenerator<Uint8Array>} stream @param {MessagePort} port @param {object} head @param {() => void} stop */
  async #send(stream, port, head, stop) {
    try {
      const { value, done } = await stream.next();
      if (done) return stop(), port.postMessage({ end: true });
      const chunk = value.slice().buffer;
      port.postMessage({ ...head, chunk }, [chunk]);
    } catch (error) {
      stop();
      port.postMessage({ error: String(error), pass: true, fresh: true });
    }
  }

  /** A worker without events is ended by the browser after half a minute, also in the middle of a stream.
   * @param {ServiceWorker|null} worker @param {number} more */
  #keepAlive(worker, more) {
    this.#streams += more;
    clearInterval(this.#alive);
    if (this.#streams) this.#alive = +setInterval(() => worker?.postMessage({ polycircle: 'alive' }), 10000);
  }

  close() {
    this.open = false;
    this.#abort.abort();
    clearInterval(this.#alive);
  }
}
