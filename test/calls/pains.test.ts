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

  const nobody = new Bench({ hold: 175_000 });
  nobody.call.start([device('a')]);
  nobody.clock.advance(170_000);
  t.deepEqual(nobody.port.provisionals, [180, 180, 180], 'after 5, 65 and 125 s');
  const toFallback = new Bench({ ringback: 'none', whenNotWoken: { answer: 480, fallback: '+49170' } });
  toFallback.call.start([device('a')]);
  toFallback.clock.advance(110_000);
  t.deepEqual(toFallback.port.provisionals, [182, 182], 'after 45 and 105 s, though the other trunk is silent');
});

test('two sockets at once: a phone that registers over two flows in the same moment is rung over one of them', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  const flows = [1, 2].map((regId) =>
    binding(`sip:2001@192.0.2.9:506${regId}`, { regId, source: `tcp/192.0.2.9:506${regId}` }),
  );
  bench.call.deviceRegistered(device('a', { bindings: flows.slice(0, 1) }));
  bench.call.deviceRegistered(device('a', { bindings: flows }));
  t.is(bench.port.branches.length, 1);
  bench.port.branchTo('a').rings();
  bench.clock.advance(10_000);
  t.is(bench.port.branches.length, 1);
});

test('a phone sends three REGISTERs after one push and says 486 to the second INVITE: here it gets one, and its answer counts', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  for (let cseq = 1; cseq <= 3; cseq++)
    bench.call.deviceRegistered(device('a', { bindings: [binding(undefined, { cseq })] }));
  t.is(bench.port.branches.length, 1);
  bench.port.branchTo('a').answers();
  t.deepEqual(
    bench.port.finals.map(({ status }) => status),
    [200],
  );
});

test('the first REGISTER after a push is lost: here the call waits for the next one until the hold ends', (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.clock.advance(12_000);
  t.is(bench.port.finals.length, 0);
  bench.call.deviceRegistered(device('a'));
  t.is(bench.port.branches.length, 1);
});

test('a push service that is broken loses the call in silence: here the caller hears 480 and the reason is push-failed', async (t) => {
  const bench = new Bench();
  bench.call.start([device('a')]);
  bench.pushes[0]?.settle({ kind: 'unreachable', reason: 'NoConnection', attempts: 3 });
  await settle();
  t.deepEqual(
    bench.port.finals.map(({ status }) => status),
    [480],
  );
  t.deepEqual(bench.ends, ['push-failed']);
});

test('only one push device per extension: here each gets its push, and its INVITE when it wakes', (t) => {
  const bench = new Bench();
  bench.call.start([device('a'), device('b'), device('c')]);
  t.deepEqual(
    bench.pushes.map(({ device: { id } }) => id),
    ['a', 'b', 'c'],
  );
  for (const id of ['c', 'a', 'b']) bench.call.deviceRegistered(device(id));
  t.deepEqual(
    bench.port.branches.map(({ device: { id } }) => id),
    ['c', 'a', 'b'],
  );
});
