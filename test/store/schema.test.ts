import { createHash } from 'node:crypto';
import test from 'ava';
import { open } from 'lmdb';
import type { Device } from '../../src/devices/types.js';
import { deviceDictionary } from '../../src/store/dictionary.js';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { type Databases, migrate, StoreSchemaError } from '../../src/store/schema.js';
import { collect, fullDevice, temporaryFolder } from './support.js';

function openDatabases(path: string): Databases & { close: () => Promise<void> } {
  const root = open<unknown, string>({ path, noSubdir: false, maxDbs: 4 });
  const [devices, meta] = ['devices', 'meta'].map((name) => root.openDB<unknown, string>({ name }));
  if (devices === undefined || meta === undefined) throw new Error('no database');
  return { devices, meta, close: () => root.close() };
}

test('a store of a newer callwake is refused with what to do, and left as it is', async (t) => {
  const path = temporaryFolder(t);
  const databases = openDatabases(path);
  await databases.meta.put('schema', 99);
  await databases.close();
  const error = t.throws(() => new LmdbStore({ path }), { instanceOf: StoreSchemaError });
  t.true(error.message.includes('schema 99'));
  t.true(error.message.includes(path));
  t.regex(error.message, /newer version|another path/);
});

test('migrations run in order, each once, and the data of the old layout is there afterwards', async (t) => {
  const path = temporaryFolder(t);
  const databases = openDatabases(path);
  await databases.meta.put('schema', 1);
  await databases.devices.put('sip:1@a.example', [fullDevice('sip:1@a.example', 'x')]);
  t.teardown(() => databases.close());
  const ran: number[] = [];
  const steps = [
    { from: 2, run: () => void ran.push(2) },
    {
      from: 1,
      run: ({ devices }: Databases) => {
        ran.push(1);
        devices.putSync('sip:2@a.example', devices.get('sip:1@a.example'));
      },
    },
  ];
  migrate(databases, path, steps, 3);
  migrate(databases, path, steps, 3);
  t.deepEqual(ran, [1, 2]);
  t.is(databases.meta.get('schema'), 3);
  t.truthy(databases.devices.get('sip:2@a.example'));
});

test('a migration that fails leaves the store at the version before', (t) => {
  const path = temporaryFolder(t);
  const databases = openDatabases(path);
  t.teardown(() => databases.close());
  databases.meta.putSync('schema', 1);
  const fails = {
    from: 1,
    run: ({ devices }: Databases) => {
      devices.putSync('half', 'done');
      throw new Error('broken step');
    },
  };
  t.throws(() => migrate(databases, path, [fails], 2), { message: 'broken step' });
  t.is(databases.meta.get('schema'), 1);
  t.is(databases.devices.get('half'), undefined);
});

test('a missing migration step is said', (t) => {
  const path = temporaryFolder(t);
  const databases = openDatabases(path);
  t.teardown(() => databases.close());
  databases.meta.putSync('schema', 1);
  t.throws(() => migrate(databases, path, [], 2), { instanceOf: StoreSchemaError, message: /schema 1/ });
});

test('devices that schema 1 has left are read, changed and read again', async (t) => {
  const path = temporaryFolder(t);
  const databases = openDatabases(path);
  await databases.meta.put('schema', 1);
  const old = ['sip:1@a.example', 'sip:2@a.example'].map((aor) => [fullDevice(aor, 'x')]);
  for (const devices of old) await databases.devices.put(devices[0]?.aor ?? '', devices);
  await databases.close();
  const store = new LmdbStore({ path });
  t.deepEqual(store.devicesOf('sip:1@a.example'), old[0]);
  const changed = [fullDevice('sip:1@a.example', 'y'), fullDevice('sip:1@a.example', 'z')];
  await store.putDevices('sip:1@a.example', changed);
  await store.close();
  const again = new LmdbStore({ path });
  t.teardown(() => again.close());
  t.deepEqual(await again.devicesAfter('', 10), [
    ['sip:1@a.example', changed],
    ['sip:2@a.example', old[1]],
  ]);
});

