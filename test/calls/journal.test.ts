import test from 'ava';
import { Journal } from '../../src/calls/journal.js';
import { Timeline, type TimelineEvent } from '../../src/calls/timeline.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { INFO } from './fakes.js';

const LEG = { device: 'phone', state: 'waking' } as const;
const HELD = { holdUntil: 13_000, ringUntil: 180_000 };

function bench(store = new MemoryStore()) {
  const clock = new FakeClock();
  const events: TimelineEvent[] = [];
  const faults: string[] = [];
  const journal = new Journal(
    store,
    'engine',
    (error) => faults.push(String(error)),
    () => 'memory',
  );
  const timeline = new Timeline(INFO.callUuid, undefined, clock, (event) => events.push(event));
  const entry = journal.open(INFO, clock.now(), undefined, timeline);
  return { entry, events, faults };
}

test('the timeline tells what the journal of a call says, once for each thing it says', async (t) => {
  const { entry, events, faults } = bench();
  entry.held({ ...HELD, legs: [LEG] });
  entry.held({ ...HELD, legs: [{ ...LEG, pushedAt: 1 }] });
  entry.held({ ...HELD, legs: [{ ...LEG, pushedAt: 1 }] });
  entry.held({ ...HELD, legs: [{ ...LEG, state: 'inviting', pushedAt: 1 }, LEG, { ...LEG, device: 'pad' }] });
  entry.up({ device: 'phone', branch: 'b', answeredAt: 2, answer: { status: 200, reason: 'OK' } });
  entry.addLate([{ device: 'pad', reason: 'SIP;cause=200', until: 3 }]);
  entry.over('answered');
  entry.removeLate('pad');
  await settle();
  t.deepEqual(
    events.map(({ type, fields }) => [type, fields.store, fields.what]),
    [
      ['journal-written', 'memory', 'held: 1 waking'],
      ['journal-written', 'memory', 'held: 1 pushed'],
      ['journal-written', 'memory', 'held: 1 inviting, 2 waking'],
      ['journal-written', 'memory', 'up'],
      ['journal-written', 'memory', 'over, 1 to be told'],
      ['journal-written', 'memory', 'removed'],
    ],
  );
  t.deepEqual(faults, []);
});

test('what the store does not take is on the timeline too', async (t) => {
  class Full extends MemoryStore {
    override async putCall(): Promise<void> {
      throw new Error('disk full');
    }
  }
  const { entry, events, faults } = bench(new Full());
  entry.held({ ...HELD, legs: [] });
  await settle();
  t.like(events[0], { type: 'journal-failed', fields: { store: 'memory', what: 'held' } });
  t.deepEqual(faults, ['Error: disk full']);
});
