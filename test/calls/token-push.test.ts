import test from 'ava';
import { TokenPush } from '../../src/calls/token-push.js';
import type { Device } from '../../src/devices/types.js';
import type { PushEnvironment } from '../../src/push/provider.js';
import { FakeClock } from '../support/fake-clock.js';
import { ACCEPTED } from './fakes.js';

for (const [configured, known, noted] of [
  ['auto', undefined, ['keep production']],
  ['auto', 'sandbox', []],
  ['production', undefined, []],
] as const) {
  test(`environment ${configured}, the token’s ${known ?? 'not known'}: noted ${noted.length} times when Apple took it`, async (t) => {
    const clock = new FakeClock();
    const verdicts: string[] = [];
    const sentTo: PushEnvironment[] = [];
    const pushes = new TokenPush({
      clock,
      platforms: ['iphone'],
      environmentOf: () => configured,
      onVerdict: async (_device, _token, { token, environment }) => void verdicts.push(`${token} ${environment}`),
      provider: {
        push: async ({ environment }) => {
          sentTo.push(environment);
          return ACCEPTED;
        },
        status: () => ({ provider: 'test', queued: 0, inFlight: 0, connections: [] }),
        close: async () => {},
      },
    });
    const token = {
      kind: 'alert',
      token: 'ab',
      teamId: 'ABCDE12345',
      bundleId: 'com.example.phone',
      seenAt: clock.now(),
      origin: 'register',
      ...(known === undefined ? {} : { environment: known }),
    } as const;
    const device: Device = {
      id: 'a',
      aor: 'sip:2001@corp.example',
      platform: 'iphone',
      bindings: [],
      tokens: [token],
      seenAt: clock.now(),
    };
    const outcome = await pushes.push('alert', { device, payload: {}, deadline: clock.now() + 1000 });
    t.is(outcome.kind, 'accepted');
    t.deepEqual(sentTo, [known ?? 'production']);
    t.deepEqual(verdicts, [...noted]);
  });
}
