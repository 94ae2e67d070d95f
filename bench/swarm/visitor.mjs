/** One visitor's life: decides when he opens which page, plays, jumps, sleeps and goes. What brings his player the bytes is a client: plain HTTP, or
 * ours.
 * @typedef {{get(at: number): Promise<any>, leave(): void}} Client get: the answer to a player's request for bytes=at-; leave: the page goes */
import { chance } from './chance.mjs';
import { furnish, getOther } from './browser.mjs';
import { HOST, VISITS } from './lines.mjs';
import { Node } from './network.mjs';
import { Player } from './player.mjs';
import { silence, wake } from './webrtc.mjs';

export class Visitor {
  session = {};
  store = /** @type {any} */ (null);
  player = /** @type {Player | null} */ (null);
  page = /** @type {any} */ (null);
  left = false; // for good
  gaveUp = false; // no first frame in time
  #reading = 0; // which request it is that reads,
  #reader = /** @type {any} */ (null); // and what it reads
  /** @param {import('./simulate.mjs').World} world @param {import('./people.mjs').Person} person @param {{open(page: any): Promise<Client>}} kind */
  constructor(world, person, kind) {
    this.world = world;
    this.person = person;
    this.kind = kind;
    this.node = new Node(person, world.scene.grain);
    this.roll = chance(world.scene.seed, 'visitor', person.id);
  }

  /** The pages before that with the film, then that one. */
  arrive([stay, ...rest] = this.person.pages) {
    this.#open(stay === undefined);
    if (stay === undefined) return;
    this.world.clock.after(stay, null, () => {
      this.#leave(true);
      this.arrive(rest);
    });
  }

  /** A page of its own: what was another's stays behind with it. @param {boolean} film whether it is in it */
  #open(film) {
    const { world, person, node, roll } = this;
    const page = /** @type {any} */ ({
      visitor: this,
      person,
      node,
      roll,
      gone: false,
      sleepsUntil: 0,
      client: null,
    });
    this.page = node.owner = page;
    furnish(world, page);
    world.clock.after(0, page, async () => {
      await getOther(world, page, HOST.page);
      if (film) this.#player(page);
      page.client = await this.kind.open(page);
      if (film) this.#watch(page.client);
    });
  }

  #player(/** @type {any} */ page) {
    const { clock, film } = this.world,
      { person } = this;
    const player = (this.player = new Player(clock, page, film, () =>
      clock.after(0, null, () => this.#leave(true, true)),
    ));
    page.players.push(player);
    for (const { after, to } of person.seeks) clock.after(after, page, () => this.#seek(to));
    for (const nap of person.naps) clock.after(nap.after, null, () => this.#sleep(nap));
    if (!person.patient) clock.after(VISITS.patience.after * 1000, page, () => this.#waits());
    if (person.leaves < Infinity) this.#leaves();
  }

  /** Reads on from where the player is, until another request takes its place. @param {Client} client */
  async #watch(client) {
    const { page, world } = this,
      player = /** @type {Player} */ (this.player),
      turn = ++this.#reading,
      on = () => turn == this.#reading && !page.gone;
    this.#reader?.cancel();
    this.#reader = null;
    for (let tries = 0; on() && tries < 5 && player.wants < world.film.size; tries++) {
      try {
        const reader = (await client.get(player.wants)).body.getReader();
        if (!on()) return void reader.cancel();
        this.#reader = reader;
        while (await this.#reads(player, reader, on)) tries = 0;
      } catch (error) {
        world.measure.warns(`player: ${/** @type {Error} */ (error).message}`);
        await new Promise(ok => world.clock.after(1000, page, () => ok(0)));
      }
    }
  }

  /** @param {Player} player @param {any} reader @param {() => boolean} on @returns {Promise<boolean>} whether something came */
  async #reads(player, reader, on) {
    await player.room();
    if (!on()) return false;
    const { done, value } = await reader.read();
    if (done || !on()) return false;
    player.came(value.length);
    return true;
  }

  #seek(/** @type {number} */ to) {
    const { page } = this,
      player = /** @type {Player} */ (this.player),
      last = this.world.film.seconds * 0.9;
    const place = Math.min(last, Math.max(0, to < 0 ? player.at + to : to));
    if (page.client && player.seek(place)) this.#watch(page.client);
  }

  /** Who has no first frame goes, the longer he waits the likelier. */
  #waits() {
    const { player, page, world } = this;
    if (this.left || player?.first != null) return;
    this.gaveUp = this.roll() < VISITS.patience.rate;
    if (this.gaveUp) return void world.clock.after(0, null, () => this.#leave(true, true));
    world.clock.after(1000, page, () => this.#waits());
  }

  /** Goes when so much was seen. */
  #leaves() {
    const { person, page, world } = this,
      left = person.leaves - (this.player?.at ?? 0);
    if (left > 0)
      return void world.clock.after(Math.max(250, left * 1000), page, () => this.#leaves());
    world.clock.after(0, null, () => this.#leave(person.polite, true));
  }

  /** A lid is closed, or a tab frozen. @param {{ms: number, tab: boolean}} nap */
  #sleep({ ms, tab }) {
    const { page, node, world } = this;
    if (this.left) return;
    page.sleepsUntil = world.clock.now + ms;
    if (tab) return;
    node.online = false;
    silence(world, page);
    world.clock.after(ms, null, () => {
      node.online = true;
      wake(world, page);
    });
  }

  /** The page ends. @param {boolean} polite it has the time to say so @param {boolean} [forGood] */
  #leave(polite, forGood = false) {
    const { page, world } = this;
    if (page.gone || this.left) return;
    this.left = forGood;
    if (forGood) this.player?.close();
    const end = () => {
      if (!polite) silence(world, page);
      page.gone = true;
      for (const stop of page.requests) stop();
    };
    if (!polite) return end();
    world.clock.owner = page; // whose event this becomes
    page.client?.leave();
    world.clock.after(0, null, end);
  }
}
