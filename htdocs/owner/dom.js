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

/** A place for words that is drawn anew with what it belongs to: say() speaks for it. @param {string} id */
export const note = id => make('p', { id, className: 'note' });

/** What is not right, where it belongs. @param {string} words @param {boolean} [hidden] */
export const warning = (words, hidden = false) => {
  const p = make('p', { className: 'note', hidden }, words);
  p.dataset.kind = 'bad';
  return p;
};

/** A name in a line of words: letters that run from right to left reorder nothing around it (Unicode TR 9, FSI and PDI). */
export const apart = (/** @type {string} */ name) => `\u2068${name}\u2069`;

/** A list of terms and what they are. @param {HTMLElement} dl @param {[string, string|Node][]} rows */
export const describe = (dl, rows) =>
  dl.replaceChildren(
    ...rows.map(([term, what]) => make('div', {}, make('dt', {}, term), make('dd', {}, what))),
  );

/** @param {number} n bytes */
export function size(n) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${i && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
/** @param {number} n @param {string} one */
export const count = (n, one) => `${n} ${one}${n == 1 ? '' : 's'}`;

let last = '';
/** Words under a form: what went wrong, or how it stands. Of a place that has only just come a screen reader tells no change, so #said, which
 * stays, has its words, too. @param {string} id @param {string} text @param {'bad'|'good'|''} [kind] */
export function say(id, text, kind = '') {
  const el = $(id) ?? $('inside-says'); // a circle may have gone, and its places with it
  if (text) last = el.id;
  el.textContent = text;
  el.dataset.kind = kind;
  if (!el.role && $('said')) $('said').textContent = text;
}

/** Who has only a keyboard goes on where they were, also when that was drawn anew meanwhile: at what has the same words in the same box, or
 * the same place in it; where the box has gone, at the words about it. @param {HTMLElement|null} had @returns {() => void} to be called afterwards */
function keepFocus(had) {
  const WHAT = 'button, input, textarea, select, summary, a',
    box = had?.parentElement?.closest('[id]'),
    inBox = [...(box?.querySelectorAll(WHAT) ?? [])];
  const at = had ? inBox.indexOf(had) : -1,
    words = (/** @type {Element} */ el) => el.ariaLabel ?? el.textContent;
  const name = had && words(had);
  return () => {
    const now = /** @type {HTMLElement[]} */ ([
      ...($(box?.id ?? '')?.querySelectorAll(WHAT) ?? []),
    ]);
    const next = had?.isConnected
      ? had
      : (had?.id && $(had.id)) ||
        now.find(el => words(el) && words(el) == name) ||
        now[Math.min(at, now.length - 1)];
    if (
      (at < 0 && !had?.isConnected) ||
      ![had, document.body, null].includes(/** @type {any} */ (document.activeElement))
    )
      return;
    next?.focus();
    const spoken = $(last);
    if (document.activeElement == next || !spoken) return;
    spoken.tabIndex = -1;
    spoken.focus();
  };
}

/** Draws the page's state anew; told by the page. @type {() => Promise<any>} */
let reread = async () => {};
export const onLost = (/** @type {() => Promise<any>} */ again) => {
  reread = again;
};

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
  const buttons = /** @type {HTMLButtonElement[]} */ ([...el.querySelectorAll('button:enabled')]),
    stay = keepFocus(/** @type {HTMLElement|null} */ (document.activeElement));
  say(says, '');
  for (const b of buttons) b.disabled = true;
  el.setAttribute('aria-busy', 'true');
  let why = '';
  try {
    await work();
  } catch (error) {
    const { message, code, lost } = /** @type {import('./api.js').Failure} */ (error);
    say(says, message, 'bad');
    why = code;
    if (lost)
      await reread().then(
        () => say(says, message, 'bad'),
        again => {
          why = again.code;
        },
      );
  } finally {
    for (const b of buttons) b.disabled = false;
    el.removeAttribute('aria-busy');
    stay(); // a button that rests loses the focus
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
    if (detail > 1) return; // a double click is no second thought
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
    field.setAttribute(
      'aria-describedby',
      [...new Set([...(field.getAttribute('aria-describedby') ?? '').split(' '), says])]
        .join(' ')
        .trim(),
    );
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
  const done =
    (await navigator.clipboard?.writeText(field.value).then(
      () => true,
      () => false,
    )) || document.execCommand('copy');
  say(
    says,
    done ? 'Copied.' : 'It is selected: press Ctrl+C (on a Mac: Cmd+C).',
    done ? 'good' : '',
  );
}
