import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from './options.js';

/** A connection to Redis, to one server or to a cluster of them. */
export type RedisClient = Redis | Cluster;

/** Longest pause between two attempts to connect, in milliseconds: as long as a fail-over may go unnoticed once it is over. */
const MAX_PAUSE = 500;

/**
 * Opens a connection; it is opened again whenever it is lost. Nothing waits for one that isn't there: commands fail at once.
 * @throws {Error} when a TLS file can't be read.
 */
export function connectRedis(options: RedisOptions): RedisClient {
  const { mode, urls, sentinel, timeout } = options;
  const places = urls.map((url) => placeOf(url));
  const common = commonOptions(options, places.some(({ secure }) => secure) ? tlsOf(options.tls) : undefined);
  const pause = (attempt: number): number => Math.min(MAX_PAUSE, 20 * 2 ** Math.min(attempt, 10));
  if (mode === 'cluster') {
    return new Cluster(
      places.map(({ host = '127.0.0.1', port }) => ({ host, port })),
      {
        enableOfflineQueue: false,
        clusterRetryStrategy: pause,
        slotsRefreshTimeout: timeout,
        slotsRefreshInterval: 5_000,
        redisOptions: common,
      },
    );
  }
  if (mode === 'sentinel') {
    return new Redis({
      ...common,
      sentinels: places.map(({ host = '127.0.0.1', port }) => ({ host, port })),
      name: sentinel.name,
      ...(sentinel.username !== undefined && { sentinelUsername: sentinel.username }),
      ...(sentinel.password !== undefined && { sentinelPassword: sentinel.password }),
      ...(common.tls !== undefined && { sentinelTLS: common.tls, enableTLSForSentinelMode: true }),
      sentinelRetryStrategy: pause,
      sentinelCommandTimeout: timeout,
      failoverDetector: true,
      db: options.database,
      enableOfflineQueue: false,
      retryStrategy: pause,
    });
  }
  const [{ host, port, path } = placeOf('redis://127.0.0.1')] = places;
  return new Redis({
    ...common,
    ...(path === undefined ? { host: host ?? '127.0.0.1', port } : { path }),
    db: options.database,
    enableOfflineQueue: false,
    retryStrategy: pause,
  });
}

function commonOptions({ username, password, timeout }: RedisOptions, tls: ConnectionOptions | undefined) {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    protocol: 2 as const,
    connectTimeout: timeout,
    commandTimeout: timeout,
    socketTimeout: timeout,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A server that was a primary and is not any more keeps its connections: another one has to be asked for.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    connectionName: 'callwake',
    disableClientInfo: true,
  };
}

interface Place {
  readonly host?: string;
  readonly port: number;
  readonly path?: string;
  readonly secure: boolean;
}

/** @throws {TypeError} for what is no URL */
function placeOf(text: string): Place {
  const url = new URL(text);
  if (url.protocol === 'unix:') return { path: decodeURIComponent(url.pathname), port: 0, secure: false };
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    secure: url.protocol === 'rediss:',
  };
}

function tlsOf({ caFile, certFile, keyFile, serverName }: RedisOptions['tls']): ConnectionOptions {
  return {
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}
