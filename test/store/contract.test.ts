import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import type { Device } from '../../src/devices/types.js';
import { CachedStore } from '../../src/store/cached-store.js';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { openStore } from '../../src/store/open.js';
import { DEFAULT_REDIS } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import type { Store } from '../../src/store/store.js';
import { RedisServer } from '../support/redis.js';
import { collect, fullDevice, temporaryFolder } from './support.js';

const kinds: Record<string, (t: ExecutionContext) => Store> = {
  memory: () => new MemoryStore(),
  'lmdb, durable': (t) => new LmdbStore({ path: temporaryFolder(t), durable: true }),
  'lmdb, not durable': (t) => new LmdbStore({ path: temporaryFolder(t), durable: false }),
  'lmdb behind a cache of 2': (t) => new CachedStore(new LmdbStore({ path: temporaryFolder(t) }), 2),
  'a slow store behind a cache': () => new CachedStore(new SlowStore(), 10),
  redis: () => redisStore(0),
  'redis with a cache': () => redisStore(1_000),
};

let redis: RedisServer | undefined;
let sites = 0;

test.before(async () => {
  redis = await RedisServer.start();
});

test.after.always(() => redis?.stop());

/** Each with keys of its own. */
function redisStore(cache: number): Store {
  if (redis === undefined) throw new Error('redis-server is not running');
  const options = { ...DEFAULT_REDIS, urls: [redis.url], prefix: `site${sites++}:`, timeout: 20_000 };
  return new RedisStore({ redis: options, clock: systemClock, node: 'a', cache });
}

/** Reads take a turn of the event loop, as those of a store across a network would. */
class SlowStore implements Store {
  readonly #memory = new MemoryStore();

  async devicesOf(aor: string): Promise<readonly Device[]> {
    const found = this.#memory.devicesOf(aor);
    await new Promise((resolve) => setImmediate(resolve));
    return found;
  }

  putDevices = (aor: string, devices: readonly Device[]) => this.#memory.putDevices(aor, devices);
  eachAor = () => this.#memory.eachAor();
  devicesAfter = (after: string, limit: number) => this.#memory.devicesAfter(after, limit);
  record = async (table: string, key: string) => this.#memory.record(table, key);
  putRecord = (table: string, key: string, record: unknown) => this.#memory.putRecord(table, key, record);
  recordsAfter = (table: string, after: string, limit: number) => this.#memory.recordsAfter(table, after, limit);
  putCall = (uuid: string, record: unknown) => this.#memory.putCall(uuid, record);
  removeCall = (uuid: string) => this.#memory.removeCall(uuid);
  calls = () => this.#memory.calls();
  shared = (key: string) => this.#memory.shared(key);
  putShared = (key: string, value: unknown, version: number) => this.#memory.putShared(key, value, version);
  putQueued = (queue: string, position: string, record: object) => this.#memory.putQueued(queue, position, record);
  removeQueued = (queue: string, position: string) => this.#memory.removeQueued(queue, position);
  queued = (queue: string, limit: number) => this.#memory.queued(queue, limit);
  queuedAt = (queue: string, position: string) => this.#memory.queuedAt(queue, position);
  queuedCount = (queue: string) => this.#memory.queuedCount(queue);
  queues = () => this.#memory.queues();
  close = () => this.#memory.close();
}

