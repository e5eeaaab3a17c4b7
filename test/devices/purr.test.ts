import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { createPurr, readPurr } from '../../src/devices/purr.js';

const KEY = randomBytes(32);

test('P32: P32: a PURR leads back to its device, and no two are alike', (t) => {
  const purrs = Array.from({ length: 100 }, () => createPurr(KEY, 'sip:1@a.example', 'phone'));
  t.is(new Set(purrs).size, 100);
  for (const purr of purrs) t.deepEqual(readPurr(KEY, purr), { aor: 'sip:1@a.example', deviceId: 'phone' });
});

test('P32: P32: it fits into a URI parameter', (t) => {
  t.regex(createPurr(KEY, 'sip:1@a.example', 'phone'), /^[A-Za-z0-9_-]+$/);
});

test('P32: P32: nobody can forge one', (t) => {
  const purr = createPurr(KEY, 'sip:1@a.example', 'phone');
  t.is(readPurr(randomBytes(32), purr), undefined);
  for (let i = 0; i < purr.length - 1; i++) {
    const changed = `${purr.slice(0, i)}${purr[i] === 'A' ? 'B' : 'A'}${purr.slice(i + 1)}`;
    t.is(readPurr(KEY, changed), undefined);
  }
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => readPurr(KEY, text) === undefined));
});
