import test, { type ExecutionContext } from 'ava';
import type { ApnsProviderOptions } from '../../../src/push/apns/options.js';
import type { PushRequest } from '../../../src/push/provider.js';
import { FakeClock } from '../../support/fake-clock.js';
import { keyId, outcomeOf, provider, signingKey, simulator, teamId, topic, until, voipPush } from '../support.js';

async function setUp(t: ExecutionContext, options: Partial<ApnsProviderOptions> = {}) {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const client = provider(t, apns, { clock, connections: 1, ...options });
  const start = (changes: Partial<PushRequest> = {}) => client.push(voipPush(clock, changes));
  const push = (changes: Partial<PushRequest> = {}) => outcomeOf(clock, client, start(changes));
  return { clock, apns, client, start, push };
}

test('a push ends at its deadline at the latest, under way or waiting', async (t) => {
  const { clock, apns, client, start, push } = await setUp(t);
  await push();
  apns.script({ maxStreams: 1 });
  await push();
  apns.script({ hang: true, times: 0 });
  const underWay = start({ deadline: clock.now() + 1_000 });
  const waiting = start({ deadline: clock.now() + 900 });
  await until(() => client.status().inFlight === 1);
  await clock.advanceAsync(900);
  t.like(await waiting, { kind: 'unreachable', reason: 'Deadline', attempts: 0 });
  await clock.advanceAsync(100);
  t.like(await underWay, { kind: 'unreachable', reason: 'Deadline', attempts: 1 });
  t.like(client.status(), { queued: 0, inFlight: 0 });
});

test('a deadline that has passed sends nothing', async (t) => {
  const { clock, apns, push } = await setUp(t);
  t.deepEqual(await push({ deadline: clock.now() }), { kind: 'unreachable', reason: 'Deadline', attempts: 0 });
  t.is(apns.total, 0);
});

test('a call that is over before its push leaves is not told to anybody', async (t) => {
  const { apns, push } = await setUp(t);
  t.deepEqual(await push({ stillWanted: () => false }), { kind: 'withdrawn', attempts: 0 });
  t.is(apns.total, 0);
});

test('a call that ends between two attempts gets no second one', async (t) => {
  const { apns, push } = await setUp(t);
  for (const trouble of [
    { status: 503, reason: 'ServiceUnavailable' },
    { close: true },
    { reset: 'REFUSED_STREAM' as const },
  ]) {
    apns.reset();
    apns.script(trouble);
    t.deepEqual(await push({ stillWanted: () => apns.total === 0 }), { kind: 'withdrawn', attempts: 1 });
    t.is(apns.total, 1);
  }
});

test('a check that throws does not cost the call its push', async (t) => {
  const { push } = await setUp(t);
  const stillWanted = () => {
    throw new Error('broken');
  };
  t.is((await push({ stillWanted })).kind, 'accepted');
});

test('the queue is bounded: what comes over the limit is refused at once', async (t) => {
  const { apns, client, start } = await setUp(t, { queueLimit: 10 });
  const outcomes = await Promise.all(Array.from({ length: 25 }, () => start()));
  t.is(outcomes.filter(({ kind }) => kind === 'accepted').length, 10);
  t.is(outcomes.filter((outcome) => outcome.kind === 'refused' && outcome.reason === 'QueueFull').length, 15);
  t.is(apns.total, 10);
  t.like(client.counters(), { requested: 25, accepted: 10, refused: 15, byReason: { QueueFull: 15 } });
});

test('without a key for the team, the topic or the environment a push is refused', async (t) => {
  const scoped = {
    teamId,
    keyId,
    key: signingKey,
    bundleIds: ['com.example.phone'],
    environments: ['production'],
  } as const;
  const { push } = await setUp(t, { accounts: [scoped] });
  const refused = { kind: 'refused', status: 0, reason: 'NoAccount', token: 'keep' };
  t.like(await push({ teamId: 'OTHERTEAM1' }), refused);
  t.like(await push({ topic: 'com.example.phones.voip' }), refused);
  t.like(await push({ environment: 'sandbox' }), refused);
  t.like(await push(), { kind: 'accepted' });
});

test('of several keys the one made for the topic is used', async (t) => {
  const { apns, push } = await setUp(t, {
    accounts: [
      { teamId, keyId, key: signingKey },
      { teamId, keyId: 'OTHERKEY12', key: signingKey, bundleIds: ['com.example.phone'] },
    ],
  });
  apns.registerKey({ teamId, keyId: 'OTHERKEY12', publicKey: signingKey, bundleIds: ['com.example.phone'] });
  apns.world.addKey({ teamId, keyId, publicKey: signingKey, bundleIds: ['com.example.other'] });
  t.like(await push({ topic }), { kind: 'accepted' });
  t.like(await push({ topic: 'com.example.other.voip' }), { kind: 'accepted' });
});

test('what can not be sent is refused with its reason, without a connection', async (t) => {
  const { client, push } = await setUp(t);
  t.like(await push({ token: 'nonsense' }), { kind: 'refused', status: 0, reason: 'BadDeviceToken', token: 'dead' });
  t.like(await push({ payload: { aps: {}, x: 'x'.repeat(6000) } }), {
    kind: 'refused',
    status: 0,
    reason: 'PayloadTooLarge',
    token: 'keep',
  });
  t.deepEqual(client.status().connections, []);
});

test('close lets pushes under way end, takes no new ones, and leaves no timer and no connection', async (t) => {
  const { clock, apns, client, start, push } = await setUp(t);
  await push();
  apns.script({ delayMs: 500 });
  const underWay = start();
  await until(() => apns.scripts.list.length === 0);
  const closed = client.close();
  t.like(await start(), { kind: 'refused', reason: 'Closed' });
  await clock.advanceAsync(500);
  t.is((await underWay).kind, 'accepted');
  await closed;
  t.deepEqual(client.status().connections, []);
  await until(() => apns.connections.length === 0);
  t.is(clock.pending, 0);
});

test('counters add up', async (t) => {
  const { apns, client, push } = await setUp(t);
  apns.script({ status: 410, reason: 'Unregistered', times: 2 });
  apns.script({ status: 503, reason: 'ServiceUnavailable', times: 4 });
  for (let i = 0; i < 5; i++) await push();
  await push({ stillWanted: () => false });
  const { requested, accepted, refused, unreachable, withdrawn, byReason, attempts } = client.counters();
  t.deepEqual(
    { requested, accepted, refused, unreachable, withdrawn },
    { requested: 6, accepted: 2, refused: 2, unreachable: 1, withdrawn: 1 },
  );
  t.deepEqual(byReason, { Unregistered: 2, ServiceUnavailable: 1 });
  t.is(attempts, apns.total);
});
