/** The page's end of the worker: hides HTTP ranges and MessagePorts from the mirror (worker.js is the other end, and says what is said). */
/** @typedef {import('../content/mirror.js').Mirror} Mirror
 * @typedef {import('../content/manifest.js').Media} Media
 * @typedef {(url: string, size: number) => () => import('../content/mirror.js').Need} Watch the need of whoever reads the file
 * @typedef {(url: string) => boolean} Spared whether the page wants this one left alone */

/** @param {string|null} header @param {number} size @returns {number[]|null} start and end (exclusive) of RFC 9110 14.1.2; end not after start: none;
 *   null: all of it, also for what we do not serve in parts */
export function parseRange(header, size) {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if ((!from && !to) || (from && to && +from > +to)) return null;
  return from ? [+from, to ? Math.min(size, +to + 1) : size] : [Math.max(0, size - +to), size];
}

/** One request, on a port of its own. Either we bring its bytes, each part when it is asked for, or the origin does: then a copy of them
 * comes past here, and we go on from the next piece as soon as the page can wait for neighbours.
 * @param {{mirror: Mirror, media: Media, url: string, range: boolean, start: number, end: number, port: MessagePort, ended: () => void,
 *   need: () => import('../content/mirror.js').Need}} request @param {object|null} head status and headers: goes with the first part, where that is ours */
function flow({ mirror, media, url, range, start, end, need, port, ended }, head) {
  let origin = -1, // where the origin is; -1: the bytes are ours to bring
    from = -1, // where our next part begins; -1: we have not said where we go on
    over = false;
  let part = /** @type {Promise<Uint8Array|null>|null} */ (null), // it, once it was asked for
    reading = /** @type {import('../content/mirror.js').Reading|null} */ (null); // the last one: what it reads ahead comes meanwhile

  const stop = () => {
    over = true;
    reading?.close();
    ended();
  };
  const last = (/** @type {object} */ word) => {
    port.postMessage(word);
    stop();
  };
  /** The origin is to bring it from there on. */
  const ask = (/** @type {number} */ at) => {
    const to = mirror.run(media, at, need());
    port.postMessage({ origin: true, to: to < end ? to : undefined });
  };
  /** From there on; what the reading before wants, too, goes on. */
  const read = (/** @type {number} */ at) => {
    const before = reading;
    from = at;
    reading = mirror.read(media, url, at, end, need);
    part = reading.next();
    part.catch(() => {});
    before?.close();
  };
  /** The next part. */
  const give = async () => {
    const at = from,
      ready = part ?? reading?.next();
    part = null;
    try {
      const chunk = (await ready)?.slice().buffer;
      if (from != at || over) return;
      if (!chunk) return last({ end: true });
      from += chunk.byteLength;
      port.postMessage({ ...head, chunk }, [chunk]);
      head = null;
    } catch {
      if (from != at || over) return;
      if (!media.withdrawn) return ask(at);
      last(head ? { pass: true, fresh: true } : { broken: true });
    }
  };
  /** The origin brings it, and is at or before `from`, or we have not said yet where we go on, or said it too late. */
  const offer = () => {
    const next = Math.ceil(origin / media.piece) * media.piece;
    if (origin <= from) return;
    from = -1;
    if (media.withdrawn || next >= end) return;
    if (!mirror.has(media, next / media.piece) && !mirror.hopes(media, need())) return;
    read(next);
    port.postMessage({ from: next });
  };
  const heard = (/** @type {any} */ data) => {
    if (data == 'pull') {
      if (origin >= 0 && origin != from) read(origin);
      origin = -1;
      give();
    } else if (data.head) {
      const { status, headers } = data.head;
      if (!mirror.seen(media, url, status, new Headers(headers))) return last({ pass: true });
      media.whole ||= range && status == 200;
      head = null;
      from = -1;
      origin = data.at;
    } else if (data.chunk) {
      mirror.came(media, data.at, new Uint8Array(data.chunk));
      origin = data.at + data.chunk.byteLength;
      offer();
    } else stop();
  };

  port.onmessage = ({ data }) => over || heard(data);
  if (!mirror.sure(url) || !mirror.ready(media, start)) return ask(start);
  port.postMessage({ mine: true });
  read(start);
  give();
}

/** @param {Mirror} mirror @param {Promise<void>} loaded when it knows what it has @param {() => boolean} takesPart whether this page does
 * @param {{watch: Watch, spared?: Spared}} page */
export function bridge(mirror, loaded, takesPart, { watch, spared }) {
  const container = navigator.serviceWorker;
  // a worker without events is ended by the browser after half a minute, also in the middle of a stream
  let flows = 0,
    alive = 0;
  const beat = () => {
    clearTimeout(alive);
    if (!flows) return;
    container.controller?.postMessage({ polycircle: 'alive' });
    alive = +setTimeout(beat, 10000);
  };
  /** @param {{url: string, range: string|null, look?: boolean, spare?: boolean}} ask @param {MessagePort} port */
  async function get({ url, range, look, spare }, port) {
    const spares = spare && spared?.(url);
    if (look || spares) return port.postMessage({ pass: true, spared: spares });
    if (takesPart()) await loaded;
    const media = takesPart() ? mirror.find(url) : null;
    if (!media || media.withdrawn) return port.postMessage({ pass: true, fresh: media?.withdrawn });
    mirror.reads(media);
    const { size, type, mtime } = media,
      part = parseRange(range, size),
      [start, end] = part ?? [0, size];
    if (end <= start) return port.postMessage({ pass: true });
    const headers = {
      'content-type': type,
      'accept-ranges': 'bytes',
      'last-modified': new Date(mtime * 1000).toUTCString(),
      'content-length': `${end - start}`,
      ...(part && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    };
    flows++;
    beat();
    flow(
      {
        mirror,
        media,
        url,
        range: !!part,
        start,
        end,
        need: watch(url, size),
        port,
        ended: () => flows--,
      },
      { status: part ? 206 : 200, headers },
    );
  }

  container?.addEventListener('message', ({ data, ports }) => {
    if (data?.polycircle == 'get') get(data, ports[0]);
  });
  container?.startMessages();
}
