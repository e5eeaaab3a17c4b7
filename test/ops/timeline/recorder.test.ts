import { readFileSync } from 'node:fs';
import test from 'ava';
import type { EventFields, TimelineEvent } from '../../../src/calls/timeline.js';
import { arrowsOf } from '../../../src/ops/timeline/arrows.js';
import { TimelineRecorder } from '../../../src/ops/timeline/recorder.js';
import { ladderText } from '../../../src/ops/timeline/text.js';

const START = Date.parse('2026-01-05T08:00:00Z');

function recorder(calls = 10) {
  const recorder = new TimelineRecorder({ calls });
  const of =
    (callUuid: string, start = START) =>
    (ms: number, type: string, fields: EventFields = {}): void => {
      const event: TimelineEvent = {
        callUuid,
        sessionId: `session-${callUuid};remote=0`,
        at: start + ms,
        ms,
        type,
        fields,
      };
      recorder.record(event);
    };
  return { recorder, of };
}

/** A call that wakes a phone, is answered and hung up. */
function woken(record: (ms: number, type: string, fields?: EventFields) => void): void {
  record(0, 'invite-received', { aor: 'sip:2002@corp.example', trunk: 'cucm', callId: 'Call-1@cucm', caller: '2001' });
  record(1, 'device', {
    device: 'A',
    platform: 'iphone',
    state: 'suspended',
    reason: 'silent for 30s',
    action: 'wake',
  });
  record(2, 'push-asked', { device: 'A' });
  record(32, 'push-accepted', { device: 'A', apnsId: 'ID', answerMs: 30, attempts: 1 });
  record(702, 'device-woke', { device: 'A', mode: 'path' });
  record(705, 'leg-invited', { device: 'A', mode: 'path', uri: 'sip:2002@192.0.2.1' });
  record(780, 'leg-provisional', { device: 'A', status: 180 });
  record(2500, 'leg-answered', { device: 'A', status: 200 });
  record(9000, 'hung-up', { by: 'caller' });
  record(9000, 'end', { reason: 'answered' });
}

test('a call is held, rings, is up and over; what an operator asks about is in its summary', (t) => {
  const { recorder: kept, of } = recorder();
  const states: string[] = [];
  woken((ms, type, fields) => {
    of('U1')(ms, type, fields);
    states.push(kept.get('U1')?.summary.state ?? '');
  });
  t.deepEqual([...new Set(states)], ['held', 'ringing', 'up', 'over']);
  t.like(kept.get('U1')?.summary, {
    caller: '2001',
    called: 'sip:2002@corp.example',
    trunk: 'cucm',
    direction: 'to-phone',
    reason: 'answered',
    startedAt: START,
    endedAt: START + 9000,
    ringingAfter: 780,
    answeredAfter: 2500,
    wakeTook: 700,
    pushes: 1,
    devices: 1,
  });
  t.is(kept.get('U1')?.events.length, 10);
  t.is(kept.live, 0);
});

test('a call is found by its UUID, Call-ID and Session-ID, the latest one first', (t) => {
  const { recorder: kept, of } = recorder();
  woken(of('U1'));
  woken(of('U2', START + 60_000));
  t.is(kept.get('call-1@CUCM')?.summary.callUuid, 'U2');
  t.is(kept.get('session-u1')?.summary.callUuid, 'U1');
  t.is(kept.get('nothing'), undefined);
});

