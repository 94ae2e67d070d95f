/** <poly-media src>: one media of the circle where there is no worker: the whole file, verified, as a blob. With a worker, or when the
 * mirror cannot help, an ordinary src. It fills the <video>, <audio> or <img> inside it, or makes one. */
import { html, PolyElement } from './base.js';
import { bring } from '../content/origin.js';
import { off } from '../page/hold.js';

const LARGEST = 512 << 20,
  RUN = 4 << 20; // asked of an origin at once: whole pieces of every size

export class PolyMedia extends PolyElement {
  /** @param {import('./base.js').Circle} circle @param {AbortSignal} signal */
  async show(circle, signal) {
    const src = this.getAttribute('src') ?? '',
      url = new URL(src, document.baseURI).href;
    await circle.loaded;
    const late = new Promise(ok => setTimeout(ok, 1000)),
      worker = await Promise.race([circle.mirroring(), late]),
      media = circle.mirror?.find(url);
    if (signal.aborted) return;
    const kind =
      /^(video|audio|image)/.exec(media?.type ?? '')?.[1] ??
      (/\.(png|jpe?g|gif|webp|avif|svg)$/i.test(src) ? 'image' : 'video');
    const child = /** @type {any} */ (
      this.querySelector('video,audio,img') ??
        (kind == 'image'
          ? html('img', { alt: this.getAttribute('alt') ?? '' })
          : html(kind, { controls: '', preload: 'metadata' }))
    );
    if (!child.parentNode) this.append(child);
    if (worker || !media || media.size > LARGEST || !circle.mirror || circle.out.size || off(this))
      return void (child.src = url);
    try {
      const { mirror } = circle,
        parts = [];
      const need = { slack: 1, playing: true, rate: 0 },
        reading = mirror.read(media, url, () => need);
      signal.addEventListener('abort', () => reading.close());
      for (let part, at = 0; at < media.size; at += part.length) {
        const next = () => reading.next(at, media.size);
        part = /** @type {any} */ (
          await next().catch(() => bring(mirror, media, url, at, RUN, signal).then(next))
        );
        parts.push(part);
      }
      const blob = URL.createObjectURL(new Blob(parts, { type: media.type }));
      signal.addEventListener('abort', () => URL.revokeObjectURL(blob));
      child.src = blob;
    } catch {
      child.src = url;
    }
  }
}
