/** WebRTC as the client uses it: one RTCPeerConnection with one negotiated channel. Decides how long gathering and connecting take, between whom it
 * succeeds (lines.mjs), and what an end hears when the other closes, goes without a word, or sleeps. */
import { between, chance, hexDigits, lognormal } from './chance.mjs';
import { LINK, meets } from './lines.mjs';
import { MatterBuffer, spoiled } from './matter.mjs';
import { Flow } from './network.mjs';

const SIGMA = Math.log(LINK.connect[1] / LINK.connect[0]) / 1.6449;

/** @param {import('./matter.mjs').MatterBuffer} buffer @returns {number} bytes of the film in it */
const filmBytes = buffer => buffer.spans.reduce((sum, { from, to }) => sum + to - from, 0);

class Channel {
  readyState = 'connecting';
  binaryType = 'arraybuffer';
  bufferedAmountLowThreshold = 0;
  onopen = /** @type {any} */ (null);
  onclose = /** @type {any} */ (null);
  onmessage = /** @type {any} */ (null);
  onbufferedamountlow = /** @type {any} */ (null);
  flow = /** @type {Flow | null} */ (null);
  #pc;
  /** @param {Connection} pc */
  constructor(pc) {
    this.#pc = pc;
  }
  get bufferedAmount() {
    return this.flow?.buffered ?? 0;
  }
  send(/** @type {any} */ data) {
    if (this.readyState != 'open') throw new Error('InvalidStateError');
    const { world, page } = this.#pc;
    const matter = data instanceof MatterBuffer,
      size = matter ? data.byteLength : (data.length ?? data.byteLength),
      film = matter ? filmBytes(data) : 0;
    world.measure.says(page, size, film);
    this.flow?.send(matter && page.person.lies ? spoiled(data) : data, size, film);
  }
  drained(/** @type {number} */ before) {
    const low = this.bufferedAmountLowThreshold;
    if (before <= low || this.bufferedAmount > low) return;
    this.#pc.later(0, () => this.onbufferedamountlow?.({}));
  }
  closed() {
    if (this.readyState == 'closed') return;
    this.readyState = 'closed';
    this.flow?.close();
    this.onclose?.({});
  }
}

/** What a page knows as RTCPeerConnection. */
export class Connection {
  connectionState = 'new';
  signalingState = 'stable';
  iceGatheringState = 'new';
  localDescription = /** @type {{type: string, sdp: string} | null} */ (null);
  onconnectionstatechange = /** @type {any} */ (null);
  onicecandidate = /** @type {any} */ (null);
  onicegatheringstatechange = /** @type {any} */ (null);
  other = /** @type {Connection | null} */ (null);
  #wants = '';
  #candidates = /** @type {string[]} */ ([]);
  #channel = /** @type {Channel | null} */ (null);
  /** @param {import('./simulate.mjs').World} world @param {any} page */
  constructor(world, page) {
    this.world = world;
    this.page = page;
    this.ufrag = hexDigits(page.roll, 8);
    this.print = hexDigits(page.roll, 64)
      .toUpperCase()
      .replace(/..(?=.)/g, '$&:');
    world.connections.set(this.ufrag, this);
    world.measure.connections++;
  }
  later(/** @type {number} */ ms, /** @type {() => void} */ act) {
    return this.world.clock.after(ms, this.page, act);
  }
  get closed() {
    return this.signalingState == 'closed';
  }
  createDataChannel() {
    return (this.#channel = new Channel(this));
  }
  async setLocalDescription() {
    const type = this.signalingState == 'have-remote-offer' ? 'answer' : 'offer';
    await new Promise(ok => this.later(LINK.setup, () => ok(0)));
    if (this.closed) throw new Error('InvalidStateError');
    this.signalingState = type == 'offer' ? 'have-local-offer' : 'stable';
    this.#describe(type);
    this.#gather(type);
    if (type == 'answer') this.#meet();
  }
  async setRemoteDescription(/** @type {{type: string, sdp: string}} */ { type, sdp }) {
    await new Promise(ok => this.later(LINK.setup, () => ok(0)));
    if (this.closed) throw new Error('InvalidStateError');
    this.#wants = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '';
    this.signalingState = type == 'offer' ? 'have-remote-offer' : 'stable';
    if (type == 'answer') this.#meet();
  }

  #describe(/** @type {string} */ type) {
    const sdp = [
      'a=ice-ufrag:' + this.ufrag,
      'a=ice-pwd:' + this.ufrag.repeat(3),
      'a=fingerprint:sha-256 ' + this.print,
      ...this.#candidates,
      '',
    ].join('\r\n');
    this.localDescription = { type, sdp };
  }

