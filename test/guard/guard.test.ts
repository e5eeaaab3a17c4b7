import test from 'ava';
import { addressKey } from '../../src/guard/address-key.js';
import { Bans } from '../../src/guard/bans.js';
import { Budget } from '../../src/guard/budget.js';
import { Guard, type GuardSettings } from '../../src/guard/guard.js';
import { MAX_TOLD, Refusals } from '../../src/guard/refusals.js';
import { FakeClock } from '../support/fake-clock.js';

const NONE = { count: 0, per: 1000 };
const SETTINGS: GuardSettings = {
  pushes: { perDevice: NONE, perCaller: NONE, perTrunk: NONE },
  outboundCalls: NONE,
  registrations: NONE,
  bans: { failures: 3, within: 60_000, for: 600_000 },
};

test('a budget lets so many through at once, and as many again in its time', (t) => {
  const clock = new FakeClock();
  const budget = new Budget({ count: 3, per: 60_000 }, clock);
  t.deepEqual(
    [1, 2, 3, 4].map(() => budget.take('a')),
    [true, true, true, false],
  );
  t.true(budget.take('b'));
  clock.advance(20_000);
  t.deepEqual(
    [1, 2].map(() => budget.take('a')),
    [true, false],
  );
  clock.advance(600_000);
  t.deepEqual(
    [1, 2, 3, 4].map(() => budget.take('a')),
    [true, true, true, false],
  );
});

test('count 0 is no limit, and nothing is remembered for it', (t) => {
  const budget = new Budget(NONE, new FakeClock());
  for (let index = 0; index < 1000; index++) t.true(budget.take('a'));
  t.is(budget.size, 0);
});

test('a million keys are bounded memory', (t) => {
  const budget = new Budget({ count: 1, per: 1000 }, new FakeClock(), 100);
  for (let index = 0; index < 100_000; index++) budget.take(`key ${index}`);
  t.is(budget.size, 100);
});

test('too many failures ban an address, and the ban clears itself', (t) => {
  const clock = new FakeClock();
  const bans = new Bans(SETTINGS.bans, clock);
  for (let index = 0; index < 3; index++) t.is(bans.failed('192.0.2.1', 'wrong response'), undefined);
  t.false(bans.isBanned('192.0.2.1'));
  t.like(bans.failed('192.0.2.1', 'wrong response'), { address: '192.0.2.1', reason: 'wrong response' });
  t.true(bans.isBanned('192.0.2.1'));
  t.false(bans.isBanned('192.0.2.2'));
  clock.advance(599_999);
  t.true(bans.isBanned('192.0.2.1'));
  clock.advance(2);
  t.false(bans.isBanned('192.0.2.1'));
  t.deepEqual(bans.list, []);
  t.true(bans.none);
});

test('failures that are far apart ban nobody', (t) => {
  const clock = new FakeClock();
  const bans = new Bans(SETTINGS.bans, clock);
  for (let index = 0; index < 50; index++) {
    t.is(bans.failed('192.0.2.1', 'wrong response'), undefined);
    clock.advance(20_000);
  }
});

test('a ban can be lifted, and covers the /64 of an IPv6 host', (t) => {
  const bans = new Bans(SETTINGS.bans, new FakeClock());
  bans.ban('2001:db8:1:2::1', 'scanner');
  t.true(bans.isBanned('2001:db8:1:2:ffff::9'));
  t.false(bans.isBanned('2001:db8:1:3::1'));
  t.true(bans.lift('2001:db8:1:2::/64'));
  t.false(bans.isBanned('2001:db8:1:2::1'));
  t.false(bans.lift('192.0.2.1'));
});

test('addresses by which sources are counted', (t) => {
  t.is(addressKey('::ffff:192.0.2.1'), '192.0.2.1');
  t.is(addressKey('[2001:db8::1]'), '2001:db8:0:0::/64');
  t.is(addressKey('192.0.2.1'), '192.0.2.1');
});

