import { appendFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { CallJournal } from '../../src/store/call-journal.js';
import { temporaryFolder } from './support.js';

const files = (path: string): string[] => readdirSync(path).map((name) => join(path, name));
const bytes = (path: string): number => files(path).reduce((sum, file) => sum + statSync(file).size, 0);
const read = (path: string): Map<string, unknown> => new Map(new CallJournal({ path }).entries());
const sorted = (entries: Iterable<readonly [string, unknown]>): unknown =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

test('whatever is put, removed and reopened in files of any size: the last word on each key counts', (t) => {
  const root = temporaryFolder(t);
  let run = 0;
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e é\n"');
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ key, value: fc.jsonValue() }) },
    { weight: 4, arbitrary: fc.record({ key }) },
    { weight: 1, arbitrary: fc.constant({ reopen: true } as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 300 }), (steps, fileSize) => {
      const options = { path: join(root, String(++run)), fileSize, slack: 3 * fileSize };
      const model = new Map<string, unknown>();
      let journal = new CallJournal(options);
      for (const word of steps) {
        if ('reopen' in word) {
          journal.close();
          journal = new CallJournal(options);
        } else if ('value' in word) {
          // What JSON makes of it: -0 becomes 0.
          model.set(word.key, JSON.parse(JSON.stringify(word.value)));
          journal.put(word.key, word.value);
        } else {
          model.delete(word.key);
          journal.remove(word.key);
        }
      }
      t.deepEqual(sorted(journal.entries()), sorted(model));
      journal.close();
      t.deepEqual(sorted(read(options.path)), sorted(model));
    }),
    { numRuns: 200 },
  );
});

test('half a line, as a full disk or a killed process leaves it, costs nothing but itself', (t) => {
  const path = temporaryFolder(t);
  const first = new CallJournal({ path });
  first.put('u1', { a: 1 });
  first.close();
  appendFileSync(files(path)[0] ?? '', '["u1",{"a":2');
  const second = new CallJournal({ path });
  second.put('u2', { b: 1 });
  second.close();
  t.deepEqual(
    read(path),
    new Map([
      ['u1', { a: 1 }],
      ['u2', { b: 1 }],
    ]),
  );
});

test('calls that come and go beside one that stays for long: the files stay small, and that one is kept', (t) => {
  const path = temporaryFolder(t);
  const journal = new CallJournal({ path, fileSize: 2000, slack: 10_000 });
  t.teardown(() => journal.close());
  journal.put('long', { up: true });
  for (let n = 0; n < 3000; n++) {
    journal.put(`u${n}`, { text: 'x'.repeat(100) });
    journal.remove(`u${n}`);
  }
  t.true(bytes(path) < 20_000, `${bytes(path)} bytes`);
  t.deepEqual(read(path), new Map([['long', { up: true }]]));
});

test('nothing is written before the first use', (t) => {
  const path = join(temporaryFolder(t), 'journal');
  new CallJournal({ path }).close();
  const journal = new CallJournal({ path });
  journal.remove('u1');
  t.deepEqual(journal.entries(), []);
  t.throws(() => readdirSync(path));
});
