// bench/swarm: that its world is one. Two runs of a seed are the same; nothing is received that was not sent, nor what nobody had; lines, NATs and the
// host keep to their tables; no schedule beats the flow.
import './setup.mjs';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { bound } from '../../bench/swarm/bound.mjs';
import { chance } from '../../bench/swarm/chance.mjs';
import { Clock } from '../../bench/swarm/clock.mjs';
import { Graph } from '../../bench/swarm/flow.mjs';
import { Host } from '../../bench/swarm/host.mjs';
import { KINDS, meets } from '../../bench/swarm/lines.mjs';
import { digest, film, Matter, MatterBuffer, names, spoiled } from '../../bench/swarm/matter.mjs';
import { Flow, Network, Node } from '../../bench/swarm/network.mjs';
import { people } from '../../bench/swarm/people.mjs';
import { plain } from '../../bench/swarm/plain.mjs';
import { scene } from '../../bench/swarm/scenes.mjs';
import { schedule } from '../../bench/swarm/schedule.mjs';
import { simulate } from '../../bench/swarm/simulate.mjs';
import { client } from '../../bench/swarm/viewer.mjs';

const real = await client(fileURLToPath(new URL('../../htdocs', import.meta.url)));
const told = ({ figures, each, series, warnings }) => JSON.stringify({ figures, each, series, warnings });

test('time: by the clock, then by turn; what was promised settles in between; who is gone does nothing', async () => {
  const clock = new Clock(), seen = [], gone = { gone: true };
  clock.after(2, null, () => seen.push('c'));
  clock.after(1, null, async () => {
    seen.push('a');
    await 0;
    await 0;
    seen.push('a promised');
  });
  clock.after(1, null, () => seen.push('b'));
  clock.after(1, gone, () => seen.push('never'));
  clock.after(1.5, null, () => seen.push('called off')).act = null;
  await clock.run(10);
  assert.deepEqual(seen, ['a', 'a promised', 'b', 'c']);
});

test('bytes: a part of the film is known by its place, whatever way it came together', () => {
  const { Uint8Array: Bytes, DataView: View } = names(), whole = new Bytes(65536), hash = data => Buffer.from(digest(data)).toString('hex');
  for (const at of [32768, 0]) whole.set(film(1e6 + at, 32768), at);
  assert.equal(hash(whole), hash(film(1e6, 65536)));
  assert.notEqual(hash(whole), hash(film(1e6 + 1, 65536)));
  const frame = new Bytes(16392), view = new View(frame.buffer);
  view.setUint32(0, 7);
  frame.set(whole.subarray(16384, 32768), 8);
  assert.equal(new View(frame.buffer).getUint32(0), 7);
  assert.equal(hash(new Bytes(frame.buffer, 8)), hash(film(1e6 + 16384, 16384)));
  assert.notEqual(hash(new Matter(spoiled(frame.buffer), 8)), hash(film(1e6 + 16384, 16384)));
  assert.notEqual(hash(new Bytes(20000)), hash(film(0, 20000)));  // nothing in it
  assert.ok(whole instanceof Bytes && frame.buffer instanceof MatterBuffer && !(new Bytes(3) instanceof Matter));
});

test('who reaches whom', () => {
  const no = KINDS.flatMap((a, i) => KINDS.slice(i).filter(b => !meets(a, b) || !meets(b, a)).map(b => `${a} ${b}`));
  assert.deepEqual(no, ['open blocked', 'full blocked', 'address blocked', 'port symmetric', 'port blocked', 'symmetric symmetric', 'symmetric blocked',
    'blocked blocked']);
});

test('the same people for every client; of networks as many reach each other as were measured', () => {
  const all = people(scene('s500')), again = people(scene('s500', { share: 0.8 }));
  assert.deepEqual(all, again);
  const ok = (one, other) => {
    const a = all.filter(p => p.net == one), b = all.filter(p => p.net == other);
    return a.flatMap(p => b.filter(q => p != q).map(q => Number(meets(p.nat, q.nat)))).reduce((sum, x, _, { length }) => sum + x / length, 0);
  };
  for (const [one, other, part] of [['home', 'home', 0.84], ['home', 'cellular', 0.6], ['cellular', 'cellular', 0.38], ['home', 'office', 0.5]])
    assert.ok(Math.abs(ok(one, other) - part) < 0.06, `${one} ${other}: ${ok(one, other)}`);
});

test('a link: all comes, in its order; two that fill a line use it, whatever they lose, be its queue long or short', async () => {
  for (const [full, most] of [[150, 2.4], [25, 3]]) {
    const clock = new Clock(), network = new Network(clock, 1), roll = chance('link'), got = [];
    const end = id => new Node({ id, up: 1000, down: 5000, full, rtt: 20, address: `198.18.0.${id}`, net: 'home' }, 10);
    const a = end(1);
    let sent = 0, others = 0, last = 0;
    const flow = new Flow(network, a, end(2), 30, message => (got.push(message.data), (last = clock.now)), () => {});
    const rival = new Flow(network, a, end(3), 15, ({ size }) => (others += size), () => {});
    for (let i = 0; i < 200; i++) clock.after(i, null, () => {
      const n = 1 + Math.floor(roll() * 60000);
      sent += n;
      flow.send(i, n, n);
      rival.send(i, n, n);
    });
    await clock.run(120000);
    assert.deepEqual(got, Array.from({ length: 200 }, (_, i) => i));
    assert.deepEqual([flow.arrived, flow.buffered, others], [flow.offered, 0, rival.offered]);
    assert.ok(a.losses > 0);
    assert.ok(last >= sent / 1000 && last < most * sent / 1000, `${full}: ${last} ms for twice ${sent} bytes, of which 1,000 fit in one`);
  }
});

