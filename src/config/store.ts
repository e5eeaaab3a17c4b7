import { z } from 'zod';
import { DEFAULT_REDIS } from '../store/redis/options.js';
import { formatDuration } from './duration.js';
import { duration, flag, listOf, oneOf, pattern, text, whole } from './fields.js';

const REDIS_URL = /^(rediss?:\/\/(\[[0-9a-f:.]+\]|[^\s/@:?#[\]]+)(:\d{1,5})?\/?|unix:\/\/\/[^\s?#]+)$/i;
const REDIS_URL_WORDS =
  'redis://host:6379, rediss://host:6379 (TLS) or unix:///path/of/socket; user, password and database have settings of their own';

const redis = z
  .strictObject({
    mode: oneOf(['standalone', 'sentinel', 'cluster']).default(DEFAULT_REDIS.mode),
    /** Of the server; of the Sentinels; of some nodes of the cluster. */
    urls: listOf(pattern(REDIS_URL, REDIS_URL_WORDS), REDIS_URL_WORDS).default(['redis://127.0.0.1:6379']),
    database: whole(0, 15).default(DEFAULT_REDIS.database),
    /** Of an ACL; without it the user `default`. */
    username: text('the name of a user of Redis').exactOptional(),
    password: text("the password of Redis's user").exactOptional(),
    sentinel: z
      .strictObject({
        /** What the Sentinels call the server. */
        name: text('the name that the Sentinels have for the server').default(DEFAULT_REDIS.sentinel.name),
        username: text('the name of a user of the Sentinels').exactOptional(),
        password: text("the password of the Sentinels' user").exactOptional(),
      })
      .prefault({}),
    /** With `rediss`. */
    tls: z
      .strictObject({
        /** Authorities to trust instead of the system's, PEM. */
        caFile: text('the path of a file with certificates, PEM').exactOptional(),
        /** Shown to Redis. */
        certFile: text('the path of a certificate, PEM').exactOptional(),
        keyFile: text('the path of a private key, PEM').exactOptional(),
        /** The name that Redis's certificate must have, if not the host's. */
        serverName: text('a server name').exactOptional(),
      })
      .prefault({}),
    /** What all keys begin with. */
    prefix: pattern(/^[\w:.-]{0,64}$/, 'letters, digits, colons, dots and dashes').default(DEFAULT_REDIS.prefix),
    timeout: duration('100ms', '10s', formatDuration(DEFAULT_REDIS.timeout)),
    whenAway: oneOf(['accept', 'refuse']).default(DEFAULT_REDIS.whenAway),
    maxQueued: whole(0, 10_000_000).default(DEFAULT_REDIS.maxQueued),
    replicas: whole(0, 10).default(DEFAULT_REDIS.replicas),
    replicaTimeout: duration('10ms', '9s', formatDuration(DEFAULT_REDIS.replicaTimeout)),
  })
  .superRefine(({ mode, urls, database, tls, timeout, replicas, replicaTimeout, whenAway }, context) => {
    const wrong = (path: (string | number)[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    if (mode === 'standalone' && urls.length > 1) wrong(['urls'], 'one URL (more are for mode sentinel or cluster)');
    urls.forEach((url, index) => {
      if (mode !== 'standalone' && /^unix:/i.test(url))
        wrong(['urls', index], 'redis:// or rediss:// (with this mode)');
    });
    if (new Set(urls.map((url) => url.split(':', 1)[0]?.toLowerCase())).size > 1) {
      wrong(['urls'], 'redis:// or rediss:// throughout');
    }
    if (mode === 'cluster' && database !== 0) wrong(['database'], '0 (a Redis Cluster has no other)');
    if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
      wrong(['tls', tls.certFile === undefined ? 'certFile' : 'keyFile'], 'the path of a PEM file (both or neither)');
    }
    if (replicas > 0 && mode === 'cluster') wrong(['replicas'], '0 (with mode cluster)');
    if (replicas > 0 && replicaTimeout >= timeout) {
      wrong(['replicaTimeout'], `shorter than timeout (${formatDuration(timeout)})`);
    }
    if (replicas > 0 && whenAway === 'accept') {
      wrong(
        ['replicas'],
        '0, unless whenAway is refuse: what is accepted without Redis need not wait for its replicas',
      );
    }
  });

/** What outlives the process. */
export const store = z.strictObject({
  kind: oneOf(['lmdb', 'memory', 'redis']).default('lmdb'),
  path: text('the path of a folder').default('./data'),
  /** Wait for the disk at every write. */
  durable: flag().default(true),
  /** How many AORs are kept in memory. */
  cache: whole(0, 100_000_000).default(20_000),
  redis: redis.prefault({}),
});
