import test from 'ava';
import { settle } from '../support/fake-clock.js';
import { Bench, device } from './fakes.js';
import { World } from './world.js';

/** A phone rings, and the next process finds no store to read devices from. */
async function ringing(): Promise<World> {
  const world = new World([{ active: true, token: true }]);
  await world.invite();
  world.branches[0]?.ring();
  await settle();
  world.storeIsAway = true;
  await world.restart(false);
  return world;
}

test('a process that begins while the store is away goes on with a call that rings once it is back: the same INVITE, one answer', async (t) => {
  const world = await ringing();
  t.is(world.final, undefined, 'no refusal meanwhile');
  await world.clock.advanceAsync(14_000);
  t.is(world.final, undefined, 'it rings for longer than a call is held');
  world.storeIsAway = false;
  await world.clock.advanceAsync(1_000);
  world.branches[0]?.end(200, false);
  await settle();
  t.is(world.final, 200);
  t.is(world.branches.length, 1);
  t.is(world.winner, world.branches[0]);
  t.deepEqual(world.faults, []);
});

test('its caller gives up before the store is back, or nobody ever answers: the phone is told', async (t) => {
  const world = await ringing();
  world.cancel();
  await world.clock.advanceAsync(1_000);
  t.regex(world.branches[0]?.cancelled ?? '', /487/);
  const other = await ringing();
  await other.clock.advanceAsync(200_000);
  other.flush();
  t.is(other.final, 503);
  t.regex(other.branches[0]?.cancelled ?? '', /./);
  t.deepEqual(
    [...world.branches, ...other.branches].map(({ live }) => live),
    [false, false],
  );
});

test('a call that was taken over is written down before anything happens: whoever takes it over next pushes no more either', (t) => {
  const bench = new Bench();
  bench.call.resume([device('a')], [{ device: 'a', state: 'waking', pushedAt: 5 }]);
  t.deepEqual(bench.pushes, []);
  t.like(bench.journal, { legs: [{ device: 'a', state: 'waking', pushedAt: 5 }] });
});

test('a push that has not left when the process dies is sent by the next one, one that has is not', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  t.true(bench.pushes[0]?.stillWanted());
  const taken = bench.journal;
  bench.pushes[0]?.leave();
  const left = bench.journal;
  for (const [record, again] of [
    [taken, 1],
    [left, 0],
  ] as const) {
    const next = new Bench();
    next.call.resume([device('a')], record !== undefined && 'legs' in record ? record.legs : []);
    t.is(next.pushes.length, again);
    next.call.cancelled();
    t.deepEqual(
      next.leftWaking.map(({ id }) => id),
      ['a'],
    );
  }
});
