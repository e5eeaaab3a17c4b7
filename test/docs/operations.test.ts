import { readFileSync } from 'node:fs';
import test from 'ava';
import { makeProgram } from '../../src/cli/program.js';

const text = readFileSync('docs/operations.md', 'utf8');

test('docs/operations.md uses commands and options that there are', (t) => {
  const program = makeProgram(() => {});
  const lines = [...text.matchAll(/^\$ callwake (.+)$|`callwake ([^`]+)`/gm)].map(([, a, b]) => a ?? b ?? '');
  t.true(lines.length >= 20);
  for (const line of lines) {
    const [name, ...words] = line.split(' ');
    const command = program.commands.find((entry) => entry.name() === name);
    if (command === undefined) t.fail(`there is no callwake ${name}`);
    for (const flag of words.filter((word) => word.startsWith('--'))) {
      t.true(command?.options.some(({ long }) => long === flag) ?? false, line);
    }
  }
});