test('calls are searched by number, state, reason and time, a page at a time', (t) => {
  const { recorder: kept, of } = recorder();
  for (let i = 0; i < 5; i++) woken(of(`U${i}`, START + i * 1000));
  of('H', START + 9000)(0, 'invite-received', { aor: 'sip:2003@corp.example', trunk: 'other', caller: '2001' });
  const uuids = (...args: Parameters<typeof kept.find>) => kept.find(...args).calls.map(({ callUuid }) => callUuid);
  t.deepEqual(uuids({ text: '2001' }, 2), ['H', 'U4']);
  t.deepEqual(uuids({ text: '2001' }, 2, 2), ['U3', 'U2']);
  t.is(kept.find({ text: '2001' }, 2).total, 6);
  t.deepEqual(uuids({ state: 'held' }, 9), ['H']);
  t.deepEqual(uuids({ trunk: 'other' }, 9), ['H']);
  t.is(kept.find({ reason: 'answered' }, 0).total, 5);
  t.deepEqual(uuids({ text: '2002', since: START + 2000, until: START + 3000 }, 9), ['U3', 'U2']);
  t.deepEqual(uuids({ text: '2002', state: 'held' }, 9), []);
});

test('neither calls that are over nor the events of one grow without bound; calls under way are all kept', (t) => {
  const { recorder: kept, of } = recorder(3);
  for (let i = 0; i < 10; i++) of(`H${i}`)(0, 'invite-received', {});
  for (let i = 0; i < 10; i++) woken(of(`U${i}`, START + i));
  t.is(kept.live, 10);
  t.is(kept.find({ state: 'over' }, 100).total, 3);
  t.is(kept.get('U6'), undefined);
  for (let i = 0; i < 1000; i++) of('H0')(i, 'leg-provisional', { status: 180 });
  t.is(kept.get('H0')?.events.length, 300);
  t.is(kept.get('H0')?.dropped, 701);
  const long = of('L');
  long(0, 'invite-received', {});
  for (let i = 0; i < 1000; i++) long(i, 'sip-received', { party: 'trunk', method: 'INFO' });
  long(2000, 'end', { reason: 'answered' });
  t.is(kept.get('L')?.events.length, 201, 'messages leave room for the end');
  t.is(kept.get('L')?.events.at(-1)?.type, 'end');
});

test('an event after the end is kept with its call', (t) => {
  const { recorder: kept, of } = recorder();
  woken(of('U1'));
  of('U1')(9500, 'late-device-told', { device: 'B' });
  t.is(kept.live, 0);
  t.is(kept.get('U1')?.events.at(-1)?.type, 'late-device-told');
});

test('the ladder in text', (t) => {
  const { recorder: kept, of } = recorder();
  woken(of('U1'));
  const call = kept.get('U1');
  if (call === undefined) return t.fail();
  t.is(ladderText(call), readFileSync('test/fixtures/ladder.txt', 'utf8'));
});

test('the ladder of a call at several nodes tells what was read, written and said between them', (t) => {
  const { recorder: kept, of } = recorder();
  const record = of('U1');
  record(0, 'invite-received', { aor: 'sip:2002@corp.example' });
  record(0.2, 'node-asked', { node: 'a' });
  record(1, 'call-inherited', { from: 'a', journal: 'read' });
  record(1.5, 'devices-read', { devices: 2, took: 1 });
  record(2, 'journal-written', { store: 'redis', what: 'held: 1 pushed', took: 0.4 });
  record(700, 'node-told', { node: 'c', device: 'A' });
  record(701, 'device-woke', { device: 'A', mode: 'direct' });
  record(702, 'leg-invited', { device: 'A', mode: 'direct', node: '192.0.2.3:5060' });
  record(703, 'journal-failed', { store: 'redis', what: 'up' });
  const call = kept.get('U1');
  if (call === undefined) return t.fail();
  const text = ladderText(call);
  t.regex(text, /^ +ms +Trunk +callwake +APNs +Phone +other node$/m);
  for (const line of [
    /│─* asks a for the call ─*▶│$/m,
    /│◀─* the call, from a \(journal: read\) ─*│$/m,
    /│ devices of the AOR read: 2/,
    /│ journal \(redis\): held: 1 pushed/,
    /│◀─* the phone registered at c ─*│$/m,
    /│─* INVITE \(direct\) over node 192\.0\.2\.3:5060 ─*▶│/,
    /│ journal \(redis\) NOT written: up/,
  ]) {
    t.regex(text, line);
  }
});

