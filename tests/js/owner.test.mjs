// The owner's pages: what somebody types as a folder, what lies below it, whether a page holds the line.
import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.location ??= /** @type {any} */ (new URL('https://site.example/cgi-bin/polycircle.fcgi/setup'));
const { clean, sums } = await import('../../htdocs/owner/folder.js');
const { holds, home, lines } = await import('../../htdocs/owner/tag.js');
const { size } = await import('../../htdocs/owner/dom.js');

test('a folder as people type it', () => {
  for (const [typed, path] of [['films', 'films'], ['/films/', 'films'], [' films/new ', 'films/new'], ['https://site.example/films/', 'films'], ['./films', 'films'],
    ['films//new', 'films/new'], ['', ''], ['/', ''], ['../x', '../x']]) assert.equal(clean(typed), path, typed);
});

test('what is below counts for those above', () => {
  const got = sums([['', 1, 5], ['a', 0, 0], ['a/b', 2, 20], ['a/b/c', 1, 7], ['empty', 0, 0]]);
  assert.deepEqual(got, [['a', { files: 3, bytes: 27 }], ['a/b', { files: 3, bytes: 27 }], ['a/b/c', { files: 1, bytes: 7 }]]);
});

test('the line in a page', () => {
  const key = 'k-Y_1', tag = `<script src="https://site.example/cgi-bin/polycircle.fcgi/signal?${key}"></script>`;
  assert.ok(holds(`<html><head>\n${tag}</head>`, key));
  assert.ok(holds(`<script\n defer src=/signal.js?api_key=${key}></script>`, key));
  assert.ok(!holds(`<!-- ${tag} -->`, key));
  assert.ok(!holds(tag, 'other'));
  assert.ok(!holds(`&lt;script src="signal?${key}"`, key));
});

test('which line it is', () => {
  const c = /** @type {any} */ ({ api_key: 'k', url: '/films/' }), at = home(['https://site.example/x/', 'https://a.example/']);
  assert.equal(at, 'https://site.example/x/');
  assert.deepEqual(lines(c, at), { tag: '<script src="https://site.example/x/signal?k"></script>', worker: '' });
  assert.deepEqual(lines({ ...c, url: 'https://www.site.example/films/' }, at), { worker: "importScripts('https://site.example/x/circle-sw.js')",
    tag: '<script src="https://site.example/x/signal?k" data-worker="/polycircle-sw.js"></script>' });
});

test('sizes', () => assert.deepEqual([0, 999, 1500, 25_000_000, 7_300_000_000].map(size), ['0 bytes', '999 bytes', '1.5 kB', '25 MB', '7.3 GB']));
