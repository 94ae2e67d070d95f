// tools/server-conf: each setting of an example is replaced once, by its name, whatever the paths look like.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = new URL('../..', import.meta.url).pathname, kinds = readdirSync(join(root, 'cgi-bin')).filter(name => name.endsWith('.conf')).map(name => name.slice(0, -5));
// each holds the examples' own values, as the demo's default directory does, and what a pattern would stumble over
const paths = { cgi: '/var/lib/polycircle-demo/usr/lib/cgi-bin', data: '/var/lib/polycircle-demo/a|b&c\\1', run: '/run/polycircle/socket/run/fcgiwrap.socket' };
const bare = text => text.split('\n').filter(line => !/^\s*#/.test(line));

test('there are examples', () => assert.ok(kinds.length >= 6, String(kinds)));
for (const kind of kinds)
  test(kind, () => {
    const example = bare(readFileSync(join(root, 'cgi-bin', `${kind}.conf`), 'utf8'));
    const made = bare(execFileSync(join(root, 'tools/server-conf'), [kind, '--port', '80', '--site', '/site', ...Object.entries(paths).flatMap(([name, path]) => [`--${name}`, path])], { encoding: 'utf8' }));
    const ours = made.filter(line => !example.includes(line)), changed = example.filter(line => line && !made.includes(line));
    assert.ok(changed.length > 0, 'settings were changed');
    for (const line of changed) {
      const name = /^\s*(var\.\w+ = |Define \w+ |fastcgi_param \w+ |fastcgi_pass unix:)/.exec(line)?.[0];
      assert.ok(name, `${line}: a setting`);
      const [now, ...more] = ours.filter(other => other.startsWith(name));
      assert.deepEqual(more, [], 'once');
      const value = now.slice(name.length).replace(/^"|"$|;$/g, '');
      assert.ok([`${paths.cgi}`, `${paths.cgi}/polycircle.fcgi`, paths.data, `${paths.run}/polycircle`, `${paths.run}/fcgiwrap`].includes(value), now);
    }
    assert.deepEqual(made.filter(line => /polycircle_data|POLYCIRCLE_DATA/.test(line) && /\/var\/lib\/polycircle(?!-demo)/.test(line)), [], 'no default is left');
  });
