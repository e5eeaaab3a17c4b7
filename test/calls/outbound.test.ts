import test from 'ava';
import { Admission } from '../../src/calls/admission.js';
import { Journal } from '../../src/calls/journal.js';
import { OutboundCalls } from '../../src/calls/outbound.js';
import { Talking } from '../../src/calls/talking.js';
import type { TimelineEvent } from '../../src/calls/timeline.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { FakePort, INFO } from './fakes.js';

const CALL = { ...INFO, number: '1001', ring: 180_000 };

class Bench {
  readonly clock = new FakeClock();
  readonly store = new MemoryStore();
  readonly events: TimelineEvent[] = [];
  readonly admission: Admission;
  readonly outbound: OutboundCalls;

  readonly talking = new Talking();

  constructor(limits = { maxHeld: 10, maxActive: 10 }) {
    this.admission = new Admission(() => limits);
    this.outbound = new OutboundCalls({
      clock: this.clock,
      sink: (event) => this.events.push(event),
      admission: this.admission,
      talking: this.talking,
      journal: new Journal(this.store, 'engine', (error) => {
        throw error;
      }),
    });
  }

  end(): string | undefined {
    return String(this.events.findLast(({ type }) => type === 'end')?.fields.reason);
  }

  async journal(): Promise<unknown[]> {
    const records: unknown[] = [];
    for await (const [, record] of this.store.calls()) records.push(record);
    return records;
  }
}

test('a call to the trunk: ringing and answer go back, hanging up ends it', async (t) => {
  const bench = new Bench();
  const port = new FakePort();
  const call = bench.outbound.start(CALL, port);
  const [branch] = port.trunkBranches;
  t.deepEqual(branch?.target, { trunk: 'cucm', number: '1001' });
  t.deepEqual(bench.admission.loadOf('cucm'), { held: 1, active: 0 });
  branch?.rings();
  branch?.answers();
  t.deepEqual(port.provisionals, [180]);
  t.deepEqual(port.finals, [{ status: 200 }]);
  t.is(port.connected, branch);
  t.deepEqual(bench.admission.loadOf('cucm'), { held: 0, active: 1 });
  t.is((await bench.journal()).length, 1);
  call?.hungUp('caller');
  t.is(bench.end(), 'answered');
  t.deepEqual(bench.admission.loadOf('cucm'), { held: 0, active: 0 });
  t.deepEqual(await bench.journal(), []);
  t.is(bench.outbound.size, 0);
  t.is(bench.clock.pending, 0);
});

test('the trunk’s refusal goes back as it is; one that was not reached says when to try again', (t) => {
  const bench = new Bench();
  const busy = new FakePort();
  bench.outbound.start(CALL, busy);
  busy.trunkBranches[0]?.fails(486);
  t.is(busy.finals[0]?.status, 486);
  t.is(busy.finals[0]?.options?.retryAfter, undefined);
  t.is(bench.end(), 'rejected');
  const gone = new FakePort();
  bench.outbound.start(CALL, gone);
  gone.trunkBranches[0]?.fails(503, true);
  t.like(gone.finals[0], { status: 503, options: { retryAfter: 5 } });
  t.is(bench.end(), 'unreachable');
});

test('CANCEL goes to the trunk with its reason, and nothing more comes back', (t) => {
  const bench = new Bench();
  const port = new FakePort();
  const call = bench.outbound.start(CALL, port);
  call?.cancelled('Q.850;cause=16');
  t.is(port.trunkBranches[0]?.cancelled, 'Q.850;cause=16');
  port.trunkBranches[0]?.answers();
  t.deepEqual(port.finals, []);
  t.is(bench.end(), 'cancelled');
});

test('a call rings no longer than it may', (t) => {
  const bench = new Bench();
  const port = new FakePort();
  bench.outbound.start(CALL, port);
  port.trunkBranches[0]?.rings();
  bench.clock.advance(180_000);
  t.is(port.finals[0]?.status, 408);
  t.truthy(port.trunkBranches[0]?.cancelled);
  t.is(bench.end(), 'no-answer');
});

test('too many calls, or shutting down: 503 with Retry-After; drain waits for those that ring', async (t) => {
  const bench = new Bench({ maxHeld: 1, maxActive: 10 });
  const first = new FakePort();
  bench.outbound.start(CALL, first);
  const second = new FakePort();
  t.is(bench.outbound.start(CALL, second), undefined);
  t.like(second.finals[0], {
    status: 503,
    options: { retryAfter: 5, q850: { cause: 42 }, warning: 'the trunk has as many calls as it may' },
  });
  let drained = false;
  const draining = bench.outbound.drain().then(() => {
    drained = true;
  });
  await settle();
  t.false(drained);
  const third = new FakePort();
  bench.outbound.start(CALL, third);
  t.like(third.finals[0], { status: 503, options: { q850: { cause: 41 }, warning: 'callwake is about to end' } });
  first.trunkBranches[0]?.answers();
  await draining;
  t.true(drained);
});

test('closing ends what rings and leaves what is up to the next process', async (t) => {
  const bench = new Bench();
  const [up, ringing] = [new FakePort(), new FakePort()];
  bench.outbound.start(CALL, up);
  up.trunkBranches[0]?.answers();
  bench.outbound.start({ ...CALL, callId: 'other' }, ringing);
  bench.outbound.close();
  t.is(ringing.finals[0]?.status, 503);
  t.truthy(ringing.trunkBranches[0]?.cancelled);
  t.deepEqual(up.finals, [{ status: 200 }]);
  t.is((await bench.journal()).length, 1);
});
