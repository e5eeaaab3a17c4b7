import test from 'ava';
import { Later } from '../../../src/ops/timeline/later.js';

test('events are told in order, after what else is due in this turn of the event loop and the next', async (t) => {
  const told: string[] = [];
  const faults: string[] = [];
  const later = new Later(
    ({ type }) => {
      if (type === 'broken') throw new Error(type);
      told.push(type);
    },
    (error, callUuid) => faults.push(`${callUuid} ${String(error)}`),
  );
  const { sink, after } = later;
  const event = (type: string) => ({ callUuid: 'A', at: 1, ms: 0, type, fields: {} });
  setImmediate(() => told.push('message left'));
  sink(event('first'));
  sink(event('broken'));
  sink(event('second'));
  after(() => told.push('written'));
  t.deepEqual(told, []);
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  sink(event('third'));
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  t.deepEqual(told, ['message left', 'first', 'second', 'written', 'third']);
  sink(event('last'));
  after(() => told.push('written last'));
  later.flush();
  t.deepEqual(told.slice(5), ['last', 'written last']);
  t.deepEqual(faults, ['A Error: broken']);
});
