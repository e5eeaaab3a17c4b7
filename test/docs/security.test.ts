import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';

const rows = [
  ...readFileSync('SECURITY.md', 'utf8').matchAll(
    /^\| ([STRIDE]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| (\S+\.test\.ts): ([^|]+) \|$/gm,
  ),
].map(([, letter = '', threat = '', actor = '', defence = '', file = '', title = '']) => ({
  letter,
  threat,
  actor,
  defence,
  file,
  title: title.trim(),
}));
const table = readFileSync('SECURITY.md', 'utf8').split(/^\| \| threat.*$/m)[1] ?? '';

test('the threat model: each row of the table has actor, defence and a test', (t) => {
  const lines = table.split('\n').filter((line) => /^\| [A-Z] \|/.test(line));
  t.is(rows.length, lines.length);
  t.true(rows.length >= 30);
  t.deepEqual([...new Set(rows.map(({ letter }) => letter))].sort().join(''), 'DEIRST');
  const actors = new Set(['stranger', 'phone', 'peer', 'neighbour', 'local user', 'reader']);
  for (const { threat, actor, defence } of rows) {
    t.true(actors.has(actor), threat);
    t.true(defence.length > 10, threat);
  }
});

const kept = [
  ...readFileSync('docs/security.md', 'utf8').matchAll(/^\| [^|]+ \| [^|]+ \| [^|]+ \| (\S+\.test\.ts): ([^|]+) \|$/gm),
].map(([, file = '', title = '']) => ({ file, title: title.trim() }));

test('what is kept, and how long: each row names its test', (t) => {
  const [, text = ''] = readFileSync('docs/security.md', 'utf8').split('## What is kept');
  const lines =
    text
      .split('###')[0]
      ?.split('\n')
      .filter((line) => /^\| (?!---|what )/.test(line)) ?? [];
  t.is(kept.length, lines.length);
  t.true(kept.length >= 13);
});

const named = new Map([...rows, ...kept].map((row) => [`${row.file}: ${row.title}`, row]));

for (const [name, { file, title }] of named) {
  test(`a table of security names a test that is there: ${name}`, (t) => {
    t.true(existsSync(file));
    const titles = [...readFileSync(file, 'utf8').matchAll(/(?:\btest(?:\.serial)?\(\s*|, )(['`])(.*?)\1,/gs)];
    t.true(
      titles.some(([, , text]) => text?.includes(title)),
      'no test has that in its title',
    );
  });
}
