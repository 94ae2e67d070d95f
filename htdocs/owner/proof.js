/** The other proof that the site is the owner's: an empty file of a name that only this browser gets, put where nobody else can write. */
import { act, code } from './api.js';
import { $, onSubmit } from './dom.js';
import { randomHex } from '../util/bytes.js';

const ours = randomHex(16);

/** This page's own part of the name: nobody else's file proves anything for it, and nobody can read it (api.js). */
export const nonce = () => ours;

/** @param {{proof?: string, program?: string}} state */
function show({ proof, program }) {
  $('proof').hidden = !proof;
  if (!proof) return;
  if (program) $('proof-dir').textContent = program.replace(/[^/]*$/, '');
  $('proof-name').textContent = proof;
  /** @type {HTMLAnchorElement} */ ($('proof-file')).download = proof;
}

/** The name is made of the code, and another one once somebody has changed that. @returns {Promise<boolean>} it is another one now */
async function renew() {
  const before = $('proof-name').textContent,
    state = await act('state', { nonce: nonce() }).catch(() => null);
  if (state?.proof) show(state);
  return before != $('proof-name').textContent;
}

/** The form, where there is a name. @param {{proof?: string, program?: string}} state @param {() => Promise<any>} entered with the code */
export function offerProof(state, entered) {
  show(state);
  if (!state.proof) return;
  /** @type {HTMLAnchorElement} */ ($('proof-file')).href = URL.createObjectURL(new Blob([]));
  $('proof').addEventListener('toggle', renew);
  document.addEventListener('wrong-code', renew);
  onSubmit('proof-form', async () => {
    const proved = await act('prove', { nonce: nonce() }).catch(async error => {
      if (await renew())
        error.message =
          'The code was changed meanwhile, and the file has another name now: see above. Upload one of that name, then press again.';
      throw error;
    });
    code.set(proved.code);
    await entered();
  });
}
