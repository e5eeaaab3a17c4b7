import test from 'ava';
import { open } from 'lmdb';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { type Databases, migrate, StoreSchemaError } from '../../src/store/schema.js';
import { fullDevice, temporaryFolder } from './support.js';

function openDatabases(path: string): Databases & { close: () => Promise<void> } {
  const root = open<unknown, string>({ path, noSubdir: false, maxDbs: 4 });
  const [devices, calls, meta] = ['devices', 'calls', 'meta'].map((name) => root.openDB<unknown, string>({ name }));
  if (devices === undefined || calls === undefined || meta === undefined) throw new Error('no database');
  return { devices, calls, meta, close: () => root.close() };
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
  const first = new LmdbStore({ path });
  await first.putDevices('sip:1@a.example', [fullDevice('sip:1@a.example', 'x')]);
  await first.close();
  const databases = openDatabases(path);
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
