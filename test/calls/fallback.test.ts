import test from 'ava';
import { REASONS } from '../../src/calls/port.js';
import { settle } from '../support/fake-clock.js';
import { ACCEPTED, Bench, DEAD, device } from './fakes.js';

const FALLBACK = { whenNotWoken: { answer: 480, fallback: '+49170' } };

test('nobody wakes: the call goes to the fallback number, and says where it came from', (t) => {
  const bench = new Bench(FALLBACK);
  bench.call.start([device('a')]);
  bench.clock.advance(12_999);
  t.is(bench.port.trunkBranches.length, 0);
  bench.clock.advance(1);
  const [fallback] = bench.port.trunkBranches;
  t.deepEqual(fallback?.target, {
    trunk: 'cucm',
    number: '+49170',
    retargeted: { from: 'sip:2001@corp.example', status: 480 },
  });
  t.deepEqual(bench.port.finals, []);
  t.deepEqual(bench.leftWaking, [{ id: 'a', reason: REASONS.fallback }]);
  fallback?.rings();
  fallback?.answers();
  t.deepEqual(bench.port.finals, [{ status: 200 }]);
  t.is(bench.port.connected, fallback);
  t.deepEqual(bench.missed, [{ id: 'a', why: 'answered-elsewhere' }]);
  t.is(bench.clock.pending, 0);
  bench.call.hungUp('caller');
  t.deepEqual(bench.ends, ['answered']);
});

test('a push refused for good goes to the fallback number at once', async (t) => {
  const bench = new Bench(FALLBACK);
  bench.call.start([device('a')]);
  bench.pushes[0]?.settle(DEAD);
  await settle();
  t.is(bench.port.trunkBranches.length, 1);
});

test('when the fallback number fails too, the caller gets the policy’s answer, once', (t) => {
  const bench = new Bench(FALLBACK);
  bench.call.start([device('a')]);
  bench.clock.advance(13_000);
  bench.port.trunkBranches[0]?.fails(503, true);
  t.like(bench.port.finals[0], { status: 480, options: { q850: { cause: 20 } } });
  t.deepEqual(bench.ends, ['not-woken']);
  t.is(bench.port.trunkBranches.length, 1);
  t.deepEqual(bench.missed, [{ id: 'a', why: 'missed' }]);
});

test('busy at the fallback number is busy for the caller', (t) => {
  const bench = new Bench(FALLBACK);
  bench.call.start([device('a')]);
  bench.clock.advance(13_000);
  bench.port.trunkBranches[0]?.fails(486);
  t.is(bench.port.finals[0]?.status, 486);
  t.deepEqual(bench.ends, ['rejected']);
});

test('a phone that wakes while the fallback number rings is not rung; CANCEL ends that leg', (t) => {
  const bench = new Bench(FALLBACK);
  bench.call.start([device('a')]);
  bench.clock.advance(13_000);
  bench.call.deviceRegistered(device('a'));
  bench.call.deviceRegistered(device('new'));
  t.is(bench.port.branches.length, 0);
  bench.call.cancelled('Q.850;cause=16');
  t.is(bench.port.trunkBranches[0]?.cancelled, 'Q.850;cause=16');
  bench.port.trunkBranches[0]?.answers();
  t.deepEqual(bench.port.finals, []);
  t.deepEqual(bench.ends, ['cancelled']);
});

test('the fallback number may ring as long as the call may last', (t) => {
  const bench = new Bench(FALLBACK);
  bench.call.start([device('a')]);
  bench.clock.advance(13_000);
  bench.port.trunkBranches[0]?.rings();
  bench.clock.advance(166_999);
  t.deepEqual(bench.port.finals, []);
  bench.clock.advance(1);
  t.is(bench.port.trunkBranches[0]?.cancelled, REASONS.noAnswer);
  t.is(bench.port.finals[0]?.status, 480);
  t.is(bench.clock.pending, 0);
});

test('a person’s refusal is not sent to the fallback number', (t) => {
  const bench = new Bench(FALLBACK);
  bench.states.set('a', 'active');
  bench.call.start([device('a')]);
  bench.port.branchTo('a').rings();
  bench.port.branchTo('a').fails(603);
  t.is(bench.port.trunkBranches.length, 0);
  t.is(bench.port.finals[0]?.status, 603);
});

test('devices that no INVITE reached are missed calls; those that rang, or said no, are not', async (t) => {
  const bench = new Bench();
  bench.states.set('rang', 'active').set('busy', 'active');
  bench.call.start([device('rang'), device('busy'), device('deaf'), device('dead')]);
  bench.port.branchTo('rang').rings();
  bench.port.branchTo('busy').fails(486);
  bench.pushes[0]?.settle(ACCEPTED);
  bench.pushes[1]?.settle(DEAD);
  await settle();
  bench.call.cancelled();
  t.deepEqual(bench.missed, [
    { id: 'deaf', why: 'missed' },
    { id: 'dead', why: 'missed' },
  ]);
});

test('codes of the trunk take the place of callwake’s own', (t) => {
  const bench = new Bench({ codes: { 480: 486, 603: 486 } });
  bench.call.start([device('a')]);
  bench.clock.advance(13_000);
  t.is(bench.port.finals[0]?.status, 486);
  const declined = new Bench({ codes: { 603: 486 } });
  declined.states.set('a', 'active');
  declined.call.start([device('a')]);
  declined.port.branchTo('a').fails(603);
  t.is(declined.port.finals[0]?.status, 486);
});
