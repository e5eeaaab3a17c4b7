import test, { type ExecutionContext } from 'ava';
import type { PushAlarm } from '../../../src/push/apns/alarms.js';
import { FakeClock } from '../../support/fake-clock.js';
import { outcomeOf, provider, simulator, voipPush } from '../support.js';

const MINUTE = 60_000;

async function setUp(t: ExecutionContext, clockOffsetMs: number, sendDate: boolean) {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock, clockOffsetMs, sendDate });
  const alarms: PushAlarm[] = [];
  const client = provider(t, apns, { clock, connections: 1, onAlarm: (alarm) => void alarms.push(alarm) });
  const push = () => outcomeOf(clock, client, client.push(voipPush(clock)));
  return { clock, apns, client, alarms, push };
}

for (const hours of [2, -2]) {
  test(`a clock ${Math.abs(hours)} hours ${hours > 0 ? 'behind' : 'ahead'} costs no push where Apple tells its time`, async (t) => {
    const { clock, apns, alarms, push } = await setUp(t, hours * 60 * MINUTE, true);
    t.like(await push(), { kind: 'accepted', attempts: 2 });
    t.is(alarms.length, 1);
    t.like(alarms[0], { name: 'PushNotificationServiceClockSkew', state: 'raised', severity: 'alert' });
    t.true(alarms[0]?.text.includes(`120 min ${hours > 0 ? 'behind' : 'ahead of'} Apple's. Set up NTP.`));
    for (let i = 0; i < 5; i++) {
      t.like(await push(), { kind: 'accepted', attempts: 1 });
      await clock.advanceAsync(20 * MINUTE);
    }
    t.is(alarms.length, 1, 'it is not over, and not told again');
    apns.setClockOffset(0);
    t.is((await push()).kind, 'accepted');
    t.is((await push()).kind, 'accepted');
    t.is(alarms.at(-1)?.state, 'over');
  });
}

test('a clock that is behind is told in words also where Apple does not tell its time', async (t) => {
  const { push, alarms, client } = await setUp(t, 90 * MINUTE, false);
  t.like(await push(), { kind: 'refused', reason: 'ExpiredProviderToken', attempts: 2 });
  t.like(alarms[0], { name: 'PushNotificationServiceClockSkew', state: 'raised' });
  t.regex(alarms[0]?.text ?? '', /made 0 min ago .* the clock is behind, by 60 min or more\. Set up NTP\./);
  t.is(client.counters().attempts, 2);
});

test('a few seconds between the clocks are nothing', async (t) => {
  const { push, alarms } = await setUp(t, 30_000, true);
  t.is((await push()).kind, 'accepted');
  t.deepEqual(alarms, []);
});
