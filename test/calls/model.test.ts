import test from 'ava';
import fc from 'fast-check';
import { systemClock } from '../../src/clock/clock.js';
import { DEFAULT_REDIS } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import { settle } from '../support/fake-clock.js';
import { RedisServer } from '../support/redis.js';
import { ACCEPTED, DEAD } from './fakes.js';
import { World } from './world.js';

type Step =
  | { do: 'register'; phone: number; moved: boolean }
  | { do: 'registerThenKill'; phone: number }
  | { do: 'ring'; branch: number }
  | { do: 'end'; branch: number; status: number; local: boolean }
  | { do: 'pushTaken' | 'pushLeaves'; push: number }
  | { do: 'pushEnds'; push: number; how: 'accepted' | 'dead' | 'unreachable' }
  | { do: 'cancel' | 'hangUp' }
  | { do: 'restart'; cancelled: boolean }
  | { do: 'wait'; ms: number };

const MAX_PHONES = 3;
const index = fc.nat(5);
const phone = fc.nat(MAX_PHONES);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('register' as const), phone, moved: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('registerThenKill' as const), phone }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ring' as const), branch: index }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      branch: index,
      status: fc.constantFrom(200, 200, 408, 430, 480, 486, 488, 503, 603),
      local: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('pushTaken' as const, 'pushLeaves' as const), push: index }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pushEnds' as const),
      push: index,
      how: fc.constantFrom('accepted' as const, 'accepted' as const, 'dead' as const, 'unreachable' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'hangUp' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const), cancelled: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constantFrom(1_999, 2_000, 5_000, 13_000, 45_000, 60_000)),
    }),
  },
);

const story = fc.record({
  phones: fc.array(fc.record({ active: fc.boolean(), token: fc.boolean() }), { maxLength: MAX_PHONES }),
  steps: fc.array(step, { maxLength: 40, size: 'max' }),
  /** What happens before the devices of the AOR are read. */
  early: fc.option(phone, { nil: undefined }),
});

async function play(world: World, action: Step): Promise<void> {
  if (action.do !== 'restart') world.flush();
  switch (action.do) {
    case 'register':
      world.register(`phone${action.phone}`, action.moved);
      break;
    case 'registerThenKill':
      world.register(`phone${action.phone}`, true, false);
      await world.restart(false);
      break;
    case 'ring':
      world.branches[action.branch]?.ring();
      break;
    case 'end':
      world.branches[action.branch]?.end(action.status, action.local && action.status >= 400);
      break;
    case 'pushTaken': {
      const push = world.pushes[action.push];
      if (push && !push.taken && !push.process.dead) push.taken = push.request.stillWanted?.() ?? true;
      break;
    }
    case 'pushLeaves': {
      const push = world.pushes[action.push];
      if (!push || push.sent || push.process.dead) break;
      push.taken ||= push.request.stillWanted?.() ?? true;
      if (!push.taken) break;
      push.request.onLeave?.();
      push.sent = true;
      break;
    }
    case 'pushEnds': {
      const push = world.pushes[action.push];
      if (!push || push.process.dead) break;
      if (action.how === 'accepted' && push.sent) push.settle(ACCEPTED);
      else if (action.how === 'dead' && push.sent) push.settle(DEAD);
      else if (action.how === 'unreachable') push.settle({ kind: 'unreachable', reason: 'NoConnection', attempts: 1 });
      break;
    }
    case 'cancel':
      world.cancel();
      break;
    case 'hangUp':
      world.hangUp();
      break;
    case 'restart':
      await world.restart(action.cancelled);
      break;
    case 'wait':
      await world.clock.advanceAsync(action.ms);
  }
  await settle(1);
}

/** What must hold at every moment. */
function check(world: World): void {
  const faults = [...world.faults];
  for (const id of world.devices.keys()) {
    const live = world.branches.filter((branch) => branch.deviceId === id && branch.live);
    if (live.length > 1) faults.push(`${live.length} INVITEs ring ${id}`);
    const pushes = world.pushes.filter(({ deviceId, sent }) => deviceId === id && sent);
    if (pushes.length > 1) faults.push(`${pushes.length} pushes to ${id}`);
  }
  for (const branch of world.branches) {
    const upWithIt = branch === world.winner && !world.hungUp;
    if (branch.live && world.final !== undefined && !upWithIt) faults.push(`${branch.deviceId} rings after the end`);
    if (branch.bornAfterEnd && branch.cancelled === undefined) faults.push(`${branch.deviceId} invited after the end`);
  }
  const ends = world.events.filter(({ type }) => type === 'end');
  if (ends.length > 1) faults.push(`${ends.length} reasons`);
  if (faults.length > 0) throw new Error(faults.join('; '));
}

/** What must hold when all is over. */
async function checkEnd(world: World): Promise<void> {
  world.flush();
  await world.clock.advanceAsync(200_000);
  world.flush();
  world.hangUp();
  await world.clock.advanceAsync(100_000);
  world.flush();
  check(world);
  const ends = world.events.filter(({ type }) => type === 'end');
  if (world.final === undefined) throw new Error('the caller got no final response');
  if (ends.length !== 1) throw new Error(`${ends.length} reasons`);
  if (world.process.calls.size !== 0) throw new Error('the call is still there');
  if (world.clock.pending !== 0) throw new Error(`${world.clock.pending} timers left`);
  for await (const [key] of world.store.calls()) throw new Error(`left in the journal: ${key}`);
}

test('any interleaving of INVITE, CANCEL, pushes, REGISTERs, answers, time and restarts', async (t) => {
  await fc.assert(
    fc.asyncProperty(story, async ({ phones, steps, early }) => {
      const world = new World(phones);
      const inviting = world.invite();
      if (early !== undefined) world.register(`phone${early}`, true);
      await inviting;
      check(world);
      for (const action of steps) {
        await play(world, action);
        check(world);
      }
      await checkEnd(world);
    }),
    { numRuns: 1_500, includeErrorInReport: true },
  );
  t.pass();
});

test('the same with the journal in Redis', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  let site = 0;
  await fc.assert(
    fc.asyncProperty(story, async ({ phones, steps, early }) => {
      const options = { ...DEFAULT_REDIS, urls: [redis.url], prefix: `site${site++}:`, timeout: 20_000 };
      const store = new RedisStore({ redis: options, clock: systemClock, node: 'a', cache: 0 });
      try {
        await store.link.up();
        const world = new World(phones, store);
        const inviting = world.invite();
        if (early !== undefined) world.register(`phone${early}`, true);
        await inviting;
        check(world);
        for (const action of steps) {
          await play(world, action);
          check(world);
        }
        await checkEnd(world);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 100, includeErrorInReport: true },
  );
  t.pass();
});
