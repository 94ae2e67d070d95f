/** The other proof that the site is the owner's: an empty file of a name that only this browser gets, put where nobody else can write. */
import { act, code } from './api.js';
import { $, onSubmit } from './dom.js';
import { randomHex } from '../lib/bytes.js';

const memory = randomHex(16);

/** This browser's own part of the name: nobody else's file proves anything for it. */
export function nonce() {
  try { return sessionStorage['polycircle-nonce'] ??= randomHex(16); } catch { return memory; }
}

/** The form, where there is a name. @param {{proof?: string, program?: string}} state @param {() => Promise<any>} entered with the code */
export function offerProof({ proof, program }, entered) {
  $('proof').hidden = !proof;
  if (!proof) return;
  if (program) $('proof-dir').textContent = program.replace(/[^/]*$/, '');
  $('proof-name').textContent = proof;
  const link = /** @type {HTMLAnchorElement} */ ($('proof-file'));
  link.href = URL.createObjectURL(new Blob([]));
  link.download = proof;
  onSubmit('proof-form', async () => {
    code.set((await act('prove', { nonce: nonce() })).code);
    await entered();
  });
}