for (const [kind, make] of Object.entries(kinds)) {
  const open = async (t: ExecutionContext): Promise<Store> => {
    const store = make(t);
    t.teardown(() => store.close());
    if (store instanceof RedisStore) await store.link.up();
    return store;
  };

  test(`${kind}: what was put comes back as it was`, async (t) => {
    const store = await open(t);
    const devices = [fullDevice('sip:1@a.example', 'x'), fullDevice('sip:1@a.example', 'y')];
    await store.putDevices('sip:1@a.example', devices);
    t.deepEqual(await store.devicesOf('sip:1@a.example'), devices);
    t.deepEqual(await store.devicesOf('sip:2@a.example'), []);
  });

  test(`${kind}: a put replaces all devices of the AOR; an empty one removes it`, async (t) => {
    const store = await open(t);
    await store.putDevices('sip:1@a.example', [fullDevice('sip:1@a.example', 'x')]);
    await store.putDevices('sip:1@a.example', [fullDevice('sip:1@a.example', 'y')]);
    t.deepEqual(
      (await store.devicesOf('sip:1@a.example')).map(({ id }) => id),
      ['y'],
    );
    await store.putDevices('sip:1@a.example', []);
    t.deepEqual(await store.devicesOf('sip:1@a.example'), []);
    t.deepEqual(await collect(store.eachAor()), []);
  });

  test(`${kind}: puts that overlap take effect in their order`, async (t) => {
    const store = await open(t);
    const puts = Array.from({ length: 50 }, (_, n) =>
      store.putDevices('sip:1@a.example', [fullDevice('sip:1@a.example', `d${n}`)]),
    );
    await Promise.all(puts);
    t.deepEqual(
      (await store.devicesOf('sip:1@a.example')).map(({ id }) => id),
      ['d49'],
    );
  });

  test(`${kind}: every AOR is met once, also when they change meanwhile`, async (t) => {
    const store = await open(t);
    const aors = Array.from({ length: 450 }, (_, n) => `sip:${1000 + n}@a.example`);
    await Promise.all(aors.map((aor) => store.putDevices(aor, [fullDevice(aor, 'x')])));
    const met: string[] = [];
    for await (const [aor, devices] of store.eachAor()) {
      t.is(devices[0]?.aor, aor);
      met.push(aor);
      if (met.length === 10) await store.putDevices('sip:1000@a.example', []);
    }
    t.deepEqual(met.sort(), aors);
  });

  test(`${kind}: of those who put a shared value at the same time one wins, and all get to know which`, async (t) => {
    const store = await open(t);
    t.deepEqual(await store.shared('k'), { value: undefined, version: 0 });
    const told = await Promise.all(['a', 'b', 'c'].map((by) => store.putShared('k', { by }, 0)));
    t.is(new Set(told.map((there) => JSON.stringify(there))).size, 1);
    const there = await store.shared('k');
    t.deepEqual(there, told[0]);
    await store.putShared('k', { by: 'late' }, there.version - 1);
    t.deepEqual(await store.shared('k'), there);
    const next = await store.putShared('k', { by: 'next' }, there.version);
    t.deepEqual(next.value, { by: 'next' });
    t.deepEqual(await store.shared('other'), { value: undefined, version: 0 });
  });

  test(`${kind}: queues give their entries in order, each queue its own`, async (t) => {
    const store = await open(t);
    for (const n of [3, 1, 2]) await store.putQueued('sip:1@a.example x', `p${n}`, { n });
    await store.putQueued('sip:1@a.example', 'p9', { n: 9 });
    t.deepEqual(await store.queued('sip:1@a.example x', 2), [
      ['p1', { n: 1 }],
      ['p2', { n: 2 }],
    ]);
    t.is(await store.queuedCount('sip:1@a.example x'), 3);
    t.deepEqual(await store.queuedAt('sip:1@a.example x', 'p3'), { n: 3 });
    t.is(await store.queuedAt('sip:1@a.example', 'p3'), undefined);
    t.deepEqual((await collect(store.queues())).sort(), ['sip:1@a.example', 'sip:1@a.example x']);
    await store.removeQueued('sip:1@a.example x', 'p1');
    await store.removeQueued('sip:1@a.example', 'p9');
    t.is(await store.queuedCount('sip:1@a.example'), 0);
    t.deepEqual(
      (await store.queued('sip:1@a.example x', 9)).map(([position]) => position),
      ['p2', 'p3'],
    );
    t.deepEqual(await collect(store.queues()), ['sip:1@a.example x']);
    t.deepEqual(await collect(store.eachAor()), []);
  });

  test(`${kind}: AORs are listed a page at a time, in order`, async (t) => {
    const store = await open(t);
    for (const n of [3, 1, 2]) {
      await store.putDevices(`sip:${n}@a.example`, [fullDevice(`sip:${n}@a.example`, 'x')]);
    }
    const first = await store.devicesAfter('', 2);
    t.deepEqual(first[0], ['sip:1@a.example', [fullDevice('sip:1@a.example', 'x')]]);
    t.deepEqual(
      (await store.devicesAfter(first.at(-1)?.[0] ?? '', 2)).map(([aor]) => aor),
      ['sip:3@a.example'],
    );
    t.deepEqual(await store.devicesAfter('sip:3@a.example', 2), []);
  });

  test(`${kind}: records are found by table and key, listed in order, replaced and removed`, async (t) => {
    const store = await open(t);
    for (const n of [3, 1, 2]) await store.putRecord('users', `u${n}`, { n });
    await store.putRecord('user', 'u9', { n: 9 });
    await store.putRecord('users', 'u2', { n: 22 });
    t.deepEqual(await store.record('users', 'u2'), { n: 22 });
    t.is(await store.record('users', 'u9'), undefined);
    t.deepEqual(await store.recordsAfter('users', '', 2), [
      ['u1', { n: 1 }],
      ['u2', { n: 22 }],
    ]);
    t.deepEqual(await store.recordsAfter('users', 'u2', 9), [['u3', { n: 3 }]]);
    await store.putRecord('users', 'u3', undefined);
    await store.putRecord('users', 'never-there', undefined);
    t.is(await store.record('users', 'u3'), undefined);
    t.deepEqual(await store.recordsAfter('users', 'u2', 9), []);
    t.deepEqual(await collect(store.queues()), [], 'records are no queues');
  });

  test(`${kind}: the journal of calls`, async (t) => {
    const store = await open(t);
    await store.putCall('sip:1@a.example u1', { state: 'held', pushed: ['a'] });
    await store.putCall('sip:1@a.example u2', { state: 'held' });
    await store.putCall('sip:1@a.example u1', { state: 'up' });
    await store.removeCall('sip:1@a.example u2');
    await store.removeCall('sip:1@a.example never-there');
    t.deepEqual(await collect(store.calls()), [['sip:1@a.example u1', { state: 'up' }]]);
    t.deepEqual(await collect(store.eachAor()), [], 'calls are not devices');
  });
}

