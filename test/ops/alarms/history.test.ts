import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Alarm } from '../../../src/ops/alarms/board.js';
import { AlarmHistory, type AlarmHistoryOptions } from '../../../src/ops/alarms/history.js';
import { LmdbStore } from '../../../src/store/lmdb-store.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { FakeClock } from '../../support/fake-clock.js';

const DAY = 86_400_000;

const alarm = (name: string, state: Alarm['state'], subject = 'x'): Alarm => ({
  name,
  subject,
  severity: 'error',
  state,
  reason: 'seen',
  text: 'what to do',
  raisedAt: 1,
});

const made = (options: Partial<AlarmHistoryOptions> = {}): AlarmHistory =>
  new AlarmHistory({
    store: new MemoryStore(),
    clock: new FakeClock(),
    node: 'one',
    keep: 100,
    retention: 7 * DAY,
    onTrouble: () => {},
    ...options,
  });

const lines = (history: AlarmHistory): string[] =>
  history.find({}, 1000).alarms.map(({ name, state, subject }) => `${state} ${name} ${subject}`);

test('it outlives the process; what was wrong at its end is over at the next start, on this node alone', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'callwake-alarms-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const clock = new FakeClock();
  const first = new LmdbStore({ path });
  const before = made({ store: first, clock });
  await before.start();
  before.add(alarm('A', 'active'));
  before.add(alarm('B', 'active'));
  before.add(alarm('B', 'cleared'));
  before.add(alarm('C', 'event'));
  clock.advance(1);
  const other = made({ store: first, clock, node: 'two' });
  other.add(alarm('A', 'active', 'y'));
  await before.close();
  await other.close();
  await first.close();

  clock.advance(1000);
  const store = new LmdbStore({ path });
  t.teardown(() => store.close());
  const after = made({ store, clock });
  after.add(alarm('D', 'active'));
  await after.start();
  t.deepEqual(lines(after), [
    'active D x',
    'cleared A x',
    'active A y',
    'event C x',
    'cleared B x',
    'active B x',
    'active A x',
  ]);
  t.like(after.find({ name: 'A', text: 'RESTARTED' }, 10), { total: 0 });
  t.like(after.find({ name: 'A', text: 'started again' }, 10).alarms[0], { clearedAt: clock.now() });
  await after.close();
});

test('it is found by name, text and time, the newest first, a page of it', (t) => {
  const clock = new FakeClock();
  const history = made({ clock });
  const start = clock.now();
  for (const name of ['A', 'B', 'A', 'A']) {
    history.add(alarm(name, 'event', `device ${name}`));
    clock.advance(1000);
  }
  t.is(history.find({ name: 'A' }, 2).total, 3);
  t.is(history.find({ name: 'A' }, 2).alarms.length, 2);
  t.is(history.find({ text: 'DEVICE b' }, 2).total, 1);
  t.is(history.find({ since: start + 1000, until: start + 2000 }, 9).total, 2);
});

test('it is bounded in number and age, in the store too', async (t) => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const history = made({ store, clock });
  for (let i = 0; i < 150; i++) history.add(alarm('A', 'event', String(i)));
  t.is(history.find({}, 1000).total, 100);
  t.is(history.find({}, 1).alarms[0]?.subject, '149');
  await history.close();
  t.is((await store.recordsAfter('alarms', '', 1000)).length, 100);
  clock.advance(8 * DAY);
  const later = made({ store, clock });
  await later.start();
  t.is(later.find({}, 1000).total, 0);
  await later.close();
  t.is((await store.recordsAfter('alarms', '', 1000)).length, 0);
});

test('a store that fails is told once, and the history goes on in memory', async (t) => {
  const troubles: string[] = [];
  const store = {
    putRecord: () => Promise.reject(new Error('disk full')),
    recordsAfter: () => Promise.reject(new Error('disk full')),
  };
  const history = made({ store, onTrouble: (why) => troubles.push(why) });
  await history.start();
  history.add(alarm('A', 'event'));
  history.add(alarm('B', 'event'));
  await history.close();
  t.deepEqual(troubles, ['disk full']);
  t.deepEqual(lines(history), ['event B x', 'event A x']);
});
