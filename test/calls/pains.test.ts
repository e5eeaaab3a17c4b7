import test from 'ava';
import { REASONS } from '../../src/calls/port.js';
import { settle } from '../support/fake-clock.js';
import { ACCEPTED, Bench, binding, device } from './fakes.js';

// Each test is named after a complaint that users of other push proxies have filed.

test('three INVITEs, released by each REGISTER of a woken phone: here one', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  for (let i = 0; i < 3; i++)
    bench.call.deviceRegistered(device('a', { bindings: [binding(`sip:2001@192.0.2.${i}`)] }));
  t.is(bench.port.branches.length, 1);
});

test('the late INVITE ignores Path: here it goes over the Path that the phone woke with', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  const path = ['<sip:flow@edge.example;lr>'];
  bench.call.deviceRegistered(device('a', { bindings: [binding('sip:2001@192.0.2.4', { path })] }));
  t.deepEqual(bench.port.branchTo('a').binding.path, path);
});

test('the call lasts until the INVITE timer though nobody can come any more: here it ends at once', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a', { tokens: [] })]);
  bench.port.branchTo('a').fails(486);
  t.deepEqual(
    bench.port.finals.map(({ status }) => status),
    [486],
  );
  t.is(bench.clock.pending, 0);
});

test('a second device that wakes after the first is not added: here it rings too', (t) => {
  const bench = new Bench();
  bench.call.start([device('a'), device('b')]);
  bench.call.deviceRegistered(device('a'));
  bench.port.branchTo('a').rings();
  bench.call.deviceRegistered(device('b'));
  t.is(bench.port.branchTo('b').device.id, 'b');
});

test('crash when the REGISTER comes just after the wait ran out: here nothing is rung, and the phone is left to be told', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.clock.advance(13_000);
  t.notThrows(() => bench.call.deviceRegistered(device('a')));
  t.is(bench.port.branches.length, 0);
  t.deepEqual(
    bench.leftWaking.map(({ id }) => id),
    ['a'],
  );
});

test('a stale contact gets the INVITE and the caller hears ringback for ever: here the phone is pushed in the same hold', (t) => {
  const bench = new Bench();
  bench.states.set('a', 'active');
  bench.call.start([device('a')]);
  const [stale] = bench.port.branches;
  bench.clock.advance(2_000);
  t.is(stale?.cancelled, REASONS.noSignOfLife);
  t.is(bench.pushes.length, 1);
  bench.clock.advance(11_000);
  t.is(bench.port.finals.length, 1);
});

test('falling through after the wait rings the phone a second time: here the end is the end', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.call.deviceRegistered(device('a'));
  bench.port.branchTo('a').rings();
  bench.port.branchTo('a').fails(486);
  bench.clock.advance(200_000);
  t.is(bench.port.branches.length, 1);
  t.is(bench.port.finals.length, 1);
});

test('CallKit rings for ever when the call is cancelled before the wake: here the phone is left to be told, with the caller’s reason', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.call.cancelled('Q.850;cause=16');
  t.deepEqual(bench.leftWaking, [{ id: 'a', reason: 'Q.850;cause=16' }]);
});

test('an answer at the desk leaves the mobile ringing: here its INVITE is cancelled with "Call completed elsewhere"', (t) => {
  const bench = new Bench();
  bench.states.set('desk', 'active').set('mobile', 'active');
  bench.call.start([device('desk'), device('mobile')]);
  const mobile = bench.port.branchTo('mobile');
  mobile.rings();
  bench.port.branchTo('desk').answers();
  t.is(mobile.cancelled, REASONS.completedElsewhere);
});

test('a missed call with no reason to be seen: here the timeline tells why', async (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.pushes[0]?.settle(ACCEPTED);
  await settle();
  bench.clock.advance(13_000);
  for (const type of ['device', 'push-asked', 'push-accepted', 'hold-over', 'rejected-upstream', 'end'])
    t.true(bench.types().includes(type), type);
  t.deepEqual(bench.ends, ['not-woken']);
});

test('an engine that drops a silent INVITE after 64 s, a proxy that does after three minutes: the caller hears a word in time, each minute', (t) => {
  const bench = new Bench({ ringback: 'none', hold: 120_000 });
  bench.call.start([device('a')]);
  bench.clock.advance(45_000);
  t.deepEqual(bench.port.provisionals, [182]);
  bench.call.deviceRegistered(device('a'));
  bench.port.branchTo('a').rings();
  bench.clock.advance(120_000);
  t.deepEqual(bench.port.provisionals, [182, 180, 180, 180]);
});
