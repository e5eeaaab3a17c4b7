import test from 'ava';
import { type Alarm, AlarmBoard, type Raised } from '../../../src/ops/alarms/board.js';
import { LimitAlarms, pushAlarmsTo, storeAlarm, trunkAlarm } from '../../../src/ops/alarms/sources.js';
import type { PeerStatus } from '../../../src/trunks/types.js';
import { FakeClock } from '../../support/fake-clock.js';

function boardAndTold() {
  const clock = new FakeClock();
  const board = new AlarmBoard(clock);
  const told: string[] = [];
  board.onChange(({ name, subject, state, reason }) => told.push(`${state} ${name} ${subject}: ${reason}`));
  return { clock, board, told };
}

const raised = (name: string, severity: Raised['severity'], reason = 'seen'): Raised => ({
  name,
  subject: 'x',
  severity,
  reason,
  text: '',
});

test('an alarm is told when it is raised, when its reason changes and when it is cleared, not again', (t) => {
  const { clock, board, told } = boardAndTold();
  const start = clock.now();
  let cleared: Alarm | undefined;
  board.onChange((alarm) => {
    cleared = alarm;
  });
  board.clear('A', 'x');
  board.raise(raised('A', 'error'));
  board.raise(raised('A', 'error'));
  clock.advance(1000);
  board.raise(raised('A', 'error', 'worse'));
  t.is(board.active[0]?.raisedAt, start);
  clock.advance(1000);
  board.clear('A', 'x');
  board.clear('A', 'x');
  t.deepEqual(told, ['active A x: seen', 'active A x: worse', 'cleared A x: worse']);
  t.deepEqual(board.active, []);
  t.is(cleared?.clearedAt, start + 2000);
});

test('the worst come first, then the oldest; an event is history only', (t) => {
  const { clock, board, told } = boardAndTold();
  for (const [name, severity] of [
    ['W', 'warning'],
    ['E', 'error'],
    ['A', 'alert'],
    ['E2', 'error'],
  ] as const) {
    board.raise(raised(name, severity));
    clock.advance(1);
  }
  board.event(raised('once', 'error'));
  t.deepEqual(
    board.active.map(({ name }) => name),
    ['A', 'E', 'E2', 'W'],
  );
  t.is(told.at(-1), 'event once x: seen');
});

test('alarms do not grow without bound', (t) => {
  const { board } = boardAndTold();
  for (let i = 0; i < 3000; i++) board.raise({ ...raised('A', 'error'), subject: String(i) });
  t.is(board.active.length, 1000);
});

const peer = (name: string, state: PeerStatus['state']): PeerStatus => ({
  peer: name,
  state,
  reason: 'OPTIONS: no answer',
  since: 0,
});

test('a trunk is out of service with its last peer, partially in service before', (t) => {
  const { board, told } = boardAndTold();
  trunkAlarm(board, 'cucm', [peer('a', 'in-service'), peer('b', 'unknown')]);
  t.deepEqual(told, []);
  trunkAlarm(board, 'cucm', [peer('a', 'in-service'), peer('b', 'out-of-service')]);
  trunkAlarm(board, 'cucm', [peer('a', 'out-of-service'), peer('b', 'out-of-service')]);
  trunkAlarm(board, 'cucm', [peer('a', 'out-of-service'), peer('b', 'in-service')]);
  trunkAlarm(board, 'cucm', [peer('a', 'in-service'), peer('b', 'in-service')]);
  t.deepEqual(
    told.map((line) => line.split(':')[0]),
    [
      'active SIPTrunkPartiallyISV cucm',
      'active SIPTrunkOOS cucm',
      'cleared SIPTrunkPartiallyISV cucm',
      'cleared SIPTrunkOOS cucm',
      'active SIPTrunkPartiallyISV cucm',
      'cleared SIPTrunkPartiallyISV cucm',
    ],
  );
  t.regex(told[1] ?? '', /a \(OPTIONS: no answer\), b \(OPTIONS: no answer\)/);
});

test('a limit’s alarm is over a minute after the last refusal', (t) => {
  const { clock, board, told } = boardAndTold();
  const limits = new LimitAlarms(board, clock);
  limits.refused('cucm', 'maxHeld 10');
  clock.advance(59_000);
  limits.refused('cucm', 'maxHeld 10');
  clock.advance(59_000);
  t.is(board.active.length, 1);
  clock.advance(1000);
  t.deepEqual(told, ['active CallLimitReached cucm: maxHeld 10', 'cleared CallLimitReached cucm: maxHeld 10']);
  t.is(clock.pending, 0);
});

test('what the push client tells: trouble for all calls stays until it is over, a single token is an event', (t) => {
  const { board, told } = boardAndTold();
  const tell = pushAlarmsTo(board);
  const alarm = { subject: 'h', reason: 'r', text: 'what to do', at: 0 } as const;
  tell({ ...alarm, name: 'PushNotificationServiceUnavailable', severity: 'alert', state: 'raised' });
  tell({ ...alarm, name: 'PushNotificationInvalidDeviceTokenResponse', severity: 'error', state: 'raised' });
  tell({ ...alarm, name: 'PushNotificationServiceUnavailable', severity: 'alert', state: 'over' });
  t.deepEqual(told, [
    'active PushNotificationServiceUnavailable h: r',
    'event PushNotificationInvalidDeviceTokenResponse h: r',
    'cleared PushNotificationServiceUnavailable h: r',
  ]);
});

test('a store that is away for longer than a reconnect takes is an alarm until it is back', (t) => {
  const { clock, board, told } = boardAndTold();
  const store = { state: 'away' as 'up' | 'away', why: 'not connected yet', onState: () => {} };
  let tell = (): void => {};
  const stop = storeAlarm(board, clock, 'Redis', {
    get state() {
      return store.state;
    },
    why: 'gone',
    onState: (listener) => {
      tell = () => listener(store.state, 'gone');
    },
  });
  const turn = (state: 'up' | 'away', ms: number): void => {
    store.state = state;
    tell();
    clock.advance(ms);
  };
  clock.advance(1_900);
  turn('up', 5_000);
  turn('away', 1_900);
  turn('up', 5_000);
  t.deepEqual(told, []);
  turn('away', 2_000);
  t.deepEqual(told, ['active StoreUnavailable Redis: gone']);
  turn('up', 0);
  t.is(told.length, 2);
  turn('away', 0);
  stop();
  t.is(clock.pending, 0);
});
