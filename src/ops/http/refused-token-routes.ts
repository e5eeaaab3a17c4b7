import { z } from 'zod';
import type { Provisioning } from '../../devices/provisioning.js';
import type { DeviceLookup } from '../../devices/search/open.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { instant, page, pageOf, plain, time } from './schemas.js';

const refused = named(
  'RefusedToken',
  z.object({
    at: time,
    aor: z.string(),
    device: z.string(),
    platform: z.enum(['iphone', 'ipad', 'other']),
    deviceName: z.string().optional(),
    userAgent: z.string().optional(),
    kind: z.enum(['voip', 'alert']),
    bundleId: z.string(),
    reason: z.string().describe("Apple's word, such as `Unregistered`"),
    replaced: z.boolean().describe('the phone has a token of that kind again'),
  }),
);

export type RefusedTokenJson = z.infer<typeof refused>;

export interface RefusedTokenParts {
  readonly provisioning: Provisioning;
  readonly lookup: Pick<DeviceLookup, 'endedTokens'>;
}

/** `/v1/refused-tokens`: phones whose token Apple refused for good. */
export function refusedTokenRoutes({ provisioning, lookup }: RefusedTokenParts): RoutePlugin {
  return (server) => {
    server.get(
      '/v1/refused-tokens',
      {
        config: { scope: 'devices:read' },
        schema: {
          operationId: 'listRefusedTokens',
          summary: 'Phones whose token Apple refused for good in the last 90 days, the oldest first',
          tags: ['devices'],
          security: security('devices:read'),
          querystring: z.strictObject({ ...page, since: z.preprocess(whole, instant).optional() }),
          response: { 200: pageOf(refused).describe('A page of them.'), ...problems(400, ...REFUSALS) },
        },
      },
      async ({ query: { since = 0, after, limit } }) => {
        const { items, ...rest } = await lookup.endedTokens.list(since, after, limit);
        const shown = items.map(async (entry) => {
          const devices = await provisioning.devicesOf(entry.aor);
          const device = devices.find(({ id }) => id === entry.device);
          return { ...entry, replaced: device?.tokens.some(({ kind }) => kind === entry.kind) ?? false };
        });
        return plain({ items: await Promise.all(shown), ...rest });
      },
    );
  };
}

/** Epoch milliseconds come as text in a query. */
const whole = (value: unknown): unknown => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value);