test('the host: neither its rate nor its slots are exceeded, and all that was asked for comes', async () => {
  const clock = new Clock(), left = [], host = new Host(clock, { host: 1000, slots: 3, seed: 1 }, { leaves: (_, at, n) => left.push([clock.now, n]) });
  const node = new Node({ id: 1, up: 1000, down: 50000, full: 250, rtt: 20 }, 10), got = Array(8).fill(0);
  let over = 0;
  got.forEach((_, i) => clock.after(i * 10, null, () => {
    const onBytes = (_, n) => { got[i] += n; request.read(n); };
    const request = host.get({ node, owner: { i }, at: 0, end: 300000, film: true, onHead() {}, onBytes, onEnd: () => over++ });
  }));
  await clock.run(1e6);
  assert.deepEqual(got, Array(8).fill(300000));
  assert.equal(over, 8);
  assert.equal(host.files, 3);
  assert.equal(host.open, 0);
  let sum = 0;
  for (const [at, n] of left) assert.ok((sum += n) <= 1000 * at + 1);
});

test('a flow is the most there is', () => {
  const graph = new Graph(4), a = graph.edge(0, 1, 3), b = graph.edge(0, 2, 2);
  for (const [from, to, most] of [[1, 2, 5], [1, 3, 2], [2, 3, 3]]) graph.edge(from, to, most);
  graph.run(0, 3);
  assert.equal(graph.used(a) + graph.used(b), 5);
});

test('no schedule is better than the flow in its loose form', () => {
  for (const [name, seed] of [['s10', 1], ['s10', 2], ['lean20', 1], ['crowd10', 3], ['leave', 1]]) {
    const of = scene(name, { seed, film: 60, n: Math.min(20, scene(name).n) }), free = bound(of, true), made = schedule(of);
    const well = all => all.each.filter(v => v.longest < 1).length, stalled = all => all.each.reduce((sum, v) => sum + v.stalled, 0);
    assert.ok(well(made) <= well(free), `${name} ${seed}: ${well(made)} ${well(free)}`);
    assert.ok(stalled(made) >= stalled(free) - 0.3, `${name} ${seed}: ${stalled(made)} ${stalled(free)}`);
  }
});

test('plain HTTP: three viewers fit a host of 1 MB/s, six do not', async () => {
  const run = async n => (await simulate(scene('s10', { n, spread: 60, arrive: 'even' }), plain)).figures;
  const [three, six] = [await run(3), await run(6)];
  assert.deepEqual([three.well, three.stallSeconds, three.films, three.vain], [three.judged, 0, 3, 0]);
  assert.ok(six.well == 0 && six.stallSeconds > 100);
});

test('who jumps, also before an answer has come, sees the film to its end', async () => {
  const { figures } = await simulate(scene('s10', { n: 10, host: 50000, film: 60, seeks: 60, spread: 10 }), plain);
  assert.deepEqual([figures.finished, figures.stallSeconds], [10, 0]);
});

test('the client: three who are near each other share; a seed is the same each time, another is not', async () => {
  const run = seed => simulate(scene('near3', { seed, film: 60 }), real), first = await run(1);
  assert.deepEqual(first.errors, []);
  assert.ok(first.figures.offload > 0.3, `${first.figures.offload}`);
  assert.equal(first.figures.well, first.figures.judged);
  assert.equal(told(await run(1)), told(first));
  assert.notEqual(told(await run(2)), told(first));
});

test('the client in a bad world: what comes was sent by somebody who had it, and no more than was sent', async () => {
  const bad = scene('s10', { n: 12, film: 40, spread: 30, lines: 'lean', liars: 0.2, leave: 0.2, laptops: 0.1, sleepers: 0.1, seeks: 1, share: 0.8 });
  const { figures, each, errors, series, world } = await simulate(bad, real), sum = of => each.reduce((all, v) => all + v[of], 0);
  assert.deepEqual(errors, []);
  assert.equal(figures.unfounded, 0);
  assert.ok(figures.links > 5);
  assert.equal(sum('peers'), world.measure.arrived);
  assert.equal(sum('gave'), world.measure.offered);
  assert.ok(world.measure.arrived > 0 && world.measure.arrived <= world.measure.offered);
  assert.ok(sum('host') <= world.host.sent);
  assert.ok(series.every(s => s.host <= bad.host * 1000 + 4000), 'rate');
  assert.ok(world.host.files <= bad.slots);
});

test('twenty viewers of different networks, one seed: within a minute of processor time', async () => {
  const { figures, errors, took } = await simulate(scene('s20'), real);
  assert.deepEqual(errors, []);
  assert.equal(figures.unfounded, 0);
  assert.ok(figures.links > 20 && figures.offload > 0.6 && figures.well >= 0.6 * figures.judged, JSON.stringify(figures));
  assert.ok(took < 60, `${took} s`);
});
