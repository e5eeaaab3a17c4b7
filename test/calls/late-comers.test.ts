import test from 'ava';
import { LateComers } from '../../src/calls/late-comers.js';
import { Timeline, type TimelineEvent } from '../../src/calls/timeline.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { device, FakePort, INFO } from './fakes.js';

function lateComer({ busy, owns }: { busy: boolean; owns?: () => Promise<boolean> }) {
  const clock = new FakeClock();
  const port = new FakePort();
  const events: TimelineEvent[] = [];
  const gone: string[] = [];
  const lateComers = new LateComers(clock, () => busy, owns);
  lateComers.add({
    info: INFO,
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

test('a phone is not told of a call that another node has by then, nor while nobody knows', async (t) => {
  let owns = false;
  const { port, lateComers, gone, types } = lateComer({ busy: false, owns: async () => owns });
  lateComers.deviceRegistered(device('a'));
  await settle(1);
  t.deepEqual(port.branches, []);
  owns = true;
  for (let i = 0; i < 2; i++) lateComers.deviceRegistered(device('a'));
  await settle(1);
  t.is(port.branches.length, 1);
  t.deepEqual(types(), ['late-device-told']);
  t.deepEqual(gone, ['a']);
});

test('a call that another node has taken over is no more told of', (t) => {
  const { port, lateComers, gone } = lateComer({ busy: false });
  lateComers.forget({ ...INFO, callId: 'of a fork' });
  t.is(lateComers.size, 1);
  lateComers.forget(INFO);
  t.deepEqual(gone, [], 'its record is that one’s');
  lateComers.deviceRegistered(device('a'));
  t.deepEqual(port.branches, []);
});
