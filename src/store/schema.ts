import type { Database } from 'lmdb';

/** The layout of the database that this version of callwake reads and writes. */
export const SCHEMA_VERSION = 4;

const KEY = 'schema';

/** The named databases inside one LMDB environment. */
export interface Databases {
  readonly devices: Database<unknown, string>;
  readonly meta: Database<unknown, string>;
}

/** One step from the layout `from` to `from + 1`; runs inside a transaction, so it happens wholly or not at all. */
export interface Migration {
  readonly from: number;
  readonly run: (databases: Databases) => void;
}

/**
 * Since 2 devices may be compressed, since 3 they are records of our own; since 4 queues hold JSON. What an earlier schema wrote is read as it is, and written
 * anew when it changes: an upgrade takes no time, however many devices there are.
 */
export const MIGRATIONS: readonly Migration[] = [
  { from: 1, run: () => undefined },
  { from: 2, run: () => undefined },
  { from: 3, run: () => undefined },
];

/** The database can't be used as it is; the message says what to do about it. */
export class StoreSchemaError extends Error {
  override readonly name = 'StoreSchemaError';
}

/**
 * Brings a database to `target`, step by step. An empty one gets the target's number at once.
 * @throws StoreSchemaError when the database is newer than the target, or a step is missing.
 */
export function migrate(
  databases: Databases,
  path: string,
  migrations: readonly Migration[] = [],
  target = SCHEMA_VERSION,
): void {
  const found = databases.meta.get(KEY);
  if (found === undefined) {
    databases.meta.putSync(KEY, target);
    return;
  }
  if (typeof found !== 'number') {
    throw new StoreSchemaError(`${path} is not a callwake store: its schema version is unreadable`);
  }
  if (found > target) {
    throw new StoreSchemaError(
      `The store in ${path} has schema ${found}, written by a newer callwake; this one knows up to ${target}. ` +
        'Start that newer version, or give another path under store.path.',
    );
  }
  for (let version = found; version < target; version++) {
    const step = migrations.find(({ from }) => from === version);
    if (step === undefined) {
      throw new StoreSchemaError(`The store in ${path} has schema ${version}, which this callwake can't read any more`);
    }
    databases.meta.transactionSync(() => {
      step.run(databases);
      databases.meta.putSync(KEY, version + 1);
    });
  }
}
