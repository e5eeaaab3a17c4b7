import type { Store } from '../store.js';
import type { RedisStore } from './redis-store.js';

/** The store, if it is the one in Redis. Asked without loading Redis' client, which a callwake without Redis never needs. */
export function inRedis(store: Store): RedisStore | undefined {
  return isInRedis(store) ? store : undefined;
}

function isInRedis(store: Store): store is RedisStore {
  return 'kind' in store && store.kind === 'redis';
}
