import { z } from 'zod';
import type { Clock } from '../../clock/clock.js';
import type { RecentLog } from '../../log/recent.js';
import type { RoutePlugin } from './api.js';
import { EventStream } from './event-stream.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { Problem } from './problem.js';

/** How many may follow at once. */
const MAX_LISTENERS = 20;

const LEVELS = 'debug, info, warn or error';
const level = z.enum(['debug', 'info', 'warn', 'error'], { error: LEVELS });

const line = named(
  'LogLine',
  z
    .looseObject({ time: z.string().describe('ISO 8601'), level, event: z.string() })
    .describe('what else belongs to the event are further members'),
);

const query = z.strictObject({
  level: level.exactOptional().describe('this one and worse ones'),
  text: z.string().max(200).exactOptional().describe('somewhere in the line'),
  callUuid: z.string().max(100).exactOptional(),
  since: z.coerce.number({ error: 'epoch milliseconds' }).exactOptional().describe('epoch milliseconds'),
  limit: z.coerce
    .number({ error: '0 to 1000' })
    .int({ error: '0 to 1000' })
    .min(0, { error: '0 to 1000' })
    .max(1000, { error: '0 to 1000' })
    .default(200),
});

/** `/v1/logs`: the latest lines of the log, and with `Accept: text/event-stream` those that come. */
export function logRoutes(log: RecentLog, clock: Clock): RoutePlugin {
  return (server) => {
    const streams = new Set<EventStream>();
    server.addHook('preClose', async () => {
      for (const stream of streams) stream.end();
    });
    server.get(
      '/v1/logs',
      {
        config: { scope: 'logs:read' },
        schema: {
          operationId: 'listLogLines',
          summary: 'The latest lines of the log in the order in which they were written',
          description:
            'As many as `log.keep` in the configuration says are kept, of the levels that are logged. With `Accept: text/event-stream` ' +
            'each is an event `line`, and those that come later follow.',
          tags: ['status'],
          security: security('logs:read'),
          querystring: query,
          response: {
            200: z.object({ lines: z.array(line) }).describe('The lines.'),
            ...problems(400, ...REFUSALS, 503),
          },
        },
      },
      async ({ query: { limit, ...filter }, headers }, reply) => {
        const lines = log.find(filter, limit);
        if (!/\btext\/event-stream\b/.test(headers.accept ?? '')) return { lines: [...lines] };
        if (log.listeners >= MAX_LISTENERS) {
          throw new Problem(503, `${MAX_LISTENERS} follow the log already.`, { headers: { 'retry-after': '30' } });
        }
        let stop = (): void => {};
        const stream = new EventStream(reply, clock, () => {
          stop();
          streams.delete(stream);
        });
        streams.add(stream);
        for (const entry of lines) stream.send('line', entry);
        const { since: _, ...wanted } = filter;
        stop = log.listen(wanted, (entry) => stream.send('line', entry));
        return reply;
      },
    );
  };
}
