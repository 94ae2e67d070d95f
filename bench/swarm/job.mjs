/** One run for who asks: decides which of the five there are: the client, plain HTTP, and what an oracle could do. Also a process of its own (run.mjs
 * --jobs), which is sent one after the other and answers each.
 * @typedef {'client' | 'plain' | 'loose' | 'strict' | 'schedule'} Who
 * @typedef {{who: Who, scene: import('./scenes.mjs').Scene, dir: string, flows: boolean}} Job
 * @typedef {{who: Who, scene: import('./scenes.mjs').Scene, figures: Record<string, number | null>, each: any[], series: any[], flows: any,
 *   warnings: any[], errors: string[], took: number}} Result */
import { bound } from './bound.mjs';
import { quantile } from './measure.mjs';
import { judged, people } from './people.mjs';
import { plain } from './plain.mjs';
import { schedule } from './schedule.mjs';
import { cpu, filmOf, simulate } from './simulate.mjs';
import { client } from './viewer.mjs';

/** In the form of a run. @param {import('./scenes.mjs').Scene} scene @param {import('./bound.mjs').Bound} of */
function oracle(scene, { each, films }) {
  const film = filmOf(scene),
    all = people({ ...scene, film: film.seconds });
  const counted = each.filter(e => judged(all[e.id], film.rate / 1000)),
    well = counted.filter(e => e.longest < 1 && e.first < Infinity).length;
  const firsts = counted.map(e => e.first),
    stalled = counted.map(e => e.stalled);
  return {
    figures: {
      viewers: each.length,
      judged: counted.length,
      well,
      wellPart: well / Math.max(1, counted.length),
      stallSeconds: stalled.reduce((a, b) => a + b, 0),
      worstStall: Math.max(0, ...stalled),
      first50: quantile(firsts, 0.5),
      first95: quantile(firsts, 0.95),
      films,
    },
    each,
    series: [],
    flows: null,
    warnings: [],
    errors: [],
  };
}

/** @param {Job} job @param {(now: number) => void} [progress] @returns {Promise<Result>} */
export async function run({ who, scene, dir, flows }, progress) {
  const began = process.cpuUsage();
  if (who == 'client' || who == 'plain') {
    const { world, ...result } = await simulate(scene, who == 'plain' ? plain : await client(dir), {
      flows,
      progress,
    });
    void world;
    return { who, ...result };
  }
  const of = who == 'schedule' ? schedule(scene) : bound(scene, who == 'loose');
  return { who, scene, ...oracle(scene, of), took: cpu(began) };
}

if (process.send)
  process.on('message', async (/** @type {any} */ job) => {
    const result = await run(job).catch(error => ({
      failed: String(error.stack),
    }));
    process.send?.({ ...result, flows: null });
  });
