import { z } from 'zod';
import type { Metrics } from '../metrics/metrics.js';
import type { RoutePlugin } from './api.js';
import { problems, REFUSALS, security } from './openapi.js';

/** `/metrics` for Prometheus. */
export function metricsRoutes(metrics: Metrics): RoutePlugin {
  return (server) => {
    server.get(
      '/metrics',
      {
        config: { scope: 'status:read' },
        schema: {
          operationId: 'metrics',
          summary: 'Figures for Prometheus',
          tags: ['status'],
          security: security('status:read'),
          response: {
            200: { description: 'Text exposition format.', content: { 'text/plain': { schema: z.string() } } },
            ...problems(...REFUSALS),
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
