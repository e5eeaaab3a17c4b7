import { z } from 'zod';
import type { RoutePlugin } from './api.js';
import { problems, security } from './openapi.js';
import { Problem } from './problem.js';

/** What callwake needs to take calls. */
export interface Readiness {
  /** What is missing at the moment, in words; empty when ready. Never rejects. */
  missing(): Promise<readonly string[]>;
  /** What does not work as it should while calls are taken all the same, in words. */
  impaired?(): readonly string[];
}

/** Seconds. */
const TRY_AGAIN = '5';

/** `/live` and `/ready`, for whoever starts, watches and balances. */
export function healthRoutes(readiness: Readiness): RoutePlugin {
  return (server) => {
    server.get(
      '/live',
      {
        config: { scope: 'none' },
        schema: {
          operationId: 'live',
          summary: 'Is the process alive?',
          tags: ['status'],
          security: security('none'),
          response: {
            200: z
              .object({ status: z.literal('live') })
              .describe('It is.')
              .meta({ examples: [{ status: 'live' }] }),
            ...problems(429),
          },
        },
      },
      () => ({ status: 'live' as const }),
    );
    server.get(
      '/ready',
      {
        config: { scope: 'none' },
        schema: {
          operationId: 'ready',
          summary: 'Does it take new calls? If not, the problem says what is missing.',
          tags: ['status'],
          security: security('none'),
          response: {
            200: z
              .object({
                status: z.literal('ready'),
                impaired: z.array(z.string()).optional().describe('What does not work as it should.'),
              })
              .describe('It does.')
              .meta({ examples: [{ status: 'ready' }] }),
            ...problems(429, 503),
          },
        },
      },
      async () => {
        const missing = await readiness.missing();
        const impaired = readiness.impaired?.() ?? [];
        if (missing.length === 0) {
          return { status: 'ready' as const, ...(impaired.length > 0 && { impaired: [...impaired] }) };
        }
        const detail = `Takes no new calls: ${missing.join('; ')}.`;
        throw new Problem(503, detail, { headers: { 'retry-after': TRY_AGAIN }, more: { missing } });
      },
    );
  };
}
