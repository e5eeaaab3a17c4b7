import test from 'ava';
import fc from 'fast-check';
import { backOff } from '../../../src/push/apns/back-off.js';
import { Breaker } from '../../../src/push/apns/breaker.js';
import { FakeClock } from '../../support/fake-clock.js';

const bounds = { minMs: 1_000, maxMs: 60_000 };

test('pauses double from one second to a minute, with chance, and never leave these bounds', (t) => {
  t.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 100].map((n) => backOff(n, bounds, () => 0.999_999)).map(Math.round),
    [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000],
  );
  t.deepEqual(
    [0, 1, 5].map((n) => backOff(n, bounds, () => 0)),
    [1_000, 2_000, 30_000],
  );
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (n, chance) => {
      const pause = backOff(n, bounds, () => chance);
      return pause >= 1_000 && pause <= 60_000;
    }),
  );
});

function breaker() {
  const clock = new FakeClock();
  return { clock, made: new Breaker(clock, () => 0, 3, bounds) };
}

test('a breaker opens after so many failures in a row, not after as many with a success between', (t) => {
  const { made } = breaker();
  for (const result of ['failed', 'failed', 'ok', 'failed', 'failed'] as const) made.enter()?.[result]();
  t.false(made.isOpen);
  made.enter()?.failed();
  t.true(made.isOpen);
  t.is(made.enter(), undefined);
});

test('an open breaker lets one attempt through at a time, after ever longer pauses, and closes with the first success', (t) => {
  const { clock, made } = breaker();
  for (let i = 0; i < 3; i++) made.enter()?.failed();
  const pauses: number[] = [];
  for (let i = 0; i < 4; i++) {
    pauses.push(made.waitMs);
    clock.advance(made.waitMs);
    const pass = made.enter();
    t.truthy(pass);
    t.is(made.enter(), undefined);
    pass?.failed();
  }
  t.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000]);
  clock.advance(made.waitMs);
  made.enter()?.ok();
  t.false(made.isOpen);
  t.truthy(made.enter());
  t.truthy(made.enter());
});

test('failures of attempts that began before it opened do not make it wait longer', (t) => {
  const { made } = breaker();
  const passes = Array.from({ length: 10 }, () => made.enter());
  for (const pass of passes) pass?.failed();
  t.is(made.waitMs, 1_000);
});

test('an attempt that says nothing lets the next one through', (t) => {
  const { clock, made } = breaker();
  for (let i = 0; i < 3; i++) made.enter()?.failed();
  clock.advance(1_000);
  made.enter()?.neutral();
  t.truthy(made.enter());
});
