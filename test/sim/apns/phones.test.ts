import test from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import { newToken, provider, simulator, topic, until, voipPush } from '../../push/support.js';
import { FakeClock } from '../../support/fake-clock.js';
import { phone } from './support.js';

test('a connected phone is told its push, and only its own', async (t) => {
  const apns = await simulator(t);
  const [mine, other] = [newToken(), newToken()];
  const first = phone(t, apns, JSON.stringify({ token: mine.toUpperCase() }));
  const second = phone(t, apns, JSON.stringify({ token: other }));
  await until(() => apns.phones.size === 2);
  await until(() => apns.world.tokenOf(mine) !== undefined);
  const client = provider(t, apns);
  await client.push(voipPush(systemClock, { token: mine, payload: { aps: {}, callwake: { v: 1, video: true } } }));
  const told = await first.next();
  t.like(told, {
    topic,
    pushType: 'voip',
    priority: 10,
    expiration: 0,
    payload: { aps: {}, callwake: { v: 1, video: true } },
  });
  t.is(told?.apnsId, apns.received[0]?.apnsId);
  t.is(apns.received[0]?.fate, 'delivered');
  t.deepEqual(second.told, []);
});

test('a phone that connects is known, for the topics and environment it names', async (t) => {
  const apns = await simulator(t, { acceptAnyToken: false });
  const token = newToken();
  const client = provider(t, apns);
  t.like(await client.push(voipPush(systemClock, { token })), { kind: 'refused', reason: 'BadDeviceToken' });
  phone(t, apns, JSON.stringify({ token, topics: [topic], environment: 'sandbox' }));
  await until(() => apns.world.tokenOf(token) !== undefined);
  t.like(await client.push(voipPush(systemClock, { token })), { kind: 'refused', token: 'wrong-environment' });
  t.like(await client.push(voipPush(systemClock, { token, environment: 'sandbox' })), { kind: 'accepted' });
});

test('a push with an expiration waits for its phone, the newest per topic; one without is lost', async (t) => {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const client = provider(t, apns, { clock });
  const token = newToken();
  const send = (n: number, expiresInMs?: number) =>
    client.push(
      voipPush(clock, {
        token,
        payload: { aps: {}, n },
        ...(expiresInMs === undefined ? {} : { expiresAt: clock.now() + expiresInMs }),
      }),
    );
  await send(1, 60_000);
  await send(2, 60_000);
  await send(3);
  t.deepEqual(
    apns.received.map(({ fate }) => fate),
    ['stored', 'stored', 'lost'],
  );
  clock.advance(30_000);
  const late = phone(t, apns, JSON.stringify({ token }));
  t.like(await late.next(), { payload: { aps: {}, n: 2 } });
  t.is(late.told.length, 1);
});

test('a stored push ends with its expiration', async (t) => {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const token = newToken();
  const client = provider(t, apns, { clock });
  await client.push(voipPush(clock, { token, expiresAt: clock.now() + 10_000 }));
  t.is(apns.received[0]?.fate, 'stored');
  clock.advance(10_000);
  const late = phone(t, apns, JSON.stringify({ token }));
  await until(() => apns.phones.size === 1);
  await client.push(voipPush(clock, { token, payload: { aps: {}, n: 'second' }, expiresAt: clock.now() + 10_000 }));
  t.like(await late.next(), { payload: { aps: {}, n: 'second' } });
});

test('a phone that talks nonsense is told so', async (t) => {
  const apns = await simulator(t);
  const confused = phone(t, apns, 'hello', '{"token":"xyz"}');
  await confused.next(2);
  for (const line of confused.told) t.regex(String(line.error), /expected/);
});

test('a phone that never ends its line is cut off', async (t) => {
  const apns = await simulator(t);
  const endless = phone(t, apns);
  const closed = new Promise((resolve) => endless.socket.on('close', resolve));
  endless.socket.write('x'.repeat(10_000));
  t.like(await endless.next(), { error: 'line too long' });
  await closed;
  t.pass();
});
