// Who comes. settings: of the browser's context, `init` are scripts that take something away; before(visitor, run, page): what happened
// to that browser earlier, with the tag or without.

/** It was here before, and the worker has come meanwhile. */
async function came(v) {
  const tab = await v.open('/');
  await tab.evaluate(async () => {
    if (globalThis.polycircleTags && navigator.serviceWorker) await lab.until(() => navigator.serviceWorker.controller && globalThis.polycircle?.mirror?.version, 6000);
    await lab.sleep(300);
  });
  await leaves(v);
}

/** The tab is closed, and another opened. */
async function leaves(v) {
  await v.tab.close();
  await v.another();
}

/** Another visitor of the same site, who has the film and stays. Without the tag there is nobody. `slow`: bytes a second that it gives. */
const beside = slow => async function neighbour(v, run, page, lab) {
  await came(v);
  if (!run.tagged) return;
  const other = await lab.makeVisitor(run, slow && { init: [[rate => {
    const { send } = RTCDataChannel.prototype;
    let free = 0;
    RTCDataChannel.prototype.send = function (data) {
      free = Math.max(free, performance.now());
      const wait = free - performance.now();
      free += ((data.byteLength ?? data.length) / rate) * 1000;
      setTimeout(() => { if (this.readyState == 'open') send.call(this, data); }, wait);
    };
  }, slow]] });
  v.beside = other;
  const tab = await other.open('/');
  await tab.evaluate(async () => {
    await lab.until(() => navigator.serviceWorker.controller && globalThis.polycircle?.mirror?.version, 6000);
    await lab.get('/media/film.mp4');
  });
  run.mark = run.log.length;
};

export const visitors = {
  first: {},
  second: { before: came },
  'saw it all before': { async before(v, run, page) {
    await page.act(v, run);
    await leaves(v);
  } },
  'storage blocked': { settings: { init: [() => {
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches']) Object.defineProperty(globalThis, name, { get() { throw new DOMException('no', 'SecurityError'); } });
  }] } },
  'storage full': { before: came, settings: { init: [() => {
    IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };
    Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
  }] } },
  'no RTCPeerConnection': { settings: { init: [() => { delete globalThis.RTCPeerConnection; }] } },
  'no Ed25519': { settings: { init: [() => {
    const { importKey } = SubtleCrypto.prototype;
    SubtleCrypto.prototype.importKey = function (...how) { return how[2] == 'Ed25519' ? Promise.reject(new DOMException('no', 'NotSupportedError')) : importKey.apply(this, how); };
  }] } },
  'no Web Locks': { before: came, settings: { init: [() => { Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }); }] } },
  'no service workers': { settings: { init: [() => { delete Navigator.prototype.serviceWorker; }] } },
  'another tab open': { async before(v) {
    await v.open('/');
    await v.tab.evaluate(() => lab.sleep(1500));
    await v.another();
  } },
  'with a neighbour': { before: beside(0) },
  'with a slow neighbour': { before: beside(50_000) },
  'comes back from another page': { async before(v) {
    await came(v);
    const { open } = v;
    v.open = async path => { await open(path); await v.tab.evaluate(() => lab.sleep(300)); await v.back(); return v.tab; };
  } },
  'the worker was stopped': { async before(v) {
    await came(v);
    const session = await v.context.newCDPSession(v.tab);
    await session.send('ServiceWorker.enable');
    await session.send('ServiceWorker.stopAllWorkers');
    await session.detach();
  } },
  'had its own worker before': { async before(v) {
    const tab = await v.open('/plain');
    await tab.evaluate(() => navigator.serviceWorker.register('/own.js').then(() => navigator.serviceWorker.ready));
    await leaves(v);
  } },
};
