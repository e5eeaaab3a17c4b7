import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import { Site } from '../../src/cluster/site.js';
import type { Device } from '../../src/devices/types.js';
import { DEFAULT_REDIS } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';

const AOR = 'sip:1@a.example';
const CALL = { callUuid: 'U', aor: AOR, trunk: 'cucm', callId: 'c1' };

function device(id: string, seenAt: number): Device {
  return { id, aor: AOR, platform: 'iphone', bindings: [], tokens: [], seenAt };
}

/** A node with the calls of which only what it is told is kept. */
async function node(t: ExecutionContext, redis: RedisServer, name: string) {
  const options = { ...DEFAULT_REDIS, urls: [redis.url], timeout: 5_000 };
  const store = new RedisStore({ redis: options, clock: systemClock, node: name, cache: 10 });
  await store.link.up();
  const told: { readonly devices: readonly Device[]; readonly from: string | undefined }[] = [];
  const read: string[] = [];
  const site = new Site({
    store,
    clock: systemClock,
    engine: `engine of ${name}`,
    version: '0.1.0',
    devicesOf: async (aor) => {
      read.push(aor);
      return store.devicesOf(aor);
    },
    calls: () => ({
      waitedFor: [],
      isUnderWay: () => false,
      registered: (devices, from) => void told.push({ devices, from }),
      arrived: () => t.fail(),
      letGo: () => false,
      taken: () => t.fail(),
    }),
    heir: { take: () => t.fail(), done: () => t.fail() },
    onFault: (error) => t.fail(String(error)),
    onEvent: () => {},
  });
  t.teardown(async () => {
    await site.close();
    await store.close();
  });
  return { store, site, told, read };
}

test('the node of a call is told of a phone that registered elsewhere with all that it has to know; a neighbouring version that says less is understood', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const [a, b] = [await node(t, redis, 'a'), await node(t, redis, 'b')];
  await a.site.claim(
    CALL,
    () => true,
    () => {},
  );
  const devices = [device('d1', 1), device('d2', 2)];
  await b.store.changeDevices(AOR, () => ({ devices, result: undefined }));
  await eventually(async () => String(await redis.ask('PUBSUB', 'CHANNELS')).includes(a.store.keys.channel('a')));
  b.site.registered(devices.slice(0, 1));
  await eventually(() => a.told.length === 1);
  t.deepEqual(a.told, [{ devices: devices.slice(0, 1), from: 'b' }]);
  t.deepEqual([a.read, b.read], [[], []], 'nothing has to be read again');

  const before = { type: 'registered', aor: AOR, devices: ['d2'] };
  await redis.ask('PUBLISH', a.store.keys.channel('a'), JSON.stringify(before));
  await redis.ask('PUBLISH', a.store.keys.channel('a'), JSON.stringify({ ...before, now: [{ form: 2 }], from: 'b' }));
  await eventually(() => a.told.length === 3);
  t.deepEqual(a.told.slice(1), [
    { devices: devices.slice(1), from: 'another node' },
    { devices: devices.slice(1), from: 'b' },
  ]);
  t.deepEqual(b.told, [], 'a node without a call is told nothing');
});
