// Which visitors meet, by what kind of NAT they sit behind: real Chromium, each in a network of its own, the real program, coturn for STUN.
//   tools/check nat                          three pairs, and what they need
// or, with a build of tools/build DIR and `make -C DIR/build tests/nat/line`, as root:
//   POLYCIRCLE_PROGRAM=DIR/build/src/polycircle tests/nat/apart node --test tests/nat/nat.test.mjs    POLYCIRCLE_LONG=1: all pairs, and TURN
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { how } from '../browser/chromium.mjs';
import { makeSite, makeViewer, page } from '../browser/site.mjs';
import { startTurn, user } from './turn.mjs';
import { everywhere, makeWorld } from './world.mjs';

/** A dual network has IPv6 beside a NAT for IPv4. */
const NETWORKS = ['open', 'full', 'addr', 'port', 'sym', 'blocked', 'six', 'dual'];
const long = !!process.env.POLYCIRCLE_LONG, SOON = 30_000, FILM = { seconds: 4, kbps: 400 };

/** Visitor `i` of 1 and 2 of that network. */
function node(network, i) {
  const k = NETWORKS.indexOf(network) + 1, kind = { dual: 'port', six: 'open' }[network] ?? network;
  return {
    kind, delay: 10, up: 10_000, down: 50_000, timeout: 30,
    ...network != 'six' && { public: `198.18.${k}.${i}` },
    ...network != 'six' && kind != 'open' && { private: `10.${k}.${i}.2` },
    ...['six', 'dual'].includes(network) && { six: `2001:db8:${k}:${i}::2` },
  };
}

const four = network => network != 'six', six = network => ['six', 'dual'].includes(network);
const easy = network => ['open', 'full', 'addr'].includes(network);

/** Are the two to meet, without TURN? */
function meet(a, b) {
  if (a == 'blocked' || b == 'blocked') return false;
  if (six(a) && six(b)) return true;
  if (!four(a) || !four(b)) return false;
  return easy(a) || easy(b) || (a != 'sym' && b != 'sym');
}

const host = { public: '198.18.0.2', six: '2001:db8::2', up: 100_000 }, stun = { public: '198.18.0.3', six: '2001:db8::3' };
const far = { public: '198.18.0.4', six: '2001:db8::4', delay: 40 };
const visitors = Object.fromEntries(NETWORKS.flatMap(network => [1, 2].map(i => [`${network}-${i}`, node(network, i)])));
const pages = { 'index.html': page('<video muted autoplay src="/media/film.mp4"></video>', '%TAG%'), 'plain.html': page('') };
const world = await makeWorld({ host, stun, far, ...visitors }), ice = await startTurn(world, 'stun', stun);
const slow = await startTurn(world, 'far', far);
const site = await makeSite({ hosts: [host.public, `[${host.six}]`], film: FILM, pages, change: everywhere });
await site.program(['circle', 'set', 'test', ...ice.stun.flatMap(url => ['--ice', url])]);
const rows = [];
after(async () => {
  if (rows.length) console.table(rows);
  await site.close();
  await world.close();
});

/** Runs in the page before its own scripts: what becomes of each connection. */
function record() {
  const links = globalThis.links = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...how) {
      super(...how);
      const link = { pc: this, described: 0, opened: 0, state: 'new', pair: null };
      links.push(link);
      this.addEventListener('signalingstatechange', () => { if (this.signalingState == 'stable') link.described = performance.now(); });
      this.addEventListener('connectionstatechange', () => {
        link.state = this.connectionState;
        if (link.state == 'connected') link.opened ||= performance.now();
      });
    }
    close() {
      const link = links.find(({ pc }) => pc == this);
      if (link.state != 'connected') link.state = 'given up';
      super.close();
    }
  };
}

/** A visitor of that node, as everybody is: no permission, so that its own addresses are hidden from pages. */
async function come(name) {
  const origin = address => `http://${address}:${site.port}`, origins = [origin(host.public), origin(`[${host.six}]`)];
  const viewer = await makeViewer({
    executablePath: await world.inside(name, how.executablePath), args: [`--unsafely-treat-insecure-origin-as-secure=${origins}`], permissions: [],
  });
  await viewer.context.addInitScript(record);
  return { ...viewer, go: path => viewer.open(`${visitors[name].public ? origins[0] : origins[1]}/${path}`), close: () => viewer.close() };
}

/** Polls until it gives something; null after SOON. */
async function soon(look) {
  for (const end = Date.now() + SOON; Date.now() < end; await sleep(50)) {
    const value = await look();
    if (value) return value;
  }
  return null;
}

/** The open link of a page: its candidates' types, and its time since both descriptions were there; null: none is open. */
const opened = tab => tab.evaluate(async () => {
  const link = links.find(({ state }) => state == 'connected');
  if (!link) return null;
  const all = await link.pc.getStats(), pair = all.get([...all.values()].find(({ type }) => type == 'transport').selectedCandidatePairId);
  const kinds = pair && [pair.localCandidateId, pair.remoteCandidateId].map(id => all.get(id).candidateType);
  return pair && { by: kinds.join(' '), ms: Math.round(link.opened - link.described) };
});

