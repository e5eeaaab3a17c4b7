import test from 'ava';
import fc from 'fast-check';
import { ShortLivedMap } from '../../src/engine/short-lived-map.js';

test('a short-lived map has what a Map has', (t) => {
  const step = fc.record({ key: fc.nat(6), value: fc.option(fc.string(), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const map = new Map<number, string>();
      const short = new ShortLivedMap<number, string>();
      for (const { key, value } of steps) {
        if (value === undefined) t.is(short.delete(key), map.delete(key));
        else {
          map.set(key, value);
          short.set(key, value);
        }
        t.is(short.get(key), map.get(key));
        t.is(short.size, map.size);
        t.deepEqual(short.values(), [...map.values()]);
      }
    }),
  );
});
