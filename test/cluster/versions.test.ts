import test from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import { Bus, type BusMessage } from '../../src/cluster/bus.js';
import { Nodes } from '../../src/cluster/nodes.js';
import { DeviceRegistry } from '../../src/devices/registry.js';
import { DEFAULT_SETTINGS } from '../../src/devices/settings.js';
import type { Device } from '../../src/devices/types.js';
import { DEFAULT_REDIS } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';

const AOR = 'sip:1@a.example';

async function open(redis: RedisServer, node: string): Promise<RedisStore> {
  const options = { ...DEFAULT_REDIS, urls: [redis.url], timeout: 5_000 };
  const store = new RedisStore({ redis: options, clock: systemClock, node, cache: 100 });
  await store.link.up();
  return store;
}

test('what a neighbouring version tells is understood as far as it is known, and passed over otherwise', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const store = await open(redis, 'a');
  const { link, keys } = store;
  const heard: BusMessage[] = [];
  let listening = false;
  const onGap = (): void => {
    listening = true;
  };
  const bus = new Bus({ link, keys, node: 'a', onMessage: (message) => heard.push(message), onGap });
  const gone: string[] = [];
  const facts = { engine: 'e', version: '0.1.0' };
  const nodes = new Nodes({ store, clock: systemClock, facts, onGone: (node) => gone.push(node) });
  t.teardown(async () => {
    bus.close();
    await nodes.close();
    await store.close();
  });
  await eventually(() => listening);
  const known: BusMessage = { type: 'registered', aor: AOR, devices: ['d'] };
  const channel = keys.channel('a');
  for (const text of [
    '{"type":"moved","aor":"sip:1@a.example"}',
    '{"type":"registered","aor":7}',
    'no JSON',
    JSON.stringify({ ...known, binding: { uri: 'sip:x' }, v: 2 }),
  ]) {
    await redis.ask('PUBLISH', channel, text);
  }
  await eventually(() => heard.length > 0);
  t.deepEqual(heard, [known]);
  await redis.ask('SADD', keys.nodes(), 'newer', 'other');
  await redis.ask(
    'SET',
    keys.node('newer'),
    '{"engine":"f","version":"0.2.0","zone":"north","load":{"held":1}}',
    'PX',
    '900',
  );
  await redis.ask('SET', keys.node('other'), '{"form":2}');
  await eventually(() => nodes.others.includes('newer'));
  await eventually(() => gone.includes('newer'), 'its silence being noticed');
  t.deepEqual(gone, ['newer']);
});

test('a node whose process was seen to end is gone at once, unless another process has its name by then', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const store = await open(redis, 'a');
  const gone: string[] = [];
  const nodes = new Nodes({ store, clock: systemClock, facts: { engine: 'e' }, onGone: (node) => gone.push(node) });
  t.teardown(async () => {
    await nodes.close();
    await store.close();
  });
  const { keys } = store;
  const sign = (pid: number): Promise<unknown> =>
    redis.ask('SET', keys.node('b'), JSON.stringify({ engine: 'e', pid }), 'PX', '60000');
  await redis.ask('SADD', keys.nodes(), 'b');
  await sign(7);
  await eventually(() => nodes.sharesEngine);
  await nodes.ended('b', 8);
  await nodes.ended('c', 7);
  t.deepEqual(nodes.others, ['b']);
  await sign(9);
  await nodes.ended('b', 7);
  t.true(await nodes.lives('b'), 'the next process of that name is another one');
  await eventually(async () => {
    await Promise.all([nodes.ended('b', 9), nodes.ended('b', 9)]);
    return gone.length > 0;
  });
  t.deepEqual(gone, ['b']);
  t.false(await nodes.lives('b'));
  await sign(10);
  await eventually(() => nodes.others.includes('b'));
  t.deepEqual(gone, ['b']);
});

test('what a newer version has written of a device is still there when an older one has changed it', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const [newer, older] = [await open(redis, 'newer'), await open(redis, 'older')];
  const registry = new DeviceRegistry({ store: older, clock: systemClock, settings: DEFAULT_SETTINGS });
  t.teardown(async () => {
    await registry.close();
    for (const store of [newer, older]) await store.close();
  });
  const token = {
    kind: 'voip',
    token: 'ab',
    teamId: 'T',
    bundleId: 'b',
    seenAt: Date.now(),
    origin: 'register',
  } as const;
  const known: Device = { id: 'd', aor: AOR, platform: 'iphone', bindings: [], tokens: [token], seenAt: Date.now() };
  const device = { ...known, watch: { paired: true } };
  await newer.putDevices(AOR, [device]);
  await registry.noteAsleep(AOR, 'd', 'no answer');
  const [changed] = await newer.devicesOf(AOR);
  t.is(changed?.asleep?.reason, 'no answer');
  t.like(changed, { watch: { paired: true } });
});