test('refusals are counted by reason; few of a flood are worth a line in the log, which says how many were not', (t) => {
  const clock = new FakeClock();
  const refusals = new Refusals(clock);
  const flood = () => refusals.note({ what: 'INVITE', reason: 'Forbidden', source: '192.0.2.1:5060', status: 403 });
  const told = Array.from({ length: 1000 }, flood).filter((untold) => untold !== undefined);
  t.is(told.length, MAX_TOLD);
  clock.advance(1000);
  t.is(flood(), 1000 - MAX_TOLD);
  t.deepEqual(refusals.counts, [{ what: 'INVITE', reason: 'Forbidden', count: 1001 }]);
  t.is(refusals.latest.length, 200);
});

test('whatever is refused, what is kept of it is bounded', (t) => {
  const refusals = new Refusals(new FakeClock());
  for (let index = 0; index < 5000; index++) {
    refusals.note({
      what: `M${index}`,
      reason: 'x',
      source: 'y'.repeat(10_000),
      about: 'z'.repeat(10_000),
      status: 403,
    });
  }
  t.true(refusals.counts.length <= 201);
  t.is(
    refusals.counts.reduce((sum, { count }) => sum + count, 0),
    5000,
  );
  t.true(JSON.stringify(refusals.latest).length < 200 * 600);
});

test('pushes have budgets per device, caller and trunk, and each refusal is noted and told', (t) => {
  const told: string[] = [];
  const guard = new Guard({
    settings: {
      ...SETTINGS,
      pushes: {
        perDevice: { count: 1, per: 1e6 },
        perCaller: { count: 2, per: 1e6 },
        perTrunk: { count: 3, per: 1e6 },
      },
    },
    clock: new FakeClock(),
    onBudget: (budget, subject) => told.push(`${budget} ${subject}`),
  });
  const device = { aor: 'sip:2001@corp.example', id: 'phone' };
  t.true(guard.devicePush(device));
  t.false(guard.devicePush(device));
  t.deepEqual(
    ['1001', '1001', '1001', '1002', '1003', undefined].map((callerNumber) =>
      guard.callPushRefusal({ trunk: 'cucm', ...(callerNumber === undefined ? {} : { callerNumber }) }),
    ),
    [undefined, undefined, 'CallerBudget', undefined, 'TrunkBudget', 'TrunkBudget'],
  );
  t.deepEqual(told, [
    'pushes.perDevice sip:2001@corp.example',
    'pushes.perCaller cucm',
    'pushes.perTrunk cucm',
    'pushes.perTrunk cucm',
  ]);
  t.deepEqual(
    guard.refusals.counts.map(({ reason, count }) => [reason, count]),
    [
      ['budget pushes.perDevice', 1],
      ['budget pushes.perCaller', 1],
      ['budget pushes.perTrunk', 2],
    ],
  );
});

test('pushes to a device are counted with those of other nodes; while those are not known, by this one alone', async (t) => {
  const told: string[] = [];
  let shared: boolean | undefined = true;
  const pushes = { perDevice: { count: 3, per: 1e6 }, perCaller: { count: 0, per: 1 }, perTrunk: { count: 0, per: 1 } };
  const guard = new Guard({
    settings: { ...SETTINGS, pushes },
    clock: new FakeClock(),
    sharedDevicePushes: async () => shared,
    onBudget: (budget, subject) => told.push(`${budget} ${subject}`),
  });
  const device = { aor: 'sip:2001@corp.example', id: 'phone' };
  t.true(await guard.devicePush(device));
  shared = false;
  t.false(await guard.devicePush(device));
  shared = undefined;
  t.true(await guard.devicePush(device));
  t.false(await guard.devicePush(device), 'its own budget is used up');
  t.deepEqual(told, ['pushes.perDevice sip:2001@corp.example', 'pushes.perDevice sip:2001@corp.example']);
});
