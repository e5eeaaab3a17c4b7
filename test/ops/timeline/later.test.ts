import test from 'ava';
import { later } from '../../../src/ops/timeline/later.js';

test('events are told in order, after what else is due in this turn of the event loop and the next', async (t) => {
  const told: string[] = [];
  const faults: string[] = [];
  const sink = later(
    ({ type }) => {
      if (type === 'broken') throw new Error(type);
      told.push(type);
    },
    (error, callUuid) => faults.push(`${callUuid} ${String(error)}`),
  );
  const event = (type: string) => ({ callUuid: 'A', at: 1, ms: 0, type, fields: {} });
  setImmediate(() => told.push('message left'));
  sink(event('first'));
  sink(event('broken'));
  sink(event('second'));
  t.deepEqual(told, []);
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  sink(event('third'));
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  t.deepEqual(told, ['message left', 'first', 'second', 'third']);
  t.deepEqual(faults, ['A Error: broken']);
});
