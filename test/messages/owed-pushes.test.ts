import test from 'ava';
import { OwedPushes, type Place } from '../../src/messages/owed-pushes.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { message } from './world.js';

const place = (n: number): Place => ({ queue: `sip:200${n}@corp.example phone`, position: `p${n}` });

/** A store with messages 1, 2 and 3, each in the queue of a phone of its own. */
async function filled(): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const n of [1, 2, 3]) await store.putQueued(place(n).queue, place(n).position, message(String(n)));
  return store;
}

/** What a process that starts now is told to push. */
const left = async (store: MemoryStore): Promise<string[]> =>
  (await new OwedPushes(store, new FakeClock(), () => {}).left()).map((untold) => untold.message.body).sort();

test('what came in one turn is one record; the next process finds what of it was not told', async (t) => {
  const store = await filled();
  const clock = new FakeClock();
  const owed = new OwedPushes(store, clock, (error) => t.fail(String(error)));
  await Promise.all([owed.note(place(1)), owed.note(place(2))]);
  await owed.note(place(3));
  t.is(await store.queuedCount('owed'), 2);
  t.deepEqual(await left(store), ['1', '2', '3']);
  owed.told([place(1), place(3)]);
  t.deepEqual(await left(store), ['1', '2', '3']);
  await clock.advanceAsync(50);
  t.deepEqual(await left(store), ['2']);
  owed.told([place(2), place(2)]);
  await owed.flush();
  t.is(await store.queuedCount('owed'), 0);
});

test('what the next process has told, and what has left its queue, is not owed to the one after', async (t) => {
  const store = await filled();
  const before = new OwedPushes(store, new FakeClock(), () => {});
  await Promise.all([before.note(place(1)), before.note(place(2))]);
  await store.removeQueued(place(2).queue, place(2).position);
  const owed = new OwedPushes(store, new FakeClock(), () => {});
  t.deepEqual(await owed.left(), await owed.left());
  owed.told([place(1)]);
  await owed.flush();
  t.is(await store.queuedCount('owed'), 0);
});

test('notes of former versions, one for each message, are read and go', async (t) => {
  const store = await filled();
  const { queue, position } = place(2);
  await store.putQueued('untold', `${position} ${queue}`, { queue, position, message: message('2', { headers: [] }) });
  const owed = new OwedPushes(store, new FakeClock(), () => {});
  t.like(await owed.left(), [{ queue, position, message: message('2') }]);
  owed.told([place(2)]);
  await owed.flush();
  t.is(await store.queuedCount('untold'), 0);
});

test('a store that fails says so to who waits', async (t) => {
  const store = await filled();
  store.putQueued = () => Promise.reject(new Error('disk full'));
  const owed = new OwedPushes(store, new FakeClock(), () => {});
  await t.throwsAsync(owed.note(place(1)), { message: 'disk full' });
});

test('of nodes that share a store each takes up what it owed itself, and what those owe that are gone, one of them each', async (t) => {
  const store = await filled();
  const clock = new FakeClock();
  const alive = new Set(['a', 'b', 'c']);
  const node = (name: string): OwedPushes =>
    new OwedPushes(store, clock, (error) => t.fail(String(error)), {
      node: name,
      lives: async (other) => alive.has(other),
    });
  const bodies = async (owed: OwedPushes): Promise<string[]> =>
    (await owed.left()).map(({ message: { body } }) => body);
  await node('a').note(place(1));
  await node('b').note(place(2));
  const [b, c] = [node('b'), node('c')];
  t.deepEqual(await bodies(c), []);
  t.deepEqual(await bodies(b), ['2']);
  alive.delete('a');
  const [first, second] = await Promise.all([bodies(b), bodies(c)]);
  t.deepEqual([...first, ...second].sort(), ['1', '2']);
  const heir = first.includes('1') ? b : c;
  heir.told([place(1)]);
  await heir.flush();
  await clock.advanceAsync(60_000);
  t.deepEqual(await bodies(heir === b ? c : b), heir === b ? [] : ['2']);
});
