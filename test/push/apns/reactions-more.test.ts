import test, { type ExecutionContext } from 'ava';
import type { PushAlarm } from '../../../src/push/apns/alarms.js';
import type { ApnsProviderOptions } from '../../../src/push/apns/options.js';
import type { PushRequest } from '../../../src/push/provider.js';
import { FakeClock } from '../../support/fake-clock.js';
import { newToken, outcomeOf, provider, simulator, topic, until, voipPush } from '../support.js';

async function setUp(t: ExecutionContext, options: Partial<ApnsProviderOptions> = {}) {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const alarms: PushAlarm[] = [];
  const client = provider(t, apns, { clock, connections: 1, onAlarm: (alarm) => void alarms.push(alarm), ...options });
  const push = (changes: Partial<PushRequest> = {}) => outcomeOf(clock, client, client.push(voipPush(clock, changes)));
  const names = () => alarms.map(({ name, state }) => `${state} ${name}`);
  return { clock, apns, client, push, alarms, names };
}

test('a 410 older than the last registration does not end the token', async (t) => {
  const { clock, apns, push } = await setUp(t);
  const token = newToken();
  const registered = clock.now();
  apns.unregisterToken(token, registered - 1);
  t.like(await push({ token, tokenRegisteredAt: registered }), {
    kind: 'refused',
    token: 'keep',
    unregisteredAt: registered - 1,
  });
  t.like(await push({ token, tokenRegisteredAt: registered - 2 }), { kind: 'refused', token: 'dead' });
  t.like(await push({ token }), { kind: 'refused', token: 'dead' });
});

test('a provider token that is expired twice means the clock is wrong: one alarm, no more requests for a while', async (t) => {
  const { clock, apns, client, push, names } = await setUp(t);
  apns.script({ status: 403, reason: 'ExpiredProviderToken', times: 0 });
  t.like(await push(), { kind: 'refused', status: 403, reason: 'ExpiredProviderToken', attempts: 2 });
  t.like(await push(), { kind: 'refused', status: 0, reason: 'ExpiredProviderToken' });
  t.is(client.counters().attempts, 2);
  t.deepEqual(names(), ['raised PushNotificationServiceClockSkew']);
  apns.scripts.clear();
  await clock.advanceAsync(300_000);
  t.like(await push(), { kind: 'accepted' });
  t.deepEqual(names().slice(1), ['over PushNotificationServiceClockSkew']);
});

test('many pushes refused for one expired token lead to one new token', async (t) => {
  const { clock, apns, client, push } = await setUp(t);
  await push();
  apns.script({ status: 403, reason: 'ExpiredProviderToken', times: 20, delayMs: 10 });
  const pushes = Array.from({ length: 20 }, () => client.push(voipPush(clock)));
  await until(() => client.status().inFlight === 20);
  while (apns.total < 21) await clock.advanceAsync(10);
  const outcomes = await Promise.all(pushes.map((pushed) => outcomeOf(clock, client, pushed)));
  t.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['accepted']));
  t.is(new Set(apns.received.map(({ providerToken }) => providerToken)).size, 2);
});

test('an account that Apple refuses is tried again later, ever less often, until it is good', async (t) => {
  const { clock, apns, client, push, names } = await setUp(t);
  apns.script({ status: 403, reason: 'InvalidProviderToken', times: 0 });
  for (let minute = 0; minute < 60; minute++) {
    t.is((await push()).kind, 'refused');
    await clock.advanceAsync(60_000);
  }
  t.true(client.counters().attempts < 25);
  t.deepEqual(names(), ['raised PushNotificationServiceAccessTokenUnavailable']);
  apns.scripts.clear();
  await clock.advanceAsync(300_000);
  t.is((await push()).kind, 'accepted');
  t.is(names().at(-1), 'over PushNotificationServiceAccessTokenUnavailable');
});