test('an LMDB store gives back after a restart what was put', async (t) => {
  const path = temporaryFolder(t);
  const first = new LmdbStore({ path });
  await first.putDevices('sip:1@a.example', [fullDevice('sip:1@a.example', 'x')]);
  await first.putCall('u1', { a: 1 });
  await first.close();
  const second = new LmdbStore({ path });
  t.teardown(() => second.close());
  t.deepEqual(second.devicesOf('sip:1@a.example'), [fullDevice('sip:1@a.example', 'x')]);
  t.deepEqual(await collect(second.calls()), [['u1', { a: 1 }]]);
});

test('an LMDB store refuses a key longer than LMDB takes, and finds nothing under one', async (t) => {
  const store = new LmdbStore({ path: temporaryFolder(t) });
  t.teardown(() => store.close());
  const aor = `sip:${'a'.repeat(3000)}@a.example`;
  await t.throwsAsync(store.putDevices(aor, [fullDevice(aor, 'x')]), { instanceOf: RangeError });
  t.deepEqual(store.devicesOf(aor), []);
});

test('a memory store keeps what was put, not what became of it in the caller', async (t) => {
  const store = new MemoryStore();
  const record = { state: 'held' };
  await store.putCall('u1', record);
  record.state = 'changed';
  t.deepEqual(await collect(store.calls()), [['u1', { state: 'held' }]]);
});

test('openStore opens what the configuration names', async (t) => {
  const path = temporaryFolder(t);
  const memory = await openStore({ kind: 'memory', path, durable: true, cache: 10 });
  const cached = await openStore({ kind: 'lmdb', path, durable: true, cache: 10 });
  await cached.putDevices('sip:1@a.example', [fullDevice('sip:1@a.example', 'x')]);
  await cached.close();
  const plain = await openStore({ kind: 'lmdb', path, durable: false, cache: 0 });
  t.teardown(() => plain.close());
  t.true(memory instanceof MemoryStore);
  t.true(cached instanceof CachedStore);
  t.true(plain instanceof LmdbStore);
  t.is((await plain.devicesOf('sip:1@a.example')).length, 1);
});
