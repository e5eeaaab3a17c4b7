import test from 'ava';
import { LateComers } from '../../src/calls/late-comers.js';
import { Timeline, type TimelineEvent } from '../../src/calls/timeline.js';
import { FakeClock } from '../support/fake-clock.js';
import { device, FakePort } from './fakes.js';

function lateComer({ busy }: { busy: boolean }) {
  const clock = new FakeClock();
  const port = new FakePort();
  const events: TimelineEvent[] = [];
  const gone: string[] = [];
  const lateComers = new LateComers(clock, () => busy);
  lateComers.add({
    deviceId: 'a',
    port,
    timeline: new Timeline('UUID', undefined, clock, (event) => events.push(event)),
    reason: 'SIP;cause=200;text="Call completed elsewhere"',
    until: clock.now() + 45_000,
    onGone: () => gone.push('a'),
  });
  return { clock, port, lateComers, gone, types: () => events.map(({ type }) => type) };
}

test('audio lost in another call: a phone that talks gets no INVITE and CANCEL for the old call', (t) => {
  const { clock, port, lateComers, gone, types } = lateComer({ busy: true });
  lateComers.deviceRegistered(device('a'));
  t.deepEqual(port.branches, []);
  t.deepEqual(types(), ['late-device-busy']);
  t.deepEqual(gone, ['a']);
  t.is(clock.pending, 0);
});

test('a phone that wakes after the call is over and is in no call is told by one INVITE and its CANCEL with the reason', (t) => {
  const { port, lateComers, types } = lateComer({ busy: false });
  for (let i = 0; i < 3; i++) lateComers.deviceRegistered(device('a'));
  t.deepEqual(
    port.branches.map(({ cancelled }) => cancelled),
    ['SIP;cause=200;text="Call completed elsewhere"'],
  );
  t.deepEqual(types(), ['late-device-told']);
});

test('a phone that never comes is forgotten when its time is over', (t) => {
  const { clock, port, lateComers, gone } = lateComer({ busy: false });
  clock.advance(45_000);
  t.deepEqual(gone, ['a']);
  lateComers.deviceRegistered(device('a'));
  t.deepEqual(port.branches, []);
});