/** Two visitors of these nodes, the second one `later`, in ms; `body` gets their pages. */
async function both(names, path, body, later = 0) {
  const viewers = [], tabs = [];
  try {
    for (const name of names) {
      if (viewers.length) await sleep(later);
      viewers.push(await come(name));
      tabs.push(await viewers.at(-1).go(path));
      if (path == 'index.html') assert.ok(await soon(() => tabs.at(-1).evaluate(() => globalThis.polycircle?.sig)), `${name} joins`);
    }
    return await body(tabs);
  } finally {
    // they say goodbye: nobody after them is offered a link to who is gone
    for (const tab of tabs) await tab.evaluate(() => globalThis.polycircle?.leave()).catch(() => {});
    for (const viewer of viewers) await viewer.close();
  }
}

/** All of a page's connections to somebody have come to nothing, and it had one. */
const gaveUp = tab => tab.evaluate(() => links.some(({ state, described }) => described && state == 'given up') && !polycircle.peers.length);

/** By which candidates (its own, the other's) each side has the link, and in how many ms since it had both descriptions. */
const row = (a, b, one, two) => ({ first: a, second: b, 'by, first': one?.by, 'by, second': two?.by, 'ms, first': one?.ms, 'ms, second': two?.ms });

/** One of each network, as the client's own signal brings them together. */
async function pair(a, b, later) {
  const wanted = meet(a, b);
  await both([`${a}-1`, `${b}-2`], 'index.html', async tabs => {
    const linked = () => Promise.all(tabs.map(tab => tab.evaluate(() => polycircle.peers.length))).then(all => all.every(Boolean));
    const met = !!await (wanted ? soon(linked) : soon(() => Promise.all(tabs.map(gaveUp)).then(all => all.every(Boolean))).then(linked));
    const [one, two] = await Promise.all(tabs.map(opened)), peer = await tabs[1].evaluate(() => Math.round(polycircle.stats().first_peer_ms));
    rows.push({ ...row(a, b, one, two), met, peer: met ? peer : undefined });
    assert.equal(met, wanted);
    for (const tab of tabs) {
      assert.ok(await soon(() => tab.evaluate(() => film.ended)), 'its film plays to the end');
      assert.equal(await tab.evaluate(() => film.error), null);
      if (!wanted) assert.equal(await tab.evaluate(() => polycircle.stats().bytes.peers), 0);
    }
  }, later);
}

for (const [a, b] of long ? NETWORKS.flatMap(a => NETWORKS.map(b => [a, b])) : [['port', 'port'], ['port', 'sym'], ['open', 'sym']])
  test(`${a} and ${b}: ${meet(a, b) ? 'they meet' : 'they do not meet, and the film plays from the host'}`, async () => pair(a, b));

if (long) test('port and port: an offer that is older than its mapping would be', async () => pair('port', 'port', 75_000));

for (const [a, b] of long ? [['dual', 'port'], ['port', 'dual'], ['six', 'dual']] : [])
  test(`${a} and ${b}: STUN by IPv4 answers 78 ms later than by IPv6`, async () => {
    await site.program(['circle', 'set', 'test', '--ice', slow.stun[0], '--ice', ice.stun[1]]);
    try { await pair(a, b); } finally { await site.program(['circle', 'set', 'test', ...ice.stun.flatMap(url => ['--ice', url])]); }
  });

/** Connects two pages by this TURN server alone, what each says carried by us. */
async function relayed(tabs, url) {
  const server = { urls: url, ...user };
  const [offer, answer] = [async ([server]) => {
    const pc = globalThis.pc = new RTCPeerConnection({ iceServers: [server] }), channel = pc.createDataChannel('c');
    channel.onopen = () => channel.send('hello');
    await pc.setLocalDescription();
    await new Promise(ok => { pc.onicegatheringstatechange = () => pc.iceGatheringState == 'complete' && ok(); setTimeout(ok, 5000); });
    return pc.localDescription.toJSON();
  }, async ([server, offer]) => {
    const pc = globalThis.pc = new RTCPeerConnection({ iceServers: [server] });
    pc.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => { globalThis.heard = data; }; };
    await pc.setRemoteDescription(offer);
    await pc.setLocalDescription();
    await new Promise(ok => { pc.onicegatheringstatechange = () => pc.iceGatheringState == 'complete' && ok(); setTimeout(ok, 5000); });
    return pc.localDescription.toJSON();
  }];
  const said = await tabs[0].evaluate(offer, [server]), back = await tabs[1].evaluate(answer, [server, said]);
  await tabs[0].evaluate(back => pc.setRemoteDescription(back), back);
  return soon(() => tabs[1].evaluate(() => globalThis.heard));
}

for (const [a, b, url] of long ? [['sym', 'sym', ice.turn], ['blocked', 'port', ice.tcp]] : []) {
  test(`${a} and ${b} by ${url}`, async () => both([`${a}-1`, `${b}-2`], 'plain.html', async tabs => {
    assert.equal(await relayed(tabs, url), 'hello');
    const [one, two] = await Promise.all(tabs.map(opened));
    rows.push({ ...row(a, b, one, two), met: 'TURN' });
    assert.match(`${one.by} ${two.by}`, /relay/);
  }));
}
