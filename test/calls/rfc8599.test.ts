import test from 'ava';
import { settle } from '../support/fake-clock.js';
import { ACCEPTED, Bench, binding, DEAD, device, INFO, POLICY } from './fakes.js';

const UNREACHABLE = { kind: 'unreachable', reason: 'NoConnection', attempts: 1 } as const;

test('P1: a held request leaves by being forwarded, by an error, or by the timer; nothing is left of it', async (t) => {
  const forwarded = new Bench();
  forwarded.call.start([device('a')]);
  forwarded.call.deviceRegistered(device('a'));
  forwarded.port.branchTo('a').answers();
  t.is(forwarded.call.state, 'up');
  t.is(forwarded.clock.pending, 0);

  const refused = new Bench();
  refused.call.start([device('a')]);
  refused.pushes[0]?.settle(DEAD);
  await settle();
  t.deepEqual(refused.ends, ['push-failed']);
  t.is(refused.clock.pending, 0);

  const timedOut = new Bench();
  timedOut.call.start([device('a')]);
  timedOut.clock.advance(POLICY.hold);
  t.deepEqual(timedOut.ends, ['not-woken']);
  t.is(timedOut.clock.pending, 0);
});

test('P22: an initial INVITE for a sleeping phone is held and the phone is pushed', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  t.deepEqual(
    bench.pushes.map(({ device: { id } }) => id),
    ['a'],
  );
  t.deepEqual(bench.port.branches, []);
  t.deepEqual(bench.port.finals, []);
});

test('P22: a phone without pn-prid is never pushed', (t) => {
  const bench = new Bench();
  bench.call.start([device('a', { tokens: [] })]);
  t.deepEqual(bench.pushes, []);
  t.is(bench.port.branches.length, 1);
});

test('P26: the REGISTER was refused for good: the request leaves the bucket with 480 at once', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.call.deviceRefused('a', 403);
  t.is(bench.port.finals[0]?.status, 480);
  t.is(bench.clock.pending, 0);
  bench.call.deviceRegistered(device('a'));
  t.deepEqual(bench.port.branches, []);
});

test('P26: another phone of the same address still rings', (t) => {
  const bench = new Bench();
  bench.call.start([device('a'), device('b')]);
  bench.call.deviceRefused('a', 403);
  t.deepEqual(bench.port.finals, []);
  bench.call.deviceRegistered(device('b'));
  bench.port.branchTo('b').answers();
  t.is(bench.port.finals[0]?.status, 200);
});

for (const [what, outcome] of [
  ['refused', DEAD],
  ['that reached nobody', UNREACHABLE],
] as const) {
  test(`P27: a push ${what} ends the wait with 480`, async (t) => {
    const bench = new Bench();
    bench.call.start([device('a')]);
    bench.pushes[0]?.settle(outcome);
    await settle();
    t.is(bench.port.finals[0]?.status, 480);
    t.is(bench.clock.pending, 0);
  });
}

test('P28: 480 when the timer of the bucket fires', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.clock.advance(POLICY.hold - 1);
  t.deepEqual(bench.port.finals, []);
  bench.clock.advance(1);
  t.is(bench.port.finals[0]?.status, 480);
});

test('P29: the hold ends long before the caller’s own transaction: the INVITE’s Expires shortens it', (t) => {
  const bench = new Bench({}, { ...INFO, expires: 4_000 });
  bench.call.start([device('a')]);
  bench.clock.advance(4_000);
  t.is(bench.port.finals[0]?.status, 480);
});

test('P30: a phone known to be awake gets its request at once, without a push', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a')]);
  t.deepEqual(bench.pushes, []);
  t.is(bench.port.branches.length, 1);
});

test('P31: the two seconds that a phone takes from push to REGISTER fit in before the caller hears ringback', async (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.pushes[0]?.settle(ACCEPTED);
  await settle();
  bench.clock.advance(2_000);
  bench.call.deviceRegistered(device('a'));
  t.deepEqual(bench.port.provisionals, []);
  t.is(bench.port.branches.length, 1);
});

test('P40: a phone that refreshes all its bindings after a push gets one INVITE', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  for (let flow = 1; flow <= 5; flow++) {
    bench.call.deviceRegistered(device('a', { bindings: [binding(`sip:2001@192.0.2.${flow}`, { regId: flow })] }));
  }
  t.is(bench.port.branches.length, 1);
  t.is(bench.pushes.length, 1);
});

test('P34: a request that names one device by its PURR wakes and rings only that one', (t) => {
  const bench = new Bench({}, { ...INFO, deviceId: 'b' });
  bench.call.start([device('a'), device('b')]);
  bench.call.deviceRegistered(device('a'));
  t.deepEqual(bench.port.branches, []);
  bench.call.deviceRegistered(device('b'));
  t.deepEqual(
    bench.port.branches.map((branch) => branch.device.id),
    ['b'],
  );
  t.is(bench.pushes.length, 1);
});