  #gather(/** @type {string} */ type) {
    const { node } = this.page,
      { address, nat, id } = node.person;
    this.iceGatheringState = 'gathering';
    const found = (/** @type {string} */ ip, /** @type {string} */ kind) => {
      if (this.closed) return;
      this.#candidates.push(
        `a=candidate:1 1 udp 1 ${ip} ${1024 + this.#candidates.length} typ ${kind}`,
      );
      this.#describe(type);
      this.onicecandidate?.({});
    };
    this.later(1, () =>
      found(`00000000-0000-4000-8000-${String(id).padStart(12, '0')}.local`, 'host'),
    );
    if (nat == 'blocked') return; // and no end of it before the client gives up
    this.later(2 * node.delay + LINK.stun, () => {
      found(address, 'srflx');
      this.iceGatheringState = 'complete';
      this.onicegatheringstatechange?.({});
    });
  }

  /** The second one that has both descriptions begins. */
  #meet() {
    const other = this.world.connections.get(this.#wants);
    this.#state('connecting');
    if (!other || other.closed || other.#wants != this.ufrag || this.other) return;
    this.other = other;
    other.other = this;
    const a = this.page.node,
      b = other.page.node,
      near = a.person.address == b.person.address;
    const ids = [a.person.id, b.person.id].sort((x, y) => x - y),
      roll = chance(this.world.seed, 'connect', ...ids, this.world.measure.connections);
    const ms = near ? between(roll, 20, 80) : lognormal(roll, LINK.connect[0], SIGMA);
    const works = ms < LINK.giveUp && (near || meets(a.person.nat, b.person.nat));
    this.world.measure.attempts++;
    for (const end of [this, other]) end.later(works ? ms : LINK.giveUp, () => end.#ends(works));
  }

  /** The attempt does. */
  #ends(/** @type {boolean} */ works) {
    if (works) this.#opens();
    else this.#state('failed');
  }

  #opens() {
    const { other, world } = this;
    if (this.closed || !other || other.closed || !this.page.node.online) return;
    const channel = /** @type {Channel} */ (this.#channel),
      theirs = /** @type {Channel} */ (other.#channel),
      from = this.page.node,
      to = other.page.node;
    channel.flow = new Flow(
      world.network,
      from,
      to,
      world.network.way(from, to),
      message => {
        if (theirs.readyState == 'open') {
          world.measure.hears(this.page, other.page, message);
          theirs.onmessage?.({ data: message.data });
        }
      },
      before => channel.drained(before),
    );
    this.#state('connected');
    channel.readyState = 'open';
    if (theirs.flow) world.measure.links++;
    channel.onopen?.({});
  }

  #state(/** @type {string} */ state) {
    if (this.closed || this.connectionState == state) return;
    this.connectionState = state;
    this.onconnectionstatechange?.({});
  }

  close() {
    if (this.closed) return;
    const { other, world } = this,
      open = this.#channel?.readyState == 'open';
    this.#end();
    if (!open || !other || !this.page.node.online) return;
    const way = world.network.way(this.page.node, other.page.node);
    other.later(way, () => other.page.node.online && other.#hangsUp());
  }
  /** The other has closed. */
  #hangsUp() {
    if (this.closed) return;
    this.#channel?.closed();
    this.#state('closed');
  }

  #end() {
    this.signalingState = 'closed';
    this.connectionState = 'closed';
    this.world.connections.delete(this.ufrag);
    const channel = this.#channel;
    if (!channel) return;
    channel.flow?.close();
    channel.readyState = 'closed';
  }

  /** The other end is silent, from now on: it has gone, or sleeps. */
  silent() {
    this.later(LINK.silent, () => this.#silence() && this.#state('disconnected'));
    this.later(LINK.dead, () => this.#silence() && this.#state('failed'));
  }
  #silence() {
    const { other } = this;
    return !this.closed && !!other && (other.closed || other.page.gone || !other.page.node.online);
  }
  /** Both can hear each other again. */
  wakes() {
    if (this.closed || !this.other || this.other.closed) return this.#state('failed');
    this.#channel?.flow?.resume();
    if (this.connectionState == 'disconnected') this.#state('connected');
  }
}

/** All of a page's neighbours hear nothing from it any more. @param {import('./simulate.mjs').World} world @param {any} page */
export function silence(world, page) {
  for (const pc of world.connections.values()) if (pc.page == page) pc.other?.silent();
}

/** @param {import('./simulate.mjs').World} world @param {any} page */
export function wake(world, page) {
  for (const pc of [...world.connections.values()])
    if (pc.page == page && pc.other)
      for (const end of [pc, pc.other]) end.later(0, () => end.wakes());
}
