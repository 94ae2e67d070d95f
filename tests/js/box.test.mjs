import './setup.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Box } from '../../htdocs/meet/box.js';
import { until } from './world.mjs';

/** A box whose answers are given one after another; the last one goes on. @param {(string|Error)[]} answers */
function boxed(answers, { box_v = 1, poll_ms = 1 } = {}) {
  const asked = [], said = [], rejoined = [];
  const reader = { boxed: what => said.push(what), rejoin: ms => rejoined.push(ms) };
  const box = new Box(reader, async (url, init) => {
    asked.push({ url, init });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return new Response(answer);
  });
  const start = (url = 'https://site.example/spool/box-1.json') => box.follow({ box: url, box_v, poll_ms });
  start();
  return { box, asked, said, rejoined, start };
}
const edition = (v, mail = [], more = {}) => JSON.stringify({ polycircle: 1, v, call: false, mail, ...more });

test('an edition is read once, the next one again', async () => {
  const { box, asked, said } = boxed([edition(1), edition(1), edition(2, [{ n: '1.1' }]), edition(2, [{ n: '1.1' }])]);
  await until(() => asked.length > 8, 'eight polls');
  box.follow({});
  assert.deepEqual(said.map(s => [s.mail.length, s.call]), [[0, true], [1, false]], 'the first one asks for another, to see it');
  assert.equal(new Set(asked.map(a => a.url)).size, asked.length, 'each poll has a URL of its own');
  assert.ok(asked.every(a => a.url.startsWith('https://site.example/spool/box-1.json?') && a.init.cache == 'no-store' && a.init.credentials == 'omit' && !a.init.headers));
});

for (const [what, answer] of [['lags behind', edition(3)], ['is a page of the host', '<html>508</html>'], ['is somebody else\'s JSON', '{"v":9,"mail":[]}'], ['is not there', new TypeError('404')],
  ['has no mail', '{"polycircle":1,"v":9}']]) {
  test(`a box that ${what} is given up`, async () => {
    const { box, asked, said, rejoined, start } = boxed([answer], { box_v: 4 });
    await until(() => rejoined.length, 'it asks the instance itself');
    assert.equal(box.good, false);
    assert.deepEqual(said, []);
    const n = asked.length;
    start();
    await new Promise(ok => setTimeout(ok, 30));
    assert.equal(asked.length, n, 'and is not read meanwhile');
  });
}

test('two failures are a bad moment', async () => {
  const { box, said } = boxed([new TypeError('offline'), edition(0), edition(1), new TypeError('offline'), edition(2)]);
  await until(() => said.length == 2, 'two editions');
  assert.equal(box.good, true);
  box.follow({});
});

test('an answer for an older box is not believed', async () => {
  let release;
  const said = [], box = new Box({ boxed: what => said.push(what.mail.length), rejoin: () => {} }, async url => {
    if (url.includes('old')) await new Promise(ok => { release = ok; });
    return new Response(url.includes('old') ? edition(7, [{ n: '1.1' }]) : edition(1));
  });
  box.follow({ box: 'https://x/old', box_v: 1, poll_ms: 1 });
  await until(() => release, 'the first poll');
  box.follow({ box: 'https://x/new', box_v: 1, poll_ms: 1 });
  release();
  await until(() => said.length, 'the second box');
  box.follow({});
  assert.deepEqual(said, [0]);
});

test('the first edition must be followed by another', async () => {
  const { box, said, rejoined, start } = boxed([edition(5)], { box_v: 5 });
  await until(() => said.length, 'the first edition');
  assert.equal(box.prove, 5);
  box.follow({ box: 'https://site.example/spool/box-1.json', box_v: 6, poll_ms: 1 });
  await until(() => rejoined.length, 'a cache that keeps it is given up');
  assert.deepEqual([box.good, box.prove], [false, undefined]);
  start();
  const honest = boxed([edition(5), edition(6), edition(7)], { box_v: 5 });
  await until(() => honest.said.length > 2, 'editions that follow');
  honest.box.follow({});
  assert.deepEqual([honest.box.prove, honest.said.map(s => s.call)], [undefined, [true, false, false]]);
});
