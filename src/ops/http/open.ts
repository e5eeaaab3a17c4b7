import type { Clock } from '../../clock/clock.js';
import type { ApiConfig } from '../../config/schema.js';
import type { DeviceLookup } from '../../devices/search/open.js';
import type { Logger } from '../../log/logger.js';
import type { RecentLog } from '../../log/recent.js';
import { fromNowOn } from '../metrics/early.js';
import type { Measured } from '../metrics/metrics.js';
import type { Operations } from '../operations.js';
import type { Api } from './api.js';
import type { Control } from './control-routes.js';
import type { Readiness } from './health.js';
import type { MessageParts } from './message-routes.js';
import type { NotificationParts } from './notification-routes.js';
import type { PreferenceParts } from './preference-routes.js';
import type { UserParts } from './user-routes.js';

/** What the API serves, and the rest it needs. */
export interface ApiParts extends UserParts, PreferenceParts, NotificationParts, MessageParts {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lookup: DeviceLookup;
  readonly readiness: Readiness;
  readonly operations: Operations;
  /** The same for metrics. */
  readonly measured: Measured;
  readonly control: Control;
  readonly recentLog: RecentLog;
}

const OFF: Api = { reload() {}, close: async () => {} };

/**
 * Starts the HTTP API, if it is configured, without waiting for it: its parts are loaded only then. Faults of its start are logged, as
 * calls go on without it.
 */
export function openApi(parts: Omit<ApiParts, 'measured'>): Api {
  const { config, clock, log } = parts;
  if (!config.enabled) return OFF;
  const measured = fromNowOn(parts.operations);
  const starting = Promise.all([import('./api.js'), import('./routes.js')]).then(([{ startApi }, { routesOf }]) =>
    startApi({ config, clock, log, routes: routesOf({ ...parts, measured }) }),
  );
  let running = OFF;
  const started = starting.then(
    (api) => {
      running = api;
    },
    (error: unknown) => log.error('api not started', { error }),
  );
  return {
    reload: (changed) => running.reload(changed),
    async close() {
      await started;
      await running.close();
    },
  };
}
