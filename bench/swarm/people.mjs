/** Who comes: decides, before anything happens and by the seed alone, each viewer's line, network, NAT, arrival, and what becomes of him. The same
 * people come whatever client is tried.
 * @typedef {{id: number, line: string, net: string, nat: string, address: string, down: number, up: number, full: number, rtt: number, cellular:
 *   boolean, saves: boolean, slow: boolean, lies: boolean, arrives: number, pages: number[], leaves: number, polite: boolean, quits: boolean, seeks:
 *   {after: number, to: number}[], naps: {after: number, ms: number, tab: boolean}[], patient: boolean}} Person down, up: bytes a ms; full: ms that a
 *   full upload queue delays; rtt: of the access; arrives, after: ms; pages: ms on each before the one with the film; leaves: seconds of the film,
 *   Infinity: at its end; quits: as a scene wants it, not for having seen enough; tab: only the tab sleeps, its network does not */
import { between, chance, dealt, lognormal, normal, shuffled } from './chance.mjs';
import { KINDS, LINES, NATS, NETS, SAVE_DATA, SLOW, VISITS, WATCHED, WIFI } from './lines.mjs';

/** @param {import('./scenes.mjs').Scene} scene @returns {Person[]} by arrival */
export function people(scene) {
  const { n, seed } = scene,
    roll = chance(seed, 'people');
  const lines = dealt(
    roll,
    LINES[scene.lines].map(c => [c, c.share]),
    n,
  );
  const nets = kindsOfNet(roll, lines),
    nats = kindsOfNat(roll, nets);
  const flags = marks(chance(seed, 'marks'), scene),
    times = arrivals(chance(seed, 'arrivals'), scene);
  return times.map((arrives, id) => {
    const one = chance(seed, 'person', id),
      own = line(one, lines[id], scene);
    const life = chance(seed, 'life', id);
    return {
      id,
      ...own,
      net: nets[id],
      nat: nats[id],
      address: address(id, scene),
      saves: one() < SAVE_DATA,
      slow: flags[id] == 'slow',
      lies: flags[id] == 'lies',
      ...(flags[id] == 'slow' && { up: SLOW * 125, cellular: false }),
      arrives,
      pages: pages(life, scene),
      ...end(life, flags[id], scene),
      seeks: seeks(life, scene),
      naps: naps(life, flags[id], scene),
      patient: !scene.patience,
    };
  });
}

/** @param {import('./chance.mjs').Chance} roll @param {import('./lines.mjs').LineClass} c @param {import('./scenes.mjs').Scene} scene */
function line(roll, c, { near }) {
  const wide = Math.exp(c.sigma * normal(roll)),
    wifi = between(roll, ...WIFI),
    [[full]] = shuffledByShare(roll, c.full);
  return near
    ? { line: 'fibre', down: 25000, up: 25000, full: 25, rtt: 8, cellular: false }
    : {
        line: c.name,
        down: c.down * 125 * wide,
        up: c.up * 125 * wide * wifi,
        full,
        rtt: c.rtt,
        cellular: c.cellular,
      };
}

const shuffledByShare = (
  /** @type {import('./chance.mjs').Chance} */ roll,
  /** @type {[number, number][]} */ shares,
) => {
  const at = roll();
  let sum = 0;
  return [shares.find(([, share]) => at < (sum += share)) ?? shares[0]];
};

/** @param {import('./chance.mjs').Chance} roll @param {import('./lines.mjs').LineClass[]} lines */
function kindsOfNet(roll, lines) {
  const fixed = dealt(roll, NETS, lines.filter(c => !c.cellular).length);
  return lines.map(c => (c.cellular ? 'cellular' : /** @type {string} */ (fixed.pop())));
}

/** @param {import('./chance.mjs').Chance} roll @param {string[]} nets */
function kindsOfNat(roll, nets) {
  const decks = Object.fromEntries(
    Object.entries(NATS).map(([net, shares]) => [
      net,
      dealt(
        roll,
        shares.map((share, i) => [KINDS[i], share]),
        nets.filter(n => n == net).length,
      ),
    ]),
  );
  return nets.map(net => /** @type {string} */ (decks[net].pop()));
}

/** Of one network all have one address. @param {number} id @param {import('./scenes.mjs').Scene} scene */
const address = (id, { near }) => (near ? '198.18.0.1' : `198.18.${1 + (id >> 8)}.${id & 255}`);

