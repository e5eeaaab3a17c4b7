import test from 'ava';
import { setPatientTimeout } from '../../src/clock/patience.js';
import { Waits } from '../../src/push/apns/waits.js';
import { FakeClock } from '../support/fake-clock.js';

test('a patient timer takes its time, and as much more as the process was held up', (t) => {
  const clock = new FakeClock();
  let fired = 0;
  setPatientTimeout(clock, () => fired++, 2_000);
  clock.advance(1_999);
  t.is(fired, 0);
  clock.advance(1);
  t.is(fired, 1);
  setPatientTimeout(clock, () => fired++, 2_000);
  clock.stall(2_700);
  clock.advance(699);
  t.is(fired, 1);
  clock.advance(1);
  t.is(fired, 2);
});

test('one that is cancelled never fires, held up or not', (t) => {
  const clock = new FakeClock();
  const timer = setPatientTimeout(clock, () => t.fail(), 1_000);
  clock.stall(1_500);
  clock.advance(0);
  timer.cancel();
  clock.advance(10_000);
  t.is(clock.pending, 0);
});

test('answers that wait unread while the process is held up are read before anybody is given up', (t) => {
  const clock = new FakeClock();
  const late: string[] = [];
  const waits = new Waits<string>(clock, 3_000, (thing) => late.push(thing));
  waits.begun('answered meanwhile', clock.monotonic());
  clock.advance(500);
  waits.begun('never answered', clock.monotonic());
  clock.stall(3_500);
  clock.advance(0);
  waits.ended('answered meanwhile');
  t.deepEqual(late, []);
  clock.advance(1_499);
  t.deepEqual(late, []);
  clock.advance(1);
  t.deepEqual(late, ['never answered']);
});
