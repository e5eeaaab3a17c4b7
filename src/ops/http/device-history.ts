import { z } from 'zod';
import type { DeviceHistory } from '../device-history.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { aorSchema, plain, time } from './schemas.js';

const event = named(
  'DeviceEvent',
  z.object({
    at: time,
    what: z.enum(['registered', 'refused', 'call', 'push', 'wake-test']),
    text: z.string().describe('in words'),
    times: z.int().describe('how often in a row; `at` is the last time'),
    callUuid: z.string().optional(),
  }),
);

export type DeviceEventJson = z.infer<typeof event>;

/** `/v1/devices/{aor}/{id}/history`: what happened lately to a phone. */
export function deviceHistoryRoutes(history: DeviceHistory, domains: readonly string[]): RoutePlugin {
  return (server) => {
    server.get(
      '/v1/devices/:aor/:id/history',
      {
        config: { scope: 'devices:read' },
        schema: {
          operationId: 'getDeviceHistory',
          summary: 'What happened to a phone since the process began, the newest first',
          description: 'The last 20 events of each of the last 5000 phones that something happened to.',
          tags: ['devices'],
          security: security('devices:read'),
          params: z.object({ aor: aorSchema(domains), id: z.string().min(1).max(128) }),
          response: {
            200: z.object({ items: z.array(event) }).describe('Empty when nothing is known.'),
            ...problems(400, ...REFUSALS),
          },
        },
      },
      ({ params: { aor, id } }) => ({ items: plain(history.of(aor, id)) }),
    );
  };
}
