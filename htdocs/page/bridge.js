/** The page's end of the worker: whether a request is for the mirror, and at which byte mirror and origin take turns. Hides HTTP ranges and MessagePorts
 * from the mirror (worker.js is the other end, and says what is said). */
/** @typedef {import('../content/mirror.js').Mirror} Mirror
 * @typedef {import('../content/manifest.js').Media} Media
 * @typedef {(url: string, size: number) => () => import('../content/mirror.js').Need} Watch the need of whoever reads the file
 * @typedef {(url: string) => boolean} Spared whether the page wants this one left alone
 * @typedef {(f: (e: MessageEvent) => void) => any} Hear who listens to what a worker of ours says */

const WAIT_MS = 5000; // a worker hears within 15 s that we still wait

/** @param {string|null} header @param {number} size @returns {number[]|null} start and end (exclusive) of RFC 9110 14.1.2; end not after start: none;
 *   null: all of it, also for what we do not serve in parts */
export function parseRange(header, size) {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if ((!from && !to) || (from && to && +from > +to)) return null;
  return from ? [+from, to ? Math.min(size, +to + 1) : size] : [Math.max(0, size - +to), size];
}

/** Says the last word: nothing of it here, or no more. @param {MessagePort} port @param {object} [more] */
function pass(port, more) {
  port.postMessage({ pass: true, ...more });
  port.close();
}

/** One request, on a port of its own. Either we bring its bytes, each part when it is asked for, or the origin does: then a copy of them
 * comes past here, and we go on from the next piece as soon as the page can wait for neighbours.
 * @param {{mirror: Mirror, media: Media, url: string, range: boolean, start: number, end: number, port: MessagePort, flows: Set<() => void>,
 *   need: () => import('../content/mirror.js').Need}} request flows: those that are, each by what ends it @param {object|null} head status and headers, for our
 *   first part; null: there are bytes of ours before what comes */
function flow({ mirror, media, url, range, start, end, need, port, flows }, head) {
  const reading = mirror.read(media, url, need); // what it reads ahead comes also while the origin brings it
  let from = -1; // where we go on; -1: we have not said

  const stop = (/** @type {object} */ more = {}) => {
    pass(port, more);
    reading.close();
    flows.delete(stop);
  };
  /** The file is another now. */
  const gone = () => stop({ fresh: true, broken: !head });
  /** The origin is to bring it from there on. */
  const ask = (/** @type {number} */ at) => {
    const to = reading.run(at, end);
    port.postMessage({ at, origin: true, to: to < end ? to : undefined });
  };
  /** The part that begins there. */
  const give = async (/** @type {number} */ at) => {
    if (at >= end) return stop({ end: true });
    let timer = 0;
    const wait = () => {
      port.postMessage({ mine: true });
      timer = +setTimeout(wait, WAIT_MS);
    };
    wait(); // before it waits for anybody
    try {
      const chunk = (await reading.next(at, end)).slice().buffer;
      port.postMessage({ ...head, at, chunk }, [chunk]);
      head = null;
    } catch {
      // what is withdrawn for a wrong byte alone goes on as it comes, once it has begun
      media.withdrawn && (head || !media.wrong) ? gone() : flows.has(stop) && ask(at);
    } finally {
      clearTimeout(timer);
    }
  };
  /** The origin is there, and has not come to `from`, or we have not said where we go on, or said it too late. */
  const offer = (/** @type {number} */ at) => {
    const here = mirror.has(media, Math.floor(at / media.piece)),
      soon = here ? at + media.piece / 8 : Infinity, // by then the worker has heard
      next = Math.min(Math.ceil(at / media.piece) * media.piece, soon);
    if (at <= from) return;
    from = -1;
    if (media.withdrawn || next >= end) return;
    if (!reading.ends(next)) return;
    from = next;
    reading.next(next, end).catch(() => {});
    port.postMessage({ from });
  };
  const heard = (/** @type {any} */ data) => {
    if (data == 'end') return stop();
    if (data.head) {
      const { status, headers } = data.head;
      if (!mirror.seen(media, url, status, new Headers(headers))) return gone();
      media.whole ||= status == 200 && (range || data.at > 0);
      end = Math.min(data.end, media.size); // of what it sends, whatever it was asked for
      from = -1;
    } else if (data.chunk) {
      mirror.came(media, data.at, new Uint8Array(data.chunk));
      offer(data.at + data.chunk.byteLength);
    } else give(data.pull);
  };

  flows.add(stop);
  port.onmessage = ({ data }) => heard(data);
  /** @type {any} */ (port).onclose = () => stop();
  if (!mirror.sure(url) || !mirror.ready(media, start)) return ask(start);
  give(start);
}

/** @param {Mirror} mirror @param {Promise<void>} loaded when it knows what it has @param {() => boolean} takesPart whether this page does
 * @param {{watch: Watch, spared?: Spared, hear: Hear}} page @returns {() => void} ends what is under way: the origin is to bring the rest */
export function bridge(mirror, loaded, takesPart, { watch, spared, hear }) {
  // a worker without events is ended by the browser after half a minute, also in the middle of a stream
  const flows = /** @type {Set<() => void>} */ (new Set());
  let alive = 0;
  const beat = () => {
    clearTimeout(alive);
    if (!flows.size) return;
    navigator.serviceWorker.controller?.postMessage({ polycircle: 'alive' });
    alive = +setTimeout(beat, 10000);
  };
  const leave = () => flows.forEach(stop => stop());
  /** @param {{url: string, range: string|null, look?: boolean, spare?: boolean}} ask @param {MessagePort} port */
  async function get({ url, range, look, spare }, port) {
    const spares = spare && spared?.(url);
    if (look || spares) return pass(port, { spared: spares });
    if (takesPart()) await loaded;
    const media = takesPart() ? mirror.find(url) : null;
    if (!media || media.withdrawn) return pass(port, { fresh: media?.withdrawn });
    const { size, type, mtime } = media,
      part = parseRange(range, size),
      [start, end] = part ?? [0, size];
    if (end <= start) return pass(port);
    const headers = {
      'content-type': type,
      'accept-ranges': 'bytes',
      'last-modified': new Date(mtime * 1000).toUTCString(),
      'content-length': `${end - start}`,
      ...(part && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    };
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
        flows,
      },
      { status: part ? 206 : 200, headers },
    );
    beat();
  }

  hear(({ data, ports }) => {
    if (data.polycircle == 'bring') get(data, ports[0]);
    if (data.polycircle == 'who') leave(); // another worker than those were for
  });
  return leave;
}
