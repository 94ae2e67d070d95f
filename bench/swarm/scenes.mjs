/** The scenes: decides how many come how, and what befalls them. All are of one film, one host, nobody near anybody, unless they say otherwise.
 * @typedef {{name: string, n: number, seed: number, lines: string, film: number, kbps: number, spread: number, share: number | 'default', host:
 *   number, slots: number, arrive?: 'steady' | 'even' | 'day', near?: boolean, leave?: number, slow?: number, liars?: number, laptops?: number,
 *   sleepers?: number, seeks?: number, seekers?: number, watch?: boolean, pages?: boolean, patience?: boolean, grain: number}} Scene film, spread: s;
 *   share: of each uplink that is given, or the client's own default; host: bytes a ms; leave ... sleepers: parts of n; seeks: of each; seekers: part
 *   of n that seeks in a burst; watch: not all to the end; pages: others before that with the film; patience: who waits goes away; grain: ms of a
 *   line's time that is sent in one go, the world's resolution */
import { HOST } from './lines.mjs';

export const DEFAULTS = {
  seed: 1,
  n: 10,
  lines: 'mixed',
  film: 120,
  kbps: 2500,
  spread: 120,
  share: 0.5,
  host: HOST.rate,
  slots: HOST.slots,
  grain: 10,
};

/** @type {Record<string, Partial<Scene>>} */
export const SCENES = {
  s10: { n: 10 },
  s20: { n: 20 },
  s30: { n: 30 },
  s100: { n: 100 },
  s500: { n: 500, spread: 600 },
  crowd10: { n: 10, spread: 5 },
  crowd30: { n: 30, spread: 5 },
  lean10: { n: 10, lines: 'lean' },
  lean20: { n: 20, lines: 'lean' },
  lean30: { n: 30, lines: 'lean' },
  leave: { n: 60, leave: 0.5 },
  liars: { n: 60, liars: 0.1 },
  slow: { n: 60, slow: 0.1 },
  seeks: { n: 60, seeks: 2 },
  half: { n: 60, host: HOST.rate / 2 },
  laptops: { n: 60, laptops: 0.2 },
  sleepers: { n: 60, sleepers: 0.1 },
  visits: { n: 60, watch: true, seekers: 0.3, pages: true, patience: true, spread: 600 },
  day: {
    n: 300,
    arrive: 'day',
    spread: 86400,
    film: 600,
    watch: true,
    seekers: 0.3,
    pages: true,
    patience: true,
  },
  long: { n: 500, film: 7200, spread: 3600, watch: true, seekers: 0.3, patience: true, grain: 40 },
  near3: { n: 3, spread: 30, near: true },
  // as real browsers were measured
  even: { n: 10, spread: 60, near: true, arrive: 'even', host: 960, share: 'default' },
  'even-far': { n: 10, spread: 60, arrive: 'even', host: 960, share: 'default' },
};
/** what the first criterion is about */
export const CRITERION = [
  's10',
  's20',
  's30',
  's100',
  's500',
  'crowd10',
  'crowd30',
  'lean10',
  'lean20',
  'lean30',
  'leave',
  'liars',
  'slow',
  'seeks',
  'half',
];

/** @param {string} name @param {Partial<Scene>} [more] @returns {Scene} */
export function scene(name, more = {}) {
  if (!SCENES[name])
    throw new Error(`no such scene: ${name} (there are ${Object.keys(SCENES).join(' ')})`);
  return { ...DEFAULTS, ...SCENES[name], ...more, name };
}
