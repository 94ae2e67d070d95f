/** An SVG of one run: a row for each viewer from his coming to his going, and in it, second by second, from whom the bytes came. Decides the colours:
 * grey is the host; each viewer has a hue, which stands at his row's beginning and in the rows of those to whom he gave. Red below a row: it stood
 * still. Below all of it: what left the host, and what viewers gave each other. */

const WIDE = 1100,
  LEFT = 130,
  ROW = 14,
  PLOT = 60,
  HIGH = 10,
  CELLS = 600; // in a row, at most

const hue = (/** @type {number} */ id) =>
  `hsl(${(id * 137) % 360},70%,${45 + ((id * 29) % 3) * 10}%)`;
/** @param {number} x @param {number} y @param {number} w @param {number} h @param {string} fill @param {string} [title] */
function rect(x, y, w, h, fill, title = '') {
  const [left, top, wide, high] = [x, y, Math.max(0.3, w), h].map(n => n.toFixed(1));
  const said = title ? `><title>${title}</title></rect>` : '/>';
  return `<rect x="${left}" y="${top}" width="${wide}" height="${high}" fill="${fill}"${said}`;
}
const text = (
  /** @type {number} */ x,
  /** @type {number} */ y,
  /** @type {string} */ words,
  anchor = 'start',
) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

/** What came in each stretch of so many seconds. @param {Map<number, Map<number, number>>} seconds @param {number} span */
function stretches(seconds, span) {
  const out = /** @type {Map<number, Map<number, number>>} */ (new Map());
  for (const [second, from] of seconds) {
    const first = Math.floor(second / span) * span,
      cell = out.get(first) ?? new Map();
    out.set(first, cell);
    for (const [id, n] of from) cell.set(id, (cell.get(id) ?? 0) + n / span);
  }
  return out;
}

/** @param {Map<number, Map<number, number>>} cells @param {number} span @param {number} y @param {(at: number) => number} place
 * @param {number} rate bytes a second */
function bars(cells, span, y, place, rate) {
  const out = [];
  for (const [at, from] of cells) {
    let base = y + HIGH;
    const all = [...from].sort((a, b) => a[0] - b[0]),
      total = all.reduce((sum, [, n]) => sum + n, 0),
      scale = HIGH / Math.max(total, 2 * rate);
    for (const [id, n] of all) {
      base -= n * scale;
      out.push(
        rect(place(at), base, place(at + span) - place(at), n * scale, id < 0 ? '#888' : hue(id)),
      );
    }
  }
  return out;
}

/** @param {{at: number, host: number, peers: number}[]} series @param {number} y @param {(at: number) => number} place */
function sums(series, y, place) {
  const most = Math.max(1, ...series.map(s => Math.max(s.host, s.peers)));
  const curve = (/** @type {'host' | 'peers'} */ of) =>
    series
      .map(s => `${place(s.at).toFixed(1)},${(y + PLOT - (s[of] / most) * PLOT).toFixed(1)}`)
      .join(' ');
  return [
    text(LEFT - 6, y + 10, (most / 1e6).toFixed(1) + ' MB/s', 'end'),
    `<polyline points="${curve('host')}" fill="none" stroke="#888" stroke-width="1.5"/>`,
    `<polyline points="${curve('peers')}" fill="none" stroke="#26a" stroke-width="1.5"/>`,
    text(WIDE - 4, y + 10, 'grey: the host; blue: viewers', 'end'),
  ];
}

/** seconds between two marks */
const tick = (/** @type {number} */ end) =>
  [30, 60, 300, 600, 3600, 7200].find(s => end / s < 20) ?? 14400;

/** @param {any} run of run.mjs, with flows @returns {string} */
export function picture({ scene, each, flows, series, figures }) {
  const end = Math.max(1, ...series.map((/** @type {any} */ s) => s.at)),
    place = (/** @type {number} */ at) => LEFT + (at / end) * (WIDE - LEFT - 10),
    top = 34,
    span = Math.max(1, Math.ceil(end / CELLS));
  const out = [
    text(
      4,
      14,
      `${scene.name}, seed ${scene.seed}, ${scene.lines}: ${figures.well} of ${figures.judged} well, ${figures.films.toFixed(2)} films from the host`,
    ),
  ];
  each.forEach((/** @type {any} */ v, /** @type {number} */ i) => {
    const y = top + i * ROW,
      stood = v.standing ?? [];
    out.push(
      text(4, y + HIGH, `${v.id} ${v.line} ${v.nat}`),
      rect(LEFT - 8, y, 6, HIGH, hue(v.id)),
      rect(place(v.arrives / 1000), y, 1, HIGH, '#000'),
    );
    out.push(
      ...bars(stretches(flows.get(v.id) ?? new Map(), span), span, y, place, scene.kbps * 125),
    );
    for (const { from, ms } of stood)
      out.push(
        rect(
          place(from / 1000),
          y + HIGH,
          place((from + ms) / 1000) - place(from / 1000),
          2,
          '#d00',
          `${(ms / 1000).toFixed(1)} s`,
        ),
      );
  });
  const below = top + each.length * ROW + 10,
    ticks = [];
  for (let at = 0; at <= end; at += tick(end)) ticks.push(text(place(at), 28, `${at} s`, 'middle'));
  out.push(...ticks, ...sums(series, below, place));
  const head = `width="${WIDE}" height="${below + PLOT + 10}" font-family="sans-serif" font-size="9"`;
  const body = ['<rect width="100%" height="100%" fill="#fff"/>', ...out].join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" ${head}>\n${body}\n</svg>\n`;
}
