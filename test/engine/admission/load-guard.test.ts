import test from 'ava';
import { LoadGuard, RefusalLog } from '../../../src/engine/admission/index.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A clock whose timers come late by `lag` milliseconds. */
class LateClock extends FakeClock {
  lag = 0;

  override setTimeout(fn: () => void, ms: number) {
    return super.setTimeout(fn, ms + this.lag);
  }
}

function guardFor(load: { heap: number }, limits: { pending?: number } = {}) {
  const clock = new LateClock();
  const said: string[] = [];
  const options = { limits, heap: () => load.heap, random: () => 0.5, log: (text: string) => void said.push(text) };
  const guard = new LoadGuard({ clock, ...options });
  guard.start();
  return { guard, clock, said };
}

const CALM = { heap: 0.1 };

test('without load everything passes', async (t) => {
  const { guard, clock } = guardFor(CALM);
  await clock.advance(5000);
  t.is(guard.share, 1);
  t.false(guard.mayRefuse(10));
  for (const method of ['INVITE', 'REGISTER', 'OPTIONS']) t.is(guard.refuse(method, 10), undefined);
});

test('one late timer is garbage collection, several are overload: the share of new work falls, and rises when there is room', async (t) => {
  const { guard, clock, said } = guardFor(CALM);
  clock.lag = 300;
  await clock.advance(1000);
  t.is(guard.share, 1);
  await clock.advance(15_000);
  t.true(guard.share < 0.1);
  t.true(guard.share > 0, 'some still pass, else nobody would know when it is over');
  t.true(guard.mayRefuse(0));
  t.is(guard.refuse('INVITE', 0)?.status, 503);
  t.is(guard.refuse('REGISTER', 0)?.status, 503);
  clock.lag = 0;
  await clock.advance(5000);
  t.is(guard.share, 1);
  t.is(guard.refuse('INVITE', 0), undefined);
  t.deepEqual(said, ['overload: part of the new work gets 503', 'overload is over']);
});

test('a refusal says when to come back, and why', async (t) => {
  const { guard } = guardFor(CALM, { pending: 3 });
  t.is(guard.refuse('INVITE', 2), undefined);
  t.deepEqual([guard.mayRefuse(2), guard.mayRefuse(3)], [false, true]);
  const refusal = guard.refuse('INVITE', 3);
  t.is(refusal?.status, 503);
  const { 'Retry-After': retryAfter, Warning } = Object.fromEntries(refusal?.headers ?? []);
  t.regex(retryAfter ?? '', /^([2-9]|10)$/);
  t.is(Warning, '399 callwake "too many requests wait"');
});

test('of requests that are turned away the first of a cause is told at once, the others by number', (t) => {
  const clock = new FakeClock();
  const said: string[] = [];
  const log = new RefusalLog(clock, (text) => said.push(text));
  for (let n = 0; n < 100; n++) log.note('overload');
  log.note('no application connected');
  t.deepEqual(said.splice(0), ['503 to a request: overload', '503 to a request: no application connected']);
  clock.advance(10_000);
  log.note('overload');
  t.deepEqual(said, ['503 to 100 requests: overload']);
});

test('new work that had to wait for too long gets 503, but for some pings: a refused one takes a trunk out of service', async (t) => {
  const { guard, clock } = guardFor(CALM);
  t.true(guard.mayRefuse(0, true));
  t.is(guard.refuse('INVITE', 0, true)?.status, 503);
  t.is(guard.refuse('REGISTER', 0, true)?.status, 503);
  const ping = () => guard.refuse('OPTIONS', 0, true)?.status;
  t.deepEqual(
    Array.from({ length: 26 }, ping),
    Array.from({ length: 26 }, (_, i) => (i < 25 ? undefined : 503)),
  );
  await clock.advance(250);
  t.is(guard.share, 25 / 28, 'of what came in that time');
  t.is(ping(), undefined);
});

test('nothing new passes while the heap is nearly full', async (t) => {
  const load = { heap: 0.9 };
  const { guard, clock } = guardFor(load);
  await clock.advance(250);
  t.is(guard.share, 0);
  t.is(guard.refuse('OPTIONS', 0)?.status, 503);
  load.heap = 0.5;
  await clock.advance(250);
  t.is(guard.share, 1);
});
