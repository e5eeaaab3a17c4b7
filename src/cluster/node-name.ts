import { hostname } from 'node:os';
import type { Config } from '../config/schema.js';

/** The variable that tells an app which of the workers of this machine it is. */
export const WORKER_VARIABLE = 'CALLWAKE_WORKER';

/** The name of this process among all of the site: the configured one or the machine's, with the number of the worker. */
export function nodeName(config: Pick<Config, 'cluster'>, env: Readonly<Record<string, string | undefined>>): string {
  const node = config.cluster.node ?? hostname();
  const worker = env[WORKER_VARIABLE];
  return worker === undefined ? node : `${node}.${worker}`;
}
