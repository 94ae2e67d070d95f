/** One run: puts a world together for a scene, lets a client live in it, and ends it. Decides when it is over: when all have left, or after 2.5 times
 * the film.
 * @typedef {{scene: import('./scenes.mjs').Scene, seed: number, clock: Clock, network: Network, host: Host, instance: Instance, measure: Measure,
 *   film: Film, connections: Map<string, any>, roll: () => number}} World
 * @typedef {{url: string, size: number, rate: number, seconds: number, mtime: number}} Film rate: bytes a second
 * @typedef {(world: World) => {open(page: any): Promise<import('./visitor.mjs').Client>}} Kind */
import { install } from './browser.mjs';
import { chance } from './chance.mjs';
import { Clock } from './clock.mjs';
import { Host } from './host.mjs';
import { Instance } from './instance.mjs';
import { figures, Measure } from './measure.mjs';
import { Network } from './network.mjs';
import { people } from './people.mjs';
import { Visitor } from './visitor.mjs';

const LOOK_MS = 5000,
  ENOUGH = 2.5;

/** Of whole pieces, so that no piece is too small to be matter. @param {{film: number, kbps: number}} scene @returns {Film} */
export function filmOf({ film, kbps }) {
  const rate = kbps * 125,
    unit = rate * film > 2048 * 131072 ? 4 << 20 : 131072,
    size = Math.max(1, Math.round((rate * film) / unit)) * unit;
  return {
    url: 'https://site.example/media/film.mp4',
    size,
    rate,
    seconds: size / rate,
    mtime: 1700000000,
  };
}

/** @param {import('./scenes.mjs').Scene} scene @param {boolean} flows @returns {World} */
function worldOf(scene, flows) {
  const { seed } = scene,
    clock = new Clock(),
    film = filmOf(scene),
    measure = new Measure(clock, film, flows);
  return {
    scene,
    seed,
    clock,
    film,
    measure,
    network: new Network(clock, seed),
    host: new Host(clock, scene, measure),
    instance: new Instance(clock, seed),
    connections: new Map(),
    roll: chance(seed, 'world'),
  };
}

/** Processor seconds since then: other work on the machine does not count. @param {{user: number, system: number}} began */
export function cpu(began) {
  const { user, system } = process.cpuUsage(/** @type {any} */ (began));
  return (user + system) / 1e6;
}

/** @param {import('./scenes.mjs').Scene} scene @param {Kind} kind @param {{flows?: boolean, progress?: (now: number) => void}} [how] */
export async function simulate(scene, kind, { flows = false, progress } = {}) {
  const world = worldOf(scene, flows),
    { clock, measure, host, film } = world,
    began = process.cpuUsage();
  const client = kind(world),
    visitors = people({ ...scene, film: film.seconds }).map(
      person => new Visitor(world, person, client),
    );
  const end = 1000 * (scene.spread + film.seconds * ENOUGH + 60);
  for (const visitor of visitors) clock.after(visitor.person.arrives, null, () => visitor.arrive());
  const look = () => {
    measure.look(visitors, host);
    clock.over = clock.now > 0 && visitors.every(v => v.left);
    clock.after(LOOK_MS, null, look);
  };
  look();
  const restore = install(world);
  try {
    await clock.run(end, () => progress?.(clock.now));
  } finally {
    restore();
  }
  const each = visitors.map(v => measure.each(v, film.rate / 1000));
  return {
    scene,
    figures: figures(each, world),
    each,
    series: measure.series,
    flows: measure.flows,
    warnings: [...measure.warnings],
    errors: clock.errors.slice(0, 5).map(String),
    took: cpu(began),
    world,
  };
}
