/** The page's end of the worker: hides HTTP ranges and MessagePorts from the mirror (worker.js is the other end). */
import { Changed } from '../content/origin.js';
/** @typedef {(url: string, size: number) => () => import('../content/mirror.js').Need} Watch the need of whoever reads the file
 * @typedef {(url: string) => boolean} Spared whether the page wants this one left alone */

/** @param {string|null} header @param {number} size @returns {number[]|null} start and end (exclusive) of RFC 9110 14.1.2; end not after start: none;
 *   null: all of it, also for what we do not serve in parts */
export function parseRange(header, size) {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if ((!from && !to) || (from && to && +from > +to)) return null;
  return from ? [+from, to ? Math.min(size, +to + 1) : size] : [Math.max(0, size - +to), size];
}

/** @param {import('../content/mirror.js').Mirror} mirror @param {Watch} watch @param {Promise<void>} loaded when the mirror knows what it has
 * @param {Spared} spared @returns {{close(): void}} */
export function bridge(mirror, watch, loaded, spared = () => false) {
  const stop = new AbortController(),
    container = navigator.serviceWorker;
  const streams = /** @type {Set<AsyncGenerator<Uint8Array>>} */ (new Set());
  // a worker without events is ended by the browser after half a minute, also in the middle of a stream
  const alive = setInterval(
    () => streams.size && container.controller?.postMessage({ polycircle: 'alive' }),
    10000,
  );
  /** The next chunk; the first comes with the head, so that a failure before it still means plain HTTP.
   * @param {AsyncGenerator<Uint8Array>} stream @param {MessagePort} port @param {object} [head] */
  async function send(stream, port, head) {
    try {
      const { value, done } = await stream.next(),
        chunk = value?.slice().buffer;
      if (done) streams.delete(stream);
      port.postMessage(done ? { end: true } : { ...head, chunk }, chunk ? [chunk] : []);
    } catch (error) {
      streams.delete(stream);
      port.postMessage({ pass: true, fresh: error instanceof Changed });
    }
  }
  /** @param {{url: string, range: string|null, look?: boolean, spare?: boolean}} ask @param {MessagePort} port */
  async function get({ url, range, look, spare }, port) {
    const spares = spare && spared(url);
    if (look || spares) return port.postMessage({ pass: true, spared: spares });
    port.postMessage({ mine: true });
    await loaded;
    const media = mirror.find(url);
    if (!media || media.withdrawn) return port.postMessage({ pass: true, fresh: media?.withdrawn });
    const { size, type, mtime } = media,
      part = parseRange(range, size),
      [start, end] = part ?? [0, size],
      none = end <= start;
    const headers = {
      'content-type': type,
      'accept-ranges': 'bytes',
      'last-modified': new Date(mtime * 1000).toUTCString(),
      'content-length': `${none ? 0 : end - start}`,
      ...(part && { 'content-range': `bytes ${none ? '*' : `${start}-${end - 1}`}/${size}` }),
    };
    if (none) return port.postMessage({ status: 416, headers });
    const stream = mirror.read(media, url, start, end, watch(url, size));
    streams.add(stream);
    port.onmessage = ({ data }) => {
      if (data == 'pull') return send(stream, port);
      streams.delete(stream);
      stream.return(undefined);
    };
    await send(stream, port, { status: part ? 206 : 200, headers });
  }

  const answer = (/** @type {MessageEvent} */ { data, ports }) => {
    if (data?.polycircle == 'get') get(data, ports[0]);
  };
  container.addEventListener('message', answer, { signal: stop.signal });
  container.startMessages();
  return {
    close: () => {
      clearInterval(alive);
      stop.abort();
    },
  };
}
