import test from 'ava';
import { requestsIn, stageFor } from './support.js';

const ALERT = 'cd'.repeat(32);

test.serial(
  'P6: a sleeping phone is pushed in the background before its registration ends, and renews it',
  async (t) => {
    const stage = await stageFor(t, {
      edge: 'path',
      config: {
        devices: { refreshPushes: true, refreshLead: '10s', sweepInterval: '1s', minExpires: '1s', expiresJitter: 0 },
      },
    });
    const phone = await stage.phone({ alertToken: ALERT, expires: 13, behaviour: { wakeDelayMs: 50 } });
    await phone.background();
    const asleepAt = Date.now();
    t.is(requestsIn(stage.edge?.messages ?? [], 'REGISTER').length, 2);
    const refreshed = await stage.callwake.logged('refresh');
    t.like(refreshed, { outcome: 'accepted' });
    t.true(Number(refreshed.left) >= 10_000, `asked ${String(refreshed.left)} ms before the end`);
    const [push, ...others] = stage.apple.received;
    t.deepEqual(others, []);
    t.like(push, { token: ALERT, answer: 200, fate: 'delivered' });
    t.like(push?.headers, { 'apns-push-type': 'background', 'apns-topic': 'com.example.phone', 'apns-priority': '5' });
    const gone = Number(push?.headers['apns-expiration']) * 1000 - asleepAt;
    t.true(gone > 9_000 && gone <= 14_000, 'Apple forgets it when the binding ends');
    await phone.events.seen('registered', ({ at }) => at >= (push?.receivedAt ?? 0));
    t.deepEqual(stage.faults(), []);
  },
);