test('the dictionary of schema 2 is the one that stores were written with', (t) => {
  const digest = createHash('sha256').update(deviceDictionary()).digest('hex');
  t.is(digest, '6d6ac3e95c541ed80f5d64b75611b8567a588c948e35107b6ead58ecac7b19b5');
});

test('devices that schema 2 has left, compressed, are read, changed and read again', async (t) => {
  const path = temporaryFolder(t);
  const aors = Array.from({ length: 300 }, (_, n) => `sip:${1000 + n}@a.example`);
  const root = open<unknown, string>({ path, noSubdir: false, maxDbs: 8 });
  const compression = { threshold: 100, dictionary: deviceDictionary() };
  const old = root.openDB<unknown, string>({ name: 'devices', compression });
  await root.openDB<unknown, string>({ name: 'meta' }).put('schema', 2);
  await Promise.all(aors.map((aor) => old.put(aor, [fullDevice(aor, `${aor}-old`)])));
  await root.close();
  const store = new LmdbStore({ path });
  for (const aor of aors) t.deepEqual(store.devicesOf(aor), [fullDevice(aor, `${aor}-old`)]);
  const idOf = (aor: string, n: number): string => `${aor}-${n % 2 === 0 ? 'new' : 'old'}`;
  const changed = aors.filter((_, n) => n % 2 === 0);
  await Promise.all(changed.map((aor) => store.putDevices(aor, [fullDevice(aor, `${aor}-new`)])));
  await store.close();
  const again = new LmdbStore({ path });
  t.teardown(() => again.close());
  const expected = aors.map((aor, n): [string, readonly Device[]] => [aor, [fullDevice(aor, idOf(aor, n))]]);
  t.deepEqual(await collect(again.eachAor()), expected);
  t.deepEqual(await again.devicesAfter('', 1000), expected);
});

test('devices of all sizes come back as they were from a store that is opened again', async (t) => {
  const path = temporaryFolder(t);
  const entries = [1, 40, 2, 200, 3, 1].map((count, i) => {
    const aor = `sip:${i}@a.example`;
    return [aor, Array.from({ length: count }, (_, n) => fullDevice(aor, `${i}-${n}-${Math.random()}`))] as const;
  });
  const store = new LmdbStore({ path });
  await Promise.all(entries.map(([aor, devices]) => store.putDevices(aor, devices)));
  await store.close();
  const again = new LmdbStore({ path });
  t.teardown(() => again.close());
  for (const [aor, devices] of [...entries, ...entries.toReversed()]) t.deepEqual(again.devicesOf(aor), devices);
  t.deepEqual(await again.devicesAfter('', 10), entries);
});

test('queues that schema 3 has left are read in their order, with what is put there now', async (t) => {
  const path = temporaryFolder(t);
  const root = open<unknown, string>({ path, noSubdir: false, maxDbs: 4 });
  const old = root.openDB<unknown, [string, string]>({ name: 'queued' });
  await root.openDB<unknown, string>({ name: 'meta' }).put('schema', 3);
  const message = { v: 1, body: 'Grüße \u{1f44b}', headers: [['Content-Type', 'text/plain']], keptUntil: 1.7e12 };
  await old.put(['a', '1'], message);
  await old.put(['a', '3'], { ...message, refusals: 2 });
  await root.close();
  const store = new LmdbStore({ path });
  t.teardown(() => store.close());
  await store.putQueued('a', '2', { ...message, body: '{' });
  t.deepEqual(await store.queued('a', 9), [
    ['1', message],
    ['2', { ...message, body: '{' }],
    ['3', { ...message, refusals: 2 }],
  ]);
  t.deepEqual(await store.queuedAt('a', '1'), message);
  t.is(await store.queuedCount('a'), 3);
  t.deepEqual(await collect(store.queues()), ['a']);
});
