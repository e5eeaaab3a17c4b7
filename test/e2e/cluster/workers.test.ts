import test from 'ava';
import { CallwakeProcess } from '../../../src/demo/callwake-process.js';
import { eventually } from '../../support/eventually.js';
import { RedisServer } from '../../support/redis.js';
import { requestsIn, stageExactly } from '../support.js';

test('several apps share an engine: a call held by one is released by the REGISTER at another; one that dies leaves its calls to the rest', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const stage = await stageExactly(t, {
    edge: 'path',
    transport: 'tcp',
    workers: 3,
    config: { store: { kind: 'redis', path: 'data', redis: { urls: [redis.url] } }, cluster: { node: 'a' } },
  });
  const pids = new Set<unknown>();
  await eventually(() => {
    for (const { event, pid } of stage.callwake.log) if (event === 'ready') pids.add(pid);
    return pids.size === 3;
  });
  const phones = await Promise.all(
    Array.from({ length: 9 }, (_, n) =>
      stage.phone({ user: String(2001 + n), behaviour: { wakeDelayMs: 2_000, answerDelayMs: 50 } }),
    ),
  );
  await Promise.all(phones.map((phone) => phone.background()));
  const calls = phones.map((_, n) => stage.cucm.call({ to: String(2001 + n) }));
  await Promise.all(phones.map((phone) => phone.events.seen('pushed')));
  const [first] = pids;
  process.kill(Number(first), 'SIGKILL');
  for (const call of calls) t.is((await call.answered).status, 200);
  t.is(stage.apple.received.length, 9);
  for (const phone of phones) t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  for (const call of calls) await call.hangup();
  for (const phone of phones) t.is((await phone.calls[0]?.ended)?.how, 'remote');
  t.deepEqual(stage.faults(), []);
});

test('calls that are up outlive a worker, and a worker that is drained loses none', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const stage = await stageExactly(t, {
    edge: 'path',
    transport: 'tcp',
    workers: 3,
    config: { store: { kind: 'redis', path: 'data', redis: { urls: [redis.url] } }, cluster: { node: 'a' } },
  });
  const { log } = stage.callwake;
  const ready = (): unknown[] => log.filter(({ event }) => event === 'ready').map(({ pid }) => pid);
  await eventually(() => ready().length === 3);
  const phones = await Promise.all(
    Array.from({ length: 6 }, (_, n) =>
      stage.phone({ user: String(2001 + n), behaviour: { wakeDelayMs: 100, answerDelayMs: 50 } }),
    ),
  );
  const calls = phones.map((_, n) => stage.cucm.call({ to: String(2001 + n) }));
  for (const call of calls) t.is((await call.answered).status, 200);
  const [killed, drained] = ready();
  process.kill(Number(killed), 'SIGKILL');
  const answers = await Promise.all(calls.map((call) => call.reinvite()));
  t.deepEqual(
    new Set(answers.map(({ status }) => status)),
    new Set([200]),
    'each re-INVITE finds the app that has the call',
  );
  for (const { requests } of phones.flatMap((phone) => phone.calls)) {
    t.is(requests.filter(({ method }) => method === 'INVITE').length, 1);
  }
  await eventually(() => ready().length === 4);
  // They have heard of each other by now, or no call would have been taken over.
  process.kill(Number(drained), 'SIGTERM');
  await stage.callwake.logged('stopping');
  await Promise.all(calls.map((call) => call.hangup()));
  for (const phone of phones) await phone.background();
  const more = phones.map((_, n) => stage.cucm.call({ to: String(2001 + n) }));
  for (const call of more) t.is((await call.answered).status, 200);
  await Promise.all(more.map((call) => call.hangup()));
  t.deepEqual(stage.faults(), []);
});

test('several apps without Redis are refused, with the reason', async (t) => {
  const stage = await stageExactly(t, { edge: 'path' });
  const alone = new CallwakeProcess(stage.configFile, {}, ['--workers', '2']);
  t.is(await alone.exited, 2);
  t.regex(alone.errors.join(), /--workers needs store\.kind: redis/);
});
