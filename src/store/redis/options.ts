/** Where Redis (or Valkey) is and how it is spoken to: the section `store.redis` of the configuration. */
export interface RedisOptions {
  readonly mode: 'standalone' | 'sentinel' | 'cluster';
  /** `redis://host:6379`, `rediss://` with TLS, or `unix:///run/redis.sock`: of the server, of the Sentinels, of nodes of the cluster. */
  readonly urls: readonly string[];
  /** Database, 0 to 15; a cluster has 0 only. */
  readonly database: number;
  /** Of an ACL; without it the user `default`. */
  readonly username?: string | undefined;
  /** Secret. */
  readonly password?: string | undefined;
  readonly sentinel: {
    /** What the Sentinels call the server. */
    readonly name: string;
    readonly username?: string | undefined;
    /** Secret. */
    readonly password?: string | undefined;
  };
  /** For `rediss`. Paths of PEM files. */
  readonly tls: {
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
    readonly serverName?: string | undefined;
  };
  /** What all keys begin with: several sites may share a Redis. */
  readonly prefix: string;
  /** Milliseconds without an answer after which Redis counts as away. */
  readonly timeout: number;
  /** `accept`: registrations are acknowledged while Redis is away, and written when it is back. `refuse`: they get 500. */
  readonly whenAway: 'accept' | 'refuse';
  /** AORs whose changes may wait for Redis; beyond, registrations are refused. */
  readonly maxQueued: number;
  /** Replicas that must have a registration before it is acknowledged. */
  readonly replicas: number;
  /** Milliseconds that they may take to get it; after that it is refused. */
  readonly replicaTimeout: number;
}

/** Every setting but `urls`, as the configuration has it if nothing is said. */
export const DEFAULT_REDIS: Omit<RedisOptions, 'urls'> = {
  mode: 'standalone',
  database: 0,
  sentinel: { name: 'callwake' },
  tls: {},
  prefix: 'callwake:',
  timeout: 1_000,
  whenAway: 'accept',
  maxQueued: 100_000,
  replicas: 0,
  replicaTimeout: 500,
};
