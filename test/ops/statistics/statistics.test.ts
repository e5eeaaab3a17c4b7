import test from 'ava';
import fc from 'fast-check';
import { percentilesOf } from '../../../src/ops/statistics/percentiles.js';
import { Statistics } from '../../../src/ops/statistics/statistics.js';
import { TimelineRecorder } from '../../../src/ops/timeline/recorder.js';
import { FakeClock } from '../../support/fake-clock.js';

function statistics() {
  const clock = new FakeClock();
  const kept = new Statistics(clock, () => 0.999);
  const recorder = new TimelineRecorder({
    calls: 10,
    onEvent: (event, before, call) => kept.record(event, before, call),
  });
  let calls = 0;
  const call = (wake: number | undefined, reason: string, push = 'push-accepted', fields = {}): void => {
    const callUuid = `U${calls++}`;
    const record = (ms: number, type: string, more = {}): void =>
      recorder.record({ callUuid, at: clock.now() + ms, ms, type, fields: more });
    record(0, 'invite-received', { aor: 'sip:2001@corp.example' });
    record(1, 'push-asked', { device: 'A' });
    record(2, push, { device: 'A', ...fields });
    if (wake !== undefined) record(1 + wake, 'device-woke', { device: 'A' });
    record(20_000, 'end', { reason });
  };
  return { clock, kept, call };
}

test('outcomes, answers to pushes and wake times are counted', (t) => {
  const { kept, call } = statistics();
  call(700, 'answered');
  call(900, 'answered');
  call(undefined, 'not-woken');
  call(undefined, 'push-failed', 'push-refused', { status: 410, reason: 'Unregistered' });
  call(undefined, 'push-failed', 'push-refused', { status: 0, reason: 'NoAccount' });
  call(undefined, 'cancelled', 'push-withdrawn');
  const { outcomes, pushes, wake, minutes } = kept.figures;
  t.deepEqual(outcomes, { answered: 2, 'not-woken': 1, 'push-failed': 2, cancelled: 1 });
  t.deepEqual(pushes, { 200: 3, '410 Unregistered': 1, NoAccount: 1, withdrawn: 1 });
  t.deepEqual(wake, { count: 2, p50: 700, p95: 900, p99: 900 });
  t.is(minutes.length, 60);
  t.like(minutes.at(-1), { calls: 6, count: 2, p50: 700 });
});

test('what is older than an hour is gone', (t) => {
  const { clock, kept, call } = statistics();
  call(700, 'answered');
  clock.advance(30 * 60_000);
  call(1500, 'answered');
  t.is(kept.figures.wake.count, 2);
  clock.advance(30 * 60_000);
  t.deepEqual(kept.figures.wake, { count: 1, p50: 1500, p95: 1500, p99: 1500 });
  t.is(kept.figures.minutes.filter(({ calls }) => calls > 0).length, 1);
  clock.advance(60 * 60_000);
  t.deepEqual(kept.figures.wake, { count: 0 });
});

test('a busy minute counts all its wakes; strange answers are counted together beyond the fiftieth', (t) => {
  const { kept, call } = statistics();
  for (let i = 0; i < 2000; i++) call(i, 'answered');
  t.is(kept.figures.wake.count, 2000);
  for (let i = 0; i < 100; i++) call(undefined, 'push-failed', 'push-refused', { status: 400, reason: `Reason${i}` });
  t.is(Object.keys(kept.figures.pushes).length, 51);
  t.is(kept.figures.pushes.other, 51);
});

test('percentiles are of the set, in order, and the last is the greatest', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 300 }), (durations) => {
      const { p50 = -1, p95 = -1, p99 = -1 } = percentilesOf(durations);
      const below = durations.filter((value) => value <= p50).length;
      return (
        [p50, p95, p99].every((value) => durations.includes(value)) &&
        p50 <= p95 &&
        p95 <= p99 &&
        below >= durations.length / 2
      );
    }),
  );
  t.deepEqual(percentilesOf([]), { count: 0 });
});
