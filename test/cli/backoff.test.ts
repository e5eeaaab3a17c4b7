import test from 'ava';
import { Backoff } from '../../src/cli/backoff.js';

test('the first restart is at once, later ones wait longer and longer, up to a limit', (t) => {
  const backoff = new Backoff(200, 1000, 30_000);
  const waits = [100, 100, 100, 100, 100, 100].map((lived) => backoff.next(lived));
  t.deepEqual(waits, [0, 200, 400, 800, 1000, 1000]);
});

test('whoever lived long enough is restarted at once', (t) => {
  const backoff = new Backoff(200, 1000, 30_000);
  backoff.next(1);
  backoff.next(1);
  t.is(backoff.next(30_000), 0);
  t.is(backoff.next(1), 200);
});
