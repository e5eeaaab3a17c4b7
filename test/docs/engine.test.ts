import { readFileSync } from 'node:fs';
import test from 'ava';

const page = readFileSync('docs/engine.md', 'utf8');

test('every difference from drachtio-server names a test that exists', (t) => {
  const rows = [...page.matchAll(/\| `(test\/[^`]+)`: ([^|]+?) \|$/gm)];
  t.true(rows.length >= 30);
  for (const [, file = '', title = ''] of rows) t.true(readFileSync(file, 'utf8').includes(title), `${file}: ${title}`);
});

test('every option of the command that the page names is one', (t) => {
  const program = readFileSync('src/cli/program.ts', 'utf8');
  const named = new Set([...page.matchAll(/`(--[a-z-]+)/g)].map(([, option = '']) => option));
  t.true(named.size > 4);
  for (const option of named) t.true(program.includes(`'${option} `) || program.includes(`'${option}'`), option);
});
