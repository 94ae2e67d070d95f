// What the laboratory has seen, as one page that needs nothing else: each case, without and with the tag side by side.
const safe = text => String(text).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
const list = (what, items) => (items.length ? `<details><summary>${what}: ${items.length}</summary><ol>${items.map(item => `<li>${safe(item)}`).join('')}</ol></details>` : `<p>${what}: none`);

/** One side of a case. */
function side({ same, times = {}, events, errors, log }) {
  const bytes = log.reduce((sum, line) => sum + line.bytes, 0);
  return `<td><pre>${safe(JSON.stringify(same, null, 1))}</pre><p>${safe(Object.entries(times).map(([name, ms]) => `${name} ${ms} ms`).join(', '))}
<p>${bytes.toLocaleString('en')} bytes${list('requests', log.map(l => `${l.method} ${l.url} ${l.range ?? ''}: ${l.status}, ${l.bytes}`))}${list('events', events)}${list('console errors', errors)}`;
}

function row({ name, bare, seen, wrong, unknown, lines }) {
  const state = unknown.length ? 'worse' : Object.keys(wrong).length ? 'known' : 'same';
  return `<tr class="${state}"><th>${safe(name)}<p>${state}${Object.entries(wrong).map(([aspect, what]) => `<p><b>${aspect}</b> ${safe(what)}`).join('')}
${state == 'known' ? lines.map(line => `<p><i>${safe(line.what)}</i>`).join('') : ''}</th>${side(bare)}${side(seen)}</tr>`;
}

/** @param {any[]} results of runCases @returns {string} */
export function report(results) {
  const count = state => results.filter(r => (r.unknown.length ? 'worse' : Object.keys(r.wrong).length ? 'known' : 'same') == state).length;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Other people's sites</title><style>
body { font: 14px/1.4 sans-serif; margin: 1em } table { border-collapse: collapse; width: 100% } th, td { border: 1px solid #999; padding: .5em; text-align: left; vertical-align: top; width: 33% }
th { font-weight: normal } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 } p { margin: .3em 0; overflow-wrap: anywhere }
.worse th { background: #fbb } .known th { background: #fea } .same th { background: #cec } @media (prefers-color-scheme: dark) { body { background: #111; color: #eee } tr th { color: #000 } }
</style><h1>Other people's sites, without and with the tag</h1>
<p>${results.length} cases: ${count('same')} the same, ${count('known')} known to be worse, ${count('worse')} worse.
<table><tr><th>case<th>without<th>with</tr>${[...results].sort((a, b) => b.unknown.length - a.unknown.length || Object.keys(b.wrong).length - Object.keys(a.wrong).length).map(row).join('')}</table></html>`;
}
