import { join } from 'node:path';
import { type Clock, systemClock } from '../clock/clock.js';
import type { Device } from '../devices/types.js';
import { CachedStore } from './cached-store.js';
import { LmdbStore } from './lmdb-store.js';
import { MemoryStore } from './memory-store.js';
import type { RedisOptions } from './redis/options.js';
import type { Store } from './store.js';

/** The `store` section of the configuration. */
export interface OpenStoreConfig {
  readonly kind: 'lmdb' | 'memory' | 'redis';
  /** Folder of the database (lmdb), or of what waits for Redis. */
  readonly path: string;
  /** A write is done when the disk has it. */
  readonly durable: boolean;
  /** How many AORs are kept in memory; 0 for none. */
  readonly cache: number;
  readonly redis?: RedisOptions;
}

/** What a store that several nodes share has to know besides. */
export interface SharedStoreParts {
  /** This process's name, its own among all of the site. */
  readonly node: string;
  /** Other processes have the same engine, and go on with this one's calls. */
  readonly shared?: boolean;
  readonly clock?: Clock;
  /** Epoch milliseconds at which all of these devices has run out. */
  readonly lastsUntil?: (devices: readonly Device[]) => number | undefined;
  readonly onTrouble?: (why: string) => void;
}

/**
 * Opens the store that the configuration names. One in Redis is opened whether Redis is there or not.
 * @throws StoreSchemaError when a newer callwake wrote it; Error when the folder can't be used.
 */
export async function openStore(
  { kind, path, durable, cache, redis }: OpenStoreConfig,
  { node, shared = false, clock = systemClock, ...parts }: SharedStoreParts = { node: 'callwake' },
): Promise<Store> {
  if (kind === 'memory') return new MemoryStore();
  if (kind === 'redis' && redis !== undefined) {
    const spool = redis.whenAway === 'accept' ? join(path, 'waiting', node) : undefined;
    const journal = shared ? undefined : join(path, 'journal', node);
    const { RedisStore } = await import('./redis/redis-store.js');
    return new RedisStore({ redis, clock, node, cache, spool, journal, ...parts });
  }
  const store = new LmdbStore({ path, durable });
  return cache > 0 ? new CachedStore(store, cache) : store;
}
