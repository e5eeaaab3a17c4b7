import test from 'ava';
import { DeviceHistory } from '../../src/ops/device-history.js';
import type { CallSummary } from '../../src/ops/timeline/summary.js';
import { FakeClock } from '../support/fake-clock.js';

const AOR = 'sip:2001@corp.example';
const CALL: CallSummary = {
  callUuid: 'U',
  direction: 'to-phone',
  called: AOR,
  state: 'held',
  startedAt: 0,
  pushes: 0,
  devices: 1,
};

test('a phone’s calls and pushes are told in words, the newest first; the same again counts, and no more than 20 are kept', (t) => {
  const clock = new FakeClock();
  const history = new DeviceHistory(clock);
  const event = (type: string, fields: object): void => {
    clock.advance(1);
    history.call({ callUuid: 'U', at: 0, ms: 0, type, fields: { device: 'A', ...fields } }, CALL);
  };
  event('device', { state: 'suspended', reason: 'silent for 30s', action: 'wake' });
  event('push-refused', { status: 410, reason: 'Unregistered' });
  event('leg-invited', { mode: 'path' });
  history.registerRefused(AOR, 'A', 403);
  history.registerRefused(AOR, 'A', 403);
  t.deepEqual(
    history.of(AOR, 'A').map(({ what, text, times }) => [what, text, times]),
    [
      ['refused', 'REGISTER was refused with 403', 2],
      ['push', 'Apple refused it: 410 Unregistered', 1],
      ['call', 'suspended (silent for 30s): wake', 1],
    ],
  );
  t.is(history.of(AOR, 'A')[1]?.callUuid, 'U');
  t.deepEqual(history.of(AOR, 'B'), []);
  for (let status = 0; status < 30; status++) history.registerRefused(AOR, 'A', status);
  t.is(history.of(AOR, 'A').length, 20);
});

test('phones that nothing happened to for longest are forgotten', (t) => {
  const history = new DeviceHistory(new FakeClock());
  for (let i = 0; i < 6000; i++) history.registerRefused(AOR, String(i), 403);
  t.is(history.of(AOR, '0').length, 0);
  t.is(history.of(AOR, '5999').length, 1);
});
