import { Metrics } from '../metrics/metrics.js';
import type { RoutePlugin } from './api.js';
import { callControlRoutes } from './call-control.js';
import { callRoutes } from './calls.js';
import { controlRoutes } from './control-routes.js';
import { dashboardRoutes } from './dashboard.js';
import { deviceHistoryRoutes } from './device-history.js';
import { deviceRoutes } from './device-routes.js';
import { eventRoutes } from './events.js';
import { healthRoutes } from './health.js';
import { logRoutes } from './logs.js';
import { messageRoutes } from './message-routes.js';
import { metricsRoutes } from './metrics-routes.js';
import { notificationRoutes } from './notification-routes.js';
import type { ApiParts } from './open.js';
import { overviewRoutes } from './overview.js';
import { preferenceRoutes } from './preference-routes.js';
import { refusalRoutes } from './refusal-routes.js';
import { refusedTokenRoutes } from './refused-token-routes.js';
import { userRoutes } from './user-routes.js';
import { wakeTestRoutes } from './wake-test.js';

/** All that the API serves. */
export function routesOf(parts: ApiParts): readonly RoutePlugin[] {
  const { operations, readiness, clock } = parts;
  return [
    healthRoutes(readiness),
    userRoutes(parts),
    preferenceRoutes(parts),
    deviceRoutes(parts),
    refusedTokenRoutes(parts),
    deviceHistoryRoutes(operations.deviceHistory, parts.domains),
    notificationRoutes(parts),
    messageRoutes(parts),
    controlRoutes(parts.control),
    metricsRoutes(new Metrics(parts.measured), parts.config.metricsWithoutToken),
    overviewRoutes(operations, readiness, clock),
    refusalRoutes(operations.guard),
    callRoutes(operations),
    callControlRoutes(operations, clock),
    wakeTestRoutes(operations.wakeTests, clock, parts.domains),
    eventRoutes(operations.changes, clock),
    logRoutes(parts.recentLog, clock),
    dashboardRoutes(parts.log),
  ];
}
