import { z } from 'zod';
import type { Guard } from '../../guard/guard.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { notFound } from './problem.js';

const at = z.number().describe('epoch milliseconds');

const refusals = named(
  'Refusals',
  z.object({
    counts: z
      .array(z.object({ what: z.string(), reason: z.string(), count: z.int() }))
      .describe('since the start, by what was asked for and why it was refused'),
    banned: z.array(
      z.object({ address: z.string().describe('IPv6: a whole /64'), reason: z.string(), since: at, until: at }),
    ),
    latest: z.array(
      z.object({
        at,
        what: z.string().describe('a SIP method, or push'),
        reason: z.string(),
        source: z.string(),
        about: z.string().optional(),
        status: z.int().describe('what was answered; 0: nothing'),
      }),
    ),
  }),
);

export type RefusalsView = z.infer<typeof refusals>;

/** `/v1/refusals`, `/v1/bans/:address`: what strangers, phones and trunks asked for in vain. */
export function refusalRoutes({ refusals: noted, bans }: Pick<Guard, 'refusals' | 'bans'>): RoutePlugin {
  return (server) => {
    server.get(
      '/v1/refusals',
      {
        config: { scope: 'status:read' },
        schema: {
          operationId: 'getRefusals',
          summary: 'What was refused, to whom and why, and which addresses are banned',
          tags: ['status'],
          security: security('status:read'),
          response: { 200: refusals.describe('The latest first.'), ...problems(...REFUSALS) },
        },
      },
      () => ({ counts: [...noted.counts], banned: [...bans.list], latest: [...noted.latest] }),
    );
    server.delete(
      '/v1/bans/:address',
      {
        config: { scope: 'operations:write' },
        schema: {
          operationId: 'liftBan',
          summary: 'Lift the ban of an address before it ends by itself',
          tags: ['operations'],
          security: security('operations:write'),
          params: z.object({ address: z.string().min(1).max(64) }),
          response: { 204: z.null().describe('It is lifted.'), ...problems(400, 404, ...REFUSALS) },
        },
      },
      async ({ params }, reply) => {
        if (!bans.lift(params.address)) throw notFound(`ban of ${params.address}`);
        return reply.code(204).send(null);
      },
    );
  };
}
