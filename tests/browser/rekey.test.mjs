// The owner renews the signing key: whoever still has the loader of before plays on, by plain HTTP or with the manifest that it has kept, and
// is mirrored again with the new one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { adopted, makeSite, makeViewer, mirrored, page, play, saved, stats, until } from './site.mjs';

let site;
before(async () => { site = await makeSite({ film: { seconds: 6 }, pages: { 'index.html': page('<video controls muted preload="metadata" src="/media/film.mp4"></video>', '%TAG%') } }); });
after(() => site?.close());

const loads = (viewer, log) => viewer.mine(log).filter(({ path }) => /\/signal$/.test(path)).length;

async function plays(tab) {
  await until(tab, 'first frame', () => film.first);
  await play(tab);
  await until(tab, 'end of the film', () => film.ended);
}

for (const again of [true, false])
  test(`a visitor ${again ? 'who was here before' : 'whose page stays open'}`, async () => {
    const viewer = await makeViewer();
    try {
      let tab = await viewer.open(site.url);
      await adopted(tab);
      await plays(tab);
      await saved(tab);
      const version = await tab.evaluate(() => polycircle.mirror.version), known = loads(viewer, await site.log());
      await site.program(['circle', 'rekey', 'test']);
      if (again) {
        await viewer.restart();  // the loader is in the browser's cache, for five minutes
        tab = await viewer.open(site.url);
        await plays(tab);
        assert.equal(loads(viewer, await site.log()), known, 'it had the loader of before');
        assert.ok(await tab.evaluate(() => (polycircle.mirror?.version ?? 0)) <= version, 'which refuses the manifest of now');
      } else {
        await tab.evaluate(() => { film.ended = false; document.querySelector('video').currentTime = 0; });
        await plays(tab);
      }
      // five minutes later
      tab = await viewer.tab();
      const devtools = await tab.context().newCDPSession(tab);
      await devtools.send('Network.enable');
      await devtools.send('Network.setCacheDisabled', { cacheDisabled: true });
      await viewer.page.close();
      await tab.goto(site.url);
      await mirrored(tab);
      await adopted(tab);
      await plays(tab);
      assert.ok(await tab.evaluate(() => polycircle.mirror.version) > version);
      // a page that is busy for 50 ms when its player asks lets the origin begin, until it takes over
      const { bytes, media: [{ size }] } = await stats(tab);
      assert.ok(bytes.storage > 0.7 * size && (bytes.origin == 0 || !process.env.POLYCIRCLE_LONG), `the film is the same, and was kept: ${JSON.stringify(bytes)} of ${size}`);
      assert.deepEqual(viewer.lines.filter(line => /^pageerror/.test(line)), []);
    } finally { await viewer.close(); }
  });
