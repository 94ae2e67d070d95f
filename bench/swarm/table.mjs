/** What is printed: decides which figures stand in the table, which way is worse, and how each is written. Over seeds each has its median and its
 * worst. */
import { quantile } from './measure.mjs';

const seconds = (/** @type {number} */ x) => (x >= 100 ? x.toFixed(0) : x.toFixed(1)),
  percent = (/** @type {number} */ x) => (100 * x).toFixed(0),
  whole = (/** @type {number} */ x) => x.toFixed(0);
const films = (/** @type {number} */ x) => x.toFixed(2);

/** name, head, whether more is better, form @type {[string, string, boolean, (x: number) => string][]} */
const COLUMNS = [
  ['wellPart', 'well %', true, percent],
  ['stallSeconds', 'stalls s', false, seconds],
  ['first50', 'first s', false, films],
  ['first95', 'first95', false, seconds],
  ['offload', 'offload %', true, percent],
  ['films', 'films', false, films],
  ['again', 'again', false, films],
  ['vain', 'vain %', false, percent],
  ['open', 'open', false, whole],
  ['requests', 'requests', false, whole],
  ['messages', 'messages', false, whole],
];

/** @typedef {{scene: string, who: string, seeds: number, judged: number, well: number, figures: Record<string, {median: number, worst: number}>,
 *   took: number}} Row */

/** The runs of one scene and one client, of several seeds. @param {import('./job.mjs').Result[]} results @returns {Row} */
export function row(results) {
  const [{ scene, who }] = results,
    sum = (/** @type {string} */ name) =>
      results.reduce((all, r) => all + (r.figures[name] ?? 0), 0);
  const figures = /** @type {Row['figures']} */ ({});
  for (const name of Object.keys(results[0].figures)) {
    const values = results.map(r => r.figures[name]).filter(x => typeof x == 'number'),
      better = COLUMNS.find(c => c[0] == name)?.[2];
    if (values.length)
      figures[name] = {
        median: quantile(values, 0.5),
        worst: better ? Math.min(...values) : Math.max(...values),
      };
  }
  return {
    scene: scene.name,
    who,
    seeds: results.length,
    judged: sum('judged'),
    well: sum('well'),
    figures,
    took: results.reduce((all, r) => all + r.took, 0),
  };
}

/** @param {Row} of */
function cells({ scene, who, seeds, judged, well, figures, took }) {
  const values = COLUMNS.map(([name, , , form]) => {
    const figure = figures[name];
    if (!figure) return '';
    const [median, worst] = [figure.median, figure.worst].map(x =>
      Number.isFinite(x) ? form(x) : 'never',
    );
    return seeds > 1 ? `${median} (${worst})` : median;
  });
  return [
    scene,
    who,
    `${well}/${judged}`,
    percent(well / Math.max(1, judged)),
    ...values,
    took.toFixed(1),
  ];
}

/** @param {Row[]} rows @returns {string} */
export function table(rows) {
  const head = ['scene', 'who', 'well', 'of all %', ...COLUMNS.map(c => c[1]), 'cpu s'],
    lines = [head, ...rows.map(cells)];
  const widths = head.map((_, i) => Math.max(...lines.map(l => l[i].length)));
  return lines
    .map(l =>
      l
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const LEGEND = `well: judged viewers without a stall of a second or more, of all seeds; each figure: median (worst) of the seeds
films: what left the host, in lengths of the film; again: of that what had left it before; open: requests at the host at once, at most`;
