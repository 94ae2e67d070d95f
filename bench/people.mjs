// Who watches: lines and NATs of a scene, drawn by seed. Medians, spreads and shares are of public measurements (regulators, speed tests,
// studies of NAT traversal); where there were none they are guesses, fitted to the totals that were published: half of fixed lines send under
// 18 Mbit/s in `mixed` (Ofcom 2023), 9 in `lean` (2021); seven in ten attempts to connect succeed (4.4 million of them, 2025).

/** Of each class of line: share; median of kbit/s down and up, and the spread (sigma of ln) of both; ms to the net and back; ms of its
 * upload's queue where that is as long as it used to be (0: by chance). */
const CLASSES = {
  mixed: {
    fibre: { share: 30, down: 200e3, up: 80e3, spread: 0.7, trip: 8, queue: 0 }, cable: { share: 25, down: 150e3, up: 15e3, spread: 0.5, trip: 18, queue: 0 },
    vdsl: { share: 20, down: 45e3, up: 9e3, spread: 0.5, trip: 22, queue: 0 }, adsl: { share: 5, down: 10e3, up: 900, spread: 0.4, trip: 35, queue: 600 },
    cellular: { share: 20, down: 40e3, up: 8e3, spread: 0.9, trip: 50, queue: 0 },
  },
  lean: {
    fibre: { share: 12, down: 150e3, up: 40e3, spread: 0.7, trip: 8, queue: 0 }, cable: { share: 20, down: 100e3, up: 10e3, spread: 0.5, trip: 18, queue: 0 },
    vdsl: { share: 33, down: 40e3, up: 8e3, spread: 0.5, trip: 22, queue: 0 }, adsl: { share: 10, down: 8e3, up: 800, spread: 0.4, trip: 35, queue: 600 },
    cellular: { share: 25, down: 25e3, up: 5e3, spread: 0.9, trip: 50, queue: 0 },
  },
};
/** Per cent of those at home, on a phone's network, in an office. */
const NATS = {
  home: { open: 3, full: 12, addr: 10, port: 65, sym: 6, blocked: 4 },
  cellular: { open: 0, full: 5, addr: 5, port: 45, sym: 40, blocked: 5 },
  office: { open: 2, full: 3, addr: 5, port: 35, sym: 35, blocked: 20 },
};
const PLACES = { home: 72, office: 8 }, LONG_QUEUE = 0.6;

export const scenes = Object.keys(CLASSES);

/** Numbers in 0..1 that are the same for the same seed (mulberry32). */
export function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** `n` names in chance's order, each as often as its share says, as near as may be and without bias. */
function spread(shares, n, random) {
  const names = Object.keys(shares), total = Object.values(shares).reduce((a, b) => a + b), offset = random(), out = [];
  for (let i = 0, k = 0, sum = shares[names[0]]; i < n; i++) {
    while (((i + offset) / n) * total >= sum && k < names.length - 1) sum += shares[names[++k]];
    out.splice(Math.floor(random() * (out.length + 1)), 0, names[k]);
  }
  return out;
}

const gauss = random => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Gives `n` of {line, place, takes, node: keys of tests/nat/config.h}; addresses are 198.18.1.1, 198.18.1.2 ... takes: a phone, which gives nothing. */
export function people(scene, n, seed) {
  const random = chance(seed), classes = CLASSES[scene];
  const lines = spread(Object.fromEntries(Object.entries(classes).map(([name, { share }]) => [name, share])), n, random);
  const fixed = spread(PLACES, lines.filter(line => line != 'cellular').length, random), places = lines.map(line => (line == 'cellular' ? line : fixed.pop()));
  const kinds = Object.fromEntries(Object.entries(NATS).map(([place, shares]) => [place, spread(shares, places.filter(p => p == place).length, random)]));
  return lines.map((line, i) => {
    const { down, up, spread, trip, queue } = classes[line], times = Math.exp(spread * gauss(random)), kind = kinds[places[i]].pop(), last = i + 1;
    const core = 25 * Math.exp(0.8 * gauss(random));  // ms of a round trip that lie between two lines
    const node = {
      kind, public: `198.18.1.${last}`, ...kind != 'open' && { private: `10.0.${last}.2` },
      down: Math.round(down * times), up: Math.round(up * times * (0.5 + 0.5 * random())),  // Wi-Fi
      up_queue: queue || (random() < LONG_QUEUE ? 250 : 25), delay: Math.round(trip / 4 + core / 4),
    };
    return { line, place: places[i], takes: line == 'cellular', node };
  });
}
