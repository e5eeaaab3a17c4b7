import test from 'ava';
import { NullProvider } from '../../src/push/null-provider.js';
import { FakeClock } from '../support/fake-clock.js';
import { providerContract } from './contract.js';
import { provider, simulator, voipPush } from './support.js';

providerContract(test, 'ApnsProvider', async (t) => {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  return {
    provider: provider(t, apns, { clock }),
    clock,
    good: () => voipPush(clock),
    silence: () => apns.script({ hang: true, times: 0 }),
  };
});

providerContract(test, 'NullProvider', async () => {
  const clock = new FakeClock();
  return { provider: new NullProvider(), clock, good: () => voipPush(clock), silence: () => {} };
});

test('NullProvider refuses at once and keeps the token', async (t) => {
  t.deepEqual(await new NullProvider().push(voipPush(new FakeClock())), {
    kind: 'refused',
    status: 0,
    reason: 'NoAccount',
    token: 'keep',
    attempts: 0,
  });
});
