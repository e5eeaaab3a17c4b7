import test from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import { provider, simulator, topic, voipPush } from '../support.js';

test('a push reaches Apple with the headers Apple wants and is accepted', async (t) => {
  const apns = await simulator(t);
  const push = voipPush(systemClock);
  const outcome = await provider(t, apns).push(push);
  t.is(outcome.kind, 'accepted');
  const [received] = apns.received;
  t.like(received, { token: push.token, payload: push.payload, answer: 200, environment: 'production' });
  t.like(received?.headers, {
    'apns-topic': topic,
    'apns-push-type': 'voip',
    'apns-priority': '10',
    'apns-expiration': '0',
  });
  t.like(outcome, { apnsId: received?.apnsId ?? 'none', attempts: 1 });
});

test('a burst on a fresh connection is accepted whole', async (t) => {
  const apns = await simulator(t, { maxStreams: 10 });
  const client = provider(t, apns);
  const outcomes = await Promise.all(Array.from({ length: 200 }, () => client.push(voipPush(systemClock))));
  t.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['accepted']));
  t.is(apns.total, 200);
  t.is(client.counters().attempts, 200);
});
