import test from 'ava';
import { AppLag } from '../../../src/engine/admission/index.js';
import { FakeClock } from '../../support/fake-clock.js';

async function measured(lag: AppLag, clock: FakeClock, times: readonly number[]): Promise<void> {
  for (const ms of times) {
    lag.answered(ms);
    await clock.advance(100);
  }
}

const many = (ms: number, count = 10): number[] => Array.from({ length: count }, () => ms);

test('an application is late once it has been behind without a break for a while, until it is not', async (t) => {
  const clock = new FakeClock();
  const lag = new AppLag(clock, 200);
  t.false(lag.late);
  await measured(lag, clock, [2, 300, 300, 300, 2, 300, 300, 300, 300, 300]);
  t.false(lag.late, 'there was a break');
  await measured(lag, clock, many(300, 5));
  t.true(lag.late);
  await measured(lag, clock, [150]);
  t.false(lag.late);
});

test('an application that always takes its time is not late', async (t) => {
  const clock = new FakeClock();
  const lag = new AppLag(clock, 200);
  await measured(lag, clock, many(900));
  t.false(lag.late);
  await measured(lag, clock, many(1200));
  t.true(lag.late, 'but it is when it takes longer than usual');
});

test('another application has its own times', async (t) => {
  const clock = new FakeClock();
  const lag = new AppLag(clock, 200);
  await measured(lag, clock, [1, ...many(900)]);
  t.true(lag.late);
  lag.forget();
  t.false(lag.late);
  await measured(lag, clock, many(900));
  t.false(lag.late);
});

test('what was measured long ago says nothing', async (t) => {
  const clock = new FakeClock();
  const lag = new AppLag(clock, 200);
  await measured(lag, clock, [1, ...many(900)]);
  t.true(lag.late);
  await clock.advance(2_000);
  t.false(lag.late);
  await measured(lag, clock, [900]);
  t.false(lag.late, 'it starts anew');
});