/** @param {import('./chance.mjs').Chance} roll @param {import('./scenes.mjs').Scene} scene */
function marks(roll, { n, leave = 0, slow = 0, liars = 0, laptops = 0, sleepers = 0 }) {
  const rest = 1 - leave - slow - liars - laptops - sleepers;
  return dealt(
    roll,
    [
      ['leaves', leave],
      ['slow', slow],
      ['lies', liars],
      ['laptop', laptops],
      ['sleeps', sleepers],
      ['', rest],
    ],
    n,
  );
}

/** ms, sorted. @param {import('./chance.mjs').Chance} roll @param {import('./scenes.mjs').Scene} scene */
function arrivals(roll, { n, spread, arrive = 'steady' }) {
  // a day's peak: mean + a wave, whose highest hour is `peak` times the mean
  const day = () => {
    for (;;) {
      const t = roll(),
        rate = 1 + (VISITS.peak - 1) * Math.cos(2 * Math.PI * (t - 0.8));
      if (roll() * VISITS.peak < rate) return t;
    }
  };
  if (arrive == 'even')
    return Array.from({ length: n }, (_, i) => (i * spread * 1000) / Math.max(1, n - 1));
  const times = Array.from(
    { length: n },
    () => (arrive == 'day' ? day() : roll()) * spread * 1000,
  ).sort((a, b) => a - b);
  return times.map(t => t - times[0]);
}

/** @param {import('./chance.mjs').Chance} roll @param {import('./scenes.mjs').Scene} scene @returns {number[]} */
function pages(roll, scene) {
  const { one, mean, stay } = VISITS.pages,
    more = (mean - 1) / (1 - one);
  if (!scene.pages || roll() < one) return [];
  const before = [];
  while (before.length < 12 && roll() < (more - 1) / more)
    before.push(lognormal(roll, stay * 600, 0.8));
  return before;
}

/** @param {import('./chance.mjs').Chance} roll @param {string} flag @param {import('./scenes.mjs').Scene} scene */
function end(roll, flag, { film, watch }) {
  const polite = roll() < VISITS.polite;
  if (flag == 'leaves')
    return { leaves: between(roll, ...VISITS.leaving) * film, polite, quits: true };
  if (!watch) return { leaves: Infinity, polite: true, quits: false };
  const points = /** @type {[number, [number, number][]]} */ (
    WATCHED.find(([most]) => film <= most)
  )[1];
  const still = roll();
  let [at, had] = [0, 1];
  for (const [part, left] of points) {
    if (still > left)
      return {
        leaves: film * (at + ((part - at) * (had - still)) / (had - left)),
        polite,
        quits: false,
      };
    [at, had] = [part, left];
  }
  return { leaves: Infinity, polite: true, quits: false };
}

/** @param {import('./chance.mjs').Chance} roll @param {import('./scenes.mjs').Scene} scene */
function seeks(roll, { film, seeks: each = 0, seekers = 0 }) {
  const { burst, forward } = VISITS.seeks,
    count = each || (roll() < seekers ? Math.round(between(roll, ...burst)) : 0);
  const first = between(roll, 0.1, 0.8) * film * 1000;
  return Array.from({ length: count }, (_, i) => {
    const after = each ? between(roll, 0.1, 0.8) * film * 1000 : first + i * 8000 * roll();
    return { after, to: each || roll() < forward ? roll() * 0.9 * film : -roll() * 60 };
  }).sort((a, b) => a.after - b.after);
}

/** @param {import('./chance.mjs').Chance} roll @param {string} flag @param {import('./scenes.mjs').Scene} scene */
function naps(roll, flag, { film }) {
  if (flag != 'laptop' && flag != 'sleeps') return [];
  return [
    {
      after: between(roll, 0.2, 0.7) * film * 1000,
      ms: between(roll, ...VISITS.away) * 1000,
      tab: flag == 'sleeps',
    },
  ];
}

/** Whether a scene judges him: UDP reaches him, his line carries 1.1 times the film, and he neither lies, nor goes, nor sleeps.
 * @param {Person} p @param {number} rate of the film, bytes a ms */
export const judged = (p, rate) =>
  p.nat != 'blocked' && p.down >= 1.1 * rate && !p.lies && !p.quits && !p.naps.length;

/** for tests */
export const shuffle = shuffled;
