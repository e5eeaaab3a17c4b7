import test from 'ava';
import { REASONS } from '../../src/calls/port.js';
import { settle } from '../support/fake-clock.js';
import { ACCEPTED, Bench, binding, DEAD, device } from './fakes.js';

test('a sleeping phone gets one push and, when it registers, one INVITE', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  t.is(bench.pushes.length, 1);
  t.is(bench.port.branches.length, 0);
  bench.call.deviceRegistered(device('a'));
  bench.call.deviceRegistered(device('a', { bindings: [binding('sip:2001@192.0.2.10')] }));
  bench.call.deviceRegistered(device('a'));
  t.is(bench.port.branches.length, 1);
  bench.port.branchTo('a').rings();
  bench.call.deviceRegistered(device('a', { bindings: [binding('sip:2001@192.0.2.11')] }));
  t.is(bench.port.branches.length, 1);
  bench.port.branchTo('a').answers();
  t.deepEqual(bench.port.finals, [{ status: 200 }]);
  t.is(bench.call.state, 'up');
  t.is(bench.clock.pending, 0);
});

test('a REGISTER that comes before Apple has answered the push rings the phone once', async (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.call.deviceRegistered(device('a'));
  bench.pushes[0]?.settle(ACCEPTED);
  await settle();
  t.is(bench.port.branches.length, 1);
  bench.pushes[0]?.settle(DEAD);
  await settle();
  t.is(bench.call.state, 'held');
});

test('the leg goes over the binding that the phone woke with', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  const fresh = binding('sip:2001@198.51.100.7:40000', { path: ['<sip:tok@edge2.example;lr>', '<sip:edge-c;lr>'] });
  bench.call.deviceRegistered(device('a', { bindings: [fresh] }));
  t.deepEqual(bench.port.branchTo('a').binding, fresh);
});

test('the caller hears 180 after five seconds of nobody ringing, once', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.clock.advance(4_999);
  t.deepEqual(bench.port.provisionals, []);
  bench.clock.advance(1);
  t.deepEqual(bench.port.provisionals, [180]);
  bench.clock.advance(7_000);
  t.deepEqual(bench.port.provisionals, [180]);
});

test('a phone that rings early spares the caller the made-up 180', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.call.deviceRegistered(device('a'));
  bench.port.branchTo('a').rings(183);
  bench.clock.advance(6_000);
  t.deepEqual(bench.port.provisionals, [183]);
});

test('nobody wakes: 480 after the hold, and the phone is left for a late CANCEL', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.clock.advance(12_999);
  t.deepEqual(bench.port.finals, []);
  bench.clock.advance(1);
  t.is(bench.port.finals[0]?.status, 480);
  t.deepEqual(bench.ends, ['not-woken']);
  t.deepEqual(bench.leftWaking, [{ id: 'a', reason: REASONS.noAnswer }]);
  t.is(bench.clock.pending, 0);
  bench.call.deviceRegistered(device('a'));
  t.is(bench.port.branches.length, 0);
});

test('a push refused for good ends a call that has no other device, at once', async (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.pushes[0]?.settle(DEAD);
  await settle();
  t.is(bench.port.finals[0]?.status, 480);
  t.deepEqual(bench.ends, ['push-failed']);
});

test('a push refused for one device leaves the other ringing', async (t) => {
  const bench = new Bench();
  bench.call.start([device('a'), device('b')]);
  bench.pushes[0]?.settle(DEAD);
  await settle();
  t.deepEqual(bench.port.finals, []);
  bench.call.deviceRegistered(device('b'));
  bench.port.branchTo('b').answers();
  t.deepEqual(bench.port.finals, [{ status: 200 }]);
});

test('an awake device rings at once, a sleeper joins, the first answer wins and the other is told where', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a'), device('b')]);
  t.is(bench.port.branches.length, 1);
  bench.port.branchTo('a').rings();
  bench.call.deviceRegistered(device('b'));
  const loser = bench.port.branchTo('b');
  loser.rings();
  bench.port.branchTo('a').answers();
  t.is(loser.cancelled, REASONS.completedElsewhere);
  t.is(bench.port.connected, bench.port.branchTo('a'));
  loser.answers();
  t.is(bench.port.finals.length, 1);
});

test('a sleeper that never woke is left to be told when another device answers', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a'), device('b')]);
  bench.port.branchTo('a').answers();
  t.deepEqual(bench.leftWaking, [{ id: 'b', reason: REASONS.completedElsewhere }]);
  t.false(bench.pushes[0]?.stillWanted());
});

test('CANCEL while held withdraws the push; CANCEL while ringing reaches the phone with the caller’s reason', (t) => {
  const held = new Bench();
  held.call.start([device('a')]);
  t.true(held.pushes[0]?.stillWanted());
  held.call.cancelled();
  t.false(held.pushes[0]?.stillWanted());
  t.deepEqual(held.ends, ['cancelled']);
  t.deepEqual(held.port.finals, []);

  const ringing = new Bench();
  ringing.call.start([device('a')]);
  ringing.call.deviceRegistered(device('a'));
  ringing.port.branchTo('a').rings();
  const [branch] = ringing.port.branches;
  ringing.call.cancelled('Q.850;cause=16');
  t.is(branch?.cancelled, 'Q.850;cause=16');
  branch?.answers();
  t.deepEqual(ringing.port.finals, []);
});

test('an active phone without a sign of life is pushed inside the same hold, its dead INVITE cancelled', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a')]);
  const [dead] = bench.port.branches;
  bench.clock.advance(2_000);
  t.is(dead?.cancelled, REASONS.noSignOfLife);
  t.is(bench.pushes.length, 1);
  t.deepEqual(bench.asleep, ['a']);
  bench.call.deviceRegistered(device('a', { bindings: [binding('sip:2001@192.0.2.77')] }));
  dead?.answers();
  t.deepEqual(bench.port.finals, []);
  bench.port.branchTo('a').answers();
  t.deepEqual(bench.port.finals, [{ status: 200 }]);
  t.is(bench.pushes.length, 1);
});

