import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import { DEFAULT_REDIS, type RedisOptions } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';
import { collect, fullDevice } from './support.js';

const AOR = 'sip:1@a.example';

async function open(
  t: ExecutionContext,
  options: Partial<RedisOptions> & Pick<RedisOptions, 'urls'>,
): Promise<RedisStore> {
  const store = new RedisStore({
    redis: { ...DEFAULT_REDIS, timeout: 1_000, ...options },
    clock: systemClock,
    node: 'a',
    cache: 1_000,
    onTrouble: (why) => t.log(why),
  });
  t.teardown(() => store.close());
  await store.link.up();
  return store;
}

const register = (store: RedisStore, aor: string, id: string): Promise<void> =>
  store.changeDevices(aor, (known) => ({ devices: [...known, fullDevice(aor, id)], result: undefined }));

test('Sentinel: when the server dies its replica takes over, with all that was acknowledged before, between and after', async (t) => {
  t.timeout(180_000);
  const primary = await RedisServer.start();
  t.teardown(() => primary.stop());
  const replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
  t.teardown(() => replica.stop());
  await eventually(async () => /state=online/.test(String(await primary.ask('INFO', 'replication'))));
  const sentinels = await Promise.all([0, 1, 2].map(() => sentinelOf(t, primary)));
  const knowsAll = async (sentinel: RedisServer): Promise<boolean> => {
    const facts = String(await sentinel.ask('SENTINEL', 'MASTER', 'callwake'));
    return /num-slaves,1/.test(facts) && /num-other-sentinels,2/.test(facts);
  };
  for (const sentinel of sentinels) await eventually(() => knowsAll(sentinel), 'the Sentinels finding each other');
  const store = await open(t, { mode: 'sentinel', urls: sentinels.map(({ url }) => url), timeout: 5_000 });
  await register(store, AOR, 'before');
  // What the replica does not have when the server dies is lost with it, and only the node still knows.
  replica.freeze();
  await register(store, 'sip:2@a.example', 'not replicated');
  await primary.kill();
  replica.thaw();
  await eventually(() => store.link.state === 'away');
  await register(store, AOR, 'between');
  // A Sentinel that finds that it stood still for two seconds does nothing for the next thirty.
  await eventually(() => store.link.state === 'up' && store.waiting === 0, 'the fail-over', 120_000);
  await register(store, AOR, 'after');
  const there = await open(t, { urls: [replica.url] });
  t.deepEqual((await there.devicesOf(AOR)).map(({ id }) => id).sort(), ['after', 'before', 'between']);
  await eventually(async () => (await there.devicesOf('sip:2@a.example')).length === 1);
});

test('Cluster: what belongs together is in one slot, and all of it is found again', async (t) => {
  const servers = await Promise.all([0, 1, 2].map(() => RedisServer.start({ args: ['--cluster-enabled', 'yes'] })));
  for (const server of servers) t.teardown(() => server.stop());
  const places = servers.map(({ address, port }) => `${address}:${port}`);
  await promisify(execFile)('redis-cli', ['--cluster', 'create', ...places, '--cluster-yes']);
  const store = await open(t, { mode: 'cluster', urls: servers.slice(0, 1).map(({ url }) => url), timeout: 5_000 });
  const aors = Array.from({ length: 30 }, (_, n) => `sip:${100 + n}@a.example`);
  await Promise.all(aors.map((aor) => register(store, aor, 'x')));
  for (const aor of aors) t.is((await store.devicesOf(aor)).length, 1);
  t.deepEqual(
    (await collect(store.eachAor())).map(([aor]) => aor),
    aors,
  );
  await store.putCall(`${AOR} u1`, { state: 'held' });
  t.deepEqual(await collect(store.calls()), [[`${AOR} u1`, { state: 'held' }]]);
  await store.putQueued('q {1}', '1', { n: 1 });
  await store.putRecord('users', 'u', { n: 1 });
  await store.putShared('k', 1, 0);
  t.deepEqual(await store.queued('q {1}', 1), [['1', { n: 1 }]]);
  t.deepEqual(await collect(store.queues()), ['q {1}']);
  t.deepEqual(await store.recordsAfter('users', '', 9), [['u', { n: 1 }]]);
  t.deepEqual(await store.shared('k'), { value: 1, version: 1 });
});

/** A Sentinel that gives a server up after half a second. */
async function sentinelOf(t: ExecutionContext, { address, port }: RedisServer): Promise<RedisServer> {
  const sentinel = await RedisServer.start({
    sentinel: [
      `sentinel monitor callwake ${address} ${port} 2`,
      'sentinel down-after-milliseconds callwake 500',
      'sentinel failover-timeout callwake 2000',
    ],
  });
  t.teardown(() => sentinel.stop());
  return sentinel;
}