test('a ladder draws each message between those who had it', (t) => {
  const { recorder: kept, of: events } = recorder();
  const arrows = (id: string, ...list: readonly (readonly [string, EventFields])[]): string[] => {
    for (const [ms, [type, fields]] of list.entries()) events(id)(ms, type, fields);
    const call = kept.get(id);
    if (call === undefined) throw new Error('no call');
    return arrowsOf(call).map(({ from, to, label }) => `${from}${to === undefined ? '' : ` > ${to}`}: ${label}`);
  };
  const toPhone = arrows(
    'internal',
    ['invite-received', { from: 'phone' }],
    ['sip-sent', { party: 'phone', method: 'INVITE', status: 100, by: 'engine' }],
    ['ringback', { status: 180 }],
    ['sip-sent', { party: 'phone', method: 'INVITE', status: 180 }],
    ['leg-failed', { status: 408, reason: 'Request Timeout', local: true }],
    ['fallback-trying', { peer: 'cucm-1' }],
    ['trunk-passed-over', { peer: 'cucm-1', status: 503, reason: 'Service Unavailable' }],
    ['fallback-answered', { status: 200 }],
    ['sip-received', { party: 'phone', method: 'ACK' }],
    ['sip-sent', { party: 'trunk', method: 'ACK' }],
    ['hung-up', { by: 'device' }],
  );
  t.deepEqual(toPhone, [
    'phone > callwake: INVITE',
    'callwake > phone: 100',
    'callwake: ringback: nobody rings yet',
    'callwake > phone: 180',
    'callwake: no answer from the phone (408 Request Timeout)',
    'callwake > trunk: INVITE cucm-1',
    'trunk > callwake: 503 Service Unavailable, next peer',
    'trunk > callwake: 200 (INVITE)',
    'phone > callwake: ACK',
    'callwake > trunk: ACK',
    'trunk > callwake: BYE',
  ]);
  const toTrunk = arrows(
    'outbound',
    ['outbound-received', { aor: 'sip:2001@corp.example', number: '9001' }],
    ['cancelled', { method: 'BYE' }],
    ['sip-sent', { party: 'phone', method: 'BYE', status: 200 }],
    ['rejected-upstream', { status: 487, reason: 'Request Terminated' }],
  );
  t.deepEqual(toTrunk, [
    'phone > callwake: INVITE',
    'phone > callwake: BYE',
    'callwake > phone: 200 (BYE)',
    'callwake > phone: 487 Request Terminated',
  ]);
});

test('the ladder of a call whose phone is behind no edge has no column for one', (t) => {
  const { recorder: kept, of } = recorder();
  const record = of('U1');
  record(0, 'invite-received', { aor: 'sip:2002@corp.example' });
  record(1, 'leg-invited', { device: 'A', mode: 'direct' });
  record(2, 'end', { reason: 'cleared' });
  const call = kept.get('U1');
  if (call === undefined) return t.fail();
  t.regex(ladderText(call), /^ +ms +Trunk +callwake +APNs +Phone$/m);
  t.notRegex(ladderText(call), /edge/);
});

test('what is kept is bounded in bytes too, the oldest calls go first', (t) => {
  const kept = new TimelineRecorder({ calls: 1000, bytes: 100_000 });
  for (let i = 0; i < 200; i++) {
    const record = (ms: number, type: string, fields: EventFields = {}): void =>
      kept.record({ callUuid: `U${i}`, at: START + ms, ms, type, fields });
    record(0, 'invite-received', { aor: 'x'.repeat(2000) });
    record(1, 'end', { reason: 'cancelled' });
  }
  const { total } = kept.find({}, 1000);
  t.true(total > 10 && total < 50, String(total));
  t.truthy(kept.get('U199'));
  t.is(kept.get('U0'), undefined);
});