test('Retry-After is obeyed, and beyond the deadline the push ends at once', async (t) => {
  const { clock, apns, push } = await setUp(t);
  const token = newToken();
  apns.script({ token, status: 429, reason: 'TooManyRequests', retryAfter: 5 });
  const start = clock.now();
  t.like(await push({ token }), { kind: 'accepted', attempts: 2 });
  t.true(clock.now() - start >= 5_000);
  apns.script({ status: 503, reason: 'ServiceUnavailable', retryAfter: 60 });
  const second = clock.now();
  t.like(await push(), { kind: 'unreachable', reason: 'ServiceUnavailable', attempts: 1 });
  t.true(clock.now() - second < 1_000);
  apns.script({ status: 503, reason: 'ServiceUnavailable', retryAfter: new Date(clock.now() + 4_000).toUTCString() });
  const third = clock.now();
  t.like(await push(), { kind: 'accepted' });
  t.true(clock.now() - third >= 3_000);
});

test('a device with too many requests is left alone, others are not', async (t) => {
  const { clock, apns, client, push } = await setUp(t);
  const token = newToken();
  apns.script({ token, status: 429, reason: 'TooManyRequests', retryAfter: 8 });
  const first = client.push(voipPush(clock, { token }));
  await until(() => apns.total === 1 && client.status().inFlight === 0);
  const second = client.push(voipPush(clock, { token }));
  t.is((await push()).kind, 'accepted');
  t.is(apns.received.filter((received) => received.token === token).length, 1);
  t.is((await outcomeOf(clock, client, first)).kind, 'accepted');
  t.is((await outcomeOf(clock, client, second)).kind, 'accepted');
});

test("a call is tried again three times within its time; Apple's trouble is then told once, and when it is over", async (t) => {
  const { clock, apns, push, names } = await setUp(t);
  apns.script({ status: 500, reason: 'InternalServerError', times: 4 });
  const start = clock.now();
  t.like(await push(), { kind: 'unreachable', reason: 'InternalServerError', attempts: 4 });
  t.true(clock.now() - start < 8_000);
  t.deepEqual(names(), ['raised PushNotificationServiceUnavailable']);
  t.is((await push()).kind, 'accepted');
  t.deepEqual(names().slice(1), ['over PushNotificationServiceUnavailable']);
});

test('a push that may wait is tried for as long as it may', async (t) => {
  const { clock, apns, push } = await setUp(t);
  apns.script({ status: 503, reason: 'ServiceUnavailable', times: 5 });
  const outcome = await push({ kind: 'alert', topic: 'com.example.phone', deadline: clock.now() + 3_600_000 });
  t.like(outcome, { kind: 'accepted', attempts: 6 });
});

test('the other connection is tried first after a 503', async (t) => {
  const { clock, apns, client, push } = await setUp(t, { connections: 2 });
  await push();
  apns.script({ status: 503, reason: 'ServiceUnavailable' });
  const pushed = client.push(voipPush(clock));
  await until(
    () =>
      client.status().connections.length === 2 &&
      client.status().connections.every(({ state }) => state !== 'connecting'),
  );
  t.is((await outcomeOf(clock, client, pushed)).kind, 'accepted');
  const [, refused, repeated] = apns.received;
  t.not(refused?.connection, repeated?.connection);
  t.is(refused?.apnsId, repeated?.apnsId);
});

test('the same device alarm is told once, not for every call', async (t) => {
  const { apns, push, alarms } = await setUp(t);
  const token = newToken();
  apns.unregisterToken(token);
  await push({ token });
  await push({ token });
  t.is(alarms.length, 1);
  t.like(alarms[0], { name: 'PushNotificationInvalidDeviceTokenResponse', severity: 'error', reason: 'Unregistered' });
  t.regex(alarms[0]?.text ?? '', /register again/);
});

test('neither log lines nor alarms nor the status hold a token or a JWT', async (t) => {
  const lines: string[] = [];
  const note = (event: string, fields?: unknown) => void lines.push(event + JSON.stringify(fields));
  const log = { debug: note, info: note, warn: note, error: note };
  const { apns, client, push, alarms } = await setUp(t, { log });
  const token = newToken();
  for (const reason of ['BadDeviceToken', 'IdleTimeout', 'PayloadEmpty', 'TopicDisallowed']) {
    apns.script({ token, status: 400, reason });
    await push({ token });
  }
  const said = JSON.stringify([lines, alarms, client.status(), client.counters(), client.alarms]);
  t.true(lines.length > 4);
  t.false(said.includes(token));
  t.false(/eyJ/.test(said));
  t.true(said.includes(topic));
});
