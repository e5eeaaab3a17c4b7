import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Device } from '../devices/types.js';
import { CallJournal } from './call-journal.js';
import { DevicesDatabase, MAX_DATABASES } from './devices-database.js';
import { QueuesDatabase } from './queues-database.js';
import { type Databases, MIGRATIONS, type Migration, migrate } from './schema.js';
import type { SharedValue, Store } from './store.js';

export interface LmdbStoreOptions {
  /** Folder; made when it doesn't exist. */
  readonly path: string;
  /** A write is done when the disk has it (default). Otherwise when the kernel has it: a killed process loses nothing, a power cut may. */
  readonly durable?: boolean;
  readonly migrations?: readonly Migration[];
}

/** LMDB keys may have 1978 bytes; a little less leaves room for their encoding. */
const MAX_KEY_BYTES = 1900;
/** AORs that are read at a time, so that no read transaction stays open while the caller works on them. */
const CHUNK = 200;
/** The store on disk. Writes made in the same turn of the event loop share one transaction. */
export class LmdbStore implements Store {
  readonly path: string;
  readonly #root: RootDatabase<unknown, string>;
  readonly #devices: DevicesDatabase;
  /** Files of their own, never flushed to disk: a write to them takes no longer than it takes the kernel. */
  readonly #calls: CallJournal;
  readonly #shared: Database<unknown, string>;
  readonly #queued: QueuesDatabase;
  readonly #records: Database<unknown, [string, string]>;

  /** @throws StoreSchemaError when the database was written by a newer version; Error when it can't be opened. */
  constructor({ path, durable = true, migrations = MIGRATIONS }: LmdbStoreOptions) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#root = open<unknown, string>({ path, overlappingSync: !durable, noSubdir: false, maxDbs: MAX_DATABASES });
    this.#devices = new DevicesDatabase(this.#root);
    this.#calls = new CallJournal({ path: join(path, 'journal') });
    this.#shared = this.#root.openDB<unknown, string>({ name: 'shared' });
    this.#queued = new QueuesDatabase(this.#root);
    this.#records = this.#root.openDB<unknown, [string, string]>({ name: 'records' });
    const databases: Databases = {
      devices: this.#devices.old,
      meta: this.#root.openDB<unknown, string>({ name: 'meta' }),
    };
    try {
      migrate(databases, path, migrations);
    } catch (error) {
      void this.#root.close();
      throw error;
    }
  }

  devicesOf(aor: string): readonly Device[] {
    if (!fits(aor)) return [];
    return this.#devices.of(aor);
  }

  async putDevices(aor: string, devices: readonly Device[]): Promise<void> {
    checkKey(aor);
    await this.#devices.put(aor, devices);
  }

  async *eachAor(): AsyncIterable<readonly [string, readonly Device[]]> {
    let after: string | undefined;
    for (;;) {
      const chunk = this.#devices.after(after, CHUNK);
      yield* chunk;
      after = chunk.at(-1)?.[0];
      if (chunk.length < CHUNK) return;
    }
  }

  async devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]> {
    return this.#devices.after(after, limit);
  }

  record(table: string, key: string): unknown {
    return fits(table + key) ? this.#records.get([table, key]) : undefined;
  }

  async putRecord(table: string, key: string, record: unknown): Promise<void> {
    checkKey(table + key);
    if (record === undefined) await this.#records.remove([table, key]);
    else await this.#records.put([table, key], record);
  }

  async recordsAfter(table: string, after: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    const [start, end] = [[table, after] satisfies [string, string], [table, LAST] satisfies [string, string]];
    const range = { start, exclusiveStart: true, end, limit };
    return Array.from(this.#records.getRange(range), ({ key, value }) => [key[1], value] as const);
  }

  async putCall(key: string, record: unknown): Promise<void> {
    checkKey(key);
    this.#calls.put(key, record);
  }

  async removeCall(key: string): Promise<void> {
    this.#calls.remove(key);
  }

  async *calls(): AsyncIterable<readonly [string, unknown]> {
    yield* this.#calls.entries();
  }

  async shared(key: string): Promise<SharedValue> {
    checkKey(key);
    return asShared(this.#shared.get(key));
  }

  putShared(key: string, value: unknown, version: number): Promise<SharedValue> {
    checkKey(key);
    return this.#shared.transaction(() => {
      const there = asShared(this.#shared.get(key));
      if (there.version !== version) return there;
      const next: SharedValue = { value, version: version + 1 };
      this.#shared.put(key, next);
      return next;
    });
  }

  async putQueued(queue: string, position: string, record: object): Promise<void> {
    checkKey(queue + position);
    await this.#queued.put(queue, position, record);
  }

  async removeQueued(queue: string, position: string): Promise<void> {
    if (fits(queue + position)) await this.#queued.remove(queue, position);
  }

  async queued(queue: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    return fits(queue) ? this.#queued.first(queue, limit) : [];
  }

  async queuedAt(queue: string, position: string): Promise<unknown> {
    return fits(queue + position) ? this.#queued.at(queue, position) : undefined;
  }

  async queuedCount(queue: string): Promise<number> {
    return fits(queue) ? this.#queued.count(queue) : 0;
  }

  async *queues(): AsyncIterable<string> {
    yield* this.#queued.names();
  }

  async close(): Promise<void> {
    await this.#root.flushed;
    await this.#root.close();
    this.#calls.close();
  }
}

/** Sorts behind every key of a table. */
const LAST = '~';

function asShared(value: unknown): SharedValue {
  if (typeof value !== 'object' || value === null || !('version' in value)) return { value: undefined, version: 0 };
  return {
    value: 'value' in value ? value.value : undefined,
    version: typeof value.version === 'number' ? value.version : 0,
  };
}

function fits(key: string): boolean {
  return key.length > 0 && Buffer.byteLength(key) <= MAX_KEY_BYTES;
}

function checkKey(key: string): void {
  if (!fits(key)) throw new RangeError(`A key of the store has 1 to ${MAX_KEY_BYTES} bytes`);
}
