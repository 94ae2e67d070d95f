/** What the owner's pages do with the document. Nothing is ever made from markup in a text. */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export const $ = id => /** @type {any} */ (document.getElementById(id));
/** @param {string} id @returns {HTMLInputElement} */
export const input = id => /** @type {HTMLInputElement} */ ($(id));

/** @param {string} tag @param {Record<string, any>} [properties] @param {...(Node|string)} children @returns {any} */
export function make(tag, properties = {}, ...children) {
  const el = Object.assign(document.createElement(tag), properties);
  el.append(...children);
  return el;
}

/** A list of terms and what they are. @param {HTMLElement} dl @param {[string, string|Node][]} rows */
export const describe = (dl, rows) => dl.replaceChildren(...rows.map(([term, what]) => make('div', {}, make('dt', {}, term), make('dd', {}, what))));

/** @param {number} n bytes */
export function size(n) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${i && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
/** @param {number} n @param {string} one */
export const count = (n, one) => `${n} ${one}${n == 1 ? '' : 's'}`;

/** Words under a form: what went wrong, or how it stands. @param {string} id @param {string} text @param {'bad'|'good'|''} [kind] */
export function say(id, text, kind = '') {
  const el = $(id);
  el.textContent = text;
  el.dataset.kind = kind;
}

/** A form that works off one press at a time and says why it failed. @param {string} id @param {() => Promise<any>} work */
export function onSubmit(id, work) {
  const form = /** @type {HTMLFormElement} */ ($(id));
  form.addEventListener('submit', async e => {
    e.preventDefault();
    await busy(form, `${id}-says`, work);
  });
}
/** @param {HTMLElement} el whose buttons rest meanwhile @param {string} says @param {() => Promise<any>} work */
export async function busy(el, says, work) {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...el.querySelectorAll('button')]), had = /** @type {HTMLElement|null} */ (document.activeElement);
  say(says, '');
  for (const b of buttons) b.disabled = true;
  el.setAttribute('aria-busy', 'true');
  let why = '';
  try {
    await work();
  } catch (error) {
    say(says, /** @type {Error} */ (error).message, 'bad');
    why = /** @type {any} */ (error).code;
  } finally {
    for (const b of buttons) b.disabled = false;
    el.removeAttribute('aria-busy');
    // a button that rests loses the focus, and with it who has only a keyboard their place
    if (document.activeElement == had || document.activeElement == document.body) had?.focus();
    if (why == 'wrong_code') wrong(el, says);
  }
}

const SURE_MS = 20000;
/** Works at a press, or where `sure` has words, at the second one. @param {HTMLButtonElement} button @param {HTMLElement} box @param {string} says
 * @param {string} sure @param {() => Promise<any>} run */
export function onPress(button, box, says, sure, run) {
  let asked = -Infinity;
  button.addEventListener('click', ({ detail }) => {
    if (!sure) return void busy(box, says, run);
    if (detail > 1) return;  // a double click is no second thought
    const again = performance.now() - asked < SURE_MS && $(says).textContent == sure;
    asked = again ? -Infinity : performance.now();
    again ? busy(box, says, run) : say(says, sure, 'bad');
  });
}

/** Back to the field, with what is in it to be typed over. @param {HTMLElement} el @param {string} says */
function wrong(el, says) {
  const field = /** @type {HTMLInputElement|null} */ (el.querySelector('input:not([hidden])'));
  if (field) {
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', [...new Set([...(field.getAttribute('aria-describedby') ?? '').split(' '), says])].join(' ').trim());
    field.addEventListener('input', () => field.removeAttribute('aria-invalid'), { once: true });
    field.focus();
    field.select();
  }
  document.dispatchEvent(new Event('wrong-code'));
}

/** Also where the page may not write to the clipboard: then it is selected. @param {HTMLInputElement|HTMLTextAreaElement} field @param {string} says */
export async function copy(field, says) {
  field.focus();
  field.select();
  const done = await navigator.clipboard?.writeText(field.value).then(() => true, () => false) || document.execCommand('copy');
  say(says, done ? 'Copied.' : 'It is selected: press Ctrl+C (on a Mac: Cmd+C).', done ? 'good' : '');
}
