import { z } from 'zod';
import type { Metrics } from '../metrics/metrics.js';
import type { RoutePlugin } from './api.js';
import { problems, REFUSALS, security } from './openapi.js';

/** `/metrics` for Prometheus; `open`: for everybody. */
export function metricsRoutes(metrics: Metrics, open: boolean): RoutePlugin {
  const scope = open ? 'none' : 'status:read';
  return (server) => {
    server.get(
      '/metrics',
      {
        config: { scope },
        schema: {
          operationId: 'metrics',
          summary: 'Figures for Prometheus',
          tags: ['status'],
          security: security(scope),
          response: {
            200: { description: 'Text exposition format.', content: { 'text/plain': { schema: z.string() } } },
            ...problems(...(open ? [429] : REFUSALS)),
          },
        },
      },
      async (_request, reply) => {
        const text = await metrics.text();
        return reply.type(metrics.contentType as 'text/plain').send(text);
      },
    );
  };
}
