import { CachedStore } from './cached-store.js';
import { LmdbStore } from './lmdb-store.js';
import { MemoryStore } from './memory-store.js';
import type { Store } from './store.js';

/** The `store` section of the configuration. */
export interface OpenStoreConfig {
  readonly kind: 'lmdb' | 'memory';
  /** Folder of the database (lmdb). */
  readonly path: string;
  /** A write is done when the disk has it. */
  readonly durable: boolean;
  /** How many AORs are kept in memory; 0 for none. */
  readonly cache: number;
}

/**
 * Opens the store that the configuration names.
 * @throws StoreSchemaError when a newer callwake wrote it; Error when the folder can't be used.
 */
export async function openStore({ kind, path, durable, cache }: OpenStoreConfig): Promise<Store> {
  if (kind === 'memory') return new MemoryStore();
  const store = new LmdbStore({ path, durable });
  return cache > 0 ? new CachedStore(store, cache) : store;
}
