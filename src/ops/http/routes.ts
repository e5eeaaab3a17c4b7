import type { RoutePlugin } from './api.js';
import { callRoutes } from './calls.js';
import { dashboardRoutes } from './dashboard.js';
import { eventRoutes } from './events.js';
import { healthRoutes } from './health.js';
import type { ApiParts } from './open.js';
import { overviewRoutes } from './overview.js';
import { wakeTestRoutes } from './wake-test.js';

/** All that the API serves. */
export function routesOf({ operations, readiness, clock }: ApiParts): readonly RoutePlugin[] {
  return [
    healthRoutes(readiness),
    overviewRoutes(operations, readiness, clock),
    callRoutes(operations),
    wakeTestRoutes(operations.wakeTests, clock),
    eventRoutes(operations.changes, clock),
    dashboardRoutes(),
  ];
}
