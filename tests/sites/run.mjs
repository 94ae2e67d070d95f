#!/usr/bin/env node
// Runs cases of the laboratory, each without and with the tag, and says what differs. sites.test.mjs is the same as tests.
//   node tests/sites/run.mjs [--long] [--only REGEX] [--list] [--json] [--report FILE] [--firefox] [--width N]
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { known, select } from './cases.mjs';
import { compare } from './compare.mjs';
import { openLab } from './lab.mjs';
import { origins } from './origins.mjs';
import { filesOf, ours, pages } from './pages.mjs';
import { visitors } from './visitors.mjs';

/** What a visitor sees of a page. `frame`: ms from the last navigation to the first frame; `before`: what it had asked by then; `all`: what it asked in this visit. */
export async function look(lab, c, tagged) {
  const page = pages[c.page], visitor = visitors[c.visitor], run = await lab.makeRun({ ...origins[c.origin], ...page.origin }, page.at, page.worker);
  run.tagged = tagged;
  run.files = filesOf(page, run, tagged);
  let v = { lines: [], close() {} };
  try {
    v = await lab.makeVisitor(run, visitor.settings);
    await visitor.before?.(v, run, page, lab);
    const from = run.log.length, { same, times = {} } = await page.act(v, run);
    const tab = v.tab, { began, born, events } = await tab.evaluate(() => ({ began: performance.timeOrigin, born: lab.born, events: lab.events })).catch(() => ({ events: [] }));
    const shown = events.find(([type]) => type == 'loadeddata'), frame = shown && Math.round(born + shown[1]);
    return {
      same, times, frame, events: events.map(([type]) => type), before: shown ? run.log.filter(({ at }) => at >= began && at < began + frame) : [], all: run.log.slice(from),
      ours: tagged && await ours(tab).catch(() => false),
      errors: v.forgive ? [] : v.lines.filter(([type]) => type == 'error').map(([, text]) => text), lines: v.lines,
      log: run.log.slice(run.mark ?? 0).filter(({ url }) => /^\/+media\//.test(url)),
    };
  } catch (error) {
    return { same: { broken: String(error.message).split('\n')[0] }, times: {}, events: [], errors: [], lines: v.lines, log: [], before: [], all: [] };
  } finally {
    await v.close();
    lab.endRun(run);
  }
}

/** One case, without and with: {...c, bare, seen, wrong, unknown, lines (of known), healed, tries}. What is not as expected is looked at once more: twice is no chance. */
export async function runCase(lab, c) {
  const settings = { ...c, exact: pages[c.page].exact }, lines = known.filter(line => ['page', 'origin', 'visitor'].every(key => !line[key] || line[key].includes(c[key])) && (line.browser ?? lab.kind) == lab.kind);
  for (let tries = 0; ; tries++) {
    const bare = await look(lab, c, false), seen = await look(lab, c, true), wrong = compare(bare, seen, settings);
    const explains = (name, text) => lines.some(line => line.aspects.includes(name) && (!line.says || name != 'console' || line.says.test(text)));
    const unknown = Object.keys(wrong).filter(name => !wrong[name].split(' | ').every(text => explains(name, text)));
    const healed = lines.filter(line => !line.sometimes && (line.browser || lab.kind == 'chromium') && !line.aspects.some(name => wrong[name]));
    if (tries || (!unknown.length && !healed.length)) return { ...c, bare, seen, wrong, unknown, lines, healed, tries };
  }
}

/** Which lines of `known` are true no longer: no case that they are about shows it. */
export const healed = results => known.filter(line => results.some(r => r.lines.includes(line)) && results.every(r => !r.lines.includes(line) || r.healed.includes(line)));

/** All of them, `width` at a time. @param {(result: any) => void} each */
export async function runCases(lab, cases, width, each) {
  const queue = [...cases], results = [];
  await Promise.all(Array.from({ length: width }, async () => {
    for (let c; (c = queue.shift());) {
      const result = await runCase(lab, c);
      results.push(result);
      each(result);
    }
  }));
  return results;
}

if (process.argv[1] == fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { long: { type: 'boolean' }, only: { type: 'string' }, list: { type: 'boolean' }, json: { type: 'boolean' }, report: { type: 'string' }, width: { type: 'string' }, firefox: { type: 'boolean' } } });
  const cases = select(values);
  if (values.list) for (const { name } of cases) console.log(name);
  else {
    const lab = await openLab(values.firefox ? 'firefox' : 'chromium'), began = Date.now();
    try {
      const results = await runCases(lab, cases, Number(values.width ?? 4), r => values.json || console.log(`${r.unknown.length ? 'WORSE' : Object.keys(r.wrong).length ? 'known' : 'same '}  ${r.name}${Object.entries(r.wrong).map(([name, what]) => `\n         ${name}: ${what}`).join('')}`));
      const better = healed(results), bad = results.filter(r => r.unknown.length);
      if (values.json) console.log(JSON.stringify(results));
      if (values.report) await writeFile(values.report, (await import('./report.mjs')).report(results));
      console.error(`${results.length} cases, ${bad.length} worse than known, ${better.length} known lines that are mended, ${Math.round((Date.now() - began) / 1000)} s`);
      for (const line of better) console.error(`mended: ${line.what}`);
      process.exitCode = bad.length || better.length ? 1 : 0;
    } finally { await lab.close(); }
  }
}
