import test from 'ava';
import { check } from './check.js';
import type { HistoryEvent } from './history.js';

const registration = { aor: 'sip:1@a', device: 'd', callId: 'c' };
const call = { device: 'd', callUuid: 'u' };

const GOOD: readonly HistoryEvent[] = [
  { at: 1, type: 'registered', ...registration, cseq: 1 },
  { at: 2, type: 'registered', ...registration, cseq: 2 },
  { at: 3, type: 'called', aor: 'sip:1@a', callUuid: 'u', calm: true },
  { at: 4, type: 'pushed', ...call },
  { at: 5, type: 'registered', ...registration, cseq: 3 },
  { at: 6, type: 'invited', ...call, node: 'a' },
  { at: 7, type: 'rang', ...call },
  { at: 8, type: 'final', callUuid: 'u', status: 200 },
  { at: 9, type: 'kept', ...registration, cseq: 3 },
];

const without = (type: HistoryEvent['type']): HistoryEvent[] => GOOD.filter((event) => event.type !== type);

test('a history as it should be', (t) => {
  t.deepEqual(check(GOOD), {
    lost: [],
    invitedTwice: [],
    pushedTwice: [],
    unanswered: [],
    failedInCalm: [],
    calls: 1,
    rang: 1,
    answered: 1,
    invitedAgain: 0,
    pushedAgain: 0,
  });
});

test('a registration that was acknowledged has to be there, or a later one of the same phone', (t) => {
  const lost = ['d c 3'];
  t.deepEqual(check(without('kept')).lost, lost);
  const kept = (what: Partial<typeof registration & { cseq: number }>): readonly string[] =>
    check([...without('kept'), { at: 9, type: 'kept', ...registration, cseq: 3, ...what }]).lost;
  t.deepEqual(kept({ cseq: 2 }), lost);
  t.deepEqual(kept({ callId: 'other' }), lost);
  t.deepEqual(kept({ device: 'other' }), lost);
  t.deepEqual(kept({ aor: 'sip:2@a' }), lost);
  t.deepEqual(kept({ cseq: 4 }), []);
});

test('a second INVITE is one too many, unless the node of the first had lost its power', (t) => {
  const second: HistoryEvent = { at: 20, type: 'invited', ...call, node: 'b' };
  const off: HistoryEvent = { at: 15, type: 'fault', fault: 'power-off', node: 'a' };
  t.deepEqual(check([...GOOD, second]).invitedTwice, ['d u']);
  t.deepEqual(check([...GOOD, { ...second, device: 'other' }]).invitedTwice, []);
  t.deepEqual(check([...GOOD, { ...second, callUuid: 'other' }]).invitedTwice, []);
  t.like(check([...GOOD, off, second]), { invitedTwice: [], invitedAgain: 1 });
  t.deepEqual(check([...GOOD, { ...off, at: 21 }, second]).invitedTwice, ['d u'], 'it went off later');
  t.deepEqual(check([...GOOD, { ...off, at: -200 }, second]).invitedTwice, ['d u'], 'it went off before');
  t.deepEqual(check([...GOOD, { ...off, node: 'c' }, second]).invitedTwice, ['d u'], 'another one went off');
  t.deepEqual(check([...GOOD, { ...off, fault: 'app-killed' }, second]).invitedTwice, ['d u']);
  t.deepEqual(check([...GOOD, off, { ...second, node: 'a' }]).invitedTwice, ['d u'], 'the same one, started again');
  const third: HistoryEvent = { ...second, at: 30, node: 'c' };
  t.deepEqual(check([...GOOD, off, second, third]).invitedTwice, ['d u'], 'one power-off excuses one INVITE');
});

test('a second push is one too many, unless the node of the first could not tell of the call and had lost its power', (t) => {
  const second: HistoryEvent = { at: 20, type: 'pushed', ...call };
  const off: HistoryEvent = { at: 15, type: 'fault', fault: 'power-off', node: 'a' };
  const alone: HistoryEvent = { at: 4, type: 'unclaimed', callUuid: 'u', node: 'a' };
  t.deepEqual(check([...GOOD, second]).pushedTwice, ['d u']);
  t.deepEqual(check([...GOOD, { ...second, device: 'other' }]).pushedTwice, []);
  t.deepEqual(check([...GOOD, off, second]).pushedTwice, ['d u'], 'it could have told');
  t.deepEqual(check([...GOOD, alone, second]).pushedTwice, ['d u'], 'it lives');
  t.like(check([...GOOD, alone, off, second]), { pushedTwice: [], pushedAgain: 1 });
  t.deepEqual(check([...GOOD, alone, { ...off, node: 'b' }, second]).pushedTwice, ['d u'], 'another one went off');
  t.deepEqual(check([...GOOD, alone, { ...off, at: 21 }, second]).pushedTwice, ['d u'], 'it went off later');
  t.deepEqual(check([...GOOD, { ...alone, callUuid: 'v' }, off, second]).pushedTwice, ['d u'], 'another call');
  t.deepEqual(check([...GOOD, { ...alone, at: 16 }, off, second]).pushedTwice, ['d u'], 'said by its next life');
});

test('every caller hears in the end; in quiet times he is answered', (t) => {
  t.like(check(without('final')), { unanswered: ['u'], failedInCalm: ['u'], answered: 0 });
  const refused: HistoryEvent[] = [...without('final'), { at: 8, type: 'final', callUuid: 'u', status: 480 }];
  t.like(check(refused), { unanswered: [], failedInCalm: ['u'], answered: 0, rang: 1 });
  const busyTimes = refused.map((event) => (event.type === 'called' ? { ...event, calm: false } : event));
  t.deepEqual(check(busyTimes).failedInCalm, []);
  t.is(check(without('rang')).rang, 0);
});
