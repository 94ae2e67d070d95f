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
 * comes past here, and we go on from the next piece as soon as the page can wait for neighbours. */
class Flow {
  #o;
  #reading = /** @type {import('../content/mirror.js').Reading|null} */ (null); // the last one: what it reads ahead comes meanwhile
  #head = /** @type {object|null} */ (null); // goes with the first part
  #origin = -1; // where the origin is; -1: the bytes are ours to bring
  #from = -1; // where our next part begins; -1: we have not said where we go on
  #part = /** @type {Promise<Uint8Array|null>|null} */ (null); // it, once it was asked for
  #over = false;
  /** @param {{mirror: Mirror, media: Media, url: string, range: boolean, start: number, end: number, need: () => Need, port: MessagePort, ended: () => void}} o
   * @typedef {import('../content/mirror.js').Need} Need */
  constructor(o) {
    this.#o = o;
    o.port.onmessage = ({ data }) => this.#heard(data);
  }
  /** @param {object} head status and headers, where we begin */
  begin(head) {
    const { mirror, media, url, start, port } = this.#o;
    if (!mirror.sure(url) || !mirror.ready(media, start)) return this.#ask(start);
    this.#head = head;
    port.postMessage({ mine: true });
    this.#read(start);
    this.#give();
  }
  /** @param {any} data */
  #heard(data) {
    const { mirror, media, url, range } = this.#o;
    if (this.#over) return;
    if (data == 'pull') {
      if (this.#origin >= 0 && this.#origin != this.#from) this.#read(this.#origin);
      this.#origin = -1;
      this.#give();
    } else if (data.head) {
      const { status, headers } = data.head;
      if (!mirror.seen(media, url, status, new Headers(headers))) return this.#end({ pass: true });
      media.whole ||= range && status == 200;
      this.#head = null;
      this.#from = -1;
      this.#origin = data.at;
    } else if (data.chunk) {
      mirror.came(media, data.at, new Uint8Array(data.chunk));
      this.#origin = data.at + data.chunk.byteLength;
      this.#offer();
    } else this.#close();
  }
  /** The origin is to bring it from there on. */
  #ask(/** @type {number} */ at) {
    const { mirror, media, end, need, port } = this.#o,
      to = mirror.run(media, at, need());
    port.postMessage({ origin: true, to: to < end ? to : undefined });
  }
  /** The origin brings it, and is at or before #from, or we have not said yet where we go on, or said it too late. */
  #offer() {
    const { mirror, media, end, need, port } = this.#o,
      next = Math.ceil(this.#origin / media.piece) * media.piece;
    if (this.#origin <= this.#from) return;
    this.#from = -1;
    if (media.withdrawn || next >= end) return;
    if (!mirror.has(media, next / media.piece) && !mirror.hopes(media, need())) return;
    this.#read(next);
    port.postMessage({ from: next });
  }
  /** From there on; what the reading before wants, too, goes on. */
  #read(/** @type {number} */ from) {
    const { mirror, media, url, end, need } = this.#o,
      before = this.#reading;
    this.#from = from;
    this.#reading = mirror.read(media, url, from, end, need);
    this.#part = this.#reading.next();
    this.#part.catch(() => {});
    before?.close();
  }
  /** The next part. */
  async #give() {
    const { media, port } = this.#o,
      from = this.#from,
      ready = this.#part ?? this.#reading?.next();
    this.#part = null;
    try {
      const part = await ready,
        chunk = part?.slice().buffer;
      if (this.#from != from || this.#over) return;
      if (!chunk) return this.#end({ end: true });
      this.#from += chunk.byteLength;
      port.postMessage({ ...this.#head, chunk }, [chunk]);
      this.#head = null;
    } catch {
      if (this.#from != from || this.#over) return;
      if (!media.withdrawn) return this.#ask(from);
      this.#end(this.#head ? { pass: true, fresh: true } : { broken: true });
    }
  }
  #end(/** @type {object} */ word) {
    this.#o.port.postMessage(word);
    this.#close();
  }
  #close() {
    this.#over = true;
    this.#reading?.close();
    this.#o.ended();
  }
}

/** @param {Mirror} mirror @param {Promise<void>} loaded when it knows what it has @param {() => boolean} takesPart whether this page does
 * @param {{watch: Watch, spared?: Spared}} page */
export function bridge(mirror, loaded, takesPart, { watch, spared }) {
  const container = navigator.serviceWorker,
    flows = /** @type {Set<Flow>} */ (new Set());
  // a worker without events is ended by the browser after half a minute, also in the middle of a stream
  let alive = 0;
  const beat = () => {
    clearTimeout(alive);
    if (!flows.size) return;
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
    const ended = () => flows.delete(flow),
      need = watch(url, size),
      flow = new Flow({ mirror, media, url, range: !!part, start, end, need, port, ended });
    flows.add(flow);
    beat();
    flow.begin({ status: part ? 206 : 200, headers });
  }

  container?.addEventListener('message', ({ data, ports }) => {
    if (data?.polycircle == 'get') get(data, ports[0]);
  });
  container?.startMessages();
}
