import test from 'ava';
import fc from 'fast-check';
import { Deadlines, type Due } from '../../../src/push/apns/deadlines.js';
import { FakeClock } from '../../support/fake-clock.js';

const plan = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 3000 }),
    lasts: fc.integer({ min: 0, max: 90_000 }),
    ends: fc.option(fc.nat(3000)),
  }),
  { maxLength: 60 },
);

test('each that has not ended is told at its very time, once, and the others never', (t) => {
  fc.assert(
    fc.property(plan, (things) => {
      const clock = new FakeClock();
      const told = new Map<Due, number>();
      const deadlines = new Deadlines<Due>(clock, (due) => {
        if (told.has(due)) throw new Error('told twice');
        told.set(due, clock.monotonic());
      });
      const expected = new Map<Due, number>();
      for (const { at, lasts, ends } of things) {
        const due = { dueAt: at + lasts };
        const endsAt = ends === null ? Number.POSITIVE_INFINITY : at + ends;
        clock.setTimeout(() => deadlines.add(due), at);
        if (endsAt < due.dueAt) clock.setTimeout(() => deadlines.remove(due), endsAt);
        else expected.set(due, due.dueAt);
      }
      clock.advance(4000);
      const still = [...deadlines];
      if (still.length !== deadlines.size) return false;
      clock.advance(100_000);
      for (const due of still) deadlines.remove(due);
      return (
        deadlines.size === 0 &&
        clock.pending === 0 &&
        told.size === expected.size &&
        [...expected].every(([due, at]) => told.get(due) === at)
      );
    }),
  );
  t.pass();
});

test('thousands that end in time cost hardly any timers', (t) => {
  const clock = new FakeClock();
  const deadlines = new Deadlines<Due>(clock, () => t.fail());
  for (let n = 0; n < 5000; n++) {
    const due = { dueAt: clock.monotonic() + 10_000 };
    deadlines.add(due);
    t.true(clock.pending <= 1);
    clock.advance(1);
    deadlines.remove(due);
  }
  deadlines.stop();
  t.is(clock.pending, 0);
});
