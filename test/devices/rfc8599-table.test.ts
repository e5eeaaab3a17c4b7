import { readFileSync } from 'node:fs';
import test from 'ava';
import { type Shape, shapeAt } from '../../src/config/shape.js';

const TABLE = readFileSync('docs/rfc8599.md', 'utf8');
const ROWS = TABLE.split('\n').flatMap((line) => {
  const [, rule, , , , setting, tests] = line.split('|').map((cell) => cell.trim());
  return rule !== undefined && /^P\d+$/.test(rule) ? [{ rule, setting: setting ?? '', tests: tests ?? '' }] : [];
});

test('the table has a row for each rule, in order', (t) => {
  t.deepEqual(
    ROWS.map(({ rule }) => rule),
    Array.from({ length: 41 }, (_, index) => `P${index + 1}`),
  );
});

for (const { rule, tests } of ROWS) {
  test(`${rule} has tests, and each file named in its row has one of that name`, (t) => {
    const files = tests.split(',').map((file) => file.trim());
    t.true(files.length > 0 && files[0] !== '');
    for (const file of files) t.true(rulesIn(file).has(rule), `${file} has no test named after ${rule}`);
  });
}

test('every setting in the table exists', (t) => {
  const names = new Set(keysOf(shapeAt([])));
  for (const { rule, setting } of ROWS) {
    for (const [, name] of setting.matchAll(/`(?:[\w[\]]+\.)*(\w+)(?:: \w+)?`/g)) {
      t.true(names.has(name ?? ''), `${rule}: no setting is called ${name}`);
    }
  }
});

/** The rules that stand in the titles of a file's tests. */
function rulesIn(file: string): ReadonlySet<string> {
  const titles = readFileSync(file, 'utf8').matchAll(/\btest(?:\.serial)?\(\s*(?:'([^'\n]*)'|"([^"\n]*)"|`([^`]*)`)/g);
  const rules = [...titles].flatMap(([, ...kinds]) => kinds.join('').match(/\bP\d+\b/g) ?? []);
  return new Set(rules);
}

function keysOf(shape: Shape | undefined): string[] {
  if (shape === undefined) return [];
  if (shape.kind === 'list') return keysOf(shape.child(0));
  return shape.keys.flatMap((key) => [key, ...keysOf(shape.child(key))]);
}
