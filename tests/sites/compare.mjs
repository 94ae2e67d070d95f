// What may differ between a page with the tag and the same without: nothing that anybody would miss. A table, an aspect a row.

// of time and bytes: those of a quiet machine, and of one that may be busy
const { later, ms, more } = process.env.POLYCIRCLE_LONG ? { later: 1.5, ms: 1500, more: 300_000 } : { later: 3, ms: 4000, more: 1_500_000 };
/** Parts of what a player says that do not depend on when bytes come. */
const TOLD = ['play', 'playing', 'pause', 'seeking', 'seeked', 'ended', 'error', 'volumechange'];

/** Kinds of events in the order in which they first come: how often a player waits or seeks is the clock's affair. */
const order = seen => [...new Set(seen.events.filter(type => TOLD.includes(type)))];
const times = (seen, type) => seen.events.filter(name => name == type).length;
const sum = (seen, of) => seen.log.reduce((n, line) => n + of(line), 0);
const same = (a, b) => JSON.stringify(a) == JSON.stringify(b);

/** Lines of a console, without what differs from run to run. */
export const plain = line => line.replace(/https?:\/\/[^\s'"<>)]+/g, url => new URL(url).pathname).replace(/(signal)?\?[\w.=-]+/g, '').replace(/\b(s\d+|far-s\d+)\.localhost(:\d+)?/g, 'site').replace(/:\d+\b/g, '').replace(/(status of \d+) \(.*?\)/, '$1');

/** Each: what is wrong, or null. `bare` is without the tag, `seen` with it. */
export const aspects = {
  // what fails without the tag, too, would be the same with it
  bare: bare => bare.same.broken ?? null,
  answers: (bare, seen) => (same(bare.same, seen.same) ? null : `${JSON.stringify(seen.same)} for ${JSON.stringify(bare.same)}`),
  // a player may begin anew once
  events: (bare, seen) => {
    const more = times(seen, 'loadstart') - times(bare, 'loadstart');
    if (more > 1 || times(seen, 'emptied') - times(bare, 'emptied') > 1) return `${more} loads more`;
    const error = times(seen, 'error') - times(bare, 'error');
    if (error > 0) return `${error} error events more`;
    if (times(bare, 'error')) return null;  // at what moment is chance
    const [a, b] = [bare, seen].map(order);
    return same(a, b) ? null : `${b.join(' ')} for ${a.join(' ')}`;
  },
  console: (bare, seen) => {
    const before = bare.errors.map(plain), fresh = seen.errors.map(plain).filter(line => !before.includes(line));
    return fresh.length ? [...new Set(fresh)].join(' | ').slice(0, 400) : null;
  },
  bytes: (bare, seen) => {
    const a = sum(bare, l => l.bytes), b = sum(seen, l => l.bytes);
    return b > 1.1 * a + more ? `${b} for ${a}` : null;
  },
  requests: (bare, seen, c) => {
    const a = bare.log.length, b = seen.log.length;
    return b > (c.exact ? a : 2 * a + 16) ? `${b} for ${a}` : null;
  },
  time: (bare, seen) => {
    const late = Object.entries(seen.times).filter(([name, took]) => took > later * bare.times[name] + ms);
    return late.map(([name, took]) => `${name} ${took} ms for ${bare.times[name]}`).join(', ') || null;
  },
  mirrored: (bare, seen, c) => (c.mirrored && !seen.ours ? 'nothing came through the mirror' : null),
};

/** @returns {Record<string, string>} aspect -> what is wrong */
export function compare(bare, seen, c) {
  return Object.fromEntries(Object.entries(aspects).map(([name, look]) => [name, look(bare, seen, c)]).filter(([, wrong]) => wrong));
}
