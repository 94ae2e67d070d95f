// Every pair of values once: rows of a table that hold, for any two of its columns, each pair of their values at least once.

/** @param {Record<string, string[]>} columns @returns {Record<string, string>[]} always the same rows */
export function pairs(columns) {
  const names = Object.keys(columns), open = new Set(), id = (a, x, b, y) => `${a}\n${x}\n${b}\n${y}`;
  const each = row => names.flatMap((a, i) => names.slice(i + 1).filter(b => a in row && b in row).map(b => id(a, row[a], b, row[b])));
  names.forEach((a, i) => names.slice(i + 1).forEach(b => columns[a].forEach(x => columns[b].forEach(y => open.add(id(a, x, b, y))))));
  const rows = [];
  while (open.size) {
    const [a, x, b, y] = open.values().next().value.split('\n'), row = { [a]: x, [b]: y };
    for (const name of names.filter(name => !(name in row))) {
      const gain = value => each({ ...row, [name]: value }).filter(pair => open.has(pair)).length;
      row[name] = columns[name].reduce((best, value) => (gain(value) > gain(best) ? value : best));
    }
    for (const pair of each(row)) open.delete(pair);
    rows.push(Object.fromEntries(names.map(name => [name, row[name]])));
  }
  return rows;
}
