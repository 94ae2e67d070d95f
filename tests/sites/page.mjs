// What runs in the pages of the laboratory, before their own scripts: what a visitor would see, hear and get is written down.

/** Makes globalThis.lab: events of players, and the few things that tests do. stand: ms after which a film that does not move stands. */
export function record(stand) {
  const EVENTS = ['loadstart', 'loadedmetadata', 'loadeddata', 'canplay', 'canplaythrough', 'play', 'playing', 'pause', 'seeking', 'seeked', 'ended', 'error', 'emptied',
    'abort', 'ratechange', 'volumechange', 'durationchange'];
  const born = performance.now(), now = () => Math.round(performance.now() - born);
  const lab = globalThis.lab = {
    events: [], persisted: false, born,
    sleep: ms => new Promise(ok => { setTimeout(ok, ms); }),
    /** the value of `test` once it is true; undefined: never */
    async until(test, ms = 20_000) {
      for (const end = performance.now() + ms; performance.now() < end; await lab.sleep(20)) {
        const value = await test();
        if (value) return value;
      }
    },
    async hash(bytes) {
      return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].slice(0, 6).map(b => b.toString(16).padStart(2, '0')).join('');
    },
    /** what a script gets for an address, in one line */
    async get(url, options = {}) {
      try {
        const r = await fetch(url, options), bytes = await r.arrayBuffer();
        return `${r.status} ${r.status == 206 ? r.headers.get('content-range') : ''} ${bytes.byteLength} ${await lab.hash(bytes)}`;
      } catch (error) { return `error: ${error.name}`; }
    },
    player: () => lab.until(() => document.querySelector('video, audio')),
    /** Plays to the end: 'ended', the error's code, or where it stands. Timings in ms: first frame, all of it. */
    async plays({ rate = 4, wait = 0 } = {}) {
      await lab.sleep(wait);
      const el = await lab.player(), began = now();
      if (!el) return { film: 'none' };
      el.muted = true;
      el.playbackRate = rate;
      let first = null;
      el.play()?.catch(() => {});
      let at = -1, since = performance.now();
      for (;;) {
        if (el.readyState > 1 && first == null) first = now() - began;
        if (el.currentTime != at) [at, since] = [el.currentTime, performance.now()];
        const over = el.ended ? 'ended' : el.error ? `error ${el.error.code}` : performance.now() - since > stand ? 'stands' : null;
        if (over) return { film: over, first, all: now() - began, at: over == 'ended' ? null : Math.round(at) };
        if (el.paused && !el.error) el.play()?.catch(() => {});  // as a visitor does who sees it stand
        await lab.sleep(50);
      }
    },
    /** The place is shown: ms that it took, or what is wrong. */
    async seeks(time, ms = 15_000) {
      const el = await lab.player(), began = now();
      el.currentTime = time;
      const shown = await lab.until(() => el.error || (!el.seeking && el.readyState > 1 && Math.abs(el.currentTime - time) < 2), ms);
      return el.error ? `error ${el.error.code}` : shown ? now() - began : 'stands';
    },
  };
  addEventListener('pageshow', ({ persisted }) => { lab.persisted = persisted; });
  for (const type of EVENTS) {
    addEventListener(type, ({ target }) => { if (target instanceof HTMLMediaElement || target instanceof HTMLSourceElement) lab.events.push([type, now()]); }, true);
  }
}
