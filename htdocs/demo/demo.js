// The demo page's own words and buttons: what an owner might write around the
// package. It only uses window.polycircle, and the page works without it.

/** @typedef {{bytes: {storage: number, peers: number, origin: number}, uploaded: number, first_peer_ms: number | null}} Stats */
/** @typedef {EventTarget & {sig: string, out: Set<string>, role: string, peers: {sig: string}[], loaded: Promise<void>, stats(): Stats, mirroring(): Promise<boolean>,
 *   leave(): Promise<void> | void, join(): Promise<void> | void}} Circle */

/** @param {string} id */
const element = id => /** @type {HTMLElement} */ (document.getElementById(id));
const drop = /** @type {HTMLButtonElement} */ (element('drop'));

/** @param {number | null | undefined} ms */
function seconds(ms) {
  return ms === null || ms === undefined ? '–' : `${(ms / 1000).toFixed(2)} s`;
}

/** @param {string} text @param {string} [kind] */
function say(text, kind = '') {
  const line = element('state');
  if (line.textContent !== text) line.textContent = text;
  line.className = `state ${kind}`;
}

function otherName() {
  const url = new URL(location.href);
  const names = ['localhost', '127.0.0.1'];
  if (!names.includes(url.hostname)) return null;
  url.hostname = names[1 - names.indexOf(url.hostname)];
  return url.href;
}

let away = false;

/** @param {Circle} circle */
function show(circle) {
  const { first_peer_ms } = circle.stats();
  const peers = circle.peers.length;
  element('first-peer').textContent = seconds(first_peer_ms);
  element('links').textContent = String(peers);
  element('role').textContent = away ? 'none' : circle.role === 'greeter' ? 'greeter' : 'viewer';
  if (!away && !circle.sig && circle.role !== 'tab')
    say(
      circle.out.size
        ? 'Not in the circle, as you said: the film comes from the server.'
        : 'Not in the circle yet.',
      'alone',
    );
  else if (away) say('Dropped out. The others have noticed; their film goes on.', 'alone');
  else if (peers)
    say(`In the circle, connected to ${peers} other ${peers === 1 ? 'viewer' : 'viewers'}.`, 'on');
  else say('In the circle, and the only one so far. Open a second viewer.', 'on');
}

/** @param {Circle} circle */
function start(circle) {
  const update = () => show(circle);
  for (const type of ['join', 'peer', 'leave']) circle.addEventListener(type, update);
  setInterval(update, 1000);
  drop.disabled = false;
  drop.addEventListener('click', async () => {
    drop.disabled = true;
    away = !away;
    drop.textContent = away ? 'Join again' : 'Drop out';
    await (away ? circle.leave() : circle.join());
    drop.disabled = false;
    update();
  });
  update();
}

/** Resolves when the package has come; polls beside the event, which may be over. */
function circleHere() {
  return new Promise(resolve => {
    const look = () => {
      const circle = /** @type {any} */ (window).polycircle;
      if (!circle) return;
      clearInterval(timer);
      document.removeEventListener('polycircle', look);
      resolve(circle);
    };
    const timer = setInterval(look, 200);
    document.addEventListener('polycircle', look);
    look();
  });
}

/** A picture that is lazy and hidden is not asked for. */
function showPictures() {
  for (const image of document.querySelectorAll('img')) image.hidden = false;
}

/** Resolves when somebody comes to them. */
function atPictures() {
  return /** @type {Promise<void>} */ (
    new Promise(resolve => {
      new IntersectionObserver((entries, observer) => {
        if (!entries.some(entry => entry.isIntersecting)) return;
        observer.disconnect();
        resolve();
      }).observe(element('pictures'));
    })
  );
}

const late = () => new Promise(resolve => setTimeout(resolve, 8000));

const other = otherName();
const second = /** @type {HTMLAnchorElement} */ (element('second'));
if (other) {
  second.href = other;
  element('second-note').textContent =
    `At ${new URL(other).host}: another name, so another browser storage.`;
} else {
  second.href = location.href;
  element('second-note').textContent =
    'Open it in another browser or a private window: one browser is one viewer.';
}

if (document.querySelector('script[src*="/signal"]')) {
  const here = circleHere();
  here.then(start);
  late().then(() => {
    if (!(/** @type {any} */ (window).polycircle))
      say('The circle did not answer: the film comes from the server as on any site.', 'alone');
  });
  const mirror = here.then(circle => Promise.all([circle.loaded, circle.mirroring()]));
  Promise.all([atPictures(), Promise.race([mirror, late()])]).then(showPictures, showPictures);
} else {
  showPictures();
  document.body.classList.add('plain');
  say('The tag is switched off: every byte of this page comes from the server.', 'alone');
}
