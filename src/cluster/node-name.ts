import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/schema.js';

/** The variable that tells an app which of the workers of this machine it is. */
export const WORKER_VARIABLE = 'CALLWAKE_WORKER';

/** The name of this process among all of the site: the configured one or the machine's, with the number of the worker. */
export function nodeName(config: Pick<Config, 'cluster'>, env: Readonly<Record<string, string | undefined>>): string {
  const node = config.cluster.node ?? hostname();
  const worker = env[WORKER_VARIABLE];
  return worker === undefined ? node : `${node}.${worker}`;
}

/**
 * The configuration as it is for one of several workers: each has an API port of its own, the first one the configured, and a folder of
 * its own for what it writes about calls.
 */
export function forWorker(config: Config, env: Readonly<Record<string, string | undefined>>): Config {
  const worker = Number(env[WORKER_VARIABLE] ?? 1);
  if (!Number.isInteger(worker) || worker < 2) return config;
  const { api, timeline } = config;
  return {
    ...config,
    api: { ...api, port: api.port === 0 ? 0 : api.port + worker - 1 },
    timeline: {
      ...timeline,
      ...(timeline.folder !== undefined && { folder: join(timeline.folder, `worker-${worker}`) }),
    },
  };
}
