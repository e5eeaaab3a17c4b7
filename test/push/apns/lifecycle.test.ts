import test from 'ava';
import { FakeClock } from '../../support/fake-clock.js';
import { provider, simulator, teamId, until, voipPush } from '../support.js';

test('closing waits for pushes under way, but not for long', async (t) => {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const client = provider(t, apns, { clock });
  const topic = 'com.example.phone';
  const alert = { kind: 'alert', topic, deadline: clock.now() + 86_400_000 } as const;
  apns.script({ status: 503, reason: 'ServiceUnavailable', retryAfter: 3600 });
  const later = client.push(voipPush(clock, alert));
  await until(() => apns.total === 1);
  apns.script({ delayMs: 1_000 });
  const soon = client.push(voipPush(clock, { ...alert, topic }));
  await until(() => client.status().inFlight === 1 && apns.total === 1);
  let closed = false;
  const closing = client.close().then(() => {
    closed = true;
  });
  while (apns.total < 2) await clock.advanceAsync(100);
  t.is((await soon).kind, 'accepted');
  await clock.advanceAsync(1_000);
  t.false(closed);
  await clock.advanceAsync(4_000);
  await closing;
  t.like(await later, { kind: 'unreachable', reason: 'Closed', attempts: 1 });
  await until(() => apns.connections.length === 0);
  t.is(clock.pending, 0);
});

test('a connection is open before the first push, and again after Apple closed it', async (t) => {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const client = provider(t, apns, { clock });
  client.warm(teamId, 'production');
  await until(() => client.status().connections.some(({ state }) => state === 'probing'));
  t.is((await client.push(voipPush(clock))).kind, 'accepted');
  t.is(client.counters().connectionsOpened, 1);
  apns.goaway('Shutdown');
  await until(() => client.counters().connectionsOpened === 2);
  t.is(apns.total, 1);
});

test('a connection opened ahead that fails is not opened over and over', async (t) => {
  const apns = await simulator(t);
  const clock = new FakeClock();
  const nowhere = { host: '127.0.0.1', port: apns.endpoints.production.port };
  await apns.close();
  const client = provider(t, apns, { clock, endpoints: { production: nowhere } });
  client.warm(teamId, 'production');
  client.warm('OTHERTEAM1', 'production');
  await until(() => client.counters().connectionsFailed === 1);
  await clock.advanceAsync(600_000);
  t.is(client.counters().connectionsFailed, 1);
});