for (const status of [404, 408, 410, 430, 480, 503]) {
  test(`an active phone whose INVITE fails with ${status} before ringing is woken`, (t) => {
    const bench = new Bench();
    bench.states.set('a', 'active');
    bench.call.start([device('a')]);
    bench.port.branchTo('a').fails(status);
    t.is(bench.pushes.length, 1);
    t.deepEqual(bench.port.finals, []);
  });
}

test('a second flow of the same device is tried before it is taken for asleep (RFC 5626)', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  const second = binding('sip:2001@192.0.2.9:5061', { regId: 2, registeredAt: -1 });
  bench.call.start([device('a', { bindings: [binding(), second] })]);
  bench.port.branchTo('a').fails(430);
  t.is(bench.port.branches.length, 2);
  t.deepEqual(bench.port.branches[1]?.binding, second);
  t.is(bench.pushes.length, 0);
});

test('the q of its bindings says over which of them a device is rung first (RFC 3261 10.2.1.2); devices ring side by side', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active').set('b', 'active');
  const low = binding('sip:2001@192.0.2.9:5061', { q: 0.3, registeredAt: 2 });
  const high = binding('sip:2001@192.0.2.9:5062', { q: 0.7, registeredAt: 1 });
  bench.call.start([
    device('a', { bindings: [low, high] }),
    device('b', { bindings: [binding(undefined, { q: 0.1 })] }),
  ]);
  t.deepEqual(
    bench.port.branches.map((branch) => branch.binding.q),
    [0.7, 0.1],
  );
  bench.port.branchTo('a').fails(480);
  t.deepEqual(bench.port.branchTo('a').binding, low);
});

test('486 of one device does not end the others; the person’s answer goes upstream when all have failed', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a'), device('b')]);
  bench.port.branchTo('a').rings();
  bench.port.branchTo('a').fails(486);
  t.deepEqual(bench.port.finals, []);
  bench.clock.advance(13_000);
  t.is(bench.port.finals[0]?.status, 486);
  t.deepEqual(bench.ends, ['rejected']);
});

test('a 6xx ends the fork (RFC 3261 16.7)', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active').set('b', 'active');
  bench.call.start([device('a'), device('b')]);
  const [, other] = bench.port.branches;
  bench.port.branchTo('a').fails(603);
  t.is(bench.port.finals[0]?.status, 603);
  t.is(other?.cancelled, REASONS.declinedElsewhere);
});

test('503 and 408 of a phone never go upstream: CUCM would take the trunk for broken', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a', { tokens: [] })]);
  bench.port.branchTo('a').fails(503);
  t.is(bench.port.finals[0]?.status, 480);
  t.deepEqual(bench.ends, ['unreachable']);
});

test('a phone without a token rings over SIP even if it seems asleep; with neither nothing is tried', (t) => {
  const bench = new Bench();
  bench.call.start([device('a', { tokens: [], platform: 'other' }), device('b', { tokens: [], bindings: [] })]);
  t.is(bench.port.branches.length, 1);

  const none = new Bench();
  none.call.start([device('b', { tokens: [], bindings: [] })]);
  t.is(none.port.finals[0]?.status, 480);
});

test('a phone that first registers while the call is held rings too', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.states.set('new', 'active');
  bench.call.deviceRegistered(device('new'));
  t.is(bench.port.branchTo('new').device.id, 'new');
});

test('the INVITE’s Expires ends the ringing with 480 and a CANCEL', (t) => {
  const bench = new Bench({}, { ...new Bench().call.info, expires: 60_000 });
  bench.states.set('a', 'active');
  bench.call.start([device('a')]);
  const branch = bench.port.branchTo('a');
  branch.rings();
  bench.clock.advance(60_000);
  t.is(bench.port.finals[0]?.status, 480);
  t.is(branch.cancelled, REASONS.noAnswer);
  t.deepEqual(bench.ends, ['no-answer']);
});

test('every end leaves one final response, one reason and no timer', (t) => {
  const bench = new Bench({ whenNotWoken: { answer: 302, contact: 'sip:voicemail@corp.example' } });
  bench.call.start([device('a'), device('b')]);
  bench.clock.advance(13_000);
  bench.call.cancelled();
  bench.clock.advance(200_000);
  t.is(bench.port.finals.length, 1);
  t.like(bench.port.finals[0], { status: 302, options: { contact: 'sip:voicemail@corp.example' } });
  t.deepEqual(bench.ends, ['not-woken']);
  t.is(bench.clock.pending, 0);
});

test('a phone that no push can wake and that never answers keeps the caller no longer than the hold', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a', { tokens: [] })]);
  const branch = bench.port.branchTo('a');
  bench.clock.advance(12_999);
  t.deepEqual(bench.port.finals, []);
  bench.clock.advance(1);
  t.is(bench.port.finals[0]?.status, 480);
  t.is(branch.cancelled, REASONS.noSignOfLife);
  t.deepEqual(bench.ends, ['unreachable']);
});

test('a phone that wakes at the last moment may still ring after the hold', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.clock.advance(12_900);
  bench.call.deviceRegistered(device('a'));
  bench.clock.advance(1_000);
  t.deepEqual(bench.port.finals, []);
  bench.port.branchTo('a').rings();
  bench.clock.advance(60_000);
  bench.port.branchTo('a').answers();
  t.deepEqual(bench.port.finals, [{ status: 200 }]);
});
