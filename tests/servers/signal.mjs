// What tests of web servers use as a client: a signal that lives by doc/PROTOCOL.md 1.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

export const hex = (bytes) => randomBytes(bytes).toString('hex');
export const any = (list) => list[Math.floor(Math.random() * list.length)];

/** One signal: does what PROTOCOL 1 asks of a client, over and over. */
export class Signal {
  token = hex(32);
  run = hex(4);
  sig = null;
  cursor = null;
  joined = false;
  joins = 0;
  answers = 0;
  /** bodies of mail: acknowledged, with whom it is for, and read */
  sent = new Map();
  read = new Set();

  constructor(server, key) {
    this.server = server;
    this.key = key;
  }

  /** @returns {Promise<boolean>} whether it was answered as a signal of the circle */
  async step(others) {
    const fields = { v: 1, token: this.token, run: this.run };
    if (this.joined) {
      if (this.cursor) fields.cursor = this.cursor;
      const other = any(others);
      if (Math.random() < 0.5 && other?.sig) fields.mail = [{ id: hex(6), to: other.sig, re: 'x', body: `kill-${hex(8)}` }];
    } else fields.key = this.key;
    let answer;
    try {
      answer = await this.server.sync(fields, { timeout: 15_000 });
    } catch {
      return false; // killed in the middle of an answer
    }
    if (answer.json?.polycircle !== 1) return false; // the web server's own 500 or 503
    if (answer.json.error) {
      assert.ok(['rejoin', 'busy'].includes(answer.json.error), `a client was told ${JSON.stringify(answer.json)}`);
      if (answer.json.error === 'rejoin') this.joined = false;
      return false;
    }
    if (!this.joined) this.joins++;
    this.joined = true;
    this.sig = answer.json.sig ?? this.sig;
    this.cursor = answer.json.cursor ?? this.cursor;
    this.answers++;
    for (const { body } of answer.json.mail ?? []) this.read.add(body);
    for (const [i, { error }] of (answer.json.sent ?? []).entries()) if (!error) this.sent.set(fields.mail[i].body, fields.mail[i].to);
    return true;
  }
}
