import test from 'ava';
import { RecentLog } from '../../src/log/recent.js';

const line = (event: string, fields: object = {}, level = 'info', time = '2027-01-01T00:00:00.000Z'): string =>
  JSON.stringify({ time, level, event, ...fields });

const events = (log: RecentLog, filter: Parameters<RecentLog['find']>[0] = {}, limit = 100): string[] =>
  log.find(filter, limit).map(({ event }) => event);

test('the latest lines are kept in order, and no more than wanted; none with 0', (t) => {
  const log = new RecentLog(3);
  t.deepEqual(events(log), []);
  for (const name of ['a', 'b']) log.add(line(name));
  t.deepEqual(events(log), ['a', 'b']);
  for (const name of ['c', 'd', 'e']) log.add(line(name));
  t.deepEqual(events(log), ['c', 'd', 'e']);
  t.deepEqual(events(log, {}, 2), ['d', 'e']);
  log.add(line('huge', { text: 'x'.repeat(20_000) }));
  t.deepEqual(events(log), ['c', 'd', 'e']);
  const none = new RecentLog(0);
  none.add(line('a'));
  t.deepEqual(events(none), []);
});

test('lines are found by level, text, call and time, and heard as they come', (t) => {
  const log = new RecentLog(10);
  const heard: string[] = [];
  const stop = log.listen({ level: 'warn' }, ({ event }) => heard.push(event));
  log.add(line('begin', { callUuid: 'A' }));
  log.add(line('trouble', { callUuid: 'B', why: 'Related to A' }, 'error'));
  log.add(line('late', {}, 'warn', '2027-01-01T00:01:00.000Z'));
  stop();
  log.add(line('more', {}, 'error'));
  t.deepEqual(events(log, { level: 'warn' }), ['trouble', 'late', 'more']);
  t.deepEqual(events(log, { text: 'RELATED' }), ['trouble']);
  t.deepEqual(events(log, { callUuid: 'A' }), ['begin']);
  t.deepEqual(events(log, { since: Date.parse('2027-01-01T00:00:30Z') }), ['late']);
  t.deepEqual(heard, ['trouble', 'late']);
});
